"""Dataset-JSON against the official JSON Schemas, which stand beside."""

import json
import re
from pathlib import Path

import polars as pl
import pytest

from trialwright.records.dataset import Dataset
from trialwright.records.dataset_json import dataset_json_bytes, dataset_ndjson_bytes
from trialwright.records.files import read_dataset

CDISC = Path(__file__).parent / "cdisc"
DOCUMENT = json.loads((CDISC / "dataset.schema.json").read_text(encoding="utf-8"))
LINES = json.loads((CDISC / "dataset-ndjson-schema.json").read_text(encoding="utf-16"))
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}


def violations(value, schema, root, at="$"):
    """What breaks a schema; the keywords that the two schemas use, and no other."""
    known = {
        *("$defs", "$id", "$schema", "$ref", "title", "description", "metamodel_version", "version", "type"),
        *("properties", "required", "additionalProperties", "items", "anyOf", "enum", "pattern", "minimum"),
    }
    inside = [
        node for key, node in schema.items() if key[0].isupper()
    ]  # a definition where it should be referred to
    if inside:
        schema = inside[0]
    assert set(schema) <= known, set(schema) - known
    if "$ref" in schema:
        target = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = next(node[part] for node in (target, *nested(target)) if part in node)
        yield from violations(value, target, root, at)
    if "type" in schema and (
        not isinstance(value, TYPES[schema["type"]])
        or (isinstance(value, bool) and schema["type"] != "boolean")
    ):
        yield f"{at}: not of type {schema['type']}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: not one of the values"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{at}: not of the pattern"
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{at}: too small"
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        yield from (f"{at}.{key}: missing" for key in schema.get("required", ()) if key not in value)
        for key, item in value.items():
            if key in properties:
                yield from violations(item, properties[key], root, f"{at}.{key}")
            elif schema.get("additionalProperties") is False:
                yield f"{at}.{key}: not allowed"
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            yield from violations(item, schema["items"], root, f"{at}[{number}]")


def nested(schema):
    """The NDJSON schema puts two of its definitions inside another and refers to them as if they stood outside."""
    for node in schema.values():
        if isinstance(node, dict):
            yield node
            yield from nested(node)


def of_document(content):
    return list(violations(json.loads(content), DOCUMENT, DOCUMENT))


def of_lines(content):
    metadata, *rows = [json.loads(line) for line in content.splitlines()]
    found = list(violations(metadata, LINES["$defs"]["DatasetMetadata"], LINES))
    row = LINES["$defs"]["RowData"]["properties"]["rows"]
    return found + [
        one for number, cells in enumerate(rows) for one in violations(cells, row, LINES, f"[{number}]")
    ]


@pytest.mark.parametrize("name", ["dm", "ds", "sv", "ae", "lb"])
def test_what_we_write_keeps_the_official_schemas(name):
    dataset = read_dataset(CDISC / f"{name}.json")
    assert of_document(dataset_json_bytes(dataset)) == []
    assert of_lines(dataset_ndjson_bytes(dataset)) == []


def test_a_table_without_records_labels_and_values_keeps_them_too():
    table = pl.DataFrame(schema={"A": pl.String, "B": pl.Float64, "C": pl.Int64})
    assert of_document(dataset_json_bytes(Dataset(name="AA", table=table))) == []
    one = pl.DataFrame({"A": [None], "B": [None]}, schema={"A": pl.String, "B": pl.Float64})
    assert of_lines(dataset_ndjson_bytes(Dataset(name="AA", table=one))) == []


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda d: d.pop("label"), id="a key missing"),
        pytest.param(lambda d: d.update(own=1), id="a key of our own"),
        pytest.param(lambda d: d.update(records="18"), id="text for a number"),
        pytest.param(
            lambda d: d.update(datasetJSONCreationDateTime="1960-01-01"), id="a day without its time"
        ),
        pytest.param(lambda d: d["columns"][0].update(dataType="text"), id="an unknown type"),
        pytest.param(lambda d: d["columns"][0].update(length=0), id="a length of 0"),
        pytest.param(lambda d: d["rows"].append({}), id="an object for a row"),
    ],
)
def test_the_schemas_find_what_is_wrong(change):
    document = json.loads(dataset_json_bytes(read_dataset(CDISC / "dm.json")))
    change(document)
    assert len(of_document(json.dumps(document))) == 1


def test_the_schemas_accept_their_own_examples():
    assert of_document((CDISC / "dm.json").read_bytes()) == []
    assert of_lines((CDISC / "dm.ndjson").read_bytes()) == []


def test_columns_tell_their_types_lengths_and_keys():
    dataset = read_dataset(CDISC / "dm.json")
    columns = {column["name"]: column for column in json.loads(dataset_json_bytes(dataset))["columns"]}
    assert columns["STUDYID"] == {
        "itemOID": "IT.DM.STUDYID",
        "name": "STUDYID",
        "label": "Study Identifier",
        "dataType": "string",
        "length": 12,
        "keySequence": 1,
    }
    assert columns["AGE"]["dataType"] == "float"
    assert columns["BRTHDTC"]["dataType"] == "string"


def test_decimals_are_numbers(tmp_path):
    document = json.loads((CDISC / "dm.json").read_text(encoding="utf-8"))
    at = [column["name"] for column in document["columns"]].index("AGE")
    document["columns"][at]["dataType"] = "decimal"
    for row, text in zip(document["rows"], ["84.50", "", None, *["1"] * 15], strict=True):
        row[at] = text
    (tmp_path / "dm.json").write_text(json.dumps(document))
    assert read_dataset(tmp_path / "dm.json").table["AGE"].to_list()[:4] == [84.5, None, None, 1.0]
