"""A grid's points, their names, and what is refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_project import SETTINGS

from ninefold.errors import NinefoldError
from ninefold.files import Files
from ninefold.grid import check_size, check_values, is_value, point_name, points
from ninefold.project import Project
from ninefold.running.parameters import values_of
from ninefold.settings import read_settings

SECTION = "5-experiments/2-batch-size"
GRID = f'[sections."{SECTION}".grid]\n'

scalars = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.text(max_size=60)),
    st.floats(allow_nan=False, allow_infinity=False),
)
values = st.recursive(scalars, lambda items: st.lists(items, max_size=4), max_leaves=6)


@pytest.fixture
def write(tmp_path):
    for name in (SECTION, "7-final-model"):
        path = tmp_path / "sections" / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def project(text):
        (tmp_path / "ninefold.toml").write_text(SETTINGS + text, "utf-8")
        return Project(tmp_path)

    return project


def test_points_are_the_product_in_the_order_of_the_file():
    found = points({"b": [1, 2], "a": ["x", "y"]})
    assert found == tuple((("b", b), ("a", a)) for b in (1, 2) for a in ("x", "y"))
    assert points({}) == ()


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (16, "16"),
        (0.01, "0.01"),
        (-1e-05, "-1e-05"),
        (True, "true"),
        ("relu", "relu"),
        ([32, 16], "[32,16]"),
        ([], "[]"),
    ],
)
def test_a_plain_value_stands_for_itself(value, name):
    assert point_name((("a", value),)) == f"a={name}"


@pytest.mark.parametrize(
    "value",
    [
        "16",
        "true",
        "null",
        "ReLU",
        "a/b",
        "..",
        "",
        "con.",
        "größe",
        "🐧",
        "a=b",
        "x" * 300,
        {"a": 1},
    ],
)
def test_an_odd_value_is_shortened_and_told_apart_by_a_digest(value):
    assert re.fullmatch(r"a=[a-z0-9-]{0,12}~[0-9a-f]{12}", point_name((("a", value),)))


@given(st.lists(st.tuples(values, values), min_size=2, max_size=2))
def test_other_values_have_other_names_that_any_file_system_takes(pairs):
    first, second = (point_name((("a", a), ("b", b))) for a, b in pairs)
    if repr(pairs[0]) != repr(pairs[1]):
        assert first.casefold() != second.casefold()
    for name in (first, second):
        assert re.fullmatch(r"[\w=,.+~\[\]-]{1,80}", name, re.ASCII)
        assert name == name.lower()
        assert not name.endswith(".")


def test_the_order_in_the_file_of_names_and_of_a_table_s_keys_makes_no_other_point():
    assert point_name((("b", 1), ("a", 2))) == point_name((("a", 2), ("b", 1))) == "a=2,b=1"
    first, second = {"C": 1, "D": [{"x": 1, "y": 2}]}, {"D": [{"y": 2, "x": 1}], "C": 1}
    assert point_name((("a", first),)) == point_name((("a", second),))
    long = "größe"
    assert point_name(((long, 1), ("a", 2))) == point_name((("a", 2), (long, 1)))


def test_many_names_and_names_beyond_ascii_make_a_short_id():
    many = tuple((f"parameter_{n}", n) for n in range(30))
    for point in (many, (("größe", 1),)):
        assert re.fullmatch(r"[\w=,.+~-]{1,80}", point_name(point), re.ASCII)
    assert point_name(many) != point_name((*many[:-1], ("parameter_29", 30)))


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), [[float("nan")]], "\ud800", {1: 2}, 1j]
)
def test_what_no_notebook_can_be_given_is_no_value(value):
    assert not is_value(value)


@pytest.mark.parametrize(
    ("several", "said"),
    [
        (16, "expected a list of values, such as [16, 32]"),
        ([], "at least one value"),
        ([1, 2.0, 2], "2 stands there twice"),
        ([[1], [1.0]], "stands there twice"),
        ([{"C": 1, "D": 2}, {"D": 2.0, "C": 1}], "stands there twice"),
        ([[{"C": 1, "D": 2}], [{"D": 2, "C": 1}]], "stands there twice"),
        ([float("nan")], "expected finite numbers"),
    ],
)
def test_values_that_make_no_grid_are_refused(several, said):
    with pytest.raises(NinefoldError, match=re.escape(said)):
        check_values(several)


def test_true_is_not_one():
    check_values([1, True, "1", [1], {"a": 1}, {"a": True}, {"a": "1"}])


def test_more_points_than_anyone_means_are_refused_with_their_number():
    check_size({"a": list(range(1_000))})
    with pytest.raises(
        NinefoldError, match="its 1,001 points are too many; expected at most 1,000"
    ):
        check_size({"a": list(range(7)), "b": list(range(11)), "c": list(range(13))})


def test_tasks_are_the_notebooks_each_followed_by_its_points(write):
    project = write(GRID + "batch_size = [16, 32]\nrate = [0.01]\n")
    names = [f"{SECTION}@batch_size={size},rate=0.01" for size in (16, 32)]
    assert [task.id for task in project.tasks] == [SECTION, *names, "7-final-model"]
    assert project.tasks[1].point == (("batch_size", 16), ("rate", 0.01))
    assert [section.id for section in project.sections] == [SECTION, "7-final-model"]
    assert [task.id for task in project.reads(project.section("7"))] == [SECTION, *names]
    assert project.section("batch-size").id == SECTION
    assert project.section("2-batch-size@batch_size=32").notebook == SECTION


def test_results_of_points_in_no_grid_are_left_over(write):
    project = write(GRID + "batch_size = [16]\n")
    for size in (16, 32):
        project.results_of(f"{SECTION}@batch_size={size}").mkdir(parents=True)
    assert project.left_over == (f"{SECTION}@batch_size=32",)


def test_the_final_model_has_no_grid(write):
    project = write('[sections."7-final-model".grid]\nrate = [1, 2]\n')
    assert [task.id for task in project.tasks] == [SECTION, "7-final-model"]
    with pytest.raises(NinefoldError, match="would look at the hold-out 2 times; section 7 looks"):
        values_of(project, (), {})


def test_a_point_is_found_whatever_the_order_of_its_values(write):
    project = write(f'[sections."{SECTION}".grid]\nunits = [16, 64]\nrate = [[0.1, 0.2], 0.5]\n')
    for text in ("2-batch-size@units=16,rate=[0.1,0.2]", "batch@rate=[0.1,0.2],units=16"):
        assert project.section(text).id == f"{SECTION}@rate=[0.1,0.2],units=16"
    with pytest.raises(NinefoldError, match="no section '2-batch-size@units=32"):
        project.section("2-batch-size@units=32,rate=0.5")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GRID + "rate = 3", f"""'sections."{SECTION}".grid.rate' is 3; expected a list"""),
        (GRID + "rate = []", "grid.rate' is []; expected at least one value"),
        (GRID + "rate = [1, 1]", "grid.rate' is [1, 1]; 1 stands there twice; leave one out"),
        (GRID + "rate = ['Adam', 'Adam']", '"Adam" stands there twice'),
        (GRID + "rate = [2024-01-01]", "expected finite numbers, text"),
        (GRID + f"a = {list(range(50))}\nb = {list(range(50))}", "its 2,500 points are too many"),
        (f'[sections."{SECTION}"]\ngird.rate = [1]', "did you mean 'grid'?"),
        (f'[sections."{SECTION}".parameters]\nrate = nan', "rate' is nan; expected a finite"),
        (f'[sections."{SECTION}".parameters]\nday = 2024-01-01', "parameters.day' is datetime"),
    ],
)
def test_a_mistake_in_the_file_is_one_line_with_its_key(write, text, said):
    with pytest.raises(NinefoldError) as error:
        read_settings(Files(write(text).root), "ninefold.toml")
    assert str(error.value).startswith("ninefold.toml: ")
    assert said in str(error.value)
