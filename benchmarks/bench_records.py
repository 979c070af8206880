"""How long to read a million laboratory rows from each format, into the typed table? Reference: Parquet by polars alone.

The rows are those of the CDISC example again and again, 23 columns, each repetition a subject of its own with results of
its own; each format's table must equal the one that was written.
"""

import resource
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from measure import cpu_of_call, medians_in_turn, print_row
from trialwright.records.files import Format, read_dataset, write_records

ROWS = 1_000_000
EXAMPLE = Path(__file__).parents[1] / "tests" / "records" / "cdisc" / "lb.json"


def laboratory(n: int) -> pl.DataFrame:
    once = read_dataset(EXAMPLE).table
    times = -(-n // once.height)
    repeated = pl.concat([once] * times).head(n)
    subject = pl.int_range(pl.len()) // once.height
    changed = pl.col("LBSTRESN") * np.round(np.random.default_rng(6).uniform(0.5, 2, n), 3)
    return repeated.with_columns(
        USUBJID=pl.format("CDISC-{}", subject.cast(pl.String).str.zfill(6)),
        LBSTRESN=changed,
        LBSTRESC=pl.coalesce(changed.cast(pl.String), "LBSTRESC"),
        LBORRES=pl.coalesce(changed.round(2).cast(pl.String), "LBORRES"),
    )


table = laboratory(ROWS)
with TemporaryDirectory() as name:
    folder = Path(name)
    for form in Format:
        write_records({"LB": table}, folder, form)
        assert read_dataset(folder / f"lb.{form}").table.equals(table)
    paths = {form: folder / f"lb.{form}" for form in Format}
    reference, *reads = medians_in_turn(
        lambda: cpu_of_call(lambda: pl.read_parquet(paths[Format.PARQUET])),
        *(lambda form=form: cpu_of_call(lambda: read_dataset(paths[form])) for form in Format),
        repeats=3,
    )
    print_row("polars.read_parquet (reference)", reference)
    for form, seconds in zip(Format, reads, strict=True):
        size = paths[form].stat().st_size / 1e6
        print_row(f"read_dataset, {ROWS:,} rows, {form}, {size:,.0f} MB", seconds, reference)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{'greatest memory of this process':<58}{peak:8.0f} MB")
