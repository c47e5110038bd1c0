"""Section 3: how precise the harness is."""

from typing import TYPE_CHECKING

import numpy as np

from ninefold.study.evaluation import Evaluation
from ninefold.study.harness import Harness, judge
from ninefold.study.metrics import METRICS
from ninefold.study.protocol import Protocol
from ninefold.study.statistics.folds import (
    expected_standard_error,
    standard_error_by_plan,
)

if TYPE_CHECKING:
    from ninefold.study.notebook import Study

_PLANS = (3, 5, 10, 20)  # folds whose expected precision is shown
_REPEATS = 10  # at least so many are measured


def precision(study: "Study") -> None:
    """The standard error of a mean score under more repeats and other numbers of folds, measured
    with a linear model. Of folds in time order, which have none, the linear model's score in
    each."""
    from sklearn.linear_model import LogisticRegression, Ridge

    model = LogisticRegression(max_iter=1000) if study.task.classes else Ridge()
    plan = study.plan
    if study.split.blocks is not None:
        scores = judge(model, study.harness, study.recipe())
        study.recorder.record.fits += scores.fits
        _show_folds_in_time(study, scores)
        return
    repeats = max(plan.repeats, _REPEATS)
    scores = judge(model, _repeated(study, plan.folds, repeats), study.recipe())
    study.recorder.record.fits += scores.fits
    undefined = int(np.isnan(scores.values()).sum())
    if undefined:
        study.recorder.fact(
            "{metric_label} is undefined in {undefined:integer} of {judged:integer} folds, where a "
            "class is absent or the target does not vary: how precise this harness is cannot be "
            "told. Use fewer folds, or another metric.",
            kind="note", metric_label=METRICS[study.metric].label, undefined=undefined,
            judged=scores.fits,
        )  # fmt: skip
        return
    found = scores.values().reshape(repeats, plan.folds)
    _state_precision(study, scores.protocol, found[: plan.repeats])
    _draw_precision(study, found)


def _state_precision(study: "Study", protocol: Protocol, found: np.ndarray) -> None:
    """found: the scores under the study's plan (repeats, folds)."""
    plan, record, label = study.plan, study.recorder, METRICS[study.metric].label
    spread = float(np.std(found, ddof=1))
    record.fact(
        "Under this plan (folds: {folds:integer}, repeats: {repeats:integer}) the mean "
        "{metric_label} of a linear model has a standard error of {standard_error:significant}, "
        "corrected for the overlap of the training folds.",
        folds=plan.folds, repeats=plan.repeats, metric_label=label,
        standard_error=expected_standard_error(spread, plan.folds, plan.repeats),
    )  # fmt: skip
    record.fact(
        "How small a difference between two models can be found depends on both. Each table of "
        "differences states what it would have found."
    )


def _draw_precision(study: "Study", found: np.ndarray) -> None:
    """Draw the standard error against repeats, a line for each number of folds: that of the plan as
    measured in `found` (repeats, folds), the others as expected from the spread of its scores."""
    spread = float(np.std(found, ddof=1))
    plan, label = study.plan, METRICS[study.metric].label
    numbers = list(range(1, len(found) + 1))
    measured = {"name": f"{plan.folds} folds, measured", "x": numbers}
    series = [measured | {"y": standard_error_by_plan(found)}]
    for folds in _PLANS:
        if folds != plan.folds and folds <= study.split.most_folds:
            y = [expected_standard_error(spread, folds, n, measured_folds=plan.folds)
                 for n in numbers]  # fmt: skip
            series.append({"name": f"{folds} folds, expected", "x": numbers, "y": y})
    study.recorder.figure(
        "precision",
        "lines",
        {
            "series": series,
            "x_label": "repeats",
            "y_label": f"standard error, {label}",
            "from_zero": True,
        },
        alt="Standard error of the mean score against the number of repeats, a line for each "
        "number of folds.",
        caption="Repeats narrow the interval less and less: training folds overlap, and the "
        "correction for that does not shrink with them.",
    )


def _show_folds_in_time(study: "Study", scores: Evaluation) -> None:
    label, folds = METRICS[study.metric].label, study.harness.splits
    study.recorder.fact(
        "The folds are ordered in time: each is trained on more rows than the one before, and "
        "tested on later ones. They are no random draws, so that no standard error, no interval "
        "and no test is valid, and none is shown; scores are means over the folds."
    )
    study.recorder.figure(
        "precision",
        "lines",
        {
            "series": [
                {
                    "name": "linear model",
                    "x": [len(fold.outer) for fold in folds],
                    "y": scores.values(),
                }
            ],
            "x_label": "rows before the test fold",
            "y_label": label,
        },
        alt=f"{label} of a linear model in each fold, against the rows that came before it.",
        caption=f"{label} of a linear model in each fold. A trend is either what more rows teach, "
        "or a change of the world; jumps are what a mean over these folds hides.",
    )


def _repeated(study: "Study", folds: int, repeats: int) -> Harness:
    validation = study.settings.harness.validation
    made = study.split.make_folds(folds, repeats, validation, study.seed)
    return Harness(study.task, made, (study.metric,), "auto", study.seed)
