"""The model of protocol files and its JSON Schema, which must agree with each other."""

import re
from pathlib import Path

import pytest

from trialwright.protocol.loading import parse_protocol, protocol_schema, shipped_protocols
from trialwright.vocabulary.documents import read_document
from trialwright.vocabulary.problems import ProblemsFound

SHIPPED = Path(__file__).parents[2] / "src" / "trialwright" / "protocol" / "shipped"
SINGLE_ARM = (Path(__file__).parent / "cases" / "single_arm.yaml").read_text(encoding="utf-8")
SCHEMA = protocol_schema()
SPEAKING = {"title", "description", "default", "discriminator", "format", "$schema", "$defs"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def parts(node, path="#"):
    """Every schema inside a schema, with the way to it."""
    yield path, node
    for key in ("properties", "patternProperties", "$defs"):
        for name, child in node.get(key, {}).items():
            yield from parts(child, f"{path}/{key}/{name}")
    for key in ("anyOf", "oneOf"):
        for i, child in enumerate(node.get(key, [])):
            yield from parts(child, f"{path}/{key}/{i}")
    for key in ("items", "additionalProperties", "propertyNames"):
        if isinstance(node.get(key), dict):
            yield from parts(node[key], f"{path}/{key}")


def faults(node, value, path="$"):
    """Where a value breaks a schema: draft 2020-12, as far as the schema uses it."""
    if "$ref" in node:
        return faults(SCHEMA["$defs"][node["$ref"].removeprefix("#/$defs/")], value, path)
    found = []
    for key, wanted in node.items():
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        match key:
            case "type":
                types = {"number": number, "integer": number and value == int(value)}
                ok = types[wanted] if wanted in types else isinstance(value, TYPES[wanted])
            case "const":
                ok = value == wanted
            case "enum":
                ok = value in wanted
            case "anyOf":
                ok = any(not faults(choice, value) for choice in wanted)
            case "oneOf":
                ok = sum(not faults(choice, value) for choice in wanted) == 1
            case "required":
                ok = not isinstance(value, dict) or set(wanted) <= set(value)
            case "properties" | "patternProperties":
                match = (lambda a, b: a == b) if key == "properties" else re.search
                for name, item in value.items() if isinstance(value, dict) else ():
                    for known, child in wanted.items():
                        found += faults(child, item, f"{path}.{name}") if match(known, name) else []
                continue
            case "additionalProperties" if wanted is False:
                known = [*map(re.escape, node.get("properties", {})), *node.get("patternProperties", {})]
                ok = not isinstance(value, dict) or all(
                    any(re.fullmatch(one.strip("^$"), name) for one in known) for name in value
                )
            case "additionalProperties":
                for name, item in value.items() if isinstance(value, dict) else ():
                    found += faults(wanted, item, f"{path}.{name}")
                continue
            case "propertyNames":
                found += (
                    [f for name in value for f in faults(wanted, name, path)]
                    if isinstance(value, dict)
                    else []
                )
                continue
            case "items":
                for i, item in enumerate(value) if isinstance(value, list) else ():
                    found += faults(wanted, item, f"{path}[{i}]")
                continue
            case "pattern":
                ok = not isinstance(value, str) or re.search(wanted, value)
            case "minLength":
                ok = not isinstance(value, str) or len(value) >= wanted
            case "maxLength":
                ok = not isinstance(value, str) or len(value) <= wanted
            case "minItems":
                ok = not isinstance(value, list) or len(value) >= wanted
            case "minimum":
                ok = not number or value >= wanted
            case "maximum":
                ok = not number or value <= wanted
            case "exclusiveMinimum":
                ok = not number or value > wanted
            case "exclusiveMaximum":
                ok = not number or value < wanted
            case _ if key in SPEAKING:
                continue
            case _:
                raise AssertionError(f"the test does not know the keyword `{key}`")
        found += [] if ok else [f"{path}: {key}"]
    return found


def plain(text):
    return read_document(text, "p.yaml").data


def edit(text, old, new):
    assert text.count(old) == 1
    return text.replace(old, new)


def test_schema_says_what_it_is():
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["title"] == "Trialwright protocol"


def test_every_reference_of_the_schema_resolves_and_every_definition_is_used():
    refs = {node["$ref"] for _, node in parts(SCHEMA) if "$ref" in node}
    assert refs == {f"#/$defs/{name}" for name in SCHEMA["$defs"]}


def test_every_field_of_the_schema_or_its_class_is_described():
    for path, node in parts(SCHEMA):
        for name, field in node.get("properties", {}).items():
            assert node.get("description") or field.get("description"), f"{path}: {name}"


def test_the_schema_refuses_unknown_keys_in_every_element():
    elements = [node for _, node in parts(SCHEMA) if "properties" in node]
    assert elements
    assert all(node["additionalProperties"] is False for node in elements)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(SINGLE_ARM, id="single arm"),
        *(
            pytest.param((SHIPPED / name / "protocol.yaml").read_text(encoding="utf-8"), id=name)
            for name in shipped_protocols()
        ),
    ],
)
def test_the_schema_takes_what_the_program_takes(text):
    parse_protocol(text, "p.yaml")
    assert faults(SCHEMA, plain(text)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("enrolment: 43", "enrolmnt: 43", id="unknown key"),
        pytest.param("enrolment: 43", "enrolment: 0", id="out of range"),
        pytest.param("enrolment: 43", "enrolment: many", id="wrong type"),
        pytest.param("allocation: single arm", "allocation: one arm", id="unknown word"),
        pytest.param("  allocation: single arm\n", "", id="missing key"),
        pytest.param("method: log-rank", "method: logrank", id="unknown method"),
        pytest.param("every: 8 to 12 weeks", "evry: 8 to 12 weeks", id="unknown key inside"),
        pytest.param("ticks every: 6 months", "ticks every: 6 moons", id="unknown unit of time"),
        pytest.param("nct: NCT04294498,", "nct: NCT4294498,", id="malformed identifier"),
        pytest.param("alpha: 2.5 %", "alpha: 2.5", id="not a probability"),
        pytest.param("trialwright/1", "trialwright/2", id="another language"),
        pytest.param("  age: { label", "  Age: { label", id="malformed name of a definition"),
    ],
)
def test_the_schema_refuses_what_the_program_refuses(old, new):
    text = edit(SINGLE_ARM, old, new)
    with pytest.raises(ProblemsFound):
        parse_protocol(text, "p.yaml")
    assert set(faults(SCHEMA, plain(text))) - set(faults(SCHEMA, plain(SINGLE_ARM)))


def test_defaults_that_change_a_number_are_the_stated_conventions():
    """Log-log intervals and Efron's ties are the issue's, the others those of R."""
    text = edit(SINGLE_ARM, ", interval: log }", " }")
    for old in ("    confidence: 90 %\n", ", rho: 1 }", "    ties: breslow\n", "    hazards transform: rank\n",
                "    hazards warning: 1 %\n"):  # fmt: skip
        text = edit(text, old, " }" if old.endswith("}") else "")
    analyses = parse_protocol(text, "p.yaml")[0].analyses
    curve, model = analyses["curve"], analyses["model"]
    assert (curve.confidence, curve.interval, analyses["follow_up"].interval) == (0.95, "log-log", "log-log")
    assert (model.confidence, model.ties, model.hazards_transform, model.hazards_warning) == (
        0.95,
        "efron",
        "km",
        0.05,
    )
    assert (analyses["test"].rho, analyses["mean"].confidence, analyses["patients"].quantiles) == (
        0,
        0.95,
        "type 7",
    )
    assert {analysis.role for name, analysis in analyses.items() if name != "curve"} == {"supportive"}


def test_not_stated_stays_not_stated():
    study = parse_protocol(
        "format: trialwright/1\nstudy: { id: T, title: T, type: observational, allocation: not applicable }\n",
        "p.yaml",
    )[0].study
    for field in ("registered", "masking", "phase", "enrolment", "sponsor", "objective", "source", "status"):
        assert getattr(study, field) is None
