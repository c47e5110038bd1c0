"""Section 7 in a kernel that a person started, as Jupyter does."""

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from quick_study import edit, files

pytestmark = pytest.mark.slow


def test_the_final_model_by_hand_is_shown_as_a_run_has_judged_it_and_no_other(study):
    results = files(study / "results")
    shown = [name for cell in execute(study) for name in displays(cell)]
    assert {"choice", "candidates", "holdout", "importance"} <= {*shown}
    assert files(study / "results") == results

    path = study / "sections/7-final-model.ipynb"
    other = "from dataclasses import replace\\n\\n"
    other += "model = study.train_final(replace(study.best(), batch_size=16))"
    edit(path, "model = study.train_final(choice.final)", other)
    with pytest.raises(CellExecutionError, match="no run has judged this model on the hold-out"):
        execute(study)
    assert files(study / "results") == results


def execute(root):
    """Return the code cells of section 7 after all of them ran."""
    notebook = nbformat.read(root / "sections/7-final-model.ipynb", 4)
    place = {"metadata": {"path": str(root / "sections")}}
    NotebookClient(notebook, kernel_name="python3", timeout=600, resources=place).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def displays(cell):
    pointers = (output.get("data", {}) for output in cell.outputs)
    mime = "application/vnd.ninefold+json"
    return [data[mime]["name"] for data in pointers if mime in data]
