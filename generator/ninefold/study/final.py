"""The final model on disk: networks and fitted preparation, saved without pickle, loaded anywhere.

A folder holds `model.json` (what the inputs and outputs are), `preparation.skops` and one
`network-N.keras` for each member, whose predictions are averaged.
"""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ninefold.bounded import write_whole
from ninefold.errors import NinefoldError, naming_others, one_line
from ninefold.files import Files
from ninefold.quiet import load_tensorflow
from ninefold.records import mistakes_of
from ninefold.study.columns import Column
from ninefold.study.dataset import make_inputs
from ninefold.study.learners import network_prediction
from ninefold.study.model_files import (
    AGAIN,
    DESCRIPTION,
    MODEL,
    NETWORK,
    PREPARATION,
    Description,
    check_network,
    check_preparation,
    gives_logits,
)
from ninefold.study.preparation import tidy_inputs, transform

SCHEMA = 1
_TRUSTED = ["numpy.dtype"]  # what skops asks about in a fitted preparation of ninefold's


@dataclass(frozen=True)
class FinalModel:
    """What `model.json` says.

    target    the target's name
    classes   labels in the order of the outputs; empty for a regression
    columns   the columns of the data, with their roles
    members   networks whose predictions are averaged
    centre, scale   of the target, in a regression: outputs × scale + centre
    """

    target: str
    classes: tuple[str, ...]
    columns: tuple[Column, ...]
    members: int
    centre: float
    scale: float

    @property
    def inputs(self) -> list[str]:
        """Return the names of the columns that the model reads."""
        return [c.name for c in self.columns if c.role in ("number", "category")]


def save_model(folder: Path, model: FinalModel, preparation: Any) -> None:
    """Save what the networks of a folder share: what the model is, and its fitted preparation."""
    import skops.io

    content = {"schema": SCHEMA, **asdict(model)}  # every digit: a target may be 2024 ± 0.5
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_whole(folder / MODEL, f"{text}\n")
    skops.io.dump(preparation, folder / PREPARATION)


def save_network(folder: Path, number: int, network: Any) -> None:
    """Save one member, while it holds its weights: a trainer reuses one network for all."""
    folder.mkdir(parents=True, exist_ok=True)
    network.save(folder / NETWORK.format(number))


def read_model(folder: Path) -> FinalModel:
    """Read what a saved model is. Raises NinefoldError where there is none, or of another kind."""
    files = Files(folder)
    try:
        content = files.json(MODEL, DESCRIPTION)
    except FileNotFoundError:
        raise NinefoldError(
            "there is no final model yet", todo="run section 7: ninefold run 7-final-model"
        ) from None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise NinefoldError(f"{folder} holds a model of another version of ninefold", todo=AGAIN)
    with mistakes_of(str(folder / MODEL), AGAIN):
        found = Description.model_validate(content)
    columns = tuple(Column(**dict(column)) for column in found.columns)
    classes = tuple(found.classes)
    return FinalModel(found.target, classes, columns, found.members, found.centre, found.scale)


@dataclass(frozen=True)
class LoadedModel:
    """A saved model, ready to predict."""

    model: FinalModel
    preparation: Any
    networks: tuple[tuple[Any, bool], ...]  # each with whether it answers with logits

    def outputs(self, X: pd.DataFrame) -> np.ndarray:
        """Return probabilities (n, K) or numbers (n,) in the target's units for the inputs X, as
        `make_inputs` returns them: the mean of the members."""
        x = transform(self.preparation, tidy_inputs(X)).astype("float32")
        classes = len(self.model.classes)
        found = [
            network_prediction(network(x, training=False), logits, classes, None)
            for network, logits in self.networks
        ]
        mean = np.mean(found, axis=0)
        if not np.isfinite(mean).all():
            raise NinefoldError(
                "the final model's outputs are not finite", todo="run section 7 again"
            )
        return mean if classes else mean[:, 0] * self.model.scale + self.model.centre


def load_model(folder: Path) -> LoadedModel:
    """Load the model in a folder. Raises NinefoldError where there is none, a file of it is absent,
    broken or more than it says, or TensorFlow is not installed."""
    model = read_model(folder)
    load_tensorflow()
    networks = [NETWORK.format(number) for number in range(1, model.members + 1)]
    return LoadedModel(
        model,
        _load(folder / PREPARATION, _preparation),
        tuple(_load(folder / network, _network) for network in networks),
    )


def _preparation(path: Path) -> Any:
    import skops.io

    preparation = skops.io.loads(check_preparation(path), trusted=_TRUSTED)
    if not callable(getattr(preparation, "transform", None)):
        raise NinefoldError(f"{path} holds {type(preparation).__name__}, no preparation")
    return preparation


def _network(path: Path) -> tuple[Any, bool]:
    import keras

    config = check_network(path)
    network = keras.saving.load_model(path, compile=False, safe_mode=True)
    return network, gives_logits(config)


def _load(path: Path, load: Callable[[Path], Any]) -> Any:
    try:
        return load(Files(path.parent).locate(path.name))
    except NinefoldError:
        raise
    except Exception as error:  # whatever a library says of what a stranger wrote
        raise NinefoldError(f"{path} cannot be loaded ({one_line(error)})", todo=AGAIN) from None


def predict_rows(folder: Path, frame: pd.DataFrame) -> pd.DataFrame:
    """Predict raw rows with a saved model, in this process.

    Returns the target's name as first column: the likeliest label, or the number; for a
    classification then one column of probability for each class.

    Raises NinefoldError where an input column is absent or no number can be read in it.
    """
    inputs = make_inputs(frame, read_model(folder).columns)
    loaded = load_model(folder)
    with naming_others(f"the model in {folder} cannot predict these rows"):
        found, model = loaded.outputs(inputs), loaded.model
    if not model.classes:
        return pd.DataFrame({model.target: found})
    labels = np.array(model.classes)[found.argmax(axis=1)]
    shares = pd.DataFrame(found, columns=[f"probability of {name}" for name in model.classes])
    return pd.concat([pd.DataFrame({model.target: labels}), shares], axis=1)


def predict_in_fresh_process(folder: Path, frame: pd.DataFrame) -> pd.DataFrame:
    """Predict as `predict_rows` does, in a new process that knows nothing but the folder. The rows
    go there and back through pipes: no copy of them lies on a disk."""
    command = [sys.executable, "-m", "ninefold.study.final", str(folder)]
    done = subprocess.run(command, input=_packed(frame), capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise NinefoldError(
            f"the saved model could not be used in a fresh process: {(said or ['no message'])[-1]}"
        )
    return pd.read_parquet(io.BytesIO(done.stdout))


def _packed(frame: pd.DataFrame) -> bytes:
    packed = io.BytesIO()
    frame.to_parquet(packed)
    return packed.getvalue()


def main() -> None:
    """Predict the rows on stdin with the model in the folder named, and write that to stdout."""
    predictions = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints
    rows = pd.read_parquet(io.BytesIO(sys.stdin.buffer.read()))
    with predictions:
        predictions.write(_packed(predict_rows(Path(sys.argv[1]), rows)))


if __name__ == "__main__":
    main()
