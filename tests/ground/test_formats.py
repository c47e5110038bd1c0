import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.formats import FORMATS, MISSING, fill, show


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        (344, "", "344"),
        (1234567, "integer", "1,234,567"),
        (0.97312, "", "0.973"),
        (-0.0123, "score", "−0.012"),
        (0.0001594, "score", "0.00016"),
        (-0.00005, "score", "−5e−05"),
        (-0.0, "score", "0.000"),
        (-0.0, "significant", "0"),
        (-0.00005, "signed", "−5e−05"),
        (0.00001234, "significant", "1.23e−05"),
        ({"low": -0.0, "high": 1e-9}, "interval", "0.000 to 1e−09"),
        ({"mean": 1e-5, "low": 0.0, "high": 2e-5}, "pm", "1e−05 ± 1e−05"),
        (42.123, "score", "42.1"),
        (4201.7, "score", "4,202"),
        (0.0123, "signed", "+0.012"),
        (-0.0123, "signed", "−0.012"),
        (0.0, "signed", "0.000"),
        (-1.9e-18, "signed", "0.000"),
        (0.256, "percent", "25.6 %"),
        (0.0004, "p", "< 0.001"),
        (0.04, "p", "0.040"),
        (0.0123456, "significant", "0.0123"),
        (4201.7, "significant", "4,202"),
        (0.25, "duration", "250 ms"),
        (61, "duration", "61 s"),
        (600, "duration", "10 min"),
        (7200, "duration", "2.0 h"),
        ({"low": 0.1, "high": 0.2}, "interval", "0.100 to 0.200"),
        ({"mean": 0.973, "low": 0.961, "high": 0.985}, "", "0.973 ± 0.012"),
        ({"mean": 0.973, "low": None, "high": None}, "pm", "0.973"),
        (["a", "b"], "text", "a, b"),
        (True, "", "True"),
    ],
)
def test_a_number_is_shown_as_its_format_says(value, name, text):
    assert show(value, name) == text


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_missing_is_a_dash_in_every_format(name):
    assert show(None, name) == MISSING


def test_an_unknown_format_is_refused():
    with pytest.raises(KeyError):
        show(1, "percentage")


@given(st.floats(-1e9, 1e9))
def test_a_score_reads_back_to_what_it_rounds(value):
    read = float(show(value, "score").replace("−", "-").replace(",", ""))
    assert read == pytest.approx(value, rel=0.06, abs=5.1e-4)


def test_the_fields_of_a_fact_are_filled_in_their_formats():
    text = "{rows:integer} rows of {source}: {share:percent}"
    values = {"rows": 1234, "source": "a {b}", "share": 0.5}
    assert fill(text, values) == "1,234 rows of a {b}: 50.0 %"


def test_a_field_without_a_value_is_an_error():
    with pytest.raises(KeyError):
        fill("{rows}", {})


def test_an_interval_that_is_cut_to_the_range_is_written_as_one_not_as_plus_minus():
    assert show({"mean": 0.98, "low": 0.95, "high": 1.0}, "pm") == "0.980 (0.950 to 1.000)"
    assert show({"mean": 0.9, "low": 0.85, "high": 0.95}, "pm") == "0.900 ± 0.050"


def test_a_share_too_small_for_its_decimals_is_not_nothing():
    assert show(1 / 5000, "percent") == "< 0.1 %"
    assert show(0.0, "percent") == "0.0 %"
