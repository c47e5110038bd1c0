"""What does not add up in a real study shows in its report and in `check`; a sound one shows
nothing, whatever was run."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from quick_study import add_cell, edit, ninefold, report_of

from ninefold.history import HISTORY

pytestmark = pytest.mark.slow

CODES = {"NF207", "NF208", "NF214", "NF217", "NF218", "NF219", "NF220", "NF221", "NF222"}
SPOT, SIZE, FINAL = "5-experiments/1-spot-check", "5-experiments/2-batch-size", "7-final-model"
TITLE = "**This study does not add up:**"
UNSTATED = "winner=None, difference=None, confidence=None"
STATED = "winner='batch of 64', difference=0.05, confidence=0.7"
VERSION_1 = Path(__file__).parents[1] / "data" / "projects" / "version-1"


def shown(root):
    """Render the report; return what it says does not add up."""
    ninefold(root, "report")
    first, _, _ = report_of(root).partition("**Contents**")
    _, found, rest = first.partition(TITLE)
    return [line for line in rest.splitlines() if line.startswith("> - ")] if found else []


def codes(root):
    command = [sys.executable, "-m", "ninefold", "check", "--json"]
    done = subprocess.run(command, cwd=root, capture_output=True, encoding="utf-8")
    return CODES & {finding["code"] for finding in json.loads(done.stdout)["findings"]}


def rewrite_log(root, change):
    path = root / HISTORY
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(change(lines)))


def test_a_sound_study_shows_nothing_whatever_was_run(study, tmp_path):
    assert (shown(study), codes(study)) == ([], set())
    ninefold(study, "run", "--force", "2-data-summary", SIZE)
    ninefold(study, "run")
    ninefold(study, "status", "--prune")
    ninefold(study, "run", "--force", "7")  # the same model: scored again, no other look
    assert (shown(study), codes(study)) == ([], set())

    text = (study / "ninefold.toml").read_text("utf-8")
    grid = f'\n[sections."{SIZE}".grid]\nsizes = [[16], [32]]\n'
    (study / "ninefold.toml").write_text(text + grid)
    ninefold(study, "run", f"{SIZE}@sizes=[16]")
    (study / "ninefold.toml").write_text(text)
    add_cell(study, "4-baseline", "1 / 0")
    ninefold(study, "run", "4-baseline", status=1)
    assert (shown(study), codes(study)) == ([], set())

    clone = tmp_path / "elsewhere"
    shutil.copytree(study, clone, ignore=shutil.ignore_patterns(".git", ".ninefold"))
    for path in clone.rglob("*"):
        os.utime(path, (1e9, 1e9))
    assert (shown(clone), codes(clone)) == ([], set())


def test_a_study_of_an_older_version_says_for_which_results_no_log_can_vouch(tmp_path):
    root = Path(shutil.copytree(VERSION_1, tmp_path / "older"))
    said = "results are older than the log, which cannot vouch for them. (NF218)"
    assert (shown(root), codes(root)) == ([f"> - 3 {said}"], {"NF218"})
    ninefold(root, "run", "--force", "4-baseline")
    assert (shown(root), codes(root)) == ([f"> - 2 {said}"], {"NF218"})


def test_an_edited_record_shows(study):
    path = study / "results" / SPOT / "record.json"
    path.write_text(path.read_text("utf-8").replace('"fits": ', '"fits": 1', 1), "utf-8")
    said = f"> - {SPOT}: its record was changed after the run that wrote it. (NF217)"
    assert shown(study) == [said]
    assert codes(study) == {"NF217"}
    ninefold(study, "run", "--force", SPOT)
    assert shown(study) == []


def test_a_deleted_log_shows_and_does_so_after_the_next_run_too(study):
    (study / HISTORY).unlink()
    assert shown(study)[0] == (
        "> - The log of runs and looks is missing beside 9 results that it had listed. (NF218)"
    )
    assert codes(study) == {"NF218"}
    ninefold(study, "run", "--force", "2-data-summary")
    assert "it knew nothing of results that 9 sections already had" in shown(study)[0]
    assert codes(study) == {"NF214", "NF218"}


def test_a_line_taken_out_of_the_log_shows(study):
    rewrite_log(study, lambda lines: lines[:2] + lines[3:])
    assert "its chain is broken in 1 place" in shown(study)[0]
    assert codes(study) == {"NF214", "NF218"}


def test_an_extra_look_shows(study):
    other = "from dataclasses import replace\\n\\n"
    other += "model = study.train_final(replace(study.best(), batch_size=16))"
    notebook = study / "sections" / f"{FINAL}.ipynb"
    edit(notebook, "model = study.train_final(choice.final)", other)
    ninefold(study, "run", "7")
    said = (
        "The hold-out was looked at 2 times: its score is no longer that of rows nobody had seen."
    )
    assert shown(study) == [f"> - {said} (NF207)"]
    assert codes(study) == {"NF207"}


def test_another_seed_after_the_look_shows(study):
    edit(study / "ninefold.toml", "seed = 1", "seed = 2")
    changed = "The settings hold out other rows than those that were looked at: study.seed 1 → 2."
    assert shown(study) == [f"> - {changed} (NF220)"]
    assert codes(study) == {"NF220"}


def test_a_forecast_that_was_made_up_afterwards_shows(study):
    """Results, log and all are deleted and made again; git keeps what came first."""
    who = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgSign=false")

    def commit():
        for arguments in (["add", "--all"], [*who, "commit", "--quiet", "-m", "x"]):
            subprocess.run(["git", "-C", str(study), *arguments], check=True)

    commit()
    edit(study / "sections" / f"{SIZE}.ipynb", UNSTATED, STATED)
    shutil.rmtree(study / "results" / SIZE)
    ninefold(study, "run", SIZE)
    ninefold(study, "report")
    assert "stated only after the first result" in report_of(study)  # by the log
    shutil.rmtree(study / "results" / SIZE)
    rewrite_log(study, lambda lines: [])
    for folder in (study / "results").iterdir():
        if folder.is_dir() and folder.name != "5-experiments":
            shutil.rmtree(folder)
    shutil.rmtree(study / "results/5-experiments")
    ninefold(study, "run", SIZE)
    commit()
    (said,) = [line for line in shown(study) if "NF219" in line]
    assert said.startswith(f"> - {SIZE}: its forecast follows its first result: the commit ")
    assert "NF219" in codes(study)
