"""A small page with one of everything, its numbers worked out by hand, and text that would like to be code."""

import datetime as dt

import pytest

from trialwright.reports.blocks import (
    Bullets,
    Callout,
    Code,
    Column,
    GroupHeading,
    KeyValues,
    Mark,
    Number,
    Page,
    Paragraph,
    Ref,
    Row,
    Section,
    Strong,
    Table,
    Term,
    Text,
)
from trialwright.reports.figures import forest_figure, survival_figure

HOSTILE = "<script>alert(1)</script> #typst[code] $x$ \"q\" 'r' &amp; ${{y}} {% z %} \\u{41} 随访 ≥ × α"


@pytest.fixture(scope="session")
def five_patients():
    return make_five_patients


def make_five_patients(label):
    """Events at 1, 3 and 4, censored at 2 and 5: survival 4/5, then 4/5 * 2/3 = 8/15, then 8/15 * 1/2 = 4/15."""
    steps = [
        (0, 1, None, None, 5),
        (1, 4 / 5, 0.2, 0.97, 5),
        (2, 4 / 5, 0.2, 0.97, 4),
        (3, 8 / 15, 0.07, 0.86, 3),
    ]
    steps += [(4, 4 / 15, 0.01, 0.69, 2), (5, 4 / 15, 0.01, 0.69, 1)]
    keys = ("time", "survival", "conf_low", "conf_high", "n_at_risk")
    ticks = [(0, 5, 0, 0), (2, 4, 0, 1), (4, 2, 1, 2), (6, 0, 2, 3)]
    return {
        "label": label,
        "steps": [dict(zip(keys, step, strict=True)) for step in steps],
        "censor_marks": [{"time": 2, "survival": 4 / 5}, {"time": 5, "survival": 4 / 15}],
        "ticks": [
            dict(zip(("time", "n_at_risk", "n_censored", "n_events"), tick, strict=True)) for tick in ticks
        ],
    }


def number(text, key, value):
    return Number(text, Ref.result(key), value)


def baseline_table():
    group = Text("Group")
    return Table(
        "table-baseline",
        Text("Patients at the start"),
        (
            Column(Text("Characteristic"), "left"),
            Column(Text("A ", Term("(n = 12)", Ref.result("n/a"))), under=group),
            Column(Text("B ", Term("(n = 9)", Ref.result("n/b"))), under=group),
            Column(Text("Difference", Mark("a"))),
        ),
        (
            GroupHeading(Text("Liver")),
            Row(
                Text("ALT, U/L"),
                (
                    Text(number("41.5", "alt/a", 41.46)),
                    Text(number("38.0", "alt/b", 38)),
                    Text(number("0.12", "alt/d", 0.1234567890123)),
                ),
                indent=1,
            ),
            Row(
                Text("Cirrhosis"),
                (
                    Text(number("7", "cir/a", 7)),
                    Text(number("8", "cir/b", 8)),
                    Text(Term("not estimable", Ref.result("cir/d"))),
                ),
                indent=1,
            ),
        ),
        notes=(Text(Mark("a"), " Standardised difference."),),
    )


@pytest.fixture(scope="session")
def sample_page():
    curve = survival_figure(
        [make_five_patients("HBsAg positive </script>"), make_five_patients("随访")],
        figure_id="figure-rfs",
        title=Text("Recurrence-free survival"),
        alt=Text("Two curves that fall to about a quarter."),
        survival_title="Recurrence-free survival",
        time_title="Months",
        caption=Text("Pointwise ", number("95 %", "level", 0.95), " intervals."),
    )
    forest = forest_figure(
        [
            {
                "label": "Age, per 10 years",
                "estimate": 1.5,
                "conf_low": 1.1,
                "conf_high": 2.0,
                "printed": "1.50 (1.10 to 2.00)",
            }
        ],
        figure_id="figure-forest",
        title=Text("Hazard ratios"),
        alt=Text("One hazard ratio."),
        estimate_title="Hazard ratio",
    )
    hostile = Text(Term(HOSTILE, Ref.protocol('study."title"<i>')))
    empty = Table(
        "table-empty", Text("Deviations"), (Column(Text("Deviation"), "left"), Column(Text("Patients"))), ()
    )
    return Page(
        title=Text("Sample ", hostile),
        subtitle=Text("All ", number("21", "n", 21), " patients"),
        sections=(
            Section(
                "synopsis",
                Text("Synopsis of ", Term("NCT04294498", Ref.protocol("study.registered.nct"))),
                (
                    Callout(
                        "warning",
                        Text("Groups are small"),
                        (Text("Only ", number("9", "n/b", 9), "."), hostile),
                    ),
                    KeyValues(
                        (
                            (Text("Question"), hostile),
                            (Text("Hash"), Text(Code("9f86d0", Ref.version("protocol")))),
                        )
                    ),
                    Paragraph(
                        Text(
                            "Median ",
                            Strong(number("3.0 months", "median", 3)),
                            ", graded by ",
                            Term("CTCAE v5.0", Ref.source("CTCAE")),
                        )
                    ),
                    Bullets(
                        (
                            Text("<b>One</b> & <img src=x onerror='alert()'> <!-- #panic() *x* {{ y }}"),
                            Text("Run ", Code("trialwright report")),
                        )
                    ),
                    Section("inner", Text("A part"), (baseline_table(), empty)),
                ),
            ),
            Section("survival", Text("Survival"), (curve, forest, Callout("note", Text("Ends here")))),
        ),
        running=Text("Sample"),
        date=dt.date(2024, 5, 1),
    )
