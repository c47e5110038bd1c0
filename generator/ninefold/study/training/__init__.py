"""Training of networks: the same numbers as `model.fit`, at the speed of compiled code.

One narrow door, `Trainer`: it is given jobs (rows, a seed) and leaves what was trained. Which way
is taken, all folds as one batch of networks or one at a time, `choice` says and the record keeps.
"""

from ninefold.study.training.callbacks import naming
from ninefold.study.training.jobs import ENGINES, Job, Recipe, Rows, Trained, row_orders
from ninefold.study.training.trainer import Traces, Trainer, train_together

__all__ = [
    "ENGINES",
    "Job",
    "Recipe",
    "Rows",
    "Traces",
    "Trained",
    "Trainer",
    "naming",
    "row_orders",
    "train_together",
]
