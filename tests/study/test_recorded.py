"""Comparisons of evaluations that only their records are left of, beside those of the rows."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from ninefold.plain_json import plain
from ninefold.study.estimates import paired
from ninefold.study.evaluate import evaluate
from ninefold.study.recorded import against


@pytest.fixture(scope="module")
def rare():
    """Three models on 200 rows with 8 % positives: folds of one or two."""
    generator = np.random.default_rng(4)
    y = (generator.uniform(size=200) < 0.08).astype(int)
    X = generator.normal(size=(200, 4))
    X[:, 0] += 1.2 * y
    models = {
        "a": LogisticRegression(), "b": GaussianNB(), "c": LogisticRegression(C=0.01)
    }  # fmt: skip
    return evaluate(
        models, X, y, folds=10, repeats=1, problem="classification",
        metrics=["average_precision", "f1"],
    )  # fmt: skip


@pytest.mark.parametrize("metric", ["average_precision", "f1"])
@pytest.mark.parametrize("other", ["b", "c"])
def test_no_record_is_surer_than_the_rows(rare, metric, other):
    """The folds of a and c may score alike, and the rows of a repeat together not."""
    rows = paired(rare["a"], rare[other], metric).difference
    records = [plain(rare[name].to_record()) for name in ("a", other)]
    found = against(*records, metric)
    assert rows.low <= 0 <= rows.high
    assert found.difference.mean == pytest.approx(rows.mean, abs=1e-6)
    assert found.difference.low <= 0 <= found.difference.high
    assert found.p is None or found.p > 0.05
