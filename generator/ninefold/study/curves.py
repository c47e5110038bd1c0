"""Learning curves and histories of all folds as one table."""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def curve_frame(
    places: Sequence[tuple[int, int]], curves: Sequence[tuple[dict, dict]]
) -> pd.DataFrame:
    """Return curves, long, one row for each (repeat, fold), metric and epoch; NaN for what was
    not computed."""
    rows = [
        (*place, epoch, metric, value, other)
        for place, (train, held) in zip(places, curves, strict=True)
        for metric, values in train.items()
        for epoch, (value, other) in enumerate(
            zip(values, held.get(metric) or [np.nan] * len(values), strict=True), start=1
        )
    ]
    return pd.DataFrame(rows, columns=["repeat", "fold", "epoch", "metric", "train", "validation"])


def divide_history(history: dict[str, list[float]]) -> tuple[dict, dict]:
    """Divide what `model.fit` calls history into that of training rows and of validation rows."""
    held = {name.removeprefix("val_"): v for name, v in history.items() if name.startswith("val_")}
    return {name: v for name, v in history.items() if not name.startswith("val_")}, held
