"""Names a protocol uses: each kind of reference, once resolved and once not."""

from functools import cache
from pathlib import Path

import pytest

from trialwright.protocol.loading import parse_protocol
from trialwright.vocabulary.problems import ProblemsFound

SINGLE_ARM = (Path(__file__).parent / "cases" / "single_arm.yaml").read_text(encoding="utf-8")


def edit(old, new):
    assert SINGLE_ARM.count(old) == 1, f"{old!r} must stand once in the case"
    return SINGLE_ARM.replace(old, new)


def problems_of(text):
    with pytest.raises(ProblemsFound) as caught:
        parse_protocol(text, "p.yaml")
    return caught.value.problems


@cache
def place_of(text, broken):
    """Where a word first stands in a text: line and column from 1."""
    before = text[: text.index(broken)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def test_single_arm_ok():
    parse_protocol(SINGLE_ARM, "p.yaml")


UNRESOLVED = [
    ("time zero: first durvalumab", "time zero: zzz", "time zero", None),
    ("time zero: first durvalumab", "time zero: first zzz", "time zero", None),
    ("time zero: first durvalumab", "time zero: last zzz", "time zero", None),
    ("    measures: hbv_dna", "    measures: zzz", "assays.hbv_pcr.measures", "facts` or `catalogue of concepts"),
    ("treatments: [durvalumab, entecavir]", "treatments: [durvalumab, zzz]", "groups.treated.treatments[1]",
     "treatments"),
    ("{ all of: [hbv_reactivation, hepatitis_flare]", "{ all of: [hbv_reactivation, zzz]",
     "events.hbv_hepatitis.all of[1]", "events"),
    ("any of: [hbv_reactivation, hepatitis_flare]", "any of: [zzz, hepatitis_flare]", "events.any_harm.any of[0]",
     "events"),
    ("    rate of: hbv_reactivation", "    rate of: zzz", "endpoints.reactivation.rate of", "events"),
    ("    time to: hbv_reactivation", "    time to: [death, zzz]", "endpoints.time_to_reactivation.time to[1]", "events"),
    ("    time to: death\n", "    time to: zzz\n", "endpoints.survival.time to[0]", "events"),
    ("competing: [death, new_therapy]", "competing: [death, zzz]", "endpoints.time_to_reactivation.competing[1]",
     "events"),
    ("    from: inclusion", "    from: zzz", "endpoints.survival.from", None),
    ("    from: inclusion", "    from: last zzz", "endpoints.survival.from", None),
    ("    during: on_treatment", "    during: zzz", "endpoints.hepatitis.during", "periods` or `treatments"),
    ("      population: treated", "      population: zzz", "endpoints.reactivation.estimand.population",
     "populations"),
    ("    population: evaluable", "    population: zzz", "analyses.model.population", "populations"),
    ("title: Follow-up, population: treated, endpoint: survival", "title: Follow-up, population: treated, endpoint: zzz",
     "analyses.follow_up.endpoint", "endpoints"),
    ("    by: hbsag\n", "    by: zzz\n", "analyses.patients.by", "facts"),
    ("    variables: [age, alt, bclc_stage]", "    variables: [age, zzz, bclc_stage]",
     "analyses.patients.variables[1]", "facts"),
    ("strata: [tumour]", "strata: [zzz]", "analyses.test.strata[0]", "facts"),
    ("    covariates: [age, hbsag]", "    covariates: [zzz, hbsag]", "analyses.model.covariates[0]", "facts"),
    ("    reference: { hbsag: negative }", "    reference: { zzz: negative }", "analyses.model.reference.zzz", "facts"),
    ("assumptions: { reactivation_rate: 0.05 }", "assumptions: { zzz: 0.05 }", "scenarios.planned.assumptions.zzz",
     "assumptions"),
    ("event: hbv_reactivation, boundary", "event: zzz, boundary", "monitoring.harm.event", "events"),
    ("clock: entecavir_start,", "clock: zzz,", "deviations.late_entecavir.clock", "clocks"),
    ("intercurrent events: { new therapy:", "intercurrent events: { zzz:", "endpoints.reactivation.estimand.intercurrent events.zzz",
     "events"),
    ("design: { alpha: 2.5 %,", "design: { endpoint: zzz, alpha: 2.5 %,", "design.endpoint", "endpoints"),
    ("any of: [hbv_reactivation, hepatitis_flare] }", "any of: [hbv_reactivation, hepatitis_flare], during: zzz }",
     "events.any_harm.during", "periods` or `treatments"),
    ("    competing: [death, new_therapy]", "    censoring: { x: { text: T, event: zzz, at: last contact } }",
     "endpoints.time_to_reactivation.censoring.x.event", "events"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "field", "sections"),
    [pytest.param(*row, id=f"{row[2]}: {row[1].split('zzz')[0].split()[-1]}") for row in UNRESOLVED],
)
def test_a_name_that_resolves_to_nothing(old, new, field, sections):
    text = edit(old, new)
    (problem,) = problems_of(text)
    assert problem.code == "unresolved-name"
    moment = "`zzz` is no anchor, treatment, event or fact of the protocol"
    assert problem.message == (f"`zzz` is not defined under `{sections}`" if sections else moment)
    assert problem.field == field
    assert (problem.place.line, problem.place.column) == place_of(text, "zzz")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("{ of: hbv_dna, when", "{ of: zzz, when", id="the fact of an event"),
        pytest.param("measures: [hbv_dna, alt]", "measures: [zzz, alt]", id="the facts of a visit"),
        pytest.param("{ measure: hbv_dna, at", "{ measure: zzz, at", id="the fact of a clock"),
        pytest.param("{ assess: tumour,", "{ assess: zzz,", id="the assessment of a clock"),
        pytest.param("start of: entecavir", "start of: zzz", id="the treatment that starts"),
        pytest.param("keep: entecavir", "keep: zzz", id="the treatment that is kept"),
        pytest.param("at least every: 1 month, during: durvalumab", "at least every: 1 month, during: zzz",
                     id="the period of a clock"),
        pytest.param("concept: hbv_dna }", "concept: zzz }", id="the concept of a fact"),
    ],
)  # fmt: skip
def test_a_name_that_nothing_looks_up_yet(old, new):
    (problem,) = problems_of(edit(old, new))
    assert problem.code == "unresolved-name"


def test_groups_stand_for_the_groups_of_the_protocol_only_where_there_are_some():
    parse_protocol(SINGLE_ARM, "p.yaml")
    groups = (
        "groups:\n  treated: { label: Durvalumab with entecavir, treatments: [durvalumab, entecavir], "
        "assigned by: decision }\n"
    )
    (problem,) = problems_of(edit(groups, ""))
    assert (problem.code, problem.field) == ("unresolved-name", "analyses.mean.by")


@pytest.mark.parametrize(
    ("old", "new", "code", "field", "message"),
    [
        pytest.param("    by: hbsag\n", "    by: age\n", "not-a-category", "analyses.patients.by",
                     "`age` cannot split subjects: it must be a category with at least two levels", id="a number splits"),
        pytest.param("strata: [tumour]", "strata: [hbv_dna]", "not-a-category", "analyses.test.strata[0]",
                     "`hbv_dna` cannot split subjects: it must be a category with at least two levels",
                     id="a number stratifies"),
        pytest.param(", negative: Negative }", " }", "not-a-category", None, None, id="one level alone"),
        pytest.param("{ hbsag: negative }", "{ hbsag: negativ }", "unresolved-name", "analyses.model.reference.hbsag",
                     "`negativ` is not a level of `hbsag`", id="no such level"),
        pytest.param("{ hbsag: negative }", "{ age: negative }", "unresolved-name", "analyses.model.reference.age",
                     "`negative` is not a level of `age`", id="the reference of a number"),
        pytest.param("title: By HBsAg, population: treated, endpoint: survival",
                     "title: By HBsAg, population: treated, endpoint: reactivation", "unfit-endpoint",
                     "analyses.test.endpoint", "`log-rank` needs a time to event, and `reactivation` is a rate",
                     id="a rate in a log-rank test"),
        pytest.param("title: Follow-up, population: treated, endpoint: survival",
                     "title: Follow-up, population: treated, endpoint: response", "unfit-endpoint",
                     "analyses.follow_up.endpoint",
                     "`reverse kaplan-meier` needs a time to event, and `response` is a best response",
                     id="a response in a curve"),
        pytest.param("read at: [12 months, 24 months]", "read at: [12 months, 2 years]", "unit-mismatch",
                     "analyses.curve.read at[1]",
                     "expected months, the unit in which `survival` is recorded, found years", id="reading time"),
        pytest.param("ticks every: 6 months", "ticks every: 26 weeks", "unit-mismatch", "analyses.curve.ticks every",
                     "expected months, the unit in which `survival` is recorded, found weeks", id="ticks"),
        pytest.param("horizon: 24 months", "horizon: 730 days", "unit-mismatch", "analyses.mean.horizon",
                     "expected months, the unit in which `survival` is recorded, found days", id="horizon"),
    ],
)  # fmt: skip
def test_a_name_that_resolves_to_something_unfit(old, new, code, field, message):
    problems = problems_of(edit(old, new))
    assert {problem.code for problem in problems} <= {code, "unfit-fact", "unresolved-name"}
    problem = next(problem for problem in problems if problem.code == code)
    if field:
        assert len(problems) == 1
        assert (problem.field, problem.message) == (field, message)


def test_each_use_of_an_unfit_category_is_told():
    problems = problems_of(edit(", negative: Negative }", " }"))
    assert [(problem.code, problem.field) for problem in problems] == [
        ("not-a-category", "analyses.patients.by"),
        ("not-a-category", "analyses.test.by"),
        ("unfit-fact", "analyses.model.covariates[1]"),
        ("unresolved-name", "analyses.model.reference.hbsag"),
    ]


def test_nearest_name_is_offered_from_the_sections_that_may_define_it():
    (problem,) = problems_of(edit("    during: on_treatment", "    during: on_treatmnt"))
    assert problem.fix == "did you mean `on_treatment`?"
    (problem,) = problems_of(edit("    during: on_treatment", "    during: durvalumap"))
    assert problem.fix == "did you mean `durvalumab`?"
    (problem,) = problems_of(edit("    during: on_treatment", "    during: inclusion"))
    assert problem.fix == ""


def test_very_many_unresolved_names_are_told_at_once(cpu_seconds):
    facts = "".join(f"  fact_{i:04}: {{ label: x, kind: date }}\n" for i in range(500))
    names = ", ".join(f"fact_{i:05}" for i in range(1500))
    text = edit("facts:\n", f"facts:\n{facts}").replace("measures: [hbv_dna, alt]", f"measures: [{names}]")
    with cpu_seconds(2):
        problems = problems_of(text)
    assert len(problems) == 1500


@pytest.mark.parametrize(
    ("fact", "can"),
    [
        pytest.param("kind: number, unit: years", True, id="a number"),
        pytest.param("kind: category, levels: { a: A, b: B }", True, id="a category"),
        pytest.param("kind: category", False, id="a category without levels"),
        pytest.param("kind: category, levels: { a: A }", False, id="a category of one level"),
        pytest.param("kind: date", False, id="a date"),
        pytest.param("kind: history", False, id="a history"),
        pytest.param("kind: attestation, by: somebody", False, id="an attestation"),
    ],
)
def test_what_can_be_a_covariate(fact, can):
    text = edit("  age: { label: Age, kind: number, unit: years }", f"  age: {{ label: Age, {fact} }}")
    text = text.replace("variables: [age, alt", "variables: [alt")
    if can:
        parse_protocol(text, "p.yaml")
    else:
        (problem,) = problems_of(text)
        assert problem.field == "analyses.model.covariates[0]"


def test_a_number_has_no_levels():
    text = edit("kind: number, unit: years }", "kind: number, unit: years, levels: { a: A, b: B } }")
    assert len(problems_of(text)) == 1


@pytest.mark.parametrize(
    ("old", "new", "code", "field"),
    [
        pytest.param("  entecavir: {}", "  entecavir: { alternatives: { durvalumab: Either } }", None, None,
                     id="a reading beside it"),
        pytest.param("  entecavir: {}", "  entecavir: { alternatives: { durvalumap: Either } }", "unresolved-name",
                     "treatments.entecavir.alternatives.durvalumap", id="no such reading"),
        pytest.param("  entecavir: {}", "  entecavir: { alternatives: { entecavir: Itself } }", "unresolved-name",
                     "treatments.entecavir.alternatives.entecavir", id="itself is no other reading"),
        pytest.param("    route: intravenous", "    route: intravenous\n    assumed: { route: Ours }", None, None,
                     id="a key is assumed"),
        pytest.param("    route: intravenous", "    route: intravenous\n    assumed: { rout: Ours }", "unresolved-name",
                     "treatments.durvalumab.assumed.rout", id="no such key is assumed"),
        pytest.param("    route: intravenous", "    not stated: { route: Unknown, other things: Unknown }", None, None,
                     id="a key and a topic are not stated"),
        pytest.param("    route: intravenous", "    route: intravenous\n    not stated: { route: Unknown }",
                     "stated-after-all", "treatments.durvalumab.not stated.route", id="stated after all"),
    ],
)  # fmt: skip
def test_what_an_element_says_of_itself_fits_it(old, new, code, field):
    text = edit(old, new)
    if code is None:
        parse_protocol(text, "p.yaml")
    else:
        (problem,) = problems_of(text)
        assert (problem.code, problem.field) == (code, field)


WEIGHTED = (
    "  weighted: { method: cox, title: T, population: treated, endpoint: survival, covariates: [groups], "
    "reference: { groups: treated }, "
    "weights: { target: overlap, treated: treated, covariates: [age, hbsag], transform: { age: log10 } }, "
    "time varying: [groups] }\n"
)


@pytest.mark.parametrize(
    ("old", "new", "code", "field"),
    [
        pytest.param("x", "x", None, None, id="sound"),
        pytest.param("treated: treated,", "treated: zzz,", "unresolved-name", "analyses.weighted.weights.treated",
                     id="no such group is weighted"),
        pytest.param("covariates: [age, hbsag]", "covariates: [age, zzz]", "unresolved-name",
                     "analyses.weighted.weights.covariates[1]", id="no such covariate of a weight"),
        pytest.param("{ groups: treated }", "{ groups: zzz }", "unresolved-name", "analyses.weighted.reference.groups",
                     id="no such group is the reference"),
        pytest.param("{ age: log10 }", "{ hbsag: log10 }", "unfit-fact", "analyses.weighted.weights.transform.hbsag",
                     id="a category has no logarithm"),
        pytest.param("covariates: [age, hbsag]", "covariates: [hbsag]", "unfit-fact", "analyses.weighted.weights.transform.age",
                     id="no covariate of a weight is put on a scale"),
        pytest.param("{ age: log10 } }", "{ age: log10 } }, transform: { age: log10 }", "unfit-fact",
                     "analyses.weighted.transform.age", id="no covariate of a model is put on a scale"),
        pytest.param("{ age: log10 }", "{ zzz: log10 }", "unresolved-name", "analyses.weighted.weights.transform.zzz",
                     id="no such fact is put on a scale"),
        pytest.param("method: cox, title: T, population: treated, endpoint: survival",
                     "method: cox, title: T, population: treated, endpoint: reactivation", "unfit-endpoint",
                     "analyses.weighted.endpoint", id="a rate has no hazard"),
    ],
)  # fmt: skip
def test_weighted_comparisons_name_groups_and_facts(old, new, code, field):
    text = edit("\ndesign:", f"\n{WEIGHTED.replace(old, new)}\ndesign:")
    if code is None:
        parse_protocol(text, "p.yaml")
    else:
        (problem,) = problems_of(text)
        assert (problem.code, problem.field) == (code, field)


@pytest.mark.parametrize(
    ("method", "endpoint", "fits"),
    [
        ("proportion", "reactivation", True),
        ("proportion", "response", True),
        ("proportion", "survival", False),
        ("adverse events", "survival", False),
        ("summary by visit", "survival", False),
        ("turnbull", "survival", True),
        ("turnbull", "reactivation", False),
    ],
)
def test_a_method_reads_endpoints_of_its_kind(method, endpoint, fits):
    line = f"  more: {{ method: {method}, title: T, population: treated, endpoint: {endpoint} }}\n"
    text = edit("\ndesign:", f"\n{line}\ndesign:")
    if fits:
        parse_protocol(text, "p.yaml")
    else:
        assert [problem.code for problem in problems_of(text)] == ["unfit-endpoint"]
