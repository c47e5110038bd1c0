"""The results folders: written aside, exchanged whole, and mended after a run that was killed.

In the project's scratch folder `staging/<unique>/<section>` is what a run is making and
`replaced/<section>/@old` what it is about to replace. A section's folder is only ever renamed into
place, so a kill leaves the old one, the new one, or the old one in `replaced`. Where results lie on
another disk, both are in `results/.ninefold`, which no section is seen to read. `unranked` in the
scratch folder says that the leaderboard does not know of all results.
"""

import errno
import json
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from ninefold.errors import NinefoldError
from ninefold.project import Project
from ninefold.records import RECORD_FILE, write_json, write_text

NOTEBOOK = "notebook.ipynb"
FAILURE = "failure"  # the folder in a section's results that tells of its last run's failure

_OLD = "@old"  # no section, figure or model has such a name
_ROOM = 2**20  # bytes that must be free before a notebook is worth executing


def recover(project: Project) -> None:
    """Mend what a run that was killed left: put old results back where no new ones are.

    Only for who holds the project's lock.
    """
    for replaced in (aside / "replaced" for aside in _asides(project)):
        for old in sorted(replaced.rglob(_OLD)):
            name = old.parent.relative_to(replaced).as_posix()
            here = old_of(project, name)
            if here != old:  # the results were moved to another disk since, or back
                shutil.rmtree(here, ignore_errors=True)  # half, where this was killed, too
                here.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(old, here)
            _put_back(project.results / name, here)
    clear(project)


def clear(project: Project) -> None:
    """Remove what runs were making, and did not make; but no old results, where those could not be
    put back."""
    for aside in _asides(project):
        shutil.rmtree(aside / "staging", ignore_errors=True)
        if not any((aside / "replaced").rglob(_OLD)):
            shutil.rmtree(aside / "replaced", ignore_errors=True)
    with suppress(OSError):  # it is not there, or holds old results
        (project.results / ".ninefold").rmdir()


def _asides(project: Project) -> tuple[Path, Path]:
    return project.scratch, project.results / ".ninefold"


def _aside(project: Project) -> Path:
    """Return the one from which a folder can be renamed into the results."""
    scratch, among_results = _asides(project)
    return scratch if _renames(scratch, project.results) else among_results


def _renames(source: Path, target: Path) -> bool:
    with suppress(FileNotFoundError):  # there are no results yet
        if source.stat().st_dev != target.stat().st_dev:
            return False
    try:  # Docker may mount two folders of one disk. Linux says so of what is not there, too
        (source / _OLD).rename(target / _OLD)
    except OSError as error:
        return error.errno != errno.EXDEV
    return True


def check_writable(project: Project) -> None:
    """Raise NinefoldError, before minutes of work, where their results could not be kept."""
    try:
        project.results.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=project.results) as file:
            file.write(bytes(_ROOM))
    except OSError as error:
        raise NinefoldError(
            f"{project.results} cannot be written to ({error.strerror})",
            todo="free some space, or change who may write there",
        ) from None


def check_folders(project: Project) -> None:
    """Raise NinefoldError, as early, where no folder could be renamed to a section's results."""
    sections = [PurePosixPath(task.id) for task in project.tasks]
    results, disk = project.results.resolve(), None
    for name in sorted({folder for section in sections for folder in (section, *section.parents)}):
        with suppress(FileNotFoundError):
            found = (results / name).lstat()
            disk = disk or found.st_dev
            if not stat.S_ISDIR(found.st_mode) or found.st_dev != disk:
                raise NinefoldError(
                    f"{PurePosixPath('results', name)} is not a folder, or on another disk",
                    "results are made elsewhere and renamed into place",
                    "move it away; all of results/ may be on another disk, and a link to there",
                )


def stage(project: Project, section: str) -> Path:
    """Make and return an empty folder for a section's new results.

    No other run ever has the same: a kernel that outlives a killed run cannot write into it.
    Raises NinefoldError where there is no room for results.
    """
    check_writable(project)
    project.scratch.mkdir(parents=True, exist_ok=True)  # a worker elsewhere has none
    # Where `results` is a link, the one name that says that this is not the project's.
    staging = _aside(project).resolve() / "staging"
    staging.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=staging)) / section
    folder.mkdir(parents=True)
    return folder


def install(project: Project, section: str, staging: Path) -> None:
    """Put `staging` where the section's results are, in place of the old ones."""
    _unranked(project).touch()
    _exchange(project, section, staging)


def install_failure(project: Project, section: str, staging: Path, failure: dict) -> None:
    """Keep the executed notebook and the record in `staging`, and what failed, beside the section's
    old results."""
    _put_back(project.results / section, old_of(project, section))  # where `install` could not
    new = staging.with_name(f"{staging.name}-{FAILURE}")
    new.mkdir()
    for name in (NOTEBOOK, RECORD_FILE):  # the record: a forecast must not follow what was seen
        if (staging / name).exists():
            (staging / name).rename(new / name)
    write_json(new / "failure.json", failure)
    _exchange(project, f"{section}/{FAILURE}", new)
    shutil.rmtree(staging, ignore_errors=True)


def _exchange(project: Project, name: str, new: Path) -> None:
    target, old = project.results / name, old_of(project, name)
    _put_back(target, old)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        old.parent.mkdir(parents=True, exist_ok=True)
        target.rename(old)
    try:
        new.rename(target)
    except OSError:
        _put_back(target, old)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _put_back(target: Path, old: Path) -> None:
    """Put an old folder back where none took its place; remove it where one did."""
    if old.exists() and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        old.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def old_of(project: Project, name: str) -> Path:
    """Return where the folder `name` of the results stands while another takes its place."""
    return _aside(project) / "replaced" / name / _OLD


def unranked(project: Project) -> bool:
    """Return whether results came in since the leaderboard was last written."""
    return _unranked(project).exists()


def ranked(project: Project) -> None:
    """Note that the leaderboard knows of all results."""
    _unranked(project).unlink(missing_ok=True)


def _unranked(project: Project) -> Path:
    return project.scratch / "unranked"


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
