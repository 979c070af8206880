"""Total calcium corrected for albumin: a result of its own, from calcium and albumin of one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from trialwright.derivations.known_columns import as_known
from trialwright.derivations.laboratory_grades import possible
from trialwright.derivations.recorded_facts import RECORDED
from trialwright.derivations.study import SUBJECT
from trialwright.medicine.ctcae.calcium import CORRECTIONS, CalciumCorrection, correct_calcium
from trialwright.medicine.known import Known
from trialwright.protocol.facts import Fact
from trialwright.vocabulary.units import conversion_factor, find_unit
from trialwright.vocabulary.verdicts import Reason

CORRECTED = "corrected_calcium"
"""The name of the fact, as the criteria have it; a protocol that has one so called has it reported, and none is derived."""

_MOMENT = ("earliest", "latest")


def corrected_fact(facts: Sequence[Fact]) -> Fact | None:
    """Corrected calcium where a protocol has calcium and albumin: in the form of the correction that fits its unit."""
    first = {fact.concept: fact for fact in reversed(facts)}
    if not {"calcium", "albumin"} <= first.keys() or CORRECTED in {fact.name for fact in facts}:
        return None
    calcium = first["calcium"]
    return replace(
        calcium, name=CORRECTED, concept=CORRECTED, label="calcium corrected for albumin",
        unit=find_unit(_correction(calcium).calcium_unit), parts=(calcium.name, first["albumin"].name),
    )  # fmt: skip


def written_as(fact: Fact) -> str:
    """The fact of the protocol that a row of ADLB is of: of corrected calcium the calcium."""
    return fact.parts[0] if fact.concept == CORRECTED else fact.name


def with_corrected_calcium(
    facts: Sequence[Fact], recorded: Mapping[str, pl.DataFrame]
) -> tuple[list[Fact], dict[str, pl.DataFrame]]:
    """Facts and their records, and corrected calcium last where there are calcium and albumin.

    Parameters
    ----------
    facts : sequence of Fact
    recorded : mapping of str to DataFrame
        Records of the shape `RECORDED`, by fact.

    Returns
    -------
    facts : list of Fact
    recorded : dict of str to DataFrame
        A record of corrected calcium for each result of calcium, at its moment and with its limits of normal, naming the
        records of both. Of one moment are results of the same minute, or of the same day where no clock tells of either.
        Albumin measured twice then is a `conflict` where the results differ. Albumin that may be of that moment leaves it
        open (`imprecise date`); without any it is not measured.
    """
    fact = corrected_fact(facts)
    if fact is None:
        return list(facts), dict(recorded)
    rows = {
        name: recorded[name].filter(pl.col("reason").is_not_null()) for name in fact.parts if name in recorded
    }
    if fact.parts[0] not in rows:
        return [*facts, fact], dict(recorded)
    nothing = pl.DataFrame(schema=dict(RECORDED))
    calcium, albumin = (one for name in fact.parts for one in facts if one.name == name)
    corrected = _corrected(rows[calcium.name], rows.get(albumin.name, nothing), calcium, albumin)
    return [*facts, fact], {**recorded, CORRECTED: corrected}


def _correction(calcium: Fact) -> CalciumCorrection:
    return CORRECTIONS.get(str(calcium.unit), CORRECTIONS["mmol/L"])


def _corrected(
    calcium: pl.DataFrame, albumin: pl.DataFrame, of_calcium: Fact, of_albumin: Fact
) -> pl.DataFrame:
    correction = _correction(of_calcium)
    albumin = albumin.sort(SUBJECT, *_MOMENT, "SRCDOM", "SRCSEQ")
    measured = albumin.group_by(SUBJECT, *_MOMENT, maintain_order=True).agg(
        pl.len().alias("n"), pl.col("SRCALL").str.join(" ").alias("with")
    )
    proteins = (
        _known(albumin).hulls(measured["n"].cum_sum() - measured["n"]) if len(albumin) else _known(albumin)
    )
    of_a_day = measured.with_row_index("place").filter(
        pl.col("earliest").dt.date() == pl.col("latest").dt.date()
    )
    rows = calcium.join(
        of_a_day.drop("n"), on=[SUBJECT, *_MOMENT], how="left", maintain_order="left"
    ).with_row_index("row")
    perhaps = (
        rows.filter(pl.col("place").is_null())
        .join(albumin.select(SUBJECT, *_MOMENT), on=SUBJECT, suffix="_other")
        .filter(
            (pl.col("earliest_other") <= pl.col("latest")) & (pl.col("latest_other") >= pl.col("earliest"))
        )
    )
    is_open = rows["row"].is_in(perhaps["row"].unique().implode()).to_numpy()
    protein = proteins.take(rows["place"].fill_null(-1).cast(pl.Int64).to_numpy())
    protein = Known.unknown(np.full(len(rows), Reason.IMPRECISE_DATE.code)).where(is_open, protein)
    found = correct_calcium(
        _known(rows), calcium_unit=str(of_calcium.unit), albumin=protein, albumin_unit=str(of_albumin.unit),
        correction=correction,
    )  # fmt: skip
    bounds = found.bounds
    factor = float(
        conversion_factor(str(of_calcium.unit), correction.calcium_unit, equivalences=of_calcium.equivalences)
    )
    is_measured = pl.col("place").is_not_null() | pl.Series("is_open", is_open)
    numbers = {
        "lo": bounds.lo,
        "hi": bounds.hi,
        "lo_open": bounds.lo_open,
        "hi_open": bounds.hi_open,
        "reason": found.reasons,
    }
    return rows.with_columns(
        pl.lit(CORRECTED).alias("fact"),
        *(pl.when(is_measured).then(pl.Series(name, values)).alias(name) for name, values in numbers.items()),
        *(pl.col(limit) * factor for limit in ("lln", "uln")),
        pl.lit(value=True).alias("is_converted"),
        pl.concat_str("SRCALL", "with", separator=" ", ignore_nulls=True).alias("SRCALL"),
    ).select(RECORDED.keys())  # fmt: skip


def _known(rows: pl.DataFrame) -> Known:
    lo, hi, lo_open, hi_open, reason = (rows[name] for name in ("lo", "hi", "lo_open", "hi_open", "reason"))
    return possible(
        as_known(lo, hi, lo_open, hi_open, reason, converted=rows["is_converted"]), may_be_zero=False
    )
