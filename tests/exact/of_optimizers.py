"""Every optimizer of Keras, with what all of them take and what is their own."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import keras
from case import Case, describe
from keras import layers, optimizers
from keras.optimizers import schedules

RATES = {
    "Adadelta": 1.0, "Adafactor": 0.02, "Adagrad": 0.05, "Adam": 0.01, "AdamW": 0.01,
    "Adamax": 0.01, "Ftrl": 0.05, "Lamb": 0.01, "Lion": 0.003, "Muon": 0.01, "Nadam": 0.01,
    "RMSprop": 0.005, "SGD": 0.05, "ScheduleFreeAdamW": 0.01,
}  # fmt: skip
# What all optimizers take; arguments that have nothing to do with each other share a case.
COMMON: list[dict[str, Any]] = [
    {},
    {"clipnorm": 0.05, "loss_scale_factor": 64.0},
    {"clipvalue": 0.01, "weight_decay": 0.1},
    {"global_clipnorm": 0.05, "schedule": "ExponentialDecay"},
    {"weight_decay": 0.1, "excluded": "bias"},
    {"use_ema": True, "ema_momentum": 0.9},
    {"use_ema": True, "ema_overwrite_frequency": 2},
    {"gradient_accumulation_steps": 2},
]
OWN: dict[str, list[dict[str, Any]]] = {
    "Adadelta": [{"rho": 0.8}],
    "Adafactor": [{"relative_step": False}, {"clip_threshold": 0.5, "beta_2_decay": -0.5}],
    "Adagrad": [{"initial_accumulator_value": 0.5}],
    "Adam": [{"amsgrad": True}, {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 0.01}],
    "AdamW": [{"amsgrad": True}],
    "Adamax": [{"beta_1": 0.5}],
    "Ftrl": [
        {"l1_regularization_strength": 0.01, "l2_regularization_strength": 0.01},
        {"l2_shrinkage_regularization_strength": 0.1, "beta": 0.1, "learning_rate_power": -0.3},
    ],
    "Lamb": [{"beta_1": 0.5}],
    "Lion": [{"beta_1": 0.5, "beta_2": 0.9}],
    "Muon": [{"nesterov": False}, {"exclude_layers": ["dense"]}],
    "Nadam": [{"beta_1": 0.5}],
    "RMSprop": [{"momentum": 0.5}, {"centered": True}, {"rho": 0.5, "momentum": 0.5}],
    "SGD": [{"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}],
    "ScheduleFreeAdamW": [{"warmup_steps": 3}],
}
SCHEDULES: dict[str, Callable[[float], Any]] = {
    "CosineDecay": lambda rate: schedules.CosineDecay(rate, 8, warmup_target=2 * rate,
                                                      warmup_steps=2),
    "CosineDecayRestarts": lambda rate: schedules.CosineDecayRestarts(rate, 3),
    "ExponentialDecay": lambda rate: schedules.ExponentialDecay(rate, 4, 0.7),
    "InverseTimeDecay": lambda rate: schedules.InverseTimeDecay(rate, 4, 0.5),
    "PiecewiseConstantDecay": lambda rate: schedules.PiecewiseConstantDecay([3], [rate, rate / 2]),
    "PolynomialDecay": lambda rate: schedules.PolynomialDecay(rate, 6, rate / 10, power=2.0),
}  # fmt: skip
APART: dict[str, Callable[[], Any]] = {
    "LossScaleOptimizer": lambda: optimizers.LossScaleOptimizer(optimizers.Adam(0.01)),
    "MultiOptimizer": lambda: optimizers.MultiOptimizer(
        optimizers.OptimizerMap(optimizers.SGD(0.05), {".*bias": optimizers.Adam(0.01)})
    ),
}
NOT_APPLICABLE = {
    "Optimizer": "the base of all others",
    "OptimizerMap": "no optimizer: what MultiOptimizer is given",
}
COVERED = RATES.keys() | APART.keys()


def cases() -> Iterator[Case]:
    for name in RATES:
        for settings in (*COMMON, *OWN[name]):
            yield _case(describe(name, settings), partial(make, name, settings))
    for schedule in SCHEDULES:
        settings = {"schedule": schedule}
        yield _case(describe("Adam", settings), partial(make, "Adam", settings))
    for name, build in APART.items():
        yield _case(name, build)


def _case(name: str, optimizer: Callable[[], Any]) -> Case:
    return Case("optimizer", name, partial(network, optimizer))


def make(name: str, settings: dict[str, Any]) -> Any:
    settings, rate = dict(settings), RATES[name]
    excluded, schedule = settings.pop("excluded", None), settings.pop("schedule", None)
    given = SCHEDULES[schedule](rate) if schedule else rate
    optimizer = getattr(optimizers, name)(learning_rate=given, **settings)
    if excluded:
        optimizer.exclude_from_weight_decay(var_names=[excluded])
    return optimizer


def network(optimizer: Callable[[], Any]) -> Any:
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(6, "tanh"),
            layers.Dense(5, "tanh"),
            layers.Dense(1, "sigmoid"),
        ]
    )
    model.compile(optimizer(), "binary_crossentropy", metrics=["accuracy"])
    if isinstance(model.optimizer, optimizers.ScheduleFreeAdamW):
        # Keras 3.15 builds it within the compiled step, which then forgets its momentum each time
        model.optimizer.build(model.trainable_variables)
    return model
