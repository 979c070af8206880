"""Events that later records confirm name these records among all they rest on."""

from functools import cache

import polars as pl
from tests.derivations.small_studies import Records, on_day

from trialwright.derivations.adevt import derive_adevt
from trialwright.derivations.events import known_facts
from trialwright.protocol.loading import LoadedProtocol, load_protocol, parse_protocol

FLARE = "when: value >= 3 * baseline and value > 100 U/L"


@cache
def with_flare(rule):
    """The trial with another rule for its flares."""
    loaded = load_protocol("nct04294498")
    text = (loaded.folder / "protocol.yaml").read_text(encoding="utf-8")
    start = text.index(FLARE)
    end = text.index("    source:", start)
    protocol, document = parse_protocol(f"{text[:start]}when: {rule}\n{text[end:]}")
    return LoadedProtocol(protocol, document, loaded.folder)


def sources(rule, results):
    """Of each occurrence of a flare: its day and the records it names."""
    records = Records().person().doses("durvalumab", [1]).series("alt", results)
    study = records.study_of(with_flare(rule))
    adevt = derive_adevt(study, known_facts(study)).filter(
        (pl.col("EVENT") == "hepatitis_flare") & (pl.col("AVALC") == "met")
    )
    return dict(adevt.select(pl.col("ADT").dt.to_string("%Y-%m-%d"), "SRCALL").rows())


def test_the_first_record_so_much_later_confirms():
    """27 days are too early, 28 are not; what lies between is not what confirms."""
    found = sources(
        "value > 100 U/L confirmed after 28 days", {1: 20, 29: 150, 43: 160, 56: 170, 57: 180, 85: 20}
    )
    assert found == {on_day(29): "LB.2 LB.5"}


def test_what_is_not_confirmed_has_no_row():
    assert sources("value > 100 U/L confirmed after 28 days", {29: 150, 57: 20}) == {}


def test_a_finding_of_several_in_a_row_names_them_all():
    assert sources("value > 100 U/L consecutive 3", {29: 150, 30: 160, 31: 170, 32: 20}) == {
        on_day(29): "LB.1 LB.2 LB.3"
    }


def test_beside_the_baseline():
    found = sources("value >= 3 * baseline confirmed after 28 days", {1: 20, 29: 60, 57: 60})
    assert found == {on_day(29): "LB.2 LB.3 LB.1"}


def test_of_an_or_only_what_confirms():
    """The first row is met without confirmation; the second is confirmed by the third."""
    rule = "value > 100 U/L or (value > 500 U/L confirmed after 28 days)"
    found = sources(rule, {29: 150, 57: 600, 85: 700})
    assert found == {on_day(29): "LB.1", on_day(57): "LB.2 LB.3", on_day(85): "LB.3"}


def test_what_is_denied_confirms_nothing():
    found = sources("value > 100 U/L and not (value > 500 U/L confirmed after 28 days)", {29: 150, 57: 20})
    assert found == {on_day(29): "LB.1"}


def test_a_rise_over_the_nadir_of_the_shipped_trial():
    """20 is the lowest; 400 is over ten times as much, and 500 twenty-eight days later too."""
    records = (
        Records().person().doses("durvalumab", [1]).series("hbv_dna", {1: 1000, 29: 20, 57: 400, 85: 500})
    )
    study = records.study_of("nct04294498")
    adevt = derive_adevt(study, known_facts(study)).filter(
        (pl.col("EVENT") == "hbv_dna_10_fold_over_nadir") & (pl.col("ASEQ") == 1)
    )
    assert adevt.select("AVAL", "SRCSEQ", "SRCALL").rows() == [(400, 3, "LB.3 LB.4 LB.1")]
