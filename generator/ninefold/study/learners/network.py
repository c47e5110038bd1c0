"""A Keras network as a learner."""

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from ninefold.errors import NinefoldError, naming
from ninefold.quiet import load_tensorflow
from ninefold.study.learners.fitted import Answer, Fitted, Part
from ninefold.study.learners.prepared import MOST_BYTES, Prepared, Shared, as_input, width_of
from ninefold.study.metrics import Takes
from ninefold.study.preparation import are_whole, make_preparation, of_inputs
from ninefold.study.task import Task
from ninefold.study.training import (
    PLAIN,
    Form,
    Job,
    Recipe,
    Rows,
    Trained,
    Trainer,
    has_inputs,
    lookups_of,
    must_have_outputs,
    padding_of,
    single_loss,
    takes_logits,
    takes_tokens,
)


class Network:
    """A Keras network, trained from fresh weights for each fold."""

    family = "network"

    def __init__(self, build: Callable, task: Task, prepare: Any, recipe: Recipe, shared: Shared):
        load_tensorflow()
        self._build, self._task, self._recipe, self._shared = build, task, recipe, shared
        self._trainers: dict[tuple, Trainer] = {}
        self._may_scale = not task.classes and prepare is not None
        self.gives = given_for(task)
        how, padding = self._without_tokens(prepare), self._padding
        self._prepare = make_preparation(how, task.X, padding)
        self._differs_by = (*_going_in_raw(how), padding)  # from other networks' preparations

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
                jobs.append(Job(rows, held, part.seed, part.name, replicate=part.replicate))
        return jobs

    def _rows(self, numbers: np.ndarray, part: Part, prepared: Prepared) -> Rows:
        """Return rows as they are looked at, without weights of classes."""
        task, x = self._task, prepared.inputs(numbers)
        y = self.trainer.shape_targets(
            in_units(task.y[numbers], self._target(part, prepared)), task.outputs, x, prepared.form
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
        return self._fitted(trained, prepared, self._task, self._target(part, prepared), 0, loss)

    def _fitted(
        self, trained: Trained, prepared: Prepared, task: Task, target: Any, place: int, loss: Any
    ) -> Fitted:
        """Return what answers a task by the output at a place, compiled with a loss."""
        trainer, logits = self.trainer, takes_logits(loss)

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

    def _target(self, part: Part, prepared: Prepared) -> Any:
        """Return what brings the target to the network's units and back, fitted on the rows that
        it trains on; None: these are the target's own."""
        scale = self._recipe.scale_target
        if isinstance(scale, str):  # "auto"
            x = prepared.inputs(part.train)
            scale = self._may_scale and self.trainer.scales_target(x, prepared.form)
        return fit_target(scale, self._task, part)

    def _without_tokens(self, prepare: Any) -> Any:
        """Return `prepare`, but for rows that the model looks up in an embedding: None, they go in
        as they are. Warns of whole numbers that it may look up and are standardised."""
        X = self._task.X
        if not isinstance(X, Mapping):
            return None if isinstance(prepare, str) and self._are_tokens(X) else prepare
        its = of_inputs(prepare, X)
        asked = [name for name, how in its.items() if isinstance(how, str)]
        return its | {name: None for name in asked if self._are_tokens(X[name], name)}

    def _are_tokens(self, X: Any, name: str = "") -> bool:
        """Tell whether whole numbers go in as they are. Warns where the model does not tell."""
        lookups = lookups_of(self._sample) if are_whole(X) else []
        if not lookups:
            return False
        tokens = takes_tokens(self._sample, name)
        known = has_inputs(self._sample)
        if (bool(name) and not known) if tokens else not takes_tokens(self._sample):
            called = f"the input '{name}' is" if name else "the inputs are"
            done = "lets them in as they are" if tokens else "standardises them"
            warnings.warn(
                f"{called} of whole numbers, and the network has an {lookups[0]} that may read "
                f'them: prepare="auto" {done}; prepare=None, or a transformer, says what to do',
                stacklevel=2,
            )
        return tokens

    @property
    def _padding(self) -> float:
        """Return the value of the steps that sequences are filled up with."""
        X = self._task.X
        parts = X.values() if isinstance(X, Mapping) else [X]
        return padding_of(self._sample) if any(np.ndim(part) == 3 for part in parts) else 0.0

    @cached_property
    def _sample(self) -> Any:
        """A model for inputs of the width that X has before it is prepared."""
        X = self._task.X
        if not isinstance(X, Mapping):
            return self._made(width_of(np.empty((0, *np.shape(X)[1:])), PLAIN))
        shapes = tuple((name, np.shape(part)[1:]) for name, part in X.items())
        return self._made(width_of(np.empty(0), Form(shapes)))

    def _made(self, inputs: Any) -> Any:
        return told(self._build, inputs=inputs, outputs=self._outputs)()

    @property
    def _outputs(self) -> Any:
        """Return what a model function is told as `outputs`."""
        return self._task.outputs

    def _prepared(self, part: Part) -> Prepared:
        kept, key = self._shared.prepared, (*self._differs_by, part.train.tobytes())
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


def _going_in_raw(how: Any) -> list[str]:
    """Return the inputs that are not prepared, by their names; a single one is called ""."""
    its = how if isinstance(how, Mapping) else {"": how}
    return [name for name, one in its.items() if one is None]


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
    scaler, y = StandardScaler() if scale is True else clone(scale), task.y[part.train][:, None]
    again = np.asarray(scaler.fit(y).inverse_transform(np.asarray(scaler.transform(y))))
    if not np.allclose(again, y, rtol=1e-3, atol=1e-3 * float(np.std(y))):
        raise NinefoldError(
            f"scale_target={scale!r} does not come back to y",
            "its inverse_transform must undo its transform",
            "FunctionTransformer, for one, needs an inverse_func",
        )
    return scaler


def in_units(y: np.ndarray, target: Any) -> np.ndarray:
    """Return targets (n,) in the network's units."""
    return y if target is None else np.asarray(target.transform(y[:, None]))[:, 0]


def told(build: Callable, **known: Any) -> Callable[[], Any]:
    """Bind those of `inputs`, `outputs` that the function asks for and has not been given."""
    given = build.keywords if isinstance(build, partial) else {}
    parameters = inspect.signature(build).parameters
    needed = [
        name for name, parameter in parameters.items()
        if name not in {*known, *given, "inputs", "outputs"}
        and parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]  # fmt: skip
    if needed:
        raise NinefoldError(
            f"the model function needs an argument '{needed[0]}'",
            "expected none but `inputs` and `outputs`",
            f"bind it: functools.partial(build, {needed[0]}=…)",
        )
    asked = set(parameters) - set(given)
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
        return outputs if target is None else _in_own_units(outputs, target)
    outputs = _from_logits(outputs) if logits else outputs
    if outputs.min() < -1e-6 or outputs.max() > 1 + 1e-6:
        raise NinefoldError(
            "the network's outputs are not probabilities",
            "expected values from 0 to 1",
            "end it in a softmax or sigmoid, or compile a cross-entropy with from_logits=True",
        )
    if outputs.shape[1] == 1:
        return np.hstack([1 - outputs, outputs])
    return outputs / np.maximum(outputs.sum(axis=1, keepdims=True), 1e-12)


def _in_own_units(outputs: np.ndarray, target: Any) -> np.ndarray:
    found = np.asarray(target.inverse_transform(outputs))
    if not np.isfinite(found).all():
        warnings.warn(
            f"{target!r} makes no numbers of some of the network's outputs, such as "
            f"{outputs[~np.isfinite(found)][0]:.4g}: the fold counts as diverged",
            stacklevel=2,
        )
    return found


def _from_logits(outputs: np.ndarray) -> np.ndarray:
    from scipy.special import expit, softmax

    return expit(outputs) if outputs.shape[1] == 1 else softmax(outputs, axis=1)
