"""The test harness: any model, judged by repeated k-fold cross-validation without a leak.

Preparation is fitted on the rows a fold trains on; labels are encoded once; whatever chooses sees
the inner validation split; every variant trains on the same rows.
"""

import hashlib
import inspect
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, overload

import numpy as np
import pandas as pd

from ninefold.errors import NinefoldError, naming
from ninefold.study.arguments import (
    choose_metrics,
    make_splits,
    make_tasks,
    metrics_of,
    must_be_filled,
)
from ninefold.study.evaluation import Evaluation
from ninefold.study.learners import (
    Answer,
    Fitted,
    FoldModel,
    Part,
    Shared,
    fit_together,
    make_joint,
    make_learner,
)
from ninefold.study.metrics import METRICS, Metric, shown_beside
from ninefold.study.preparation import read_inputs
from ninefold.study.protocol import Protocol
from ninefold.study.scoring import prediction_frame, put_naive, score_folds
from ninefold.study.splits import Fold, derive_seed
from ninefold.study.task import Task
from ninefold.study.time_order import is_ordered
from ninefold.study.training import Progress, Recipe, caller_s_randomness


@overload
def evaluate(build: Mapping[str, Any], X: Any, y: Any, **options: Any) -> dict[str, Evaluation]: ...
@overload
def evaluate(build: Any, X: Any, y: Any, **options: Any) -> Evaluation: ...
def evaluate(  # type: ignore[misc]  # the overloads leave out what does not change the result's type
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
    metrics: Sequence[str | Metric | Callable] | None = None,
    prepare: Any = "auto",
    splitter: Any = None,
    groups: Any = None,
    sample_weight: Any = None,
    class_weight: Any = None,
    problem: str = "auto",
    engine: str = "auto",
    targets: str = "auto",
    scale_target: Any = "auto",
    model_seed: int = 0,
    return_models: bool = False,
    return_callbacks: bool = False,
    verbose: int = 0,
) -> Evaluation | dict[str, Evaluation]:
    """Judge a model by repeated k-fold cross-validation.

    build          a function that returns a compiled Keras model, or a scikit-learn estimator
                   (or a function that returns one). Parameters of the function named `inputs`
                   and `outputs` are given the prepared width (or image shape) and the number of
                   outputs (classes; 1 for a regression). Or a mapping of names to such: variants,
                   judged on the same splits, those of one architecture trained together; returned
                   is then a mapping of the same names
    X              (n, features) DataFrame or array, sequences (n, time, features), or images (n,
                   height, width, channels); with prepare=None or an own one, whatever it takes.
                   For a network of several inputs a mapping of their names to such
    y              (n,) numbers (a regression) or labels. Of whole numbers the models say which: an
                   estimator by its kind, a network by its loss and last layer; if these fit both,
                   at most 20 different ones are labels. For a network of several outputs a
                   mapping of their names to such; returned is then a mapping of the outputs to
                   evaluations. The first one's classes are in equal shares in all folds, and no
                   target is standardised unless scale_target=True
    epochs, batch_size, callbacks   how networks are trained; callbacks are copied for each fold,
                   and one of your own has networks trained one at a time. Those of Keras write a
                   file for each fold: CSVLogger("log.csv") gives log-repeat-1-fold-2.csv, of
                   several variants log-NAME-repeat-1-fold-2.csv; ModelCheckpoint likewise.
                   TensorBoard and BackupAndRestore write into folders of such names
    seed           decides splits, weights, row order and noise
    validation     share of each training fold set aside as inner validation; every kind of model
                   trains without it. 0: none, and a scikit-learn estimator scores as under
                   `cross_val_score`
    metrics        names of `ninefold.study.metrics.METRICS` and metrics of your own, the deciding
                   one first; default: all that fit the problem, the deciding one chosen by the
                   data. A classifier without probabilities is scored by what it answers: log loss
                   and Brier score are absent. Your own: a `ninefold.Metric`, or a function
                   f(y_true, y_pred) of the predicted labels (or numbers) that is named as
                   scikit-learn names them: …_score, or …_error, …_loss, …_deviance, of which less
                   is better
    prepare        "auto": impute, standardise and one-hot encode inside each fold; sequences
                   feature by feature, where steps of zeros at their ends are padding and stay 0;
                   numbers of tokens, which a network looks up in an embedding, go in as they are.
                   None: X goes in as it is, its types and missing values included; or a
                   scikit-learn transformer, which is given X as it is
    splitter       a scikit-learn splitter instead of folds × repeats, or what `cv` takes there: a
                   number of folds, or for each the numbers of rows to train and to test on. Where
                   each test fold follows its training fold (TimeSeriesSplit; X and y in time
                   order), the inner validation split is the last share of the training fold, and
                   no interval or test is given
    groups         (n,) rows of one group never part
    sample_weight  (n,) weights of rows in training and inner validation; class_weight: class →
                   weight, or "balanced"
    problem        "regression" or "classification", whatever y and the models look like
    engine         how networks are trained: "batched", all folds as one batch of networks;
                   "batched-xla", the same compiled by XLA; "graph", one at a time, bit for bit as
                   `model.fit`; "xla"; "fit", `model.fit` itself; or "auto", by the model's parts
    targets        what the loss of a network with one output a class is given: "codes" (n, 1),
                   "one-hot" (n, classes), or "auto", as the loss takes them
    scale_target   the target of a network's regression: True, standardised by the rows it trains
                   on (predictions and scores come back in its own units); False, as it is; a
                   scikit-learn transformer; "auto": standardised, unless the last layer bounds the
                   outputs, the loss has a unit of its own (Poisson, MSLE, MAPE), or prepare=None
    model_seed     another draw of weights, order and noise on the same splits
    return_models  keep each fold's model in `Evaluation.models`, in the order of `scores`
    return_callbacks   keep each fold's copies of the callbacks in `Evaluation.callbacks`
    verbose        1: show on stderr which fold and variant trains, and how long the rest takes

    Raises NinefoldError for arguments that do not fit each other, naming the fold where one failed.

    >>> evaluation = ninefold.evaluate(LogisticRegression(), X, y, folds=5, repeats=1)
    >>> evaluation.scores["accuracy"].mean()
    """
    several = isinstance(build, Mapping)
    builds = build if several else {"": build}
    tasks = make_tasks(
        X, y, sample_weight=sample_weight, class_weight=class_weight, builds=builds,
        prepare=prepare, problem=problem,
    )  # fmt: skip
    first, *others = tasks.values()
    splits = make_splits(
        first, folds=folds, repeats=repeats, validation=validation, seed=seed,
        splitter=splitter, groups=groups,
    )  # fmt: skip
    for task in others:
        must_be_filled(task, splits)
    harnesses = {}
    for output, task in tasks.items():
        its = metrics_of(metrics, output, list(tasks))
        chosen = choose_metrics(task, its)
        harnesses[output] = Harness(
            task, splits, tuple(m.name for m in chosen), prepare, seed,
            own=tuple(m for m in chosen if m.function),
            needed=() if its is None else tuple(m.name for m in chosen),
            return_models=return_models, return_callbacks=return_callbacks,
        )  # fmt: skip
    several_callbacks = callbacks if isinstance(callbacks, Sequence) else (callbacks,)
    recipe = Recipe(epochs, batch_size, tuple(several_callbacks), engine, targets, scale_target)
    if verbose not in (0, 1):
        raise NinefoldError(f"verbose={verbose!r}", "expected 0 or 1")
    progress = Progress(len(builds) * len(splits), sys.stderr if verbose else None)
    if "" in harnesses:
        judged = judge_all(builds, harnesses[""], recipe, model_seed, progress)
        found: dict[str, Any] = judged
        evaluations = list(judged.values())
    else:
        found = judge_outputs(builds, harnesses, recipe, model_seed, progress)
        evaluations = [one for its in found.values() for one in its.values()]
    reasons = {e.engine_reason for e in evaluations if e.engine == "fit"}
    for reason in reasons - {"forced"}:
        warnings.warn(f"{reason}: trained by model.fit, many times slower", stacklevel=2)
    return found if several else found[""]


@dataclass(frozen=True)
class Harness:
    """What all variants share: the task, its splits, the metrics (the deciding one first).

    own     those of the metrics that are the user's own
    needed  those that every model must allow
    """

    task: Task
    splits: Sequence[Fold]
    metrics: tuple[str, ...]
    prepare: Any = "auto"
    seed: int = 1
    own: tuple[Metric, ...] = ()
    needed: tuple[str, ...] = ()
    return_models: bool = False
    return_callbacks: bool = False
    shared: Shared = field(default_factory=Shared, compare=False, repr=False)

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
            own=self.own,
            splits=digest.hexdigest()[:16],
            ordered=is_ordered((fold.outer, fold.test) for fold in self.splits),
        )


def judge(build: Any, harness: Harness, recipe: Recipe, model_seed: int = 0) -> Evaluation:
    """Train and score one variant on every split of the harness."""
    return judge_all({"": build}, harness, recipe, model_seed)[""]


def judge_all(
    builds: Mapping[str, Any],
    harness: Harness,
    recipe: Recipe,
    model_seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Evaluation]:
    """Train and score variants on the same splits; networks of one architecture together."""
    progress = progress or Progress()
    with caller_s_randomness(), closing(progress):
        return _judge_all(builds, harness, recipe, model_seed, progress)


def _judge_all(
    builds: Mapping[str, Any],
    harness: Harness,
    recipe: Recipe,
    model_seed: int,
    progress: Progress,
) -> dict[str, Evaluation]:
    learners = [
        make_learner(
            build, harness.task, harness.prepare, recipe.of(str(name), progress), harness.shared
        )
        for name, build in builds.items()
    ]
    parts = _parts(harness, model_seed)
    protocols = _protocols(harness, dict(zip(builds, learners, strict=True)))
    variants = [
        describe_variant(build, recipe) | {"model_seed": model_seed} for build in builds.values()
    ]
    fitted = fit_together(learners, parts)
    judged = zip(builds, learners, fitted, protocols, variants, strict=True)
    return {
        name: _judge(learner, found, harness, protocol, variant, progress)
        for name, learner, found, protocol, variant in judged
    }


def judge_outputs(
    builds: Mapping[str, Any],
    harnesses: Mapping[str, Harness],
    recipe: Recipe,
    model_seed: int,
    progress: Progress,
) -> dict[str, dict[str, Evaluation]]:
    """Train networks of several outputs, and score each output as a problem of its own.

    harnesses  output → its harness, all of the same splits

    Returns variant → output → evaluation.
    """
    tasks = {output: harness.task for output, harness in harnesses.items()}
    first = next(iter(harnesses.values()))
    parts = _parts(first, model_seed)
    found: dict[str, dict[str, Evaluation]] = {}
    with caller_s_randomness(), closing(progress):
        for name, build in builds.items():
            its = recipe.of(str(name), progress)
            network = make_joint(build, tasks, first.prepare, its, first.shared)
            fitted = network.fit_outputs(parts)
            variant = describe_variant(build, recipe) | {"model_seed": model_seed}
            found[name] = {}
            for output, harness in harnesses.items():
                learner = network.of(output)
                protocol = _protocols(harness, {name: learner})[0]
                with naming(f"the output '{output}'"):
                    found[name][output] = _judge(
                        learner, iter(fitted[output]), harness, protocol, variant, progress
                    )
    return found


def _parts(harness: Harness, model_seed: int) -> list[Part]:
    return [
        Part(
            fold.train, fold.validation,
            derive_seed(harness.seed, fold.repeat, fold.fold, model_seed), fold.name,
        )
        for fold in harness.splits
    ]  # fmt: skip


def _protocols(harness: Harness, learners: Mapping[str, Any]) -> list[Protocol]:
    """Return for each learner the protocol with the metrics that its answers allow; a metric that
    all of them allow decides. Raises NinefoldError if a needed one is not allowed."""
    protocol = harness.protocol()
    allowed = [
        [name for name in harness.metrics if protocol.find(name).takes in learner.gives]
        for learner in learners.values()
    ]
    for name, learner, names in zip(learners, learners.values(), allowed, strict=True):
        lacking = [metric for metric in harness.needed if metric not in names]
        if lacking:
            metric = protocol.find(lacking[0])
            raise NinefoldError(
                f"{learner.name}{f', {name!r},' if name else ''} gives no "
                f"{'probabilities' if metric.takes == 'probabilities' else 'decision'}",
                f"{metric.label} is computed from them",
                "wrap it in a CalibratedClassifierCV, or choose another metric",
            )
    first = harness.metrics[0]
    order = [first, *([shown_beside(first)] if first in METRICS else []), *harness.metrics]
    decides = next(name for name in order if all(name in names for names in allowed))
    return [
        replace(
            protocol,
            metrics=(decides, *(name for name in names if name != decides)),
            metric=decides,
        )
        for names in allowed
    ]


def _judge(
    learner: Any,
    fitted: Iterator[Fitted],
    harness: Harness,
    protocol: Protocol,
    variant: dict,
    progress: Progress,
) -> Evaluation:
    """Predict and score the test rows of each fold, as soon as it is fitted."""
    answers: list[Answer] = []
    models: list[FoldModel] = []
    places, trained, diverged = [], [], []
    fit_seconds = predict_seconds = 0.0
    for fold, model in zip(harness.splits, fitted, strict=True):
        start = time.perf_counter()
        with naming(fold.name):
            answers.append(model.predict_numbers(fold.test))
        predict_seconds += time.perf_counter() - start
        if not model.trained.weights:  # an estimator; networks tell how far they are themselves
            progress.tell(fold.name, 1.0)
            progress.finish()
        fit_seconds += model.seconds
        if harness.return_models:
            read = partial(read_inputs, prepare=harness.prepare)
            models.append(FoldModel(model, read, harness.task.labels))
        places.append((fold.repeat, fold.fold))
        trained.append(model.trained)
        outputs = answers[-1].outputs
        if outputs is not None and not np.isfinite(outputs).all():
            diverged.append(places[-1])
    predictions = put_naive(
        prediction_frame(harness.splits, answers, protocol.classes), protocol, diverged
    )
    rankings = [answer.ranking for answer in answers if answer.ranking is not None]
    return Evaluation(
        scores=score_folds(
            predictions, protocol, diverged, np.concatenate(rankings) if rankings else None
        ),
        curves=curve_frame(places, [(t.train, t.validation) for t in trained]),
        history=curve_frame(places, [_divide_history(t.history) for t in trained]),
        predictions=predictions,
        protocol=protocol,
        variant=variant,
        engine=learner.engine,
        engine_reason=learner.engine_reason,
        parameters=learner.parameters,
        fits=len(harness.splits),
        fit_seconds=fit_seconds,
        predict_seconds=predict_seconds,
        diverged=tuple(diverged),
        models=tuple(models),
        callbacks=tuple(t.callbacks for t in trained) if harness.return_callbacks else (),
    )


def _divide_history(history: dict[str, list[float]]) -> tuple[dict, dict]:
    """Divide what `model.fit` calls history into that of training rows and of validation rows."""
    held = {name.removeprefix("val_"): v for name, v in history.items() if name.startswith("val_")}
    return {name: v for name, v in history.items() if not name.startswith("val_")}, held


def judge_constant(harness: Harness) -> Evaluation:
    """Score the strongest constant for each metric, fitted on each fold's other rows.

    `predictions` are those of the deciding metric's constant.
    """
    task, protocol = harness.task, harness.protocol()
    folds = [(fold.repeat, fold.fold) for fold in harness.splits]
    blank = [Answer(np.full((len(f.test), task.outputs), np.nan)) for f in harness.splits]
    frame = prediction_frame(harness.splits, blank, task.classes)
    predictions = put_naive(frame, protocol, folds)
    return Evaluation(
        scores=score_folds(predictions, protocol, folds),
        curves=curve_frame([], []),
        history=curve_frame([], []),
        predictions=predictions,
        protocol=protocol,
        variant={"function": "the strongest constant", "keywords": {}, "rebuildable": False},
        engine="constant",
        engine_reason="",
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


def curve_frame(
    places: Sequence[tuple[int, int]], curves: Sequence[tuple[dict, dict]]
) -> pd.DataFrame:
    """Return curves, long, one row for each (repeat, fold), metric and epoch; NaN for what was
    not computed."""
    rows = [
        (*place, epoch, metric, value, other)
        for place, (train, held) in zip(places, curves, strict=True)
        for metric, values in train.items()
        for epoch, (value, other) in enumerate(
            zip(values, held.get(metric) or [np.nan] * len(values), strict=True), start=1
        )
    ]
    return pd.DataFrame(rows, columns=["repeat", "fold", "epoch", "metric", "train", "validation"])
