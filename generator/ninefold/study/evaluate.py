"""`ninefold.evaluate`: what the user gives, checked and judged."""

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload

import numpy as np
import pandas as pd

from ninefold.errors import NinefoldError, must_be_whole
from ninefold.study.arguments import choose_metrics, make_tasks, metrics_of
from ninefold.study.evaluation import Evaluation
from ninefold.study.harness import Harness, judge_all, judge_outputs
from ninefold.study.metrics import Metric
from ninefold.study.splitters import make_splits, must_be_filled
from ninefold.study.training import Progress, Recipe


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
    seeds: int = 1,
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
    validation     share of each training fold that a network does not train on, but is watched on
                   (inner validation); 0: none. A scikit-learn estimator trains on the whole
                   training fold, and scores as under `cross_val_score` whatever the share
    metrics        names of `ninefold.study.metrics.METRICS` and metrics of your own, the deciding
                   one first; default: all that fit the problem, the deciding one chosen by the
                   data. A classifier without probabilities is scored by what it answers: log loss
                   and Brier score are absent. Your own: a `ninefold.Metric`, or a function
                   f(y_true, y_pred) of the predicted labels (or numbers) that is named as
                   scikit-learn names them: …_score, or …_error, …_loss, …_deviance, of which less
                   is better
    prepare        "auto": impute, standardise and one-hot encode inside each fold; sequences
                   feature by feature, where steps of zeros (or of what a Masking layer masks) at
                   their ends are padding and stay as they are; numbers of tokens, which a network
                   looks up in an embedding, go in as they are.
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
                   outputs, the loss has a unit of its own (Poisson, MSLE, MAPE), or prepare=None.
                   The delta of Huber counts in the units that the network is trained on
    model_seed     another draw of weights, order and noise on the same splits
    seeds          how many networks are trained in each fold: from `model_seed`, `model_seed` + 1 …
                   Scores are their means; two or more tell how much of the difference between two
                   networks is the seed's, so that `compare` finds smaller ones. An estimator is
                   fitted once
    return_models  keep each fold's model in `Evaluation.models`, in the order of `scores`
    return_callbacks   keep each fold's copies of the callbacks in `Evaluation.callbacks`
    verbose        1: show on stderr which fold and variant trains, and how long the rest takes

    Raises NinefoldError for arguments that do not fit each other, naming the fold where one failed.

    >>> evaluation = ninefold.evaluate(LogisticRegression(), X, y, folds=5, repeats=1)
    >>> evaluation.scores["accuracy"].mean()
    """
    must_be_whole("model_seed", model_seed, 0)
    for name, asked in (("return_models", return_models), ("return_callbacks", return_callbacks)):
        if not isinstance(asked, bool):
            raise NinefoldError(f"{name}={asked!r}", "expected True or False")
    if verbose not in (0, 1):
        raise NinefoldError(f"verbose={verbose!r}", "expected 0 or 1")
    several = isinstance(build, Mapping)
    if several and not build:
        raise NinefoldError("build is an empty mapping", "expected variant → model")
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
            return_models=return_models, return_callbacks=return_callbacks, groups=groups,
        )  # fmt: skip
    several_callbacks = tuple(callbacks) if isinstance(callbacks, Sequence) else (callbacks,)
    recipe = Recipe(epochs, batch_size, several_callbacks, engine, targets, scale_target, seeds)
    progress = Progress(len(builds) * len(splits) * seeds, sys.stderr if verbose else None)
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
