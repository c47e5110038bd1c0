"""Which sections run in which order, and which values their notebooks get."""

import json
from types import MappingProxyType

import pytest
from tiny_project import SETTINGS, write_notebook

from ninefold.errors import NinefoldError
from ninefold.project import Project
from ninefold.records import Record, write_record
from ninefold.running.parameters import parse_value
from ninefold.running.plan import make_plan
from ninefold.running.staleness.keys import completed
from ninefold.running.staleness.trace import READS

DECLARES = {
    "2-data-summary": "",
    "4-baseline": "epochs = 100\nname = 'x'",
    "5-experiments/1-spot-check": "epochs: int = 100\nrates = [0.1]\nlimit = None\nshow = True",
    "5-experiments/2-batch-size": "sizes = (8, 32)\nnow = time()",
    "7-final-model": "",
}


@pytest.fixture
def project(tmp_path):
    (tmp_path / "ninefold.toml").write_text(SETTINGS)
    for name, code in DECLARES.items():
        write_notebook(tmp_path, name, parameters=code)
    (tmp_path / "sections/1-problem.md").write_text("# Problem\n")
    return Project(tmp_path)


def settle(project, seen=MappingProxyType({})):
    for step in make_plan(project, everything=True):
        folder = project.results_of(step.section.id)
        folder.mkdir(parents=True, exist_ok=True)
        reads = [{"watching": step.section.id}, *seen.get(step.section.id, ())]
        (folder / READS).write_text("".join(json.dumps(line) + "\n" for line in reads))
        key = completed(project, step, folder)
        write_record(folder, Record(section=step.section.id, key=key))


def running(steps):
    return [step.section.id for step in steps if step.reason]


def test_all_notebooks_run_in_the_order_of_the_outline(project):
    assert running(make_plan(project, everything=True)) == list(DECLARES)


def test_what_nothing_changed_for_is_kept(project):
    settle(project)
    steps = make_plan(project, everything=True)
    assert running(steps) == []
    assert len(steps) == len(DECLARES)


def test_a_named_section_brings_the_stale_ones_it_reads(project):
    assert running(make_plan(project, ["final"])) == list(DECLARES)[1:]
    assert running(make_plan(project, ["baseline"])) == ["4-baseline"]


def test_a_folder_names_all_notebooks_in_it(project):
    assert running(make_plan(project, ["5-experiments"])) == list(DECLARES)[2:4]


def test_force_runs_what_is_named_and_no_more(project):
    settle(project)
    (forced,) = make_plan(project, ["7-final-model"], force=True)
    assert (forced.section.id, forced.reason) == ("7-final-model", "forced")


def saw(section):
    return [{"section": section, "digest": "as it was"}]


def test_what_a_section_was_seen_to_read_comes_before_it(project):
    settle(project, {"2-data-summary": saw("4-baseline"), "4-baseline": saw("7-final-model")})
    steps = {step.section.id: step for step in make_plan(project, everything=True, force=True)}
    assert list(steps)[-2:] == ["4-baseline", "2-data-summary"]
    assert steps["2-data-summary"].reads == ("4-baseline",)


def test_a_named_section_brings_the_stale_ones_that_it_was_seen_to_read(project):
    settle(project, {"2-data-summary": saw("5-experiments/1-spot-check")})
    (project.results_of("5-experiments/1-spot-check") / "record.json").unlink()
    steps = make_plan(project, ["2-data-summary"])
    assert running(steps) == ["5-experiments/1-spot-check", "2-data-summary"]


def test_sections_that_read_one_another_run_in_the_order_of_the_outline(project):
    first, second = "5-experiments/1-spot-check", "5-experiments/2-batch-size"
    settle(project, {first: saw(second), second: saw(first)})
    steps = {step.section.id: step for step in make_plan(project, ["5-experiments"], force=True)}
    waits = {name: step.reads for name, step in steps.items()}
    assert sorted(waits) == [first, second]
    assert sorted(waits.values()) in ([(), (first,)], [(), (second,)])


def test_a_page_of_prose_does_not_run(project):
    with pytest.raises(NinefoldError, match="1-problem is a page of prose"):
        make_plan(project, ["1-problem"])


def test_missing_data_stops_the_run_before_it_begins(project):
    settings = SETTINGS.replace("builtin:iris", "data/gone.csv")
    (project.root / "ninefold.toml").write_text(settings)
    with pytest.raises(NinefoldError, match=r"the dataset data/gone\.csv is missing"):
        make_plan(Project(project.root), everything=True)


def test_a_value_goes_to_the_sections_that_declare_its_name(project):
    values = {
        step.section.id: step.values
        for step in make_plan(project, everything=True, given={"epochs": 5})
    }
    assert [name for name, own in values.items() if own == {"epochs": 5}] == [
        *("4-baseline", "5-experiments/1-spot-check"),
    ]


def test_a_value_goes_to_named_sections_only(project):
    settle(project)
    steps = make_plan(project, ["4-baseline"], given={"epochs": 5})
    assert [(step.section.id, step.values) for step in steps] == [("4-baseline", {"epochs": 5})]


def test_a_given_value_wins_over_the_settings(project):
    (project.root / "ninefold.toml").write_text(
        SETTINGS + "[sections.4-baseline.parameters]\nepochs = 3\nname = 'y'\n"
    )
    (step,) = make_plan(Project(project.root), ["4-baseline"], given={"epochs": 5})
    assert step.values == {"epochs": 5, "name": "y"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epoch": 5}, r"declares a parameter 'epoch'; did you mean 'epochs'\?"),
        ({"epochs": "many"}, "4-baseline: 'epochs' is 'many'; expected a whole number like 100"),
        ({"epochs": True}, "'epochs' is True; expected a whole number"),
        ({"epochs": 1.5}, "a whole number like 100; declare it as 100.0 to take fractions"),
        ({"rates": 0.1}, "'rates' is 0.1; expected a list"),
        ({"show": 1}, "'show' is 1; expected true or false"),
        ({"epochs": float("nan")}, "'epochs' is nan; expected finite numbers"),
        ({"rates": [float("inf")]}, r"'rates' is \[inf\]; expected finite numbers"),
    ],
)
def test_a_wrong_parameter_is_an_error_before_anything_runs(project, given, message):
    with pytest.raises(NinefoldError, match=message):
        make_plan(project, everything=True, given=given)


def test_a_default_of_no_known_type_takes_any_value(project):
    for given in ({"limit": 3}, {"limit": "x"}, {"now": 1.5}, {"sizes": [4]}):
        make_plan(project, everything=True, given=given)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('[sections."4-basline".parameters]', "no notebook '4-basline'; did you mean '4-baseline'"),
        ("[sections.4-baseline.parameters]\nepoch = 1", "4-baseline has no parameter 'epoch'"),
        ("[sections.2-data-summary.parameters]\nrows = 1", "none of its cells is tagged"),
    ],
)
def test_settings_for_what_does_not_exist_are_an_error(project, table, message):
    (project.root / "ninefold.toml").write_text(f"{SETTINGS}{table}\n")
    with pytest.raises(NinefoldError, match=message):
        make_plan(Project(project.root), everything=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("1e-3", 0.001),
        ("1_000", 1000),
        ("true", True),
        ("null", None),
        ("[8, 32]", [8, 32]),
        ("'relu'", "relu"),
        ('"3"', "3"),
        ("relu", "relu"),
        ("2024-05-01", "2024-05-01"),
        ("a = 1", "a = 1"),
        ("1\nother = 2", "1\nother = 2"),
        ("", ""),
    ],
)
def test_a_value_is_what_its_json_or_toml_literal_says(text, value):
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)


GRID = '[sections."5-experiments/1-spot-check".grid]\nepochs = [5, 10]\n'
POINTS = [f"5-experiments/1-spot-check@epochs={epochs}" for epochs in (5, 10)]


@pytest.fixture
def gridded(project):
    (project.root / "ninefold.toml").write_text(SETTINGS + GRID)
    return Project(project.root)


def test_points_run_after_their_section_and_before_what_reads_it(gridded):
    steps = make_plan(gridded, everything=True)
    assert running(steps) == [*list(DECLARES)[:3], *POINTS, *list(DECLARES)[3:]]
    assert steps[3].values == {"epochs": 5}
    assert set(POINTS) <= set(steps[-1].reads)


def test_a_section_s_name_stands_for_its_grid_and_a_point_s_for_itself(gridded):
    assert running(make_plan(gridded, ["spot-check"])) == [list(DECLARES)[2], *POINTS]
    assert running(make_plan(gridded, ["spot-check@epochs=10"])) == POINTS[1:]


def test_each_point_is_kept_by_itself(gridded):
    settle(gridded)
    (gridded.root / "ninefold.toml").write_text(SETTINGS + GRID.replace("5, 10", "10, 20"))
    steps = make_plan(Project(gridded.root), ["spot-check"])
    assert running(steps) == ["5-experiments/1-spot-check@epochs=20"]


def test_a_value_given_for_a_name_of_the_grid_is_all_that_runs_there(gridded):
    (step,) = make_plan(gridded, ["spot-check"], given={"epochs": 7})
    assert (step.section.id, step.values) == ("5-experiments/1-spot-check", {"epochs": 7})
    values = [s.values for s in make_plan(gridded, ["spot-check"], given={"show": False})]
    assert values == [{"show": False} | own for own in ({}, {"epochs": 5}, {"epochs": 10})]


def test_a_point_named_with_another_value_for_its_own_name_is_refused(gridded):
    with pytest.raises(NinefoldError, match="epochs=10 has a 'epochs' of its own"):
        make_plan(gridded, ["spot-check@epochs=10"], given={"epochs": 7})
