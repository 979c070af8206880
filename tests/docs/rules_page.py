"""docs/rules.md: the rule language, told by the cases of tests/spec/rules."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.spec.rule_cases import (
    RULES,
    Case,
    Chapter,
    Construct,
    Example,
    Known,
    Refused,
    chapters,
    prepare,
    refused,
    scope,
    shared,
)

from trialwright.evaluation.trying import try_rule
from trialwright.protocol.facts import RESERVED_WORDS
from trialwright.protocol.rule_checks import LONGEST_RUN
from trialwright.protocol.rule_parsing import MAX_CHARACTERS, MAX_DEPTH, MAX_WORDS
from trialwright.protocol.rule_sentences import render_sentence
from trialwright.protocol.scopes import read_rule
from trialwright.vocabulary.documents import read_document
from trialwright.vocabulary.durations import TimeUnit
from trialwright.vocabulary.problems import Problem, ProblemsFound
from trialwright.vocabulary.verdicts import Reason

ROOT = Path(__file__).parents[2]
PATIENT = "examples/patients/screening.yaml"
FIRST_RULE = "last(hbv_dna, 28 days) > 2000 IU/mL"
SECOND_RULE = "last(creatinine, 28 days) > 1.5 ULN"


def render_rules_page() -> str:
    """The text of docs/rules.md."""
    parts = [
        "<!-- Written by `make docs` from the cases in tests/spec/rules/. Change those, not this page. -->",
        "# The rule language",
        _introduction(),
        _contents(),
        _how_to_read(),
        *(part for chapter in chapters() for part in _chapter(chapter)),
        _words(),
        _cannot_be_said(),
        _how_to_try(),
    ]
    return "\n\n".join(parts) + "\n"


def anchor_of(title: str) -> str:
    """What GitHub calls a heading in links."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


# --- introduction -------------------------------------------------------------------------------------------------------


def _introduction() -> str:
    return f"""\
A rule is one condition about one person. Eligibility, events, clocks and stopping rules of a protocol are written in it,
and it has three answers: **met**, **not met**, and **unknown** with the reason.

```
{FIRST_RULE}
```

It reads: *{_sentence(FIRST_RULE)}* A file says [what is known of somebody](../{PATIENT}), and the rule can be tried:

```
$ trialwright rule "{FIRST_RULE}" --patient {PATIENT}
{_tried(FIRST_RULE)}

$ trialwright rule "{SECOND_RULE}" --patient {PATIENT}
{_tried(SECOND_RULE)}
```

Missing is never no: what is not known stays open until somebody finds out."""


def _tried(rule: str) -> str:
    return try_rule(rule, patient=ROOT / PATIENT).text


def _contents() -> str:
    lines = ["## Contents", "", _link("How to read the tables")]
    for chapter in chapters():
        inside = ", ".join(f"[{one.title}](#{anchor_of(one.title)})" for one in chapter.constructs)
        lines.append(f"{_link(chapter.title)}: {inside}")
    lines += [_link(title) for title in ("Words and limits", "What cannot be said", "Try the cases")]
    return "\n".join(lines)


def _link(title: str) -> str:
    return f"- [{title}](#{anchor_of(title)})"


def _how_to_read() -> str:
    reasons = ", ".join(reason.value for reason in Reason)
    return f"""\
## How to read the tables

Each table puts one rule to several patients, or one patient to several rules. A line of a patient is what stands in a
[patient file](../{PATIENT}) under the name of the fact: `2026-03-20: <10 IU/mL` is a result below 10 IU/mL of 20 March 2026,
`2026-03: 40 U/L` one of some day in March, `[1.6, 1.8]` two results of one day, and a date without a value a sample
without a result. Rules are judged on {shared()["anchor"]} unless the table says otherwise; that day is *the anchor* in the
sentence under a rule. The verdicts were worked out by hand; every reader of rules is held to each of them, verdict and
reason.

An unknown verdict tells one reason. Where several leave it open, the one that comes first in this order is told: {reasons}.
[verdicts.md](verdicts.md#why-an-answer-is-unknown) says what each means and what would settle it."""


# --- constructs ---------------------------------------------------------------------------------------------------------


def _chapter(chapter: Chapter) -> Iterator[str]:
    yield f"## {chapter.title}"
    yield chapter.about
    for construct in chapter.constructs:
        yield from _construct(construct)


def _construct(construct: Construct) -> Iterator[str]:
    yield f"### {construct.title}"
    yield construct.means
    for example in construct.examples:
        yield from _example(example)


def _example(example: Example) -> Iterator[str]:
    if example.rule is not None:
        yield f"```\n{example.rule}\n```"
        yield f"*{_sentence(example.rule, example)}*" + (f" {example.note}" if example.note else "")
        if details := _details(example):
            yield details
        header = _only_fact(example.cases)
        rows = [(_patient(case, example, header), case.verdict, case.because) for case in example.cases]
        yield _table((f"`{header}`" if header else "patient", "verdict", "because"), rows)
    else:
        if example.note:
            yield example.note
        yield (
            f"Patient: {_patient(example, example, None)}" if example.records else "Patient without a record:"
        )
        rows = [
            (f"`{case.rule}`<br>{_sentence(str(case.rule), example)}", case.verdict, case.because)
            for case in example.cases
        ]
        yield _table(("rule", "verdict", "because"), rows)


def _sentence(rule: str, example: Example | None = None) -> str:
    """The rule in words, as a sentence."""
    if example is None:
        condition, there = read_rule(rule, scope())[0], scope()
    else:
        case = next(case for case in example.cases if rule in (example.rule, case.rule))
        prepared = prepare(example, case, "sentence")
        condition, there = prepared.rule, prepared.scope
    text = render_sentence(condition, there)
    return f"{text[0].upper()}{text[1:]}."


def _details(example: Example) -> str:
    """What holds for each patient of an example that does not say otherwise."""
    records = [f"{fact}: {_written(written)}" for fact, written in example.records.items()]
    lines = [f"`{line}`" for line in (*_known(example), *records)]
    if any(fact in case.records for case in example.cases for fact in example.records):
        return f"For all, unless the case says otherwise: {', '.join(lines)}"
    return f"For all: {', '.join(lines)}" if lines else ""


def _known(known: Known) -> list[str]:
    lines = [
        f"{name}: {value}"
        for name, value in (
            ("born", known.born),
            ("anchor", known.anchor),
            ("baseline", known.baseline),
            ("data cut", known.data_cut),
        )
        if value is not None
    ]
    return lines + [f"{name}: {span}" for name, span in known.periods.items()]


def _only_fact(cases: Sequence[Case]) -> str | None:
    """The fact that all records are of, if it is one."""
    facts = {name for case in cases for name in case.records}
    return facts.pop() if len(facts) == 1 else None


def _patient(known: Known, example: Example, only_fact: str | None) -> str:
    """What is known of a patient, a line each; the row that is judged in bold."""
    lines = [f"`{line}`" for line in (_known(known) if known is not example else [])]
    for fact, written in known.records.items():
        is_rows = fact == example.rows_of
        if only_fact is not None and isinstance(written, dict):
            lines += [
                _line(f"{date}: {_written(value)}", is_bold=is_rows and date == example.row)
                for date, value in written.items()
            ]
        elif only_fact is not None:
            lines.append(_line(_written(written), is_bold=False))
        else:
            is_the_row = is_rows and list(written) == [example.row]
            lines.append(_line(f"{fact}: {_written(written)}", is_bold=is_the_row))
    return "<br>".join(lines) or ("*nothing else*" if example.records else "*no record*")


def _line(text: str, *, is_bold: bool) -> str:
    return f"**`{text.strip()}`**" if is_bold else f"`{text.strip()}`"


def _written(value: Any) -> str:
    """A value as YAML has it on one line."""
    if value is None:
        return ""
    if isinstance(value, list):
        return f"[{', '.join(_written(one) for one in value)}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key}: {_written(one)}'.strip() for key, one in value.items())} }}"
    text = str(value)
    return text if _reads_as(text, value) else f'"{text}"'


def _reads_as(text: str, value: Any) -> bool:
    """Whether a plain text is read back as this value, even inside brackets."""
    try:
        return bool(read_document(f"[{text}]", "").data == [value])
    except ProblemsFound:
        return False


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


# --- words, limits, refusals --------------------------------------------------------------------------------------------


def _words() -> str:
    words = ", ".join(f"`{word}`" for word in sorted(RESERVED_WORDS))
    units = ", ".join(f"`{unit.value}`" for unit in TimeUnit)
    return f"""\
## Words and limits

These words belong to the language; nothing that a rule names can be called by one, and a level that is one stands in double
quotes: {words}.

`ULN` and `LLN` are the limits of normal. Lengths of time are whole {units}, also in the singular. Names are small letters,
digits and underscores, 64 at most, and begin with a letter.

A rule has at most {MAX_CHARACTERS:,} characters and {MAX_WORDS:,} words, parentheses are nested at most {MAX_DEPTH} deep, and
`consecutive` asks for 2 to {LONGEST_RUN} rows. Longer texts are refused at once, with the place; so are letters that look
like ours and are not."""


def _cannot_be_said() -> str:
    rows = [(one.wish, f"`{one.rule}`<br>{_told(answer_to(one))}", one.instead) for one in refused()]
    table = _table(("wish", "attempt and answer", "instead"), rows)
    return f"""\
## What cannot be said

The language is small on purpose: what it says, everybody should read alike. Each of these is answered with a
[problem](problems.md#rules-and-facts) and its place.

{table}"""


def answer_to(one: Refused) -> Problem:
    """The first problem a rule is answered with."""
    try:
        read_rule(one.rule, scope())
    except ProblemsFound as found:
        return found.problems[0]
    raise ValueError(f"{one.rule!r} can be said")


def _told(problem: Problem) -> str:
    return f"`{problem.code}`: {problem.message}" + (f"<br>fix: {problem.fix}" if problem.fix else "")


def _how_to_try() -> str:
    facts = (RULES / "facts.yaml").read_text(encoding="utf-8").partition("\n\n")
    anchor = facts[0].splitlines()[-1]
    return f"""\
## Try the cases

Put the facts of the examples and the records of a case into one file:

```yaml
{anchor}

{facts[2].rstrip()}

records:
  hbv_dna:
    2026-03-20: <10 IU/mL
```

```sh
trialwright rule "last(hbv_dna, 28 days) > 9 IU/mL" --patient my-patient.yaml
trialwright rule "last(hbv_dna, 28 days) > 9 IU/mL" --explain
```

The first tells the verdict, the records it rests on, and what to ask next; the second the sentence of the rule, what it asks
for, its hash, and the same as a query for a database. Facts of the catalogue (`hbv_dna`, `alt`, `bclc_stage`) need no
definition; those of a protocol come with `--protocol`. Of the scores only Child-Pugh and ALBI can be computed yet, and rules per row cannot be tried this way."""
