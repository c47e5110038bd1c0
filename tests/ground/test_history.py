"""The log of looks: no line of it is lost, and none forgotten for being damaged."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from ninefold.looks import LOOKS, log_look, mend_looks, read_looks

from ninefold.errors import NinefoldError
from ninefold.files import Files

ROOT = Path(__file__).parents[2]
LOOK = {"counted": True, "configuration": "a", "content": "b", "score": 0.5, "keys": {"5-x": "c"}}


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def write(files, *lines):
    files.write(LOOKS, "".join(f"{line}\n" for line in lines))


def test_a_log_that_is_not_there_holds_no_look(files):
    assert (read_looks(files).count, read_looks(files).broken) == (0, False)
    assert mend_looks(files) == ""
    assert files.walk("results") is not None
    assert list(files.walk("results")) == []


def test_what_is_logged_is_read_and_only_new_pairs_count(files):
    for counted in (True, False, True):
        log_look(files, {**LOOK, "counted": counted})
    found = read_looks(files)
    assert found.looks[0] == LOOK
    assert (found.count, found.damaged, found.broken) == (2, 0, False)
    assert mend_looks(files) == ""


DAMAGED = [
    "3", "{}", "[]", '{"counted": 1}', '{"counted": true, "keys": []}', '{"counted": tr', "\0",
    '{"counted": true, "score": NaN}', '{"counted": true, "keys": {"a": 1}}', "[" * 100_000,
    '{"damaged": -5, "kept": "x", "time": "x"}', '{"damaged": "x"}', '{"damaged": 1, "kept": "x"}',
]  # fmt: skip


@pytest.mark.parametrize("line", DAMAGED)
def test_a_line_that_cannot_be_read_counts_as_a_look(files, line):
    write(files, json.dumps(LOOK), line)
    found = read_looks(files)
    assert (found.count, found.damaged, found.broken, len(found.looks)) == (2, 1, True, 1)


def test_a_damaged_log_is_kept_said_and_goes_on_with_all_that_it_counted(files, tmp_path):
    write(files, json.dumps(LOOK), "half of a li", json.dumps({**LOOK, "counted": False}))
    before = (tmp_path / LOOKS).read_bytes()
    assert mend_looks(files) == (
        "the log of looks at the hold-out was damaged: 1 line cannot be read and counts as a look; "
        "it is kept as results/holdout-damaged-1.jsonl, and what could be read of it goes on"
    )
    assert (tmp_path / "results/holdout-damaged-1.jsonl").read_bytes() == before
    found = read_looks(files)
    assert (found.count, found.damaged, found.broken, len(found.looks)) == (2, 1, False, 2)
    assert mend_looks(files) == ""


def test_one_that_is_damaged_again_forgets_nothing(files, tmp_path):
    write(files, json.dumps(LOOK), "x")
    mend_looks(files)
    with (tmp_path / LOOKS).open("a") as file:
        file.write("y\nz\n")
    assert read_looks(files).count == 4
    assert "results/holdout-damaged-2.jsonl" in mend_looks(files)
    assert read_looks(files).count == 4
    log_look(files, LOOK)
    assert read_looks(files).count == 5


@pytest.mark.parametrize("what", ["a folder", "a link", "not UTF-8"])
def test_what_is_no_log_in_its_place_is_put_aside_and_counts_as_a_look(files, tmp_path, what):
    path = tmp_path / LOOKS
    path.parent.mkdir()
    if what == "a folder":
        path.mkdir()
    elif what == "a link":
        (tmp_path.parent / "elsewhere.jsonl").write_text(json.dumps(LOOK))
        path.symlink_to(tmp_path.parent / "elsewhere.jsonl")
    else:
        path.write_bytes(b"\xff\xfe\n")
    assert read_looks(files).count == 1
    assert mend_looks(files)
    assert (read_looks(files).count, read_looks(files).broken) == (1, False)
    assert path.is_file()
    assert not path.is_symlink()


@pytest.mark.parametrize("failing", ["write", "move"])
def test_a_log_that_could_not_be_mended_counts_as_much(files, tmp_path, failing, monkeypatch):
    write(files, json.dumps(LOOK), "half of a li")
    if failing == "move":  # it cannot be copied, and a kill comes right after
        (tmp_path / LOOKS).rename(tmp_path / "results/holdout-damaged-1.jsonl")
    else:
        written = []

        def fail(self, name, content):
            if written:
                raise NinefoldError("No space left on device")
            written.append(name)
            (tmp_path / name).write_bytes(content)

        monkeypatch.setattr(Files, "write", fail)
        with pytest.raises(NinefoldError, match="No space"):
            mend_looks(files)
        monkeypatch.undo()
    assert (read_looks(files).count, read_looks(files).broken) == (2, True)
    assert "damaged: 1 line cannot be read" in mend_looks(files)
    assert (read_looks(files).count, read_looks(files).broken) == (2, False)
    assert mend_looks(files) == ""


def test_the_log_that_was_kept_last_goes_on_where_a_run_was_stopped(files, tmp_path):
    write(files, json.dumps(LOOK), "half", json.dumps(LOOK), "another half")
    old = tmp_path / "results/holdout-damaged-5.jsonl"
    old.write_text("of long ago\n")
    assert "holdout-damaged-6" in mend_looks(files)
    (tmp_path / LOOKS).unlink()
    assert (read_looks(files).count, read_looks(files).broken) == (4, True)
    assert old.read_text() == "of long ago\n"


def test_a_log_that_is_no_file_is_put_aside(files, tmp_path):
    (tmp_path / LOOKS).mkdir(parents=True)
    assert "damaged" in mend_looks(files)
    assert (tmp_path / "results/holdout-damaged-1.jsonl").is_dir()
    assert (read_looks(files).count, read_looks(files).broken) == (1, False)


@pytest.fixture
def git(tmp_path):
    """Return a function that runs git in the project, as nobody, and gives its exit status."""
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    settings = ("user.name=x", "user.email=x", "commit.gpgSign=false", "init.defaultBranch=main")
    options = [part for setting in settings for part in ("-c", setting)]

    def run(*arguments):
        command = ["git", "-C", str(tmp_path), *options, *arguments]
        return subprocess.run(command, env=os.environ | own, capture_output=True).returncode

    assert run("init", "--quiet") == 0
    return run


def merge_two_branches(files, git, before):
    """Log a look on each of two branches, that have `before` in common, and merge them; return
    git's exit status."""
    (files.root / "any").touch()
    for look in before:
        log_look(files, look)
    assert git("add", "--all") == git("commit", "--quiet", "-m", "both") == 0
    for branch, start in (("mine", "main"), ("theirs", "main")):
        assert git("checkout", "--quiet", "-b", branch, start) == 0
        log_look(files, {**LOOK, "configuration": branch})
        assert git("add", "--all") == git("commit", "--quiet", "-m", branch) == 0
    return git("merge", "--quiet", "mine")


@pytest.mark.parametrize("before", [[], [LOOK]])
def test_a_merge_keeps_the_looks_of_both_branches_of_a_generated_project(files, git, before):
    attributes = ROOT / "template/{{cookiecutter.slug}}/.gitattributes"
    files.write(".gitattributes", attributes.read_bytes())
    assert merge_two_branches(files, git, before) == 0
    found = read_looks(files)
    assert {look["configuration"] for look in found.looks[len(before) :]} == {"mine", "theirs"}
    assert (found.count, found.trouble, found.broken) == (2 + len(before), "", False)


@pytest.mark.parametrize("style", ["merge", "diff3"])
def test_the_looks_of_both_sides_of_a_conflict_count_and_are_kept(files, git, style):
    assert git("config", "merge.conflictStyle", style) == 0
    assert merge_two_branches(files, git, [LOOK]) == 1
    assert "<<<<<<<" in (files.root / LOOKS).read_text()
    found = read_looks(files)
    assert (found.count, found.damaged, found.broken) == (3, 0, True)
    conflict = "git left a conflict in it, and the looks of both sides count"
    assert found.trouble == conflict
    assert mend_looks(files) == (
        f"the log of looks at the hold-out was damaged: {conflict}; "
        "it is kept as results/holdout-damaged-1.jsonl, and what could be read of it goes on"
    )
    assert read_looks(files).looks == found.looks
    assert (read_looks(files).trouble, read_looks(files).broken) == ("", False)


def test_damage_in_a_conflict_counts_as_ever(files):
    write(files, "<<<<<<< HEAD", json.dumps(LOOK), "=======", "half", ">>>>>>> theirs")
    found = read_looks(files)
    assert (found.count, found.damaged) == (2, 1)
    assert found.trouble.endswith("count; 1 line cannot be read and counts as a look")
    assert mend_looks(files)
    assert (read_looks(files).count, read_looks(files).broken) == (2, False)
