"""The files of a saved model, checked before anything of them is loaded.

A model may be a stranger's. Keras's safe mode and skops's list of trusted types keep code out; what
is checked here is that no file names more than it holds: a ZIP's members, a network's layers and
weights.
"""

import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self
from zipfile import BadZipFile, ZipFile

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ninefold.bounded import Kind, read_regular
from ninefold.errors import NinefoldError
from ninefold.plain_json import parse_json
from ninefold.study.columns import Column
from ninefold.study.training.private import forgotten_variables, outputs_of

MODEL = "model.json"
PREPARATION = "preparation.skops"
ESTIMATOR = "estimator.skops"
NETWORK = "network-{}.keras"  # counted from 1
AGAIN = "run section 7 again"
_MIB = 2**20
DESCRIPTION = Kind("a model's description", 16 * _MIB, AGAIN)
PREPARATION_FILE = Kind("a model's preparation", 64 * _MIB, AGAIN)
ESTIMATOR_FILE = Kind("an estimator", 512 * _MIB, AGAIN)
_NETWORK = Kind("a network", 512 * _MIB, AGAIN)
_PARTS = {"metadata.json": _MIB, "config.json": 16 * _MIB, "model.weights.h5": 512 * _MIB}
_MOST_MEMBERS = 100  # networks that are averaged
_MOST_LAYERS = 2_000
_MOST_OUTPUTS = 2**24  # numbers that one layer makes of one row
# Layers of Keras that read files, or load other programs, by themselves.
_BARRED = re.compile(r"Lookup|TextVectorization|TFSMLayer|TorchModule|JaxLayer|FlaxLayer|Lambda")


class ColumnEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    role: Literal["target", "number", "category", "group", "time", "left out"]
    reason: str
    missing: int = Field(ge=0)
    distinct: int = Field(ge=0)


@dataclass(frozen=True)
class FinalModel:
    """What `model.json` says.

    target    the target's name
    classes   labels in the order of the outputs; empty for a regression
    columns   the columns of the data, with their roles
    members   networks whose predictions are averaged
    centre, scale   of the target, in a network's regression: outputs × scale + centre
    constant  what a constant answers: a probability for each class, or a number
    labels    of an estimator's classes, as it has them sorted, their places in `classes`
    """

    target: str
    classes: tuple[str, ...]
    columns: tuple[Column, ...]
    members: int
    centre: float
    scale: float
    kind: Literal["network", "estimator", "constant"] = "network"
    constant: tuple[float, ...] = ()
    labels: tuple[int, ...] = ()

    @property
    def inputs(self) -> list[str]:
        """Return the names of the columns that the model reads."""
        return [c.name for c in self.columns if c.role in ("number", "category")]


class Description(BaseModel):
    """What `model.json` holds; see `FinalModel`."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    version: Literal[1, 2] = Field(alias="schema")  # 1: networks only
    kind: Literal["network", "estimator", "constant"] = "network"
    target: str
    classes: list[str] = Field(max_length=10_000)
    columns: list[ColumnEntry] = Field(max_length=100_000)
    members: int = Field(ge=1, le=_MOST_MEMBERS)
    centre: float
    scale: float
    constant: list[float] = Field([], max_length=10_000)
    labels: list[int] = Field([], max_length=10_000)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        answers = len(self.constant) if self.kind == "constant" else 0
        if self.kind == "constant" and answers != max(len(self.classes), 1):
            raise ValueError(f"a constant of {answers} numbers for {len(self.classes)} classes")
        if self.kind == "estimator" and sorted(self.labels) != list(range(len(self.classes))):
            raise ValueError("labels that are not those of the classes")
        return self


def check_archive(path: Path, kind: Kind) -> bytes:
    """Return a file of skops's, whose members are no larger than its kind can be meant to be.

    Raises FileNotFoundError, NinefoldError.
    """
    content = read_regular(path, kind)
    with _opened(path, content) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > kind.most:
            raise _refused(path, f"unpacks to more than {kind.called} can be")
        parse_json(archive.read("schema.json"), f"{path}, schema.json", AGAIN)
    return content


def check_network(path: Path) -> tuple[dict[str, Any], int]:
    """Return the configuration of a saved network, every layer of which is one of Keras's, and
    which needs no more weights than its file holds; and how many numbers its layers make of a row.
    Nothing of it is made.

    Raises FileNotFoundError, NinefoldError.
    """
    with _opened(path, read_regular(path, _NETWORK)) as archive:
        found = {entry.filename: entry.file_size for entry in archive.infolist()}
        if found.keys() != _PARTS.keys() or len(archive.infolist()) > len(_PARTS):
            raise _refused(path, f"holds {', '.join(sorted(found)[:5]) or 'nothing'}")
        for name, size in found.items():
            if size > _PARTS[name]:
                raise _refused(path, f"unpacks to {size / _MIB:,.0f} MiB of {name}")
        config = parse_json(archive.read("config.json"), f"{path}, config.json", AGAIN)
        held = _weights_held(path, archive.read("model.weights.h5"))
    if not isinstance(config, dict):
        raise _refused(path, "has no configuration")
    layers = list(_parts(_bare(config)))
    strange = next((part for part in layers if not _is_of_keras(part)), None)
    if strange is not None or len(layers) > _MOST_LAYERS:
        named = str(strange.get("class_name"))[:80] if strange else f"{len(layers):,} parts"
        raise _refused(path, f"is made of {named}, which ninefold does not load")
    return config, _must_fit(path, config, held)


def _opened(path: Path, content: bytes) -> ZipFile:
    try:
        return ZipFile(io.BytesIO(content))
    except (BadZipFile, ValueError, OSError) as error:
        raise _refused(path, f"is no archive ({error})") from None


def _refused(path: Path, why: str) -> NinefoldError:
    return NinefoldError(f"{path} cannot be loaded: it {why}", todo=AGAIN)


def _bare(config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a network without that of its training."""
    return {name: part for name, part in config.items() if name != "compile_config"}


def gives_logits(config: dict[str, Any]) -> bool:
    """Tell whether a network was compiled with a loss that takes its outputs for logits."""
    match config.get("compile_config"):
        case {"loss": {"config": {"from_logits": True}}}:
            return True
    return False


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    """Yield what a configuration names by its class, itself first."""
    if isinstance(value, dict):
        if "class_name" in value:
            yield value
        for item in value.values():
            yield from _parts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _parts(item)


def _is_of_keras(part: dict[str, Any]) -> bool:
    module, name = part.get("module"), part.get("class_name")
    if not isinstance(name, str) or _BARRED.search(name):
        return False
    if name.startswith("__"):  # a tensor, a tuple, a slice
        return name != "__lambda__"
    return isinstance(module, str) and (module == "keras" or module.startswith("keras."))


def _weights_held(path: Path, content: bytes) -> int:
    """Return how many numbers a file of weights holds: itself, unpacked and nowhere else."""
    import h5py

    found, seen = 0, 0
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            waiting: list[Any] = [file]
            while waiting:
                group = waiting.pop()
                for name in group:
                    seen += 1
                    if seen > _MOST_LAYERS * 10 or not _is_there(group, name):
                        raise _refused(path, "has weights that lie elsewhere")
                    inner = group[name]
                    if isinstance(inner, h5py.Group):
                        waiting.append(inner)
                    else:
                        found += inner.size or 0
    except (OSError, RuntimeError, KeyError, ValueError, AttributeError) as error:
        raise _refused(path, f"has no weights that can be read ({error})") from None
    return found


def _is_there(group: Any, name: str) -> bool:
    """Tell whether a member of an HDF5 group is in its file, as large there as it says."""
    import h5py

    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        return False
    inner = group[name]
    if isinstance(inner, h5py.Group):
        return True
    elsewhere = inner.external or inner.is_virtual
    return not elsewhere and inner.nbytes <= inner.id.get_storage_size()


def _must_fit(path: Path, config: dict[str, Any], held: int) -> int:
    """Return how many numbers the layers of a network make of a row. Raises NinefoldError where
    they need more weights than are held, or one makes more than a network can be meant to. Its
    variables get shapes here and no memory."""
    import keras

    try:
        with forgotten_variables(), keras.StatelessScope(initialize_variables=False):
            network = keras.saving.deserialize_keras_object(_bare(config), safe_mode=True)
            needed = sum(math.prod(variable.shape) for variable in network.weights)
            outputs = list(_outputs(network))
    except Exception as error:  # whatever Keras says of what a stranger wrote
        raise _refused(path, f"is no network that Keras can make ({_short(error)})") from None
    if needed > held:
        raise _refused(path, f"needs {needed:,} weights and holds {held:,}")
    if max(outputs, default=0) > _MOST_OUTPUTS:
        raise _refused(path, f"has a layer that makes {max(outputs):,} numbers of each row")
    return sum(outputs)


def _outputs(network: Any) -> Iterator[int]:
    """Yield how many numbers each layer makes of a row, in whatever network inside."""
    for layer in getattr(network, "operations", network.layers):
        for outputs in outputs_of(layer):
            yield sum(math.prod(size or 1 for size in output.shape) for output in outputs)
        if hasattr(layer, "layers"):
            yield from _outputs(layer)


def _short(error: Exception) -> str:
    plain = re.sub("\x1b\\[[0-9;]*m", "", str(error))  # Keras colours what it says
    return " ".join(plain.split())[:120]
