"""Checks of visits, clocks and the time an endpoint is read."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from trialwright.checks.checked import Checked, Schedule
from trialwright.checks.lengths import in_months, least_days, most_days
from trialwright.checks.registry import Found, check
from trialwright.protocol.model import Endpoint, Visit
from trialwright.vocabulary.documents import Path
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.problems import Severity

_SOON_AFTER_DAYS = 42
_CONFIRM_WITHIN_DAYS = 56
"""iRECIST asks for the confirming scan 4 to 8 weeks after the first progression."""


@check(
    "overlapping-windows",
    Severity.WARNING,
    title="windows of two visits overlap, so that one contact fits both",
    why="""A scan in the overlap is early for one visit and late for the other; which one it feeds is then decided by whoever cleans
    the data, and one of the two is missed.""",
    example="""
visits:
  week_4: { label: Week 4, at: 4 weeks, tolerance: 1 week, measures: [alt] }
  week_6: { label: Week 6, at: 6 weeks, tolerance: 1 week, measures: [alt] }
""",
    cure="""
visits:
  week_4: { label: Week 4, at: 4 weeks, tolerance: 3 days, measures: [alt] }
  week_6: { label: Week 6, at: 6 weeks, tolerance: 3 days, measures: [alt] }
""",
    source="CDISC ADaM Implementation Guide 1.3, analysis windows: one record feeds one visit",
)
def overlapping_windows(checked: Checked) -> Iterator[Found]:
    visits = checked.protocol.visits
    for name, visit in visits.items():
        if visit.every and visit.tolerance and 2 * most_days(visit.tolerance) >= least_days(visit.every):
            yield Found(
                ("visits", name, "tolerance"),
                f"a tolerance of {visit.tolerance} around visits every {visit.every} lets one contact fit two of them",
                "keep the tolerance below half the interval",
            )
    for (one, first), (other, second) in combinations(_single_visits(visits), 2):
        earlier, later = sorted((first, second), key=lambda visit: most_days(visit.at) if visit.at else 0)
        if earlier.at and later.at and _end(earlier) >= least_days(later.at) - _tolerance(later):
            name = other if later is second else one
            partner = one if later is second else other
            yield Found(
                ("visits", name),
                f"the windows of `{partner}` and `{name}` overlap: one contact fits both",
                "move one of them, or narrow a tolerance",
                about_key=True,
            )


def _single_visits(visits: dict[str, Visit]) -> list[tuple[str, Visit]]:
    """Visits due once, of one starting point."""
    starts = {visit.from_ for visit in visits.values()}
    return [
        (name, visit) for name, visit in visits.items() if visit.at and not visit.every and len(starts) == 1
    ]


def _tolerance(visit: Visit) -> int:
    return most_days(visit.tolerance) if visit.tolerance else 0


def _end(visit: Visit) -> int:
    return (most_days(visit.at) if visit.at else 0) + _tolerance(visit)


@check(
    "last-visit-after-time-frame",
    Severity.WARNING,
    title="the last scheduled visit of the time frame may fall after it",
    why="""Visit 13 of a 12-week grid is due on day 1092 and allowed until day 1099; three years end on day 1095 or 1096. What the last scan
    shows then belongs to no year, and how many scans come late decides the rate.""",
    example="""
endpoints:
  recurrence: { time frame: 3 years }
""",
    cure="""
endpoints:
  recurrence: { time frame: 157 weeks }
""",
    source="the calendar: 13 times 84 days is 1092, three years are 1095 or 1096 days",
)
def last_visit_after_time_frame(checked: Checked) -> Iterator[Found]:
    for name, endpoint in checked.protocol.endpoints.items():
        frame = endpoint.time_frame
        for schedule in _schedules_of(checked, endpoint):
            if frame is None or not _is_grid_from_its_start(checked, schedule, name):
                continue
            k = most_days(frame) // schedule.most_gap
            due = k * schedule.most_gap
            latest = due + schedule.tolerance
            names_the_visit = due == least_days(frame) and endpoint.kind != "time to event"
            if k and latest > least_days(frame) and not names_the_visit:
                yield Found(
                    ("endpoints", name, "time frame"),
                    f"visit {k} of {schedule.words} is due on day {due} and allowed until day {latest}, after the {frame} "
                    f"({_days(frame)}) at which `{name}` is read",
                    f"read the endpoint at day {latest}, or end the window with the time frame",
                )
                break


def _is_grid_from_its_start(checked: Checked, schedule: Schedule, endpoint: str) -> bool:
    """Whether visits lie on a fixed grid that counts from the same day as the endpoint."""
    if not schedule.is_grid or schedule.least_gap != schedule.most_gap or schedule.path[0] != "visits":
        return False
    zero = checked.moment("time zero")
    start = checked.moment(*map(str, schedule.path), "from") or zero
    return start == (checked.moment("endpoints", endpoint, "from") or zero)


def _days(frame: Duration) -> str:
    least, most = least_days(frame), most_days(frame)
    return f"day {least}" if least == most else f"day {least} or {most}"


def _schedules_of(checked: Checked, endpoint: Endpoint) -> list[Schedule]:
    """The rows of contacts that can show an endpoint, each once."""
    found: list[Schedule] = []
    for fact in checked.facts_of(endpoint):
        found += [one for one in checked.schedules.get(fact, ()) if one not in found]
    return found


@check(
    "event-not-scheduled",
    Severity.WARNING,
    title="an endpoint needs a measurement that no visit or clock plans",
    why="""What is measured only when someone thinks of it is measured in those who are ill. The rate then depends on the doctors, and
    the unmeasured count as well.""",
    example="""
visits:
  imaging: { measures: [alt] }
""",
    cure="""
visits:
  imaging: { measures: [lirads, lirads_treated, recist_response, alt] }
""",
    source="SPIRIT 2013, items 13 and 18a",
)
def event_not_scheduled(checked: Checked) -> Iterator[Found]:
    told: set[str] = set()
    for name, endpoint in checked.protocol.endpoints.items():
        if endpoint.kind == "worst grade":  # adverse events are written down when they come
            continue
        missing = [
            fact for fact in checked.facts_of(endpoint) if not checked.is_planned(fact) and fact not in told
        ]
        if missing:
            told |= set(missing)
            named = " and ".join(f"`{fact}`" for fact in missing)
            yield Found(
                ("endpoints", name),
                f"`{name}` needs {named}, and {checked.record} does not say when {'it is' if len(missing) == 1 else 'they are'} measured",
                "schedule it, and say how often",
                about_key=True,
            )


@check(
    "interval-left-to-choice",
    Severity.WARNING,
    title="how often an endpoint is looked for is left to choice within a wide range",
    why="""Progression is dated to the scan that shows it. Between every 8 and every 12 weeks lies a month of progression-free survival that the
    physician chooses, and who is scanned sooner looks worse.""",
    example="""
clocks:
  imaging: { every: 4 to 8 weeks }
""",
    cure="""
clocks:
  imaging: { every: 6 to 8 weeks }
""",
    source="Panageas et al., J Natl Cancer Inst 2007;99:428-432: the interval between assessments shifts the median",
    base="single arm",
)
def interval_left_to_choice(checked: Checked) -> Iterator[Found]:
    for clock_id, clock in checked.protocol.clocks.items():
        if clock.every is None or not clock.assess or clock.status == "assumed":
            continue
        least, most = least_days(clock.every.least), most_days(clock.every.most)
        if 2 * most >= 3 * least and most > least:
            yield Found(
                ("clocks", clock_id, "every"),
                f"assessments are {clock.every} apart, so the day of an event may come {most - least} days sooner or later by choice",
                "fix the interval, and allow a tolerance around it",
            )


@check(
    "protection-may-start-late",
    Severity.WARNING,
    title="a protecting drug may start after the treatment it protects from",
    why="""Prophylaxis begins before or with the risk. A rule of `within 7 days` on either side lets it begin a week late, in those with the highest
    viral load.""",
    example="""
clocks:
  entecavir_start: { within: 7 days of first durvalumab }
""",
    cure="""
clocks:
  entecavir_start: { within: 7 days before first durvalumab }
""",
    source="AGA 2025 guideline on HBV reactivation: prophylaxis starts before the treatment with the risk",
    base="single arm",
)
def protection_may_start_late(checked: Checked) -> Iterator[Found]:
    kept = {clock.keep for clock in checked.protocol.clocks.values() if clock.keep}
    for clock_id, clock in checked.protocol.clocks.items():
        reach = checked.reach("clocks", clock_id, "within")
        if clock.start_of in kept and reach is not None and reach.side in ("around", "after"):
            yield Found(
                ("clocks", clock_id, "within"),
                f"`{clock.start_of}` may start up to {reach.length} after the first `{reach.moment.name}`, from whose effects it protects",
                f"let it start before or with `{reach.moment.name}`, or say why not",
            )


@check(
    "measured-too-rarely",
    Severity.WARNING,
    title="an event needs findings closer together than they are measured",
    why="""If two findings must lie within 14 days and are looked for every 12 weeks, only chance shows the event. A rate of zero then says
    something about the calendar and nothing about the drug.""",
    example="""
events:
  hepatitis: { all of: [alt_rise, dna_rise], within: 14 days }
""",
    cure="""
events:
  hepatitis: { all of: [alt_rise, dna_rise], within: 26 weeks }
""",
    source="Yeo et al., J Med Virol 2001;65:473-477: HBV DNA rises weeks before ALT and may have fallen when ALT peaks",
)
def measured_too_rarely(checked: Checked) -> Iterator[Found]:
    for name, event in checked.protocol.events.items():
        if event.within is None:
            continue
        for fact in checked.measured_by(name):
            gaps = [one.most_gap for one in checked.schedules.get(fact, ())]
            if gaps and min(gaps) > most_days(event.within):
                yield Found(
                    ("events", name, "within"),
                    f"`{name}` asks for its findings within {event.within}, and `{fact}` is measured up to {min(gaps)} days apart",
                    "measure it more often, or allow more time",
                )
                break
    for name, endpoint in checked.protocol.endpoints.items():
        gaps = [one.most_gap for one in _schedules_of(checked, endpoint)]
        if endpoint.time_frame is not None and gaps and min(gaps) > most_days(endpoint.time_frame):
            yield Found(
                ("endpoints", name, "time frame"),
                f"`{name}` is read at {endpoint.time_frame}, before the first measurement that could show it",
                "measure earlier, or read later",
            )


@check(
    "progression-cannot-be-confirmed",
    Severity.WARNING,
    title="treatment goes on until progression is confirmed, and scans are too far apart to confirm it in time",
    why="""Confirmation is sought 4 to 8 weeks after the first progression. With the next scan after 12 weeks a patient whose tumour grows
    is treated a month longer than the rule means, or stopped without confirmation.""",
    example="""
treatments:
  durvalumab: { until: { progression: { text: Confirmed progression, when: had(confirmed_progression) } } }
clocks:
  imaging: { every: 12 weeks }
""",
    cure="""
treatments:
  durvalumab: { until: { progression: { text: Confirmed progression, when: had(confirmed_progression) } } }
clocks:
  imaging: { every: 8 weeks }
""",
    source="iRECIST (Seymour et al., Lancet Oncol 2017;18:e143-e152): confirmation 4 to 8 weeks after the first progression",
    base="single arm",
)
def progression_cannot_be_confirmed(checked: Checked) -> Iterator[Found]:
    for name, treatment in checked.protocol.treatments.items():
        for rule_name, stop in treatment.until.items():
            said = f"{rule_name} {stop.text} {stop.when or ''}".casefold()
            if "confirmed" not in said or "progression" not in said:
                continue
            for schedule in _imaging(checked):
                if schedule.most_gap > _CONFIRM_WITHIN_DAYS:
                    yield Found(
                        ("treatments", name, "until", rule_name),
                        f"`{name}` ends at confirmed progression, which is sought 4 to 8 weeks after the first; imaging is planned "
                        f"{schedule.words}, so the confirming scan may come after {schedule.most_gap} days",
                        "plan a scan 4 to 8 weeks after a first progression",
                        about_key=True,
                    )
                    break


def _imaging(checked: Checked) -> Iterator[Schedule]:
    for clock_id, clock in checked.protocol.clocks.items():
        if clock.assess:
            yield from (
                one for one in checked.schedules.get(clock.assess, ()) if one.path == ("clocks", clock_id)
            )
    for name in ("recist_response", "irecist_response", "sum_of_diameters"):
        yield from checked.schedules.get(name, ())


@check(
    "baseline-after-other-drug",
    Severity.WARNING,
    title="baseline may lie after the first dose of another study drug",
    why="""Entecavir lowers HBV DNA within days. A baseline taken after it is lower than the patient's own level, and a rise
    measured against it is counted where none would be against the other. Both baselines are sound; they must not be mixed.""",
    example="""
baseline: last on or before first durvalumab
""",
    cure="""
baseline: last on or before first entecavir
""",
    source="ICH E9, 5.3; screening 420 000, before durvalumab 31 000, later 4 000 000 IU/mL: 129-fold over one baseline, 9.5-fold over the other",
    base="single arm",
)
def baseline_after_other_drug(checked: Checked) -> Iterator[Found]:
    baseline = checked.baseline()
    until = baseline.until if baseline is not None else None
    if until is None or until.which != "first":
        return
    for clock_id, clock in checked.protocol.clocks.items():
        reach = checked.reach("clocks", clock_id, "within")
        if clock.start_of is None or clock.start_of == until.name or reach is None:
            continue
        if reach.moment.name == until.name and reach.side in ("around", "before"):
            yield Found(
                ("baseline",),
                f"baseline is the last value before the first `{until.name}`, and `{clock.start_of}` may start "
                f"{reach.length} earlier: a value taken between the two is already under `{clock.start_of}`",
                "choose one baseline as registered, and show the other beside it",
            )


@check(
    "unmonitored-after-treatment",
    Severity.WARNING,
    title="a protecting drug goes on after the treatment, and nothing is measured in that time",
    why="""The protection is there because the risk goes on, and the risk is highest after it ends. An event in those months is seen
    only by the patient.""",
    example="""
clocks:
  viral_load: { during: durvalumab }
""",
    cure="""
clocks:
  viral_load: { during: follow_up }
""",
    source="AGA 2025 guideline on HBV reactivation: monitoring goes on after prophylaxis ends",
    base="single arm",
)
def unmonitored_after_treatment(checked: Checked) -> Iterator[Found]:
    for clock_id, clock in checked.protocol.clocks.items():
        cover = checked.reach("clocks", clock_id, "at least")
        if clock.keep is None or cover is None or cover.side != "after" or cover.moment.name is None:
            continue
        for name, endpoint in checked.protocol.endpoints.items():
            if endpoint.role != "primary":
                continue
            for fact in checked.facts_of(endpoint):
                schedules = [one for one in checked.schedules.get(fact, ()) if not one.is_ours]
                if schedules and all(_ends_with(checked, one, cover.moment.name) for one in schedules):
                    yield Found(
                        ("clocks", clock_id),
                        f"`{clock.keep}` is kept for at least {cover.length} after `{cover.moment.name}`, and `{fact}`, which shows "
                        f"`{name}`, is planned only during `{cover.moment.name}`",
                        f"measure `{fact}` until `{clock.keep}` has ended, and for some months after",
                        about_key=True,
                    )
                    return


def _ends_with(checked: Checked, schedule: Schedule, treatment: str) -> bool:
    """Whether nothing is planned later than six weeks after the last dose."""
    if schedule.path[0] == "visits":
        end = checked.moment(*map(str, schedule.path), "until")
    else:
        span = checked.span(schedule.during) if schedule.during else None
        end = span.end if span is not None else None
    if end is None or end.name != treatment or end.which != "last":
        return False
    return end.offset is None or most_days(end.offset) <= _SOON_AFTER_DAYS


@check(
    "schedule-without-end",
    Severity.WARNING,
    title="a row of visits or measurements has no end",
    why="""How long a participant is followed is the first thing a consent form says. Without an end nobody can tell a missed visit from a
    finished follow-up, or when the data are complete.""",
    example="""
visits:
  imaging: { until: ~ }
""",
    cure="""
visits:
  imaging: { until: enrolment + 158 weeks }
""",
    source="SPIRIT 2013, item 13: participant timeline",
)
def schedule_without_end(checked: Checked) -> Iterator[Found]:
    for name, visit in checked.protocol.visits.items():
        if visit.every is not None and visit.status != "assumed" and checked.is_open(visit, "until"):
            yield _endless(("visits", name), f"{checked.record} does not say until when `{name}` goes on")
    for name, clock in checked.protocol.clocks.items():
        repeats = clock.at_least_every or clock.every
        if repeats and clock.status != "assumed" and checked.is_open(clock, "during"):
            yield _endless(("clocks", name), f"{checked.record} does not say during which time `{name}` runs")


def _endless(path: Path, message: str) -> Found:
    return Found(path, message, "say until when participants are followed", about_key=True)


@check(
    "time-frame-longer-than-follow-up",
    Severity.WARNING,
    title="an endpoint is read later than participants are followed",
    why="""The rate at three years of people followed for two is an extrapolation from those who happened to be seen longer.""",
    example="""
design: { follow up: 2 years }
""",
    cure="""
design: { follow up: 37 months }
""",
    source="SPIRIT 2013, items 12 and 13: each outcome with its time point",
)
def time_frame_longer_than_follow_up(checked: Checked) -> Iterator[Found]:
    design = checked.protocol.design
    follow_up = design.follow_up if design else None
    for name, endpoint in checked.protocol.endpoints.items():
        frame = endpoint.time_frame
        if frame is None:
            continue
        if follow_up is not None and least_days(frame) > most_days(follow_up):
            message = f"`{name}` is read at {frame}, and the last participant is followed for {follow_up}"
        elif (end := _planned_until(checked, endpoint)) is not None and end < least_days(frame):
            message = f"`{name}` is read at {frame}, and what shows it is planned until day {end} ({in_months(end)})"
        else:
            continue
        yield Found(("endpoints", name, "time frame"), message, "follow longer, or read earlier")


def _planned_until(checked: Checked, endpoint: Endpoint) -> int | None:
    """The last day, counted from time zero, on which visits that show an endpoint are due; None if not known."""
    ends = []
    for schedule in _schedules_of(checked, endpoint):
        if schedule.path[0] != "visits":
            return None
        path = [str(part) for part in schedule.path]
        until = checked.moment(*path, "until")
        start = checked.moment(*path, "from") or checked.moment("time zero")
        if (
            until is None
            or start is None
            or until.offset is None
            or until.sign == "-"
            or until.name != start.name
        ):
            return None
        ends.append(most_days(until.offset) + schedule.tolerance)
    return max(ends, default=None)


@check(
    "time-frame-longer-than-treatment",
    Severity.WARNING,
    title="only what happens under treatment counts, and the time frame is longer than the treatment can be",
    why="""The time frame reads like the time at risk and is not: 24 doses every four weeks end after 21 months. A rate "within 30 months"
    is then a rate within 22, and shorter for whoever stops early.""",
    example="""
endpoints:
  reactivation: { time frame: 30 months }
""",
    cure="""
endpoints:
  reactivation: { time frame: 22 months }
""",
    source="the calendar: the 24th dose at four-week intervals is given on day 645",
    base="single arm",
)
def time_frame_longer_than_treatment(checked: Checked) -> Iterator[Found]:
    for name, endpoint in checked.protocol.endpoints.items():
        span = checked.span(endpoint.during) if endpoint.during else None
        if span is None or endpoint.time_frame is None or span.end.name is None or span.end.which != "last":
            continue
        longest = checked.longest_treatment(span.end.name)
        if longest is None or span.start.name != span.end.name:
            continue
        tail = most_days(span.end.offset) if span.end.offset and span.end.sign == "+" else 0
        if least_days(endpoint.time_frame) > longest + tail + 31:
            yield Found(
                ("endpoints", name, "time frame"),
                f"`{name}` is read at {endpoint.time_frame}, and counts only what happens during `{endpoint.during}`, which ends, without "
                f"delays, {in_months(longest + tail)} after the first `{span.end.name}`",
                "say that the time frame is a calendar limit, and give the time at risk beside the rate",
            )
