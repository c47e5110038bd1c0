"""Section 7: what was saved, what to expect, the look at the hold-out."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ninefold.formats import show
from ninefold.study.alarms import (
    Alarm,
    against_constant,
    against_folds,
    against_heavy_rows,
)
from ninefold.study.constant_output import same_answer
from ninefold.study.expectation import Expectation, expect
from ninefold.study.finale import FinalFit, Look
from ninefold.study.kept_predictions import HOLDOUT, pack_holdout
from ninefold.study.metrics import METRICS
from ninefold.study.recorded import scores_by_seed
from ninefold.study.shows.beside import (
    distinct,
    rival_of,
    score_of,
    show_beside,
    values_beside,
)
from ninefold.study.standing import judge_final
from ninefold.study.statistics.chance import CONSTANT, name_of_naive
from ninefold.study.statistics.rows import heaviest_rows, holdout_interval, row_losses
from ninefold.study.statistics.sampled import SampledInterval, sampling_of
from ninefold.study.tables import make_table
from ninefold.study.variants import Variant

if TYPE_CHECKING:
    from ninefold.study.notebook import Study


def saved_model(study: "Study", model: FinalFit) -> None:
    """What was saved, its size, what training took, and the training curve of a network."""
    files = sorted(path for path in model.folder.iterdir() if path.is_file())
    saved: dict[str, Any] = {
        "files": [path.name for path in files],
        "size": sum(path.stat().st_size for path in files) / 1000,
        "trained_rows": model.rows,
        "seconds": model.seconds,
    }
    ruled = study.choose().final
    if not ruled.is_as(model.variant):
        study.recorder.fact(
            "The rule of ninefold.toml chose {ruled}; this notebook trains {trained}.",
            kind="note", ruled=ruled.name, trained=model.variant.name,
        )  # fmt: skip
    if model.variant.kind == "network":
        study.recorder.fact(
            "Networks: {members:integer}, with {parameters:integer} parameters together, trained "
            "on {trained_rows:integer} rows in {seconds:duration}; saved as {files}: "
            "{size:integer} kB.",
            members=model.model.members, parameters=model.parameters, **saved,
        )  # fmt: skip
        _curve(study, model)
        return
    study.recorder.fact(
        "{called}, fitted on all {trained_rows:integer} development rows in {seconds:duration}; "
        "saved as {files}: {size:significant} kB.",
        called=model.variant.name, **saved,
    )  # fmt: skip


def _curve(study: "Study", model: FinalFit) -> None:
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
    label, found = METRICS[study.metric].label, expect(study, model.variant)
    study.recorder.value(range=_as_values(model.variant, found))
    rows = len(study.split.holdout)
    if found.low is None:
        study.recorder.fact(
            "No range is predicted for the {holdout_rows:integer} rows of the hold-out ({why}). "
            "Over the folds the mean {metric_label} is {expected_mean:score}.",
            holdout_rows=rows, why=found.why, metric_label=label, expected_mean=found.mean,
        )  # fmt: skip
        return
    corrected = ", corrected for the choice among {candidates:integer} models,"
    study.recorder.fact(
        f"Cross-validation{corrected * (found.candidates > 1)} predicts a {{metric_label}} of "
        "{expected:interval} on the {holdout_rows:integer} rows of the hold-out (95 %).",
        metric_label=label, expected={"low": found.low, "high": found.high},
        holdout_rows=rows, candidates=found.candidates,
    )  # fmt: skip
    if found.candidates > 1:
        study.recorder.fact(
            "The mean {metric_label} over the folds is {expected_mean:score}. The folds that judge "
            "the model also chose it. Corrected for that, the mean is {corrected_mean:score} "
            "(bootstrap bias-corrected cross-validation).",
            metric_label=label, expected_mean=found.mean, corrected_mean=found.corrected,
        )  # fmt: skip


def _as_values(variant: Variant, found: Expectation) -> dict[str, Any]:
    return {
        "model": variant.name, "section": variant.section,
        "mean": found.mean if found.corrected is None else found.corrected,
        "low": found.low, "high": found.high, "reported": found.mean,
        "optimism": found.optimism, "candidates": found.candidates,
    }  # fmt: skip


def _range(study: "Study", variant: Variant) -> dict[str, Any]:
    """Return the range that was shown before the look, if one was: it takes thousands of draws."""
    shown: Any = study.recorder.record.values.get("range", {})
    if (shown.get("section"), shown.get("model")) == (variant.section, variant.name):
        return shown
    return _as_values(variant, expect(study, variant))


def holdout(study: "Study", look: Look) -> None:
    """The score on the hold-out, beside the range predicted, the constant and the simple model;
    what is alarming comes first."""
    metric, record = study.metric, study.recorder
    label, n = METRICS[metric].label, len(look.y)
    variant, sampled = look.fit.variant, look.interval
    expected, found = _range(study, variant), _verdict(study, look)
    naive = name_of_naive(metric, len(study.task.classes))
    inside = None
    if expected["low"] is not None and expected["high"] is not None:
        inside = bool(expected["low"] <= sampled.score <= expected["high"])
    for alarm in _alarms(study, look):
        record.alarm(alarm.text, **alarm.values)
    record.value(
        holdout={
            "score": sampled.score, **sampled.ends, "n": n,
            "reason": sampled.remark if sampled.low is None else "",
        },
        inside=inside, constant=look.constant, constant_name=naive, verdict=found,
        looks=look.looks,
        **values_beside(study, look),
    )  # fmt: skip
    record.fact(
        "Hold-out {metric_label}: {holdout_score:score} ({sampled}){where}.",
        metric_label=label, holdout_score=sampled.score, where=_WHERE[inside],
        holdout_interval=sampled.ends, method=sampled.method, sampled=_sampled(sampled),
    )  # fmt: skip
    record.fact(
        "Verdict: {verdict}. {basis}",
        verdict=found,
        basis=_WITHDRAWN if found == "skill withdrawn" else _SELECTED.format(variant.selected_from),
    )  # fmt: skip
    show_beside(study, look)
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
    rival, which = rival_of(look)
    named = f" and the {which}, {look.beside[rival].name}" if rival in look.beside else ""
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
            "constant_name": "best constant" if naive == CONSTANT else naive,
            "rival": look.scores.get(rival),
            "rival_name": which,
            "better": "right" if METRICS[metric].greater_is_better else "left",
        },
        alt=f"The hold-out {label}{'' if sampled.low is None else ' with its interval'}, "
        f"{'' if inside is None else 'on the range predicted by cross-validation, '}"
        f"beside the {naive}{named}.",
        caption="The hold-out score on the range that cross-validation had predicted."
        if inside is not None
        else f"The hold-out score{'' if sampled.low is None else ' with its interval'}.",
    )
    _all_scores(study, look)
    _keep_predictions(study, look)


def _keep_predictions(study: "Study", look: Look) -> None:
    if study.recorder.by_hand:
        return
    held = study.split.holdout
    actual = np.array(held.classes)[held.y] if held.classes else held.y
    study.recorder.keep_file(HOLDOUT, pack_holdout(held.rows, actual, look.predictions))


_SELECTED = (
    "It rests on cross-validation. Its tests are adjusted for the {} candidates that this model "
    "was chosen from."
)
_WITHDRAWN = "By cross-validation there was skill; the hold-out does not beat guessing."


def _alarms(study: "Study", look: Look) -> list[Alarm]:
    """What a reader must know before the score; of a constant that was chosen, nothing of this."""
    if look.fit.variant.kind == "constant":
        return []
    metric, answer = METRICS[study.metric], look.answer
    spread = 0.0 if study.task.classes else float(np.ptp(study.task.y))
    alike = same_answer(answer.outputs, answer.codes, study.task.classes, spread)
    found = [Alarm(_ALIKE, {"answer": alike})] if alike else []
    found += against_constant(metric, look.interval.score, look.constant)
    folds = scores_by_seed(look.fit.variant.record, study.metric).ravel().tolist()
    number, share, loss = _heaviest(study, look)
    study.recorder.value(heaviest={"rows": number, "share": share, "of": loss})
    return [
        *found,
        *against_folds(metric, look.interval.score, folds),
        *against_heavy_rows(number, len(look.y), share, loss),
    ]


_ALIKE = (
    "The final model predicts {answer} for every row of the hold-out (NF112): its score is that of "
    "a constant, however good."
)


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
        sampled = look.interval
        if metric != study.metric:
            sampled = holdout_interval(
                metric, look.y, look.taken(metric), n_classes=classes, sampling=sampling,
                seed=study.seed,
            )  # fmt: skip
        others = [score_of(look, role, metric, classes) for role in distinct(look)]
        rows.append([METRICS[metric].label, sampled.score, sampled.ends, *others, sampled.remark])
    columns = [
        ("metric", "text"), ("final model", "score"), ("95 % interval", "interval"),
        *((look.beside[role].name, "score") for role in distinct(look)), ("interval by", "text"),
    ]  # fmt: skip
    groups = sampling.number_of_groups
    caption = f"Scores on the hold-out{f', of {groups} groups' if groups else ''}."
    study.recorder.table("holdout-scores", make_table(caption, columns, rows))


def _heaviest(study: "Study", look: Look) -> tuple[int, float, str]:
    """Return how few rows carry how much of which loss: of log loss, absolute or squared errors."""
    metric = study.metric
    if METRICS[metric].takes in ("labels", "ranking"):
        metric = "log_loss"
    number, share = heaviest_rows(row_losses(metric, look.y, look.found))
    return number, share, {"r2": "squared error"}.get(metric, METRICS[metric].label)


def _verdict(study: "Study", look: Look) -> str:
    """One of the verdicts on the final model (see `judge_final`); where the folds allow no test,
    that they do not. It stands beside the best simple model that was evaluated, though no record
    can build it again."""
    metric, no_test = study.metric, study.harness.protocol().no_test
    own, simple = look.fit.variant, study.choose().strongest
    rival = None if simple is None or simple.is_as(own) else simple.record
    beaten = not against_constant(METRICS[metric], look.interval.score, look.constant)
    return no_test or judge_final(own, metric, rival, beats_constant=beaten)
