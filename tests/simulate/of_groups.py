"""What intervals promise where rows come in groups, with an intraclass correlation of 0.3."""

from collections.abc import Iterator

import numpy as np
from scipy import special, stats
from simulation import Row, simulation

from ninefold.study.statistics.folds import corrected_interval
from ninefold.study.statistics.rows import holdout_interval
from ninefold.study.statistics.sampled import Sampling

ICC = 0.3
SIZE = 20  # mean rows of a group


def grouped_errors(groups: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return errors of variance 1, of which 0.3 is shared by the rows of a group."""
    shared = np.sqrt(ICC) * generator.normal(size=groups.max() + 1)
    return shared[groups] + np.sqrt(1 - ICC) * generator.normal(size=len(groups))


def draw_groups(number: int, unequal: bool, generator: np.random.Generator) -> np.ndarray:
    sizes = np.maximum(2, generator.geometric(1 / SIZE, number)) if unequal else SIZE
    return np.repeat(np.arange(number), sizes)


def as_two_classes(groups: np.ndarray, generator: np.random.Generator) -> tuple:
    """Return outcomes and probabilities whose logit is off by a grouped error."""
    y = generator.integers(2, size=len(groups))
    share = special.expit(3 * y - 1.5 + 1.5 * grouped_errors(groups, generator))
    return y, np.column_stack([1 - share, share])


@simulation(draws=400)
def holdout_of_groups(draws: int, generator: np.random.Generator) -> Iterator[Row]:
    """Errors, and two classes, of equal groups and of groups from two rows to a hundred."""
    edge = np.linspace(-9, 9, 200_001)
    weights = stats.norm.pdf(edge) * (edge[1] - edge[0])
    bold = special.expit(1.5 + 1.5 * edge)
    truths = {
        "mae": np.sqrt(2 / np.pi),
        "rmse": 1.0,
        "accuracy": stats.norm.cdf(1.0),
        "roc_auc": stats.norm.cdf(3 / (1.5 * np.sqrt(2))),
        "log_loss": float(-(weights * np.log(bold)).sum()),
    }
    for number, unequal in ((2, False), (5, False), (5, True), (13, False), (13, True), (30, True)):
        held, offered = dict.fromkeys(truths, 0), 0
        for _ in range(draws):
            groups = draw_groups(number, unequal, generator)
            errors, classes = grouped_errors(groups, generator), as_two_classes(groups, generator)
            for name, truth in truths.items():
                rows = (errors, np.zeros(len(errors))) if name in ("mae", "rmse") else classes
                found = holdout_interval(name, *rows, n_classes=2, sampling=Sampling(groups))
                if found.low is None or found.high is None:
                    continue
                offered += 1
                held[name] += found.low <= truth <= found.high
        sizes = f"{number} groups of {'2 to about 100' if unequal else SIZE} rows"
        if number < 5:
            yield Row(sizes, "intervals offered", offered / draws / len(truths), draws, high=0)
            continue
        for name, count in held.items():
            yield Row(f"{name}, {sizes}", "coverage", count / draws, draws, 0.9)


@simulation(draws=1000)
def folds_that_are_groups(draws: int, generator: np.random.Generator) -> Iterator[Row]:
    """Cross-validation of a linear model, each group a fold, once and in three copies."""
    from sklearn.linear_model import LinearRegression

    for number in (5, 10):
        groups, held = np.repeat(np.arange(number), SIZE), {1: 0, 3: 0}
        for _ in range(draws):
            X = generator.normal(size=(len(groups), 4))
            y = X.sum(axis=1) + grouped_errors(groups, generator)
            scores, truths = [], []
            for fold in range(number):
                model = LinearRegression().fit(X[groups != fold], y[groups != fold])
                scores.append(np.mean((model.predict(X) - y)[groups == fold] ** 2))
                truths.append(1 + model.intercept_**2 + np.sum((model.coef_ - 1) ** 2))
            for copies in held:
                found = corrected_interval(scores * copies, SIZE * (number - 1), SIZE)
                held[copies] += found.low <= np.mean(truths) <= found.high
        setting = f"squared error, {number} groups in {number} folds"
        yield Row(f"{setting}, one repeat", "coverage", held[1] / draws, draws, 0.93)
        yield Row(f"{setting}, in three copies, not offered", "coverage", held[3] / draws, draws)
