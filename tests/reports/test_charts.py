import hashlib

import pytest

from trialwright.reports import charts


@pytest.fixture
def fresh_charts(monkeypatch, tmp_path):
    """The module as in a new process, with a cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made, kept = charts._made_script, charts._kept_script
    made.cache_clear()
    kept.cache_clear()
    yield charts
    made.cache_clear()
    kept.cache_clear()


def digest(script):
    return hashlib.sha256(script.encode()).hexdigest()


def test_the_script_of_every_report_is_the_one_we_know(fresh_charts, tmp_path):
    script = fresh_charts.vega_script()
    assert digest(script) == charts.VEGA_SCRIPT_SHA256
    (kept,) = (tmp_path / "trialwright").iterdir()
    assert kept.read_text(encoding="utf-8") == script
    kept_script = charts._kept_script.__wrapped__()
    assert kept_script == script


def test_a_changed_copy_is_never_used(fresh_charts, monkeypatch):
    path = charts._script_path()
    path.parent.mkdir()
    path.write_text("alert(1)", encoding="utf-8")
    monkeypatch.setattr(charts, "_made_script", lambda: "made anew")
    assert fresh_charts.vega_script() == "made anew"


def test_a_cache_that_cannot_be_written_is_done_without(fresh_charts, monkeypatch, tmp_path):
    (tmp_path / "trialwright").write_text("a file where the folder should be", encoding="utf-8")
    assert charts._kept_script() is None
    charts._keep_script("x")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pathlib.Path.home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    charts._keep_script("x")
    assert charts._kept_script.__wrapped__() is None


def test_the_script_cannot_end_its_element_early():
    assert "</script" not in charts.vega_script().lower()
    assert "<!--" not in charts.vega_script()


def test_a_chart_asks_no_network():
    mark = {"mark": "point", "encoding": {"x": {"field": "a", "type": "quantitative"}}}
    with pytest.raises(ValueError, match="External data url not allowed"):
        charts.render_svg({"data": {"url": "http://localhost:1/data.json"}, "layer": [mark]})
