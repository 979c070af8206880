"""What a document says of comparisons that are withheld, or shown before their time."""

from __future__ import annotations

from trialwright.analysis.looks import UNPLANNED, Disclosure
from trialwright.protocol.model import Protocol
from trialwright.reports.blocks import Block, Bullets, Callout, Paragraph, Ref, Section, Term, Text
from trialwright.reports.printed import Said


def look_mark(disclosure: Disclosure) -> tuple[str, ...]:
    """The mark of every page and picture of a document that shows comparisons before their time."""
    return (f"{UNPLANNED} {disclosure.look.number}".upper(),) if disclosure.look else ()


def disclosure_sections(protocol: Protocol, disclosure: Disclosure) -> tuple[Section, ...]:
    """What is withheld and until when, or by which look it is shown; nothing where there is nothing to say."""
    blocks = tuple(_blocks(Said(protocol), disclosure))
    return (Section("comparisons", Text("Comparisons of the groups"), blocks),) if blocks else ()


def _blocks(said: Said, disclosure: Disclosure) -> list[Block]:
    look = disclosure.look
    if look is not None:
        mark = Term(f"{UNPLANNED} {look.number}", Ref.data("looks.jsonl"))
        why = Text("Reason given: ", Term(look.reason, Ref.data("looks.jsonl")))
        what = Text(
            "It is logged, and every number it shows says so. Limits and p-values do not account for it."
        )
        return [
            Callout("warning", Text("Comparisons are shown before the final data cut: ", mark), (why, what))
        ]
    if disclosure.withheld:
        why = Text(
            "Groups are compared for efficacy at the final data cut and not before: who has seen a difference treats the next "
            "patient by it. Tables of harms are by group."
        )
        titles = tuple(
            Text(said.setting(id_, "title", said.protocol.analyses[id_].title)) for id_ in disclosure.withheld
        )
        reason = Text(Term(disclosure.why_withheld.capitalize(), Ref.protocol("reporting.final cut")), ".")
        return [Callout("note", reason, (why,)), Bullets(titles)]
    if disclosure.why_shown:
        return [Paragraph(Text(disclosure.why_shown))]
    return []
