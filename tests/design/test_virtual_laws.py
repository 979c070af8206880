"""Laws of virtual trials: nobody is dosed after death, nothing lies outside an assay, shares are those asked for."""

import math
from pathlib import Path

import polars as pl
import pytest
from tests.design.virtual_trials import with_assumptions

from trialwright.design.virtual.simulation import simulate
from trialwright.records.sdtm import ValueKind, domains
from trialwright.records.table_checks import check_tables

EXACT_FLARES = {"alt_within": 0, "analyte_within": 0, "immune_hepatitis": 0.8, "flare_spread": 0.8}
"""Many flares of all heights, measured without error."""


def days(column):
    return pl.col(column).str.to_date("%Y-%m-%d", strict=False)


def test_tables_hold_together(clean):
    assert check_tables(clean.tables) == []


def test_every_record_says_that_it_is_simulated(clean, loaded):
    for table in clean.tables.values():
        assert table["SIMULATED"].unique().to_list() == ["Y"]
        assert table["STUDYID"].unique().to_list() == [f"{loaded.protocol.study.id}-SIM"]
    for truth in (clean.latent, clean.observable):
        assert truth["SIMULATED"].unique().to_list() == ["Y"]


def test_nothing_is_recorded_after_death_or_before_birth(clean):
    death = clean.tables["DM"].select("USUBJID", death=days("DTHDTC"), birth=days("BRTHDTC"))
    n_dead = 0
    for name, table in clean.tables.items():
        dated = [
            variable
            for variable, told in domains()[name].variables.items()
            if told.kind is ValueKind.DATE
            and variable in table.columns
            and variable not in ("DTHDTC", "BRTHDTC")
        ]
        for variable in dated:
            found = table.select("USUBJID", *([] if name != "DS" else ["DSDECOD"]), day=days(variable)).join(
                death, on="USUBJID"
            )
            late = found.filter(pl.col("day") > pl.col("death"))
            assert late.height == 0, (name, variable, late.head(3).rows())
            assert found.filter(pl.col("day") < pl.col("birth")).height == 0
            n_dead += found.filter(pl.col("death").is_not_null()).height
    assert n_dead > 100  # there was something to find


def test_doses_and_visits_lie_before_death(clean):
    death = clean.tables["DM"].select("USUBJID", death=days("DTHDTC"))
    for name, variable in (("EX", "EXENDTC"), ("SV", "SVSTDTC"), ("LB", "LBDTC")):
        found = clean.tables[name].select("USUBJID", day=days(variable)).join(death, on="USUBJID")
        assert found.filter(pl.col("day") >= pl.col("death")).height == 0


def test_intervals_run_forwards(clean):
    for name in ("EX", "CM", "AE"):
        table = clean.tables[name]
        if f"{name}ENDTC" not in table.columns:
            continue
        start, end = f"{name}STDTC", f"{name}ENDTC"
        assert table.filter(days(end) < days(start)).height == 0
        assert table.filter(days(end) >= days(start)).height > 10


def test_consent_comes_before_what_the_study_does(clean):
    consent = clean.tables["DM"].select("USUBJID", consent=days("RFICDTC"))
    for name, variable in (("SV", "SVSTDTC"), ("LB", "LBDTC")):
        found = clean.tables[name].select("USUBJID", day=days(variable)).join(consent, on="USUBJID")
        assert found.filter(pl.col("day") < pl.col("consent")).height == 0


def test_one_sample_a_day(clean):
    results = clean.tables["LB"].filter(pl.col("LBSTRESN").is_not_null())
    assert results.select("USUBJID", "LBTESTCD", "LBDTC").is_duplicated().sum() == 0


def test_results_lie_within_their_assay(clean):
    results = clean.tables["LB"].filter(pl.col("LBLLOQ").is_not_null() & pl.col("LBSTRESN").is_not_null())
    assert results.height > 500
    assert results.filter(pl.col("LBSTRESN") < pl.col("LBLLOQ") * (1 - 1e-9)).height == 0
    above = results.filter(
        pl.col("LBULOQ").is_not_null() & (pl.col("LBSTRESN") > pl.col("LBULOQ") * (1 + 1e-9))
    )
    assert above.height == 0
    below = clean.tables["LB"].filter(pl.col("LBORCMP") == "<")
    assert below.height > 10
    assert below["LBSTRESN"].null_count() == below.height


def test_units_and_their_conversion(clean):
    """Reported numbers times the published factor are the standardised ones (hbv.md 1.1; 584.673 g/mol)."""
    results = clean.tables["LB"].filter(pl.col("LBSTRESN").is_not_null())
    for test, unit, factor in (
        ("HBVVLD", "copies/mL", 1 / 5.82), ("HBVVLD", "IU/mL", 1.0), ("BILI", "mg/dL", 10_000 / 584.673),
        ("BILI", "umol/L", 1.0), ("ALT", "U/L", 1.0),
    ):  # fmt: skip
        found = results.filter((pl.col("LBTESTCD") == test) & (pl.col("LBORRESU") == unit))
        assert found.height > 5, (test, unit)
        wrong = found.filter(
            (pl.col("LBSTRESN") - pl.col("LBORRESN") * factor).abs() > 1e-9 * pl.col("LBSTRESN")
        )
        assert wrong.height == 0
        assert found.filter(pl.col("LBORRES").cast(pl.Float64) != pl.col("LBORRESN")).height == 0


def test_sequence_numbers_count_the_records_of_a_subject(clean):
    for name, table in clean.tables.items():
        sequence = domains()[name].sequence
        if sequence:
            counted = table.group_by("USUBJID").agg(pl.col(sequence).sort().alias("seq"), pl.len())
            assert counted.filter(pl.col("seq").list.last() != pl.col("len")).height == 0
            assert counted.filter(pl.col("seq").list.n_unique() != pl.col("len")).height == 0


def test_everybody_is_in_dm(clean):
    everybody = clean.tables["DM"]["USUBJID"]
    assert everybody.is_duplicated().sum() == 0
    for table in clean.tables.values():
        assert set(table["USUBJID"]) <= set(everybody)
    enrolled = clean.latent.filter(pl.col("ENROLLED") == "Y")
    assert enrolled.height == 300


def test_what_can_be_seen_lies_after_what_happened(advanced):
    """A reader with no error of measurement could not see progression before it was there; with 4 % of error few do."""
    seen = advanced.observable.filter(
        (pl.col("ELEMENT") == "events.progression")
        & (pl.col("READER") == "local")
        & (pl.col("ANSWER") == "Y")
    )
    both = seen.join(advanced.latent.select("USUBJID", "PROGRESSION"), on="USUBJID")
    early = both.filter((pl.col("ADT") < pl.col("PROGRESSION")) | pl.col("PROGRESSION").is_null()).height
    assert both.height > 1000
    assert early / both.height < 0.2


def test_liver_injury_is_seen_after_it_is_there():
    """Without error of measurement nobody could see Hy's law fulfilled before it was; and monthly samples miss some."""
    made = simulate(
        with_assumptions("nct04294498", icteric_flare=1, **EXACT_FLARES), seed=7, subjects=200, errors=False
    )
    answers = made.observable.filter(pl.col("ELEMENT") == "events.hys_law")
    both = answers.join(made.latent.select("USUBJID", "HYS_LAW"), on="USUBJID")
    seen = both.filter(pl.col("ANSWER") == "Y")
    assert 15 < seen.height < both["HYS_LAW"].drop_nulls().len()
    assert (seen["ADT"] >= seen["HYS_LAW"]).all()
    assert seen["HYS_LAW"].null_count() == 0


def test_without_jaundice_there_is_no_hys_law():
    calm = with_assumptions("nct04294498", icteric_flare=0, decompensation=0, **EXACT_FLARES)
    made = simulate(calm, seed=7, subjects=200, errors=False)
    assert made.latent["FLARE"].drop_nulls().len() > 50
    assert made.latent["HYS_LAW"].drop_nulls().is_empty()
    assert set(made.observable.filter(pl.col("ELEMENT") == "events.hys_law")["ANSWER"]) == {"N"}


def test_a_confirmed_progression_was_first_unconfirmed(advanced):
    """At least 28 days before, and that day is the one by which iRECIST dates it; nobody goes back from it."""
    scans = advanced.observable.filter(pl.col("ELEMENT") == "facts.irecist_response")
    key = ["USUBJID", "READER"]
    first = scans.filter(pl.col("RESPONSE") == "iCPD").group_by(key).agg(confirmed=pl.col("ADT").min())
    dated = advanced.observable.filter(pl.col("RESPONSE") == "CONFIRMED").select(*key, begun="ADT")
    both = first.join(dated, on=key, how="full", coalesce=True)
    assert both.height > 500
    assert (both["confirmed"] - both["begun"]).dt.total_days().min() >= 28
    at_first = scans.join(both, on=key).filter(pl.col("ADT") == pl.col("begun"))
    assert at_first.height == both.height
    assert set(at_first["RESPONSE"]) == {"iUPD"}
    assert set(scans.join(both, on=key).filter(pl.col("ADT") > pl.col("confirmed"))["RESPONSE"]) == {"iCPD"}


def test_nobody_is_cured_under_an_analogue(after_treatment):
    loss = after_treatment.observable.filter(pl.col("ELEMENT") == "events.hbsag_loss_sustained")
    assert (loss["ANSWER"] == "Y").sum() > 20
    cures = after_treatment.observable.filter(pl.col("ELEMENT") == "events.functional_cure")
    assert set(cures["ANSWER"]) == {"N"}


def test_nobody_recurs_before_time_zero(after_treatment):
    latent = after_treatment.latent.filter(pl.col("ENROLLED") == "Y")
    assert (latent["RECURRENCE_DAY"] >= 1).all()
    events = after_treatment.observable.filter(
        pl.col("ELEMENT").str.starts_with("events.") & pl.col("ADT").is_not_null()
    )
    zero = events.join(latent.select("USUBJID", "ZERO"), on="USUBJID")
    assert zero.height > 1000
    assert zero.filter(pl.col("ADT") < pl.col("ZERO")).height == 0


def test_a_recurrence_is_seen_after_it_is_there(after_treatment):
    """LR-5 is written by the first reader only from the true day on."""
    seen = after_treatment.observable.filter(
        (pl.col("ELEMENT") == "events.new_lr5") & (pl.col("READER") == "local") & (pl.col("ANSWER") == "Y")
    )
    both = seen.join(after_treatment.latent.select("USUBJID", "RECURRENCE"), on="USUBJID")
    assert both.height > 200
    assert both.filter(pl.col("ADT") < pl.col("RECURRENCE")).height == 0


# --- shares -----------------------------------------------------------------------------------------------------------


def assert_near(count, n, share):
    """Within 4.5 standard deviations of a binomial: by chance alone once in 150,000 tests."""
    assert abs(count - n * share) <= 4.5 * math.sqrt(n * share * (1 - share)) + 1, (count, n, share)


@pytest.mark.parametrize(("column", "share"), [("PRONE_TO_REACTIVATION", 0.041)])
def test_shares_in_advanced_disease(advanced, column, share):
    assert_near((advanced.latent[column] == "Y").sum(), advanced.latent.height, share)


def test_shares_after_treatment(after_treatment):
    latent = after_treatment.latent
    assert_near((latent["WITH_PEGINTERFERON"] == "Y").sum(), latent.height, 0.5)
    without = latent.filter(pl.col("WITH_PEGINTERFERON") == "N")
    assert_near((without["RECURRENCE_DAY"] <= 1096).sum(), without.height, 0.45)
    treated = latent.filter(pl.col("WITH_PEGINTERFERON") == "Y")
    # with a hazard of 0.6: somewhat more than 1 - 0.55 ** 0.6 = 30.1 %, for risks differ between patients
    assert_near((treated["RECURRENCE_DAY"] <= 1096).sum(), treated.height, 0.306)


def test_recurrence_is_most_frequent_at_first(after_treatment):
    recurrence = after_treatment.latent["RECURRENCE_DAY"]
    thirds = [recurrence.is_between(low, low + 364).sum() for low in (1, 366, 731)]
    assert thirds[0] > thirds[1] > thirds[2]


def test_the_two_readers_differ_and_mostly_agree(clean, trial):
    element = "events.progression" if trial == "nct04294498" else "events.recurrence"
    both = clean.observable.filter(pl.col("ELEMENT") == element).pivot(
        "READER", index="USUBJID", values="ADT"
    )
    differ = both.filter(pl.col("local").ne_missing(pl.col("central"))).height
    assert 0 < differ < both.height / 2


def test_nothing_clinical_is_imported():
    """The generator knows no room that will judge it."""
    folder = Path(__file__).parents[2] / "src" / "trialwright" / "design" / "virtual"
    for file in folder.glob("*.py"):
        text = file.read_text(encoding="utf-8")
        for room in ("derivations", "evaluation", "medicine"):
            assert f"trialwright.{room}" not in text, file.name
