"""Best overall response, and whether, from when and until when there was a response: by endpoint."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from trialwright.derivations.study import SUBJECT, Study
from trialwright.derivations.tumour_responses import OVERALL
from trialwright.derivations.tumour_settings import ResponseSettings, new_therapy_days
from trialwright.medicine.recist.best_response import best_overall_response
from trialwright.medicine.recist.criteria import Confirmation
from trialwright.medicine.recist.responses import Response, decode, encode
from trialwright.vocabulary.verdicts import Reason

_RESPONSES = (Response.CR.word, Response.PR.word)
_STABLE = (Response.SD.word, Response.NON_CR_NON_PD.word)


def everybody(courses: pl.DataFrame, adsl: pl.DataFrame, reader: str) -> pl.DataFrame:
    """The courses, and one without assessments for each subject whom the reader that counts has not seen.

    Returns
    -------
    courses : DataFrame
        `course`, `COURSE`, `is_accepted`, `several` (readers of that kind, none of them accepted), `STARTDT`, `DTHDT`.
    """
    ours = courses.filter(pl.col("READER") == reader)
    seen = ours.filter("is_accepted").select(SUBJECT).unique()
    disputed = ours.join(seen, on=SUBJECT, how="anti").select(SUBJECT).unique()
    unseen = (
        adsl.select(SUBJECT).join(seen, on=SUBJECT, how="anti")
        .with_columns(
            pl.lit(reader).alias("READER"),
            pl.lit("").alias("EVALID"),
            pl.lit(0, pl.Int64).alias("SIDE"),
            pl.lit(True).alias("is_accepted"),
            pl.col(SUBJECT).is_in(disputed[SUBJECT].implode()).alias("several"),
        )
        .sort(SUBJECT).with_row_index("course", offset=len(courses)).cast({"course": pl.Int64})
    )  # fmt: skip
    known = courses.drop("who").with_columns(several=pl.lit(False))
    return pl.concat([known, unseen.select(known.columns)]).join(
        adsl.select(SUBJECT, "STARTDT", "DTHDT"), on=SUBJECT, how="left", maintain_order="left"
    )


def derive_best_responses(
    study: Study, courses: pl.DataFrame, responses: pl.DataFrame, settings: ResponseSettings
) -> pl.DataFrame:
    """The rows of one endpoint: BOR and RSP, and CBOR and CRSP where it asks for confirmation.

    Parameters
    ----------
    study : Study
    courses : DataFrame
        As `everybody` gives them.
    responses : DataFrame
        As `derive_responses` gives them.
    settings : ResponseSettings
    """
    table = _with_therapy(study, courses, settings)
    counted = responses.filter(pl.col("PARAMCD") == OVERALL)
    rows = [_best(table, counted, settings, None)]
    if settings.confirmation:
        rows.append(_best(table, counted, settings, settings.confirmation))
    return pl.concat(rows).with_columns(pl.lit(settings.path).alias("PROTOCOL"))


def _with_therapy(study: Study, courses: pl.DataFrame, settings: ResponseSettings) -> pl.DataFrame:
    """With the last day on which responses count; of a day that is not known the first or the last it can be."""
    if not settings.stops_at_new_therapy:
        return courses.with_columns(pl.lit(None, pl.Date).alias("until"))
    days = new_therapy_days(study).with_columns(had=pl.lit(True))
    first = pl.when("had").then(pl.coalesce("early", "STARTDT"))
    return (
        courses.join(days, on=SUBJECT, how="left", maintain_order="left")
        .with_columns(pl.when(pl.col("SIDE") == 0).then(first).otherwise("late").alias("until"))
        .drop("early", "late", "had")
    )


def _best(
    courses: pl.DataFrame,
    responses: pl.DataFrame,
    settings: ResponseSettings,
    confirmation: Confirmation | None,
) -> pl.DataFrame:
    treated = courses.filter(pl.col("STARTDT").is_not_null()).with_row_index("row").cast({"row": pl.Int64})
    told = responses.join(treated.select("course", "row"), on="course").sort("row", "ADT", "at")
    best = best_overall_response(
        told["row"].to_numpy(),
        _days(told["ADT"]),
        encode(Response, told["AVALC"], missing=Response.NE),
        first_dose=_days(treated["STARTDT"]),
        new_therapy=_days(treated["until"]),
        confirmation=confirmation,
        least_stable_days=settings.least_stable_days,
        after_complete=settings.after_complete,
    )
    found = treated.select("course").with_columns(
        pl.Series("AVALC", decode(Response, best.response), pl.String),
        pl.Series("response_start", best.response_start.astype("datetime64[D]")).cast(pl.Date),
        pl.Series("first_progression", best.first_progression.astype("datetime64[D]")).cast(pl.Date),
        is_contradicted=pl.Series(best.is_contradicted),
    )
    rows = _with_reasons(courses.join(found, on="course", how="left", maintain_order="left"), responses)
    counted = _counted(rows, responses, settings)
    prefix = "C" if confirmation else ""
    best_row = rows.join(_deciding(counted, confirmation), on="course", how="left", maintain_order="left")
    return pl.concat([
        best_row.select(*_ROW, pl.lit(f"{prefix}BOR").alias("PARAMCD"), "AVALC", "ADT", *NO_END),
        _response_rows(rows, counted, responses, settings, confirmation).with_columns(PARAMCD=pl.lit(f"{prefix}RSP")),
    ], how="diagonal")  # fmt: skip


_ROW = ("course", "REASON", "SRCDOM", "SRCSEQ", "SRCALL")
NO_END = (pl.lit(None, pl.Date).alias("ENDDT"), pl.lit(None, pl.String).alias("ENDDESC"))
_UNKNOWN = (Response.NE.word, Response.MISSING.word)


def _days(dates: pl.Series) -> npt.NDArray[np.datetime64]:
    return dates.to_numpy().astype("datetime64[D]")


def _with_reasons(rows: pl.DataFrame, responses: pl.DataFrame) -> pl.DataFrame:
    """Why a best response is not known: readers disagree, days contradict each other, nothing could be judged.

    Who has assessments and no day to count from has no best response; who has none at all is `MISSING`.
    """
    assessed = pl.col("course").is_in(responses["course"].unique().implode())
    is_open = pl.col("several") | (pl.col("STARTDT").is_null() & assessed)
    known = pl.when(~is_open).then(pl.col("AVALC").fill_null(Response.MISSING.word))
    return rows.with_columns(
        known.alias("AVALC"),
        pl.when("several").then(pl.lit(Reason.NEEDS_A_PERSON.value))
        .when("is_contradicted").then(pl.lit(Reason.CONFLICT.value))
        .when(is_open | known.is_in(_UNKNOWN)).then(pl.lit(Reason.MISSING.value)).alias("REASON"),
    )  # fmt: skip


def _counted(rows: pl.DataFrame, responses: pl.DataFrame, settings: ResponseSettings) -> pl.DataFrame:
    """The assessments that count, with the best response and whether they are late enough for stable disease."""
    told = responses.join(
        rows.select("course", "STARTDT", "until", "response_start", "first_progression",
                    pl.col("AVALC").alias("best")),
        on="course",
    )  # fmt: skip
    day = pl.col("ADT")
    counts = (day >= pl.col("STARTDT")) & (day <= pl.col("until").fill_null(day))
    counts &= day <= pl.col("first_progression").fill_null(day)
    late = (day - pl.col("STARTDT")).dt.total_days() >= settings.least_stable_days
    return told.filter(counts).with_columns(late.alias("is_late")).sort("course", "ADT", "at")


def _deciding(counted: pl.DataFrame, confirmation: Confirmation | None) -> pl.DataFrame:
    """Of each course the first assessment that is as good as the best response, and what confirms it."""
    best = pl.col("best")
    same = pl.col("AVALC") == best
    as_stable = pl.col("AVALC").is_in(_RESPONSES) & pl.lit(confirmation is not None)
    as_good = same | ((best == Response.PR.word) & (pl.col("AVALC") == Response.CR.word))
    decides = (
        pl.when(best.is_in(_STABLE))
        .then((same | ((best == Response.SD.word) & as_stable)) & pl.col("is_late"))
        .when(best.is_in(_RESPONSES)).then(as_good & (pl.col("ADT") >= pl.col("response_start")))
        .when(best == Response.PD.word).then(pl.col("ADT") == pl.col("first_progression"))
        .otherwise(best == Response.NE.word)
    )  # fmt: skip
    return _with_confirming(counted.filter(decides), counted, confirmation)


def _with_confirming(
    deciding: pl.DataFrame, counted: pl.DataFrame, confirmation: Confirmation | None
) -> pl.DataFrame:
    """The first row of each course; where a later assessment confirms its response, `SRCALL` holds both."""
    first = deciding.group_by("course", maintain_order=True).agg(
        pl.col("AVALC", "ADT", "SRCDOM", "SRCSEQ", "SRCALL").first()
    )
    if confirmation is None:
        return first.drop("AVALC")
    later = counted.filter(pl.col("best").is_in(_RESPONSES)).select(
        "course", day="ADT", again="AVALC", other="SRCALL"
    )
    as_good = (pl.col("again") == Response.CR.word) | (pl.col("AVALC") == pl.col("again"))
    late = (pl.col("day") - pl.col("ADT")).dt.total_days() >= confirmation.after_days
    confirming = first.join(later, on="course", maintain_order="left_right").filter(
        pl.col("AVALC").is_in(_RESPONSES), pl.col("again").is_in(_RESPONSES), as_good, late
    )
    confirming = confirming.group_by("course", maintain_order=True).agg(pl.col("other").first())
    both = pl.concat_str(["SRCALL", "other"], separator=" ", ignore_nulls=True)
    return (
        first.join(confirming, on="course", how="left")
        .with_columns(both.alias("SRCALL"))
        .drop("AVALC", "other")
    )


def _response_rows(
    rows: pl.DataFrame,
    counted: pl.DataFrame,
    responses: pl.DataFrame,
    settings: ResponseSettings,
    confirmation: Confirmation | None,
) -> pl.DataFrame:
    """Whether there was a response that counts, from which day, and until when."""
    best = pl.col("AVALC")
    unknown = best.is_null() | best.is_in(_UNKNOWN)
    as_no = pl.lit(settings.unassessed_is_no) & best.is_not_null()
    answer = (
        pl.when(best.is_in(settings.counts)).then(pl.lit("Y"))
        .when(~unknown | as_no).then(pl.lit("N"))
    )  # fmt: skip
    responds = pl.col("AVALC").is_in(_RESPONSES) & (pl.col("ADT") >= pl.col("response_start"))
    stable = pl.col("AVALC").is_in([*_STABLE, *_RESPONSES]) & pl.col("is_late")
    begins = responds | (stable & pl.lit(any(word in _STABLE for word in settings.counts)))
    rows = rows.with_columns(AVALC=answer)
    rows = rows.join(
        _with_confirming(counted.filter(begins), counted, confirmation),
        on="course",
        how="left",
        maintain_order="left",
    )
    progressed = responses.filter(pl.col("AVALC") == Response.PD.word).select("course", progression="ADT")
    later = (
        rows.select("course", "ADT").join(progressed, on="course")
        .filter(pl.col("progression") >= pl.col("ADT"))
        .group_by("course").agg(pl.col("progression").min())
    )  # fmt: skip
    end = pl.min_horizontal("progression", "DTHDT")
    what = (
        pl.when(pl.col("progression") == end).then(pl.lit("progression"))
        .when(end.is_not_null()).then(pl.lit("death"))
    )  # fmt: skip
    is_yes = pl.col("AVALC") == "Y"
    kept = [pl.when(is_yes).then(name).alias(name) for name in ("ADT", "SRCDOM", "SRCSEQ", "SRCALL")]
    return rows.join(later, on="course", how="left", maintain_order="left").select(
        "course", "REASON", "AVALC", *kept,
        pl.when(is_yes).then(end).alias("ENDDT"), pl.when(is_yes).then(what).alias("ENDDESC"),
    )  # fmt: skip
