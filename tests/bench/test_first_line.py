"""The seconds to a notebook's first line: what is asked of them, and that they are measured."""

import pytest
from first_line import rows, target


@pytest.mark.parametrize(("ratio", "met"), [(10.0, True), (9.9, False)])
def test_later_notebooks_are_asked_to_be_ten_times_sooner(ratio, met):
    measured = [
        {"label": "ninefold, first", "ratio": 1.0},
        {"label": "ninefold, later", "ratio": ratio},
    ]
    assert target(measured) == {
        "claim": "first line of a TensorFlow notebook: at least 10 times sooner than papermill",
        "measured": ratio,
        "met": met,
    }


@pytest.mark.slow
def test_each_way_is_measured():
    measured = rows(later=2, plain=1)
    samples = {row["label"]: len(row["samples"]) for row in measured}
    assert samples == {"papermill": 1, "ninefold, first": 1, "ninefold, later": 2}
    assert all(row["seconds"] > 0 for row in measured)
