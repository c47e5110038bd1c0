"""Whether noise is said to have skill and a signal is, and how often intervals cover the true
score where a class is rare."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from quick_learners import (
    evaluation_of,
    least_squares,
    logistic,
    make_plan,
    neighbours,
    two_columns,
)
from simulation import Row, simulation

from ninefold.study.estimates import POOLED, rows_of, skill_of
from ninefold.study.evaluation import Evaluation
from ninefold.study.metrics import METRICS, metrics_for, score
from ninefold.study.statistics.few_rows import row_score
from ninefold.study.statistics.folds import verdict
from ninefold.study.statistics.selection import of_the_best

CLASSIFIED, NUMBERS = metrics_for("binary"), metrics_for("regression")
SHARES = (0.02, 0.06, 0.15, 0.4)
Draw = Callable[[np.random.Generator], list[Evaluation]]


@simulation(draws=40)
def false_skill_of_logistic_regressions(
    draws: int, generator: np.random.Generator
) -> Iterator[Row]:
    """Ten on other inputs and penalties, half of them with balanced classes; noise of 300 rows,
    and of 500. The single model is each of them in turn."""
    for n, share in ((300, 0.02), (300, 0.06), (300, 0.15), (300, 0.4), (500, 0.06)):
        yield from _false_skill(f"logistic, {n} rows, {share:.0%} positive", draws, generator,
                                partial(_ten_logistic, n, share), CLASSIFIED)  # fmt: skip


@simulation(draws=40)
def false_skill_of_neighbours(draws: int, generator: np.random.Generator) -> Iterator[Row]:
    """Ten of 3 to 21 neighbours on other inputs."""
    for n, share in ((300, 0.02), (300, 0.06), (300, 0.15), (300, 0.4), (500, 0.06)):
        yield from _false_skill(f"k-NN, {n} rows, {share:.0%} positive", draws, generator,
                                partial(_ten_neighbours, n, share), CLASSIFIED)  # fmt: skip


@simulation(draws=100)
def false_skill_of_regressions(draws: int, generator: np.random.Generator) -> Iterator[Row]:
    """Ten linear regressions and neighbours on the noise of 300 rows."""
    yield from _false_skill("regressions, 300 rows", draws, generator, _ten_regressions, NUMBERS)


@simulation(draws=15)
def false_skill_of_a_small_network(draws: int, generator: np.random.Generator) -> Iterator[Row]:
    """A real network of 8 units, 10 epochs, on 300 rows of noise with 6 % positives; the best of
    three widths."""
    yield from _false_skill("network of 8 units, 300 rows, 6% positive", draws, generator,
                            _three_networks, CLASSIFIED)  # fmt: skip


@simulation(draws=100)
def power_of_the_test_of_skill(draws: int, generator: np.random.Generator) -> Iterator[Row]:
    """Of the metrics that may decide: positives lie 1.5 standard deviations aside in one input of
    six, so that the best model has an AUC of 0.86; the first of ten, and it as one of ten."""
    for share in (0.06, 0.15):
        found = {name: [] for name in ("average_precision", "roc_auc", "log_loss")}
        for _ in range(draws):
            first = _ten_logistic(300, share, generator, signal=1.5, models=1)[0]
            for name, won in found.items():
                won.append([_has_skill(first, name, several) for several in (1, 10)])
        for name, won in found.items():
            least = 0.8 if share > 0.1 and name != "log_loss" else -np.inf
            setting = f"{METRICS[name].label}, 300 rows, {share:.0%} positive, AUC 0.86"
            alone, selected = np.mean(won, axis=0)
            yield Row(setting, "power", float(alone), draws, low=least)
            yield Row(setting, "power, best of 10", float(selected), draws, low=least)


@simulation(draws=100)
def interval_of_cross_validation_with_a_rare_class(
    draws: int, generator: np.random.Generator
) -> Iterator[Row]:
    """Coverage of the fold models' mean score on 6,000 fresh rows, 6 % positive; logistic
    regression and 5-NN by turns."""
    for n in (100, 320, 1000):
        yield from _coverage(f"{n} rows, 6 % positive", (0.94, 0.06), n, draws, generator)


@simulation(draws=60)
def interval_of_cross_validation_with_three_classes(
    draws: int, generator: np.random.Generator
) -> Iterator[Row]:
    """The same, one against the rest, where one class of three has 6 % of the rows."""
    yield from _coverage("320 rows, 64, 30 and 6 %", (0.64, 0.3, 0.06), 320, draws, generator)


def _coverage(
    setting: str, shares: tuple[float, ...], n: int, draws: int, generator: np.random.Generator
) -> Iterator[Row]:
    held: dict[str, list[bool]] = {name: [] for name in CLASSIFIED}
    # the classes in their very shares, and other rows in each draw: what is off by chance in one
    # sample would be so in all (with one of 4,000 rows coverage at 1,000 rows came out as 72 %)
    fresh_y = np.repeat(np.arange(len(shares)), np.round(6_000 * np.array(shares)).astype(int))
    for number in range(draws):
        fresh_X = _inputs(fresh_y, 1.2, generator)
        X, y = _draw(n, shares, 1.2, generator)
        plan, learner = make_plan(y, generator), (logistic, neighbours)[number % 2]
        inside, outside = (
            _each_class(learner, X, y, plan.trains, at) for at in (X, fresh_X)
        )  # (models, rows, K) each
        found = evaluation_of(y, plan.out_of_fold(inside), plan, CLASSIFIED)
        for name in CLASSIFIED:
            true = np.mean([score(name, fresh_y, p, n_classes=len(shares)) for p in outside])
            interval = found.interval(name)
            held[name].append(interval.low <= true <= interval.high)
    for name, covered in held.items():
        yield Row(f"{METRICS[name].label}, {setting}", "coverage", float(np.mean(covered)), draws,
                  low=0.92)  # fmt: skip


def _each_class(
    learner: Callable, X: np.ndarray, y: np.ndarray, trains: np.ndarray, at: np.ndarray
) -> np.ndarray:
    """Probabilities of each class: of two as they are, of more each against the rest, scaled."""
    classes = y.max() + 1
    if classes == 2:
        return two_columns(learner(X, y, trains, at))
    each = [learner(X, (y == code).astype(int), trains, at) for code in range(classes)]
    found = np.stack(each, axis=-1) + 1e-9
    return found / found.sum(axis=-1, keepdims=True)


def _draw(
    n: int, shares: tuple[float, ...], signal: float, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of random classes, four of each at least, which lie aside in two inputs of five."""
    while True:
        y = generator.choice(len(shares), n, p=shares)
        if np.bincount(y, minlength=len(shares)).min() >= 4:
            return _inputs(y, signal, generator), y


def _inputs(y: np.ndarray, signal: float, generator: np.random.Generator) -> np.ndarray:
    X = generator.normal(size=(len(y), 5))
    X[:, 0] += signal * (y == y.max())
    X[:, 1] += signal * (y == 1)
    return X


def _false_skill(
    setting: str, draws: int, generator: np.random.Generator, draw: Draw, metrics: tuple[str, ...]
) -> Iterator[Row]:
    """How often noise has skill: by the metric by which it has most often, of all."""
    found = np.zeros((2, len(metrics)))
    several = 0
    for number in range(draws):
        models = draw(generator)
        several = len(models)
        for column, name in enumerate(metrics):
            sign = 1 if METRICS[name].greater_is_better else -1
            best = max(models, key=lambda one: sign * _mean(one, name))
            found[0, column] += _has_skill(models[number % several], name, 1)
            found[1, column] += _has_skill(best, name, several)
    for kind, counts in zip(("false skill", f"false skill, best of {several}"), found, strict=True):
        worst = METRICS[metrics[int(counts.argmax())]].label if counts.any() else "all metrics"
        yield Row(
            f"{setting}; most by {worst}", kind, float(counts.max()) / draws, draws, high=0.05
        )


def _mean(evaluation: Evaluation, metric: str) -> float:
    """The estimate without its interval, in a hundredth of the time."""
    rows = rows_of(evaluation, metric) if metric in POOLED else None
    return (
        float(np.mean(evaluation.values(metric))) if rows is None else row_score(metric, rows).value
    )


def _has_skill(evaluation: Evaluation, metric: str, several: int) -> bool:
    found = of_the_best(skill_of(evaluation, metric), several)
    return verdict(found, greater_is_better=METRICS[metric].greater_is_better) == "skill"


def _ten_logistic(
    n: int, share: float, generator: np.random.Generator, signal: float = 0.0, models: int = 10
) -> list[Evaluation]:
    X, y = _noise(n, share, generator)
    X[:, 0] += signal * y
    plan = make_plan(y, generator)
    found = []
    for number in range(models):
        inputs = generator.permutation(12)[:6] if number else np.arange(6)
        p = logistic(X[:, inputs], y, plan.trains, penalty=10.0 ** (number % 4 - 2))
        if number % 2:  # as class_weight="balanced" has it
            p = p * (1 - y.mean()) / (p * (1 - y.mean()) + (1 - p) * y.mean())
        found.append(evaluation_of(y, two_columns(plan.out_of_fold(p)), plan, CLASSIFIED))
    return found


def _ten_neighbours(n: int, share: float, generator: np.random.Generator) -> list[Evaluation]:
    X, y = _noise(n, share, generator)
    plan = make_plan(y, generator)
    found = []
    for number in range(10):
        inputs = generator.permutation(12)[:6]
        p = neighbours(X[:, inputs], y, plan.trains, k=3 + 2 * number)
        found.append(evaluation_of(y, two_columns(plan.out_of_fold(p)), plan, CLASSIFIED))
    return found


def _ten_regressions(generator: np.random.Generator) -> list[Evaluation]:
    X, y = generator.normal(size=(300, 12)), generator.normal(size=300)
    plan = make_plan(y, generator)
    found = []
    for number in range(10):
        inside = X[:, generator.permutation(12)[:3]]
        numbers = (
            neighbours(inside, y, plan.trains, k=5 * number)
            if number % 2
            else least_squares(inside, y, plan.trains)
        )
        found.append(evaluation_of(y, plan.out_of_fold(numbers), plan, NUMBERS))
    return found


def _three_networks(generator: np.random.Generator) -> list[Evaluation]:
    import ninefold

    X, y = _noise(300, 0.06, generator)
    builds = {f"{units} units": partial(_network, units=units) for units in (8, 4, 16)}
    found = ninefold.evaluate(builds, X, y, epochs=10, folds=min(10, int(y.sum())), repeats=3)
    return list(found.values())


def _network(inputs: int, units: int):
    import keras

    model = keras.Sequential(
        [
            keras.Input((inputs,)),
            keras.layers.Dense(units, "relu"),
            keras.layers.Dense(1, "sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy")
    return model


def _noise(n: int, share: float, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    while True:
        y = (generator.random(n) < share).astype(int)
        if y.sum() >= 4:
            return generator.normal(size=(n, 12)), y
