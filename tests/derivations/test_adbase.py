"""ADBASE: what was known at the start, of every fact that analyses name; values worked by hand, and held against ADLB."""

from datetime import date, timedelta
from functools import cache

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.derivations.small_studies import Records, on_day

from trialwright.derivations.adbase import COLUMNS, baseline_frame, derive_adbase
from trialwright.derivations.adlb import derive_adlb
from trialwright.derivations.adsl import derive_adsl
from trialwright.derivations.events import known_facts
from trialwright.derivations.minutes import MET
from trialwright.derivations.study import make_study
from trialwright.derivations.study_facts import StudyFacts
from trialwright.design.virtual.simulation import simulate
from trialwright.protocol.loading import LoadedProtocol, load_protocol, parse_protocol
from trialwright.protocol.references import facts_named
from trialwright.protocol.rules import parse_rule
from trialwright.vocabulary.concepts import Kind

PRTRAS, DURVA = "nct07120750", "nct04294498"


load = cache(load_protocol)


def assigned(subject="1", records=None, **person):
    """Somebody whose group is assigned on study day 1."""
    return (records or Records()).person(subject, **person).milestone("group_assignment", on_day(1), subject)


def laboratory(records, test, when, value, unit, subject="1"):
    number = None if isinstance(value, str) else float(value)
    said = {
        "LBORRES": str(value),
        "LBORRESU": unit,
        "LBSTRESC": str(value),
        "LBSTRESN": number,
        "LBSTRESU": unit,
    }
    return records.add("LB", subject, LBTESTCD=test, LBDTC=when, **said)


def adbase_of(records, protocol=PRTRAS, **options):
    study = records.study_of(load(protocol) if isinstance(protocol, str) else protocol, **options)
    facts = StudyFacts.of(study)
    for anchor in study.protocol.anchors:
        facts.derive_dates(anchor)
    return derive_adbase(study, facts)


def rows_of(records, fact, protocol=PRTRAS, **options):
    """The rows of a fact by subject."""
    found = adbase_of(records, protocol, **options).filter(pl.col("PARAMCD") == fact.upper())
    return {row["USUBJID"]: row for row in found.iter_rows(named=True)}


def told(rows, *columns):
    return {subject: tuple(row[name] for name in columns) for subject, row in rows.items()}


def changed(name, old, new):
    loaded = load(name)
    text = (loaded.folder / "protocol.yaml").read_text(encoding="utf-8")
    assert old in text
    protocol, document = parse_protocol(text.replace(old, new, 1))
    return LoadedProtocol(protocol, document, loaded.folder)


def day(number):
    return date.fromisoformat(on_day(number))


# --- results ----------------------------------------------------------------------------------------------------------


def hbsag(cases):
    records = Records()
    for subject, results in cases.items():
        assigned(subject, records).series("hbsag_quantity", results, subject)
    return records


def test_the_last_known_at_the_start():
    rows = rows_of(
        hbsag({
            "the last before": {-20: 300, -5: 200},
            "the day itself counts": {-5: 200, 1: 150},
            "the day after does not": {-5: 200, 2: 150},
            "nothing before": {2: 150},
            "nothing at all": {},
        }),
        "hbsag_quantity",
    )  # fmt: skip
    assert told(rows, "AVAL", "AVALIMP", "REASON", "ADT") == {
        "the last before": (200, 200, None, day(-5)),
        "the day itself counts": (150, 150, None, day(1)),
        "the day after does not": (200, 200, None, day(-5)),
        "nothing before": (None, None, "missing", None),
        "nothing at all": (None, None, "missing", None),
    }
    assert set(told(rows, "AVALU", "BASETYPE", "PARTYPE").values()) == {("IU/mL", "at_time_zero", "number")}
    row = rows["the last before"]
    assert (row["SRCDOM"], row["SRCSEQ"], row["SRCALL"], row["PROTOCOL"]) == (
        "LB",
        2,
        "LB.2",
        "facts.hbsag_quantity",
    )


OLD = {"29 days": {-29: 200}, "28 days": {-28: 200}, "27 days": {-27: 200}}


def test_what_is_older_than_the_protocol_wants_is_used_and_flagged():
    assert told(rows_of(hbsag(OLD), "hbsag_quantity"), "AVAL", "BASEOLD", "REASON") == {
        "29 days": (200, "Y", None),
        "28 days": (200, None, None),
        "27 days": (200, None, None),
    }


def test_or_is_nobodys_where_the_protocol_says_so():
    loaded = changed(PRTRAS, "if missing: earlier result", "if missing: not evaluable")
    assert told(rows_of(hbsag(OLD), "hbsag_quantity", loaded), "AVAL", "AVALIMP", "REASON") == {
        "29 days": (None, None, "stale"),
        "28 days": (200, 200, None),
        "27 days": (200, 200, None),
    }


def test_a_result_below_the_limit_of_its_assay():
    """`<10` is from 0 to 10; the protocol lets half the limit stand for it in means."""
    row = rows_of(assigned().series("hbv_dna", {-5: "<10"}), "hbv_dna")["1"]
    assert (row["AVAL"], row["AVALC"], row["AVALLO"], row["AVALHI"]) == (None, "<10", 0, 10)
    assert (row["AVALIMP"], row["IMPMETH"], row["REASON"]) == (
        5,
        "half the limit",
        "censored across the threshold",
    )


def test_levels():
    cases = {
        "known": ([("present", -5)], "present", None),
        "however it is spelt": ([("PRESENT", -5)], "present", None),
        "the last": ([("present", -9), ("absent", -5)], "absent", None),
        "two of one day": ([("present", -5), ("absent", -5)], None, "conflict"),
        "two of one day that agree": ([("present", -5), ("present", -5)], "present", None),
        "no level of the fact": ([("perhaps", -5)], None, "unreadable"),
        "an older one never stands in": ([("present", -9), ("perhaps", -5)], None, "unreadable"),
    }
    records = Records()
    for subject, (findings, *_) in cases.items():
        assigned(subject, records)
        for value, when in findings:
            records.finding("cirrhosis", on_day(when), value, subject)
    rows = rows_of(records, "cirrhosis")
    assert told(rows, "AVALC", "REASON") == {name: tuple(wanted) for name, (_, *wanted) in cases.items()}
    assert set(told(rows, "AVAL", "PARTYPE").values()) == {(None, "level")}


def test_units_and_dates_that_leave_it_open():
    records = assigned().finding("tumour_size", on_day(-5), "28", FASTRESN=28.0, FASTRESU="stone")
    assigned("2", records).finding("tumour_size", on_day(-5), "2.8", "2", FASTRESN=2.8, FASTRESU="cm")
    assigned("3", records).finding("tumour_size", "2024-03", "28", "3", FASTRESN=28.0, FASTRESU="mm")
    rows = rows_of(records, "tumour_size")
    assert (rows["1"]["AVAL"], rows["1"]["AVALIMP"], rows["1"]["REASON"]) == (None, None, "unit unknown")
    assert rows["2"]["AVAL"] == pytest.approx(28)
    assert (rows["3"]["AVAL"], rows["3"]["REASON"]) == (None, "imprecise date")  # before or after 1 March


def test_a_moment_after_the_data_cut_has_not_come():
    loaded = changed(PRTRAS, "take: last on or before group_assignment", "take: last on or before landmark")
    records = assigned().milestone("radical_treatment", on_day(-20)).series("hbsag_quantity", {-5: 200})
    assert rows_of(records, "hbsag_quantity", loaded)["1"]["AVAL"] == 200
    early = rows_of(records, "hbsag_quantity", loaded, cut=date(2024, 3, 15))["1"]
    assert (early["AVAL"], early["REASON"]) == (None, "missing")


# --- scores -----------------------------------------------------------------------------------------------------------


def test_a_score_of_the_results_at_the_start():
    """ALBI is 0.66 log10(bilirubin, umol/L) - 0.085 albumin (g/L); Johnson et al., J Clin Oncol 2015;33:550-558."""
    records = Records()
    for subject, bilirubin in (("known", 10), ("no albumin", 10), ("censored", "<10"), ("nothing", None)):
        assigned(subject, records)
        if bilirubin is not None:
            laboratory(records, "BILI", on_day(-9), bilirubin, "umol/L", subject)
        if subject in ("known", "censored"):
            laboratory(records, "ALB", on_day(-5), 40, "g/L", subject)
    rows = rows_of(records, "albi")
    assert rows["known"]["AVAL"] == rows["known"]["AVALIMP"] == pytest.approx(0.66 - 3.4)
    assert told({"known": rows["known"]}, "ADT", "SRCALL", "SRCSEQ", "REASON", "BASETYPE") == {
        "known": (day(-5), "LB.1 LB.2", 2, None, "at_time_zero")
    }
    assert told(rows, "AVALLO", "REASON") == {
        "known": (pytest.approx(0.66 - 3.4), None),
        "no albumin": (None, "missing"),
        "censored": (None, "censored across the threshold"),
        "nothing": (None, "missing"),
    }
    assert rows["censored"]["AVALHI"] == pytest.approx(0.66 - 3.4)
    assert [rows[name]["AVALIMP"] for name in ("no albumin", "censored", "nothing")] == [None] * 3


# --- age and sex ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "birthday"),
    [pytest.param(PRTRAS, "1974-02-10", id="consent"), pytest.param(DURVA, "1974-03-01", id="baseline")],
)
def test_age_is_counted_where_the_protocol_asks_for_it(protocol, birthday):
    """Consent is 2024-02-10 and the first dose 2024-03-01. Eligibility of PRTRAS asks for age at consent, the other not."""
    records = Records()
    later = (date.fromisoformat(birthday) + timedelta(days=1)).isoformat()
    for subject, birth in (("birthday", birthday), ("a day younger", later)):
        records.person(subject, BRTHDTC=birth, AGE=None).doses("durvalumab", [1], subject)
        records.milestone("consent", on_day(-20), subject)
    rows = rows_of(records, "age", protocol)
    assert told(rows, "AVAL", "REASON") == {"birthday": (50, None), "a day younger": (49, None)}
    assert set(told(rows, "AVALU", "SRCDOM").values()) == {("years", "DM")}


def test_age_without_the_day_of_birth():
    cases = {
        "only the age": (None, 50.0, "YEARS", 50, 50, 50, None),
        "the year, and an age that fits": ("1974", 50.0, "YEARS", 50, 50, 50, None),
        "the year alone": ("1974", None, None, None, 49, 50, "imprecise date"),
        "an age that cannot be": ("1974", 40.0, "YEARS", None, 49, 50, "imprecise date"),
        "born after it": ("2025-01-01", None, None, None, None, None, "conflict"),
        "nothing": (None, None, None, None, None, None, "missing"),
        "not in years": (None, 600.0, "MONTHS", None, None, None, "missing"),
    }
    records = Records()
    for subject, (birth, age, unit, *_) in cases.items():
        records.person(subject, BRTHDTC=birth, AGE=age, AGEU=unit).doses("durvalumab", [1], subject)
    rows = rows_of(records, "age", DURVA)
    assert told(rows, "AVAL", "AVALLO", "AVALHI", "REASON") == {
        name: tuple(wanted) for name, (_, _, _, *wanted) in cases.items()
    }


def test_sex_is_known_whenever_it_was_recorded():
    rows = rows_of(Records().person(SEX="F").person("2", SEX=None), "sex")
    assert told(rows, "AVALC", "REASON", "ADT") == {"1": ("female", None, None), "2": (None, "missing", None)}


# --- the wide frame ---------------------------------------------------------------------------------------------------


def test_the_wide_frame():
    records = assigned().series("hbv_dna", {-5: "<10"}).finding("cirrhosis", on_day(-5), "present")
    assigned("2", records)
    adbase = adbase_of(records)
    wide = baseline_frame(adbase)
    assert wide.columns == ["SUBJECT", "USUBJID", *facts_named(load_protocol(PRTRAS).protocol)]
    assert wide.select("USUBJID", "hbv_dna", "cirrhosis").rows() == [("1", 5.0, "present"), ("2", None, None)]
    assert (wide.schema["age"], wide.schema["sex"]) == (pl.Float64, pl.String)
    assert baseline_frame(adbase.drop("SUBJECT")).equals(wide.drop("SUBJECT"))
    backwards = baseline_frame(adbase.reverse()).select(wide.columns).sort("SUBJECT")
    assert backwards.equals(wide)
    lacking = adbase.filter((pl.col("PARAMCD") != "CIRRHOSIS") | (pl.col("USUBJID") != "1"))
    assert baseline_frame(lacking)["cirrhosis"].to_list() == [None, None]


def test_nobody():
    nobody = {"DM": Records().person().tables["DM"].clear()}
    adbase = derive_adbase(make_study(load_protocol(PRTRAS), nobody))
    assert adbase.shape == (0, 3 + len(COLUMNS))
    assert baseline_frame(adbase).height == 0


def test_somebody_of_whom_nothing_is_known():
    adbase = adbase_of(Records().person(SEX=None, AGE=None))
    assert set(adbase["REASON"]) == {"missing"}
    assert adbase.select("AVAL", "AVALC", "AVALIMP").null_count().row(0) == (len(adbase),) * 3


# --- laws -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[DURVA, PRTRAS])
def virtual(request):
    loaded = load_protocol(request.param)
    study = make_study(loaded, simulate(loaded, seed=8, subjects=120).tables)
    facts = known_facts(study)
    return study, facts, derive_adbase(study, facts)


def test_laboratory_results_are_the_baselines_of_adlb(virtual):
    study, facts, adbase = virtual
    adlb = derive_adlb(study, derive_adsl(study, facts), facts)
    main = study.protocol.baseline
    of_adlb = adlb.filter(pl.col("BASETYPE") == main).unique(["USUBJID", "PARAMCD"])
    both = of_adlb.join(adbase, on=["USUBJID", "PARAMCD"], suffix="_here")
    assert both["PARAMCD"].n_unique() >= 4
    assert both.height > 300
    for theirs, ours in (("BASE", "AVAL_here"), ("BASELO", "AVALLO_here"), ("BASEHI", "AVALHI_here"), ("BASEDT", "ADT_here"),
                         ("BASEREAS", "REASON_here"), ("BASESRC", "SRCALL_here"), ("BASEOLD", "BASEOLD_here")):  # fmt: skip
        assert (
            both.filter(pl.col(theirs).ne_missing(pl.col(ours)))
            .select("USUBJID", "PARAMCD", theirs, ours)
            .rows()
            == []
        )
    log = both.filter(pl.col("LOGBASE").is_not_null())
    assert log.height > 300
    assert log.filter((pl.col("AVALIMP_here").log10() - pl.col("LOGBASE")).abs() > 1e-12).height == 0


def test_every_value_is_what_rules_find_at_that_moment(virtual):
    """`last(x, ever)` at the moment of baseline, by the reader of rules: not below the value and not above it."""
    study, facts, adbase = virtual
    moment = facts.dates["baseline"]
    n_checked = 0
    for name in facts_named(study.protocol):
        fact = study.scope.facts.get(name)
        if (
            fact is None
            or fact.once
            or fact.kind not in (Kind.NUMBER, Kind.CATEGORY)
            or str(fact.unit) == "weeks"
        ):
            continue
        known = adbase.filter((pl.col("PARAMCD") == name.upper()) & pl.col("REASON").is_null())
        column = "AVAL" if fact.kind is Kind.NUMBER else "AVALC"
        for value in _some(known[column]):
            unit = f" {fact.unit}" if fact.unit else ""
            same = (
                f"is {value}"
                if fact.kind is Kind.CATEGORY
                else f">= {value}{unit} and last({name}, ever) <= {value}{unit}"
            )
            codes = facts.judge_at({"same": parse_rule(f"last({name}, ever) {same}")}, moment)
            told = set(codes.filter(pl.col("same") == MET)["subject"])
            assert told == set(known.filter(pl.col(column) == value)["SUBJECT"]), (name, value)
            n_checked += len(told)
    assert n_checked > 100


def _some(values):
    """Values that a rule can spell."""
    if values.dtype == pl.Float64:
        values = values.filter(values.round(2) == values)
    return values.unique().sort().to_list()[:3]


def test_virtual_trials_know_nearly_everything_of_whom_they_treat(virtual):
    _, facts, adbase = virtual
    started = adbase.join(facts.dates["baseline"], left_on="SUBJECT", right_on="subject", how="semi")
    wide = baseline_frame(started)
    share = wide.null_count().row(0, named=True)
    assert all(lacking / wide.height < 0.1 for lacking in share.values()), share
    assert sum(share.values()) > 0  # a share of findings is missing, as in life


RESULTS = st.lists(
    st.tuples(st.integers(-40, 20).filter(bool), st.sampled_from([50, 80, "<20", "haemolysed"])), max_size=6
)


@settings(max_examples=6, deadline=None)
@given(st.lists(RESULTS, min_size=8, max_size=8), st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_nor_what_comes_later_changes_anything(people, random):
    records = Records()
    for number, results in enumerate(people):
        assigned(str(number), records).result("hbsag_quantity", on_day(-60), 300, str(number))
        for when, value in results:
            records.result("hbsag_quantity", on_day(when), value, str(number))
    first = rows_of(records, "hbsag_quantity")
    tables = records.tables
    again = pl.concat([tables["LB"], tables["LB"].head(3)])
    order = random.sample(range(len(again)), len(again))
    study = make_study(load(PRTRAS), tables | {"LB": again[order]})
    told_again = derive_adbase(study, StudyFacts.of(study)).filter(pl.col("PARAMCD") == "HBSAG_QUANTITY")
    assert {row["USUBJID"]: row for row in told_again.iter_rows(named=True)} == first
    for number in range(len(people)):
        records.result("hbsag_quantity", on_day(2 + number), 999, str(number))
    assert rows_of(records, "hbsag_quantity") == first
