"""The seconds to a notebook's first line: what is asked of them, and that they are measured."""

import pytest
from first_line import measure, target


@pytest.mark.parametrize(("ratio", "met"), [(10.0, True), (9.9, False)])
def test_later_notebooks_are_asked_to_be_ten_times_sooner(ratio, met):
    assert target(ratio) == {
        "claim": "first line of a TensorFlow notebook: at least 10 times sooner than papermill",
        "measured": ratio,
        "met": met,
    }


@pytest.mark.slow
def test_each_way_is_measured():
    rows, _ = measure(quick=True)
    samples = {row["label"]: len(row["samples"]) for row in rows}
    assert samples == {"papermill": 1, "ninefold, first": 1, "ninefold, later": 2}
    assert all(row["seconds"] > 0 for row in rows)
