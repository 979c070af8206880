"""A number with its unit, as a protocol writes it: `1500 mg`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from trialwright.vocabulary.units import Unit, UnknownUnit, find_unit

_NUMBER_AND_UNIT = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,10})?) (\S{1,40})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number and a unit of the catalogue; equal only if written alike."""

    number: Decimal
    unit: Unit

    @classmethod
    def parse(cls, text: object) -> Quantity:
        """Read `10 IU/mL`; the message of the ValueError says what to write instead."""
        found = _NUMBER_AND_UNIT.fullmatch(text.strip()) if isinstance(text, str) else None
        if found is None:
            raise ValueError(f"expected a number and a unit such as 1500 mg, found {str(text)[:40]!r}")
        try:
            return cls(Decimal(found[1]), find_unit(found[2]))
        except UnknownUnit as problem:
            raise ValueError(str(problem)) from None

    def __str__(self) -> str:
        return f"{self.number:f} {self.unit}"
