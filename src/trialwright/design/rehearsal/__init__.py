"""The rehearsal: virtual trials through records, derivations and a protocol's own analyses, held against the truth."""
