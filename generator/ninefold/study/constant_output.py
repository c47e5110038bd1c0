"""A model that answers the same for every row (NF112): its score is that of a constant, however
good."""

from typing import TYPE_CHECKING

import numpy as np

from ninefold.formats import minus
from ninefold.study.protocol import PREDICTED
from ninefold.study.scoring import outputs_of

if TYPE_CHECKING:
    from ninefold.study.evaluation import Evaluation

_ALIKE = 1e-6  # of the spread of the target, of a probability: rounding


def same_answer(
    outputs: np.ndarray | None,
    codes: np.ndarray | None = None,
    classes: tuple[str, ...] = (),
    spread: float = 0.0,
) -> str:
    """Return what is answered for every one of several rows: "0.13328", "the class 'no'" or "the
    same probabilities"; "" where answers differ, and of a single row.

    outputs  (n, K) probabilities or (n, 1) numbers; codes (n,) of the predicted classes
    spread   of the target, for numbers: its largest distance
    """
    if outputs is not None and len(outputs) > 1:
        allowed = _ALIKE if classes else _ALIKE * spread
        if np.isfinite(outputs).all() and (np.ptp(outputs, axis=0) <= allowed).all():
            return "the same probabilities" if classes else minus(f"{outputs[0, 0]:.5g}")
    if codes is not None and len(codes) > 1 and len(set(codes.tolist())) == 1:
        return f"the class '{classes[int(codes[0])]}'"
    return ""


def constant_folds(evaluation: "Evaluation") -> tuple[int, str]:
    """Return in how many folds a model answers the same number or probabilities for every row, and
    what, in the first of them; or, where it predicts one class for every row of every fold, their
    number and the class. Folds that diverged, which are scored as a constant, do not count.
    """
    frame, classes = evaluation.predictions, evaluation.protocol.classes
    columns, y = outputs_of(frame), evaluation.protocol.y
    spread = 0.0 if classes else float(np.ptp(y))
    found = []
    folds = 0
    for place, rows in frame.groupby(["repeat", "fold"]):
        if place in evaluation.diverged:
            continue
        folds += 1
        if columns:
            found.append(same_answer(rows[columns].to_numpy(), classes=classes, spread=spread))
    found = [answer for answer in found if answer]
    if found or not classes or not folds:
        return len(found), found[0] if found else ""
    predicted = frame[PREDICTED].unique()
    return (folds, f"the class '{predicted[0]}'") if len(predicted) == 1 < len(frame) else (0, "")
