"""What a compiled model is made of, by its configuration: what it may share, whether batched."""

import json
from dataclasses import dataclass
from typing import Any

from ninefold.errors import one_line
from ninefold.study.training.fresh import is_of_keras
from ninefold.study.training.live import live_state
from ninefold.study.training.recurrent import CELLS
from ninefold.study.training.stateless import STRENGTHS
from ninefold.study.training.targets import loss_name

# Trained as a batch in tests/study/test_exactness.py, and found equal to one network at a time.
IMAGE_LAYERS = {
    "Conv2D", "MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D",
}  # fmt: skip
NOISE_LAYERS = {"Dropout", "AlphaDropout", "GaussianNoise", "GaussianDropout"}
SEQUENCE_LAYERS = CELLS.keys() | {
    "Conv1D", "MaxPooling1D", "AveragePooling1D", "GlobalAveragePooling1D", "GlobalMaxPooling1D",
}  # fmt: skip
LAYERS = IMAGE_LAYERS | SEQUENCE_LAYERS | NOISE_LAYERS | {
    "InputLayer", "Dense", "Flatten", "Reshape", "Rescaling", "Normalization", "Activation", "ReLU",
    "LeakyReLU", "ELU", "PReLU", "Softmax", "BatchNormalization", "LayerNormalization", "Add",
    "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate",
}  # fmt: skip
OPTIMIZERS = {
    "SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl", "Lion",
    "Lamb",
}  # fmt: skip


@dataclass(frozen=True)
class Architecture:
    """A model's configuration, reduced to what its trace depends on.

    key       equal for models that can share one trace: they differ at most in the learning rate,
              in the strengths of L1, L2 and dropout, and in the values of their weights
    doubt     what in it no test has trained as a batch; "" where there is nothing of the kind
    obstacle  why its networks cannot be trained as a batch; "" where they can
    images    convolutions of images are among its layers
    slow_xla  layers that XLA is slow with are: random numbers, recurrent ones
    """

    key: str
    doubt: str = ""
    obstacle: str = ""
    images: bool = False
    slow_xla: bool = False


def read_architecture(model: Any) -> Architecture:
    """Read the architecture of a model that is compiled and built, its metrics too."""
    if not is_of_keras(type(model).__module__):
        return Architecture(f"own {id(model)}", f"{type(model).__name__} is a class of its own")
    import keras

    try:
        config = keras.saving.serialize_keras_object(model)
    except Exception as error:  # a part of the user's that has no configuration, as a partial loss
        return Architecture(f"own {id(model)}", f"it cannot be described ({one_line(error)[:100]})")
    parts = [part for part in _parts(config) if not _is_loss_of_keras(part, model)]
    layers = {part["class_name"] for part in parts if _is_layer(part)}
    doubt, obstacle = _doubt(parts, layers), _obstacle(model, config, parts)
    # a function or class of the user's may hold anything: it shares its trace with none
    own = f" own {id(model)}" if any(map(_is_foreign, parts)) else ""
    whole = bool(doubt or obstacle)
    return Architecture(
        f"{_key(model, config, parts, whole)} {live_state(model, strengths=whole)}{own}",
        doubt,
        obstacle,
        bool(layers & IMAGE_LAYERS),
        bool(layers & (NOISE_LAYERS | CELLS.keys())),
    )


def _is_loss_of_keras(part: dict, model: Any) -> bool:
    """Tell whether a part is the function `keras.losses.binary_crossentropy` or the like."""
    name, module = (getattr(model.loss, key, "") for key in ("__name__", "__module__"))
    return part["config"] == name != "" and is_of_keras(module)


def _is_layer(part: dict) -> bool:
    """Tell whether a part is a layer, or an operation that stands for one: `x * y`."""
    return part["module"] == "keras.layers" or (part["module"] or "").startswith("keras.src.ops")


def _doubt(parts: list[dict], layers: set[str]) -> str:
    foreign = [part for part in parts if _is_foreign(part)]
    if foreign:
        name = foreign[0]["registered_name"] or foreign[0]["class_name"]
        return f"{foreign[0]['config'] if name == 'function' else name} is not a part of Keras"
    operations = {p["class_name"] for p in parts if _is_layer(p) and p["module"] != "keras.layers"}
    unknown = sorted(operations | layers - LAYERS)
    return f"{unknown[0]} is trained one network at a time" if unknown else ""


def _obstacle(model: Any, config: dict, parts: list[dict]) -> str:
    kind = type(model.optimizer)
    if kind.__name__ not in OPTIMIZERS or not is_of_keras(kind.__module__):
        return f"the optimizer {kind.__name__} is applied to one network at a time"
    if loss_name(model) == "ctc":  # TensorFlow's function cannot be vectorised
        return "the loss CTC is computed for one network at a time"
    if any(v.dtype != "float32" for v in model.trainable_variables):
        return "its weights are not float32"
    compiled = config.get("compile_config") or {}
    if compiled.get("weighted_metrics") or compiled.get("loss_weights"):
        return "its metrics or its loss are weighted"
    if _strange_metric(model):
        return f"the metric {_strange_metric(model)} is computed for one network at a time"
    if '"training": true' in json.dumps(config, default=str):
        return "it draws noise in inference too"
    known = (part for part in parts if not _is_foreign(part))
    return next((reason for part in known if (reason := _hindrance(part))), "")


def _strange_metric(model: Any) -> str:
    """Return the first metric that is neither a mean over rows nor a count of them."""
    from keras import metrics

    kinds = (metrics.Mean, metrics.AUC, metrics.Precision, metrics.Recall)
    compiled = [metric for group in model.metrics[1:] for metric in group.metrics]
    names = [
        type(metric).__name__
        for metric in compiled
        if not isinstance(metric, kinds) or "Correlation" in type(metric).__name__
    ]
    return names[0] if names else ""


def _hindrance(part: dict) -> str:
    """Return what in one part's settings stands against a batch of networks."""
    config, name = part["config"], part["class_name"]
    if part["module"] == "keras.optimizers":
        if name not in OPTIMIZERS:
            return f"the optimizer {name} is applied to one network at a time"
        if config.get("gradient_accumulation_steps") or config.get("ema_overwrite_frequency"):
            return "its optimizer acts differently from step to step"
    if config.get("reduction", _MEAN) != _MEAN and part["module"] == "keras.losses":
        return "its loss is not a mean over rows"
    if config.get("activity_regularizer"):
        return "its penalty on activations depends on the batch"
    if name in CELLS and part["module"] == "keras.layers":
        return _recurrent_hindrance(part)
    if config.get("mask_zero") or name == "Masking":
        return "its sequences are masked"
    if name in ("Conv1D", "Conv2D") and (
        config["groups"] != 1 or set(config["dilation_rate"]) != {1}
    ):
        return "its convolution is grouped or dilated"
    if config.get("data_format") == "channels_first":
        return "its channels come first"
    return ""


def _recurrent_hindrance(part: dict) -> str:
    config, shapes = part["config"], part.get("build_config") or {}
    if config["dropout"] or config["recurrent_dropout"]:
        return f"its {part['class_name']} draws noise"
    if config["stateful"]:
        return f"its {part['class_name']} remembers from batch to batch"
    steps = (shapes.get("input_shape") or (None, None))[1]
    if not steps or steps > _MOST_STEPS:
        return f"its {part['class_name']} takes more than {_MOST_STEPS} steps, or of any number"
    return ""


def _parts(config: Any):
    """Yield every serialised object in a configuration, however deep."""
    if isinstance(config, dict):
        if "class_name" in config and "config" in config:
            inner = config["config"]
            # a function's configuration is its name
            whole = {"module": None, "registered_name": None} | config
            yield whole | {"config": inner if isinstance(inner, (dict, str)) else {}}
        for value in config.values():
            yield from _parts(value)
    elif isinstance(config, (list, tuple)):
        for value in config:
            yield from _parts(value)


def _is_foreign(part: dict) -> bool:
    if part["class_name"] in ("__tensor__", "__numpy__", "__keras_tensor__", "__tuple__"):
        return False
    return not is_of_keras(part["module"] or "") or not isinstance(part["config"], dict)


def _key(model: Any, config: dict, parts: list[dict], whole: bool) -> str:
    """The configuration without what lives in the state, layers called by their place.

    whole  keep strengths: not all of them are found in a model that is not made for a batch
    """
    named = [p for p in parts if p["module"] == "keras.layers" or p["class_name"] in _MODELS]
    names = {part["config"]["name"]: f"layer {place}" for place, part in enumerate(named)}
    regularizers = [id(v.regularizer) for v in model.trainable_variables]
    shared = [regularizers.index(regularizer) for regularizer in regularizers]
    reduced = _without_values(config, names, whole)
    return f"{shared} {json.dumps(reduced, sort_keys=True, default=str)}"


# Under these a string is the name of a layer, which says nothing; elsewhere it may be "relu".
_NAMES = {"name", "keras_history", "input_layers", "output_layers"}


def _without_values(config: Any, names: dict[str, str], whole: bool, named: bool = False) -> Any:
    if isinstance(config, dict):
        return {
            key: _without_values(
                _reduce(config, value, whole) if key == "config" else value,
                names, whole, key in _NAMES,
            )
            for key, value in config.items()
        }  # fmt: skip
    if isinstance(config, (list, tuple)):
        return [_without_values(value, names, whole, named) for value in config]
    return names.get(config, config) if named and isinstance(config, str) else config


def _reduce(part: dict, settings: Any, whole: bool) -> Any:
    """Leave out of one part's settings the learning rate; of strengths keep whether they are 0."""
    if not isinstance(settings, dict) or "class_name" not in part:
        return settings
    strengths = () if whole else STRENGTHS.get(part["class_name"], ())
    reduced = {name: bool(v) if name in strengths else v for name, v in settings.items()}
    if part.get("module") == "keras.optimizers":
        reduced.pop("name", None)
        if isinstance(reduced.get("learning_rate"), float):  # MultiOptimizer has none
            del reduced["learning_rate"]
    return reduced


_MOST_STEPS = 128  # that are unrolled: each costs 0.2 s of tracing on two cores
_MODELS = {"Sequential", "Functional"}
_MEAN = "sum_over_batch_size"  # Keras's name for the mean over rows
