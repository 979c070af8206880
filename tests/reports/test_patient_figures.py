"""Figures of single patients: whom they show, what they say of the others, and that every word can be read."""

import math
from datetime import date, timedelta
from functools import cache

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analysis.listed_study import listed_study
from tests.reports.test_figures import overlaps, texts_of

from trialwright.protocol.loading import load_protocol
from trialwright.reports.blocks import Figure, Page, Paragraph, Section, Text
from trialwright.reports.canvas import (
    Across,
    Canvas,
    Down,
    Place,
    Symbol,
    month_steps,
    power_label,
    powers_of_ten,
)
from trialwright.reports.charts import render_svg
from trialwright.reports.course_figures import PATIENTS_OF_A_PAGE, render_courses
from trialwright.reports.edish_figures import render_edish
from trialwright.reports.figures import NARROWEST, text_width
from trialwright.reports.patient_figures import PATIENT_FIGURES, render_patient_figures
from trialwright.reports.patient_parts import (
    MOST_PATIENTS,
    PAGE,
    Names,
    pages,
    since_time_zero,
    spread_labels,
)
from trialwright.reports.pdf import render_pdf
from trialwright.reports.printed import Said
from trialwright.reports.spider_figure import render_spider
from trialwright.reports.swimmer_figure import render_swimmer
from trialwright.reports.waterfall_figure import render_waterfall

START = date(2024, 3, 1)
WIDTHS = (340, 560, 900)


@cache
def said(trial="nct04294498"):
    return Said(load_protocol(trial).protocol)


def who(i):
    return f"DURVA-0001-{i:03}"


def frame_of(listing, rows, **schema):
    """Rows of a listing with an id each; columns that a row does not name are null."""
    numbered = [
        {"id": f"{listing}/{row['USUBJID']}/{row.get('NAME', 'x')}/{i}", **row} for i, row in enumerate(rows)
    ]
    return pl.DataFrame(numbered, schema={"id": pl.String, "USUBJID": pl.String, **schema})


SWIMMER = {
    **dict.fromkeys(("GROUP", "KIND", "NAME", "LABEL", "AVALC"), pl.String),
    "ADT": pl.Date,
    "DAYS": pl.Int64,
    "AENDT": pl.Date,
    "ENDDAYS": pl.Int64,
    "REASON": pl.String,
}


def swimmer(n, *, events=(), days=300):
    rows = []
    for i in range(n):
        end = days - 5 * (i % 50)
        rows.append(
            {"USUBJID": who(i), "KIND": "study", "NAME": "study", "LABEL": "time on study", "DAYS": 0, "ENDDAYS": end,
             "AVALC": "died" if i % 3 == 0 else "alive when last seen", "ADT": START, "AENDT": START + timedelta(end)}
        )  # fmt: skip
        rows.append(
            {
                "USUBJID": who(i),
                "KIND": "treatment",
                "NAME": "durvalumab",
                "LABEL": "durvalumab",
                "DAYS": 0,
                "ENDDAYS": end // 2,
            }
        )
    rows += [
        {"USUBJID": who(i), "KIND": "event", "ADT": START + timedelta(day), "DAYS": day, **about}
        for i, day, about in events
    ]
    return frame_of("swimmer", rows, **SWIMMER)


MET = {"NAME": "hbv_reactivation", "LABEL": "HBV reactivation", "AVALC": "met"}
UNKNOWN = MET | {"AVALC": "unknown", "REASON": "missing"}


def words(figure):
    return [row["words"] for row in figure.spec["datasets"]["texts"]]


def assert_readable(figure):
    """No two words cover each other, and none leaves the picture, at any width."""
    for width in WIDTHS:
        texts, drawn = texts_of(figure, width)
        texts = [(line, left, right, y) for line, left, right, y in texts]
        assert overlaps(texts) == [], width
        assert drawn <= width + 1
        assert all(left >= -3 and right <= width + 22 for _, left, right, _ in texts), width


def assert_ids_known(figures, frame):
    ids = set(frame["id"])
    for figure in figures:
        found = {row["id"] for rows in figure.spec["datasets"].values() for row in rows if row.get("id")}
        assert found
        assert found <= ids


# --- swimmer ------------------------------------------------------------------------------------------------------------


def test_forty_three_patients_are_one_page_and_every_name_can_be_read():
    frame = swimmer(43, events=[(3, 40, MET), (5, 60, UNKNOWN)])
    (figure,) = render_swimmer(frame, said())
    assert sum(word in {f"{i:03}" for i in range(43)} for word in words(figure)) == 43
    assert_readable(figure)
    assert_ids_known([figure], frame)
    assert figure.caption.plain.startswith("Shown are 43 patients of 43.")
    assert figure.spec["height"] < 900, "a printed page is no longer"
    assert "15 died" in figure.alt.plain


def test_an_event_nobody_can_tell_is_white():
    (figure,) = render_swimmer(swimmer(2, events=[(0, 40, MET), (1, 60, UNKNOWN)]), said())
    points = {
        row["id"]: row for row in figure.spec["datasets"]["points"] if "hbv_reactivation" in row.get("id", "")
    }
    fills = {id_.split("/")[1]: row["fill"] for id_, row in points.items()}
    assert fills[who(1)] == "white"
    assert fills[who(0)] != "white"
    assert "nobody can tell whether it happened (1 patient)" in figure.caption.plain


@pytest.mark.parametrize(
    ("n", "shown", "n_pages"),
    [
        pytest.param(MOST_PATIENTS, MOST_PATIENTS, 2, id="as many as are all shown"),
        pytest.param(MOST_PATIENTS + 1, 2, 1, id="one more: those with an event, certain or open"),
    ],
)
def test_many_patients_are_chosen_by_what_happened(n, shown, n_pages):
    figures = render_swimmer(swimmer(n, events=[(7, 40, MET), (9, 60, UNKNOWN)]), said())
    assert len(figures) == n_pages
    assert f"Shown are {shown} patients of {n}." in figures[0].caption.plain
    assert ("They are those with an event" in figures[0].caption.plain) == (shown < n)


def test_groups_have_headings_of_their_own():
    first = pl.col("USUBJID").is_in([who(0), who(2)])
    frame = swimmer(4).with_columns(
        GROUP=pl.when(first).then(pl.lit("na")).otherwise(pl.lit("na_and_peginterferon")),
        NAME=pl.col("NAME").replace("durvalumab", "peginterferon"),
    )
    (figure,) = render_swimmer(frame, said("nct07120750"))
    found = [
        word
        for word in words(figure)
        if (word.isdigit() and len(word) == 3) or word.startswith("Nucleos(t)ide")
    ]
    assert found == [
        "Nucleos(t)ide analogue alone", "000", "002", "Nucleos(t)ide analogue with peginterferon alfa-2b", "001", "003",
    ]  # fmt: skip


def test_who_has_no_time_on_study_is_counted():
    frame = swimmer(3).with_columns(ENDDAYS=pl.when(pl.col("USUBJID") != who(1)).then("ENDDAYS"))
    (figure,) = render_swimmer(frame, said())
    assert "Shown are 2 patients of 3. Without a known time on study: 1." in figure.caption.plain


# --- waterfall ----------------------------------------------------------------------------------------------------------

CHANGE = {
    **dict.fromkeys(("PCHG", "AVAL", "BASE"), pl.Float64),
    "ADT": pl.Date,
    "DAYS": pl.Int64,
    "BESTRESP": pl.String,
    "READER": pl.String,
    "REASON": pl.String,
}


def waterfall(changes):
    rows = [
        {
            "USUBJID": who(i),
            "PCHG": change,
            "AVAL": 50.0,
            "BASE": 50.0,
            "DAYS": 60,
            "ADT": START,
            "BESTRESP": "SD",
        }
        | ({"REASON": "no scan after baseline", "BESTRESP": "MISSING"} if change is None else {})
        for i, change in enumerate(changes)
    ]
    return frame_of("waterfall", rows, **CHANGE)


def test_missing_changes_stand_below_with_their_reason_and_have_no_bar():
    frame = waterfall([12.0, None, -45.5, 0.0, 180.0])
    (figure,) = render_waterfall(frame, said())
    assert [word for word in words(figure) if word in {f"{i:03}" for i in range(5)}] == [
        "004",
        "000",
        "003",
        "002",
        "001",
    ]
    bars = {row["id"].split("/")[1] for row in figure.spec["datasets"]["bars"] if "id" in row}
    assert bars == {who(0), who(2), who(4)}
    assert "no scan after baseline" in words(figure)
    assert "of 1 no change is known" in figure.caption.plain
    assert [word for word in words(figure) if word in ("180", "12", "0", "−46")] == [
        "0",
        "180",
        "12",
        "0",
        "−46",
    ]
    assert_readable(figure)
    assert_ids_known([figure], frame)


def test_a_change_beyond_the_axis_ends_in_an_arrow():
    (figure,) = render_waterfall(waterfall([10.0, 151.0, 150.0]), said())
    arrows = [row["id"].split("/")[1] for row in figure.spec["datasets"]["points"]]
    assert arrows == [who(1)]


@pytest.mark.parametrize(("low", "n"), [(-29.9, 0), (-30.0, 1), (-30.1, 1)])
def test_the_alternative_text_counts_sums_at_the_limit(low, n):
    (figure,) = render_waterfall(waterfall([low, 5.0]), said())
    assert f"Of 2 with a known change {n} have a sum at or below −30 %." in figure.alt.plain


# --- spider -------------------------------------------------------------------------------------------------------------


def spider(n, *, seed=1):
    rows = []
    for i in range(n):
        best = ("PR", "SD", "PD", "SD")[i % 4]
        rows.append(
            {
                "USUBJID": who(i),
                "DAYS": -10,
                "WHEN": "baseline",
                "PCHG": 0.0,
                "AVAL": 50.0,
                "BASE": 50.0,
                "BESTRESP": best,
            }
        )
        for k in range(1, 2 + i % 4):
            change = {"PR": -15.0, "SD": 4.0, "PD": 30.0}[best] * k + (i * 7 + seed) % 11
            row = {
                "USUBJID": who(i),
                "DAYS": 70 * k,
                "PCHG": change,
                "AVAL": 50 + change / 2,
                "BASE": 50.0,
                "BESTRESP": best,
            }
            rows.append(row | {"WHEN": "after new therapy" if k == 4 else "on study", "ADT": START})
    rows.append({"USUBJID": who(n), "REASON": "missing"})
    return frame_of("spider", rows, **CHANGE | {"WHEN": pl.String, "NMEAS": pl.Int64, "NTARGET": pl.Int64})


def test_spider_names_everybody_once_and_readably():
    frame = spider(43)
    (figure,) = render_spider(frame, said())
    named = [word.split()[0] for word in words(figure) if word.split()[0] in {f"{i:03}" for i in range(43)}]
    assert sorted(named) == [f"{i:03}" for i in range(43)]
    assert "Shown are 43 patients of 44; the others have no sum after baseline." in figure.caption.plain
    assert_ids_known([figure], frame)
    assert [word for word in words(figure) if word in ("CR or PR", "PR", "SD", "PD")] == ["PR", "SD", "PD"]


def test_scans_after_new_therapy_are_white():
    (figure,) = render_spider(spider(8), said())
    rows = spider(8).filter(pl.col("WHEN") == "after new therapy")["id"].to_list()
    fills = {row["id"]: row["fill"] for row in figure.spec["datasets"]["points"]}
    assert {fills[id_] for id_ in rows} == {"white"}
    assert "white" not in {fill for id_, fill in fills.items() if id_ not in rows}


@pytest.mark.parametrize(
    ("render", "frame"), [(render_waterfall, waterfall([1.0, None])), (render_spider, spider(8))]
)
def test_the_reader_is_named_where_several_read(render, frame):
    (alone,) = render(frame, said())
    (figure,) = render(frame.with_columns(READER=pl.lit("central")), said())
    assert "All readings are those of the central reader. " in figure.caption.plain
    assert "reader" not in alone.caption.plain
    assert "  " not in figure.caption.plain


# --- courses ------------------------------------------------------------------------------------------------------------

COURSE = {
    **dict.fromkeys(("PARAMCD", "PARAM", "AVALU", "KIND", "NAME", "LABEL", "AVALC"), pl.String),
    "ADT": pl.Date,
    "DAYS": pl.Int64,
    "AENDT": pl.Date,
    "ENDDAYS": pl.Int64,
    **dict.fromkeys(("SHOWN", "AVALLO", "AVALHI", "ANRHI"), pl.Float64),
    **dict.fromkeys(("CENSORED", "REASON"), pl.String),
}
DNA = {"PARAMCD": "HBV_DNA", "PARAM": "HBV DNA", "AVALU": "IU/mL"}


def courses(n, *, events=()):
    rows = []
    for i in range(n):
        values = ((0, 1e4 + i, None), (28, 20.0, "<"), (56, 3e3, None), (84, 1.7e8, ">"), (112, None, None))
        for day, value, sign in values:
            about = {"REASON": "unit unknown"} if value is None else {"AVALC": f"{sign or ''}{value:g}"}
            rows.append({"USUBJID": who(i), "KIND": "result", "NAME": "hbv_dna", "DAYS": day, "ADT": START + timedelta(day),
                         "SHOWN": value, "CENSORED": sign, **DNA, **about})  # fmt: skip
            rows.append({"USUBJID": who(i), "KIND": "result", "NAME": "alt", "PARAMCD": "ALT", "PARAM": "ALT", "AVALU": "U/L", "DAYS": day,
                         "ADT": START + timedelta(day), "SHOWN": 40.0 + i, "AVALC": "40", "ANRHI": 40.0})  # fmt: skip
        rows.append({"USUBJID": who(i), "KIND": "threshold", "NAME": "hbv_reactivation", "LABEL": "100 × baseline",
                     "SHOWN": 1e6 if i else None, "REASON": None if i else "missing", **DNA})  # fmt: skip
    rows += [
        {"USUBJID": who(i), "KIND": "event", "DAYS": 56, "ADT": START, **DNA, **about} for i, about in events
    ]
    return frame_of("courses", rows, **COURSE)


def test_courses_show_everybody_eight_to_a_page_with_events_first():
    frame = courses(43, events=[(30, MET), (20, UNKNOWN)])
    figures = render_courses(frame, said())
    names = [word for figure in figures for word in words(figure) if word in {f"{i:03}" for i in range(43)}]
    assert names[:3] == ["030", "020", "000"]
    assert sorted(names) == [f"{i:03}" for i in range(43)]
    assert len(figures) == math.ceil(43 / PATIENTS_OF_A_PAGE)
    assert_ids_known(figures, frame)
    assert_readable(figures[0])
    assert figures[0].spec["height"] < 900


def test_courses_say_what_cannot_be_seen():
    (figure,) = render_courses(courses(2), said())
    assert "HBV DNA (IU/mL), ALT (U/L)" in figure.caption.plain
    assert "a result that cannot be used (2)" in figure.caption.plain
    assert "Without baseline, so without threshold: 1" in figure.caption.plain
    assert words(figure).count("?") == 2


def test_results_beyond_a_limit_are_white_triangles_at_the_limit():
    frame = courses(1)
    (figure,) = render_courses(frame, said())
    signs = dict(frame.select("id", "CENSORED").iter_rows())
    shapes = {
        (signs[row["id"]], row["shape"], row["fill"])
        for row in figure.spec["datasets"]["points"]
        if row.get("id")
    }
    assert {("<", "triangle-down", "white"), (">", "triangle-up", "white")} <= shapes
    assert all(fill != "white" for sign, _, fill in shapes if sign is None)


def test_limits_of_quantification_come_from_the_protocol():
    (figure,) = render_courses(courses(1), said())
    heights = {
        row["y"]
        for row in figure.spec["datasets"]["rules"]
        if row["colour"] == "#0f766e" and "id" not in row and row["y"] == row["y2"]
    }
    points = {
        row["shape"]: row["y"]
        for row in figure.spec["datasets"]["points"]
        if "hbv_dna" in row.get("id", "") and row["fill"] == "white"
    }
    assert {points["triangle-down"], points["triangle-up"]} <= heights


@pytest.mark.parametrize(
    ("events", "shown", "why"),
    [
        pytest.param([(7, MET), (50, UNKNOWN)], 2, "They are those with an event", id="with events"),
        pytest.param(
            [],
            PATIENTS_OF_A_PAGE,
            "those with the highest multiple of the upper limit of normal",
            id="without",
        ),
    ],
)
def test_of_many_patients_some_courses_are_shown_and_it_is_said(events, shown, why):
    n = MOST_PATIENTS + 1
    (figure,) = render_courses(courses(n, events=events), said())
    assert f"Shown are {shown} patients of {n}." in figure.caption.plain
    assert why in figure.caption.plain


# --- eDISH --------------------------------------------------------------------------------------------------------------

EDISH = {
    "KIND": pl.String,
    **dict.fromkeys(("ALT", "ALTHI", "BILI", "BILIHI", "ALTLINE", "BILILINE"), pl.Float64),
    **dict.fromkeys(
        ("ALTREAS", "BILIREAS", "QUADRANT", "LINES", "RISE", "RISELBL", "RISEREAS", "HYSLAW"), pl.String
    ),
}


def edish(*points, **more):
    about = {
        "ALTLINE": 3.0,
        "BILILINE": 2.0,
        "LINES": "events.hys_law.when",
        "RISELBL": "HBV reactivation during durvalumab",
        "RISE": "not met",
    }
    rows = [
        {"USUBJID": who(i), "KIND": kind, "ALT": alt, "BILI": bilirubin, **about, **more}
        for kind in ("ULN", "baseline")
        for i, (alt, bilirubin) in enumerate(points)
    ]
    return frame_of("edish", rows, **EDISH)


def test_edish_has_its_lines_at_the_bounds_of_the_rule():
    frame = edish((3.0, 2.0), (1.0, 0.5))
    over_normal, over_baseline = render_edish(frame, said())
    first = next(row for row in over_normal.spec["datasets"]["points"] if row.get("id"))
    lines = [row for row in over_normal.spec["datasets"]["rules"] if row["dash"] == "dashed"]
    assert [row["xs"] for row in lines if row["xs"] == row["x2s"] and row["xp"] == row["x2p"]] == [
        first["xs"]
    ]
    assert [row["y"] for row in lines if row["y"] == row["y2"]] == [first["y"]]
    assert over_baseline.id == "figure-edish-baseline"
    assert "Hy's law range" in words(over_normal)
    assert "Hy's law range" not in words(over_baseline)
    assert "over baseline no rule asks for them" in over_baseline.caption.plain
    assert "Lines at 3 and 2 times" in over_normal.caption.plain
    assert_readable(over_normal)
    assert_ids_known([over_normal, over_baseline], frame)


@pytest.mark.parametrize(
    ("n", "named"),
    [
        pytest.param(MOST_PATIENTS, MOST_PATIENTS, id="as many as can be read"),
        pytest.param(MOST_PATIENTS + 1, 0, id="one more"),
    ],
)
def test_names_of_peaks_as_long_as_they_can_be_read(n, named):
    """At the line of ALT counts as beyond it, at that of bilirubin does not."""
    frame = edish(*[(3.0, 0.01 * i + 0.1) for i in range(n)], (2.9, 2.0))
    figure = render_edish(frame, said())[0]
    ids = {who(i)[-3:] for i in range(n + 1)}
    shown = [row["words"] for row in figure.spec["datasets"]["texts"] if row["words"][-3:] in ids]
    assert len(shown) == named
    assert (f"{n} lie beyond a line" in figure.caption.plain) == (named == 0)


def test_an_open_peak_is_white_and_said():
    figure = render_edish(edish((1.0, 0.5), ALTREAS="unit unknown"), said())[0]
    (point,) = [row for row in figure.spec["datasets"]["points"] if row.get("id")]
    assert point["fill"] == "white"
    assert "a peak may be higher than shown (1)" in figure.caption.plain


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        (None, "Candidates for Hy's law by that rule: 0."),
        ("met", "Candidates for Hy's law by that rule: 1."),
        ("unknown", "Candidates for Hy's law by that rule: 0, and of 1 nobody can tell."),
    ],
)
def test_candidates_and_those_nobody_can_tell(verdict, told):
    figure = render_edish(edish((4.0, 2.5), HYSLAW=verdict), said())[0]
    assert told in figure.caption.plain
    assert ("candidate for Hy's law" in words(figure)) == (verdict == "met")
    assert "open: 1" in figure.alt.plain


def test_lines_of_a_protocol_without_such_a_rule_are_the_published_ones():
    frame = edish((1.0, 0.5)).with_columns(LINES=pl.lit("FDA guidance"), RISE=None, RISELBL=None)
    figure = render_edish(frame, said("nct07120750"))[0]
    assert "as FDA guidance has them" in figure.caption.plain
    assert "Candidates" not in figure.caption.plain
    assert "The protocol counts no rise of HBV DNA." in figure.caption.plain


def test_who_has_no_peak_is_not_drawn_and_counted():
    figure = render_edish(edish((1.0, 0.5), (None, 1.0)), said())[0]
    assert (
        "Shown are 1 patient of 2; of the others one of the two peaks is not known." in figure.caption.plain
    )


# --- nothing to show, and everything together ---------------------------------------------------------------------------


def test_two_figures_that_are_not_drawn_are_not_told_in_the_same_words():
    (best,), (course,) = render_waterfall(waterfall([]), said()), render_spider(spider(0), said())
    assert best.text.plain != course.text.plain


@pytest.mark.parametrize(
    ("render", "frame"),
    [
        (render_swimmer, swimmer(0)),
        (render_waterfall, waterfall([])),
        (render_waterfall, waterfall([None])),
        (render_spider, spider(0)),
        (render_courses, courses(0)),
        (render_edish, edish()),
        (render_edish, edish((None, None))),
    ],
)
def test_nothing_to_show_is_said(render, frame):
    blocks = render(frame, said())
    assert blocks
    assert all(
        isinstance(block, Paragraph) and block.text.plain.startswith("No patient has") for block in blocks
    )


@pytest.mark.parametrize(
    "figures",
    [
        lambda: render_swimmer(swimmer(1), said()),
        lambda: render_waterfall(waterfall([0.0]), said()),
        lambda: render_spider(spider(1), said()),
        lambda: render_courses(courses(1), said()),
        lambda: render_edish(edish((1.0, 1.0)), said()),
    ],
    ids=["swimmer", "waterfall", "spider", "courses", "edish"],
)
def test_one_patient_is_drawn(figures):
    for figure in figures():
        assert isinstance(figure, Figure)
        assert figure.alt.plain
        assert "1 patient" in figure.caption.plain
        assert render_svg(figure.spec).startswith("<svg")


def test_figures_stand_on_printed_pages():
    blocks = (
        *render_swimmer(swimmer(43), said()), *render_waterfall(waterfall([1.0, None]), said()), *render_spider(spider(9), said()),
        *render_courses(courses(9), said()), *render_edish(edish((1.0, 1.0)), said()),
    )  # fmt: skip
    page = Page(Text("Patients"), Text("Virtual"), (Section("patients", Text("Patients"), blocks),))
    assert render_pdf(page).startswith(b"%PDF")


@pytest.mark.parametrize("name", PATIENT_FIGURES)
def test_every_kind_of_figure_is_drawn_from_derived_data(name):
    figures = render_patient_figures(listed_study(), name)
    assert [figure.id for figure in figures if isinstance(figure, Figure)]
    assert all(figure.id.startswith(f"figure-{name}") for figure in figures)
    assert_ids_known(figures, PATIENT_FIGURES[name][0](listed_study()))


# --- laws ---------------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.integers(), unique=True, max_size=300).map(lambda ids: [str(one) for one in ids]),
    st.integers(1, 60),
)
def test_pages_hold_everybody_once_in_order_and_are_even(subjects, most):
    made = pages(subjects, most)
    assert [one for page in made for one in page] == subjects
    assert all(0 < len(page) <= most for page in made)
    assert len(made) == math.ceil(len(subjects) / most)


@given(
    st.lists(
        st.from_regex(r"[A-C]{1,2}(-[0-9]{1,3}){0,3}", fullmatch=True), min_size=1, max_size=9, unique=True
    )
)
def test_short_names_are_different_and_lead_back(subjects):
    names = Names.for_subjects(subjects)
    assert [names.prefix + names.of[one] for one in subjects] == subjects
    assert len(set(names.of.values())) == len(subjects)
    assert all(names.of.values())


@given(
    st.floats(0.001, 1e6), st.floats(0.001, 1e6), st.floats(0.001, 1e6), st.booleans(), st.floats(300, 1000)
)  # fmt: skip
def test_axes_keep_the_order_of_values(one, other, high, is_log, width):
    low, high = 0.001, max(high, 0.01)
    across = Across(Place(0, 30), Place(1, -20), low, high, is_log)
    down = Down(10, 200, low, high, is_log)
    small, large = sorted((one, other))
    assert (
        30
        <= across.place(small).at_width(width)
        <= across.place(large).at_width(width) + 1e-9
        <= width - 20 + 1e-6
    )
    assert 200 >= down.place(small) >= down.place(large) - 1e-9 >= 10 - 1e-6


@given(st.lists(st.tuples(st.floats(0, 0.6), st.floats(20, 300)), max_size=12))
def test_names_do_not_cover_each_other_where_there_is_room(spots):
    ends = [(Place(share, 0), y, f"{i:03}") for i, (share, y) in enumerate(spots)]
    boxes = [(place.at_width(NARROWEST) + 6, y, words) for place, _, y, words in spread_labels(ends, 0, 320)]
    assert sorted(words for *_, words in boxes) == sorted(words for *_, words in ends)
    for i, (x, y, words_) in enumerate(boxes):
        for x2, y2, other in boxes[i + 1 :]:
            apart = x + text_width(words_) <= x2 or x2 + text_width(other) <= x
            assert apart or abs(y - y2) >= 11 - 1e-9


@pytest.mark.parametrize(
    ("days", "most", "months"),
    [
        pytest.param(30, 9, [0], id="not a month"),
        pytest.param(31, 9, [0, 1], id="a month"),
        pytest.param(365.25, 9, [0, 2, 4, 6, 8, 10, 12], id="a year"),
        pytest.param(913, 9, [0, 6, 12, 18, 24], id="thirty months less a day"),
        pytest.param(1099, 9, [0, 6, 12, 18, 24, 30, 36], id="three years"),
    ],
)
def test_months_on_an_axis(days, most, months):
    assert month_steps(days, most) == months


@pytest.mark.parametrize(
    ("low", "high", "exponents"),
    [(20, 1.7e8, (1, 9)), (10, 1000, (1, 3)), (100, 100, (2, 3)), (99, 101, (1, 3)), (0.05, 0.5, (-2, 0))],
)
def test_powers_of_ten_hold_the_numbers(low, high, exponents):
    assert powers_of_ten(low, high) == exponents


@pytest.mark.parametrize(
    ("exponent", "label"), [(-3, "10⁻³"), (-1, "0.1"), (0, "1"), (3, "1000"), (4, "10⁴"), (10, "10¹⁰")]
)
def test_labels_of_powers(exponent, label):
    assert power_label(exponent) == label


def test_the_axis_of_time_says_from_when():
    assert since_time_zero(said()) == "Months since the first durvalumab"
    assert since_time_zero(said("nct07120750")) == "Months since group assignment"


def test_a_page_has_its_patients():
    assert len(pages([str(i) for i in range(PAGE)])) == 1
    assert len(pages([str(i) for i in range(PAGE + 1)])) == 2


def test_layers_are_there_only_for_marks():
    canvas = Canvas()
    canvas.point(Place(0.5, 0), 10, Symbol("circle", "#000000"))
    spec = canvas.spec(20)
    assert list(spec["datasets"]) == ["points"]
    assert [layer["data"]["name"] for layer in spec["layer"]] == ["points"]
