"""What is known of a study: its observations, and the anchors, periods and events that follow from them, in their order.

An anchor may be told by an event, an event by a period, a period by an anchor: each is derived when all it names is
there, and joins the observations, so that every rule is judged by the one reader over the one table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import polars as pl

from trialwright.derivations.baselines import as_compared, baselines_of, find_baselines, is_of, is_strict
from trialwright.derivations.definitions import BASELINE, RELATIVE, Definitions, during
from trialwright.derivations.drug_days import with_day_of
from trialwright.derivations.last_alive import last_days_alive
from trialwright.derivations.minutes import Minutes
from trialwright.derivations.named_records import NamedRecords
from trialwright.derivations.observations import (
    COLUMNS,
    Asked,
    make_observations,
    maybe,
    moment_of,
    names_in,
    none_of,
    record_facts,
    surely,
)
from trialwright.derivations.recorded_facts import ANY_TIME
from trialwright.derivations.scored import parts_of_scores, with_scores
from trialwright.derivations.study import SUBJECT, Study
from trialwright.derivations.tumour_records import LOCAL
from trialwright.evaluation.duck import threads_for
from trialwright.evaluation.sql import judge_with_duckdb
from trialwright.evaluation.table import KINDS_WITH_RESULTS, date_columns
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Absence, Scope
from trialwright.protocol.model import Baseline
from trialwright.protocol.moments import Span
from trialwright.protocol.rule_tree import Moment
from trialwright.protocol.written_rules import WrittenRule
from trialwright.records.dates import MOMENT
from trialwright.vocabulary.concepts import Kind

_SCHEMA = pl.Schema(COLUMNS)
_NOTHING = pl.DataFrame(schema=_SCHEMA)
_PLAIN_DAY_MINUTES = 24 * 60 - 1
_OF_PEOPLE_AT_ONCE, _OF_ROWS_AT_ONCE = 2, 8
"""Rules of one query. Those of rows share baselines and lowest values: 8 rules of 34,000 observations took 0.64 s by twos
and 0.48 s together. Those of people share little, and planning long queries takes more than its share: 21 rules of 332
people took 0.48 s by twos and 0.70 s by eights. It changes no verdict."""


@dataclass
class StudyFacts:
    """What is known, growing while anchors, periods and events are derived.

    Attributes
    ----------
    study : Study
    definitions : Definitions
    reader : str
        Whose readings these are: `local` or `central`.
    named : NamedRecords
        The records by their names, with what was read of them.
    records : mapping of str to DataFrame
        The records of all readers, as `record_facts` gives them.
    tables : mapping of str to DataFrame
        The observations of each fact, of the shape `COLUMNS`.
    alive : DataFrame
        `SUBJECT`, `LSTALVDT`.
    """

    study: Study
    definitions: Definitions
    reader: str
    named: NamedRecords
    records: Mapping[str, pl.DataFrame]
    tables: dict[str, pl.DataFrame]
    alive: pl.DataFrame
    known: frozenset[str]
    """The facts, events, anchors and periods that are known of, whether anything is recorded of them or not."""
    readers: Mapping[str, frozenset[str]]
    """Who read each fact that anybody reads."""
    n_records: int
    """How many records there are; the next is numbered with it."""
    dates: dict[str, pl.DataFrame] = field(default_factory=dict)
    """First and last minute per subject (`subject`, `earliest`, `latest`) of the moment of baseline (`baseline`) and of the
    ends of periods (`follow_up_start`, `follow_up_end`), as far as they are derived."""
    events: dict[str, pl.DataFrame] = field(default_factory=dict)
    """The occurrences of each event derived, of the shape `events.OCCURRENCES`."""
    met: set[tree.Had] = field(default_factory=set)
    """What rules ask of drugs "since" a moment whose day is among the days of the drug."""
    dated: dict[tuple[str | int, ...], pl.DataFrame] = field(default_factory=dict, init=False)
    """What `subjects_at` was asked for, but the anchors, by the dates in it."""

    @classmethod
    def of(cls, study: Study, *, reader: str = "local", wanted: Iterable[str] | None = None) -> StudyFacts:
        """What the records say, before anything is derived from it: of what is `wanted` and what that rests on, or of all."""
        named = NamedRecords(study)
        definitions = Definitions(study.loaded)
        everything = definitions.asked(study.scope)
        known = everything if wanted is None else definitions.asked(study.scope, wanted)
        records = record_facts(study, known, everything, named)
        readers = {
            fact: frozenset(rows["reader"].drop_nulls().unique())
            for fact, rows in records.items()
            if rows["reader"].null_count() < len(rows)
        }
        alive = last_days_alive(study)
        tables = make_observations(study, records, alive, reader=reader)
        n_records = sum(map(len, tables.values()))
        return cls(study, definitions, reader, named, records, tables, alive, known, readers, n_records)

    def read_by(self, reader: str) -> StudyFacts:
        """What is known where another's readings count: all that does not depend on who reads is kept."""
        read_again = {fact: self.records[fact] for fact in self.readers}
        again = make_observations(self.study, read_again, self.alive, reader=reader, first=self.n_records)
        gone = {*self.readers, *map(none_of, self.readers)}
        events = {name for name in self.definitions.needs if self.depends_on_reader(name)}
        gone |= events.union(map(surely, events), map(maybe, events))
        gone |= {moment_of(name, which) for name in events for which in ("first", "last")}
        return replace(
            self,
            reader=reader,
            tables={name: kept for name, kept in self.tables.items() if name not in gone} | again,
            n_records=self.n_records + sum(map(len, again.values())),
            dates=dict(self.dates),
            events={name: kept for name, kept in self.events.items() if name not in gone},
            met=set(self.met),
        )

    @property
    def rules(self) -> Mapping[str, WrittenRule]:
        """The rules of the protocol by their dotted path."""
        return self.definitions.rules

    @cached_property
    def asked(self) -> Asked:
        return Asked.of(self.study.scope, self.tables)

    @property
    def observations(self) -> Mapping[str, pl.DataFrame]:
        """The observations of each fact as they are now, whatever is added later; of what is read those of all readers,
        told apart by `READER`."""
        read = {
            fact: self.records[fact].with_columns(READER=pl.col("reader").fill_null(LOCAL))
            for fact in self.readers
        }
        return self.tables | read

    def add(self, fact: str, rows: pl.DataFrame) -> pl.DataFrame:
        """More observations of a fact, with what is not said of them left empty and records numbered on; as added."""
        given = {"reason": 0, "is_converted": False, "day": 0}
        numbers = pl.int_range(self.n_records, self.n_records + pl.len(), dtype=pl.Int64)
        own = {"record": numbers, "fact": pl.lit(fact)}
        added = rows.select_seq(
            own[name].alias(name) if name in own
            else pl.col(name).cast(dtype) if name in rows.columns
            else pl.lit(given.get(name), dtype).alias(name)
            for name, dtype in COLUMNS.items()
        )  # fmt: skip
        self.n_records += len(added)
        self.tables[fact] = pl.concat([self.records_of(fact), added])
        return added

    # --- moments ------------------------------------------------------------------------------------------------------

    def records_of(self, *names: str) -> pl.DataFrame:
        """The observations of some facts.

        Raises
        ------
        ValueError
            If a fact was not asked for, so that nobody knows whether there are any.
        """
        if unread := [name for name in names if name in self.study.scope.facts and name not in self.known]:
            raise ValueError(f"`{unread[0]}` was not asked for: name it among what is wanted")
        known = [self.tables[name] for name in dict.fromkeys(names) if name in self.tables]
        return pl.concat(known) if known else _NOTHING

    def moment(self, moment: Moment) -> pl.DataFrame:
        """`subject`, `earliest`, `latest`: the minutes a moment can be, of everybody for whom it is told.

        The last of several is as early as the latest of their earliest days, and as late as the latest of their latest.
        A date known once that is recorded twice may be any time between.
        """
        name = str(moment.name)
        if moment.which == "last" and moment_of(name, "last") in self.tables:
            name = moment_of(name, "last")  # one that may have happened makes no later one sure
        rows = self.records_of(name).filter(pl.col("reason").is_not_null())
        first, last = pl.col("earliest"), pl.col("latest")
        pick = {"first": (first.min(), last.min()), "last": (first.max(), last.max())}
        found = (
            rows.group_by("subject")
            .agg(pick.get(moment.which or "", (first.min(), last.max())))
            .sort("subject")
        )
        return found.select("subject", *Minutes.of().moved(moment.offset, moment.sign).named())

    def time_zero(self) -> pl.DataFrame:
        """The protocol's time zero of everybody who has come to it; nobody's where the protocol has none."""
        written = self.study.loaded.writing.dates.get("time zero")
        if written is None or not isinstance(written.date, Moment):
            return pl.DataFrame(schema={"subject": pl.Int64, "earliest": MOMENT, "latest": MOMENT})
        return self.moment(written.date)

    def baselines(self, fact: str) -> pl.DataFrame:
        """The baseline of a fact, as far as it is one number: its last result on or before the moment of baseline.

        Returns
        -------
        baselines : DataFrame
            `subject`, `BASE` (null where it is not exact, or results of one moment differ), `BASEDT`, `SRCALL`.
        """
        schema = {"subject": pl.Int64, "BASE": pl.Float64, "BASEDT": pl.Date, "SRCALL": pl.String}
        if BASELINE not in self.dates or self.baseline is None:
            return pl.DataFrame(schema=schema)
        rows = self._beside_baseline(self.records_of(fact)).filter(pl.col("reason").is_not_null())
        found = find_baselines(rows.with_columns(row="record"), self.baseline)
        is_one = (pl.col("base_code") == 0) & (pl.col("base_lo") == pl.col("base_hi"))
        return found.select(
            pl.col(SUBJECT).alias("subject"),
            pl.when(is_one).then("base_lo").alias("BASE"),
            pl.col("base_day").alias("BASEDT"),
            pl.col("base_source").alias("SRCALL"),
        ).cast(pl.Schema(schema))

    @cached_property
    def baseline(self) -> Baseline | None:
        """The baseline that rules compare with."""
        protocol = self.study.protocol
        return next(iter(baselines_of(protocol).values())) if protocol.baseline else None

    @property
    def strict_baseline(self) -> Baseline | None:
        """The baseline that rules compare with, where readers alone would take another one."""
        return self.baseline if self.baseline is not None and is_strict(self.baseline) else None

    def _beside_baseline(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Observations as `find_baselines` takes them: of everybody who has come to the moment of baseline."""
        moment = self.dates[BASELINE].select("subject", base_from="earliest", base_to="latest")
        return rows.join(moment, on="subject", how="left", maintain_order="left").with_columns(
            pl.col("subject").alias(SUBJECT)
        )

    def is_known_not_to_be(self, moment: Moment) -> bool:
        """Whether somebody without a record of a moment has surely not had it."""
        fact = self.asked.scope.facts.get(str(moment.name))
        return fact is not None and fact.absence is Absence.NO

    # --- rules --------------------------------------------------------------------------------------------------------

    def judge_rows(
        self, rules: Mapping[str, tree.Condition], rows_of: str, subjects: pl.DataFrame | None = None
    ) -> pl.DataFrame:
        """The verdict codes of rules at each row of a fact: `subject`, `record`, and a column a rule.

        `subjects`, with a column `subject`, are those judged, if not all.
        """
        if not len(self.records_of(rows_of)):
            return pl.DataFrame(
                schema={"subject": pl.Int64, "record": pl.Int64, **dict.fromkeys(rules, pl.UInt8)}
            )
        people = self.subjects_at(None)
        return self._judge(
            rules, rows_of, people if subjects is None else people.join(subjects, on="subject", how="semi")
        )

    def judge_at(self, rules: Mapping[str, tree.Condition], moment: pl.DataFrame) -> pl.DataFrame:
        """The verdict codes of rules at a moment of each subject: `subject` and a column a rule.

        Parameters
        ----------
        rules : mapping of str to Condition
        moment : DataFrame
            `subject`, `earliest`, `latest`. Subjects that are not in it are not judged.
        """
        return self._judge(rules, None, self.subjects_at(moment))

    def _judge(
        self, rules: Mapping[str, tree.Condition], rows_of: str | None, subjects: pl.DataFrame
    ) -> pl.DataFrame:
        strict = {name: rule for name, rule in rules.items() if self._compares_strictly(rule)}
        if strict and len(strict) < len(rules):
            others = {name: rule for name, rule in rules.items() if name not in strict}
            parts = [self._judge(some, rows_of, subjects) for some in (others, strict)]
            keys = ["subject", *(["record"] if rows_of else [])]
            return parts[0].join(parts[1], on=keys, maintain_order="left").select(*keys, *rules)
        self._meet_moments(rules.values())
        asked = {name: self.asked.answered(condition, self.tables) for name, condition in rules.items()}
        scope = Scope(self.asked.scope.facts, self.asked.scope.periods, rows_of)
        named = set().union(
            *(names_in(condition) for condition in asked.values()),
            parts_of_scores(asked.values(), scope.facts),
            {rows_of} if rows_of else (),
        )
        observations = self._compared(asked.values(), named, rows_of) if strict else self.records_of(*named)
        if len(subjects) < len(self.study.subjects):
            observations = observations.join(subjects, on="subject", how="semi")
        scored = with_scores(asked, scope, observations, subjects)
        return judge_with_duckdb(
            scored.rules,
            scored.scope,
            observations=scored.observations,
            subjects=subjects,
            rules_at_once=_OF_ROWS_AT_ONCE if rows_of else _OF_PEOPLE_AT_ONCE,
            n_threads=threads_for(scored.observations),
        )

    def _compares_strictly(self, condition: tree.Condition) -> bool:
        if self.strict_baseline is None or BASELINE not in self.dates:
            return False
        return any(isinstance(node, RELATIVE) for node in tree.walk(condition))

    def _compared(
        self, rules: Iterable[tree.Condition], names: Iterable[str], rows_of: str | None
    ) -> pl.DataFrame:
        """The observations of some facts; results that rules compare with a strict baseline as these must read them."""
        nodes = [node for rule in rules for node in tree.walk(rule) if isinstance(node, RELATIVE)]
        compared = {rows_of}.union(*(names_in(node) for node in nodes))
        baseline = self.strict_baseline
        parts = [self.records_of()]
        for name in names:
            rows = self.records_of(name)
            is_result = name in compared and self._has_results(name)
            if baseline is not None and is_result and is_of(baseline, name):
                rows = as_compared(self._beside_baseline(rows).with_columns(row="record"), baseline)
            parts.append(rows.select(COLUMNS.keys()))
        return pl.concat(parts)

    def subjects_at(self, moment: pl.DataFrame | None) -> pl.DataFrame:
        """The table of subjects that readers take."""
        if moment is None:
            anchor = [pl.lit(ANY_TIME[1], MOMENT).alias(f"anchor_{side}") for side in ("earliest", "latest")]
            return self._dated_subjects().with_columns(anchor)
        return self._dated_subjects().join(_named(moment, "anchor"), on="subject", maintain_order="left")

    def _dated_subjects(self) -> pl.DataFrame:
        """Everybody, with the dates there are by now. Most rules are judged when no more dates come."""
        known: tuple[str | int, ...] = (*self.dates, len(self.records_of("birth_date")))
        if known not in self.dated:
            dates = {"birth": self.moment(Moment("birth_date")), **self.dates}
            people = self.study.subjects.select(pl.col(SUBJECT).alias("subject"))
            for name, frame in dates.items():
                people = people.join(_named(frame, name), on="subject", how="left", maintain_order="left")
            told = [f"{name}_{side}" for name in ("anchor", *dates) for side in ("earliest", "latest")]
            others = [name for name in date_columns(self.asked.scope.periods) if name not in told]
            self.dated[known] = people.with_columns(pl.lit(None, MOMENT).alias(name) for name in others)
        return self.dated[known]

    def depends_on_reader(self, event: str) -> bool:
        """Whether it makes a difference to an event who reads."""
        return not self.definitions.rests_on([event]).isdisjoint(self.readers)

    # --- what follows from the protocol -------------------------------------------------------------------------------

    def derive_dates(self, name: str) -> None:
        """An anchor told by others, a period, or the moment of baseline."""
        written = self.study.loaded.writing.dates
        protocol = self.study.protocol
        if name == BASELINE:
            self._derive_baseline()
        elif name in map(during, protocol.periods):
            period = name.removeprefix(during(""))
            span = written[f"periods.{period}.span"].date
            if isinstance(span, Span):
                self._derive_period(period, span)
        elif (at := written.get(f"anchors.{name}.at")) is not None and isinstance(at.date, Moment):
            self.add(name, self.moment(at.date))

    def _derive_period(self, name: str, span: Span) -> None:
        """First and last minute of a period. One that leaves its start out begins a minute later, or a day later where no
        clock tells what came first on the day of its start."""
        start, end = self.moment(span.start), self.moment(span.end)
        if span.leaves_start_out:
            has_time = (pl.col("latest") - pl.col("earliest")).dt.total_minutes() < _PLAIN_DAY_MINUTES
            later = [pl.when(has_time).then(pl.col(side).dt.offset_by("1m")).otherwise(pl.col(side).dt.offset_by("1d")).alias(side)
                     for side in ("earliest", "latest")]  # fmt: skip
            start = start.with_columns(later)
        self.dates |= {f"{name}_start": start, f"{name}_end": end}
        self._meet_start_of(
            start,
            [
                node
                for node in self.definitions.nodes
                if isinstance(node, tree.Had) and node.window == tree.During(name)
            ],
        )

    def _meet_start_of(self, start: pl.DataFrame, asked: Iterable[tree.Had]) -> None:
        """The day a window begins among those of each drug it asks for, so that none that is taken then is missed."""
        drugs = {node.fact for node in asked if self.asked.scope.facts[node.fact].kind is Kind.DRUG}
        for drug in sorted(drugs & self.known):  # the same numbers of records in every process
            days = with_day_of(start, self.records_of(drug))
            if len(days):
                self.add(drug, days.drop("fact"))

    def _meet_moments(self, conditions: Iterable[tree.Condition]) -> None:
        """As for the start of a period, for windows since a moment."""
        for node in (node for condition in conditions for node in tree.walk(condition)):
            if not isinstance(node, tree.Had) or node in self.met:
                continue
            if isinstance(node.window, tree.Since) and node.window.moment.name is not None:
                self.met.add(node)
                self._meet_start_of(self.moment(node.window.moment), [node])

    def _derive_baseline(self) -> None:
        """The moment of baseline. A sample of its day without a time was taken before it (`same day: before`)."""
        selection = self.definitions.baseline_selection
        if selection is None or selection.until is None:
            return
        moment = self.moment(selection.until)
        self.dates[BASELINE] = moment
        if self.baseline is not None and self.baseline.same_day == "unknown":
            return
        is_timed = (pl.col("latest") - pl.col("earliest")).dt.total_minutes() < _PLAIN_DAY_MINUTES
        timed = moment.filter(is_timed).select("subject", baseline="latest")
        if len(timed):
            self.tables = {
                fact: _taken_before(rows, timed) if self._has_results(fact) else rows
                for fact, rows in self.tables.items()
            }

    def _has_results(self, name: str) -> bool:
        fact = self.asked.scope.facts.get(name)
        return fact is not None and fact.kind in KINDS_WITH_RESULTS


def _taken_before(rows: pl.DataFrame, moments: pl.DataFrame) -> pl.DataFrame:
    """Results of the day of a moment whose own time is not known, as taken up to that moment."""
    baseline = rows.select("subject").join(moments, on="subject", how="left", maintain_order="left")[
        "baseline"
    ]
    day = pl.col("baseline").dt.date()
    is_same_day = (pl.col("earliest").dt.date() == day) & (pl.col("latest").dt.date() == day)
    is_untimed = (pl.col("latest") - pl.col("earliest")).dt.total_minutes() == _PLAIN_DAY_MINUTES
    latest = pl.when((is_same_day & is_untimed).fill_null(value=False)).then("baseline").otherwise("latest")
    return rows.with_columns(baseline).with_columns(latest=latest).drop("baseline")


def _named(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    return frame.select("subject", *Minutes.of().named(f"{name}_"))
