"""How numbers are printed: each as few digits as a reader needs, with the full value and its result behind it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from string import Formatter

from trialwright.analysis.results import Finding, Result, Results
from trialwright.protocol.categories import category_words, level_words, short_level_words, treatment_words
from trialwright.protocol.model import Protocol
from trialwright.reports.blocks import Number, Ref, Term, Text

PrintedAs = Callable[[float], str]

_PLAIN_WORD = re.compile(r"[a-z]+(?![A-Za-z0-9])")


def capitalised(words: str) -> str:
    """Words as a row begins with them: with a capital, unless the letters mean something (`pH`)."""
    return words[:1].upper() + words[1:] if _PLAIN_WORD.match(words) else words


def cause_words(codes: str) -> str:
    """Causes as a sentence has them.

    >>> cause_words("HBV, IMMUNE-MEDIATED")
    'HBV, immune-mediated'
    """
    return codes.lower().replace("hbv", "HBV")


@dataclass(frozen=True, slots=True)
class Said:
    """What a protocol says, each piece with its path."""

    protocol: Protocol

    def said(self, text: object, path: str) -> Term:
        """Words or settings of the protocol, with their path."""
        return Term(str(text), Ref.protocol(path))

    def fact(self, name: str) -> Term:
        return self.said(*category_words(self.protocol, name))

    def heading(self, name: str) -> Term:
        """A fact where it begins a row: with a capital, unless its letters mean something (`pH`)."""
        words, path = category_words(self.protocol, name)
        return self.said(capitalised(words), path)

    def level(self, fact: str, level: str) -> Term:
        return self.said(*level_words(self.protocol, fact, level))

    def short_level(self, fact: str, level: str) -> Term:
        """A level where it is compared with another."""
        return self.said(*short_level_words(self.protocol, fact, level))

    def endpoint(self, name: str) -> Term:
        return self.said(self.protocol.endpoints[name].label, f"endpoints.{name}.label")

    def population(self, name: str) -> Term:
        return self.said(self.protocol.populations[name].label, f"populations.{name}.label")

    def treatment(self, name: str) -> Term:
        return self.said(*treatment_words(self.protocol, name))

    def moment(self, text: str, path: str) -> Term:
        """A moment that time counts from: the label of an anchor, else as the element at `path` says it, with labels for names."""
        anchor = self.protocol.anchors.get(text)
        if anchor is not None and anchor.label:
            return self.said(anchor.label, f"anchors.{text}.label")
        which, _, name = text.rpartition(" ")
        event = self.protocol.events.get(name)
        if event is not None and event.label:
            return self.said(f"{which} {event.label}".strip(), path)
        if name in self.protocol.treatments:
            return self.said(f"{which} {treatment_words(self.protocol, name)[0]}".strip(), path)
        return self.said(text.replace("_", " "), path)

    def span(self, during: str, path: str) -> Term:
        """The days in which something counts, those of a period or of a treatment."""
        period = self.protocol.periods.get(during)
        if period is not None:
            return self.said(period.span.replace("_", " "), f"periods.{during}.span")
        if during in self.protocol.treatments:
            words, path = treatment_words(self.protocol, during)
            return self.said(f"first to last day of {words}", path)
        return self.said(during.replace("_", " "), path)

    def setting(self, analysis: str, key: str, text: object) -> Term:
        return self.said(text, f"analyses.{analysis}.{key}")

    def term(self, item: str) -> Text:
        """A term of a model: `age`, or `bclc=code_2` as its fact and level."""
        name, _, level = item.partition("=")
        return Text(self.heading(name), *((": ", self.short_level(name, level)) if level else ()))


@dataclass(frozen=True, slots=True)
class Source(Said):
    """The two things a report is made of: the protocol and its results."""

    results: Results

    def count(self, id_: str) -> Text:
        return self._printed(id_, lambda value: f"{value:,.0f}")

    def decimals(self, id_: str, digits: int) -> Text:
        return self._printed(id_, lambda value: fixed(value, digits))

    def ratio(self, id_: str, digits: int) -> Text:
        """A ratio; one that would be rounded to 0 is said to be below the least that can be printed."""
        return self._printed(id_, lambda value: print_ratio(value, digits))

    def measured(self, id_: str) -> Text:
        """A measurement: one decimal, and none from a thousand on."""
        return self._printed(id_, lambda value: f"{value:,.0f}" if abs(value) >= 1000 else fixed(value, 1))

    def percent(self, id_: str) -> Text:
        return self._printed(id_, lambda value: f"{fixed(100 * value, 1)} %")

    def percent_bare(self, id_: str) -> Text:
        """A percentage without its sign, for limits in brackets behind one that has it."""
        return self._printed(id_, lambda value: fixed(100 * value, 1))

    def p_value(self, id_: str) -> Text:
        return self._printed(id_, print_p_value)

    def p_equals(self, id_: str) -> Text:
        """`p = 0.020`, but `p <0.001`."""
        printed = self.p_value(id_)
        return Text("p " if printed.plain[:1] in "<>" else "p = ", printed)

    def degrees_of_freedom(self, id_: str) -> Text:
        one = self.results[id_].value == 1
        return Text(self.count(id_), " degree of freedom" if one else " degrees of freedom")

    def interval(self, low: Text, high: Text) -> Text:
        """Limits as printed elsewhere, in brackets; a limit that does not exist says why."""
        return Text("(", low, " to ", high, ")")

    def _printed(self, id_: str, as_text: PrintedAs) -> Text:
        row = self.results[id_]
        return Text(
            Term(row.note, Ref.result(row.id))
            if row.value is None
            else Number(as_text(row.value), Ref.result(row.id), _value(row))
        )

    def finding(self, finding: Finding) -> Text:
        """The message of a finding with its numbers in place."""
        pieces: list[str | Term | Text] = []
        for literal, name in _template(finding.message):
            pieces.append(literal)
            if name is not None and name in finding.words:
                pieces.append(self.said(*finding.words[name]))
            elif name:
                id_ = finding.numbers[name]
                pieces.append(self.p_equals(id_) if id_.endswith("p_value") else self.count(id_))
        return Text(*(piece for piece in pieces if piece))


def _template(message: str) -> Iterator[tuple[str, str | None]]:
    """The literal pieces of a template, each with the name that follows it."""
    return ((literal, name) for literal, name, _, _ in Formatter().parse(message))


def _value(row: Result) -> float:
    assert row.value is not None  # noqa: S101 -- the caller has looked
    return int(row.value) if row.value.is_integer() and abs(row.value) < 1e15 else row.value


def fixed(value: float, digits: int) -> str:
    """Fixed decimals, halves away from zero as people round, with a true minus sign and no negative zero."""
    rounded = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return f"{abs(rounded) if rounded == 0 else rounded:f}".replace("-", "−")


def print_p_value(value: float) -> str:
    """Two decimals, three below 0.1 and above 0.99, and nothing finer than 0.001 from either end."""
    if value < 0.001:
        return "<0.001"
    if value > 0.999:
        return ">0.999"
    return fixed(value, 3 if value < 0.1 or value > 0.99 else 2)


def print_ratio(value: float, digits: int) -> str:
    """Fixed decimals, and `<0.01` for what they would make 0: a ratio of things that happened is never 0.

    >>> print_ratio(0.0049, 2), print_ratio(0.005, 2), print_ratio(0, 2)
    ('<0.01', '0.01', '0.00')
    """
    least = Decimal(1).scaleb(-digits)
    return f"<{least}" if value > 0 and Decimal(repr(float(value))) < least / 2 else fixed(value, digits)


def ratio_digits(ratio: float) -> int:
    """Two decimals for a ratio and its limits, three from 0.9 to 1.1, where two would hide the direction."""
    return 3 if 0.9 <= ratio <= 1.1 else 2
