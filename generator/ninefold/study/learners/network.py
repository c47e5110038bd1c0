"""A Keras network as a learner."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ninefold.errors import NinefoldError, naming
from ninefold.quiet import load_tensorflow
from ninefold.study.learners.fitted import Answer, Fitted, Part
from ninefold.study.learners.prepared import MOST_BYTES, Prepared, Shared, as_input
from ninefold.study.metrics import Takes
from ninefold.study.preparation import are_tokens, make_preparation
from ninefold.study.task import Task
from ninefold.study.training import (
    Job,
    Recipe,
    Rows,
    Trained,
    Trainer,
    must_have_outputs,
    single_loss,
    takes_tokens,
)


class Network:
    """A Keras network, trained from fresh weights for each fold."""

    def __init__(self, build: Callable, task: Task, prepare: Any, recipe: Recipe, shared: Shared):
        load_tensorflow()
        self._build, self._task, self._recipe, self._shared = build, task, recipe, shared
        self._trainers: dict[tuple, Trainer] = {}
        self._may_scale = not task.classes and prepare is not None
        self.gives: frozenset[Takes] = frozenset({"numbers"})
        if task.classes:
            self.gives = frozenset({"labels", "ranking", "probabilities"})
        tokens = isinstance(prepare, str) and are_tokens(task.X) and self._reads_tokens()
        self._prepare = make_preparation(None if tokens else prepare, task.X)

    @property
    def name(self) -> str:
        return str(getattr(self.trainer.model, "name", "the network"))

    @property
    def engine(self) -> str:
        return self.trainer.choice.engine

    @property
    def engine_reason(self) -> str:
        return self.trainer.choice.reason

    @property
    def parameters(self) -> int:
        return self.trainer.model.count_params()

    def fit(self, train: np.ndarray, validation: np.ndarray, seed: int) -> Fitted:
        """Train on the rows `train`; `validation` gives the curves and feeds callbacks."""
        return self.fit_part(Part(train, validation, seed))

    def fit_part(self, part: Part) -> Fitted:
        prepared = self.prepare([part])
        return next(self.wrap(self.trainer.train(self.jobs([part], prepared)), [part], prepared))

    def fit_each(self, parts: Sequence[Part]) -> Iterator[Fitted]:
        """Train on one part after another, each of a width of its own."""
        return map(self.fit_part, parts)

    def prepare(self, parts: Sequence[Part]) -> list[Prepared]:
        """Fit the preparation on each part, and make the trainer of the width that they have."""
        prepared = []
        for part in parts:
            with naming(part.name):
                prepared.append(self._prepared(part))
                self.trainer = self._trainer(prepared[-1].inputs(part.train).shape[1:])
        return prepared

    def jobs(self, parts: Sequence[Part], prepared: Sequence[Prepared]) -> list[Job]:
        """Return the parts as the trainer takes them."""
        jobs = []
        for part, inputs in zip(parts, prepared, strict=True):
            with naming(part.name):
                held = self._rows(part.validation, part, inputs) if len(part.validation) else None
                rows = self._rows(part.train, part, inputs)
                if self._task.class_weight is not None:
                    weight = self._task.weights(part.train).astype("float32")
                    rows = replace(rows, weight=weight, seen_as=rows.weight)
                jobs.append(Job(rows, held, part.seed, part.name))
        return jobs

    def _rows(self, numbers: np.ndarray, part: Part, prepared: Prepared) -> Rows:
        """Return rows as they are looked at, without weights of classes."""
        task, target = self._task, self._target(part)
        x, y = prepared.inputs(numbers), task.y[numbers]
        y = y if target is None else target.transform(y[:, None])[:, 0]
        y = self.trainer.shape_targets(y, task.outputs, x)
        return Rows(x, y, task.weight[numbers].astype("float32"))

    def wrap(
        self, trained: Iterator[Trained], parts: Sequence[Part], prepared: Sequence[Prepared]
    ) -> Iterator[Fitted]:
        """Return what was trained as models that predict on raw rows."""
        for part, inputs, found in zip(parts, prepared, trained, strict=True):
            yield self._wrap(found, part, inputs)

    def _wrap(self, trained: Trained, part: Part, prepared: Prepared) -> Fitted:
        trainer, target, classes = self.trainer, self._target(part), len(self._task.classes)

        def predict(x: np.ndarray) -> Answer:
            outputs = trainer.predict(trained, x)
            logits = getattr(single_loss(trainer.model), "from_logits", False)
            return Answer(network_prediction(outputs, logits, classes, target))

        return Fitted(
            predict=lambda raw: predict(as_input(prepared.preparation, raw)),
            predict_numbers=lambda numbers: predict(prepared.inputs(numbers)),
            seconds=trained.seconds,
            preparation=prepared.preparation,
            load=lambda: trainer.load(trained),
            separate=lambda: trainer.separate(trained),
            target=target,
            trained=trained,
        )

    def _target(self, part: Part) -> Any:
        """Return what brings the target to the network's units and back, fitted on the rows that
        it trains on; None: these are the target's own."""
        from sklearn.base import clone
        from sklearn.preprocessing import StandardScaler

        scale = self._recipe.scale_target
        if isinstance(scale, str):  # "auto"
            scale = self._may_scale and self.trainer.scales_target
        if self._task.classes or scale is False:
            return None
        scaler = StandardScaler() if scale is True else clone(scale)
        return scaler.fit(self._task.y[part.train][:, None])

    def _reads_tokens(self) -> bool:
        """Tell whether the model looks the rows up in an embedding: they go in as they are."""
        inputs = self._task.X.shape[1]
        return takes_tokens(told(self._build, inputs=inputs, outputs=self._task.outputs)())

    def _prepared(self, part: Part) -> Prepared:
        kept, key = self._shared.prepared, (self._prepare is None, part.train.tobytes())
        if key not in kept:
            if sum(one.bytes for one in kept.values()) > MOST_BYTES:
                kept.clear()
            kept[key] = Prepared(self._prepare, self._task, part.train)
        return kept[key]

    def _trainer(self, shape: tuple[int, ...]) -> Trainer:
        if shape not in self._trainers:
            inputs = shape[0] if len(shape) == 1 else shape
            build = told(self._build, inputs=inputs, outputs=self._task.outputs)
            self._trainers[shape] = Trainer(build, self._recipe, self._shared.traces)
        return self._trainers[shape]


def told(build: Callable, **known: Any) -> Callable[[], Any]:
    """Bind those of `inputs`, `outputs` that the function asks for and has not been given."""
    given = build.keywords if isinstance(build, partial) else {}
    asked = set(inspect.signature(build).parameters) - set(given)
    return partial(build, **{name: value for name, value in known.items() if name in asked})


def network_prediction(outputs: np.ndarray, logits: bool, classes: int, target: Any) -> np.ndarray:
    """Turn a network's outputs into probabilities (n, classes), or numbers (n, 1) in the target's
    units; NaN throughout where it diverged. Raises NinefoldError where they cannot be."""
    outputs = np.asarray(outputs, dtype=float)
    outputs = outputs.reshape(len(outputs), -1)
    must_have_outputs(outputs.shape[1], classes or 1)
    if not np.isfinite(outputs).all():
        return np.full((len(outputs), classes or 1), np.nan)
    if not classes:
        return outputs if target is None else target.inverse_transform(outputs)
    outputs = _from_logits(outputs) if logits else outputs
    if outputs.min() < -1e-6 or outputs.max() > 1 + 1e-6:
        raise NinefoldError(
            "the network's outputs are not probabilities",
            "expected values from 0 to 1",
            "end it in a softmax or sigmoid, or compile a loss with from_logits=True",
        )
    if outputs.shape[1] == 1:
        return np.hstack([1 - outputs, outputs])
    return outputs / np.maximum(outputs.sum(axis=1, keepdims=True), 1e-12)


def _from_logits(outputs: np.ndarray) -> np.ndarray:
    from scipy.special import expit, softmax

    return expit(outputs) if outputs.shape[1] == 1 else softmax(outputs, axis=1)
