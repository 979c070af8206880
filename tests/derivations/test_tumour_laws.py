"""ADTR and ADRS against a second implementation, patient by patient, and laws that hold for any records."""

from datetime import date, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.derivations.tumours import (
    FIRST_DOSE,
    adsl_of,
    loaded,
    place,
    responses,
    state,
    study_of,
    table,
    target,
    therapy,
)

from trialwright.derivations.adrs import derive_adrs
from trialwright.derivations.adtr import derive_adtr
from trialwright.derivations.study import make_study

RANK = {"MISSING": 0, "NE": 1, "PD": 2, "NON-CR/NON-PD": 3, "SD": 4, "PR": 5, "CR": 6}


# --- the rules of domain/recist.md once more, plainly -------------------------------------------------------------------


def plain_courses(visits):
    """The overall response and its date at each follow-up of one patient.

    Each visit is a dict: `day`, `sizes` (of the targets, None where not measured; the last one is a node), `other` (the
    non-target's state or None where there is none) and `new` (None, EQUIVOCAL or UNEQUIVOCAL).
    """
    sums = [None if None in visit["sizes"] else sum(visit["sizes"]) for visit in visits]
    targets = []
    for number, visit in enumerate(visits[1:], 1):
        known = [one for one in sums[:number] if one is not None]
        nadir = min(known, default=None)
        measured = [size for size in visit["sizes"] if size is not None]
        part = sum(measured) if measured else None
        if nadir is not None and part is not None and part - nadir >= 5 and 5 * (part - nadir) >= nadir:
            targets.append("PD")
        elif sums[number] is None or not sums[0]:
            targets.append("NE")
        elif all(size == 0 for size in visit["sizes"][:-1]) and visit["sizes"][-1] < 10:
            targets.append("CR")
        elif 10 * sums[number] <= 7 * sums[0]:
            targets.append("PR")
        else:
            targets.append("SD")
    days = [visit["day"] for visit in visits[1:]]
    held = hold(targets, days)
    words, last = [], None
    certain = [i for i, visit in enumerate(visits) if visit["new"] == "UNEQUIVOCAL"]
    for number, visit in enumerate(visits[1:], 1):
        other = {
            None: "NO LESIONS", "ABSENT": "CR", "PRESENT": "NON-CR/NON-PD", "UNEQUIVOCAL PROGRESSION": "PD",
            "NOT DONE": "NE",
        }[visit["other"]]  # fmt: skip
        is_new = visit["new"] == "UNEQUIVOCAL" or (
            visit["new"] == "EQUIVOCAL" and any(later > number for later in certain)
        )
        seen = any(size and (place_ < 2 or size >= 10) for place_, size in enumerate(visit["sizes"]))
        seen = seen or visit["other"] in ("PRESENT", "UNEQUIVOCAL PROGRESSION")
        word = join(held[number - 1], other, is_new)
        if last == "CR" and seen and word not in ("PD", "NE"):
            word = "PD"
        if word != "NE":
            last = word
        words.append(word)
    return list(zip(days, words, strict=True))


def hold(targets, days):
    held = list(targets)
    pairs = confirmed_pairs(list(zip(days, targets, strict=True)), "PR")
    for start in pairs[:1]:
        for i, word in enumerate(targets):
            if days[i] >= start[1]:
                if word == "PD":
                    break
                if word == "SD" and "PD" not in targets[:i]:
                    held[i] = "PR"
    return held


def join(target_word, other, is_new):
    if target_word == "PD" or other == "PD" or is_new:
        return "PD"
    if target_word == "CR":
        return "CR" if other in ("CR", "NO LESIONS") else "PR"
    return target_word


def confirmed_pairs(course, level):
    """(first day, day of confirmation) of responses confirmed 28 days later or more, one NE at most between them."""
    found = []
    for i, (first, word) in enumerate(course):
        if word != level or (level == "PR" and "CR" in [one for _, one in course[:i]]):
            continue
        between = []
        for day, later in course[i + 1 :]:
            as_good = later == "CR" or (
                level == "PR" and later == "PR" and "CR" not in [one for _, one in course[:i]] + between
            )
            if as_good and (day - first).days >= 28 and between.count("NE") <= 1:
                if level == "PR" or set(between) <= {"NE", "CR"}:
                    found.append((first, day))
                break
            between.append(later)
            if later not in {"PR": ("PR", "NE", "CR"), "CR": ("NE", "CR")}[level]:
                break
    return sorted(found, key=lambda pair: pair[1])


def plain_best(course, *, is_confirmed, until=None):
    counted = []
    for day, word in course:
        if until and day > until:
            break
        counted.append((day, word))
        if word == "PD":
            break
    if not counted:
        return "MISSING"
    best = "MISSING"
    confirmed = {level: {first for first, _ in confirmed_pairs(counted, level)} for level in ("CR", "PR")}
    for day, word in counted:
        late = (day - FIRST_DOSE).days >= 42
        if word in ("SD", "NON-CR/NON-PD") and not late:
            word = "NE"
        if is_confirmed and word in ("CR", "PR") and day not in confirmed[word]:
            word = "SD" if late else "NE"
        best = max(best, word, key=RANK.get)
    return best


# --- records from the same visits ----------------------------------------------------------------------------------------


def records_of(visits, subject="S1"):
    rows = []
    for visit in visits:
        when = visit["day"].isoformat()
        rows += [target(when, f"T0{i}", mm, subject) for i, mm in enumerate(visit["sizes"], 1)]
        if visit["other"] == "NOT DONE":
            rows.append({**state(when, "NT01", None, subject), "TRSTAT": "NOT DONE"})
        elif visit["other"]:
            rows.append(state(when, "NT01", visit["other"], subject))
        if visit["new"]:
            rows.append(state(when, "NEW01", visit["new"], subject))
    return rows


def places_of(subject="S1"):
    return [place("T01", "LIVER", subject=subject), place("T03", "LYMPH NODE", subject=subject)]


SIZES = st.sampled_from([0, 4, 9, 10, 12, 15, 18, 20, 25, 30])


@st.composite
def courses(draw):
    has_other = draw(st.booleans())
    sizes = [draw(st.integers(10, 30)), draw(st.integers(10, 30)), draw(st.integers(15, 30))]
    visits = [
        {
            "day": FIRST_DOSE - timedelta(10),
            "sizes": sizes,
            "other": "PRESENT" if has_other else None,
            "new": None,
        }
    ]
    day = FIRST_DOSE
    for _ in range(draw(st.integers(0, 6))):
        day += timedelta(draw(st.sampled_from([14, 27, 28, 41, 42, 56])))
        now = draw(st.lists(SIZES | st.just(None) if draw(st.booleans()) else SIZES, min_size=3, max_size=3))
        other = draw(st.sampled_from(["ABSENT", "PRESENT", "PRESENT", "UNEQUIVOCAL PROGRESSION", "NOT DONE"]))
        new = draw(st.sampled_from([None, None, None, None, "EQUIVOCAL", "UNEQUIVOCAL"]))
        if now == [None] * 3 and (not has_other or other == "NOT DONE") and not new:
            continue  # nothing was done: no assessment
        visits.append({"day": day, "sizes": now, "other": other if has_other else None, "new": new})
    return visits


@settings(max_examples=60, deadline=None)
@given(st.lists(courses(), min_size=1, max_size=8), st.integers(0, 200))
def test_second_implementation_agrees(patients, therapy_day):
    subjects = [f"S{i}" for i in range(len(patients))]
    stop = FIRST_DOSE + timedelta(therapy_day)
    study = study_of(
        tr=[row for one, visits in zip(subjects, patients, strict=True) for row in records_of(visits, one)],
        tu=[row for one in subjects for row in places_of(one)],
        ds=[therapy(stop.isoformat(), one) for one in subjects[::2]],
        subjects=subjects,
    )
    adrs = derive_adrs(study, adsl_of(study))
    for number, (one, visits) in enumerate(zip(subjects, patients, strict=True)):
        course = plain_courses(visits)
        mine = adrs.filter(USUBJID=one)
        assert mine.filter(PARAMCD="OVR").select("ADT", "AVALC").rows() == course
        until = stop if number % 2 == 0 else None
        for parameter, is_confirmed in (("BOR", False), ("CBOR", True)):
            best = plain_best(course, is_confirmed=is_confirmed, until=until)
            assert mine.filter(PARAMCD=parameter)["AVALC"][0] == best, (course, until)


def derived(study):
    adsl = adsl_of(study)
    return derive_adtr(study, adsl), derive_adrs(study, adsl)


def tables_of(patients, subjects):
    tr = [row for one, visits in zip(subjects, patients, strict=True) for row in records_of(visits, one)]
    rs = [
        row
        for one in subjects
        for row in responses("03-06 PR, 2024-05 PR", subject=one, evaluator="INDEPENDENT ASSESSOR")
    ]
    dm = table("DM", [{"USUBJID": one} for one in subjects])
    tu = table("TU", [row for one in subjects for row in places_of(one)])
    return {"DM": dm, "TR": table("TR", tr), "RS": table("RS", rs), "TU": tu}


@settings(max_examples=25, deadline=None)
@given(st.lists(courses(), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_order_and_repetition_of_records_never_matter(patients, random):
    tables = tables_of(patients, [f"S{i}" for i in range(len(patients))])
    seed = random.randrange(2**32)
    mixed = {
        name: pl.concat([frame, frame.sample(fraction=0.5, seed=seed)]).sample(
            fraction=1, shuffle=True, seed=seed
        )
        for name, frame in tables.items()
    }
    for plain, other in zip(
        derived(make_study(loaded(), tables)), derived(make_study(loaded(), mixed)), strict=True
    ):
        assert plain.equals(other)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(courses(), min_size=1, max_size=3), min_size=1, max_size=4))
def test_many_trials_at_once_are_each_by_itself(trials):
    alone, together = [], []
    for number, patients in enumerate(trials):
        tables = tables_of(patients, [f"S{i}" for i in range(len(patients))])
        alone.append(derived(make_study(loaded(), tables)))
        together.append(
            {name: frame.with_columns(TRIAL=pl.lit(str(number))) for name, frame in tables.items()}
        )
    joined = {name: pl.concat([tables[name] for tables in together]) for name in together[0]}
    found = derived(make_study(loaded(), joined, keys=["TRIAL"]))
    for position in (0, 1):
        for number, one in enumerate(alone):
            ours = found[position].filter(TRIAL=str(number))
            assert ours.drop("TRIAL", "SUBJECT").equals(one[position].drop("SUBJECT"))
        assert found[position].columns[0] == "TRIAL"


@settings(max_examples=25, deadline=None)
@given(courses(), st.integers(1, 6), st.integers(0, 2))
def test_a_larger_target_never_takes_a_progression_back(visits, number, which):
    """Of one scan: later ones are compared with the nadir, which this one may be."""
    if number >= len(visits) or visits[number]["sizes"][which] is None:
        return
    larger = [dict(visit, sizes=list(visit["sizes"])) for visit in visits]
    larger[number]["sizes"][which] += 7
    before, after = (
        derive_adrs(study, adsl_of(study)).filter(PARAMCD="OVR")["AVALC"][number - 1]
        for study in (study_of(tr=records_of(one), tu=places_of()) for one in (visits, larger))
    )
    assert before != "PD" or after == "PD"


def test_the_second_implementation_knows_the_worked_examples():
    def course(text):
        pairs = [part.split() for part in text.split(", ")]
        return [(date.fromisoformat(f"2024-{day}"), word) for day, word in pairs]

    for text, unconfirmed, confirmed in (
        ("03-06 PR, 04-02 PR", "PR", "SD"),
        ("03-06 PR, 05-01 NE, 06-26 PR", "PR", "PR"),
        ("03-06 PR, 05-01 NE, 06-26 NE, 08-21 PR", "PR", "SD"),
        ("02-07 PR, 03-06 PD", "PR", "PD"),
        ("03-06 PR, 05-01 CR, 06-26 CR", "CR", "CR"),
        ("03-06 PR, 05-01 CR, 06-26 PR", "CR", "PR"),
        ("03-06 CR, 05-01 PR", "CR", "SD"),
    ):
        assert plain_best(course(text), is_confirmed=False) == unconfirmed
        assert plain_best(course(text), is_confirmed=True) == confirmed
