"""Checks of groups and treatments: who gets what, from when, until when, and who decides."""

from __future__ import annotations

from collections.abc import Iterator

from trialwright.checks.checked import Checked
from trialwright.checks.registry import Found, check
from trialwright.vocabulary.problems import Severity


@check(
    "observational-assigns-treatment",
    Severity.WARNING,
    title="the study is called observational and assigns treatments",
    why="""If the protocol decides who gets a drug, the study is interventional: insurance, ethics review, pharmacovigilance and the
    registry record are other ones. Journals ask for registration as what it is.""",
    example="""
study: { type: observational }
""",
    cure="""
study: { type: interventional }
""",
    source="42 CFR 11.10(a): assigned prospectively to an intervention; Directive 2001/20/EC, article 2(c); Regulation (EU) 536/2014, "
    "article 2(2)",
)
def observational_assigns_treatment(checked: Checked) -> Iterator[Found]:
    study, protocol = checked.protocol.study, checked.protocol
    by_decision = any(group.assigned_by in ("chance", "decision") for group in protocol.groups.values())
    if study.type == "observational" and (protocol.treatments or by_decision):
        drugs = ", ".join(f"`{name}`" for name in protocol.treatments) or "treatments"
        yield Found(
            ("study", "type"),
            f"the study is registered as observational and gives {drugs} by plan, which makes it interventional",
            "register it as interventional, or say that treatment is routine care which the study only observes",
        )


@check(
    "group-without-treatment",
    Severity.WARNING,
    title="a group does not say what it gets, or the record does not",
    why="""The comparison is between what the groups get. If the record leaves it open, neither adherence nor crossover can be told,
    and a reader cannot know which group is the control.""",
    example="""
groups:
  alone: { treatments: [] }
""",
    cure="""
groups:
  alone: { treatments: [entecavir] }
""",
    source="SPIRIT 2013, item 11a; WHO Trial Registration Data Set 1.3.1, item 13",
)
def group_without_treatment(checked: Checked) -> Iterator[Found]:
    protocol = checked.protocol
    if not protocol.treatments:
        return
    for name, group in protocol.groups.items():
        if not group.treatments:
            message = f"nothing says what the group `{name}` gets"
        elif checked.is_ours(group, "treatments"):
            message = f"{checked.record} does not say what the group `{name}` gets; the file assumes it"
        else:
            continue
        yield Found(("groups", name), message, "state the treatments of each group", about_key=True)


@check(
    "dose-not-stated",
    Severity.WARNING,
    title="a study treatment has no dose or no interval",
    why="""Nobody can tell a wrong dose from a right one, and a later trial cannot repeat what was done. Some doses depend on the
    patient: entecavir is halved below a creatinine clearance of 50 mL/min.""",
    example="""
treatments:
  peginterferon: { dose: ~ }
""",
    cure="""
treatments:
  peginterferon: { dose: 180 ug }
""",
    source="SPIRIT 2013, item 11a: interventions in sufficient detail to allow replication",
)
def dose_not_stated(checked: Checked) -> Iterator[Found]:
    for name, treatment in checked.protocol.treatments.items():
        words = {"dose": f"the dose of `{name}`", "every": f"how often `{name}` is given"}
        missing = [text for key, text in words.items() if checked.is_open(treatment, key)]
        if missing:
            yield Found(
                ("treatments", name),
                f"{checked.record} does not give {' and '.join(missing)}",
                "state dose and interval, or that they follow the label",
                about_key=True,
            )


@check(
    "treatment-without-end",
    Severity.WARNING,
    title="nothing says when a treatment ends",
    why="""Without stopping rules each physician stops at another time, exposure differs for reasons nobody recorded, and windows that
    count from the last dose mean nothing.""",
    example="""
treatments:
  peginterferon: { duration: ~ }
""",
    cure="""
treatments:
  peginterferon: { duration: 48 weeks }
""",
    source="SPIRIT 2013, item 11b: criteria for discontinuing or modifying interventions",
)
def treatment_without_end(checked: Checked) -> Iterator[Found]:
    kept = {clock.keep for clock in checked.protocol.clocks.values()}
    for name, treatment in checked.protocol.treatments.items():
        stops = any(stop.status != "assumed" for stop in treatment.until.values())
        if checked.is_open(treatment, "duration") and not stops and name not in kept:
            yield Found(
                ("treatments", name),
                f"{checked.record} does not say when `{name}` ends",
                "give a duration, or stopping rules under `until`",
                about_key=True,
            )


@check(
    "assignment-not-described",
    Severity.WARNING,
    title="groups are compared and nothing says how or when one gets into them",
    why="""Who decides, by what, and on which day is the difference between a comparison and two lists of patients. Without the day,
    the groups have no common time zero.""",
    example="""
groups:
  combination: { assigned by: ~ }
  alone: { assigned by: ~ }
""",
    cure="""
groups:
  combination: { assigned by: decision }
  alone: { assigned by: decision }
""",
    source="SPIRIT 2013, item 16",
)
def assignment_not_described(checked: Checked) -> Iterator[Found]:
    groups = checked.protocol.groups
    words = {"assigned_by": "who or what assigns", "assigned_at": "when one is assigned"}
    for name, group in groups.items() if len(groups) > 1 else ():
        missing = [text for key, text in words.items() if checked.is_open(group, key)]
        if missing and group.assigned_by != "characteristic":
            yield Found(
                ("groups", name),
                f"{checked.record} does not say {' and '.join(missing)} to `{name}`",
                "state `assigned by` and `assigned at`",
                about_key=True,
            )


@check(
    "allocation-does-not-fit",
    Severity.ERROR,
    title="the allocation of the study does not fit its groups",
    why="""Analyses take the allocation at its word: a randomised comparison is reported as such. It has to be one.""",
    example="""
study: { allocation: randomised }
""",
    cure="""
study: { allocation: not randomised }
""",
    source="WHO Trial Registration Data Set 1.3.1, item 15: method of allocation",
)
def allocation_does_not_fit(checked: Checked) -> Iterator[Found]:
    allocation, groups = checked.protocol.study.allocation, checked.protocol.groups
    n = len(groups)
    others = [name for name, group in groups.items() if group.assigned_by not in ("chance", None)]
    by_chance = [name for name, group in groups.items() if group.assigned_by == "chance"]
    message = ""
    if allocation == "single arm" and n > 1:
        message = f"a single arm cannot have {n} groups"
    elif allocation == "randomised" and n < 2:
        message = f"a randomised study needs two groups or more, and has {n}"
    elif allocation == "randomised" and others:
        named = ", ".join(f"`{name}`" for name in others)
        message = f"the study is randomised, and {named} is assigned by {groups[others[0]].assigned_by}"
    elif allocation == "not randomised" and by_chance:
        message = f"the study is not randomised, and `{by_chance[0]}` is assigned by chance"
    if message:
        yield Found(("study", "allocation"), message, "correct the allocation or the groups")


@check(
    "immortal-time",
    Severity.WARNING,
    title="time counts from before the day groups are told apart",
    why="""Whoever ends up in the later-treated group has, by construction, lived event-free until then. Counting that time makes
    any treatment look good: an ineffective drug reached a hazard ratio of 0.84 in a study of this bias.""",
    example="""
time zero: resection
""",
    cure="""
time zero: enrolment
""",
    source="Suissa, Am J Epidemiol 2008;167:492-499; plasmode study PMC9627261, table 3",
)
def immortal_time(checked: Checked) -> Iterator[Found]:
    protocol = checked.protocol
    assigned = {group.assigned_at for group in protocol.groups.values()}
    if len(protocol.groups) < 2 or protocol.study.allocation == "randomised" or None in assigned:
        return
    days = {checked.moment("groups", name, "assigned at") for name in protocol.groups}
    for path, text in _starts(checked):
        start = checked.moment(*path)
        if start is not None and start not in days:
            yield Found(
                path,
                f"time counts from `{text}`, and groups are told apart at `{', '.join(sorted(map(str, assigned)))}`: "
                "the time between is event-free for those who get into a group later",
                "count from the assignment, enter subjects late (`entry`), use a landmark, or time-varying treatment",
            )


def _starts(checked: Checked) -> Iterator[tuple[tuple[str, ...], str]]:
    """Where counting starts: the time zero, and analyses or endpoints with a start of their own."""
    protocol = checked.protocol
    if protocol.time_zero and any(
        one.kind == "time to event" and not one.from_ for one in protocol.endpoints.values()
    ):
        yield ("time zero",), protocol.time_zero
    for name, endpoint in protocol.endpoints.items():
        if endpoint.from_ and endpoint.kind == "time to event":
            yield ("endpoints", name, "from"), endpoint.from_
    for name, analysis in protocol.analyses.items():
        start = getattr(analysis, "from_", None)
        repaired = any(getattr(analysis, key, None) for key in ("entry", "landmark", "time_varying"))
        if start and not repaired and analysis.method != "clone-censor-weight":
            yield ("analyses", name, "from"), start


@check(
    "enrolment-not-stated",
    Severity.WARNING,
    title="the number of participants is not stated",
    why="""Without a planned number there is no power, no end of recruitment and no way to see that a study stopped early.""",
    example="""
study: { enrolment: ~ }
""",
    cure="""
study: { enrolment: 400 }
""",
    source="WHO Trial Registration Data Set 1.3.1, item 17: target sample size",
)
def enrolment_not_stated(checked: Checked) -> Iterator[Found]:
    if checked.protocol.study.enrolment is None:
        yield Found(
            ("study",), "nothing says how many participants are planned", "state `enrolment`", about_key=True
        )


@check(
    "groups-do-not-add-up",
    Severity.ERROR,
    title="the sizes of the groups do not give the number of participants",
    why="""One of the two numbers was changed and the other was not; power, budget and supply rest on different ones.""",
    example="""
groups:
  combination: { size: 150 }
""",
    cure="""
groups:
  combination: { size: 200 }
""",
    source="arithmetic",
)
def groups_do_not_add_up(checked: Checked) -> Iterator[Found]:
    groups, enrolment = checked.protocol.groups, checked.protocol.study.enrolment
    sizes = [group.size for group in groups.values()]
    if enrolment and sizes and None not in sizes:
        total = sum(size for size in sizes if size)
        if total != enrolment:
            yield Found(
                ("study", "enrolment"),
                f"{enrolment} are planned, and the groups add up to {total}",
                "correct one of them",
            )
