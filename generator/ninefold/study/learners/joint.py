"""A Keras network of several outputs as a learner: trained once, it answers for each of them."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ninefold.errors import NinefoldError
from ninefold.study.learners.fitted import Fitted, Part
from ninefold.study.learners.network import Network, fit_target, given_for, in_units
from ninefold.study.learners.prepared import Prepared, Shared, have_one_width
from ninefold.study.task import Task
from ninefold.study.training import Recipe, Rows, Trained, losses_of


class JointNetwork(Network):
    """A network of several outputs.

    tasks  output → its task, all of the same rows
    """

    def __init__(
        self,
        build: Callable,
        tasks: Mapping[str, Task],
        prepare: Any,
        recipe: Recipe,
        shared: Shared,
    ):
        self._tasks = tasks
        super().__init__(build, next(iter(tasks.values())), prepare, recipe, shared)

    def fit_outputs(self, parts: Sequence[Part]) -> dict[str, list[Fitted]]:
        """Train on one part after another. Returns output → what answers for it, by part."""
        found: dict[str, list[Fitted]] = {output: [] for output in self._tasks}
        together = have_one_width(self.prepare(parts), parts)
        for some in [parts] if together else [[part] for part in parts]:
            prepared = self.prepare(some)
            trained = self.trainer.train(self.jobs(some, prepared))
            for part, inputs, network in zip(some, prepared, trained, strict=True):
                for output in found:
                    found[output].append(self._answering(output, network, part, inputs))
        return found

    def of(self, output: str) -> "JointNetwork":
        """Return the network as far as one of its outputs goes."""
        view = copy.copy(self)
        view.gives = given_for(self._tasks[output])
        return view

    @property
    def _outputs(self) -> dict[str, int]:
        return {output: task.outputs for output, task in self._tasks.items()}

    def _rows(self, numbers: np.ndarray, part: Part, prepared: Prepared) -> Rows:
        x, weight = prepared.inputs(numbers), self._task.weight[numbers].astype("float32")
        y = {
            output: in_units(task.y[numbers], self._scaler(output, part))
            for output, task in self._tasks.items()
        }
        targets, form = self.trainer.shape_several(y, self._outputs, x, prepared.form)
        return Rows(x, targets, weight, form=form)

    def _scaler(self, output: str, part: Part) -> Any:
        """Return the scaler of an output's target; it stays as it is if nobody says otherwise."""
        scale = self._recipe.scale_target
        return fit_target(False if isinstance(scale, str) else scale, self._tasks[output], part)

    def _answering(self, output: str, trained: Trained, part: Part, prepared: Prepared) -> Fitted:
        outputs = self.trainer.outputs
        loss = losses_of(self.trainer.model, outputs)[output]
        task, target = self._tasks[output], self._scaler(output, part)
        return self._fitted(trained, prepared, task, target, outputs.index(output), loss)


def make_joint(
    build: Any, tasks: Mapping[str, Task], prepare: Any, recipe: Recipe, shared: Shared
) -> JointNetwork:
    """Return the learner of several outputs that `build` makes. Raises NinefoldError for what is
    no function."""
    if not callable(build) or hasattr(build, "fit"):
        raise NinefoldError(
            f"the model is a {type(build).__name__}",
            "y has several outputs: expected a function that returns a compiled Keras model",
        )
    return JointNetwork(build, tasks, prepare, recipe, shared)
