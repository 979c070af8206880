"""Small changes of the sound protocols beside this file."""

import json
from functools import cache
from pathlib import Path

from ruamel.yaml import YAML

from trialwright.checks.protocol_checks import check_protocol
from trialwright.protocol.loading import LoadedProtocol, parse_protocol

HERE = Path(__file__).parent
BASES = {"single arm": HERE / "single_arm.yaml", "two groups": HERE / "two_groups.yaml"}


def read_yaml(text):
    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 2)
    return reader.load(text)


@cache
def sound(base):
    return read_yaml(BASES[base].read_text(encoding="utf-8"))


def patched(data, patch):
    """Data with a patch laid over it: mappings are merged, null takes a key away, all else replaces."""
    if not isinstance(data, dict) or not isinstance(patch, dict):
        return patch
    merged = dict(data)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = patched(merged.get(key), value)
    return without_nulls(merged)


def without_nulls(data):
    if isinstance(data, dict):
        return {key: without_nulls(value) for key, value in data.items() if value is not None}
    return data


def load(data):
    protocol, document = parse_protocol(json.dumps(data, ensure_ascii=False))
    return LoadedProtocol(protocol, document, HERE)


def found_in(base, patch):
    """What the checks find in a sound protocol with a patch: (code, field) of each problem."""
    data = patched(sound(base), read_yaml(patch) or {})
    return [(problem.code, problem.field) for problem in check_protocol(load(data))]
