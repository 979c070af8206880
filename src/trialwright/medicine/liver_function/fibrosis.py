"""Indices of liver fibrosis from blood: FIB-4 and APRI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from trialwright.medicine.amounts import as_known, as_limits
from trialwright.medicine.arguments import aligned, as_age, as_plain
from trialwright.medicine.bands import Cut, band
from trialwright.medicine.known import Categories, Known, Numbers


@dataclass(frozen=True, slots=True)
class FibrosisCuts:
    """Cuts of an index and the groups between them, from low to high."""

    cuts: tuple[Cut, ...]
    groups: tuple[str, ...]
    source: str


FIB_4_CUTS: Mapping[str, FibrosisCuts] = MappingProxyType(
    {
        "HIV/HCV": FibrosisCuts(
            ((">=", 1.45), (">", 3.25)),
            ("low", "indeterminate", "high"),
            "Sterling et al., Hepatology 2006;43:1317-1325",
        ),
        "NAFLD": FibrosisCuts(
            ((">=", 1.3), (">", 2.67)),
            ("low", "indeterminate", "high"),
            "Shah et al., Clin Gastroenterol Hepatol 2009;7:1104-1112",
        ),
    }
)
APRI_CUTS: Mapping[str, FibrosisCuts] = MappingProxyType(
    {
        "WHO 2024": FibrosisCuts(
            ((">", 0.5), (">", 1.0)),
            ("below", "significant fibrosis", "cirrhosis"),
            "WHO, Guidelines for hepatitis B, 2024: adults",
        ),
        "Wai 2003": FibrosisCuts(
            ((">", 1.5), (">", 2.0)),
            ("below", "significant fibrosis", "cirrhosis"),
            "Wai et al., Hepatology 2003;38:518-526: the upper of their two limits for each",
        ),
    }
)


def compute_fib_4(
    *,
    age_years: Numbers,
    ast: Numbers,
    ast_unit: str | npt.ArrayLike,
    alt: Numbers,
    alt_unit: str | npt.ArrayLike,
    platelets: Numbers,
    platelets_unit: str | npt.ArrayLike,
) -> Known:
    """FIB-4: age x AST / (platelets x square root of ALT), in years, U/L and 10^9/L.

    Parameters
    ----------
    age_years, ast, alt, platelets : Known, Intervals or array-like of shape (n,)
        NaN where not known.
    ast_unit, alt_unit, platelets_unit : str, or array-like of str of shape (n,)

    Returns
    -------
    index : Known of shape (n,)
        Undefined where platelets or ALT are 0.

    Raises
    ------
    ValueError
        If a value is impossible, or a unit is none of its kind.

    References
    ----------
    .. [1] Sterling et al., Hepatology 2006;43:1317-1325.
    """
    parts = {
        "age_years": as_age("age_years", age_years),
        "ast": as_known("ast", ast, concept="ast", unit=ast_unit, to="U/L"),
        "alt": as_known("alt", alt, concept="alt", unit=alt_unit, to="U/L").through(np.sqrt),
        "platelets": as_known("platelets", platelets, concept="platelets", unit=platelets_unit, to="10^9/L"),
    }
    age, leaked, root, count = aligned(**parts)
    return age.times(leaked).over(count.times(root))


def compute_apri(
    *,
    ast: Numbers,
    ast_uln: Numbers,
    ast_unit: str | npt.ArrayLike,
    platelets: Numbers,
    platelets_unit: str | npt.ArrayLike,
) -> Known:
    """APRI: 100 x (AST / its upper limit of normal) / platelets in 10^9/L.

    Parameters
    ----------
    ast, platelets : Known, Intervals or array-like of shape (n,)
        NaN where not measured.
    ast_uln : Known, Intervals or array-like of shape (n,)
        In the unit of `ast`; NaN where the laboratory did not give it.
    ast_unit, platelets_unit : str, or array-like of str of shape (n,)

    Returns
    -------
    index : Known of shape (n,)
        Undefined where platelets are 0.

    Raises
    ------
    ValueError
        If a value is impossible (a limit of 0), or a unit is none of its kind.

    References
    ----------
    .. [1] Wai et al., Hepatology 2003;38:518-526.
    """
    parts = {
        "ast": as_known("ast", ast, concept="ast", unit=ast_unit, to="U/L"),
        "ast_uln": as_limits("ast_uln", ast_uln, concept="ast", unit=ast_unit),
        "platelets": as_known("platelets", platelets, concept="platelets", unit=platelets_unit, to="10^9/L"),
    }
    leaked, limit, count = aligned(**parts)
    return leaked.scaled(100).over(limit).over(count)


def classify_fibrosis(index: Numbers, *, cuts: FibrosisCuts) -> Categories:
    """The group of each FIB-4 or APRI by one of `FIB_4_CUTS` or `APRI_CUTS`."""
    return band(as_plain("index", index, least=0), cuts.cuts, cuts.groups)
