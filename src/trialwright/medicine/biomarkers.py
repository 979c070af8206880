"""Biomarkers of the tumour and the blood: PD-1 on CD8+ T cells, PD-L1 scores, T-cell infiltration, AFP response.

A sample with too few cells to count gives no result: unknown (missing). Numbers of cells are events or cells counted,
without a unit. Every limit is an argument; docs/medicine/biomarkers.md has the usual ones with their sources.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trialwright.medicine.amounts import as_known
from trialwright.medicine.arguments import Answers, aligned, as_answers, as_plain
from trialwright.medicine.bands import Cut, band
from trialwright.medicine.known import MET, NOT_MET, Categories, Known, Numbers, choose_codes, sum_of
from trialwright.vocabulary.intervals import Flags, Intervals
from trialwright.vocabulary.verdicts import Codes, Reason, all_of

MISSING, NOT_APPLICABLE = np.uint8(Reason.MISSING.code), np.uint8(Reason.NOT_APPLICABLE.code)
Unit = str | npt.ArrayLike | None

# --- flow cytometry --------------------------------------------------------------------------------------------------


class Gate(StrEnum):
    """Cells counted, each gate within the one before it."""

    LYMPHOCYTES = "live CD45+ lymphocytes"
    CD3 = "CD3+"
    CD8 = "CD3+ CD8+"
    PD1 = "CD3+ CD8+ PD-1+"


PROPORTIONS: Mapping[str, tuple[Gate, Gate]] = MappingProxyType(
    {
        "PD1CD8P": (Gate.PD1, Gate.CD8),
        "CD8PD1T": (Gate.PD1, Gate.CD3),
        "CD8PD1L": (Gate.PD1, Gate.LYMPHOCYTES),
        "CD8P": (Gate.CD8, Gate.CD3),
    }
)
"""Numerator and denominator of each reading of "proportion of CD8+/PD-1+ T cells" (NCT07120750 does not say which)."""


class CellProportion(NamedTuple):
    """A proportion of cells in percent, and how well it is counted.

    `is_sparse` is met where the parent gate holds fewer events than wanted. `counting_cv` is the coefficient of
    variation of the events counted, 1/sqrt(n), in percent; undefined where there are none. `standard_error` is that
    of a binomial proportion, in percentage points.
    """

    percent: Known
    is_sparse: Codes
    counting_cv: Known
    standard_error: Known


def cell_proportion(
    events: Mapping[Gate, Numbers], *, proportion: str, sparse_below: int, none_below: int
) -> CellProportion:
    """Compute a proportion from the events of its gates.

    Parameters
    ----------
    events : mapping of Gate to whole numbers of shape (n,)
        At least the two gates of the proportion; all given are checked against each other.
    proportion : str
        One of `PROPORTIONS`.
    sparse_below, none_below : int
        Events of the parent gate below which the result is flagged, and below which there is none. Default of the
        trials: 500 and 100.

    Raises
    ------
    ValueError
        If a number is no count, a gate holds more events than the one it lies in, or a gate is not given.

    Examples
    --------
    >>> found = cell_proportion({Gate.CD8: [10_000, 80], Gate.PD1: [2500, 20]}, proportion="PD1CD8P",
    ...                         sparse_below=500, none_below=100)
    >>> print(*found.percent.bounds)
    [25, 25] [0, 100]
    """
    if proportion not in PROPORTIONS:
        raise ValueError(f"a proportion must be one of {', '.join(PROPORTIONS)}, not {proportion!r}")
    given = {gate: _as_counts(f"events[{gate.name}]", events[gate]) for gate in Gate if gate in events}
    counts = dict(zip(given, aligned(**{gate.name: part for gate, part in given.items()}), strict=True))
    for (outer, parent), (inner, part) in pairwise(counts.items()):
        _refuse_more(f"events[{inner.name}]", part, f"events[{outer.name}]", parent)
    for gate in PROPORTIONS[proportion]:
        if gate not in counts:
            raise ValueError(f"`{proportion}` needs the events of {gate}")
    found, parent = (counts[gate] for gate in PROPORTIONS[proportion])
    enough = parent.compare(">=", none_below)
    percent = _ratio(found, parent, enough).scaled(100).clamped(0, 100)
    none = Known.unknown(np.where(percent.is_exact, MISSING, percent.reasons))
    share, size = percent.bounds.lo / 100, np.where(percent.is_exact, parent.bounds.lo, 1)
    spread = Known.exactly(100 * np.sqrt(share * (1 - share) / size))
    return CellProportion(
        percent,
        parent.compare("<", sparse_below),
        found.through(lambda n: 100 / np.sqrt(n), is_falling=True).where(percent.is_exact, none),
        spread.where(percent.is_exact, none),
    )


def cells_per_ul(lymphocytes: Numbers, *, unit: Unit, percents: Sequence[Numbers]) -> Known:
    """Absolute cells per microlitre: lymphocytes times each of a chain of percentages.

    Parameters
    ----------
    lymphocytes : Numbers of shape (n,)
        Of the blood count.
    unit : str, None, or one for each row
        Of `lymphocytes`.
    percents : sequence of Numbers of shape (n,)
        CD3+ of lymphocytes, CD8+ of those, PD-1+ of those.
    """
    read = {f"percents[{i}]": _as_percent(f"percents[{i}]", percent) for i, percent in enumerate(percents)}
    cells, *parts = aligned(
        lymphocytes=as_known("lymphocytes", lymphocytes, concept="lymphocytes", unit=unit, to="cells/uL"),
        **read,
    )
    for part in parts:
        cells = cells.times(part.scaled(0.01))
    return cells


def is_usable_sample(
    *,
    viability_percent: Numbers,
    hours_to_processing: Numbers,
    was_frozen: Answers,
    least_fresh: float,
    least_thawed: float,
    most_hours: float,
) -> Codes:
    """Judge whether a blood sample is good enough for flow cytometry.

    Parameters
    ----------
    viability_percent, hours_to_processing : Numbers of shape (n,)
    was_frozen : True, False or None for each row
    least_fresh, least_thawed : float
        Least viability in percent. Default of the trials: 80 and 70.
    most_hours : float
        From the draw to processing. Default of the trials: 24.
    """
    viability = _as_percent("viability_percent", viability_percent)
    hours = as_plain("hours_to_processing", hours_to_processing, least=0)
    fresh, thawed, frozen, is_prompt = aligned(
        viability_percent=viability.compare(">=", least_fresh),
        thawed=viability.compare(">=", least_thawed),
        was_frozen=as_answers("was_frozen", was_frozen),
        hours_to_processing=hours.compare("<=", most_hours),
    )
    return all_of([choose_codes(frozen, thawed, fresh), is_prompt])


# --- PD-L1 -----------------------------------------------------------------------------------------------------------


def tumour_proportion_score(stained_tumour: Numbers, *, viable_tumour: Numbers, least_viable: int) -> Known:
    """PD-L1 tumour proportion score (TPS): stained viable tumour cells of all viable tumour cells, in percent.

    Parameters
    ----------
    stained_tumour, viable_tumour : whole numbers of shape (n,)
        Cells counted; stained are those with partial or complete membrane staining of any intensity.
    least_viable : int
        Viable tumour cells without which there is no result. Clone 22C3: 100 (not re-read).

    Raises
    ------
    ValueError
        If more tumour cells are stained than viable, or a number is no count.
    """
    stained, viable = aligned(
        stained_tumour=_as_counts("stained_tumour", stained_tumour),
        viable_tumour=_as_counts("viable_tumour", viable_tumour),
    )
    _refuse_more("stained_tumour", stained, "viable_tumour", viable)
    return _ratio(stained, viable, viable.compare(">=", least_viable)).scaled(100).clamped(0, 100)


def combined_positive_score(
    stained_tumour: Numbers, stained_immune: Numbers, *, viable_tumour: Numbers, least_viable: int, cap: float
) -> Known:
    """PD-L1 combined positive score (CPS): stained tumour and immune cells per 100 viable tumour cells, no unit.

    Parameters
    ----------
    stained_tumour, stained_immune, viable_tumour : whole numbers of shape (n,)
        Immune cells are lymphocytes and macrophages within tumour nests or the stroma beside them, with membrane or
        cytoplasm staining; plasma cells, neutrophils and eosinophils do not count.
    least_viable : int
        As for `tumour_proportion_score`.
    cap : float
        The highest score reported: 100.
    """
    tumour, immune, viable = aligned(
        stained_tumour=_as_counts("stained_tumour", stained_tumour),
        stained_immune=_as_counts("stained_immune", stained_immune),
        viable_tumour=_as_counts("viable_tumour", viable_tumour),
    )
    _refuse_more("stained_tumour", tumour, "viable_tumour", viable)
    score = _ratio(tumour.plus(immune), viable, viable.compare(">=", least_viable)).scaled(100)
    return score.clamped(0, cap)


class Groups(NamedTuple):
    """Groups of a score: where each ends and the next begins, what they are called, and who says so."""

    cuts: tuple[Cut, ...]
    levels: tuple[str, ...]
    source: str

    def of(self, numbers: Known) -> Categories:
        """The group of each number."""
        return band(numbers, self.cuts, self.levels)


_CLONE = "PD-L1 IHC 22C3; no cut is validated for hepatocellular carcinoma"
TPS_GROUPS = Groups(((">=", 1), (">=", 50)), ("< 1", "1-49", ">= 50"), _CLONE)
CPS_GROUPS = Groups(((">=", 1), (">=", 10)), ("< 1", "1-< 10", ">= 10"), _CLONE)
INFILTRATION_GROUPS = Groups(
    ((">", 25), (">", 70)), ("low", "intermediate", "high"), "Immunoscore, colon cancer (not re-read)"
)
AFP_GROUPS = Groups(
    ((">=", 20), (">=", 400)), ("< 20", "20-< 400", ">= 400"), "default of the trials, in ng/mL"
)

# --- T-cell infiltration ---------------------------------------------------------------------------------------------


def density_percentile(density_per_mm2: Numbers, *, reference_per_mm2: npt.ArrayLike) -> Known:
    """The place of densities in a reference distribution, in percent: those below, and half of those equal.

    Parameters
    ----------
    density_per_mm2 : Numbers of shape (n,)
        Cells per square millimetre.
    reference_per_mm2 : array-like of shape (m,)
        The distribution, frozen once for a study so that scores stay as they are.

    Raises
    ------
    ValueError
        If the reference is empty or has a value missing.
    """
    densities = as_plain("density_per_mm2", density_per_mm2, least=0)
    reference = as_plain("reference_per_mm2", reference_per_mm2, least=0)
    if not len(reference) or not reference.is_exact.all():
        raise ValueError("`reference_per_mm2` must hold at least one density, and none may be missing")
    ranked = np.sort(reference.bounds.lo)

    def place(numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        below, to = (np.searchsorted(ranked, numbers, side) for side in ("left", "right"))
        return np.asarray(50.0 * (below + to) / len(ranked))

    bounds = densities.bounds
    return Known(Intervals(place(bounds.lo), place(bounds.hi)), densities.reasons, is_calculated=True)


def mean_percentile(percentiles: Sequence[Numbers]) -> Known:
    """Option A: the mean of the percentiles of CD3 and CD8 density in tumour centre and invasive margin, 0 to 100.

    Parameters
    ----------
    percentiles : sequence of four Numbers of shape (n,)
        One for each marker and region; where one is missing the mean is a range.

    Raises
    ------
    ValueError
        If there are not four, or one lies above 100.
    """
    parts = _four("percentiles", percentiles)
    read = {f"percentiles[{i}]": _as_percent(f"percentiles[{i}]", part) for i, part in enumerate(parts)}
    return sum_of(aligned(**read)).scaled(0.25)


def count_high(densities_per_mm2: Sequence[Numbers], *, cuts_per_mm2: Sequence[float]) -> Known:
    """Option B: in how many of four compartments the density lies above its cut, 0 to 4.

    In hepatocellular carcinoma 2 and more counted as high (Sun 2015).
    """
    parts, cuts = _four("densities_per_mm2", densities_per_mm2), list(cuts_per_mm2)
    _four("cuts_per_mm2", cuts)
    counts = []
    for position, (density, cut) in enumerate(zip(parts, cuts, strict=True)):
        codes = as_plain(f"densities_per_mm2[{position}]", density, least=0).compare(">", cut)
        least, most = (codes == MET).astype(float), (codes != NOT_MET).astype(float)
        counts.append(Known(Intervals(least, most), np.where(least == most, NOT_MET, codes)))
    return sum_of(counts)


def is_highly_infiltrated(cd8_centre_per_mm2: Numbers, *, above_per_mm2: float) -> Codes:
    """Option C: whether the density of CD8+ cells in the tumour centre lies above a cut (93 per mm2, Sun 2015)."""
    return as_plain("cd8_centre_per_mm2", cd8_centre_per_mm2, least=0).compare(">", above_per_mm2)


# --- AFP -------------------------------------------------------------------------------------------------------------


def afp_response(
    afp: Numbers,
    *,
    unit: Unit,
    baseline_afp: Numbers,
    baseline_unit: Unit,
    least_fall: float,
    least_baseline: float,
) -> Codes:
    """Judge whether AFP has fallen by at least a part of its baseline; not applicable to a low baseline.

    Parameters
    ----------
    afp, baseline_afp : Numbers of shape (n,)
    unit, baseline_unit : str, None, or one for each row
    least_fall : float
        Part of baseline, itself included: 0.2, at 8 weeks. Default of the trials.
    least_baseline : float, ng/mL
        Least baseline to which the question applies, itself included: 20. Default of the trials.
    """
    if not 0 < least_fall < 1:
        raise ValueError(f"`least_fall` must be a part of baseline between 0 and 1, not {least_fall!r}")
    value, baseline = aligned(
        afp=as_known("afp", afp, concept="afp", unit=unit),
        baseline_afp=as_known("baseline_afp", baseline_afp, concept="afp", unit=baseline_unit),
    )
    applies = baseline.compare(">=", least_baseline)
    fallen = value.compare("<=", baseline.scaled(1 - least_fall))
    return np.where(applies == MET, fallen, np.where(applies == NOT_MET, NOT_APPLICABLE, applies))


# --- reading ---------------------------------------------------------------------------------------------------------


def _as_counts(name: str, values: Numbers) -> Known:
    return as_plain(name, values, least=0, are_whole=True)


def _as_percent(name: str, values: Numbers) -> Known:
    return as_plain(name, values, least=0, most=100)


def _refuse_more(name: str, part: Known, whole_name: str, whole: Known) -> None:
    more: Flags = np.asarray(part.bounds.lo > whole.bounds.hi)
    if more.any():
        position = int(np.argmax(more))
        found, limit = part.bounds.lo[position], whole.bounds.hi[position]
        raise ValueError(f"`{name}[{position}]` must be at most `{whole_name}`, {limit:g}, not {found:g}")


def _ratio(part: Known, whole: Known, is_enough: Codes) -> Known:
    """The quotient, and nothing where the whole is too small or not known to be large enough."""
    reason = np.where(is_enough == NOT_MET, MISSING, is_enough)
    return part.over(whole).where(
        is_enough == MET, Known.unknown(np.where(is_enough == MET, MISSING, reason))
    )


def _four(name: str, values: Sequence[Numbers]) -> list[Numbers]:
    listed = list(values)
    if len(listed) != 4:
        raise ValueError(f"`{name}` must be four (CD3 and CD8, in centre and margin), not {len(listed)}")
    return listed
