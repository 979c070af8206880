"""Two small sound studies, one for each shipped trial, and patches of their records."""

from datetime import date

import polars as pl
from tests.checks.patches import read_yaml

from trialwright.checks.data.record_checks import check_records
from trialwright.protocol.loading import load_protocol
from trialwright.records.dataset import Dataset
from trialwright.records.files import Records
from trialwright.records.sdtm import Core, as_sdtm, domains

TODAY, CUT = date(2026, 11, 21), date(2026, 6, 30)
PROTOCOLS = {"durvalumab": "nct04294498", "prtras": "nct07120750"}
STUDIES = {"durvalumab": "DURVA-HBV", "prtras": "PRTRAS-001"}
LIMITS = {"ALT": 40, "AST": 40, "ALP": 120, "BILI": 21, "CREAT": 110}
UNITS = {
    "ALT": "U/L", "AST": "U/L", "ALP": "U/L", "BILI": "umol/L", "ALB": "g/L", "HBVVLD": "IU/mL", "CREAT": "umol/L",
    "PLAT": "10^9/L", "NEUT": "10^9/L", "AFP": "ng/mL", "HBSAB": "mIU/mL",
}  # fmt: skip


def lab(subject, seq, test, result, day, unit=None):
    row = {"USUBJID": subject, "LBSEQ": seq, "LBTESTCD": test, "LBORRES": result, "LBDTC": day}
    return row | {"LBORRESU": unit or UNITS.get(test)}


def status(subject, seq, name, value, day, **more):
    return {
        "USUBJID": subject,
        "FASEQ": seq,
        "FATESTCD": "STATUS",
        "FAOBJ": name,
        "FASTRESC": value,
        "FADTC": day,
    } | more


def durvalumab():
    """A man with three infusions, and a woman who died of liver failure after the first."""
    infusions = ("2026-01-20", "2026-02-17", "2026-03-17")
    him, her = "D-01", "D-02"
    screening = "2026-01-12"
    return {
        "DM": [
            {
                "USUBJID": him, "SEX": "M", "AGE": 61, "AGEU": "YEARS", "BRTHDTC": "1964-05-02", "RFICDTC": "2026-01-05",
                "RFSTDTC": "2026-01-20", "ARMCD": "DURVALUMAB AND ENTECAVIR",
            },
            {
                "USUBJID": her, "SEX": "F", "AGE": 58, "AGEU": "YEARS", "BRTHDTC": "1967", "RFICDTC": "2026-01-05",
                "RFSTDTC": "2026-01-20", "ARMCD": "durvalumab_and_entecavir", "DTHDTC": "2026-03-01", "DTHFL": "Y",
            },
        ],
        "DS": [
            {"USUBJID": who, "DSSEQ": 1, "DSCAT": "PROTOCOL MILESTONE", "DSDECOD": "ENROLMENT", "DSSTDTC": "2026-01-19"}
            for who in (him, her)
        ],
        "SV": [
            {"USUBJID": him, "VISITNUM": n, "SVSTDTC": day} for n, day in enumerate((screening, *infusions), 1)
        ] + [{"USUBJID": her, "VISITNUM": 1, "SVSTDTC": screening}, {"USUBJID": her, "VISITNUM": 2, "SVSTDTC": infusions[0]}],
        "EX": [
            {
                "USUBJID": him, "EXSEQ": n, "EXTRT": "Durvalumab", "EXDOSE": 1500, "EXDOSU": "mg", "EXSTDTC": day,
                "EXENDTC": day, "VISITNUM": n + 1,
            }
            for n, day in enumerate(infusions, 1)
        ] + [
            {
                "USUBJID": him, "EXSEQ": 60, "EXTRT": "ENTECAVIR", "EXDOSE": 0.5, "EXDOSU": "mg", "EXSTDTC": "2026-01-20",
                "EXENDTC": "2026-04-14",
            },
            {
                "USUBJID": her, "EXSEQ": 1, "EXTRT": "DURVALUMAB", "EXDOSE": 1500, "EXDOSU": "mg", "EXSTDTC": "2026-01-20",
                "EXENDTC": "2026-01-20",
            },
        ],
        "LB": [
            lab(him, 1, "ALT", 31, "2026-01-12"), lab(him, 2, "ALT", 28, "2026-01-20"), lab(him, 3, "ALT", 30, "2026-02-17"),
            lab(him, 10, "HBVVLD", "250000", "2026-01-12"), lab(him, 11, "HBVVLD", "210000", "2026-01-20"),
            lab(him, 12, "HBVVLD", "4200", "2026-02-17"), lab(him, 13, "HBVVLD", "<20", "2026-03-17"),
            lab(him, 20, "ALB", 38, "2026-01-12"), lab(him, 21, "INR", 1.1, "2026-01-12"), lab(him, 22, "AST", 35, "2026-01-12"),
            lab(him, 23, "ALP", 90, "2026-01-12"), lab(him, 24, "BILI", 12, "2026-01-12"), lab(him, 25, "BILI", 14, "2026-01-20"),
            lab(him, 26, "BILI", 13, "2026-02-17"), lab(him, 27, "BILI", 15, "2026-03-17"),
            lab(him, 30, "HBSAG", "Positive", "2026-01-12"),
            lab(her, 1, "ALT", 45, "2026-01-12"), lab(her, 10, "HBVVLD", "90000", "2026-01-12"),
            lab(her, 20, "ALB", 33, "2026-01-12"), lab(her, 30, "HBSAG", "POSITIVE", "2026-01-12"),
        ],
        "FA": [
            status(who, n, name, value, screening)
            for who in (him, her)
            for n, (name, value) in enumerate(
                [("HCC DIAGNOSIS", "imaging"), ("BCLC STAGE", "C"), ("MEASURABLE DISEASE", "Y"), ("ECOG", "1")], 1
            )
        ] + [
            {"USUBJID": him, "FASEQ": 9, "FATESTCD": "ATTEST", "FAOBJ": "INFORMED CONSENT", "FASTRESC": "Y", "FADTC": "2026-01-05"}
        ],
        "TU": [
            {"USUBJID": him, "TUSEQ": n, "TULNKID": name, "TUSTRESC": role, "TULOC": "LIVER", "TUDTC": screening, "VISITNUM": 1}
            for n, (name, role) in enumerate([("T1", "TARGET"), ("T2", "TARGET"), ("NT1", "NON-TARGET")], 1)
        ],
        "TR": [
            {
                "USUBJID": him, "TRSEQ": n, "TRLNKID": name, "TRTESTCD": test, "TRSTRESN": mm, "TRSTRESU": "mm", "TRDTC": day,
                "VISITNUM": visit,
            }
            for n, (name, test, mm, day, visit) in enumerate(
                [
                    ("T1", "DIAMETER", 40, screening, 1), ("T2", "DIAMETER", 22, screening, 1), (None, "SUMDIAM", 62, screening, 1),
                    ("T1", "DIAMETER", 40, "2026-03-17", 4), ("T2", "DIAMETER", 20, "2026-03-17", 4),
                    (None, "SUMDIAM", 60, "2026-03-17", 4),
                ], 1,
            )
        ],
        "RS": [
            {
                "USUBJID": him, "RSSEQ": n, "RSTESTCD": test, "RSCAT": criteria, "RSSTRESC": word, "RSDTC": "2026-03-17",
                "VISITNUM": 4,
            }
            for n, (test, criteria, word) in enumerate(
                [("TRGRESP", "RECIST 1.1", "SD"), ("OVRLRESP", "RECIST 1.1", "SD"), ("OVRLRESP", "iRECIST", "iSD")], 1
            )
        ],
        "AE": [
            {
                "USUBJID": him, "AESEQ": 1, "AEDECOD": "Fatigue", "AESTDTC": "2026-02-24", "AEENDTC": "2026-03-10", "AETOXGR": "2",
                "AESER": "N", "AEREL": "RELATED", "AEOUT": "RECOVERED/RESOLVED",
            },
            {
                "USUBJID": her, "AESEQ": 1, "AEDECOD": "Hepatic failure", "AESTDTC": "2026-02-20", "AEENDTC": "2026-03-01",
                "AETOXGR": "5", "AESER": "Y", "AEREL": "NOT RELATED", "AEOUT": "FATAL", "AESDTH": "Y",
            },
        ],
    }  # fmt: skip


def prtras():
    """A man with peginterferon after resection, and a woman without it."""
    one, two = "P-01", "P-02"
    screening, scan = "2026-01-26", "2026-04-27"
    numbers = [
        ("HBSAG", "1200", "IU/mL"), ("HBVVLD", "<10", None), ("HBSAB", "2", None), ("BILI", 12, None), ("ALB", 41, None),
        ("INR", 1.0, None), ("CREAT", 70, None), ("ALT", 25, None), ("PLAT", 180, None), ("NEUT", 3.1, None), ("AFP", 5, None),
    ]  # fmt: skip
    findings = [
        ("HBEAG", "negative"), ("ASCITES", "none"), ("ENCEPHALOPATHY", "none"), ("PD1 CD8", "21"), ("PD L1 CPS", "3"),
        ("T CELL INFILTRATION", "40"), ("ASSIGNED GROUP", None),
    ]  # fmt: skip
    groups = {one: "na_and_peginterferon", two: "na"}
    records = {domain: [] for domain in ("DM", "DS", "SV", "EX", "LB", "FA", "PR", "AE")}
    for who, sex in ((one, "M"), (two, "F")):
        records["DM"].append(
            {
                "USUBJID": who,
                "SEX": sex,
                "BRTHDTC": "1970-03",
                "RFICDTC": "2026-01-20",
                "ARMCD": groups[who].replace("_", " ").upper(),
            }
        )
        milestones = {
            "RADICAL TREATMENT": "2026-01-05",
            "GROUP ASSIGNMENT": "2026-02-02",
            "FIRST DOSE": "2026-02-03",
        }
        records["DS"] += [
            {"USUBJID": who, "DSSEQ": n, "DSCAT": "PROTOCOL MILESTONE", "DSDECOD": name, "DSSTDTC": day}
            for n, (name, day) in enumerate(milestones.items(), 1)
        ]
        records["SV"] += [
            {"USUBJID": who, "VISITNUM": n, "SVSTDTC": day} for n, day in enumerate((screening, scan), 1)
        ]
        drugs = ["NUCLEOSIDE ANALOGUE", "PEGINTERFERON"] if who == one else ["NUCLEOSIDE ANALOGUE"]
        records["EX"] += [
            {
                "USUBJID": who,
                "EXSEQ": n,
                "EXTRT": drug,
                "EXDOSE": 1,
                "EXDOSU": "mg",
                "EXSTDTC": "2026-02-03",
                "EXENDTC": scan,
            }
            for n, drug in enumerate(drugs, 1)
        ]
        records["LB"] += [
            lab(who, n, test, result, screening, unit) for n, (test, result, unit) in enumerate(numbers, 1)
        ] + [lab(who, 30, "HBSAG", "positive", screening), lab(who, 31, "HCAB", "negative", screening)]
        records["FA"] += [
            status(who, n, name, value or groups[who], screening)
            for n, (name, value) in enumerate(findings, 1)
        ]
        records["FA"] += [
            status(who, 70, "LIRADS", "LR-2", scan, FAEVAL="INVESTIGATOR"),
            status(who, 71, "LIRADS", "LR-2", scan, FAEVAL="INDEPENDENT ASSESSOR"),
        ]
        records["PR"].append(
            {"USUBJID": who, "PRSEQ": 1, "PRDECOD": "LIVER RESECTION", "PRSTDTC": "2026-01-05"}
        )
        records["PR"].append({"USUBJID": who, "PRSEQ": 2, "PRDECOD": "LIVER MRI", "PRSTDTC": scan})
        records["AE"].append(
            {
                "USUBJID": who, "AESEQ": 1, "AEDECOD": "Fatigue", "AESTDTC": "2026-02-24", "AETOXGR": "1", "AESER": "N",
                "AEREL": "RELATED",
            }
        )  # fmt: skip
    records["FA"].append(status(two, 60, "PREGNANCY TEST", "negative", screening))
    records["PR"].append({"USUBJID": one, "PRSEQ": 3, "PRDECOD": "LIVER ABLATION", "PRSTDTC": "2026-01-05"})
    records["FA"].append(status(one, 61, "LIRADS TREATED", "nonviable", scan, FAEVAL="INDEPENDENT ASSESSOR"))
    return records


SOUND = {"durvalumab": durvalumab, "prtras": prtras}


def patched(base, patch):
    """Records with a patch laid over them: each replaces values of the record of its subject and number, or is a new one.

    A subject and number that stand twice in a patch are two records.
    """
    records = {domain: {key(domain, row): row for row in rows} for domain, rows in SOUND[base]().items()}
    for domain, rows in (patch or {}).items():
        if rows is None:
            del records[domain]
            continue
        mine = records.setdefault(domain, {})
        seen = set()
        for row in (one for each in rows for one in repeated(domain, each)):
            place = key(domain, row)
            if place in seen:
                mine[(*place, len(mine))] = row
            else:
                mine[place] = {**mine.get(place, {}), **row}
            seen.add(place)
    return {domain: list(rows.values()) for domain, rows in records.items()}


def key(domain, row):
    number = {"DM": None, "SV": "VISITNUM"}.get(domain, f"{domain}SEQ")
    return row["USUBJID"], row.get(number)


def repeated(domain, row):
    """`times: 3, every: 7` stands for three records a week apart."""
    row = {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()}
    times, step = row.pop("times", 1), row.pop("every", 0)
    for n in range(times):
        one = dict(row)
        if n:
            start = f"{domain}STDTC"
            one[f"{domain}SEQ"] += n
            one[start] = date.fromordinal(date.fromisoformat(row[start]).toordinal() + n * step).isoformat()
        yield one


def completed(base, domain, row):
    """The record with what it must have besides, and standard results where none are given."""
    row = {"STUDYID": STUDIES[base], "DOMAIN": domain} | row
    if domain in ("TU", "TR", "RS"):
        row.setdefault(f"{domain}EVAL", "INVESTIGATOR")
    for name, variable in domains()[domain].variables.items():
        if variable.core is Core.REQUIRED and name not in row:
            synonym = {"DSTERM": "DSDECOD", "AETERM": "AEDECOD", "PRTRT": "PRDECOD", "SUBJID": "USUBJID"}.get(
                name, f"{name}CD"
            )
            row[name] = row.get(synonym) or {"COUNTRY": "TWN", "SEX": "M"}.get(
                name, "TUMIDENT" if name == "TUTESTCD" else "-"
            )
    if domain == "LB":
        standardise(row)
    if domain == "TR" and row.get("TRSTRESN") is not None:
        row.setdefault("TRSTRESC", str(row["TRSTRESN"]))
    texts = ("ORRES", "STRESC")
    return {
        name: str(value) if name.endswith(texts) and value is not None else value
        for name, value in row.items()
    }


def standardise(row):
    """The standard result is the reported one, in its unit; a test that has an upper limit of normal gets it."""
    if row["LBTESTCD"] in LIMITS:
        row.setdefault("LBSTNRHI", LIMITS[row["LBTESTCD"]])
    if row.get("LBORRES") is None:
        return
    text = str(row["LBORRES"])
    row.setdefault("LBSTRESC", str(row.get("LBSTRESN", text)))
    if text.replace(".", "", 1).isdigit():
        row.setdefault("LBSTRESN", float(text))
    if row.get("LBORRESU") is not None:
        row.setdefault("LBSTRESU", row["LBORRESU"])


def tables(base, patch=""):
    data = patched(base, read_yaml(patch) if patch else {})
    made = {}
    for domain, rows in data.items():
        frame = pl.DataFrame([completed(base, domain, row) for row in rows], infer_schema_length=None)
        made[domain] = as_sdtm(Dataset(name=domain, table=frame, file=domain), is_untyped=False).table
    return {domain: made[domain] for domain in domains() if domain in made}


def records(base, patch=""):
    datasets = {
        domain: Dataset(name=domain, table=table, file=domain)
        for domain, table in tables(base, patch).items()
    }
    return Records(datasets)


LOADED = {}


def loaded(base):
    if base not in LOADED:
        LOADED[base] = load_protocol(PROTOCOLS[base])
    return LOADED[base]


def outcome(base, patch="", **options):
    return check_records(records(base, patch), loaded(base), **({"today": TODAY} | options))


def found_in(base, patch="", **options):
    """Codes and places of everything found: (code, dataset, variable, subject, sequence number)."""
    return (
        outcome(base, patch, **options)
        .findings.select("CODE", "DATASET", "VARIABLE", "USUBJID", "SEQ")
        .rows()
    )
