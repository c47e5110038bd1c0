import pickle

import pytest
from tiny_project import SETTINGS

from ninefold.assets import asset_folder
from ninefold.errors import NinefoldError
from ninefold.project import Project, find_project
from ninefold.suggestions import did_you_mean

SECTIONS = (
    "1-problem.md",
    "2-data-summary.ipynb",
    "5-experiments/10-late.ipynb",
    "5-experiments/2-early.ipynb",
    "6-improvements/1-search.ipynb",
    "7-final-model.ipynb",
)


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "a {b} 🐧"
    for name in (*SECTIONS, "notes.md", ".ipynb_checkpoints/2-data-summary.ipynb"):
        path = root / "sections" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (root / "ninefold.toml").write_text(SETTINGS)
    return Project(root)


def test_sections_come_in_the_order_of_the_outline_numbers_as_numbers(project):
    assert [section.id for section in project.sections] == [
        "1-problem",
        "2-data-summary",
        "5-experiments/2-early",
        "5-experiments/10-late",
        "6-improvements/1-search",
        "7-final-model",
    ]


def test_a_notebook_beside_a_folder_of_its_name_is_refused(project):
    (project.root / "sections/5-experiments.ipynb").write_text("{}")
    again = Project(project.root)
    with pytest.raises(NinefoldError, match=r"sections/5-experiments is a notebook and a folder"):
        _ = again.sections


@pytest.mark.parametrize(
    "text",
    ["10-late", "late", "LATE", "5-experiments/10-late", "sections/5-experiments/10-late.ipynb"],
)
def test_a_section_is_found_by_any_unique_part_of_its_name(project, text):
    assert project.section(text).id == "5-experiments/10-late"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("5-exp", "part of several sections: 5-exp"),
        ("7-final-modle", "did you mean '7-final-model'?"),
    ],
)
def test_a_name_that_fits_none_or_several_is_refused(project, text, said):
    with pytest.raises(NinefoldError) as error:
        project.section(text)
    assert said in str(error.value)


def test_the_final_model_reads_experiments_and_improvements(project):
    read = project.reads(project.section("7-final-model"))
    assert [s.id for s in read] == [
        "5-experiments/2-early",
        "5-experiments/10-late",
        "6-improvements/1-search",
    ]
    assert project.reads(project.section("early")) == ()


def test_a_section_s_names_are_those_of_expressions(project):
    assert project.section("early").names == ("experiments", "early")
    assert project.section("7").names == ("final_model",)


def test_a_project_is_found_from_a_folder_inside_it(project):
    assert find_project(project.root / "sections" / "5-experiments").root == project.root.resolve()


def test_outside_of_a_project_the_way_in_is_said(tmp_path):
    with pytest.raises(NinefoldError, match="make one with 'ninefold new'"):
        find_project(tmp_path)


def test_an_error_survives_pickling():
    error = pickle.loads(pickle.dumps(NinefoldError("no\n file", "expected one", "make one")))
    assert str(error) == "no file; expected one; make one"


def test_asset_folders_are_found_and_a_missing_one_is_said():
    assert (asset_folder("template") / "cookiecutter.json").is_file()
    assert (asset_folder("reports") / "github").is_dir()
    with pytest.raises(NinefoldError, match="install ninefold again"):
        asset_folder("nothing")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("Speceis", "did you mean 'species'?"),
        ("xyz", "there is: species, island"),
        ("", "there is"),
    ],
)
def test_the_nearest_name_is_suggested(wrong, said):
    assert did_you_mean(wrong, ["species", "island"]).startswith(said)


def test_nothing_is_suggested_where_there_is_nothing():
    assert did_you_mean("x", []) == ""
