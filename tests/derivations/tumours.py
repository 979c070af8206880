"""Small studies of tumours, written down in a few words."""

from datetime import date, timedelta
from functools import cache
from pathlib import Path

import polars as pl

from trialwright.derivations.study import SUBJECT, make_study
from trialwright.protocol.loading import LoadedProtocol, parse_protocol
from trialwright.records.sdtm import empty_table

FIRST_DOSE = date(2024, 1, 10)
PROTOCOL = """\
format: trialwright/1
study: { id: T-1, title: T, type: interventional, allocation: single arm }
facts:
  recist_response: { label: RECIST, kind: category, concept: recist_response }
  irecist_response: { label: iRECIST, kind: category, concept: irecist_response }
treatments:
  durvalumab: {}
anchors:
  first_dose: { text: First dose, at: first durvalumab }
time zero: first_dose
populations:
  treated: { label: All }
events:
  new_anticancer_therapy: { reported: true }
endpoints:
  response:
    label: Response
    kind: best response
    role: primary
    of: recist_response
    reader: local
    response:
      counts: [CR, PR]
      confirmed after: 28 days
      not evaluable between: 1
      stable between: false
      stable at least: 42 days
      partial stays: true
      unassessed: no response
    estimand: { population: treated, intercurrent events: { new anticancer therapy: composite } }
"""


def edit(text, old, new):
    assert text.count(old) == 1, f"{old!r} must stand once"
    return text.replace(old, new)


@cache
def loaded(text=PROTOCOL):
    protocol, document = parse_protocol(text, "protocol.yaml")
    return LoadedProtocol(protocol, document, Path())


def table(domain, rows):
    """A typed table of the catalogue; what a row does not name is null, and SEQ counts the records of a subject."""
    empty = empty_table(domain)
    numbers = {}
    full = []
    for row in rows:
        subject = row["USUBJID"]
        numbers[subject] = numbers.get(subject, 0) + 1
        full.append({"STUDYID": "T-1", "DOMAIN": domain, f"{domain}SEQ": numbers[subject], **row})
    known = [{name: row.get(name) for name in empty.columns} for row in full]
    extra = sorted({name for row in full for name in row} - set(empty.columns) - {f"{domain}SEQ"})
    schema = {**dict(empty.schema), **dict.fromkeys(extra, pl.String)}
    return pl.DataFrame(
        [{**row, **{name: full[i].get(name) for name in extra}} for i, row in enumerate(known)], schema=schema
    )


def day(number):
    """The date so many days after the first dose, as text; a text stays (in 2024 unless it has a year)."""
    if isinstance(number, str):
        return number if number[:2] == "20" else f"2024-{number}"
    return (FIRST_DOSE + timedelta(days=number)).isoformat()


def response(when, word, subject="S1", evaluator="INVESTIGATOR", category="RECIST 1.1", **more):
    return {
        "USUBJID": subject, "RSTESTCD": "OVRLRESP", "RSCAT": category, "RSSTRESC": word, "RSDTC": day(when),
        "RSEVAL": evaluator, **more,
    }  # fmt: skip


def responses(text, **more):
    """`03-06 PR, 05-01 PD`"""
    return [response(*part.split(maxsplit=1), **more) for part in text.split(", ")] if text else []


def target(when, name, mm, subject="S1", **more):
    done = {"TRSTRESN": float(mm), "TRSTRESU": "mm"} if mm is not None else {"TRSTAT": "NOT DONE"}
    return {
        "USUBJID": subject, "TRTESTCD": "DIAMETER", "TRGRPID": "TARGET", "TRLNKID": name, "TRDTC": day(when),
        "TREVAL": "INVESTIGATOR", **done, **more,
    }  # fmt: skip


def state(when, name, word, subject="S1", **more):
    group = "NEW" if name.startswith("NEW") else "NON-TARGET" if name.startswith("NT") else "TARGET"
    return {
        "USUBJID": subject, "TRTESTCD": "TUMSTATE", "TRGRPID": group, "TRLNKID": name, "TRDTC": day(when),
        "TRSTRESC": word, "TREVAL": "INVESTIGATOR", **more,
    }  # fmt: skip


def place(name, where, role="TARGET", subject="S1", **more):
    return {
        "USUBJID": subject, "TUTESTCD": "TUMIDENT", "TUSTRESC": role, "TULNKID": name, "TULOC": where,
        "TUEVAL": "INVESTIGATOR", **more,
    }  # fmt: skip


def therapy(when, subject="S1"):
    return {
        "USUBJID": subject, "DSDECOD": "NEW ANTICANCER THERAPY", "DSCAT": "OTHER EVENT", "DSSTDTC": when and day(when),
    }  # fmt: skip


def tables_of(*, rs=(), tr=(), tu=(), ds=(), fa=(), subjects=("S1",)):
    """The tables of these records; each subject had a first dose on `FIRST_DOSE`."""
    rows = {"DM": [{"USUBJID": one} for one in subjects], "RS": rs, "TR": tr, "TU": tu, "DS": ds, "FA": fa}
    rows["EX"] = [
        {"USUBJID": one, "EXTRT": "DURVALUMAB", "EXDOSE": 1500.0, "EXSTDTC": FIRST_DOSE.isoformat()} for one in subjects
    ]  # fmt: skip
    return {domain: table(domain, list(found)) for domain, found in rows.items()}


def study_of(*, rs=(), tr=(), tu=(), ds=(), subjects=("S1",), text=PROTOCOL, **options):
    """A study of these records."""
    tables = tables_of(rs=rs, tr=tr, tu=tu, ds=ds, subjects=subjects)
    return make_study(loaded(text), tables, **options)


def adsl_of(study, deaths=None, start=FIRST_DOSE):
    return study.subjects.select(SUBJECT, "USUBJID").with_columns(
        STARTDT=pl.lit(start, pl.Date),
        DTHDT=pl.col("USUBJID").replace_strict(deaths or {}, default=None, return_dtype=pl.Date),
    )
