"""A cell that fails in one experiment of a real study: what runs, what does not, what is shown."""

import json

import pytest
from quick_study import add_cell, findings, ninefold, report_of

pytestmark = pytest.mark.slow


def test_a_failing_experiment_stops_what_reads_it_and_the_report_shows_it(study):
    failing, other = "5-experiments/2-batch-size", "5-experiments/3-weight-regularization"
    add_cell(study, failing, "print('so far')\nraise ValueError('no | such batch')")
    add_cell(study, other, "'one cell more'")
    done = ninefold(study, "run", "--all", status=1)
    assert f"ran {other} in " in done.stdout
    for reader in ("6-improvements/1-random-search", "6-improvements/2-model-averaging"):
        assert f"not run: {reader} needs {failing}, which failed\n" in done.stdout
    assert f"not run: 7-final-model needs {failing}, which failed\n" in done.stdout
    assert f"failed {failing} in cell 6 after " in done.stderr
    assert "→   2  raise ValueError('no | such batch')\n" in done.stderr

    kept = study / "results" / failing / "failure" / "notebook.ipynb"
    outputs = json.loads(kept.read_text("utf-8"))["cells"][-1]["outputs"]
    assert [output["output_type"] for output in outputs] == ["stream", "error"]
    assert str(study) not in kept.read_text("utf-8")

    ninefold(study, "report")
    report = report_of(study)
    assert "[5.2 Batch size](#52-batch-size) · **failed**\n" in report
    _, _, section = report.partition("\n### 5.2 Batch size\n")
    said = "**The last run of this section failed** in cell 6: ValueError: no &#124; such batch"
    assert said in section.partition("\n### 5.3 ")[0]
    assert "What follows is from the run before." in section
    found = findings(study, status=1)
    assert found["NF205"] == [
        f"sections/{failing}.ipynb: its last run failed in cell 6: ValueError: no | such batch"
    ]
