"""Section 7: whether the final model's probabilities, or numbers, are too bold or too timid."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ninefold.study.finale import Look
from ninefold.study.statistics.calibration import (
    Calibration,
    calibration_of_numbers,
    calibration_of_probabilities,
    mean_error,
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
    """Slope and intercept of what came true on what was predicted, their mean difference, and what
    these say."""
    came_true, predicted, of = _predicted(study, look)
    sampling, record = sampling_of(study.split.holdout), study.recorder
    calibrate = calibration_of_probabilities if study.task.classes else calibration_of_numbers
    found, error = (
        calibrate(came_true, predicted, sampling),
        mean_error(came_true, predicted, sampling),
    )
    said = _verdict(found, error, bool(study.task.classes))
    slope, intercept, mean = map(_as_mean, (found.slope, found.intercept, error))
    record.value(
        calibration={"slope": slope, "intercept": intercept, "error": mean, "verdict": said}
    )
    if found.slope.reason:
        record.fact(
            "No interval for the calibration {calibration_of}: {calibration_reason}.",
            calibration_of=of, calibration_reason=found.slope.reason,
        )  # fmt: skip
    else:
        record.fact(
            "Calibration {calibration_of}: slope {slope:score} ({slope_interval:interval}), "
            "intercept {intercept:score} ({intercept_interval:interval}; {calibration_method}).",
            calibration_of=of, slope=found.slope.score, slope_interval=found.slope.ends,
            intercept=found.intercept.score, intercept_interval=found.intercept.ends,
            calibration_method=found.slope.method,
        )  # fmt: skip
    if error.low is not None:
        record.fact(
            "What came true less what was predicted, on average: {mean_error:signed} "
            "({mean_error_interval:interval}; {mean_error_method}). {calibration_verdict}",
            mean_error=error.score, mean_error_interval=error.ends,
            mean_error_method=error.method, calibration_verdict=said,
        )  # fmt: skip


def _predicted(study: "Study", look: Look) -> tuple[np.ndarray, np.ndarray, str]:
    """Return what came true, what was predicted, and what that is: the last class's probability
    where there are two, else the probability of the class predicted; or the numbers predicted."""
    classes = study.task.classes
    if not classes:
        return look.y, look.found, "of the predicted numbers"
    if len(classes) == 2:
        return look.y == 1, look.found[:, 1], f"of the probability of '{classes[1]}'"
    right = look.answer.classes == look.y
    return right, look.found.max(axis=1), "of the probability of the predicted class"


def _verdict(found: Calibration, error: SampledInterval, classes: bool) -> str:
    """Say what the intervals show of the slope and of the mean; the intercept is that of the slope
    found, and says nothing alone."""
    what = "probabilities" if classes else "predictions"
    low, high = found.slope.low, found.slope.high
    said = []
    if low is not None and low > 1:
        said.append(f"The {what} are not extreme enough (slope above 1).")
    if high is not None and high < 1:
        said.append(f"The {what} are too extreme (slope below 1).")
    if error.low is not None and error.high is not None and not error.low <= 0 <= error.high:
        side = "low" if error.low > 0 else "high"
        said.append(f"The {what} are too {side} on average.")
    if not said and low is not None:
        said.append("Slope and average may be those of a calibrated model, 1 and 0.")
    return " ".join(said)


def _as_mean(part: SampledInterval) -> dict[str, Any]:
    return {"mean": part.score if np.isfinite(part.score) else None, **part.ends}
