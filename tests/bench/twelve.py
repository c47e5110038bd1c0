"""Twelve notebooks that each compute on one thread: under papermill, and under ninefold."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat.v4

NOTEBOOKS = 12
ROUNDS = 30_000_000  # of a loop of pure Python; about two seconds
FASTER = 1.7  # times, that two workers are to be against one
KEPT = 1.0  # seconds, within which a run with nothing changed is to end

_SETTINGS = """
[study]
title = "Twelve"
package = "twelve"
[data]
source = "data.csv"
target = "y"
"""
_PAPERMILL = """
import sys
from pathlib import Path
import papermill
for path in sorted(Path("sections").rglob("*.ipynb")):
    papermill.execute_notebook(path, Path(sys.argv[1], path.name), progress_bar=False)
"""


def measure(quick: bool = False) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return rows {"group", "label", "seconds", "ratio"}, that to papermill, and targets.

    quick  too little to mean anything, to see that it runs
    """
    rows = list(_rows(*((2, 1000) if quick else (NOTEBOOKS, ROUNDS))))
    seconds = {row["label"]: row["seconds"] for row in rows}
    for row in rows:
        row["ratio"] = rows[0]["seconds"] / row["seconds"]
    faster = seconds["ninefold -j 1"] / seconds["ninefold -j 2"]
    kept = seconds["ninefold, nothing changed"]
    return rows, [
        {
            "claim": f"twelve notebooks: two workers at least {FASTER} times faster than one",
            "measured": faster,
            "met": faster >= FASTER,
        },
        {
            "claim": f"twelve notebooks, nothing changed: seconds, under {KEPT:g}",
            "measured": kept,
            "met": kept < KEPT,
        },
    ]


def _rows(notebooks: int, rounds: int) -> Iterator[dict[str, Any]]:
    group = f"{notebooks} notebooks on one thread each"
    ninefold = (sys.executable, "-m", "ninefold", "run", "--quiet")
    ways: dict[str, Sequence[str]] = {
        "papermill, in sequence": (sys.executable, "-c", _PAPERMILL, "out"),
        "ninefold -j 1": (*ninefold, "-j", "1"),
        "ninefold -j 2": (*ninefold, "-j", "2", "--force"),
        "ninefold, nothing changed": ninefold,
    }
    with TemporaryDirectory() as folder:
        root = make_project(Path(folder), notebooks, rounds)
        for label, command in ways.items():
            began = time.perf_counter()
            subprocess.run(command, cwd=root, check=True)
            yield {"group": group, "label": label, "seconds": time.perf_counter() - began}


def make_project(root: Path, notebooks: int, rounds: int) -> Path:
    """Make a project of so many experiments, each a loop of so many rounds."""
    (root / "ninefold.toml").write_text(_SETTINGS)
    (root / "data.csv").write_text("x,y\n" + "1,a\n2,b\n" * 20)
    (root / "out").mkdir()
    experiments = root / "sections" / "5-experiments"
    experiments.mkdir(parents=True)
    sources = ("total = 0", f"for i in range({rounds}):\n    total += i * i % 7", "total")
    for number in range(1, notebooks + 1):
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        path = experiments / f"{number}-loop.ipynb"
        path.write_text(json.dumps(notebook))
    return root
