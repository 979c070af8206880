"""Numbers of SAS transport files: hexadecimal floating point of the IBM System/360, eight bytes, the greatest first.

One bit of sign, seven of exponent (a power of 16, less 64), 56 of fraction. A double has 53 bits, so that every double
from 16^-65 to 16^63 goes there and back unchanged.

References: IBM System/360 Principles of Operation, "Floating-Point Arithmetic"; SAS Institute, The Record Layout of a
SAS Transport Data Set (TS-140), which gives the missing values: a first byte of `.`, `_` or `A` to `Z`, all others 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint64]

LEAST, LIMIT = 16.0**-65, 16.0**63
"""The least number above 0 that fits, and the bound below which all numbers must lie."""

_FRACTION = np.uint64(2**56 - 1)
_MISSING = np.uint64(ord(".") << 56)
_NEGATIVE = np.uint64(1 << 63)


class Decoded(NamedTuple):
    """Numbers (NaN where missing), and where the missing value is another than `.`: `.A` to `.Z` and `._`."""

    numbers: Floats
    is_special: Flags


def decode(words: npt.NDArray[np.uint64]) -> Decoded:
    """The numbers of eight-byte words of shape (n,), each read as an unsigned integer.

    Fractions of more than 53 bits are rounded to the nearest double.
    """
    fraction = words & _FRACTION
    first = (words >> np.uint64(56)).astype(np.int64)
    is_missing = (fraction == 0) & (first != 0) & (first != 0x80)
    magnitude = np.ldexp(fraction.astype(np.float64), 4 * ((first & 0x7F) - 64) - 56)
    numbers = np.where(is_missing, np.nan, np.where(first >= 0x80, -magnitude, magnitude))
    return Decoded(numbers, is_missing & (first != ord(".")))


def encode(numbers: Floats) -> Words:
    """The words of numbers of shape (n,); NaN becomes the missing value `.`, and -0 becomes 0.

    Raises
    ------
    ValueError
        If a number is infinite or too large or too small to fit.
    """
    if not fits(numbers).all():
        raise ValueError("a number does not fit the format")
    is_missing = np.isnan(numbers)
    mantissa, exponent = np.frexp(np.abs(np.where(is_missing, 0.0, numbers)))
    sixteens = -(-exponent // 4)
    fraction = np.ldexp(mantissa, 56 - (4 * sixteens - exponent)).astype(np.uint64)
    words = fraction | ((sixteens + 64).astype(np.uint64) << np.uint64(56))
    words = np.where(numbers < 0, words | _NEGATIVE, words)
    return np.where(is_missing, _MISSING, np.where(fraction == 0, np.uint64(0), words))


def fits(numbers: Floats) -> Flags:
    """Whether each number can be written: missing, 0, or within the bounds."""
    size = np.abs(numbers)
    return np.asarray(np.isnan(numbers) | (size == 0) | ((size >= LEAST) & (size < LIMIT)))
