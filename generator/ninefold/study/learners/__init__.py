"""Two kinds of model behind one face: a network that is trained, an estimator that is fitted.

A learner takes row numbers and returns a `Fitted`, which predicts on raw rows: preparation,
model and the way back to probabilities or the target's units, as one.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ninefold.errors import NinefoldError
from ninefold.study.learners.asking import asked_problem
from ninefold.study.learners.estimator import Estimator, is_estimator
from ninefold.study.learners.fitted import Answer, Fitted, FoldModel, Part
from ninefold.study.learners.joint import JointNetwork, make_joint
from ninefold.study.learners.network import Network, network_prediction, told
from ninefold.study.learners.prepared import Shared, have_one_width
from ninefold.study.task import Task
from ninefold.study.training import Recipe, is_keras, train_together

__all__ = [
    "Answer",
    "Fitted",
    "FoldModel",
    "JointNetwork",
    "Network",
    "Part",
    "Shared",
    "asked_problem",
    "fit_together",
    "make_joint",
    "make_learner",
    "network_prediction",
]


def make_learner(
    build: Any, task: Task, prepare: Any, recipe: Recipe, shared: Shared | None = None
) -> "Network | Estimator":
    """Return the learner for what `build` is or returns."""
    if is_keras(build) and not is_estimator(build):
        raise NinefoldError(
            f"the model is a {type(build).__name__} of Keras",
            "expected a function that returns a new one each time, compiled",
            "put what makes it into a function, and give that",
        )
    if is_estimator(build):
        return Estimator(lambda: build, task, prepare)
    if not callable(build):
        raise NinefoldError(
            f"the model is a {type(build).__name__}",
            "expected a function that returns a compiled Keras model, or a scikit-learn estimator",
        )
    if _returns_estimator(build, task):
        return Estimator(told(build, outputs=task.outputs), task, prepare)
    return Network(build, task, prepare, recipe, shared or Shared())


def fit_together(
    learners: Sequence["Network | Estimator"], parts: Sequence[Part]
) -> list[Iterator[Fitted]]:
    """Fit every learner on every part, an estimator on those of the first seed alone. Networks that
    share a trace are trained as one batch for each seed.

    Returns for each learner an iterator of what was fitted, in the order of the parts.
    """
    networks = [learner for learner in learners if isinstance(learner, Network)]
    prepared = {id(network): network.prepare(parts) for network in networks}
    together = [n for n in networks if have_one_width(prepared[id(n)], parts)]
    jobs = [network.jobs(parts, prepared[id(network)]) for network in together]
    trained = dict(
        zip(
            map(id, together),
            train_together([network.trainer for network in together], jobs),
            strict=True,
        )
    )
    return [
        learner.wrap(trained[id(learner)], parts, prepared[id(learner)])
        if isinstance(learner, Network) and id(learner) in trained
        else learner.fit_each([p for p in parts if not p.replicate or learner in networks])
        for learner in learners
    ]


def _returns_estimator(build: Callable, task: Task) -> bool:
    """A function that needs no `inputs` may return an estimator; only calling it tells."""
    if "inputs" in inspect.signature(build).parameters:
        return False
    return is_estimator(told(build, outputs=task.outputs)())
