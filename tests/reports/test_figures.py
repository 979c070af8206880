import copy
import itertools

import pytest
import vl_convert

from trialwright.reports import charts, figures
from trialwright.reports.blocks import Text
from trialwright.reports.figures import forest_figure, survival_figure
from trialwright.reports.glyphs import FONT_FAMILIES

TITLES = {"figure_id": "f", "title": Text("F"), "alt": Text("F")}


def curves(*groups, survival_title="Survival", time_title="Months"):
    return survival_figure(groups, survival_title=survival_title, time_title=time_title, **TITLES)


def forest(*rows, **options):
    return forest_figure(rows, estimate_title="Hazard ratio", **TITLES, **options)


def ratio(estimate, low, high, label="Age", printed="as printed"):
    return {"label": label, "estimate": estimate, "conf_low": low, "conf_high": high, "printed": printed}


NOTHING = ratio(None, None, None, printed="not estimable")


def texts_of(figure, width):
    """Text marks of the drawn chart as (words, left, right, middle) in pixels, and the width of the whole picture."""
    still = {**figure.spec, "width": width, "autosize": {"type": "fit-x", "contains": "padding"}}
    still["layer"] = [layer for layer in still["layer"] if "params" not in layer]
    charts._register_fonts()
    drawn = vl_convert.vegalite_to_scenegraph(
        still, vl_version=charts.VEGA_LITE, config={"font": ", ".join(FONT_FAMILIES)}
    )
    found = []

    def look(mark, x, y):
        for item in mark["items"]:
            if mark["marktype"] == "group":
                for inner in item["items"]:
                    look(inner, x + item.get("x", 0), y + item.get("y", 0))
            elif mark["marktype"] == "text" and item.get("text") and item.get("opacity", 1):
                lines = item["text"] if isinstance(item["text"], list) else item["text"].split("\n")
                for i, line in enumerate(lines):
                    wide = sum(2 if letter >= "\u2e80" else 1 for letter in line) * 0.52 * item["fontSize"]
                    left = x + item["x"] - {"left": 0, "center": wide / 2, "right": wide}[item["align"]]
                    down = {"top": 6, "middle": 0, "bottom": -6}[item["baseline"]]
                    found.append(
                        (line, left, left + wide, y + item["y"] + down + i * item.get("lineHeight", 0))
                    )

    look(drawn["scenegraph"], *drawn["origin"])
    return found, drawn["width"]


def overlaps(texts):
    return [
        (one[0], other[0])
        for one, other in itertools.combinations(texts, 2)
        if one[1] < other[2] and other[1] < one[2] and abs(one[3] - other[3]) < 11
    ]


@pytest.fixture
def group(five_patients):
    return five_patients("A")


def test_a_survival_figure_shows_the_rows_it_was_given(five_patients):
    groups = [five_patients("A"), five_patients("B")]
    before = copy.deepcopy(groups)
    data = curves(*groups).spec["datasets"]
    assert groups == before
    assert data["curves"] == [{"group": g["label"], **step} for g in groups for step in g["steps"]]
    assert data["censored"] == [{"group": g["label"], **mark} for g in groups for mark in g["censor_marks"]]
    shown = {(row["group"], row["statistic"], row["time"]): row["n"] for row in data["at_risk"]}
    assert shown == {
        (g["label"], statistic, tick["time"]): tick[statistic]
        for g in groups
        for tick in g["ticks"]
        for statistic in ("n_at_risk", "n_censored", "n_events")
    }


def test_bands_end_where_the_interval_ends(group):
    for step in group["steps"][2:4]:
        step.update(conf_low=None, conf_high=None)
    bands = [(row["piece"], row["time"], row["conf_low"]) for row in curves(group).spec["datasets"]["bands"]]
    assert bands == [(0, 1, 0.2), (0, 2, 0.2), (1, 4, 0.01), (1, 5, 0.01)]


def test_a_group_with_nobody_keeps_its_place(five_patients):
    ticks = [{**tick, "n_at_risk": 0, "n_censored": 0, "n_events": 0} for tick in five_patients("A")["ticks"]]
    figure = curves(five_patients("A"), {"label": "Nobody", "steps": [], "censor_marks": [], "ticks": ticks})
    assert [row["group"] for row in figure.spec["datasets"]["headings"]] == ["A", "Nobody"]
    assert ">Nobody<" in charts.render_svg(figure.spec)


def change(path, value):
    """Set one value deep inside a group, or take it away."""

    def apply(group):
        *way, last = path
        for step in way:
            group = group[step]
        group[last] = value

    return apply


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(change(("steps", 0, "time"), 0.5), "start at time 0", id="does not start at zero"),
        pytest.param(change(("steps", 3, "survival"), 0.81), "inside its interval|must not rise", id="rises"),
        pytest.param(change(("steps", 2, "survival"), 0.9), "must not rise", id="rises within its interval"),
        pytest.param(change(("steps", 1, "survival"), 1.01), "inside its interval", id="above one"),
        pytest.param(
            change(("steps", 1, "survival"), float("nan")), "inside its interval", id="not a number"
        ),
        pytest.param(change(("steps", 1, "conf_low"), 0.9), "inside its interval", id="outside its interval"),
        pytest.param(
            change(("steps", 1, "conf_low"), float("nan")), "inside its interval", id="limit not a number"
        ),
        pytest.param(change(("steps", 1, "conf_low"), None), "two limits or none", id="half an interval"),
        pytest.param(change(("steps", 2, "time"), 1), "nor time fall", id="one time twice"),
        pytest.param(change(("ticks", 1, "n_censored"), 1), r"add up to \[5, 6\]", id="counts do not add up"),
        pytest.param(change(("ticks", 1, "time"), 7), "same ticks, in order", id="ticks out of order"),
        pytest.param(change(("ticks",), []), "at least one", id="no ticks"),
    ],
)
def test_curves_that_cannot_be_are_refused(group, spoil, message):
    assert curves(copy.deepcopy(group))
    spoil(group)
    with pytest.raises(ValueError, match=message):
        curves(group)


def test_groups_are_few_and_of_different_names(five_patients):
    with pytest.raises(ValueError, match="one to 6 groups, not 0"):
        curves()
    with pytest.raises(ValueError, match="one to 6 groups, not 7"):
        curves(*[five_patients(f"G{i}") for i in range(7)])
    with pytest.raises(ValueError, match="different labels"):
        curves(five_patients("A"), five_patients("A"))


def test_groups_share_their_ticks(five_patients):
    other = five_patients("B")
    other["ticks"] = other["ticks"][:-1]
    with pytest.raises(ValueError, match="'B': every group needs the same ticks"):
        curves(five_patients("A"), other)


LONG = (
    "Nucleos(t)ide analogue with peginterferon alfa after radical treatment, all who started it within a year"
)


@pytest.mark.parametrize("width", [340, 390, 720, 900])
def test_counts_stand_under_their_ticks_and_no_words_overlap(five_patients, width):
    groups = [
        five_patients(LONG),
        five_patients("随访组：核苷类似物联合聚乙二醇干扰素治疗的患者，自治疗之日起随访"),
    ]
    for group in groups:
        group["ticks"] = [{**group["ticks"][i // 3], "time": i} for i in range(12)]
        for tick in group["ticks"]:
            tick.update({key: 100 * tick[key] for key in ("n_at_risk", "n_censored", "n_events")})
    texts, whole = texts_of(
        curves(*groups, survival_title=LONG, time_title=LONG.replace("all", "and")), width
    )
    assert whole == pytest.approx(width, abs=1)
    assert overlaps(texts) == []
    assert all(left >= 0 and right <= width + 1 for _, left, right, _ in texts)
    middles = {}
    for words, left, right, y in texts:
        if words.isdigit():
            middles.setdefault(round(y), []).append((left + right) / 2)
    labels, *rows = (middles[y] for y in sorted(middles))
    assert len(rows) == 6
    assert len(labels) == (6 if width < 400 else 12)
    for row in rows:
        assert row == pytest.approx(labels, abs=0.51)


@pytest.mark.parametrize(("width", "n_shown"), [(340, 4), (390, 4), (720, 8)])
def test_ticks_of_four_digits_keep_apart(five_patients, width, n_shown):
    """Three years in steps of 168 days: on a telephone `1,008` and `1,176` stood as one number."""
    group = five_patients("A")
    group["ticks"] = [{**group["ticks"][0], "time": 168 * i} for i in range(8)]
    texts, _ = texts_of(curves(group), width)
    ticks = [
        (words, left, right) for words, left, right, _ in texts if words in {f"{168 * i:,}" for i in range(8)}
    ]
    labels = [words for words, *_ in ticks if words != "0"]
    assert len(labels) == n_shown - 1
    apart = sorted((left, right) for words, left, right in ticks if words != "0")
    assert all(left - right > 5 for (_, right), (left, _) in itertools.pairwise(apart))


def test_dashes_and_colours_differ_and_can_be_seen():
    assert (
        len({tuple(dash) for dash in figures.DASH_PATTERNS})
        == len(figures.DASH_PATTERNS)
        == len(figures.COLOURS)
    )
    assert len(set(figures.COLOURS)) == len(figures.COLOURS)
    for colour in figures.COLOURS:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        assert 1.05 / (luminance + 0.05) >= 4.5, colour


def test_a_forest_shows_the_rows_it_was_given():
    rows = [
        ratio(1.5, 1.1, 2.0, label="Age"),
        {**ratio(0.4, 0.2, 0.8, label="BCLC"), "ref": "cox/bclc"},
        NOTHING,
    ]
    data = forest(rows[0], "Subgroups", *rows[1:]).spec["datasets"]
    shown = [
        {key: value for key, value in row.items() if not key.startswith("y_") and key != "lines"}
        for row in data["estimates"]
    ]
    assert shown == rows
    assert [row["label"] for row in data["headings"]] == ["Subgroups"]


@pytest.mark.parametrize(
    ("rows", "limits", "ends"),
    [
        pytest.param([ratio(1.2, 0.9, 1.5)], (0.1, 10), (0.5, 2), id="never narrower than half to double"),
        pytest.param([ratio(1.5, 0.45, 2.1)], (0.1, 10), (0.2, 5), id="to the next round numbers"),
        pytest.param([ratio(1.5, 0.001, 900)], (0.1, 10), (0.1, 10), id="not beyond the limits"),
        pytest.param([ratio(1.5, 0.001, 900)], (0.05, 20), (0.05, 20), id="other limits"),
        pytest.param([NOTHING], (0.1, 10), (0.5, 2), id="nothing to show"),
    ],
)
def test_the_axis_of_a_forest(rows, limits, ends):
    axis = forest(*rows, limits=limits).spec["encoding"]["x"]["axis"]["values"]
    assert (axis[0], axis[-1]) == ends
    assert 1 in axis


@pytest.mark.parametrize(
    ("row", "n_arrows", "n_squares"),
    [
        pytest.param(ratio(1.5, 1.1, 2.0), 0, 1, id="inside"),
        pytest.param(ratio(1.5, 0.01, 2.0), 1, 1, id="low limit beyond the axis"),
        pytest.param(ratio(1.5, 0.01, 90), 2, 1, id="both limits beyond the axis"),
        pytest.param(ratio(0.02, 0.01, 0.04), 1, 0, id="all of it beyond the axis"),
        pytest.param(NOTHING, 0, 0, id="not estimable"),
    ],
)
def test_an_interval_beyond_the_axis_ends_in_an_arrow(row, n_arrows, n_squares):
    drawn = vl_convert.vegalite_to_scenegraph({**forest(row).spec, "width": 720}, vl_version=charts.VEGA_LITE)
    shapes = []

    def look(mark):
        for item in mark["items"]:
            for inner in item.get("items", ()):
                look(inner)
            if mark["marktype"] == "symbol":
                shapes.append(item["shape"])

    look(drawn["scenegraph"])
    assert shapes.count("square") == n_squares
    assert len(shapes) - shapes.count("square") == n_arrows


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param(ratio(1.5, 1.6, 2.0), "inside its interval", id="below its interval"),
        pytest.param(ratio(1.5, 1.1, 1.4), "inside its interval", id="above its interval"),
        pytest.param(ratio(0.5, 0, 1.4), "positive", id="a limit of zero has no place on the axis"),
        pytest.param(ratio(float("nan"), 1, 2), "inside its interval", id="not a number"),
        pytest.param(ratio(1.5, 1.1, float("inf")), "finite", id="an infinite limit"),
        pytest.param(ratio(1.5, None, 2.0), "both limits", id="half an interval"),
        pytest.param(ratio(None, 1.1, 2.0), "both limits", id="no estimate"),
    ],
)
def test_estimates_that_cannot_be_are_refused(row, message):
    with pytest.raises(ValueError, match=message):
        forest(ratio(1.5, 1.1, 2.0), row)


def test_a_forest_needs_an_estimate():
    with pytest.raises(ValueError, match="at least one estimate"):
        forest("Only a heading")


@pytest.mark.parametrize("width", [340, 390, 720, 900])
def test_words_of_a_forest_do_not_overlap(width):
    rows = [
        ratio(1.5, 1.1, 2.0, label=LONG, printed="1.50 (1.10 to 2.00)"),
        "A heading of its own " + LONG,
        ratio(0.5, 0.01, 30, label="Age, per ten years", printed="0.50 (0.01 to 30.00)"),
        NOTHING,
    ]
    texts, whole = texts_of(forest(*rows), width)
    assert whole == pytest.approx(width, abs=1)
    assert overlaps(texts) == []
    assert all(left >= -1 and right <= width + 1 for _, left, right, _ in texts)
