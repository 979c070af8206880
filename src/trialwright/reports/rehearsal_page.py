"""The page of a rehearsal: what a protocol's analyses would conclude, how far they are off, and what costs what."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from trialwright.analysis.results import Result
from trialwright.design.rehearsal.performance import CONFIDENCE
from trialwright.design.rehearsal.questions import Question
from trialwright.design.rehearsal.rehearse import ALPHA, CLOCKS, IN_TRIALS, Rehearsal, Scenario, item_of
from trialwright.design.rehearsal.seen import OF_TRIALS
from trialwright.design.rehearsal.targets import Target
from trialwright.reports.blocks import (
    Block,
    Bullets,
    Callout,
    Code,
    Column,
    Figure,
    GroupHeading,
    Number,
    Page,
    Paragraph,
    Ref,
    Row,
    Section,
    Table,
    Term,
    Text,
)
from trialwright.reports.calendar_tables import contact_label
from trialwright.reports.printed import Source, capitalised, fixed
from trialwright.reports.rehearsal_figures import Dot, DotRow, draw_dots
from trialwright.reports.reproducibility import render_reproducibility
from trialwright.reports.study_report import make_page

_DECISIONS = ("shown_better", "shown_worse")
_ROUNDING = 1e-12
"""A standard error below this is that of equal numbers, but for the arithmetic."""
_FEW = 200
"""Fewer trials leave a share of a half uncertain by more than 3.5 percentage points (one standard error)."""


def build_rehearsal_page(rehearsal: Rehearsal) -> Page:
    """The page, ready for any renderer."""
    source = Source(rehearsal.loaded.protocol, rehearsal.results)
    sections = (
        Section("rehearsal-read-first", Text("Read this first"), tuple(_read_first(rehearsal))),
        Section(
            "rehearsal-scenarios", Text("What the trials were made under"), (_scenarios(source, rehearsal),)
        ),
        *_conclusions(source, rehearsal),
        Section(
            "rehearsal-bias", Text("Each estimate against its own truth"), tuple(_held(source, rehearsal))
        ),
        Section("rehearsal-costs", Text("What visits, assays and time cost"), (_costs(source, rehearsal),)),
        Section("rehearsal-clocks", Text("Clocks and visits"), (_kept(source, rehearsal),)),
        Section("rehearsal-open", Text("What could not be judged"), tuple(_open(source))),
        Section("rehearsal-how", Text("How this was made"), (render_reproducibility(source),)),
    )
    page = make_page(source, sections)
    return replace(
        page,
        subtitle=Text("Rehearsal on virtual trials. ", page.subtitle),
        running=Text(page.running, ", rehearsal"),
    )


def _read_first(rehearsal: Rehearsal) -> Iterator[Block]:
    percent = Term(f"{100 * CONFIDENCE:g} %", Ref.version("rehearsal"))
    trials = Number(f"{rehearsal.trials:,}", Ref.data("virtual trials of each scenario"), rehearsal.trials)
    yield Callout(
        "note",
        Text("No patient here is real"),
        (
            Text(
                "Virtual patients were made under the assumptions of the protocol and under scenarios, ", trials,
                " trials of each. Each trial went through records, derivations and the analyses of the protocol as a real one "
                "would. What comes out says how the analyses would fare if the assumptions held; it says nothing of the drug.",
            ),
            Text(
                "Behind a number after ± stands its Monte-Carlo standard error: what it owes to having run only so many "
                "trials. Behind a share of trials stand its exact ", percent, " limits (Clopper and Pearson), which say something even "
                "where all trials agree; a mean of trials that all have the same number has no error to tell. Scenarios are made "
                "of the same chances, so that their differences are surer than that.",
            ),
        ),
    )  # fmt: skip
    if rehearsal.trials < _FEW:
        yield Callout("warning", Text("Few trials"), (Text("So few trials (", trials, ") show what a rehearsal looks like; nothing should rest on their shares."),))  # fmt: skip


def _scenarios(source: Source, rehearsal: Rehearsal) -> Table:
    columns = (
        Column(Text("Scenario"), "left"),
        Column(Text("What is so"), "left"),
        Column(Text("What it changes"), "left"),
    )
    rows = []
    for one in rehearsal.scenarios:
        said = source.protocol.scenarios.get(one.id)
        name = Text(_named(one), " (", Code(one.id, Ref.protocol(one.path)), ")") if said else _named(one)
        what = source.said(one.words, f"{one.path}.text" if said else one.path)
        rows.append(Row(name, (Text(what), _changes(source, one))))
    note = Text(
        "All are assumed: the protocol file gives each with its reason and strength, and a team replaces them with its own."
    )
    return Table("table-rehearsal-scenarios", Text("Scenarios"), columns, tuple(rows), (note,))


def _changes(source: Source, one: Scenario) -> Text:
    """The assumptions that a scenario changes, in the words of the protocol."""
    said = source.protocol.scenarios.get(one.id)
    pieces: list[str | Term] = []
    for name, value in said.assumptions.items() if said else ():
        words = source.protocol.assumptions[name].text or name.replace("_", " ")
        pieces += ["; "] if pieces else []
        pieces.append(Term(f"{words}: {value}", Ref.protocol(f"{one.path}.assumptions.{name}")))
    return Text(*pieces) if pieces else Text("–")


def _named(one: Scenario) -> Text:
    return Text(Term(_words(one), Ref.protocol(one.path)))


def _words(one: Scenario) -> str:
    """The name of a scenario as a row begins with it: `uneven_20_80` is Uneven 20:80."""
    return capitalised(re.sub(r"(?<=\d)_(?=\d)", ":", one.id).replace("_", " "))


# --- what is concluded --------------------------------------------------------------------------------------------------


def _conclusions(source: Source, rehearsal: Rehearsal) -> Iterator[Section]:
    """How often the analyses find the groups to differ; no section where none compares groups."""
    first = rehearsal.scenarios[0]
    tested = [one for one in rehearsal.questions if _id(one, first, "shown_better") in source.results]
    if not tested:
        return
    blocks: list[Block] = [_decisions(source, rehearsal, tested)]
    if figure := _decision_figure(source, rehearsal, tested):
        blocks.append(figure)
    yield Section("rehearsal-conclusions", Text("What the analyses would conclude"), tuple(blocks))


def _id(question: Question, scenario: Scenario, statistic: str, target: Target | None = None) -> str:
    item = question.name if target is None else item_of(question, target)
    return f"{question.analysis}/{scenario.id}/{item}/{statistic}"


def _decisions(source: Source, rehearsal: Rehearsal, tested: list[Question]) -> Table:
    group = list(source.protocol.groups)[1]
    said_of = Text("Said of ", source.said(source.protocol.groups[group].label, f"groups.{group}.label"))
    columns = (
        Column(Text("Scenario"), "left"),
        Column(Text("Power")),
        Column(Text("Type I error")),
        Column(Text("Better"), under=said_of),
        Column(Text("Worse"), under=said_of),
        Column(Text("Trials that tell")),
    )
    rows: list[Row | GroupHeading] = []
    for question in tested:
        rows.append(GroupHeading(_asked(source, question)))
        for scenario in rehearsal.scenarios:
            cells = [
                _share(source, _id(question, scenario, "power")) if not scenario.is_null else Text("–"),
                _share(source, _id(question, scenario, "type_i_error")) if scenario.is_null else Text("–"),
                *(_share(source, _id(question, scenario, statistic)) for statistic in _DECISIONS),
                _n(source, _id(question, scenario, "shown_better")),
            ]
            rows.append(Row(_named(scenario), tuple(cells), indent=1))
    alpha, ref = _alpha(source)
    level = Term(f"{alpha:g}", ref)
    notes = (
        Text("The share of trials with a p-value below ", level, ", or, where there is none, with limits that leave out no difference."),
        Text("Power where the treatment works under the scenario, type I error where it does nothing. Of a scenario in which the groups differ in what brings recurrence, both count what the analysis says, whatever it says it for."),
    )  # fmt: skip
    return Table(
        "table-rehearsal-conclusions", Text("How often a difference is found"), columns, tuple(rows), notes
    )


def _asked(source: Source, question: Question, target: Target | None = None) -> Text:
    analysis = source.protocol.analyses[question.analysis]
    title = source.said(analysis.title, f"analyses.{question.analysis}.title")
    said: list[str | Term | Text] = (
        [title] if question.kind == "log-rank test" else [title, ", ", question.kind]
    )
    if question.group is not None:
        said += [
            ", ",
            source.said(source.protocol.groups[question.group].label, f"groups.{question.group}.label"),
        ]
    if target is not None:
        said += ["; truth: ", Term(target.words, Ref.protocol(f"analyses.{question.analysis}"))]
    return Text(*said)


def _share(source: Source, id_: str) -> Text:
    """A share of trials with its exact limits."""
    if id_ not in source.results:
        return Text("–")
    if source.results[id_].value is None:
        return source.percent(id_)
    low, high = (source.percent_bare(f"{id_}_{limit}") for limit in ("conf_low", "conf_high"))
    return Text(source.percent(id_), " ", source.interval(low, high))


def _with_error(
    source: Source, id_: str, show: Callable[[str], Text], show_error: Callable[[str], Text]
) -> Text:
    """A mean over trials with its Monte-Carlo error; none where all trials have the same number, for that would say 0."""
    id_of_error = f"{id_}_mc_error"
    error = source.results[id_of_error].value
    if source.results[id_].value is None or error is None or error < _ROUNDING:
        return show(id_)
    return Text(show(id_), " ± ", show_error(id_of_error))


def _n(source: Source, id_: str) -> Text:
    row = source.results[id_]
    return Text(Number(f"{row.n:,}", Ref.result(row.id), row.n or 0)) if row.n else Text("none")


def _decision_figure(source: Source, rehearsal: Rehearsal, tested: list[Question]) -> Figure | None:
    names = [source.protocol.analyses[one.analysis].title for one in tested]
    rows = [
        DotRow(_words(scenario), [dot for name, one in zip(names, tested, strict=True) if (dot := _share_dot(source, name, _rejected(one, scenario)))])
        for scenario in rehearsal.scenarios
    ]  # fmt: skip
    if not any(row.dots for row in rows):
        return None
    alpha, _ = _alpha(source)
    return Figure(
        "figure-rehearsal-conclusions",
        Text("How often a difference is found, by scenario"),
        draw_dots([row for row in rows if row.dots], names, "Trials that find a difference", level=alpha),
        Text("Dot plot of the shares in the table above."),
        Text("Bars: exact limits of each share. Dashed: the level of the test, where every dot should lie if the treatment does nothing."),
    )  # fmt: skip


def _alpha(source: Source) -> tuple[float, Ref]:
    """The level of the tests, and who says so."""
    design = source.protocol.design
    if design and design.alpha:
        return float(design.alpha), Ref.protocol("design.alpha")
    return ALPHA, Ref.version("rehearsal")


def _rejected(question: Question, scenario: Scenario) -> str:
    return _id(question, scenario, "type_i_error" if scenario.is_null else "power")


def _share_dot(source: Source, series: str, id_: str) -> Dot | None:
    found = [
        source.results[one].value
        for one in (id_, f"{id_}_conf_low", f"{id_}_conf_high")
        if one in source.results
    ]
    value, low, high = (*found, None, None, None)[:3]
    if value is None or low is None or high is None:
        return None
    return Dot(series, value, low, high, id_, f"{fixed(100 * value, 1)} %")


# --- bias and coverage --------------------------------------------------------------------------------------------------


def _held(source: Source, rehearsal: Rehearsal) -> Iterator[Block]:
    yield Paragraph(
        Text(
            "Bias is the mean of estimate less truth, of hazard ratios on the scale of natural logarithms. Coverage is the share of "
            "confidence intervals that hold the truth. A truth that is read at planned visits is what a trial with scans on "
            "their very day could see at best; the one as it happened is what patients live through."
        )
    )
    held = [
        (question, target)
        for question in rehearsal.questions
        for target in question.targets
        if question.kind != "risk" or _is_registered(source, question)
    ]
    yield _bias_table(source, rehearsal, held)
    for kind in dict.fromkeys(question.kind for question, _ in held):
        own = [
            (question, target)
            for question, target in held
            if question.kind == kind and target.reading != "as planned visits show it"
        ]
        yield from _bias_figures(source, rehearsal, kind, own)


def _is_registered(source: Source, question: Question) -> bool:
    """Risks of single groups are shown of the registered curve alone; of the others they stand in the results."""
    return source.protocol.analyses[question.analysis].role == "registered"


def _bias_table(source: Source, rehearsal: Rehearsal, held: list[tuple[Question, Target]]) -> Table:
    columns = tuple(
        Column(Text(title), "left" if title == "Scenario" else "right")
        for title in ("Scenario", "Truth", "Mean estimate", "Bias", "Spread", "Coverage", "Trials that tell")
    )
    rows: list[Row | GroupHeading] = []
    for question, target in held:
        rows.append(GroupHeading(_asked(source, question, target)))
        for scenario in rehearsal.scenarios:
            here = _id(question, scenario, "", target)
            own = _id(question, scenario, "")
            cells = (
                _value(source, question, f"{here}target"),
                _value(source, question, f"{own}mean"),
                _difference(source, question, f"{here}bias"),
                _difference(source, question, f"{own}spread", with_error=False),
                _share(source, f"{here}coverage"),
                _n(source, f"{here}coverage"),
            )
            rows.append(Row(_named(scenario), cells, indent=1))
    notes = tuple(_notes_on_truth(source))
    return Table("table-rehearsal-bias", Text("Bias and coverage"), columns, tuple(rows), notes)


def _notes_on_truth(source: Source) -> Iterator[Text]:
    spread = "Spread is the standard deviation of the estimate over trials. "
    groups = [
        source.said(group.label, f"groups.{id_}.label") for id_, group in source.protocol.groups.items()
    ]
    if len(groups) < 2:
        yield Text(spread, "The truth is the share in the same virtual patients.")
        return
    yield Text(
        spread,
        "Means are over the trials with an estimate, coverage over those with both limits. Where fewer trials tell than were "
        "made, bias and coverage are of those alone, and they are not like the others; the truth is the mean of all trials, so "
        "that mean estimate less truth is then not the bias. Of risks, bias and spread are in percentage points.",
    )
    yield Text(
        "The truth is that of the same virtual patients had all of them been in the group “", groups[1], "” and had all been in “",
        groups[0], "”, of everyone or of those who could have got either; deaths and losses do not enter.",
    )  # fmt: skip


def _value(source: Source, question: Question, id_: str) -> Text:
    """A truth or a mean as people read it: hazard ratios as such, shares in percent."""
    row = source.results[id_]
    if row.value is None:
        return source.decimals(id_, 2)
    if question.kind != "hazard ratio":
        return source.percent(id_)
    ratio = math.exp(row.value)
    return Text(Number(fixed(ratio, 3), Ref.result(id_), ratio))


def _difference(source: Source, question: Question, id_: str, *, with_error: bool = True) -> Text:
    def show(one: str) -> Text:
        return source.decimals(one, 3) if question.kind == "hazard ratio" else source.percent_bare(one)

    return _with_error(source, id_, show, show) if with_error else show(id_)


def _bias_figures(
    source: Source, rehearsal: Rehearsal, kind: str, own: list[tuple[Question, Target]]
) -> Iterator[Figure]:
    names = [_series(source, question) for question, _ in own]
    slug = kind.replace(" ", "-")
    is_log = kind == "hazard ratio"
    biases, shares = [], []
    for scenario in rehearsal.scenarios:
        pairs = list(zip(names, own, strict=True))
        biases.append(DotRow(_words(scenario), [dot for name, (question, target) in pairs if (dot := _bias_dot(source, name, _id(question, scenario, "bias", target), is_log=is_log))]))  # fmt: skip
        shares.append(DotRow(_words(scenario), [dot for name, (question, target) in pairs if (dot := _share_dot(source, name, _id(question, scenario, "coverage", target)))]))  # fmt: skip
    level = own[0][0].conf_level if own else 0.95
    for rows, what, title, line in (
        (biases, "bias", "Bias of the natural logarithm" if is_log else "Bias", 0.0),
        (shares, "coverage", "Intervals that hold the truth", level),
    ):
        if any(row.dots for row in rows):
            yield Figure(
                f"figure-rehearsal-{what}-{slug}",
                Text(f"{what.capitalize()} by scenario: {kind}"),
                draw_dots([row for row in rows if row.dots], names, title, level=line, is_percent=what == "coverage" or not is_log),
                Text(f"Dot plot of the {what} in the table above, against the truth as it happened."),
                Text("Bars: two Monte-Carlo standard errors to either side. " if what == "bias" else "Bars: exact limits of each share. ", "Dashed: where the dots should lie."),
            )  # fmt: skip


def _series(source: Source, question: Question) -> str:
    title = source.protocol.analyses[question.analysis].title
    return f"{title}: {source.protocol.groups[question.group].label}" if question.group else title


def _bias_dot(source: Source, series: str, id_: str, *, is_log: bool) -> Dot | None:
    value, error = source.results[id_].value, source.results[f"{id_}_mc_error"].value
    if value is None or error is None:
        return None
    tip = fixed(value, 3) if is_log else f"{fixed(100 * value, 1)} %"
    return Dot(series, value, value - 2 * error, value + 2 * error, id_, tip)


# --- costs, and what is open --------------------------------------------------------------------------------------------


def _costs(source: Source, rehearsal: Rehearsal) -> Table:
    def two(id_: str) -> Text:
        return source.decimals(id_, 2)

    columns = (
        Column(Text("Scenario"), "left"),
        Column(Text("Mean of the trials")),
        Column(Text("Trials that tell")),
    )
    by_item: dict[str, list[Result]] = {}
    for row in source.results.of(IN_TRIALS):
        if row.statistic == "mean" and row.item is not None:
            by_item.setdefault(row.item, []).append(row)
    rows: list[Row | GroupHeading] = []
    for item, found in by_item.items():
        rows.append(GroupHeading(Text(Term(item[:1].upper() + item[1:], Ref.result(found[0].id)))))
        is_share = item.startswith(_SHARES) and not item.endswith(_COUNTS)
        show, error = (source.percent, source.percent_bare) if is_share else (two, two)
        for row in found:
            scenario = next(one for one in rehearsal.scenarios if one.id == row.group)
            cell = (
                _share(source, row.id)
                if item.startswith(OF_TRIALS)
                else _with_error(source, row.id, show, error)
            )
            rows.append(Row(_named(scenario), (cell, _n(source, row.id)), indent=1))
    return Table("table-rehearsal-costs", Text("What else the trials show"), columns, tuple(rows))


_SHARES = (
    "recurrences",
    "reactivations",
    "participants whose",
    "participants in whom",
    "effective share",
    OF_TRIALS,
)
_COUNTS = ("for each trial",)


def _kept(source: Source, rehearsal: Rehearsal) -> Table:
    """Of each clock and visit, how much was late or missed, and in how many participants."""
    names = {"late": "Late", "missed": "Missed", "participants_missed": "Participants with one missed"}
    columns = (
        Column(Text("Clock or visit"), "left"),
        *(Column(Text(words), under=Text("Mean of the trials")) for words in names.values()),
        Column(Text("Trials that tell")),
    )
    elements = list(dict.fromkeys(row.item for row in source.results.of(CLOCKS) if row.group and row.item))
    rows: list[Row | GroupHeading] = []
    for scenario in rehearsal.scenarios:
        rows.append(GroupHeading(_named(scenario)))
        for element in elements:
            here = f"{CLOCKS}/{scenario.id}/{element}"
            if f"{here}/late" in source.results:
                cells = [
                    _with_error(source, f"{here}/{name}", source.percent, source.percent_bare)
                    for name in names
                ]
                rows.append(
                    Row(contact_label(source, element), (*cells, _n(source, f"{here}/late")), indent=1)
                )
    notes = (
        Text(
            "Late and missed are shares of what was due. What could not come any more after death or loss is not due."
        ),
    )
    return Table(
        "table-rehearsal-clocks", Text("How clocks and visits were kept"), columns, tuple(rows), notes
    )


def _open(source: Source) -> Iterator[Block]:
    rows = [row for row in source.results.of(CLOCKS) if row.statistic == "not_run"]
    if not rows:
        yield Paragraph(Text("Nothing that the protocol asks for."))
        return
    yield Paragraph(Text("These of the protocol are not looked for yet."))
    yield Bullets(
        tuple(
            Text(Code(row.item or "", Ref.protocol(row.item or "")), ": ", Term(row.note, Ref.result(row.id)))
            for row in rows
        )
    )
