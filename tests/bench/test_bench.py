"""The figures of the benchmark: what is multiplied, compared and called met; and that it runs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from board import draw
from ledger import summarise, total_seconds
from rich.console import Console
from runs import Entry, Job, Scale, plan_jobs, run_job


def outcome(seconds, scores=(0.9, 1.0), **more):
    return {
        "seconds": seconds,
        "scores": list(scores),
        "engine": "xla",
        "rows": 569,
        "peak_bytes": 300 * 2**20,
    } | more


def fit(*fold_seconds, scores=(0.9, 0.7)):
    found = outcome(0.0, scores, fold_seconds=list(fold_seconds))
    del found["seconds"]
    return found


def entry(group, label, way="ninefold", **given):
    return Entry(group, label, Job(way, "plain", **given))


def race(fit_seconds=4.0, scikit_learn=4.0, ninefold=2.0):
    return [
        (entry("plain", "model.fit", "model.fit"), fit(fit_seconds, fit_seconds)),
        (entry("plain", "scikit-learn, 1 job", "scikit-learn"), outcome(scikit_learn)),
        (entry("plain", "ninefold"), outcome(ninefold, (0.9, 0.9, 0.3))),
    ]


def of(summary, label):
    return next(row for row in summary["rows"] if row["label"] == label)


def test_the_fold_that_warms_up_counts_once_and_the_others_mean_for_the_rest():
    job = Job("model.fit", "plain", folds=10, repeats=3)
    assert total_seconds(fit(9.0, 3.0, 5.0), job) == 9 + 29 * 4


def test_a_fit_timed_on_all_folds_is_their_sum():
    assert total_seconds(fit(3.0, 1.0, 2.0), Job("model.fit", "plain", 3, 1)) == 6


def test_ratios_are_to_model_fit():
    summary = summarise(race(fit_seconds=4, scikit_learn=3, ninefold=2))
    assert [row["ratio"] for row in summary["rows"]] == [1, 40, 60]


def test_scores_are_shown_over_the_folds_that_all_ways_ran_too():
    found = of(summarise(race()), "ninefold")
    assert found["score"] == pytest.approx(0.7)
    assert found["shared_score"] == pytest.approx(0.9)
    assert found["shared_folds"] == 2


def test_the_median_of_the_rounds_counts():
    rounds = [(entry("plain", "ninefold"), outcome(seconds)) for seconds in (1.0, 9.0, 2.0)]
    found = of(summarise(rounds), "ninefold")
    assert found["seconds"] == 2
    assert found["samples"] == [1, 9, 2]


@pytest.mark.parametrize(("ninefold", "met"), [(2.4, True), (2.41, False)])
def test_a_target_is_met_from_its_ratio_on(ninefold, met):
    first = summarise(race(fit_seconds=4, ninefold=ninefold))["targets"][0]
    assert first["claim"] == "plain MLP: at least 50 times faster than model.fit"
    assert first["met"] is met


@pytest.mark.parametrize(("ten", "met"), [(7.9, True), (8.0, False)])
def test_ten_variants_are_held_against_one(ten, met):
    measured = [
        (entry("variants", "1", variants=1), outcome(2.0)),
        (entry("variants", "10", variants=10), outcome(ten)),
    ]
    (target,) = summarise(measured)["targets"]
    assert target["measured"] == ten / 2
    assert target["met"] is met


def test_a_way_that_broke_is_shown_and_leaves_the_others_their_ratios():
    measured = [*race()[:2], (race()[2][0], {"failed": "MemoryError"})]
    summary = summarise(measured)
    assert of(summary, "ninefold")["failed"] == "MemoryError"
    assert of(summary, "scikit-learn, 1 job")["ratio"] == 30
    assert [target["claim"] for target in summary["targets"]] == []
    assert "failed" in drawn(summary)


def test_the_table_shows_seconds_ratio_score_and_verdict():
    shown = drawn(summarise(race()))
    assert "│ plain MLP │ model.fit" in shown
    line = next(line for line in shown.splitlines() if "ninefold  " in line)
    assert [cell.strip() for cell in line.strip("│").split("│")] == [
        "", "ninefold", "2.00", "60", "0.700", "0.900", "300", "xla",
    ]  # fmt: skip
    assert "measured on 2 of 30 folds" in shown
    assert "at least 50 times faster than model.fit: 60 met" in shown


def test_a_summary_is_plain_json():
    summary = summarise(race())
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_only_what_is_asked_for_is_planned():
    planned = plan_jobs(Scale(), ["cnn", "variants"])
    assert [entry.label for entry in planned] == ["model.fit", "ninefold", "1", "2", "5", "10"]


def test_a_job_runs_in_a_process_and_reports_its_scores_and_memory():
    found = run_job(Job("scikit-learn", "plain", folds=3, repeats=1, epochs=2))
    assert len(found["scores"]) == 3
    assert found["seconds"] > 0
    assert found["peak_bytes"] > 2**20


def test_a_process_that_breaks_is_told_by_its_last_line():
    assert "no network like" in run_job(Job("scikit-learn", "cnn"))["failed"]


@pytest.mark.slow
def test_a_quick_benchmark_compares_all_three_ways(tmp_path):
    script = Path(__file__).with_name("bench.py")
    command = [sys.executable, script, "--quick", "--only", "plain", "--json", tmp_path / "b.json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    report = json.loads((tmp_path / "b.json").read_text())
    assert {row["job"]["way"] for row in report["rows"]} == {
        "model.fit",
        "scikit-learn",
        "ninefold",
    }
    assert all(0.6 < row["score"] <= 1 for row in report["rows"])
    assert "times faster" in done.stdout


def drawn(summary):
    console = Console(width=120)
    with console.capture() as capture:
        console.print(draw(summary))
    return capture.get()
