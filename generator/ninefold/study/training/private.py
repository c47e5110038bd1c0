"""What is used of Keras beside its public face, checked before any of it is used.

Private modules change without notice. A Keras that lacks a name here, or whose function takes other
arguments, trains by `model.fit`, not by the compiled engines: slower, and exact whatever it does.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any

# module, name in it → the arguments that it is called with.
_OPTIMIZER = ("keras.src.optimizers.base_optimizer", "BaseOptimizer")
USED: dict[tuple[str, str], tuple[str, ...]] = {
    ("keras.src.backend.common.global_state", "get_global_attribute"): ("name", "default"),
    ("keras.src.backend.common.global_state", "set_global_attribute"): ("name", "value"),
    ("tensorflow.python.eager.context", "global_seed"): (),
    ("tensorflow.python.eager.context", "set_global_seed"): ("seed",),
    ("keras.src.utils.naming", "to_snake_case"): ("name",),
    ("keras.src.backend.tensorflow.optimizer", "TFOptimizer"): (),
    ("keras", "StatelessScope"): ("state_mapping", "collect_losses", "initialize_variables"),
    ("keras", "StatelessScope.get_current_value"): ("self", "variable"),
    ("keras", "Model.compute_loss"): ("self", "x", "y", "y_pred", "sample_weight", "training"),
    ("keras", "Model.compute_metrics"): ("self", "x", "y", "y_pred", "sample_weight"),
    ("keras", "Model.get_metrics_result"): ("self",),
    **{
        (_OPTIMIZER[0], f"{_OPTIMIZER[1]}.{name}"): ("self", *arguments)
        for name, arguments in {
            "_use_weight_decay": ("variable",),
            "scale_loss": ("loss",),
            "apply_gradients": ("grads_and_vars",),
            "stateless_apply": ("optimizer_variables", "grads", "trainable_variables"),
            "assign": ("variable", "value"),
            "assign_add": ("variable", "value"),
            "assign_sub": ("variable", "value"),
            "_var_key": ("variable",),
            "_backend_update_step": ("grads", "trainable_variables", "learning_rate"),
            "_apply_weight_decay": ("variables",),
            "_overwrite_model_variables_with_average_value": ("trainable_variables",),
            "_backend_increment_gradient_accumulators": ("grads", "acc_grads"),
        }.items()
    },
}
# Those of the above that an optimizer without device code takes back from its base.
_KEPT = {"_use_weight_decay", "scale_loss", "apply_gradients"}
PURE = tuple(
    method for module, name in USED
    if module == _OPTIMIZER[0] and (method := name.partition(".")[2]) and method not in _KEPT
)  # fmt: skip


@contextmanager
def forgotten_variables() -> Iterator[None]:
    """Have Keras forget the variables that were made within it and have no memory yet: it would
    give it to them as soon as another model is built. A Keras that is not known is left alone."""
    if unknown_keras():
        yield
        return
    from keras.src.backend.common import global_state

    name = "uninitialized_variables"
    before = list(global_state.get_global_attribute(name, []))
    try:
        yield
    finally:
        global_state.set_global_attribute(name, before)


def outputs_of(layer: Any) -> list[Any]:
    """Return the outputs of each call of a layer in a network; one that is shared has several."""
    nodes = getattr(layer, "_inbound_nodes", None)
    if nodes is not None:
        return [node.outputs for node in nodes]
    return [layer.output if isinstance(layer.output, (list, tuple)) else [layer.output]]


def all_layers_of(model: Any) -> list[Any]:
    """Return the layers of a model, those that its layers hold too."""
    flatten = getattr(model, "_flatten_layers", None)
    return list(model.layers) if flatten is None else list(flatten(include_self=False))


def inputs_of(operation: Any) -> list[Any]:
    """Return the tensors that a layer or an operation of a network is called with."""
    nodes = getattr(operation, "_inbound_nodes", None) or ()
    return [tensor for node in nodes for tensor in node.input_tensors]


def origin_of(tensor: Any) -> Any:
    """Return the layer or operation that a tensor of a network comes from; None: not known."""
    return getattr(getattr(tensor, "_keras_history", None), "operation", None)


@cache
def unknown_keras() -> str:
    """Return why nothing may be compiled with the Keras that is installed; "" where it may."""
    import keras

    strange = next(_strange(), "")
    return strange and f"Keras {keras.__version__} is not known here ({strange})"


def _strange() -> Iterator[str]:
    for (module, name), arguments in USED.items():
        try:
            found: Any = import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
        except (ImportError, AttributeError):
            yield f"it has no {name}"
            continue
        if arguments and not _takes(found, arguments):
            yield f"its {name} takes other arguments"


def _takes(function: Callable[..., Any], arguments: tuple[str, ...]) -> bool:
    """Tell whether a function takes these arguments first, and needs no others."""
    found = list(inspect.signature(function).parameters.values())
    first, others = found[: len(arguments)], found[len(arguments) :]
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [p for p in others if p.default is p.empty and p.kind not in optional]
    return tuple(p.name for p in first) == arguments and not needed
