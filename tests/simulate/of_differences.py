"""What comparisons promise: no false difference in a family, power, intervals that cover.

Scores of the folds are made by NumPy learners and by real Keras networks; what they are told is
what `ninefold.compare` does with them: `paired_comparison` of each, `compare_family` of all.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from quick_learners import Plan, evaluation_of, least_squares, logistic, make_plan, neighbours
from simulation import Row, simulation

from ninefold.study.row_differences import row_intervals
from ninefold.study.statistics.families import Family, compare_at_once, correlation_of
from ninefold.study.statistics.folds import corrected_interval, paired_comparison

ROWS, INPUTS = 300, 12
SIZES = (1, 5, 10)  # of families
Learner = Callable[[np.ndarray, np.ndarray, Plan, np.random.Generator], np.ndarray]


@simulation(draws=200)
def differences_between_models(draws: int, generator: np.random.Generator) -> Iterator[Row]:
    """Models that lack one of twelve inputs: in truth alike where the control lacks another of the
    same strength; worse by degrees where the control has all and the inputs differ in strength."""
    for name, (learner, seeds) in LEARNERS.items():
        counts, split = np.zeros((2, len(SIZES))), 0
        for _ in range(draws):
            for number, graded in enumerate((False, True)):
                found = scores_of(learner, seeds, graded, generator)
                for size, family in enumerate(families(found)):
                    away = (family.low > 0) | (family.high < 0)
                    counts[number, size] += np.mean(family.low > 0) if graded else away.any()
                    split += bool((away != (family.p < 0.05)).any())
        for size, error, power in zip(SIZES, *counts / draws, strict=True):
            setting = f"{name}, {size} variant{'s' if size > 1 else ''}"
            yield Row(setting, "family-wise error", error, draws, high=0.05)
            yield Row(setting, "power", power, draws)
        yield Row(name, "interval and p disagree", split / draws, draws, high=0)


def families(found: np.ndarray) -> Iterator[Family]:
    """Yield the families of the first variants of found (models, seeds, J), the control first."""
    compared = [paired_comparison(one, found[0], *sizes_of(ROWS)).difference for one in found[1:]]
    differences = (found[1:] - found[0]).mean(axis=1)
    for size in SIZES:
        some = compared[:size]
        yield compare_at_once(
            np.array([one.mean for one in some]),
            np.array([one.standard_error for one in some]),
            float(some[0].freedom), correlation_of(differences[:size]), draws=20_000,
        )  # fmt: skip


def sizes_of(rows: int, folds: int = 10) -> tuple[int, int]:
    return rows - rows // folds, rows // folds


def scores_of(
    learner: Learner, seeds: int, graded: bool, generator: np.random.Generator
) -> np.ndarray:
    """Draw a data set and return losses (models, seeds, folds × repeats), the control first."""
    X = generator.normal(size=(ROWS, INPUTS))
    strengths = np.linspace(0.9, 0.1, INPUTS) if graded else np.full(INPUTS, 0.5)
    signal = X @ strengths
    y, plan = _target(learner, signal, generator)
    lacking = [None, *range(max(SIZES))] if graded else [INPUTS - 1, *range(max(SIZES))]
    found = []
    for input_ in lacking:
        known = X if input_ is None else np.delete(X, input_, axis=1)
        losses = [learner(known, y, plan, generator) for _ in range(seeds)]
        found.append([_over_folds(one, plan) for one in losses])
    scores = np.array(found)
    return np.sqrt(scores) if learner in SQUARED else scores


def _target(
    learner: Learner, signal: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, Plan]:
    if learner in SQUARED:
        y = signal + generator.standard_t(3, size=len(signal))
    else:
        y = (generator.random(len(signal)) < 1 / (1 + np.exp(-signal))).astype(int)
    return y, make_plan(y, generator)


def _over_folds(losses: np.ndarray, plan: Plan) -> np.ndarray:
    """Return the mean loss of each fold (repeats × folds,) from that of each row (repeats, n)."""
    codes = np.arange(len(losses))[:, None] * plan.folds + plan.tested
    return np.bincount(codes.ravel(), losses.ravel()) / np.bincount(codes.ravel())


def _log_loss(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    return -np.log(np.clip(np.where(y == 1, p, 1 - p), 1e-6, 1))


def _logistic(X, y, plan, generator):
    return _log_loss(y, plan.out_of_fold(logistic(X, y, plan.trains)))


def _neighbours(X, y, plan, generator):
    return (y - plan.out_of_fold(neighbours(X, y, plan.trains, k=15))) ** 2


def _naive_bayes(X, y, plan, generator):
    odds = 0.0
    for code, sign in ((1, 1), (0, -1)):
        its = (plan.trains & (y == code)).astype(float)  # (models, n)
        count = its.sum(axis=1, keepdims=True)
        mean = its @ X / count
        variance = its @ X**2 / count - mean**2 + 1e-9
        away = (X[None] - mean[:, None]) ** 2 / variance[:, None] + np.log(variance)[:, None]
        odds = odds + sign * (np.log(count) - away.sum(axis=2) / 2)
    return _log_loss(y, plan.out_of_fold(1 / (1 + np.exp(-np.clip(odds, -30, 30)))))


def _ridge(X, y, plan, generator):
    return (y - plan.out_of_fold(least_squares(X, y, plan.trains))) ** 2


def _random_units(X, y, plan, generator):
    """A network of 20 ReLU units that stay as they were drawn, anew for each fit."""
    return (y - plan.out_of_fold(random_units(X, y, plan.trains, generator, X))) ** 2


def random_units(X, y, trains, generator, at):
    """Return the numbers of such networks on the rows `at` (models, rows)."""
    weights = generator.normal(size=(len(trains), X.shape[1] + 1, 20)) / np.sqrt(X.shape[1])

    def units(rows: np.ndarray) -> np.ndarray:
        hidden = np.maximum(np.column_stack([rows, np.ones(len(rows))]) @ weights, 0)
        return np.concatenate([hidden, np.ones((len(trains), len(rows), 1))], axis=2)

    inner = units(X)
    kept = inner * trains[:, :, None]
    gram = np.einsum("mni,mnj->mij", kept, inner) + 0.1 * np.eye(21)
    beta = np.linalg.solve(gram, np.einsum("mni,n->mi", kept, y)[..., None])
    return (units(at) @ beta)[..., 0]


LEARNERS: dict[str, tuple[Learner, int]] = {
    "logistic": (_logistic, 1),
    "15 nearest neighbours, Brier": (_neighbours, 1),
    "naive Bayes": (_naive_bayes, 1),
    "linear, t₃ noise, RMSE": (_ridge, 1),
    "random units, 1 seed": (_random_units, 1),
    "random units, 2 seeds": (_random_units, 2),
}
SQUARED = (_ridge, _random_units)


@simulation(draws=24)
def differences_between_keras_networks(draws: int, generator: np.random.Generator) -> Iterator[Row]:
    """Six networks of eight units, each the control in turn. Alike: the same network from other
    seeds. Worse by degrees: slower and slower learning, stopped after ten epochs."""
    counts = np.zeros((2, 2))  # seeds; error, power
    for _ in range(draws):
        alike, slower = _networks(generator)
        for seeds in (1, 2):
            for turn in range(len(alike)):
                family = _last(np.roll(alike, turn, axis=0)[:, :seeds])
                away = (family.low > 0) | (family.high < 0)
                counts[seeds - 1, 0] += away.any() / len(alike)
            counts[seeds - 1, 1] += np.mean(_last(slower[:, :seeds]).low > 0)
    for seeds, (error, power) in enumerate(counts / draws, start=1):
        setting = f"Keras networks, {seeds} seed{'s' * (seeds - 1)}, 5 variants"
        yield Row(setting, "family-wise error", error, draws, high=0.05)
        yield Row(setting, "power", power, draws)


def _last(found: np.ndarray) -> Family:
    """Return the largest family."""
    return list(families(found))[-1]


def _networks(generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return log losses (6 models, 2 seeds, J): of networks alike, and of ones worse by degrees."""
    import ninefold

    X = generator.normal(size=(ROWS, 6))
    y = (generator.random(ROWS) < 1 / (1 + np.exp(-X[:, 0] - X[:, 1] * X[:, 2]))).astype(int)
    judge = partial(ninefold.evaluate, X=X, y=y, epochs=10, metrics=["log_loss"])
    alike = judge(_network, seeds=12).values_by_seed().reshape(6, 2, -1)
    rates = 0.02 * 0.6 ** np.arange(6)
    slower = judge({str(rate): partial(_network, rate=rate) for rate in rates}, seeds=2)
    return alike, np.array([one.values_by_seed() for one in slower.values()])


def _network(inputs: int, rate: float = 0.02):
    import keras

    model = keras.Sequential(
        [
            keras.Input((inputs,)),
            keras.layers.Dense(8, "relu"),
            keras.layers.Dense(1, "sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy")
    return model


@simulation(draws=400)
def intervals_of_unstable_models(draws: int, generator: np.random.Generator) -> Iterator[Row]:
    """Linear models on the 3 of 12 inputs that correlate best with the target on the training
    rows: coverage of the expected difference of their squared errors from those of a model on three
    inputs, or on all; of two seeds, with noise of each fit's own.

    Against all inputs the interval of Nadeau & Bengio covers 93 % (1,000 draws); what is to be seen
    there is that two seeds cover about as much.
    """
    held: dict[tuple[str, str], list] = {}
    for _ in range(draws):
        for setting, scores, truth in _unstable_pairs(generator):
            held.setdefault(setting, []).append((scores, truth))
    for (against, how), pairs in held.items():
        truth = np.mean([expected for _, expected in pairs])
        found = [corrected_interval(scores, *sizes_of(100)) for scores, _ in pairs]
        share = float(np.mean([one.low <= truth <= one.high for one in found]))
        setting = f"best 3 of 12 inputs against {against}, {how}"
        yield Row(setting, "coverage", share, draws, low=0.95 if against == "three" else 0.92)


def _unstable_pairs(generator: np.random.Generator) -> Iterator[tuple]:
    """Yield (setting, differences (seeds, J), expected difference)."""
    weights = np.full(INPUTS, 0.25)
    X = generator.normal(size=(100, INPUTS))
    y = X @ weights + generator.normal(size=100)
    plan = make_plan(y, generator)
    sets = np.argsort([-_correlations(X[train], y[train]) for train in plan.trains], axis=1)[:, :3]
    chosen = _fits(X, y, plan, list(sets))
    noise = 0.3 / np.sqrt(INPUTS) * generator.normal(size=(2, *chosen.shape))
    for against, inputs in (("three", np.arange(3)), ("all", np.arange(INPUTS))):
        control = _fits(X, y, plan, [inputs] * len(plan.trains))
        expected = np.mean([_risk(beta, weights) for beta in chosen])
        expected -= np.mean([_risk(beta, weights) for beta in control])
        base = _squares(X, y, plan, control)
        alone = _squares(X, y, plan, chosen) - base
        seeds = np.array([_squares(X, y, plan, chosen + one) - base for one in noise])
        yield (against, "1 seed without noise"), alone, expected
        yield (against, "2 seeds"), seeds, expected + 0.3**2  # what the noise adds to the risk


def _correlations(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.abs(np.corrcoef(X.T, y)[-1, :-1])


def _fits(X: np.ndarray, y: np.ndarray, plan: Plan, inputs: list[np.ndarray]) -> np.ndarray:
    """Return least squares weights on so many inputs for each fold, (folds, INPUTS)."""
    found = np.zeros((len(inputs), INPUTS))
    for one, train, own in zip(found, plan.trains, inputs, strict=True):
        one[own] = np.linalg.lstsq(X[train][:, own], y[train], rcond=None)[0]
    return found


def _squares(X: np.ndarray, y: np.ndarray, plan: Plan, weights: np.ndarray) -> np.ndarray:
    return _over_folds((y - plan.out_of_fold(weights @ X.T)) ** 2, plan)


def _risk(beta: np.ndarray, weights: np.ndarray) -> float:
    return float(1 + np.sum((beta - weights) ** 2))


@simulation(draws=100)
def intervals_for_these_training_sets(draws: int, generator: np.random.Generator) -> Iterator[Row]:
    """Coverage of the difference that fresh rows show, on average over the very same training sets;
    of networks over five fresh seeds."""
    held = dict.fromkeys(("logistic, log loss", "random units, 2 seeds, RMSE"), 0)
    for _ in range(draws):
        for name, (variant, control, truth) in zip(held, _pairs(generator), strict=True):
            metric = variant.protocol.metric
            mean = np.array([np.mean(variant.values() - control.values())])
            low, high = row_intervals([variant], control, metric, mean)
            held[name] += bool(low[0] <= truth <= high[0])
    for name, count in held.items():
        yield Row(name, "coverage for these training sets", count / draws, draws, low=0.93)


def _pairs(generator: np.random.Generator) -> Iterator[tuple]:
    """Yield (variant, control, true difference): models without the first input and with all."""
    from ninefold.study.evaluation import over_seeds

    X, fresh = (generator.normal(size=(rows, INPUTS)) for rows in (ROWS, 20_000))
    signals = [rows @ np.full(INPUTS, 0.3) for rows in (X, fresh)]
    labels = [(generator.random(len(s)) < 1 / (1 + np.exp(-s))).astype(int) for s in signals]
    plan, pair, risks = make_plan(labels[0], generator), [], []
    for start in (1, 0):
        p = logistic(X[:, start:], labels[0], plan.trains)
        found = plan.out_of_fold(np.stack([1 - p, p], axis=-1))
        pair.append(evaluation_of(labels[0], found, plan, ("log_loss",)))
        told = logistic(X[:, start:], labels[0], plan.trains, fresh[:, start:])
        risks.append(np.mean(_log_loss(labels[1], told)))
    yield *pair, risks[0] - risks[1]
    numbers = [s + generator.normal(size=len(s)) for s in signals]
    plan, pair, risks = make_plan(numbers[0], generator), [], []
    for start in (1, 0):
        fit = partial(random_units, X[:, start:], numbers[0], plan.trains, generator)
        seeds = [plan.out_of_fold(fit(X[:, start:])) for _ in range(2)]
        pair.append(over_seeds([evaluation_of(numbers[0], one, plan, ("rmse",)) for one in seeds]))
        told = [np.mean((numbers[1] - fit(fresh[:, start:])) ** 2, axis=1) for _ in range(5)]
        risks.append(np.mean(np.sqrt(told)))
    yield *pair, risks[0] - risks[1]
