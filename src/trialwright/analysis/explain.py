"""From any number of a report to its subjects, its records and the line of the protocol that asked for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from types import MappingProxyType
from typing import Any

import polars as pl

from trialwright.analysis.explaining.elements import events_behind, paths_behind, tell_element
from trialwright.analysis.explaining.evidence import events_of, lesions_behind, looks_of
from trialwright.analysis.explaining.finding import is_of_protocol, pick_rows
from trialwright.analysis.explaining.picking import FROM_PROTOCOL, Picked
from trialwright.analysis.explaining.records import find_records, plain, sources_of, tell_rows
from trialwright.analysis.explaining.tree import (
    Explanation,
    ListedAnalysis,
    ToldPopulation,
    ToldProtocol,
    ToldRows,
    ToldSubject,
)
from trialwright.analysis.explaining.words import statistic_words
from trialwright.analysis.exposure import EXPOSURE
from trialwright.analysis.report_folder import ReportFolder
from trialwright.analysis.results import Result, Results
from trialwright.analysis.safety_board import BOARD
from trialwright.analysis.sample import AnalysisData, select_times
from trialwright.derivations.adrate import UNKNOWN
from trialwright.derivations.definitions import Definitions
from trialwright.derivations.safety_period import safety_population
from trialwright.protocol.analyses import TimeAnalysis
from trialwright.protocol.compared_groups import goes_by_treatment
from trialwright.protocol.loading import LoadedProtocol, hash_protocol
from trialwright.protocol.references import GROUPS
from trialwright.records.files import Records
from trialwright.vocabulary.problems import Place, Problem, ProblemsFound

WITHHELD = (
    "no analysis datasets lie beside it, for they tell who is in which group, and this is not to be seen here; "
    "its subjects cannot be shown"
)
NO_DATASETS = (
    "the report holds no analysis datasets, for it was made from a table of one row a subject; "
    "its subjects cannot be shown"
)
VIRTUAL = "virtual trials"
"""Stands in the source of what a rehearsal found."""
NOT_KEPT = "it was found in virtual trials, whose records are not kept; their subjects cannot be shown"
NOT_IN_DATASETS = (
    "results among which an event was looked for stand in no dataset of the report: "
    "name the folder of the data with --data"
)
OTHER_PROTOCOL = (
    "the protocol read here is not the one the report was made by (their hashes differ): "
    "lines, words and rules may not be those of this number"
)
_NEAREST = 5
_MOST_COMPARED = 4_000
"""So many ids are compared with a wrong one: it takes time, and the beginning of a wrong id is mostly right."""
_COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ADSL": ("GROUP", "STARTDT", "TRTSDT", "TRTEDT", "DTHDT", "LSTALVDT", "DCSCREEN", "EOSSTT", "EOSDT"),
        "ADBASE": ("PARAM", "AVALC", "AVALU", "AVALIMP", "ADT", "REASON"),
        "ADTTE": (
            "EVNTTYPE",
            "EVNTDESC",
            "CNSDTDSC",
            "STARTDT",
            "LEFTDT",
            "RIGHTDT",
            "ADT",
            "AVAL",
            "AVALU",
            "REASON",
        ),
        "ADCLOCK": (
            "PARAM",
            "STARTDT",
            "AWLODT",
            "AWHIDT",
            "ADT",
            "ENDDT",
            "AVAL",
            "AVALU",
            "AVALC",
            "REASON",
        ),
        "ADEVT": ("PARAM", "ASEQ", "ADT", "AVALC", "AVALT", "AVALU", "BASE", "REASON"),
        "ADTTEV": ("GROUP", "TSTART", "TSTOP", "EVNTTYPE", "REASON"),
        "ADRATE": ("AVALC", "REASON", "STARTDT", "ADT", "ENDDT", "ENDDESC", "NASSESS", "RISKDAYS"),
        "ADRS": ("PARAMCD", "AVALC", "REASON", "ADT", "ENDDT"),
        "ADAE": ("AEDECOD", "ATOXGR", "ASTDT", "AENDT", "ASERFL", "ARELFL"),
        "ADLB": ("AVISIT", "ADT", "AVALC", "AVALU", "BASEC", "REASON"),
        "ADEXSUM": ("TREATMENT", "PARAM", "AVAL", "AVALC", "AVALU", "REASON"),
        "ADLIVER": ("PARAM", "AVALC", "ADT", "REASON"),
        "ADATTR": ("EVTYPE", "EVENT", "ADT", "CAUSEST", "CAUSE", "SUGGEST"),
    }
)
"""What a table of rows shows of each dataset, between the subject and the records."""


@dataclass(frozen=True)
class Explainer:
    """A report with the protocol it was made by and, where given, the records it was made from.

    Parameters
    ----------
    report : ReportFolder
    loaded : LoadedProtocol
    data : AnalysisData, optional
        The datasets of the report, bound to the protocol; None where it has none.
    records : Records, optional
    """

    report: ReportFolder
    loaded: LoadedProtocol
    data: AnalysisData | None
    records: Records | None = None
    _kept: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, report: ReportFolder, loaded: LoadedProtocol, records: Records | None = None) -> Explainer:
        return cls(report, loaded, report.bind(loaded), records)

    def explain(self, id_: str, *, subject: str | None = None) -> Explanation:
        """All that is behind the result of an id, and of one subject more closely.

        Raises
        ------
        ProblemsFound
            `no-such-result`, with the nearest ids; `no-such-subject`.
        """
        result = find_result(self.report, id_)
        warnings = [] if self.protocol.is_same else [OTHER_PROTOCOL]
        paths = paths_behind(self.definitions, result)
        elements = tuple(tell_element(self.loaded, path) for path in paths)
        picked = self._pick(result, warnings)
        return Explanation(
            result,
            statistic_words(result.statistic),
            json.loads(result.conventions),
            self.protocol,
            elements,
            self._population(result, picked),
            tell_picked(result, picked) if picked else None,
            self._subject(result, picked, events_behind(paths), subject, warnings) if subject else None,
            tuple(warnings),
        )

    @cached_property
    def definitions(self) -> Definitions:
        """What the protocol defines by what."""
        return Definitions(self.loaded)

    @cached_property
    def protocol(self) -> ToldProtocol:
        """The protocol that was read, beside the one the report was made by."""
        sha256, file = hash_protocol(self.loaded.protocol), self.loaded.document.file
        told = self.report.protocol_hash
        return ToldProtocol(self.loaded.protocol.study.id, file, sha256, told, sha256 == told)

    def _pick(self, result: Result, warnings: list[str]) -> Picked | None:
        if VIRTUAL in result.source:
            warnings.append(NOT_KEPT)
            return None
        if is_of_protocol(result):
            return FROM_PROTOCOL
        if self.data is None:
            warnings.append(WITHHELD if self.report.is_of_records else NO_DATASETS)
            return None
        is_analysis = result.source.startswith(f"analyses.{result.analysis} ")
        if is_analysis and result.analysis not in self.data.protocol.analyses:
            warnings.append(f"the protocol read here has no analysis `{result.analysis}`")
            return None
        picked = pick_rows(self.data, result, self._kept)
        if picked.number is not None and result.value not in (None, picked.number):
            warnings.append(
                f"the rows found here do not add up: they give {picked.number}, and the result is {result.value}"
            )
        return picked

    def _population(self, result: Result, picked: Picked | None) -> ToldPopulation | None:
        if self.data is None or picked is None:
            return None
        name = _population_of(self.data, result)
        if name is None:
            return None
        data, flag = self.data, self.data.flag(name)
        everyone = data.population(name)
        flags = data.adsl[flag] if flag else None
        by = _grouping_of(data, result)
        analysis = data.protocol.analyses.get(result.analysis)
        # whom ADSL assigns to a group are not those whose treatment had begun
        is_begun = isinstance(analysis, TimeAnalysis) and goes_by_treatment(analysis)
        is_grouped = result.group is not None and by in everyone.columns and not is_begun
        return ToldPopulation(
            name,
            data.protocol.populations[name].label,
            everyone.height,
            int((flags == "N").sum()) if flags is not None else 0,
            flags.null_count() if flags is not None else 0,
            _reasons(data.adsl, flag),
            result.group,
            everyone.filter(pl.col(by or "") == result.group).height if is_grouped else None,
            picked.left_out,
        )

    def _subject(
        self, result: Result, picked: Picked | None, events: list[str], subject: str, warnings: list[str]
    ) -> ToldSubject | None:
        if self.data is None or picked is None:
            return None
        about = _subject_of(self.data, subject)
        name = _population_of(self.data, result)
        own = picked.rows.filter(pl.col("USUBJID") == subject)
        dataset = picked.dataset.partition("[")[0]
        shown = own if own.height else _rows_of_subject(self.data, picked.dataset, result, subject)
        rows = [*tell_rows(self.loaded, dataset, shown)]
        analysis = self.data.protocol.analyses.get(result.analysis)
        if dataset == "ADTTEV" and isinstance(
            analysis, TimeAnalysis
        ):  # stretches name no records, their time does
            shown = select_times(self.data, analysis).filter(pl.col("USUBJID") == subject)
            rows += tell_rows(self.loaded, "ADTTE", shown)
        evidence = tuple(tell_rows(self.loaded, "ADEVT", events_of(self.data, events, subject, shown)))
        lesions = lesions_behind(
            self.data, subject, {name for row in (*rows, *evidence) for name in row.sources}
        )
        measured = tuple(tell_rows(self.loaded, "ADTR", lesions))
        if self.records is not None:
            warnings += _other_files(self.report.results, self.records)
        tables = self.records.tables if self.records else None
        looked = [*looks_of(self.data, self.loaded, tables, subject, shown)]
        warnings += [NOT_IN_DATASETS] if any(found is None for _, found in looked) else []
        looks = tuple(
            row for of, found in looked if found is not None for row in tell_rows(self.loaded, of, found)
        )
        names = list(dict.fromkeys(name for row in (*rows, *evidence, *looks) for name in row.sources))
        return ToldSubject(
            subject,
            _membership(about, name),
            about.get("GROUP"),
            own.height > 0,
            tuple(rows),
            evidence,
            measured,
            looks,
            tuple(find_records(tables, subject, names)),
        )


# --- finding a result ---------------------------------------------------------------------------------------------------


def find_result(report: ReportFolder, id_: str) -> Result:
    """The result of an id.

    Raises
    ------
    ProblemsFound
        `no-such-result`, with the nearest ids.
    """
    if id_ in report.results:
        return report.results[id_]
    near = _nearest_ids(report.results, id_)
    shown = id_ if len(id_) <= 120 else f"{id_[:117]}..."
    fix = (
        f"did you mean {' or '.join(f'`{one}`' for one in near)}?"
        if near
        else "without an id the analyses are listed"
    )
    place = Place(str(report.file))
    raise ProblemsFound([Problem("no-such-result", f"no result is called `{shown}`", place, fix=fix)])


def results_below(results: Results, prefix: str) -> list[Result]:
    """The results whose id begins with whole parts of an id: `os_curve`, `os_curve/at`."""
    begin = prefix.rstrip("/") + "/"
    return [row for row in results.rows if row.id.startswith(begin)]


def _nearest_ids(results: Results, id_: str) -> list[str]:
    """Ids like a wrong one: those that begin alike first, for a wrong id is mostly wrong at one place."""
    parts = id_[:200].split("/")
    for n in range(len(parts) - 1, 0, -1):
        if below := results_below(results, "/".join(parts[:n])):
            return get_close_matches(id_[:200], [row.id for row in below[:_MOST_COMPARED]], _NEAREST, 0.5)
    analyses = list(dict.fromkeys(row.analysis for row in results.rows))
    near = get_close_matches(parts[0], analyses, _NEAREST, 0.5)
    whole = ["/".join((one, *parts[1:])) for one in near]
    return [one for one in whole if one in results] or near


def list_analyses(explainer: Explainer) -> list[ListedAnalysis]:
    """The analyses of a report in its order."""
    found: dict[str, list[Result]] = {}
    for row in explainer.report.results.rows:
        found.setdefault(row.analysis, []).append(row)
    return [_listed(explainer.loaded, id_, rows) for id_, rows in found.items()]


def _listed(loaded: LoadedProtocol, id_: str, rows: Sequence[Result]) -> ListedAnalysis:
    endpoint = rows[0].endpoint or ""
    if id_ not in loaded.protocol.analyses:
        return ListedAnalysis(id_, "", rows[0].method, endpoint, "", "", len(rows))
    analysis = loaded.protocol.analyses[id_]
    place = tell_element(loaded, ("analyses", id_)).place
    return ListedAnalysis(id_, analysis.title, analysis.method, endpoint, analysis.role, place, len(rows))


# --- what is told -------------------------------------------------------------------------------------------------------


def tell_picked(result: Result, picked: Picked) -> ToldRows:
    """Rows as a table: the subject, what the dataset says, and the records each row rests on."""
    rows = picked.rows
    wanted = _COLUMNS.get(picked.dataset.partition("[")[0], ())
    columns = [
        name for one in ("USUBJID", *wanted) if one in rows.columns for name in (one, *_limits_of(one, rows))
    ]
    has_sources = "SRCDOM" in rows.columns
    table = [
        (
            *(plain(row[name]) for name in columns),
            *([" ".join(sources_of(row)) or None] if has_sources else []),
        )
        for row in rows.iter_rows(named=True)
    ]
    return ToldRows(
        picked.dataset,
        picked.meaning,
        picked.counts,
        rows.height,
        picked.n_subjects,
        None if picked.number is None or result.value is None else picked.number == result.value,
        (*columns, *(["records"] if has_sources else [])),
        tuple(table),
    )


def _limits_of(day: str, rows: pl.DataFrame) -> tuple[str, ...]:
    """The columns of the first and last day on which something may have been (ADT: ADTL, ADTH), where rows need them."""
    limits = (f"{day}L", f"{day}H")
    if not all(name in rows.columns for name in limits):
        return ()
    is_told_by_limits = pl.col(day).is_null() & pl.any_horizontal(
        pl.col(name).is_not_null() for name in limits
    )
    return limits if rows.filter(is_told_by_limits).height else ()


def _population_of(data: AnalysisData, result: Result) -> str | None:
    """The population a number is about; None where it is about everyone in the records."""
    analysis = data.protocol.analyses.get(result.analysis)
    if analysis is not None:
        return analysis.population
    if result.analysis in (EXPOSURE, BOARD):
        return safety_population(data.protocol)
    return result.item if result.item in data.protocol.populations else None


def _grouping_of(data: AnalysisData, result: Result) -> str | None:
    analysis = data.protocol.analyses.get(result.analysis)
    return GROUPS if analysis is None else getattr(analysis, "by", None)


def _reasons(adsl: pl.DataFrame, flag: str | None) -> tuple[tuple[str, int], ...]:
    """Why nobody knows of some subjects whether they belong to a population."""
    column = f"{flag}R"
    if flag is None or column not in adsl.columns:
        return ()
    why = adsl.filter(pl.col(flag).is_null())[column].fill_null(UNKNOWN).value_counts().sort(column)
    return tuple((str(reason), int(n)) for reason, n in why.iter_rows())


def _subject_of(data: AnalysisData, subject: str) -> Mapping[str, Any]:
    """The row of ADSL of a subject.

    Raises
    ------
    ProblemsFound
        `no-such-subject`, with the nearest.
    """
    found = data.tables["ADSL"].filter(pl.col("USUBJID") == subject)
    if found.height:
        return found.row(0, named=True)
    known = data.adsl["USUBJID"].to_list()
    ending = [one for one in known if subject and one.endswith(subject)]
    near = ending[:_NEAREST] or get_close_matches(subject[:200], known, _NEAREST, 0.5)
    fix = f"did you mean {' or '.join(f'`{one}`' for one in near)}?" if near else ""
    raise ProblemsFound([Problem("no-such-subject", f"the report has no subject `{subject[:80]}`", fix=fix)])


def _membership(about: Mapping[str, Any], population: str | None) -> str:
    flag = f"{(population or '').upper()}FL"
    if population is None or flag not in about:
        return "Y"
    known = about[flag]
    return str(known) if known is not None else f"unknown: {about.get(f'{flag}R') or 'no reason'}"


def _rows_of_subject(data: AnalysisData, dataset: str, result: Result, subject: str) -> pl.DataFrame:
    """The rows of a dataset and its parameter (`ADTTE[PARAMCD=OS]`) of one subject, as the endpoint of a result has them."""
    name, _, which = dataset.partition("[")
    table, analysis = data.tables.get(name, data.tables["ADSL"]), data.protocol.analyses.get(result.analysis)
    if name == "ADTTE" and isinstance(analysis, TimeAnalysis):
        table = select_times(data, analysis)
    elif name == "ADRS" and result.endpoint:
        table = table.filter(ANL01FL="Y", PROTOCOL=f"endpoints.{result.endpoint}")
    table = table.filter(pl.col("USUBJID") == subject)
    column, _, value = which.rstrip("]").partition("=")
    return table.filter(pl.col(column) == value) if column in table.columns else table


def _other_files(results: Results, records: Records) -> list[str]:
    """Files of the data that are not those the report was made from."""
    told = results.provenance.get("data", {})
    other = [
        one.file
        for one in records.datasets.values()
        if told.get(f"sha256 of {one.file}", one.sha256) != one.sha256 or f"sha256 of {one.file}" not in told
    ]
    if not other:
        return []
    return [
        f"the report was not made from {', '.join(other)} as given here: their records may not be those it used"
    ]
