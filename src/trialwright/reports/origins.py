"""Where each number of a page comes from, as little as the page itself needs to tell it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from trialwright.analysis.explaining.words import statistic_words
from trialwright.analysis.results import Results
from trialwright.protocol.loading import LoadedProtocol, shipped_protocols
from trialwright.reports.blocks import Code, Figure, Number, Page, Ref, Strong, Term, Text
from trialwright.vocabulary.documents import Document, Path, dotted


def collect_origins(page: Page, loaded: LoadedProtocol, results: Results) -> Mapping[str, Any]:
    """What the references of a page stand for.

    Parameters
    ----------
    page : Page
    loaded : LoadedProtocol
    results : Results

    Returns
    -------
    origins : mapping
        JSON with `protocol` (what `--protocol` must name; empty for a shipped one), `analyses` by id, each a list of title,
        method, source and path; `conventions`, texts; `results` by id, each a list of what it is, unit, n, analysis and the
        number of its conventions; `places`, the line of each path of the protocol. Only what the page refers to.
    """
    refs = set(references(page))
    shown = [results[ref.key] for ref in refs if ref.kind == "result" and ref.key in results]
    shown.sort(key=lambda row: row.id)
    conventions = sorted({row.conventions for row in shown})
    numbers = {text: i for i, text in enumerate(conventions)}
    analyses = {row.analysis: _analysis(loaded, row.analysis, row.method, row.source) for row in shown}
    paths = {ref.key for ref in refs if ref.kind == "protocol"} | {about[3] for about in analyses.values()}
    return {
        "protocol": _named(loaded),
        "analyses": analyses,
        "conventions": conventions,
        "results": {
            row.id: [statistic_words(row.statistic), row.unit, row.n, row.analysis, numbers[row.conventions]]
            for row in shown
        },
        "places": _places(loaded.document, sorted(paths)),
    }


def references(part: Any) -> Iterator[Ref]:
    """Every reference in a page or a part of one; charts have none."""
    match part:
        case Number() | Term() | Code():
            if part.ref is not None:
                yield part.ref
        case Text():
            yield from (ref for piece in part.pieces for ref in references(piece))
        case Strong():
            yield from references(part.text)
        case Figure():
            yield from references((part.title, part.caption))
        case tuple():
            yield from (ref for one in part for ref in references(one))
        case _ if is_dataclass(part) and not isinstance(part, Ref):
            yield from (ref for field in fields(part) for ref in references(getattr(part, field.name)))


def _analysis(loaded: LoadedProtocol, id_: str, method: str, source: str) -> list[str]:
    found = loaded.protocol.analyses.get(id_)
    return [found.title if found else id_, method, source, f"analyses.{id_}" if found else ""]


def _named(loaded: LoadedProtocol) -> str:
    """What `trialwright explain` must be told of the protocol: nothing of a shipped one, which it finds by its study."""
    file = loaded.document.file
    return "" if file in {f"{name}/protocol.yaml" for name in shipped_protocols()} else _last(file)


def _last(file: str) -> str:
    """The name of a file without its folders: they are nobody's business but its owner's."""
    return file.replace("\\", "/").rpartition("/")[2]


def _places(document: Document, paths: list[str]) -> dict[str, str]:
    """The line of each dotted path, or of what is written around it; of a default that nobody wrote there is none."""
    lines = {dotted(path): path for path in (*document.value_places, *document.key_places) if path}
    found = {}
    for path in paths:
        around = next((lines[one] for one in _upwards(path) if one in lines), None)
        if around is not None:
            found[path] = _line(document, around)
    return found


def _upwards(path: str) -> Iterator[str]:
    """A dotted path and all that hold it, from within outwards: names may hold dots, so each is tried."""
    yield path
    while "." in path:
        path = path.rpartition(".")[0]
        yield path


def _line(document: Document, path: Path) -> str:
    place = document.place_of(path, key=True)
    return f"{_last(place.file)}:{place.line}"
