"""A finished study is touched in one place: exactly what depends on that is stale, and says why."""

import json

import pytest
from quick_study import add_cell, edit, ninefold, record_of

pytestmark = pytest.mark.slow

SUMMARY, HARNESS, BASELINE, FINAL = (
    *("2-data-summary", "3-test-harness", "4-baseline", "7-final-model"),
)
EXPERIMENTS = (
    *("5-experiments/1-spot-check", "5-experiments/2-batch-size"),
    "5-experiments/3-weight-regularization",
)
SEARCH, AVERAGING = "6-improvements/1-random-search", "6-improvements/2-model-averaging"
AGAIN = "; to look again: ninefold run 7"
ALL = (SUMMARY, HARNESS, BASELINE, *EXPERIMENTS, SEARCH, AVERAGING, FINAL)


def stale(root):
    rows = json.loads(ninefold(root, "status", "--json").stdout)["sections"]
    why = {row["section"]: row["why"] for row in rows if row["state"] not in ("prose", "fresh")}
    if FINAL in why:  # it waits to be named
        assert why[FINAL].endswith(AGAIN)
        why[FINAL] = why[FINAL].removesuffix(AGAIN)
    return why


def install(folder, name, version):
    """Have Python find this version of a library before the one that is installed."""
    information = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    information.mkdir(parents=True)
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (information / "METADATA").write_text(metadata)


def test_one_row_of_the_data_makes_every_section_stale(study):
    edit(study / "data/penguins.csv", "39.1,18.7,181,3750,", "39.1,18.7,181,3751,")
    assert stale(study) == dict.fromkeys(ALL, "data/penguins.csv changed")


def test_one_model_function_makes_stale_what_imports_the_models(study):
    edit(study / "penguins/models.py", "DecisionTreeClassifier(max_depth=4)", "None")
    importing = [section for section in ALL if section not in (SUMMARY, HARNESS)]
    assert stale(study) == dict.fromkeys(importing, "penguins/models.py changed")


def test_one_parameter_makes_its_section_stale_and_those_that_read_it(study):
    edit(study / "ninefold.toml", "sizes = [64]", "sizes = [32]")
    changed = "5-experiments/2-batch-size"
    reads = f"reads {changed}, which is stale"
    assert stale(study) == {
        changed: "parameter sizes changed from [64] to [32]",
        **dict.fromkeys((SEARCH, AVERAGING, FINAL), reads),
    }


def test_one_setting_makes_stale_what_reads_it(study):
    edit(study / "ninefold.toml", "epochs = 5", "epochs = 6")
    reads = f"reads {EXPERIMENTS[0]}, which is stale"
    assert stale(study) == {
        **dict.fromkeys((HARNESS, *EXPERIMENTS, SEARCH), "harness.epochs changed from 5 to 6"),
        **dict.fromkeys((AVERAGING, FINAL), reads),
    }


def test_another_version_of_scikit_learn_makes_every_section_stale(study, tmp_path, monkeypatch):
    then = record_of(study, BASELINE)["key"]["libraries"]["scikit-learn"]
    install(tmp_path / "other", "scikit-learn", "99.1")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "other"))
    why = f"scikit-learn changed from {then} to 99.1"
    assert stale(study) == dict.fromkeys(ALL, why)


def test_a_library_that_one_notebook_imports_counts_for_that_alone(study, tmp_path, monkeypatch):
    add_cell(study, SUMMARY, "import hypothesis")
    said = ninefold(study, "run", SUMMARY).stdout
    assert said.startswith(f"ran {SUMMARY} in ")
    libraries = record_of(study, SUMMARY)["key"]["libraries"]
    beside = libraries.keys() - record_of(study, BASELINE)["key"]["libraries"].keys()
    assert "hypothesis" in beside
    assert beside <= {"hypothesis", "sortedcontainers", "attrs"}, "and what that imports"
    install(tmp_path / "other", "hypothesis", "99.1")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "other"))
    why = f"hypothesis changed from {libraries['hypothesis']} to 99.1"
    assert stale(study) == {SUMMARY: why}


def test_prose_and_outputs_make_nothing_stale(study):
    edit(study / "sections/1-problem.md", "# Problem description", "# The problem")
    path = study / f"sections/{BASELINE}.ipynb"
    notebook = json.loads(path.read_text("utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = "Other words."
        else:
            cell["execution_count"] = 3
    path.write_text(json.dumps(notebook), "utf-8")
    assert stale(study) == {}


def test_no_section_depends_on_what_it_does_not_read(study):
    """What is seen of each section, in full: too little would miss a change, too much re-run."""
    models = {"penguins/__init__.py", "penguins/models.py"}
    files = {name: set(record_of(study, name)["key"]["files"]) for name in ALL}
    expected = {name: {"data/penguins.csv", *models} for name in ALL}
    expected[SUMMARY] = expected[HARNESS] = {"data/penguins.csv"}
    expected[FINAL] |= {"penguins/"}  # the look at the hold-out names the models it was taken with
    assert files == expected
