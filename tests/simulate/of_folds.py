"""What intervals over folds promise: coverage of the mean score of a model."""

from collections.abc import Iterator

import numpy as np
from simulation import Row, simulation

from ninefold.study.statistics.folds import corrected_interval


@simulation(draws=400)
def interval_of_a_mean_over_folds(draws: int, generator: np.random.Generator) -> Iterator[Row]:
    """Coverage of the true squared error of a linear model on normal data, 100 rows, 10 × 3."""
    from sklearn.linear_model import LinearRegression
    from sklearn.model_selection import RepeatedKFold

    weights, held = np.ones(5), 0
    for _ in range(draws):
        X = generator.normal(size=(100, 5))
        y = X @ weights + generator.normal(size=100)
        scores, truths = [], []
        for train, test in RepeatedKFold(
            n_splits=10, n_repeats=3, random_state=int(generator.integers(2**31))
        ).split(X):
            model = LinearRegression().fit(X[train], y[train])
            scores.append(np.mean((model.predict(X[test]) - y[test]) ** 2))
            truths.append(1 + model.intercept_**2 + np.sum((model.coef_ - weights) ** 2))
        found = corrected_interval(scores, 90, 10)
        held += found.low <= np.mean(truths) <= found.high
    yield Row("linear regression, 100 rows, 10 × 3 folds", "coverage", held / draws, draws, 0.95)
