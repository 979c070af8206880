"""Rates and responses: every way to count, of whom it is known, and what cannot be had."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cases.small_trial import PROTOCOL, protocol, run

WORDS = {
    "y": ("met", None),
    "n": ("not met", None),
    "?": ("unknown", "censored across the threshold"),
    "-": ("unknown", "missing"),
}


def rates(verdicts, **more):
    """ADRATE of subjects 0, 1, ...: `y` met, `n` not met, `?` and `-` unknown, a space for no row at all."""
    return [
        {"USUBJID": str(i), "PARAMCD": "RISES", "AVALC": WORDS[word][0], "REASON": WORDS[word][1], "NASSESS": 0 if word == "-" else 3,
         "RISKDAYS": 30.4375, "COMPLFL": "Y" if word in "yn" else "N", "OPENFL": "N" if word in "yn" else "Y", **more}
        for i, word in enumerate(verdicts) if word != " "
    ]  # fmt: skip


def analyse(verdicts, groups=None, **told):
    groups = groups or "a" * len(verdicts)
    people = {str(i): {"a": "a", "b": "b", "-": None}[group] for i, group in enumerate(groups)}
    return run(people, adrate=rates(verdicts), **told)


def value(results, id_):
    return results[id_].value


# --- one group ----------------------------------------------------------------------------------------------------------


def test_the_three_ways_to_count_who_could_not_be_judged():
    # 2 with, 6 without, 2 not judged; limits of Clopper and Pearson by R's binom.test(2, 10), (4, 10) and (2, 8)
    results = analyse("yynnnnnn?-")
    expected = {
        "rate": (2, 10, 0.2, 0.0252107263268334, 0.5560954623076414),
        "rate/without event": (2, 10, 0.2, 0.0252107263268334, 0.5560954623076414),
        "rate/with event": (4, 10, 0.4, 0.121552258119827, 0.737621923393055),
        "rate/left out": (2, 8, 0.25, 0.0318540262499442, 0.6508557944128242),
        "worst": (4, 10, 0.4, 0.121552258119827, 0.737621923393055),
    }
    for here, numbers in expected.items():
        found = [
            value(results, f"{here}/{name}")
            for name in ("n_events", "n_subjects", "proportion", "conf_low", "conf_high")
        ]
        assert found == pytest.approx(numbers, rel=1e-9), here


def test_who_could_not_be_judged_is_counted_by_reason_and_nobody_is_lost():
    results = analyse("yynnnnnn?- ")
    assert [value(results, f"rate/{name}") for name in ("n_met", "n_not_met", "n_unknown")] == [2, 6, 3]
    assert value(results, "rate/censored across the threshold/n_unknown") == 1
    # a subject without any row is as unknown as one with a row that says so
    assert value(results, "rate/missing/n_unknown") == 2
    assert value(results, "rate/n_complete") == 8


def going_on(verdicts, *, whose="n", groups=None):
    """Rates of subjects of whom those with a verdict of `whose` were last seen before their time was over."""
    rows = rates(verdicts)
    for row, verdict in zip(rows, verdicts, strict=True):
        row["COMPLFL"], row["OPENFL"] = "NY" if verdict in whose + "?-" else "YN"
    people = {str(i): group for i, group in enumerate(groups or "a" * len(verdicts))}
    return run(people, adrate=rows)


def test_who_died_or_left_without_the_event_has_no_time_that_goes_on():
    """Of 4 without the event one was followed to the end, one goes on, and two died or left before."""
    rows = rates("ynnnn?")
    for row, flags in zip(rows[1:5], ("YN", "NY", "NN", "NN"), strict=True):
        row["COMPLFL"], row["OPENFL"] = flags
    results = run({str(i): "a" for i in range(6)}, adrate=rows)
    assert [value(results, f"rate/{name}") for name in ("n_not_over", "n_lost")] == [1, 2]


def test_who_is_without_the_event_so_far_is_told_from_who_is_without_it_for_good():
    """Of 6 one has the event, one could not be judged, and of the 4 without it the time is over for none."""
    assert value(analyse("ynnnn?"), "rate/n_not_over") == 0
    results = going_on("ynnnn?")
    assert [value(results, f"rate/{name}") for name in ("n_complete", "n_not_over", "n_unknown")] == [1, 4, 1]
    assert value(results, "rate/n_lost") == 0
    # the numbers are those of before: what is seen is stated, not changed
    assert value(results, "rate/proportion") == pytest.approx(1 / 6)


@pytest.mark.parametrize(
    ("verdicts", "is_loud"),
    [("nn", True), ("yn", False), ("ynn", True), ("yy", False)],
    ids=["no event", "as many", "more", "nobody without"],
)
def test_a_rate_of_a_time_that_is_not_over_is_said_aloud(verdicts, is_loud):
    told = [one.code for one in going_on(verdicts).findings if one.analysis in ("rate", "over_time")]
    assert ("time-not-over" in told) is is_loud
    assert told.count("time-not-over") <= 1  # a rate over time counts the time there was
    assert "time-not-over" not in [one.code for one in analyse(verdicts).findings]


def test_nobody_with_the_event_excludes_nothing_of_the_time_to_come():
    def said(results):
        return [one.message for one in results.findings if one.code == "no-events"]

    assert all("rates above the upper limit" in one for one in said(analyse("nn", "ab")))
    assert said(going_on("nn", groups="ab"))
    assert all("rates of the time seen so far above" in one for one in said(going_on("nn", groups="ab")))


def test_of_a_group_nobody_could_judge_nothing_is_said_to_be_excluded():
    """0 of 2 who were not judged has no upper limit that could exclude anything."""
    told = [one for one in analyse("y??", "abb").findings if one.analysis == "by_group"]
    assert "no-events" not in {one.code for one in told}
    assert "not-estimable" in {one.code for one in told}


def test_who_was_looked_at_is_counted():
    assert value(analyse("ynn-"), "rate/n_looked") == 3


def test_of_a_reported_event_nobody_knows_who_was_asked():
    people = {"0": "a"}
    row = rates("n", NASSESS=None)
    results = run(people, adrate=row)
    assert results["rate/n_looked"].value is None
    assert results["rate/n_looked"].note


def test_one_sided_limits_are_each_for_themselves():
    # R: binom.test(2, 10, alternative = "greater") and "less", 95 %
    results = analyse("yynnnnnnnn")
    assert value(results, "upper/conf_low") == pytest.approx(0.0367714378874651, rel=1e-9)
    assert value(results, "upper/conf_high") == pytest.approx(0.506901301063202, rel=1e-9)


def test_nobody_with_the_event_says_what_that_excludes():
    # 1 - 0.025^(1 / 20), the upper limit of 0 of 20
    results = analyse("n" * 20)
    assert value(results, "rate/proportion") == 0
    assert value(results, "rate/conf_low") == 0
    assert value(results, "rate/conf_high") == pytest.approx(1 - 0.025 ** (1 / 20), rel=1e-9)
    assert "no-events" in {finding.code for finding in results.findings if finding.analysis == "rate"}


def test_everybody_with_the_event_has_an_upper_limit_of_one():
    results = analyse("yyyy")
    assert value(results, "rate/conf_high") == 1
    assert value(results, "rate/conf_low") == pytest.approx(0.025 ** (1 / 4), rel=1e-9)


@pytest.mark.parametrize(
    ("verdicts", "is_loud"),
    [("yy??", False), ("y??", True), ("yn", False), ("nn", False), ("n?", True)],
    ids=["as many", "more", "none unknown", "none at all", "one unknown and no event"],
)
def test_more_unknown_than_events_is_said_aloud(verdicts, is_loud):
    codes = {finding.code for finding in analyse(verdicts).findings if finding.analysis == "rate"}
    assert ("many-unjudged" in codes) is is_loud


@pytest.mark.parametrize("analysis", ["rate", "worst", "upper"])
def test_of_whom_nobody_could_be_judged_there_is_no_rate(analysis):
    """0 of 4 with an upper limit of 60 % would look like a result, and nobody was looked at."""
    results = analyse("???-")
    for reading in ("", "/without event", "/with event", "/left out"):
        for statistic in ("proportion", "conf_low", "conf_high"):
            row = results[f"{analysis}{reading}/{statistic}"]
            assert (row.value, row.note) == (None, "nobody was judged")
    found = {finding.code for finding in results.findings if finding.analysis == analysis}
    assert found == {"not-estimable"}


def test_one_who_could_be_judged_makes_a_rate():
    results = analyse("n???")
    assert value(results, "rate/proportion") == 0
    assert value(results, "rate/with event/proportion") == 0.75


def test_groups_are_not_compared_where_nobody_of_one_could_be_judged():
    results = analyse("y??", "aab")
    for what in ("b minus a/difference", "b over a/ratio"):
        assert results[f"by_group/{what}"].note == "nobody was judged in one of the groups"


def test_nobody_has_reasons_in_place_of_numbers():
    results = run({})
    for here in ("rate", "rate/left out", "worst", "by_group/a", "over_time", "best", "best/unconfirmed"):
        statistic = "event_rate" if here == "over_time" else "proportion"
        assert results[f"{here}/{statistic}"].value is None
        assert results[f"{here}/{statistic}"].note


# --- over time ----------------------------------------------------------------------------------------------------------


def test_events_per_time():
    # 2 events in 10 months: 20 per 100 months; R: poisson.test(2, 10)$conf.int * 100
    results = analyse("yynnnnnnnn")
    assert value(results, "over_time/patient_months") == pytest.approx(10)
    assert value(results, "over_time/event_rate") == pytest.approx(20)
    assert value(results, "over_time/conf_low") == pytest.approx(2.42209278543965, rel=1e-9)
    assert value(results, "over_time/conf_high") == pytest.approx(72.24687667723958, rel=1e-9)


def test_who_has_no_time_adds_an_event_to_the_worst_case_and_is_counted():
    people = {str(i): "a" for i in range(3)}
    rows = [*rates("yn"), {**rates("nn-")[2], "RISKDAYS": None}]
    results = run(people, adrate=rows)
    assert value(results, "over_time/n_without_time") == 1
    assert value(results, "over_time/patient_months") == pytest.approx(2)
    assert value(results, "over_time/with event/event_rate") == pytest.approx(100)
    assert value(results, "over_time/left out/n_without_time") == 0


def test_no_time_at_all_is_no_rate():
    results = run({"0": "a"}, adrate=[{**rates("n")[0], "RISKDAYS": None}])
    assert results["over_time/event_rate"].note == "nobody was under observation"


# --- groups -------------------------------------------------------------------------------------------------------------


def test_difference_and_ratio_of_groups():
    # Newcombe 1998, table II, (a): 56 of 70 and 48 of 80, method 10: 0.0524 to 0.3339
    groups = "b" * 70 + "a" * 80
    verdicts = "y" * 56 + "n" * 14 + "y" * 48 + "n" * 32
    results = analyse(verdicts, groups)
    assert value(results, "by_group/b minus a/difference") == pytest.approx(0.2)
    assert value(results, "by_group/b minus a/conf_low") == pytest.approx(0.0524, abs=5e-5)
    assert value(results, "by_group/b minus a/conf_high") == pytest.approx(0.3339, abs=5e-5)
    assert value(results, "by_group/b over a/ratio") == pytest.approx(0.8 / 0.6)


def test_a_ratio_to_no_event_has_a_reason_and_the_difference_stands():
    results = analyse("yynnnn", "bbbaaa")
    assert results["by_group/b over a/ratio"].note == "no event was observed in one of the groups"
    assert value(results, "by_group/b minus a/difference") == pytest.approx(2 / 3)
    (finding,) = [one for one in results.findings if one.code == "no-events" and one.analysis == "by_group"]
    assert "hazards" not in finding.message


def test_each_reading_is_compared_with_itself():
    results = analyse("y?nn??", "bbbaaa")
    assert value(results, "by_group/b minus a, with event/difference") == pytest.approx(2 / 3 - 2 / 3)
    assert value(results, "by_group/b minus a, left out/difference") == pytest.approx(1 / 2)


def test_who_is_in_no_group_is_counted():
    results = analyse("yny", "ab-")
    assert value(results, "by_group/groups/n_without_fact") == 1
    assert value(results, "by_group/a/n_subjects") + value(results, "by_group/b/n_subjects") == 2


# --- in whom it could be measured ---------------------------------------------------------------------------------------


def bases(*numbers):
    return [
        {
            "USUBJID": str(i),
            "PARAMCD": "VIRUS",
            "AVALU": "IU/mL",
            "BASETYPE": "at_entry",
            "BASELO": low,
            "BASEHI": high,
        }
        for i, (low, high) in enumerate(numbers)
    ]


def test_a_hundredfold_above_the_assay_could_not_be_measured():
    # the assay ends at 1 000 000 IU/mL, so a baseline of 10 000 is the highest whose hundredfold it reads
    told = bases((9999, 9999), (10000, 10000), (10001, 10001), (0, 20), (1000, 20000))
    results = run({str(i): "a" for i in range(6)}, adrate=rates("nnnnnn"), adlb=told)
    assert value(results, "rate/n_measurable") == 3
    assert value(results, "rate/n_not_measurable") == 1
    assert (
        value(results, "rate/n_measurable_unknown") == 2
    )  # one baseline spans the limit, one subject has none


def test_the_limit_of_the_assay_is_read_in_the_unit_of_the_results():
    other_unit = PROTOCOL.replace("upper limit: 1000000 IU/mL", "upper limit: 1000 IU/uL")
    told = bases((10000, 10000), (10001, 10001))
    results = run({"0": "a", "1": "a"}, adrate=rates("nn"), adlb=told, protocol=protocol(other_unit))
    assert [value(results, f"rate/{name}") for name in ("n_measurable", "n_not_measurable")] == [1, 1]


def test_without_a_ceiling_nothing_is_said():
    text = PROTOCOL.replace(", upper limit: 1000000 IU/mL", "")
    results = run({"0": "a"}, adrate=rates("n"), adlb=bases((1, 1)), protocol=protocol(text))
    assert "rate/n_measurable" not in results


@pytest.mark.parametrize(("how", "expected"), [("all of", (0, 1)), ("any of", (1, 0))])
def test_of_several_events_all_or_any_must_be_measurable(how, expected):
    text = PROTOCOL.replace(
        "  relapse: { reported: true }",
        "  relapse: { reported: true }\n"
        "  small_rise: { of: virus, when: value >= 2 * baseline }\n"
        f"  both: {{ {how}: [rise, small_rise] }}",
    ).replace("rate of: rise,", "rate of: both,")
    results = run({"0": "a"}, adrate=rates("n"), adlb=bases((20000, 20000)), protocol=protocol(text))
    assert (value(results, "rate/n_measurable"), value(results, "rate/n_not_measurable")) == expected


# --- responses ----------------------------------------------------------------------------------------------------------


def best(confirmed, unconfirmed=None):
    rows = []
    for parameter, told in (("CBOR", confirmed), ("BOR", unconfirmed or confirmed)):
        rows += [
            {"USUBJID": str(i), "PARAMCD": parameter, "AVALC": word, "ANL01FL": "Y", "PROTOCOL": "endpoints.responses",
             "REASON": "missing" if word in ("NE", "MISSING") else None}
            for i, word in enumerate(told)
        ]  # fmt: skip
    return rows


def test_responses_count_as_the_endpoint_says_unless_the_analysis_says_otherwise():
    told = ["CR", "PR", "SD", "PD", "NE", "MISSING"]
    results = run({str(i): "a" for i in range(6)}, adrs=best(told))
    assert value(results, "best/proportion") == 2 / 4  # `unassessed: left out` of the response
    assert value(results, "kind_best/proportion") == 2 / 6
    assert value(results, "best/with event/proportion") == 4 / 6
    assert [value(results, f"best/best={word}/count") for word in told] == [1] * 6


def test_unconfirmed_responses_stand_besides():
    results = run({str(i): "a" for i in range(3)}, adrs=best(["SD", "SD", "PD"], ["PR", "SD", "PD"]))
    assert value(results, "kind_best/proportion") == 0
    assert value(results, "kind_best/unconfirmed/proportion") == pytest.approx(1 / 3)
    assert value(results, "best/unconfirmed best=PR/count") == 1


def test_another_reader_and_another_endpoint_do_not_count():
    others = [replace_in(row, ANL01FL=None) for row in best(["CR"])] + [
        replace_in(row, PROTOCOL="endpoints.else") for row in best(["CR"])
    ]
    results = run({"0": "a"}, adrs=[*best(["PD"]), *others])
    assert value(results, "best/n_met") == 0


def test_who_has_assessments_that_nobody_can_decide_is_not_missing():
    told = best(["PR", None, "MISSING"])
    results = run({str(i): "a" for i in range(4)}, adrs=told)
    counts = {word: value(results, f"best/best={word}/count") for word in ("PR", "UNKNOWN", "MISSING", "NE")}
    assert counts == {"PR": 1, "UNKNOWN": 1, "MISSING": 2, "NE": 0}
    assert value(results, "best/n_unknown") == 3


def test_looks_are_those_of_the_reader_of_the_endpoint():
    """The endpoint names no reader: the local one counts, also where other endpoints have a central one."""
    read = [
        {
            "USUBJID": who,
            "PARAMCD": "OVR",
            "AVALC": word,
            "READER": reader,
            "ACPTFL": accepted,
            "ANL01FL": counts,
        }
        for who, word, reader, accepted, counts in (
            ("0", "SD", "local", "Y", None),
            ("1", "NE", "local", "Y", None),
            ("1", "SD", "local", None, None),
            ("2", "SD", "central", "Y", "Y"),
        )
    ]
    results = run({str(i): "a" for i in range(3)}, adrs=[*best(["PR", "PR", "PR"]), *read])
    assert value(results, "best/n_looked") == 1


def replace_in(row, **new):
    return {**row, **new}


@pytest.mark.parametrize("of", ["irecist_response", "hbv_dna"])
def test_a_best_response_that_nothing_derives_has_a_reason_and_no_number(of):
    results = analyse("yn", only=("best",), protocol=protocol(PROTOCOL.replace("of: tumour", f"of: {of}", 1)))
    [row] = results.of("best")
    assert (row.statistic, row.value) == ("estimate", None)
    assert (
        row.note
        == f"best responses are derived by RECIST 1.1 (concept `recist_response`) only, not of `{of}`"
    )


# --- laws ---------------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(st.text("yn?- ", min_size=1, max_size=25))
def test_the_worst_case_is_never_below_and_every_reading_lies_in_its_limits(verdicts):
    results = analyse(verdicts, only=("rate",))
    shares = {}
    for reading in ("without event", "with event", "left out"):
        low, share, high = (
            results[f"rate/{reading}/{name}"].value for name in ("conf_low", "proportion", "conf_high")
        )
        shares[reading] = share
        if share is not None:
            assert low <= share <= high
    if shares["left out"] is None:
        assert set(shares.values()) == {None}
    else:
        assert shares["without event"] - 1e-12 <= shares["left out"] <= shares["with event"] + 1e-12
    counts = [results[f"rate/{name}"].value for name in ("n_met", "n_not_met", "n_unknown")]
    assert sum(counts) == len(verdicts)


@settings(deadline=None, max_examples=20)
@given(st.permutations("yynnn?-"))
def test_the_order_of_subjects_does_not_matter(verdicts):
    def numbers(results):
        return {row.id: row.value for row in results.rows if row.analysis in only}

    only = ("rate", "over_time")
    shuffled = analyse("".join(verdicts), only=only)
    assert numbers(shuffled) == pytest.approx(numbers(analyse("yynnn?-", only=only)), nan_ok=True)


def test_every_row_names_dataset_and_parameter():
    results = analyse("yn")
    assert results["rate/proportion"].source == "analyses.rate <- ADRATE[PARAMCD=RISES] <- small"
    assert results["best/n_met"].source == "analyses.best <- ADRS[PARAMCD=CBOR] <- small"
