"""Section 7's look: the score on the hold-out, beside what was predicted and other models; what is
alarming comes first."""

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
from ninefold.study.finale import Look
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
from ninefold.study.shows.final import range_shown
from ninefold.study.standing import judge_final, why_not_compared
from ninefold.study.statistics.chance import CONSTANT, name_of_naive
from ninefold.study.statistics.rows import heaviest_rows, holdout_interval
from ninefold.study.statistics.sampled import SampledInterval, sampling_of
from ninefold.study.statistics.weighted import row_losses
from ninefold.study.tables import make_table
from ninefold.study.variants import Variant

if TYPE_CHECKING:
    from ninefold.study.notebook import Study


def holdout(study: "Study", look: Look) -> None:
    """The score on the hold-out, beside the range predicted, the constant and the simple model;
    what is alarming comes first."""
    record, expected = study.recorder, range_shown(study, look.fit.variant)
    inside = None
    defined = np.isfinite(look.interval.score)
    if defined and expected["low"] is not None and expected["high"] is not None:
        rounding = 1e-5 * abs(look.interval.score)  # a record keeps six digits
        inside = bool(
            expected["low"] - rounding <= look.interval.score <= expected["high"] + rounding
        )
    for alarm in _alarms(study, look, inside):
        record.alarm(alarm.text, **alarm.values)
    _score(study, look, inside)
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
    _figure(study, look, expected, inside)
    _all_scores(study, look)
    _keep_predictions(study, look)


def _score(study: "Study", look: Look, inside: bool | None) -> None:
    """The score with its interval, whether it is inside the range predicted, and the verdict."""
    record, sampled, found = study.recorder, look.interval, _verdict(study, look)
    record.value(
        holdout={
            "score": sampled.score, **sampled.ends, "n": len(look.y),
            "reason": sampled.remark if sampled.low is None else "",
        },
        inside=inside, constant=look.constant, constant_name=_naive(study), verdict=found,
        looks=look.looks,
        **values_beside(study, look),
    )  # fmt: skip
    record.fact(
        "Hold-out {metric_label}: {holdout_score:score} ({sampled}){where}.",
        metric_label=METRICS[study.metric].label, holdout_score=sampled.score,
        where=_WHERE[inside], holdout_interval=sampled.ends, method=sampled.method,
        sampled=_sampled(sampled),
    )  # fmt: skip
    record.fact("Verdict: {verdict}.{basis}", verdict=found, basis=_basis(found, look.fit.variant))
    _not_compared(study, look)


def _naive(study: "Study") -> str:
    return name_of_naive(study.metric, len(study.task.classes))


def _figure(study: "Study", look: Look, expected: dict[str, Any], inside: bool | None) -> None:
    sampled, naive = look.interval, _naive(study)
    metric = METRICS[study.metric]
    rival, which = rival_of(look)
    named = f" and the {which}, {look.beside[rival].name}" if rival in look.beside else ""
    study.recorder.figure(
        "holdout",
        "holdout",
        {
            "metric": metric.label,
            "range": expected,
            "score": sampled.score,
            "low": sampled.low,
            "high": sampled.high,
            "constant": look.constant,
            "constant_name": "best constant" if naive == CONSTANT else naive,
            "rival": look.scores.get(rival),
            "rival_name": which,
            "better": "right" if metric.greater_is_better else "left",
        },
        alt=f"The hold-out {metric.label}{'' if sampled.low is None else ' with its interval'}, "
        f"{'' if inside is None else 'on the range predicted by cross-validation, '}"
        f"beside the {naive}{named}.",
        caption="The hold-out score on the range that cross-validation had predicted."
        if inside is not None
        else f"The hold-out score{'' if sampled.low is None else ' with its interval'}.",
    )


def _keep_predictions(study: "Study", look: Look) -> None:
    if study.recorder.by_hand:
        return
    held = study.split.holdout
    actual = np.array(held.classes)[held.y] if held.classes else held.y
    study.recorder.keep_file(HOLDOUT, pack_holdout(held.rows, actual, look.predictions))


def _basis(verdict: str, variant: Variant) -> str:
    """Say what a verdict rests on; nothing where there was no test, as of a constant."""
    if verdict == "skill withdrawn":
        return " By cross-validation there was skill; the hold-out does not beat guessing."
    if verdict.startswith("no test") or variant.kind == "constant":
        return ""
    if variant.selected_from < 2:
        return " It rests on cross-validation."
    return (
        " It rests on cross-validation. Its tests are adjusted for the "
        f"{variant.selected_from} candidates that this model was chosen from."
    )


def _alarms(study: "Study", look: Look, inside: bool | None) -> list[Alarm]:
    """What a reader must know before the score; of a constant that was chosen, nothing of this."""
    if look.fit.variant.kind == "constant":
        return []
    metric, answer = METRICS[study.metric], look.answer
    spread = 0.0 if study.task.classes else float(np.ptp(study.task.y))
    alike = same_answer(answer.outputs, answer.codes, study.task.classes, spread)
    found = [Alarm(_ALIKE, {"answer": alike})] if alike else []
    found += against_constant(metric, look.interval.score, look.constant)
    folds = scores_by_seed(look.fit.variant.record, study.metric).mean(axis=0).tolist()
    number, share, loss = _heaviest(study, look)
    study.recorder.value(heaviest={"rows": number, "share": share, "of": loss})
    return [
        *found,
        *against_folds(metric, look.interval.score, folds, inside),
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
    """Return how few rows carry how much of which loss, named as it is for a single row."""
    metric = study.metric
    if METRICS[metric].takes in ("labels", "ranking"):
        metric = "log_loss"
    number, share = heaviest_rows(row_losses(metric, look.y, look.found))
    return number, share, _OF_A_ROW.get(metric, METRICS[metric].label)


_OF_A_ROW = {"r2": "squared error", "rmse": "squared error", "mae": "absolute error"}


def _not_compared(study: "Study", look: Look) -> None:
    """Say why the final model is not compared with the best simple one, where it cannot be."""
    own, simple = look.fit.variant, _simple(study, look)
    if simple is None or own.kind == "constant" or study.harness.protocol().no_test:
        return
    why = why_not_compared(own, simple.record, study.metric)
    if why:
        study.recorder.fact(
            "By cross-validation it is not compared with the best simple model, {simple}: {why}.",
            kind="note", simple=simple.name, why=why,
        )  # fmt: skip


def _simple(study: "Study", look: Look) -> Variant | None:
    """Return the best simple model that was evaluated, though no record can build it again; None
    where the final model is it."""
    simple = study.choose().strongest
    return None if simple is None or simple.is_as(look.fit.variant) else simple


def _verdict(study: "Study", look: Look) -> str:
    """One of the verdicts on the final model (see `judge_final`); where the folds allow no test,
    that they do not. It stands beside the best simple model."""
    metric, no_test = study.metric, study.harness.protocol().no_test
    own, simple = look.fit.variant, _simple(study, look)
    rival = None if simple is None else simple.record
    beaten = not against_constant(METRICS[metric], look.interval.score, look.constant)
    return no_test or judge_final(own, metric, rival, beats_constant=beaten)
