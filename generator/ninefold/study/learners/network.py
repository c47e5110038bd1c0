"""A Keras network as a learner."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ninefold.errors import NinefoldError, naming
from ninefold.quiet import load_tensorflow
from ninefold.study.learners.fitted import Answer, Fitted, Part
from ninefold.study.learners.prepared import MOST_BYTES, Prepared, Shared, as_input, width_of
from ninefold.study.metrics import Takes
from ninefold.study.preparation import are_tokens, make_preparation, of_inputs
from ninefold.study.task import Task
from ninefold.study.training import (
    Form,
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
        self.gives = given_for(task)
        self._prepare = make_preparation(self._without_tokens(prepare), task.X)

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
                x = prepared[-1].inputs(part.train)
                self.trainer = self._trainer(x, prepared[-1].form)
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
        task, x = self._task, prepared.inputs(numbers)
        y = self.trainer.shape_targets(
            in_units(task.y[numbers], self._target(part)), task.outputs, x, prepared.form
        )
        return Rows(x, y, task.weight[numbers].astype("float32"), form=prepared.form)

    def wrap(
        self, trained: Iterator[Trained], parts: Sequence[Part], prepared: Sequence[Prepared]
    ) -> Iterator[Fitted]:
        """Return what was trained as models that predict on raw rows."""
        for part, inputs, found in zip(parts, prepared, trained, strict=True):
            yield self._wrap(found, part, inputs)

    def _wrap(self, trained: Trained, part: Part, prepared: Prepared) -> Fitted:
        loss = single_loss(self.trainer.model)
        return self._fitted(trained, prepared, self._task, self._target(part), 0, loss)

    def _fitted(
        self, trained: Trained, prepared: Prepared, task: Task, target: Any, place: int, loss: Any
    ) -> Fitted:
        """Return what answers a task by the output at a place, compiled with a loss."""
        trainer, logits = self.trainer, getattr(loss, "from_logits", False)

        def predict(x: np.ndarray) -> Answer:
            outputs = trainer.predict(trained, x)[place]
            return Answer(network_prediction(outputs, logits, len(task.classes), target))

        return Fitted(
            predict=lambda raw: predict(as_input(prepared.preparation, raw)[0]),
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
        scale = self._recipe.scale_target
        if isinstance(scale, str):  # "auto"
            scale = self._may_scale and self.trainer.scales_target
        return fit_target(scale, self._task, part)

    def _without_tokens(self, prepare: Any) -> Any:
        """Return `prepare`, but for rows that the model looks up in an embedding: None, they go in
        as they are."""
        X = self._task.X
        if not isinstance(X, Mapping):
            asked = isinstance(prepare, str) and are_tokens(X)
            return None if asked and takes_tokens(self._made(X.shape[1])) else prepare
        its = of_inputs(prepare, X)
        tokens = [n for n, how in its.items() if isinstance(how, str) and are_tokens(X[n])]
        if not tokens:
            return prepare
        shapes = tuple((name, np.shape(part)[1:]) for name, part in X.items())
        model = self._made(width_of(np.empty(0), Form(shapes)))
        return its | {name: None for name in tokens if takes_tokens(model, name)}

    def _made(self, inputs: Any) -> Any:
        return told(self._build, inputs=inputs, outputs=self._outputs)()

    @property
    def _outputs(self) -> Any:
        """Return what a model function is told as `outputs`."""
        return self._task.outputs

    def _prepared(self, part: Part) -> Prepared:
        kept, key = self._shared.prepared, (self._prepare is None, part.train.tobytes())
        if key not in kept:
            if sum(one.bytes for one in kept.values()) > MOST_BYTES:
                kept.clear()
            kept[key] = Prepared(self._prepare, self._task, part.train)
        return kept[key]

    def _trainer(self, x: np.ndarray, form: Form) -> Trainer:
        shape = (x.shape[1:], form)
        if shape not in self._trainers:
            build = told(self._build, inputs=width_of(x, form), outputs=self._outputs)
            self._trainers[shape] = Trainer(build, self._recipe, self._shared.traces)
        return self._trainers[shape]


def given_for(task: Task) -> frozenset[Takes]:
    """Return the kinds of metrics that a network's answers allow."""
    if task.classes:
        return frozenset({"labels", "ranking", "probabilities"})
    return frozenset({"numbers"})


def fit_target(scale: Any, task: Task, part: Part) -> Any:
    """Return a scaler of the target fitted on the rows of a part; None where it stays as it is."""
    from sklearn.base import clone
    from sklearn.preprocessing import StandardScaler

    if task.classes or scale is False:
        return None
    scaler = StandardScaler() if scale is True else clone(scale)
    return scaler.fit(task.y[part.train][:, None])


def in_units(y: np.ndarray, target: Any) -> np.ndarray:
    """Return targets (n,) in the network's units."""
    return y if target is None else target.transform(y[:, None])[:, 0]


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
