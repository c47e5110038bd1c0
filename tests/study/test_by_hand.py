"""A notebook that a person opens, not `ninefold run`: it shows what it finds, and says that it
records nothing."""

import nbformat
import pytest
from nbclient import NotebookClient
from tiny_project import SETTINGS, judged, write_notebook

from ninefold.errors import NinefoldError
from ninefold.history import append, read_history
from ninefold.project import Project
from ninefold.records import Record, write_record
from ninefold.study import finale
from ninefold.study.by_hand import number_by_hand, section_by_hand
from ninefold.study.notebook import Study, open_study
from ninefold.study.recorder import Recorder

SPOT_CHECK, AVERAGE, FINAL = "5-experiments/1-x", "6-improvements/2-y", "7-final-model"
NOTHING = "Opened by hand: nothing that this notebook finds is recorded."


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Return a project with results of sections 5 and 6, the best of them in section 6."""
    root = tmp_path / "a study"
    root.mkdir()
    (root / "ninefold.toml").write_text(SETTINGS)
    for score, section in ((0.5, SPOT_CHECK), (0.4, AVERAGE)):
        folder = root / "results" / section
        folder.mkdir(parents=True)
        write_record(folder, Record(section=section, evaluations={section[-1]: judged(score)}))
    for section in (SPOT_CHECK, AVERAGE, FINAL):
        write_notebook(root, section, "import ninefold\nstudy = ninefold.open_study()")
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    return root


@pytest.fixture
def said(monkeypatch):
    """Return what is displayed, as text."""
    lines = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: lines.append(data))
    return lines


@pytest.mark.parametrize("kind", ["in its folder", "absolute", "of another folder", "VS Code"])
def test_the_section_is_the_one_that_jupyter_or_vs_code_opened(root, monkeypatch, kind):
    folder = root / "sections/6-improvements"
    monkeypatch.chdir(root if kind == "VS Code" else folder)
    path = str(folder / "2-y.ipynb")
    names = {"in its folder": "2-y.ipynb", "of another folder": "a/6-improvements/2-y.ipynb"}
    if kind == "VS Code":
        monkeypatch.setattr("ninefold.study.by_hand._opened_by_vs_code", lambda: path)
    else:
        monkeypatch.setenv("JPY_SESSION_NAME", names.get(kind, path))
    assert section_by_hand(Project(root)) == AVERAGE


@pytest.mark.parametrize("named", ["", "Untitled.ipynb", "/elsewhere/9-z.ipynb"])
def test_a_notebook_that_no_program_names_is_no_section(root, monkeypatch, named):
    monkeypatch.chdir(root / "sections")
    monkeypatch.setenv("JPY_SESSION_NAME", named)
    assert section_by_hand(Project(root)) == ""


@pytest.mark.parametrize(
    ("folder", "number"),
    [("sections/6-improvements", 6), ("sections", 7), (".", 7), ("..", 7)],
)
def test_the_number_of_a_section_that_is_not_named_is_that_of_its_folder(
    root, monkeypatch, folder, number
):
    monkeypatch.chdir(root / folder)
    assert number_by_hand(Project(root)) == number


@pytest.mark.parametrize(
    ("folder", "named", "best"),
    [
        ("sections", "7-final-model.ipynb", "y"),
        ("sections", "", "y"),
        ("sections/6-improvements", "", "x"),
        ("sections/6-improvements", "2-y.ipynb", "x"),
    ],
)
def test_the_best_network_by_hand_is_that_of_the_sections_before(
    root, monkeypatch, said, folder, named, best
):
    monkeypatch.chdir(root / folder)
    monkeypatch.setenv("JPY_SESSION_NAME", named)
    monkeypatch.setattr(Study, "metric", "log_loss")
    assert open_study().best().name == best


def test_a_study_opened_by_hand_says_once_that_nothing_is_recorded_and_what_records_it(
    root, monkeypatch, said
):
    monkeypatch.chdir(root / "sections")
    monkeypatch.setenv("JPY_SESSION_NAME", "7-final-model.ipynb")
    study = open_study()
    study.fact("{n} row", n=1)
    assert [data["text/plain"] for data in said] == [
        f"⚠ {NOTHING} 'ninefold run 7-final-model' records it.", "⚙ 1 row"
    ]  # fmt: skip


def test_a_run_says_nothing_of_the_kind(root, monkeypatch, said):
    for name, value in (("PROJECT", root), ("SECTION", FINAL), ("OUTPUT", root / "out")):
        monkeypatch.setenv(f"NINEFOLD_{name}", str(value))
    assert not open_study().recorder.by_hand
    assert said == []


@pytest.fixture
def study(root, monkeypatch):
    """Return a study opened by hand whose final model and hold-out have the digests a and b."""
    pair = {"configuration": "a", "content": "b"}
    monkeypatch.setattr(finale, "_pair", lambda study, fit: pair)
    monkeypatch.setattr(Study, "metric", "log_loss")
    return Study(Project(root), Recorder("", None))


def test_a_model_that_no_run_has_judged_is_not_judged_by_hand(study):
    with pytest.raises(NinefoldError) as refused:
        study.look_at_holdout(None, {})
    assert str(refused.value) == (
        "no run has judged this model on the hold-out; a notebook opened by hand logs no look, and "
        "so judges no new model there; ninefold run 7-final-model"
    )
    assert read_history(study.project.files).count == 0


def test_a_model_that_a_run_has_judged_is_judged_by_hand_and_not_logged(study):
    append(study.project.files, "look", {"configuration": "a", "content": "b", "counted": True})
    fit = finale.FinalFit(
        variant=study.best(), folder=study.project.root, model=None, rows=1, parameters=1,
        seconds=1.0, members=(),
    )  # fmt: skip
    finale._must_have_looked(study, fit)
    looks, _ = finale._log_look(study, fit, 0.5)
    assert (looks, len(read_history(study.project.files).looks)) == (1, 1)


def test_a_kernel_started_by_hand_says_it_and_writes_nothing(root):
    def tree():
        return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}

    before = tree()
    notebook = nbformat.read(root / "sections/7-final-model.ipynb", 4)
    place = {"metadata": {"path": str(root / "sections")}}
    NotebookClient(notebook, kernel_name="python3", resources=place).execute()
    (output,) = notebook.cells[0].outputs
    assert output["data"]["text/plain"] == f"⚠ {NOTHING} 'ninefold run SECTION' records it."
    assert tree() == before
