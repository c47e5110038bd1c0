"""What keeps a study honest: forecasts that came first, and a count of looks at the hold-out."""

import pytest
from quick_study import PENGUINS, edit, findings, new_study, ninefold, record_of, report_of

from ninefold.files import Files
from ninefold.history import read_history

pytestmark = pytest.mark.slow

SECTION = "5-experiments/2-batch-size"
UNSTATED = "winner=None, difference=None, confidence=None"
FIRST = "winner='batch of 64', difference=0.05, confidence=0.7"
LATER = "winner='control', difference=0.4, confidence=0.9"


def notebook(root, section=SECTION):
    return root / "sections" / f"{section}.ipynb"


def shown(root):
    """Return the lines of the forecast's table in the report."""
    ninefold(root, "report")
    lines = report_of(root).splitlines()
    return [line for line in lines if line.startswith(("| **Forecast**", "| **Outcome**"))]


def test_a_forecast_made_before_the_first_result_stands_beside_the_outcome(tmp_path):
    root = tmp_path / "study"
    new_study(root, PENGUINS, "--target", "species", "--no-git")
    edit(notebook(root), UNSTATED, FIRST)
    ninefold(root, "run", SECTION)
    forecast, outcome = shown(root)
    before = "| **Forecast**, stated before the first result | batch of 64 | 0.050 | 70 % sure |"
    assert forecast == before
    found = record_of(root, SECTION)["values"]["outcome"]
    assert outcome.startswith(f"| **Outcome** | {found['winner']} | ")
    assert outcome.endswith(f" | {found['verdict']} |")

    edit(notebook(root), FIRST, LATER)  # makes nothing stale
    assert f"kept {SECTION}" in ninefold(root, "run", SECTION).stdout
    ninefold(root, "run", "--force", SECTION)
    late = "| **Forecast**, stated only after the first result | control | 0.400 | 90 % sure |"
    assert shown(root)[:2] == [before, late]
    had = "had" if found["winner"] == "batch of 64" else "did not have"
    assert f"The forecast's winner {had} the best mean: Brier score" in report_of(root)
    assert "Of 1 forecast, stated at 70 % on average, " in report_of(root)
    assert not findings(root, status=1).keys() & {"NF217", "NF218", "NF219"}


def test_a_forecast_made_after_the_first_result_is_marked_so(study):
    assert record_of(study, SECTION)["forecast"] == {"stated": "never"}
    edit(notebook(study), UNSTATED, LATER)
    ninefold(study, "run", "--force", SECTION)
    (forecast, _) = shown(study)
    assert forecast == (
        "| **Forecast**, stated only after the first result | control | 0.400 | 90 % sure |"
    )


def counted(root):
    return [look["counted"] for look in read_history(Files(root)).looks]


def test_only_another_final_model_is_another_look_at_the_holdout(study):
    ninefold(study, "run", "--force", "7-final-model")
    assert counted(study) == [True, False]
    ninefold(study, "report")
    assert "looked at once" in report_of(study)
    assert not findings(study).keys() & {"NF207", "NF208"}

    other = "from dataclasses import replace\\n\\n"
    other += "model = study.train_final(replace(study.best(), batch_size=16))"
    edit(notebook(study, "7-final-model"), "model = study.train_final(choice.final)", other)
    said = ninefold(study, "run").stdout
    assert "7-final-model waits, because it looks at the hold-out (stale: " in said
    assert counted(study) == [True, False]
    ninefold(study, "run", "7")
    assert counted(study) == [True, False, True]
    ninefold(study, "report")
    assert "rows, looked at 2 times</sub>" in report_of(study)
    assert "> This is look number 2: " in report_of(study)
    assert findings(study)["NF207"] == ["results/history.jsonl: it was looked at 2 times"]

    edit(study / "ninefold.toml", "sizes = [64]", "sizes = [16]")
    ninefold(study, "run", SECTION)
    (since,) = findings(study, status=1)["NF208"]
    assert since.endswith(f"changed since the first look: {SECTION}")
