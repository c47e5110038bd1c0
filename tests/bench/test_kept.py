"""The measurement of kept notebooks measures that: a run which executes nothing."""

from kept import measure_kept


def test_a_row_is_measured_for_each_number_of_notebooks():
    rows = measure_kept((2, 3), rounds=1)
    assert [row["notebooks"] for row in rows] == [2, 3]
    assert all(row["run"] > 0 and row["status"] > 0 for row in rows)
    assert [row["each_ms"] is None for row in rows] == [True, False]
