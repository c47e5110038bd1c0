"""Sections 4 to 6: scores, the line of skill, coefficients, learning curves."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ninefold.errors import NinefoldError
from ninefold.study.estimates import NAIVE, OF_BOTH, OF_FOLDS, OF_ROWS, paired
from ninefold.study.evaluation import Evaluation
from ninefold.study.metrics import METRICS, shown_beside
from ninefold.study.statistics.chance import CONSTANT, name_of_naive
from ninefold.study.statistics.folds import Interval, verdict
from ninefold.study.tables import make_table

if TYPE_CHECKING:
    from ninefold.study.notebook import Study

_MOST_PANELS = 9


def scores(study: "Study") -> None:
    """The score of each evaluation of this section, with its corrected interval and its cost."""
    metric, record = study.metric, study.recorder
    beside = shown_beside(metric)
    shown = ranked(study.evaluations, metric)
    rows, points = [], []
    for name, evaluation in shown.items():
        main = evaluation.interval(metric)
        other = evaluation.interval(beside) if beside in evaluation.scores else None
        cost = evaluation.fit_seconds / (evaluation.fits or max(len(evaluation.scores), 1))
        kind = "" if evaluation.engine == "constant" else _model_size(evaluation)
        rows.append([name, as_dict(main), other and as_dict(other), kind, cost or None])
        points.append(
            {
                "name": name,
                "mean": main.mean,
                "low": main.low,
                "high": main.high,
                "points": evaluation.values(metric),
            }
        )
    columns = [
        ("model", "text"), (label_of(metric), "pm"), (label_of(beside), "pm"),
        ("parameters", "text"), ("fit", "duration"),
    ]  # fmt: skip
    no_test = without_interval(shown)
    caption = _how_scored(shown, metric, beside)
    if no_test:
        caption = f"Mean over all folds, the best on top; {no_test}."
    caption += _naive_row(study, shown)
    record.table("scores", make_table(caption, columns, rows))
    record.figure(
        "scores",
        "forest",
        {"rows": points, "x_label": label_of(metric), "better": better_side(metric)},
        alt=f"{label_of(metric)} of each model, best on top: {', '.join(shown)}.",
        caption=f"Each dot is a fold, the large one their mean; {no_test}."
        if no_test
        else "Each dot is a fold, each bar a score with its 95 % interval.",
    )


_METHODS = {
    OF_FOLDS: "mean over the folds, corrected interval",
    OF_BOTH: "mean over the folds, the wider of the folds' and the rows' interval",
    OF_ROWS: "all rows of a repeat scored together, mean over the repeats, interval from the rows",
}


def _how_scored(shown: Mapping[str, Evaluation], metric: str, beside: str) -> str:
    """Return how the scores and intervals of a table were made."""
    methods = {
        label_of(name): evaluation.estimate(name).method
        for evaluation in shown.values()
        for name in (metric, beside)
        if name in evaluation.scores
    }
    if set(methods.values()) == {OF_FOLDS}:
        return "Mean over all folds with its corrected 95 % interval; the best on top."
    said = "; ".join(f"{label}: {_METHODS[method]}" for label, method in methods.items())
    return f"Scores with their 95 % intervals; the best on top. {said}."


def _naive_row(study: "Study", shown: Mapping[str, Evaluation]) -> str:
    """Return what the row of the naive model is under metrics where it is no constant."""
    row = next((name for name, e in shown.items() if e.engine == NAIVE), "")
    metrics = (study.metric, shown_beside(study.metric))
    names = {name: name_of_naive(name, len(study.task.classes)) for name in metrics}
    said = [
        f" Under {label_of(name)} '{row}' is the expected score of a {what}."
        for name, what in names.items()
        if row and what != CONSTANT
    ]
    return "".join(said)


def threshold(study: "Study", simple: str, constant: str = "strongest constant") -> None:
    """The score above which a model has skill, and whether the simple model has it."""
    metric, record = study.metric, study.recorder
    constants, model = study.evaluations[constant], study.evaluations[simple]
    found: str = model.protocol.no_test
    if not found:
        against = paired(model, constants, metric)
        found = verdict(against, greater_is_better=METRICS[metric].greater_is_better)
    naive = name_of_naive(metric, len(study.task.classes))
    record.fact(
        "A model has skill if its {metric_label} is clearly {side} {constant:score}, {reference}, "
        "on the same folds. The {simple_name} model has {simple:score}: {verdict}.",
        metric_label=METRICS[metric].label,
        side="above" if METRICS[metric].greater_is_better else "below",
        constant=constants.interval(metric).mean,
        reference=f"the score of the {naive}"
        if naive == CONSTANT
        else f"the expected score of a {naive}",
        simple_name=simple,
        simple=model.interval(metric).mean,
        verdict=found,
    )


def coefficients(study: "Study", of: Any, most: int = 15) -> None:
    """The largest coefficients of a linear model, fitted on all development rows, prepared."""
    from ninefold.study.learners import make_learner

    rows = np.arange(len(study.task.y))
    fitted = make_learner(of, study.task, "auto", study.recipe()).fit(rows, rows[:0], study.seed)
    weights = getattr(fitted.model, "coef_", None)
    if weights is None:
        raise NinefoldError(f"{type(fitted.model).__name__} has no coefficients")
    names = list(fitted.preparation.get_feature_names_out())
    weights = np.atleast_2d(weights)  # (outputs, inputs)
    strength = np.abs(weights).max(axis=0)
    order = np.argsort(-strength, kind="stable")[:most]
    classes = study.task.classes
    if len(weights) == 1:
        target = f"towards '{classes[1]}'" if classes else f"on {study.settings.data.target}"
        labels = [target]
    else:
        labels = [f"towards '{name}'" for name in classes]
    columns = [("input, prepared", "text"), *[(label, "signed") for label in labels]]
    table = [[names[i], *weights[:, i]] for i in order]
    caption = "Coefficients for one standard deviation, or one category, more."
    study.recorder.table("coefficients", make_table(caption, columns, table))


def learning_curves(study: "Study") -> None:
    """Training and inner-validation loss of the networks of this section, over the epochs."""
    networks = {k: e for k, e in study.evaluations.items() if len(e.curves)}
    curves = {k: networks[k].curve() for k in list(networks)[:_MOST_PANELS]}
    panels = []
    for name, curve in curves.items():
        parts = {
            part: {side: curve[side, part] for side in ("mean", "low", "high")}
            for part in ("train", "validation")
        }
        panels.append({"title": name, "epochs": list(curve.index), **parts})
    if not panels:
        raise NinefoldError("no network was evaluated here, so there are no learning curves")
    if len(curves) < len(networks):
        study.recorder.fact(
            "The curves of the first {drawn:integer} of {networks:integer} networks are drawn.",
            drawn=len(curves), networks=len(networks),
        )  # fmt: skip
    study.recorder.figure(
        "learning-curves",
        "learning_curves",
        {"panels": panels, "y_label": "loss"},
        alt=f"Loss over the epochs on training and inner validation rows: {', '.join(curves)}.",
        caption="Mean loss over the folds, with the middle four fifths of them; evaluated at the "
        "end of each epoch, in inference mode, without penalties.",
    )


def without_interval(evaluations: Mapping[str, Evaluation]) -> str:
    """Return why evaluations on the same folds come without intervals, "" where they have them."""
    return next((e.protocol.no_test for e in evaluations.values()), "")


def ranked(evaluations: Mapping[str, Evaluation], metric: str) -> dict[str, Evaluation]:
    sign = -1 if METRICS[metric].greater_is_better else 1
    return dict(sorted(evaluations.items(), key=lambda item: sign * item[1].interval(metric).mean))


def label_of(metric: str) -> str:
    return METRICS[metric].label


def better_side(metric: str) -> str:
    return "right" if METRICS[metric].greater_is_better else "left"


def as_dict(interval: Interval) -> dict[str, float]:
    return {"mean": interval.mean, "low": interval.low, "high": interval.high}


def _model_size(evaluation: Evaluation) -> str:
    return f"{evaluation.parameters:,}" if evaluation.parameters else ""
