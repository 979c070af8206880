"""The texts laboratories write for HBV DNA and quantitative HBsAg: `12,300`, `<10 detected`, `5.09 log`, `TND`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from numbers import Real

import numpy as np
import numpy.typing as npt

from trialwright.medicine.amounts import as_column, as_known, factor_or_none
from trialwright.medicine.assay_results import AssayResults, State
from trialwright.medicine.known import Known
from trialwright.vocabulary.concepts import Concept, catalogue
from trialwright.vocabulary.intervals import Interval, Intervals
from trialwright.vocabulary.units import find_unit
from trialwright.vocabulary.verdicts import Reason

_BELOW = (State.BELOW_LLOQ_DETECTED, State.BELOW_LLOQ_UNSPECIFIED, State.NOT_DETECTED)


def read_results(
    texts: Iterable[str | float | None],
    *,
    concept: str,
    unit: str | Sequence[str | None] | None,
    lloq: npt.ArrayLike,
    uloq: npt.ArrayLike,
    below_limit_means: State,
    assay: str | Sequence[str | None] | None = None,
    assumed_copies_per_iu: float | None = None,
) -> AssayResults:
    """Read results as the laboratory wrote them.

    Parameters
    ----------
    texts : iterable of str, float or None, of length n
        NaN, None and blank are no result.
    concept : str
        `hbv_dna` or `hbsag_quantity`, or another of the catalogue with limits of quantification (`afp`).
    unit : str, None, or one for each row
        Of texts that do not name their own: `IU/mL`, `copies/mL`, `log10 IU/mL`. A text with another unit than this
        is contradictory, its unit unknown.
    lloq : array-like of float, one or one for each row
        Lower limit of quantification in the concept's unit, for texts that do not name it (`TND`, `<LLOQ`); NaN where
        it is not known.
    uloq : array-like of float, one or one for each row
        Upper limit of quantification, for `>ULOQ`. A number beyond it counts: the sample may have been diluted.
    below_limit_means : State
        What this laboratory means by a bare `<10`: `BELOW_LLOQ_UNSPECIFIED` where it does not separate the cases,
        `BELOW_LLOQ_DETECTED` or `NOT_DETECTED` where it does.
    assay : str, None, or one for each row
        Name of the assay in the catalogue. Copies become IU only by the factor of their assay.
    assumed_copies_per_iu : float, optional
        Factor to use, flagged, where the assay is not known. Without it such results have an unknown unit.

    Returns
    -------
    results : AssayResults of shape (n,)
        In the concept's unit. A number below `lloq` counts as below the limit and detected (0 as below the limit,
        not told which). What no reader of this grammar understands, and numbers beyond the plausible limits of the
        catalogue, are `UNREADABLE`; `ND` is one of them, for it stands for "not detected" and for "not done".

    Raises
    ------
    ValueError
        If a number given as a number is negative or infinite, a limit not above 0, or `below_limit_means` another
        state.

    Examples
    --------
    >>> read = read_results(["<10", "5.09 log", "TND"], concept="hbv_dna", unit="IU/mL", lloq=10,
    ...                     uloq=1e9, below_limit_means=State.BELOW_LLOQ_UNSPECIFIED)
    >>> [State(state).name for state in read.state]
    ['BELOW_LLOQ_UNSPECIFIED', 'QUANTIFIED', 'NOT_DETECTED']
    >>> print(*read.amount.bounds)
    [0, 10) [123026.877081238, 123026.877081238] [0, 10)
    """
    if below_limit_means not in _BELOW:
        raise ValueError(f"a result below the limit cannot mean {below_limit_means!r}")
    if assumed_copies_per_iu is not None and not (0 < assumed_copies_per_iu < math.inf):
        raise ValueError(f"`assumed_copies_per_iu` must be above 0, not {assumed_copies_per_iu!r}")
    about = catalogue()[concept]
    listed = _as_texts(texts)
    units, assays = as_column(unit, len(listed)), as_column(assay, len(listed))
    limits = _as_limits("lloq", lloq, about, len(listed))
    ceilings = _as_limits("uloq", uloq, about, len(listed))
    assumed = None if assumed_copies_per_iu is None else Fraction(Decimal(str(assumed_copies_per_iu)))
    place: dict[tuple[str, str | None, str | None, float | None, float | None], int] = {}
    keys = zip(listed, units, assays, limits, ceilings, strict=True)
    which = np.array([place.setdefault(key, len(place)) for key in keys], np.intp)
    rows = [_row(*key, about, below_limit_means, assumed) for key in place]
    amount = Known(
        Intervals.of(row.bounds for row in rows),
        np.array([row.reason for row in rows], np.uint8),
        is_calculated=np.array([row.is_calculated for row in rows], np.bool_),
    )
    distinct = AssayResults.of(
        amount,
        [row.state for row in rows],
        lloq=np.array([np.nan if row.lloq is None else row.lloq for row in rows], np.float64),
        log_decimals=[row.log_decimals for row in rows],
        is_assumed=[row.is_assumed for row in rows],
    )
    return distinct.take(which)


# --- the grammar -----------------------------------------------------------------------------------------------------

_NUMBER = (
    r"(?P<sign>-)?(?P<digits>[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?)"
    r"(?:e(?P<power>[+-]?[0-9]{1,2})|\s*[x*]\s*10\s*(?:\^|\*\*)\s*\+?(?P<times_ten_to>-?[0-9]{1,2}))?"
)
_UNIT = r"(?P<log>log(?:_?10)?\b)?\s*(?P<unit>\[?[a-z]+\]?/[a-z]+)?"
_QUANTITY = re.compile(rf"(?P<comparator><=|>=|<|>)?\s*{_NUMBER}\s*{_UNIT}")
_LOG_UNIT = re.compile(r"log(?:_?10)?\s*\(?\s*([^()]+?)\s*\)?")
_BELOW_LIMIT = re.compile(
    r"(?:<|\bbelow) ?(?:the )?(?:l?loq|l?lod|(?:lower )?limit of (?:quantification|detection))\b"
)
_ABOVE_LIMIT = re.compile(r"(?:>|\babove) ?(?:the )?(?:uloq|upper limit of quantification)\b")
_SPELLINGS = str.maketrans(
    {"×": "x", "≤": "<=", "≥": ">=", "−": "-", "–": "-", "µ": "u", ";": " ", "(": " ", ")": " "}
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_SUBJECT = re.compile(r"\b(?:hbv[ -]?dna|hbs[ -]?ag)\b:?")

_NOT_DETECTED = frozenset(
    (
        *("tnd", "target not detected", "not detected", "none detected", "undetected"),
        *("not detectable", "undetectable", "negative"),
        *(
            "nicht nachweisbar",
            "nicht nachgewiesen",
            "non détecté",
            "indétectable",
            "no detectado",
            "indetectable",
        ),
        *("未检出", "未检测到", "未檢出"),
    )
)
_DETECTED = frozenset(("detected", "detectable", "positive"))
_NOT_QUANTIFIED = frozenset(
    phrase
    for word in ("not quantified", "not quantifiable", "unquantifiable", "nonquantifiable")
    for phrase in (word, f"detected {word}", f"detected but {word}")
)
_NO_RESULT = frozenset(
    (
        *("", "invalid", "no result", "not done", "not performed", "pending", "cancelled", "canceled"),
        *("qns", "quantity not sufficient", "insufficient", "insufficient sample", "clotted"),
        *("haemolysed", "haemolyzed", "hemolysed", "hemolyzed"),
    )
)


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What a text says by itself. `number` is in its own unit; without one the limit of the assay is meant."""

    state: State | None
    """None for a bare "below the limit": the laboratory's setting says what it means."""
    number: Fraction | None = None
    comparator: str = ""
    is_log: bool = False
    unit: str | None = None
    log_decimals: int = -1


@lru_cache(maxsize=65536)
def _meaning(text: str) -> _Meaning:
    plain = re.sub(
        r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+", lambda found: "^" + found[0].translate(_SUPERSCRIPTS), text.translate(_SPELLINGS)
    )
    plain = _SUBJECT.sub(" ", plain.casefold())
    plain = re.sub(r",(?![0-9]{3})", " ", plain)  # a comma between words
    below, above = _BELOW_LIMIT.search(plain), _ABOVE_LIMIT.search(plain)
    quantity = None if below or above else _QUANTITY.search(plain)
    found = below or above or quantity
    rest = plain if found is None else plain[: found.start()] + " " + plain[found.end() :]
    words = " ".join(rest.split())
    if found is None:
        if words in _NO_RESULT:
            return _Meaning(State.NO_RESULT)
        if words in _NOT_DETECTED:
            return _Meaning(State.NOT_DETECTED)
        return _Meaning(State.BELOW_LLOQ_DETECTED if words in _NOT_QUANTIFIED else State.UNREADABLE)
    number = None if quantity is None else _as_meaning(quantity)
    is_below = below is not None or (number is not None and number.comparator in ("<", "<="))
    if is_below:
        return _below(words, number)
    if words and words not in _DETECTED:
        return _Meaning(State.UNREADABLE)
    if number is None:
        return _Meaning(State.ABOVE_ULOQ)
    return number


def _below(words: str, number: _Meaning | None) -> _Meaning:
    states = {
        "": None,
        **dict.fromkeys(_DETECTED | _NOT_QUANTIFIED, State.BELOW_LLOQ_DETECTED),
        **dict.fromkeys(_NOT_DETECTED, State.NOT_DETECTED),
    }
    if words not in states:
        return _Meaning(State.UNREADABLE)
    if number is None or number.state is State.UNREADABLE:
        return number or _Meaning(states[words])
    return _Meaning(
        states[words], number.number, number.comparator, number.is_log, number.unit, number.log_decimals
    )


def _as_meaning(found: re.Match[str]) -> _Meaning:
    digits = found["digits"].replace(",", "")
    power = int(found["power"] or found["times_ten_to"] or 0)
    number = Fraction(Decimal(digits)) * Fraction(10) ** power
    comparator = found["comparator"] or ""
    state = State.ABOVE_ULOQ if comparator.startswith(">") else State.QUANTIFIED
    decimals = len(digits.partition(".")[2])
    return _Meaning(
        state, -number if found["sign"] else number, comparator, bool(found["log"]), found["unit"], decimals
    )


# --- from a text to a row --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
    state: State
    bounds: Interval
    reason: int = 0
    lloq: float | None = None
    log_decimals: int = -1
    is_calculated: bool = False
    is_assumed: bool = False


_ANYTHING = Interval(0, math.inf)


def _row(
    text: str,
    unit: str | None,
    assay: str | None,
    lloq: float | None,
    uloq: float | None,
    concept: Concept,
    below_limit_means: State,
    assumed: Fraction | None,
) -> _Row:
    meaning = _meaning(text)
    state = below_limit_means if meaning.state is None else meaning.state
    if state is State.NO_RESULT:
        return _Row(state, _ANYTHING, Reason.MISSING.code)
    if state is State.UNREADABLE:
        return _Row(state, _ANYTHING, Reason.UNREADABLE.code)
    if meaning.number is None:
        return _Row(state, _beyond(state, lloq, uloq), Reason.CENSORED.code, lloq)
    scale = _scale(meaning, unit, assay, concept, assumed)
    if scale is None:
        return _Row(state, _ANYTHING, Reason.UNIT_UNKNOWN.code, lloq)
    factor, is_log, is_assumed = scale
    amount = _amount(meaning.number, factor, is_log=is_log)
    most = concept.limits[1]
    if (
        amount is None
        or (most is not None and amount > most)
        or (amount == 0 and not _is_zero_below(meaning, lloq))
    ):
        return _Row(State.UNREADABLE, _ANYTHING, Reason.UNREADABLE.code)
    if state is State.QUANTIFIED and lloq is not None and amount < lloq:
        state = State.BELOW_LLOQ_DETECTED if amount > 0 else State.BELOW_LLOQ_UNSPECIFIED
        return _Row(state, Interval(0, lloq, hi_open=True), Reason.CENSORED.code, lloq)
    return _Row(
        state,
        Interval.reported(amount, meaning.comparator, floor=0),
        Reason.CENSORED.code,
        amount if state in _BELOW else lloq,
        meaning.log_decimals if is_log else -1,
        is_log or factor != 1,
        is_assumed,
    )


def _beyond(state: State, lloq: float | None, uloq: float | None) -> Interval:
    """The numbers below or above the assay's own limits."""
    if state is State.ABOVE_ULOQ:
        return _ANYTHING if uloq is None else Interval(uloq, math.inf, lo_open=True)
    return _ANYTHING if lloq is None else Interval(0, lloq, hi_open=True)


def _is_zero_below(meaning: _Meaning, lloq: float | None) -> bool:
    """Whether a 0 can be read: as a number of an assay whose limit is known; `<0` and `>0` say nothing."""
    return lloq is not None and not meaning.comparator


def _scale(
    meaning: _Meaning, unit: str | None, assay: str | None, concept: Concept, assumed: Fraction | None
) -> tuple[Fraction, bool, bool] | None:
    """The factor to the concept's unit, whether the number is a logarithm, and whether the factor is assumed."""
    column_log = _LOG_UNIT.fullmatch((unit or "").strip().casefold())
    column = _in_catalogue_spelling(column_log[1] if column_log else unit)
    own = _in_catalogue_spelling(meaning.unit)
    if own and column and own != column:
        return None
    if column_log and own and not meaning.is_log:
        return None
    is_log = meaning.is_log or column_log is not None
    factor = factor_or_none(own or column, concept, to=concept.unit, assay=assay)
    if factor is not None:
        return factor, is_log, False
    if (
        assumed is not None
        and assay is None
        and (own or column) == "copies/mL"
        and str(concept.unit) == "IU/mL"
    ):
        return 1 / assumed, is_log, True
    return None


@lru_cache(maxsize=1024)
def _in_catalogue_spelling(unit: str | None) -> str | None:
    """`iu/ml` and `[IU]/mL` as `IU/mL`; what is no unit as it is."""
    if not unit:
        return None
    known = {"iu/ml": "IU/mL", "copies/ml": "copies/mL", "cp/ml": "copies/mL", "ng/ml": "ng/mL"}
    plain = re.sub(r"[\s\[\]{}]", "", unit)
    try:
        return str(find_unit(known.get(plain.casefold(), plain)))
    except ValueError:
        return plain


def _amount(number: Fraction, factor: Fraction, *, is_log: bool) -> float | None:
    if is_log:
        return float(10.0 ** float(number) * factor) if abs(number) < 100 else None
    return float(number * factor) if number >= 0 else None


def _as_texts(texts: Iterable[str | float | None]) -> list[str]:
    listed = []
    for position, value in enumerate(texts):
        if value is None or isinstance(value, str):
            listed.append("" if value is None else value)
        elif isinstance(value, Real | np.generic) and not isinstance(value, bool | np.bool_):
            number = float(value)
            if number < 0 or math.isinf(number):
                raise ValueError(f"`texts[{position}]` must be a finite number of at least 0, not {number!r}")
            listed.append("" if math.isnan(number) else repr(number))
        else:
            raise ValueError(f"`texts[{position}]` must be a text or a number, not {value!r}")
    return listed


def _as_limits(name: str, values: npt.ArrayLike, concept: Concept, length: int) -> list[float | None]:
    unit = None if concept.unit is None else str(concept.unit)
    limits = as_known(name, values, concept=concept.name, unit=unit, may_be_zero=False)
    if len(limits) not in (1, length):
        raise ValueError(f"`{name}` must be one limit or {length}, not {len(limits)}")
    numbers = np.where(limits.is_exact, limits.bounds.lo, np.nan)
    return [None if math.isnan(one) else one for one in np.broadcast_to(numbers, length).tolist()]
