"""What a compiled model is made of, by its configuration: what it may share, whether batched."""

import json
from dataclasses import dataclass
from typing import Any

from ninefold.study.training.stateless import STRENGTHS

# Trained as a batch in tests/study/test_exactness.py, and found equal to one network at a time.
IMAGE_LAYERS = {
    "Conv2D", "MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D",
}  # fmt: skip
NOISE_LAYERS = {"Dropout", "AlphaDropout", "GaussianNoise", "GaussianDropout"}
LAYERS = IMAGE_LAYERS | NOISE_LAYERS | {
    "InputLayer", "Dense", "Flatten", "Reshape", "Rescaling", "Activation", "ReLU", "LeakyReLU",
    "ELU", "PReLU", "Softmax", "BatchNormalization", "LayerNormalization", "Add", "Subtract",
    "Multiply", "Average", "Maximum", "Minimum", "Concatenate",
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
    obstacle  why its networks cannot be trained as a batch; "" where they can
    images    convolutions are among its layers; noise: random numbers are drawn in training
    """

    key: str
    obstacle: str
    images: bool = False
    noise: bool = False


def read_architecture(model: Any) -> Architecture:
    """Read a compiled and built model's architecture."""
    if not type(model).__module__.startswith("keras."):
        return Architecture(
            f"own {id(model)}", f"{type(model).__name__} is a class of its own", False
        )
    import keras

    config = keras.saving.serialize_keras_object(model)
    parts = list(_parts(config))
    layers = {part["class_name"] for part in parts if _is_layer(part)}
    obstacle = _obstacle(model, config, parts, layers)
    # a function or class of the user's may hold anything: it shares its trace with none
    own = f" own {id(model)}" if any(map(_is_foreign, parts)) else ""
    return Architecture(
        _key(model, config, parts, whole=bool(obstacle)) + own,
        obstacle,
        bool(layers & IMAGE_LAYERS),
        bool(layers & NOISE_LAYERS),
    )


def _is_layer(part: dict) -> bool:
    """Tell whether a part is a layer, or an operation that stands for one: `x * y`."""
    return part["module"] == "keras.layers" or (part["module"] or "").startswith("keras.src.ops")


def _obstacle(model: Any, config: dict, parts: list[dict], layers: set[str]) -> str:
    foreign = [part for part in parts if _is_foreign(part)]
    if foreign:
        name = foreign[0]["registered_name"] or foreign[0]["class_name"]
        return f"{foreign[0]['config'] if name == 'function' else name} is not a part of Keras"
    operations = {p["class_name"] for p in parts if _is_layer(p) and p["module"] != "keras.layers"}
    unknown = sorted(operations | layers - LAYERS)
    if unknown:
        return f"{unknown[0]} is trained one network at a time"
    if layers & IMAGE_LAYERS and layers & NOISE_LAYERS:
        return "noise and convolutions together are faster one network at a time"
    if any(v.dtype != "float32" for v in model.trainable_variables):
        return "its weights are not float32"
    if (config.get("compile_config") or {}).get("weighted_metrics"):
        return "its metrics are weighted"
    if '"training": true' in json.dumps(config, default=str):
        return "it draws noise in inference too"
    return next((reason for part in parts if (reason := _hindrance(part))), "")


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
    if name == "Conv2D" and (config["groups"] != 1 or set(config["dilation_rate"]) != {1}):
        return "its convolution is grouped or dilated"
    if config.get("data_format") == "channels_first":
        return "its channels come first"
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
    return not (part["module"] or "").startswith("keras") or not isinstance(part["config"], dict)


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


def _without_values(config: Any, names: dict[str, str], whole: bool) -> Any:
    if isinstance(config, dict):
        return {
            key: _without_values(
                _reduce(config, value, whole) if key == "config" else value, names, whole
            )
            for key, value in config.items()
        }
    if isinstance(config, (list, tuple)):
        return [_without_values(value, names, whole) for value in config]
    return names.get(config, config) if isinstance(config, str) else config


def _reduce(part: dict, settings: Any, whole: bool) -> Any:
    """Leave out of one part's settings the learning rate; of strengths keep whether they are 0."""
    if not isinstance(settings, dict) or "class_name" not in part:
        return settings
    strengths = () if whole else STRENGTHS.get(part["class_name"], ())
    reduced = {name: bool(v) if name in strengths else v for name, v in settings.items()}
    if part.get("module") == "keras.optimizers":
        del reduced["name"]
        if isinstance(reduced["learning_rate"], float):
            del reduced["learning_rate"]
    return reduced


_MODELS = {"Sequential", "Functional"}
_MEAN = "sum_over_batch_size"  # Keras's name for the mean over rows
