"""What a reader must know before the score: alarms of section 7, the worst first.

An alarm is a text whose fields are filled from its values by `formats.fill`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ninefold.study.metrics import Metric


@dataclass(frozen=True)
class Alarm:
    text: str
    values: dict[str, Any] = field(default_factory=dict)


def against_constant(metric: Metric, score: float, constant: float) -> list[Alarm]:
    """Return an alarm where a score on the hold-out is no better than the naive model's; none where
    one of the two is not defined, as R² of a target that does not vary."""
    if _better(metric, score, constant) or not np.isfinite([score, constant]).all():
        return []
    text = (
        "On the hold-out the model does no better than guessing: {metric} {score:score} against "
        "{constant:score}."
    )
    return [Alarm(text, {"metric": metric.label, "score": score, "constant": constant})]


def against_folds(
    metric: Metric, score: float, folds: Sequence[float], inside: bool | None
) -> list[Alarm]:
    """Return an alarm where the hold-out is worse than the worst fold of cross-validation, and
    chance alone would seldom make it so: not inside the range predicted, nor without one where the
    folds are few.

    folds   the score of each test fold, one for all its seeds; NaN where it is not defined
    inside  whether the score is in the range predicted; None for no range
    """
    known = np.asarray(folds, dtype=float)
    known = known[np.isfinite(known)]
    if inside or (inside is None and len(known) < _ENOUGH):
        return []
    worst = float(known.min() if metric.greater_is_better else known.max()) if len(known) else None
    if worst is None or score == worst or _better(metric, score, worst):
        return []
    text = (
        "On the hold-out the model does worse than in the worst of {folds:integer} folds of "
        "cross-validation: {metric} {score:score} against {worst:score}. Either the hold-out is of "
        "another kind, or cross-validation was too kind, or it is chance."
    )
    values = {"metric": metric.label, "score": score, "worst": worst, "folds": len(known)}
    return [Alarm(text, values)]


_ENOUGH = 20  # folds, of which the worst is seldom worse than new rows


def against_heavy_rows(number: int, rows: int, share: float, loss: str) -> list[Alarm]:
    """Return an alarm where so few of the rows carry half of the loss or more: one of them more or
    less would make another score."""
    if share < _HALF:
        return []
    text = (
        "{number:integer} of {rows:integer} hold-out rows "
        f"{'carries' if number == 1 else 'carry'} {{share:percent}} of the {{loss}}."
    )
    return [Alarm(text, {"number": number, "rows": rows, "share": share, "loss": loss})]


_HALF = 0.5


def _better(metric: Metric, a: float, b: float) -> bool:
    return a > b if metric.greater_is_better else a < b
