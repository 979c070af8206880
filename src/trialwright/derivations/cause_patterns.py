"""Whether the pattern of each cause is there in the data around a hepatic event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from trialwright.derivations.adliver import REACTIVATION
from trialwright.derivations.known_columns import REASONS, spelt
from trialwright.derivations.named_records import as_spelt
from trialwright.derivations.study import SUBJECT, Study
from trialwright.medicine.hepatitis_b.causes import OTHER_VIRUSES, WORK_UP, Cause, CauseRules
from trialwright.medicine.hepatitis_b.liver_terms import OBSTRUCTION, SHOCK, STEROIDS
from trialwright.vocabulary.verdicts import Codes, Reason, Verdict, all_of, any_of

DEFAULT_RULES = CauseRules()
PROGRESSION = "progression"
MET, NOT_MET = Verdict.MET.code, Verdict.NOT_MET.code
MISSING, NOT_APPLICABLE = Reason.MISSING.code, Reason.NOT_APPLICABLE.code
CENSORED = Reason.CENSORED.code
_CODES = {reason.value: reason.code for reason in Reason}
_NEGATIVE = (
    "NEGATIVE", "NEG", "NOT DETECTED", "NON-REACTIVE", "NONREACTIVE", "UNDETECTABLE", "TARGET NOT DETECTED", "ABSENT", "N",
)  # fmt: skip
_NAMES = {
    Cause.HBV: "PATHBV", Cause.IMMUNE_MEDIATED: "PATIMM", Cause.TUMOUR: "PATTUM", Cause.DRUG: "PATDRUG",
    Cause.ISCHAEMIC: "PATISCH",
}  # fmt: skip


@dataclass(frozen=True)
class Patterns:
    """The verdict on each cause: as codes, and as columns of words (met, not met, or unknown with the reason)."""

    codes: Mapping[Cause, Codes]
    words: pl.DataFrame


def find_patterns(
    events: pl.DataFrame,
    study: Study,
    adevt: pl.DataFrame,
    adlb: pl.DataFrame,
    records: pl.DataFrame,
    rules: CauseRules,
) -> Patterns:
    """The patterns of each event; `events` has `id` (0, 1, ...), `SUBJECT`, `day`, `STARTDT`.

    `adlb` holds results beside one baseline only.
    """
    around = _Around.of(events, study, adevt, adlb, records)
    codes = {
        Cause.HBV: around.reactivated(rules),
        Cause.IMMUNE_MEDIATED: around.immune_mediated(rules),
        Cause.TUMOUR: around.tumour(rules),
        Cause.DRUG: around.drug(rules),
        Cause.ISCHAEMIC: around.ischaemic(rules),
    }
    words = {MET: "met", NOT_MET: "not met"} | {
        code: f"unknown ({reason})" for code, reason in REASONS.items()
    }
    return Patterns(
        codes,
        pl.DataFrame(
            [pl.Series(_NAMES[cause], found).replace_strict(words, return_dtype=pl.String) for cause, found in codes.items()]
        ),
    )  # fmt: skip


@dataclass(frozen=True)
class _Around:
    """Events and what lies near them."""

    events: pl.DataFrame
    study: Study
    happenings: pl.DataFrame
    results: pl.DataFrame
    records: pl.DataFrame

    @classmethod
    def of(
        cls,
        events: pl.DataFrame,
        study: Study,
        adevt: pl.DataFrame,
        adlb: pl.DataFrame,
        records: pl.DataFrame,
    ) -> _Around:
        is_theirs = pl.col(SUBJECT).is_in(events[SUBJECT].implode())
        results = adlb.filter(is_theirs, pl.col("ADT").is_not_null()).with_columns(first="ADT", last="ADT")
        happened = adevt.select(SUBJECT, "EVENT", "AVALC", "REASON", first="ADTL", last="ADTH")
        happened = happened.filter(is_theirs, pl.col("EVENT").is_in([REACTIVATION, PROGRESSION]))
        return cls(events.select("id", SUBJECT, "day", "STARTDT"), study, happened, results, records)

    def codes(self, found: pl.DataFrame, otherwise: int) -> Codes:
        """The greatest code of each event that is in `found` (`id`, `code`), the same for all others."""
        codes = np.full(len(self.events), -1)
        np.maximum.at(codes, found["id"].to_numpy(), found["code"].to_numpy())
        return np.where(codes < 0, otherwise, codes).astype(np.uint8)

    def near(self, rows: pl.DataFrame, before: int, after: int) -> pl.DataFrame:
        """Events with the rows (`SUBJECT`, `first`, `last`) that surely lie so many days before to so many after."""
        elapsed = [(pl.col(end) - pl.col("day")).dt.total_days() for end in ("first", "last")]
        return self.events.join(rows, on=SUBJECT).filter(elapsed[0] >= -before, elapsed[1] <= after)

    def may_be_near(self, rows: pl.DataFrame, before: int, after: int) -> pl.DataFrame:
        """Events with the rows that may lie so many days before to so many after; a day that is null is any."""
        elapsed = [(pl.col(end) - pl.col("day")).dt.total_days() for end in ("first", "last")]
        never = (elapsed[1] < -before) | (elapsed[0] > after)
        return self.events.join(rows, on=SUBJECT).filter(~never.fill_null(value=False))

    def happened(self, event: str, before: int, after: int) -> pl.DataFrame:
        met = self.happenings.filter(pl.col("EVENT") == event, pl.col("AVALC") == "met")
        return self.near(met, before, after).select("id", code=pl.lit(MET))

    def is_asked(self, event: str) -> bool:
        """Whether the protocol has an event: of one it does not have, nobody can say that it did not happen."""
        return event in self.study.protocol.events

    def measured(self, fact: str) -> pl.DataFrame:
        return self.results.filter(pl.col("PARAMCD") == fact)

    def terms(self, pattern: str) -> pl.DataFrame:
        """Adverse events by their names."""
        table = self.study.tables["AE"]
        named = table.filter(
            spelt(pl.coalesce("AEDECOD", "AETERM")).str.contains(pattern).fill_null(value=False)
        )
        return named.select(
            SUBJECT, first=pl.col("AESTDTC_earliest").dt.date(), last=pl.col("AESTDTC_latest").dt.date()
        ).drop_nulls()

    def was_looked_for(self, item: str) -> pl.DataFrame:
        days = WORK_UP[item].days
        return self.near(self.records.filter(pl.col("item") == item), days, days)

    # --- the patterns -------------------------------------------------------------------------------------------------

    def reactivated(self, rules: CauseRules) -> Codes:
        """A reactivation linked in time; not met only where the protocol has the event and HBV DNA was measured."""
        met = self.happened(REACTIVATION, rules.reactivation_before, rules.reactivation_after)
        unknown = self.happenings.filter(pl.col("EVENT") == REACTIVATION, pl.col("AVALC") == "unknown")
        reasons = pl.col("REASON").replace_strict(_CODES, default=MISSING, return_dtype=pl.Int32)
        open_ = self.may_be_near(unknown, rules.reactivation_before, rules.reactivation_after)
        seen = (
            self.was_looked_for("hbv_dna")
            .filter(pl.lit(self.is_asked(REACTIVATION)))
            .select("id", code=pl.lit(NOT_MET))
        )
        return self.codes(pl.concat([met, open_.select("id", code=reasons), seen]), MISSING)

    def immune_mediated(self, rules: CauseRules) -> Codes:
        """Virus suppressed or falling, other viruses excluded, and the usual onset or a response to steroids."""
        elapsed = (pl.col("day") - pl.col("STARTDT")).dt.total_days()
        usual = self.events.select(
            code=pl.when(elapsed.is_between(rules.onset_from, rules.onset_to)).then(MET).when(elapsed.is_not_null()).then(NOT_MET)
        )["code"].fill_null(MISSING).cast(pl.UInt8).to_numpy()  # fmt: skip
        return all_of(
            [self._is_suppressed(), self._other_viruses(), any_of([usual, self._steroids_helped(rules)])]
        )

    def _is_suppressed(self) -> Codes:
        """Whether the HBV DNA nearest to the event is below the limit of the assay, or below baseline."""
        days = WORK_UP["hbv_dna"].days
        rows = self.near(self.measured("HBV_DNA"), days, days)
        nearest = rows.sort((pl.col("ADT") - pl.col("day")).abs(), "ADT").unique(
            "id", keep="first", maintain_order=True
        )
        is_below = (pl.col("AVALLO") == 0) & pl.col("AVAL").is_null() & pl.col("AVALHI").is_not_null()
        falls, rises = pl.col("AVALHI") < pl.col("BASELO"), pl.col("AVALLO") >= pl.col("BASEHI")
        code = pl.when(is_below | falls).then(MET).when(rises).then(NOT_MET).otherwise(CENSORED)
        return self.codes(nearest.select("id", code=code), MISSING)

    def _other_viruses(self) -> Codes:
        """Whether hepatitis A, C and E were looked for and not found; hepatitis D counts where it was looked for."""
        found = []
        for virus in OTHER_VIRUSES:
            rows = self.was_looked_for(virus)
            is_negative = pl.col("said").is_in(_NEGATIVE)
            told = rows.group_by("id").agg(code=pl.when(is_negative.all()).then(MET).otherwise(NOT_MET))
            found.append(self.codes(told, MET if virus == "hepatitis_d" else MISSING))
        return all_of(found)

    def _steroids_helped(self, rules: CauseRules) -> Codes:
        """Whether ALT fell after a steroid was begun; not applicable where none was."""
        table = self.study.tables["CM"]
        is_steroid = spelt(pl.coalesce("CMDECOD", "CMTRT")).str.contains(STEROIDS).fill_null(value=False)
        begun = table.filter(is_steroid).select(
            SUBJECT, first=pl.col("CMSTDTC_earliest").dt.date(), last=pl.col("CMSTDTC_latest").dt.date()
        )
        given = self.near(begun.drop_nulls(), 0, rules.steroid_within).select(
            "id", SUBJECT, "day", since="last"
        )
        return self.codes(self._falls(given, rules), NOT_APPLICABLE)

    def _falls(self, given: pl.DataFrame, rules: CauseRules, *, within: int | None = None) -> pl.DataFrame:
        """Whether ALT fell to a share of its highest: `id` and `code`; `since` is the day the fall is counted from."""
        alt = (
            self.measured("ALT").filter(pl.col("AVAL").is_not_null()).select(SUBJECT, when="ADT", alt="AVAL")
        )
        rows = given.join(alt, on=SUBJECT, how="left")
        late = (pl.col("when") - pl.col("since")).dt.total_days()
        until = rules.response_within if within is None else within
        before = pl.when((pl.col("when") >= pl.col("day")) & (late <= 0)).then("alt").max().over("id")
        after = (late > 0) & (late <= until)
        fell = after & (pl.col("alt") <= rules.falls_to * before)
        rows = rows.with_columns(fell.alias("fell"), after.alias("has"), before.alias("peak"))
        return rows.group_by("id").agg(
            code=pl.when(pl.col("fell").any())
            .then(MET)
            .when(pl.col("has").any() & pl.col("peak").is_not_null().any())
            .then(NOT_MET)
            .otherwise(MISSING)
        )

    def tumour(self, rules: CauseRules) -> Codes:
        """A rise led by ALP, with progression, obstruction or thrombosis near; not met only where somebody imaged."""
        alt, alp = (
            self.near(self.measured(name), 0, 7)
            .filter(pl.col("R2ANRHI").is_not_null())
            .select("id", "ADT", r="R2ANRHI")
            for name in ("ALT", "ALP")
        )
        both = (
            alt.join(alp, on=["id", "ADT"], suffix="_alp")
            .sort("ADT")
            .unique("id", keep="first", maintain_order=True)
        )
        is_led = pl.when(pl.col("r") <= rules.cholestatic * pl.col("r_alp")).then(MET).otherwise(NOT_MET)
        led = self.codes(both.select("id", code=is_led), MISSING)
        days = rules.tumour_days
        grown = self.happened(PROGRESSION, days, days)
        blocked = self.near(self.terms(OBSTRUCTION), days, days).select("id", code=pl.lit(MET))
        looked = self.near(self.records.filter(pl.col("item") == "imaging"), days, days)
        looked = looked.filter(pl.lit(self.is_asked(PROGRESSION)))
        near = pl.concat([grown, blocked, looked.select("id", code=pl.lit(NOT_MET))])
        return all_of([led, self.codes(near, MISSING)])

    def drug(self, rules: CauseRules) -> Codes:
        """Another drug begun in the time before and ended after onset, with a fall of ALT; missing without any record of CM."""
        table = self.study.tables["CM"]
        treatments = {
            as_spelt(text)
            for name, one in self.study.protocol.treatments.items()
            for text in (name, one.label)
            if text
        }
        called = spelt(pl.coalesce("CMDECOD", "CMTRT"))
        is_other = ~(called.is_in(list(treatments)) | called.str.contains(STEROIDS)).fill_null(value=False)
        begun = table.filter(is_other).select(
            SUBJECT,
            first=pl.col("CMSTDTC_earliest").dt.date(),
            last=pl.col("CMSTDTC_latest").dt.date(),
            ended=pl.col("CMENDTC_latest").dt.date(),
        )
        suspect = self.near(begun.drop_nulls(["first", "last"]), rules.drug_before, 0)
        late = (pl.col("ended") - pl.col("day")).dt.total_days()
        stopped = suspect.filter(late.is_between(0, rules.steroid_within)).select(
            "id", SUBJECT, "day", since="ended"
        )
        known = self.events.join(table.select(SUBJECT).unique(), on=SUBJECT).select(
            "id", code=pl.lit(NOT_MET)
        )
        return self.codes(pl.concat([self._falls(stopped, rules), known]), MISSING)

    def ischaemic(self, rules: CauseRules) -> Codes:
        """Hypotension or heart failure just before, a very high ALT, and a rapid fall."""
        shock = self.near(self.terms(SHOCK), rules.shock_before, 0).select("id", code=pl.lit(MET))
        high = self.near(self.measured("ALT"), 0, rules.shock_fall)
        peak = high.filter(pl.col("AVALLO") > rules.shock_alt).sort("AVALLO", "ADT", descending=[True, False])
        peak = peak.unique("id", keep="first", maintain_order=True).select("id", SUBJECT, "day", since="ADT")
        seen = high.select("id", code=pl.lit(NOT_MET))
        very_high = self.codes(pl.concat([peak.select("id", code=pl.lit(MET)), seen]), MISSING)
        fell = self.codes(self._falls(peak, rules, within=rules.shock_fall), NOT_MET)
        return all_of([self.codes(shock, NOT_MET), very_high, fell])
