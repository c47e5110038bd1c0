"""Is y a regression's numbers or a classification's labels? Models say what they are made for:
estimators by their kind, networks by their loss and last layer."""

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from ninefold.errors import NinefoldError
from ninefold.quiet import load_tensorflow
from ninefold.study.learners.estimator import is_estimator, kind_of
from ninefold.study.learners.network import told
from ninefold.study.learners.prepared import as_input, width_of
from ninefold.study.preparation import make_preparation, take_rows
from ninefold.study.training import caller_s_randomness, is_keras, kind_of_problem

_KINDS = {"classifier": "classification", "regressor": "regression"}


def asked_problem(
    builds: Mapping[str, Any], X: Any, y: np.ndarray, prepare: Any, outputs: Any, output: str = ""
) -> str:
    """Return "regression" or "classification", as the models say; "" if they leave it open.

    X, prepare  as for `ninefold.evaluate`; they tell a network the width of its inputs
    outputs     that a network is asked with: the number of different labels, or 1; of several
                outputs a mapping to such
    output      which of several outputs y is for

    Raises NinefoldError if they say different things.
    """
    said: dict[str, str] = {}
    with caller_s_randomness():
        for name, build in builds.items():
            kind = _ask(build, X, y, prepare, outputs, output)
            if kind:
                said.setdefault(kind, name or "the model")
    if len(said) > 1:
        names = " and ".join(f"'{name}' for a {kind}" for kind, name in said.items())
        raise NinefoldError(
            f"the models are made for different problems: {names}", "expected one problem"
        )
    return next(iter(said), "")


def _ask(build: Any, X: Any, y: np.ndarray, prepare: Any, outputs: Any, output: str = "") -> str:
    if is_estimator(build) or is_keras(build) or not callable(build):
        return _kind_of(build)
    asked, known = inspect.signature(build).parameters, {"outputs": outputs}
    if "inputs" in asked:  # a network
        load_tensorflow()
        known["inputs"] = _width(X, y, prepare)
    kind = _kind_of(told(build, **known)(), output)
    if output:
        return kind
    if not kind and "outputs" in asked and outputs > 1:  # so many numbers, or classes?
        kind = _kind_of(told(build, **{**known, "outputs": 1})())
    return kind


def _kind_of(made: Any, output: str = "") -> str:
    if is_keras(made):
        return kind_of_problem(made, output) if getattr(made, "compiled", False) else ""
    return _KINDS.get(kind_of(made), "")


def _width(X: Any, y: np.ndarray, prepare: Any) -> Any:
    """Return the prepared width of a row, or its shape."""
    preparation = make_preparation(prepare, X)
    if preparation is not None:
        from sklearn.base import clone

        preparation = clone(preparation).fit(X, y)
    return width_of(*as_input(preparation, take_rows(X, np.arange(1))))
