"""Rules as SQL: for any table the verdicts and reasons are those of the reference interpreter."""

import re
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import replace

import duckdb
import polars as pl
import pytest
import sqlglot
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from tests.evaluation import reference
from tests.strategies.patients import names_in, numbers_from, patient
from tests.strategies.rules import ROWS, leaves, rules
from tests.strategies.trial_rules import ALL_RULES, FACTS, PERIODS, scope_of

from trialwright.evaluation import sql
from trialwright.evaluation.duck import answer_query, connect, put_tables
from trialwright.evaluation.observations import Observation, Subject
from trialwright.evaluation.patient import judge_patient
from trialwright.evaluation.sql import AT_ONCE, judge_with_duckdb, render_rules_sql, render_sql
from trialwright.evaluation.table import tabulate_observations, tabulate_subjects
from trialwright.protocol import rule_parsing
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Scope, make_fact
from trialwright.protocol.rules import parse_rule, render_rule
from trialwright.records.table_threads import on_table_threads
from trialwright.vocabulary.intervals import Interval
from trialwright.vocabulary.partial_dates import LeapBirthday, PartialDate
from trialwright.vocabulary.problems import Place, ProblemsFound
from trialwright.vocabulary.verdicts import Reason, Verdict

# ---- agreement with the reference

CONDITIONS_AT_ONCE, RULES_AT_ONCE = 5, 3
"""One query judges several: rules of one condition, which has all that differs, and rules put together of several."""

SUBJECTS, SUBJECTS_WITH_ROWS = 200, 75
"""75 people have a good 200 rows of the fact whose rows are judged."""

MET, NOT_MET = Verdict.MET.code, Verdict.NOT_MET.code


def is_for_many(rule):
    return not any(isinstance(node, tree.Score) for node in tree.walk(rule))


def as_record(one):
    return reference.Record(
        one.id, one.fact, one.date, one.value, one.unit, one.lln, one.uln, one.assay, one.by
    )


def case_of(subject, names, leap_birthday):
    return reference.Case(
        FACTS,
        [as_record(one) for name in names for one in subject.by_fact.get(name, ())],
        subject.anchor,
        baseline_at=subject.baseline_at,
        birth=subject.birth,
        leap_birthday=leap_birthday,
        periods=subject.periods,
        cut=subject.cut,
    )


def expected_codes(rule, subjects, rows_of, leap_birthday=LeapBirthday.MARCH_1):
    """What the reference says of each subject or row, by key."""
    names = dict.fromkeys([*names_in(rule), *([rows_of] if rows_of else [])])
    codes = {}
    for subject in subjects:
        case = case_of(subject, names, leap_birthday)
        if rows_of is None:
            codes[(subject.id,)] = reference.judge(rule, case).code
            continue
        for row in case.records:
            is_cut_off = case.cut and reference.on_or_before(row.date, case.cut).is_not_met
            if row.fact == rows_of and not is_cut_off:
                codes[subject.id, row.id] = reference.judge(rule, replace(case, row=row)).code
    return codes


def codes_of(verdicts, column):
    keys = [key for key in ("subject", "record") if key in verdicts.columns]
    return {tuple(key): code for *key, code in verdicts.select(*keys, column).iter_rows()}


def people(random, some, rows_of, n):
    """People with records of all that any of the rules asks for: those of 40 people, dealt out anew to each."""
    together = tree.all_of(*some)
    drawn = [patient(random, together, rows_of) for _ in range(40)]
    pool, dealt = defaultdict(list), []
    for one in (one for subject in drawn for one in subject.observations):
        pool[one.fact].append(replace(one, id=f"r{len(pool[one.fact])}"))
    for i in range(n):
        observations = []
        for fact, several in pool.items():
            k = random.choice((0, 1, 1, 2, 3)) + 2 * (fact == rows_of)
            observations += random.sample(several, min(k, len(several)))
        one, other = random.choice(drawn), random.choice(drawn)
        dates = {"birth": one.birth, "cut": one.cut, "periods": other.periods}
        dealt.append(
            Subject(
                observations, other.anchor, baseline_at=random.choice(drawn).baseline_at, id=f"s{i}", **dates
            )
        )
    return dealt


def tables_of(subjects):
    return {
        "observations": tabulate_observations(subjects, FACTS),
        "subjects": tabulate_subjects(subjects, PERIODS),
    }


def judge_together(some, rows_of, subjects, **options):
    named = {f"rule {i}": rule for i, rule in enumerate(some)}
    return judge_with_duckdb(named, scope_of(rows_of), **{**tables_of(subjects), **options})


@pytest.fixture
def read_once(monkeypatch):
    """Let the reference read each result once: most of its time goes into converting the same units again."""
    known, plain = {}, reference.read

    def read(record, fact):
        key = (record.fact, record.date, record.value, record.unit, record.lln, record.uln, record.assay)
        if key not in known:
            known[key] = plain(record, fact)
        return known[key]

    monkeypatch.setattr(reference, "read", read)


def check_agreement(some, rows_of, seed_of_people, leap_birthday, share):
    n_subjects = SUBJECTS_WITH_ROWS // share + 2 if rows_of else SUBJECTS // share  # a few people vary more
    subjects = people(numbers_from(seed_of_people), some, rows_of, n_subjects)
    verdicts = judge_together(some, rows_of, subjects, leap_birthday=leap_birthday, n_threads=1)
    for i, rule in enumerate(some):
        ours, theirs = (
            codes_of(verdicts, f"rule {i}"),
            expected_codes(rule, subjects, rows_of, leap_birthday),
        )
        differ = {key: (ours.get(key), code) for key, code in theirs.items() if ours.get(key) != code}
        assert not differ, f"{render_rule(rule)} (ours, reference): {differ}"
        assert ours.keys() == theirs.keys()
    return len(verdicts)


def batches(rows_of):
    some = [
        st.lists(kind.filter(is_for_many), min_size=n, max_size=n)
        for kind, n in ((leaves(rows_of), CONDITIONS_AT_ONCE), (rules(rows_of), RULES_AT_ONCE))
    ]
    several = st.tuples(*some).map(lambda both: [*both[0], *both[1]])
    return given(several, st.integers(0, 2**32), st.sampled_from(LeapBirthday))


# No shrinking and no replay: the message names the rule and the people, and each attempt would take a second.
MANY = settings(
    deadline=None,
    database=None,
    phases=(Phase.generate,),
    verbosity=Verbosity.quiet,
    suppress_health_check=list(HealthCheck),
)
N_BATCHES = {rows_of: 172 if rows_of is None else 13 for rows_of in ROWS}
"""Of 8 rules each: 2,000 in all. Rows take longer, and ask for little that the anchor does not."""


def check_batches(rows_of, n, *, first=0, share=1):
    """Try `n` batches of rules, drawn from the seed 20261121 + `first`, each on 200 / `share` rows or more."""
    n_keys = 0

    @seed(20261121 + first)
    @settings(MANY, max_examples=n)
    @batches(rows_of)
    def check(some, seed_of_people, leap_birthday):
        nonlocal n_keys
        n_keys += check_agreement(some, rows_of, seed_of_people, leap_birthday, share)

    check()
    assert n_keys >= 200 // share * n


@pytest.mark.usefixtures("read_once")
@pytest.mark.parametrize("rows_of", ROWS)
def test_two_thousand_rules_agree_with_the_reference_on_200_rows_each(rows_of):
    assert sum(N_BATCHES.values()) * (CONDITIONS_AT_ONCE + RULES_AT_ONCE) >= 2000
    check_batches(rows_of, N_BATCHES[rows_of])


@pytest.mark.slow
@pytest.mark.usefixtures("read_once")
@pytest.mark.parametrize("part", range(1, 51))
@pytest.mark.parametrize("rows_of", ROWS)
def test_a_hundred_thousand_rules_agree_with_the_reference(rows_of, part):
    check_batches(rows_of, N_BATCHES[rows_of], first=part, share=10)


def test_the_rules_of_both_trials_agree_for_every_reason(read_once):
    """The people must reach everything that can leave a rule unknown, or the agreement above says little."""
    random, found = numbers_from(20261121), Counter()
    for rows_of, some in rules_of_both_trials().items():
        subjects = people(random, list(some.values()), rows_of, 60)
        verdicts = judge_with_duckdb(some, scope_of(rows_of), **tables_of(subjects))
        for name, rule in some.items():
            ours = codes_of(verdicts, name)
            assert ours == expected_codes(rule, subjects, rows_of), name
            found.update(ours.values())
    reasons = {reason.code for reason in Reason} - {Reason.NOT_APPLICABLE.code}
    assert {Verdict.MET.code, Verdict.NOT_MET.code, *reasons} <= set(found)


@pytest.mark.parametrize("rows_of", [None, "hbv_dna"])
def test_who_is_born_after_the_rule_is_judged_has_a_conflict_not_an_age(rows_of):
    """The reference refuses such a person; the patient reader says so."""
    rule = parse_rule("age >= 18 years")
    row = Observation("r", "hbv_dna", PartialDate.parse("2024-03-01"), Interval.exactly(5), "IU/mL")
    subject = Subject((row,), PartialDate.parse("2024-03-31"), birth=PartialDate.parse("2024-05"), id="s")
    ours = judge_with_duckdb({"v": rule}, scope_of(rows_of), **tables_of([subject]))
    alone = judge_patient(rule, subject, scope_of(rows_of), row=row if rows_of else None)
    assert ours["v"].to_list() == [alone.verdict.code] == [Reason.CONFLICT.code]


def result(name, when, value, unit="", **details):
    fact = FACTS[name]
    comparator = value[: len(value) - len(value.lstrip("<>="))]
    number = Interval.reported(float(value.removeprefix(comparator)), comparator, floor=0)
    unit = str(fact.unit) if not unit and fact.unit else unit or None
    return Observation(f"{name} {when} {value}", name, PartialDate.parse(when), number, unit, **details)


@pytest.mark.parametrize(
    ("rule", "observations", "code"),
    [
        pytest.param(
            "last(alt) >= 3 * baseline(alt)", ["20.1", "60.3"], 100, id="3 * 20.1 is 60.3, and at least it"
        ),
        pytest.param("last(alt) > 3 * baseline(alt)", ["20.1", "60.3"], 0, id="and not above it"),
        pytest.param("last(alt) > 3 * baseline(alt)", ["20.1", "60.31"], 100, id="60.31 is"),
        pytest.param("last(alt) < 3 * baseline(alt)", ["20.1", "60.29"], 100, id="60.29 is below it"),
        pytest.param("ratio(last(alt)) >= 3", ["20.1", "60.3"], 100, id="the same as a ratio"),
        pytest.param("change(last(alt)) <= 0.2 U/L", ["0.1", "0.3"], 100, id="0.1 + 0.2 is 0.3 as a change"),
        pytest.param("change(last(alt)) > 0.2 U/L", ["0.1", "0.3"], 0, id="and no more"),
        pytest.param("last(alt) >= 1.5 ULN", ["1", "60.3"], 100, id="1.5 * 40.2 is 60.3, as a limit"),
        pytest.param("last(alt) > 1.5 ULN", ["1", "60.3"], 0, id="and not above the limit"),
        pytest.param("last(alt) > 1 U/L", ["1", "1.0000000001"], 100, id="stated numbers have no tolerance"),
        pytest.param("nadir(alt) > 5 U/L", ["5", "7"], 0, id="the lowest is 5"),
        pytest.param("nadir(alt) > 5 U/L", ["5", ">5", "7"], 80, id="a baseline of 5 or more may be 5"),
        pytest.param("nadir(alt) > 5 U/L", [">5", ">6", "7"], 100, id="one of more than 5 may not"),
        pytest.param("nadir(alt) < 9 U/L", ["9", "<9", "9"], 80, id="a baseline of 9 or less may be 9"),
        pytest.param("nadir(alt) > 5 U/L", [">5", "7", "8"], 100, id="nor a baseline of more than 5, or 7"),
        pytest.param(
            "min(alt, ever) > 5 U/L", [">5", "7"], 100, id="the lowest of more than 5 and 7 is not 5"
        ),
        pytest.param("min(alt, ever) > 5 U/L", [">5", "5"], 0, id="with 5 among them it is"),
        pytest.param(
            "min(alt, ever) < 9 U/L", ["<9", "9"], 100, id="the lowest of less than 9 and 9 is not 9"
        ),
        pytest.param(
            "max(alt, ever) < 9 U/L", ["<9", "7"], 100, id="the highest of less than 9 and 7 is not 9"
        ),
        pytest.param(
            "max(alt, ever) > 5 U/L", [">5", "5"], 100, id="the highest of more than 5 and 5 is not 5"
        ),
    ],
)
def test_boundaries_are_where_they_are_stated(rule, observations, code):
    """The last number is of today, those before it of the day of baseline. Worked by hand, and by the reference."""
    *at_baseline, today = observations
    several = [result("alt", "2024-03-01", value) for value in at_baseline]
    several.append(result("alt", "2024-03-30", today, uln=40.2))
    day = PartialDate.parse("2024-03-01")
    subject = Subject(several, PartialDate.parse("2024-03-31"), baseline_at=day, id="s")
    condition = parse_rule(rule)
    ours = judge_with_duckdb({"v": condition}, scope_of(None), **tables_of([subject]))
    assert ours["v"].to_list() == [code]
    assert expected_codes(condition, [subject], None) == {("s",): code}


# ---- nothing depends on how the tables came


def rules_of_both_trials():
    by_context = defaultdict(dict)
    for trial_rule in ALL_RULES:
        rule = parse_rule(trial_rule.text)
        if is_for_many(rule):
            by_context[trial_rule.rows_of][trial_rule.name] = rule
    return by_context


def in_pieces(frame):
    """The same rows in 13 chunks."""
    return pl.concat([frame[i::13] for i in range(13)], rechunk=False)


@pytest.mark.parametrize("rows_of", [None, "hbv_dna"])
def test_order_chunks_duplicates_batches_and_threads_change_nothing(rows_of):
    some = dict(list(rules_of_both_trials()[rows_of].items())[::4])
    tables = tables_of(people(numbers_from(7), list(some.values()), rows_of, 100))
    plain = judge_with_duckdb(some, scope_of(rows_of), **tables, n_threads=1)
    observations, subjects = tables.values()
    shuffled = {name: frame.sample(fraction=1, shuffle=True, seed=1) for name, frame in tables.items()}
    for otherwise in (
        shuffled,
        {name: in_pieces(frame) for name, frame in tables.items()},
        {"observations": pl.concat([observations, observations.reverse()]), "subjects": subjects},
        {**shuffled, "n_threads": 4},
        {**shuffled, "at_once": 1000},
        {**shuffled, "at_once": 1000, "rules_at_once": 2},
    ):
        assert judge_with_duckdb(some, scope_of(rows_of), **otherwise).equals(plain)


def test_four_threads_with_many_row_groups_agree_with_one():
    """DuckDB gives a thread 122,880 rows at least, so threads make a difference only to a large table."""
    some = dict(list(rules_of_both_trials()["hbv_dna"].items())[:3])
    few = tables_of(people(numbers_from(8), list(some.values()), "hbv_dna", 200))
    copies = pl.DataFrame({"copy": range(400)})
    many = {
        name: frame.join(copies, how="cross")
        .with_columns(subject=pl.format("{}/{}", "subject", "copy"))
        .drop("copy")
        for name, frame in few.items()
    }
    assert len(many["observations"]) > 2 * 122_880
    one, four = (judge_with_duckdb(some, scope_of("hbv_dna"), **many, n_threads=n) for n in (1, 4))
    assert one.equals(four)
    copied = one.filter(pl.col("subject").str.ends_with("/7")).with_columns(
        pl.col("subject").str.strip_suffix("/7")
    )
    assert copied.sort("subject", "record").equals(judge_with_duckdb(some, scope_of("hbv_dna"), **few))


def test_one_subject_alone_is_judged_as_among_many():
    some = rules_of_both_trials()["hbv_dna"]
    subjects = people(numbers_from(9), list(some.values()), "hbv_dna", 40)
    together = judge_with_duckdb(some, scope_of("hbv_dna"), **tables_of(subjects))
    for subject in subjects[:5]:
        alone = judge_with_duckdb(some, scope_of("hbv_dna"), **tables_of([subject]))
        assert alone.equals(together.filter(pl.col("subject") == subject.id))


def test_keys_may_be_whole_numbers():
    rule = {"v": parse_rule("value > 2000 IU/mL")}
    tables = tables_of(people(numbers_from(1), list(rule.values()), "hbv_dna", 20))
    numbers = {
        name: frame.with_columns(pl.col("^(subject|record)$").str.slice(1).cast(pl.Int64))
        for name, frame in tables.items()
    }
    as_numbers = judge_with_duckdb(rule, scope_of("hbv_dna"), **numbers)
    as_text = judge_with_duckdb(rule, scope_of("hbv_dna"), **tables)
    assert sorted(as_numbers.iter_rows()) == sorted(
        (int(s[1:]), int(r[1:]), v) for s, r, v in as_text.iter_rows()
    )


@pytest.mark.parametrize(
    ("text", "is_once_per_person"),
    [
        ("value >= 10 * baseline", True),
        ("ratio(value) >= 10", True),
        ("value >= 100 * last(hbv_dna, 28 days before first entecavir)", True),
        ("value > 10 IU/mL and sex is female and had(durvalumab, during on_treatment)", True),
        ("count(durvalumab, during on_treatment) >= 2 or consent < 2024-02-29", True),
        ("value >= 2 * nadir", False),
        ("last(alt, 28 days) > 2 ULN", False),
    ],
)
def test_what_does_not_depend_on_the_row_is_found_once_per_person(text, is_once_per_person):
    query = render_sql(parse_rule(text), scope_of("hbv_dna"))
    assert ("FROM cases c JOIN observations" not in query) is is_once_per_person
    assert "FROM cases c LEFT JOIN observations" not in query


def test_facts_asked_for_in_one_window_are_looked_for_once():
    """Each keeps its own answer, from 3 to 31 March: given in time, perhaps, too long ago, or never."""
    given = {"durvalumab": "2024-03-28", "entecavir": "2024-03", "chemotherapy": "2024-03-02"}
    several = [Observation(name, name, PartialDate.parse(when)) for name, when in given.items()]
    subject = Subject(several, PartialDate.parse("2024-03-31"), id="s")
    never, missing = NOT_MET, Reason.MISSING.code  # who has no record of hepatitis has not had it
    told = {"durvalumab": MET, "entecavir": Reason.IMPRECISE_DATE.code, "chemotherapy": missing, "peginterferon": missing, "hepatitis_a": never}  # fmt: skip
    asked = {name: parse_rule(f"had({name}, 28 days)") for name in told}
    found = judge_with_duckdb(asked, scope_of(None), **tables_of([subject])).row(0, named=True)
    assert {name: found[name] for name in asked} == told
    assert {name: expected_codes(rule, [subject], None)["s",] for name, rule in asked.items()} == told
    assert render_rules_sql(asked, scope_of(None)).count("JOIN observations") == 1


@pytest.mark.parametrize(
    ("text", "observed", "dated"),
    [
        pytest.param("age >= 18 years", set(), {"anchor", "birth"}, id="an age needs no record"),
        pytest.param("last(alt, 28 days) > 50 U/L", {"lo", "hi", "lo_open", "hi_open"}, {"anchor", "cut"}, id="a number"),
        pytest.param("last(alt, 28 days) > 3 ULN", {"uln", "lo", "hi"}, {"anchor", "cut"}, id="a limit of normal"),
        pytest.param("last(ascites, 28 days) is none", {"level"}, {"anchor", "cut"}, id="a level"),
    ],
)  # fmt: skip
def test_only_columns_that_are_asked_for_are_copied(text, observed, dated, monkeypatch):
    copied = {}

    def put(connection, tables):
        copied.update({name: set(frame.columns) for name, frame in tables.items()})
        put_tables(connection, tables)

    monkeypatch.setattr(sql, "put_tables", put)
    rule = parse_rule(text)
    judge_together([rule], None, people(numbers_from(1), [rule], None, 3))
    numbers = {"lo", "hi", "lo_open", "hi_open", "uln", "level"}
    assert copied["observations"] >= {"subject", "record", "fact"} | observed
    assert ("level" in copied["observations"]) == ("level" in observed)
    assert bool(copied["observations"] & numbers) == bool(observed)
    assert {column.removesuffix("_earliest").removesuffix("_latest") for column in copied["subjects"]} == {
        "subject"
    } | dated


@pytest.mark.parametrize("rows_of", [None, "durvalumab"])
def test_nothing_is_known_of_a_period_that_is_not_known(rows_of):
    """Neither that a drug was given in it, nor that what did not happen at all has not happened in it."""
    given = Observation("dose", "durvalumab", PartialDate.parse("2024-03-28"))
    subject = Subject((given,), PartialDate.parse("2024-03-31"), id="s")
    asked = {name: parse_rule(f"had({name}, during on_treatment)") for name in ("durvalumab", "hepatitis_a")}
    found = judge_with_duckdb(asked, scope_of(rows_of), **tables_of([subject]))
    assert found.select(*asked).rows() == [(Reason.MISSING.code, Reason.MISSING.code)]
    for rule in asked.values():
        alone = judge_patient(rule, subject, scope_of(rows_of), row=given if rows_of else None)
        assert alone.verdict.code == Reason.MISSING.code


def test_the_deepest_rule_fits_the_stack_of_a_table_thread():
    """Such threads have 2 MB, where a process begins with 8."""
    text = "had(durvalumab)"
    for depth in range(rule_parsing.MAX_DEPTH - 1):  # the innermost has parentheses of its own
        text = f"not (last(hbv_dna) > {depth + 10} IU/mL {'and' if depth % 2 else 'or'} {text})"
    conditions = {"v": parse_rule(text)}
    judged = judge_with_duckdb(conditions, scope_of(None), **a_table())
    assert on_table_threads(judge_with_duckdb)(conditions, scope_of(None), **a_table()).equals(judged)
    with pytest.raises(ProblemsFound, match="deep"):
        parse_rule(f"not ({text})")


def test_batches_are_of_whole_subjects():
    """However few pairs of a row and a record are allowed at once, those of one subject stay together."""
    some = {"v": parse_rule("value >= 2 * nadir")}
    tables = tables_of(people(numbers_from(3), list(some.values()), "hbv_dna", 12))
    plain = judge_with_duckdb(some, scope_of("hbv_dna"), **tables)
    assert len(plain) > 12
    assert judge_with_duckdb(some, scope_of("hbv_dna"), **tables, at_once=1).equals(plain)


@pytest.mark.parametrize("at_once", [0, AT_ONCE])
def test_nobody_gets_no_verdicts(at_once):
    """Nor do records of nobody."""
    rule = parse_rule("last(hbv_dna) > 10 IU/mL")
    tables = {**tables_of(people(numbers_from(3), [rule], None, 12)), "subjects": tables_of([])["subjects"]}
    assert len(tables["observations"]) > 0
    verdicts = judge_with_duckdb({"v": rule}, scope_of(None), **tables, at_once=at_once)
    assert verdicts.schema == {"subject": pl.String, "v": pl.UInt8}
    assert verdicts.is_empty()


# ---- tables that do not keep their contract


def a_table():
    subject = Subject(
        [
            Observation("r1", "hbv_dna", PartialDate.parse("2024-03-01"), Interval.exactly(5), "IU/mL"),
            Observation("r2", "sex", PartialDate.parse("2024-03-01"), "male"),
        ],
        PartialDate.parse("2024-03-31"),
        id="s1",
    )
    return tables_of([subject])


LATE = pl.lit("2030-01-01").str.to_datetime()


@pytest.mark.parametrize(
    ("table", "columns", "message"),
    [
        ("observations", {"lo": pl.lit(float("nan"))}, "a number must be a range"),
        ("observations", {"lo": pl.lit(6.0)}, "a number must be a range"),
        ("observations", {"lo": pl.lit(float("-inf"))}, "a number must be a range"),
        ("observations", {"lo": pl.lit(1.0)}, "a number that is not exact must have its `reason`"),
        ("observations", {"is_converted": pl.lit(None, pl.Boolean)}, "a number must be a range"),
        ("observations", {"uln": pl.lit(float("inf"))}, "limits of normal must be finite"),
        ("observations", {"earliest": LATE}, "`earliest` and `latest` must be a range"),
        ("observations", {"level": pl.lit(None, pl.String)}, "a level must be known or have its `reason`"),
        ("observations", {"record": pl.lit(None, pl.String)}, "subject, record, fact and date must be there"),
        ("observations", {"lo": pl.lit("5")}, "must have a column `lo` of Float64"),
        ("subjects", {"subject": pl.lit(None, pl.String)}, "every subject must stand in `subjects` once"),
        ("subjects", {"anchor_earliest": LATE}, "`anchor_earliest` and `anchor_latest` must be a range"),
        ("subjects", {"birth_latest": LATE}, "`birth_earliest` and `birth_latest` must be a range"),
        ("subjects", {"subject": pl.lit(1)}, "`subject` must be of one type in both tables"),
    ],
)
def test_a_table_that_breaks_its_contract_is_refused(table, columns, message):
    tables = a_table()
    rule = {"v": parse_rule("last(hbv_dna, 28 days) > 1 IU/mL")}
    assert judge_with_duckdb(rule, scope_of(None), **tables)["v"].to_list() == [Reason.STALE.code]
    broken = {**tables, table: tables[table].with_columns(**columns)}
    with pytest.raises(ValueError, match=re.escape(message)):
        judge_with_duckdb(rule, scope_of(None), **broken)


def test_one_record_with_two_contents_is_refused():
    """Given twice as it is, a record counts once; which of two contents counts nobody can say."""
    tables = a_table()
    other = tables["observations"].filter(pl.col("fact") == "hbv_dna").with_columns(lo=6.0, hi=6.0)
    broken = {**tables, "observations": pl.concat([tables["observations"], other])}
    with pytest.raises(ValueError, match="record `r1` of `hbv_dna` has two contents"):
        judge_with_duckdb({"v": parse_rule("age >= 18 years")}, scope_of(None), **broken)


# ---- no text of a protocol becomes SQL

NASTY = """it's"; DROP TABLE subjects; -- $$ \\ %s {0} /* ' */"""


def test_quotes_semicolons_and_comments_are_only_text():
    level = NASTY.replace('"', "")
    facts = {
        "stage": make_fact("stage", kind="category", levels=[level, "other"]),
        "fit": make_fact("fit", kind="attestation", by=NASTY),
    }
    scope = Scope(facts, {NASTY: "a period"})
    day = PartialDate.parse("2024-03-01")
    subject = Subject(
        [Observation("r1", "stage", day, level), Observation("r2", "fit", day, "yes", by=NASTY)],
        PartialDate.parse("2024-03-31"),
        periods={NASTY: (day, day)},
        id=NASTY,
    )
    window = tree.During(NASTY)
    conditions = {
        NASTY: tree.OneOf(tree.Pick("last", "stage", window), (level,)),
        "'": tree.OneOf(tree.Pick("last", "stage", window), ("other",)),
        '"': tree.Attested("fit"),
    }
    verdicts = judge_with_duckdb(
        conditions,
        scope,
        observations=tabulate_observations([subject], facts),
        subjects=tabulate_subjects([subject], [NASTY]),
    )
    assert verdicts.rows() == [(NASTY, 100, 0, 100)]


@pytest.mark.parametrize("character", ["\n", "\x00", "\u202e", "\x1b"])
def test_control_characters_cannot_stand_in_a_query(character):
    with pytest.raises(ValueError, match=r"control character|cannot be the name"):
        render_rules_sql({f"a{character}b": parse_rule("age >= 18 years")}, scope_of(None))
    facts = {"fit": make_fact("fit", kind="attestation", by=f"a{character}b")}
    with pytest.raises(ValueError, match="control character"):
        render_sql(tree.Attested("fit"), Scope(facts))


@pytest.mark.parametrize("name", ["subject", "record"])
def test_a_rule_cannot_be_called_like_a_key(name):
    with pytest.raises(ValueError, match="none of them called subject or record"):
        render_rules_sql({name: parse_rule("value > 2000 IU/mL")}, scope_of("hbv_dna"))


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM '{file}'",
        "SELECT content FROM read_text('{file}')",
        "SELECT * FROM observations; COPY subjects TO '{file}'",
        "SELECT 1 AS subject; ATTACH '{file}' AS other",
        "SELECT 1 AS subject; SET enable_external_access = true",
        "SELECT 1 AS subject; SET lock_configuration = false",
        "SELECT 1 AS subject; SET temp_directory = '/tmp'",
        "SELECT 1 AS subject; INSTALL httpfs",
        "SELECT * FROM frame",
    ],
)
def test_a_query_reaches_nothing_but_the_two_tables(tmp_path, monkeypatch, query):
    """Were a rule ever to become SQL of its own, there would be nothing to read and nothing to unlock."""
    secret = tmp_path / "secret.csv"
    secret.write_text("subject\n1\n")
    assert duckdb.read_csv(str(secret)).fetchall() == [(1,)]
    monkeypatch.setattr(sql, "render_rules_sql", lambda *_, **__: query.format(file=secret))
    with pytest.raises(duckdb.Error, match=r"disabled|locked|does not exist|Cannot"):
        judge_with_duckdb({"v": parse_rule("age >= 18 years")}, scope_of(None), **a_table())
    assert secret.read_text() == "subject\n1\n"


def test_tables_are_seen_by_their_own_connection_and_gone_with_it():
    with connect() as one, connect() as other:
        put_tables(one, {"people": pl.DataFrame({"subject": [1]})})
        assert answer_query(one, "SELECT * FROM people")["subject"].to_list() == [1]
        with pytest.raises(duckdb.Error, match="people does not exist"):
            answer_query(other, "SELECT * FROM people")
    with connect() as later, pytest.raises(duckdb.Error, match="people does not exist"):
        answer_query(later, "SELECT * FROM people")


def test_nothing_is_printed_when_the_process_ends():
    """DuckDB complains there of each object of its own that somebody still holds."""
    code = """
from trialwright.evaluation import sql
from trialwright.evaluation.observations import Observation, Subject
from trialwright.evaluation.patient import judge_patient
from trialwright.evaluation.sql import judge_with_duckdb
from trialwright.evaluation.table import tabulate_observations, tabulate_subjects
from trialwright.protocol.facts import Scope
from trialwright.protocol.facts import Scope, make_fact
from trialwright.protocol.rules import parse_rule
from trialwright.vocabulary.partial_dates import PartialDate
some = [Subject([], PartialDate.parse("2024-03-31"), birth=PartialDate.parse("1990"), id="s")]
tables = {"observations": tabulate_observations(some, {}), "subjects": tabulate_subjects(some)}
verdicts = judge_with_duckdb({"v": parse_rule("age >= 18 years")}, Scope({}), **tables)
print(verdicts["v"].to_list())
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("[100]\n", "")


# ---- what cannot be judged in a query


def test_a_score_is_refused_at_its_place():
    rule = parse_rule("age >= 18 years and score(child_pugh, 28 days) <= 6")
    with pytest.raises(ProblemsFound) as found:
        render_sql(rule, scope_of(None), start=Place("protocol.yaml", 41, 13))
    (problem,) = found.value.problems
    assert (problem.code, str(problem.place)) == ("not-for-many", "protocol.yaml:41:39")
    with pytest.raises(ProblemsFound, match="not-for-many"):
        judge_with_duckdb({"v": rule}, scope_of(None), **a_table())


def test_a_rule_with_an_error_is_refused():
    with pytest.raises(ProblemsFound, match="unknown-fact"):
        render_sql(parse_rule("last(hbv_dma, 28 days) > 1 IU/mL"), scope_of(None))


def test_what_nobody_attested_is_left_open():
    tables = a_table()
    verdicts = judge_with_duckdb(
        {"v": parse_rule("attested(unsuitable_for_the_study)")}, scope_of(None), **tables
    )
    assert verdicts["v"].to_list() == [Reason.NEEDS_A_PERSON.code]


# ---- other dialects

CONSTRUCTS = {
    None: [
        "last(creatinine, 28 days) > 1.5 ULN",
        "first(alt, 12 hours) < 0.5 LLN",
        "max(bilirubin, 3 months) <= 2 mg/dL",
        "min(platelets, within 2 weeks of first durvalumab) > 75 x10^9/L",
        "any(alt, since last entecavir + 1 year) > 3 * baseline(alt)",
        "all(alt, during on_treatment) < 100 U/L",
        "last(bclc_stage, ever) not in (0, A)",
        "last(ecog, 28 days) in (0, 1)",
        "count(durvalumab, 24 days before any liver_mri) = 1",
        "age >= 18 years and not age > 70 years",
        "had(liver_transplant)",
        "attested(informed_consent)",
        "change(last(afp, 28 days)) <= -20 %",
        "change(last(alt, 28 days)) > 5 U/L",
        "ratio(last(alt, 28 days)) >= 2",
        "nadir(hbv_dna) < baseline(hbv_dna)",
        "last durvalumab + 6 months <= last entecavir or consent < 2024-02-29",
        "sex is female",
    ],
    "hbv_dna": [
        "value >= 100 * baseline",
        "value > nadir and date >= first entecavir + 3 months",
        "value > 2000 IU/mL confirmed after 28 days",
        "(value < 10 IU/mL) consecutive 3",
    ],
}


def literals(query, dialect):
    parsed = sqlglot.parse_one(query, dialect=dialect)
    return Counter(node.this for node in parsed.find_all(sqlglot.exp.Literal) if node.is_string)


@pytest.mark.parametrize("dialect", ["spark", "postgres"])
@pytest.mark.parametrize(
    ("rows_of", "text"), [(rows_of, text) for rows_of, several in CONSTRUCTS.items() for text in several]
)
def test_every_construct_becomes_a_query_of_other_dialects_that_parses_back(rows_of, text, dialect):
    rule = parse_rule(text)
    ours = render_sql(rule, scope_of(rows_of))
    theirs = render_sql(rule, scope_of(rows_of), dialect=dialect)
    back = sqlglot.parse_one(theirs, dialect=dialect)
    assert back.sql(dialect=dialect) == theirs
    names = {node.name for node in sqlglot.parse_one(ours, dialect="duckdb").find_all(sqlglot.exp.Identifier)}
    assert {node.name for node in back.find_all(sqlglot.exp.Identifier)} == names
    assert len(list(back.find_all(sqlglot.exp.Interval))) == ours.count("INTERVAL '")
    assert "UTINYINT" not in theirs


def test_the_constructs_are_all_there_are():
    """All that `render_sql` must put into another dialect, scores aside, which it refuses in any."""
    found = {
        type(node)
        for several in CONSTRUCTS.values()
        for text in several
        for node in tree.walk(parse_rule(text))
    }
    assert set(tree.NODES) - found == {tree.Score}


@pytest.mark.parametrize("dialect", ["spark", "postgres"])
def test_texts_stay_what_they_are_in_other_dialects(dialect):
    level = "it's; -- \\n $$ \\"
    scope = Scope({"stage": make_fact("stage", kind="category", levels=[level, "other"])})
    query = render_sql(tree.OneOf(tree.Pick("last", "stage", tree.Ever()), (level,)), scope, dialect=dialect)
    assert literals(query, dialect)[level] == 1


def test_numbers_are_doubles_in_postgres():
    """There `0.1e0` is a decimal: a sum of decimals is rounded in other places."""
    query = render_sql(parse_rule("last(alt, 28 days) > 1.5 ULN"), scope_of(None), dialect="postgres")
    assert "CAST(1.5e0 AS DOUBLE PRECISION)" in query


@pytest.mark.parametrize(
    ("dialect", "names", "message"),
    [
        ("postgres", ["ж" * 32], f"PostgreSQL cuts names after 63 bytes: `{'ж' * 32}`"),
        ("spark", ["Stage", "stage"], "Spark takes `Stage` and `stage` for one name"),
        ("spark", ["Subject"], "Spark takes `subject` and `Subject` for one name"),
    ],
)
def test_names_that_would_become_others_are_refused(dialect, names, message):
    some = dict.fromkeys(names, parse_rule("age >= 18 years"))
    assert render_rules_sql(some, scope_of(None))
    start = Place("protocol.yaml", 41, 13)
    with pytest.raises(ProblemsFound) as found:
        render_rules_sql(some, scope_of(None), dialect=dialect, start=start)
    (problem,) = found.value.problems
    assert (problem.code, problem.message, problem.place) == ("not-in-dialect", message, start)


def test_period_names_that_postgres_would_cut_are_refused():
    scope = Scope(FACTS, {"p" * 50: "a long period"})
    with pytest.raises(ProblemsFound, match="not-in-dialect"):
        render_sql(parse_rule("had(durvalumab)"), scope, dialect="postgres")
