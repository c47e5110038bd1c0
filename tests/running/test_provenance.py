"""The commit of a run is one that holds the project; else there is none."""

import pytest
from git_repository import make_repository

from ninefold.running.provenance import commit


@pytest.fixture
def git(tmp_path):
    (tmp_path / "study").mkdir()
    (tmp_path / "study/ninefold.toml").touch()
    (tmp_path / "other.txt").touch()
    return make_repository(tmp_path)


def test_a_project_in_no_repository_has_no_commit(tmp_path):
    assert commit(tmp_path) == {}


def test_a_project_without_a_commit_has_none(git, tmp_path):
    git("add", "--all")
    assert commit(tmp_path / "study") == {}


@pytest.mark.parametrize("ignored", [True, False])
def test_a_project_that_an_outer_repository_does_not_hold_has_no_commit(git, tmp_path, ignored):
    if ignored:
        (tmp_path / ".gitignore").write_text("study/\n")
    git("add", "other.txt")
    git("commit", "--quiet", "-m", "x")
    assert commit(tmp_path / "study") == {}


def test_a_project_inside_a_repository_that_holds_it_has_its_own_state(git, tmp_path):
    git("add", "--all")
    git("commit", "--quiet", "-m", "x")
    head = git("rev-parse", "HEAD")
    root = tmp_path / "study"
    (tmp_path / "other.txt").write_text("changed")
    (root / "results").mkdir()
    (root / "results/x").touch()
    assert commit(root) == {"commit": head, "changes": "none"}
    (root / "ninefold.toml").write_text("changed")
    assert commit(root) == {"commit": head, "changes": "some, not committed"}


def test_the_repository_that_the_shell_names_is_not_asked(git, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    git_dir = tmp_path / "elsewhere"
    git_dir.mkdir()
    assert commit(git_dir) == {}
