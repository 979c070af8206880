"""HBV-associated hepatitis: reactivation and flare in one person, in any order or linked in time."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

from trialwright.medicine.amounts import as_known
from trialwright.medicine.arguments import aligned
from trialwright.medicine.hepatitis_b.events import Event, Judged, linked_event
from trialwright.medicine.known import Numbers
from trialwright.medicine.moments import Times
from trialwright.vocabulary.verdicts import Codes, all_of, any_of, as_codes


class Samples(NamedTuple):
    """Whose samples, when taken, and whether each is a reactivation (or a flare) that counts."""

    subjects: Iterable[Hashable]
    times: Times
    codes: Codes


class Link(NamedTuple):
    """How far a reactivation may lie from a flare: from so many days before it to so many after, both included."""

    days_before: int
    days_after: int


def hbv_hepatitis(
    reactivation: Samples, flare: Samples, *, people: Sequence[Hashable], link: Link | None
) -> Event:
    """Judge for each person whether reactivation and flare belong together.

    Parameters
    ----------
    reactivation : Samples
        Each HBV DNA result judged; outside the window not met.
    flare : Samples
        Each ALT result judged; outside the window not met.
    people : sequence of labels
        For whom to answer.
    link : Link, optional
        Without it any order and any distance count: the registry's words. `Link(84, 35)` is the supportive variant:
        DNA rises 2 to 3 weeks before ALT, sampling is monthly, and DNA may be low again when ALT peaks. `Link(84, 0)`
        is strict order. Any qualifying DNA counts, not only the first.

    Returns
    -------
    hepatitis : Event
        The day is the first on which both are there: with a link, of two that are linked.

    References
    ----------
    .. [1] NCT04294498: "HBV reactivation plus hepatitis flare", without an interval.
    .. [2] Yeo et al., J Med Virol 2001;65:473-7.
    """
    return linked_event(
        Judged.read(*reactivation, people=people),
        Judged.read(*flare, people=people),
        n_people=len(people),
        within=None if link is None else (-link.days_after, link.days_before),
    )


def hbv_liver_failure(
    hepatitis: Codes,
    *,
    inr: Numbers,
    bilirubin: Numbers,
    bilirubin_unit: str,
    ascites: Codes,
    encephalopathy: Codes,
    inr_above: float,
    bilirubin_above: float,
    limit_unit: str,
) -> Codes:
    """Judge whether HBV-associated hepatitis came with liver failure: any one of the four.

    Parameters
    ----------
    hepatitis, ascites, encephalopathy : ndarray of uint8, shape (n,)
    inr, bilirubin : Numbers of shape (n,)
    bilirubin_unit, limit_unit : str
        Units of `bilirubin` and of `bilirubin_above`.
    inr_above, bilirubin_above : float
        Limits to be exceeded. AASLD 2018 (not re-read): 1.5 and 3 mg/dL.
    """
    clotting = as_known("inr", inr, concept="inr", unit=None, may_be_zero=False)
    bile = as_known("bilirubin", bilirubin, concept="bilirubin", unit=bilirubin_unit)
    limit = as_known("bilirubin_above", [bilirubin_above], concept="bilirubin", unit=limit_unit)
    is_hepatitis, *signs = aligned(
        hepatitis=as_codes(hepatitis),
        inr=clotting.compare(">", inr_above),
        bilirubin=bile.compare(">", limit),
        ascites=as_codes(ascites),
        encephalopathy=as_codes(encephalopathy),
    )
    return all_of([is_hepatitis, any_of(signs)])
