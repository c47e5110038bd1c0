"""Trains a case both ways, and tells how far apart they are."""

import tempfile
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from case import BATCH, EPOCHS, Case
from plain import fit_alone
from tolerance import allowed

from ninefold.errors import NinefoldError, one_line
from ninefold.study.training import Recipe, Trained, Trainer

Left = tuple[Trained, np.ndarray]  # what training leaves, and the predictions


@dataclass
class Outcome:
    """What came of a case.

    verdict  "ok"; "over", it differs more than allowed; "refused", with Ninefold's message;
             "failed", with another error; "no fit", where Keras itself cannot train it
    weights, predictions, history   the largest difference of any number, relative where it is
             larger than 1
    """

    case: Case
    verdict: str
    message: str = ""
    engine: str = ""
    weights: float = 0.0
    predictions: float = 0.0
    history: float = 0.0

    @property
    def largest(self) -> float:
        return max(self.weights, self.predictions, self.history)


def compare(case: Case) -> Outcome:
    """Train two folds of a case in the engine that it gets, and the second by plain Keras, too: the
    first, of another size, must leave no trace."""
    keras.backend.clear_session()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _compare(case, Path(folder))


def _compare(case: Case, folder: Path) -> Outcome:
    jobs, found, error = case.jobs(), [], None
    trainer = Trainer(case.build, Recipe(EPOCHS, BATCH, case.callbacks(folder / "found")))
    try:
        for job, trained in zip(jobs, trainer.train(jobs), strict=True):
            found.append((trained, trainer.predict(trained, job.validation.x)[0]))
    except Exception as failure:
        if is_refusal(failure):
            error = Outcome(case, "refused", str(failure))
        else:
            error = Outcome(case, "failed", _where(failure))
    engine = trainer.choice.engine
    try:
        wanted = fit_alone(case, jobs[-1], folder / "wanted", engine == "fit")
    except Exception as failure:  # whatever Keras says of it
        told = f"; ninefold: {error.message}" if error else ""
        return Outcome(case, "no fit", one_line(failure)[:150] + told)
    if error:
        return error
    outcome = Outcome(case, "ok", trainer.choice.reason, engine)
    _measure(outcome, found[-1], wanted)
    if outcome.largest > allowed(case.name):
        outcome.verdict = "over"
    return outcome


def _measure(outcome: Outcome, found: Left, wanted: Left) -> None:
    (mine, outputs), (its, predicted) = found, wanted
    outcome.predictions = distance(outputs, predicted)
    pairs = zip(mine.weights, its.weights, strict=True)
    outcome.weights = max((distance(*pair) for pair in pairs), default=0.0)
    if mine.history.keys() == its.history.keys():
        outcome.history = max(
            distance(mine.history[name], its.history[name]) for name in its.history
        )
    else:
        outcome.history = np.inf
        outcome.message = f"history of {sorted(mine.history)}, wanted {sorted(its.history)}"


def distance(found: Any, wanted: Any) -> float:
    """Return the largest difference of two arrays, relative where a number is larger than 1."""
    found, wanted = np.asarray(found, float), np.asarray(wanted, float)
    if found.shape != wanted.shape or not np.array_equal(np.isnan(found), np.isnan(wanted)):
        return np.inf
    same = (found == wanted) | np.isnan(wanted)
    with np.errstate(invalid="ignore"):
        apart = np.abs(found - wanted) / np.maximum(1, np.abs(wanted))
    return float(np.where(same, 0, apart).max(initial=0))


def is_refusal(error: BaseException | None) -> bool:
    """Tell whether ninefold raised an error by itself, and not for another that it met."""
    return isinstance(error, NinefoldError) and (
        error.__cause__ is None or is_refusal(error.__cause__)
    )


def _where(failure: Exception) -> str:
    frames = traceback.extract_tb(failure.__traceback__)
    lines = [f"{Path(f.filename).name}:{f.lineno}" for f in frames if "ninefold" in f.filename]
    return f"{one_line(failure)[:200]} ({', '.join(lines[-2:])})"
