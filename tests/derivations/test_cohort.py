"""A mapping held against its protocol, and ADSL and ADTTE of a cohort."""

from functools import cache

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.derivations.cohort import check_mapping, derive_adsl, derive_adtte, event_observed
from trialwright.protocol.loading import parse_protocol
from trialwright.records.csv import Cohort, read_csv_cohort
from trialwright.records.mapping import Mapping
from trialwright.vocabulary.documents import read_document
from trialwright.vocabulary.elements import validate_document

PROTOCOL = """\
format: trialwright/1
study: { id: T-1, title: T, type: observational, allocation: not applicable }
facts:
  age: { label: Age, kind: number, unit: years }
  arm: { label: Arm, kind: category, levels: { a: A, b: B } }
  spare: { label: Nobody needs it, kind: number }
populations:
  all: { label: All }
events:
  death: { reported: true }
  growth: { reported: true }
endpoints:
  pfs: { label: Progression-free, kind: time to event, role: primary, time to: growth, unit: days, reported: true }
  os: { label: Survival, kind: time to event, role: primary, time to: death, unit: months, reported: true }
  flare: { label: Flare, kind: rate, role: secondary }
analyses:
  cox: { method: cox, title: T, population: all, endpoint: os, covariates: [age], strata: [arm] }
"""
MAPPING = """\
format: trialwright-mapping/1
study: T-1
file: patients.csv
missing: ["", NA]
subject: id
facts:
  age: { column: Age, unit: years }
  arm: { column: Arm, values: { "1": a, "2": b } }
endpoints:
  os: { time: Months, unit: months, status: Dead, event: ["1"], censored: ["0"] }
  pfs: { time: Days, unit: days, status: Prog, event: ["1"], censored: ["0"] }
"""


def edit(text, old, new):
    assert text.count(old) == 1, f"{old!r} must stand once"
    return text.replace(old, new)


@cache
def protocol_of(text=PROTOCOL):
    return parse_protocol(text, "protocol.yaml")[0]


def mapping_of(text=MAPPING):
    document = read_document(text, "mapping.yaml")
    return validate_document(document, Mapping), document


def problems(mapping=MAPPING, protocol=PROTOCOL):
    return check_mapping(*mapping_of(mapping), protocol_of(protocol))


def test_mapping_ok():
    assert problems() == []


@pytest.mark.parametrize(
    ("old", "new", "code", "place", "field"),
    [
        pytest.param("study: T-1", "study: T-2", "wrong-study", (2, 8), "study", id="another study"),
        pytest.param("  age:", "  aeg:", "unresolved-name", (7, 3), "facts.aeg", id="a fact nobody defines"),
        pytest.param("  age: { column: Age, unit: years }", "  age: { column: Age, unit: months }", "unit-mismatch",
                     (7, 29), "facts.age.unit", id="age in months"),
        pytest.param("  age: { column: Age, unit: years }", "  age: { column: Age }", "unit-mismatch", (7, 8),
                     "facts.age.unit", id="age without unit"),
        pytest.param("Arm, values", "Arm, unit: years, values", "unit-mismatch", (8, 29), "facts.arm.unit",
                     id="a category with a unit"),
        pytest.param(', values: { "1": a, "2": b }', "", "unfit-column", (8, 3), "facts.arm",
                     id="a category without its codes"),
        pytest.param("Age, unit: years }", 'Age, unit: years, values: { "1": a } }', "unfit-column", (7, 3),
                     "facts.age", id="a number with codes"),
        pytest.param('"2": b', '"2": c', "unresolved-name", (8, 46), "facts.arm.values.2", id="no such level"),
        pytest.param("  pfs:", "  pfss:", "unresolved-name", (11, 3), "endpoints.pfss", id="no such endpoint"),
        pytest.param("Days, unit: days", "Days, unit: weeks", "unit-mismatch", (11, 28), "endpoints.pfs.unit",
                     id="times in another unit"),
        pytest.param('Prog, event: ["1"]', 'Prog, event: ["1", "0"]', "contradictory-code", (11, 77),
                     "endpoints.pfs.censored", id="one code for event and censored"),
        pytest.param('  arm: { column: Arm, values: { "1": a, "2": b } }\n', "", "missing-key", (6, 1), "facts",
                     id="a stratum without column"),
        pytest.param("  age: { column: Age, unit: years }\n", "", "missing-key", (6, 1), "facts",
                     id="a covariate without column"),
        pytest.param('  pfs: { time: Days, unit: days, status: Prog, event: ["1"], censored: ["0"] }\n', "",
                     "missing-key", (9, 1), "endpoints", id="reported times without columns"),
    ],
)  # fmt: skip
def test_mapping_broken(old, new, code, place, field):
    found = problems(edit(MAPPING, old, new))
    assert code in [problem.code for problem in found]
    problem = next(problem for problem in found if problem.code == code)
    assert problem.field == field
    assert (problem.place.file, problem.place.line, problem.place.column) == ("mapping.yaml", *place)


@pytest.mark.parametrize("code", ["0", "1", "2"])
def test_a_code_that_means_a_value_and_missing_is_contradictory(code):
    found = problems(edit(MAPPING, 'missing: ["", NA]', f'missing: ["", "{code}"]'))
    assert {problem.code for problem in found} == {"contradictory-code"}


def test_what_no_analysis_needs_may_lack_a_column():
    assert problems(MAPPING, edit(PROTOCOL, ", strata: [arm]", "")) == []
    without_arm = edit(MAPPING, '  arm: { column: Arm, values: { "1": a, "2": b } }\n', "")
    assert problems(without_arm, edit(PROTOCOL, ", strata: [arm]", "")) == []
    assert [problem.code for problem in problems(without_arm)] == ["missing-key"]


@pytest.mark.parametrize("key", ["by: arm", "strata: [arm]", "variables", "covariates"])
def test_every_key_of_an_analysis_that_names_facts_is_needed(key):
    analysis = {
        "by: arm": "kaplan-meier, endpoint: os, by: arm, ticks every: 6 months",
        "strata: [arm]": "cox, endpoint: os, covariates: [age], strata: [arm]",
        "variables": "baseline table, by: arm, variables: [arm]",
        "covariates": "cox, endpoint: os, covariates: [arm]",
    }[key]
    text = edit(
        PROTOCOL, "cox, title: T, population: all, endpoint: os, covariates: [age], strata: [arm] }",
        f"{analysis}, title: T, population: all }}",
    )  # fmt: skip
    without_arm = edit(MAPPING, '  arm: { column: Arm, values: { "1": a, "2": b } }\n', "")
    assert problems(MAPPING, text) == []
    assert [problem.message for problem in problems(without_arm, text)] == [
        "the analyses need `arm`, and the mapping has no column for it"
    ]


def test_an_endpoint_without_unit_is_not_called_none():
    (problem,) = problems(MAPPING, edit(PROTOCOL, "time to: growth, unit: days", "time to: growth"))
    assert problem.code == "unit-mismatch"
    assert "None" not in problem.message


def test_nearest_names_are_offered():
    text = edit(edit(edit(MAPPING, "  age:", "  aeg:"), '"2": b', '"2": bb'), "  pfs:", "  pfss:")
    fixes = {problem.field: problem.fix for problem in problems(text)}
    assert fixes["facts.aeg"] == "did you mean `age`?"
    assert fixes["facts.arm.values.2"] == "did you mean `b`?"
    assert fixes["endpoints.pfss"] == "did you mean `pfs`?"


def cohort(subjects, times):
    return Cohort(
        "patients.csv",
        "0" * 64,
        pl.DataFrame(
            subjects,
            schema={"USUBJID": pl.String, "SRCSEQ": pl.Int64, "age": pl.Float64, "arm": pl.String},
            orient="row",
        ),
        pl.DataFrame(
            times,
            schema={
                "USUBJID": pl.String,
                "SRCSEQ": pl.Int64,
                "endpoint": pl.String,
                "time": pl.Float64,
                "event_observed": pl.Boolean,
            },
            orient="row",
        ),
    )


COHORT = cohort(
    [("S1", 2, 50.0, "a"), ("S2", 3, None, None)],
    [
        ("S1", 2, "os", 12.0, True),
        ("S2", 3, "os", None, False),
        ("S1", 2, "pfs", 300.0, False),
        ("S2", 3, "pfs", 0.0, None),
    ],
)


def test_adsl_has_one_row_a_subject_and_says_where_it_comes_from():
    adsl = derive_adsl(COHORT, protocol_of())
    assert adsl.columns == ["STUDYID", "USUBJID", "age", "arm", "SRCDOM", "SRCSEQ"]
    assert adsl.rows() == [
        ("T-1", "S1", 50.0, "a", "patients.csv", 2),
        ("T-1", "S2", None, None, "patients.csv", 3),
    ]


def test_adtte_has_one_row_a_subject_and_endpoint_in_the_order_of_the_protocol():
    """CNSR is 0 for an event and 1 for censored (CDISC ADaM); what is missing is null and nobody's event."""
    adtte = derive_adtte(COHORT, protocol_of())
    assert adtte.columns == [
        "STUDYID",
        "USUBJID",
        "PARAMCD",
        "PARAM",
        "AVAL",
        "AVALU",
        "CNSR",
        "SRCDOM",
        "SRCSEQ",
        "PROTOCOL",
    ]
    csv = "patients.csv"
    assert adtte.rows() == [
        ("T-1", "S1", "PFS", "Progression-free", 300.0, "DAYS", 1, csv, 2, "endpoints.pfs"),
        ("T-1", "S2", "PFS", "Progression-free", 0.0, "DAYS", None, csv, 3, "endpoints.pfs"),
        ("T-1", "S1", "OS", "Survival", 12.0, "MONTHS", 0, csv, 2, "endpoints.os"),
        ("T-1", "S2", "OS", "Survival", None, "MONTHS", 1, csv, 3, "endpoints.os"),
    ]


def test_event_observed_turns_cnsr_round_and_leaves_null_alone():
    frame = pl.DataFrame({"CNSR": [0, 1, None]}, schema={"CNSR": pl.Int32})
    assert frame.select(event_observed(pl.col("CNSR")))["CNSR"].to_list() == [True, False, None]


def test_no_times_no_rows():
    adtte = derive_adtte(cohort([("S1", 2, 50.0, "a")], []), protocol_of())
    assert adtte.height == 0
    assert adtte.columns[:3] == ["STUDYID", "USUBJID", "PARAMCD"]


LINES = st.lists(
    st.tuples(
        st.sampled_from(["50", "61.5", "", "NA"]),
        st.sampled_from(["1", "2", ""]),
        st.sampled_from(["0", "12", "1e1", "NA"]),
        st.sampled_from(["0", "1", ""]),
    ),
    min_size=1,
    max_size=6,
)


@settings(deadline=None, max_examples=40)
@given(LINES, st.randoms(use_true_random=False))
def test_order_of_the_rows_of_the_file_changes_nothing_of_a_subject(tmp_path_factory, lines, random):
    """From the file to ADSL and ADTTE, and against what each cell means."""
    rows = [f"S{i},{age},{arm},{time},{status},7,1" for i, (age, arm, time, status) in enumerate(lines)]
    shuffled = random.sample(rows, len(rows))
    found = []
    for i, some in enumerate((rows, shuffled)):
        path = tmp_path_factory.getbasetemp() / f"order{i}.csv"
        path.write_text("id,Age,Arm,Months,Dead,Days,Prog\n" + "\n".join(some) + "\n", encoding="utf-8")
        read = read_csv_cohort(path, mapping_of()[0])
        found.append(
            (
                derive_adsl(read, protocol_of()).select("USUBJID", "age", "arm").sort("USUBJID").rows(),
                derive_adtte(read, protocol_of())
                .filter(PARAMCD="OS")
                .select("USUBJID", "AVAL", "CNSR")
                .sort("USUBJID")
                .rows(),
            )
        )
    assert found[0] == found[1]
    ages = {"50": 50.0, "61.5": 61.5, "": None, "NA": None}
    times = {"0": 0.0, "12": 12.0, "1e1": 10.0, "NA": None}
    assert found[0] == (
        [
            (f"S{i}", ages[age], {"1": "a", "2": "b", "": None}[arm])
            for i, (age, arm, _, _) in enumerate(lines)
        ],
        [
            (f"S{i}", times[time], {"1": 0, "0": 1, "": None}[status])
            for i, (_, _, time, status) in enumerate(lines)
        ],
    )
