"""The test harness: any model, judged by repeated k-fold cross-validation without a leak.

Preparation is fitted on the rows a fold trains on; labels are encoded once; whatever chooses sees
the inner validation split; all networks train on the same rows, and all estimators, which need no
such split, on the whole training folds.
"""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, islice
from typing import Any

import numpy as np

from ninefold.errors import NinefoldError, naming
from ninefold.study.curves import curve_frame, divide_history
from ninefold.study.evaluation import Evaluation, naive_evaluation, over_seeds
from ninefold.study.learners import (
    Answer,
    Fitted,
    FoldModel,
    Network,
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
from ninefold.study.variants import describe_variant


@dataclass(frozen=True)
class Harness:
    """What all variants share: the task, its splits, the metrics (the deciding one first).

    own      those of the metrics that are the user's own
    needed   those that every model must allow
    package  the study's own, whose estimators a record can name
    groups   (n,) ids of rows that never part; None: each stands alone
    """

    task: Task
    splits: Sequence[Fold]
    metrics: tuple[str, ...]
    prepare: Any = "auto"
    seed: int = 1
    own: tuple[Metric, ...] = ()
    needed: tuple[str, ...] = ()
    package: str = ""
    return_models: bool = False
    return_callbacks: bool = False
    groups: Any = None
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
            groups=None if self.groups is None else np.asarray(self.groups),
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
    several = any(isinstance(learner, Network) for learner in learners)
    parts = _parts(harness, model_seed, recipe.seeds if several else 1)
    protocols = _protocols(harness, dict(zip(builds, learners, strict=True)))
    variants = [
        _describe(build, recipe, harness) | {"family": learner.family, "model_seed": model_seed}
        for build, learner in zip(builds.values(), learners, strict=True)
    ]
    fitted = fit_together(learners, parts)
    judged = zip(builds, learners, fitted, protocols, variants, strict=True)
    return {
        name: _judge_seeds(learner, found, harness, protocol, variant, progress)
        for name, learner, found, protocol, variant in judged
    }


def _describe(build: Any, recipe: Recipe, harness: Harness) -> dict[str, Any]:
    """A study, which would build it again, has its own preparation and no weights."""
    found, task = describe_variant(build, recipe, harness.package), harness.task
    weighted = task.class_weight is not None or (task.weight != 1).any()
    usual = isinstance(harness.prepare, str) and not weighted
    return found | {"rebuildable": found["rebuildable"] and usual}


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
    found: dict[str, dict[str, Evaluation]] = {}
    with caller_s_randomness(), closing(progress):
        for name, build in builds.items():
            its = recipe.of(str(name), progress)
            network = make_joint(build, tasks, first.prepare, its, first.shared)
            fitted = network.fit_outputs(_parts(first, model_seed, recipe.seeds))
            variant = describe_variant(build, recipe) | {"model_seed": model_seed}
            found[name] = {}
            for output, harness in harnesses.items():
                learner = network.of(output)
                protocol = _protocols(harness, {name: learner})[0]
                with naming(f"the output '{output}'"):
                    found[name][output] = _judge_seeds(
                        learner, iter(fitted[output]), harness, protocol, variant, progress
                    )
    return found


def _parts(harness: Harness, model_seed: int, seeds: int) -> list[Part]:
    """Return all folds, then all of them again for the second seed …: from `model_seed` + 1 …"""
    return [
        Part(
            fold.train, fold.validation,
            derive_seed(harness.seed, fold.repeat, fold.fold, model_seed + number),
            f"{fold.name}, seed {number + 1}" if number else fold.name, fold.outer, number,
        )
        for number in range(seeds)
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


def _judge_seeds(
    learner: Any,
    fitted: Iterator[Fitted],
    harness: Harness,
    protocol: Protocol,
    variant: dict,
    progress: Progress,
) -> Evaluation:
    """Score the folds of one seed after another, as long as there are fitted ones."""
    judged = []
    for first in fitted:
        its = chain([first], islice(fitted, len(harness.splits) - 1))
        judged.append(_judge(learner, its, harness, protocol, variant, progress))
    return over_seeds(judged)


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
    ranking = np.concatenate(rankings) if rankings else None
    return Evaluation(
        scores=score_folds(predictions, protocol, diverged, ranking),
        curves=curve_frame(places, [(t.train, t.validation) for t in trained]),
        history=curve_frame(places, [divide_history(t.history) for t in trained]),
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
        ranking=ranking,
    )


def judge_constant(harness: Harness) -> Evaluation:
    """Score the naive model of each metric: the strongest constant, fitted on each fold's other
    rows; a random ranking, by what it is expected to score, for ROC AUC and average precision.

    `predictions` are those of the deciding metric's constant.
    """
    task, protocol = harness.task, harness.protocol()
    blank = [Answer(np.full((len(f.test), task.outputs), np.nan)) for f in harness.splits]
    frame = prediction_frame(harness.splits, blank, task.classes)
    return naive_evaluation(frame, protocol)
