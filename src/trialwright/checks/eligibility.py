"""Checks of who may take part."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trialwright.checks.checked import Checked
from trialwright.checks.lengths import least_days, most_days
from trialwright.checks.registry import Found, check
from trialwright.checks.satisfiability import Requirement, implies, names_asked, smallest_contradiction
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.rule_tree import Condition, walk
from trialwright.protocol.rules import render_rule
from trialwright.protocol.written_rules import WrittenRule
from trialwright.vocabulary.concepts import Kind
from trialwright.vocabulary.documents import Path
from trialwright.vocabulary.durations import Duration, TimeUnit
from trialwright.vocabulary.problems import Severity

_MAJORITY = Duration(18, TimeUnit.YEARS)


@check(
    "criteria-exclude-everybody",
    Severity.ERROR,
    title="criteria contradict each other, so that nobody can take part",
    why="""A site screens for months and enrols nobody before someone lays the two sentences side by side. Units hide it
    best: 1 mg/dL of creatinine is 88 µmol/L.""",
    example="""
eligibility:
  exclusion:
    renal: { text: Creatinine above 50 µmol/L, when: "last(creatinine, 14 days) > 50 umol/L" }
    low_creatinine: { text: Creatinine up to 0.6 mg/dL, when: "last(creatinine, 14 days) <= 0.6 mg/dL" }
""",
    cure="""
eligibility:
  exclusion:
    renal: { text: Creatinine above 150 µmol/L, when: "last(creatinine, 14 days) > 150 umol/L" }
    low_creatinine: { text: Creatinine up to 0.6 mg/dL, when: "last(creatinine, 14 days) <= 0.6 mg/dL" }
""",
    source="interval reasoning over all criteria; creatinine has a molar mass of 113.12 g/mol",
)
def criteria_exclude_everybody(checked: Checked) -> Iterator[Found]:
    together = smallest_contradiction(checked.requirements, checked.scope)
    if together is None:
        return
    rules = [checked.joint_criteria[i][0] for i in together]
    last = rules[-1]
    if len(rules) == 1:
        way = "nobody can fulfil it" if last.path[1] == "inclusion" else "nobody is free of it"
        yield Found(last.path, f"this {last.path[1]} criterion leaves nobody: {way}", "check signs and units")
        return
    others = " and ".join(_named(rule) for rule in rules[:-1])
    yield Found(
        last.path,
        f"nobody can take part: this {last.path[1]} criterion contradicts {others}",
        "check signs and units of both",
    )


def _named(rule: WrittenRule) -> str:
    return f"`{rule.path[2]}` ({rule.path[1]})"


@check(
    "criterion-repeated",
    Severity.WARNING,
    title="a criterion adds nothing to another",
    why="""Two sentences for one thing are screened twice and drift apart at the first amendment; then nobody knows which holds.""",
    example="""
eligibility:
  exclusion:
    too_old: { text: Older than 75 years, when: age > 75 years }
""",
    cure="""
eligibility:
  exclusion:
    too_old: { text: Older than 65 years, when: age > 65 years }
""",
    source="interval reasoning over pairs of criteria with the same windows",
)
def criterion_repeated(checked: Checked) -> Iterator[Found]:
    criteria = checked.joint_criteria
    needless: set[int] = set()
    for i, (rule, requirement) in enumerate(criteria):
        for j, (other, given) in enumerate(criteria):
            is_pair = i != j and j not in needless
            if not is_pair or not names_asked(rule.condition) & names_asked(other.condition):
                continue
            follows = implies([given], requirement, checked.scope)
            if follows and (j < i or not implies([requirement], given, checked.scope)):
                needless.add(i)
                yield Found(
                    rule.path,
                    f"whoever fulfils {_named(other)} fulfils this {rule.path[1]} criterion too",
                    "keep one of them",
                )
                break
            part = _needless_part(requirement, given, checked)
            if part is not None:
                yield Found(
                    rule.path,
                    f"whoever fulfils {_named(other)} cannot fulfil `{render_rule(part)}`, so this part excludes nobody",
                    "leave the part out, or say what it adds",
                )
                break


def _needless_part(exclusion: Requirement, given: Requirement, checked: Checked) -> Condition | None:
    """Of several reasons to exclude, one that nobody can have who fulfils another criterion."""
    if exclusion.holds or not isinstance(exclusion.condition, tree.AnyOf):
        return None
    parts = [part for part in exclusion.condition.parts if names_asked(part) & names_asked(given.condition)]
    return next((part for part in parts if implies([given], Requirement(part, False), checked.scope)), None)


def _asks_age(condition: Condition) -> bool:
    return any(isinstance(node, tree.Age) for node in walk(condition))


@check(
    "criterion-without-rule",
    Severity.WARNING,
    title="a criterion has a sentence and no rule",
    why="""Nobody is screened by a sentence alone: every site reads it anew, and no machine can list who may take part. What no
    data can decide is attested by a named person, which is a rule too.""",
    example="""
eligibility:
  exclusion:
    renal: { text: Impaired kidneys, when: ~ }
""",
    cure="""
eligibility:
  exclusion:
    renal: { text: Impaired kidneys, when: "last(creatinine, 14 days) > 1.5 ULN" }
""",
    source="SPIRIT 2013, item 10: eligibility criteria",
)
def criterion_without_rule(checked: Checked) -> Iterator[Found]:
    eligibility = checked.protocol.eligibility
    for side, criteria in (("inclusion", eligibility.inclusion), ("exclusion", eligibility.exclusion)):
        for name, criterion in criteria.items():
            if criterion.when is None:
                yield Found(
                    ("eligibility", side, name),
                    f"nothing decides the {side} criterion `{name}`",
                    "give a rule, or an attestation and who attests it",
                    about_key=True,
                )


@check(
    "eligibility-without-date",
    Severity.WARNING,
    title="windows of criteria count back from a day that is not named",
    why="""`28 days` before what: consent, enrolment, first dose? A sample may be in time for one and too old for the other.""",
    example="""
eligibility: { at: ~ }
""",
    cure="""
eligibility: { at: enrolment }
""",
    source="SPIRIT 2013, item 13",
)
def eligibility_without_date(checked: Checked) -> Iterator[Found]:
    eligibility = checked.protocol.eligibility
    if checked.criteria and checked.is_open(eligibility, "at"):
        ours = f"; the file takes `{eligibility.at}`" if eligibility.at else ""
        yield Found(
            ("eligibility", "at") if eligibility.at else ("eligibility",),
            f"{checked.record} does not say on which day the criteria are judged, from which their windows count back{ours}",
            "name the day: consent, enrolment, first dose",
            about_key=True,
        )


@check(
    "window-not-in-record",
    Severity.WARNING,
    title="a criterion takes the latest result, and the record does not say how old it may be",
    why="""A creatinine of last year fulfils the sentence. Sites set limits of their own, of 7 or of 90 days, and enrol different patients; the file
    has to choose one, and the record should have it.""",
    example="""
eligibility:
  exclusion: { renal: { assumed: { when: No older than two weeks. } } }
""",
    cure="""
eligibility:
  exclusion: { renal: { source: "NCT00000000, exclusion 2" } }
""",
    source="SPIRIT 2013, items 10 and 13",
)
def window_not_in_record(checked: Checked) -> Iterator[Found]:
    eligibility = checked.protocol.eligibility
    for rule, _ in checked.criteria:
        side, name = str(rule.path[1]), str(rule.path[2])
        if not checked.is_ours(getattr(eligibility, side)[name], "when"):
            continue
        windows = {
            node.fact: node.window.length
            for node in walk(rule.condition)
            if isinstance(node, tree.Pick | tree.Score) and isinstance(node.window, tree.Within)
        }
        if windows:
            taken = ", ".join(f"{length} for `{fact}`" for fact, length in windows.items())
            yield Found(
                rule.path,
                f"the record sets no limit to the age of results; the file takes {taken}",
                "state the window",
            )


@check(
    "consent-missing",
    Severity.WARNING,
    title="no criterion asks for consent",
    why="""Nothing may be done to a participant for the study before consent, and everything done before it is a deviation.""",
    example="""
eligibility:
  inclusion: { consent: ~ }
""",
    cure="""
eligibility:
  inclusion: { consent: { text: Written informed consent, when: attested(informed_consent) } }
""",
    source="Declaration of Helsinki 2024, paragraphs 25 to 32; ICH E6(R3), annex 1, 2.8",
)
def consent_missing(checked: Checked) -> Iterator[Found]:
    gives_or_does = checked.protocol.study.type == "interventional" or checked.protocol.treatments
    if gives_or_does and not checked.mentions_in_criteria("consent"):
        yield Found(
            ("eligibility", "inclusion"),
            "no criterion asks for informed consent",
            "add it as an attestation, with who takes it",
            about_key=True,
        )


@check(
    "age-not-limited",
    Severity.WARNING,
    title="no criterion says how old a participant must be",
    why="""Without a lower limit the protocol includes children, for whom dose, consent and oversight are other, and a
    registry record needs both limits.""",
    example="""
eligibility:
  inclusion: { age: ~ }
""",
    cure="""
eligibility:
  inclusion: { age: { text: 18 to 75 years, when: age >= 18 years and age <= 75 years } }
""",
    source="42 CFR 11.28(a)(2)(ii): age limits are part of a registration; ICH E11(R1)",
)
def age_not_limited(checked: Checked) -> Iterator[Found]:
    if checked.criteria and not any(_asks_age(rule.condition) for rule, _ in checked.criteria):
        yield Found(
            ("eligibility", "inclusion"),
            "no criterion of the file limits age, so it would take in children",
            "say the least age, and the greatest if there is one",
            about_key=True,
        )


@check(
    "minors-without-guardian",
    Severity.WARNING,
    title="the age limit takes in minors, and nothing asks for a guardian's consent",
    why="""A minor cannot consent alone; the guardian's permission and the child's assent are criteria of their own.""",
    example="""
eligibility:
  inclusion: { age: { text: 12 to 75 years, when: age >= 12 years and age <= 75 years } }
""",
    cure="""
eligibility:
  inclusion: { age: { text: 18 to 75 years, when: age >= 18 years and age <= 75 years } }
""",
    source="Declaration of Helsinki 2024, paragraphs 28 and 29; ICH E11(R1), 2.6",
)
def minors_without_guardian(checked: Checked) -> Iterator[Found]:
    asking = [rule for rule, _ in checked.criteria if _asks_age(rule.condition)]
    adult = Requirement(tree.Compare(tree.Age(), ">=", tree.Length(_MAJORITY)))
    if not asking or implies(checked.requirements, adult, checked.scope):
        return
    if not checked.mentions_in_criteria("guardian", "parent", "assent", "legal representative"):
        yield Found(
            asking[0].path,
            "the criteria let people under 18 take part, and none asks for a guardian's consent",
            "raise the limit, or add the guardian's consent and the child's assent",
        )


@check(
    "entry-without-time-limit",
    Severity.WARNING,
    title="a treatment before entry is required, and nothing says how long ago it may be",
    why="""Whoever enters late has by then lived without recurrence: the longer the wait, the better the group looks, whatever it
    gets. It also decides whether baseline images show the state after treatment at all.""",
    example="""
eligibility:
  inclusion:
    radical_treatment: { text: After resection, when: had(liver_resection) }
""",
    cure="""
eligibility:
  inclusion:
    radical_treatment: { text: After resection, when: "had(liver_resection, 12 weeks)" }
""",
    source="Suissa, Am J Epidemiol 2008;167:492-499",
)
def entry_without_time_limit(checked: Checked) -> Iterator[Found]:
    limited = {name for rule, _ in checked.criteria for name in _limited_in_time(rule.condition)}
    if limited & set(checked.protocol.anchors):
        return
    for rule, requirement in checked.criteria:
        required = _procedures_required(rule.condition, checked) if requirement.holds else set()
        if required and not required & limited:
            named = " or ".join(f"`{name}`" for name in sorted(required))
            yield Found(
                rule.path,
                f"{named} is required before entry, and no criterion says how long ago it may or must be",
                f"give a window, as in `had({min(required)}, 12 weeks)`",
            )


def _procedures_required(condition: Condition, checked: Checked) -> set[str]:
    """Procedures of which one is needed to fulfil a rule."""
    match condition:
        case tree.Had(name):
            fact = checked.scope.facts.get(name)
            return {name} if fact is not None and fact.kind is Kind.PROCEDURE else set()
        case tree.AllOf(parts):
            return next((found for part in parts if (found := _procedures_required(part, checked))), set())
        case tree.AnyOf(parts):
            each = [_procedures_required(part, checked) for part in parts]
            return set().union(*each) if all(each) else set()
        case _:
            return set()


def _limited_in_time(condition: Condition) -> Iterator[str]:
    """Procedures that a rule holds to a window, and dates that it compares with others."""
    for node in walk(condition):
        match node:
            case tree.Had(name, window) if window is not None and not isinstance(window, tree.Ever):
                yield name
            case tree.Compare(left, _, right):
                yield from (
                    one.name for one in (left, right) if isinstance(one, tree.Moment) and one.name is not None
                )
            case _:
                pass


@check(
    "life-expectancy-below-time-frame",
    Severity.WARNING,
    title="the life expectancy asked for is much shorter than the time to the primary endpoint",
    why="""Who is expected to live for three months cannot show what happens in three years. Deaths then decide how many can have the event, and
    the number of participants was planned without them.""",
    example="""
facts:
  lives_on: { label: Life expectancy above 3 months, kind: attestation, by: study physician }
eligibility:
  inclusion: { life_expectancy: { text: Life expectancy above 3 months, when: attested(lives_on) } }
""",
    cure="""
facts:
  lives_on: { label: Life expectancy above 3 years, kind: attestation, by: study physician }
eligibility:
  inclusion: { life_expectancy: { text: Life expectancy above 3 years, when: attested(lives_on) } }
""",
    source="ICH E9(R1), A.3.1: deaths before the endpoint are intercurrent events to be planned for",
)
def life_expectancy_below_time_frame(checked: Checked) -> Iterator[Found]:
    frames = [one.time_frame for one in checked.primary.values() if one.time_frame is not None]
    for rule, requirement in checked.criteria:
        criterion = getattr(checked.protocol.eligibility, str(rule.path[1]))[rule.path[2]]
        said = re.search(r"(?i)(?:surviv|life expectancy).*?([0-9]+) (week|month|year)s?", criterion.text)
        said = said or re.search(
            r"(?i)([0-9]+) (week|month|year)s?.*?(?:surviv|life expectancy)", criterion.text
        )
        if said is None or not frames or not requirement.holds:
            continue
        expected = Duration(int(said[1]), TimeUnit(f"{said[2].lower()}s"))
        if 2 * most_days(expected) < min(map(least_days, frames)):
            yield Found(
                rule.path[:-1],
                f"a life expectancy of {expected} is enough to enter, and the primary endpoint is read at {frames[0]}",
                "ask for a longer life expectancy, or plan for the deaths",
                about_key=True,
            )


@check(
    "pregnancy-not-addressed",
    Severity.WARNING,
    title="a drug is given and no criterion speaks of pregnancy",
    why="""For most new drugs nobody knows what they do to a child. Criteria, contraception and a test before the first dose belong
    to every drug trial that women of childbearing age may enter.""",
    example="""
eligibility:
  exclusion: { pregnancy: ~ }
""",
    cure="""
eligibility:
  exclusion: { pregnancy: { text: Pregnancy, when: "last(pregnancy_test, 14 days) is positive" } }
""",
    source="ICH M3(R2), section 11.3; CTFG, Recommendations related to contraception and pregnancy testing 2014",
)
def pregnancy_not_addressed(checked: Checked) -> Iterator[Found]:
    if not checked.protocol.treatments or checked.protocol.study.sex == "male" or not checked.criteria:
        return
    if not checked.mentions_in_criteria("pregnan"):
        yield Found(
            ("eligibility", "exclusion"),
            "a drug is given and no criterion of the file speaks of pregnancy",
            "exclude it with a test in a window, and say what is asked about contraception",
            about_key=True,
        )


@check(
    "attestation-without-role",
    Severity.WARNING,
    title="something is to be attested and nobody is named who attests it",
    why="""`Suitable in the judgement of` whom? An attestation holds a name, a date and an expiry, or it is worth nothing at the audit.""",
    example="""
facts:
  informed_consent: { by: ~ }
""",
    cure="""
facts:
  informed_consent: { by: study physician }
""",
    source="ICH E6(R3), annex 1, 2.3: delegated tasks are documented by person",
)
def attestation_without_role(checked: Checked) -> Iterator[Found]:
    for name, fact in checked.protocol.facts.items():
        if fact.kind == "attestation" and not fact.by:
            yield Found(
                ("facts", name), f"nobody is named who attests `{name}`", "say `by` whom", about_key=True
            )


@check(
    "chronic-infection-by-one-sample",
    Severity.WARNING,
    title="chronic hepatitis B is told from a single HBsAg",
    why="""Chronic means HBsAg for six months or more. One positive sample may be an acute infection, which heals by itself in most
    adults and would count as a success of whatever was given.""",
    example="""
eligibility:
  inclusion:
    chronic_hbv: { text: Chronic hepatitis B, when: "last(hbsag, 90 days) is positive" }
""",
    cure="""
eligibility:
  inclusion:
    chronic_hbv:
      text: Chronic hepatitis B
      when: last(hbsag, 90 days) is positive and any(hbsag, 6 months before first entecavir) is positive
""",
    source="AASLD 2018 hepatitis B guidance (Terrault et al., Hepatology 2018;67:1560-1599): HBsAg for at least six months",
)
def chronic_infection_by_one_sample(checked: Checked) -> Iterator[Found]:
    picks: list[tuple[Path, tree.Pick]] = []
    for rule, requirement in checked.criteria:
        for node in walk(rule.condition):
            if isinstance(node, tree.Pick) and requirement.holds:
                fact = checked.scope.facts.get(node.fact)
                if fact is not None and fact.concept == "hbsag":
                    picks.append((rule.path, node))
    if len({pick for _, pick in picks}) == 1 and not checked.mentions_in_criteria("6 months", "six months"):
        yield Found(
            picks[0][0],
            "one positive HBsAg decides the infection; chronic is called what lasts six months or more",
            "ask for an earlier HBsAg too, or for a documented history",
        )


@check(
    "response-without-measurable-disease",
    Severity.WARNING,
    title="a response rate is an endpoint and nothing asks for measurable disease",
    why="""Who has nothing to measure cannot respond by RECIST. Without the criterion, or a population that has it, the rate has a
    denominator nobody chose.""",
    example="""
endpoints:
  response:
    label: Objective response
    kind: best response
    role: secondary
    of: recist_response
    response: { counts: [CR, PR], confirmed after: 28 days }
    reader: central
    time frame: 157 weeks
    estimand:
      treatment: As assigned
      population: everyone
      variable: Best response
      intercurrent events: { death: composite }
      summary: Difference of proportions
analyses:
  response_rate: { method: proportion, title: Response, population: everyone, endpoint: response, by: groups }
""",
    cure="""
facts:
  measurable_disease: { label: Measurable disease, kind: yes or no }
eligibility:
  inclusion:
    measurable: { text: Measurable disease, when: "last(measurable_disease, 28 days) is yes" }
endpoints:
  response:
    label: Objective response
    kind: best response
    role: secondary
    of: recist_response
    response: { counts: [CR, PR], confirmed after: 28 days }
    reader: central
    time frame: 157 weeks
    estimand:
      treatment: As assigned
      population: everyone
      variable: Best response
      intercurrent events: { death: composite }
      summary: Difference of proportions
analyses:
  response_rate: { method: proportion, title: Response, population: everyone, endpoint: response, by: groups }
""",
    source="RECIST 1.1 (Eisenhauer et al., Eur J Cancer 2009;45:228-247), section 3.2 and 5",
)
def response_without_measurable_disease(checked: Checked) -> Iterator[Found]:
    words = ("measurable", "target", "sum_of_diameters")
    for name, endpoint in checked.protocol.endpoints.items():
        if endpoint.kind != "best response" or checked.mentions_in_criteria(*words):
            continue
        population = checked.protocol.populations.get(
            endpoint.estimand.population if endpoint.estimand else ""
        )
        described = f"{population.label} {population.text} {population.when}" if population else ""
        if not any(word in described.casefold() for word in words):
            yield Found(
                ("endpoints", name),
                "a response needs something to measure, and neither a criterion nor the population of the estimand asks for it",
                "add the criterion, or a population with measurable disease at baseline",
                about_key=True,
            )
