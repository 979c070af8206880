"""Patient files: what a trialist jots down, and what is wrong with it."""

from contextlib import suppress
from textwrap import dedent

import pytest

from trialwright.evaluation import patient_files
from trialwright.evaluation.observations import ANY_DAY, Observation
from trialwright.evaluation.patient_files import parse_patient, read_patient
from trialwright.protocol.facts import Scope, make_fact
from trialwright.protocol.scopes import catalogue_facts
from trialwright.vocabulary.intervals import Interval
from trialwright.vocabulary.partial_dates import PartialDate
from trialwright.vocabulary.problems import ProblemsFound

FACTS = {
    **catalogue_facts(),
    "durvalumab": make_fact("durvalumab", kind="drug"),
    "consent": make_fact("consent", kind="date", once=True),
    "pregnant": make_fact("pregnant", kind="yes or no"),
    "fit": make_fact("fit", kind="attestation", by="investigator"),
    "base_excess": make_fact("base_excess", kind="number", unit="mmol/L"),
}
SCOPE = Scope(FACTS)


def read(text, scope=SCOPE, **details):
    return parse_patient(dedent(text), "p.yaml", scope, **details)


def observations(records):
    return read(f"anchor: 2026-03-31\nrecords:\n  {records}\n").subject.observations


def exactly(number):
    return Interval(number, number)


# ---- results as reported


@pytest.mark.parametrize(
    ("written", "value", "unit"),
    [
        pytest.param("12 U/L", exactly(12), "U/L", id="a number with its unit"),
        pytest.param("12", exactly(12), None, id="without its unit"),
        pytest.param("12.50 U/L", exactly(12.5), "U/L", id="decimals"),
        pytest.param("1.2E6 U/L", exactly(1.2e6), "U/L", id="exponent"),
        pytest.param("1.2E6", exactly(1.2e6), None, id="a number to YAML"),
        pytest.param('"<10 U/L"', Interval(0, 10, hi_open=True), "U/L", id="below"),
        pytest.param('"<=10 U/L"', Interval(0, 10), "U/L", id="at most"),
        pytest.param('"≥ 10 U/L"', Interval(10, float("inf")), "U/L", id="at least"),
        pytest.param('">1.7E8 U/L"', Interval(1.7e8, float("inf"), lo_open=True), "U/L", id="above"),
        pytest.param("12U/L", exactly(12), "U/L", id="unit right behind"),
        pytest.param("3.2 x10^9/L", exactly(3.2), "x10^9/L", id="a power in the unit"),
        pytest.param("3.2 × 10⁹/L", exactly(3.2), "× 10⁹/L", id="as printed"),
        pytest.param("3.2 10^9/L", exactly(3.2), "10^9/L", id="without the cross"),
        pytest.param("12 parsecs", exactly(12), "parsecs", id="a unit nobody knows stays as it is"),
        pytest.param("haemolysed", "haemolysed", None, id="no number"),
        pytest.param("5-10 U/L", "5-10 U/L", None, id="a range is not its first number"),
        pytest.param("'1,200 U/L'", "1,200 U/L", None, id="a comma could be two things"),
        pytest.param("1.2.3", "1.2.3", None, id="a version is no number"),
        pytest.param("12 13 U/L", "12 13 U/L", None, id="two numbers"),
        pytest.param("-4 U/L", "-4", None, id="a concentration below nothing"),
        pytest.param('"<0 U/L"', "<0 U/L", None, id="less than nothing"),
        pytest.param("1e400", "1e400", None, id="more than a number can be"),
        pytest.param("1.7e308 U/L", "1.7e308 U/L", None, id="more than can be reckoned with"),
        pytest.param("1e-300 U/L", "1e-300 U/L", None, id="less than can be reckoned with"),
        pytest.param("1e100 U/L", exactly(1e100), "U/L", id="much"),
        pytest.param("1e-100 U/L", exactly(1e-100), "U/L", id="little"),
        pytest.param("0 U/L", exactly(0), "U/L", id="nothing"),
        pytest.param("nan", "nan", None, id="not a number"),
        pytest.param("٣ U/L", "٣ U/L", None, id="digits of another script"),
        pytest.param("", None, None, id="taken, no result"),
    ],
)
def test_numbers(written, value, unit):
    (one,) = observations(f"alt: {{ 2026-03-20: {written} }}")
    expected = written if value == "-4" else value
    assert (one.value, one.unit) == (expected, unit)
    assert (one.lln, one.uln) == (None, None)


def test_below_a_limit_reaches_down_to_nothing_only_where_less_is_impossible():
    (one,) = observations('base_excess: { 2026-03-20: "<10 mmol/L" }')
    assert one.value == Interval(-float("inf"), 10, hi_open=True)


@pytest.mark.parametrize(
    ("written", "lln", "uln"),
    [
        ("45 U/L (ULN 40)", None, 40),
        ("45 U/L (LLN 10 ULN 40.5)", 10, 40.5),
        ("'45 U/L (ULN 40.5, LLN 10)'", 10, 40.5),
        ("{ value: 45 U/L, uln: 40, lln: 10 }", 10, 40),
        ("{ value: 45, unit: U/L, uln: 40 }", None, 40),
    ],
)
def test_limits_of_normal(written, lln, uln):
    (one,) = observations(f"alt: {{ 2026-03-20: {written} }}")
    assert (one.value, one.unit, one.lln, one.uln) == (exactly(45), "U/L", lln, uln)


@pytest.mark.parametrize(
    "limits",
    ["ULN", "ULN 1" + "0" * 200, "ULN forty", "ULN 40 ULN 41", "ULN 40 H", "ULN 4.0.1", "10-40", "H", ""],
)
def test_parentheses_that_are_no_limits_make_a_result_unreadable(limits):
    (one,) = observations(f"alt: {{ 2026-03-20: 45 U/L ({limits}) }}")
    assert one.value == f"45 U/L ({limits})"


def test_details():
    (one,) = observations(
        "hbv_dna: { 2026-03-20: { value: 3000 copies/mL, assay: roche_cobas_taqman, id: LB-17, comment: repeat } }"
    )
    assert one == Observation(
        "LB-17", "hbv_dna", PartialDate.parse("2026-03-20"), exactly(3000), "copies/mL",
        assay="roche_cobas_taqman", comment="repeat",
    )  # fmt: skip


# ---- one fact, one line


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ("sex: male", [(ANY_DAY, "male")]),
        ("bclc_stage: { 2026-02: B }", [("2026-02", "B")]),
        ('bclc_stage: { 2026-02: "0" }', [("2026-02", "0")]),
        ("bclc_stage: { 2026-02: b }", [("2026-02", "b")]),
        ("pregnant: { 2026-03-20: no }", [("2026-03-20", "no")]),
        ("consent: 2026-03-25", [("2026-03-25", None)]),
        ("consent: { 2026-03-25: }", [("2026-03-25", None)]),
        ("durvalumab: [2026-01-05, 2026-02-02]", [("2026-01-05", None), ("2026-02-02", None)]),
        ("durvalumab: { 2026-01-05: yes }", [("2026-01-05", None)]),
        ("durvalumab: { 2026-01-05: { comment: 1500 mg } }", [("2026-01-05", None)]),
        ("durvalumab: 2025", [("2025", None)]),
        ("durvalumab: yes", [(ANY_DAY, None)]),
        ("ecog: { 2026-03-20: [0, 1] }", [("2026-03-20", exactly(0)), ("2026-03-20", exactly(1))]),
        ("ecog: 1", [(ANY_DAY, exactly(1))]),
        ("ecog: { 2026-03-20T14:30: 1 }", [("2026-03-20T14:30", exactly(1))]),
        ("ecog: { 2026-03-01/2026-03-10: 1 }", [("2026-03-01/2026-03-10", exactly(1))]),
    ],
)
def test_records(records, expected):
    found = [(one.date, one.value) for one in observations(records)]
    assert found == [
        (PartialDate.parse(day) if isinstance(day, str) else day, value) for day, value in expected
    ]


@pytest.mark.parametrize(
    ("written", "value", "by"),
    [
        ("yes by investigator", "yes", "investigator"),
        ("no by study nurse", "no", "study nurse"),
        ("yes", "yes", None),
    ],
)
def test_attestations(written, value, by):
    (one,) = observations(f"fit: {{ 2026-03-20: {written} }}")
    assert (one.value, one.by) == (value, by)


def test_records_are_called_by_their_lines():
    read_text = read(
        """\
        anchor: 2026-03-31
        records:
          alt: { 2026-03-20: 45 U/L, 2026-03-01: 40 U/L }
          ast:
            2026-03-20: 50 U/L
        """
    )
    assert [one.id for one in read_text.subject.observations] == ["line 3", "line 3 no. 2", "line 5"]


def test_the_file_of_the_docstring():
    """It is what a trialist is shown first."""
    text = dedent(patient_files.__doc__.split("\n\n", 1)[1].split("Values stand")[0])
    facts = ("liver_resection", "durvalumab", "fit_for_surgery")
    own = "".join(f"  {name}: {{ label: x, kind: history }}\n" for name in facts[:2])
    own += "  fit_for_surgery: { label: x, kind: attestation, by: investigator }\n"
    subject = read(text + "facts:\n" + own, Scope(catalogue_facts())).subject
    assert (subject.birth, subject.anchor) == (
        PartialDate.parse("1961-04-02"),
        PartialDate.parse("2026-03-31"),
    )
    assert [one.fact for one in subject.by_fact["alt"]] == ["alt", "alt"]
    assert subject.by_fact["inr"][0].value is None
    assert subject.by_fact["fit_for_surgery"][0].by == "investigator"


def test_dates_beside_the_records():
    subject = read(
        """\
        patient: HK-017
        born: 1961
        anchor: 2026-03-31T09:00
        baseline: 2026-01-05
        data cut: 2026-04
        periods: { on_treatment: 2026-01-05 to 2026-06 }
        """
    ).subject
    dates = [
        subject.birth,
        subject.anchor,
        subject.baseline_at,
        subject.cut,
        *subject.periods["on_treatment"],
    ]
    assert [str(one) for one in dates] == [
        "1961",
        "2026-03-31T09:00",
        "2026-01-05",
        "2026-04",
        "2026-01-05",
        "2026-06",
    ]
    assert subject.id == "HK-017"


def test_the_date_given_with_the_command_wins():
    given = PartialDate.parse("2020-01-01")
    assert read("anchor: 2026-03-31", anchor=given).subject.anchor == given
    assert read("{}", anchor=given).subject.anchor == given


def test_facts_of_the_file_come_to_the_scope_and_may_differ_from_the_catalogue():
    scope = Scope(catalogue_facts(), {"on_treatment": "treatment"})
    more = read(
        """\
        anchor: 2026-03-31
        periods: { follow_up: 2026-01-05 to 2026-06-30 }
        facts:
          hbsag: { label: Antigen, kind: category, levels: { seen: Seen, unseen: Unseen } }
          smoker: { label: Smoker, kind: yes or no, absence: no }
        records:
          hbsag: { 2026-03-20: seen }
        """,
        scope,
    ).scope
    assert more.facts["hbsag"].levels == ("seen", "unseen")
    assert more.facts["smoker"].absence == "no"
    assert more.facts["alt"] is scope.facts["alt"]
    assert more.periods == {"on_treatment": "treatment", "follow_up": "follow up"}


def test_a_fact_that_only_the_catalogue_has_is_read_and_not_named():
    found = read("anchor: 2026-03-31\nrecords: { alt: 45 U/L }", Scope({"sex": FACTS["sex"]}))
    assert found.subject.by_fact["alt"][0].value == exactly(45)
    assert set(found.scope.facts) == {"sex"}


# ---- what is wrong


def problems(text, scope=SCOPE):
    with pytest.raises(ProblemsFound) as caught:
        read(text, scope)
    return [(one.place.line, one.place.column, one.code, one.field) for one in caught.value.problems]


@pytest.mark.parametrize(
    ("record", "column", "code", "field"),
    [
        ("hbvdna: 3", 3, "unknown-fact", "hbvdna"),
        ("child_pugh: 5", 3, "wrong-kind", "child_pugh"),
        ("sex: 1", 8, "wrong-type", "sex"),
        ("bclc_stage: { 2026-02: 0 }", 26, "wrong-type", "bclc_stage.2026-02"),
        ("pregnant: true", 13, "wrong-type", "pregnant"),
        ("alt: { 2026-13-01: 4 U/L }", 10, "unreadable-date", "alt.2026-13-01"),
        ("alt: { yesterday: 4 U/L }", 10, "unreadable-date", "alt.yesterday"),
        ("alt: { 2026-03-20: [[4]] }", 23, "wrong-type", "alt.2026-03-20[0]"),
        ("alt: { 2026-03-20: true }", 22, "wrong-type", "alt.2026-03-20"),
        ("alt: { 2026-03-20: { valu: 4 } }", 24, "unknown-key", "alt.2026-03-20.valu"),
        ("alt: { 2026-03-20: { value: 4, uln: high } }", 39, "wrong-type", "alt.2026-03-20.uln"),
        ("alt: { 2026-03-20: { value: 4, uln: -1 } }", 39, "wrong-type", "alt.2026-03-20.uln"),
        ("alt: { 2026-03-20: { value: 4, uln: true } }", 39, "wrong-type", "alt.2026-03-20.uln"),
        ("alt: { 2026-03-20: { value: 4, uln: 1.0e+200 } }", 39, "wrong-type", "alt.2026-03-20.uln"),
        ("alt: { 2026-03-20: { value: 4, unit: 5 } }", 40, "wrong-type", "alt.2026-03-20.unit"),
        ("alt: { 2026-03-20: { value: 4 U/L, unit: U/L } }", 44, "duplicate-key", "alt.2026-03-20.unit"),
        ("durvalumab: no", 15, "wrong-type", "durvalumab"),
        ("durvalumab: { 2026-01-05: no }", 29, "wrong-type", "durvalumab.2026-01-05"),
        ("durvalumab: { 2026-01-05: denied }", 29, "wrong-type", "durvalumab.2026-01-05"),
        ("durvalumab: { 2026-01-05: { value: no } }", 38, "wrong-type", "durvalumab.2026-01-05.value"),
        ("consent: { 2026-01-05: refused }", 26, "wrong-type", "consent.2026-01-05"),
        ("durvalumab: [soon]", 16, "unreadable-date", "durvalumab[0]"),
        ("consent: true", 12, "unreadable-date", "consent"),
        (
            "alt: [{ value: 4, id: a }, { value: 5, id: a }]", 46, "duplicate-record", "alt[1].id",
        ),
    ],
)  # fmt: skip
def test_a_record_that_cannot_be(record, column, code, field):
    found = problems(f"anchor: 2026-03-31\nrecords:\n  {record}\n")
    assert found == [(3, column, code, f"records.{field}")]


@pytest.mark.parametrize(
    ("text", "place", "code"),
    [
        ("records: {}", (1, 1), "no-anchor"),
        ("born: 2030\nanchor: 2026", (1, 7), "born-after-anchor"),
        ("anchor: 31.3.2026", (1, 9), "unreadable-date"),
        ("anchor: 2026\nperiods: { a: 2026 }", (2, 15), "unreadable-date"),
        ("anchor: 2026\nperiods: { a: 2026 to June }", (2, 15), "unreadable-date"),
        ("anchor: 2026\nperiods: { a: 2026-03 to 2026-02-28 }", (2, 15), "unreadable-date"),
        ("anchor: 2026\nrecords: { alt: { 2026-03-02/2026-03-01: 4 U/L } }", (2, 19), "unreadable-date"),
        ("anchor: 2026\nreocrds: {}", (2, 1), "unknown-key"),
        ("anchor: 2026\nrecords: [a]", (2, 10), "wrong-type"),
        ("anchor: 2026\nfacts:\n  smoker: { label: x, kind: perhaps }", (3, 29), "unknown-value"),
        ("anchor: 2026\nfacts:\n  size: { label: x, kind: number, unit: ells }", (3, 41), "unknown-unit"),
        ("anchor: 2026\nfacts:\n  size: { label: x, kind: category }", (3, 9), "fact-levels"),
        ("anchor: 2026\nfacts:\n  last: { label: x, kind: history }", (3, 3), "reserved-word"),
        ("anchor: 2026\nfacts:\n  fit: { label: x, kind: history }", (3, 3), "name-used-twice"),
        ("- a list", (1, 1), "wrong-type"),
        ("", (None, None), "wrong-type"),
        ("anchor: [", (2, 1), "yaml-syntax"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be(text, place, code):
    assert [(line, column, found) for line, column, found, _ in problems(f"{text}\n")] == [(*place, code)]


def test_a_unit_nobody_knows_is_warned_of_where_it_stands():
    warnings = read(
        """\
        anchor: 2026-03-31
        records:
          alt: { 2026-03-20: 45 U/ll, 2026-03-21: { value: 4, unit: parsecs } }
          hbv_dna: { 2026-03-20: 400 copies/mL, 2026-03-21: 400 }
        """
    ).warnings
    told = [(one.place.line, one.place.column, one.code, one.field, one.fix) for one in warnings]
    assert told == [
        (3, 22, "unknown-unit", "records.alt.2026-03-20", "did you mean `U/L`?"),
        (3, 61, "unknown-unit", "records.alt.2026-03-21.unit", ""),
    ]
    assert {one.severity for one in warnings} == {"warning"}


def test_a_period_of_one_day_is_a_period():
    periods = read(
        "anchor: 2026\nperiods: { a: 2026-03-01 to 2026-03-01, b: 2026-03-15 to 2026-03 }"
    ).subject.periods
    assert [str(last) for _, last in periods.values()] == ["2026-03-01", "2026-03"]


def test_no_more_of_a_file_is_read_than_a_document_may_hold(tmp_path):
    endless = tmp_path / "endless.yaml"
    with endless.open("wb") as stream:
        stream.truncate(10**12)  # a file of holes: nothing is on the disk
    with pytest.raises(ProblemsFound) as caught:
        read_patient(endless, SCOPE)
    assert [one.code for one in caught.value.problems] == ["document-too-large"]


def test_everything_wrong_is_told_at_once_in_the_order_of_the_file():
    found = problems(
        """\
        anchor: 2026-03-31
        records:
          altt: 3
          alt: { 2026-99: 4, 2026-03-20: { vlaue: 4 } }
          sex: 2
        """
    )
    assert [code for _, _, code, _ in found] == [
        "unknown-fact",
        "unreadable-date",
        "unknown-key",
        "wrong-type",
    ]


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ProblemsFound) as caught:
        read_patient(tmp_path / "nobody.yaml", SCOPE)
    assert [one.code for one in caught.value.problems] == ["unreadable-file"]


@pytest.mark.parametrize(
    "text",
    [
        "records: {alt: " + "[" * 100_000,
        "anchor: 2026\nrecords: {alt: {2026: '" + "1" * 500_000 + " U/L'}}",
        "anchor: 2026\nrecords: {alt: {2026: '1 " + "a " * 200_000 + "(" + "'}}",
        "anchor: 2026\nrecords: {alt: {2026: '1 x" + " (" * 200_000 + "'}}",
        "anchor: 2026\nrecords: {alt: [" + "1," * 90_000 + "]}",
    ],
    ids=["deep", "a long number", "a long unit", "many parentheses", "many records"],
)
def test_hostile_files_are_answered_at_once(text, cpu_seconds):
    with cpu_seconds(3), suppress(ProblemsFound):
        read(text)
