"""Which versions a worker must have, so that records are what they would be on this machine."""

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ninefold.errors import NinefoldError
from ninefold.running.staleness import libraries


def versions() -> dict[str, str]:
    """Return the versions here of what all sections depend on."""
    return {"python": platform.python_version(), **libraries.for_all()}


def refusals(
    ask: Callable[..., dict[str, Any]], workers: Iterable[str]
) -> Iterator[tuple[str, NinefoldError | None]]:
    """Yield each worker that answers, and why it cannot take part: its versions are others than
    ours, or it cannot even say them; None where it can.

    `ask(workers, function, *arguments)` returns what a function returns on each of them. The first
    question is one that a worker without ninefold understands.
    """
    ours = versions()
    alike = []
    for worker, found in ask(workers, version, "ninefold").items():
        absent = isinstance(found, PackageNotFoundError)
        theirs = {} if absent else found if isinstance(found, Exception) else {"ninefold": found}
        if refused := refusal(worker, theirs, {"ninefold": ours["ninefold"]}):
            yield worker, refused
        else:
            alike.append(worker)
    for worker, found in ask(alike, versions).items():
        yield worker, refusal(worker, found, ours)


def refusal(
    worker: str, theirs: Mapping[str, str] | Exception, ours: Mapping[str, str | None]
) -> NinefoldError | None:
    """Return why a worker of these versions cannot take part, None where it can: records say under
    which versions they hold, and no others must have had a part in them. An error is what came of
    asking for them."""
    if isinstance(theirs, Exception):
        return NinefoldError(
            f"the Dask worker {worker} cannot use ninefold: {type(theirs).__name__}: {theirs}",
            todo="mend its installation, and start the worker again",
        )
    for name in sorted(ours.keys() | theirs.keys(), key=lambda name: (name != "ninefold", name)):
        here, there = ours.get(name), theirs.get(name)
        if name == "python" and here and there:  # of 3.11.7 and 3.11.9, results are the same
            here, there = (".".join(text.split(".")[:2]) for text in (here, there))
        if here != there:
            return NinefoldError(
                f"the Dask worker {worker} has {_named(name, there)}",
                f"this machine has {_named(name, here)}",
                "install the same on both, and start the worker again",
            )
    return None


def refusal_after(worker: str, used: Mapping[str, str]) -> NinefoldError | None:
    """Return why what a notebook made there cannot be kept, None where it can: it has `used` what
    not all sections do."""
    return refusal(worker, used, {name: libraries.installed(name) for name in used})


def _named(name: str, version: str | None) -> str:
    return f"{name} {version}" if version else f"no {name}"
