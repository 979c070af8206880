"""Records of small virtual trials as nobody wants them: with empty groups, without events, with half dates, with nothing."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import polars as pl

from trialwright.analysis.from_records import AnalysedTrial, analyse_records
from trialwright.design.virtual.simulation import simulate
from trialwright.protocol.loading import LoadedProtocol, load_protocol
from trialwright.records.files import Format, write_records

Tables = Mapping[str, pl.DataFrame]
SEED, SUBJECTS = 3, 12
HCC, PRTRAS = "nct04294498", "nct07120750"
NEW_GROUP = "NA AND PEGINTERFERON"
STARTS = {
    name: f"{name}{'DTC' if name in ('FA', 'LB', 'RS', 'TR', 'TU') else 'STDTC'}"
    for name in ("AE", "CM", "DS", "EX", "FA", "LB", "PR", "RS", "SV", "TR", "TU")
}
"""The variable with the day of each record."""


@cache
def good(trial: str) -> Tables:
    """What the virtual trial records."""
    return simulate(load_protocol(trial), seed=SEED, subjects=SUBJECTS).tables


def analysed(
    trial: str, tables: Tables, loaded: LoadedProtocol | None = None, *, cut: date | None = None
) -> AnalysedTrial:
    """The whole way from files of records to results."""
    folder = Path(tempfile.mkdtemp(prefix="trialwright-bad-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    write_records(tables, folder, Format.PARQUET)
    return analyse_records(loaded or load_protocol(trial), folder, cut=cut)


# --- changes ------------------------------------------------------------------------------------------------------------


def only(tables: Tables, subjects: list[str]) -> Tables:
    return {name: table.filter(pl.col("USUBJID").is_in(subjects)) for name, table in tables.items()}


def without(tables: Tables, *names: str) -> Tables:
    """Without whole datasets, as if there were no file."""
    return {name: table for name, table in tables.items() if name not in names}


def emptied(tables: Tables, *names: str) -> Tables:
    """With files that have no rows."""
    return {**tables, **{name: tables[name].clear() for name in names}}


def in_group(tables: Tables, *arms: str) -> list[str]:
    return tables["DM"].filter(pl.col("ARMCD").is_in(arms))["USUBJID"].sort().to_list()


def to_the_month(tables: Tables, *names: str) -> Tables:
    """With days that were not written down."""
    return {
        **tables,
        **{name: tables[name].with_columns(pl.col(STARTS[name]).str.slice(0, 7)) for name in names},
    }


def nobody_died(tables: Tables) -> Tables:
    return {
        **tables,
        "DM": tables["DM"].with_columns(DTHDTC=pl.lit(None, pl.String), DTHFL=pl.lit(None, pl.String)),
        "DS": tables["DS"].filter(pl.col("DSDECOD") != "DEATH"),
    }


def no_recurrence(tables: Tables) -> Tables:
    """Every scan benign, nothing found under the microscope, nobody dead."""
    is_read = pl.col("FAOBJ").is_in(
        ["LIRADS", "LIRADS TREATED", "EXTRAHEPATIC LESION", "HISTOLOGY OF NEW LESION"]
    )
    benign = pl.col("FASTRESC").is_in(["LR-1", "nonviable", "none"])
    return nobody_died({**tables, "FA": tables["FA"].filter(~is_read | benign)})


def until_the_start(tables: Tables, starts: pl.DataFrame) -> Tables:
    """Nothing recorded after the day of `START` of each subject: everybody is censored on the first day."""
    found = dict(nobody_died(tables))
    for name, day in STARTS.items():
        if name in found:
            later = pl.col(day).str.slice(0, 10) > pl.col("START")
            table = found[name].join(starts, on="USUBJID", how="left", maintain_order="left")
            found[name] = table.filter(~later.fill_null(value=False)).drop("START")
    ends = [name for name in found["DM"].columns if name in ("RFENDTC", "RFXENDTC")]
    return {**found, "DM": found["DM"].with_columns(pl.lit(None, pl.String).alias(name) for name in ends)}


def starts_of_assignment(tables: Tables) -> pl.DataFrame:
    milestones = tables["DS"].filter(pl.col("DSDECOD") == "GROUP ASSIGNMENT")
    return milestones.select("USUBJID", START=pl.col("DSSTDTC").str.slice(0, 10))


def starts_of_durvalumab(tables: Tables) -> pl.DataFrame:
    given = tables["EX"].filter(pl.col("EXTRT") == "DURVALUMAB")
    return given.group_by("USUBJID").agg(START=pl.col("EXSTDTC").str.slice(0, 10).min())


def day_before_the_first_consent(tables: Tables) -> date:
    return date.fromisoformat(min(tables["DM"]["RFICDTC"].drop_nulls())[:10]) - timedelta(days=1)


def day_after_the_first_assignment(tables: Tables) -> date:
    return date.fromisoformat(min(starts_of_assignment(tables)["START"])) + timedelta(days=1)


def day_after_the_first_durvalumab(tables: Tables) -> date:
    return date.fromisoformat(min(starts_of_durvalumab(tables)["START"])) + timedelta(days=1)


def one_level(tables: Tables) -> Tables:
    """Everybody male, and of nobody a stage."""
    return {
        **tables,
        "DM": tables["DM"].with_columns(SEX=pl.lit("M")),
        "FA": tables["FA"].filter(pl.col("FAOBJ") != "BCLC STAGE"),
    }


def sex_decides(tables: Tables, but: int = 0) -> Tables:
    """Women get the new treatment and men do not, all but the first `but` of each group."""
    new, old = in_group(tables, NEW_GROUP), in_group(tables, "NA")
    women = [*new[but:], *old[:but]]
    sex = pl.when(pl.col("USUBJID").is_in(women)).then(pl.lit("F")).otherwise(pl.lit("M"))
    return {**tables, "DM": tables["DM"].with_columns(SEX=sex)}


@dataclass(frozen=True, slots=True)
class Bad:
    """A trial with a change, what must be told of it aloud, and what must not be estimated, each with a part of its reason."""

    trial: str
    change: Callable[[Tables], Tables]
    told: frozenset[str]
    missing: Mapping[str, str]
    cut: Callable[[Tables], date] | None = None


def weighted_by_sex(target: str) -> LoadedProtocol:
    """The protocol with nothing but its weighted analyses, and no confounder but sex."""
    loaded = load_protocol(PRTRAS)
    analyses = {}
    for name in ("recurrence_weighted_curve", "recurrence_weighted_cox"):
        said = loaded.protocol.analyses[name]
        weights = said.weights.model_copy(update={"covariates": ("sex",), "imputations": 0, "target": target})
        analyses[name] = said.model_copy(update={"weights": weights})
    return replace(loaded, protocol=loaded.protocol.model_copy(update={"analyses": analyses}))
