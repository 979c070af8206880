"""Charts as still pictures, and the script that draws them in a browser.

A chart whose marks have places of their own, or of a form that is known, is drawn here; Vega draws the others.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import vl_convert

from trialwright.reports.blocks import Figure, Page, walk
from trialwright.reports.canvas import is_drawing
from trialwright.reports.curve_stills import as_drawing
from trialwright.reports.glyphs import FONT_DIRECTORY, FONT_FAMILIES
from trialwright.reports.still_drawing import draw_svg

VEGA_LITE = "6.4"
"""Version of Vega-Lite, for pictures and script alike."""

STILL_WIDTH = 720
"""CSS pixels; a printed page shows it at 0.69 points to the pixel."""

VEGA_SCRIPT_SHA256 = "373b1f84072b31010f15ceb787be6b415c53936411aae267c8c2b2b6ccde46e7"
"""Digest of the script that vl-convert 1.9.0 makes for this version: what a kept copy must be equal to."""


def stamped(spec: Mapping[str, Any], stamp: str) -> Mapping[str, Any]:
    """The chart with a word above it that nobody can miss; as it is where there is none."""
    if not stamp:
        return spec
    title = {
        "text": stamp,
        "anchor": "end",
        "color": "#9a3412",
        "fontSize": 11,
        "fontWeight": 600,
        "offset": 4,
    }
    return {**spec, "title": title}


def draw_stills(page: Page) -> Mapping[str, str]:
    """The still picture of each figure of a page, by the figure's id: the same in HTML and PDF, and drawn once for both."""
    return {
        block.id: render_svg(stamped(block.spec, page.stamp))
        for block in walk(page.sections)
        if isinstance(block, Figure)
    }


def render_svg(spec: Mapping[str, Any], width: int = STILL_WIDTH) -> str:
    """The chart as one SVG picture, `width` CSS pixels wide, without the layers that need a pointer.

    Raises
    ------
    ValueError
        If the spec is no chart, or names data on a network: nothing is asked of one.
    """
    drawing = spec if is_drawing(spec) else as_drawing(spec) if width == STILL_WIDTH else None
    if drawing is not None:
        return draw_svg(drawing, width)
    still = {
        **spec,
        "width": width,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "layer": [layer for layer in spec["layer"] if "params" not in layer],
    }
    _register_fonts()
    fonts = {"font": ", ".join(FONT_FAMILIES)}
    told = json.dumps(still, ensure_ascii=False, allow_nan=False)
    return vl_convert.vegalite_to_svg(told, vl_version=VEGA_LITE, config=fonts, allowed_base_urls=[])


def vega_script() -> str:
    """The JavaScript of Vega, Vega-Lite and Vega-Embed in one piece, which defines `vegaEmbed`.

    Putting it together takes longer than all else in a report, so a copy is kept in the user's cache folder
    (`$XDG_CACHE_HOME` or `~/.cache`, under `trialwright`). The copy is used only if its digest is the known one.
    """
    return _kept_script() or _made_script()


@cache
def _kept_script() -> str | None:
    try:
        script = _script_path().read_bytes()
    except (OSError, RuntimeError):
        return None
    return script.decode() if hashlib.sha256(script).hexdigest() == VEGA_SCRIPT_SHA256 else None


@cache
def _made_script() -> str:
    script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE)
    if hashlib.sha256(script.encode()).hexdigest() == VEGA_SCRIPT_SHA256:
        _keep_script(script)
    return script


def _keep_script(script: str) -> None:
    """Keep a copy, whole or not at all, if the folder can be written; the next report takes longer if not."""
    try:
        path = _script_path()
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        part.write_text(script, encoding="utf-8")
        part.replace(path)
    except (OSError, RuntimeError):
        return


def _script_path() -> Path:
    """Raises RuntimeError where the user has no home."""
    folder = os.environ.get("XDG_CACHE_HOME")
    return (
        (Path(folder) if folder else Path.home() / ".cache")
        / "trialwright"
        / f"vega-{VEGA_SCRIPT_SHA256[:16]}.js"
    )


@cache
def _register_fonts() -> None:
    vl_convert.register_font_directory(str(FONT_DIRECTORY))
