"""docs/virtual-trials.md: what virtual patients are made from. The words stand here; the numbers come from the protocols."""

from dataclasses import fields

from trialwright.design.virtual.mistakes import KINDS
from trialwright.design.virtual.parameters import Advanced, AfterTreatment, Common
from trialwright.protocol.loading import LoadedProtocol, load_protocol

TRIALS = {"nct04294498": Advanced, "nct07120750": AfterTreatment}

INTRODUCTION = """<!-- Written by `make docs` from tests/docs/virtual_trials_page.py and the shipped protocols. Change those, not this page. -->

# Virtual trials

`trialwright simulate PROTOCOL --out DIR --seed N` makes a trial of virtual patients: complete records as a real study would have them, and beside them the truth about every patient. It lets a team rehearse a trial before its first patient, and it lets the program be tested where no public data exist: nowhere are serial HBV DNA, scans and treatment recorded together.

```
trialwright simulate nct04294498 --out rehearsal --seed 1
trialwright simulate nct07120750 --out many --seed 1 --trials 100 --subjects 100 --scenario no_effect
```

| what | where |
|---|---|
| records, SDTM domains in any of the five formats | `DIR/simulated/` |
| what happened to each subject, whether anybody saw it or not | `DIR/simulated-truth/latent.parquet` |
| what a perfect reader of these records could see | `DIR/simulated-truth/observable.parquet` |
| the errors that were planted (`--no-errors` leaves them out) | `DIR/simulated-truth/errors.parquet` |
| protocol and its hash, scenario, seed, every parameter | `DIR/simulation.json` |

**Virtual data never pass for real.** STUDYID is the study's id with `-SIM`; every record of every domain, every row of the truth and of the analysis datasets that are written, has SIMULATED = Y; folders are called `simulated`; the country is ZZZ, which is none. With several trials, `TRIAL` tells them apart, and so does USUBJID.

**The same seed gives the same bytes.** Each trial has a seed of its own made from the seed and its number, and each purpose (virus, scans, errors ...) a stream of its own: trial 7 of ten is trial 7 of a hundred, and planting errors changes nothing but the records they strike. With another number of subjects (`--subjects`) others are made, not the first of the same: they are numbered in the order of consent, who fails screening is drawn among all, and the mean risk and the mean chance of peginterferon are those of the trial's own patients.

**The generator does not know what will judge it.** `design/virtual` imports nothing of `derivations`, `evaluation` or `medicine`, and the layer checker holds it to that.

## The truth, twice

*Latent* is what happened: the day the virus truly was a hundred times its level at the first dose, the day a tumour truly had grown by a fifth, the day a recurrence truly was there. *Observable* is what the records show to somebody who makes no mistake: the first visit at which recorded HBV DNA is at least a hundred times the recorded baseline, the first scan whose recorded sum is a fifth and 5 mm above the lowest, the first scan read as LR-5. Monthly blood and scans every 8 to 12 weeks lie between the two; both are worth knowing.

Observable truth is a second implementation (`readings.py`, `observed_*.py`), written patient by patient for being right. Its definitions are typed from the registry records and the domain rules by hand and *not* read from the protocol file, so that a protocol whose rule was changed, and a derivation that goes wrong, differ from it. It is tested against the worked examples by their ids. Conventions:

- A value is exact, below or above a limit, or not detected, which is [0, limit). What may or may not hold is U, not N.
- Rates and events of HBV DNA and ALT look at samples after the day of the first dose; that day is baseline.
- Histology and treatment of a lesion have no reader and count for both readers.
- Progression-free times follow the FDA table: a gap of 183 days or more from the last assessment that could be judged, and new therapy, censor at that assessment.
- `recurrence_without_gaps` ends follow-up at the last adequate scan before a gap: neither a recurrence nor a death after it counts.
- iRECIST, which decides on treatment in the advanced trial, has a row for each scan and reader (`facts.irecist_response`), the progression that was confirmed or never taken back (`progression by iRECIST`, dated to the scan that first showed it) and the scan that confirmed it (`events.confirmed_progression`). Growth of other than target lesions is not recorded, so that it confirms nothing.
- A candidate for Hy's law is dated to the ALT: three times its limit or more, bilirubin above twice its limit on that day or up to 30 days later, ALP below twice its limit in the same sample. As in the protocol, AST does not count, and another cause is not asked for. A sample before the first dose counts like any other.
- Functional cure asks for more than the loss of HBsAg: lost (and lost again twelve weeks later) with no HBV DNA to be measured, 24 weeks or more after **all** treatment. Analogues go on in every virtual patient, as the protocol has it, so the answer is N for everybody. The tests end analogues, for records and reader alike, to see that derivations agree where somebody is cured.
- Seroconversion asks for HBsAg of the time too: lost once and confirmed, and below 0.05 IU/mL at the last sample of the 28 days up to the antibodies. HBsAg that is back is no seroconversion; without such a sample nobody can tell.

Derivations agree with the observable truth in every answer and every date, where no errors are planted (`tests/design/test_virtual_scored.py`), also under assumptions much stormier than the protocol's.

Of Hy's law both truths are told (`HYS_LAW`: the first day on which ALT and bilirubin truly were that high). Of iRECIST and functional cure there is no latent truth: the one is a rule about scans (what truly grew by a fifth goes on growing here, so that the truth takes nothing back but a new lesion in somebody whose tumours shrink); the other nobody has, and `HBSAG_LOSS` and `HBSAG_RETURN` tell what happened to the antigen.

## What is modelled

| | advanced liver cancer (`nct04294498`) | after radical treatment (`nct07120750`) |
|---|---|---|
| entry | even over the accrual time; consent, screening, enrolment; failures of screening with their records | radical treatment, consent, a clean MRI, group assignment; late entries; failures |
| virus | HBV DNA falls in two phases under entecavir; reactivation, breakthrough with change of treatment, days without entecavir; assay noise, `<20`, `>1.7E8`, not detected | suppressed or nearly; HBsAg falls slowly, faster or to nothing under peginterferon; antibodies; loss that does not last |
| liver | ALT flares after reactivation or by immunity, jaundice in some; decompensation with bilirubin, albumin and INR; attribution of the flare by a committee | ALT, platelets and neutrophils under peginterferon |
| tumour | lesions that shrink and grow at once (TU, TR), up to four targets, one other, up to two new; two readers with an error of measurement, one of whom may follow fewer lesions and see new ones later; scans late, missed, unreadable; a confirming scan after progression | LI-RADS category of each scan by two readers; recurrence with a front-loaded hazard: LR-5, in a vein, outside the liver, at the ablated site, LR-M with histology; LR-4 first, treated as such, or staying; LR-NC repeated |
| treatment | infusions with delays, skips and holds, up to 24; ends by progression (confirmed or not), toxicity, another therapy, death | peginterferon for 48 weeks, ended early, or taken against the decision; analogues throughout |
| people | adverse events with partial dates, immune-mediated ones with steroids, deaths, loss, new therapy, contacts, the end of each one's part | adverse events, deaths before and after recurrence, another cancer, transplantation, loss, contacts, the end of each one's part |
| records | laboratories with SI or conventional units, HBV DNA in copies/mL with its assay, limits of normal by laboratory and sex | the same; histories and attestations asked for and answered |

Left out, and to be known when reading results: lesions of one patient share their course but for chance; death depends on progression and on nothing else; missed visits and loss are unrelated to how a patient is; laboratory values vary around a level of their own without drift; nothing raises ALP, so that it never speaks against Hy's law but by chance; a tumour swells by an error of measurement alone, so that pseudoprogression is rare and due to new lesions in somebody who responds; nobody stops analogues; nobody moves between laboratories; peginterferon is one interval without dose changes; no cause of a death is told but where an adverse event was fatal, or liver cancer killed that no scan had shown; adverse events (`adverse_event_...`) are as frequent without peginterferon as with it, so that virtual trials show no harm of it but in ALT, platelets and neutrophils; peginterferon is decided on by chance, unless a scenario says by what a patient is like (`choice_...`, `unmeasured_...`; [rehearsal.md](rehearsal.md)). Of each patient after radical treatment the latent truth holds both lives: the day of recurrence with peginterferon and without, and the probability with which it was decided on.

**Ends.** Whoever lives and was not lost is followed to the last planned day (1,099 days after group assignment; of the advanced trial 30 months less a week from the first dose) and then has a disposition COMPLETED in DS; whoever was lost has LOST TO FOLLOW-UP on the day of the last contact; of the dead DM tells. A death on the day of the last contact is recorded, one on the next day is not. Whom the end of the data meets before has no end.

## How shares are meant, and what comes out

`tests/design/test_virtual_stated.py` holds every share, median and hazard of the protocols against what is made, within four standard errors.

- Shares of which each patient has one at most (kinds of recurrence; reactivation, breakthrough and days without entecavir; begin of entecavir within the time allowed and too late) are all of the same patients. What adds up to more than 1 is refused (`unusable-assumption`).
- What may be forestalled is stated as if it were not: loss, decompensation, death without progression or recurrence, another cancer, transplantation, new lesions, reactivation, breakthrough, a change of treatment. Where death or progression comes first it does not happen: in the advanced trial some 2 % die without progression where `death_before_progression` is 15 %, and 3 % are lost where `loss` is 5 %; after radical treatment some 4 % die without recurrence where `death_without_recurrence` is 5 %.
- Side effects that end treatment, adverse events and immune-mediated ones other than hepatitis lie in the time at risk of each, so that their shares come out.
- Means and standard deviations of age and of HBV DNA at screening are those before who is outside the limits of eligibility is left out: mean age comes out at 53 in PRTRAS and 61 in the advanced trial, and HBV DNA at 5.4 log10.
- Of the advanced trial medians do not add up: the sum of medians is not the median of the sum. `time_to_growth`, `tumour_response` and `survival_after_progression` are chosen so that three published numbers come out together: progression-free survival as scans see it (median 3.65 months; true progression comes a month and a half earlier), objective response (17.0 %) and survival (median 16.56 months). Time to progression then has a median near 4 months; survival at two and three years is 34 % and 18 %, for the hazard after progression is constant.
- Of 100 patients to whom a reactivation would happen some 88 live to have it, 75 have it seen in a sample, and 55 while durvalumab counts. It lasts until a sample can show it (`reactivation_lasts`).

## Errors that are planted

Each strikes a subject by chance (`planted_errors` is the share struck by any), is written down with what stood there before, and concerns one record wherever that can be:
"""


def render_virtual_trials_page() -> str:
    """The page: words, then parameters of both trials."""
    parts = [INTRODUCTION + "\n".join(f"- {kind}" for kind in KINDS)]
    parts.append(
        "## Parameters\n\nAll are `assumptions` of the protocol file, so that a scenario can change each of them. "
        "*Not in any source read* means just that: a hospital's own numbers should take its place before anything is "
        "concluded from a virtual trial. Spreads called `log` are standard deviations of natural logarithms. A protocol "
        "of one's own needs `virtual_patients` (`advanced liver cancer` or `after radical treatment`) and the parameters "
        "of that kind; `adverse_event_...` may be any events."
    )
    common = {one.name for one in fields(Common)}
    for trial, kind in TRIALS.items():
        loaded = load_protocol(trial)
        names = [one.name for one in fields(kind) if one.name != "adverse_events"]
        events = [name for name in loaded.protocol.assumptions if name.startswith("adverse_event_")]
        own = [name for name in names if name not in common]
        parts.append(f"### {loaded.protocol.study.id}: `{trial}`\n\n" + _table(loaded, [*own, *events]))
        parts.append(
            f"Of every virtual trial, as `{trial}` has them:\n\n"
            + _table(loaded, sorted(common & set(names)))
        )
        parts.append(_scenarios(loaded))
    return "\n\n".join(parts) + "\n"


def _table(loaded: LoadedProtocol, names: list[str]) -> str:
    rows = ["| parameter | value | what it is | source or reason |", "|---|---|---|---|"]
    for name in names:
        one = loaded.protocol.assumptions[name]
        value = f"{one.value:g}" if isinstance(one.value, float) else one.value
        unit = f" {one.unit}" if one.unit and one.unit != "share" else ""
        why = ". ".join(part.rstrip(".") for part in (one.source, one.reason) if part)
        rows.append(f"| `{name}` | {value}{unit} | {one.text} | {why} |")
    return "\n".join(rows)


def _scenarios(loaded: LoadedProtocol) -> str:
    rows = ["| scenario | what it is | changes |", "|---|---|---|"]
    for name, one in loaded.protocol.scenarios.items():
        changes = ", ".join(
            f"`{key}` {value:g}" if isinstance(value, float) else f"`{key}` {value}"
            for key, value in one.assumptions.items()
        )
        rows.append(f"| `{name}` | {one.text} | {changes} |")
    return "\n".join(rows)
