"""A scikit-learn estimator written down as plain JSON, so that the same one can be built again.

A blueprint is {"class": "sklearn.svm:SVC", "parameters": {name: value}}; what JSON has no form for,
a record included, which keeps six digits of a number, is a mapping of one key: {"float":
"0.1234567"}, {"tuple": […]}, {"pairs": [[key, value], …]}, {"array": […], "dtype": "float64"},
{"type": "float64"}. Classes are those of scikit-learn and of the study's own package.
"""

from importlib import import_module
from typing import Any

import numpy as np

from ninefold.errors import NinefoldError
from ninefold.plain_json import plain

_LARGEST_ARRAY = 10_000  # numbers: priors, means to start from; no data


class _UndrawnError(Exception):
    """Something that a blueprint has no form for."""


def draw_blueprint(estimator: Any, package: str = "") -> dict[str, Any] | None:
    """Return the blueprint of an unfitted estimator; None where what is built from it would not
    have equal parameters: one with a function, a random generator, a fitted part or a class of
    another library.

    package  the study's own, whose classes may be named, too
    """
    try:
        drawn = _draw_object(estimator, package)
        return drawn if _draw_object(build_from(drawn, package), package) == drawn else None
    except (_UndrawnError, NinefoldError, RecursionError):
        return None


def build_from(blueprint: dict[str, Any], package: str = "") -> Any:
    """Return the unfitted estimator that a blueprint describes.

    Raises NinefoldError for a class that does not exist any more, or of another library, and for
    parameters that it does not take.
    """
    named = str(blueprint.get("class"))
    made = _find_class(named, package)
    try:
        found = {name: _build(value, package) for name, value in blueprint["parameters"].items()}
        return made(**found)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise NinefoldError(f"'{named}' cannot be built from its record: {error}") from None


def _find_class(named: str, package: str) -> type:
    module, _, name = named.partition(":")
    found = None
    if _is_allowed(module, package):
        try:
            found = getattr(import_module(module), name, None)
        except ImportError:
            found = None
    if not isinstance(found, type) or not hasattr(found, "get_params"):
        raise NinefoldError(
            f"there is no estimator '{named}'",
            f"expected a class of scikit-learn{f' or of {package}' if package else ''}",
        )
    return found


def _is_allowed(module: str, package: str) -> bool:
    return module.split(".")[0] in {"sklearn", package} - {""}


def _name_class(kind: type, package: str) -> str:
    """Return "module:class"; the public module of scikit-learn's where it has one."""
    if not _is_allowed(kind.__module__, package) or "." in kind.__qualname__:
        raise _UndrawnError(kind.__qualname__)
    public = kind.__module__.partition("._")[0]
    known = getattr(import_module(public), kind.__name__, None) is kind
    return f"{public if known else kind.__module__}:{kind.__name__}"


def _draw_object(thing: Any, package: str) -> dict[str, Any]:
    """Return the blueprint of an estimator, a transformer or a kernel."""
    from sklearn.base import BaseEstimator

    kind = type(thing)
    ways = (None, getattr(BaseEstimator, "__sklearn_clone__", None))
    if not hasattr(thing, "get_params") or isinstance(thing, type):
        raise _UndrawnError(kind.__qualname__)
    # what a clone keeps beside the parameters: a frozen estimator's fit, outputs as frames, routing
    extras = {"_sklearn_output_config", "_metadata_request"} & vars(thing).keys()
    if getattr(kind, "__sklearn_clone__", None) not in ways or extras:
        raise _UndrawnError(kind.__qualname__)
    parameters = thing.get_params(deep=False)
    return {
        "class": _name_class(kind, package),
        "parameters": {name: _draw(value, package) for name, value in parameters.items()},
    }


def _draw(value: Any, package: str) -> Any:
    """Return a parameter as a blueprint has it. Raises _UndrawnError."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or type(value) in (bool, int, str, float):
        return _draw_plain(value)
    if type(value) is list:
        return [_draw(item, package) for item in value]
    if type(value) is tuple:
        return {"tuple": [_draw(item, package) for item in value]}
    if type(value) is dict:
        pairs = [[_draw(key, package), _draw(item, package)] for key, item in value.items()]
        return {"pairs": pairs}
    if type(value) is np.ndarray and value.dtype.kind in "biuf" and value.size <= _LARGEST_ARRAY:
        return {"array": _draw(value.tolist(), package), "dtype": value.dtype.str}
    if isinstance(value, type) and issubclass(value, np.generic):
        return {"type": value.__name__}
    return _draw_object(value, package)


def _draw_plain(value: Any) -> Any:
    """Return a value that JSON has a form for, or the text of a number that a record rounds."""
    kept = plain(value)
    if kept == value and type(kept) is type(value):
        return value
    if isinstance(value, (int, float)):
        return {type(value).__name__: repr(value)}
    raise _UndrawnError(value)


def _build(value: Any, package: str) -> Any:
    if isinstance(value, list):
        return [_build(item, package) for item in value]
    match value:
        case {"class": _}:
            return build_from(value, package)
        case {"float": str(text)}:
            return float(text)
        case {"int": str(text)}:
            return int(text)
        case {"tuple": list(items)}:
            return tuple(_build(item, package) for item in items)
        case {"pairs": list(pairs)}:
            return {_build(key, package): _build(item, package) for key, item in pairs}
        case {"array": list(items), "dtype": str(kind)}:
            return np.array(_build(items, package), dtype=np.dtype(kind))
        case {"type": str(name)} if issubclass(getattr(np, name, object), np.generic):
            return getattr(np, name)
        case dict():
            raise ValueError(f"a parameter is {str(value)[:80]}")
    return value
