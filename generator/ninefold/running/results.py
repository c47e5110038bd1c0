"""The results folders: written aside, exchanged whole, and mended after a run that was killed.

In the project's scratch folder `staging/<unique>/<section>` is what a run is making and
`replaced/<section>/@old` what it is about to replace. A section's folder is only ever renamed into
place, so a kill leaves the old one, the new one, or the old one in `replaced`. Where results lie on
another disk, both are in `results/.ninefold`, which no section is seen to read. `unranked` in the
scratch folder says that the leaderboard does not know of all results.
"""

import errno
import json
import stat
import tempfile
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from ninefold.bounded import RECORD, is_half_written, write_whole
from ninefold.errors import NinefoldError
from ninefold.files import SCRATCH
from ninefold.plain_json import pretty
from ninefold.project import Project
from ninefold.records import RECORD_FILE
from ninefold.running.failures import FAILURE, Failure
from ninefold.running.run_log import log_undone

NOTEBOOK = "notebook.ipynb"

_OLD = "@old"  # no section, figure or model has such a name
_SCRATCH, _AMONG_RESULTS = SCRATCH, f"results/{SCRATCH}"
_UNRANKED = f"{SCRATCH}/unranked"
_ROOM = 2**20  # bytes that must be free before a notebook is worth executing


def recover(project: Project) -> None:
    """Mend what a run that was killed left: put old results back where no new ones are.

    Only for who holds the project's lock.
    """
    for replaced in (f"{_SCRATCH}/replaced", f"{_AMONG_RESULTS}/replaced"):
        for name in _old_ones(project, replaced):
            here, old = old_of(project, name), f"{replaced}/{name}/{_OLD}"
            if here != old:  # the results were moved to another disk since, or back
                project.files.remove(here)  # half, where this was killed, too
                project.files.move(old, here, across_disks=True)
            _put_back(project, name)
    staging = [f"{aside}/staging" for aside in (_SCRATCH, _AMONG_RESULTS)]
    names = project.files.names
    if folders := [f"{made}/{name}" for made in staging for name in names(made)]:
        log_undone(project.files, folders)
    clear(project)


def clear(project: Project) -> None:
    """Remove what runs were making, and did not make; but no old results, where those could not be
    put back."""
    files = project.files
    with suppress(OSError):  # what cannot be removed now, the next run removes
        for aside in (_SCRATCH, _AMONG_RESULTS):
            for name in files.names(aside):
                if is_half_written(name):
                    files.remove(f"{aside}/{name}")
            files.remove(f"{aside}/staging")
            if not any(_old_ones(project, f"{aside}/replaced")):
                files.remove(f"{aside}/replaced")
        if not files.names(_AMONG_RESULTS):
            files.remove(_AMONG_RESULTS)


def prune(project: Project) -> tuple[str, ...]:
    """Remove the results of sections and points that are gone, and return their ids; but no link,
    and nothing whose record is not ninefold's, of that very name.

    Only for who holds the project's lock.
    """
    gone = tuple(section for section in project.left_over if _is_a_runs(project, section))
    for section in gone:
        folder = PurePosixPath("results", section)
        project.files.remove(folder)
        for around in folder.parents[:-2]:
            if not project.files.names(around):
                project.files.remove(around)
    return gone


def _is_a_runs(project: Project, section: str) -> bool:
    """Tell whether the folder of these results is one that a run has made."""
    files, folder = project.files, f"results/{section}"
    if files.place(folder).is_symlink():
        return False
    for name in (f"{folder}/{RECORD_FILE}", f"{folder}/{FAILURE}/failure.json"):
        with suppress(FileNotFoundError, NinefoldError):  # what cannot be read is nobody's
            content = files.json(name, RECORD)
            if isinstance(content, dict) and content.get("section") == section:
                return True
    return False


def _old_ones(project: Project, replaced: str) -> list[str]:
    """Return the names of the results that stand aside in a folder."""
    end = f"/{_OLD}"
    found = [name for name in project.files.folders(replaced) if name.endswith(end)]
    return [name.removeprefix(f"{replaced}/").removesuffix(end) for name in found]


def _aside(project: Project) -> str:
    """Return the folder from which another can be renamed into the results."""
    return _SCRATCH if _renames(project) else _AMONG_RESULTS


def _renames(project: Project) -> bool:
    source, target = (project.files.place(name) for name in (f"{_SCRATCH}/x", "results/x"))
    with suppress(FileNotFoundError):  # there are no results yet
        if source.parent.stat().st_dev != target.parent.stat().st_dev:
            return False
    try:  # Docker may mount two folders of one disk. Linux says so of what is not there, too
        source.with_name(_OLD).rename(target.with_name(_OLD))
    except OSError as error:
        return error.errno != errno.EXDEV
    return True


def check_writable(project: Project) -> None:
    """Raise NinefoldError, before minutes of work, where their results could not be kept."""
    try:
        with tempfile.TemporaryFile(dir=project.files.make_folder("results")) as file:
            file.write(bytes(_ROOM))
    except OSError as error:
        raise NinefoldError(
            f"{project.results} cannot be written to ({error.strerror})",
            todo="free some space, or change who may write there",
        ) from None


def check_folders(project: Project) -> None:
    """Raise NinefoldError, as early, where no folder could be renamed to a section's results."""
    disk = None
    for name in _folders(project):
        with suppress(FileNotFoundError):
            found = project.files.place(name).lstat()
            disk = disk or found.st_dev
            if not stat.S_ISDIR(found.st_mode) or found.st_dev != disk:
                raise NinefoldError(
                    f"{name} is not a folder, or on another disk",
                    "results are made elsewhere and renamed into place",
                    "move it away; all of results/ may be on another disk, and a link to there",
                )


def _folders(project: Project) -> list[str]:
    """Return the names of the folders that results lie in, each after those around it."""
    sections = [PurePosixPath("results", task.id) for task in project.tasks]
    return sorted(
        {str(folder) for section in sections for folder in (section, *section.parents[:-1])}
    )


def stage(project: Project, section: str) -> Path:
    """Make and return an empty folder for a section's new results.

    No other run ever has the same: a kernel that outlives a killed run cannot write into it.
    Raises NinefoldError where there is no room for results.
    """
    check_writable(project)
    project.files.make_folder(_SCRATCH)  # a worker elsewhere has none
    # Where `results` is a link, the one name that says that this is not the project's.
    staging = project.files.make_folder(f"{_aside(project)}/staging")
    folder = Path(tempfile.mkdtemp(dir=staging)) / section
    folder.mkdir(parents=True)
    return folder


def install(project: Project, section: str, staging: Path) -> None:
    """Put `staging` where the section's results are, in place of the old ones."""
    project.files.write(_UNRANKED, "")
    _exchange(project, section, staging)


def install_failure(project: Project, section: str, staging: Path, failure: Failure) -> None:
    """Keep the executed notebook and the record in `staging`, and what failed, beside the section's
    old results."""
    _put_back(project, section)  # where `install` could not
    new = staging.with_name(f"{staging.name}-{FAILURE}")
    new.mkdir()
    for name in (NOTEBOOK, RECORD_FILE):  # the record: a forecast must not follow what was seen
        with suppress(FileNotFoundError):
            (staging / name).rename(new / name)
    write_whole(new / "failure.json", pretty(failure.as_json()))
    _exchange(project, f"{section}/{FAILURE}", new)
    with suppress(OSError):
        project.files.remove(staging)


def _exchange(project: Project, name: str, new: Path) -> None:
    files, target, old = project.files, f"results/{name}", old_of(project, name)
    _put_back(project, name)
    if files.exists(target):
        files.move(target, old)
    try:
        files.move(new, target)
    except OSError:
        _put_back(project, name)
        raise
    with suppress(OSError):
        files.remove(old)


def _put_back(project: Project, name: str) -> None:
    """Put old results back where none took their place; remove them where some did."""
    files, target, old = project.files, f"results/{name}", old_of(project, name)
    if files.exists(old) and not files.exists(target):
        files.move(old, target)
    with suppress(OSError):
        files.remove(old)


def old_of(project: Project, name: str) -> str:
    """Return where the folder `name` of the results stands while another takes its place."""
    return f"{_aside(project)}/replaced/{name}/{_OLD}"


def unranked(project: Project) -> bool:
    """Return whether results came in since the leaderboard was last written."""
    return project.files.exists(_UNRANKED)


def ranked(project: Project) -> None:
    """Note that the leaderboard knows of all results."""
    project.files.remove(_UNRANKED)


def write_notebook(path: Path, notebook: dict[str, Any]) -> None:
    """Write a notebook as nbformat does, but never a NaN, which no notebook may hold."""
    text = json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_whole(path, text + "\n")
