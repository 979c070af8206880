"""The schedule of activities of a small protocol, column by column, and the weeks of its bars worked out by hand."""

import pytest

from trialwright.protocol.loading import parse_protocol
from trialwright.protocol.written_rules import read_writing
from trialwright.reports.blocks import Figure, Row, Table
from trialwright.reports.elements import Telling
from trialwright.reports.schedule_figure import schedule_figure
from trialwright.reports.schedule_of_activities import render_schedule
from trialwright.reports.text import render_table_text

HEAD = """\
format: trialwright/1
study: { id: SMALL, title: A small study, type: interventional, allocation: single arm }
facts:
  mri: { label: MRI of the liver, kind: number }
  alt: { label: ALT, kind: number, unit: U/L, concept: alt }
treatments:
  drug_a: { label: drug A }
anchors:
  entry: { text: Day of entry }
periods:
  first_year: { span: entry to entry + 52 weeks }
  half_a_year: { span: entry to entry + 26 weeks }
"""

SMALL = f"""{HEAD}
visits:
  screening: {{ label: Screening, within: 28 days before entry, measures: [alt, mri] }}
  scan:
    label: Scan
    every: 12 weeks
    from: entry
    tolerance: 7 days
    measures: [mri]
    source: registry, item 3
    status: registered
  end: {{ label: End, at: 26 weeks, measures: [alt] }}
clocks:
  enzymes: {{ measure: alt, at least every: 1 month, during: first_year }}
  start: {{ start of: drug_a, within: 7 days of entry, status: assumed, reason: Ours. }}
  cover: {{ keep: drug_a, at least: 6 months after last drug_a }}
"""


def telling(text):
    protocol, document = parse_protocol(text)
    return Telling(protocol, read_writing(protocol, document).rules)


def blocks_of(text):
    (section,) = render_schedule(telling(text))
    return section.blocks


def table_of(text):
    return next(block for block in blocks_of(text) if isinstance(block, Table))


def test_activities_go_down_and_visits_across():
    table = table_of(SMALL)
    columns = [column.title.plain for column in table.columns]
    assert columns == ["Activity", "Screening", "Scan", "End", "Whenever due"]
    rows = [[row.label.plain, *(cell.plain for cell in row.cells)] for row in table.rows]
    assert rows == [
        ["when", "28 days before entry[a]", "every 12 weeks ± 7 days[b]", "at 26 weeks[c]", ""],
        ["ALT", "×", "", "×", "at least every 1 month[d]"],
        ["MRI of the liver", "×", "×", "", ""],
        ["drug A", "", "", "", "within 7 days of entry[e], at least 6 months after last drug a[f]"],
    ]


def test_notes_say_all_of_each_visit_and_clock():
    assert [note.plain for note in table_of(SMALL).notes] == [
        "[a] Screening; within: 28 days before entry.",
        "[b] Scan; every: 12 weeks; from: entry; tolerance: 7 days. Registered: registry, item 3.",
        "[c] End; at: 26 weeks.",
        "[d] measure: alt; at least every: 1 month; during: first_year.",
        "[e] start of: drug_a; within: 7 days of entry. Assumed: Ours.",
        "[f] keep: drug_a; at least: 6 months after last drug_a.",
    ]


def test_every_mark_of_the_table_has_its_note_and_no_other():
    table = table_of(SMALL)
    cells = " ".join(cell.plain for row in table.rows for cell in row.cells)
    assert [note.plain[:3] for note in table.notes] == [f"[{letter}]" for letter in "abcdef"]
    assert all(cells.count(f"[{letter}]") == 1 for letter in "abcdef")


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_table_fits_a_terminal_without_breaking_words(width):
    text = render_table_text(table_of(SMALL), width=width)
    assert max(map(len, text.splitlines())) <= width
    for word in ("Screening", "Activity", "Whenever", "entry[a]", "days[b]", "weeks[c]", "liver"):
        assert word in text.split()


def test_visits_alone_need_no_column_for_clocks_and_clocks_no_row_for_visits():
    visits, _, clocks = SMALL.partition("clocks:\n")
    assert [column.title.plain for column in table_of(visits).columns][-1] == "End"
    table = table_of(HEAD + "clocks:\n" + clocks)
    assert [column.title.plain for column in table.columns] == ["Activity", "Whenever due"]
    assert [row.label.plain for row in table.rows] == ["ALT", "drug A"]
    assert all(isinstance(row, Row) for row in table.rows)


def test_without_visits_and_clocks_there_is_no_schedule():
    assert list(render_schedule(telling(HEAD))) == []


def test_more_than_26_notes_go_on_with_two_letters():
    visits = "".join(f"  v{i}: {{ label: V, at: {i} weeks, measures: [alt] }}\n" for i in range(1, 29))
    marks = [note.plain.split(" ")[0] for note in table_of(f"{HEAD}visits:\n{visits}").notes]
    assert marks[24:] == ["[y]", "[z]", "[aa]", "[ab]"]


# --- the figure ---------------------------------------------------------------------------------------------------------


def bars(section):
    """Weeks from and to of every bar, by the label of its row."""
    protocol, _ = parse_protocol(HEAD + section)
    labels = {f"visits.{name}": name for name in protocol.visits}
    labels |= {f"clocks.{name}": name for name in protocol.clocks}
    figure = schedule_figure(protocol, labels)
    if figure is None:
        return {}
    found = {}
    for bar in figure.spec["datasets"]["contacts"]:
        found.setdefault(bar["row"], []).append((round(bar["from"], 3), round(bar["to"], 3)))
    return found


def visit(keys):
    return f"visits:\n  v: {{ label: V, {keys} }}\n"


def clock(keys):
    return f"clocks:\n  v: {{ assess: mri, {keys} }}\n"


@pytest.mark.parametrize(
    ("section", "weeks"),
    [
        pytest.param(
            visit("every: 12 weeks, tolerance: 7 days"),
            [(11, 13), (23, 25), (35, 37), (47, 49)],
            id="a calendar stays on its weeks",
        ),
        pytest.param(
            visit("every: 12 weeks, tolerance: 7 days, counts from: previous contact"),
            [(11, 13), (22, 26), (33, 39), (44, 52)],
            id="each contact moves the next by a week either way",
        ),
        pytest.param(
            visit("at: 4 weeks, every: 16 weeks"),
            [(4, 4 + 1 / 7), (20, 20 + 1 / 7), (36, 36 + 1 / 7), (52 - 1 / 7, 52)],
            id="without a window the day itself, the last of them on the last day of the year",
        ),
        pytest.param(visit("at: 14 days, tolerance: 3 days"), [(2 - 3 / 7, 2 + 3 / 7)], id="one contact"),
        pytest.param(visit("at: 2 days, tolerance: 7 days"), [(0, 9 / 7)], id="nothing before the start"),
        pytest.param(visit("at: 2 years"), [], id="after the first year"),
        pytest.param(visit("within: 28 days before entry"), [], id="before the start"),
        pytest.param(
            clock("every: 8 to 12 weeks"),
            [
                (8, 12),
                (16, 24),
                (24, 36),
                (32, 48),
                (40, 52),
                (48, 52),
            ],  # the fifth until 60, the sixth until 72
            id="from the previous contact: earliest and latest move apart",
        ),
        pytest.param(
            clock("every: 8 to 12 weeks, tolerance: 7 days"),
            [(7, 13), (14, 26), (21, 39), (28, 52), (35, 52), (42, 52), (49, 52)],
            id="with a week of tolerance at each",
        ),
        pytest.param(
            clock("every: 12 weeks, tolerance: 7 days, counts from: anchor"),
            [(11, 13), (23, 25), (35, 37), (47, 49)],
            id="a clock on the calendar",
        ),
        pytest.param(clock("at least every: 1 month"), [(0, 52)], id="only a largest gap: any day"),
        pytest.param(
            visit("every: 12 weeks, tolerance: 7 days, from: entry, until: entry + 36 weeks"),
            [(11, 13), (23, 25), (35, 37)],
            id="until a week that is told, the last of its windows whole",
        ),
        pytest.param(
            visit("every: 12 weeks, from: entry, until: last drug_a"),
            [(12, 12 + 1 / 7), (24, 24 + 1 / 7), (36, 36 + 1 / 7), (48, 48 + 1 / 7)],
            id="until nobody knows when: as long as the picture",
        ),
        pytest.param(
            clock("every: 8 to 12 weeks, during: half_a_year"),
            [(8, 12), (16, 24), (24, 36)],
            id="during a period of 26 weeks: the next would be due after 32 at the earliest",
        ),
        pytest.param(
            clock("at least every: 1 month, during: half_a_year"), [(0, 26)], id="any day of the period"
        ),
    ],
)
def test_weeks_of_the_bars(section, weeks):
    expected = [(pytest.approx(start, abs=1e-3), pytest.approx(end, abs=1e-3)) for start, end in weeks]
    assert bars(section).get("v", []) == expected


def test_a_month_is_a_twelfth_of_a_year():
    ((start, _),) = bars(visit("at: 6 months"))["v"]
    assert start == pytest.approx(365.25 / 2 / 7, abs=1e-3)


def test_nothing_to_draw_is_no_figure():
    assert bars(visit("within: 28 days before entry")) == {}
    only_table = blocks_of(HEAD + visit("within: 28 days before entry, measures: [alt]"))
    assert [type(block) for block in only_table] == [Table]


def test_rows_of_the_figure_are_called_as_in_the_table():
    (figure,) = (block for block in blocks_of(SMALL) if isinstance(block, Figure))
    assert [row["label"] for row in figure.spec["datasets"]["rows"]] == [
        "Scan",
        "End",
        "ALT: at least every 1 month",
    ]


def test_contacts_too_close_to_be_told_apart_are_one_bar_to_the_end_of_the_year():
    assert bars(visit("every: 1 day, tolerance: 1 day"))["v"] == [(0, 52)]
    assert bars(visit("at: 1 week, every: 3 days"))["v"] == [(1, 52)]
