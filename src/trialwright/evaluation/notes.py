"""What the reader of one patient notes while it judges a leaf: what it found, and what is open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trialwright.evaluation.codes import MET, NOT_MET, REASONS, VERDICTS, is_known
from trialwright.evaluation.evidence import Found, Open
from trialwright.evaluation.moments import on_or_before
from trialwright.evaluation.readings import Reading
from trialwright.evaluation.several import Held, Some, may_be_picked
from trialwright.vocabulary.partial_dates import PartialDate
from trialwright.vocabulary.verdicts import Reason


class Notes:
    """Each thing found and each thing open once, in the order of their being noted.

    What is noted as open counts only if the leaf turns out unknown. Things known in part may be noted too many: asked
    for is first what nothing is known of, see `asking.open_facts`.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, str | None], Found] = {}
        self._open: dict[Open, None] = {}

    def found(self) -> tuple[Found, ...]:
        return tuple(self._found.values())

    def open(self) -> tuple[Open, ...]:
        return tuple(self._open)

    def take_over(self, others: Notes) -> None:
        self._found.update(others._found)
        self._open.update(others._open)

    def take_over_found(self, several: Iterable[Found]) -> None:
        """What other rows were judged by, where it is not noted already."""
        for one in several:
            self._found.setdefault((one.about, one.observation.id if one.observation else None), one)

    # --- what was found -----------------------------------------------------------------------------------------------

    def note_found(self, about: str, several: Iterable[Held]) -> None:
        for one in several:
            if one.reading.observation is not None:
                self._found[(about, one.reading.observation.id)] = Found(
                    about, one.reading, VERDICTS[one.held]
                )

    def note_computed(self, about: str, reading: Reading) -> None:
        self._found[(about, None)] = Found(about, reading)

    def note_latest_outside(self, about: str, readings: Sequence[Reading], until: PartialDate) -> bool:
        """Note the latest of results that a window leaves out, up to a date; whether there are any."""
        older = [Held(one, one.date, MET) for one in readings if on_or_before(one.date, until) != NOT_MET]
        latest, _ = may_be_picked("last", older)
        self.note_found(about, [one._replace(held=NOT_MET) for one in latest])
        return bool(older)

    # --- what is open -------------------------------------------------------------------------------------------------

    def note_open(
        self, about: str, reason: Reason | None, *, is_unknown: bool = False, record: str | None = None
    ) -> None:
        if reason is not None and about:
            self._open[Open(about, reason, is_unknown, record)] = None

    def take_over_open(self, several: Iterable[Open]) -> None:
        self._open.update(dict.fromkeys(several))

    def note_absent(self, some: Some) -> None:
        if isinstance(some.absent, int):
            self.note_open(some.about, REASONS.get(some.absent), is_unknown=True)

    def note_inexact(self, about: str, reading: Reading) -> None:
        if reading.reason is not None:
            self.note_open(about, reading.reason, is_unknown=reading.is_open, record=_id(reading))
        elif isinstance(reading.value, PartialDate):
            self.note_date(about, reading.value, _id(reading))

    def note_date(self, about: str, date: PartialDate, record: str | None = None) -> None:
        if not date.is_whole:
            self.note_open(about, Reason.IMPRECISE_DATE, record=record)

    def note_unsure(self, about: str, several: Iterable[Held]) -> None:
        """Those of which a window is not sure."""
        for one in several:
            if one.held != MET:
                self.note_open(about, Reason.IMPRECISE_DATE, record=_id(one.reading))

    def note_several(self, about: str, kept: Sequence[Held], cause: Reason) -> None:
        """What is not exact of those that may be meant, and what hides which is."""
        if len({one.reading for one in kept}) > 1:
            self._note_difference(about, kept, cause)
        for one in kept:
            self.note_inexact(about, one.reading)
        self.note_unsure(about, kept)

    def note_undecided(self, some: Some, kept: Sequence[Held], codes: Sequence[int], cause: Reason) -> None:
        """What of those that were tested left the verdict unknown."""
        if some.which not in ("any", "all") and len(set(codes)) > 1:
            self._note_difference(some.about, kept, cause)
        for one, code in zip(kept, codes, strict=True):
            if not is_known(code):
                self.note_inexact(some.about, one.reading)
        self.note_unsure(some.about, kept)

    def _note_difference(self, about: str, kept: Sequence[Held], cause: Reason) -> None:
        """Results that conflict are all open; where a date hides which is meant, those whose date is not known."""
        vague = [one for one in kept if one.held != MET or not one.date.is_whole]
        for one in vague if cause is Reason.IMPRECISE_DATE and vague else kept:
            self.note_open(about, cause, record=_id(one.reading))


def _id(reading: Reading) -> str | None:
    return reading.observation.id if reading.observation else None
