"""Under what evaluations are made: two can be compared only where it is the same."""

from dataclasses import dataclass

import numpy as np

from ninefold.errors import NinefoldError
from ninefold.study.metrics import METRICS, Metric
from ninefold.study.task import problem_of

PLACE = ["repeat", "fold", "row"]  # columns of the predictions, beside the outputs
PREDICTED = "predicted"  # the column of predicted classes


@dataclass(frozen=True, eq=False)
class Protocol:
    """Under what an evaluation was made; two can be compared only where it is the same.

    y        (n,) class codes or numbers, as they were scored
    classes  the labels in the order of their codes; empty for a regression
    n_train  mean rows of an outer training fold; n_test, of a test fold
    own      those of the metrics that are the user's own
    groups   (n,) ids of rows that are not independent; None: all are

    Raises NinefoldError for a class whose name is a column of `Evaluation.predictions`.
    """

    y: np.ndarray
    classes: tuple[str, ...]
    folds: int
    repeats: int
    n_train: int
    n_test: int
    metrics: tuple[str, ...]
    metric: str  # the one that decides
    splits: str  # a digest of all the splits
    ordered: bool = False  # each fold is tested on rows that follow all it was trained on
    own: tuple[Metric, ...] = ()
    groups: np.ndarray | None = None

    def __post_init__(self) -> None:
        columns = (*PLACE, PREDICTED)
        taken = [name for name in self.classes if name in columns]
        if taken:
            raise NinefoldError(
                f"a class is named '{taken[0]}'",
                f"{', '.join(columns)} are columns of the predictions, beside one for each class",
                "give the class another name",
            )

    def find(self, metric: str) -> Metric:
        """Return the metric of that name: the user's own, or ninefold's."""
        return next((own for own in self.own if own.name == metric), None) or METRICS[metric]

    @property
    def no_test(self) -> str:
        """Return why no interval and no test is valid for these folds, which are no random draws
        of several rows; "" where they are (see `statistics`)."""
        if self.ordered:
            return "no test: folds ordered in time"
        return "no test: folds of a single row" if self.n_test < 2 else ""

    @property
    def problem(self) -> str:
        return problem_of(self.classes)
