"""What a forecast states is no part of the code that results depend on."""

import pytest

from ninefold.running.staleness.forecast_cell import stated_forecasts, without_forecast

STATED = "x = 'é'; study.forecast(winner='a — b',\n    difference=0.1, confidence=0.7)  # é\ny = 1"


def test_literal_arguments_are_left_out_wherever_the_call_stands():
    assert without_forecast(STATED) == "x = 'é'; study.forecast()  # é\ny = 1"
    assert without_forecast("study.forecast(\n    None,\n)\n") == "study.forecast()\n"
    assert without_forecast("study.forecast()") == "study.forecast()"
    two = "study.forecast('a', 1, 0.5); study.forecast('b', 2, 0.6)"
    assert without_forecast(two) == "study.forecast(); study.forecast()"


@pytest.mark.parametrize(
    "source",
    [
        "study.forecast(winner=mine)",
        "study.forecast(*stated)",
        "study.forecast(**stated)",
        "other.forecast(winner='a')",
        "%time study.forecast(winner='a')",
        "study.forecast(",
        "print('forecast')",
        "",
    ],
)
def test_all_else_stays_as_it_is(source):
    assert without_forecast(source) == source
    assert stated_forecasts(source) == []


def test_what_is_stated_is_read_by_name_and_by_place():
    whole = {"winner": "a — b", "difference": 0.1, "confidence": 0.7}
    assert stated_forecasts(STATED) == [whole]
    assert stated_forecasts("study.forecast('a — b', 0.1, confidence=0.7)") == [whole]
