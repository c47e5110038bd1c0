"""A forecast is kept with the first result it preceded."""

import pytest
from tiny_project import SETTINGS, judged

from ninefold.errors import NinefoldError
from ninefold.project import Project
from ninefold.records import Record, write_record
from ninefold.study.forecasts import FirstResult, first_result, keep_forecast

STATED = {"winner": "dropout 0.2", "difference": 0.05, "confidence": 0.7}
NOTHING = dict.fromkeys(STATED)


def earlier(**forecast):
    return FirstResult(forecast or {"stated": "never"})


def record(**forecast):
    section = "5-experiments/2-batch-size"
    return Record(section=section, forecast=forecast or None, evaluations={"a": judged()})


def test_what_is_stated_before_the_first_result_is_marked_so():
    assert keep_forecast(STATED, None) == {"stated": "before", **STATED}


def test_nothing_stated_is_a_valid_state():
    assert keep_forecast(NOTHING, None) == {"stated": "never"}
    assert keep_forecast(NOTHING, earlier()) == {"stated": "never"}


def test_what_preceded_the_first_result_stands_whatever_comes_later():
    first = {"stated": "before", **STATED}
    for later in (STATED, NOTHING):
        assert keep_forecast(later, earlier(**first)) == first
    other = STATED | {"winner": "control"}
    assert keep_forecast(other, earlier(**first)) == {**first, "later": other}


def test_what_is_stated_after_a_result_is_marked_so():
    assert keep_forecast(STATED, earlier()) == {"stated": "after", **STATED}


def test_a_late_forecast_stays_late():
    late = earlier(stated="after", **STATED)
    assert keep_forecast(STATED | {"confidence": 0.9}, late)["stated"] == "after"
    assert keep_forecast(NOTHING, late) == {"stated": "after", **STATED}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"winner": None, "confidence": None}, "lacks winner and confidence; expected all three"),
        ({"difference": -0.1}, "difference is negative"),
        ({"confidence": 70}, "confidence is 70; expected 0.5 to 1"),
        ({"confidence": 0.4}, "confidence is 0.4; expected 0.5 to 1"),
    ],
)
def test_half_a_forecast_or_an_impossible_one_is_one_clear_line(change, line):
    with pytest.raises(NinefoldError, match=line):
        keep_forecast(STATED | change, None)


SECTION = "5-experiments/2-batch-size"


@pytest.fixture
def project(tmp_path):
    path = tmp_path / "sections" / f"{SECTION}.ipynb"
    path.parent.mkdir(parents=True)
    path.touch()
    grid = f'[sections."{SECTION}".grid]\nrate = [0.1, 0.2]\n'
    (tmp_path / "ninefold.toml").write_text(SETTINGS + grid)
    return Project(tmp_path)


@pytest.mark.parametrize("asking", [SECTION, f"{SECTION}@rate=0.1"])
def test_a_forecast_cannot_follow_what_a_point_of_the_grid_has_shown(project, asking):
    assert first_result(project, asking) is None
    point = record(stated="never")
    write_record(project.results_of(f"{SECTION}@rate=0.2") / "failure", point)
    assert keep_forecast(STATED, first_result(project, asking))["stated"] == "after"
    write_record(project.results_of(SECTION), record(stated="before", **STATED))
    assert keep_forecast(NOTHING, first_result(project, asking))["stated"] == "before"


def test_a_forecast_cannot_follow_a_point_that_left_the_grid(project):
    write_record(project.results_of(f"{SECTION}@rate=0.9"), record(stated="never"))
    for asking in (SECTION, f"{SECTION}@rate=0.1"):
        assert keep_forecast(STATED, first_result(project, asking))["stated"] == "after"


def test_a_point_left_over_of_another_notebook_is_no_earlier_result(project):
    write_record(project.results_of("5-experiments/2-batch-size-too@a=1"), record())
    assert first_result(project, SECTION) is None


def test_a_notebook_opened_by_hand_has_no_earlier_result(project):
    assert first_result(project, "") is None
