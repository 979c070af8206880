"""What a careful reader would ask about data on lesions: things that cannot be right, or need a second look.

Nothing is corrected here and nothing raises: each function lists questions, sorted as the data are. Where
data leave a response open, `targets` and `overall` have already called it not evaluable.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trialwright.medicine.recist.best_response import disease_after_complete_response
from trialwright.medicine.recist.courses import some_before
from trialwright.medicine.recist.criteria import MEASURABLE_1_1, MeasurableLimits
from trialwright.medicine.recist.lesions import Lesions, TimePoints, as_millimetres
from trialwright.medicine.recist.overall import Reappearances
from trialwright.medicine.recist.responses import Flags, ImmuneResponse, Response, Role, as_flags, as_words
from trialwright.medicine.recist.targets import Sums
from trialwright.medicine.whole_dates import as_dates


class Question(StrEnum):
    """What is asked."""

    NO_BASELINE = "no baseline assessment"
    BASELINE_TOO_EARLY = "baseline too long before the first dose"
    BASELINE_AFTER_FIRST_DOSE = "baseline after the first dose"
    NO_TARGET = "no target lesion at baseline"
    TOO_MANY_TARGETS = "more targets than allowed"
    TOO_MANY_IN_ORGAN = "more targets in one organ than allowed"
    TARGET_TOO_SMALL = "target too small to be one"
    TARGET_NOT_AT_BASELINE = "target that the baseline does not have"
    WRONG_AXIS = "node by its longest diameter, or other lesion by its short axis"
    METHOD_CHANGED = "imaging method changed"
    SEEN_TWICE = "rows of one lesion at one time point contradict each other"
    VISIT_APART = "one visit has dates far apart"
    SUM_WITHOUT_TARGET = "sum given though a target was not measured"
    SUM_DISAGREES = "sum given differs from the sum of the lesions"
    RESPONSE_CONTRADICTS = "response given differs from the one derived"
    UNKNOWN_WORD = "word that is no response"
    DISEASE_AFTER_CR = "disease seen after a complete response"
    TWO_ON_ONE_DATE = "two responses of one date differ"
    NODE_REAPPEARED = "only a node reappeared after a complete response"


class Asked(NamedTuple):
    """One question: about whom, where, and what was found."""

    question: Question
    subject: Any
    reader: Any
    date: Any
    lesion: Any
    found: str


def ask_about_baseline(
    lesions: Lesions, *, first_dose: npt.ArrayLike | None = None, limits: MeasurableLimits = MEASURABLE_1_1
) -> list[Asked]:
    """Ask about the baseline of each course: its date, and the number and size of its targets.

    Parameters
    ----------
    lesions : Lesions
    first_dose : array-like of datetime64[D] of shape (n_courses,), optional
        In the order of `lesions.points.subject`; NaT where it is not known.
    limits : MeasurableLimits
    """
    points = lesions.points
    asked = [
        _of_course(points, Question.NO_BASELINE, course, "no row is marked as baseline")
        for course in _where(~points.has_baseline)
    ]
    if first_dose is not None:
        asked += _ask_about_baseline_dates(points, first_dose, limits)
    target = lesions.role == Role.TARGET
    counts = np.bincount(lesions.course[target & lesions.is_at_baseline], minlength=points.n_courses)
    for point in _where(points.is_baseline):
        n = counts[points.course[point]]
        if n == 0:
            asked.append(_at_point(points, Question.NO_TARGET, point, "0 targets"))
        elif n > limits.most_targets:
            found = f"{n} targets, at most {limits.most_targets}"
            asked.append(_at_point(points, Question.TOO_MANY_TARGETS, point, found))
    least = np.where(lesions.is_node, limits.node_mm, limits.least_mm)[lesions.lesion]
    small = lesions.of_role(Role.TARGET) & points.is_baseline[lesions.at] & (lesions.diameter_mm < least)
    return asked + [
        _at_row(
            lesions,
            Question.TARGET_TOO_SMALL,
            row,
            f"{lesions.diameter_mm[row]:g} mm, at least {least[row]:g}",
        )
        for row in _where(small)
    ]


def _ask_about_baseline_dates(
    points: TimePoints, first_dose: npt.ArrayLike, limits: MeasurableLimits
) -> list[Asked]:
    dose = as_dates("first_dose", first_dose, length=points.n_courses, may_be_missing=True)[points.course]
    days = (dose - points.first_date).astype(np.int64)
    known = points.is_baseline & ~np.isnat(dose)
    early = _where(known & (days > limits.baseline_window_days))
    late = _where(known & (points.last_date > dose))
    return [
        *(
            _at_point(points, Question.BASELINE_TOO_EARLY, point, f"{days[point]} days before the first dose")
            for point in early
        ),
        *(
            _at_point(points, Question.BASELINE_AFTER_FIRST_DOSE, point, f"first dose on {dose[point]}")
            for point in late
        ),
    ]


def ask_about_lesions(lesions: Lesions) -> list[Asked]:
    """Ask about rows that contradict each other, and about targets that the baseline does not have."""
    late = lesions.of_role(Role.TARGET) & ~lesions.is_at_baseline[lesions.lesion]
    return [
        *(
            _at_row(lesions, Question.SEEN_TWICE, row, "the rows differ, and count as not assessed")
            for row in _where(lesions.is_contradicted)
        ),
        *(
            _at_row(lesions, Question.TARGET_NOT_AT_BASELINE, row, "not added to the sum")
            for row in _where(late & lesions.points.has_baseline[lesions.course[lesions.lesion]])
        ),
    ]


def ask_about_sums(
    points: TimePoints, sums: Sums, reported: npt.ArrayLike, *, unit: str | npt.ArrayLike, tolerance_mm: float
) -> list[Asked]:
    """Compare sums that readers gave with those of the lesions.

    Parameters
    ----------
    points : TimePoints
    sums : Sums of n time points
    reported : array-like of float of shape (n,)
        NaN where no sum was given.
    unit : str, or array-like of str of shape (n,)
    tolerance_mm : float
        Difference that passes, itself included: sums of rounded diameters.
    """
    given = as_millimetres("reported", reported, unit=unit, length=len(points))
    unmeasured = ~np.isnan(given) & (sums.n_measured < sums.n_targets)
    differs = ~np.isnan(given) & ~unmeasured & ~(np.abs(given - sums.sum_mm) <= tolerance_mm * (1 + 1e-9))
    asked = []
    for point in _where(unmeasured | differs):
        if unmeasured[point]:
            missing = sums.n_targets[point] - sums.n_measured[point]
            found = f"sum of {given[point]:g} mm, {missing} of {sums.n_targets[point]} targets not measured"
            asked.append(_at_point(points, Question.SUM_WITHOUT_TARGET, point, found))
        else:
            found = f"sum of {given[point]:g} mm, lesions make {sums.sum_mm[point]:g} mm"
            asked.append(_at_point(points, Question.SUM_DISAGREES, point, found))
    return asked


def ask_about_responses(points: TimePoints, derived: npt.ArrayLike, reported: npt.ArrayLike) -> list[Asked]:
    """Compare responses that readers gave with those derived; `MISSING` on either side is not compared.

    Parameters
    ----------
    points : TimePoints
    derived, reported : array-like of `Response` codes of shape (n,)
        Both of the targets, of the non-targets or overall.
    """
    ours = as_words(Response, "derived", derived, length=len(points))
    theirs = as_words(Response, "reported", reported, length=len(points))
    differs = (ours != theirs) & (ours != Response.MISSING) & (theirs != Response.MISSING)
    return [
        _at_point(
            points,
            Question.RESPONSE_CONTRADICTS,
            point,
            f"{Response(int(theirs[point])).word} given, {Response(int(ours[point])).word} derived",
        )
        for point in _where(differs)
    ]


def ask_after_complete_response(points: TimePoints, overall: npt.ArrayLike) -> list[Asked]:
    """Ask about overall responses that see disease after a complete one, as given by a reader, until
    progression."""
    codes = as_words(Response, "overall", overall, length=len(points))
    disease = disease_after_complete_response(points.course, codes)
    disease &= ~some_before(points.course, codes == Response.PD)
    return [
        _at_point(points, Question.DISEASE_AFTER_CR, point, f"{Response(int(codes[point])).word} after CR")
        for point in _where(disease)
    ]


def ask_about_nodes(points: TimePoints, reappearances: Reappearances) -> list[Asked]:
    """Ask for another image where nothing but a node came back after a complete response."""
    return [
        _at_point(points, Question.NODE_REAPPEARED, point, "image again before it counts as progression")
        for point in _where(reappearances.is_only_a_node)
    ]


def ask_about_organs(
    subject: npt.ArrayLike,
    lesion: npt.ArrayLike,
    organ: npt.ArrayLike,
    *,
    is_target: npt.ArrayLike,
    is_node: npt.ArrayLike,
    reader: npt.ArrayLike | None = None,
    limits: MeasurableLimits = MEASURABLE_1_1,
) -> list[Asked]:
    """Ask about organs with more targets than allowed; all nodes together are one organ.

    Parameters
    ----------
    subject, lesion, organ, reader : array-like of shape (n,)
        Labels; rows of one lesion may repeat.
    is_target, is_node : array-like of bool of shape (n,)
    limits : MeasurableLimits
    """
    n = len(np.asarray(subject))
    targets = as_flags("is_target", is_target, n).tolist()
    nodes = as_flags("is_node", is_node, n).tolist()
    found: dict[tuple[Any, Any, Any], set[Any]] = {}
    for who, by, name, place, counts, in_node in _rows(subject, reader, lesion, organ, targets, nodes):
        if counts:
            found.setdefault((who, by, "lymph nodes" if in_node else place), set()).add(name)
    most = limits.most_targets_in_an_organ
    return [
        Asked(
            Question.TOO_MANY_IN_ORGAN,
            who,
            by,
            None,
            None,
            f"{len(names)} targets in {place}, at most {most}",
        )
        for (who, by, place), names in found.items()
        if len(names) > most
    ]


def ask_about_axes(
    subject: npt.ArrayLike,
    date: npt.ArrayLike,
    lesion: npt.ArrayLike,
    *,
    is_node: npt.ArrayLike,
    is_short_axis: npt.ArrayLike,
    reader: npt.ArrayLike | None = None,
) -> list[Asked]:
    """Ask about measurements along the wrong axis: nodes count by the short one, other lesions by the
    longest.

    Parameters
    ----------
    subject, date, lesion, reader : array-like of shape (n,)
        One row for each measurement that is to count.
    is_node, is_short_axis : array-like of bool of shape (n,)
    """
    n = len(np.asarray(subject))
    nodes = as_flags("is_node", is_node, n).tolist()
    shorts = as_flags("is_short_axis", is_short_axis, n).tolist()
    return [
        Asked(Question.WRONG_AXIS, who, by, day, name, "short axis" if short else "longest diameter")
        for who, by, day, name, node, short in _rows(subject, reader, date, lesion, nodes, shorts)
        if node != short
    ]


def ask_about_methods(
    subject: npt.ArrayLike,
    date: npt.ArrayLike,
    lesion: npt.ArrayLike,
    method: npt.ArrayLike,
    *,
    reader: npt.ArrayLike | None = None,
) -> list[Asked]:
    """Ask about lesions imaged by another method than at their first date.

    Parameters
    ----------
    subject, date, lesion, method, reader : array-like of shape (n,)
        Rows whose method is None are left out.
    """
    first: dict[tuple[Any, Any, Any], Any] = {}
    asked = []
    rows = [row for row in _rows(subject, reader, date, lesion, method) if row[4] is not None]
    for who, by, day, name, how in sorted(rows, key=lambda row: row[2]):
        before = first.setdefault((who, by, name), how)
        if how != before:
            asked.append(Asked(Question.METHOD_CHANGED, who, by, day, name, f"{how}, {before} at first"))
    return asked


def ask_about_visits(
    subject: npt.ArrayLike,
    visit: npt.ArrayLike,
    date: npt.ArrayLike,
    *,
    most_days_apart: int,
    reader: npt.ArrayLike | None = None,
) -> list[Asked]:
    """Ask about visits whose scans lie further apart than one assessment can: one label for two visits, or a
    wrong date.

    Parameters
    ----------
    subject, visit, date, reader : array-like of shape (n,)
        One row for each scan or measurement.
    most_days_apart : int
        Number of days between first and last scan that passes, itself included.
    """
    days = as_dates("date", date, length=len(np.asarray(subject)))
    found: dict[tuple[Any, Any, Any], list[Any]] = {}
    for who, by, label, day in _rows(subject, reader, visit, days):
        found.setdefault((who, by, label), []).append(day)
    spans = ((key, min(dates), max(dates)) for key, dates in found.items())
    return [
        Asked(Question.VISIT_APART, who, by, last, None, f"visit {label} from {first} to {last}")
        for (who, by, label), first, last in spans
        if (last - first).days > most_days_apart
    ]


def ask_about_words(
    subject: npt.ArrayLike,
    date: npt.ArrayLike,
    word: Iterable[str | None],
    *,
    kind: type[Response] | type[ImmuneResponse],
    reader: npt.ArrayLike | None = None,
) -> list[Asked]:
    """Ask about words that are no response; None is none given.

    Parameters
    ----------
    subject, date, reader : array-like of shape (n,)
    word : iterable of str and None, n of them
    kind : Response or ImmuneResponse
    """
    known = {None, *(member.word for member in kind)}
    return [
        Asked(Question.UNKNOWN_WORD, who, by, day, None, repr(text))
        for who, by, day, text in _rows(subject, reader, date, list(word))
        if text not in known
    ]


def ask_about_dates(
    subject: npt.ArrayLike,
    date: npt.ArrayLike,
    word: Iterable[str | None],
    *,
    reader: npt.ArrayLike | None = None,
) -> list[Asked]:
    """Ask about dates with two responses that differ; until it is answered the course is not evaluable.

    Parameters
    ----------
    subject, date, reader : array-like of shape (n,)
    word : iterable of str and None, n of them
        Responses of one kind, as given or as `decode` writes them; None and `MISSING` are none.
    """
    days = as_dates("date", date, length=len(np.asarray(subject)))
    found: dict[tuple[Any, Any, Any], set[str]] = {}
    for who, by, day, text in _rows(subject, reader, days, list(word)):
        if text not in (None, Response.MISSING.word):
            found.setdefault((who, by, day), set()).add(text)
    return [
        Asked(Question.TWO_ON_ONE_DATE, who, by, day, None, " and ".join(sorted(words)))
        for (who, by, day), words in found.items()
        if len(words) > 1
    ]


def _rows(subject: npt.ArrayLike, reader: npt.ArrayLike | None, *columns: Any) -> list[tuple[Any, ...]]:
    """Rows of subject, reader and more, as plain values; ValueError where lengths differ."""
    lists = [np.asarray(subject).tolist()]
    lists.append([None] * len(lists[0]) if reader is None else np.asarray(reader).tolist())
    lists += [column if isinstance(column, list) else np.asarray(column).tolist() for column in columns]
    if len({len(values) for values in lists}) > 1:
        raise ValueError(
            f"columns must have one length, not {', '.join(str(len(values)) for values in lists)}"
        )
    return list(zip(*lists, strict=True))


def _where(flags: Flags) -> list[int]:
    return [int(position) for position in np.flatnonzero(flags)]


def _of_course(points: TimePoints, question: Question, course: int, found: str) -> Asked:
    return Asked(question, points.subject[course], points.reader[course], None, None, found)


def _at_point(points: TimePoints, question: Question, point: int, found: str) -> Asked:
    course = points.course[point]
    day = points.last_date[point].item()
    return Asked(question, points.subject[course], points.reader[course], day, None, found)


def _at_row(lesions: Lesions, question: Question, row: int, found: str) -> Asked:
    at_point = _at_point(lesions.points, question, int(lesions.at[row]), found)
    return at_point._replace(lesion=lesions.label[lesions.lesion[row]])
