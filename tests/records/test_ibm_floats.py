"""Numbers of transport files. Words worked by hand: sign, power of 16 plus 64, fraction in hexadecimal."""

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialwright.records.ibm_floats import LEAST, LIMIT, decode, encode, fits

WORKED = [
    pytest.param(0.0, 0x0000000000000000, id="zero"),
    pytest.param(1.0, 0x4110000000000000, id="1 is 16^1 times 1/16"),
    pytest.param(-1.0, 0xC110000000000000, id="the first bit is the sign"),
    pytest.param(16.0, 0x4210000000000000, id="16 is 16^2 times 1/16"),
    pytest.param(15.0, 0x41F0000000000000, id="15/16 is hexadecimal F"),
    pytest.param(0.5, 0x4080000000000000, id="a half is 16^0 times 8/16"),
    pytest.param(100.0, 0x4264000000000000, id="100 is hexadecimal 64"),
    pytest.param(-118.625, 0xC276A00000000000, id="118.625 is hexadecimal 76.A"),
    pytest.param(2.0**-260, 0x0010000000000000, id="the least normal number"),
    pytest.param(2.0**53 + 2, 0x4E20000000000002, id="whole numbers beyond 2^53"),
]


@pytest.mark.parametrize(("number", "word"), WORKED)
def test_worked_words(number, word):
    assert encode(np.array([number])).tolist() == [word]
    assert decode(np.array([word], np.uint64)).numbers.tolist() == [number]


@pytest.mark.parametrize("mark", ".ABZ_")
def test_missing_values(mark):
    numbers, is_special = decode(np.array([ord(mark) << 56], np.uint64))
    assert math.isnan(numbers[0])
    assert is_special[0] == (mark != ".")


def test_missing_is_written_as_the_point():
    assert encode(np.array([math.nan])).tolist() == [ord(".") << 56]


def test_a_fraction_of_56_bits_is_rounded_to_the_nearest_double():
    just_below_one = 0x40FFFFFFFFFFFFFF  # 1 - 2^-56, halfway between nothing a double has: the nearest is 1
    assert decode(np.array([just_below_one], np.uint64)).numbers.tolist() == [1.0]


def test_fractions_that_begin_with_zeros_are_read():
    assert decode(np.array([0x4201000000000000], np.uint64)).numbers.tolist() == [1.0]


@pytest.mark.parametrize(
    ("number", "is_fit"),
    [
        (LEAST, True),
        (math.nextafter(LEAST, 0), False),
        (math.nextafter(LIMIT, 0), True),
        (LIMIT, False),
        (-LIMIT, False),
        (math.inf, False),
        (5e-324, False),
    ],
)
def test_bounds(number, is_fit):
    assert fits(np.array([number])).tolist() == [is_fit]
    if is_fit:
        assert decode(encode(np.array([number]))).numbers.tolist() == [number]
    else:
        with pytest.raises(ValueError, match="does not fit"):
            encode(np.array([number]))


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_every_double_within_the_bounds_comes_back(numbers):
    column = np.array(numbers, np.float64)
    column = column[fits(column)]
    back = decode(encode(column)).numbers
    assert struct.pack(f"{len(column)}d", *back) == struct.pack(f"{len(column)}d", *(column + 0.0))
