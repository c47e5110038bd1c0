"""ninefold: from a dataset to a finished, honest, publishable deep-learning study.

What stands in `__all__` is the whole public face; everything else may change. Each name is
imported when it is first asked for, so that `ninefold --help` answers in a blink.
"""

from importlib import import_module

from ninefold.errors import NinefoldError

__version__ = "0.1.0"
__all__ = ["Metric", "NinefoldError", "average", "compare", "evaluate", "open_study"]

_ROOMS = {
    "Metric": "ninefold.study.metrics",
    "average": "ninefold.study.evaluation",
    "compare": "ninefold.study.comparison",
    "evaluate": "ninefold.study.evaluate",
    "open_study": "ninefold.study.notebook",
}


def __getattr__(name: str):
    if name in _ROOMS:
        return getattr(import_module(_ROOMS[name]), name)
    raise AttributeError(f"module 'ninefold' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
