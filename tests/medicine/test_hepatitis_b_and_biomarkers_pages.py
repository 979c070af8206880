"""Every table of docs/medicine/hepatitis-b.md and biomarkers.md, computed anew or held against the code."""

import inspect
import re
from pathlib import Path

import numpy as np
import pytest

from trialwright.medicine import biomarkers
from trialwright.medicine.assay_results import BelowLimit, State, impute_amounts
from trialwright.medicine.biomarkers import Gate
from trialwright.medicine.hepatitis_b import flare, hbsag, liver_injury, virological_response
from trialwright.medicine.hepatitis_b.hepatitis import Link, Samples, hbv_hepatitis
from trialwright.medicine.hepatitis_b.reactivation import REACTIVATION_RULES, reactivation
from trialwright.medicine.hepatitis_b.result_texts import read_results
from trialwright.vocabulary.concepts import catalogue
from trialwright.vocabulary.verdicts import Verdict

PAGES = Path(__file__).parents[2] / "docs" / "medicine"
MET, NOT_MET = Verdict.MET.code, Verdict.NOT_MET.code


def tables_of(page):
    """Header as one text, and rows as lists of cells, of each table of a page."""
    tables, rows = [], []
    for line in [*(PAGES / page).read_text(encoding="utf-8").splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            header, dashes, *body = rows
            assert set("".join(dashes)) == {"-"}
            assert {len(row) for row in body} == {len(header)}
            tables.append((" | ".join(header), body))
            rows = []
    return tables


def rows_of(page):
    return [
        pytest.param(header, row, id=f"{header[:20]}: {' '.join(row)[:40]}")
        for header, body in tables_of(page)
        for row in body
    ]


def read(text):
    return read_results(
        [text],
        concept="hbv_dna",
        unit="IU/mL",
        lloq=10,
        uloq=1.7e8,
        below_limit_means=State.BELOW_LLOQ_UNSPECIFIED,
    )


def number(text):
    return None if text == "missing" else float(text)


def printed(known, digits):
    """The number of the only row, or why there is none."""
    if not known.is_exact[0]:
        return f"unknown ({Verdict(int(known.reasons[0])).reason})"
    return f"{known.bounds.lo[0]:.{digits}f}" if digits is not None else f"{known.bounds.lo[0]:g}"


def verdict(codes):
    return str(Verdict(int(codes[0])))


# ---- hepatitis B


def check_text(text, state, numbers):
    results = read(text.strip("`"))
    assert State(results.state[0]).name == state
    low, high = (float(end) for end in re.findall(r"[\d.]+|inf", numbers))
    bounds = next(iter(results.amount.bounds))
    assert (bounds.lo, bounds.hi) == (pytest.approx(low), pytest.approx(high))
    assert (bounds.lo_open, bounds.hi_open) == (numbers[0] == "(", numbers[-1] == ")")


def check_assay(assay, copies, source):
    (equivalence,) = [one for one in catalogue()["hbv_dna"].equivalences if one.assay == assay]
    assert str(equivalence.amount) == copies
    assert all(
        word in equivalence.source
        for word in source.removesuffix(", not re-read").split(" and ")[0].split(", ")[0].split()
    )


def check_imputation(rule, value, log10):
    imputed = impute_amounts(read("<10"), below=BelowLimit(rule), not_detected=BelowLimit.ONE).values[0]
    assert imputed == pytest.approx(float(value), abs=5e-5)
    assert f"{np.log10(imputed):.4f}" == log10


def check_rule(name, rise, low, none, source):
    rule = REACTIVATION_RULES[name]
    after = "detected" if rule.newly_detectable else rule.undetectable_iu_ml
    assert rise == f"{rule.comparison} {rule.fold:g}"
    assert low == ("–" if after is None else after if isinstance(after, str) else f"{after:g} IU/mL")
    assert none == ("–" if rule.no_baseline_iu_ml is None else f"{rule.no_baseline_iu_ml:g} IU/mL")
    assert source == rule.source


def check_reactivation(rule, baseline, later, expected):
    codes = reactivation(read(later), baseline=read(baseline), rule=REACTIVATION_RULES[rule])
    assert verdict(codes) == expected


def check_flare(baseline, alt, expected):
    codes = flare.hepatitis_flare(
        [number(alt)], unit="U/L", baseline_alt=[number(baseline)], baseline_unit="U/L", fold=3, floor=100
    )
    assert verdict(codes) == expected


LINKS = {"none": None, "84, 35": Link(84, 35), "84, 0": Link(84, 0)}


def check_hepatitis(dna, alt, *days):
    def samples(text):
        found = [int(day) for day in re.findall(r"\d+", text)]
        return Samples(
            ["a"] * (len(found) + 1), [1, *found], np.array([NOT_MET] + [MET] * len(found), np.uint8)
        )

    for link, expected in zip(LINKS.values(), days, strict=True):
        event = hbv_hepatitis(samples(dna), samples(alt), people=["a"], link=link)
        assert event.verdict.tolist() == [NOT_MET if expected == "no" else MET]
        if expected != "no":
            assert event.day.bounds.lo.tolist() == [int(expected)]


def check_thresholds(name, alt, bilirubin, source):
    thresholds = getattr(liver_injury, name)
    assert alt == f">= {thresholds.aminotransferase:g}"
    assert bilirubin == f"{thresholds.bilirubin_comparison} {thresholds.bilirubin:g}"
    assert source == thresholds.source


MODULES = (flare, hbsag, liver_injury, virological_response, biomarkers)


def has_setting(function, argument):
    (found,) = [
        vars(module)[function] for module in MODULES if inspect.isfunction(vars(module).get(function))
    ]
    parameter = inspect.signature(found).parameters[argument]
    assert parameter.default is inspect.Parameter.empty


def check_setting(setting, usual, source):
    argument, function = re.fullmatch(r"`(\w+)` of `(\w+)`", setting).groups()
    has_setting(function, argument)
    assert usual
    assert source


HEPATITIS_B = {
    "text | state | numbers it may be": check_text,
    "assay | copies per IU | source": check_assay,
    "rule | number | log10": check_imputation,
    "rule | rise over baseline | after a baseline below the limit | without a baseline | source": check_rule,
    "rule | baseline | later | verdict": check_reactivation,
    "setting of `virological_breakthrough` | usual | source": lambda argument, *_: has_setting(
        "virological_breakthrough", argument.strip("`")
    ),
    "setting of `hepatitis_flare` | usual | source": lambda argument, *_: has_setting(
        "hepatitis_flare", argument.strip("`")
    ),
    "baseline ALT | ALT | verdict": check_flare,
    "link | meaning": lambda link, _: LINKS[link],
    "reactivation on day | flare on day | none | 84, 35 | 84, 0": check_hepatitis,
    "setting | usual | source": check_setting,
    "thresholds | ALT or AST | bilirubin | source": check_thresholds,
}


@pytest.mark.parametrize(("header", "row"), rows_of("hepatitis-b.md"))
def test_the_page_on_hepatitis_b(header, row):
    HEPATITIS_B[header](*row)


def test_the_page_names_every_rule_of_reactivation_every_state_and_every_imputation():
    tables = dict(reversed(tables_of("hepatitis-b.md")))
    rules = "rule | rise over baseline | after a baseline below the limit | without a baseline | source"
    assert [row[0] for row in tables[rules]] == list(REACTIVATION_RULES)
    assert {row[1] for row in tables["text | state | numbers it may be"]} == {
        state.name for state in State
    } - {"UNDECIDED"}
    assert {row[0] for row in tables["rule | number | log10"]} == set(BelowLimit)
    assert {row[0] for row in tables["assay | copies per IU | source"]} == {
        one.assay for one in catalogue()["hbv_dna"].equivalences
    }
    text = (PAGES / "hepatitis-b.md").read_text(encoding="utf-8")
    assert "; ".join(virological_response.DNA_GROUPS) in " ".join(text.split())


# ---- biomarkers


def check_proportion(code, numerator, denominator):
    assert biomarkers.PROPORTIONS[code] == (Gate(numerator), Gate(denominator))


def check_counts(cd8, pd1, percent, cv, error, sparse):
    found = biomarkers.cell_proportion(
        {Gate.CD8: [int(cd8)], Gate.PD1: [int(pd1)]}, proportion="PD1CD8P", sparse_below=500, none_below=100
    )
    assert printed(found.percent, 1) == percent
    assert printed(found.counting_cv, 1) == cv
    assert printed(found.standard_error, 3) == error
    assert verdict(found.is_sparse) == sparse


def check_pd_l1(tumour, immune, viable, tps, cps):
    cells = {"viable_tumour": [int(viable)], "least_viable": 100}
    assert printed(biomarkers.tumour_proportion_score([int(tumour)], **cells), None) == tps
    assert (
        printed(biomarkers.combined_positive_score([int(tumour)], [int(immune)], cap=100, **cells), None)
        == cps
    )


def check_option(option, what, function):
    assert option in "ABCDE"
    assert what
    assert function == "–" or inspect.isfunction(getattr(biomarkers, function.strip("`")))


def check_percentiles(percentiles, score, group):
    found = biomarkers.mean_percentile([[number(one)] for one in percentiles.split(", ")])
    groups = biomarkers.INFILTRATION_GROUPS.of(found)
    assert printed(found, None) == score
    settled = groups.settled[0]
    assert (settled or f"unknown ({Verdict(int(groups.reasons[0])).reason})") == group


GROUPS = {
    "TPS": "TPS_GROUPS",
    "CPS": "CPS_GROUPS",
    "infiltration": "INFILTRATION_GROUPS",
    "AFP": "AFP_GROUPS",
}


def check_groups(score, groups, source):
    found = getattr(biomarkers, GROUPS[score])
    assert "; ".join(found.levels) == groups
    assert found.source == source


BIOMARKERS = {
    "code | numerator | denominator": check_proportion,
    "setting | usual | source": check_setting,
    "CD8+ events | PD-1+ events | % | coefficient of variation, % | standard error, points | sparse": check_counts,
    "stained tumour | stained immune | viable tumour | TPS | CPS": check_pd_l1,
    "option | what it is | computed by": check_option,
    "percentiles | score | group": check_percentiles,
    "score | groups | source": check_groups,
}


@pytest.mark.parametrize(("header", "row"), rows_of("biomarkers.md"))
def test_the_page_on_biomarkers(header, row):
    BIOMARKERS[header](*row)


def test_the_page_names_every_proportion_and_every_group():
    tables = dict(reversed(tables_of("biomarkers.md")))
    assert [row[0] for row in tables["code | numerator | denominator"]] == list(biomarkers.PROPORTIONS)
    assert {row[0] for row in tables["score | groups | source"]} == set(GROUPS)
    assert set(GROUPS.values()) == {name for name in vars(biomarkers) if name.endswith("_GROUPS")}
