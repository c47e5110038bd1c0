"""Results of sections that are gone: named by `ninefold status`, removed by its `--prune`."""

import json

import pytest
from click.testing import CliRunner
from tiny_project import SETTINGS, write_notebook

from ninefold.cli import main
from ninefold.project import Project
from ninefold.running.lock import locked

KEPT = "5-experiments/1-spot-check"
GONE = "5-experiments/2-batch-size"
FAILED = "6-improvements/1-random-search"
POINT = f"{KEPT}@size=1"


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Return a project with results of one section, of two that are gone, and of a gone point."""
    root = tmp_path / "a study"
    root.mkdir()
    (root / "ninefold.toml").write_text(SETTINGS)
    write_notebook(root, KEPT, "1")
    for section in (KEPT, GONE, POINT):
        leave(root, section, "record.json")
    leave(root, FAILED, "failure/failure.json")
    (root / "results/history.jsonl").write_text('{"counted": true}\n')
    monkeypatch.chdir(root)
    return root


def leave(root, section, file, of=None):
    """Write what a run leaves of a section; `of`: of another one."""
    path = root / "results" / section / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"record_schema": 1, "section": of or section}))


def status(*options):
    result = CliRunner().invoke(main, ["status", *options])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_status_names_results_of_sections_that_are_gone_and_removes_nothing(root):
    assert json.loads(status("--json"))["left_over"] == [POINT, GONE, FAILED]
    said, *names = status().splitlines()[-4:]
    assert said == (
        "results of sections or points of grids that are gone, used by nothing; "
        "'ninefold status --prune' removes them:"
    )
    assert names == [f"  results/{name}" for name in (POINT, GONE, FAILED)]
    assert (root / "results" / GONE).is_dir()


def test_prune_removes_them_and_nothing_else(root):
    said = status("--prune").splitlines()[-3:]
    assert said == [f"removed results/{name}" for name in (POINT, GONE, FAILED)]
    left = {str(path.relative_to(root)) for path in root.rglob("results/**/*") if path.is_file()}
    assert left == {"results/history.jsonl", f"results/{KEPT}/record.json"}
    assert not (root / "results/6-improvements").exists()
    assert json.loads(status("--prune", "--json")) | {"sections": []} == {
        "sections": [], "left_over": [], "unnumbered": [], "pruned": []
    }  # fmt: skip


def test_a_section_turned_into_prose_is_gone(root):
    notebook = root / "sections" / f"{KEPT}.ipynb"
    notebook.rename(notebook.with_suffix(".md"))
    assert KEPT in Project(root).left_over


@pytest.mark.parametrize("what", ["of another", "unreadable", "a link", "a link to its record"])
def test_what_no_run_has_left_there_is_kept_and_said(root, what):
    name = "4-baseline-old"
    folder = root / "results" / name
    other = root / "mine"
    other.mkdir()
    (other / "record.json").write_text(json.dumps({"record_schema": 1, "section": GONE}))
    if what == "of another":
        leave(root, name, "record.json", of="4-baseline")
    elif what == "a link":
        name = GONE
        (root / "results" / GONE / "record.json").unlink()
        (root / "results" / GONE).rmdir()
        (root / "results" / GONE).symlink_to(other)
    else:
        leave(root, name, "record.json")
        (folder / "record.json").unlink()
        if what == "unreadable":
            (folder / "record.json").write_text("{")
        else:
            (folder / "record.json").symlink_to(other / "record.json")
    said = status("--prune")
    assert (root / "results" / name).exists()
    assert (other / "record.json").is_file()
    assert f"removed results/{name}" not in said
    if what != "a link":  # which no walk follows: it is not even named
        assert f"kept results/{name}: a link, or its record is not one that a run left" in said
        assert name in json.loads(status("--prune", "--json"))["left_over"]


def test_a_notebooks_old_results_around_those_of_others_are_kept(root):
    leave(root, "5-experiments", "record.json")
    status("--prune")
    assert (root / "results/5-experiments/record.json").is_file()
    assert (root / "results" / KEPT / "record.json").is_file()


def test_nothing_is_pruned_while_a_run_is_under_way(root):
    with locked(Project(root)):
        result = CliRunner().invoke(main, ["status", "--prune"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("ninefold: another run is under way in a study")
    assert (root / "results" / GONE).is_dir()
