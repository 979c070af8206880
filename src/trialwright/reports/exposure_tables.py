"""Tables of treatment given and why it ended, of liver complications, and of what flares were due to."""

from __future__ import annotations

from collections.abc import Iterator

from trialwright.analysis.exposure import AMOUNTS, CAUSE_STATES, EXPOSURE
from trialwright.derivations.adattr import FLARE
from trialwright.derivations.adliver import REACTIVATION
from trialwright.protocol.categories import treatment_words
from trialwright.reports.blocks import Column, GroupHeading, Ref, Row, Section, Table, Term, Text
from trialwright.reports.printed import Source, capitalised, cause_words

_AMOUNTS = {
    "NDOSE": "Doses given",
    "TOTDOSE": "Total dose",
    "RDI": "Relative dose intensity, %",
    "EXPDAYS": "Days from first to last and one interval",
    "TRLDAYS": "Days from time zero on, up to death or the cut",
    "COVDAYS": "Days covered",
    "NSKIP": "Doses skipped",
    "NLATE": "Doses late",
    "NGAP14": "Gaps of more than two weeks",
    "MAXGAP": "Longest gap, days",
}
_LIVER = {
    "DECOMP": "Decompensation",
    "ASCITES": "Ascites",
    "ENCEPHAL": "Encephalopathy",
    "VARBLEED": "Variceal bleeding",
    "LIVFAIL": "Liver failure",
    "HELDHEP": "Treatment held for hepatitis",
    "STOPHEP": "Treatment ended for hepatitis",
    "DEATH": "Death from any cause",
}
_KINDS = {
    "flare": "Hepatitis flares",
    "adverse event": "Hepatic adverse events, severe or of unknown grade",
    "laboratory": "Episodes of severe liver tests",
}


def exposure_sections(source: Source) -> tuple[Section, ...]:
    """What was given and what happened to the liver; nothing where there are no records of a trial."""
    if not any(True for _ in source.results.of(EXPOSURE)):
        return ()
    tables = (render_exposure(source), render_ends(source), render_liver(source), render_causes(source))
    return (Section("exposure", Text("Treatment and liver"), tables),)


def render_exposure(source: Source) -> Table:
    """Doses, days and gaps of each treatment, by group."""
    rows: list[Row | GroupHeading] = []
    for treatment in _treatments(source):
        rows.append(GroupHeading(_treatment(source, treatment)))
        rows.append(_counts(source, "Treated, subjects", treatment, "n_treated"))
        for code in AMOUNTS:
            here = [_id(level, f"{treatment} {code}") for level in _levels(source)]
            if f"{here[0]}/median" in source.results:
                digits = 1 if code == "RDI" else 0
                unit = source.results[f"{here[0]}/median"].unit if code == "TOTDOSE" else ""
                label = Text(_AMOUNTS[code], *((", ", Term(unit, Ref.data("ADEXSUM"))) if unit else ()))
                rows.append(Row(label, tuple(_numbers(source, one, digits) for one in here), indent=1))
    notes = (
        Text(
            "Median (quartiles), and from least to most, of those treated. Doses, days and gaps count from the first record of a "
            "treatment, which may lie before time zero."
        ),
        Text(
            "Of subjects whose records do not give a number it is counted how many there are, behind the number."
        ),
    )
    return Table("table-exposure", Text("Treatment given"), _columns(source, "Treatment"), tuple(rows), notes)


def render_ends(source: Source) -> Table:
    """Recorded reasons for the end of each treatment, and whether a rule of the protocol says the same."""
    rows: list[Row | GroupHeading] = [_died(source)]
    for treatment in _treatments(source):
        rows.append(GroupHeading(_treatment(source, treatment)))
        prefix = f"{treatment} ended: "
        for item in _items(source, prefix):
            label = Text("Ended: ", Term(item.removeprefix(prefix), Ref.data("ADEXSUM")))
            rows.append(
                Row(
                    label,
                    tuple(_count(source, level, item, "n_ended") for level in _levels(source)),
                    indent=1,
                )
            )
        rows.append(_counts(source, "No reason for an end recorded", treatment, "n_no_end_recorded"))
        for statistic, words in (
            ("n_by_rule", "A rule of the protocol was met at the end"),
            ("n_without_rule", "None was met: look at these records"),
            ("n_rule_unknown", "Nobody can tell whether one was met"),
        ):
            if f"{_id(None, treatment)}/{statistic}" in source.results:
                rows.append(_counts(source, words, treatment, statistic))
        for item in _items(source, f"{treatment} went on after "):
            rule = item.rpartition(" ")[2]
            text = source.said(
                source.protocol.treatments[treatment].until[rule].text,
                f"treatments.{treatment}.until.{rule}.text",
            )
            cells = tuple(_went_on(source, level, item) for level in _levels(source))
            rows.append(Row(Text("Given once more after: ", text), cells, indent=1))
    return Table("table-ends", Text("Why treatment ended"), _columns(source, "Subjects"), tuple(rows))


def render_liver(source: Source) -> Table:
    """Liver complications from time zero on."""
    rows = []
    for code, words in _LIVER.items():
        item = f"liver {code}"
        if f"{_id(None, item)}/n_with" in source.results:
            cells = tuple(_complication(source, level, item) for level in _levels(source))
            rows.append(Row(Text(words), cells))
    after = (
        "In brackets those in whom it came on or after the day of a first reactivation of hepatitis B; that it came after says "
        "nothing of its cause."
        if REACTIVATION in source.protocol.events
        else "Whether it came after a reactivation of hepatitis B is not told: the protocol has no event for one."
    )
    notes = (
        Text(
            "At any time from time zero on, whether or not it came with treatment: more than among the adverse events that came with "
            "treatment."
        ),
        Text(after, " Of whom nobody can tell is counted behind."),
        Text(
            "From adverse events by their terms, and ascites and encephalopathy from findings; liver failure by laboratory values alone is not looked for."
        ),
    )
    return Table(
        "table-liver", Text("Liver complications"), _columns(source, "Subjects with"), tuple(rows), notes
    )


def render_causes(source: Source) -> Table:
    """How many flares and severe hepatic events have a judged cause, which, and what the data suggest."""
    rows: list[Row | GroupHeading] = []
    for kind, words in _KINDS.items():
        rows.append(GroupHeading(Text(words)))
        rows.append(_counts(source, "Episodes", kind, "n_episodes"))
        if source.results[f"{_id(None, kind)}/n_episodes"].value is None:
            continue
        rows.append(_counts(source, "Subjects", kind, "n_with"))
        rows += [_counts(source, f"Cause {state}", f"{kind} {state}", "n_episodes") for state in CAUSE_STATES]
        for told, label in (
            (f"{kind} judged: ", "Judged: "),
            (f"{kind} suggested: ", "Suggested by the data: "),
        ):
            for item in _items(source, told):
                cells = tuple(_count(source, level, item, "n_episodes") for level in _levels(source))
                rows.append(
                    Row(
                        Text(label, Term(cause_words(item.removeprefix(told)), Ref.data("ADATTR"))),
                        cells,
                        indent=2,
                    )
                )
        rows.append(_counts(source, "Judgement and suggestion differ", kind, "n_differ"))
    unseen = (
        ""
        if FLARE in source.protocol.events
        else f" Flares are not looked for here: the protocol has no event called `{FLARE}`."
    )
    note = Text(
        "Hepatic adverse events are those that came with treatment, and those of which nobody can tell. A cause is what somebody judged. What the data suggest stands beside it and is never taken for it; an episode that was "
        "not judged has no cause.",
        unseen,
    )
    return Table(
        "table-causes", Text("Causes of flares and severe hepatic events, as judged"), _columns(source, "Episodes"), tuple(rows), (note,)
    )  # fmt: skip


# --- parts --------------------------------------------------------------------------------------------------------------


def _levels(source: Source) -> list[str | None]:
    groups = [name for name in source.protocol.groups if f"{EXPOSURE}/{name}/n_subjects" in source.results]
    return [None, *groups]


def _id(level: str | None, item: str) -> str:
    return "/".join(part for part in (EXPOSURE, level, item) if part is not None)


def _columns(source: Source, first: str) -> tuple[Column, ...]:
    return (Column(Text(first), "left"), *(_column(source, level) for level in _levels(source)))


def _column(source: Source, level: str | None) -> Column:
    whom = Text("All") if level is None else Text(source.level("groups", level))
    n = f"{EXPOSURE}/n_subjects" if level is None else f"{EXPOSURE}/{level}/n_subjects"
    return Column(Text(whom, " (n = ", source.count(n), ")"))


def _treatments(source: Source) -> list[str]:
    return [name for name in source.protocol.treatments if f"{_id(None, name)}/n_treated" in source.results]


def _treatment(source: Source, name: str) -> Text:
    label, path = treatment_words(source.protocol, name)
    return Text(source.said(capitalised(label), path))


def _items(source: Source, prefix: str) -> list[str]:
    """The items with a prefix, once each, in the order of the rows."""
    items = (row.item for row in source.results.of(EXPOSURE) if row.item and row.item.startswith(prefix))
    return list(dict.fromkeys(items))


def _count(source: Source, level: str | None, item: str, statistic: str) -> Text:
    """A count; a reason or cause that nobody of a group has is no row of it: none."""
    id_ = f"{_id(level, item)}/{statistic}"
    return source.count(id_) if id_ in source.results else Text("none")


def _counts(source: Source, words: str, item: str, statistic: str) -> Row:
    return Row(
        Text(words), tuple(_count(source, level, item, statistic) for level in _levels(source)), indent=1
    )


def _died(source: Source) -> Row:
    return Row(
        Text("Died, at any time in the records"), tuple(_dead(source, level) for level in _levels(source))
    )


def _dead(source: Source, level: str | None) -> Text:
    here = EXPOSURE if level is None else f"{EXPOSURE}/{level}"
    died = source.count(f"{here}/n_died")
    if not source.results[f"{here}/n_death_unknown"].value:
        return died
    return Text(died, "; unknown ", source.count(f"{here}/n_death_unknown"))


def _numbers(source: Source, here: str, digits: int) -> Text:
    if source.results[f"{here}/median"].value is None:
        return source.decimals(f"{here}/median", digits)
    median, q1, q3, least, most = (
        source.decimals(f"{here}/{name}", digits) for name in ("median", "q1", "q3", "minimum", "maximum")
    )
    unknown: Iterator[Text | str] | tuple[Text | str, ...] = ()
    if source.results[f"{here}/n_unknown"].value:
        unknown = ("; not known of ", source.count(f"{here}/n_unknown"))
    return Text(median, " (", q1, " to ", q3, "), ", least, " to ", most, *unknown)


def _complication(source: Source, level: str | None, item: str) -> Text:
    here = _id(level, item)
    if source.results[f"{here}/n_with"].value is None:
        return source.count(f"{here}/n_with")
    found = source.count(f"{here}/n_with")
    if source.results[f"{here}/n_after_reactivation"].value is not None:
        found = Text(found, " (", source.count(f"{here}/n_after_reactivation"), ")")
    if not source.results[f"{here}/n_unknown"].value:
        return found
    return Text(found, "; unknown ", source.count(f"{here}/n_unknown"))


def _went_on(source: Source, level: str | None, item: str) -> Text:
    here = _id(level, item)
    if f"{here}/n_met" not in source.results:
        return Text("none")
    found = source.count(f"{here}/n_met")
    if not source.results[f"{here}/n_unknown"].value:
        return found
    return Text(found, "; unknown ", source.count(f"{here}/n_unknown"))
