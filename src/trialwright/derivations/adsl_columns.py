"""What the columns of ADSL are called: fixed ones, and those that are called after elements of a protocol."""

from __future__ import annotations

from collections.abc import Iterator

from trialwright.protocol.model import Protocol

OF_ALL = (
    "AGE", "SEX", "ARMCD", "GROUP", "GROUPR", "TRTSDT", "TRTEDT", "DTHDT", "LSTALVDT", "DCSCREEN", "EOSSTT", "DCSREAS", "EOSDT", "EOSDTL",
    "EOSDTH", "CUTDT", "RECORDDT", "STARTDT",
)  # fmt: skip
"""What ADSL has of every protocol, after those that tell the subject."""
_OF_NAMES = {
    "anchors": ("DT",),
    "baselines": ("DT",),
    "periods": ("SDT", "EDT"),
    "populations": ("FL", "FLR"),
}
"""What it has of the elements of some sections: their names with these endings."""
_OF_DM = {"death": "the day of death of DM", "birth_date": "the day of birth of DM"}
"""Moments that every protocol knows, by their names."""
_OF_VERDICTS = ("subject", "record")
"""What stands beside verdicts in columns that are called after rules."""


def taken_names(protocol: Protocol) -> Iterator[tuple[str, str, str]]:
    """The section and name of each element that would stand for something else as well, and for what."""
    taken = set(OF_ALL)
    for section, endings in _OF_NAMES.items():
        for name in getattr(protocol, section):
            columns = [f"{name.upper()}{ending}" for ending in endings]
            yield from (
                (section, name, f"the column {column} of ADSL") for column in columns if column in taken
            )
            taken.update(columns)
    yield from (("anchors", name, _OF_DM[name]) for name in protocol.anchors if name in _OF_DM)
    for section in ("groups", "populations", "events"):
        names = (name for name in getattr(protocol, section) if name in _OF_VERDICTS)
        yield from ((section, name, f"the {name} that a verdict is about") for name in names)
