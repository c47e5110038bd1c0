"""What the tagged cell declares, what it takes, and that a value arrives as it was given."""

import json

import nbformat.v4
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from papermill.parameterize import parameterize_notebook
from tiny_project import SETTINGS

from ninefold.errors import NinefoldError
from ninefold.project import Project
from ninefold.running.declarations import declared_parameters
from ninefold.running.parameters import own_values, parse_value, values_of

SECTION = "5-experiments/2-batch-size"
TABLE = f'[sections."{SECTION}".'


def notebook(*sources, tag="parameters"):
    cells = [nbformat.v4.new_code_cell(text, metadata={"tags": [tag]}) for text in sources]
    return nbformat.v4.new_notebook(cells=cells)


def declares(source):
    return declared_parameters(notebook(source))


@pytest.fixture
def make(tmp_path):
    def project(source, settings="", *more):
        path = tmp_path / "sections" / f"{SECTION}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(notebook(source, *more)), "utf-8")
        (tmp_path / "ninefold.toml").write_text(SETTINGS + settings, "utf-8")
        return Project(tmp_path)

    return project


def refused(project, **given_values):
    with pytest.raises(NinefoldError) as error:
        values_of(project, project.tasks, given_values)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("source", "taken", "not_taken"),
    [
        ("x = 1", [2, -1, 10**30], [1.0, True, "1", None, [1]]),
        ("x = 1.0", [2, 0.5], [True, "1", None]),
        ("x = True", [False], [1, "true"]),
        ("x = 'a'", ["", "b\n"], [1, ["a"]]),
        ("x = None", [None, 1, "a", [1], {"a": 1}], []),
        ("x = [1]", [[], [2, 3]], [1, [0.5], ["a"], [[1]], [None]]),
        ("x = [0.1]", [[1, 0.5]], [[True]]),
        ("x = []", [["a", 1]], ["a"]),
        ("x = (8, 'a')", [["b", 1]], [[0.5]]),
        ("x = [[32], [32, 16]]", [[[1]], [[]]], [[1], [["a"]]]),
        ("x = {'a': 1}", [{}, {"b": "c"}], [[]]),
        ("x = time()", [1, "a", None], []),
        ("x: float = 1", [0.5, 1], ["a"]),
        ("x: int = None", [1, None], ["a", 0.5]),
        ("x: int | None = 3", [1, None], ["a"]),
        ("x: 'Optional[str]' = 'a'", ["b", None], [1]),
        ("x: typing.Union[int, str] = 1", [1, "a"], [0.5]),
        ("x: list[int] = ()", [[1]], [["a"], 1]),
        ("x: tuple[float, ...] = ()", [[1, 0.5]], [["a"]]),
        ("x: Sequence[list[int]] = []", [[[1]]], [[1]]),
        ("x: Literal['a', 'b'] = 'a'", ["b"], [1]),
        ("x: Size = 1", [2], ["a"]),
        ("x: int", [1], ["a"]),
        ("# what to try\nx = 1  # rows, not epochs", [2], ["a"]),
        ("x, y = 1, 'a'", [2], ["a"]),
        ("y = x = 1", [2], ["a"]),
    ],
)
def test_a_declaration_takes_values_of_its_type_alone(source, taken, not_taken):
    parameter = declares(source)["x"]
    assert [value for value in taken if not parameter.takes(value)] == []
    assert [value for value in not_taken if parameter.takes(value)] == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1", "expected a whole number like 1"),
        ("x = [1, 0.5]", "expected a list of whole numbers or numbers like [1, 0.5]"),
        ("x = [[1]]", "expected a list of lists of whole numbers like [[1]]"),
        ("x: float | None = None", "expected a number or null"),
        ("x: bool", "expected true or false"),
    ],
)
def test_what_is_expected_is_said_in_words(source, said):
    assert declares(source)["x"].expected == said


@pytest.mark.parametrize("source", ["", "# x = 1", "print('x')", "x[0] = 1", "x += 1"])
def test_what_assigns_no_name_declares_none(source):
    assert declares(source) == {}


def test_two_tagged_cells_are_refused_as_the_second_would_undo_what_is_given(make):
    said = refused(make("x = 1", "", "x = 2"), x=3)
    assert "2 cells are tagged 'parameters'; expected one; make one cell of them" in said


def test_a_tagged_cell_that_is_not_python_is_named_with_its_line(make):
    assert "line 2 of the cell tagged 'parameters' is not Python" in refused(
        make("x = 1\n%time y = 2"), x=3
    )


@pytest.mark.parametrize(
    ("given_values", "said"),
    [
        ({"Rate": 1}, "declares a parameter 'Rate'; did you mean 'rate'?"),
        ({"ratte": 1}, "did you mean 'rate'?"),
        ({"epochs": 1.5}, "'epochs' is 1.5; expected a whole number like 5; declare it as 5.0"),
        ({"name": 3}, "'name' is 3; expected text like 'x'; in quotes it is text: '\"3\"'"),
        ({"rate": float("inf")}, "'rate' is inf; expected finite numbers"),
        ({"rate": np.nan}, "'rate' is nan; expected finite numbers"),
    ],
)
def test_a_mistake_is_one_line_before_anything_runs(make, given_values, said):
    assert said in refused(make("rate = 0.1\nepochs = 5\nname = 'x'"), **given_values)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("parameters]\nrate = 'x'", f"ninefold.toml: {SECTION}: 'rate' is 'x'; expected a number"),
        ("parameters]\nrat = 1", f"ninefold.toml: {SECTION} has no parameter 'rat'; did you mean"),
        ("grid]\nrate = [0.1, 'x']", f"ninefold.toml, grid: {SECTION}: 'rate' is 'x'; expected a"),
        ("grid]\nRate = [0.1]", "has no parameter 'Rate'; did you mean 'rate'?"),
    ],
)
def test_a_mistake_in_the_file_is_named_before_anything_runs(make, table, said):
    assert said in refused(make("rate = 0.1", TABLE + table))


def test_a_point_has_the_section_s_values_and_over_them_its_own(make):
    project = make(
        "rate = 0.1\nsize = 8\nepochs = 5",
        f"{TABLE}parameters]\nrate = 0.5\nepochs = 7\n{TABLE}grid]\nrate = [0.2, 0.3]\n",
    )
    assert own_values(project) == {
        SECTION: {"rate": 0.5, "epochs": 7},
        f"{SECTION}@rate=0.2": {"rate": 0.2, "epochs": 7},
        f"{SECTION}@rate=0.3": {"rate": 0.3, "epochs": 7},
    }
    found = values_of(project, project.tasks, {"size": 9})
    assert {values["size"] for values in found.values()} == {9}
    assert "@rate=0.2 has a 'rate' of its own" in refused(project, rate=0.4)


def test_numpy_and_tuples_are_given_as_json_has_them(make):
    project = make("x = None")
    for value, plain in [
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.array([[1, 2]]), [[1, 2]]),
        ((1, (2, "a")), [1, [2, "a"]]),
    ]:
        found = values_of(project, project.tasks, {"x": value})[SECTION]["x"]
        assert (found, type(found)) == (plain, type(plain))


scalars = st.one_of(
    *(st.none(), st.booleans(), st.integers()),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8")),
    st.sampled_from(["'\"\\", "\n\r\t\0", "{x}", "🐧", "\\'", 'a"""b', "#", "\u2028", "C:\\new"]),
)
values = st.recursive(
    scalars,
    lambda items: (
        st.lists(items, max_size=4) | st.dictionaries(st.text("ab'\"\\\n"), items, max_size=3)
    ),
    max_leaves=8,
)


@given(values)
def test_a_value_arrives_in_the_notebook_equal_to_what_was_given(value):
    given_values = json.loads(json.dumps({"x": value}))  # as it crosses to the worker
    source = notebook("x = 'the default'")
    source.metadata["papermill"] = {}  # as papermill's reader adds
    executed = parameterize_notebook(source, given_values, kernel_name="python3", language="python")
    names: dict = {}
    for cell in executed.cells:
        exec(cell.source, names)
    assert names["x"] == value
    assert json.dumps(names["x"]) == json.dumps(value)


@given(scalars.filter(lambda value: value is None or not isinstance(value, str)))
def test_a_literal_on_the_command_line_is_its_value(value):
    assert parse_value(json.dumps(value)) == value
