"""What the end-to-end tests share: ninefold as people call it, and a study of two minutes."""

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

PENGUINS = Path(__file__).parents[1] / "data" / "penguins.csv"
NINE = (
    *("Problem description", "Data summary", "Test harness", "Baseline performance"),
    *("Experimental results", "Improvements", "Final model", "Extensions", "Resources"),
)

_HARNESS = {"folds": 3, "repeats": 1, "epochs": 5}
_PARAMETERS = {
    "5-experiments/2-batch-size": "sizes = [64]",
    "5-experiments/3-weight-regularization": "strengths = [0.01]",
    "6-improvements/1-random-search": "budget = 2",
    "6-improvements/2-model-averaging": "sizes = [1, 2]",
}


def ninefold(
    folder: Path, *arguments: object, status: int = 0, python: object = sys.executable
) -> subprocess.CompletedProcess[str]:
    """Call ninefold in a folder; fail where its exit status is another than expected."""
    done = subprocess.run(
        [str(python), "-m", "ninefold", *map(str, arguments)],
        cwd=folder, capture_output=True, encoding="utf-8", timeout=900,
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done


def new_study(
    root: Path,
    data: object,
    *arguments: object,
    without: Iterable[str] = (),
    python: object = sys.executable,
) -> str:
    """Make a project at `root` and its settings quick; return what `new` said.

    without  sections to leave out, for the sake of minutes: a study may have any experiments
    """
    options = ("--data", data, "--no-input", *arguments)
    said = ninefold(root.parent, "new", root, *options, python=python).stdout
    for section in without:
        (root / "sections" / f"{section}.ipynb").unlink()
    make_quick(root)
    return said


def make_quick(root: Path) -> None:
    path = root / "ninefold.toml"
    text = path.read_text("utf-8")
    for name, value in _HARNESS.items():
        text = re.sub(rf"^(# )?{name} = .*$", f"{name} = {value}", text, flags=re.MULTILINE)
    text = text.replace("[harness]", '[harness]\nquick = "a test"')
    for section, parameter in _PARAMETERS.items():
        if (root / "sections" / f"{section}.ipynb").exists():
            text += f'\n[sections."{section}".parameters]\n{parameter}\n'
    path.write_text(text, "utf-8")


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text that stands in a file exactly once. In a notebook, spell it as JSON does."""
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{text.count(old)} × {old!r} in {path.name}"
    path.write_text(text.replace(old, new), "utf-8")


def add_cell(root: Path, section: str, source: str) -> None:
    """Put a code cell at the end of a section's notebook."""
    path = root / "sections" / f"{section}.ipynb"
    notebook = json.loads(path.read_text("utf-8"))
    cell = {"id": f"added-{len(notebook['cells'])}", "cell_type": "code", "metadata": {}}
    notebook["cells"].append({**cell, "execution_count": None, "outputs": [], "source": source})
    path.write_text(json.dumps(notebook), "utf-8")


def record_of(root: Path, section: str) -> dict[str, Any]:
    return json.loads((root / "results" / section / "record.json").read_text("utf-8"))


def report_of(root: Path) -> str:
    return (root / "report" / "README.md").read_text("utf-8")


def findings(root: Path, status: int = 0, python: object = sys.executable) -> dict[str, list[str]]:
    """Return the messages of `ninefold check` by code."""
    said = ninefold(root, "check", "--json", status=status, python=python).stdout
    content = json.loads(said)
    found: dict[str, list[str]] = {}
    for finding in content["findings"]:
        found.setdefault(finding["code"], []).append(f"{finding['where']}: {finding['message']}")
    return found


def files(folder: Path) -> dict[str, bytes]:
    """Return the content of all files in a folder by their paths from it."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
