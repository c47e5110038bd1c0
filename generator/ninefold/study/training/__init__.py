"""Training of networks: the same numbers as `model.fit`, at the speed of compiled code.

One narrow door, `Trainer`: it is given jobs (rows, a seed) and leaves what was trained. Which way
is taken, all folds as one batch of networks or one at a time, `choice` says and the record keeps.
"""

from ninefold.study.training.callbacks import refusing_memory
from ninefold.study.training.ends import has_inputs, lookups_of, padding_of, takes_tokens
from ninefold.study.training.forms import PLAIN, Form
from ninefold.study.training.fresh import is_keras, losses_of, single_loss
from ninefold.study.training.jobs import ENGINES, Job, Recipe, Rows, Trained, row_orders
from ninefold.study.training.progress import Progress
from ninefold.study.training.randomness import caller_s_randomness
from ninefold.study.training.targets import (
    kind_of_problem,
    must_have_outputs,
    takes_logits,
)
from ninefold.study.training.trainer import Traces, Trainer, train_together

__all__ = [
    "ENGINES",
    "PLAIN",
    "Form",
    "Job",
    "Progress",
    "Recipe",
    "Rows",
    "Traces",
    "Trained",
    "Trainer",
    "caller_s_randomness",
    "has_inputs",
    "is_keras",
    "kind_of_problem",
    "lookups_of",
    "losses_of",
    "must_have_outputs",
    "padding_of",
    "refusing_memory",
    "row_orders",
    "single_loss",
    "takes_logits",
    "takes_tokens",
    "train_together",
]
