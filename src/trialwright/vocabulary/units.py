"""Units of measurement: which fit each other, and the exact factor between two that do.

A unit is one or more atoms with `/` between them: `mg/dL`, `IU/mL`, `10^9/L`, `mL/min/1.73m2`. Factors are fractions,
so nothing is rounded before the last step. International units, copies and cells are things of their own: none turns
into another, nor into a bare number, without an equivalence that says how (`1 IU of HBV DNA = 5.82 copies by this
assay`). Mass and amount of substance are tied by the molar mass of the analyte in the same way.

Why a table and not a library: the maintained UCUM library for Python, tried in November 2026, takes 0.8 s to start,
computes in floating point, and counts `[IU]`, `{copies}` and `10*9` as pure numbers, so that it turns 1 IU/mL into
1 copy/mL, and into 1e-6 x 10^9/L, without a word.

The atoms and their sizes follow UCUM 2.2 [1]_ and the SI brochure [2]_; spellings beside them are those of CDISC's UNIT
codelist and of laboratory reports.

.. [1] Schadow, McDonald. The Unified Code for Units of Measure, version 2.2, tables 1 to 22. ucum.org
.. [2] The International System of Units, 9th edition, BIPM 2019, tables 2, 4 and 7.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType

from trialwright.vocabulary.problems import nearest

Dimension = tuple[tuple[str, int], ...]
"""Powers of the base quantities, in alphabetical order; empty for a plain number."""

MAX_UNIT_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit in its one spelling: `umol/L` for `µmol/l`, `10^9/L` for `× 10⁹/L`."""

    code: str
    dimension: Dimension
    factor: Fraction
    """How many base units (g, mol, L, U, IU, copies, cells, m, s ...) one of it is."""

    def __str__(self) -> str:
        return self.code

    @property
    def label(self) -> str:
        """As people read it: `µmol/L`, `×10⁹/L`."""
        return "/".join(_ATOMS[atom].label for atom in self.code.split("/"))

    @property
    def ucum(self) -> str:
        """Its code in UCUM: `umol/L`, `[IU]/mL`, `10*9/L`."""
        return "/".join(_ATOMS[atom].ucum for atom in self.code.split("/"))


@dataclass(frozen=True, slots=True)
class Equivalence:
    """One `unit` of a substance is `amount` `other`, for one assay or for all.

    Examples
    --------
    Creatinine: `Equivalence("mol", Decimal("113.12"), "g", source="...")`.
    HBV DNA: `Equivalence("IU", Decimal("5.82"), "copies", source="...", assay="...")`.
    """

    unit: str
    amount: Decimal
    other: str
    source: str
    assay: str | None = None

    def __str__(self) -> str:
        by = f" ({self.assay})" if self.assay else ""
        return f"1 {self.unit} = {self.amount} {self.other}{by}"


class UnknownUnit(ValueError):
    """A text that is no unit; `suggestion` is the nearest known spelling, if any is close."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.suggestion = _suggest(text)
        hint = f": did you mean `{self.suggestion}`?" if self.suggestion else ""
        super().__init__(f"`{text[:MAX_UNIT_LENGTH]}` is not a unit{hint}")


class UnitsDoNotConvert(ValueError):
    """Two units with no factor between them; `assays` names those for which there would be one."""

    def __init__(self, source: Unit, target: Unit, assays: tuple[str, ...] = ()) -> None:
        self.assays = assays
        why = "the factor depends on the assay" if assays else "they measure different things"
        super().__init__(f"`{source}` cannot be converted to `{target}`: {why}")


def find_unit(text: str) -> Unit:
    """The unit a text spells: `µmol/l`, `x10^9/L`, `10*9/L` and `[IU]/mL` are understood.

    Raises
    ------
    UnknownUnit
        With the nearest known spelling. Capital and small letters differ (`MG` is not `mg`), except l for litre.
    """
    if len(text) > MAX_UNIT_LENGTH:
        raise UnknownUnit(text)
    spelling = _without_ornament(text)
    unit = _compose(_WHOLE_SPELLINGS.get(spelling, spelling))
    if unit is None:
        raise UnknownUnit(text)
    return unit


def conversion_factor(
    source: Unit | str,
    target: Unit | str,
    *,
    equivalences: Iterable[Equivalence] = (),
    assay: str | None = None,
) -> Fraction:
    """The exact number by which a value in `source` is multiplied to have it in `target`.

    Parameters
    ----------
    source, target : Unit or str
    equivalences : iterable of Equivalence
        What ties units of different dimension for this substance.
    assay : str, optional
        The assay that measured; an equivalence of one assay holds for that assay only.

    Raises
    ------
    UnknownUnit
    UnitsDoNotConvert
        If the dimensions differ and no equivalence bridges them.
    """
    source, target = _as_unit(source), _as_unit(target)
    if source.dimension == target.dimension:
        return source.factor / target.factor
    missing = _quotient(target.dimension, source.dimension)
    needed: list[str] = []
    for equivalence in equivalences:
        factor = _bridge(equivalence, missing)
        if factor is None:
            continue
        if equivalence.assay in (None, assay):
            return source.factor * factor / target.factor
        needed.append(str(equivalence.assay))
    raise UnitsDoNotConvert(source, target, tuple(dict.fromkeys(needed)))


def convert(
    value: float | Decimal | Fraction,
    source: Unit | str,
    target: Unit | str,
    *,
    equivalences: Iterable[Equivalence] = (),
    assay: str | None = None,
) -> float:
    """A value in another unit, rounded once, to the nearest double. Raises as `conversion_factor` does."""
    factor = conversion_factor(source, target, equivalences=equivalences, assay=assay)
    return float(Fraction(value) * factor)


# --- atoms ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Atom:
    dimension: Dimension
    factor: Fraction
    label: str
    ucum: str


_PREFIXES: Mapping[str, Fraction] = MappingProxyType(
    {
        "k": Fraction(10**3),
        "": Fraction(1),
        "d": Fraction(1, 10),
        "c": Fraction(1, 10**2),
        "m": Fraction(1, 10**3),
        "u": Fraction(1, 10**6),
        "n": Fraction(1, 10**9),
        "p": Fraction(1, 10**12),
        "f": Fraction(1, 10**15),
    }
)
# atom: base quantity, power, size in base units, prefixes in use, UCUM code
_PREFIXED: tuple[tuple[str, str, int, Fraction, str, str], ...] = (
    ("g", "mass", 1, Fraction(1), "kg g mg ug ng pg", "g"),
    ("mol", "amount", 1, Fraction(1), "mol mmol umol nmol pmol fmol", "mol"),
    ("L", "volume", 1, Fraction(1), "L dL mL uL nL pL fL", "L"),
    ("U", "catalytic activity", 1, Fraction(1), "kU U mU uU", "U"),
    # 1 U = 1 umol/min, so 1 kat = 60 000 000 U (UCUM table 13)
    ("kat", "catalytic activity", 1, Fraction(60_000_000), "kat mkat ukat nkat", "kat"),
    ("IU", "international units", 1, Fraction(1), "kIU IU mIU uIU", "[IU]"),
    ("Eq", "equivalents", 1, Fraction(1), "Eq mEq uEq", "eq"),
    ("m", "length", 1, Fraction(1), "m cm mm um", "m"),
)
_SINGLE: tuple[tuple[str, str, int, Fraction, str, str], ...] = (
    ("copies", "copies", 1, Fraction(1), "copies", "{copies}"),
    ("cells", "cells", 1, Fraction(1), "cells", "{cells}"),
    *(
        (
            f"10^{n}",
            "cells",
            1,
            Fraction(10**n),
            "×10" + str(n).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")),
            f"10*{n}",
        )
        for n in (3, 6, 9, 12)
    ),
    ("m2", "length", 2, Fraction(1), "m²", "m2"),
    ("mm2", "length", 2, Fraction(1, 10**6), "mm²", "mm2"),
    ("1.73m2", "standard body surface", 1, Fraction(1), "1.73 m²", "{1.73_m2}"),
    ("s", "time", 1, Fraction(1), "s", "s"),
    ("min", "time", 1, Fraction(60), "min", "min"),
    ("h", "time", 1, Fraction(3600), "h", "h"),
    ("days", "time", 1, Fraction(86_400), "days", "d"),
    ("weeks", "time", 1, Fraction(7 * 86_400), "weeks", "wk"),
    # how many days a month has depends on the month, so that no factor leads from one to the other
    ("months", "calendar time", 1, Fraction(1), "months", "mo"),
    ("years", "calendar time", 1, Fraction(12), "years", "a"),
    ("mmHg", "pressure", 1, Fraction(1), "mmHg", "mm[Hg]"),
    ("Cel", "temperature in degrees Celsius", 1, Fraction(1), "°C", "Cel"),
    ("%", "", 0, Fraction(1, 100), "%", "%"),
)


def _atoms() -> Iterator[tuple[str, _Atom]]:
    for name, base, power, size, spelt, ucum in _PREFIXED:
        for code in spelt.split():
            prefix = code.removesuffix(name)
            label = code.replace("u", "µ", 1) if prefix == "u" else code
            yield code, _Atom(((base, power),), size * _PREFIXES[prefix], label, prefix + ucum)
    for code, base, power, size, label, ucum in _SINGLE:
        yield code, _Atom(((base, power),) if base else (), size, label, ucum)


_ATOMS: Mapping[str, _Atom] = MappingProxyType(dict(_atoms()))

# Other spellings of atoms, seen in laboratory reports and in CDISC's UNIT codelist.
_ATOM_SPELLINGS: Mapping[str, str] = MappingProxyType(
    {
        **{code.replace("L", "l"): code for code in _ATOMS if code.endswith("L")},
        **{f"mc{code[1:]}": code for code in ("ug", "uL", "umol")},
        "copy": "copies",
        "cp": "copies",
        "cell": "cells",
        "mm3": "uL",
        "mm^3": "uL",
        "m^2": "m2",
        "mm^2": "mm2",
        "1.73_m2": "1.73m2",
        "1.73m^2": "1.73m2",
        "sec": "s",
        "day": "days",
        "week": "weeks",
        "month": "months",
        "year": "years",
        "mm[Hg]": "mmHg",
        "°C": "Cel",
        "degC": "Cel",
        "eq": "Eq",
        "meq": "mEq",
        "ueq": "uEq",
        **{f"{prefix}iU": f"{prefix}IU" for prefix in ("k", "", "m", "u")},
    }
)
# `K/uL` is thousands per microlitre in laboratory reports of the United States, not kelvin; `GI/L` is 10^9/L in older data of
# CDISC, as beside `THOU/uL` with the same number in CDISCPILOT01.
_WHOLE_SPELLINGS: Mapping[str, str] = MappingProxyType(
    {
        "K/uL": "10^3/uL",
        "THOU/uL": "10^3/uL",
        "GI/L": "10^9/L",
        "TI/L": "10^12/L",
        "/uL": "cells/uL",
        "/mm3": "cells/uL",
    }
)

_ORNAMENT = re.compile(r"[\[\]{}]")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_MICRO = str.maketrans({"\N{MICRO SIGN}": "u", "\N{GREEK SMALL LETTER MU}": "u"})


def _without_ornament(text: str) -> str:
    """Braces, spaces, multiplication signs and superscripts taken off: `× 10⁹ / L` is `10^9/L`."""
    plain = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda found: "^" + found[0].translate(_SUPERSCRIPTS), text)
    plain = _ORNAMENT.sub("", plain.translate(_MICRO)).replace(" ", "")
    return re.sub(r"^[x×*]?10[*^]", "10^", plain)


@lru_cache(maxsize=4096)
def _compose(spelling: str) -> Unit | None:
    atoms = [_ATOM_SPELLINGS.get(part, part) for part in spelling.split("/")]
    if not all(atom in _ATOMS for atom in atoms):
        return None
    powers: dict[str, int] = {}
    factor = _ATOMS[atoms[0]].factor
    for position, atom in enumerate(atoms):
        for base, power in _ATOMS[atom].dimension:
            if base in powers:  # mg/g or mmol/mol: a ratio whose parts would cancel is not a plain number
                return None
            powers[base] = -power if position else power
        if position:
            factor /= _ATOMS[atom].factor
    return Unit("/".join(atoms), tuple(sorted(powers.items())), factor)


def _as_unit(unit: Unit | str) -> Unit:
    return unit if isinstance(unit, Unit) else find_unit(unit)


def _quotient(one: Dimension, other: Dimension) -> Dimension:
    powers = dict(one)
    for base, power in other:
        powers[base] = powers.get(base, 0) - power
    return tuple(sorted((base, power) for base, power in powers.items() if power))


def _bridge(equivalence: Equivalence, missing: Dimension) -> Fraction | None:
    """Base units of the target per base unit of the source, if the equivalence leads from one to the other."""
    unit, other = find_unit(equivalence.unit), find_unit(equivalence.other)
    factor = Fraction(equivalence.amount) * other.factor / unit.factor
    if _quotient(other.dimension, unit.dimension) == missing:
        return factor
    if _quotient(unit.dimension, other.dimension) == missing:
        return 1 / factor
    return None


_COMMON = """
    mg/dL g/dL g/L mg/L ug/L ng/mL pg/mL mmol/L umol/L nmol/L pmol/L U/L kU/L ukat/L IU/mL IU/L mIU/mL mIU/L uIU/mL mU/L
    copies/mL 10^9/L 10^12/L 10^3/uL 10^6/uL cells/uL mEq/L mL/min mL/min/1.73m2 kg g mg cm mm m kg/m2 mmHg s % cells/mm2
"""


def _suggest(text: str) -> str | None:
    """The unit misspelt; none where every atom is known and only the whole makes no sense (mg/g)."""
    spelling = _without_ornament(text[:MAX_UNIT_LENGTH])
    parts = spelling.split("/")
    if len(spelling) < 3 or all(part in _ATOMS or part in _ATOM_SPELLINGS for part in parts):
        return None
    known = {code.casefold(): code for code in _COMMON.split()}
    meant = nearest(spelling, known)
    return known[meant] if meant else None
