"""A study of rows that follow one another in time runs to its report, and claims no interval."""

import numpy as np
import pandas as pd
import pytest
from quick_study import edit, new_study, ninefold, record_of, report_of

pytestmark = pytest.mark.slow


def daily_rows() -> pd.DataFrame:
    numbers = np.random.default_rng(0)
    temperature = numbers.normal(15, 8, 300).round(1)
    sales = (100 + 3 * temperature + numbers.normal(0, 8, 300)).round(1)
    day = (pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(300), unit="D")).astype(str)
    frame = pd.DataFrame({"day": day, "temperature": temperature, "sales": sales})
    return frame.sample(frac=1, random_state=0)


def test_a_study_in_time_order_runs_and_says_that_nothing_is_tested(tmp_path):
    daily_rows().to_csv(tmp_path / "sales.csv", index=False)
    root = tmp_path / "study"
    without = ("5-experiments/2-batch-size", "5-experiments/3-weight-regularization")
    new_study(root, tmp_path / "sales.csv", "--target", "sales", without=without)
    edit(root / "ninefold.toml", 'time = ""', 'time = "day"')
    ninefold(root, "run", "--all")
    ninefold(root, "report")
    final = record_of(root, "7-final-model")["values"]
    assert final["verdict"] == "no test: folds ordered in time"
    assert (final["range"]["low"], final["inside"]) == (None, None)
    assert (final["holdout"]["low"], final["holdout"]["high"]) == (None, None)
    assert final["holdout"]["reason"].startswith("no interval: ")
    said = record_of(root, "3-test-harness")["values"]
    assert said["development_span"] == "2024-01-01 to 2024-08-27"
    assert said["holdout_span"] == "2024-08-28 to 2024-10-26"
    report = report_of(root)
    assert "The folds are ordered in time" in report
    assert "±" not in report
