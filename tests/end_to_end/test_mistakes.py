"""Mistakes in a study that was fine: one clear line, exit 1, and what was there is still there."""

import json
import shutil

import pytest
from quick_study import PENGUINS, edit, files, findings, new_study, ninefold

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    root = tmp_path_factory.mktemp("made") / "penguins"
    new_study(root, PENGUINS, "--target", "species", "--no-git")
    return root


@pytest.fixture
def project(fresh, tmp_path):
    """Return a project that has not run yet."""
    return shutil.copytree(fresh, tmp_path / "penguins")


def refused(root, *arguments):
    """Return the one line that a command says instead of doing anything."""
    before = files(root)
    done = ninefold(root, *arguments, status=1)
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("ninefold: ")
    after = {name: content for name, content in files(root).items() if ".ninefold/" not in name}
    assert after == {name: content for name, content in before.items() if ".ninefold/" not in name}
    return done.stderr


@pytest.mark.parametrize("command", ["run", "report", "status"])
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("epochs = 5", "epoch = 5", "unknown key 'harness.epoch'; did you mean 'epochs'?"),
        ("[harness]", "[harnes]", "unknown key 'harnes'; did you mean 'harness'?"),
        ("folds = 3", "folds = 1", "'harness.folds' is 1; "),
        ('target = "species"', "target = species", "ninefold.toml cannot be read: "),
    ],
)
def test_malformed_settings(command, old, new, said, project):
    edit(project / "ninefold.toml", old, new)
    assert said in refused(project, command)
    assert findings(project, status=1)["NF209"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('2-batch-size".parameters]\nsizes', '2-batch-sise".parameters]\nsizes', "did you mean"),
        ("sizes = [64]", "size = [64]", "did you mean 'sizes'?"),
        ("data/penguins.csv", "data/pinguins.csv", "data/pinguins.csv is missing"),
    ],
)
def test_settings_that_name_what_does_not_exist(old, new, said, project):
    edit(project / "ninefold.toml", old, new)
    assert said in refused(project, "run")


@pytest.mark.parametrize("command", ["run", "report", "check", "status", "predict"])
def test_a_folder_that_is_no_project(command, tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    rows = ["rows.csv"] if command == "predict" else []
    assert "no ninefold.toml in " in refused(tmp_path, command, *rows)


def test_predicting_before_there_is_a_model(project):
    said = refused(project, "predict", "data/penguins.csv")
    assert "there is no final model yet" in said
    assert "ninefold run 7-final-model" in said


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rows.csv", "", "is empty"),
        ("rows.csv", "island,sex\n", "a header and no rows"),
        ("rows.png", "\x89PNG\r\n", "a PNG image"),
        (None, None, "no such file"),
    ],
)
def test_new_rows_that_are_no_table(name, content, said, study):
    if name:
        (study / name).write_text(content, "latin-1")
    assert said in refused(study, "predict", name or "absent.csv")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"record_schema": 0}', "has the record version 0; expected this ninefold reads 1"),
        ("{", "is not valid JSON"),
        ('{"record_schema": 1, "section": "4-baseline", "score": 1}', "'score'"),
    ],
)
def test_a_record_that_is_broken_or_of_an_older_version(content, said, study):
    (study / "results" / "4-baseline" / "record.json").write_text(content)
    line = refused(study, "report")
    assert said.split(";")[0] in line
    assert "ninefold run --force" in line
    assert "4-baseline" in findings(study, status=1)["NF212"][0]
    status = json.loads(ninefold(study, "status", "--json").stdout)["sections"]
    assert "its record is broken or of another version" in {row["why"] for row in status}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not valid JSON (EOF"),
        ("<<<<<<< HEAD\n{}", "is not valid JSON (expected value at line 1 column 1)"),
        ('{"cells": 3}', "is not a notebook"),
    ],
)
def test_a_broken_notebook(content, said, study):
    path = study / "sections" / "4-baseline.ipynb"
    path.write_text(content)
    assert f"sections/4-baseline.ipynb {said}" in refused(study, "report")
    assert findings(study, status=1)["NF212"][0].startswith("sections/4-baseline.ipynb: ")


def test_a_model_of_an_older_version(study):
    path = study / "results" / "7-final-model" / "model" / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "schema": 0}))
    assert "another version of ninefold" in refused(study, "predict", "data/penguins.csv")
