"""Thresholds of the checks of data: just below, at and just above, and what must not be called a fault."""

import pytest
from tests.checks.data.sound import found_in

HIM = "USUBJID: D-01"


def lab(test, value, day="2026-04-14", seq=90, more=""):
    return f"LB: [{{ {HIM}, LBSEQ: {seq}, LBTESTCD: {test}, LBORRES: '{value}', LBDTC: '{day}'{more} }}]"


def bilirubins(*values):
    """Four results or more of a man without others, a week apart, in µmol/L."""
    rows = [
        f"{{ {HIM}, LBSEQ: {24 + n}, LBTESTCD: BILI, LBORRES: {value}, LBORRESU: umol/L, LBDTC: 2026-01-{12 + n} }}"
        for n, value in enumerate(values)
    ]
    return f"LB: [{', '.join(rows)}]"


def converted(reported, standard, unit="mg/dL"):
    more = f", LBORRESU: {unit}, LBSTRESN: {standard}, LBSTRESU: umol/L, LBSTRESC: '{standard}'"
    return lab("BILI", reported, more=more)


def viral_loads(before, value, after):
    days = ("2026-02-17", "2026-03-17", "2026-04-14")
    rows = [
        f"{{ {HIM}, LBSEQ: {seq}, LBTESTCD: HBVVLD, LBORRES: '{number}', LBORRESU: IU/mL, LBDTC: {day}, LBLLOQ: 1 }}"
        for seq, number, day in zip((12, 13, 14), (before, value, after), days, strict=True)
    ]
    return f"LB: [{', '.join(rows)}]"


def again(**more):
    """The dose of 17 March once more, under another number."""
    said = {
        "EXTRT": "Durvalumab",
        "EXDOSE": 1500,
        "EXDOSU": "mg",
        "EXSTDTC": "2026-03-17",
        "EXENDTC": "2026-03-17",
    } | more
    return f"EX: [{{ {HIM}, EXSEQ: 70, {', '.join(f'{name}: {value}' for name, value in said.items())} }}]"


def small_target(mm, organ="LIVER"):
    """The second target at baseline and later, with sums to match."""
    rest = f"{{ {HIM}, TRSEQ: 5, TRSTRESN: {mm} }}, {{ {HIM}, TRSEQ: 3, TRSTRESN: {40 + mm} }}, {{ {HIM}, TRSEQ: 6, TRSTRESN: {40 + mm} }}"
    return f"TU: [{{ {HIM}, TUSEQ: 2, TULOC: {organ} }}]\nTR: [{{ {HIM}, TRSEQ: 2, TRSTRESN: {mm} }}, {rest}]"


def targets_later(first, second, response):
    rows = [
        f"{{ {HIM}, TRSEQ: {seq}, TRSTRESN: {mm} }}"
        for seq, mm in ((4, first), (5, second), (6, first + second))
    ]
    return f"TR: [{', '.join(rows)}]\nRS: [{{ {HIM}, RSSEQ: 1, RSSTRESC: {response} }}]"


@pytest.mark.parametrize(
    ("code", "patch", "is_found"),
    [
        # 1.2 mg/dL x 17.1037 = 20.5244 umol/L; 1 % of it is 0.205
        pytest.param("conversion-wrong", converted(1.2, 20.72), False, id="converted within 1 %"),
        pytest.param("conversion-wrong", converted(1.2, 20.74), True, id="converted beyond 1 %"),
        pytest.param("conversion-wrong", converted(0.1, 2), False, id="1.71 rounded to 2"),
        pytest.param("conversion-wrong", converted(0.1, 3), True, id="1.71 is not 3 by rounding"),
        pytest.param("conversion-wrong", converted(14, 14, "umol/L"), False, id="nothing to convert"),
        pytest.param("conversion-wrong", converted("<14", 14, "umol/L"), True, id="the sign was lost"),
        pytest.param("conversion-wrong", converted("<14", "<14", "umol/L").replace("LBSTRESN: <14, ", ""), False, id="the sign was kept"),
        pytest.param("conversion-wrong", converted("<14", 7, "umol/L").replace("STRESN: 7", "STRESN: 7, LBLLOQ: 14"), False, id="a number for what is below the limit"),
        # 17.1037 away from the median 13; a factor of 1.5 either side is 0.507 to 1.140, and spread 2 of the others
        pytest.param("looks-unconverted", bilirubins(12, 13, 14, 1.14), True, id="17.1 times less, within 1.5"),
        pytest.param("looks-unconverted", bilirubins(12, 13, 14, 1.141), False, id="not as far as the factor"),
        pytest.param("looks-unconverted", bilirubins(12, 13, 14, 0.507), True, id="farther, within 1.5"),
        pytest.param("looks-unconverted", bilirubins(12, 13, 14, 0.506), False, id="farther than the factor"),
        pytest.param("looks-unconverted", bilirubins(12, 13, 14, 222), True, id="17.1 times more"),
        pytest.param("looks-unconverted", bilirubins(10, 13, 20, 0.76), True, id="others within a factor of 2"),
        pytest.param("looks-unconverted", bilirubins(10, 13, 20.1, 0.76), False, id="others spread too far"),
        # a logarithm among numbers
        pytest.param("logarithm-as-number", viral_loads(4200, 4.5, 3000), True, id="4.5 beside thousands"),
        pytest.param("logarithm-as-number", viral_loads(4200, 1, 101), False, id="1 is 1.004 from log 101"),
        pytest.param("logarithm-as-number", viral_loads(10000, 3, 10000), True, id="exactly 1 away"),
        pytest.param("logarithm-as-number", viral_loads(10000, 2.99, 10000), False, id="more than 1 away"),
        pytest.param("logarithm-as-number", viral_loads(99, 1.5, 99), False, id="neighbours are low themselves"),
        pytest.param("logarithm-as-number", viral_loads(101, 1.5, 50), True, id="one neighbour just above 100"),
        pytest.param("logarithm-as-number", viral_loads(10**9, 9.99, 10**9), True, id="just below 10"),
        pytest.param("logarithm-as-number", viral_loads(10**9, 10, 10**9), False, id="10 is taken as a number"),
        pytest.param("logarithm-as-number", viral_loads(4200, "<5", 3000), False, id="a comparator says it is none"),
        # limits of the assay
        pytest.param(
            "below-the-assays-limit", lab("HBVVLD", 19.9, more=", LBORRESU: IU/mL"), True, id="limit of the protocol's assay"
        ),
        pytest.param(
            "below-the-assays-limit", lab("HBVVLD", 19.9, more=", LBORRESU: IU/mL, LBLLOQ: 10"), False, id="the record's own"
        ),
        pytest.param(
            "below-the-assays-limit", lab("HBVVLD", "<20", more=", LBORRESU: IU/mL"), False, id="reported as below"
        ),
        pytest.param("below-the-assays-limit", lab("HBVVLD", 0, more=", LBORRESU: IU/mL"), False, id="0 is not detected"),
        pytest.param("above-the-assays-limit", lab("HBVVLD", 170000000, more=", LBORRESU: IU/mL"), False, id="at the limit"),
        pytest.param("above-the-assays-limit", lab("HBVVLD", 170000001, more=", LBORRESU: IU/mL"), True, id="above it"),
        pytest.param("above-the-assays-limit", lab("HBVVLD", ">170000000", more=", LBORRESU: IU/mL"), False, id="said"),
        # limits of plausibility in another unit: 87.71 mg/dL is 1500.2 umol/L
        pytest.param(
            "implausible-result", lab("BILI", 87.7, more=", LBORRESU: mg/dL, LBSTRESU: mg/dL"), False, id="1499.99 umol/L"
        ),
        pytest.param(
            "implausible-result", lab("BILI", 87.71, more=", LBORRESU: mg/dL, LBSTRESU: mg/dL"), True, id="1500.2 umol/L"
        ),
        # limits of normal: 40 and 1 % of it
        pytest.param("normal-limits-change", f"LB: [{{ {HIM}, LBSEQ: 3, LBSTNRHI: 40.4 }}]", False, id="1 % of 40"),
        pytest.param("normal-limits-change", f"LB: [{{ {HIM}, LBSEQ: 3, LBSTNRHI: 40.5 }}]", True, id="beyond 1 %"),
        pytest.param(
            "normal-limits-change", f"LB: [{{ {HIM}, LBSEQ: 3, LBSTNRHI: 55, LBNAM: Elsewhere }}]", False, id="another laboratory"
        ),
        pytest.param(
            "normal-flag-contradicts",
            lab("BILI", 1.2, more=", LBORRESU: mg/dL, LBORNRHI: '1.2', LBORNRLO: '0.1', LBSTRESN: 20.52, LBSTRESU: umol/L,"
                " LBSTNRLO: 1.7, LBSTNRHI: 20.5, LBNRIND: NORMAL"),
            False,
            id="above the limit by rounding only",
        ),
        # two results of one moment
        pytest.param("results-differ", lab("ALT", 310, "2026-02-17", more=", LBORRESU: U/L, LBSPEC: SALIVA"), False, id="specimens"),
        pytest.param("results-differ", lab("ALT", 310, "2026-02-17T08:00", more=", LBORRESU: U/L"), False, id="a time is told"),
        pytest.param("results-differ", lab("HBSAG", 250, "2026-01-12", more=", LBORRESU: IU/mL"), False, id="number beside word"),
        # lesions
        pytest.param("target-too-small", small_target(14.9, "LYMPH NODE"), True, id="a node of 14.9 mm"),
        pytest.param("target-too-small", small_target(15, "LYMPH NODE"), False, id="a node of 15 mm"),
        pytest.param("target-too-small", small_target(9.9), True, id="a lesion of 9.9 mm"),
        pytest.param("target-too-small", small_target(10), False, id="a lesion of 10 mm"),
        pytest.param("sum-not-of-its-lesions", f"TR: [{{ {HIM}, TRSEQ: 6, TRSTRESN: 61 }}]", False, id="a sum 1 mm off"),
        pytest.param("sum-not-of-its-lesions", f"TR: [{{ {HIM}, TRSEQ: 6, TRSTRESN: 61.1 }}]", True, id="1.1 mm off"),
        pytest.param("sum-not-of-its-lesions", f"TR: [{{ {HIM}, TRSEQ: 6, TRSTRESN: 59 }}]", False, id="a sum 1 mm short"),
        pytest.param("sum-not-of-its-lesions", f"TR: [{{ {HIM}, TRSEQ: 6, TRSTRESN: 6, TRSTRESU: cm }}]", False, id="60 mm in cm"),
        # 62 mm at baseline: partial response at 43.4 (30 % less), progression at 74.4 (20 % more, and 5 mm)
        pytest.param("response-contradicts-sums", targets_later(30, 13.4, "PR"), False, id="30 % less is partial response"),
        pytest.param("response-contradicts-sums", targets_later(30, 13.5, "PR"), True, id="less than 30 % less is not"),
        pytest.param("response-contradicts-sums", targets_later(50, 24.4, "PD"), False, id="20 % more is progression"),
        pytest.param("response-contradicts-sums", targets_later(50, 24.3, "PD"), True, id="less than 20 % more is not"),
        pytest.param("response-contradicts-sums", targets_later(50, 24.3, "SD"), False, id="but stable disease"),
        pytest.param("response-contradicts-sums", targets_later(0, 0, "CR"), False, id="nothing left is complete"),
        pytest.param("response-contradicts-sums", targets_later(50, 24.4, "NE"), False, id="who could not judge says nothing"),
        # exposure
        pytest.param(
            "overlapping-doses", f"EX: [{{ {HIM}, EXSEQ: 60, EXSTDTC: 2026-03-17 }}]", False, id="two drugs on one day"
        ),
        pytest.param("dose-twice", again(), True, id="the same again"),
        pytest.param("overlapping-doses", again(), False, id="the same again is told once"),
        pytest.param("dose-twice", again(EXDOSE=750), False, id="another amount of the same day"),
        pytest.param("overlapping-doses", again(EXDOSE=750), True, id="another amount of the same day"),
        pytest.param("dose-twice", again(EXSTDTC="2026-03"), False, id="the same month is not the same day"),
        pytest.param("dose-twice", again(EXDOSE=0), False, id="one that was not given"),
        pytest.param(
            "interval-too-short", f"EX: [{{ {HIM}, EXSEQ: 3, EXSTDTC: 2026-03 }}]", False, id="the day is not known"
        ),
        pytest.param("dose-not-planned", f"EX: [{{ {HIM}, EXSEQ: 1, EXDOSE: 1.5, EXDOSU: g }}]", False, id="1.5 g is 1500 mg"),
        pytest.param("dose-not-planned", f"EX: [{{ {HIM}, EXSEQ: 1, EXDOSE: 1500, EXDOSU: mL }}]", True, id="1500 mL is not"),
        pytest.param("dose-not-planned", f"EX: [{{ {HIM}, EXSEQ: 1, EXDOSE: 0, EXADJ: held }}]", False, id="not given is no dose"),
        # death
        pytest.param("record-after-death", lab("ALT", 31, "2026-03").replace("D-01", "D-02"), False, id="some day of the month"),
        pytest.param("record-after-death", lab("ALT", 31, "2026-04").replace("D-01", "D-02"), True, id="surely after"),
        pytest.param("end-after-death", "AE: [{ USUBJID: D-02, AESEQ: 1, AEENDTC: 2026-03 }]", False, id="an end in that month"),
        # age: born 2 May 1964, consent 5 January 2026
        pytest.param("age-contradicts-birth", f"DM: [{{ {HIM}, BRTHDTC: 1964-01-05, AGE: 62 }}]", False, id="62 that very day"),
        pytest.param(
            "age-contradicts-birth", f"DM: [{{ {HIM}, BRTHDTC: 1964-01-21, AGE: 62 }}]", True, id="62 a day after the first dose"
        ),
        pytest.param("age-contradicts-birth", f"DM: [{{ {HIM}, BRTHDTC: 1964, AGE: 61 }}]", False, id="the year leaves it open"),
        pytest.param("age-contradicts-birth", f"DM: [{{ {HIM}, BRTHDTC: 1964, AGE: 60 }}]", True, id="the year rules it out"),
        pytest.param("age-contradicts-birth", f"DM: [{{ {HIM}, BRTHDTC: ~, AGE: 5 }}]", False, id="nothing to compare"),
        # study days: RFSTDTC 2026-01-20
        pytest.param(
            "study-day-contradicts-date", f"AE: [{{ {HIM}, AESEQ: 1, AESTDTC: 2026-01-20, AESTDY: 1 }}]", False, id="day 1"
        ),
        pytest.param(
            "study-day-contradicts-date", f"AE: [{{ {HIM}, AESEQ: 1, AESTDTC: 2026-01-19, AESTDY: -1 }}]", False, id="day -1"
        ),
        pytest.param(
            "study-day-contradicts-date", f"AE: [{{ {HIM}, AESEQ: 1, AESTDTC: 2026-01-19, AESTDY: 0 }}]", True, id="no day 0"
        ),
        pytest.param(
            "study-day-contradicts-date", f"AE: [{{ {HIM}, AESEQ: 1, AESTDTC: 2026-01, AESTDY: 9 }}]", False, id="a month has none"
        ),
        # visits: each row of contacts has its own order
        pytest.param("visits-out-of-order", f"SV: [{{ {HIM}, VISITNUM: 101, SVSTDTC: 2026-01-15 }}]", False, id="other hundred"),
        pytest.param(
            "visits-out-of-order", f"SV: [{{ {HIM}, VISITNUM: 5, SVSTDTC: 2026-01-15, VISIT: SCAN 1 }}]", False, id="other name"
        ),
        pytest.param("visits-out-of-order", f"SV: [{{ {HIM}, VISITNUM: 5, SVSTDTC: 2026-01-15 }}]", True, id="same row"),
        pytest.param("visits-out-of-order", f"SV: [{{ {HIM}, VISITNUM: 5, SVSTDTC: 2026-03 }}]", False, id="some day in March"),
        # others' words
        pytest.param("after-withdrawal-of-consent", "", False, id="nobody withdrew"),
        pytest.param(
            "after-withdrawal-of-consent",
            f"DS: [{{ {HIM}, DSSEQ: 9, DSCAT: DISPOSITION EVENT, DSSCAT: ENTECAVIR, DSDECOD: WITHDRAWAL BY SUBJECT,"
            " DSSTDTC: 2026-02-01 }]",
            False,
            id="withdrew from treatment alone",
        ),
        pytest.param("unknown-level", lab("HBSAG", "NEG", "2026-04-14"), True, id="a word the protocol does not have"),
        pytest.param("disease-after-complete-response", "", False, id="no complete response"),
        pytest.param("death-without-cause", "AE: [{ USUBJID: D-02, AESEQ: 1, AESDTH: N, AETOXGR: '3', AEOUT: ~ }]\n"
            "DS: [{ USUBJID: D-02, DSSEQ: 9, DSCAT: DISPOSITION EVENT, DSSCAT: DURVALUMAB, DSDECOD: PROGRESSIVE DISEASE, "
            "DSSTDTC: 2026-02-20 }]", False, id="the tumour grew"),
    ],
)  # fmt: skip
def test_boundaries(code, patch, is_found):
    assert (code in {found for found, *_ in found_in("durvalumab", patch)}) == is_found
