"""Results appear whole or not at all, and a run that was killed is mended by the next."""

import os
import subprocess
import sys

import pytest

from ninefold.errors import NinefoldError
from ninefold.project import Project
from ninefold.running.lock import locked
from ninefold.running.results import (
    check_writable,
    install,
    install_failure,
    old_of,
    read_failure,
    recover,
    stage,
)

SECTION = "5-experiments/1-spot-check"


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


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
    assert not old_of(project, SECTION).exists()


def test_a_stage_is_nobody_else_s(project):
    other = staged(project, "of a run that was killed, whose kernel may write yet")
    own = stage(project, SECTION)
    assert names(own) == []
    assert own != other


def kill_between_the_renames(project, name):
    aside = old_of(project, name)
    aside.parent.mkdir(parents=True)
    (project.results / name).rename(aside)


@pytest.mark.parametrize("failed", [False, True])
def test_old_results_come_back_where_no_new_ones_took_their_place(project, failed):
    install(project, SECTION, staged(project, "old"))
    if failed:
        staging = staged(project, "of the failure")  # a record of its own: a forecast is in it
        install_failure(project, SECTION, staging, {"error": "KeyError"})
    kill_between_the_renames(project, SECTION)
    recover(project)
    assert record(project) == "old"
    assert read_failure(project, SECTION) == ({"error": "KeyError"} if failed else None)
    assert not old_of(project, SECTION).exists()


def test_an_old_failure_comes_back_where_no_new_one_took_its_place(project):
    install(project, SECTION, staged(project, "old"))
    install_failure(project, SECTION, stage(project, SECTION), {"error": "KeyError"})
    kill_between_the_renames(project, f"{SECTION}/failure")
    recover(project)
    assert record(project) == "old"
    assert read_failure(project, SECTION) == {"error": "KeyError"}


def test_new_results_stay_where_only_the_removal_of_old_ones_is_missing(project):
    install(project, SECTION, staged(project, "new"))
    aside = old_of(project, SECTION)
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
        install_failure(project, SECTION, staging, {"error": error})
    assert record(project) == "old"
    assert read_failure(project, SECTION) == {"error": "ValueError"}
    folder = project.results_of(SECTION) / "failure"
    assert (folder / "notebook.ipynb").read_text() == "ValueError"


def test_a_section_that_never_failed_has_no_failure(project):
    assert read_failure(project, SECTION) is None


def test_results_that_cannot_be_written_are_said_in_one_line(project):
    project.results.write_text("a file where the folder should be")
    with pytest.raises(NinefoldError, match=r"results cannot be written to \(File exists\)"):
        check_writable(project)


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
