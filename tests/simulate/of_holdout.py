"""What intervals on a hold-out promise: that they hold the score on endless such rows."""

from collections.abc import Callable, Iterator

import numpy as np
from scipy import special, stats
from simulation import Row, simulation

from ninefold.study.metrics import metrics_for, score
from ninefold.study.statistics.rows import holdout_interval
from ninefold.study.statistics.sampled import Sampling

NEGATIVES = 94
AUC = 0.85
APART = np.sqrt(2) * stats.norm.ppf(AUC)  # of two normal scores
BOOTSTRAPS = 600  # draws of each: enough for coverage, and a third of the time
FEWER = 0.93  # what is asked of an interval that leans on few rows


def coverage(
    name: str,
    draws: int,
    truth: float,
    sample: Callable[[], tuple[np.ndarray, np.ndarray]],
    classes: int = 2,
    sampling: Sampling | None = None,
) -> tuple[float, float]:
    """Return the share of intervals that hold the truth, and their mean width."""
    held, width = 0, 0.0
    for seed in range(draws):
        found = holdout_interval(
            name,
            *sample(),
            n_classes=classes,
            sampling=sampling or Sampling(),
            seed=seed,
            draws=BOOTSTRAPS,
        )
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
        width += (found.high - found.low) / draws
    return held / draws, width


@simulation(draws=1000)
def holdout_of_a_rare_class(draws: int, generator: np.random.Generator) -> Iterator[Row]:
    """Two normal scores, 94 negatives, cut where they meet."""
    for positives in (6, 30):
        y = np.repeat([1, 0], [positives, NEGATIVES])
        hit = stats.norm.cdf(APART / 2)  # of either class
        share = positives / len(y)
        x = stats.norm.ppf(np.linspace(0.5, 9999.5, 10_000) / 10_000, APART)  # of positives
        found, false = stats.norm.sf(x - APART), stats.norm.sf(x)
        truths = {
            "balanced_accuracy": hit,
            "f1": 2 * share * hit / (share * hit + (1 - share) * (1 - hit) + share),
            "roc_auc": AUC,
            "average_precision": np.mean(share * found / (share * found + (1 - share) * false)),
        }

        def sample(y: np.ndarray = y) -> tuple[np.ndarray, np.ndarray]:
            share = special.expit(generator.normal(size=len(y)) + (y - 0.5) * APART)
            return y, np.column_stack([1 - share, share])

        for name, truth in truths.items():
            held, _ = coverage(name, draws, float(truth), sample)
            yield Row(f"{name}, {positives} positives of {len(y)}", "coverage", held, draws, FEWER)


@simulation(draws=300)
def holdout_of_uneven_losses(draws: int, generator: np.random.Generator) -> Iterator[Row]:
    """Probabilities ten times too sure, calibrated ones, and errors with heavy tails."""
    n = 115

    def told(boldness: float, n: int = n) -> tuple[np.ndarray, np.ndarray]:
        logits = generator.normal(0, 1.5, n)
        y = (generator.random(n) < special.expit(logits)).astype(int)
        share = special.expit(boldness * logits)
        return y, np.column_stack([1 - share, share])

    for name, boldness in (("log_loss", 10), ("log_loss", 1), ("brier", 10), ("brier", 1)):
        truth = score(name, *told(boldness, 2_000_000), n_classes=2)
        held, _ = coverage(name, draws, truth, lambda boldness=boldness: told(boldness))  # type: ignore[misc]
        yield Row(f"{name}, logits × {boldness}, {n} rows", "coverage", held, draws, FEWER)

    def missed(freedom: float) -> tuple[np.ndarray, np.ndarray]:
        y = generator.normal(size=n)
        return y, y + stats.t.rvs(freedom, size=n, random_state=generator)

    for name, truth in (
        ("rmse", np.sqrt(5)),
        ("mae", 2 * np.sqrt(2.5) / 1.5 / special.beta(1.25, 0.5)),
    ):
        held, _ = coverage(name, draws, float(truth), lambda: missed(2.5), 0)
        # the squares of t₂.₅ have no variance: the interval is too narrow, as its docstring says
        yield Row(
            f"{name}, t₂.₅ noise, {n} rows", "coverage", held, draws, 0.6 if name == "rmse" else 0.9
        )
    for name, truth in (("rmse", np.sqrt(5 / 3)), ("r2", 1 - 5 / 3)):
        held, _ = coverage(name, draws, float(truth), lambda: missed(5), 0)
        yield Row(f"{name}, t₅ noise, {n} rows", "coverage", held, draws, 0.9)


@simulation(draws=200)
def holdout_of_a_small_keras_network(draws: int, generator: np.random.Generator) -> Iterator[Row]:
    """Eight hidden units, trained on 150 rows by `ninefold.evaluate`, judged on 115 of 100,000."""
    import keras

    import ninefold

    def build() -> keras.Model:
        network = keras.Sequential(
            [keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1, "sigmoid")]
        )
        network.compile(optimizer=keras.optimizers.Adam(0.05), loss="binary_crossentropy")
        return network

    def rows(n: int) -> tuple[np.ndarray, np.ndarray]:
        X = generator.normal(size=(n, 4))
        chance = special.expit(2 * X[:, 0] - X[:, 1] * X[:, 2] - 1)
        return X, (generator.random(n) < chance).astype(int)

    judged = ninefold.evaluate(
        build,
        *rows(150),
        folds=3,
        repeats=1,
        epochs=60,
        seed=int(generator.integers(2**31)),
        return_models=True,
    )
    X, y = rows(100_000)
    share = np.asarray(judged.models[0].predict(X)).reshape(len(y), -1)[:, -1]
    told = np.column_stack([1 - share, share])

    def sample() -> tuple[np.ndarray, np.ndarray]:
        drawn = generator.integers(len(y), size=115)
        return y[drawn], told[drawn]

    for name in metrics_for("binary"):
        held, _ = coverage(name, draws, score(name, y, told, n_classes=2), sample)
        yield Row(f"{name}, 115 rows", "coverage", held, draws, FEWER)


@simulation(draws=1000)
def holdout_in_time_order(draws: int, generator: np.random.Generator) -> Iterator[Row]:
    """AR(1) errors: no interval is offered, since the best of those tried does not hold."""
    for n, along in ((100, 0.5), (100, 0.8), (100, 0.95), (400, 0.95)):
        offered, by_row, by_block = 0, 0, 0
        for _ in range(draws):
            errors = series(n, along, generator)
            given = holdout_interval("mae", errors, np.zeros(n), sampling=Sampling(ordered=True))
            offered += given.low is not None
            reach = stats.t.ppf(0.975, n - 1) * errors.std(ddof=1) / np.sqrt(n)
            by_row += abs(errors.mean()) <= reach
            blocks = errors.reshape(4, -1).mean(axis=1)
            reach = stats.t.ppf(0.975, 3) * blocks.std(ddof=1) / 2
            by_block += abs(blocks.mean()) <= reach
        setting = f"AR(1) {along}, {n} rows"
        yield Row(setting, "intervals offered", offered / draws, draws, high=0)
        yield Row(setting, "coverage of one by rows, not offered", by_row / draws, draws)
        yield Row(setting, "coverage of one by four blocks, not offered", by_block / draws, draws)


def series(n: int, along: float, generator: np.random.Generator) -> np.ndarray:
    from scipy.signal import lfilter

    noise = generator.normal(size=n + 300) * np.sqrt(1 - along**2)
    return lfilter([1], [1, -along], noise)[300:]
