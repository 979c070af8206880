r"""A reader of RTF as its specification has it (1.9.1): enough to see the words, rows and cells of a file.

It knows nothing of the writer: groups keep their own state, `\uN` skips what `\uc` says, unknown destinations (`\*`) and
those without text for the body are passed over, and a cell or a row is what `\cell` and `\row` end.
"""

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(r"\\([a-z]+)(-?\d+)? ?|\\'([0-9a-f]{2})|\\([^a-z])|([{}])|[\r\n]|([^\\{}\r\n])")
_ELSEWHERE = {"fonttbl", "info", "header", "footer", "stylesheet", "colortbl"}


@dataclass
class Row:
    cells: list[str] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    aligns: list[str] = field(default_factory=list)
    is_heading: bool = False
    is_ended: bool = False


@dataclass
class Read:
    paragraphs: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    body: list[str | Row] = field(default_factory=list)
    destinations: dict[str, str] = field(default_factory=dict)


def read_rtf(content):
    """Paragraphs and rows in order; what header and title say is in `destinations`."""
    assert content.startswith("{\\rtf1")
    read, stack, state = Read(), [], {"uc": 1, "to": "body", "align": "ql"}
    units, skip, row, before = [], 0, None, ""

    def flush():
        text = b"".join(unit.to_bytes(2, "little") for unit in units).decode("utf-16-le")
        units.clear()
        return text

    for found in iter_tokens(content):
        word, number, _, symbol, brace, letter = found.groups()
        if brace == "{":
            stack.append(dict(state))
        elif brace == "}":
            if state["to"] != "body" and state["to"] != stack[-1]["to"]:
                read.destinations[state["to"]] = flush()
            state = stack.pop()
        elif letter or symbol in ("\\", "{", "}"):
            if skip:
                skip -= 1
            else:
                units.append(ord(letter or symbol))
        elif symbol == "*":
            before = "*"
            continue
        elif word == "u":
            units.append(int(number) % 65536)
            skip = state["uc"]
        elif word == "uc":
            state["uc"] = int(number)
        elif before == "*":
            state["to"] = f"*{word}"
        elif word in _ELSEWHERE or word == "title":
            state["to"] = word
        elif word in ("ql", "qr", "qc"):
            state["align"] = word
        elif word == "pard" and state["to"] == "body":
            state["align"] = "ql"
            assert not units, f"{flush()!r} belongs to no paragraph and no cell"
        elif word == "trowd":
            row = Row()
            read.rows.append(row)
            read.body.append(row)
        elif word == "trhdr":
            row.is_heading = True
        elif word == "cellx":
            row.ends.append(int(number))
        elif word == "cell":
            row.cells.append(flush())
            row.aligns.append(state["align"])
        elif word == "row":
            row.is_ended = True
            assert not units, "text between the last cell and the end of its row"
        elif word == "par" and state["to"] == "body":
            read.paragraphs.append(flush())
            read.body.append(read.paragraphs[-1])
        before = ""
    assert not stack, "a group is not closed"
    assert not units, "text after the last paragraph"
    return read


def iter_tokens(content):
    end = 0
    for found in _TOKEN.finditer(content):
        assert found.start() == end, f"{content[end : found.start()]!r} is no RTF"
        end = found.end()
        yield found
    assert end == len(content)
