"""Reported results taken apart: the comparator, the number, the unit, and the number in the catalogue's unit.

The text of a report stays as it is; what can be read from it stands in columns beside it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

import polars as pl

from trialwright.vocabulary.concepts import catalogue
from trialwright.vocabulary.units import UnitsDoNotConvert, UnknownUnit, conversion_factor, find_unit

_MAX_LENGTH = 60
_COMPARATORS = {"≤": "<=", "≥": ">=", "＜": "<", "＞": ">", "=<": "<=", "=>": ">="}
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺−×", "0123456789-+-x")
_REPORTED = {
    mark: re.compile(
        rf"(?P<comparator><=|>=|=<|=>|[<>≤≥＜＞])?\s*"
        rf"(?P<number>[-+]?(?:[0-9]+(?:{re.escape(mark)}[0-9]*)?|{re.escape(mark)}[0-9]+))"
        r"(?:[eE](?P<power>[-+]?[0-9]{1,2})|\s*[xX*]\s*10\s*(?:\^|\*\*|E)?\s*(?P<ten_to>[-+]?[0-9]{1,2}))?",
        re.ASCII,
    )
    for mark in ".,"
}
LOG_UNIT = re.compile(r"(?:log(?:_?10)?|lg)\s*\(?\s*(?P<unit>[^()]+?)\s*\)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reported:
    """A number as reported, with `<`, `<=`, `>`, `>=` or nothing before it."""

    comparator: str
    number: Fraction

    def __str__(self) -> str:
        return f"{self.comparator}{number_text(float(self.number))}"


@lru_cache(maxsize=65_536)
def read_reported(text: str, *, decimal: str = ".") -> Reported | None:
    """The number that a text reports, or None if it reports none.

    `<10`, `≤ 0.5`, `>1.7E8`, `1.2 x 10^5` and `1.2×10⁵` are understood. Separators of thousands are not: whether
    1,234 is a thousand depends on who wrote it.

    Parameters
    ----------
    text : str
    decimal : "." or ","
        The mark before the decimals.

    Examples
    --------
    >>> str(read_reported("< 1,5", decimal=",")), read_reported("1,234"), read_reported("haemolysed")
    ('<1.5', None, None)
    """
    plain = text.strip().translate(_SUPERSCRIPTS)
    found = _REPORTED[decimal].fullmatch(plain) if len(plain) <= _MAX_LENGTH else None
    if found is None:
        return None
    number = Fraction(Decimal(found["number"].replace(decimal, ".")))
    number *= Fraction(10) ** int(found["power"] or found["ten_to"] or 0)
    sign = found["comparator"] or ""
    return Reported(_COMPARATORS.get(sign, sign), number)


def number_text(number: float) -> str:
    """A number as text that reads back as the same number; whole numbers without a point.

    >>> number_text(0.1), number_text(39.0), number_text(1.7e8)
    ('0.1', '39', '170000000')
    """
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


@dataclass(frozen=True, slots=True)
class Scale:
    """How numbers in a reported unit become numbers in the unit of their concept.

    `problem` is the code of what keeps them from it, with `why` in words and `fix`; `factor` is None then.
    """

    factor: Fraction | None
    is_log: bool = False
    problem: str = ""
    why: str = ""
    fix: str = ""

    def apply(self, number: Fraction) -> float | None:
        """The number in the concept's unit, rounded once; None if there is none."""
        if self.factor is None:
            return None
        if self.is_log:
            if abs(number) > 100:
                return None
            return float(10.0 ** float(number) * float(self.factor))
        try:
            return float(number * self.factor)
        except OverflowError:
            return None


@lru_cache(maxsize=4096)
def scale_of(unit: str | None, concept_name: str, assay: str | None) -> Scale:
    """How numbers in a unit, as the laboratory spells it, become numbers in the unit of the concept.

    Logarithms of a unit (`log10 IU/mL`) are understood. A number without unit is no number where the concept has one,
    and a factor that depends on the assay needs the assay.
    """
    concept = catalogue()[concept_name]
    if concept.unit is None:
        if unit is None:
            return Scale(Fraction(1))
        return Scale(
            None,
            problem="unit-unexpected",
            why=f"{concept.label} has no unit, found `{unit}`",
            fix="if it means that there is none, write it under `units` with `none`",
        )
    if unit is None:
        return Scale(
            None,
            problem="unit-missing",
            why=f"the unit of {concept.label} is not given",
            fix="name the column of units, or the unit of the test",
        )
    log = LOG_UNIT.fullmatch(unit)
    try:
        source = find_unit(log["unit"] if log else unit)
        factor = conversion_factor(source, concept.unit, equivalences=concept.equivalences, assay=assay)
    except UnknownUnit as error:
        fix = (
            f"did you mean `{error.suggestion}`?" if error.suggestion else "write what it means under `units`"
        )
        return Scale(None, problem="unknown-unit", why=f"`{unit[:40]}` is not a unit", fix=fix)
    except UnitsDoNotConvert as error:
        code = "assay-needed" if error.assays else "unit-mismatch"
        fix = f"name the assay: {', '.join(error.assays)}" if error.assays else ""
        return Scale(None, problem=code, why=str(error), fix=fix)
    return Scale(factor, is_log=log is not None)


# --- columns ----------------------------------------------------------------------------------------------------------

_SPLIT = r"^\s*(<=|>=|<|>)?\s*([-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?)\s*$"


def split_results(laboratory: pl.DataFrame) -> pl.DataFrame:
    """The table with comparator and number of each reported result in columns of their own, `LBORCMP` and `LBORRESN`.

    Both are null where the result is no number. Decimal points only: this is for tables already in SDTM.
    """
    split = _split(pl.col("LBORRES"))
    return laboratory.with_columns(
        split.struct.field("sign").alias("LBORCMP"),
        split.struct.field("text").cast(pl.Float64).alias("LBORRESN"),
    )


def _split(result: pl.Expr) -> pl.Expr:
    """A result as its `sign` and the `text` of its number, both null where it is no number."""
    return result.str.extract_groups(_SPLIT).struct.rename_fields(["sign", "text"])


_NOT_BLOOD = "URIN|ASCIT|TISSUE|BIOPS|STOOL|FAEC|FECES|SALIVA|SPUTUM|CEREBROSPINAL|CSF|PLEURAL|PERITON|SWAB|MARROW|FLUID"


def of_other_specimen() -> pl.Expr:
    """Whether a result is not one of blood (`LBSPEC`): the tests of the catalogue are all of blood, whatever code another one has."""
    return pl.col("LBSPEC").str.to_uppercase().str.contains(_NOT_BLOOD).fill_null(value=False)


def standard_number(text: str = "LBSTRESC", number: str = "LBSTRESN") -> pl.Expr:
    """The number of each standardised result: the one it gives, or else its text where that is a number and no more."""
    given = pl.col(number).cast(pl.Float64)
    split = _split(pl.when(given.is_null()).then(pl.col(text))).struct
    is_plain = split.field("sign").is_null()
    return pl.coalesce(given, pl.when(is_plain).then(split.field("text")).cast(pl.Float64))


def standard_bounds(laboratory: pl.DataFrame, *, floor: float | None) -> pl.DataFrame:
    """The numbers each standardised result may stand for, in `LBSTRESU`.

    Parameters
    ----------
    laboratory : polars.DataFrame
        With `LBSTRESC` and `LBSTRESN`.
    floor : float or None
        The least value such a quantity can have, itself possible; None where there is none.

    Returns
    -------
    bounds : polars.DataFrame of shape (n, 4)
        `lo`, `hi`, `lo_open`, `hi_open`: `<20` is [floor, 20), `>1000` is (1000, inf), 12 is [12, 12]; null where the
        result is no number, or lies below the floor. A text with a sign decides, whatever number was put in its place; one
        without stands only where `standard_number` has put it into `LBSTRESN`.
    """
    number = pl.col("LBSTRESN").cast(pl.Float64)
    least = -math.inf if floor is None else floor
    signs = (pl.col("LBSTRESC").str.contains(sign, literal=True) for sign in "<>")
    has_sign = pl.any_horizontal(signs).fill_null(value=False)
    is_text = (number.is_null() & pl.col("LBSTRESC").is_not_null()) | has_sign
    if not laboratory.select(is_text.any()).item():
        is_known = (number.is_finite() & (number >= least)).fill_null(value=False)
        one = pl.when(is_known).then(number)
        closed = pl.when(is_known).then(pl.lit(value=False))
        return laboratory.select(lo=one, hi=one, lo_open=closed, hi_open=closed)
    split = laboratory.select(number, _split(pl.when(is_text).then(pl.col("LBSTRESC"))).alias("split"))
    split = split.unnest("split").with_columns(pl.col("sign").fill_null(""))
    sign = pl.col("sign")
    limit = pl.when(sign != "").then(pl.col("text").cast(pl.Float64))
    split = split.with_columns(value=pl.coalesce(limit, "LBSTRESN"))
    value = pl.col("value")
    is_below, is_above = sign.is_in(["<", "<="]), sign.is_in([">", ">="])
    is_known = value.is_finite() & ((value > least) | ((value == least) & (sign != "<")))
    known = pl.when(is_known.fill_null(value=False))
    return split.select(
        known.then(pl.when(is_below).then(pl.lit(least, pl.Float64)).otherwise(value)).alias("lo"),
        known.then(pl.when(is_above).then(pl.lit(math.inf)).otherwise(value)).alias("hi"),
        known.then((sign == ">") | (is_below & pl.lit(least == -math.inf))).alias("lo_open"),
        known.then((sign == "<") | is_above).alias("hi_open"),
    )


_BELOW, _ABOVE = ("<", "<="), (">", ">=")
_CLOSE = 0.01
"""How far, as a share, a converted number may lie from the reported one: factors and results are rounded."""


def contradicting(laboratory: pl.DataFrame, factor: pl.Expr) -> pl.Series:
    """Which results contradict themselves: `LBSTRESC` its `LBSTRESN`, or `LBORRES` both.

    `<20` and 20 or 10 put in its place do not; 10 below its `LBLLOQ` 20 and 10 or `<20` reported do not. A reported sign that
    the standard result has lost does.

    Parameters
    ----------
    laboratory : polars.DataFrame
        With `LBORRES`, `LBSTRESC`, `LBSTRESN` and `LBLLOQ`.
    factor : Expr
        From the reported unit to that of the standard result; null where they cannot be compared.
    """
    number = pl.col("LBSTRESN").cast(pl.Float64)

    def agrees(name: str, by: pl.Expr) -> pl.Expr:
        off = pl.col(name).cast(pl.Float64, strict=False) * by - number
        return pl.col(name).is_null() | by.is_null() | (off.abs() <= _CLOSE * number.abs())

    # nearly all results are numbers without a sign that agree: only the texts of the others are taken apart
    agree = agrees("LBSTRESC", pl.lit(1.0)) & agrees("LBORRES", factor)
    is_open = laboratory.select(~agree.fill_null(value=False)).to_series().to_numpy(writable=True)
    if is_open.any():
        is_open[is_open] = _contradict(laboratory.filter(is_open), factor).to_numpy()
    return pl.Series("contradicts", is_open)


def _contradict(laboratory: pl.DataFrame, factor: pl.Expr) -> pl.Series:
    """Which results contradict themselves, from their texts."""
    standard, reported = (_split(pl.col(name)) for name in ("LBSTRESC", "LBORRES"))
    told = laboratory.with_columns(
        standard.alias("standard"), reported.name.prefix_fields("told_").alias("reported")
    )
    told = told.unnest("standard", "reported").with_columns(
        pl.col("sign").fill_null(""), pl.col("told_sign").fill_null(""), pl.col("text").cast(pl.Float64),
        pl.col("LBSTRESN").cast(pl.Float64), reported=pl.col("told_text").cast(pl.Float64) * factor,
        rounding=_rounding(),
    )  # fmt: skip
    number, lloq, text = pl.col("LBSTRESN"), pl.col("LBLLOQ").cast(pl.Float64), pl.col("text")
    sign, told_sign, reported = pl.col("sign"), pl.col("told_sign"), pl.col("reported")
    told = told.with_columns(standard=pl.when(sign != "").then(text).otherwise(number))
    standard = pl.col("standard")
    by_itself = (
        pl.when(sign.is_in(_BELOW)).then(number > text * (1 + _CLOSE))
        .when(sign.is_in(_ABOVE)).then(number < text * (1 - _CLOSE))
        .otherwise(_is_beside(text, number))
    )  # fmt: skip
    told = told.with_columns(apart=_is_beside(reported, standard))
    apart = pl.col("apart")
    beside_it = (
        pl.when((sign == "") & is_below_its_limit()).then(told_sign.is_in(_ABOVE) | (reported > lloq * (1 + _CLOSE)))
        .when(sign.is_in(_BELOW)).then(told_sign.is_in(_ABOVE) | (apart & ((told_sign != "") | (reported > standard))))
        .when(sign.is_in(_ABOVE)).then(told_sign.is_in(_BELOW) | (apart & ((told_sign != "") | (reported < standard))))
        .otherwise((told_sign != "") | apart)
    )  # fmt: skip
    is_compared = reported.is_not_null() & standard.is_not_null()
    found = by_itself.fill_null(value=False) | (is_compared & beside_it)
    return told.select(found.fill_null(value=False)).to_series()


def _is_beside(number: pl.Expr, standard: pl.Expr) -> pl.Expr:
    """Whether a number lies elsewhere than the standard one, by more than 1 % and than `LBSTRESC` was rounded."""
    off = (number - standard).abs()
    return ((off > _CLOSE * standard.abs()) & (off > pl.col("rounding"))).fill_null(value=False)


def _rounding() -> pl.Expr:
    """How far a number may lie from what `LBSTRESC` says because that was rounded; 0 without a text."""
    decimals = pl.col("LBSTRESC").str.extract(r"\.([0-9]+)\s*$", 1).str.len_chars().fill_null(0)
    half = pl.lit(0.5) * pl.lit(10.0).pow(-decimals.cast(pl.Float64))
    return pl.when(pl.col("LBSTRESC").is_null()).then(0.0).otherwise(half) * (1 + 1e-9)


def is_below_its_limit() -> pl.Expr:
    """Whether a standard number lies below the limit of quantification that its own record states (`LBLLOQ`)."""
    return (pl.col("LBSTRESN") < pl.col("LBLLOQ") * (1 - 1e-9)).fill_null(value=False)
