"""The last act: train the chosen variant on all development rows, and look at the hold-out once."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ninefold.bounded import CODE
from ninefold.errors import NinefoldError
from ninefold.history import History, append, read_history
from ninefold.plain_json import digest
from ninefold.settings import holdout_settings
from ninefold.study.baselines import constant_prediction, score_naive
from ninefold.study.beside import Beside, divide_rows, fit_members
from ninefold.study.final import predict_in_fresh_process, save_model, save_network
from ninefold.study.learners import Answer, Fitted
from ninefold.study.metrics import METRICS, score
from ninefold.study.model_files import FinalModel
from ninefold.study.saved_estimator import save_estimator
from ninefold.study.since_look import changed_since, holds_candidates, keys_of
from ninefold.study.statistics.rows import holdout_interval
from ninefold.study.statistics.sampled import SampledInterval, sampling_of
from ninefold.study.variants import Variant

if TYPE_CHECKING:
    from ninefold.study.notebook import Study


@dataclass(frozen=True)
class FinalFit:
    """The final model, trained and saved."""

    variant: Variant
    folder: Path
    model: FinalModel
    rows: int  # that it was trained on: of a network, the inner validation split left out
    parameters: int
    seconds: float
    members: tuple[Fitted, ...]  # none, of a constant


@dataclass(frozen=True)
class Look:
    """What the look at the hold-out showed.

    beside       "network", "simple", "linear" → that model; those that the final one is not
    y            (n,) codes or numbers
    answer       what the final model answers, and `answers` what those beside it do
    predictions  as `ninefold predict` writes them
    constant     the naive model's score by the deciding metric, `scores` those of the models beside
                 the final one
    looks        how many different looks there have been, this one included
    changed      sections 4 to 6 whose results are not those that stood at the first look
    """

    fit: FinalFit
    beside: dict[str, Beside]
    y: np.ndarray
    answer: Answer
    answers: dict[str, Answer]
    predictions: pd.DataFrame
    interval: SampledInterval
    constant: float
    scores: dict[str, float]
    looks: int
    changed: tuple[str, ...]

    @property
    def found(self) -> np.ndarray:
        """Return probabilities (n, K) or numbers (n,)."""
        outputs = self.answer.outputs
        assert outputs is not None
        return outputs if self.fit.model.classes else outputs[:, 0]

    def taken(self, metric: str) -> np.ndarray:
        """Return the final model's predictions as `metrics.score` takes them for a metric."""
        return self.answer.taken(METRICS[metric].takes, len(self.fit.model.classes))


def train_final(study: "Study", variant: Variant) -> FinalFit:
    """Train the variant on the development rows by the procedure that cross-validation judged, and
    save it: a network once for each member, an inner validation split set aside here too; an
    estimator, and a constant, on all of them."""
    folder, fitted = _model_folder(study), list[Fitted]()
    if variant.kind == "constant":
        metric, task = study.metric, study.task
        answer = constant_prediction(metric, task.y, 1, len(task.classes))
        model = _final_model(study, variant, constant=tuple(map(float, np.ravel(answer))))
        save_model(folder, model, None)
        return FinalFit(variant, folder, model, len(task.y), 0, 0.0, ())

    def keep(number: int, member: Fitted) -> None:
        if variant.kind == "network":
            save_network(folder, number, member.model)
        fitted.append(member)

    learner = fit_members(study, variant, keep)
    first = fitted[0]
    if variant.kind == "network":
        model = _final_model(study, variant, target=first.target)
        rows = len(divide_rows(study)[0])
    else:
        codes = study.task.codes(first.model.classes_).tolist() if study.task.classes else []
        model = _final_model(study, variant, labels=tuple(codes))
        rows = len(study.task.y)
    save_model(folder, model, first.preparation)
    if variant.kind == "estimator":
        save_estimator(folder, first.model)
    return FinalFit(
        variant, folder, model, rows, learner.parameters * variant.members,
        sum(member.seconds for member in fitted), tuple(fitted),
    )  # fmt: skip


def _final_model(
    study: "Study",
    variant: Variant,
    *,
    target: Any = None,
    constant: tuple[float, ...] = (),
    labels: tuple[int, ...] = (),
) -> FinalModel:
    """Return what `model.json` says; target: the fitted scaler of a network's target."""
    data = study.development()
    return FinalModel(
        target=study.settings.data.target,
        classes=data.classes,
        columns=data.columns,
        members=variant.members,
        centre=0.0 if target is None else float(target.mean_[0]),
        scale=1.0 if target is None else float(target.scale_[0]),
        kind=variant.kind,
        constant=constant,
        labels=labels,
    )


def look_at_holdout(study: "Study", fit: FinalFit, beside: dict[str, Beside]) -> Look:
    """Predict the hold-out in a fresh process, score it, and log the look.

    A look is a new pair of (final configuration, hold-out content); scoring the same pair again is
    logged but not counted. By hand nothing is logged: a new pair raises NinefoldError.
    """
    if study.recorder.by_hand:
        _must_have_looked(study, fit)
    holdout, metric = study.split.holdout, study.metric
    classes = len(holdout.classes)
    predictions = predict_in_fresh_process(fit.folder, holdout.frame[fit.model.inputs])
    answer = _answer(predictions, holdout.classes)
    answers = {role: each.predict(study.holdout_inputs()) for role, each in beside.items()}

    def scored(answer: Answer) -> float:
        found = answer.taken(METRICS[metric].takes, classes)
        return score(metric, holdout.y, found, n_classes=classes)

    looks, changed = _log_look(study, fit, scored(answer))
    return Look(
        fit=fit, beside=beside, y=holdout.y, answer=answer, answers=answers,
        predictions=predictions,
        interval=holdout_interval(
            metric, holdout.y, answer.taken(METRICS[metric].takes, classes),
            n_classes=classes, sampling=sampling_of(holdout), seed=study.seed,
        ),
        constant=score_naive(metric, study.task.y, holdout.y, classes),
        scores={role: scored(each) for role, each in answers.items()},
        looks=looks, changed=changed,
    )  # fmt: skip


def _answer(predictions: pd.DataFrame, classes: tuple[str, ...]) -> Answer:
    """Return predictions, as `ninefold predict` writes them, as a model's answer."""
    if not classes:
        return Answer(predictions.to_numpy(dtype=float))
    codes = pd.Index(classes).get_indexer(pd.Index(predictions.iloc[:, 0]))
    return Answer(predictions.iloc[:, 1:].to_numpy(dtype=float), codes)


def _model_folder(study: "Study") -> Path:
    """Beside the record under `ninefold run`, else in the project's scratch folder; emptied."""
    folder = (study.recorder.folder or study.project.scratch) / "model"
    study.project.files.remove(folder)
    return folder


def _must_have_looked(study: "Study", fit: FinalFit) -> None:
    if _is_new(_pair(study, fit), read_history(study.project.files)):
        raise NinefoldError(
            "no run has judged this model on the hold-out",
            "a notebook opened by hand logs no look, and so judges no new model there",
            f"ninefold run {study.recorder.record.section or '7-final-model'}",
        )


def _pair(study: "Study", fit: FinalFit) -> dict[str, str]:
    """Return what makes a look a new one."""
    return {
        "configuration": _configuration(study, fit),
        "content": _content(study.split.holdout.frame),
    }


def _is_new(pair: dict[str, str], earlier: History) -> bool:
    return all({key: look.get(key) for key in pair} != pair for look in earlier.looks)


def _log_look(study: "Study", fit: FinalFit, found: float) -> tuple[int, tuple[str, ...]]:
    """Log the look, but not by hand; return how many there have been, and which of sections 4 to 6
    have changed since the first."""
    earlier, pair = read_history(study.project.files), _pair(study, fit)
    tasks = [task.id for task in study.project.tasks if holds_candidates(task.id)]
    records = {task: study.project.record(task) for task in tasks}
    keys = keys_of({name: record for name, record in records.items() if record})
    counted = _is_new(pair, earlier)
    look = {
        **pair,
        "counted": counted,
        "variant": fit.variant.name,
        "metric": study.metric,
        "score": found if np.isfinite(found) else None,
        "keys": keys,
        "split": holdout_settings(study.settings),
        "final": study.settings.final.model_dump(),
    }
    if not study.recorder.by_hand:
        append(study.project.files, "look", look)
    return earlier.count + counted, tuple(changed_since(earlier, keys))


def _configuration(study: "Study", fit: FinalFit) -> str:
    """A digest of all that decides what the final model answers."""
    variant = fit.variant
    own = [] if variant.blueprint is None else [variant.blueprint]
    inputs = [(column.name, column.role) for column in fit.model.columns]
    return digest(
        [variant.function, variant.keywords, variant.epochs, variant.batch_size, variant.members,
         study.seed, study.settings.harness.validation, inputs,
         _content(study.development().frame), _modules(study), *own]
    )  # fmt: skip


def _modules(study: "Study") -> list[str]:
    """The source of the user's package: the same keywords of another function are another model."""
    files = study.project.files
    names = [name for name in files.walk(study.settings.study.package) if name.endswith(".py")]
    return [files.text(name, CODE) for name in names]


def _content(frame: pd.DataFrame) -> str:
    return hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest()[:16]
