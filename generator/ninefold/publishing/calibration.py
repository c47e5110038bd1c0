"""How good an author's forecasts were: of each, whether its winner had the best mean; of all, the
Brier score.

Brier score: the mean of (confidence − won)², 0 at best; 0.25 is what a confidence of 50 % always
gets (Brier 1950, Monthly Weather Review 78, 1–3).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ninefold.publishing.displays import forecast as forecast_of
from ninefold.records import Record


@dataclass(frozen=True)
class Scored:
    """One forecast that preceded its result.

    won    its winner had the best mean, be that told apart from the others or not
    error  its difference minus the one found; None unless both are of the same winner
    """

    confidence: float
    won: bool
    error: float | None

    @property
    def brier(self) -> float:
        return (self.confidence - self.won) ** 2


@dataclass(frozen=True)
class Calibration:
    """All forecasts of a study that preceded their results.

    stated            their mean confidence
    came_true         how many winners had the best mean
    difference_error  mean absolute error of the differences of those
    """

    count: int
    stated: float
    came_true: int
    brier: float
    difference_error: float | None


def score_forecasts(records: Mapping[str, Record]) -> dict[str, Scored]:
    """Return section → its forecast, scored; those stated after the result, of points of grids and
    without an outcome are left out. Raises NinefoldError for an outcome that is none."""
    found = {}
    for section, record in records.items():
        own = forecast_of(section, record) if "@" not in section else None
        if own is None or own.stated != "before" or not own.outcome.get("winner"):
            continue
        lead = own.outcome.get("difference")
        mean = lead.get("mean") if isinstance(lead, dict) else lead
        won = own.expected["winner"] == own.outcome["winner"]
        error = own.expected["difference"] - mean if won and mean is not None else None
        found[section] = Scored(own.expected["confidence"], won, error)
    return found


def calibrate(scored: Collection[Scored]) -> Calibration | None:
    """Return how good forecasts were together; None without any."""
    if not scored:
        return None
    count = len(scored)
    errors = [abs(each.error) for each in scored if each.error is not None]
    return Calibration(
        count=count,
        stated=sum(each.confidence for each in scored) / count,
        came_true=sum(each.won for each in scored),
        brier=sum(each.brier for each in scored) / count,
        difference_error=sum(errors) / len(errors) if errors else None,
    )
