"""Virtual trials: from a protocol and a seed to complete records and the truth beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from trialwright.design.virtual.advanced_trial import make_advanced_trial
from trialwright.design.virtual.laboratory import write_results
from trialwright.design.virtual.mistakes import ERRORS, draw_victims, plant_errors
from trialwright.design.virtual.parameters import Advanced, AfterTreatment, Common, read_parameters
from trialwright.design.virtual.plan import assay_limits, read_advanced_plan, read_after_treatment_plan
from trialwright.design.virtual.tables import as_tables, frame_of
from trialwright.design.virtual.truth import MadeTrial, latent_frame, observable_frame
from trialwright.protocol.loading import LoadedProtocol
from trialwright.records.sdtm import domains
from trialwright.vocabulary.problems import Problem, ProblemsFound

KEY = "TRIAL"
SUFFIX = "-SIM"

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """Records of virtual trials, and the truth.

    Attributes
    ----------
    tables : mapping of str to DataFrame
        SDTM tables by domain, each with `SIMULATED` = Y, and with `TRIAL` first where there are several.
    latent : DataFrame
        One row a subject: what happened.
    observable : DataFrame
        One row a subject, protocol element and reader: what the records show of it.
    errors : DataFrame
        One row an error that was planted: where, and what it is.
    """

    tables: Mapping[str, pl.DataFrame]
    latent: pl.DataFrame
    observable: pl.DataFrame
    errors: pl.DataFrame
    parameters: Common


def simulate(
    loaded: LoadedProtocol,
    *,
    seed: int,
    subjects: int | None = None,
    trials: int = 1,
    first: int = 0,
    scenario: str | None = None,
    errors: bool = True,
    observed: bool = True,
    progress: Progress = lambda _: None,
) -> Simulation:
    """Make virtual trials.

    Parameters
    ----------
    loaded : LoadedProtocol
        With the assumptions that virtual patients need.
    seed : int
        The same seed gives the same trials; trial 7 of ten is trial 7 of a hundred.
    subjects : int, optional
        Enrolled in each trial; as many as the protocol plans if not said.
    trials : int
    first : int
        How many trials of the seed are passed over before the first one that is made; the others keep their numbers.
    scenario : str, optional
        One of the protocol's, whose assumptions take the place of the others.
    errors : bool
        Whether errors in the data are planted, for others to find.
    observed : bool
        Whether what could be seen is told; it takes a good part of the time.
    progress : callable
        Told about each trial.

    Raises
    ------
    ProblemsFound
        `no-virtual-patients`, `no-such-scenario`, `missing-assumption`, `unusable-assumption`, `missing-element`,
        `no-subjects`.
    """
    parameters = read_parameters(loaded, scenario)
    size = _size(loaded, subjects, trials)
    make = _maker(loaded, parameters, seed, size)
    made = []
    numbers = range(first, first + trials)
    for number in numbers:
        made.append(make(number))
        progress(f"trial {len(made)} of {trials}")
    progress("writing it down")
    return _assemble(loaded, made, parameters, seed, numbers, errors=errors, observed=observed)


def _size(loaded: LoadedProtocol, subjects: int | None, trials: int) -> int:
    size = loaded.protocol.study.enrolment if subjects is None else subjects
    if size is None:
        message = "the protocol does not say how many are enrolled"
        fix = "give `study.enrolment`, or --subjects"
        raise ProblemsFound([Problem("no-subjects", message, field="study.enrolment", fix=fix)])
    if size < 1 or trials < 1:
        what = "subjects" if size < 1 else "trials"
        found = min(size, trials)
        raise ProblemsFound([Problem("no-subjects", f"there must be at least 1 of `{what}`, not {found}")])
    return size


def _maker(loaded: LoadedProtocol, parameters: Common, seed: int, size: int) -> Callable[[int], MadeTrial]:
    """What makes a trial of a number, by the kind of patients."""
    if isinstance(parameters, Advanced):
        advanced, plan = parameters, read_advanced_plan(loaded)
        return lambda number: make_advanced_trial(advanced, plan, seed, number, size)
    assert isinstance(parameters, AfterTreatment)  # noqa: S101 - there are two kinds
    after, plan_after = parameters, read_after_treatment_plan(loaded)
    from trialwright.design.virtual.after_treatment_trial import make_after_treatment_trial

    return lambda number: make_after_treatment_trial(after, plan_after, seed, number, size)


def _assemble(
    loaded: LoadedProtocol,
    made: list[MadeTrial],
    parameters: Common,
    seed: int,
    numbers: range,
    *,
    errors: bool,
    observed: bool,
) -> Simulation:
    study = f"{loaded.protocol.study.id}{SUFFIX}"
    subjects = _subjects(study, made, numbers)
    rows = _together(made)
    limits = {fact: assay_limits(loaded, fact) for fact in ("hbv_dna", "hbsag_quantity")}
    rows["LB"] = write_results(rows["LB"], limits)
    rows["FA"] = _linked(rows["FA"], rows["LB"])
    is_one = numbers == range(1)
    tables = as_tables(rows, subjects.drop(KEY) if is_one else subjects, study)
    planted = pl.DataFrame(schema=ERRORS)
    if errors and parameters.planted_errors > 0:
        struck = [
            draw_victims(seed, number, one.enrolled, parameters.planted_errors)
            for number, one in zip(numbers, made, strict=True)
        ]
        victims = [
            _numbered(of_kind, made).join(subjects, on="subject").select("USUBJID", "pick")
            for of_kind in zip(*struck, strict=True)
        ]
        tables, planted = plant_errors(tables, victims)
    told = made if observed else [replace(one, seen=()) for one in made]
    observable = _numbered([observable_frame(trial) for trial in told], made)
    return Simulation(
        tables,
        _truth(latent_frame(made), subjects, study),
        _truth(observable, subjects, study),
        planted.with_columns(pl.lit(study).alias("STUDYID"), pl.lit("Y").alias("SIMULATED")),
        parameters,
    )


def _linked(findings: pl.DataFrame, laboratory: pl.DataFrame) -> pl.DataFrame:
    """A judged cause names the first record of what is judged."""
    if "of_flare" not in findings.columns:
        return findings
    enzymes = laboratory.filter(pl.col("LBTESTCD") == "ALT").select(
        "subject", of_flare="LBDTC", record="LBSEQ"
    )
    enzymes = enzymes.unique(["subject", "of_flare"], keep="first", maintain_order=True)
    return findings.join(enzymes, on=["subject", "of_flare"], how="left", maintain_order="left").with_columns(
        pl.format("LB.{}", "record").alias("FALNKID")
    )


def _offsets(made: list[MadeTrial]) -> list[int]:
    offsets, total = [], 0
    for trial in made:
        offsets.append(total)
        total += trial.n
    return offsets


def _numbered(frames: Sequence[pl.DataFrame], made: list[MadeTrial]) -> pl.DataFrame:
    """The frames of all trials as one, their subjects numbered through."""
    offsets = _offsets(made)
    parts = [
        frame.with_columns(pl.col("subject") + offset) for frame, offset in zip(frames, offsets, strict=True)
    ]
    return pl.concat(parts, how="diagonal_relaxed")


def _subjects(study: str, made: list[MadeTrial], numbers: range) -> pl.DataFrame:
    """Identifiers of all subjects of all trials."""
    trials = np.repeat(np.array(numbers, dtype=np.int64) + 1, [one.n for one in made])
    frame = pl.DataFrame(
        {"trial": trials, "number": np.concatenate([np.arange(1, one.n + 1) for one in made])}
    )
    trial = pl.col("trial").cast(pl.String).str.zfill(4)
    subject = pl.col("number").cast(pl.String).str.zfill(5)
    return frame.with_row_index("subject").select(
        pl.col("subject").cast(pl.Int64), trial.alias(KEY), subject.alias("SUBJID"),
        pl.concat_str(pl.lit(study), trial, subject, separator="-").alias("USUBJID"),
    )  # fmt: skip


def _together(made: list[MadeTrial]) -> dict[str, pl.DataFrame]:
    """The rows of all trials in their order, their subjects numbered through."""
    offsets = _offsets(made)
    return {domain: frame_of(domain, [one.rows for one in made], offsets) for domain in domains()}


def _truth(frame: pl.DataFrame, subjects: pl.DataFrame, study: str) -> pl.DataFrame:
    """Truth with the identifiers of its subjects in front."""
    told = frame.join(subjects.drop("SUBJID"), on="subject", how="left", maintain_order="left").drop(
        "subject"
    )
    front = [pl.col(KEY), pl.lit(study).alias("STUDYID"), pl.col("USUBJID"), pl.lit("Y").alias("SIMULATED")]
    return told.select(*front, pl.exclude(KEY, "STUDYID", "USUBJID", "SIMULATED"))
