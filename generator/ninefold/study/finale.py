"""The last act: train the chosen variant on all development rows, and look at the hold-out once."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ninefold.bounded import CODE
from ninefold.errors import NinefoldError
from ninefold.looks import Looks, log_look, read_looks
from ninefold.plain_json import digest
from ninefold.records import EvaluationEntry
from ninefold.study.baselines import constant_prediction
from ninefold.study.final import (
    FinalModel,
    predict_in_fresh_process,
    save_model,
    save_network,
)
from ninefold.study.learners import Answer, Fitted, make_learner
from ninefold.study.metrics import METRICS, Takes, score
from ninefold.study.splits import derive_seed
from ninefold.study.statistics.rows import holdout_interval
from ninefold.study.statistics.sampled import SampledInterval, sampling_of
from ninefold.study.training import caller_s_randomness
from ninefold.study.variants import Variant, skill

if TYPE_CHECKING:
    from ninefold.study.notebook import Study

_FINAL = 10**6  # in the place of a repeat's number: no fold's seed is the final model's


@dataclass(frozen=True)
class FinalFit:
    """The final model, trained and saved."""

    variant: Variant
    folder: Path
    model: FinalModel
    rows: int  # that it was trained on, the inner validation split left out
    parameters: int
    seconds: float
    members: tuple[Fitted, ...]


@dataclass(frozen=True)
class SimpleFit:
    """The simple model that the final one is set beside."""

    name: str
    fitted: Fitted
    parameters: int
    gives: frozenset[Takes]


@dataclass(frozen=True)
class Look:
    """What the look at the hold-out showed.

    y            (n,) codes or numbers; found (n, K) probabilities or (n,) numbers, as `score` takes
                 them; simple_answer what the simple model answers
    predictions  as `ninefold predict` writes them
    constant     the strongest constant's score, simple the simple model's, by the deciding metric
    looks        how many different looks there have been, this one included
    changed      sections 5 and 6 whose results are not those that stood at the first look
    """

    fit: FinalFit
    simple: SimpleFit
    beside: tuple[SimpleFit, ...]  # the linear model, where that is not the best simple one
    y: np.ndarray
    found: np.ndarray
    predictions: pd.DataFrame
    interval: SampledInterval
    constant: float
    simple_score: float
    simple_answer: Answer
    looks: int
    changed: tuple[str, ...]


def train_final(study: "Study", variant: Variant) -> FinalFit:
    """Train the variant on the development rows by the procedure that cross-validation judged (an
    inner validation split is set aside here too), once for each member, and save it."""
    train, validation = _divide(study)
    changes = {"epochs": variant.epochs, "batch_size": variant.batch_size}
    learner = make_learner(study.build(variant), study.task, "auto", study.recipe(**changes))
    folder = _model_folder(study)
    fitted = []
    for number in range(1, variant.members + 1):
        seed = derive_seed(study.seed, _FINAL, number)
        with caller_s_randomness():
            member = learner.fit(train, validation, seed)
        takes = METRICS[study.metric].takes
        answer = member.predict(study.task.rows(train)).taken(takes, len(study.task.classes))
        if not np.isfinite(answer).all():
            raise NinefoldError(
                f"the final network diverged ({variant.name}, member {number})",
                "finite outputs on the rows it was trained on",
                "lower its learning rate, or choose another variant",
            )
        save_network(folder, number, member.model)
        fitted.append(member)
    data, target = study.development(), fitted[0].target
    model = FinalModel(
        target=study.settings.data.target,
        classes=data.classes,
        columns=data.columns,
        members=variant.members,
        centre=0.0 if target is None else float(target.mean_[0]),
        scale=1.0 if target is None else float(target.scale_[0]),
    )
    save_model(folder, model, fitted[0].preparation)
    study.recorder.record.fits += variant.members
    seconds = sum(member.seconds for member in fitted)
    parameters = learner.parameters * variant.members
    return FinalFit(variant, folder, model, len(train), parameters, seconds, tuple(fitted))


def fit_simple(study: "Study", models: Mapping[str, Any]) -> dict[str, SimpleFit]:
    """Fit the best simple model of the spot-check, first, and the linear one, on the rows that the
    final model trains on."""
    train, validation = _divide(study)
    fits = {}
    for name in dict.fromkeys([_best_simple(study, models), *(n for n in models if n == "linear")]):
        learner = make_learner(models[name], study.task, "auto", study.recipe())
        fitted = learner.fit(train, validation, derive_seed(study.seed, _FINAL))
        fits[name] = SimpleFit(name, fitted, learner.parameters, learner.gives)
    study.recorder.record.fits += len(fits)
    return fits


def _best_simple(study: "Study", models: Mapping[str, Any]) -> str:
    judged = simple_evaluations(study)
    known = {name: judged[name] for name in models if name in judged}
    if not known:
        raise NinefoldError(
            "none of these simple models was evaluated in the spot-check",
            f"expected some of: {', '.join(judged)}",
        )
    return best_of(known, study.metric)


def simple_evaluations(study: "Study") -> dict[str, EvaluationEntry]:
    """Return the spot-check's evaluations of scikit-learn models: name → as recorded."""
    judged = study.record_of("1-spot-check").evaluations
    return {name: e for name, e in judged.items() if e["engine"] == "scikit-learn"}


def best_of(evaluations: Mapping[str, EvaluationEntry], metric: str) -> str:
    """Return the name of the recorded evaluation with the best mean of `metric`."""
    return max(evaluations, key=lambda name: skill(evaluations[name], metric))


def look_at_holdout(study: "Study", fit: FinalFit, simple_fits: dict[str, SimpleFit]) -> Look:
    """Predict the hold-out in a fresh process, score it, and log the look.

    A look is a new pair of (final configuration, hold-out content); scoring the same pair again is
    logged but not counted. By hand nothing is logged: a new pair raises NinefoldError.
    """
    if study.recorder.by_hand:
        _must_have_looked(study, fit)
    holdout, metric = study.split.holdout, study.metric
    classes = len(holdout.classes)
    predictions = predict_in_fresh_process(fit.folder, holdout.frame[fit.model.inputs])
    shown = predictions.iloc[:, 1:] if classes else predictions.iloc[:, 0]
    found = shown.to_numpy(dtype=float)
    train, _ = _divide(study)
    constant = constant_prediction(metric, study.task.y[train], len(holdout), classes)
    simple, *others = simple_fits.values()
    answer = simple.fitted.predict(study.holdout_inputs())
    simple_found = answer.taken(METRICS[metric].takes, classes)

    def scored(prediction: np.ndarray) -> float:
        return score(metric, holdout.y, prediction, n_classes=classes)

    looks, changed = _log_look(study, fit, scored(found))
    return Look(
        fit=fit, simple=simple, beside=tuple(others),
        y=holdout.y, found=found, predictions=predictions,
        interval=holdout_interval(
            metric, holdout.y, found, n_classes=classes, sampling=sampling_of(holdout),
            seed=study.seed,
        ),
        constant=scored(constant), simple_score=scored(simple_found), simple_answer=answer,
        looks=looks, changed=changed,
    )  # fmt: skip


def _divide(study: "Study") -> tuple[np.ndarray, np.ndarray]:
    share, seed = study.settings.harness.validation, derive_seed(study.seed, _FINAL)
    held = study.split.take_validation(share, seed)
    return np.setdiff1d(np.arange(len(study.task.y)), held), held


def _model_folder(study: "Study") -> Path:
    """Beside the record under `ninefold run`, else in the project's scratch folder; emptied."""
    folder = (study.recorder.folder or study.project.scratch) / "model"
    study.project.files.remove(folder)
    return folder


def _must_have_looked(study: "Study", fit: FinalFit) -> None:
    if _is_new(_pair(study, fit), read_looks(study.project.files)):
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


def _is_new(pair: dict[str, str], earlier: Looks) -> bool:
    return all({key: look.get(key) for key in pair} != pair for look in earlier.looks)


def _log_look(study: "Study", fit: FinalFit, found: float) -> tuple[int, tuple[str, ...]]:
    """Log the look, but not by hand; return how many there have been, and which of sections 5 and 6
    have changed since the first."""
    earlier, pair = read_looks(study.project.files), _pair(study, fit)
    keys = _keys_of_sections(study)
    counted = _is_new(pair, earlier)
    look = {
        **pair,
        "counted": counted,
        "variant": fit.variant.name,
        "metric": study.metric,
        "score": found if np.isfinite(found) else None,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "keys": keys,
    }
    if not study.recorder.by_hand:
        log_look(study.project.files, look)
    first = earlier.looks[0].get("keys", {}) if earlier.looks else keys
    changed = tuple(name for name in keys if keys[name] != first.get(name))
    return earlier.count + counted, changed


def _configuration(study: "Study", fit: FinalFit) -> str:
    """A digest of all that decides what the final model answers."""
    variant = fit.variant
    inputs = [(column.name, column.role) for column in fit.model.columns]
    return digest(
        [variant.function, variant.keywords, variant.epochs, variant.batch_size, variant.members,
         study.seed, study.settings.harness.validation, inputs,
         _content(study.development().frame), _modules(study)]
    )  # fmt: skip


def _keys_of_sections(study: "Study") -> Mapping[str, str]:
    """Digests of what sections 5 and 6 were when the look was taken."""
    found = {}
    for task in study.project.tasks:
        record = study.project.record(task.id) if task.number in (5, 6) else None
        if record is not None:
            found[task.id] = digest(record.key)
    return found


def _modules(study: "Study") -> list[str]:
    """The source of the user's package: the same keywords of another function are another model."""
    files = study.project.files
    names = [name for name in files.walk(study.settings.study.package) if name.endswith(".py")]
    return [files.text(name, CODE) for name in names]


def _content(frame: pd.DataFrame) -> str:
    return hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest()[:16]
