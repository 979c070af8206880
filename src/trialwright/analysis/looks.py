"""When groups may be compared for efficacy, and the log of who looked before that.

A comparison that is looked at again and again before its end finds a difference sooner or later, and whoever has seen it
treats the next patient differently. So before the final data cut comparisons are withheld; who needs one says why, and the
look is numbered, logged and printed with every number it shows (ICH E9, 4.5 and 4.6).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from trialwright.analysis.pooled import is_grouped
from trialwright.analysis.results import Recorder, Result, Results
from trialwright.analysis.run import dataset_of
from trialwright.analysis.sample import AnalysisData
from trialwright.protocol.analyses import AnalysisBase
from trialwright.protocol.compared_groups import compares_groups
from trialwright.protocol.model import Protocol
from trialwright.vocabulary.documents import refusal
from trialwright.vocabulary.problems import Place, Problem, ProblemsFound, Severity

LOG = "looks.jsonl"
"""The log of unplanned looks; it lies beside the folder of the report."""
UNPLANNED = "unplanned look"
"""The key of the conventions that holds the number of the look."""
SIMULATED_SHOWN = "The records are of virtual patients: there is nothing to protect, and comparisons are shown before the final data cut."


@dataclass(frozen=True, slots=True)
class LookRequest:
    """A look at comparisons before the final cut, as somebody asks for it: why, and the log that it goes into."""

    reason: str
    log: Path


@dataclass(frozen=True, slots=True)
class Look:
    """A line of the log.

    Attributes
    ----------
    number : int
        Looks of one study are counted in its log. The same look once more, with the same words, protocol and records,
        shows nothing new and keeps its number.
    study : str
    cut : date
        The data cut that was looked at.
    reason : str
    protocol : str
        SHA-256 of the protocol.
    data : mapping of str to str
        SHA-256 of each file of records.
    """

    number: int
    study: str
    cut: date
    reason: str
    protocol: str
    data: Mapping[str, str]

    def to_json(self) -> str:
        """The line."""
        told = {
            "look": self.number,
            "study": self.study,
            "date": self.cut.isoformat(),
            "reason": self.reason,
            "protocol_sha256": self.protocol,
            "data_sha256": dict(sorted(self.data.items())),
        }
        return json.dumps(told, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What a document shows of the comparisons of a protocol.

    Attributes
    ----------
    comparisons : tuple of str
        The analyses that compare groups for efficacy.
    why_withheld : str
        Why they are not shown; empty where they are.
    why_shown : str
        Why they are shown before the final cut without a look; empty where that is not so.
    look : Look, optional
        The unplanned look by which they are shown.
    """

    comparisons: tuple[str, ...] = ()
    why_withheld: str = ""
    why_shown: str = ""
    look: Look | None = None

    @property
    def withheld(self) -> tuple[str, ...]:
        """The analyses that are not shown."""
        return self.comparisons if self.why_withheld else ()


# --- what compares ------------------------------------------------------------------------------------------------------


def compares_efficacy(protocol: Protocol, analysis: AnalysisBase) -> bool:
    """Whether an analysis splits or adjusts by the groups of the protocol, for an endpoint that is no safety endpoint.

    A table of the patients at the start has no endpoint and compares no effect.
    """
    endpoint = getattr(analysis, "endpoint", None)
    if endpoint is None or len(protocol.groups) < 2 or is_safety_endpoint(protocol, endpoint):
        return False
    return compares_groups(analysis)


def is_safety_endpoint(protocol: Protocol, endpoint: str) -> bool:
    """Whether an endpoint is about harm: worst grades of adverse events, and rates of events that `monitoring` watches."""
    said = protocol.endpoints[endpoint]
    watched = {one.event for one in protocol.monitoring.values() if one.event}
    return said.kind == "worst grade" or (said.kind == "rate" and said.rate_of in watched)


def find_comparisons(protocol: Protocol) -> tuple[str, ...]:
    """The analyses that compare groups for efficacy, in the order of the protocol."""
    return tuple(id_ for id_, one in protocol.analyses.items() if compares_efficacy(protocol, one))


def holds_datasets(protocol: Protocol, *, is_by_group: bool) -> bool:
    """Whether analysis datasets lie beside a document: they tell who is in which group, and all that happened to them.

    Leaving the group out would not do: doses tell it as well. So of a trial with groups they come with a document that shows
    the groups apart, the closed one of a board or a report whose comparisons are not withheld, and with no other.
    """
    return is_by_group or not is_grouped(protocol)


# --- what is shown ------------------------------------------------------------------------------------------------------


def disclose(protocol: Protocol, *, cut: date | None, is_simulated: bool, look: Look | None) -> Disclosure:
    """Decide whether comparisons are shown: at the final cut, by a look, and where nobody is real."""
    comparisons = find_comparisons(protocol)
    why = why_withheld(protocol, cut) if comparisons else ""
    if not why:
        return Disclosure(comparisons)
    if is_simulated:
        return Disclosure(comparisons, why_shown=SIMULATED_SHOWN)
    if look is not None:
        return Disclosure(comparisons, look=look)
    return Disclosure(comparisons, why_withheld=why)


def why_withheld(protocol: Protocol, cut: date | None) -> str:
    """Why groups are not compared at a data cut; empty where they may be."""
    final = protocol.reporting.final_cut
    if final is None:
        return "withheld: the protocol does not say when the final data cut is"
    if cut is None:
        return "withheld: no data cut is named, so nobody can tell whether it is the final one"
    if cut < final:
        return f"withheld until the final data cut, {final.isoformat()}"
    return ""


def without_withheld(data: AnalysisData, disclosure: Disclosure) -> AnalysisData:
    """The data with a protocol that asks for nothing that is withheld: what comes after cannot show it."""
    kept = {id_: one for id_, one in data.protocol.analyses.items() if id_ not in disclosure.withheld}
    return replace(data, protocol=data.protocol.model_copy(update={"analyses": kept}))


def mark_results(results: Results, protocol: Protocol, disclosure: Disclosure, source: str) -> Results:
    """Results with a row for each analysis that is withheld, and the number of the look in each row that it shows."""
    rows = results.rows
    if disclosure.look is not None:
        look = disclosure.look
        is_shown = _compares(protocol, disclosure)
        rows = tuple(
            replace(row, conventions=_marked(row.conventions, look)) if is_shown(row) else row for row in rows
        )
    for id_ in disclosure.withheld:
        said = protocol.analyses[id_]
        origin = f"analyses.{id_} <- {dataset_of(protocol, said)} <- {source}"
        recorder = Recorder(id_, said.method, origin, getattr(said, "endpoint", None))
        recorder.add("estimate", None, note=disclosure.why_withheld)
        rows += tuple(recorder.rows)
    return Results(rows, results.findings, results.provenance, results.is_simulated)


def _compares(protocol: Protocol, disclosure: Disclosure) -> Callable[[Result], bool]:
    """Tells rows of comparisons: of their analyses, and what is counted of their endpoints beside any analysis."""
    shown = set(disclosure.comparisons)
    endpoints = {getattr(protocol.analyses[id_], "endpoint", None) for id_ in shown}
    return lambda row: (
        row.analysis in shown
        or (row.analysis not in protocol.analyses and row.endpoint is not None and row.endpoint in endpoints)
    )


def _marked(conventions: str, look: Look) -> str:
    told = json.loads(conventions) | {UNPLANNED: look.number, "reason of the look": look.reason}
    return json.dumps(told, sort_keys=True, ensure_ascii=False)


# --- the log ------------------------------------------------------------------------------------------------------------


def number_look(
    request: LookRequest, *, study: str, cut: date | None, protocol: str, data: Mapping[str, str]
) -> Look:
    """The look as it will stand in its log; nothing is written yet.

    Raises
    ------
    ProblemsFound
        `look-without-reason`, `look-without-cut`, `unreadable-looks`.
    """
    reason = " ".join(request.reason.split())
    if not reason:
        raise ProblemsFound(
            [Problem("look-without-reason", "a look needs a reason", fix="say why with --look")]
        )
    if cut is None:
        message = "a look needs a data cut: the log tells what was seen"
        raise ProblemsFound([Problem("look-without-cut", message, fix="name the data cut with --cut")])
    earlier = [one for one in read_looks(request.log) if one.study == study]
    asked = Look(len(earlier) + 1, study, cut, reason, protocol, dict(data))
    return next((one for one in earlier if replace(one, number=asked.number) == asked), asked)


def log_look(log: Path, look: Look) -> None:
    """Add a look to the end of its log, unless it stands there.

    Raises
    ------
    ProblemsFound
        `unreadable-looks`, `unwritable-file`.
    """
    if look in read_looks(log):
        return
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            file.write(look.to_json() + "\n")
    except OSError as error:
        raise refusal("unwritable-file", f"cannot be written: {error.strerror}", Place(str(log))) from error


def read_looks(log: Path) -> tuple[Look, ...]:
    """All looks of a log, in order; none where there is no log.

    Raises
    ------
    ProblemsFound
        `unreadable-looks`, where a line is not one that this program writes: looks must not be miscounted.
    """
    try:
        text = log.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(log, None, str(error)) from error
    found: list[Look] = []
    counted: Counter[str] = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        try:
            look = _as_look(json.loads(line))
            counted[look.study] += 1
            if look.number != counted[look.study]:
                raise ValueError(f"look {counted[look.study]} is missing")
            found.append(look)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _unreadable(log, number, f"the line is none that tells a look ({error})") from error
    if text and not text.endswith("\n"):
        raise _unreadable(log, len(found), "the last line is cut off")
    return tuple(found)


def _as_look(told: Any) -> Look:
    texts = [told[key] for key in ("study", "reason", "protocol_sha256")]
    if not isinstance(told["look"], int) or not all(isinstance(text, str) for text in texts):
        raise ValueError("a number and texts are expected")
    study, reason, protocol = texts
    data = {str(name): str(sha256) for name, sha256 in told["data_sha256"].items()}
    return Look(told["look"], study, date.fromisoformat(told["date"]), reason, protocol, data)


def _unreadable(log: Path, line: int | None, why: str) -> ProblemsFound:
    fix = "restore the log from a copy; looks must not be forgotten"
    return refusal(
        "unreadable-looks", f"the log of looks cannot be read: {why}", Place(str(log), line), fix=fix
    )


def tell_disclosure(disclosure: Disclosure, asked: LookRequest | None) -> Iterable[Problem]:
    """What somebody who runs a command should know of it."""
    if disclosure.withheld:
        n = len(disclosure.withheld)
        what = "1 comparison of the groups is" if n == 1 else f"{n} comparisons of the groups are"
        fix = "compare at the final data cut (`final cut` of `reporting`, and `--cut`), or look now with --look REASON"
        yield Problem(
            "withheld-until-final", f"{what} {disclosure.why_withheld}", fix=fix, severity=Severity.INFO
        )
    if asked is not None and disclosure.look is None:
        message = "nothing is withheld here, so no look is logged"
        yield Problem("look-not-needed", message, severity=Severity.INFO)
