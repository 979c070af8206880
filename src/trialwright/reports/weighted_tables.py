"""What weighting did: how alike the groups became, what it cost, and whether both groups are to be found everywhere."""

from __future__ import annotations

from collections.abc import Iterator

from trialwright.analysis.weighted import said_alike
from trialwright.protocol.analyses import Cox, KaplanMeier, Weights
from trialwright.protocol.categories import levels_of, unit_words
from trialwright.protocol.references import GROUPS
from trialwright.reports.blocks import Block, Column, Figure, GroupHeading, Row, Table, Text
from trialwright.reports.canvas import LEFT, RIGHT, SMALL, Across, Canvas, Place, Symbol, round_ticks
from trialwright.reports.figures import COLOURS, MUTED, NARROWEST, wrap_label
from trialwright.reports.limited_cells import stands_for
from trialwright.reports.printed import Source
from trialwright.reports.survival_tables import e_value_note, table_id

_BEFORE = Symbol("circle", COLOURS[1], is_filled=False, size=60)
_AFTER = Symbol("circle", COLOURS[0], size=60)
_LINE = 22.0
_LETTERS = 13.0
"""Heights of a row and of each further line of its words, in pixels."""


def render_weights(source: Source, name: str, analysis: KaplanMeier | Cox) -> list[Block]:
    """Balance as table and picture, and the scores of both groups; nothing where the same weights were shown before."""
    weights = analysis.weights
    if (
        weights is None
        or f"{name}/n_unbalanced" not in source.results
        or _first_with(source, weights) != name
    ):
        return []
    return [
        render_balance_table(source, name, weights),
        render_love_plot(source, name, weights),
        render_positivity(source, name, weights),
    ]


def _first_with(source: Source, weights: Weights) -> str:
    """The first analysis with the same weights that got any."""
    alike = said_alike(weights)
    return next(
        name
        for name, one in source.protocol.analyses.items()
        if (own := getattr(one, "weights", None)) is not None
        and said_alike(own) == alike
        and f"{name}/n_unbalanced" in source.results
    )


def render_balance_table(source: Source, name: str, weights: Weights) -> Table:
    """Means and shares of the groups before and after weighting, with the standardised differences."""
    groups = [
        group
        for group in levels_of(source.protocol, GROUPS)
        if f"{name}/{group}/effective_size" in source.results
    ]
    before, after = Text("Before weighting"), Text("After weighting")
    columns = [Column(Text("Characteristic"), "left")]
    for under in (before, after):
        columns += [Column(Text(source.short_level(GROUPS, group)), under=under) for group in groups]
        columns.append(Column(Text("Standardised difference"), under=under))
    rows: list[Row | GroupHeading] = []
    for covariate in weights.covariates:
        differences = [
            source.decimals(f"{name}/{covariate}/difference_{when}", 2) for when in ("before", "after")
        ]
        levels = levels_of(source.protocol, covariate)
        unit = unit_words(source.protocol, covariate)
        scale = weights.transform.get(covariate)
        on = (" ", source.setting(name, f"weights.transform.{covariate}", scale)) if scale else ()
        of = (" ", source.said(*unit)) if unit else ()
        label = Text(source.heading(covariate), *((",", *on, *of) if on or of else ()))
        cells: list[Text] = []
        for when, difference in zip(("before", "after"), differences, strict=True):
            if levels:
                cells += [Text() for _ in groups]
            else:
                ids = [f"{name}/{group}/{covariate}/mean_{when}" for group in groups]
                cells += [source.decimals(id_, 2 if scale else 1) for id_ in ids]
            cells.append(difference)
        rows.append(Row(label, tuple(cells)))
        for level in levels:
            shares: list[Text] = []
            for when in ("before", "after"):
                shares += [
                    source.percent(f"{name}/{group}/{covariate}={level}/mean_{when}") for group in groups
                ]
                shares.append(Text())
            rows.append(Row(Text(source.level(covariate, level)), tuple(shares), 1))
    return Table(
        f"{table_id(name)}-balance", Text("How alike the groups are: ", source.setting(name, "title", source.protocol.analyses[name].title)),
        tuple(columns), tuple(rows), tuple(_notes(source, name, weights, groups)),
    )  # fmt: skip


def _notes(source: Source, name: str, weights: Weights, groups: list[str]) -> Iterator[Text]:
    sizes = [
        piece
        for group in groups
        for piece in (
            "; ", source.level(GROUPS, group), ": ", source.decimals(f"{name}/{group}/effective_size", 1), " of ",
            source.count(f"{name}/{group}/n_weighted"),
        )
    ]  # fmt: skip
    yield Text(
        "Weights are for the target “", source.setting(name, "weights.target", weights.target),
        "”. They leave the information of ", source.decimals(f"{name}/effective_size", 1), " subjects", *sizes,
        ". The heaviest subject has ", source.percent(f"{name}/largest_weight"), " of its group's weight.",
    )  # fmt: skip
    yield Text(
        "Standardised differences have the spread of the unweighted groups; above ",
        source.setting(name, "weights.balance limit", f"{weights.balance_limit:g}"), " (covariates: ", source.count(f"{name}/n_unbalanced"),
        ") groups are not alike. What was not measured may differ by any amount.",
    )  # fmt: skip
    for fact in weights.covariates:
        if counts_as := stands_for(source, fact):
            yield Text(*counts_as, ", in the score and here.")
    imputed = [fact for fact in weights.covariates if source.results[f"{name}/{fact}/n_imputed"].value]
    if imputed:
        pieces = [
            piece for fact in imputed for piece in (", ", source.fact(fact), " (", source.count(f"{name}/{fact}/n_imputed"), ")")
        ][1:]  # fmt: skip
        yield Text(
            "Values missing for some subjects were imputed ", source.setting(name, "weights.imputations", weights.imputations),
            " times: ", *pieces, ". Numbers here are means over these data sets.",
        )  # fmt: skip
    left_out = [fact for fact in weights.covariates if f"{name}/{fact}/left_out" in source.results]
    if left_out:
        facts = [piece for fact in left_out for piece in (", ", source.fact(fact))][1:]
        yield Text("Told by the others, and so not in the score beside them: ", *facts, ".")
    for row in source.results.of(name):
        if row.statistic == "e_value" and row.value is not None and row == _last_e_value(source, name):
            yield from e_value_note(source, row.id.removesuffix("/e_value"))


def _last_e_value(source: Source, name: str) -> object:
    return [row for row in source.results.of(name) if row.statistic == "e_value"][-1]


def render_love_plot(source: Source, name: str, weights: Weights) -> Figure:
    """Absolute standardised differences before and after weighting, one line a covariate, and the limit of what is alike."""
    found = []
    for covariate in weights.covariates:
        ids = [f"{name}/{covariate}/difference_{when}" for when in ("before", "after")]
        values = [source.results[id_].value for id_ in ids]
        found.append(
            (source.heading(covariate).text, ids, [None if one is None else abs(one) for one in values])
        )
    largest = max((value for _, _, values in found for value in values if value is not None), default=0.0)
    high = max(0.3, 0.1 * (int(largest * 10) + 1))
    canvas = Canvas()
    top = canvas.legend([(_BEFORE, "Before weighting"), (_AFTER, "After weighting")]) + 8
    axis = Across(Place(0.45, 0), RIGHT.right(-12), 0, high)
    labels = [wrap_label(label, NARROWEST * 0.45 * 12 / SMALL) for label, _, _ in found]
    bottom = top + sum(map(_height_of, labels)) + 4
    step = 0.1 if high <= 1 else 0.5
    for number in range(int(high / step + 0.5) + 1):
        x = axis.place(number * step)
        canvas.grid(x, top - 6, x, bottom)
        canvas.text(x, bottom + 10, f"{number * step:g}", align="center", colour=MUTED)
    limit = axis.place(weights.balance_limit)
    canvas.rule(limit, top - 6, limit, bottom, dash="dashed")
    y_above = top
    for lines, (label, ids, values) in zip(labels, found, strict=True):
        y = y_above + _height_of(lines) / 2
        y_above += _height_of(lines)
        for i, words in enumerate(lines):
            canvas.text(LEFT, y + _LETTERS * (i - (len(lines) - 1) / 2), words)
        for symbol, id_, value in zip((_BEFORE, _AFTER), ids, values, strict=True):
            if value is not None:
                canvas.point(axis.place(value), y, symbol, id=f"result:{id_}", tip=f"{label}: {value:.3f}")
    return Figure(
        f"figure-{name.replace('_', '-')}-balance",
        Text("Absolute standardised differences of the groups"),
        canvas.spec(bottom + 22),
        Text(
            "One line a characteristic with its standardised difference before and after weighting; the numbers are in the table above."
        ),
        Text(
            "The dashed line is the limit up to which groups count as alike. An absent mark could not be calculated."
        ),
    )


def _height_of(lines: list[str]) -> float:
    return _LINE + _LETTERS * (len(lines) - 1)


def render_positivity(source: Source, name: str, weights: Weights) -> Figure:
    """How many of each group have which propensity score, the two groups back to back."""
    others = [group for group in levels_of(source.protocol, GROUPS) if group != weights.treated]
    groups = [others[0], weights.treated] if others else [weights.treated]
    bins = [
        (row.item or "", row.group, row.value or 0.0, row.id)
        for row in source.results.of(name)
        if row.statistic == "n_in_bin"
    ]
    items = list(dict.fromkeys(item for item, *_ in bins))
    most = max((value for *_, value, _ in bins), default=1.0) or 1.0
    canvas = Canvas()
    symbols = [Symbol("bar", COLOURS[i], size=8) for i in range(len(groups))]
    top = (
        canvas.legend(
            [
                (symbol, source.level(GROUPS, group).text)
                for symbol, group in zip(symbols, groups, strict=True)
            ]
        )
        + 6
    )
    canvas.text(LEFT, top + 4, "Propensity score", size=12)
    top += 18
    middle = Place(0.5, 0)
    height = 9.0
    for number, item in enumerate(reversed(items)):
        y = top + height * number + height / 2
        if number % 2 == 0:
            canvas.text(LEFT, y, item.removeprefix("score from "), colour=MUTED)
        for _, group, value, id_ in (one for one in bins if one[0] == item):
            side = 1 if group == weights.treated else -1
            end = Place(0.5 + side * 0.4 * value / most, 0)
            colour = COLOURS[groups.index(group or "")] if group in groups else MUTED
            if value:
                canvas.bar(*((middle, end) if side > 0 else (end, middle)), y, colour=colour, height=height - 1.5, id=f"result:{id_}", tip=f"{value:g}")  # fmt: skip
    bottom = top + height * len(items)
    canvas.rule(middle, top, middle, bottom)
    for tick in round_ticks(most, 3):
        for share in dict.fromkeys((-0.4 * tick / most, 0.4 * tick / most)):
            canvas.text(Place(0.5 + share, 0), bottom + 9, f"{tick:g}", align="center", colour=MUTED)
    canvas.text(middle, bottom + 25, "Number of subjects", align="center", size=12)
    outside = [
        piece
        for group in groups
        for piece in (
            "; ",
            source.level(GROUPS, group),
            ": ",
            source.percent(f"{name}/{group}/share_outside"),
        )
    ]
    return Figure(
        f"figure-{name.replace('_', '-')}-scores",
        Text("Propensity scores by group"),
        canvas.spec(bottom + 34),
        Text("Bars to both sides of a line: how many of each group have which probability of the treatment, given the covariates."),
        Text(
            "Where only one group has bars, nothing can be compared. Both groups have scores from ",
            source.decimals(f"{name}/common_low", 2), " to ", source.decimals(f"{name}/common_high", 2),
            "; outside lie", *(" " if i == 0 else piece for i, piece in enumerate(outside)), ".",
        ),
    )  # fmt: skip
