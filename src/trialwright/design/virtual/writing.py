"""Virtual trials as files: the records, the truth beside them, and what they were made from. All of it or nothing.

DIR/simulated/dm.parquet ...             the records, as a real study would have them
DIR/simulated-truth/latent.parquet       what happened to each subject
DIR/simulated-truth/observable.parquet   what a perfect reader of the records could see
DIR/simulated-truth/errors.parquet       the errors that were planted
DIR/simulation.json                      protocol, scenario, seed and every parameter
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from trialwright.design.virtual.simulation import SUFFIX, Simulation, simulate
from trialwright.protocol.loading import LoadedProtocol, hash_protocol
from trialwright.records.files import Format, write_records
from trialwright.vocabulary.documents import refusal
from trialwright.vocabulary.problems import Place

RECORDS, TRUTH, ABOUT = "simulated", "simulated-truth", "simulation.json"


def write_simulation(
    loaded: LoadedProtocol,
    out: Path,
    *,
    seed: int,
    subjects: int | None = None,
    trials: int = 1,
    scenario: str | None = None,
    form: Format = Format.PARQUET,
    errors: bool = True,
    force: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Make virtual trials and write them into a folder, which is made if need be.

    Returns
    -------
    files : list of Path
        In the order above.

    Raises
    ------
    ProblemsFound
        As `simulate` does; `folder-not-empty`, `unwritable-file`. Nothing is written then.
    """
    _check_folder(out, force=force)
    made = simulate(
        loaded,
        seed=seed,
        subjects=subjects,
        trials=trials,
        scenario=scenario,
        errors=errors,
        progress=progress,
    )
    about = _about(loaded, made, seed=seed, trials=trials, scenario=scenario, errors=errors)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".writing-", dir=out) as beside:
            folder = Path(beside)
            _write_all(made, about, folder, form)
            for name in (RECORDS, TRUTH, ABOUT):
                _remove(out / name)
                (folder / name).rename(out / name)
    except OSError as error:
        raise refusal("unwritable-file", f"cannot be written: {error.strerror}", Place(str(out))) from error
    return [*sorted((out / RECORDS).iterdir()), *sorted((out / TRUTH).iterdir()), out / ABOUT]


def _check_folder(out: Path, *, force: bool) -> None:
    """A folder with anything in it is left alone, unless it holds virtual trials and may be replaced."""
    if not out.exists():
        return
    if not out.is_dir():
        raise refusal("unwritable-file", "is no folder", Place(str(out)))
    held = {path.name for path in out.iterdir()}
    if not held or (force and ABOUT in held and held <= {RECORDS, TRUTH, ABOUT}):
        return
    what = "holds virtual trials" if ABOUT in held else "is not empty"
    fix = (
        "give another folder, or --force to replace them"
        if ABOUT in held
        else "give a new or an empty folder"
    )
    raise refusal("folder-not-empty", f"{what}, and is left as it is; {fix}", Place(str(out)))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _write_all(made: Simulation, about: dict[str, Any], folder: Path, form: Format) -> None:
    (folder / RECORDS).mkdir()
    write_records(made.tables, folder / RECORDS, form)
    (folder / TRUTH).mkdir()
    for name, frame in (("latent", made.latent), ("observable", made.observable), ("errors", made.errors)):
        frame.write_parquet(folder / TRUTH / f"{name}.parquet")
    text = json.dumps(about, indent=2, ensure_ascii=False, sort_keys=False) + "\n"
    (folder / ABOUT).write_text(text, encoding="utf-8")


def _about(
    loaded: LoadedProtocol, made: Simulation, *, seed: int, trials: int, scenario: str | None, errors: bool
) -> dict[str, Any]:
    """What the trials were made from: enough to make them again."""
    study = loaded.protocol.study
    parameters = {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in asdict(made.parameters).items()
    }
    return {
        "simulated": True,
        "note": "Virtual trials: no record here is of a real person.",
        "study": f"{study.id}{SUFFIX}",
        "protocol": study.id,
        "protocol_sha256": hash_protocol(loaded.protocol),
        "program": f"trialwright {version('trialwright')}",
        "seed": seed,
        "trials": trials,
        "scenario": scenario,
        "errors_planted": made.errors.height if errors else 0,
        "subjects": made.latent.height,
        "subjects_enrolled": int((made.latent["ENROLLED"] == "Y").sum()),
        "parameters": parameters,
    }
