"""Section 7: the choice, what to expect, the look at the hold-out, and the cost."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ninefold.formats import show
from ninefold.records import EvaluationEntry
from ninefold.study.final import load_model
from ninefold.study.finale import FinalFit, Look, best_of, simple_evaluations
from ninefold.study.metrics import METRICS, score, shown_beside
from ninefold.study.statistics.folds import Comparison, predicted_holdout_range, verdict
from ninefold.study.statistics.rows import heaviest_rows, holdout_interval, row_losses
from ninefold.study.statistics.sampled import SampledInterval, sampling_of
from ninefold.study.tables import make_table
from ninefold.study.variants import Variant

if TYPE_CHECKING:
    from ninefold.study.notebook import Study


def choice(study: "Study", variant: Variant) -> None:
    """The chosen variant, its configuration and its cross-validated scores."""
    metric, record = study.metric, study.recorder
    beside = shown_beside(metric)
    best = {"name": variant.name, "section": variant.section, **variant.summary}
    record.value(best=best, metric=metric, metric_label=METRICS[metric].label)
    record.fact(
        "{best_name} of {section} has the best {metric_label} of {selected_from:integer} networks: "
        "{best_score:pm}, selected and therefore optimistic; {beside_label} {beside_score:pm}.",
        best_name=variant.name, section=variant.section, selected_from=variant.selected_from,
        metric_label=METRICS[metric].label, best_score=variant.summary[metric],
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
        "Networks: {members:integer}, with {parameters:integer} parameters together, trained on "
        "{trained_rows:integer} rows in {seconds:duration}; saved as {files}: {size:integer} kB.",
        members=model.model.members, parameters=model.parameters, seconds=model.seconds,
        trained_rows=model.rows,
        files=[path.name for path in files], size=sum(p.stat().st_size for p in files) / 1000,
    )  # fmt: skip
    curves = model.members[0]
    panel = {
        "title": model.variant.name,
        "epochs": list(range(1, len(curves.trained.train["loss"]) + 1)),
        **{
            part: {
                "mean": curve,
                "low": curve,
                "high": curve,
            }
            for part, curve in (
                ("train", curves.trained.train["loss"]),
                ("validation", curves.trained.validation.get("loss", [])),
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
    metric, found = study.metric, _range(study, model.variant)
    study.recorder.value(range=found)
    if found["low"] is None:
        study.recorder.fact(
            "No range is predicted for the {holdout_rows:integer} rows of the hold-out ({why}). "
            "Over the folds the mean {metric_label} is {expected_mean:score}.",
            holdout_rows=len(study.split.holdout), why=study.harness.protocol().no_test,
            metric_label=METRICS[metric].label, expected_mean=found["mean"],
        )  # fmt: skip
        return
    study.recorder.fact(
        "Cross-validation predicts a {metric_label} of {expected:interval} on the "
        "{holdout_rows:integer} rows of the hold-out (95 %).",
        metric_label=METRICS[metric].label,
        expected={"low": found["low"], "high": found["high"]},
        holdout_rows=len(study.split.holdout),
    )


def _range(study: "Study", variant: Variant) -> dict[str, float | None]:
    """The predicted range; where the folds allow none, `low` and `high` are None."""
    metric, judged = study.metric, variant.record
    scores = np.array([v for v in judged["scores"][metric] if v is not None])
    if study.harness.protocol().no_test:
        return {"mean": float(scores.mean()), "low": None, "high": None}
    found = predicted_holdout_range(
        scores,
        judged["n_train"], judged["n_test"], len(study.split.holdout),
        bounds=METRICS[metric].limits(len(study.task.classes)),
    )  # fmt: skip
    return {"mean": found.mean, "low": found.low, "high": found.high}


def holdout(study: "Study", look: Look) -> None:
    """The score on the hold-out, beside the range predicted, the constant and the simple model."""
    metric, record = study.metric, study.recorder
    label, n = METRICS[metric].label, len(look.y)
    variant, sampled = look.fit.variant, look.interval
    expected, found = _range(study, variant), _verdict(study, look)
    inside = None
    if expected["low"] is not None and expected["high"] is not None:
        inside = bool(expected["low"] <= sampled.score <= expected["high"])
    rival = simple_evaluations(study)[look.simple.name]["summary"][metric]
    record.value(
        holdout={"score": sampled.score, "low": sampled.low, "high": sampled.high, "n": n},
        inside=inside, constant=look.constant,
        simple={"name": look.simple.name, "score": look.simple_score, "expected": rival},
        verdict=found, looks=look.looks,
    )  # fmt: skip
    record.fact(
        "Hold-out {metric_label}: {holdout_score:score} ({sampled}){where}.",
        metric_label=label, holdout_score=sampled.score, where=_WHERE[inside],
        holdout_interval=sampled.ends, method=sampled.method, sampled=_sampled(sampled),
    )  # fmt: skip
    record.fact(
        "Verdict: {verdict}. It rests on cross-validation, on the folds that also chose this model "
        "out of {selected_from:integer}, which favours it.",
        selected_from=variant.selected_from, verdict=found,
    )  # fmt: skip
    record.fact(
        "By cross-validation the best simple model, {simple_name}, has {simple_expected:pm} "
        "{metric_label}; the final model {final_expected:pm}.",
        simple_name=look.simple.name, simple_expected=rival, metric_label=label,
        final_expected=variant.summary[metric],
    )  # fmt: skip
    if look.looks > 1:
        record.fact(
            "This is look number {looks:integer}: the hold-out score is no longer that of a set "
            "nobody had seen.",
            kind="note", looks=look.looks,
        )  # fmt: skip
    if look.changed:
        record.fact(
            "Changed since the hold-out was first looked at, so that what it showed may have had a "
            "say: {changed}.",
            kind="note", changed=look.changed,
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
        alt=f"The hold-out {label}{'' if sampled.low is None else ' with its interval'}, "
        f"{'' if inside is None else 'on the range predicted by cross-validation, '}"
        f"beside the strongest constant and the best simple model, {look.simple.name}.",
        caption="The hold-out score on the range that cross-validation had predicted."
        if inside is not None
        else f"The hold-out score{'' if sampled.low is None else ' with its interval'}.",
    )
    _all_scores(study, look)


_WHERE = {
    True: ", inside the range that cross-validation predicted",
    False: ", outside the range that cross-validation predicted",
    None: "",
}


def _sampled(interval: SampledInterval) -> str:
    """Say the interval and how it was made, or why there is none."""
    if interval.low is None:
        return interval.remark
    return f"{show(interval.ends, 'interval')}, {interval.method}, row sampling only"


def _all_scores(study: "Study", look: Look) -> None:
    """Every metric with its interval, and what its method is or why there is none."""
    classes, sampling = len(study.task.classes), sampling_of(study.split.holdout)
    rows = []
    for metric in study.harness.metrics:
        sampled, simple = look.interval, None
        if metric != study.metric:
            sampled = holdout_interval(
                metric, look.y, look.found, n_classes=classes, sampling=sampling, seed=study.seed
            )
        if METRICS[metric].takes in look.simple.gives:
            answer = look.simple_answer.taken(METRICS[metric].takes, classes)
            simple = score(metric, look.y, answer, n_classes=classes)
        rows.append([METRICS[metric].label, sampled.score, sampled.ends, simple, sampled.remark])
    columns = [
        ("metric", "text"), ("final model", "score"), ("95 % interval", "interval"),
        (look.simple.name, "score"), ("interval by", "text"),
    ]  # fmt: skip
    groups = sampling.number_of_groups
    caption = f"Scores on the hold-out{f', of {groups} groups' if groups else ''}."
    study.recorder.table("holdout-scores", make_table(caption, columns, rows))
    _weight_of_few_rows(study, look)


def _weight_of_few_rows(study: "Study", look: Look) -> None:
    """Keep how few rows carry how much of the loss: of log loss, absolute or squared errors."""
    metric = study.metric
    if METRICS[metric].takes in ("labels", "ranking"):
        metric = "log_loss"
    number, share = heaviest_rows(row_losses(metric, look.y, look.found))
    label = {"r2": "squared error"}.get(metric, METRICS[metric].label)
    study.recorder.value(heaviest={"rows": number, "share": share, "of": label})
    if share >= 0.5:
        study.recorder.fact(
            "Hold-out rows that carry {heavy_share:percent} of the {heavy_metric}: "
            "{heavy_rows:integer} of {all_rows:integer}.",
            kind="note", heavy_share=share, heavy_metric=label, heavy_rows=number,
            all_rows=len(look.y),
        )  # fmt: skip


def _verdict(study: "Study", look: Look) -> str:
    """One of the three verdicts, from cross-validation: against the strongest constant, and against
    the best simple model of the spot-check. Where the folds allow no test, that they do not."""
    metric = study.metric
    if study.harness.protocol().no_test:
        return study.harness.protocol().no_test
    record = look.fit.variant.record
    judged = study.record_of("4-baseline").evaluations.values()
    constant = next(e for e in judged if e["engine"] == "constant")
    simple = simple_evaluations(study)
    return verdict(
        _against(record, constant, metric),
        _against(record, simple[best_of(simple, metric)], metric),
        greater_is_better=METRICS[metric].greater_is_better,
    )


def _against(record: EvaluationEntry, other: EvaluationEntry, metric: str) -> Comparison:
    from ninefold.study.statistics.folds import paired_comparison

    pairs = zip(record["scores"][metric], other["scores"][metric], strict=True)
    a, b = np.array([pair for pair in pairs if None not in pair]).T
    return paired_comparison(a, b, record["n_train"], record["n_test"])


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
