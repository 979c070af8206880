"""A protocol as JSON for programs: the canonical document, its rules in sentences, and what is open."""

from __future__ import annotations

import json
from collections.abc import Mapping

from trialwright.protocol.loading import LoadedProtocol, hash_protocol, hash_sections
from trialwright.protocol.rule_sentences import render_sentence
from trialwright.protocol.rules import render_rule, rule_hash

FORMAT = "trialwright-show/1"


def render_protocol_json(loaded: LoadedProtocol, not_yet_executable: Mapping[str, str]) -> str:
    """The protocol with every default written out, hashes, each rule by its path, and what cannot be run yet."""
    rules = {
        path: {
            "rule": render_rule(written.condition),
            "sentence": render_sentence(written.condition, written.scope),
            "hash": rule_hash(written.condition),
        }
        for path, written in loaded.writing.rules.items()
    }
    data = {
        "format": FORMAT,
        "hash": hash_protocol(loaded.protocol),
        "section_hashes": hash_sections(loaded.protocol),
        "protocol": loaded.protocol.model_dump(mode="json"),
        "rules": rules,
        "not_yet_executable": dict(not_yet_executable),
    }
    return json.dumps(data, indent=2, ensure_ascii=False)
