"""Protocol files: found, read, written back, hashed; every fault with its place."""

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from trialwright.protocol.facts import RESERVED_WORDS
from trialwright.protocol.loading import (
    dump_protocol,
    hash_protocol,
    hash_sections,
    load_protocol,
    parse_protocol,
)
from trialwright.protocol.model import Protocol
from trialwright.vocabulary.problems import ProblemsFound

CASES = Path(__file__).parent / "cases"
SINGLE_ARM = (CASES / "single_arm.yaml").read_text(encoding="utf-8")
SMALL = """\
format: trialwright/1
study:
  id: T-1
  title: A small study
  type: observational
  allocation: not applicable
facts:
  age: { label: Age, kind: number, unit: years }
  arm: { label: Arm, kind: category, levels: { a: A, b: B } }
populations:
  all: { label: All }
events:
  death: { text: Death, reported: true }
endpoints:
  os: { label: OS, kind: time to event, role: primary, time to: death, unit: months, reported: true }
analyses:
  km:
    method: kaplan-meier
    title: KM
    population: all
    endpoint: os
    by: arm
    read at: [12 months]
    ticks every: 6 months
"""


def edit(text, old, new):
    assert text.count(old) == 1, f"{old!r} must stand once in the text"
    return text.replace(old, new)


@cache
def parse(text):
    return parse_protocol(text, "p.yaml")[0]


def problems_of(text):
    with pytest.raises(ProblemsFound) as caught:
        parse(text)
    return caught.value.problems


def test_small_ok():
    protocol = parse(SMALL)
    assert protocol.study.title == "A small study"
    assert list(protocol.facts) == ["age", "arm"]
    assert str(protocol.analyses["km"].read_at[0]) == "12 months"


def test_single_arm_uses_every_section():
    protocol = parse(SINGLE_ARM)
    empty = Protocol.model_fields
    unused = [name for name, field in empty.items() if getattr(protocol, name) == field.get_default()]
    assert unused == []


def test_single_arm_uses_every_method_and_every_kind_of_endpoint_event_and_clock():
    protocol = parse(SINGLE_ARM)
    assert {analysis.method for analysis in protocol.analyses.values()} == {
        "baseline table",
        "kaplan-meier",
        "reverse kaplan-meier",
        "log-rank",
        "cox",
        "restricted mean",
    }
    assert {endpoint.kind for endpoint in protocol.endpoints.values()} == {
        "rate",
        "time to event",
        "best response",
    }


BROKEN = {
    "yaml": ("  title: A small study", "  title: 'A small study", "yaml-syntax", None),
    "duplicate key": ("  arm: {", "  age: {", "duplicate-key", (9, 3)),
    "unknown section": ("populations:", "population:", "unknown-key", (10, 1)),
    "unknown key": ("read at:", "read_at:", "unknown-key", (23, 5)),
    "missing key": ("    endpoint: os\n", "", "missing-key", (17, 3)),
    "wrong type": ("  title: A small study", "  title: [A small study]", "wrong-type", (4, 10)),
    "no unit": ("read at: [12 months]", "read at: [12]", "wrong-type", (23, 15)),
    "misspelt unit": ("read at: [12 months]", "read at: [12 monts]", "unreadable-duration", (23, 15)),
    "another unit": ("read at: [12 months]", "read at: [52 weeks]", "unit-mismatch", (23, 15)),
    "unknown method": ("method: kaplan-meier", "method: kaplan-meyer", "unknown-value", (18, 13)),
    "unknown word": ("type: observational", "type: observed", "unknown-value", (5, 9)),
    "malformed name": ("  age: {", "  Age: {", "malformed-name", (8, 3)),
    "unresolved name": ("    by: arm", "    by: am", "unresolved-name", (22, 9)),
    "another language": ("trialwright/1", "trialwright/9", "unknown-format", (1, 9)),
    "unfit endpoint": ("kind: time to event", "kind: rate", "unfit-endpoint", (21, 15)),
    "not a category": ("    by: arm", "    by: age", "not-a-category", (22, 9)),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_small_broken(fault):
    old, new, code, place = BROKEN[fault]
    (problem,) = problems_of(edit(SMALL, old, new))
    assert problem.code == code
    if place:
        assert (problem.place.file, problem.place.line, problem.place.column) == ("p.yaml", *place)


@pytest.mark.parametrize(
    ("old", "new", "fix"),
    [
        pytest.param("populations:", "population:", "did you mean `populations`?", id="section"),
        pytest.param("    read at:", "    read_at:", "did you mean `read at`?", id="key"),
        pytest.param("kaplan-meier", "kaplan-meyer", "did you mean `kaplan-meier`?", id="method"),
        pytest.param("    by: arm", "    by: am", "did you mean `arm`?", id="name"),
    ],
)
def test_the_nearest_is_offered(old, new, fix):
    (problem, *_) = problems_of(edit(SMALL, old, new))
    assert problem.fix == fix


def test_unresolved_names_and_unfit_parts_come_together_in_the_order_of_the_file():
    text = edit(SMALL, "    by: arm", "    by: age")
    text = edit(text, "read at: [12 months]", "read at: [12 weeks]")
    text = edit(text, "    population: all", "    population: al")
    text = edit(text, "time to: death", "time to: dearth")
    text += "  lr: { method: log-rank, title: T, population: alle, endpoint: oss, by: arm }\n"
    found = [(problem.code, problem.place.line) for problem in problems_of(text)]
    assert found == [
        ("unresolved-name", 15),
        ("unresolved-name", 20),
        ("not-a-category", 22),
        ("unit-mismatch", 23),
        ("unresolved-name", 25),
        ("unresolved-name", 25),
    ]


def test_order_of_sections_in_the_file_does_not_change_the_order_of_problems_by_place():
    head, analyses = SMALL.split("analyses:\n")
    text = edit(head, "facts:\n", f"analyses:\n{analyses}facts:\n")
    text = edit(edit(text, "time to: death", "time to: dearth"), "    by: arm", "    by: am")
    assert [problem.field for problem in problems_of(text)] == ["analyses.km.by", "endpoints.os.time to[0]"]


@pytest.mark.parametrize(
    "analysis",
    [
        pytest.param("kaplan-meier, endpoint: os, ticks every: 0 months", id="no distance between ticks"),
        pytest.param("kaplan-meier, endpoint: os, ticks every: 6 months, read at: [2 months, 02 months]",
                     id="reading time twice"),
        pytest.param("restricted mean, endpoint: os, by: arm, horizon: 0 months", id="no horizon"),
        pytest.param("cox, endpoint: os, covariates: [age, arm, age]", id="covariate twice"),
        pytest.param("cox, endpoint: os, covariates: [age], strata: [arm, arm]", id="stratum twice"),
        pytest.param("log-rank, endpoint: os, by: arm, strata: [arm, arm]", id="stratum of a test twice"),
        pytest.param("baseline table, by: arm, variables: [age, age]", id="variable twice"),
    ],
)  # fmt: skip
def test_analyses_that_can_never_be_run(analysis):
    (problem,) = problems_of(f"{SMALL}  x: {{ title: T, population: all, method: {analysis} }}\n")
    assert problem.place.line == 25


def test_bclc_stages_are_levels_as_they_are_written():
    text = edit(
        SMALL,
        "  arm:",
        '  bclc: { label: BCLC, kind: category, levels: { "0": "0", A: A, B: B, C: C, D: D } }\n  arm:',
    )
    assert list(parse(text).facts["bclc"].levels) == ["0", "A", "B", "C", "D"]


ROUND_TRIPS = [pytest.param(SMALL, id="small"), pytest.param(SINGLE_ARM, id="single arm")]


def load_again(protocol):
    return parse_protocol(dump_protocol(protocol), "dump.yaml")[0]


@pytest.mark.parametrize("text", ROUND_TRIPS)
def test_load_dump_load_is_the_same_document(text):
    protocol = parse(text)
    again = load_again(protocol)
    assert again == protocol
    assert hash_sections(again) == hash_sections(protocol)
    assert dump_protocol(again) == dump_protocol(protocol)
    assert Protocol.from_plain(protocol.to_plain()) == protocol


@pytest.mark.parametrize(
    "title",
    [
        pytest.param("yes", id="a word other YAMLs turn into true"),
        pytest.param("null", id="null"),
        pytest.param("010", id="digits"),
        pytest.param("1e3", id="a number"),
        pytest.param("2026-11-21", id="a date"),
        pytest.param("=", id="an equals sign"),
        pytest.param("<<", id="a merge sign"),
        pytest.param("a: b # c", id="signs of YAML"),
        pytest.param("- a", id="a dash"),
        pytest.param("'\"\\", id="quotes"),
        pytest.param("a\n\n  b\nc", id="lines"),
        pytest.param("--- a\n...", id="marks of documents"),
        pytest.param("word " * 60 + "end", id="long"),
        pytest.param("肝癌 é 😀", id="letters of the world"),
        pytest.param("a\u00a0b\u2028c", id="unusual spaces"),
        pytest.param("a\u0085b", id="next line"),
        pytest.param("a\ufeffb\x07", id="invisible characters"),
    ],
)
def test_any_text_survives(title):
    plain = parse(SMALL).to_plain()
    protocol = Protocol.from_plain({**plain, "study": {**plain["study"], "title": title}})
    assert protocol.study.title == title
    assert load_again(protocol) == protocol


@pytest.mark.parametrize("value", [1, 0.1, 1e300, 5e-324, 1e22, -0.5, "1", "1e3", "0.1"])
def test_any_number_survives(value):
    plain = {**parse(SMALL).to_plain(), "assumptions": {"x": {"value": value}}}
    protocol = Protocol.from_plain(plain)
    again = load_again(protocol)
    assert again.assumptions["x"].value == value
    assert type(again.assumptions["x"].value) is type(protocol.assumptions["x"].value)


names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name not in RESERVED_WORDS)
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(str.strip)
durations = st.builds("{} {}".format, st.integers(1, 400), st.sampled_from(["days", "weeks", "months"]))
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15)


def some(strategy, min_size=0):
    return st.dictionaries(names, strategy, min_size=min_size, max_size=3)


def element(required, **optional):
    keys = {key.replace("_", " "): strategy for key, strategy in optional.items()}
    return st.fixed_dictionaries(required, optional=keys)


@st.composite
def plain_protocols(draw):
    """Protocols as a file holds them, whose names all resolve."""
    facts = draw(
        some(
            element(
                {"label": words, "kind": st.just("number")},
                unit=st.sampled_from(["U/L", "mg/dL", "years"]),
                source=words,
                valid_for=durations,
                assumed=st.fixed_dictionaries({"label": words}),
            )
        )
    )
    split = {"label": "Arm", "kind": "category", "levels": draw(some(words, min_size=2))}
    populations = draw(some(element({"label": words}, text=words), min_size=1))
    endpoint = {"kind": "time to event", "unit": "months"}
    endpoints = {
        name: {**endpoint, **found}
        for name, found in draw(
            some(
                element(
                    {"label": words, "role": st.sampled_from(["primary", "secondary"])},
                    reported=st.booleans(),
                ),
                min_size=1,
            )
        ).items()
    }
    population, time = st.sampled_from(list(populations)), st.sampled_from(list(endpoints))
    months = st.builds("{} months".format, st.integers(1, 99))
    base = {"title": words, "population": population}
    analysis = st.one_of(
        element({**base, "method": st.just("kaplan-meier"), "endpoint": time, "ticks every": months},
                by=st.just("arm"), confidence=st.sampled_from([0.9, "99 %"])),
        element({**base, "method": st.just("log-rank"), "endpoint": time, "by": st.just("arm")},
                rho=st.sampled_from([0, 0.5, 1]), note=words),
        element({**base, "method": st.just("cox"), "endpoint": time, "covariates": st.just(["arm"])},
                ties=st.sampled_from(["efron", "breslow"]),
                reference=st.builds(lambda level: {"arm": level}, st.sampled_from(list(split["levels"])))),
    )  # fmt: skip
    optional = {
        "assumptions": some(element({"value": numbers | words}, unit=words)),
        "treatments": some(
            element(
                {},
                dose=st.sampled_from(["1500 mg", "0.5 mg"]),
                every=durations,
                until=some(element({"text": words}, when=st.just("age >= 18 years"))),
            )
        ),
        "periods": some(
            element({"span": st.sampled_from(["start to start + 4 weeks", "after start to end"])})
        ),
        "design": element({}, alpha=st.sampled_from([0.05, "2.5 %"]), sides=st.sampled_from([1, 2])),
        "eligibility": element(
            {},
            inclusion=some(element({"text": words}, when=st.just("last(alt, 4 weeks) > 2 ULN"))),
            exclusion=some(element({"text": words})),
        ),
        "version": st.fixed_dictionaries({"number": words, "date": st.dates().map(str)}),
        "baseline": st.just("last on or before start"),
    }
    return {
        "format": "trialwright/1",
        "study": {
            "id": "T-1",
            "title": draw(words),
            "type": "interventional",
            "allocation": "single arm",
            "caution": draw(st.lists(words, max_size=2)),
        },
        "facts": {**facts, "arm": split},
        "anchors": {"start": {"text": "Start"}, "end": {"text": "End", "at": "start + 1 year"}},
        "populations": populations,
        "endpoints": endpoints,
        "analyses": draw(some(analysis)),
        **draw(st.fixed_dictionaries({}, optional=optional)),
    }


@settings(deadline=None, max_examples=15)
@given(plain_protocols())
def test_every_protocol_survives_being_written_and_read(plain):
    protocol = Protocol.from_plain(plain)
    again = load_again(protocol)
    assert again == protocol
    assert hash_protocol(again) == hash_protocol(protocol)
    assert dump_protocol(again) == dump_protocol(protocol)


def changed(before, after):
    old, new = hash_sections(parse(before)), hash_sections(parse(after))
    assert old.keys() == new.keys()
    return {name for name in old if old[name] != new[name]}


@pytest.mark.parametrize(
    ("old", "new", "sections"),
    [
        pytest.param("  title: Durva", "  title: durva", {"study"}, id="study"),
        pytest.param("unit: years }", "unit: months }", {"facts"}, id="facts"),
        pytest.param("iu: 5.82", "iu: 5.83", {"assays"}, id="assays"),
        pytest.param("dose: 1500 mg", "dose: 1501 mg", {"treatments"}, id="treatments"),
        pytest.param("assigned by: decision", "assigned by: chance", {"groups"}, id="groups"),
        pytest.param("Day of inclusion", "The day of inclusion", {"anchors"}, id="anchors"),
        pytest.param("time zero: first durvalumab", "time zero: inclusion", {"time zero"}, id="time zero"),
        pytest.param("baseline: before_durvalumab", "baseline: last on or before first entecavir", {"baseline"}, id="baseline"),
        pytest.param("+ 28 days }", "+ 90 days }", {"periods"}, id="periods"),
        pytest.param("All who had", "Those who had", {"populations"}, id="populations"),
        pytest.param("> 2000 IU/mL\" }", ">= 2000 IU/mL\" }", {"eligibility"}, id="eligibility"),
        pytest.param("at: 104 weeks", "at: 103 weeks", {"visits"}, id="visits"),
        pytest.param("missed after: 2 months", "missed after: 3 months", {"clocks"}, id="clocks"),
        pytest.param("value >= 100 *", "value >= 10 *", {"events"}, id="events"),
        pytest.param("time frame: 30 months", "time frame: 29 months", {"endpoints"}, id="endpoints"),
        pytest.param("confidence: 90 %", "confidence: 95 %", {"analyses"}, id="analyses"),
        pytest.param("alpha: 2.5 %", "alpha: 5 %", {"design"}, id="design"),
        pytest.param("value: 0.05", "value: 0.06", {"assumptions"}, id="assumptions"),
        pytest.param("drop_out: 20 %", "drop_out: 30 %", {"scenarios"}, id="scenarios"),
        pytest.param("severity: important", "severity: minor", {"deviations"}, id="deviations"),
        pytest.param("5 of 20", "6 of 20", {"monitoring"}, id="monitoring"),
        pytest.param("small group events: 5", "small group events: 6", {"reporting"}, id="reporting"),
        pytest.param('number: "1.1"', 'number: "1.2"', {"version"}, id="version"),
    ],
)  # fmt: skip
def test_editing_one_section_changes_its_hash_and_that_of_the_whole(old, new, sections):
    edited = edit(SINGLE_ARM, old, new)
    assert changed(SINGLE_ARM, edited) == sections
    assert hash_protocol(parse(edited)) != hash_protocol(parse(SINGLE_ARM))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("{ label: Age, kind: number, unit: years }", "{ unit: years, kind: number, label: Age }",
                     id="order of keys inside an element"),
        pytest.param("kind: number, unit: years }", "kind: number, unit: years, absence: unknown }",
                     id="a default written out"),
        pytest.param("    ticks every: 6 months\n", "    ticks every: 6 months\n    confidence: 95 %\n    rho: 0\n",
                     id="a default as percentage"),
        pytest.param("    by: arm\n", "    by: arm\n    interval: log-log\n    role: supportive\n",
                     id="defaults of an analysis"),
        pytest.param("time to: death", "time to: [death]", id="one or a list of one"),
        pytest.param("  title: A small study", "  title: >-\n    A small\n    study", id="how text is written"),
        pytest.param("facts:\n", "facts: # comment\n\n", id="comments and empty lines"),
        pytest.param("populations:", "reporting: { small group subjects: 30 }\npopulations:",
                     id="a default of a section not there"),
        pytest.param("populations:", "clocks: {}\ntime zero:\npopulations:", id="an empty section"),
    ],
)  # fmt: skip
def test_what_means_the_same_has_the_same_hashes(old, new):
    edited = edit(SMALL, old, new).replace("    rho: 0\n", "")
    assert changed(SMALL, edited) == set()
    assert hash_protocol(parse(edited)) == hash_protocol(parse(SMALL))
    assert dump_protocol(parse(edited)) == dump_protocol(parse(SMALL))


def test_order_of_sections_in_the_file_means_nothing():
    plain = YAML(typ="safe", pure=True).load(SMALL)
    reordered = Protocol.from_plain(dict(reversed(plain.items())))
    assert hash_protocol(reordered) == hash_protocol(parse(SMALL))


@pytest.mark.parametrize(
    ("first", "second", "section"),
    [
        pytest.param("    chronic_hbv: { text: HBsAg is positive, when: \"last(hbsag, 90 days) is positive\" }\n",
                     "    active_hbv: { text: HBV DNA exceeds 2000 IU/mL, when: \"last(hbv_dna, 28 days) > 2000 IU/mL\" }\n",
                     "eligibility", id="criteria"),
        pytest.param("  hbv_reactivation: { of: hbv_dna, when: value >= 100 * baseline }\n",
                     "  hepatitis_flare: { of: alt, when: (value >= 3 * baseline and value > 100 U/L) confirmed after 1 week }\n",
                     "events", id="events"),
        pytest.param("[12 months, ", "24 months]", "analyses", id="reading times"),
    ],
)  # fmt: skip
def test_order_of_things_that_are_numbered_means_something(first, second, section):
    if section == "analyses":
        swapped = edit(SINGLE_ARM, "[12 months, 24 months]", "[24 months, 12 months]")
    else:
        swapped = edit(SINGLE_ARM, first + second, second + first)
    assert changed(SINGLE_ARM, swapped) == {section}


def test_order_of_endpoints_means_something():
    response = "  response: { label: Best response, kind: best response, role: secondary, reader: central }\n"
    moved = edit(edit(SINGLE_ARM, response, ""), "endpoints:\n", f"endpoints:\n{response}")
    assert changed(SINGLE_ARM, moved) == {"endpoints"}


def test_a_folder_with_a_protocol_stands_for_the_protocol(tmp_path):
    (tmp_path / "protocol.yaml").write_text(SMALL, encoding="utf-8")
    by_folder, by_file = load_protocol(str(tmp_path)), load_protocol(str(tmp_path / "protocol.yaml"))
    assert by_folder.protocol == by_file.protocol
    assert by_folder.folder == by_file.folder == tmp_path


def test_a_folder_without_one_is_called_a_folder(tmp_path):
    (tmp_path / "mine.yaml").write_text(SMALL, encoding="utf-8")
    with pytest.raises(ProblemsFound) as caught:
        load_protocol(str(tmp_path))
    (problem,) = caught.value.problems
    assert problem.code == "no-such-protocol"
    assert problem.message.endswith("is a folder without a file `protocol.yaml`")
    assert problem.fix == "name the protocol file in it"


def test_places_in_a_file_name_the_file_as_it_was_asked_for(tmp_path, monkeypatch):
    (tmp_path / "mine.yaml").write_text(edit(SMALL, "    by: arm", "    by: am"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProblemsFound) as caught:
        load_protocol("mine.yaml")
    assert str(caught.value.problems[0].place) == "mine.yaml:22:9"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("no-such-thing", id="a word"),
        pytest.param("missing.yaml", id="a file"),
        pytest.param("no/where/at.all", id="a path"),
        pytest.param("", id="nothing"),
        pytest.param("..", id="the folder above"),
        pytest.param("../hcc-resection", id="out of the folder of shipped protocols"),
        pytest.param("x" * 300, id="longer than a file name may be"),
        pytest.param("a\0b", id="with a NUL"),
    ],
)
def test_no_such_protocol(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProblemsFound) as caught:
        load_protocol(name)
    assert [problem.code for problem in caught.value.problems] == ["no-such-protocol"]


def test_a_name_close_to_a_shipped_one_is_offered():
    with pytest.raises(ProblemsFound) as caught:
        load_protocol("hcc-resektion")
    assert caught.value.problems[0].fix == "did you mean `hcc-resection`?"
