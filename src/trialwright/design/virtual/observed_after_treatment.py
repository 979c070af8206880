"""What a perfect reader of the records of one patient after radical treatment could see.

The definitions are those of the registry record and its protocol file as a person reads them, written down here a second
time on purpose. Days count from group assignment, which is day 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from trialwright.design.virtual.observed_advanced import READER_NAMES, Seen
from trialwright.design.virtual.observed_tumour import Followed
from trialwright.design.virtual.readings import (
    Answer,
    Finding,
    Sample,
    both,
    confirmed,
    first_met,
    is_at_least,
)

SUSPECT = ("LR-3", "LR-4", "LR-5", "LR-M", "LR-TIV")
"""Categories of lesions that may be cancer."""
PROBABLE = ("LR-4", "LR-5", "LR-TIV")
SHOWN_WITHIN = 90
"""A scan so long before histology or treatment led to it."""
LOST_BELOW, CONFIRMED_AFTER, ANTIBODIES_FROM = 0.05, 84, 10.0
SUSTAINED_AFTER = 168
UNDETECTABLE_BELOW, LOST_WITHIN = 10.0, 28
LONGEST_GAP = 183
HBSAG_READ_AT = 672
FOLLOW_UP = 1099


@dataclass(frozen=True, slots=True)
class Look:
    """One scan as one reader saw it."""

    day: int
    category: str
    site: str
    outside: str


@dataclass(frozen=True, slots=True)
class Patient:
    """The records of one patient, as values."""

    looks: tuple[Sequence[Look], Sequence[Look]]
    histology: int | None
    treated: int | None
    unseen_death: bool
    death: int | None
    second_primary: int | None
    transplantation: int | None
    last_contact: int
    last_interferon: int | None
    last_analogue: int | None
    """None while it goes on."""
    hbsag: Sequence[Sample]
    anti_hbs: Sequence[Sample]
    hbv_dna: Sequence[Sample]


def see(patient: Patient) -> Iterator[Seen]:
    """Everything the protocol asks for that these records show."""
    for reader, looks in zip(READER_NAMES, patient.looks, strict=True):
        yield from _see_recurrence(patient, reader, looks)
    alive = Followed(patient.last_contact, "censored", "alive")
    death = patient.death
    yield Seen("endpoints.os", None, followed=alive if death is None else Followed(death, "event", "death"))
    yield from _see_hbsag(patient)


def _see_recurrence(patient: Patient, reader: str, looks: Sequence[Look]) -> Iterator[Seen]:
    days = {
        "new_lr5": _first(looks, lambda one: one.category == "LR-5"),
        "tumour_in_vein": _first(looks, lambda one: one.category == "LR-TIV"),
        "local_progression": _first(looks, lambda one: one.site == "viable"),
        "extrahepatic_recurrence": _first(looks, lambda one: one.outside == "unequivocal"),
        "proven_recurrence": _led_to(looks, patient.histology),
        "probable_treated": _treated_as_probable(looks, patient.treated),
        "death_from_hcc_unseen": patient.death if patient.unseen_death else None,
    }
    for name, day in days.items():
        yield Seen(f"events.{name}", reader, Finding(day is not None, day))
    recurrence = min((day for day in days.values() if day is not None), default=None)
    probable = _first(looks, lambda one: one.category in PROBABLE)
    yield Seen("events.recurrence", reader, Finding(recurrence is not None, recurrence))
    yield Seen("events.recurrence_from_lr4", reader, Finding(probable is not None, probable))
    adequate = [one.day for one in looks if one.category != "LR-NC"]
    ended = [day for day in (patient.second_primary, patient.transplantation) if day is not None]
    for name, event, ends in (("recurrence", recurrence, ended), ("recurrence_from_lr4", probable, [])):
        yield Seen(f"endpoints.{name}", reader, followed=_follow(event, patient.death, ends, adequate))
    yield Seen(
        "endpoints.recurrence_without_gaps",
        reader,
        followed=_without_gaps(recurrence, patient.death, adequate),
    )
    firsts = [day for day in (recurrence, patient.death) if day is not None]
    followed = (
        Followed(min(firsts), "event", "recurrence or death")
        if firsts
        else Followed(max(adequate, default=0), "censored", "no event")
    )
    yield Seen("endpoints.rfs", reader, followed=followed)


def _first(looks: Sequence[Look], holds: Callable[[Look], bool]) -> int | None:
    return next((one.day for one in looks if holds(one)), None)


def _led_to(looks: Sequence[Look], decided: int | None) -> int | None:
    """The scan that led to a biopsy or a treatment: the last within 90 days before it that showed a lesion, else its day."""
    if decided is None:
        return None
    shown = [one.day for one in looks if decided - SHOWN_WITHIN <= one.day <= decided and _shows(one)]
    return shown[-1] if shown else decided


def _shows(one: Look) -> bool:
    return one.category in SUSPECT or one.site in ("equivocal", "viable") or one.outside == "unequivocal"


def _treated_as_probable(looks: Sequence[Look], treated: int | None) -> int | None:
    """A lesion treated as cancer counts where it was LR-4 at the last scan within 90 days before."""
    before = [one for one in looks if treated is not None and treated - SHOWN_WITHIN <= one.day <= treated]
    return _led_to(looks, treated) if before and before[-1].category == "LR-4" else None


def _follow(event: int | None, death: int | None, ends: Sequence[int], adequate: Sequence[int]) -> Followed:
    """Time to an event with death competing; what else ends follow-up does so at the last adequate scan before it."""
    end = min(ends, default=None)
    others = [day for day in (event, death) if day is not None]
    if end is not None and all(end < day for day in others):
        return Followed(max((day for day in adequate if day <= end), default=0), "censored", "ended")
    if event is not None and (death is None or event <= death):
        return Followed(event, "event", "recurrence")
    if death is not None:
        return Followed(death, "competing", "death")
    return Followed(max(adequate, default=0), "censored", "no event")


def _without_gaps(event: int | None, death: int | None, adequate: Sequence[int]) -> Followed:
    """The same, where follow-up ends before half a year or more without an adequate scan, whatever came then."""
    followed = _follow(event, death, (), adequate)
    if followed.how == "censored" or followed.day is None:
        return followed
    last = max((day for day in adequate if day < followed.day), default=0)
    return Followed(last, "censored", "missed scans") if followed.day - last >= LONGEST_GAP else followed


def _see_hbsag(patient: Patient) -> Iterator[Seen]:
    """Loss of HBsAg, confirmed; still lost half a year after interferon, and after all treatment; and with antibodies."""
    samples = [one for one in patient.hbsag if one.day >= 0]
    rows = confirmed(samples, lambda position: _is_lost(samples[position]), CONFIRMED_AFTER)
    loss = first_met(rows)
    yield Seen("events.hbsag_loss", None, loss)
    inside = [row for row in rows if row[0] <= HBSAG_READ_AT]
    yield Seen("hbsag_loss within 96 weeks", None, first_met(inside) if inside else Finding(None),
               n_assessed=len(inside))  # fmt: skip
    since = patient.last_interferon
    sustained: list[tuple[int, Answer]] = [
        (one.day, False if since is None else both(_is_lost(one), one.day >= since + SUSTAINED_AFTER))
        for one in samples
    ]
    yield Seen("events.hbsag_loss_sustained", None, first_met(sustained))

    def has_lost(day: int) -> Answer:
        """Lost once, confirmed, and lost at the last look of the four weeks before."""
        looks = [one for one in patient.hbsag if 0 <= day - one.day <= LOST_WITHIN]
        had = loss.answer if loss.day is None else day >= loss.day
        return both(had, _is_lost(looks[-1]) if looks else None)

    antibodies: list[tuple[int, Answer]] = [
        (one.day, both(is_at_least(one, ANTIBODIES_FROM), has_lost(one.day)))
        for one in patient.anti_hbs
        if one.day >= 0
    ]
    yield Seen("events.seroconversion", None, first_met(antibodies))
    yield Seen("events.functional_cure", None, _see_cure(patient, rows))


def _is_lost(one: Sample) -> Answer:
    is_there = is_at_least(one, LOST_BELOW)
    return None if is_there is None else not is_there


def _see_cure(patient: Patient, losses: Sequence[tuple[int, Answer]]) -> Finding:
    """No HBV DNA 24 weeks after all treatment or later, while HBsAg is lost.

    Under an analogue nobody is cured in this sense, however long HBsAg is lost (hbv.md section 7).
    """
    if patient.last_analogue is None:
        return Finding(False)
    since = (
        max(day for day in (patient.last_analogue, patient.last_interferon) if day is not None)
        + SUSTAINED_AFTER
    )
    cures: list[tuple[int, Answer]] = []
    for one in patient.hbv_dna:
        if one.day >= since:
            lost = first_met([row for row in losses if 0 <= one.day - row[0] <= LOST_WITHIN])
            is_there = is_at_least(one, UNDETECTABLE_BELOW)
            cures.append((one.day, both(lost.answer, None if is_there is None else not is_there)))
    return first_met(cures)
