"""The other side of the comparison: `model.fit`, fed the rows in the order that is recorded."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
from case import BATCH, EPOCHS, Case

from ninefold.study.training import Job, Trained, row_orders


class InOrder(keras.utils.PyDataset):
    """The rows of a job, batch by batch, in each epoch's recorded order."""

    def __init__(self, job: Job, weighted: bool):
        super().__init__()
        rows = job.rows
        self._parts = (rows.x, rows.y, rows.weight) if weighted else (rows.x, rows.y)
        self._orders = row_orders(job.seed, len(rows))
        self._order = np.arange(len(rows))  # Keras looks at a batch to see its shape

    def __len__(self) -> int:
        return -(-len(self._order) // BATCH)

    def on_epoch_end(self) -> None:  # which Keras calls before the first epoch as well
        self._order = next(self._orders)

    def __getitem__(self, batch: int) -> tuple:
        taken = self._order[batch * BATCH : (batch + 1) * BATCH]
        return tuple(part[taken] for part in self._parts)


def fit_alone(case: Case, job: Job, folder: Path, shuffled: bool) -> tuple[Trained, np.ndarray]:
    """Return what plain Keras leaves, and what it predicts of the validation rows.

    shuffled  by Keras itself, as `engine="fit"` lets it
    """
    keras.utils.set_random_seed(job.seed)
    model, rows, held = case.build(), job.rows, job.validation
    assert held is not None
    options: dict[str, Any] = {"epochs": EPOCHS, "verbose": 0, "callbacks": case.callbacks(folder)}
    options["validation_data"] = (held.x, held.y, *([held.weight] if case.weighted else []))
    if shuffled:
        weight = rows.weight if case.weighted else None
        history = model.fit(rows.x, rows.y, sample_weight=weight, batch_size=BATCH, **options)
    else:
        history = model.fit(
            InOrder(job, case.weighted), shuffle=False, validation_batch_size=BATCH, **options
        )
    outputs = np.asarray(model(held.x, training=False))
    return Trained(history=history.history, weights=model.get_weights()), outputs
