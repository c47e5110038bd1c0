"""Every loss of Keras, with its own arguments, its reductions, with and without weights of rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
from case import Case, describe
from keras import layers, losses, optimizers


@dataclass(frozen=True)
class Problem:
    """What a loss is for: the targets, and the last layers that it judges."""

    targets: str
    units: int = 1
    end: str | None = None
    metrics: tuple[str, ...] = ("mae",)


LABELS = Problem("labels", end="sigmoid", metrics=("accuracy",))
SIGNS = Problem("signs", end="tanh")
NUMBERS = Problem("numbers")
COUNTS = Problem("counts", end="softplus")
CODES = Problem("codes", 3, "softmax", ("accuracy",))
FLAT_CODES = Problem("flat codes", 3, "softmax", ("accuracy",))
ONE_HOT = Problem("one-hot", 3, "softmax", ("accuracy",))
SIDES = Problem("codes", 3, metrics=())
SPELLING = Problem("spelling", 12, metrics=())

PROBLEMS = {
    "BinaryCrossentropy": LABELS, "BinaryFocalCrossentropy": LABELS, "CTC": SPELLING,
    "CategoricalCrossentropy": ONE_HOT, "CategoricalFocalCrossentropy": ONE_HOT,
    "CategoricalGeneralizedCrossEntropy": FLAT_CODES, "CategoricalHinge": ONE_HOT, "Circle": SIDES,
    "CosineSimilarity": ONE_HOT, "Dice": ONE_HOT, "Hinge": SIGNS, "Huber": NUMBERS,
    "KLDivergence": ONE_HOT, "LogCosh": NUMBERS, "MeanAbsoluteError": NUMBERS,
    "MeanAbsolutePercentageError": COUNTS, "MeanSquaredError": NUMBERS,
    "MeanSquaredLogarithmicError": COUNTS, "Poisson": COUNTS,
    "SparseCategoricalCrossentropy": CODES, "SquaredHinge": SIGNS, "Tversky": ONE_HOT,
}  # fmt: skip
NOT_APPLICABLE = {"Loss": "the base of all others"}
COVERED = PROBLEMS.keys()

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight")
_LEFT_OUT = [("sum", True), ("mean", False), ("mean_with_sample_weight", False)]
OWN: dict[str, list[dict[str, Any]]] = {
    "BinaryCrossentropy": [{"from_logits": True}, {"label_smoothing": 0.2}],
    "BinaryFocalCrossentropy": [
        {"apply_class_balancing": True, "alpha": 0.4, "gamma": 1.0},
        {"from_logits": True}, {"label_smoothing": 0.2},
    ],
    "CategoricalCrossentropy": [{"from_logits": True}, {"label_smoothing": 0.2}],
    "CategoricalFocalCrossentropy": [
        {"alpha": 0.4, "gamma": 1.0}, {"from_logits": True}, {"label_smoothing": 0.2},
    ],
    "CategoricalGeneralizedCrossEntropy": [{"q": 0.9}],
    "Circle": [{"gamma": 8.0, "margin": 0.2}, {"remove_diagonal": False}],
    "CosineSimilarity": [{"axis": 0}],  # which Keras gives no weights of rows
    "Dice": [{"axis": 1}],
    "Huber": [{"delta": 0.1}, {"delta": 0.1, "reduction": "sum"}],
    "MeanSquaredError": [{"reduction": "none"}],
    "SparseCategoricalCrossentropy": [{"from_logits": True}, {"ignore_class": 1}],
    "Tversky": [{"alpha": 0.3, "beta": 0.9}, {"axis": 1}],
}  # fmt: skip


def cases() -> Iterator[Case]:
    for name, problem in PROBLEMS.items():
        for reduction in REDUCTIONS:
            settings = {} if reduction == REDUCTIONS[0] else {"reduction": reduction}
            for weighted in (False, True):
                if (reduction, weighted) not in _LEFT_OUT:
                    yield _case(name, problem, settings, weighted)
        for settings in OWN.get(name, ()):
            yield _case(name, problem, settings, weighted=settings != {"axis": 0})


def _case(name: str, problem: Problem, settings: dict[str, Any], weighted: bool) -> Case:
    build = partial(network, name, problem, settings)
    called = describe(name, settings) + (", weights of rows" if weighted else "")
    return Case("loss", called, build, targets=problem.targets, weighted=weighted)


def network(name: str, problem: Problem, settings: dict[str, Any]) -> Any:
    end = None if settings.get("from_logits") else problem.end
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(6, "tanh"), layers.Dense(problem.units, end)]
    )
    for layer in _shaping(name)():
        model.add(layer)
    loss = getattr(losses, name)(**settings)
    model.compile(optimizers.SGD(0.02), loss, metrics=list(problem.metrics))
    return model


def _shaping(name: str) -> Callable[[], list[Any]]:
    """Return what makes outputs of the shape that a loss wants: directions, or letters in time."""
    shaping: dict[str, Callable[[], list[Any]]] = {
        "Circle": lambda: [layers.UnitNormalization()],
        "CTC": lambda: [layers.Reshape((4, 3))],
    }
    return shaping.get(name, list)
