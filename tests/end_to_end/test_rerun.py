"""A finished study, run and rendered again: what happens is what the change asks for, no more."""

import json

import pytest
from quick_study import edit, files, ninefold, record_of, report_of

pytestmark = pytest.mark.slow

NOTEBOOKS = 9


def states(root):
    rows = json.loads(ninefold(root, "status", "--json").stdout)["sections"]
    return {row["section"]: (row["state"], row["why"]) for row in rows if row["state"] != "prose"}


def test_a_second_run_executes_nothing_and_the_report_is_what_would_be_rendered(study):
    before = files(study / "results") | files(study / "report")
    said = ninefold(study, "run").stdout.splitlines()
    assert len(said) == NOTEBOOKS - 1  # section 7 is done, and waits for nothing
    assert all(line.startswith("kept ") for line in said)
    assert ninefold(study, "report", "--check").stdout
    assert files(study / "results") | files(study / "report") == before


def test_an_answered_prompt_is_rendered_without_running_anything(study):
    answer = "On {{ final_model.holdout.n }} rows it is."
    path = study / "sections" / "7-final-model.ipynb"
    edit(path, "> **DRAFT** Is the score inside the range?", answer)
    results = files(study / "results")
    ninefold(study, "report", "--check", status=1)
    assert "changed" in ninefold(study, "report").stdout
    assert "\nOn 69 rows it is. If you had to bet" in report_of(study)
    assert "inside the range?" not in report_of(study)
    assert {state for state, _ in states(study).values()} == {"fresh"}
    assert files(study / "results") == results


def test_edited_models_make_what_imports_them_stale_and_are_what_it_evaluates(study):
    section = "5-experiments/2-batch-size"
    before = record_of(study, section)["evaluations"]["batch of 64"]["parameters"]
    edit(study / "penguins" / "models.py", "= (32, 16),", "= (4,),")
    found = states(study)
    assert len(found) == NOTEBOOKS
    for name in ("2-data-summary", "3-test-harness"):
        assert found.pop(name) == ("fresh", "")
    changed = "penguins/models.py changed"
    assert found.pop("7-final-model") == ("stale", f"{changed}; to look again: ninefold run 7")
    assert set(found.values()) == {("stale", changed)}
    said = ninefold(study, "run", section).stdout
    assert said.startswith(f"ran {section} in ")
    assert said.count("\n") == 1
    assert record_of(study, section)["evaluations"]["batch of 64"]["parameters"] < before / 4
    assert states(study)[section] == ("fresh", "")


def test_the_settings_that_only_describe_a_study_make_nothing_stale(study):
    edit(study / "ninefold.toml", 'title = "Penguins"', 'title = "Three species of penguins"')
    assert {state for state, _ in states(study).values()} == {"fresh"}
    ninefold(study, "report")
    assert report_of(study).startswith("# Three species of penguins\n")
