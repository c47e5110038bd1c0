"""Section 7: the choice, what to expect, the look, and what the final model does with it."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ninefold.study.final import load_model
from ninefold.study.finale import FinalFit, Look, best_of, simple_evaluations
from ninefold.study.metrics import METRICS, score, shown_beside
from ninefold.study.row_sampling import holdout_interval, wilson
from ninefold.study.statistics import Comparison, predicted_holdout_range, verdict
from ninefold.study.tables import make_table
from ninefold.study.variants import Variant

if TYPE_CHECKING:
    from ninefold.study.notebook import Study

_PERMUTATIONS = 10
_FEWEST = 5  # rows of a sub-group whose score is shown


def choice(study: "Study", variant: Variant) -> None:
    """The chosen variant, its configuration and its cross-validated scores."""
    metric, record = study.metric, study.recorder
    beside = shown_beside(metric)
    best = {"name": variant.name, "section": variant.section, **variant.summary}
    record.value(best=best, metric=metric, metric_label=METRICS[metric].label)
    record.fact(
        "{name} of {section} has the best {metric_label} of {selected_from:integer} networks: "
        "{score:pm}, selected and therefore optimistic; {beside_label} {beside_score:pm}.",
        name=variant.name, section=variant.section, selected_from=variant.selected_from,
        metric_label=METRICS[metric].label, score=variant.summary[metric],
        beside_label=METRICS[beside].label, beside_score=variant.summary[beside],
    )  # fmt: skip
    rows = [["model function", variant.function], *variant.keywords.items()]
    rows += [["epochs", variant.epochs], ["batch size", variant.batch_size]]
    rows += [["networks averaged", variant.members], ["parameters", variant.record["parameters"]]]
    columns = [("setting", "text"), ("value", "")]
    record.table("choice", make_table("The final configuration.", columns, rows))


def saved_model(study: "Study", model: FinalFit) -> None:
    """What was saved, its size and what training took."""
    files = sorted(path for path in model.folder.iterdir() if path.is_file())
    study.recorder.fact(
        "{members:integer} network(s) with {parameters:integer} parameters together, trained in "
        "{seconds:duration}; saved as {files}: {size:integer} kB.",
        members=model.model.members, parameters=model.parameters, seconds=model.seconds,
        files=[path.name for path in files], size=sum(p.stat().st_size for p in files) / 1000,
    )  # fmt: skip
    curves = model.members[0]
    panel = {
        "title": model.variant.name,
        "epochs": list(range(1, len(curves.train_curve["loss"]) + 1)),
        **{
            part: {
                "mean": curve.get("loss", []),
                "low": curve.get("loss", []),
                "high": curve.get("loss", []),
            }
            for part, curve in (
                ("train", curves.train_curve),
                ("validation", curves.validation_curve),
            )
        },
    }
    study.recorder.figure(
        "final-curve",
        "learning_curves",
        {"panels": [panel], "y_label": "loss"},
        alt="Loss of the final model over the epochs, on training and inner validation rows.",
        caption="The final training run.",
    )


def expected_range(study: "Study", model: FinalFit) -> None:
    """The range in which the hold-out score should fall, from cross-validation alone."""
    metric, evaluation = study.metric, model.variant.record
    found = predicted_holdout_range(
        np.array([v for v in evaluation["scores"][metric] if v is not None]),
        evaluation["n_train"], evaluation["n_test"], len(study.split.holdout),
        bounds=METRICS[metric].limits(len(study.task.classes)),
    )  # fmt: skip
    study.recorder.fact(
        "Cross-validation predicts a {metric_label} of {expected:interval} on the "
        "{holdout_rows:integer} rows of the hold-out (95 %).",
        metric_label=METRICS[metric].label,
        expected={"low": found.low, "high": found.high},
        holdout_rows=len(study.split.holdout),
    )
    study.recorder.value(range={"mean": found.mean, "low": found.low, "high": found.high})


def holdout(study: "Study", look: Look) -> None:
    """The score on the hold-out, beside the range predicted, the constant and the simple model."""
    metric, record = study.metric, study.recorder
    label, n = METRICS[metric].label, len(look.y)
    expected, sampled = record.record.values["range"], look.interval
    inside = expected["low"] <= sampled.score <= expected["high"]
    record.value(
        holdout={"score": sampled.score, "low": sampled.low, "high": sampled.high, "n": n},
        inside=bool(inside), constant=look.constant,
        simple={"name": look.simple.name, "score": look.simple_score},
        verdict=_verdict(study, look), looks=look.looks,
    )  # fmt: skip
    record.fact(
        "Hold-out {metric_label}: {score:score} ({interval:interval}, {method}, row sampling "
        "only), {where} the range that cross-validation predicted.",
        metric_label=label, score=sampled.score, method=sampled.method,
        interval={"low": sampled.low, "high": sampled.high},
        where="inside" if inside else "outside",
    )  # fmt: skip
    record.fact(
        "Verdict, from cross-validation: {verdict}. The hold-out has been looked at "
        "{looks:integer} time(s).",
        verdict=_verdict(study, look), looks=look.looks,
    )  # fmt: skip
    if look.looks > 1:
        record.fact(
            "This is look number {looks:integer}: the hold-out score is no longer that of a set "
            "nobody had seen.",
            kind="note", looks=look.looks,
        )  # fmt: skip
    record.figure(
        "holdout",
        "holdout",
        {
            "metric": label,
            "range": expected,
            "score": sampled.score,
            "low": sampled.low,
            "high": sampled.high,
            "constant": look.constant,
            "simple": look.simple_score,
            "better": "right" if METRICS[metric].greater_is_better else "left",
        },
        alt=f"The hold-out {label} with its interval, on the range predicted by cross-validation, "
        f"beside the strongest constant and the best simple model, {look.simple.name}.",
        caption="The hold-out score on the range that cross-validation had predicted.",
    )
    _all_scores(study, look)


def _all_scores(study: "Study", look: Look) -> None:
    classes = len(study.task.classes)
    rows = []
    for metric in study.harness.metrics:
        found, simple = (
            score(metric, look.y, given, n_classes=classes)
            for given in (look.found, look.simple_found)
        )
        interval = None
        if metric in (study.metric, shown_beside(study.metric)):  # a bootstrap takes seconds
            sampled = holdout_interval(
                metric, look.y, look.found, n_classes=classes, seed=study.seed
            )
            interval = {"low": sampled.low, "high": sampled.high}
        rows.append([METRICS[metric].label, found, interval, simple])
    columns = [
        ("metric", "text"), ("final model", "score"), ("95 % interval", "interval"),
        (look.simple.name, "score"),
    ]  # fmt: skip
    study.recorder.table("holdout-scores", make_table("Scores on the hold-out.", columns, rows))


def _verdict(study: "Study", look: Look) -> str:
    """One of the three verdicts, from cross-validation: against the strongest constant, and against
    the best simple model of the spot-check."""
    metric = study.metric
    record = look.fit.variant.record
    judged = study.record_of("4-baseline").evaluations.values()
    constant = next(e for e in judged if e["engine"] == "constant")
    simple = simple_evaluations(study)
    return verdict(
        _against(record, constant, metric),
        _against(record, simple[best_of(simple, metric)], metric),
        greater_is_better=METRICS[metric].greater_is_better,
    )


def errors(study: "Study", look: Look) -> None:
    """Confusion and calibration, or residuals."""
    data, record = study.development(), study.recorder
    if not data.classes:
        record.figure(
            "residuals",
            "residuals",
            {"predicted": look.found, "actual": look.y, "label": data.target},
            alt=f"Predicted against actual {data.target} on the hold-out, and the residuals.",
            caption="Hold-out rows: predicted against actual, and what is left.",
        )
        return
    counts = np.zeros((len(data.classes), len(data.classes)), dtype=int)
    np.add.at(counts, (look.y, look.found.argmax(axis=1)), 1)
    record.figure(
        "confusion",
        "confusion",
        {"labels": data.classes, "counts": counts, "x_label": "predicted", "y_label": "actual"},
        alt="Confusion matrix of the hold-out rows.",
        caption="Hold-out rows: a row for each actual class, a column for each predicted one.",
    )
    _calibration(study, look)


def _calibration(study: "Study", look: Look, bins: int = 5) -> None:
    """The confidence in the predicted class against how often it was right, in equal-sized bins."""
    confidence = look.found.max(axis=1)
    right = look.found.argmax(axis=1) == look.y
    parts = np.array_split(np.argsort(confidence, kind="stable"), min(bins, len(look.y)))
    shown = []
    for part in parts:
        share = wilson(int(right[part].sum()), len(part))
        shown.append(
            {
                "predicted": confidence[part].mean(),
                "observed": share.score,
                "low": share.low,
                "high": share.high,
                "count": len(part),
            }
        )
    study.recorder.figure(
        "calibration",
        "calibration",
        {"bins": shown, "label": "predicted class"},
        alt="How often the predicted class was right, against the probability given to it.",
        caption="Calibration on the hold-out, in bins of equal size, with Wilson intervals.",
    )


def worst_errors(study: "Study", look: Look, most: int = 5) -> None:
    """The rows that the model was most wrong about."""
    data = study.split.holdout
    if data.classes:
        wrong = 1 - look.found[np.arange(len(look.y)), look.y]
        actual = [data.classes[code] for code in look.y]
        predicted = [data.classes[code] for code in look.found.argmax(axis=1)]
        label, form = "probability of the actual class", "score"
        shown = look.found[np.arange(len(look.y)), look.y]
    else:
        wrong = np.abs(look.found - look.y)
        actual, predicted = list(look.y), list(look.found)
        label, form, shown = "residual", "signed", look.y - look.found
    order = np.argsort(-wrong, kind="stable")[:most]
    inputs = _leading_inputs(data.X)
    number = "text" if data.classes else "significant"
    columns = [
        ("row", "integer"), ("actual", number), ("predicted", number), (label, form),
        *[(name, "") for name in inputs],
    ]  # fmt: skip
    rows = [
        [data.rows[i] + 1, actual[i], predicted[i], shown[i], *_cells(data.X[inputs].iloc[i])]
        for i in order
    ]
    caption = "The hold-out rows the model was most wrong about, numbered as in the file."
    study.recorder.table("worst-errors", make_table(caption, columns, rows))


def sub_groups(study: "Study", look: Look, most: int = 4) -> None:
    """The score in each sub-group of the categories, or of the halves of numbers."""
    data, metric = study.split.holdout, study.metric
    shown = _comparable(metric)
    rows = []
    for name in [*data.categories, *data.numbers][:most]:
        for label, members in _parts(data.X[name], study.development().X[name]):
            if members.sum() >= _FEWEST:
                found = score(
                    shown, look.y[members], look.found[members], n_classes=len(data.classes)
                )
                rows.append([f"{name}: {label}", int(members.sum()), found])
    columns = [("sub-group", "text"), ("rows", "integer"), (METRICS[shown].label, "score")]
    caption = "Hold-out rows by sub-group; small groups vary widely by chance."
    study.recorder.table("sub-groups", make_table(caption, columns, rows))


def _comparable(metric: str) -> str:
    """A metric that is defined where a sub-group lacks a class."""
    return "log_loss" if metric in ("roc_auc", "average_precision", "f1") else metric


def _parts(values: pd.Series, development: pd.Series) -> list[tuple[str, np.ndarray]]:
    if pd.api.types.is_numeric_dtype(values):
        middle = float(development.median())
        numbers = values.to_numpy()
        return [
            (f"up to {middle:.4g}", numbers <= middle),
            (f"above {middle:.4g}", numbers > middle),
        ]
    levels = sorted(development.dropna().unique())
    return [(str(level), (values == level).to_numpy()) for level in levels]


def importance(study: "Study", look: Look, most: int = 12) -> None:
    """How much worse the score becomes when one input's values are shuffled among the rows."""
    data, metric = study.split.holdout, study.metric
    loaded, generator = load_model(look.fit.folder), np.random.default_rng(study.seed)
    sign = 1 if METRICS[metric].greater_is_better else -1
    whole = score(metric, look.y, look.found, n_classes=len(data.classes))
    losses: dict[str, tuple[float, float, float]] = {}
    for name in map(str, data.X):
        drops = []
        for _ in range(_PERMUTATIONS):
            shuffled = data.X.copy()
            shuffled[name] = generator.permutation(data.X[name].to_numpy())
            found = loaded.outputs(shuffled)
            drops.append(sign * (whole - score(metric, look.y, found, n_classes=len(data.classes))))
        losses[name] = (float(np.mean(drops)), float(np.min(drops)), float(np.max(drops)))
    ranked = sorted(losses, key=lambda name: -losses[name][0])[:most]
    mean, low, high = zip(*(losses[name] for name in ranked), strict=True)
    study.recorder.figure(
        "importance",
        "bars",
        {
            "labels": ranked,
            "values": mean,
            "low": low,
            "high": high,
            "x_label": f"loss of {METRICS[metric].label} when shuffled",
            "format": "significant",
        },
        alt=f"Permutation importance on the hold-out, most important first: {', '.join(ranked)}.",
        caption="Permutation importance on the hold-out: mean and range over the shuffles. Inputs "
        "that say the same share their importance.",
    )


def cost(study: "Study", look: Look) -> None:
    """Parameters, training and prediction time of the final model beside the simple ones."""
    import time

    loaded, inputs = load_model(look.fit.folder), study.split.holdout.X
    loaded.outputs(inputs)  # the first call compiles
    start = time.perf_counter()
    loaded.outputs(inputs)
    network_time = time.perf_counter() - start
    n = len(inputs)
    rows: list[list[Any]] = [
        ["final model", look.fit.parameters, look.fit.seconds, 1000 * network_time / n]
    ]
    for simple in (look.simple, *look.beside):
        start = time.perf_counter()
        simple.fitted.predict(study.holdout_inputs())
        spent = 1000 * (time.perf_counter() - start) / n
        rows.append([simple.name, simple.parameters or None, simple.fitted.seconds, spent])
    columns = [
        ("model", "text"), ("parameters", "integer"), ("training", "duration"),
        ("prediction, ms a row", "significant"),
    ]  # fmt: skip
    study.recorder.table("cost", make_table("Cost, measured on this machine.", columns, rows))


def new_rows(study: "Study", look: Look, most: int = 5) -> None:
    """The first hold-out rows as `ninefold predict` answers them."""
    inputs = _leading_inputs(study.split.holdout.X)
    predictions = look.predictions
    columns = [*[(name, "") for name in inputs], *[(str(name), "") for name in predictions]]
    rows = [
        [*_cells(study.split.holdout.X[inputs].iloc[i]), *_cells(predictions.iloc[i])]
        for i in range(min(most, len(predictions)))
    ]
    caption = "Inputs (the first of them) and what the saved model answers."
    study.recorder.table("new-rows", make_table(caption, columns, rows))


def _leading_inputs(X: pd.DataFrame, most: int = 4) -> list[str]:
    return list(X.columns[:most])


def _cells(row: pd.Series) -> list[Any]:
    return [None if pd.isna(value) else value for value in row]


def _against(record: dict[str, Any], other: dict[str, Any], metric: str) -> Comparison:
    from ninefold.study.statistics import paired_comparison

    pairs = zip(record["scores"][metric], other["scores"][metric], strict=True)
    a, b = np.array([pair for pair in pairs if None not in pair]).T
    return paired_comparison(a, b, record["n_train"], record["n_test"])
