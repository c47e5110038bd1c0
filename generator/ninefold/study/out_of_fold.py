"""What out-of-fold predictions tell of a classifier's errors: confusion, F1 and calibration.

Under repeats each row is predicted once in each, every time by another model. Counts are therefore
divided by the repeats. Probabilities of one row are never averaged over them: that would be an
ensemble, which is not the model that is judged.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ninefold.study.formulas import confusion_counts, f1_of_counts


@dataclass(frozen=True, eq=False)
class Calibration:
    """How far probabilities can be taken at their word.

    bins   one row per bin, from the least probable: predicted (the mean probability), observed
           (the share of rows where it came true), count (of rows, per repeat)
    error  the expected calibration error: the mean of |observed − predicted| over the rows
           (Naeini, Cooper & Hauskrecht 2015, *AAAI*). It is never 0 by chance alone, and larger
           for fewer rows in a bin
    """

    bins: pd.DataFrame
    error: float


def confusion(y: np.ndarray, found: np.ndarray, repeats: int) -> np.ndarray:
    """Return the mean counts of a repeat, (K, K): a row for each actual class, a column for each
    predicted one; where each row is tested once a repeat they sum to the rows.

    y      (n × repeats,) class codes
    found  (n × repeats, K) probabilities
    """
    return confusion_counts(y, found.argmax(axis=1), found.shape[1]) / repeats


def pooled_f1(y: np.ndarray, found: np.ndarray, repeat: np.ndarray) -> np.ndarray:
    """Return F1 from the counts of each repeat, pooled over its folds, (repeats,): a mean over
    folds is biased where a fold holds few rows of a class (Forman & Scholz 2010, *SIGKDD
    Explorations* 12).

    y, found as for `confusion`; repeat  (n × repeats,) the number of the repeat
    """
    each = [repeat == number for number in np.unique(repeat)]
    return np.array([f1_of_counts(confusion(y[here], found[here], 1)) for here in each])


def calibration(y: np.ndarray, found: np.ndarray, repeats: int, bins: int = 10) -> Calibration:
    """Return the calibration of all predictions in bins of equally many, equal ones never parted.

    Of two classes it is that of code 1's probability; of more, of the likeliest class's (Guo,
    Pleiss, Sun & Weinberger 2017, *ICML*, section 2).

    y, found  as for `confusion`
    """
    told, came_true = found.max(axis=1), found.argmax(axis=1) == y
    if found.shape[1] == 2:
        told, came_true = found[:, 1], y == 1
    edges = np.quantile(told, np.linspace(0, 1, bins + 1)[1:-1])
    numbers = np.searchsorted(edges, told)
    rows = pd.DataFrame({"predicted": told, "observed": came_true.astype(float)})
    grouped = rows.groupby(numbers)
    table = grouped.mean().assign(count=grouped.size() / repeats).reset_index(drop=True)
    gaps = (table["observed"] - table["predicted"]).abs()
    return Calibration(table, float(np.average(gaps, weights=table["count"])))
