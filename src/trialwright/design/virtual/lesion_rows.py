"""TU and TR: what each reader identified, measured and described on each scan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialwright.design.virtual.advanced_course import Course
from trialwright.design.virtual.advanced_visits import IMAGING, SCAN
from trialwright.design.virtual.draws import Flags, Whole
from trialwright.design.virtual.lesions import NOT_MEASURED, READERS, SITES
from trialwright.design.virtual.tables import Rows

_METHOD = "CT SCAN"


@dataclass(frozen=True, slots=True)
class _Scanned:
    """Scans of some subjects by one reader, one row each: when, at which visit, and whether it is the baseline."""

    reader: str
    subject: Whole
    day: Whole
    visit: Whole
    is_baseline: bool = False


def add_lesions(rows: Rows, course: Course) -> None:
    """All records of lesions, and the scans themselves."""
    enrolled = course.people.enrolled
    for reader in range(len(READERS)):
        _add_targets(rows, course, reader)
        _add_non_targets(rows, course, reader)
        _add_new(rows, course, reader)
        _add_sums(rows, course, reader)
    subject = np.concatenate([np.flatnonzero(enrolled), np.nonzero(course.scans.done)[0]])
    first = (course.zero + course.scan_day)[enrolled]
    later = course.zero[np.nonzero(course.scans.done)[0]] + course.scans.day[course.scans.done]
    rows.add(
        "PR",
        subject,
        PRTRT="CT of chest and abdomen",
        PRDECOD=_METHOD,
        PRSTDTC=np.concatenate([first, later]),
    )


def _baseline(course: Course, reader: int, has: Flags) -> _Scanned:
    some = np.flatnonzero(has & course.people.enrolled)
    visit = np.full(len(some), int(IMAGING))
    return _Scanned(READERS[reader], some, (course.zero + course.scan_day)[some], visit, is_baseline=True)


def _follow_up(course: Course, reader: int, done: Flags) -> _Scanned:
    subject, column = np.nonzero(done)
    day = course.zero[subject] + course.scans.day[done]
    return _Scanned(READERS[reader], subject, day, int(SCAN) + 1 + column)


def _add_targets(rows: Rows, course: Course, reader: int) -> None:
    scans = course.scans
    place = np.cumsum(scans.counted[:, reader], axis=1)
    for lesion, site in enumerate(SITES):
        own = scans.counted[:, reader, lesion]
        link = np.char.add("T0", place[:, lesion].astype(str))
        first = _baseline(course, reader, own)
        _identify(rows, first, link[first.subject], "TARGET", site)
        _size(rows, first, link[first.subject], scans.baseline_mm[first.subject, reader, lesion])
        done = scans.done & own[:, None]
        later = _follow_up(course, reader, done)
        _size(rows, later, link[later.subject], scans.mm[:, :, reader, lesion][done])


def _add_non_targets(rows: Rows, course: Course, reader: int) -> None:
    """One lesion beside the targets, and the one that this reader does not follow as a target."""
    scans = course.scans
    everybody = np.ones(course.people.n, dtype=bool)
    dropped: Flags = np.any(scans.counted[:, 0] & ~scans.counted[:, reader], axis=1)
    for link, has in (("NT01", everybody), ("NT02", dropped)):
        first = _baseline(course, reader, has)
        _identify(rows, first, link, "NON-TARGET", "LIVER")
        _state(rows, first, link, "NON-TARGET", "PRESENT")
        done = scans.done & has[:, None]
        gone = scans.non_target_gone[done] & (link == "NT01")
        word = np.where(
            scans.non_target[done], "UNEQUIVOCAL PROGRESSION", np.where(gone, "ABSENT", "PRESENT")
        )
        _state(rows, _follow_up(course, reader, done), link, "NON-TARGET", word)


def _add_new(rows: Rows, course: Course, reader: int) -> None:
    scans = course.scans
    for number in (1, 2):
        seen = scans.done & (scans.new[:, :, reader] >= number)
        found = _follow_up(course, reader, seen)
        first = np.unique(found.subject, return_index=True)[1]
        link = f"NEW0{number}"
        _identify(rows, _Scanned(found.reader, found.subject[first], found.day[first], found.visit[first]), link,
                  "NEW", "LIVER")  # fmt: skip
        _state(rows, found, link, "NEW", "UNEQUIVOCAL")


def _add_sums(rows: Rows, course: Course, reader: int) -> None:
    """The reader's own sum, where every target was measured."""
    scans = course.scans
    counted = scans.counted[:, reader]
    first = _baseline(course, reader, np.ones(course.people.n, dtype=bool))
    _sum(rows, first, np.where(counted, scans.baseline_mm[:, reader], 0).sum(axis=1)[first.subject])
    missing = ((scans.mm[:, :, reader] == NOT_MEASURED) & counted[:, None, :]).any(axis=2)
    whole = scans.done & ~missing
    total = np.where(counted[:, None, :], scans.mm[:, :, reader], 0).sum(axis=2)[whole]
    _sum(rows, _follow_up(course, reader, whole), total)


def _identify(rows: Rows, scanned: _Scanned, link: str | np.ndarray[tuple[int, ...], np.dtype[np.str_]], role: str,
              site: str) -> None:  # fmt: skip
    rows.add(
        "TU", scanned.subject, TULNKID=link, TUTESTCD="TUMIDENT", TUTEST="Tumor Identification", TUORRES=role,
        TUSTRESC=role, TULOC=site, TUMETHOD=_METHOD, TUEVAL=scanned.reader, TUDTC=scanned.day,
        VISITNUM=scanned.visit.astype(np.float64), TUBLFL="Y" if scanned.is_baseline else "",
    )  # fmt: skip


def _size(
    rows: Rows, scanned: _Scanned, link: np.ndarray[tuple[int, ...], np.dtype[np.str_]], mm: Whole
) -> None:
    missing = mm == NOT_MEASURED
    text, unit = np.where(missing, "", mm.astype(str)), np.where(missing, "", "mm")
    rows.add(
        "TR", scanned.subject, TRLNKID=link, TRGRPID="TARGET", TRTESTCD="DIAMETER", TRTEST="Diameter", TRORRES=text,
        TRSTRESC=text, TRSTRESN=np.where(missing, np.nan, mm.astype(np.float64)), TRORRESU=unit, TRSTRESU=unit,
        TRSTAT=np.where(missing, "NOT DONE", ""), TRREASND=np.where(missing, "NOT MEASURABLE ON THIS SCAN", ""),
        TRMETHOD=_METHOD, TREVAL=scanned.reader, TRDTC=scanned.day, VISITNUM=scanned.visit.astype(np.float64),
        TRBLFL="Y" if scanned.is_baseline else "",
    )  # fmt: skip


def _state(
    rows: Rows,
    scanned: _Scanned,
    link: str,
    group: str,
    word: str | np.ndarray[tuple[int, ...], np.dtype[np.str_]],
) -> None:
    rows.add(
        "TR", scanned.subject, TRLNKID=link, TRGRPID=group, TRTESTCD="TUMSTATE", TRTEST="Tumor State", TRORRES=word,
        TRSTRESC=word, TRMETHOD=_METHOD, TREVAL=scanned.reader, TRDTC=scanned.day,
        VISITNUM=scanned.visit.astype(np.float64), TRBLFL="Y" if scanned.is_baseline else "",
    )  # fmt: skip


def _sum(rows: Rows, scanned: _Scanned, total: Whole) -> None:
    text = total.astype(str)
    rows.add(
        "TR", scanned.subject, TRGRPID="TARGET", TRTESTCD="SUMDIAM", TRTEST="Sum of Diameter", TRORRES=text,
        TRSTRESC=text, TRSTRESN=total.astype(np.float64), TRORRESU="mm", TRSTRESU="mm", TRMETHOD=_METHOD,
        TREVAL=scanned.reader, TRDTC=scanned.day, VISITNUM=scanned.visit.astype(np.float64),
        TRBLFL="Y" if scanned.is_baseline else "",
    )  # fmt: skip
