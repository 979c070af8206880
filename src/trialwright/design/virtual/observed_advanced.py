"""What a perfect reader of the records of one patient with advanced disease could see.

The definitions are those of the registry record and its protocol file as a person reads them, written down here a second
time on purpose: a derivation that goes wrong, or a protocol whose rule was changed, differs from this. Days count from
the first dose, which is day 0; answers are yes, no, or None where the records leave it open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from trialwright.design.virtual.laboratory import EXACT
from trialwright.design.virtual.observed_immune import follow_immune
from trialwright.design.virtual.observed_tumour import (
    Assessment,
    Followed,
    best_response,
    confirmed_response,
    first_progression,
    first_response,
    progression_free,
    response_duration,
)
from trialwright.design.virtual.readings import (
    TOLERANCE,
    Answer,
    Finding,
    Sample,
    baseline_of,
    both,
    confirmed,
    first_met,
    is_above,
    is_at_least,
    lowest_before,
    reaches,
    sample,
)  # fmt: skip
from trialwright.vocabulary.durations import add_months

REACTIVATION_FOLD = 100
FLARE_FOLD, FLARE_ABOVE = 3, 100.0
INJURY_ALT, INJURY_BILIRUBIN, CHOLESTASIS_ALP = 3, 2, 2
"""Multiples of the upper limit of normal: from three on, above two, below two (hbv.md section 8.1)."""
JAUNDICE_WITHIN = 30
NADIR_FOLD, FROM_UNDETECTABLE, CONFIRMED_AFTER = 10, 100.0, 28
UNDETECTABLE_BELOW, RISEN_TO = 20.0, 1000.0
BASELINE_WITHIN, BEFORE_ENTECAVIR_WITHIN = 14, 28
ON_TREATMENT_AFTER, SAFETY_AFTER = 28, 90
BREAKTHROUGH_MONTHS, ENTECAVIR_MONTHS = 3, 6


@dataclass(frozen=True, slots=True)
class Patient:
    """The records of one patient, as values: results in order of their days, and the days of what happened."""

    zero: date
    last_dose: int
    entecavir: int | None
    stop: int | None
    new_therapy: int | None
    death: int | None
    last_contact: int
    hbv_dna: Sequence[Sample]
    alt: Sequence[Sample]
    alp: Sequence[Sample]
    bilirubin: Sequence[Sample]
    normal: Mapping[str, float]
    """Upper limits of normal of the last three, as their laboratory gives them."""
    assessments: tuple[Sequence[Assessment], Sequence[Assessment]]
    """By the investigator and by the independent assessor."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that can be seen: the protocol element, who read it, and what was found.

    `finding` of an event or a rate, `followed` of a time, `response` of a best response, or of a scan on its `day`.
    """

    element: str
    reader: str | None
    finding: Finding | None = None
    followed: Followed | None = None
    response: str | None = None
    n_assessed: int | None = None
    day: int | None = None


READER_NAMES = ("local", "central")


def see(patient: Patient) -> Iterator[Seen]:
    """Everything the protocol asks for that these records show."""
    yield from _see_virus(patient)
    yield Seen(
        "events.hys_law", None, first_met([(one.day, _is_injury(one, patient)) for one in patient.alt])
    )
    for reader, assessments in zip(READER_NAMES, patient.assessments, strict=True):
        day = first_progression(assessments)
        yield Seen("events.progression", reader, Finding(day is not None, day))
        yield Seen("best response", reader, response=best_response(assessments, patient.new_therapy))
        yield Seen(
            "endpoints.response", reader, response=confirmed_response(assessments, patient.new_therapy)
        )
        for name, counts_death in (("ttp", False), ("pfs", True)):
            followed = progression_free(
                assessments, patient.new_therapy, patient.death, counts_death=counts_death
            )
            yield Seen(f"endpoints.{name}", reader, followed=followed)
        yield Seen(
            "events.tumour_response", reader, Finding(*first_response(assessments, patient.new_therapy))
        )
        lasted = response_duration(assessments, patient.new_therapy, patient.death)
        yield Seen("endpoints.duration_of_response", reader, followed=lasted)
        yield from _see_immune(reader, assessments)
    alive = Followed(patient.last_contact, "censored", "alive")
    died = patient.death is not None
    yield Seen(
        "endpoints.os", None, followed=Followed(patient.death or 0, "event", "death") if died else alive
    )


def _see_immune(reader: str, assessments: Sequence[Assessment]) -> Iterator[Seen]:
    """iRECIST, which decides on treatment: each scan, and the progression that was not taken back."""
    course = follow_immune(assessments)
    for one, response in zip(assessments, course.responses, strict=True):
        yield Seen("facts.irecist_response", reader, response=response, day=one.day)
    is_confirmed = course.confirmed is not None
    yield Seen("events.confirmed_progression", reader, Finding(is_confirmed, course.confirmed))
    word = "CONFIRMED" if is_confirmed else "UNCONFIRMED"
    yield Seen(
        "progression by iRECIST",
        reader,
        response=None if course.progression is None else word,
        day=course.progression,
    )


def _see_virus(patient: Patient) -> Iterator[Seen]:
    virus = [one for one in patient.hbv_dna if one.day > 0]
    enzymes = [one for one in patient.alt if one.day > 0]
    baseline = baseline_of(patient.hbv_dna, 0, BASELINE_WITHIN, takes_earlier=True)
    usual = baseline_of(patient.alt, 0, BASELINE_WITHIN, takes_earlier=True)
    before = (
        None
        if patient.entecavir is None
        else baseline_of(patient.hbv_dna, patient.entecavir, BEFORE_ENTECAVIR_WITHIN, takes_earlier=False)
    )
    rises = [(one.day, reaches(one, REACTIVATION_FOLD, baseline) if baseline else None) for one in virus]
    flares = [(one.day, _is_flare(one, usual)) for one in enzymes]
    # this rule names its own sample, so that every row is held against it, those before the first dose too
    rises_before = [
        (one.day, reaches(one, REACTIVATION_FOLD, before) if before else None) for one in patient.hbv_dna
    ]
    undetectable = [(one.day, _has_emerged(one, baseline)) for one in virus]
    on_treatment = patient.last_dose + ON_TREATMENT_AFTER
    yield Seen("events.hbv_reactivation", None, first_met(rises))
    yield Seen("events.hepatitis_flare", None, first_met(flares))
    yield Seen("events.hbv_reactivation_over_entecavir_baseline", None, first_met(rises_before))
    yield Seen("events.rise_from_undetectable", None, first_met(undetectable))
    reactivation = _within("endpoints.reactivation", rises, on_treatment)
    flare = _within("endpoints.flare", flares, on_treatment)
    yield reactivation
    yield flare
    yield _within("endpoints.reactivation_90_days", rises, patient.last_dose + SAFETY_AFTER)
    yield _within(
        "endpoints.reactivation_over_entecavir_baseline",
        [row for row in rises_before if row[0] > 0],
        on_treatment,
    )
    yield Seen("endpoints.hepatitis", None, _all_of(reactivation, flare))
    since = baseline.day if baseline else 1
    course = [one for one in patient.hbv_dna if one.day >= since]
    yield from _see_nadir(patient, course, on_treatment)
    yield _time_to_reactivation(patient, rises, virus, on_treatment)


def _is_flare(one: Sample, usual: Sample | None) -> Answer:
    return both(reaches(one, FLARE_FOLD, usual) if usual else None, is_above(one, FLARE_ABOVE))


def _is_injury(one: Sample, patient: Patient) -> Answer:
    """Hy's law by the laboratory: bilirubin on the day of the ALT or up to 30 days later, ALP low in the same sample."""

    is_high = reaches(one, INJURY_ALT, sample(0, patient.normal["alt"], EXACT))
    if is_high is False:
        return False
    above = INJURY_BILIRUBIN * patient.normal["bilirubin"] * (1 + TOLERANCE)
    later = [
        is_above(each, above) for each in patient.bilirubin if 0 <= each.day - one.day <= JAUNDICE_WITHIN
    ]
    limit = sample(0, patient.normal["alp"], EXACT)
    cholestatic = [reaches(each, CHOLESTASIS_ALP, limit) for each in patient.alp if each.day == one.day]
    return both(both(is_high, _any(later)), _not(_any(cholestatic)))


def _any(answers: Sequence[Answer]) -> Answer:
    """Kleene's or; of nothing it cannot be said."""
    if any(answers):
        return True
    return None if None in answers or not answers else False


def _not(answer: Answer) -> Answer:
    return None if answer is None else not answer


def _has_emerged(one: Sample, baseline: Sample | None) -> Answer:
    if baseline is None:
        return both(None, is_at_least(one, RISEN_TO))
    at_least = is_at_least(baseline, UNDETECTABLE_BELOW)
    return both(None if at_least is None else not at_least, is_at_least(one, RISEN_TO))


def _within(element: str, rows: Sequence[tuple[int, Answer]], until: int) -> Seen:
    """A rate: whether it is seen in the window, and on how many occasions anybody looked."""
    inside = [row for row in rows if row[0] <= until]
    finding = first_met(inside) if inside else Finding(None)
    return Seen(element, None, finding, n_assessed=len(inside))


def _all_of(one: Seen, other: Seen) -> Finding:
    """Both, dated to the later of the two."""
    if one.finding is None or other.finding is None:
        return Finding(None)
    answer = both(one.finding.answer, other.finding.answer)
    if not answer or one.finding.day is None or other.finding.day is None:
        return Finding(answer)
    return Finding(True, max(one.finding.day, other.finding.day))


def _see_nadir(patient: Patient, course: Sequence[Sample], on_treatment: int) -> Iterator[Seen]:
    """Rises over the lowest value since baseline, baseline included."""
    from_day: int | None = None
    if patient.entecavir is not None:
        starts = add_months(_after(patient.zero, patient.entecavir), BREAKTHROUGH_MONTHS)
        from_day = (starts - patient.zero).days
    nadirs = lowest_before(course)

    tenfold = [
        None if nadir is None else _has_risen(one, nadir) for one, nadir in zip(course, nadirs, strict=True)
    ]

    def breaks_through(position: int) -> Answer:
        return both(tenfold[position], from_day is not None and course[position].day >= from_day)

    def after_start(rows: Sequence[tuple[int, Answer]]) -> list[tuple[int, Answer]]:
        return [row for row in rows if row[0] > 0]

    over = after_start(confirmed(course, lambda position: tenfold[position], CONFIRMED_AFTER))
    through = after_start(confirmed(course, breaks_through, CONFIRMED_AFTER))
    hundredfold = [
        (one.day, reaches(one, REACTIVATION_FOLD, nadir) if nadir else None)
        for one, nadir in zip(course, nadirs, strict=True)
        if one.day > 0
    ]
    yield Seen("events.hbv_dna_100_fold_over_nadir", None, first_met(hundredfold))
    yield Seen("events.hbv_dna_10_fold_over_nadir", None, first_met(over))
    yield Seen("events.virological_breakthrough", None, first_met(through))
    yield _within("endpoints.rise_over_nadir", over, on_treatment)
    covered = (add_months(_after(patient.zero, patient.last_dose), ENTECAVIR_MONTHS) - patient.zero).days
    yield _within("endpoints.breakthrough", through, covered)


def _has_risen(one: Sample, nadir: Sample) -> Answer:
    """Ten times the lowest value; after virus that could not be quantified, 100 IU/mL (hbv.md section 6)."""
    was_seen = is_at_least(nadir, UNDETECTABLE_BELOW)
    answers = (
        both(was_seen, reaches(one, NADIR_FOLD, nadir)),
        both(_not(was_seen), is_at_least(one, FROM_UNDETECTABLE)),
    )
    return _any(answers)


def _after(zero: date, days: int) -> date:
    return date.fromordinal(zero.toordinal() + days)


def _time_to_reactivation(
    patient: Patient, rises: Sequence[tuple[int, Answer]], virus: Sequence[Sample], until: int
) -> Seen:
    """Reactivation, with death and the end of durvalumab competing; else the last sample in the window."""
    inside = [row for row in rises if row[0] <= until]
    event = first_met(inside).day
    ends = [(day, why) for day, why in ((patient.stop, "end of durvalumab"), (patient.death, "death"))
            if day is not None and day <= until]  # fmt: skip
    first_end = min(ends, default=None)
    at_risk = [row for row in inside if first_end is None or row[0] <= first_end[0]]
    if first_met(at_risk).answer is None:
        followed = Followed(None, "not evaluable", "an open result")
    elif event is not None and (first_end is None or event <= first_end[0]):
        followed = Followed(event, "event", "reactivation")
    elif first_end is not None:
        followed = Followed(first_end[0], "competing", first_end[1])
    else:
        last = max((one.day for one in virus if one.day <= until), default=0)
        followed = Followed(last, "censored", "no event")
    return Seen("endpoints.time_to_reactivation", None, followed=followed)
