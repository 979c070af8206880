"""The dot plot of adverse events: its dots are counted by hand, and what is not known is never a dot."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cases.small_trial import SMALL, run

from trialwright.reports.adverse_event_figure import MOST_TERMS, render_adverse_event_dots
from trialwright.reports.blocks import Figure, Paragraph
from trialwright.reports.charts import render_svg
from trialwright.reports.printed import Source
from trialwright.reports.study_report import endpoint_sections

PEOPLE = {"0": "a", "1": "a", "2": "a", "3": "a", "4": "b", "5": "b"}


def event(subject, term, soc="SKIN", **about):
    return {"USUBJID": subject, "AEDECOD": term, "AESOC": soc, "ATOXGR": 1, "TRTEMFL": "Y", **about}


def dots(events, people=PEOPLE, name="harm_by_group"):
    results = run(people, only=(name,), adae=events)
    analysis = SMALL.analyses[name]
    return results, render_adverse_event_dots(Source(SMALL, results), name, analysis)


def points(figure):
    """Result, share and place of each dot; the symbols of a legend have no result."""
    found = [row for row in figure.spec["datasets"]["points"] if "ref" in row]
    return {row["ref"].removeprefix("result:"): row for row in found}


def words(figure):
    return [row["words"] for row in figure.spec["datasets"]["texts"]]


EVENTS = [
    event("0", "Itch"), event("0", "Itch", ATOXGR=3), event("1", "Itch"),
    event("2", "Rash"), event("4", "Rash"), event("5", "Rash"),
    event("3", "Nausea", "GUT"),
]  # fmt: skip


def test_a_dot_for_each_group_at_the_share_of_its_subjects():
    results, figure = dots(EVENTS)
    here = "harm_by_group/{}/soc={}: {}/proportion"
    # Of four in group a two itch (one of them twice), one has a rash, one nausea; of two in b both have a rash.
    expected = {
        here.format("a", "SKIN", "RASH"): 1 / 4, here.format("b", "SKIN", "RASH"): 1.0,
        here.format("a", "SKIN", "ITCH"): 1 / 2, here.format("b", "SKIN", "ITCH"): 0.0,
        here.format("a", "GUT", "NAUSEA"): 1 / 4, here.format("b", "GUT", "NAUSEA"): 0.0,
    }  # fmt: skip
    assert {ref: row["value"] for ref, row in points(figure).items()} == expected
    assert {ref: results[ref].value for ref in expected} == expected


def test_the_commonest_term_comes_first_all_groups_together_then_by_name():
    _, figure = dots([*EVENTS, event("5", "Ache", "HEAD")])
    terms = [word for word in words(figure) if word.isupper()]
    assert terms == ["RASH", "ITCH", "ACHE", "NAUSEA"]
    tops = [row["y"] for row in points(figure).values()]
    assert tops == sorted(tops)
    assert len(set(tops)) == 8  # no dot hides another


def test_numbers_stand_beside_and_the_legend_counts_the_groups():
    _, figure = dots(EVENTS)
    assert {"2 (50.0 %)", "2 (100.0 %)", "1 (25.0 %)", "0 (0.0 %)"} <= set(words(figure))
    assert {"Group A (n = 4)", "Group B (n = 2)"} <= set(words(figure))
    symbols = {(row["shape"], row["fill"]) for row in points(figure).values()}
    assert len({shape for shape, _ in symbols}) == 2  # colour never speaks alone


def test_the_axis_holds_all_dots_and_their_places_are_their_shares():
    _, figure = dots(EVENTS, name="harm")
    places = {row["value"]: (row["xs"], row["xp"]) for row in points(figure).values()}
    # Three of six is the most: the axis ends at 50 %, where its dot is, and a dot at 1/6 lies at 1/3 of the way.
    start, end = (0.42, 10), (1, -82)
    assert places[1 / 2] == end
    for part in (0, 1):
        way = end[part] - start[part]
        assert places[1 / 6][part] - start[part] == pytest.approx(way / 3, abs=0.01)
    assert [word for word in words(figure) if word.isdigit()] == ["0", "10", "20", "30", "40", "50"]


def test_a_term_of_two_classes_is_told_apart():
    _, figure = dots([event("0", "Pain", "GUT"), event("1", "Pain", "HEAD")], name="harm")
    assert {"PAIN (GUT)", "PAIN (HEAD)"} <= set(words(figure))


def test_a_group_of_nobody_has_no_dot():
    _, figure = dots([event("0", "Itch")], people={"0": "a"})
    (ref,) = points(figure)
    assert ref.startswith("harm_by_group/a/")
    assert "nobody in this group" in words(figure)


def test_who_or_what_cannot_be_placed_is_counted_in_the_caption():
    people = {**PEOPLE, "6": None}
    _, figure = dots([*EVENTS, event("1", "Rash", TRTEMFL=None)], people=people)
    caption = figure.caption.plain
    assert "Of 1 records nobody can tell whether they came with treatment" in caption
    assert "In no group, and so in no dot, for it is not known: 1 subjects." in caption
    assert "The groups were not made by chance." in caption
    assert "nobody can tell" not in dots(EVENTS)[1].caption.plain
    assert "In no group" not in dots(EVENTS)[1].caption.plain


@pytest.mark.parametrize(
    ("events", "people", "told"),
    [
        pytest.param([], {}, "not drawn: ", id="nobody"),
        pytest.param([], PEOPLE, "not drawn: the study records no adverse event", id="none of anybody"),
        pytest.param(
            [event("0", "Itch", TRTEMFL="N")],
            PEOPLE,
            "No adverse event that came with treatment",
            id="before",
        ),
        pytest.param(
            [event("0", "Itch", TRTEMFL=None)], PEOPLE, "Of 1 records nobody can tell", id="not known"
        ),
    ],
)
@pytest.mark.parametrize("name", ["harm", "harm_by_group"])
def test_without_terms_a_sentence_says_why(events, people, told, name):
    _, shown = dots(events, people, name)
    assert isinstance(shown, Paragraph)
    assert told in shown.text.plain


@pytest.mark.parametrize("n", [MOST_TERMS - 1, MOST_TERMS, MOST_TERMS + 1])
def test_what_is_left_out_is_counted(n):
    names = [f"T{chr(65 + i // 26)}{chr(65 + i % 26)}" for i in range(n)]
    _, figure = dots([event("0", name) for name in names] + [event("1", names[-1])], name="harm")
    shown = [word for word in words(figure) if word.isupper()]
    assert shown == [names[-1], *names[:-1]][:MOST_TERMS]
    is_told = f"Shown are {MOST_TERMS} of {n} terms; the table has all." in figure.caption.plain
    assert is_told is (n > MOST_TERMS)


RECORDS = st.lists(st.tuples(st.sampled_from("012345"), st.sampled_from(["Itch", "Rash", "Ache", "Pain"])))


@settings(max_examples=25, deadline=None)
@given(RECORDS, st.randoms())
def test_any_records_in_any_order_give_dots_that_are_rows_of_the_results(records, random):
    events = [event(*record) for record in records]
    results, shown = dots(events)
    assert isinstance(shown, Figure if records else Paragraph)
    random.shuffle(events)
    assert dots(events)[1] == shown
    if not records:
        return
    found = points(shown)
    assert len(found) == 2 * len({term for _, term in records})
    for ref, row in found.items():
        _, group, item, _ = ref.split("/")
        term = item.partition(": ")[2].capitalize()
        with_it = {subject for subject, had in records if had == term and PEOPLE[subject] == group}
        assert row["value"] == results[ref].value == len(with_it) / {"a": 4, "b": 2}[group]


def test_it_stands_beside_the_tables_and_can_be_drawn():
    results = run(PEOPLE, adae=EVENTS)
    sections = endpoint_sections(Source(SMALL, results))
    (harms,) = [section for section in sections if section.anchor == "endpoint-harms"]
    figures = {block.id: block for block in harms.blocks if isinstance(block, Figure)}
    assert set(figures) == {"figure-harm-terms", "figure-harm-by-group-terms"}
    svg = render_svg(figures["figure-harm-by-group-terms"].spec)
    assert set(re.findall(r">(RASH|ITCH|NAUSEA)<", svg)) == {"RASH", "ITCH", "NAUSEA"}
