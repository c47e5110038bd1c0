"""The test harness: any model, judged by repeated k-fold cross-validation without a leak.

Preparation is fitted on the rows a fold trains on; labels are encoded once; whatever chooses sees
the inner validation split; every variant trains on the same rows.
"""

import hashlib
import inspect
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ninefold.errors import NinefoldError
from ninefold.study.arguments import make_splits, make_task, metric_names
from ninefold.study.evaluation import Evaluation, Protocol, put_naive, score_folds
from ninefold.study.learners import Fitted, Task, make_learner
from ninefold.study.splits import Fold, derive_seed
from ninefold.study.training import Recipe


def evaluate(
    build: Any,
    X: pd.DataFrame | np.ndarray,
    y: Any,
    *,
    folds: int = 10,
    repeats: int = 3,
    epochs: int = 100,
    batch_size: int = 32,
    seed: int = 1,
    validation: float = 0.2,
    callbacks: Sequence[Any] = (),
    metrics: Sequence[str] | None = None,
    prepare: Any = "auto",
    splitter: Any = None,
    groups: Any = None,
    sample_weight: Any = None,
    class_weight: Any = None,
    engine: str = "auto",
    model_seed: int = 0,
) -> Evaluation:
    """Judge a model by repeated k-fold cross-validation.

    build          a function that returns a compiled Keras model, or a scikit-learn estimator
                   (or a function that returns one). Parameters of the function named `inputs`
                   and `outputs` are given the prepared width (or image shape) and the number of
                   outputs (classes; 1 for a regression)
    X              (n, features) DataFrame or array, or (n, height, width, channels) images
    y              (n,) numbers (a regression) or labels; whole numbers with at most 20 different
                   values are labels
    epochs, batch_size, callbacks   how networks are trained; callbacks are copied for each fold
    seed           decides splits, weights, row order and noise
    validation     share of each training fold set aside as inner validation; every kind of model
                   trains without it. 0: none, and a scikit-learn estimator scores as under
                   `cross_val_score`
    metrics        names of `ninefold.study.metrics.METRICS`, the deciding one first; default: all
                   that fit the problem, the deciding one chosen by the data
    prepare        "auto": impute, standardise and one-hot encode inside each fold (and, for a
                   network's regression, standardise the target; predictions and scores come back
                   in its own units); None: X goes in as it is; or a scikit-learn transformer
    splitter       a scikit-learn splitter instead of folds × repeats
    groups         (n,) rows of one group never part
    sample_weight  (n,) weights of rows in training; class_weight: class → weight, or "balanced"
    engine         "auto", "graph" (a compiled epoch) or "fit" (`model.fit` in each fold)
    model_seed     another draw of weights, order and noise on the same splits

    Raises NinefoldError for arguments that do not fit each other, naming the fold where one failed.

    >>> evaluation = ninefold.evaluate(LogisticRegression(), X, y, folds=5, repeats=1)
    >>> evaluation.scores["accuracy"].mean()
    """
    task = make_task(X, y, sample_weight, class_weight)
    splits = make_splits(
        task, folds=folds, repeats=repeats, validation=validation, seed=seed,
        splitter=splitter, groups=groups,
    )  # fmt: skip
    plan = Harness(task, splits, metric_names(task, metrics), prepare, seed)
    recipe = Recipe(epochs, batch_size, tuple(callbacks), engine)
    return judge(build, plan, recipe, model_seed)


@dataclass(frozen=True)
class Harness:
    """What all variants share: the task, its splits, the metrics (the deciding one first)."""

    task: Task
    splits: Sequence[Fold]
    metrics: tuple[str, ...]
    prepare: Any = "auto"
    seed: int = 1

    def protocol(self) -> Protocol:
        digest = hashlib.sha256(np.asarray(self.task.y, dtype=float).tobytes())
        for fold in self.splits:
            for rows in (fold.train, fold.validation, fold.test):
                digest.update(np.asarray(rows, dtype="int64").tobytes() + b"|")
        return Protocol(
            y=self.task.y,
            classes=self.task.classes,
            folds=len({fold.fold for fold in self.splits}),
            repeats=len({fold.repeat for fold in self.splits}),
            n_train=round(np.mean([len(f.train) + len(f.validation) for f in self.splits])),
            n_test=round(np.mean([len(f.test) for f in self.splits])),
            metrics=self.metrics,
            metric=self.metrics[0],
            splits=digest.hexdigest()[:16],
        )


def judge(build: Any, harness: Harness, recipe: Recipe, model_seed: int = 0) -> Evaluation:
    """Train and score one variant on every split of the harness."""
    task, protocol = harness.task, harness.protocol()
    learner = make_learner(build, task, harness.prepare, recipe)
    predictions, curves, diverged = [], [], []
    fit_seconds = predict_seconds = 0.0
    for fold in harness.splits:
        seed = derive_seed(harness.seed, fold.repeat, fold.fold, model_seed)
        try:
            fitted = learner.fit(fold.train, fold.validation, seed)
            start = time.perf_counter()
            found = fitted.predict(task.rows(fold.test))
        except NinefoldError as error:
            raise NinefoldError(
                f"{fold.name}: {error.happened}", error.expected, error.todo
            ) from error
        except Exception as error:
            raise NinefoldError(f"{fold.name}: {type(error).__name__}: {error}") from error
        predict_seconds += time.perf_counter() - start
        fit_seconds += fitted.seconds
        if not np.isfinite(found).all():
            diverged.append((fold.repeat, fold.fold))
        predictions.append(_prediction_frame(fold, found, task.classes))
        curves.append(_curve_frame(fold, fitted))
    together = put_naive(pd.concat(predictions, ignore_index=True), protocol, diverged)
    return Evaluation(
        scores=score_folds(together, protocol, diverged),
        curves=pd.concat(curves, ignore_index=True) if curves[0].size else curves[0],
        predictions=together,
        protocol=protocol,
        variant=describe_variant(build, recipe) | {"model_seed": model_seed},
        engine=learner.engine,
        parameters=learner.parameters,
        fits=len(harness.splits),
        fit_seconds=fit_seconds,
        predict_seconds=predict_seconds,
        diverged=tuple(diverged),
    )


def judge_constant(harness: Harness) -> Evaluation:
    """Score the strongest constant for each metric, fitted on each fold's other rows.

    `predictions` are those of the deciding metric's constant.
    """
    task, protocol = harness.task, harness.protocol()
    folds = [(fold.repeat, fold.fold) for fold in harness.splits]
    blank = [
        _prediction_frame(fold, np.full((len(fold.test), task.outputs), np.nan), task.classes)
        for fold in harness.splits
    ]
    predictions = put_naive(pd.concat(blank, ignore_index=True), protocol, folds)
    return Evaluation(
        scores=score_folds(predictions, protocol, folds),
        curves=pd.DataFrame(columns=_CURVE_COLUMNS),
        predictions=predictions,
        protocol=protocol,
        variant={"function": "the strongest constant", "keywords": {}, "rebuildable": False},
        engine="constant",
        parameters=0,
        fits=0,
        fit_seconds=0.0,
        predict_seconds=0.0,
    )


def describe_variant(build: Any, recipe: Recipe) -> dict[str, Any]:
    """Return what a record keeps of a variant: enough to build it again where it is a function
    of a module, with keyword arguments bound by `functools.partial`."""
    function: Any = build
    keywords: dict[str, Any] = {}
    whole = True
    while isinstance(function, partial):
        keywords = {**function.keywords, **keywords}
        whole = whole and not function.args
        function = function.func
    named = inspect.isfunction(function)
    # a notebook's own function is gone with its kernel
    lasting = named and "<" not in function.__qualname__ and function.__module__ != "__main__"
    variant = {
        "function": f"{function.__module__}:{function.__qualname__}" if named else repr(function),
        "keywords": keywords,
        "rebuildable": lasting and whole and _are_plain(keywords),
    }
    if named:
        variant |= {"epochs": recipe.epochs, "batch_size": recipe.batch_size}
    return variant


def _are_plain(value: Any) -> bool:
    """Tell whether a record gives the same back (a tuple as a list, NumPy's numbers as numbers)."""
    if isinstance(value, dict):
        return all(map(_are_plain, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(_are_plain, value))
    return value is None or isinstance(value, (bool, int, float, str)) or hasattr(value, "tolist")


def _prediction_frame(fold: Fold, found: np.ndarray, classes: tuple[str, ...]) -> pd.DataFrame:
    names = list(classes) or ["prediction"]
    frame = pd.DataFrame(found.reshape(len(fold.test), -1), columns=names)
    frame.insert(0, "row", fold.test)
    frame.insert(0, "fold", fold.fold)
    frame.insert(0, "repeat", fold.repeat)
    return frame


def _curve_frame(fold: Fold, fitted: Fitted) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "repeat": fold.repeat,
                "fold": fold.fold,
                "epoch": np.arange(1, len(values) + 1),
                "metric": metric,
                "train": values,
                "validation": fitted.validation_curve.get(metric, [np.nan] * len(values)),
            }
        )
        for metric, values in fitted.train_curve.items()
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=_CURVE_COLUMNS)


_CURVE_COLUMNS = ["repeat", "fold", "epoch", "metric", "train", "validation"]
