"""The commit of a run is one that holds the project; else there is none."""

import pytest
from git_repository import make_repository
from tiny_project import SETTINGS

from ninefold.project import Project
from ninefold.running import provenance

CODE = ("study/ninefold.toml", "study/sections/1-x.ipynb", "study/penguins/models.py")


def commit(root):
    return provenance.commit(Project(root))


@pytest.fixture(autouse=True)
def _project(tmp_path):
    for name in (*CODE, "study/README.md", "other.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    (tmp_path / "study/ninefold.toml").write_text(SETTINGS)


@pytest.fixture
def git(tmp_path):
    return make_repository(tmp_path)


def test_a_project_in_no_repository_has_no_commit(tmp_path):
    assert commit(tmp_path / "study") == {}


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


@pytest.mark.parametrize("ignored", ["study/*\n!study/README.md", *CODE, "study/sections/"])
def test_what_was_run_and_is_not_in_a_commit_has_none(git, tmp_path, ignored):
    (tmp_path / ".gitignore").write_text(f"{ignored}\n")
    git("add", "--all")
    git("commit", "--quiet", "-m", "x")
    assert commit(tmp_path / "study") == {}


@pytest.mark.parametrize("name", ["sections/2-y.ipynb", "penguins/more.py"])
def test_code_that_git_ignores_is_a_change(git, tmp_path, name):
    (tmp_path / ".gitignore").write_text(f"study/{name}\n__pycache__\n.ipynb_checkpoints\n")
    git("add", "--all")
    git("commit", "--quiet", "-m", "x")
    root = tmp_path / "study"
    for other in ("penguins/__pycache__/models.pyc", "sections/.ipynb_checkpoints/1-x.ipynb"):
        (root / other).parent.mkdir()
        (root / other).touch()
    assert commit(root)["changes"] == "none"
    (root / name).touch()
    assert commit(root)["changes"] == "some, not committed"


def test_a_project_inside_a_repository_that_holds_it_has_its_own_state(git, tmp_path):
    git("add", "--all")
    git("commit", "--quiet", "-m", "x")
    head = git("rev-parse", "HEAD")
    root = tmp_path / "study"
    (tmp_path / "other.txt").write_text("changed")
    (root / "results").mkdir()
    (root / "results/x").touch()
    assert commit(root) == {"commit": head, "changes": "none"}
    (root / "ninefold.toml").write_text(f"{SETTINGS}\n# changed\n")
    assert commit(root) == {"commit": head, "changes": "some, not committed"}


def test_the_repository_that_the_shell_names_is_not_asked(git, tmp_path, monkeypatch):
    git("add", "--all")
    git("commit", "--quiet", "-m", "x")
    head = git("rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert commit(tmp_path / "study")["commit"] == head
