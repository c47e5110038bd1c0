"""Section 7: whether the final model's probabilities, or numbers, are too bold or too timid."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ninefold.study.finale import Look
from ninefold.study.statistics.calibration import (
    Calibration,
    calibration_of_numbers,
    calibration_of_probabilities,
)
from ninefold.study.statistics.proportions import wilson
from ninefold.study.statistics.sampled import (
    SampledInterval,
    Sampling,
    sampling_hindrance,
    sampling_of,
)

if TYPE_CHECKING:
    from ninefold.study.notebook import Study


def calibration_figure(study: "Study", look: Look, bins: int = 5) -> None:
    """The confidence in the predicted class against how often it was right, in equal-sized bins;
    with intervals where rows are sampled alone."""
    dependent = _dependence(sampling_of(study.split.holdout))
    confidence = look.found.max(axis=1)
    right = look.answer.classes == look.y
    parts = np.array_split(np.argsort(confidence, kind="stable"), min(bins, len(look.y)))
    shown = []
    for part in parts:
        share = wilson(int(right[part].sum()), len(part))
        shown.append(
            {
                "predicted": confidence[part].mean(),
                "observed": share.score,
                "low": None if dependent else share.low,
                "high": None if dependent else share.high,
                "count": len(part),
            }
        )
    study.recorder.figure(
        "calibration",
        "calibration",
        {"bins": shown, "label": "predicted class"},
        alt="How often the predicted class was right, against the probability given to it.",
        caption="Calibration on the hold-out, in bins of equal size, "
        f"{f'without intervals: {dependent}' if dependent else 'with Wilson intervals'}.",
    )


def _dependence(sampling: Sampling) -> str:
    """Return why Wilson's interval, which takes rows for independent, does not hold; "" if it
    does."""
    if sampling.ordered:
        return sampling_hindrance(sampling)
    return "" if sampling.groups is None else "rows of one group depend on one another"


def calibration_line(study: "Study", look: Look) -> None:
    """Slope and intercept of what came true on what was predicted, and what they say."""
    found, of = _calibration(study, look)
    said = _verdict(found, bool(study.task.classes))
    slope, intercept = (_as_mean(part) for part in (found.slope, found.intercept))
    study.recorder.value(calibration={"slope": slope, "intercept": intercept, "verdict": said})
    if found.slope.reason:
        study.recorder.fact(
            "No interval for the calibration {calibration_of}: {calibration_reason}.",
            calibration_of=of, calibration_reason=found.slope.reason,
        )  # fmt: skip
        return
    study.recorder.fact(
        "Calibration {calibration_of}: slope {slope:score} ({slope_interval:interval}), intercept "
        "{intercept:score} ({intercept_interval:interval}; {calibration_method}). "
        "{calibration_verdict}",
        calibration_of=of, slope=found.slope.score, slope_interval=found.slope.ends,
        intercept=found.intercept.score, intercept_interval=found.intercept.ends,
        calibration_method=found.slope.method, calibration_verdict=said,
    )  # fmt: skip


def _calibration(study: "Study", look: Look) -> tuple[Calibration, str]:
    """Return it, and of what it is: of the last class's probability where there are two, else of
    the probability of the class predicted; or of the numbers predicted."""
    sampling, classes = sampling_of(study.split.holdout), study.task.classes
    if not classes:
        return calibration_of_numbers(look.y, look.found, sampling), "of the predicted numbers"
    if len(classes) == 2:
        found = calibration_of_probabilities(look.y == 1, look.found[:, 1], sampling)
        return found, f"of the probability of '{classes[1]}'"
    right = look.answer.classes == look.y
    found = calibration_of_probabilities(right, look.found.max(axis=1), sampling)
    return found, "of the probability of the predicted class"


def _verdict(found: Calibration, classes: bool) -> str:
    """Say in one sentence what the intervals show."""
    low, high = found.slope.low, found.slope.high
    what = "probabilities" if classes else "predictions"
    if low is None or high is None:
        return ""
    if high < 1:
        return f"The {what} are too extreme (slope below 1)."
    if low > 1:
        return f"The {what} are not extreme enough (slope above 1)."
    intercept = found.intercept
    if intercept.low is not None and intercept.low > 0:
        return "The slope may be 1, but the intercept is above 0."
    if intercept.high is not None and intercept.high < 0:
        return "The slope may be 1, but the intercept is below 0."
    return "Both intervals hold the values of a calibrated model, 1 and 0."


def _as_mean(part: SampledInterval) -> dict[str, Any]:
    return {"mean": part.score if np.isfinite(part.score) else None, **part.ends}
