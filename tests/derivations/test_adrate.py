"""ADRATE: an event seen or not, and whether anybody looked."""

from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.derivations.lives import Life, at, changed, frames, shipped, study_of

from trialwright.derivations.adrate import derive_adrate

FIRST_DOSE = date(2024, 1, 10)
ASSIGNED = date(2024, 3, 1)


def told(adsl, cut=None, left=()):
    """ADSL with what a study knows of its records: the cut, the last day of all, and who left the study."""
    return adsl.with_columns(
        CUTDT=pl.lit(cut, pl.Date),
        RECORDDT=pl.coalesce(pl.lit(cut, pl.Date), pl.col("LSTALVDT").max()),
        EOSSTT=pl.when(pl.col("SUBJECT").is_in(list(left))).then(pl.lit("DISCONTINUED")),
    )


def rates(loaded, lives, **known):
    adsl, adevt, observations = frames(lives)
    adsl = told(adsl, **known)
    return derive_adrate(study_of(loaded, len(lives)), adsl, adevt, observations)


def rate(life, endpoint="reactivation", loaded=None, **known):
    rows = rates(loaded or shipped("nct04294498"), [life], **known)
    return rows.filter(pl.col("PARAMCD") == endpoint.upper()).row(0, named=True)


def treated(last_dose, hbv_dna=(), alt=(), alive=400, unknown=None, **events):
    """Doses on day 0 and `last_dose`; samples and events on days elapsed since the first dose."""
    doses = [FIRST_DOSE, at(FIRST_DOSE, last_dose)]
    facts = {
        "durvalumab": doses,
        "hbv_dna": [at(FIRST_DOSE, day) for day in hbv_dna],
        "alt": [at(FIRST_DOSE, day) for day in alt],
    }
    days = {name: [None if day is None else at(FIRST_DOSE, day)] for name, day in events.items()}
    return Life(FIRST_DOSE, days, facts, {"first_dose": FIRST_DOSE}, unknown or {}, at(FIRST_DOSE, alive))


@pytest.mark.parametrize(
    ("life", "verdict", "n_looks", "days"),
    [
        pytest.param(treated(56, [0, 28, 56], hbv_reactivation=28), "met", 2, 28, id="seen"),
        pytest.param(
            treated(56, [28], hbv_reactivation=84), "met", 1, 84, id="on the last day of the window"
        ),
        pytest.param(treated(56, [28], hbv_reactivation=85), "not met", 1, 84, id="a day after it"),
        pytest.param(
            treated(56, [28], hbv_reactivation=0), "not met", 1, 84, id="the first dose is baseline"
        ),
        pytest.param(treated(56, [28, 84, 85]), "not met", 2, 84, id="looked twice in the window"),
        pytest.param(treated(56, [0, 85]), "unknown", 0, 84, id="nobody looked is not no event"),
        pytest.param(treated(56, [], death=20), "unknown", 0, 20, id="dead before anybody looked"),
        pytest.param(treated(56, [10], death=20), "not met", 1, 20, id="dead without it"),
        pytest.param(treated(56, [28], alive=40), "not met", 1, 40, id="lost on day 40"),
    ],
)
def test_reactivation_during_treatment(life, verdict, n_looks, days):
    """Day 1 of the window is the day after the first dose: an event on elapsed day 28 has 28 days at risk."""
    found = rate(life)
    assert (found["AVALC"], found["NASSESS"], found["RISKDAYS"]) == (verdict, n_looks, days)
    assert (found["REASON"] == "missing") == (verdict == "unknown")


def test_the_window_is_told_and_whether_it_was_over():
    found = rate(treated(56, [28, 56]))
    assert (found["STARTDT"], found["ENDDT"]) == (at(FIRST_DOSE, 1), at(FIRST_DOSE, 84))
    assert (found["LASTDT"], found["COMPLFL"]) == (at(FIRST_DOSE, 56), "Y")
    assert rate(treated(56, [28], alive=83))["COMPLFL"] == "N"
    assert rate(treated(56, [28], alive=84))["COMPLFL"] == "Y"
    assert rate(treated(56, [28], death=20))["COMPLFL"] == "Y"  # `death: no event` ends it
    assert rate(treated(56, [28], death=20))["ENDDESC"] == "death"


def late(**strategies):
    """A window 26 to 30 weeks after the last dose: of one on day 56 from day 238 to day 266."""
    changes = {
        "periods.late": {"span": "last durvalumab + 26 weeks to last durvalumab + 30 weeks"},
        "endpoints.reactivation.during": "late",
    }
    estimand = "endpoints.reactivation.estimand.intercurrent events"
    return changed(
        shipped("nct04294498"), changes | {f"{estimand}.{event}": how for event, how in strategies.items()}
    )


@pytest.mark.parametrize(
    ("life", "known", "told"),
    [
        pytest.param(treated(56, [28], alive=237), {}, "not yet due", id="the last day before it"),
        pytest.param(treated(56, [28], alive=238), {}, "missing", id="on its first day"),
        pytest.param(treated(56, [28], alive=60), {"cut": at(FIRST_DOSE, 237)}, "not yet due", id="seen last before the cut"),
        pytest.param(treated(56, [28], alive=60), {"cut": at(FIRST_DOSE, 238)}, "missing", id="begun by the cut"),
        pytest.param(treated(56, [28], alive=100), {"left": [0]}, "missing", id="who left is not waited for"),
        pytest.param(treated(56, [28], death=100), {}, "missing", id="nor who died"),
    ],
)  # fmt: skip
def test_a_window_that_has_not_begun_is_not_yet_due(life, known, told):
    found = rate(life, loaded=late(), **known)
    assert (found["AVALC"], found["REASON"]) == ("unknown", told)


@pytest.mark.parametrize(
    ("life", "known", "how", "flags"),
    [
        pytest.param(treated(56, [240], alive=265), {}, "no event", "NY", id="goes on"),
        pytest.param(treated(56, [240], alive=266), {}, "no event", "YN", id="is over"),
        pytest.param(treated(56, [240], alive=250), {"left": [0]}, "no event", "NN", id="left in it"),
        pytest.param(treated(56, [240], death=250), {}, "treatment policy", "NN", id="died in it, and death ends nothing"),
        pytest.param(treated(56, [240], alive=250, death=None), {}, "treatment policy", "NN", id="died nobody knows when"),
        pytest.param(treated(56, [240], death=250), {}, "no event", "YN", id="died in it, and death ends it"),
        pytest.param(treated(56, [], death=100), {}, "composite", "YN", id="died before it, which decides"),
    ],
)  # fmt: skip
def test_only_who_is_still_followed_can_have_what_still_happens(life, known, how, flags):
    found = rate(life, loaded=late(death=how), **known)
    assert found["AVALC"] == "not met"
    assert found["COMPLFL"] + found["OPENFL"] == flags


@pytest.mark.parametrize(
    ("looks", "event", "told"),
    [
        pytest.param([231], None, "missing", id="before all it may be"),
        pytest.param([232], None, "imprecise date", id="on the first day it may be"),
        pytest.param([241], None, "imprecise date", id="a day before it surely is"),
        pytest.param([242], None, None, id="on the first day that is sure"),
        pytest.param([260], None, None, id="on the last day that is sure"),
        pytest.param([261], None, "imprecise date", id="a day later"),
        pytest.param([270], None, "imprecise date", id="on the last day it may be"),
        pytest.param([271], None, "missing", id="after all it may be"),
        pytest.param([250], 231, None, id="an event before all it may be"),
        pytest.param([250], 232, "imprecise date", id="an event on the first day it may be"),
        pytest.param([250], 270, "imprecise date", id="an event on the last day it may be"),
        pytest.param([250], 271, None, id="an event after all it may be"),
    ],
)
def test_a_window_that_hangs_on_a_date_known_to_some_days(looks, event, told):
    """The last dose lies on day 50 to 60: the window surely is from day 60 + 182 to day 50 + 210, and may be 232 to 270."""
    life = treated(0, looks, **({} if event is None else {"hbv_reactivation": event}))
    doses = [FIRST_DOSE, (at(FIRST_DOSE, 50), at(FIRST_DOSE, 60))]
    found = rate(replace(life, facts={**life.facts, "durvalumab": doses}), loaded=late())
    assert (found["AVALC"], found["REASON"]) == ("not met" if told is None else "unknown", told)


def test_a_time_frame_is_no_longer_than_it_says():
    """Thirty months after 2024-01-10 is 2026-07-10, elapsed day 912."""
    assert rate(treated(1000, [28], hbv_reactivation=912))["AVALC"] == "met"
    assert rate(treated(1000, [28], hbv_reactivation=913))["AVALC"] == "not met"
    assert rate(treated(1000, [28], alive=1100))["ENDDT"] == date(2026, 7, 10)


@pytest.mark.parametrize(
    ("hbv_dna", "alt", "verdict"),
    [
        pytest.param([28], [28], "not met", id="both looked at"),
        pytest.param([], [28], "not met", id="no flare: the two cannot both be"),
        pytest.param([], [], "unknown", id="neither"),
    ],
)
def test_an_event_of_two_is_judged_by_either(hbv_dna, alt, verdict):
    assert rate(treated(56, hbv_dna, alt), "hepatitis")["AVALC"] == verdict


@pytest.mark.parametrize(
    ("life", "verdict"),
    [
        pytest.param(treated(56, [], [28], hepatitis_flare=28), "unknown", id="a flare, and no HBV DNA"),
        pytest.param(treated(56, [28], [], hbv_reactivation=28), "unknown", id="a reactivation, and no ALT"),
        pytest.param(treated(56, [85], [28], hepatitis_flare=28), "unknown", id="HBV DNA after the window"),
        pytest.param(
            treated(56, [], [28], unknown={"hepatitis_flare": "missing"}), "unknown", id="no baseline of ALT"
        ),
        pytest.param(treated(56, [28], [28], hepatitis_flare=28), "not met", id="a flare alone"),
        pytest.param(treated(56, [], [28], hepatitis_flare=85), "not met", id="a flare after the window"),
        pytest.param(treated(56, [], [28], hepatitis_flare=84), "unknown", id="a flare on its last day"),
    ],
)
def test_a_part_that_happened_leaves_the_other_to_be_looked_at(life, verdict):
    """One part with the event and nobody looked for the other: nothing says that the two were not together."""
    found = rate(life, "hepatitis")
    assert (found["AVALC"], found["REASON"] == "missing") == (verdict, verdict == "unknown")


def test_an_event_of_either_needs_a_look_at_each():
    either = {"any of": ["hbv_reactivation", "hepatitis_flare"]}
    paths = {"events.either": either, "endpoints.reactivation.rate of": "either"}
    loaded = changed(shipped("nct04294498"), paths)
    assert rate(treated(56, [28], [28]), loaded=loaded)["AVALC"] == "not met"
    assert rate(treated(56, [28], []), loaded=loaded)["AVALC"] == "unknown"


@pytest.mark.parametrize(
    ("when", "verdict"),
    [(28, "unknown"), (84, "unknown"), (85, "not met"), (None, "unknown")],
)
def test_what_cannot_be_judged_is_unknown_inside_the_window(when, verdict):
    day = None if when is None else at(FIRST_DOSE, when)
    life = treated(56, [28, 56], unknown={"hbv_reactivation": ("unit unknown", day)})
    found = rate(life)
    assert (found["AVALC"], found["REASON"]) == (verdict, "unit unknown" if verdict == "unknown" else None)


@pytest.mark.parametrize(
    ("first", "last", "verdict"),
    [
        ("2024-03-01", "2024-03-31", "met"),
        ("2024-04-01", "2024-04-30", "unknown"),
        ("2024-05-01", "2024-05-31", "not met"),
    ],
)
def test_an_event_known_to_the_month_counts_if_the_whole_month_does(first, last, verdict):
    """The window ends on 2024-04-03."""
    life = treated(56, [28])
    life.events["hbv_reactivation"] = [(first, last)]
    found = rate(life)
    assert found["AVALC"] == verdict
    assert found["REASON"] == ("imprecise date" if verdict == "unknown" else None)
    assert found["ADTF"] == ("D" if verdict == "met" else None)


def test_who_was_never_treated_is_in_no_window():
    found = rate(Life(None, {}, {"hbv_dna": [FIRST_DOSE]}))
    assert (found["AVALC"], found["REASON"], found["RISKDAYS"]) == ("unknown", "missing", None)


def participant(loss=None, recurrence=None, death=None, samples=(84, 168)):
    days = {"hbsag_loss": loss, "recurrence": recurrence, "death": death}
    return Life(
        ASSIGNED,
        {name: [at(ASSIGNED, day)] for name, day in days.items() if day is not None},
        {"hbsag_quantity": [at(ASSIGNED, day) for day in samples]},
        {"group_assignment": ASSIGNED},
        alive=at(ASSIGNED, 1099),
    )


@pytest.mark.parametrize(
    ("life", "verdict", "ended"),
    [
        pytest.param(participant(loss=168), "met", None, id="lost"),
        pytest.param(participant(loss=672), "met", None, id="in week 96"),
        pytest.param(participant(loss=673), "not met", None, id="a day later"),
        pytest.param(participant(loss=168, recurrence=200), "met", "recurrence", id="lost, then recurred"),
        pytest.param(participant(loss=168, recurrence=168), "met", "recurrence", id="the same day"),
        pytest.param(participant(loss=168, recurrence=167), "not met", "recurrence", id="recurred before"),
        pytest.param(
            participant(recurrence=50, samples=()), "not met", "recurrence", id="recurred, never sampled"
        ),
        pytest.param(participant(death=50, samples=()), "not met", "death", id="dead, never sampled"),
        pytest.param(participant(samples=()), "unknown", None, id="never sampled"),
    ],
)
def test_loss_of_hbsag_before_recurrence_and_death(life, verdict, ended):
    found = rate(life, "hbsag_loss", shipped("nct07120750"))
    labels = {"recurrence": "recurrence of hepatocellular carcinoma", "death": "death", None: None}
    assert (found["AVALC"], found["ENDDESC"]) == (verdict, labels[ended])


def test_a_hypothetical_without_its_event_is_not_answered_by_silence():
    path = "endpoints.reactivation.estimand.intercurrent events.new anticancer therapy"
    loaded = changed(shipped("nct04294498"), {path: "hypothetical"})
    found = rate(treated(56, [28], new_anticancer_therapy=40), loaded=loaded)
    assert (found["AVALC"], found["REASON"]) == ("unknown", "not applicable")
    assert (
        rate(treated(56, [28], new_anticancer_therapy=40, hbv_reactivation=40), loaded=loaded)["AVALC"]
        == "met"
    )


@pytest.mark.parametrize(
    ("loaded", "endpoint", "looks", "n_looks"),
    [
        pytest.param("nct04294498", "reactivation_90_days", [0], 0, id="compared with it"),
        pytest.param("nct04294498", "reactivation_90_days", [0, 1], 1, id="the day after it"),
        pytest.param("nct07120750", "hbsag_loss", [0], 1, id="not compared with it"),
    ],
)
def test_the_baseline_itself_is_no_look_for_what_is_compared_with_it(loaded, endpoint, looks, n_looks):
    """Both windows begin on the day of baseline."""
    protocol = shipped(loaded)
    name, facts = f"{protocol.protocol.baseline.upper()}DT", {"durvalumab": [ASSIGNED, at(ASSIGNED, 56)]}
    facts |= {key: [at(ASSIGNED, day) for day in looks] for key in ("hbv_dna", "hbsag_quantity")}
    life = Life(
        ASSIGNED, {}, facts, {"first_dose": ASSIGNED, "group_assignment": ASSIGNED}, {}, at(ASSIGNED, 400)
    )
    adsl, adevt, observations = frames([life])
    adsl = adsl.with_columns(pl.lit(ASSIGNED).alias(name)).pipe(told)
    rows = derive_adrate(study_of(protocol, 1), adsl, adevt, observations)
    assert rows.filter(pl.col("PARAMCD") == endpoint.upper())["NASSESS"].to_list() == [n_looks]


def test_each_rate_is_as_if_it_stood_alone():
    """With other windows and other looks beside it."""
    lives = [
        treated(56, [28, 56], [28], hbv_reactivation=28),
        treated(56, [0, 85], [10, 20], hepatitis_flare=20),
        treated(28, [10], [10], alive=40, hbv_reactivation=30, hepatitis_flare=35),
        treated(28, [], [], alive=20, unknown={"hbv_reactivation": "missing"}),
        treated(28, [14], [14], death=20),
    ]
    endpoints = shipped("nct04294498").protocol.to_plain()["endpoints"]
    together = rates(shipped("nct04294498"), lives)
    names = together["PARAMCD"].unique().str.to_lowercase().sort().gather_every(3)
    for name in names:
        few = {key: endpoints[key] for key in ("reactivation", name)}
        alone = rates(changed(shipped("nct04294498"), {"endpoints": few, "analyses": {}}), lives)
        for each in few:
            of_each = pl.col("PARAMCD") == each.upper()
            assert alone.filter(of_each).equals(together.filter(of_each))


@settings(deadline=None, max_examples=10)
@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 120), max_size=4), st.none() | st.integers(0, 120)),
        min_size=1,
        max_size=30,
    ),
    st.randoms(use_true_random=False),
)
def test_order_and_duplicates_never_matter_and_every_row_is_one_of_three(people, random):
    lives = [
        treated(56, looks, **({} if day is None else {"hbv_reactivation": day})) for looks, day in people
    ]
    adsl, adevt, observations = frames(lives)
    adsl = told(adsl)
    study = study_of(shipped("nct04294498"), len(lives))
    rows = derive_adrate(study, adsl, adevt, observations)
    twice = {name: pl.concat([records, records]) for name, records in observations.items()}
    shuffled = {
        name: records[random.sample(range(len(records)), len(records))] for name, records in twice.items()
    }
    assert derive_adrate(study, adsl[::-1], pl.concat([adevt, adevt]), shuffled).equals(rows)
    for (looks, day), one in zip(
        people, rows.filter(pl.col("PARAMCD") == "REACTIVATION").to_dicts(), strict=True
    ):
        inside = day is not None and 1 <= day <= 84
        seen = {look for look in looks if 1 <= look <= 84}
        assert one["AVALC"] == ("met" if inside else "not met" if seen else "unknown")
        assert one["RISKDAYS"] == (day if inside else 84)
