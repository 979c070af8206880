"""How long to judge a million rows, or a million people, by the rules of a protocol?

Rows: one rule for 1,000,000 results of HBV DNA, ten for each person. Reference: the bare comparison of the number in
DuckDB, which knows of no censored, missing or unit-less result. Aim: a million rows per second for a rule that asks for
the row alone. The nadir of each row is sought among all results of the person, ten million pairs.

People: 22 criteria on 1,000,000 people with 12,000,000 records, beside a query as an experienced person writes it by hand:
one GROUP BY with `arg_max`, exact numbers, whole dates, and no answer but yes and no. It is no equal of ours: what is
missing counts as `no`, of two results of one day it takes any. The two must agree to within 5 % of the people, for little
of these made-up data is in doubt.

Times are CPU seconds of all threads, and what it takes to bring the tables to DuckDB is in all of them. A first argument is
the number of rows and of people instead of a million.
"""

import sys
from datetime import datetime

import duckdb
import numpy as np
import polars as pl

from measure import cpu_of_call, medians_in_turn, print_row
from trialwright.evaluation.sql import judge_with_duckdb
from trialwright.evaluation.table import OBSERVATIONS, subject_schema
from trialwright.protocol.facts import Scope, make_fact
from trialwright.protocol.rules import parse_rule
from trialwright.vocabulary.verdicts import Verdict

N = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
ANCHOR = datetime(2026, 6, 1)  # noqa: DTZ001 - local time of the site
MINUTES = 1440

FACTS = {
    fact.name: fact
    for fact in (
        *(make_fact(name, concept=name) for name in ("hbv_dna", "alt", "creatinine", "platelets", "inr")),
        *(make_fact(name, concept=name) for name in ("bilirubin", "albumin", "afp")),
        *(make_fact(name, concept=name) for name in ("hbsag", "bclc_stage", "sex")),
        *(
            make_fact(name, kind="condition", absence="no")
            for name in ("cirrhosis", "diabetes", "epilepsy", "psoriasis")
        ),
    )
}
CRITERIA = {
    name: parse_rule(text)
    for name, text in {
        "adult": "age >= 18 years",
        "not too old": "age <= 75 years",
        "hbsag": "last(hbsag, 90 days) is positive",
        "active": "last(hbv_dna, 28 days) > 2000 IU/mL",
        "was active": "max(hbv_dna, 365 days) > 20000 IU/mL",
        "stage": "last(bclc_stage, 90 days) in (A, B, C)",
        "kidneys": "last(creatinine, 28 days) <= 1.5 ULN",
        "platelets": "last(platelets, 28 days) >= 75 x10^9/L",
        "clotting": "last(inr, 28 days) <= 2.3",
        "bilirubin": "last(bilirubin, 28 days) <= 2 ULN",
        "bilirubin in mg": "last(bilirubin, 28 days) <= 3 mg/dL",
        "albumin": "last(albumin, 28 days) >= 28 g/L",
        "alt": "last(alt, 28 days) <= 5 ULN",
        "no flare": "not any(alt, 180 days) > 10 ULN",
        "afp": "last(afp, 90 days) < 400 ng/mL",
        "cirrhosis": "had(cirrhosis)",
        "no diabetes": "not had(diabetes)",
        "no epilepsy": "not had(epilepsy)",
        "no psoriasis": "not had(psoriasis, 365 days)",
        "a man or well nourished": "sex is male or last(albumin, 28 days) >= 35 g/L",
        "measured twice": "count(hbv_dna, 365 days) >= 2",
        "stable kidneys": "last(creatinine, 28 days) <= 1.3 * first(creatinine, 365 days)",
    }.items()
}
NUMBERS = {  # median, spread of its logarithm, records per person
    "hbv_dna": (3000, 2.0, 2),
    "alt": (40, 0.8, 1.5),
    "creatinine": (80, 0.3, 1.5),
    "platelets": (180, 0.4, 1),
    "inr": (1.1, 0.2, 1),
    "bilirubin": (14, 0.6, 1),
    "albumin": (40, 0.1, 1),
    "afp": (20, 1.5, 1),
}
LEVELS = {
    "hbsag": ("positive", "negative"),
    "bclc_stage": ("A", "B", "C", "D"),
    "sex": ("female", "male"),
}


def observations_of(random, n_subjects, fact, per_person):
    """Records of one fact for a share of the people."""
    n = int(n_subjects * per_person)
    minutes = random.integers(0, 200, n) * MINUTES
    day = pl.Series(np.datetime64(ANCHOR, "us") - minutes.astype("timedelta64[m]"))
    frame = pl.DataFrame({"subject": random.integers(0, n_subjects, n), "earliest": day}).with_columns(
        record=pl.int_range(n),
        fact=pl.lit(fact),
        latest=pl.col("earliest") + pl.duration(minutes=MINUTES - 1),
        reason=pl.lit(0, pl.UInt8),
        is_converted=pl.lit(value=False),
        role=pl.lit(None, pl.String),
    )
    empty = {name: pl.lit(None, OBSERVATIONS[name]) for name in OBSERVATIONS if name not in frame.columns}
    frame = frame.with_columns(**empty)
    if fact in NUMBERS:
        median, spread, _ = NUMBERS[fact]
        value = np.round(median * np.exp(random.normal(0, spread, n)), 2)
        uln = {"alt": 40.0, "creatinine": 104.0, "bilirubin": 21.0}.get(fact)
        frame = frame.with_columns(
            lo=pl.Series(value),
            hi=pl.Series(value),
            lo_open=False,
            hi_open=False,
            uln=pl.lit(uln, pl.Float64),
        )
    if fact in LEVELS:
        frame = frame.with_columns(level=pl.Series(random.choice(LEVELS[fact], n)))
    keys = {"subject": pl.Int64, "record": pl.Int64}
    return frame.cast({name: keys.get(name, dtype) for name, dtype in OBSERVATIONS.items()}).select(
        OBSERVATIONS.keys()
    )


def subjects_of(random, n):
    birth = np.datetime64(ANCHOR, "us") - random.integers(15 * 365, 80 * 365, n).astype("timedelta64[D]")
    moments = {"anchor": ANCHOR, "baseline": datetime(2026, 3, 1)}  # noqa: DTZ001
    last = pl.duration(minutes=MINUTES - 1)
    dates = {f"{name}_earliest": pl.lit(moment) for name, moment in moments.items()}
    dates |= {f"{name}_latest": pl.lit(moment) + last for name, moment in moments.items()}
    frame = pl.DataFrame({"subject": pl.int_range(n, eager=True), "birth_earliest": birth})
    frame = frame.with_columns(birth_latest=pl.col("birth_earliest") + last, **dates)
    schema = {**subject_schema(()), "subject": pl.Int64}
    missing = {name: pl.lit(None, dtype) for name, dtype in schema.items() if name not in frame.columns}
    return frame.with_columns(**missing).cast(schema).select(schema.keys())


def rows():
    random = np.random.default_rng(1)
    observations = observations_of(random, N // 10, "hbv_dna", 10)
    subjects = subjects_of(random, N // 10)
    scope = Scope(FACTS, rows_of="hbv_dna")
    rules = {
        "value > 2000 IU/mL": "value > 2000 IU/mL",
        "and value >= 10 * baseline": "value > 2000 IU/mL and value >= 10 * baseline",
        "and value >= 2 * nadir": "value > 2000 IU/mL and value >= 2 * nadir",
    }

    def judge(text):
        return judge_with_duckdb(
            {"verdict": parse_rule(text)}, scope, observations=observations, subjects=subjects
        )

    def naive():
        return ask(
            {"observations": observations}, "SELECT subject, record, lo > 2000 AS answer FROM observations"
        )

    judged = judge(rules["value > 2000 IU/mL"])
    assert len(judged) == len(observations)
    assert (judged["verdict"] == Verdict.MET.code).sum() == naive()["answer"].sum()
    times = medians_in_turn(
        lambda: cpu_of_call(naive),
        *(lambda text=text: cpu_of_call(lambda: judge(text)) for text in rules.values()),
        repeats=3,
    )
    print_row(f"`lo > 2000` of {len(observations):,} rows (reference)", times[0])
    for name, seconds in zip(rules, times[1:], strict=True):
        print_row(
            f"{len(observations):,} rows, {name}", seconds, times[0], "aim: 1 s" if name[0] == "v" else ""
        )


class Stream:
    """A table as DuckDB and polars read it without pyarrow."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


def ask(tables, query):
    """The answer to a query by hand, with the tables brought to DuckDB first, as ours are."""
    with duckdb.connect() as connection:
        for name, frame in tables.items():
            connection.register("incoming", Stream(frame))
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")  # noqa: S608
            connection.unregister("incoming")
        connection.execute(f"CREATE TABLE answers AS {query}")
        return pl.DataFrame(Stream(connection.table("answers")))


NAIVE_DAYS = {28: "28 DAY", 90: "90 DAY", 180: "180 DAY", 365: "365 DAY"}


def naive_query():
    def last(fact, value, days):
        within = f"fact = '{fact}' AND earliest >= anchor_earliest - INTERVAL {NAIVE_DAYS[days]}"
        return f"arg_max({value}, earliest) FILTER ({within})"

    columns = {
        "adult": "date_diff('year', any_value(birth_earliest), any_value(anchor_earliest)) >= 18",
        "not too old": "date_diff('year', any_value(birth_earliest), any_value(anchor_earliest)) <= 75",
        "hbsag": f"{last('hbsag', 'level', 90)} = 'positive'",
        "active": f"{last('hbv_dna', 'lo', 28)} > 2000",
        "was active": "max(lo) FILTER (fact = 'hbv_dna') > 20000",
        "stage": f"{last('bclc_stage', 'level', 90)} IN ('A', 'B', 'C')",
        "kidneys": f"{last('creatinine', 'lo / uln', 28)} <= 1.5",
        "platelets": f"{last('platelets', 'lo', 28)} >= 75",
        "clotting": f"{last('inr', 'lo', 28)} <= 2.3",
        "bilirubin": f"{last('bilirubin', 'lo / uln', 28)} <= 2",
        "bilirubin in mg": f"{last('bilirubin', 'lo / 17.1', 28)} <= 3",
        "albumin": f"{last('albumin', 'lo', 28)} >= 28",
        "alt": f"{last('alt', 'lo / uln', 28)} <= 5",
        "no flare": "NOT bool_or(lo > 10 * uln) FILTER (fact = 'alt')",
        "afp": f"{last('afp', 'lo', 90)} < 400",
        "cirrhosis": "bool_or(fact = 'cirrhosis')",
        "no diabetes": "NOT bool_or(fact = 'diabetes')",
        "no epilepsy": "NOT bool_or(fact = 'epilepsy')",
        "no psoriasis": "NOT bool_or(fact = 'psoriasis')",
        "a man or well nourished": (
            f"any_value(level) FILTER (fact = 'sex') = 'male' OR {last('albumin', 'lo', 28)} >= 35"
        ),
        "measured twice": "count(*) FILTER (fact = 'hbv_dna') >= 2",
        "stable kidneys": (
            f"{last('creatinine', 'lo', 28)} <= 1.3 * arg_min(lo, earliest) FILTER (fact = 'creatinine')"
        ),
    }
    assert columns.keys() == CRITERIA.keys()
    several = ", ".join(f'COALESCE({sql}, FALSE) AS "{name}"' for name, sql in columns.items())
    return f"SELECT subject, {several} FROM subjects JOIN observations USING (subject) GROUP BY subject"  # noqa: S608


def people():
    random = np.random.default_rng(2)
    counts = {fact: NUMBERS[fact][2] if fact in NUMBERS else 1 for fact in FACTS}
    counts |= dict.fromkeys(("diabetes", "epilepsy", "psoriasis", "cirrhosis"), 0.1)
    observations = pl.concat([observations_of(random, N, fact, share) for fact, share in counts.items()])
    # What is known once is given once.
    is_repeated = (pl.col("fact") == "sex") & pl.struct("subject", "fact").is_duplicated()
    observations = observations.filter(~is_repeated)
    subjects = subjects_of(random, N)

    def ours():
        return judge_with_duckdb(CRITERIA, Scope(FACTS), observations=observations, subjects=subjects)

    def naive():
        return ask({"observations": observations, "subjects": subjects}, naive_query())

    judged, answers = ours(), naive()
    for name in CRITERIA:
        n_met, n_yes = (judged[name] == Verdict.MET.code).sum(), answers[name].sum()
        assert abs(n_met - n_yes) <= 0.05 * N, (name, n_met, n_yes)
    reference, seconds = medians_in_turn(lambda: cpu_of_call(naive), lambda: cpu_of_call(ours), repeats=1)
    print_row(f"22 criteria, {N:,} people, naive query (reference)", reference)
    print_row(f"the same, {len(observations):,} records, with reasons", seconds, reference)


rows()
people()
