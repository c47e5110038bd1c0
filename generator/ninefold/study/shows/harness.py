"""Section 3: the splits, the metric that decides, the hold-out beside the development rows."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ninefold.formats import show
from ninefold.study.baselines import naive_loss
from ninefold.study.metrics import METRICS, deciding_metric, practical_margin, shown_beside
from ninefold.study.shows.choice import state_rule
from ninefold.study.splits import Fold
from ninefold.study.statistics.chance import name_of_naive
from ninefold.study.statistics.few_rows import FEW
from ninefold.study.tables import make_table

if TYPE_CHECKING:
    from ninefold.study.notebook import Study


def splits(study: "Study") -> None:
    """The hold-out, the folds and the inner validation split, with counts."""
    data, plan, record = study.split, study.plan, study.recorder
    harness, rows = study.settings.harness, len(data.development)
    first = [fold for fold in study.harness.splits if fold.repeat == 0]
    fits = plan.folds * plan.repeats
    record.fact(
        "{holdout_rows:integer} of {rows:integer} rows are held out. The other "
        "{development_rows:integer} are split into {folds:integer} folds; repeats: "
        "{repeats:integer} ({reason}). That makes {fits:integer} fits of a simple model and "
        "{networks:integer} of a network, {seeds:integer} in each fold.",
        holdout_rows=len(data.holdout), rows=rows + len(data.holdout), development_rows=rows,
        folds=plan.folds, repeats=plan.repeats, reason=plan.reason, fits=fits,
        networks=fits * harness.seeds, seeds=harness.seeds,
    )  # fmt: skip
    if harness.quick:
        record.fact(
            "This is a quick run, not a study: {quick}. Folds: {folds:integer}, repeats: "
            "{repeats:integer}, epochs: {epochs:integer}.",
            kind="note", quick=harness.quick, folds=plan.folds, repeats=plan.repeats,
            epochs=harness.epochs,
        )  # fmt: skip
    _state_division(study)
    if study.task.classes:
        _state_classes(study)
    record.fact(
        "Simple models train on all rows of a training fold. Networks train for {epochs:integer} "
        "epochs on batches of {batch_size:integer} rows; they hold back {validation:percent} of "
        "each training fold as inner validation.",
        epochs=harness.epochs, batch_size=harness.batch_size, validation=harness.validation,
    )  # fmt: skip
    record.figure(
        "splits",
        "splits",
        {
            "rows": rows + len(data.holdout),
            "holdout": len(data.holdout),
            "repeats": plan.repeats,
            "ordered": data.blocks is not None,
            "folds": _bars(study, first),
        },
        alt="Diagram of the splits: the hold-out apart, and for each fold its training, "
        "inner validation and test rows.",
        caption=_CAPTIONS[data.blocks is not None],
    )


_CAPTIONS = {
    False: "The splits of the first repeat. The hold-out is looked at once, in section 7.",
    True: "The splits in time order: each fold is trained on what came before its test rows. The "
    "hold-out, which follows them all, is looked at once, in section 7.",
}


def _bars(study: "Study", folds: list[Fold]) -> list[dict]:
    """Each fold's counts, and where its test rows are drawn: side by side, or in time order."""
    groups = study.development().groups
    bars, start = [], 0
    for fold in folds:
        start = int(fold.test[0]) if study.split.blocks is not None else start
        stop = start + len(fold.test)
        bar = {name: len(getattr(fold, name)) for name in ("train", "validation", "test")}
        bar |= {"fold": fold.fold + 1, "start": start, "stop": stop}
        if groups is not None:
            bar["groups"] = len(np.unique(groups[fold.test]))
        bars.append(bar)
        start = stop
    return bars


def _state_division(study: "Study") -> None:
    data, record = study.development(), study.recorder
    if study.split.blocks is not None:
        record.fact(
            "The rows are in the order of '{time}': development from {development_span}, hold-out "
            "from {holdout_span}. Each fold tests rows that follow all it is trained on, the last "
            "of which are its inner validation split; {together} stay on one side.",
            time=study.settings.data.time, development_span=_span(data.time),
            holdout_span=_span(study.split.holdout.time),
            together="rows of one moment" + (" or one group" if data.groups is not None else ""),
        )  # fmt: skip
        return
    drawn = "at random, each class in proportion" if study.task.classes else "at random"
    kept = "rows of one group" if study.settings.data.group else "rows with the same inputs"
    if study.split.groups is not None:
        record.fact(f"The rows are divided {drawn}, as far as {kept} allow, which stay together.")
    elif len(set(data.identical)) < len(data):
        rest = "most repeat the inputs of others, and need not stay together"
        record.fact(f"The rows are divided {drawn}; {rest}.")
    else:
        record.fact(f"The rows are divided {drawn}; no two have the same inputs.")


def _state_classes(study: "Study") -> None:
    """How many rows of each class a test fold holds, and what is done where they are few."""
    names, record = study.task.classes, study.recorder
    counts = np.array(
        [
            np.bincount(study.task.y[fold.test], minlength=len(names))
            for fold in study.harness.splits
        ]
    )  # (folds × repeats, K)
    fewest, most = counts.min(axis=0), counts.max(axis=0)
    held = [
        f"{_from_to(low, high)}{'' if code else ' rows'} of '{name}'"
        for code, (name, low, high) in enumerate(zip(names, fewest, most, strict=True))
    ]
    record.fact(
        "Each test fold holds {fold_classes}.",
        fold_classes=" and ".join(held) if len(held) < 3 else held,
    )
    if fewest.min() < FEW and not study.harness.protocol().no_test:
        record.fact(
            "That is fewer than {few:integer} rows of '{rare}', too few to score it fold by fold. "
            "Average precision, ROC AUC and F1 are scored on all rows of a repeat together, and "
            "intervals follow the rows, not the folds alone.",
            kind="note", few=FEW, rare=names[int(fewest.argmin())],
        )  # fmt: skip


def _from_to(low: int, high: int) -> str:
    if low == high:
        return f"{low:,}"
    return f"{low:,} {'or' if high == low + 1 else 'to'} {high:,}"


def _span(moments: np.ndarray | None) -> str:
    """Return the first and the last of moments in order, dates without a clock as days."""
    ends = [] if moments is None else [moments[0], moments[-1]]
    if all(isinstance(end, np.datetime64) for end in ends):
        return " to ".join(str(pd.Timestamp(end)).removesuffix(" 00:00:00") for end in ends)
    return " to ".join(show(float(end), "significant") for end in ends)


def metrics(study: "Study") -> None:
    """The metric that decides, those beside it, and the naive model's score in each."""
    data, record = study.development(), study.recorder
    name, reason = deciding_metric(data.y, data.problem, study.settings.study.metric)
    record.value(metric=name, metric_label=METRICS[name].label)
    record.fact(
        "{metric_label} decides: {reason}. {beside} is shown beside it.",
        metric_label=METRICS[name].label, reason=reason, beside=METRICS[shown_beside(name)].label,
    )  # fmt: skip
    if len(data.classes) == 2:
        record.fact(
            "F1 and average precision look for {positive}, the last class in sorted order.",
            positive=data.classes[1],
        )
    rows = []
    for metric in study.harness.metrics:
        naive = naive_loss(metric, data.y, len(data.classes))
        what = name_of_naive(metric, len(data.classes))
        role = {name: "decides", shown_beside(name): "shown beside it"}.get(metric, "computed")
        better = "higher" if METRICS[metric].greater_is_better else "lower"
        margin = practical_margin(metric, naive)
        rows.append([METRICS[metric].label, role, better, naive, what, margin])
    columns = [
        ("metric", "text"), ("role", "text"), ("better", "text"),
        ("naive score", "score"), ("of the", "text"), ("practically equal within", "significant"),
    ]  # fmt: skip
    record.table("metrics", make_table("Metrics, as scikit-learn defines them.", columns, rows))
    state_rule(study)


def balance(study: "Study") -> None:
    """The target in the hold-out beside the development rows: classes by count. Nothing else of the
    hold-out is looked at here."""
    data, record = study.split, study.recorder
    if not data.development.classes:
        record.fact(
            "The hold-out is {share:percent} of the rows, {drawn} before section 7.",
            share=len(data.holdout) / (len(data.holdout) + len(data.development)),
            drawn="drawn at random. What it holds is not looked at"
            if data.blocks is None
            else "the last in time. But for its times, what it holds is not looked at",
        )  # fmt: skip
        return
    counts = [np.bincount(part.y, minlength=len(data.development.classes))
              for part in (data.development, data.holdout)]  # fmt: skip
    rows = [
        [name, inner, inner / counts[0].sum(), outer, outer / counts[1].sum()]
        for name, inner, outer in zip(data.development.classes, *counts, strict=True)
    ]
    columns = [
        (study.settings.data.target, "text"), ("development", "integer"),
        ("share of development", "percent"), ("hold-out", "integer"),
        ("share of hold-out", "percent"),
    ]  # fmt: skip
    record.table("balance", make_table("Rows of each class.", columns, rows))
