"""Baselines that may be too old, or of the moment's own day: rules compare with the one that ADLB has."""

from functools import cache

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.derivations.small_studies import Records, occurrences, on_day

from trialwright.derivations.adevt import derive_adevt
from trialwright.derivations.adlb import derive_adlb
from trialwright.derivations.adsl import derive_adsl
from trialwright.derivations.events import known_facts
from trialwright.protocol.loading import LoadedProtocol, load_protocol, parse_protocol

EVENT = "hbv_reactivation"  # value >= 100 * baseline
STALE, IMPRECISE = ["stale"], ["imprecise date"]


@cache
def durva(**settings_):
    """The trial with other settings of the baseline that its rules compare with."""
    loaded = load_protocol("nct04294498")
    text = (loaded.folder / "protocol.yaml").read_text(encoding="utf-8")
    for key, (old, new) in {"same_day": ("same day: before", "same day: unknown"),
                            "if_missing": ("if missing: earlier result", "if missing: not evaluable")}.items():  # fmt: skip
        if settings_.get(key):
            assert old in text
            text = text.replace(old, new, 1)
    protocol, document = parse_protocol(text)
    return LoadedProtocol(protocol, document, loaded.folder)


def adevt_of(records, **settings_):
    study = records.study_of(durva(**settings_))
    return derive_adevt(study, known_facts(study))


def dosed(people, *, when=None):
    records = Records()
    for subject, samples in people.items():
        records.person(subject).dose("durvalumab", when or on_day(1), None, subject)
        for at, value in samples:
            records.result("hbv_dna", at if isinstance(at, str) else on_day(at), value, subject)
    return records


def found(people, *, when=None, **settings_):
    adevt = adevt_of(dosed(people, when=when), **settings_)
    return {subject: occurrences(adevt, EVENT, subject) for subject in people}


# --- too old ----------------------------------------------------------------------------------------------------------


def test_a_baseline_that_is_too_old():
    """`within: 14 days`: from 16 February, study day -14, on."""
    people = {
        "14 days": [(-14, 1000), (29, 100_000)],
        "15 days": [(-15, 1000), (29, 100_000)],
        "old, and one in time": [(-30, 5), (-3, 1000), (29, 100_000)],
        "nothing": [(29, 100_000)],
    }
    day_29 = [pl.Series([on_day(29)]).str.to_date()[0]]
    usual = found(people)
    assert usual == {
        "14 days": day_29,
        "15 days": day_29,
        "old, and one in time": day_29,
        "nothing": ["missing"],
    }
    assert found(people, if_missing=True) == usual | {"15 days": STALE}


def test_what_no_baseline_could_change_is_decided_all_the_same():
    """A flare is three times baseline and above 100 U/L: 100 is none, whatever the baseline."""
    records = Records()
    for subject, value in (("100", 100), ("101", 101)):
        records.person(subject).doses("durvalumab", [1], subject).series("alt", {-20: 20, 29: value}, subject)
    adevt = adevt_of(records, if_missing=True)
    assert [occurrences(adevt, "hepatitis_flare", name) for name in ("100", "101")] == [[], STALE]


def test_other_rules_still_see_the_old_result():
    """The same rise over the last value before entecavir is another rule with a window of its own: 28 days."""
    records = dosed({"1": [(-20, 1000), (29, 100_000)]}).dose("entecavir", on_day(1))
    adevt = adevt_of(records, if_missing=True)
    assert occurrences(adevt, "hbv_reactivation") == STALE
    assert len(occurrences(adevt, "hbv_reactivation_over_entecavir_baseline")) == 1


# --- of the same day --------------------------------------------------------------------------------------------------


def test_a_sample_of_the_day_of_the_first_dose():
    people = {
        "the only one": [(1, 1000), (29, 100_000)],
        "as the one before": [(-3, 1000), (1, 1000), (29, 100_000)],
        "another than before, and both far below": [(-3, 1000), (1, 2000), (29, 200_000)],
        "another than before, one not far enough below": [(-3, 1000), (1, 2000), (29, 199_999)],
        "itself a hundred times the one before": [(-3, 1000), (1, 100_000)],
        "only days before": [(-3, 1000), (29, 100_000)],
    }
    adevt = adevt_of(dosed(people), same_day=True)
    told = {name: occurrences(adevt, EVENT, name) for name in people}
    day_29 = [pl.Series([on_day(29)]).str.to_date()[0]]
    assert told == {
        "the only one": IMPRECISE,
        "as the one before": day_29,
        "another than before, and both far below": day_29,
        "another than before, one not far enough below": IMPRECISE,
        "itself a hundred times the one before": IMPRECISE,
        "only days before": day_29,
    }
    bases = dict(
        adevt.filter((pl.col("EVENT") == EVENT) & (pl.col("AVALC") == "met")).select("USUBJID", "BASE").rows()
    )
    assert bases == {
        "as the one before": 1000,
        "another than before, and both far below": None,
        "only days before": 1000,
    }


def test_times_tell_what_came_first():
    people = {
        "an hour before": [("2024-03-01T09:00", 1000), (29, 100_000)],
        "at the very minute": [("2024-03-01T10:00", 1000), (29, 100_000)],
        "an hour after": [(-3, 1000), ("2024-03-01T11:00", 100_000)],
        "some time that day": [("2024-03-01", 1000), (29, 100_000)],
    }
    told = found(people, when="2024-03-01T10:00", same_day=True)
    assert [len(days) for days in told.values()] == [1] * 4
    assert told["some time that day"] == IMPRECISE
    assert told["an hour after"] == [pl.Series([on_day(1)]).str.to_date()[0]]
    assert found(people, when="2024-03-01T10:00")["some time that day"] == told["an hour before"]


# --- the same as ADLB -------------------------------------------------------------------------------------------------

SAMPLES = st.lists(
    st.tuples(st.integers(-20, 1).filter(bool), st.sampled_from([10, 20, 1000, "<20"])),
    max_size=3,
    unique_by=lambda one: one[0],
)


@settings(max_examples=8, deadline=None)
@given(
    st.lists(SAMPLES, min_size=12, max_size=12), st.sampled_from([{"if_missing": True}, {"same_day": True}])
)
def test_the_event_follows_from_the_baseline_of_adlb(people, setting):
    """A later 2000 is a hundred times any baseline up to 20 and none of a greater one."""
    named = {str(number): [*samples, (29, 2000)] for number, samples in enumerate(people)}
    study = dosed(named).study_of(durva(**setting))
    facts = known_facts(study)
    adlb = derive_adlb(study, derive_adsl(study, facts), facts)
    bases = adlb.filter(
        (pl.col("BASETYPE") == "before_durvalumab") & (pl.col("PARAMCD") == "HBV_DNA")
    ).unique("USUBJID")
    adevt = derive_adevt(study, facts)
    assert len(bases) == len(named)
    for subject, low, high, why in bases.select("USUBJID", "BASELO", "BASEHI", "BASEREAS").iter_rows():
        is_sure = high is not None and high <= 20 and low is not None
        never = low is not None and low > 20
        wanted = {("met",)} if is_sure else {()} if never else {("unknown",)}
        rows = adevt.filter(
            (pl.col("EVENT") == EVENT)
            & (pl.col("USUBJID") == subject)
            & (pl.col("ADTH") == pl.lit(on_day(29)).str.to_date())
        )
        told = tuple(rows["AVALC"])
        assert told in wanted, (named[subject], low, high, why)
