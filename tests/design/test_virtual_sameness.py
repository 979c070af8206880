"""The same seed gives the same trial, however many others are made with it."""

import hashlib

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trialwright.design.virtual.draws import Draws
from trialwright.design.virtual.simulation import simulate
from trialwright.design.virtual.writing import write_simulation
from trialwright.records.files import Format


def same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert_frame_equal(one[name], other[name])


def test_the_same_seed_gives_the_same_trial(loaded):
    first, again = (simulate(loaded, seed=3, subjects=20) for _ in range(2))
    same(first.tables, again.tables)
    assert_frame_equal(first.latent, again.latent)
    assert_frame_equal(first.observable, again.observable)
    assert_frame_equal(first.errors, again.errors)


def test_another_seed_gives_another_trial(loaded):
    first, other = (simulate(loaded, seed=seed, subjects=20) for seed in (3, 4))
    assert not first.tables["LB"].equals(other.tables["LB"])


def test_a_trial_does_not_depend_on_how_many_there_are(loaded):
    three = simulate(loaded, seed=3, subjects=20, trials=3)
    two = simulate(loaded, seed=3, subjects=20, trials=2)
    one = simulate(loaded, seed=3, subjects=20, trials=1)
    for number, fewer in (("0001", two), ("0002", two)):
        same(only(three.tables, number), only(fewer.tables, number))
        assert_frame_equal(
            three.observable.filter(pl.col("TRIAL") == number),
            fewer.observable.filter(pl.col("TRIAL") == number),
        )
    alone = {name: table.drop("TRIAL") for name, table in only(three.tables, "0001").items()}
    same(alone, {name: filled(table) for name, table in one.tables.items()})


def only(tables, number):
    """One of the trials; columns that only others fill are left out."""
    kept = {name: table.filter(pl.col("TRIAL") == number) for name, table in tables.items()}
    return {name: filled(table) for name, table in kept.items() if table.height}


def filled(table):
    return table.select(column.name for column in table if column.null_count() < table.height)


def test_planted_errors_change_nothing_else(loaded):
    with_errors = simulate(loaded, seed=3, subjects=40)
    without = simulate(loaded, seed=3, subjects=40, errors=False)
    assert with_errors.errors.height > 0
    assert without.errors.height == 0
    assert_frame_equal(with_errors.observable, without.observable)
    assert_frame_equal(with_errors.latent, without.latent)
    struck = set(with_errors.errors["USUBJID"]) | {one[:-1] for one in with_errors.errors["USUBJID"]}
    for name, table in with_errors.tables.items():
        spared = ~pl.col("USUBJID").is_in(struck)
        assert_frame_equal(table.filter(spared), without.tables[name].filter(spared))


def test_the_same_bytes(loaded, tmp_path):
    hashes = []
    for name in ("a", "b"):
        files = write_simulation(loaded, tmp_path / name, seed=5, subjects=8, trials=2, form=Format.XPT)
        hashes.append([(file.name, hashlib.sha256(file.read_bytes()).hexdigest()) for file in files])
    assert hashes[0] == hashes[1]


def test_streams_are_apart():
    """A purpose, a trial and a seed each give their own numbers, and the same ones again."""

    def drawn(seed, trial, purpose):
        return tuple(Draws(seed, trial, purpose, 5).uniform(0, 1))

    all_of_them = {
        drawn(seed, trial, purpose) for seed in (1, 2) for trial in (0, 1) for purpose in ("a", "b")
    }
    assert len(all_of_them) == 8
    assert drawn(1, 0, "a") == drawn(1, 0, "a")


@pytest.mark.parametrize("form", [Format.PARQUET, Format.CSV, Format.XPT, Format.JSON, Format.NDJSON])
def test_every_format_holds_the_records(loaded, tmp_path, form):
    from trialwright.records.files import read_records

    write_simulation(loaded, tmp_path / "out", seed=2, subjects=6, trials=2, form=form, errors=False)
    made = simulate(loaded, seed=2, subjects=6, trials=2, errors=False)
    records = read_records(tmp_path / "out" / "simulated")
    assert records.warnings == ()
    assert set(records.tables) == set(made.tables)
    for name, table in made.tables.items():
        assert_frame_equal(records.tables[name].select(table.columns), table)
