"""The LI-RADS v2018 treatment response (LR-TR) of a lesion after local therapy."""

from __future__ import annotations

import numpy as np

from trialwright.medicine.arguments import Answers, Levels, as_answers, as_levels, row_count, spread
from trialwright.medicine.known import MET, NOT_MET, Categories, first_match
from trialwright.medicine.lirads.observations import UNSURE, Features, sure
from trialwright.vocabulary.verdicts import Codes, Reason, all_of, any_of, negate

RESPONSES = ("nonevaluable", "nonviable", "equivocal", "viable")
ENHANCEMENT = ("none", "expected", "atypical")
SOURCE = "ACR CT/MRI LI-RADS v2018 Core, treatment response; criteria as in PMC6287184, table 4"


def categorise_treated(
    *,
    is_evaluable: Answers,
    has_tissue: Features,
    has_aphe: Features,
    has_washout: Features,
    enhances_as_before: Features,
    enhancement: Levels,
) -> Categories:
    """Categorise lesions after ablation, embolisation or radiation, by v2018.

    Systemic therapy is not covered. A resection margin has no treated lesion: use `categorise_observations` there.

    Parameters
    ----------
    is_evaluable : array-like of bool or None, or verdict codes, of shape (n,)
        False where images are degraded or missing.
    has_tissue : array-like of bool, `unsure` or None, or verdict codes, of shape (n,)
        Nodular, mass-like or thick irregular tissue in or along the lesion.
    has_aphe, has_washout, enhances_as_before : as `has_tissue`
        What that tissue shows; any of the three makes it viable.
    enhancement : Categories or array-like of str of shape (n,)
        Of the whole lesion: `none`, `expected` for the treatment given, or `atypical`.

    Returns
    -------
    response : Categories of shape (n,)
        `nonevaluable`, `nonviable`, `equivocal` or `viable`. Where viability hangs on a feature that the reader is
        `unsure` of, the lesion is equivocal. A lesion said not to enhance whose tissue is said to enhance or to wash
        out is viable or nonviable, in conflict.

    Raises
    ------
    ValueError
        If a level is another.

    References
    ----------
    .. [1] ACR CT/MRI LI-RADS v2018 Core; PMC6287184, table 4.
    """
    features = {
        "has_tissue": has_tissue,
        "has_aphe": has_aphe,
        "has_washout": has_washout,
        "enhances_as_before": enhances_as_before,
    }
    evaluable = as_answers("is_evaluable", is_evaluable)
    surely = {name: sure(name, values) for name, values in features.items()}
    perhaps = {name: sure(name, values, unsure_as=True) for name, values in features.items()}
    if enhancement is None or isinstance(enhancement, str):
        enhancement = [enhancement]
    if not isinstance(enhancement, Categories):
        enhancement = [ENHANCEMENT[-1] if level == UNSURE else level for level in enhancement]
    pattern = as_levels("enhancement", enhancement, ENHANCEMENT)
    n = row_count(is_evaluable=evaluable, enhancement=pattern, **surely)
    pattern = spread(pattern, n)

    def is_viable(read: dict[str, Codes]) -> Codes:
        tissue, *shows = (spread(codes, n) for codes in read.values())
        return all_of([tissue, any_of(shows)])

    contradicts = (is_viable(surely) == MET) & (pattern.is_in("none") == MET)
    viable = np.where(contradicts, np.uint8(Reason.CONFLICT.code), is_viable(surely))
    doubtful = np.where(contradicts, np.uint8(NOT_MET), is_viable(perhaps))
    return first_match(
        RESPONSES,
        [
            ("nonevaluable", negate(spread(evaluable, n))),
            ("viable", viable),
            ("equivocal", doubtful),
            ("nonviable", pattern.is_in("none", "expected")),
        ],
        np.tile([response == "equivocal" for response in RESPONSES], (n, 1)),
    )
