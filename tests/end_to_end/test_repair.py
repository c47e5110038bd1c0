"""Whatever is broken, or older, the run that replaces it goes through; nothing is begun anew in
silence."""

import json
import shutil
from pathlib import Path

import pytest
from quick_study import edit, findings, ninefold, record_of, report_of

from ninefold.files import Files
from ninefold.history import read_history

pytestmark = pytest.mark.slow

VERSION_1 = Path(__file__).parents[1] / "data" / "projects" / "version-1"
SPOT = "5-experiments/1-spot-check"
SECTIONS = ("4-baseline", SPOT, "7-final-model")


@pytest.fixture
def older(tmp_path):
    """A copy of the project of version 1."""
    return Path(shutil.copytree(VERSION_1, tmp_path / "an older study"))


def as_of_another_version(root):
    """Turn every file that has a version into one of another."""
    for path in root.rglob("*.json"):
        text = path.read_text("utf-8")
        text = text.replace('"record_schema": 1', '"record_schema": 0')
        path.write_text(text.replace('"schema": 1', '"schema": 0'), "utf-8")
    for path in (root / "results").rglob("notebook.ipynb"):
        path.write_text(path.read_text("utf-8").replace('"schema": 1', '"schema": 0'), "utf-8")


def test_a_project_of_version_1_is_read_by_this_version(older):
    status = json.loads(ninefold(older, "status", "--json").stdout)
    assert {row["section"] for row in status["sections"]} >= set(SECTIONS)
    ninefold(older, "report")
    found = findings(older)
    assert not found.keys() & {"NF203", "NF205", "NF209", "NF212", "NF214", "NF215"}
    assert "final model" in report_of(older)
    (older / "new.csv").write_text(
        "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n5,3,1,0.2\n"
    )
    said = ninefold(older, "predict", "new.csv").stdout
    assert said.splitlines()[0].startswith("species,probability of setosa,")


def test_records_of_another_version_are_said_and_replaced_by_a_run(older):
    as_of_another_version(older)
    rows = json.loads(ninefold(older, "status", "--json").stdout)["sections"]
    why = {row["section"]: row["why"] for row in rows if row["state"] == "stale"}
    broken = "its record is broken or of another version"
    again = {"7-final-model": f"{broken}; to look again: ninefold run 7"}
    assert why == dict.fromkeys(SECTIONS, broken) | again
    assert len(findings(older, status=1)["NF212"]) == len(SECTIONS)
    said = ninefold(older, "report", status=1).stderr
    assert said.count("\n") == 1
    assert "has the record version 0; this ninefold reads 1; run the section again" in said
    (older / "new.csv").write_text("a\n1\n")
    said = ninefold(older, "predict", "new.csv", status=1).stderr
    assert "holds a model of another version of ninefold; run section 7 again" in said
    ninefold(older, "run", "--all")
    ninefold(older, "report")
    assert "final model" in report_of(older)
    assert all(record_of(older, section)["record_schema"] == 1 for section in SECTIONS)


def broken_record(path):
    path.write_text(path.read_text("utf-8")[:500], "utf-8")


def linked_record(path):
    path.unlink()
    path.symlink_to("/dev/zero")


def other_types(path):
    path.write_text('{"record_schema": 1, "section": [], "evaluations": {"a": 3}}', "utf-8")


@pytest.mark.parametrize("harm", [broken_record, linked_record, other_types])
def test_a_broken_record_does_not_stop_the_run_that_replaces_it(older, harm):
    harm(older / "results" / SPOT / "record.json")
    broken_record(older / "results" / SPOT / "notebook.ipynb")
    said = ninefold(older, "run", SPOT)
    assert f"ran {SPOT}" in said.stdout
    record = record_of(older, SPOT)
    assert record["evaluations"]
    # no forecast was stated; one that is stated now would not precede the first result
    assert record["forecast"] == {"stated": "never"}
    unreadable = [fact for fact in record["facts"] if "cannot be read" in fact["text"]]
    assert len(unreadable) == (harm is not other_types)


def test_a_forecast_that_preceded_a_broken_record_is_not_taken_for_one_that_did(older):
    broken_record(older / "results" / SPOT / "record.json")
    stated = 'winner=\\"linear\\", difference=0.1, confidence=0.7'
    edit(
        older / "sections" / f"{SPOT}.ipynb",
        "study.forecast(winner=None, difference=None, confidence=None)",
        f"study.forecast({stated})",
    )
    ninefold(older, "run", SPOT)
    assert record_of(older, SPOT)["forecast"]["stated"] == "after"


@pytest.mark.parametrize("content", ["{", '{"error": []}'])
def test_a_broken_failure_does_not_stop_the_run_that_replaces_it(older, content):
    folder = older / "results" / "4-baseline" / "failure"
    folder.mkdir()
    (folder / "failure.json").write_text(content)
    rows = json.loads(ninefold(older, "status", "--json").stdout)["sections"]
    assert rows[1]["state"] == "failed"
    assert rows[1]["why"].startswith("its last run failed: results/4-baseline/failure/failure.json")
    assert "NF205" in findings(older, status=1)
    ninefold(older, "run", "4-baseline")
    assert not folder.exists()


def test_a_damaged_log_of_looks_is_kept_and_its_looks_are_counted(older):
    log = older / "results" / "holdout.jsonl"
    log.write_text(log.read_text("utf-8") + '{"counted": true, "co', "utf-8")
    damaged = log.read_bytes()
    assert len(findings(older, status=1)["NF214"]) == 1
    said = ninefold(older, "run", "--force", "7-final-model").stdout
    assert "damaged" not in said
    assert log.read_bytes() == damaged
    assert read_history(Files(older)).of("taken")[0]["damaged"] == 1
    assert record_of(older, "7-final-model")["values"]["looks"] >= 2
    found = findings(older, status=1)
    said = "results/history.jsonl: 1 line cannot be read and counts as a look"
    assert said in found["NF214"]
    assert "it was looked at" in found["NF207"][0]
