"""Recurrence of hepatocellular carcinoma after radical treatment: whether, when and where."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from trialwright.medicine.arguments import as_answers, as_lengths, as_levels, row_count, spread
from trialwright.medicine.known import MET, NOT_MET, Categories, Known
from trialwright.medicine.lirads.recurrence_rule import (
    EXTRAHEPATIC,
    FINDINGS,
    OTHER_CANCER,
    PROOFS,
    Findings,
    Proofs,
    RecurrenceRule,
)
from trialwright.medicine.whole_dates import as_dates
from trialwright.vocabulary.intervals import Flags
from trialwright.vocabulary.verdicts import Codes, Reason, all_of, any_of
from trialwright.vocabulary.windows import Direction, Window

Days = npt.NDArray[np.datetime64]
_Index = npt.NDArray[np.intp]

SITES = ("none", "local", "intrahepatic", "multifocal", "vascular", "extrahepatic", "both", "not imaged")


@dataclass(frozen=True, slots=True, eq=False)
class Recurrences:
    """First recurrence of each subject.

    Parameters
    ----------
    occurred : ndarray of uint8 of shape (n,)
        Verdict codes; not met is meant up to `last_assessed_day`. Unknown (missing) where no scan after baseline
        could be evaluated and nothing is proven. Not applicable where disease was left at baseline.
    first_day, last_day : ndarray of datetime64[D] of shape (n,)
        From the earliest to the latest day it can be; they differ where an earlier scan was not read or is in
        conflict. NaT where there is none, `last_day` also where it is not known whether there is one.
    sensitivity_day : ndarray of datetime64[D] of shape (n,)
        The day if an observation counts from its first LR-4 scan after baseline. NaT where not met.
    site : Categories of shape (n,)
        One of `SITES`, of all that was found on the day of recurrence.
    is_early : ndarray of uint8 of shape (n,)
        Verdict codes; not applicable without recurrence.
    is_residual : ndarray of uint8 of shape (n,)
        Verdict codes: whether there was tumour after radical treatment, up to baseline.
    has_unconfirmed : ndarray of bool of shape (n,)
        Whether an LR-4 or LR-M stands last of its observation, neither proven nor refuted.
    second_primary_day : ndarray of datetime64[D] of shape (n,)
        First proof of another cancer; NaT where there is none.
    last_assessed_day : ndarray of datetime64[D] of shape (n,)
        Last scan with anything evaluable, for censoring; NaT where there is none after radical treatment.
    """

    occurred: Codes
    first_day: Days
    last_day: Days
    sensitivity_day: Days
    site: Categories
    is_early: Codes
    is_residual: Codes
    has_unconfirmed: Flags
    second_primary_day: Days
    last_assessed_day: Days


def find_recurrence(
    *,
    subjects: Sequence[Hashable],
    treated_on: npt.ArrayLike,
    baseline_on: npt.ArrayLike,
    findings: Findings,
    proofs: Proofs,
    rule: RecurrenceRule,
) -> Recurrences:
    """Find the first recurrence of each subject.

    Imaging dates a recurrence by the scan that first fulfils the rule; a sample or treatment by the last scan before it
    that showed the lesion, else by its own day. What lies on or before the day of radical treatment is the tumour that
    was treated; what lies after it and up to baseline is residual disease and no recurrence. An observation proven to
    be another cancer is none.

    Parameters
    ----------
    subjects : sequence of shape (n,)
        Each once.
    treated_on, baseline_on : array-like of datetime64[D] of shape (n,)
        Day of radical treatment, and of the scan or decision that found the subject free of tumour.
    findings : Findings
    proofs : Proofs
    rule : RecurrenceRule
        One of `RULES`.

    Returns
    -------
    recurrences : Recurrences of shape (n,)
        In the order of `subjects`. A scan that nobody read, and an observation of one scan read in two ways, leave
        open what they could have decided.

    Raises
    ------
    ValueError
        If a subject appears twice or not at all among `subjects`, a date is missing, a finding or proof is another, or
        baseline lies before radical treatment.
    """
    treated, baseline = _days("treated_on", treated_on), _days("baseline_on", baseline_on)
    n = row_count(subjects=subjects, treated_on=treated, baseline_on=baseline)
    treated, baseline = (np.broadcast_to(days, n) for days in (treated, baseline))
    for position in np.flatnonzero(baseline < treated):
        raise ValueError(f"`baseline_on[{position}]` must not lie before radical treatment")
    number = {subject: position for position, subject in enumerate(subjects)}
    if len(number) < len(subjects):
        raise ValueError("each of `subjects` must be there once")

    keys: dict[tuple[int, Hashable], int] = {}
    scans = _read_findings(findings, number, keys, rule)
    events = _read_proofs(proofs, number, keys)
    scans = scans.chosen(scans.day > treated[scans.subject])
    events = events.chosen(events.day > treated[events.subject])
    others = events.chosen(events.is_one_of({OTHER_CANCER}))
    scans = replace(scans, code=np.where(np.isin(scans.key, others.key), _NO, scans.code))
    shown = scans.chosen(scans.is_one_of(rule.shown_by))

    found = scans.joined(_dated(events.chosen(events.is_one_of(rule.by_proof)), shown, rule))
    is_late = found.day > baseline[found.subject]
    is_residual = found.chosen(~is_late).verdicts(n)
    found = found.chosen(is_late)
    assessed = scans.chosen(scans.is_evaluable)
    was_seen = np.isin(np.arange(n), assessed.subject[assessed.day > baseline[assessed.subject]])
    happened = found.verdicts(n)
    happened = np.where((happened == NOT_MET) & ~was_seen, np.uint8(Reason.MISSING.code), happened)
    occurred = _at_risk(happened, is_residual)
    possible, sure = found.chosen(found.code != NOT_MET), found.chosen(found.code == MET)
    is_none = (occurred == NOT_MET) | (occurred == Reason.NOT_APPLICABLE.code)
    first, last = (np.where(is_none, _NEVER, rows.earliest(n)) for rows in (possible, sure))
    open_for = found.chosen((found.code != MET) & (found.day < last[found.subject])).verdicts(n)
    back = _back_dated(sure, scans.chosen(scans.day > baseline[scans.subject]), rule)
    return Recurrences(
        occurred=occurred,
        first_day=first,
        last_day=last,
        sensitivity_day=np.where(occurred == MET, back.earliest(n), _NEVER),
        site=_sites(sure.chosen(sure.day == last[sure.subject]), occurred, open_for),
        is_early=_early(first, last, treated, occurred, rule),
        is_residual=is_residual,
        has_unconfirmed=_unconfirmed(assessed, events, n, rule),
        second_primary_day=_dated(others, shown, rule).earliest(n),
        last_assessed_day=assessed.latest(n),
    )


# --- rows ------------------------------------------------------------------------------------------------------------

_NO = np.uint8(NOT_MET)
_NEVER = np.datetime64("NaT", "D")
_UNREAD, _UNSEEN = "unread", "unseen"
"""In place of a finding: nobody read it; it was proven without a scan that showed it."""
_WHAT = (*FINDINGS, *PROOFS, _UNREAD, _UNSEEN)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Findings, proofs, or possible recurrences.

    `key` numbers observations, `what` is a position in `_WHAT`, `code` tells whether the row is a recurrence.
    """

    subject: _Index
    day: Days
    key: _Index
    what: _Index
    code: Codes
    at_margin: Codes

    def chosen(self, rows: Flags | _Index) -> _Rows:
        return self._each(lambda column: column[rows])

    def joined(self, other: _Rows) -> _Rows:
        return _Rows(
            np.concatenate([self.subject, other.subject]),
            np.concatenate([self.day, other.day]),
            np.concatenate([self.key, other.key]),
            np.concatenate([self.what, other.what]),
            np.concatenate([self.code, other.code]),
            np.concatenate([self.at_margin, other.at_margin]),
        )

    def is_one_of(self, names: Iterable[str]) -> Flags:
        return np.isin(self.what, [_WHAT.index(name) for name in names])

    @property
    def is_evaluable(self) -> Flags:
        return ~self.is_one_of(("LR-NC", "nonevaluable", _UNREAD))

    def verdicts(self, n: int) -> Codes:
        """For each subject whether any row is a recurrence."""
        codes = np.full(n, _NO)
        np.maximum.at(codes, self.subject, self.code)
        return codes

    def earliest(self, n: int) -> Days:
        """The first day of each subject, NaT without rows."""
        days = np.full(n, _NEVER)
        np.fmin.at(days, self.subject, self.day)
        return days

    def latest(self, n: int) -> Days:
        """The last day of each subject, NaT without rows."""
        days = np.full(n, _NEVER)
        np.fmax.at(days, self.subject, self.day)
        return days

    def _each(self, change: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> _Rows:
        return _Rows(
            change(self.subject),
            change(self.day),
            change(self.key),
            change(self.what),
            change(self.code),
            change(self.at_margin),
        )


def _dated(events: _Rows, shown: _Rows, rule: RecurrenceRule) -> _Rows:
    """Proofs in the place of the last scan that showed their observation soon enough before, else on their own day."""
    unseen = replace(events, what=np.full(len(events.day), _WHAT.index(_UNSEEN)))
    if not (len(shown.day) and len(events.day)):
        return unseen
    scans = shown.chosen(np.lexsort((shown.what, shown.day, shown.key)))
    # One number for observation and day, rising with both.
    since = min(scans.day.min(), events.day.min())
    span = int((max(scans.day.max(), events.day.max()) - since).astype(np.int64)) + 1
    places = [rows.key * span + (rows.day - since).astype(np.int64) for rows in (scans, events)]
    at = np.searchsorted(places[0], places[1], side="right") - 1
    scan = scans.chosen(np.maximum(at, 0))
    window = Window(rule.shown_within, Direction.BEFORE, includes_anchor=True)
    is_shown = (at >= 0) & (scan.key == events.key) & (window.contains_days(scan.day, events.day) == MET)
    return replace(
        unseen,
        day=np.where(is_shown, scan.day, events.day),
        what=np.where(is_shown, scan.what, unseen.what),
        at_margin=np.where(is_shown, scan.at_margin, unseen.at_margin),
    )


def _back_dated(found: _Rows, scans: _Rows, rule: RecurrenceRule) -> _Rows:
    """Each on the day of the first LR-4 of its observation, where that is earlier."""
    earlier = scans.chosen(scans.is_one_of(rule.back_dated_from))
    first = np.full(max(found.key.max(initial=0), earlier.key.max(initial=0)) + 1, _NEVER)
    np.fmin.at(first, earlier.key, earlier.day)
    return replace(found, day=np.fmin(found.day, first[found.key]))


# --- answers for each subject ------------------------------------------------------------------------------------------


def _at_risk(happened: Codes, is_residual: Codes) -> Codes:
    """Recurrence only of those without residual disease; not known where that is not."""
    open_for = np.where(happened == MET, _NO, happened)
    return np.where(
        is_residual == MET,
        np.uint8(Reason.NOT_APPLICABLE.code),
        np.where(is_residual == NOT_MET, happened, np.maximum(is_residual, open_for)),
    )


def _early(first: Days, last: Days, treated: Days, occurred: Codes, rule: RecurrenceRule) -> Codes:
    # The window includes its far end, so early is a day whose morrow still lies inside.
    window = Window(rule.early_within, Direction.AFTER, includes_anchor=True)
    is_met = occurred == MET
    morrows = [np.where(is_met, days, treated) + 1 for days in (first, last)]
    codes = window.contains_days(morrows[0], treated, last=morrows[1])
    without = np.where(occurred == NOT_MET, np.uint8(Reason.NOT_APPLICABLE.code), occurred)
    return np.where(is_met, codes, without)


def _sites(here: _Rows, occurred: Codes, open_for: Codes) -> Categories:
    """Of all that was found on the day of recurrence; open where that day is."""
    n = len(occurred)
    # An observation read twice, or found and proven on one day, is one.
    here = here.chosen(np.lexsort((here.what, here.key)))
    here = here.chosen(np.unique(here.key, return_index=True)[1])
    is_vein, is_outside = here.is_one_of(["LR-TIV"]), here.is_one_of(EXTRAHEPATIC)
    is_unseen = here.is_one_of([_UNSEEN])
    in_liver = ~(is_vein | is_outside | is_unseen)
    local = np.where(here.is_one_of(["viable"]), np.uint8(MET), here.at_margin)

    def count(rows: Flags) -> _Index:
        return np.bincount(here.subject[rows], minlength=n)

    liver, vein, outside = count(in_liver), count(is_vein), count(is_outside)
    single = (liver == 1) & (vein == 0) & (outside == 0)
    is_none = (occurred == NOT_MET) | (occurred == Reason.NOT_APPLICABLE.code)
    possible = {
        "none": is_none,
        "local": single & (count(in_liver & (local != NOT_MET)) > 0),
        "intrahepatic": single & (count(in_liver & (local != MET)) > 0),
        "multifocal": (liver > 1) & (vein == 0) & (outside == 0),
        "vascular": (vein > 0) & (outside == 0),
        "extrahepatic": (outside > 0) & (liver + vein == 0),
        "both": (outside > 0) & (liver + vein > 0),
        "not imaged": (liver + vein + outside == 0) & (count(is_unseen) > 0),
    }
    flags = np.column_stack([possible[site] & ((occurred == MET) | is_none) for site in SITES])
    is_open = (occurred != MET) & ~is_none
    flags[is_open | (open_for != NOT_MET)] = True
    flags[occurred == MET, SITES.index("none")] = False
    flags[is_none] = [site == "none" for site in SITES]
    open_margin = np.full(n, _NO)
    np.maximum.at(open_margin, here.subject, np.where(local == MET, _NO, local))
    told = np.where(is_open, occurred, np.where(open_for != NOT_MET, open_for, open_margin))
    return Categories(SITES, flags, np.where(is_none, _NO, told))


def _unconfirmed(scans: _Rows, events: _Rows, n: int, rule: RecurrenceRule) -> Flags:
    scans = scans.chosen(~np.isin(scans.key, events.key))
    scans = scans.chosen(np.lexsort((scans.day, scans.key)))
    last = np.full(scans.key.max(initial=0) + 1, _NEVER)
    np.fmax.at(last, scans.key, scans.day)
    waits = scans.is_one_of(rule.unconfirmed) & (scans.day == last[scans.key])
    return np.bincount(scans.subject[waits], minlength=n) > 0


# --- reading -----------------------------------------------------------------------------------------------------------


def _read_findings(
    findings: Findings,
    number: Mapping[Hashable, int],
    keys: dict[tuple[int, Hashable], int],
    rule: RecurrenceRule,
) -> _Rows:
    subject = _subjects("findings", findings.subject, number)
    day = _days("findings.on", findings.on)
    levels = as_levels("findings.finding", findings.finding, FINDINGS)
    size = as_lengths("findings.size", findings.size, unit=findings.size_unit)
    distance = as_lengths("findings.margin_distance", findings.margin_distance, unit=findings.size_unit)
    has_margin = as_answers("findings.has_margin", findings.has_margin)
    n = row_count(
        subject=subject,
        on=day,
        observation=findings.observation,
        finding=levels,
        size=size,
        margin_distance=distance,
        has_margin=has_margin,
    )
    levels, size, distance = spread(levels, n), spread(size, n), spread(distance, n)
    is_settled = levels.possible.sum(axis=1) == 1
    rows = _Rows(
        subject,
        np.broadcast_to(day, n),
        _keys(subject, findings.observation, keys),
        np.where(is_settled, levels.possible.argmax(axis=1), _WHAT.index(_UNREAD)),
        _counts(levels, size, rule),
        all_of([spread(has_margin, n), distance.compare("<=", rule.at_margin_mm)]),
    )
    return _with_conflicts(rows)


def _counts(levels: Categories, size: Known, rule: RecurrenceRule) -> Codes:
    """Whether each finding is recurrence by itself; outside the liver only from a size on."""
    lesion, node = EXTRAHEPATIC
    parts = [levels.is_in(*sorted(rule.by_imaging.difference(EXTRAHEPATIC)))]
    for level, least in ((lesion, rule.extrahepatic_mm), (node, rule.node_short_axis_mm)):
        if level in rule.by_imaging:
            parts.append(all_of([levels.is_in(level), size.compare(">=", least)]))
    return any_of(parts)


def _with_conflicts(rows: _Rows) -> _Rows:
    """The same where readings of one observation on one day that decide differently are in conflict."""
    if not len(rows.day):
        return rows
    order = np.lexsort((rows.day, rows.key))
    key, day = rows.key[order], rows.day[order]
    starts = np.flatnonzero(np.r_[True, (key[1:] != key[:-1]) | (day[1:] != day[:-1])])
    sizes = np.diff(np.append(starts, len(order)))

    def agreed(codes: Codes) -> Codes:
        sorted_codes = codes[order]
        least = np.minimum.reduceat(sorted_codes, starts)
        most = np.maximum.reduceat(sorted_codes, starts)
        unknown = np.maximum.reduceat(np.where(sorted_codes == MET, _NO, sorted_codes), starts)
        differ = (least == NOT_MET) & (most == MET)
        told = np.maximum(unknown, np.where(differ, np.uint8(Reason.CONFLICT.code), _NO))
        result = np.empty_like(codes)
        result[order] = np.repeat(np.where(least == most, most, told), sizes)
        return result

    return replace(rows, code=agreed(rows.code), at_margin=agreed(rows.at_margin))


def _read_proofs(
    proofs: Proofs, number: Mapping[Hashable, int], keys: dict[tuple[int, Hashable], int]
) -> _Rows:
    subject = _subjects("proofs", proofs.subject, number)
    for position, proof in enumerate(proofs.proof):
        if proof not in PROOFS:
            raise ValueError(f"`proofs.proof[{position}]` must be one of {', '.join(PROOFS)}, not {proof!r}")
    day = _days("proofs.on", proofs.on)
    n = row_count(subject=subject, on=day, observation=proofs.observation, proof=proofs.proof)
    return _Rows(
        subject,
        np.broadcast_to(day, n),
        _keys(subject, proofs.observation, keys),
        np.array([_WHAT.index(proof) for proof in proofs.proof], dtype=np.intp),
        np.full(n, MET, dtype=np.uint8),
        np.full(n, Reason.MISSING.code, dtype=np.uint8),
    )


def _days(name: str, values: npt.ArrayLike) -> Days:
    return as_dates(name, np.atleast_1d(values))


def _subjects(name: str, subjects: Sequence[Hashable], number: Mapping[Hashable, int]) -> _Index:
    for position, subject in enumerate(subjects):
        if subject not in number:
            raise ValueError(f"`{name}.subject[{position}]` is none of `subjects`: {subject!r}")
    return np.array([number[subject] for subject in subjects], dtype=np.intp)


def _keys(subject: _Index, observations: Sequence[Hashable], keys: dict[tuple[int, Hashable], int]) -> _Index:
    """A number for each observation of each subject; a row without id is an observation of its own."""
    labels = [object() if observation is None else observation for observation in observations]
    pairs = zip(subject.tolist(), labels, strict=True)
    return np.array([keys.setdefault(pair, len(keys)) for pair in pairs], dtype=np.intp)
