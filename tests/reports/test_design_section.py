"""What the report of a trial says of its design: numbers that are rows of its results, and nothing where there is no design."""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest

from trialwright.analysis.from_records import AnalysedTrial
from trialwright.analysis.results import Recorder, Results
from trialwright.design.audit import audit_design, audit_in_brief
from trialwright.protocol.loading import load_protocol
from trialwright.reports.blocks import Figure, Table, walk
from trialwright.reports.charts import render_svg
from trialwright.reports.design_page import build_design_page, design_sections, with_design
from trialwright.reports.origins import references
from trialwright.reports.text import render_page_text


def trial_of(loaded):
    """A trial of which only its protocol and one result are known."""
    before = Recorder("os_curve", "kaplan-meier", "records")
    before.add("n_events", 3, "events")
    results = Results(tuple(before.rows), (), {"protocol": {}}, is_simulated=True)
    return AnalysedTrial(SimpleNamespace(loaded=loaded, protocol=loaded.protocol), None, None, results, ())


@pytest.mark.parametrize(
    ("trial", "tables"),
    [
        ("nct07120750", {"table-design-assumptions", "table-design-events", "table-design-sets", "table-design-power-hazard-ratio"}),
        ("nct04294498", {"table-design-assumptions", "table-design-exclusion", "table-design-hypotheses"}),
    ],
)  # fmt: skip
def test_the_section_refers_to_rows_that_lie_beside_the_report(trial, tables):
    trial = with_design(trial_of(load_protocol(trial)))
    sections = design_sections(trial)
    assert [section.anchor for section in sections] == ["design"]
    assert {block.id for block in walk(sections) if isinstance(block, Table)} == tables
    shown = {ref.key for ref in references(sections) if ref.kind == "result"}
    assert len(shown) > 30
    assert all(key in trial.results for key in shown)
    assert "os_curve/n_events" in trial.results
    assert set(trial.results.to_frame()["SIMULATED"]) == {"Y"}


def test_without_a_design_there_is_no_section():
    trial = trial_of(load_protocol("hcc-resection"))
    assert with_design(trial).results == trial.results
    assert design_sections(trial) == ()


def test_of_a_design_that_cannot_be_worked_out_the_report_says_why():
    loaded = load_protocol("nct07120750")
    bare = loaded.protocol.design.model_copy(update={"rests_on": None})
    loaded = replace(loaded, protocol=loaded.protocol.model_copy(update={"design": bare}))
    trial = with_design(trial_of(loaded))
    assert [row.id for row in trial.results.rows] == ["os_curve/n_events"]
    (section,) = design_sections(trial)
    (callout,) = section.blocks
    assert [text.plain.partition(",")[0] for text in callout.body] == [
        "the design needs the sides of its test",
        "the design needs a reference rate: the risk without the treatment",
        "the design needs the share of subjects who are treated",
        "the design needs the share of subjects who are lost",
    ]


@pytest.mark.parametrize("trial", ["nct07120750", "nct04294498"])
def test_a_design_with_no_values_beside_its_own_has_a_page(trial):
    """One value on an axis, no scenario, no boundary."""
    loaded = load_protocol(trial)
    bare = {
        "design": loaded.protocol.design.model_copy(update={"vary": None}),
        "scenarios": {},
        "monitoring": {},
    }
    audit = audit_design(replace(loaded, protocol=loaded.protocol.model_copy(update=bare)))
    figures = [block for block in walk(build_design_page(audit).sections) if isinstance(block, Figure)]
    assert figures
    for figure in figures:
        assert "<svg" in render_svg(figure.spec)


def test_a_rate_that_is_to_be_exceeded_is_told_so():
    """43 patients, 4.1 % held against 20 % expected: 5 events or more are rarer than 5 % at 4.1 %, 4 are not (term by term)."""
    loaded = load_protocol("nct04294498")
    rates = {"reactivation_rate": 0.2, "acceptable_reactivation_rate": 0.041}
    changed = {
        name: loaded.protocol.assumptions[name].model_copy(update={"value": to}) for name, to in rates.items()
    }
    changed = {"assumptions": {**loaded.protocol.assumptions, **changed}, "monitoring": {}}
    protocol = loaded.protocol.model_copy(update=changed)
    audit = audit_in_brief(replace(loaded, protocol=protocol))

    def at_least(k, rate):
        return sum(math.comb(43, i) * rate**i * (1 - rate) ** (43 - i) for i in range(k, 44))

    here = "design hypotheses/reference 4.1 %"
    deciding = audit.results[f"{here}/n_events_deciding"].value
    assert at_least(5, 0.041) <= 0.05 < at_least(4, 0.041)
    assert deciding == 5
    assert audit.results[f"{here}, true 20 %/power"].value == pytest.approx(at_least(5, 0.2))
    assert audit.results[f"{here}, true 2 %/power"].value is None
    text = render_page_text(build_design_page(audit))
    assert "Fewest events that" in text
