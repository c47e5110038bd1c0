"""Results appear whole or not at all, and a run that was killed is mended by the next."""

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from tiny_project import SETTINGS

from ninefold.errors import NinefoldError
from ninefold.project import Project
from ninefold.records import RECORD_FILE
from ninefold.running.failures import Failure, read_failure
from ninefold.running.kernels.folders import run_folders
from ninefold.running.lock import locked
from ninefold.running.results import (
    check_folders,
    check_writable,
    clear,
    install,
    install_failure,
    old_of,
    recover,
    stage,
)
from ninefold.running.runner import run

SECTION = "5-experiments/1-spot-check"
SHARED = Path("/dev/shm")
TWO_DISKS = SHARED.is_dir() and SHARED.stat().st_dev != Path(tempfile.gettempdir()).stat().st_dev


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path)
    project.scratch.mkdir()  # as whoever has the lock finds it
    return project


def aside_of(project, name):
    return project.files.place(old_of(project, name))


def failing(error):
    return Failure(SECTION, error, "")


def staged(project, text):
    staging = stage(project, SECTION)
    (staging / "record.json").write_text(text)
    return staging


def record(project):
    return (project.results_of(SECTION) / "record.json").read_text()


def names(folder):
    return [path.name for path in folder.iterdir()]


def test_new_results_replace_old_ones_and_leave_nothing_else(project):
    install(project, SECTION, staged(project, "old"))
    (project.results_of(SECTION) / "failure").mkdir()
    install(project, SECTION, staged(project, "new"))
    assert names(project.results_of(SECTION)) == ["record.json"]
    assert record(project) == "new"
    assert not aside_of(project, SECTION).exists()


def test_a_stage_is_nobody_else_s(project):
    other = staged(project, "of a run that was killed, whose kernel may write yet")
    own = stage(project, SECTION)
    assert names(own) == []
    assert own != other


def kill_between_the_renames(project, name):
    aside = aside_of(project, name)
    aside.parent.mkdir(parents=True)
    (project.results / name).rename(aside)


@pytest.mark.parametrize("failed", [False, True])
def test_old_results_come_back_where_no_new_ones_took_their_place(project, failed):
    install(project, SECTION, staged(project, "old"))
    if failed:
        staging = staged(project, "of the failure")  # a record of its own: a forecast is in it
        install_failure(project, SECTION, staging, failing("KeyError"))
    kill_between_the_renames(project, SECTION)
    recover(project)
    assert record(project) == "old"
    assert read_failure(project, SECTION) == (failing("KeyError") if failed else None)
    assert not aside_of(project, SECTION).exists()


def test_an_old_failure_comes_back_where_no_new_one_took_its_place(project):
    install(project, SECTION, staged(project, "old"))
    install_failure(project, SECTION, stage(project, SECTION), failing("KeyError"))
    kill_between_the_renames(project, f"{SECTION}/failure")
    recover(project)
    assert record(project) == "old"
    assert read_failure(project, SECTION) == failing("KeyError")


def test_new_results_stay_where_only_the_removal_of_old_ones_is_missing(project):
    install(project, SECTION, staged(project, "new"))
    aside = aside_of(project, SECTION)
    aside.mkdir(parents=True)
    (aside / "record.json").write_text("old")  # killed after the second rename
    recover(project)
    assert record(project) == "new"
    assert not aside.exists()


def test_what_a_killed_run_was_making_goes(project):
    staging = staged(project, "half")
    recover(project)
    assert not staging.exists()


def test_a_failure_leaves_old_results_and_replaces_the_failure_before(project):
    install(project, SECTION, staged(project, "old"))
    for error in ("KeyError", "ValueError"):
        staging = stage(project, SECTION)
        (staging / "notebook.ipynb").write_text(error)
        install_failure(project, SECTION, staging, failing(error))
    assert record(project) == "old"
    assert read_failure(project, SECTION) == failing("ValueError")
    folder = project.results_of(SECTION) / "failure"
    assert (folder / "notebook.ipynb").read_text() == "ValueError"


def test_a_section_that_never_failed_has_no_failure(project):
    assert read_failure(project, SECTION) is None


def test_results_that_cannot_be_written_are_said_in_one_line(project):
    project.results.write_text("a file where the folder should be")
    with pytest.raises(NinefoldError, match=r"results cannot be written to \(File exists\)"):
        check_writable(project)


def test_results_that_are_a_link_to_another_disk_are_made_there(project, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    project.results.symlink_to(elsewhere)
    rename = Path.rename

    def across(path, target):  # as Linux does where Docker mounts two folders of one disk
        disks = {elsewhere in folder.resolve().parents for folder in (path, target)}
        if len(disks) > 1:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", across)
    staging = staged(project, "old")
    assert staging.is_relative_to(elsewhere)  # a kernel must not take it for the project's
    install(project, SECTION, staging)
    install(project, SECTION, staged(project, "new"))
    install_failure(project, SECTION, staged(project, "failed"), failing("KeyError"))
    assert record(project) == "new"
    clear(project)
    assert names(elsewhere) == ["5-experiments"]


def test_who_looks_into_the_results_of_a_run_under_way_sees_only_whole_ones(project):
    install(project, SECTION, staged(project, "old"))
    staged(project, "new")
    assert list(project.results.rglob(RECORD_FILE)) == [project.results_of(SECTION) / RECORD_FILE]
    kill_between_the_renames(project, SECTION)
    assert list(project.results.rglob(RECORD_FILE)) == []


@pytest.mark.skipif(not TWO_DISKS, reason="needs /dev/shm on a disk of its own")
@pytest.mark.parametrize("there", [False, True])
def test_results_that_were_moved_to_another_disk_or_back_are_mended(project, there):
    install(project, SECTION, staged(project, "old"))
    with tempfile.TemporaryDirectory(dir=SHARED) as other:
        elsewhere = Path(other, "results")
        if not there:
            move_results(project, elsewhere)
        kill_between_the_renames(project, SECTION)
        half = staged(project, "half")
        if there:
            move_results(project, elsewhere)
        else:
            project.results.unlink()
            shutil.move(elsewhere, project.results)
        recover(project)
        assert record(project) == "old"
        assert names(project.results) == ["5-experiments"]
        assert not half.exists()


def move_results(project, elsewhere):
    shutil.move(project.results, elsewhere)
    project.results.symlink_to(elsewhere)


def test_an_orderly_end_leaves_only_results(project):
    install(project, SECTION, staged(project, "old"))
    install(project, SECTION, staged(project, "new"))
    staged(project, "half")
    clear(project)
    assert names(project.results) == ["5-experiments"]


def test_old_results_that_could_not_be_put_back_are_never_cleared_away(project):
    install(project, SECTION, staged(project, "old"))
    kill_between_the_renames(project, SECTION)
    clear(project)
    recover(project)
    assert record(project) == "old"


def link(path):
    path.symlink_to(path.parent)


@pytest.fixture
def notebook(project):
    """A project with a notebook, of which nothing but its name counts."""
    path = project.root / "sections" / f"{SECTION}.ipynb"
    path.parent.mkdir(parents=True)
    path.touch()
    (project.root / "ninefold.toml").write_text(SETTINGS)
    return Project(project.root)


@pytest.mark.parametrize("name", ["results/5-experiments", f"results/{SECTION}"])
@pytest.mark.parametrize("make", [Path.touch, link])
def test_what_is_no_folder_in_the_place_of_results_is_said_in_one_line(notebook, name, make):
    check_folders(notebook)  # there is none yet
    path = notebook.root / name
    path.parent.mkdir(parents=True)
    check_folders(notebook)
    make(path)
    with pytest.raises(NinefoldError, match=f"^{name} is not a folder, or on another disk"):
        check_folders(notebook)


def test_a_disk_of_their_own_for_some_results_is_said_in_one_line(notebook, monkeypatch):
    notebook.results_of(SECTION).mkdir(parents=True)
    lstat = Path.lstat

    def other_disk(path):
        found = lstat(path)
        return os.stat_result([*found[:2], found.st_dev + (path.name in SECTION), *found[3:]])

    monkeypatch.setattr(Path, "lstat", other_disk)
    with pytest.raises(NinefoldError, match="results/5-experiments is not a folder, or on another"):
        check_folders(notebook)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_results_folder_is_said_in_one_line(project):
    project.results.mkdir(mode=0o555)
    with pytest.raises(NinefoldError, match=r"cannot be written to \(Permission denied\)"):
        check_writable(project)


def test_two_runs_at_once_are_refused_and_the_owner_is_named(project):
    refused = pytest.raises(NinefoldError, match=rf"another run .* \(process {os.getpid()}\)")
    with locked(project), refused, locked(project):
        pass
    with locked(project):
        pass


def test_a_dead_owner_does_not_keep_the_lock(project):
    take = (
        "import os, pathlib, sys\n"
        "from ninefold.project import Project\n"
        "from ninefold.running.lock import locked\n"
        "locked(Project(pathlib.Path(sys.argv[1]))).__enter__()\n"
        "os._exit(9)\n"
    )
    died = subprocess.run([sys.executable, "-c", take, str(project.root)])
    assert died.returncode == 9
    with locked(project):
        assert (project.scratch / "lock").read_text() == str(os.getpid())


def test_a_run_with_nothing_to_do_removes_the_temporary_files_of_a_killed_one(tmp_path):
    (tmp_path / "ninefold.toml").write_text(SETTINGS)
    with run_folders(tmp_path) as left:
        assert run(Project(tmp_path), print) == ()
        assert not any(folder.exists() for folder in left)


@pytest.mark.skipif(not TWO_DISKS, reason="needs /dev/shm on a disk of its own")
@pytest.mark.parametrize("on_another_disk", [False, True])
def test_what_a_kill_left_half_written_goes_with_the_next_run(tmp_path, on_another_disk):
    (tmp_path / "ninefold.toml").write_text(SETTINGS)
    with tempfile.TemporaryDirectory(dir=SHARED) as other:
        if on_another_disk:
            (tmp_path / "results").symlink_to(other)
        run(Project(tmp_path), print)
        write = (
            "import os, sys\nfrom pathlib import Path\nfrom ninefold.files import Files\n"
            "Path.replace = lambda *_: os._exit(9)\nFiles(Path.cwd()).write(sys.argv[1], 'x')"
        )
        for name in ("results/leaderboard.csv", "README.md"):
            done = subprocess.run([sys.executable, "-c", write, name], cwd=tmp_path)
            assert done.returncode == 9
        left = [p for p in (*tmp_path.rglob("*"), *Path(other).rglob("*")) if p.name[-9:-8] == "-"]
        assert [path.parent.name for path in left] == [".ninefold"] * 2
        assert run(Project(tmp_path), print) == ()
        assert not any(path.exists() for path in left)
