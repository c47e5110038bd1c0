"""How the final model stands: beside guessing, and beside its rival."""

from typing import Any

from ninefold.errors import NinefoldError
from ninefold.record_entries import EvaluationEntry
from ninefold.study.metrics import METRICS
from ninefold.study.recorded import against, against_naive
from ninefold.study.statistics.folds import Comparison, varies_or_is_sure, verdict
from ninefold.study.statistics.selection import of_the_best
from ninefold.study.variants import Variant


def judge_final(
    variant: Variant, metric: str, simple: EvaluationEntry | None, *, beats_constant: bool
) -> str:
    """Return the verdict on the final model by cross-validation, adjusted for the candidates that
    it was chosen from: "no evidence of skill", "skill" or "beats the best simple model"; "skill
    withdrawn" where there is skill and the hold-out does not beat the constant.

    simple  the best simple model, as recorded; None where the final model is it. Where the two
            cannot be compared (see `why_not_compared`) it is not beaten
    """
    if variant.kind == "constant":
        return "no evidence of skill"
    skill = of_the_best(
        against_naive(variant.record, metric, variant.section), variant.selected_from
    )
    beside = None
    if simple is not None and not why_not_compared(variant, simple, metric):
        beside = _from_rival(variant, simple, metric)
    found = verdict(skill, beside, greater_is_better=METRICS[metric].greater_is_better)
    return found if beats_constant or found == "no evidence of skill" else "skill withdrawn"


def differ_by_folds(
    variant: Variant, rival: EvaluationEntry, metric: str, no_test: str
) -> dict[str, Any] | None:
    """Return the final model's difference from its rival by cross-validation, adjusted for the
    candidates that it was chosen from: mean, low, high and verdict, "better", "worse" or
    "undecided". None where the two cannot be compared (see `why_not_compared`); no interval where
    no test is valid."""
    if no_test:
        a, b = (record["summary"][metric]["mean"] for record in (variant.record, rival))
        return None if a is None or b is None else {"mean": a - b, "verdict": ""}
    if why_not_compared(variant, rival, metric):
        return None
    compared = _from_rival(variant, rival, metric)
    found, verdict = compared.difference, "undecided"
    if not found.low <= 0 <= found.high and varies_or_is_sure(compared):
        better = (found.low > 0) == METRICS[metric].greater_is_better
        verdict = "better" if better else "worse"
    return {"mean": found.mean, "low": found.low, "high": found.high, "verdict": verdict}


def why_not_compared(variant: Variant, rival: EvaluationEntry, metric: str) -> str:
    """Return why cross-validation cannot tell a model from its rival: they were not judged on the
    same folds, or are both defined in fewer than two; "" if it can."""
    try:
        _from_rival(variant, rival, metric)
    except NinefoldError as error:
        return str(error)
    return ""


def _from_rival(variant: Variant, rival: EvaluationEntry, metric: str) -> Comparison:
    return of_the_best(against(variant.record, rival, metric), variant.selected_from)
