"""Checks of events: whether what is defined can be seen by what is measured."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from trialwright.checks.checked import Checked
from trialwright.checks.registry import Found, check
from trialwright.checks.satisfiability import names_asked
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Fact
from trialwright.protocol.model import Assay
from trialwright.protocol.rule_tree import walk
from trialwright.vocabulary.problems import Severity
from trialwright.vocabulary.units import UnitsDoNotConvert, UnknownUnit, conversion_factor, find_unit

_LARGE_MULTIPLE = 10
_TISSUE = 4
_DEPEND_ON_ASSAY = frozenset({"hbv_dna", "hbsag_quantity"})
_LIVER_CATEGORIES = frozenset({"lirads", "lirads_treated"})

# Lower limits of quantification in IU/mL as published: the product, what its name holds, the limit, where it stands.
_PUBLISHED_LIMITS = (
    ("CAP/CTM HBV v2.0", ("taqman", "cap/ctm"), 20, "PMC5557192"),
    ("HPS/CTM HBV v2", ("hps/ctm", "high pure"), 29, "package insert"),
    ("cobas HBV on the 6800/8800 systems", ("6800", "8800"), 10, "PMC5557192, table 2"),
)


@check(
    "baseline-not-defined",
    Severity.ERROR,
    title="rules compare with a baseline that nothing defines",
    why="""The last value before the first dose, the mean of two, the value at screening: each gives other events. Without a choice no
    rule over baseline can be judged.""",
    example="""
baseline: ~
""",
    cure="""
baseline: last on or before first entecavir
""",
    source="ICH E9, 5.3",
    base="single arm",
)
def baseline_not_defined(checked: Checked) -> Iterator[Found]:
    if checked.protocol.baseline is not None:
        return
    for rule in checked.rules:
        relative = (tree.Baseline, tree.Nadir, tree.Change, tree.Ratio)
        if any(isinstance(node, relative) for node in walk(rule.condition)):
            yield Found(
                rule.path,
                "this rule compares with a baseline, and nothing defines which result that is",
                "write `baseline: last on or before ...` with the day it is taken at",
            )


@check(
    "event-hardly-occurs",
    Severity.WARNING,
    title="an event asks for a multiple of a baseline that criteria make high",
    why="""Who enters with more than 2000 IU/mL needs 200 000 IU/mL for a hundredfold rise, under a drug that lowers it; who enters above
    a hundredth of the assay's ceiling cannot be measured to have it. A rate near zero is then built in and says nothing about safety.""",
    example="""
events:
  reactivation: { when: value >= 100 * baseline }
""",
    cure="""
events:
  reactivation: { when: value >= 5 * baseline }
""",
    source="upper limits of quantification of HBV DNA assays between 1.1e8 and 2e9 IU/mL: PMC5557192 and laboratory directories",
    base="single arm",
)
def event_hardly_occurs(checked: Checked) -> Iterator[Found]:
    for name, event in checked.protocol.events.items():
        for rule in checked.rules_of("events", name):
            factor = _multiple_of_baseline(rule.condition)
            fact = checked.scope.facts.get(event.of or "")
            least = _least_at_entry(checked, fact) if fact is not None else None
            if factor is None or factor < _LARGE_MULTIPLE or fact is None or least is None:
                continue
            unit = f" {fact.unit}" if fact.unit else ""
            yield Found(
                rule.path,
                f"`{name}` asks for {_number(factor)} times baseline, and criteria ask for a baseline {least.words}{unit}: nobody has the "
                f"event below {_number(least.number * factor)}{unit}{_what_is_measured(checked, fact, factor)}",
                "report beside the rate in how many it could be measured, and name a rise over nadir as a supportive event",
            )


def _what_is_measured(checked: Checked, fact: Fact, factor: Fraction) -> str:
    unit = f" {fact.unit}" if fact.unit else ""
    limits = {
        limit: assay
        for assay in _assays(checked, fact.name).values()
        if assay.upper_limit is not None
        and (limit := _in_unit_of(fact, Fraction(assay.upper_limit.number), str(assay.upper_limit.unit)))
    }
    if not limits:
        return ", and no upper limit of the assay is given, above which a rise cannot be measured"
    ceiling = min(limits)
    assumed = " (assumed)" if checked.is_ours(limits[ceiling], "upper_limit") else ""
    return (
        f", and whoever starts above {_number(ceiling / factor)}{unit} cannot be measured to have it: the assay ends at "
        f"{_number(ceiling)}{unit}{assumed}"
    )


def _multiple_of_baseline(condition: tree.Condition) -> Fraction | None:
    factors = [
        Fraction(node.right.factor)
        for node in walk(condition)
        if isinstance(node, tree.Compare)
        and node.op in (">", ">=")
        and isinstance(node.right, tree.Multiple)
        and isinstance(node.right.of, tree.Baseline)
    ]
    return max(factors, default=None)


class _Bound(NamedTuple):
    number: Fraction
    words: str


def _least_at_entry(checked: Checked, fact: Fact) -> _Bound | None:
    """The least value of a fact with which somebody can be included."""
    bounds = []
    for rule, requirement in checked.criteria:
        if not requirement.holds or isinstance(rule.condition, tree.AnyOf | tree.Not):
            continue
        for node in walk(rule.condition):
            if not isinstance(node, tree.Compare) or node.op not in (">", ">="):
                continue
            threshold = _threshold(node, fact)
            if threshold is not None and threshold > 0:
                word = "above" if node.op == ">" else "of at least"
                bounds.append(_Bound(threshold, f"{word} {_number(threshold)}"))
    return max(bounds, default=None)


def _threshold(node: tree.Compare, fact: Fact) -> Fraction | None:
    """The number a result of the fact is compared with, in the fact's unit; None for other comparisons."""
    left, right = node.left, node.right
    if not isinstance(left, tree.Pick) or left.fact != fact.name or not isinstance(right, tree.Quantity):
        return None
    return _in_unit_of(fact, Fraction(right.number), right.unit)


def _in_unit_of(fact: Fact, number: Fraction, unit: str | None) -> Fraction | None:
    if fact.unit is None or unit is None:
        return number if fact.unit is None and unit is None else None
    try:
        factor = conversion_factor(
            find_unit(unit), fact.unit, equivalences=fact.equivalences, assay=fact.assay
        )
    except (UnknownUnit, UnitsDoNotConvert):
        return None
    return number * factor


def _assays(checked: Checked, fact: str) -> dict[str, Assay]:
    return {name: one for name, one in checked.protocol.assays.items() if one.measures == fact}


def _number(value: Fraction) -> str:
    """A number for people: 200 000, 2.5."""
    if value == int(value) and abs(value) < 10_000_000_000:
        return f"{int(value):,}".replace(",", " ")
    return f"{float(value):.3g}"


@check(
    "limit-above-threshold",
    Severity.WARNING,
    title="a threshold lies outside of what the assay can measure",
    why="""If the assay reads from 10 IU/mL on, a result `<10` cannot be told to be below 5 IU/mL or above it: the verdict is unknown for
    exactly those patients the rule is about.""",
    example="""
assays:
  hbv_dna_pcr: { measures: hbv_dna, lower limit: 10 IU/mL, upper limit: 1000000000 IU/mL }
eligibility:
  inclusion: { suppressed: { text: HBV DNA below 5 IU/mL, when: "last(hbv_dna, 28 days) < 5 IU/mL" } }
""",
    cure="""
assays:
  hbv_dna_pcr: { measures: hbv_dna, lower limit: 10 IU/mL, upper limit: 1000000000 IU/mL }
eligibility:
  inclusion: { suppressed: { text: HBV DNA below 10 IU/mL, when: "last(hbv_dna, 28 days) < 10 IU/mL" } }
""",
    source="interval reasoning: `<10` is [0, 10)",
)
def limit_above_threshold(checked: Checked) -> Iterator[Found]:
    for rule in checked.rules:
        for node in walk(rule.condition):
            if not isinstance(node, tree.Compare) or not isinstance(node.right, tree.Quantity):
                continue
            fact = checked.scope.facts.get(_fact_compared(node.left, rule.scope.rows_of))
            if fact is None:
                continue
            threshold = _in_unit_of(fact, Fraction(node.right.number), node.right.unit)
            for name, assay in _assays(checked, fact.name).items():
                problem = _outside(assay, fact, threshold)
                if problem:
                    yield Found(
                        rule.path,
                        f"the threshold of {node.right.number:f} {node.right.unit or ''} for `{fact.name}` lies {problem} of "
                        f"`{name}`: results beyond the limit leave the rule unknown",
                        "move the threshold to the limit, or name an assay that reaches it",
                    )


def _fact_compared(value: tree.Value, rows_of: str | None) -> str:
    match value:
        case tree.Pick(_, name) | tree.Baseline(str() as name) | tree.Nadir(str() as name):
            return name
        case tree.RowValue() | tree.Baseline(None) | tree.Nadir(None):
            return rows_of or ""
        case _:
            return ""


def _outside(assay: Assay, fact: Fact, threshold: Fraction | None) -> str:
    """Where a threshold lies that the assay cannot measure; empty if it can."""
    if threshold is None:
        return ""
    lower, upper = (
        _in_unit_of(fact, Fraction(limit.number), str(limit.unit)) if limit is not None else None
        for limit in (assay.lower_limit, assay.upper_limit)
    )
    if lower is not None and 0 < threshold < lower:
        return f"below the lower limit of quantification {assay.lower_limit}"
    if upper is not None and threshold > upper:
        return f"above the upper limit of quantification {assay.upper_limit}"
    return ""


@check(
    "assay-not-stated",
    Severity.WARNING,
    title="an event rests on a measurement whose assay or limits are not stated",
    why="""Each assay has its own floor and ceiling and its own copies for one IU; `<20` from one and `<10` from another are not one value. A threshold without its assay is half a threshold.""",
    example="""
assays: { hbv_dna_pcr: ~ }
""",
    cure="""
assays:
  hbv_dna_pcr: { measures: hbv_dna, name: cobas HBV, lower limit: 10 IU/mL, upper limit: 1000000000 IU/mL }
""",
    source="PMC5557192, table 2; copies for one IU: 5.82 (Roche) and 3.41 (Abbott) in laboratory pages",
    base="single arm",
)
def assay_not_stated(checked: Checked) -> Iterator[Found]:
    told: set[str] = set()
    for endpoint in checked.protocol.endpoints.values():
        for event in checked.events_of(endpoint):
            for name, fact in checked.measured_by(event).items():
                if name in told or fact.concept not in _DEPEND_ON_ASSAY:
                    continue
                told.add(name)
                missing = _what_is_missing(checked, name)
                if missing:
                    yield Found(
                        ("events", event),
                        f"`{event}` rests on `{name}`, and {checked.record} does not state {missing}",
                        "name the assay with its lower and upper limit of quantification",
                        about_key=True,
                    )


def _what_is_missing(checked: Checked, fact: str) -> str:
    assays = [one for one in _assays(checked, fact).values() if one.status not in ("assumed", "not stated")]
    if not assays:
        return "with which assay it is measured"
    missing = [
        words
        for key, words in (("lower_limit", "lower"), ("upper_limit", "upper"))
        if all(getattr(one, key) is None or checked.is_ours(one, key) for one in assays)
    ]
    return f"the {' and '.join(missing)} limit of its assay" if missing else ""


@check(
    "assay-limit-doubtful",
    Severity.WARNING,
    title="the lower limit given for an assay is not the one published for it",
    why="""A limit of 10 IU/mL with an assay that reads from 20 on turns results that were not measured into results between 10 and 20. Usually
    the name or the limit belongs to another instrument of the same maker.""",
    example="""
assays:
  hbv_dna_pcr: { measures: hbv_dna, name: COBAS AmpliPrep/TaqMan HBV v2.0, lower limit: 10 IU/mL }
""",
    cure="""
assays:
  hbv_dna_pcr: { measures: hbv_dna, name: COBAS AmpliPrep/TaqMan HBV v2.0, lower limit: 20 IU/mL }
""",
    source="PMC5557192, table 2; laboratory directories",
)
def assay_limit_doubtful(checked: Checked) -> Iterator[Found]:
    for name, assay in checked.protocol.assays.items():
        fact = checked.scope.facts.get(assay.measures)
        limit = assay.lower_limit
        if fact is None or fact.concept != "hbv_dna" or limit is None or not assay.name:
            continue
        known = [one for one in _PUBLISHED_LIMITS if any(word in assay.name.casefold() for word in one[1])]
        written = _in_unit_of(fact, Fraction(limit.number), str(limit.unit))
        if known and written is not None and all(written != Decimal(one[2]) for one in known):
            product, _, published, source = known[0]
            yield Found(
                ("assays", name, "lower limit"),
                f"{limit} is given as the lower limit of {assay.name}; for {product} {published} IU/mL is published ({source})",
                "ask the laboratory which instrument it runs, and keep the limit with every result",
            )


@check(
    "components-any-time-apart",
    Severity.WARNING,
    title="an event is made of several that may lie any time apart",
    why="""A viral rise in month 2 and a rise of ALT in month 20 are two events of two causes; without a window they are counted as one
    hepatitis.""",
    example="""
events:
  hepatitis: { all of: [alt_rise, dna_rise], within: ~ }
""",
    cure="""
events:
  hepatitis: { all of: [alt_rise, dna_rise], within: 26 weeks }
""",
    source="Yeo et al., J Med Virol 2001;65:473-477",
)
def components_any_time_apart(checked: Checked) -> Iterator[Found]:
    for name, event in checked.protocol.events.items():
        if len(event.all_of) > 1 and event.within is None:
            parts = " and ".join(f"`{part}`" for part in event.all_of)
            yield Found(
                ("events", name, "all of"),
                f"`{name}` needs {parts}, and they may lie any time apart and in any order",
                "say within which time both must occur, or that any time is meant",
            )


@check(
    "recurrence-by-liver-imaging-alone",
    Severity.WARNING,
    title="recurrence is told by liver categories alone, which do not see the rest of the body",
    why="""Recurrences also come in lungs, bones and lymph nodes, as an LR-M lesion that turns out to be liver cancer, or in a biopsy. Those
    participants would count as free of recurrence.""",
    example="""
events:
  extrahepatic_recurrence: ~
endpoints:
  recurrence: { time to: [liver_recurrence, ablation_site_progression] }
""",
    cure="""
events:
  extrahepatic_recurrence: { of: recist_response, when: value is PD }
endpoints:
  recurrence: { time to: [liver_recurrence, ablation_site_progression, extrahepatic_recurrence] }
""",
    source="ACR LI-RADS v2018 Core: observations in the liver",
)
def recurrence_by_liver_imaging_alone(checked: Checked) -> Iterator[Found]:
    for name, endpoint in checked.main_endpoints.items():
        events = checked.events_of(endpoint)
        facts = {fact.concept for event in events for fact in checked.measured_by(event).values()}
        others = any(_is_recorded(checked, event) for event in events)
        if facts and facts <= _LIVER_CATEGORIES and not others:
            yield Found(
                ("endpoints", name),
                f"`{name}` rests on LI-RADS alone, which says nothing of lungs, bones and lymph nodes, or of a biopsy",
                "add imaging of the chest, and recurrence proven outside the liver or by histology",
                about_key=True,
            )


def _is_recorded(checked: Checked, event: str) -> bool:
    """Whether a part of an event is recorded as such (a biopsy, a reported recurrence) rather than derived."""
    for name in checked.depends_on(event):
        one = checked.protocol.events.get(name)
        fact = checked.scope.facts.get(name)
        if one is not None and one.reported and not checked.is_death(name):
            return True
        if one is None and fact is not None and fact.kind.is_history:
            return True
    return False


@check(
    "diagnostic-category-after-ablation",
    Severity.WARNING,
    title="ablation is allowed before entry, and the ablated site is read by the categories for untreated liver",
    why="""LI-RADS has categories of its own for treated observations (LR-TR). Read by the diagnostic ones, scar and rim enhancement look like
    tumour and viable tumour at the edge is missed.""",
    example="""
events:
  ablation_site_progression: { of: lirads, when: value is LR-5 }
""",
    cure="""
events:
  ablation_site_progression: { of: lirads_treated, when: value is viable }
""",
    source="ACR LI-RADS v2018, treatment response algorithm",
)
def diagnostic_category_after_ablation(checked: Checked) -> Iterator[Found]:
    if not checked.mentions_in_criteria("ablat"):
        return
    for name, endpoint in checked.main_endpoints.items():
        concepts = {
            fact.concept
            for event in checked.events_of(endpoint)
            for fact in checked.measured_by(event).values()
        }
        if "lirads" in concepts and "lirads_treated" not in concepts:
            yield Found(
                ("endpoints", name),
                f"participants may have been ablated, and `{name}` is read by the categories for untreated liver alone",
                "read ablated sites by LR-TR, and let LR-TR Viable count",
                about_key=True,
            )


@check(
    "tissue-not-from-everybody",
    Severity.WARNING,
    title="a tissue marker is planned, and some participants are treated without removing tissue",
    why="""Ablation destroys the tumour in place: its tissue comes from a biopsy, if there was one. Who has the marker then differs in tumour size and
    health from who has not, and the missing values are not missing by chance.""",
    example="""
facts:
  pd_l1: { label: PD-L1, kind: number, concept: pd_l1_cps }
""",
    cure="""
facts:
  pd_l1: { label: PD-L1, kind: number, concept: pd_l1_cps }
eligibility:
  inclusion:
    radical_treatment: { text: Resection in the last 12 weeks, when: "had(liver_resection, 12 weeks)" }
""",
    source="ICH E9, 5.3: missing values that depend on the patient; tissue of ablated tumours comes from biopsies",
)
def tissue_not_from_everybody(checked: Checked) -> Iterator[Found]:
    allowed = [
        one
        for rule, one in checked.criteria
        if one.holds and "ablat" in " ".join(names_asked(rule.condition))
    ]
    markers = [
        name
        for name in checked.protocol.facts
        if name in checked.scope.facts and checked.scope.facts[name].effort == _TISSUE
    ]
    if allowed and markers:
        named = ", ".join(f"`{name}`" for name in markers)
        yield Found(
            ("facts", markers[0]),
            f"{named}: tissue is needed, and participants treated by ablation have a biopsy at best",
            "say for whom it is measured, and compare those with and without it",
            about_key=True,
        )
