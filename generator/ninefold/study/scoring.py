"""From out-of-fold predictions to the scores of folds; a diverged fold is scored as naive."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from ninefold.errors import naming
from ninefold.study.baselines import constant_prediction, score_naive
from ninefold.study.learners import Answer
from ninefold.study.metrics import Metric, score
from ninefold.study.protocol import PLACE, PREDICTED, Protocol
from ninefold.study.splits import Fold, place_name

Places = Sequence[tuple[int, int]]  # (repeat, fold) of some folds


def prediction_frame(
    splits: Sequence[Fold], answers: Sequence[Answer], classes: tuple[str, ...]
) -> pd.DataFrame:
    """Return the predictions of all test rows: numbers; or the predicted class, and one column of
    probability for each class if there are probabilities."""
    sizes = [len(fold.test) for fold in splits]
    outputs = [answer.outputs for answer in answers if answer.outputs is not None]
    columns = list(classes) or ["prediction"]
    frame = pd.DataFrame(np.concatenate(outputs), columns=columns) if outputs else pd.DataFrame()
    if classes:
        codes = np.concatenate([answer.classes for answer in answers])
        frame.insert(0, PREDICTED, np.array(classes)[codes])
    frame.insert(0, "row", np.concatenate([fold.test for fold in splits]))
    frame.insert(0, "fold", np.repeat([fold.fold for fold in splits], sizes))
    frame.insert(0, "repeat", np.repeat([fold.repeat for fold in splits], sizes))
    return frame


def score_folds(
    predictions: pd.DataFrame,
    protocol: Protocol,
    naive: Places = (),
    ranking: np.ndarray | None = None,
) -> pd.DataFrame:
    """Return one row of scores per fold from the out-of-fold predictions; for the folds `naive`,
    those of the naive model of each metric, the strongest constant or a random ranking.

    ranking  (rows, K) by which a model ranks the rows; None: by its probabilities

    Raises NinefoldError, naming the fold, where an own metric cannot be computed.
    """
    metrics = [protocol.find(name) for name in protocol.metrics]
    answer = answer_of(predictions, protocol.classes, ranking)
    taken = cache(lambda kind: answer.taken(kind, len(protocol.classes)))
    tested = predictions["row"].to_numpy()
    places, fold_of = np.unique(
        predictions[["repeat", "fold"]].to_numpy(), axis=0, return_inverse=True
    )
    rows = []
    for number, (repeat, fold) in enumerate(places.tolist()):
        here = np.flatnonzero(fold_of == number)
        test = tested[here]
        row: dict[str, float] = {"repeat": repeat, "fold": fold}
        with naming(place_name(repeat, fold)):
            for metric in metrics:
                truth, classes = protocol.y[test], len(protocol.classes)
                if (repeat, fold) in naive:
                    others = _rows_outside(protocol, test)
                    row[metric.name] = score_naive(metric, others, truth, classes)
                else:
                    found = taken(metric.takes)[here]
                    row[metric.name] = score(metric, truth, found, n_classes=classes)
        rows.append(row)
    return pd.DataFrame(rows)


def answer_of(
    predictions: pd.DataFrame, classes: tuple[str, ...], ranking: np.ndarray | None = None
) -> Answer:
    """Return the predictions of all rows as a model's answer."""
    columns = outputs_of(predictions)
    outputs = predictions[columns].to_numpy() if columns else None
    codes = pd.Index(classes).get_indexer(pd.Index(predictions[PREDICTED])) if classes else None
    return Answer(outputs, codes, ranking)


def put_naive(predictions: pd.DataFrame, protocol: Protocol, naive: Places) -> pd.DataFrame:
    """Return the predictions, those of the folds `naive` replaced by the strongest constant for
    the metric that decides."""
    if not naive:
        return predictions
    replaced, outputs, metric = predictions.copy(), outputs_of(predictions), protocol.metric
    rows, places = predictions["row"].to_numpy(), predictions[["repeat", "fold"]].to_numpy()
    values, codes = predictions[outputs].to_numpy(float, copy=True), np.zeros(len(rows), dtype=int)
    known, instead = protocol.find(metric), np.zeros(len(rows), dtype=bool)
    for place in naive:
        here = (places == place).all(axis=1)
        found = naive_prediction(protocol, known, rows[here]).reshape(int(here.sum()), -1)
        codes[here] = found.argmax(axis=1)
        instead |= here
        if outputs:
            values[here] = found
    replaced[outputs] = values
    if protocol.classes:
        replaced.loc[instead, PREDICTED] = np.array(protocol.classes)[codes[instead]]
    return replaced


def naive_prediction(protocol: Protocol, metric: Metric, test: Any) -> np.ndarray:
    """The strongest constant for a metric."""
    others = _rows_outside(protocol, test)
    return constant_prediction(metric, others, len(test), len(protocol.classes))


def _rows_outside(protocol: Protocol, test: Any) -> np.ndarray:
    """The targets of all rows outside the test fold, or before it: what a constant is fitted on."""
    return protocol.y[: min(test)] if protocol.ordered else np.delete(protocol.y, test)


def outputs_of(predictions: pd.DataFrame) -> list[str]:
    """Return the columns that hold numbers or probabilities."""
    return [str(name) for name in predictions if name not in (*PLACE, PREDICTED)]
