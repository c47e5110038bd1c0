"""A notebook that takes the rows of the hold-out by itself is logged, ninefold's verbs are not."""

import pytest
from tiny_project import SETTINGS

from ninefold.history import read_history
from ninefold.project import Project
from ninefold.study.notebook import Study
from ninefold.study.recorder import Recorder


@pytest.fixture
def project(tmp_path):
    (tmp_path / "ninefold.toml").write_text(SETTINGS)
    return Project(tmp_path)


def opened(project, output="out"):
    folder = project.files.make_folder(output) if output else None
    return Study(project, Recorder("4-baseline", folder))


def reads(project):
    return [entry["section"] for entry in read_history(project.files).of("read")]


def test_a_notebook_that_takes_the_holdout_is_logged_once(project):
    study = opened(project)
    study.development()
    assert study.split.without_target == 0
    study.show("overview")  # which says how many rows it has
    assert reads(project) == []
    assert len(study.split.holdout) == 30
    assert len(study.split.holdout.frame) == 30
    study.holdout_inputs()
    assert reads(project) == ["4-baseline"]
    assert read_history(project.files).count == 0


def test_a_cell_that_ends_in_the_split_shows_no_row_of_the_holdout(project):
    split = opened(project).split
    assert "holdout" not in repr(split)
    assert "development=" in repr(split)
    assert reads(project) == []


def test_its_inputs_are_of_the_holdout_too(project):
    opened(project).holdout_inputs()
    assert reads(project) == ["4-baseline"]


def test_by_hand_nothing_is_logged(project):
    assert len(opened(project, output="").split.holdout) == 30
    assert not (project.root / "results").exists()


def test_which_rows_were_read_is_in_the_record(project):
    study = opened(project)
    study.development()
    found = study.recorder.record.run["data"]
    assert found["source"] == "builtin:iris"
    assert found["sha256"] == opened(project).split.sha256
    assert len(found["sha256"]) == 64
