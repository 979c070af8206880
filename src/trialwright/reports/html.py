"""A page as one HTML file that needs nothing but itself.

The file asks no network for anything and forbids itself to: its content security policy names the digest of each of
its scripts and of its style. Figures are still pictures until the script has drawn them, and on paper.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from trialwright.reports.blocks import Code, Inline, Link, Mark, Number, Page, Strong, Term, Text
from trialwright.reports.charts import draw_stills, stamped, vega_script

_TEMPLATES = Path(__file__).with_name("templates")


def render_html(
    page: Page, origins: Mapping[str, Any] | None = None, stills: Mapping[str, str] | None = None
) -> str:
    """The page as an HTML document, the same characters for the same page.

    Each piece of text with a reference stands in an element that carries it as `data-ref`; a number is a `data` element
    whose `value` has full precision. `origins`, as `collect_origins` gives them, are what a panel tells of a reference;
    `stills`, as `draw_stills` gives them, are drawn where they are not given.
    """
    stills = draw_stills(page) if stills is None else stills
    scripts = [vega_script(), _read("page.js")] if stills else [_read("page.js")]
    style = _read("page.css")
    template = _environment().get_template("page.html.jinja")
    document = template.render(
        page=page,
        origins=origins,
        stills=stills,
        style=style,
        scripts=scripts,
        policy=_policy(scripts, style),
    )
    return document.lstrip()


def _policy(scripts: list[str], style: str) -> str:
    """The content security policy (CSP level 3): these scripts and this style, pictures from the file, nothing else."""
    return "; ".join(
        (
            "default-src 'none'",
            " ".join(["script-src", *(_digest(script) for script in scripts)]),
            f"style-src {_digest(style)}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        inline=_inline, kind=_kind, picture=_picture, stamped=stamped, json_data=_json_data
    )
    return environment


@cache
def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _inline(text: Text, focusable: bool = True) -> Markup:
    """The pieces as HTML. Inside a link nothing else may take the focus."""
    return Markup().join(_inline_piece(piece, focusable) for piece in text.pieces)


def _inline_piece(piece: Inline, focusable: bool) -> Markup:
    tab = Markup(' tabindex="-1"') if focusable else Markup()
    match piece:
        case Number(text, ref, value):
            return Markup('<data value="%s" data-ref="%s"%s>%s</data>') % (repr(value), ref, tab, text)
        case Term(text, ref) if _DAY.fullmatch(text):  # a day stays on one line
            return Markup('<time data-ref="%s"%s>%s</time>') % (ref, tab, text)
        case Term(text, ref):
            return Markup('<span data-ref="%s"%s>%s</span>') % (ref, tab, text)
        case Code(text, None):
            return Markup("<code>{}</code>").format(text)
        case Code(text, ref):
            return Markup('<code data-ref="%s"%s>%s</code>') % (ref, tab, text)
        case Link(text, to):
            return Markup('<a href="#%s">%s</a>') % (to, text)
        case Mark(letter):
            return Markup("<sup>{}</sup>").format(letter)
        case Strong(text):
            return Markup("<strong>{}</strong>").format(_inline(text, focusable))
        case " to ":  # between two numbers, which stay on one line
            return Markup("&nbsp;to&nbsp;")
        case _:
            return escape(piece)


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _kind(block: object) -> str:
    return type(block).__name__


def _picture(svg: str) -> str:
    """The still picture as a data address: apart from the page, so that its names and styles stay its own."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _json_data(value: Mapping[str, Any]) -> str:
    """JSON that no HTML parser can take for the end of a script."""
    data = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return data.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
