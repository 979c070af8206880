"""The words of response and of what readers see, as small whole numbers that arrays hold.

Each word is one uint8. Those of responses rise with how good they are, so the best of several is the
greatest.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from trialwright.vocabulary.verdicts import Codes, Reason, Verdict, as_codes, judge

Words = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]

MET, NOT_MET = Verdict.MET.code, Verdict.NOT_MET.code


class Response(IntEnum):
    """Response by RECIST 1.1; `NO_LESIONS` says that there were no such lesions at baseline."""

    MISSING = 0
    NE = 1
    PD = 2
    NON_CR_NON_PD = 3
    SD = 4
    PR = 5
    CR = 6
    NO_LESIONS = 7

    @property
    def word(self) -> str:
        """As CDISC writes it: `NON-CR/NON-PD`."""
        return {"NON_CR_NON_PD": "NON-CR/NON-PD", "NO_LESIONS": "NO LESIONS"}.get(self.name, self.name)


class ImmuneResponse(IntEnum):
    """Response by iRECIST."""

    MISSING = 0
    NE = 1
    IUPD = 2
    ICPD = 3
    NON_ICR_NON_IUPD = 4
    ISD = 5
    IPR = 6
    ICR = 7

    @property
    def word(self) -> str:
        """As CDISC writes it: `iUPD`."""
        if self.name == "NON_ICR_NON_IUPD":
            return "NON-iCR/NON-iUPD"
        return f"i{self.name[1:]}" if self.name.startswith("I") else self.name


class Role(IntEnum):
    """What a lesion is followed as."""

    TARGET = 0
    NON_TARGET = 1
    NEW = 2

    @property
    def word(self) -> str:
        return self.name.replace("_", "-")


class State(IntEnum):
    """What a reader saw of a lesion without measuring it, or besides."""

    NOT_ASSESSED = 0
    ABSENT = 1
    PRESENT = 2
    TOO_SMALL = 3
    PROGRESSED = 4
    EQUIVOCAL = 5
    UNEQUIVOCAL = 6

    @property
    def word(self) -> str:
        """As in the column TUMSTATE: `TOO SMALL TO MEASURE`, `UNEQUIVOCAL PROGRESSION`."""
        longer = {"TOO_SMALL": "TOO SMALL TO MEASURE", "PROGRESSED": "UNEQUIVOCAL PROGRESSION"}
        return longer.get(self.name, self.name.replace("_", " "))


OBJECTIVE_RESPONSE = (Response.CR, Response.PR)
DISEASE_CONTROL = (Response.CR, Response.PR, Response.SD, Response.NON_CR_NON_PD)

Kind = TypeVar("Kind", Response, ImmuneResponse, Role, State)


def encode(
    kind: type[Kind], words: Iterable[str | None], *, missing: Kind, other: Kind | None = None
) -> Words:
    """Turn words into the codes of arrays.

    Parameters
    ----------
    kind : Response, ImmuneResponse, Role or State
    words : iterable of str and None, n of them
        As `word` spells them.
    missing : a member of `kind`
        What None stands for.
    other : a member of `kind`, optional
        What a word stands for that is none of them; without it such a word is refused. `questions` finds
        them.

    Returns
    -------
    codes : ndarray of uint8 of shape (n,)

    Raises
    ------
    ValueError
        If a word is none of this kind, with its position.

    Examples
    --------
    >>> encode(Response, ["PR", None, "NON-CR/NON-PD"], missing=Response.NE)
    array([5, 1, 3], dtype=uint8)
    """
    known: dict[str | None, int] = {None: int(missing), **{member.word: int(member) for member in kind}}
    codes = []
    for position, word in enumerate(words):
        code = known.get(word, other)
        if code is None:
            listed = ", ".join(member.word for member in kind)
            raise ValueError(f"word {position} must be one of {listed}, not {word!r}")
        codes.append(int(code))
    return np.array(codes, dtype=np.uint8)


def decode(kind: type[Kind], codes: npt.ArrayLike) -> list[str]:
    """The words of codes.

    Examples
    --------
    >>> decode(Response, [6, 3])
    ['CR', 'NON-CR/NON-PD']
    """
    words = [member.word for member in kind]
    return [words[code] for code in as_words(kind, "codes", codes).tolist()]


def as_words(kind: type[Kind], name: str, codes: npt.ArrayLike, *, length: int | None = None) -> Words:
    """Check that an array holds codes of one kind, and as many as needed.

    Raises
    ------
    ValueError
        If the length is another, or a number stands for no word, with its position.
    """
    array = np.asarray(codes)
    if array.ndim != 1 or (length is not None and len(array) != length):
        needed = "one dimension" if length is None else f"{length} values"
        raise ValueError(f"`{name}` must have {needed}, not shape {array.shape}")
    if len(array) and array.dtype.kind not in "iu":
        raise ValueError(f"`{name}` must hold codes of {kind.__name__}, not {array.dtype}: use `encode`")
    refused = (array < 0) | (array >= len(kind))
    if refused.any():
        position = int(np.argmax(refused))
        raise ValueError(f"`{name}[{position}]` must be the code of a {kind.__name__}, not {array[position]}")
    return array.astype(np.uint8)


def judge_among(kind: type[Kind], codes: npt.ArrayLike, among: Iterable[Kind]) -> Codes:
    """Whether each response is one of several; unknown (missing) where it is not evaluable or there is none.

    Parameters
    ----------
    kind : Response or ImmuneResponse
    codes : array-like of codes of shape (n,)
    among : members of `kind`
        Those that count: `OBJECTIVE_RESPONSE`, `DISEASE_CONTROL` ...

    Returns
    -------
    verdicts : ndarray of uint8 of shape (n,)
    """
    responses = as_words(kind, "codes", codes)
    asked = np.isin(responses, [int(member) for member in among])
    return judge(surely=asked, never=~asked & (responses > kind["NE"]), reason=Reason.MISSING)


def as_verdicts(name: str, codes: npt.ArrayLike | None, length: int, *, otherwise: Verdict) -> Codes:
    """Verdict codes of an argument that may be left out, one for each row.

    Raises
    ------
    ValueError
        If the length is another.
    """
    if codes is None:
        return np.full(length, otherwise.code, dtype=np.uint8)
    array = as_codes(codes)
    if array.shape != (length,):
        raise ValueError(f"`{name}` must have {length} values, not shape {array.shape}")
    return array


def as_flags(name: str, values: npt.ArrayLike, length: int) -> Flags:
    """True or False for each row.

    Raises
    ------
    ValueError
        If the length is another, or values are not all True or False.
    """
    flags = np.asarray(values)
    if flags.shape != (length,) or (length and flags.dtype != np.bool_):
        raise ValueError(
            f"`{name}` must hold True or False in each of {length} rows,"
            f" not {flags.dtype} of shape {flags.shape}"
        )
    return flags.astype(np.bool_)
