"""What is measured of kept notebooks: that both commands run, and keep all of them."""

from kept import measure


def test_each_command_is_measured_for_each_number_of_notebooks():
    rows, targets = measure(quick=True)
    assert [row["label"] for row in rows] == ["2: run", "2: status", "3: run", "3: status"]
    assert all(row["seconds"] > 0 for row in rows)
    assert targets == []  # they are asked of ten and of a thousand
