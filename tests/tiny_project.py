"""A tiny project that tests write and run, and the wait for what a run does in it."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat.v4
import psutil

SETTINGS = """
[study]
title = "Penguins"
package = "penguins"
[data]
source = "builtin:iris"
target = "species"
"""
OWN_DATA = SETTINGS.replace("builtin:iris", "data/penguins.csv")

# What ninefold's library does in a kernel, without the time that importing it takes.
RECORD = """
import json, os, pathlib, sys
def record(**values):
    content = {"record_schema": 1, "section": os.environ["NINEFOLD_SECTION"], "values": values}
    path = pathlib.Path(os.environ["NINEFOLD_OUTPUT"]) / "record.json"
    path.write_text(json.dumps(content))
"""


def make_project(folder: Path) -> Path:
    """Make a project without notebooks, whose path holds what trips papermill; return its root."""
    root = folder / "a {study} of 🐧"
    (root / "data").mkdir(parents=True)
    rows = ["3750,Adelie", "3800,Adelie", "5000,Gentoo", "5100,Gentoo"]
    (root / "data/penguins.csv").write_text("\n".join(["mass,species", *rows]) + "\n")
    (root / "penguins").mkdir()
    (root / "penguins/models.py").write_text("NAME = 'a network'\n")
    (root / "ninefold.toml").write_text(OWN_DATA)
    return root


def write_notebook(
    root: Path,
    name: str,
    *sources: str,
    prose: str | None = None,
    parameters: str | None = None,
    metadata: dict[str, Any] | None = None,
) -> None:
    """Write a section's notebook: the prose, the cell that declares parameters, code cells."""
    cells = [] if prose is None else [nbformat.v4.new_markdown_cell(prose)]
    if parameters is not None:
        cells.append(nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    cells += [nbformat.v4.new_code_cell(source) for source in sources]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # else each writing would be another notebook
    path = root / "sections" / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata or {})
    path.write_text(json.dumps(notebook), "utf-8")


def judged(mean: float | None = 0.5, metric: str = "log_loss", **changes: Any) -> dict[str, Any]:
    """Return an evaluation as a record holds one, with what is changed."""
    variant = {"function": "penguins.models:network", "keywords": {}, "rebuildable": True}
    entry = {
        "variant": {**variant, "epochs": 5, "batch_size": 8, "model_seed": 0},
        "metric": metric, "summary": {metric: {"mean": mean, "low": None, "high": None}},
        "scores": {metric: [mean, mean]}, "folds": 2, "repeats": 1, "n_train": 6, "n_test": 6,
        "engine": "graph", "parameters": 3, "members": 1, "fits": 2, "fit_seconds": 0.1,
        "predict_seconds": 0.1,
    }  # fmt: skip
    return {**entry, **changes}


def runs(pid: int) -> bool:
    """Whether a process is there, and not only waits for its parent to notice its end."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def wait_until(true: Callable[[], Any], what: str) -> None:
    """Wait until something holds; fail after a minute, and say what."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def wait_for(path: Path) -> None:
    wait_until(path.exists, f"{path} never appeared")
