"""Datasets derived alone are those derived with all others, and little else is derived for them."""

from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.derivations.small_studies import Records, occurrences, on_day
from tests.derivations.tumours import PROTOCOL, edit, loaded

from trialwright.derivations.adevt import derive_adevt
from trialwright.derivations.datasets import LABELS, derive_datasets
from trialwright.derivations.events import known_facts
from trialwright.derivations.study import make_study
from trialwright.design.virtual.simulation import simulate
from trialwright.protocol.loading import load_protocol


@pytest.fixture(scope="module")
def study():
    """A small virtual trial whose readers give sums twice as large as those of their lesions."""
    loaded = load_protocol("nct04294498")
    tables = dict(simulate(loaded, seed=3, subjects=12).tables)
    is_sum = pl.col("TRTESTCD") == "SUMDIAM"
    tables["TR"] = tables["TR"].with_columns(
        TRSTRESN=pl.when(is_sum).then(2 * pl.col("TRSTRESN")).otherwise("TRSTRESN")
    )
    return make_study(loaded, tables)


@pytest.fixture(scope="module")
def everything(study):
    return derive_datasets(study)


@pytest.mark.parametrize(
    ("only", "rests_on"),
    [
        pytest.param(("ADTTE", "ADBASE", "ADRATE"), {"ADSL", "ADEVT"}, id="what a rehearsal needs"),
        pytest.param(("ADATTR",), {"ADSL", "ADEVT", "ADLB", "ADAE"}, id="resting on most others"),
    ],
)
def test_some_datasets_are_what_all_together_are(study, everything, only, rests_on):
    told = []
    made = derive_datasets(study, only=only, progress=told.append)
    assert list(made.tables) == [name for name in LABELS if name in only]
    for name in only:
        assert_frame_equal(made.tables[name], everything.tables[name])
    assert set(told) == {"what is known", *only, *rests_on}


@pytest.fixture(scope="module")
def after_treatment():
    """A small virtual trial of the other protocol, with the mistakes of real records, and all its datasets."""
    protocol = load_protocol("nct07120750")
    study = make_study(protocol, simulate(protocol, seed=3, subjects=12).tables)
    return study, derive_datasets(study)


@pytest.mark.parametrize(
    "only",
    [("ADSL",), ("ADBASE",), ("ADCLOCK",), ("ADTTEV",), ("ADSL", "ADBASE", "ADTTE", "ADCLOCK")],
    ids=" ".join,
)
def test_what_else_is_known_changes_no_dataset(after_treatment, only):
    study, everything = after_treatment
    made = derive_datasets(study, only=only)
    for name in only:
        assert len(made.tables[name])
        assert_frame_equal(made.tables[name], everything.tables[name])


@pytest.mark.parametrize("told", [{"recurrence", "os", "hbv_dna", "cirrhosis"}, {"os", "afp"}, set()])
def test_some_parameters_are_what_all_together_have(after_treatment, told):
    study, everything = after_treatment
    names = ("ADBASE", "ADTTE", "ADTTEV")
    made = derive_datasets(study, only=names, parameters=told)
    for name in names:
        theirs = everything.tables[name].filter(pl.col("PARAMCD").str.to_lowercase().is_in(told))
        assert_frame_equal(made.tables[name], theirs)
    assert set(made.tables["ADTTE"]["PARAMCD"].str.to_lowercase()) == told & {"recurrence", "os"}


@pytest.mark.parametrize("name", ["nct04294498", "nct07120750"])
def test_what_is_derived_of_a_person_does_not_depend_on_who_else_is_there(name):
    """But the last day that the records of a study tell of, and whether adverse events are recorded in it at all."""
    protocol = load_protocol(name)
    records = simulate(protocol, seed=5, subjects=45, errors=False).tables
    people = records["DM"]["USUBJID"].sort()

    def derived(some):
        tables = {domain: table.filter(pl.col("USUBJID").is_in(some)) for domain, table in records.items()}
        return derive_datasets(make_study(protocol, tables, cut=date(2030, 1, 1))).tables

    whole, parts = derived(people), [derived(people.gather_every(3, offset)) for offset in range(3)]
    for dataset in LABELS:
        theirs = pl.concat(part[dataset] for part in parts).sort("USUBJID", maintain_order=True)
        assert_frame_equal(
            whole[dataset].sort("USUBJID", maintain_order=True).drop("SUBJECT"), theirs.drop("SUBJECT")
        )


def gappy(table):
    """Records of which every seventh has no dates, and every seventh dates known to the month; but doses, which are counted, and
    consent."""
    dates = [name for name in table.columns if name.endswith("DTC") and name[:2] not in ("EX", "RF")]
    number, text = pl.int_range(pl.len()) % 7, pl.col(dates)
    return table.with_columns(pl.when(number == 1).then(text.str.head(7)).when(number > 1).then(text))


def moved(table, n_years):
    text = pl.col(name for name in table.columns if name.endswith("DTC"))
    year = text.str.head(4).cast(pl.Int64) + n_years
    return table.with_columns(year.cast(pl.String) + text.str.slice(4))


@pytest.mark.parametrize("name", ["nct04294498", "nct07120750"])
def test_all_of_it_28_years_later_is_the_same_28_years_later(name):
    """After 28 years the calendar is the same. A day in a dataset that only stands for one that nobody knows would not move."""
    protocol, n_years = load_protocol(name), 28
    records = {
        domain: gappy(table) for domain, table in simulate(protocol, seed=6, subjects=15).tables.items()
    }
    now = derive_datasets(make_study(protocol, records)).tables
    later = {domain: moved(table, n_years) for domain, table in records.items()}
    then = derive_datasets(make_study(protocol, later)).tables
    for dataset in LABELS:
        back = then[dataset].with_columns(pl.col(pl.Date).dt.offset_by(f"-{n_years}y"))
        assert_frame_equal(back, now[dataset])


def test_what_nobody_asks_for_is_neither_read_nor_derived(after_treatment):
    study, _ = after_treatment
    facts = known_facts(study, wanted={"recurrence"})
    made_of = {
        "new_lr5", "tumour_in_vein", "local_progression", "proven_recurrence", "probable_treated",
        "extrahepatic_recurrence", "death_from_hcc_unseen", "lesion_shown", "untreated_lesion", "treated_lesion",
    }  # fmt: skip
    named_by_dates = {"adequate_scan", "second_primary", "liver_transplantation"}
    assert facts.events.keys() == {"recurrence", "death", *made_of, *named_by_dates}
    assert {"lirads", "peginterferon", "group_assignment", "birth_date"} <= facts.known
    assert facts.known.isdisjoint({"hbv_dna", "epilepsy", "functional_cure"})
    assert len(known_facts(study).records_of("hbv_dna"))
    with pytest.raises(ValueError, match="`hbv_dna` was not asked for: name it among what is wanted"):
        facts.records_of("hbv_dna")


def test_the_parts_of_a_score_are_known_with_it(after_treatment):
    study, _ = after_treatment
    facts = known_facts(study, wanted={"child_pugh"})
    assert {"bilirubin", "albumin", "inr", "ascites", "encephalopathy"} <= facts.known


def test_results_of_a_test_are_of_the_same_fact_whoever_asks():
    """The numbers of a test are of one fact, its words of another, which need not be wanted."""
    records = Records().person().result("hbsag_quantity", on_day(1), 1250)
    records.add("LB", "1", LBTESTCD="HBSAG", LBSTRESC="POSITIVE", LBDTC=on_day(2))
    facts = known_facts(records.study_of("nct07120750"), wanted={"hbsag_quantity"})
    assert "hbsag" not in facts.known
    assert facts.records_of("hbsag_quantity")["lo"].to_list() == [1250]


def test_an_event_of_a_concept_that_no_fact_is_about_is_derived():
    text = edit(
        PROTOCOL, "  new_anticancer_therapy: { reported: true }\n",
        "  new_anticancer_therapy: { reported: true }\n  high_alt: { of: alt, when: value > 100 U/L }\n",
    )  # fmt: skip
    records = Records("T-1").person().doses("durvalumab", [1]).series("alt", {1: 40, 15: 101})
    assert [
        day.isoformat() for day in occurrences(derive_adevt(records.study_of(loaded(text))), "high_alt")
    ] == [on_day(15)]


@pytest.mark.parametrize("name", ["level", "reason", "code", "day", "lo", "via", "decided", "is_possible"])
@pytest.mark.parametrize("of", ["of: alt, when: value > 100 U/L", "when: 'last(alt, 28 days) > 100 U/L'"])
def test_an_event_may_be_called_like_a_variable_of_records(name, of):
    """Met on day 15 alone, whatever it is called: the verdict is not taken for the variable, nor the variable for it."""
    text = edit(
        PROTOCOL, "  new_anticancer_therapy: { reported: true }\n",
        f"  new_anticancer_therapy: {{ reported: true }}\n  {name}: {{ {of} }}\n",
    )  # fmt: skip
    records = Records("T-1").person().doses("durvalumab", [1]).series("alt", {1: 40, 15: 101, 22: 100})
    made = derive_datasets(records.study_of(loaded(text)))
    assert [day.isoformat() for day in occurrences(made.tables["ADEVT"], name)] == [on_day(15)]


def test_questions_to_tumour_records_come_with_their_datasets(study, everything):
    assert "tumour-sum" in {problem.code for problem in everything.problems}
    assert derive_datasets(study, only=("ADRS",)).problems == everything.problems
    assert derive_datasets(study, only=("ADSL",)).problems == study.left_out


def test_a_dataset_that_does_not_exist_is_refused(study):
    with pytest.raises(ValueError, match="no dataset is called `ADQS`: there are ADSL, ADELIG"):
        derive_datasets(study, only=("ADSL", "ADQS"))
