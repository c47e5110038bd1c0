"""A new project: all of it, or nothing, and nothing of the machine it was made on."""

import getpass
import hashlib
import json
import os
import shutil
import socket
import subprocess
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from ninefold.errors import NinefoldError
from ninefold.project import find_project
from ninefold.scaffold import project as module
from ninefold.scaffold.project import new_project

ROWS = "species,bill,body\n" + "".join(
    f"{'Adelie' if row % 2 else 'Gentoo'},{30 + row / 10:.1f},{3000 + 10 * (row % 7)}\n"
    for row in range(40)
)
SOURCE = {"ninefold_source": "ninefold[tensorflow]"}


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    """Return the home of a person whose git knows no name."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(folder / ".gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    return folder


@pytest.fixture
def penguins(tmp_path):
    path = tmp_path / "my penguins.csv"
    path.write_bytes(ROWS.encode())
    return path


def make(destination, data, *, git=False, tell=lambda line: None, **answers):
    return new_project(SOURCE | answers, destination, data, git=git, tell=tell)


def log(project, form):
    command = ["git", "-C", str(project), "log", f"--format={form}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_data_are_shipped_as_they_were_with_what_was_read(penguins, tmp_path):
    project = make(tmp_path / "study", penguins, target="species", origin="Palmer")
    assert (project / "data" / penguins.name).read_bytes() == penguins.read_bytes()
    source = json.loads((project / "data" / "SOURCE.json").read_text("utf-8"))
    assert source["sha256"] == hashlib.sha256(penguins.read_bytes()).hexdigest()
    assert (source["rows"], source["columns"], source["delimiter"]) == (40, 3, ",")
    assert source["origin"] == "Palmer"
    settings = find_project(project).settings
    assert settings.data.source == "data/my penguins.csv"
    assert settings.study.title == "My penguins"
    assert settings.study.package == "my_penguins"


def test_a_builtin_dataset_brings_title_target_origin_and_licence(tmp_path):
    project = new_project(SOURCE | {"data": "builtin:wine"}, tmp_path / "study", git=False)
    settings = find_project(project).settings
    assert (settings.study.title, settings.data.target) == ("Wine", "cultivar")
    assert settings.data.licence == "CC BY 4.0"
    assert settings.data.origin.startswith("Aeberhard")
    assert not (project / "data" / "SOURCE.json").exists()


def test_a_parquet_file_is_shipped_too(tmp_path):
    path = tmp_path / "penguins.parquet"
    pd.DataFrame({"species": ["a", "b"] * 10, "bill": [0.5, 0.7] * 10}).to_parquet(path)
    project = make(tmp_path / "study", path, target="species")
    assert (project / "data" / "penguins.parquet").read_bytes() == path.read_bytes()


def test_braces_in_an_answer_are_only_braces(penguins, tmp_path):
    title = "{{ 1 + 1 }} {% raw %} {# no #} }}"
    project = make(tmp_path / "study", penguins, target="species", title=title)
    assert find_project(project).settings.study.title == title


@pytest.mark.parametrize("answers", [{}, {"ninefold_source": ""}])
def test_a_project_asks_for_the_ninefold_that_made_it_where_none_is_named(
    answers, penguins, tmp_path, monkeypatch
):
    monkeypatch.setattr("ninefold.scaffold.project.ninefold_source", lambda folder: "ninefold==7")
    project = new_project({"target": "species", **answers}, tmp_path / "study", penguins, git=False)
    assert "ninefold==7" in (project / "requirements.txt").read_text("utf-8").splitlines()


def test_a_default_package_that_is_taken_gets_another_name(penguins, tmp_path):
    project = make(tmp_path / "study", penguins, target="species", title="Statistics")
    assert find_project(project).settings.study.package == "statistics_study"
    for package in ("json", "test", "con", "xgboost"):
        with pytest.raises(NinefoldError, match=f"'package' is '{package}'; expected"):
            make(tmp_path / "other", penguins, target="species", package=package)


@pytest.mark.parametrize("title", ["Template", "Vendor", "Data", "Made", "🐧"])
def test_any_title_makes_a_project(title, penguins, tmp_path):
    project = make(tmp_path / "study", penguins, target="species", title=title)
    assert find_project(project).settings.study.title == title


def bad(name, **answers):
    return pytest.param(answers, id=name)


@pytest.mark.parametrize(
    "answers",
    [
        bad("no target"),
        bad("absent target", target="spezies"),
        bad("unknown prompt", target="species", metrik="accuracy"),
        bad("unknown choice", target="species", licence="mit"),
        bad("metric of another problem", target="species", metric="rmse"),
        bad("problem of another target", target="species", problem="regression"),
        bad("absent column", target="species", drop="bill; beak"),
        bad("control character", target="species", author="a\nb"),
        bad("a folder for a slug", target="species", slug="../x"),
    ],
)
def test_what_cannot_be_made_leaves_nothing_behind(answers, penguins, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(NinefoldError) as caught:
        make(tmp_path / "new" / "folder" / "study", penguins, **answers)
    assert len(str(caught.value).splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_a_failure_halfway_leaves_nothing_behind(penguins, tmp_path, monkeypatch):
    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "ship", full_disk)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(NinefoldError, match="No space left on device"):
        make(tmp_path / "new" / "folder" / "study", penguins, target="species")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("kind", ["folder", "empty folder", "file", "broken link"])
def test_a_destination_that_exists_is_untouched(kind, penguins, tmp_path):
    destination = tmp_path / "study"
    if kind.endswith("folder"):
        destination.mkdir()
    if kind == "folder":
        (destination / "thesis.txt").write_text("years of work")
    if kind == "file":
        destination.write_text("years of work")
    if kind == "broken link":
        destination.symlink_to("nowhere")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(NinefoldError, match="exists"):
        make(destination, penguins, target="species")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_destination_inside_a_file_is_refused(penguins):
    with pytest.raises(NinefoldError, match="is a file"):
        make(penguins / "study", penguins, target="species")


def test_a_file_too_large_for_github_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate(101 * 2**20)
    with pytest.raises(NinefoldError, match="101 MiB; GitHub refuses"):
        make(tmp_path / "study", path, target="x")


def test_nothing_of_the_machine_is_in_the_project(penguins, tmp_path, home):
    answers = {"target": "species"}
    project = new_project(answers, tmp_path / "study", penguins)
    traces = [str(tmp_path), str(home), str(Path(__file__).parents[2])]
    traces += [f"{getpass.getuser()}@", f"@{socket.gethostname()}"]
    for name, content in everything(project):
        for trace in traces:
            assert trace.encode() not in content, (name, trace)
    assert log(project, "%an <%ae> %cn") == "ninefold <ninefold@localhost> ninefold"


def everything(project):
    """Yield all files of a project, and those inside its wheel; git's objects are compressed."""
    for path in project.rglob("*"):
        if path.is_file() and "objects" not in path.parts:
            yield path, path.read_bytes()
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as wheel:
                yield from ((name, wheel.read(name)) for name in wheel.namelist())


def test_cookiecutter_leaves_nothing_in_the_home(penguins, tmp_path, home):
    (home / ".cookiecutterrc").write_text("default_context: {author: Nobody}\n")
    project = make(tmp_path / "study", penguins, target="species")
    assert find_project(project).settings.study.author == ""
    assert [path.name for path in home.iterdir()] == [".cookiecutterrc"]


def test_byte_code_beside_the_template_is_not_copied(penguins, tmp_path, monkeypatch):
    template = tmp_path / "installed"
    shutil.copytree(module.asset_folder("template"), template)
    cache = template / "{{cookiecutter.slug}}" / "tests" / "__pycache__"
    cache.mkdir()
    (cache / "test_models.pyc").write_bytes(b"")
    monkeypatch.setattr(module, "asset_folder", lambda name: template)
    project = make(tmp_path / "study", penguins, target="species")
    assert (project / "tests" / "test_models.py").exists()
    assert not list(project.rglob("__pycache__"))


def test_the_first_commit_holds_everything_under_the_name_that_git_knows(penguins, tmp_path, home):
    hook = home / "hooks" / "pre-commit"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    (home / "ignore").write_text("*.csv\n")
    (home / ".gitconfig").write_text(
        "[user]\nname = Grace\nemail = grace@example.org\n"
        f"[core]\nexcludesFile = {home / 'ignore'}\nhooksPath = {hook.parent}\n"
    )
    project = make(tmp_path / "study", penguins, git=True, target="species", author="Ada")
    assert log(project, "%an <%ae>") == "Grace <grace@example.org>"
    shown = subprocess.run(
        ["git", "-C", str(project), "ls-files", "-z"], capture_output=True, text=True, check=True
    ).stdout.split("\0")
    files = {path for path in project.rglob("*") if path.is_file() and ".git" not in path.parts}
    assert {project / name for name in shown if name} == files
    assert "data/my penguins.csv" in shown


def test_the_first_commit_takes_its_author_from_the_answers(penguins, tmp_path):
    answers = {"target": "species", "author": "Ada", "email": "ada@example.org"}
    assert log(make(tmp_path / "study", penguins, git=True, **answers), "%an <%ae>") == (
        "Ada <ada@example.org>"
    )


def test_a_missing_git_is_said_and_not_a_failure(penguins, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    said = []
    project = make(tmp_path / "study", penguins, git=True, tell=said.append, target="species")
    assert (project / "ninefold.toml").exists()
    assert said == ["git is not installed: the project is no repository yet"]


def test_rows_without_a_target_are_said(penguins, tmp_path):
    penguins.write_text(ROWS + ",50.0,4000\n")
    said = []
    make(tmp_path / "study", penguins, tell=said.append, target="species")
    assert any("1 of 41 row has no target" in line for line in said)
