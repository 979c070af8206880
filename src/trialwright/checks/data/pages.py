"""The pages of the checks of data: one after another as `docs/data-checks.md`, or one alone for `--explain`."""

from __future__ import annotations

from trialwright.checks.data.record_checks import ALL_DATA_CHECKS, SUBJECTS, find_data_check
from trialwright.checks.pages import explain_page, write_sections

_INTRODUCTION = """\
<!-- Written by `trialwright.checks.data.pages.write_data_checks_page`; change the checks, not this page. -->
# Checks of data

`trialwright data check DIR --protocol PROTOCOL` reads the datasets of a folder ([records.md](records.md)), asks each table by itself what \
`check_tables` asks ([problems.md](problems.md)), and then the {n} questions below, across tables and against the protocol. An **error** \
means that the record cannot be used as it is, and the exit code is 1; a **warning** that somebody should look; an **info** what follows for \
the derivations. Messages are grouped by dataset, variable and code, with subject, sequence number and record (counted from 1 in the order \
of the file); of many alike five are shown, and the count; `--format json` has all of them. `--ignore CODE` leaves a check out, \
`--explain CODE` prints its page. Without a protocol {n_without} are asked; what could not be asked is named with the reason, so that it \
never looks like a check that passed. At the end stands what the derivations do without.

Nothing is corrected. Each page has the records that bring the message and records that cure it. The tests lay both over one small sound \
study, a record over the one of the same subject and number; `~` takes a value away, and what a record must have besides is left out.
"""


def write_data_checks_page() -> str:
    """The text of `docs/data-checks.md`."""
    n_without = sum(not one.needs_protocol for one in ALL_DATA_CHECKS)
    parts = [_INTRODUCTION.format(n=len(ALL_DATA_CHECKS), n_without=n_without)]
    for title, checks in SUBJECTS:
        parts += write_sections(title, checks)
    return "\n".join(parts)


def explain_data_check(code: str) -> str | None:
    """The page of one check for a terminal; None if there is no such check."""
    one = find_data_check(code)
    return explain_page(one) if one else None
