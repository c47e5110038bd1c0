"""What section 7's record says of the final model, checked down to its leaves."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from ninefold.formats import fill
from ninefold.record_entries import Mean


class _Values(BaseModel):
    """A part of a record's values; what it does not name is not looked at."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class Holdout(_Values):
    score: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None  # rows
    reason: str = ""  # why there is no interval


class Simple(_Values):
    name: str = ""
    score: float | None = None  # on the hold-out
    expected: Mean | None = None  # by cross-validation


class Difference(_Values):
    """The final model's score minus the rival's; without `low` and `high` where none is valid.

    verdict  of the final model: "better", "worse", "undecided"; "" for none
    """

    mean: float
    low: float | None = None
    high: float | None = None
    verdict: str = ""


class Rival(_Values):
    """What the final model is compared with: the best simple model, or the best network where the
    final model is a simple one.

    score     on the hold-out
    expected  its mean by cross-validation
    folds     the difference by cross-validation, its interval adjusted for `compared` candidates
    holdout   the difference on the hold-out
    """

    name: str = ""
    kind: str = ""
    score: float | None = None
    expected: float | None = None
    folds: Difference | None = None
    holdout: Difference | None = None
    compared: int | None = None


class Alarm(_Values):
    """What a reader must know before the score: a text whose fields are filled from `values`."""

    text: str
    values: dict[str, Any] = {}

    @model_validator(mode="after")
    def _can_be_said(self) -> "Alarm":
        try:
            fill(self.text, self.values)
        except (KeyError, TypeError, ValueError):
            raise ValueError("has a field that its values cannot fill") from None
        return self

    @property
    def said(self) -> str:
        return fill(self.text, self.values)


class Alarming(_Values):
    """What a section's record says is alarming, the worst first."""

    alarms: list[Alarm] = []


class FinalValues(Alarming):
    """What the record of section 7 says of the final model.

    best            "name", "kind", and for each metric its mean by cross-validation
    best_candidate  what the one with the best mean is called, where the rule chose a simpler one
    range           in which cross-validation had predicted the score, `inside` whether it is there
    constant        the naive model's score, `constant_name` what that is
    looks           how often the hold-out was looked at
    """

    best: dict[str, str | Mean] = {}
    best_candidate: str = ""
    metric: str = ""
    metric_label: str = ""
    holdout: Holdout = Holdout()
    range: Mean | None = None
    inside: bool | None = None
    constant: float | None = None
    constant_name: str = "strongest constant"
    simple: Simple = Simple()
    rival: Rival | None = None
    verdict: str = ""
    looks: int | None = None

    @property
    def name(self) -> str:
        """Return what the final model is called."""
        return str(self.best.get("name") or "")

    @property
    def kind(self) -> str:
        """Return what kind of model it is: "network", "ensemble", "constant" …; "" if unknown."""
        return str(self.best.get("kind") or "")

    @property
    def expected(self) -> float | None:
        """Return its mean score by cross-validation."""
        found = self.best.get(self.metric)
        return found["mean"] if isinstance(found, dict) else None
