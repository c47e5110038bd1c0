"""What makes which sections stale, on a project whose results are settled without executing."""

import json

import nbformat.v4
import pytest

from ninefold.project import Project
from ninefold.records import Record, read_record, write_record
from ninefold.running.keys import difference, own_keys, staleness

NOTEBOOKS = (
    "2-data-summary",
    "4-baseline",
    "5-experiments/1-spot-check",
    "5-experiments/2-batch-size",
    "6-improvements/1-random-search",
    "7-final-model",
)
SETTINGS = """
[study]
title = "Penguins"
package = "penguins"
[data]
source = "data/penguins.csv"
target = "species"
[harness]
folds = 10
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "ninefold.toml").write_text(SETTINGS)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/penguins.csv").write_text("mass,species\n3750,Adelie\n")
    (tmp_path / "penguins").mkdir()
    (tmp_path / "penguins/models.py").write_text("def network(): ...\n")
    for name in NOTEBOOKS:
        write_notebook(tmp_path, name, "rate = 0.1", "## Intent")
    settle(Project(tmp_path))
    return Project(tmp_path)


def write_notebook(root, name, code, prose):
    path = root / "sections" / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    parameters = nbformat.v4.new_code_cell(code, metadata={"tags": ["parameters"]})
    cells = [nbformat.v4.new_markdown_cell(prose), parameters]
    path.write_text(json.dumps(nbformat.v4.new_notebook(cells=cells)), "utf-8")


def settle(project):
    keys = own_keys(project)
    for section in project.sections:
        record = Record(section=section.id, key=keys.of(section))
        write_record(project.results_of(section.id), record)


def stale(project):
    fresh_look = Project(project.root)
    reasons = {section.id: staleness(fresh_look, section) for section in fresh_look.sections}
    return {section: reason for section, reason in reasons.items() if reason}


def replace(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_settled_results_are_fresh(project):
    assert stale(project) == {}


def test_a_section_without_a_record_was_never_run(project):
    (project.results / "4-baseline/record.json").unlink()
    assert stale(project) == {"4-baseline": "never run"}


def test_prose_outputs_and_descriptions_make_nothing_stale(project):
    path = project.root / "sections/4-baseline.ipynb"
    notebook = json.loads(path.read_text())
    notebook["cells"][0]["source"] = "## Intent\n\nTo know the least that a model must do."
    notebook["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "1"}]
    notebook["cells"][1]["execution_count"] = 7
    path.write_text(json.dumps(notebook))
    replace(project.root / "ninefold.toml", 'title = "Penguins"', 'title = "P"\nauthor = "A"')
    assert stale(project) == {}


def test_changed_code_makes_its_section_and_its_readers_stale(project):
    replace(project.root / "sections/5-experiments/2-batch-size.ipynb", "rate = 0.1", "rate = 0.2")
    changed = "5-experiments/2-batch-size"
    assert stale(project) == {
        changed: "the notebook's code changed",
        "6-improvements/1-random-search": f"reads {changed}, which changed",
        "7-final-model": f"reads {changed}, which changed",
    }


def test_a_new_experiment_makes_its_readers_stale(project):
    write_notebook(project.root, "5-experiments/3-dropout", "rate = 0.1", "")
    assert stale(project) == {
        "5-experiments/3-dropout": "never run",
        "6-improvements/1-random-search": "reads 5-experiments/3-dropout, which is new",
        "7-final-model": "reads 5-experiments/3-dropout, which is new",
    }


@pytest.mark.parametrize(
    ("file", "old", "new", "reason"),
    [
        ("data/penguins.csv", "3750", "3751", "the data changed"),
        ("penguins/models.py", "...", "pass", "penguins/models.py changed"),
        ("ninefold.toml", "folds = 10", "folds = 3", "harness.folds changed from 10 to 3"),
        ("ninefold.toml", "folds = 10", "", "harness.folds changed from 10 to unset"),
        (
            *("ninefold.toml", '"species"', '"sex"'),
            'data.target changed from "species" to "sex"',
        ),
    ],
)
def test_what_all_sections_share_makes_every_section_stale(project, file, old, new, reason):
    replace(project.root / file, old, new)
    assert stale(project) == dict.fromkeys(NOTEBOOKS, reason)


def test_a_new_module_of_the_package_is_named(project):
    (project.root / "penguins/layers.py").write_text("")
    assert set(stale(project).values()) == {"penguins/layers.py is new"}


def test_line_ends_of_a_module_do_not_count(project):
    (project.root / "penguins/models.py").write_bytes(b"def network(): ...\r\n")
    assert stale(project) == {}


def test_a_parameter_in_the_settings_makes_its_section_and_readers_stale(project):
    with (project.root / "ninefold.toml").open("a") as file:
        file.write('[sections."6-improvements/1-random-search".parameters]\nrate = 0.123456789\n')
    changed = "6-improvements/1-random-search"
    assert stale(project) == {
        changed: "parameter rate changed from its default to 0.123456789",
        "7-final-model": f"reads {changed}, which changed",
    }
    settle(Project(project.root))
    assert stale(project) == {}  # although records round floats to six digits


def test_another_version_of_ninefold_is_a_reason(project):
    folder = project.results_of("4-baseline")
    record = read_record(folder)
    write_record(folder, record.model_copy(update={"key": {**record.key, "ninefold": "0.0.1"}}))
    assert stale(project)["4-baseline"].startswith("ninefold changed from 0.0.1 to ")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "its record is broken or of another version"),
        ('{"record_schema": 0}', "its record is broken or of another version"),
        (
            '{"record_schema": 1, "section": "4-baseline"}',
            "its record does not say what it depended on",
        ),
    ],
)
def test_a_broken_or_older_record_is_a_reason_not_a_crash(project, content, reason):
    (project.results / "4-baseline/record.json").write_text(content)
    assert stale(project) == {"4-baseline": reason}


def test_a_broken_notebook_is_a_reason_not_a_crash(project):
    (project.root / "sections/2-data-summary.ipynb").write_text("<html>")
    assert stale(project) == {"2-data-summary": "its notebook cannot be read"}


def test_missing_data_is_a_reason_not_a_crash(project):
    (project.root / "data/penguins.csv").unlink()
    assert set(stale(project).values()) == {"the data file is missing"}


def test_a_failed_run_is_a_reason(project):
    (project.results / "4-baseline/failure").mkdir()
    assert stale(project) == {"4-baseline": "its last run failed"}


def test_a_builtin_dataset_is_known_by_name_and_version(project):
    replace(project.root / "ninefold.toml", "data/penguins.csv", "builtin:iris")
    data = own_keys(Project(project.root)).shared["data"]
    assert data.startswith("builtin:iris of scikit-learn 1.")


def test_an_edited_key_is_a_difference():
    key = {
        **{"ninefold": "1", "code": "a", "data": "b"},
        **{"parameters": {}, "settings": {}, "models": {}, "reads": {}},
    }
    assert difference(key, key) is None
    assert difference({**key, "settings": []}, key) == "its record was edited"
