"""What a compiled model says of the target: the kind of problem, by its loss and last layer; the
form of the targets that its loss takes; whether it may be trained on a standardised one."""

import warnings
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from ninefold.errors import NinefoldError, naming
from ninefold.study.training.fresh import (
    is_of_keras,
    layers_of,
    mean_loss,
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
# Another unit of the target is another loss, not the same one times a number.
_OF_ONE_UNIT = {"poisson", "meansquaredlogarithmicerror", "meanabsolutepercentageerror"}


def kind_of_problem(model: Any) -> Kind:
    """Return the problem that a compiled model is made for; "" if it fits both."""
    loss, last = _loss_name(model), last_activation(model)
    if loss in _OF_CLASSES or last == "softmax":
        return "classification"
    one = getattr(_last_layer(model), "units", 1) == 1
    return "regression" if loss in _OF_NUMBERS and last != "sigmoid" and one else ""


def allows_scaling(model: Any) -> bool:
    """Tell whether a model can be trained on a standardised target, which is as often negative as
    positive: if its outputs have no bounds and its loss has no unit of its own."""
    return last_activation(model) == "linear" and _loss_name(model) not in _OF_ONE_UNIT


def last_activation(model: Any) -> str:
    """Return the name of what is applied last, such as "linear" or "softmax"."""
    last = _last_layer(model)
    activation = getattr(last, "activation", None)
    if activation is not None:
        return str(getattr(activation, "__name__", type(activation).__name__))
    shapes_alone = ("Dense", "Reshape", "Flatten", "Rescaling", "Dropout", "Activation")
    name = type(last).__name__
    return "linear" if name in shapes_alone else name.lower()


def _last_layer(model: Any) -> Any:
    while getattr(model, "layers", ()):
        model = model.layers[-1]
    return model


def _loss_name(model: Any) -> str:
    """Return the name of the loss, a function's or a class's, in lower case without underscores."""
    import keras

    loss = keras.losses.get(single_loss(model))
    name = getattr(loss, "__name__", "") or type(loss).__name__
    return str(name).replace("_", "").lower()


def takes_tokens(model: Any) -> bool:
    """Tell whether a model looks its inputs up in an embedding: they are numbers of tokens."""
    import keras

    inputs = {id(tensor) for tensor in getattr(model, "inputs", None) or ()}
    embeddings = [la for la in layers_of(model) if isinstance(la, keras.layers.Embedding)]
    return any(not inputs or id(layer.input) in inputs for layer in embeddings)


def compares_with_one_column(model: Any, x: np.ndarray, classes: int, targets: str) -> bool:
    """Tell whether the loss is given codes or numbers (n, 1), not one column a class.

    targets  "codes", "one-hot", or "auto": what the loss takes. Keras's own say it by their names,
             others are tried; one that takes both is given one column a class, with a warning

    Raises NinefoldError where the outputs do not fit `classes`, 1 for a regression, or the loss
    takes neither.
    """
    must_be_compiled(model)
    outputs, loss = model(x[:2]), single_loss(model)
    if not hasattr(outputs, "shape"):
        raise NinefoldError("the model has several outputs", "expected one")
    must_have_outputs(int(np.prod(outputs.shape[1:])), classes)
    if outputs.shape[-1] == 1 or targets == "codes":
        return True
    if targets == "one-hot":
        return False
    named = loss if hasattr(loss, "__name__") else type(loss)  # a function, or an object's class
    name = loss if isinstance(loss, str) else named.__name__
    if isinstance(loss, str) or is_of_keras(named.__module__):
        return "sparse" in name.lower()
    return _takes_codes_alone(mean_loss(model), name, outputs)


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
            f"the loss {name} takes codes (n, 1) and one column a class: it is given one column a "
            'class; targets="codes" gives it the other',
            stacklevel=2,
        )
    return "one-hot" in errors


def must_have_outputs(width: int, classes: int) -> None:
    if width != classes and not (classes == 2 and width == 1):
        wanted = f"{classes}, one a class" if classes > 1 else "1 for a regression"
        raise NinefoldError(f"the network has {width} outputs", f"expected {wanted}")
