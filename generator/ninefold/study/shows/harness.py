"""Section 3: the splits, the metric that decides, and how precise the harness is."""

from typing import TYPE_CHECKING

import numpy as np

from ninefold.study.baselines import naive_loss
from ninefold.study.harness import Harness, judge
from ninefold.study.metrics import METRICS, deciding_metric, practical_margin, shown_beside
from ninefold.study.splits import Fold, make_folds
from ninefold.study.statistics import (
    detectable_difference,
    expected_standard_error,
    standard_error_by_plan,
)
from ninefold.study.tables import make_table

if TYPE_CHECKING:
    from ninefold.study.notebook import Study

_PLANS = (3, 5, 10, 20)  # folds whose expected precision is shown


def splits(study: "Study") -> None:
    """The hold-out, the folds and the inner validation split, with counts."""
    data, plan, record = study.split, study.plan, study.recorder
    harness, rows = study.settings.harness, len(data.development)
    first = [fold for fold in study.harness.splits if fold.repeat == 0]
    record.fact(
        "{holdout_rows:integer} of {rows:integer} rows are held out. The other "
        "{development_rows:integer} are split into {folds:integer} folds; repeats: "
        "{repeats:integer}. That makes {fits:integer} fits of each variant ({reason}).",
        holdout_rows=len(data.holdout), rows=rows + len(data.holdout), development_rows=rows,
        folds=plan.folds, repeats=plan.repeats, fits=plan.folds * plan.repeats, reason=plan.reason,
    )  # fmt: skip
    if harness.quick:
        record.fact(
            "This is a quick run, not a study: {quick}. Folds: {folds:integer}, repeats: "
            "{repeats:integer}, epochs: {epochs:integer}.",
            kind="note", quick=harness.quick, folds=plan.folds, repeats=plan.repeats,
            epochs=harness.epochs,
        )  # fmt: skip
    record.fact(_how_divided(study))
    record.fact(
        "Networks train for {epochs:integer} epochs on batches of {batch_size:integer} rows; "
        "{validation:percent} of each training fold is the inner validation split.",
        epochs=harness.epochs, batch_size=harness.batch_size, validation=harness.validation,
    )  # fmt: skip
    record.figure(
        "splits",
        "splits",
        {
            "rows": rows + len(data.holdout),
            "holdout": len(data.holdout),
            "repeats": plan.repeats,
            "folds": _bars(first),
        },
        alt="Diagram of the splits: the hold-out apart, and for each fold its training, "
        "inner validation and test rows.",
        caption="The splits of the first repeat. The hold-out is looked at once, in section 7.",
    )


def _bars(folds: list[Fold]) -> list[dict]:
    bars, start = [], 0
    for fold in folds:
        stop = start + len(fold.test)
        sizes = {name: len(getattr(fold, name)) for name in ("train", "validation", "test")}
        bars.append({"fold": fold.fold + 1, **sizes, "start": start, "stop": stop})
        start = stop
    return bars


def _how_divided(study: "Study") -> str:
    stratified = "at random, each class in proportion" if study.task.classes else "at random"
    if study.split.groups is None:
        data = study.development()
        alike = len(set(data.identical)) < len(data)
        rest = (
            "most repeat the inputs of others, and need not stay together"
            if alike
            else ("no two have the same inputs")
        )
        return f"The rows are divided {stratified}; {rest}."
    kept = "rows of one group" if study.settings.data.group else "rows with the same inputs"
    return f"The rows are divided {stratified}, as far as {kept} allow, which stay together."


def metrics(study: "Study") -> None:
    """The metric that decides, those beside it, and the naive model's score in each."""
    data, record = study.development(), study.recorder
    name, reason = deciding_metric(data.y, data.problem, study.settings.study.metric)
    record.value(metric=name, metric_label=METRICS[name].label)
    record.fact(
        "{metric_label} decides: {reason}. {beside} is shown beside it.",
        metric_label=METRICS[name].label, reason=reason, beside=METRICS[shown_beside(name)].label,
    )  # fmt: skip
    rows = []
    for metric in study.harness.metrics:
        naive = naive_loss(metric, data.y, len(data.classes))
        role = {name: "decides", shown_beside(name): "shown beside it"}.get(metric, "computed")
        better = "higher" if METRICS[metric].greater_is_better else "lower"
        rows.append([METRICS[metric].label, role, better, naive, practical_margin(metric, naive)])
    columns = [
        ("metric", "text"), ("role", "text"), ("better", "text"),
        ("strongest constant", "score"), ("practically equal within", "significant"),
    ]  # fmt: skip
    record.table("metrics", make_table("Metrics, by scikit-learn.", columns, rows))


def precision(study: "Study") -> None:
    """The standard error of a mean score under more repeats and other numbers of folds, measured
    with a linear model, and the smallest difference that the study's plan could detect."""
    from sklearn.linear_model import LogisticRegression, Ridge

    task, plan, record = study.task, study.plan, study.recorder
    model = LogisticRegression(max_iter=1000) if task.classes else Ridge()
    repeats = max(plan.repeats, 10)
    scores = judge(model, _repeated(study, plan.folds, repeats), study.recipe())
    record.record.fits += scores.fits
    undefined = int(np.isnan(scores.values()).sum())
    if undefined:
        record.fact(
            "{metric_label} is undefined in {undefined:integer} of {judged:integer} folds, where a "
            "class is absent or the target does not vary: how precise this harness is cannot be "
            "told. Use fewer folds, or another metric.",
            kind="note", metric_label=METRICS[study.metric].label, undefined=undefined,
            judged=scores.fits,
        )  # fmt: skip
        return
    found = scores.values().reshape(repeats, plan.folds)
    spread = float(np.std(found[: plan.repeats], ddof=1))
    sizes = (scores.protocol.n_train, scores.protocol.n_test)
    smallest = detectable_difference(found[: plan.repeats].ravel(), *sizes)
    record.fact(
        "Under this plan (folds: {folds:integer}, repeats: {repeats:integer}) the mean "
        "{metric_label} of a linear model has a standard error of {standard_error:significant}, "
        "corrected for the overlap of the training folds.",
        folds=plan.folds, repeats=plan.repeats, metric_label=METRICS[study.metric].label,
        standard_error=expected_standard_error(spread, plan.folds, plan.repeats),
    )  # fmt: skip
    record.fact(
        "The smallest difference between two models that this plan would find four times in five "
        "is {detectable:significant} {metric_label} (paired, two-sided at 5 %, scores of the two "
        "correlated by one half).",
        detectable=smallest, metric_label=METRICS[study.metric].label,
    )  # fmt: skip
    numbers = list(range(1, repeats + 1))
    series = [
        {"name": f"{plan.folds} folds, measured", "x": numbers, "y": standard_error_by_plan(found)}
    ]
    for folds in _PLANS:
        if folds != plan.folds and folds <= len(task.y) // 2:
            expected = [
                expected_standard_error(spread, folds, n, measured_folds=plan.folds)
                for n in numbers
            ]
            series.append({"name": f"{folds} folds, expected", "x": numbers, "y": expected})
    record.figure(
        "precision",
        "lines",
        {
            "series": series,
            "x_label": "repeats",
            "y_label": f"standard error, {METRICS[study.metric].label}",
        },
        alt="Standard error of the mean score against the number of repeats, a line for each "
        "number of folds.",
        caption="Repeats narrow the interval little: training folds overlap, and the correction "
        "for that does not shrink with them.",
    )


def _repeated(study: "Study", folds: int, repeats: int) -> Harness:
    task, settings = study.task, study.settings
    made = make_folds(
        task.y, folds=folds, repeats=repeats, validation=settings.harness.validation,
        seed=study.seed, stratify=bool(task.classes), groups=study.split.groups,
    )  # fmt: skip
    return Harness(task, made, (study.metric,), "auto", study.seed)


def balance(study: "Study") -> None:
    """The target in the hold-out beside the development rows: classes by count. Nothing else of the
    hold-out is looked at here."""
    data, record = study.split, study.recorder
    if not data.development.classes:
        record.fact(
            "The hold-out is {share:percent} of the rows, drawn at random. What it holds is not "
            "looked at before section 7.",
            share=len(data.holdout) / (len(data.holdout) + len(data.development)),
        )  # fmt: skip
        return
    counts = [np.bincount(part.y, minlength=len(data.development.classes))
              for part in (data.development, data.holdout)]  # fmt: skip
    rows = [
        [name, inner, inner / counts[0].sum(), outer, outer / counts[1].sum()]
        for name, inner, outer in zip(data.development.classes, *counts, strict=True)
    ]
    columns = [
        (study.settings.data.target, "text"), ("development", "integer"), ("share", "percent"),
        ("hold-out", "integer"), ("share ", "percent"),
    ]  # fmt: skip
    record.table("balance", make_table("Rows of each class.", columns, rows))
