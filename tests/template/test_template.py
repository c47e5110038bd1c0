"""The template: the same project from the same answers, whoever asks for it."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import cruft
import pytest
import yaml
from cookiecutter.exceptions import FailedHookException
from cookiecutter.main import cookiecutter
from cookiecutter.utils import create_env_with_context
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import FileSystemLoader

from ninefold.errors import NinefoldError
from ninefold.files import Files
from ninefold.project import Project
from ninefold.publishing.blocks import Place
from ninefold.publishing.context import build_context
from ninefold.publishing.expressions import mistakes
from ninefold.scaffold.answers import check_answer, complete_answers, prompts, template_context
from ninefold.scaffold.project import new_project, render_template
from ninefold.settings import read_settings
from ninefold.study.builtin import BUILTINS

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template"
PENGUINS = """species,bill,body
Adelie,39.1,3750
Adelie,39.5,3800
Gentoo,46.1,4500
Gentoo,50.0,5700
"""
ANSWERS = {
    "data": "penguins.csv",
    "target": "species",
    "title": 'Penguins: "which?" \\ 🐧 <b> | 100 %',
    "slug": "penguins",
    "package": "penguins",
    "author": "Ada Lovelace",
    "email": "ada@example.org",
    "github": "ada",
    "origin": "Palmer Station",
    "data_licence": "CC0",
    "drop": 'body; the "year"',
    "licence": "BSD-3-Clause",
    "python_version": "3.12",
    "ninefold_source": "ninefold[tensorflow]",
}
UNCOMPARED = {"data", ".git", ".cruft.json", "vendor"}


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory, monkeypatch):
    """Keep the configuration of whoever runs the tests out of them."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "test@example.org")


@pytest.fixture
def repository(tmp_path):
    """Return a git repository that holds what this one does of cookiecutter's."""
    folder = tmp_path / "repository"
    folder.mkdir()
    shutil.copy(ROOT / "cookiecutter.json", folder)
    ignored = shutil.ignore_patterns("__pycache__", ".ruff_cache", ".ipynb_checkpoints")
    shutil.copytree(TEMPLATE, folder / "template", ignore=ignored)
    commit(folder)
    return folder


def commit(folder):
    for arguments in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "x"]):
        subprocess.run(["git", "-C", str(folder), *arguments], check=True)


def escaped(answers):
    """Return answers as cookiecutter wants them on its own command line."""
    return {name: answer.replace("{", "{{ '{' }}") for name, answer in answers.items()}


def tree(project):
    """Return path → bytes of what all ways of making a project must agree on."""
    return {
        path.relative_to(project).as_posix(): path.read_bytes()
        for path in sorted(project.rglob("*"))
        if path.is_file() and path.relative_to(project).parts[0] not in UNCOMPARED
    }


def render(tmp_path, **answers):
    """Return a project as the template alone makes it."""
    tmp_path.mkdir(exist_ok=True)
    return render_template(complete_answers(ANSWERS | answers), tmp_path)


def test_cookiecutter_cruft_and_ninefold_make_the_same_tree(repository, tmp_path):
    data = tmp_path / "penguins.csv"
    data.write_text(PENGUINS)
    answers = ANSWERS | {"drop": "body"}
    usual = {"no_input": True, "default_config": True, "extra_context": answers}
    places = [tmp_path / name for name in ("root", "directory", "cruft")]
    for place in places:
        place.mkdir()
    made = [
        cookiecutter(str(repository), output_dir=str(places[0]), **usual),
        cookiecutter(str(repository), directory="template", output_dir=str(places[1]), **usual),
        cruft.create(str(repository), output_dir=places[2], directory="template", **usual),
        new_project(answers, tmp_path / "ninefold", data, git=False),
    ]
    trees = [tree(Path(project)) for project in made]
    assert len(trees[0]) > 20
    assert trees[0] == trees[1] == trees[2] == trees[3]


def test_cruft_updates_a_project_after_a_change_of_the_template(repository, tmp_path):
    project = cruft.create(
        str(repository), output_dir=tmp_path, directory="template", extra_context=ANSWERS,
        no_input=True, default_config=True,
    )  # fmt: skip
    commit(project)
    makefile = repository / "template" / "{{cookiecutter.slug}}" / "Makefile"
    makefile.write_text(makefile.read_text() + "\n# {{ cookiecutter.package }} changed\n")
    commit(repository)

    assert cruft.update(project, skip_apply_ask=True)
    assert "# penguins changed" in (project / "Makefile").read_text()
    assert json.loads((project / ".cruft.json").read_text())["context"]["cookiecutter"]["title"]


def test_the_answers_are_read_back_from_the_settings(tmp_path):
    settings = read_settings(Files(render(tmp_path)), "ninefold.toml")
    assert settings.study.title == ANSWERS["title"]
    assert settings.data.source == "data/penguins.csv"
    assert settings.data.drop == ["body", 'the "year"']
    assert settings.harness.folds is None


ODD = st.text(
    st.one_of(st.sampled_from("\"\\{}%#|;'🐧 é"), st.characters(exclude_categories=["C", "Z"])),
    min_size=1,
).filter(str.strip)


@given(title=ODD, target=ODD, drop=st.lists(ODD.filter(lambda name: ";" not in name)))
@settings(deadline=None, max_examples=40)
def test_any_answer_survives_in_the_settings(title, target, drop):
    answers = ANSWERS | {"title": title, "target": target, "drop": "; ".join(drop)}
    context = {"cookiecutter": template_context(answers)}
    environment = create_env_with_context(context)
    folders = [str(TEMPLATE / "{{cookiecutter.slug}}"), str(TEMPLATE / "templates")]
    environment.loader = FileSystemLoader(folders)
    text = environment.get_template("ninefold.toml").render(context)
    found = tomllib.loads(text)
    assert found["study"]["title"] == title
    assert found["data"]["target"] == target
    assert found["data"]["drop"] == [name.strip() for name in drop]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("title", "  "),
        ("title", "two\nlines"),
        ("author", "a\x00b"),
        ("data", "/home/me/x.csv"),
        ("data", ".."),
        ("data", "builtin:"),
        ("data", "aux.csv"),
        ("slug", "../outside"),
        ("slug", "con"),
        ("slug", "Nul.study"),
        ("slug", "study."),
        ("package", "1st"),
        ("package", "class"),
        ("package", "json"),
        ("package", "data"),
        ("package", "con"),
        ("package", "lpt1"),
        ("package", "test"),
        ("package", "typing_extensions"),
        ("package", "pytest"),
        ("package", "xgboost"),
        ("package", "papermill"),
        ("email", "nobody"),
        ("github", "not a user"),
        ("python_version", "3.9"),
    ],
)
def test_plain_cookiecutter_refuses_an_answer_in_one_line(name, answer, tmp_path, capfd):
    place = tmp_path / "inside"
    place.mkdir()
    with pytest.raises(FailedHookException):
        cookiecutter(
            str(TEMPLATE), no_input=True, default_config=True, output_dir=str(place),
            extra_context=ANSWERS | {name: answer},
        )  # fmt: skip
    said = [line for line in capfd.readouterr().err.splitlines() if line.startswith("ninefold:")]
    assert len(said) == 1
    assert f"'{name}'" in said[0]
    assert list(tmp_path.rglob("*")) == [place]


def test_a_package_named_as_what_is_installed_is_refused_whoever_asks(tmp_path, capfd, monkeypatch):
    site = tmp_path / "site-packages"
    (site / "only_a_folder").mkdir(parents=True)
    (site / "my_tool.py").touch()
    (tmp_path / "mine.py").touch()
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", f"{site}{os.pathsep}{tmp_path}")
    check_answer("package", "mine")
    for package in ("my_tool", "only_a_folder"):
        said = f"'package' is '{package}'; expected a name not taken yet, such as '{package}_study'"
        with pytest.raises(NinefoldError) as refused:
            check_answer("package", package)
        assert str(refused.value) == said
        with pytest.raises(FailedHookException):
            cookiecutter(
                str(TEMPLATE), no_input=True, default_config=True, output_dir=str(tmp_path),
                extra_context=ANSWERS | {"package": package},
            )  # fmt: skip
        assert f"ninefold: {said}\n" in capfd.readouterr().err


def test_a_package_cannot_be_named_as_anything_that_a_study_needs():
    taken = runpy.run_path(str(TEMPLATE / "hooks" / "pre_gen_project.py"))["TAKEN"]
    lines = [line for line in requires("ninefold") or () if "'dev'" not in line]
    needs = {re.split(r"[^\w.-]", line)[0].lower() for line in lines}
    modules = packages_distributions().items()
    needed = {name for name, homes in modules if needs & {home.lower() for home in homes}}
    assert {"sklearn", "keras", "jinja2", "distributed"} <= needed
    assert needed - taken == set()


def test_the_project_is_clean_for_ruff(tmp_path):
    project = render(tmp_path)
    for command in (["check"], ["format", "--check"]):
        ruff = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
            cwd=project,
            capture_output=True,
            text=True,
        )
        assert ruff.returncode == 0, ruff.stdout


def test_a_citation_names_the_author_and_is_absent_without_one(tmp_path):
    citation = yaml.safe_load((render(tmp_path / "with") / "CITATION.cff").read_text("utf-8"))
    assert citation["title"] == ANSWERS["title"]
    assert citation["authors"] == [{"name": "Ada Lovelace", "email": "ada@example.org"}]
    assert citation["license"] == "BSD-3-Clause"
    assert not (render(tmp_path / "without", author="") / "CITATION.cff").exists()


@pytest.mark.parametrize("licence", prompts()["licence"].choices)
def test_the_licence_is_the_one_that_was_chosen(licence, tmp_path):
    project = render(tmp_path, licence=licence)
    first_words = {
        "MIT": "MIT License", "Apache-2.0": "Apache License", "BSD-3-Clause": "BSD 3-Clause"
    }  # fmt: skip
    if licence == "none":
        assert not (project / "LICENSE").exists()
        assert "## Licence" not in (project / "README.md").read_text("utf-8")
    else:
        text = (project / "LICENSE").read_text("utf-8")
        assert text.strip().startswith(first_words[licence])
        assert text.endswith("\n")


def test_a_project_that_knows_no_source_of_ninefold_says_what_to_write_and_installs_nothing(tmp_path):
    context = {"no_input": True, "default_config": True, "extra_context": {"title": "Irises"}}
    project = Path(cookiecutter(str(TEMPLATE), output_dir=str(tmp_path), **context))
    text = (project / "requirements.txt").read_text("utf-8")
    assert "Write here where ninefold comes from" in text
    (line,) = (line for line in text.splitlines() if line.startswith("ninefold"))
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "-r", "requirements.txt"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"Invalid requirement: '{line}' (from line " in done.stderr


def test_a_given_source_of_ninefold_is_the_whole_of_what_is_said_of_it(tmp_path):
    source = "ninefold[tensorflow] @ git+https://example.org/ninefold.git@0123"
    text = (render(tmp_path, ninefold_source=source) / "requirements.txt").read_text("utf-8")
    assert text.splitlines()[1:3] == [
        *(source, "# What `make test`, `make lint` and `make lock` call."),
    ]


def test_every_expression_in_the_prose_names_something(tmp_path):
    project = Project(render(tmp_path))
    context = build_context(project, {})
    pages = [section for section in project.sections if not section.is_notebook]
    assert [page.id for page in pages] == ["1-problem", "8-extensions", "9-resources"]
    for page in pages:
        text = page.path.read_text("utf-8")
        assert "**DRAFT**" in text
        assert list(mistakes(text, context, Place(page.path.name, 1))) == []


def test_nothing_of_the_template_is_left_in_the_project(tmp_path):
    for name, content in tree(render(tmp_path)).items():
        assert b"cookiecutter." not in content, name
        assert b"{%" not in content, name


def test_the_template_knows_the_builtin_datasets_as_the_library_does():
    known = json.loads((TEMPLATE / "cookiecutter.json").read_text("utf-8"))["_builtins"]
    assert known == {
        f"builtin:{name}": {
            "title": builtin.title, "target": builtin.target,
            "origin": builtin.origin, "licence": builtin.licence,
        }
        for name, builtin in BUILTINS.items()
    }  # fmt: skip


def test_the_workflow_runs_the_projects_own_commands_on_the_chosen_python(tmp_path):
    project = render(tmp_path, python_version="3.13")
    workflow = yaml.safe_load((project / ".github" / "workflows" / "check.yml").read_text("utf-8"))
    steps = workflow["jobs"]["check"]["steps"]
    assert [s["with"]["python-version"] for s in steps if "python-version" in s.get("with", {})] == ["3.13"]
    makefile = (project / "Makefile").read_text("utf-8")
    commands = [step["run"] for step in steps if "run" in step]
    assert commands == ["make setup", "make test", "make lint", "make check"]
    assert all(f"\n{command.removeprefix('make ')}:" in makefile for command in commands)


@pytest.mark.parametrize(
    ("lock", "line"),
    [
        (None, "no requirements.lock: what is installed here is locked, which may be other versions"),
        ("", "requirements.lock does not name ninefold: 'make lock' writes it anew"),
        ("\n# via ninefold\n", "requirements.lock does not name ninefold"),
    ],
)
def test_reproducing_without_a_whole_lock_is_said(tmp_path, lock, line):
    project = render(tmp_path)
    ready = project / ".venv" / "ready"  # nothing is installed: the line comes before what needs it
    ready.parent.mkdir()
    ready.touch()
    if lock is not None:
        (project / "requirements.lock").write_text(lock)
    plain = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    run = subprocess.run(
        ["make", "reproduce"], cwd=project, env=plain, capture_output=True, text=True
    )
    assert run.returncode == 2
    assert run.stdout.startswith(line)
    assert not (project / ".venv-locked").exists()


@pytest.mark.slow
def test_the_users_own_tests_pass(tmp_path):
    project = render(tmp_path)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout


def test_a_clone_that_converts_line_ends_leaves_results_as_their_run_wrote_them(tmp_path):
    """Later sections know the records that they have read by their bytes."""
    project = render(tmp_path / "made")
    written = {"results/4-baseline/record.json": b"{}\n", "report/README.md": b"# A\n"}
    for name, content in written.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes(content)
    commit(project)
    clone = tmp_path / "clone"
    converting = ["git", "-c", "core.autocrlf=true", "clone", "--quiet", str(project), str(clone)]
    subprocess.run(converting, check=True)
    assert (clone / "ninefold.toml").read_bytes().count(b"\r\n")  # it converts
    assert {name: (clone / name).read_bytes() for name in written} == written
