"""What a compiled model says of the target: the kind of problem, by its loss and last layer; the
form of the targets that its loss takes; whether it may be trained on a standardised one."""

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

import numpy as np

from ninefold.errors import NinefoldError, naming
from ninefold.study.training.ends import is_unbounded, last_layer
from ninefold.study.training.fresh import (
    is_of_keras,
    losses_of,
    mean_of,
    must_be_compiled,
    single_loss,
)

Kind = Literal["", "regression", "classification"]

_OF_NUMBERS = {  # without underscores: functions and classes have the same names then
    "meansquarederror", "meanabsoluteerror", "meanabsolutepercentageerror",
    "meansquaredlogarithmicerror", "huber", "logcosh", "poisson",
}  # fmt: skip
_OF_CLASSES = {
    "binarycrossentropy", "binaryfocalcrossentropy", "categoricalcrossentropy",
    "categoricalfocalcrossentropy", "sparsecategoricalcrossentropy",
    "categoricalgeneralizedcrossentropy", "hinge", "squaredhinge", "categoricalhinge",
    "dice", "tversky", "circle",
}  # fmt: skip
_OF_CODES = {"Circle", "circle"}  # beside those called sparse
# Another unit of the target is another loss, not the same one times a number.
_OF_ONE_UNIT = {"poisson", "meansquaredlogarithmicerror", "meanabsolutepercentageerror"}


def kind_of_problem(model: Any, output: str = "") -> Kind:
    """Return the problem that a compiled model is made for, or one of its outputs; "" if it fits
    both."""
    if output:
        if output not in getattr(model, "output_names", [output]):
            return ""
        loss = _name_of(losses_of(model, [output])[output])
        kinds: dict[Kind, set[str]] = {"classification": _OF_CLASSES, "regression": _OF_NUMBERS}
        return next((kind for kind, losses in kinds.items() if loss in losses), "")
    loss, last = loss_name(model), last_activation(model)
    if loss in _OF_CLASSES or last == "softmax":
        return "classification"
    one = getattr(last_layer(model), "units", 1) == 1
    return "regression" if loss in _OF_NUMBERS and last != "sigmoid" and one else ""


def allows_scaling(model: Any, x: Any) -> bool:
    """Tell whether a model can be trained on a standardised target, which is as often negative as
    positive: if its outputs have no bounds and its loss has no unit of its own. x: rows that it
    can be tried on"""
    return loss_name(model) not in _OF_ONE_UNIT and is_unbounded(model, x)


def last_activation(model: Any) -> str:
    """Return the name of what is applied last, such as "linear" or "softmax"."""
    last = last_layer(model)
    activation = getattr(last, "activation", None)
    if activation is not None:
        return str(getattr(activation, "__name__", type(activation).__name__))
    shapes_alone = ("Dense", "Reshape", "Flatten", "Rescaling", "Dropout", "Activation")
    name = type(last).__name__
    return "linear" if name in shapes_alone else name.lower()


def loss_name(model: Any) -> str:
    """Return the name of the loss, a function's or a class's, in lower case without underscores; ""
    if there are several."""
    loss = model.loss
    several = isinstance(loss, dict) or (isinstance(loss, (list, tuple)) and len(loss) != 1)
    return "" if several else _name_of(single_loss(model))


def _name_of(loss: Any) -> str:
    import keras

    loss = keras.losses.get(loss)
    name = getattr(loss, "__name__", "") or type(loss).__name__
    return str(name).replace("_", "").lower()


def takes_logits(loss: Any) -> bool:
    """Tell whether a loss is compiled for outputs before the softmax or sigmoid."""
    bound = loss.keywords if isinstance(loss, partial) else {}
    return bool(bound.get("from_logits", getattr(loss, "from_logits", False)))


def takes_flat_codes(loss: Any) -> bool:
    """Tell whether the loss takes codes (n,) alone: of (n, 1) the one of Keras 3.15 compares each
    row with the codes of all."""
    return not isinstance(loss, (list, dict)) and (
        _name_of(loss) == "categoricalgeneralizedcrossentropy"
    )


def compares_with_one_column(model: Any, x: np.ndarray, classes: int, targets: str) -> bool:
    """Tell whether the loss is given codes or numbers (n, 1), not one column a class.

    targets  "codes", "one-hot", or "auto": what the loss takes. Keras's own say it by their names,
             others are tried; one that takes both is given one column a class, with a warning

    Raises NinefoldError where the outputs do not fit `classes`, 1 for a regression, or the loss
    takes neither.
    """
    must_be_compiled(model)
    outputs, loss = model(x), single_loss(model)
    if not hasattr(outputs, "shape"):
        raise NinefoldError(
            "the model has several outputs", "expected one, or y as a mapping: output → y"
        )
    return _takes_one_column(outputs, loss, classes, targets)


def sort_outputs(
    model: Any, x: Any, classes: Mapping[str, int], targets: str
) -> tuple[bool, dict[str, bool]]:
    """Return whether a model of several outputs returns them as a list, not a mapping; and, in
    their order, output → whether its loss is given one column (see `compares_with_one_column`).

    classes  output → its classes, 1 for numbers: those that there is a y for

    Raises NinefoldError where these are not the model's outputs.
    """
    must_be_compiled(model)
    outputs = model(x)
    listed = not isinstance(outputs, Mapping)
    names = list(getattr(model, "output_names", ())) if listed else list(outputs)
    if set(names) != set(classes):
        has = ", ".join(f"'{name}'" for name in names) or "one without a name"
        given = ", ".join(f"'{name}'" for name in classes)
        raise NinefoldError(f"the model has the outputs {has} and y {given}", "expected the same")
    found = {}
    losses = losses_of(model, names)
    parts = outputs if listed and len(names) > 1 else [outputs] if listed else outputs.values()
    for name, output in zip(names, parts, strict=True):
        with naming(f"the output '{name}'"):
            if takes_flat_codes(losses[name]):
                raise NinefoldError(
                    "CategoricalGeneralizedCrossEntropy is a loss for one output alone",
                    "expected another",
                )
            found[name] = _takes_one_column(output, losses[name], classes[name], targets)
    return listed, found


def as_targets(y: np.ndarray, classes: int, one_column: bool) -> np.ndarray:
    """Return (n,) codes or numbers as (n, 1), or one column a class, float32."""
    return (y[:, None] if one_column else np.eye(classes)[y]).astype("float32")


def _takes_one_column(outputs: Any, loss: Any, classes: int, targets: str) -> bool:
    must_have_outputs(int(np.prod(outputs.shape[1:])), classes)
    if outputs.shape[-1] == 1 or targets == "codes":
        return True
    if targets == "one-hot":
        return False
    named = loss if hasattr(loss, "__name__") else type(loss)  # a function, or an object's class
    name = loss if isinstance(loss, str) else named.__name__
    if isinstance(loss, str) or is_of_keras(named.__module__):
        return "sparse" in name.lower() or name in _OF_CODES
    return _takes_codes_alone(mean_of(loss), name, outputs)


def _takes_codes_alone(loss: Callable, name: str, outputs: Any) -> bool:
    """Try a loss of the user's own on codes and on one column a class."""
    rows, classes = len(outputs), outputs.shape[-1]
    codes = np.arange(rows, dtype="float32") % classes
    tried = {
        "codes": codes[:, None],
        "one-hot": np.eye(classes, dtype="float32")[codes.astype(int)],
    }
    errors = {}
    for kind, y in tried.items():
        try:
            loss(y, outputs)
        except Exception as error:  # whatever it says of targets that are not for it
            errors[kind] = error
    if len(errors) == 2:
        with naming(f"the loss {name}"):
            raise errors["one-hot"]
    if not errors:
        warnings.warn(
            f"the loss {name} takes codes (n, 1) as well as one column a class: it is given one "
            'column a class. If it is written for codes, its numbers are wrong: targets="codes" '
            'gives it these; targets="one-hot" silences this',
            stacklevel=2,
        )
    return "one-hot" in errors


def must_have_outputs(width: int, classes: int) -> None:
    if width != classes and not (classes == 2 and width == 1):
        wanted = f"{classes}, one a class" if classes > 1 else "1 for a regression"
        raise NinefoldError(f"the network has {width} outputs", f"expected {wanted}")
