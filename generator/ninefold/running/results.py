"""The results folders: written aside, exchanged whole, and mended after a run that was killed.

Under the project's scratch folder `staging/<pid>/<section>` is what a run is making and
`replaced/<section>` what it is about to replace. A folder under `results/` is only ever renamed
into place, so a kill leaves the old one, the new one, or the old one in `replaced`.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from ninefold.errors import NinefoldError
from ninefold.project import Project
from ninefold.records import RECORD_FILE, write_json, write_text

NOTEBOOK = "notebook.ipynb"
FAILURE = "failure"  # the folder in a section's results that tells of its last run's failure


def recover(project: Project) -> None:
    """Mend what a run that was killed left: put old results back where no new ones are."""
    replaced = project.scratch / "replaced"
    for record in sorted(replaced.rglob(RECORD_FILE)):
        target = project.results / record.parent.relative_to(replaced)
        if record.exists() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            record.parent.rename(target)
    for left in (replaced, project.scratch / "staging"):
        shutil.rmtree(left, ignore_errors=True)


def check_writable(project: Project) -> None:
    """Raise NinefoldError, before minutes of work, where their results could not be kept."""
    try:
        project.results.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=project.results):
            pass
    except OSError as error:
        raise NinefoldError(
            f"{project.results} cannot be written to ({error.strerror})",
            todo="free some space, or change who may write there",
        ) from None


def stage(project: Project, section: str) -> Path:
    """Make and return an empty folder for a section's new results.

    It is this process's own: a kernel that outlives a killed run cannot write into it.
    """
    folder = project.scratch / "staging" / str(os.getpid()) / section
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def install(project: Project, section: str, staging: Path) -> None:
    """Put `staging` where the section's results are, in place of the old ones."""
    target = project.results_of(section)
    aside = project.scratch / "replaced" / section
    target.parent.mkdir(parents=True, exist_ok=True)
    aside.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        target.rename(aside)
    try:
        staging.rename(target)
    except OSError:
        if aside.exists():
            aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def install_failure(project: Project, section: str, staging: Path, failure: dict) -> None:
    """Keep the executed notebook and the record in `staging`, and what failed, beside the section's
    old results."""
    new = staging.with_name(f"{staging.name}-{FAILURE}")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    for name in (NOTEBOOK, RECORD_FILE):  # the record: a forecast must not follow what was seen
        if (staging / name).exists():
            (staging / name).rename(new / name)
    write_json(new / "failure.json", failure)
    target = project.results_of(section) / FAILURE
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        shutil.rmtree(target)
    new.rename(target)
    shutil.rmtree(staging, ignore_errors=True)


def read_failure(project: Project, section: str) -> dict[str, Any] | None:
    """Return what the section's last run failed of, or None where it did not fail."""
    path = project.results_of(section) / FAILURE / "failure.json"
    try:
        content = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return None
    return content if isinstance(content, dict) else None


def write_notebook(path: Path, notebook: dict[str, Any]) -> None:
    """Write a notebook as nbformat does, but never a NaN, which no notebook may hold."""
    text = json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")
