"""The gallery: its pictures are there, small, stamped, and what the program draws today."""

import re

import pytest
from tests.docs.gallery import ENTRIES, PICTURES, STAMP, draw_picture

names = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)


@names
def test_pictures_are_small_and_say_that_nobody_is_real(entry):
    picture = (PICTURES / f"{entry.name}.svg").read_text(encoding="utf-8")
    assert len(picture.encode()) < 150_000
    assert f">{STAMP}<" in picture
    assert not re.search(r"https?://(?!www\.w3\.org/)", picture)


def test_no_picture_is_left_over():
    assert {path.stem for path in PICTURES.iterdir()} == {entry.name for entry in ENTRIES}


@pytest.mark.slow
@names
def test_pictures_are_what_is_drawn_today(entry):
    drawn = (PICTURES / f"{entry.name}.svg").read_text(encoding="utf-8")
    assert drawn == draw_picture(entry), "run `python -m tests.docs.gallery`"
