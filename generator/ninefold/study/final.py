"""The final model on disk: networks and fitted preparation, saved without pickle, loaded anywhere.

A folder holds `model.json` (what the inputs and outputs are), `preparation.skops` and one
`network-N.keras` for each member, whose predictions are averaged.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from ninefold.errors import NinefoldError
from ninefold.quiet import load_tensorflow
from ninefold.records import write_json
from ninefold.study.columns import Column
from ninefold.study.dataset import make_inputs
from ninefold.study.learners import network_prediction
from ninefold.study.preparation import tidy_inputs, transform

SCHEMA = 1
_AGAIN = "run section 7 again"
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

    write_json(folder / "model.json", {"schema": SCHEMA, **asdict(model)})
    skops.io.dump(preparation, folder / "preparation.skops")


def save_network(folder: Path, number: int, network: Any) -> None:
    """Save one member, while it holds its weights: a trainer reuses one network for all."""
    folder.mkdir(parents=True, exist_ok=True)
    network.save(folder / f"network-{number}.keras")


def read_model(folder: Path) -> FinalModel:
    """Read what a saved model is. Raises NinefoldError where there is none, or of another kind."""
    try:
        content = json.loads((folder / "model.json").read_text("utf-8"))
    except FileNotFoundError:
        raise NinefoldError(
            "there is no final model yet", todo="run section 7: ninefold run 7-final-model"
        ) from None
    except ValueError as error:
        raise NinefoldError(
            f"{folder / 'model.json'} is not valid JSON ({error})", todo=_AGAIN
        ) from None
    try:
        if content.pop("schema") != SCHEMA:
            raise KeyError("schema")
        columns = tuple(Column(**column) for column in content["columns"])
        return FinalModel(**content | {"columns": columns, "classes": tuple(content["classes"])})
    except (KeyError, TypeError):
        raise NinefoldError(
            f"{folder} holds a model of another version of ninefold", todo=_AGAIN
        ) from None


@dataclass(frozen=True)
class LoadedModel:
    """A saved model, ready to predict."""

    model: FinalModel
    preparation: Any
    networks: tuple[Any, ...]

    def outputs(self, X: pd.DataFrame) -> np.ndarray:
        """Return probabilities (n, K) or numbers (n,) in the target's units for the inputs X, as
        `make_inputs` returns them: the mean of the members."""
        x = transform(self.preparation, tidy_inputs(X)).astype("float32")
        classes = len(self.model.classes)
        found = [
            network_prediction(network(x, training=False), network, classes, None)
            for network in self.networks
        ]
        mean = np.mean(found, axis=0)
        if not np.isfinite(mean).all():
            raise NinefoldError(
                "the final model's outputs are not finite", todo="run section 7 again"
            )
        return mean if classes else mean[:, 0] * self.model.scale + self.model.centre


def load_model(folder: Path) -> LoadedModel:
    """Load the model in a folder. Raises NinefoldError where there is none, a file of it is absent
    or broken, or TensorFlow is not installed."""
    model = read_model(folder)
    load_tensorflow()
    import keras
    import skops.io

    load_preparation = partial(skops.io.load, trusted=_TRUSTED)
    networks = [folder / f"network-{number}.keras" for number in range(1, model.members + 1)]
    return LoadedModel(
        model,
        _load(folder / "preparation.skops", load_preparation),
        tuple(_load(network, keras.saving.load_model) for network in networks),
    )


def _load(path: Path, load: Callable[[Path], Any]) -> Any:
    try:
        return load(path)
    except (OSError, ValueError, TypeError, BadZipFile) as error:
        raise NinefoldError(f"{path} cannot be loaded ({error})", todo=_AGAIN) from None


def predict_rows(folder: Path, frame: pd.DataFrame) -> pd.DataFrame:
    """Predict raw rows with a saved model, in this process.

    Returns the target's name as first column: the likeliest label, or the number; for a
    classification then one column of probability for each class.

    Raises NinefoldError where an input column is absent or no number can be read in it.
    """
    inputs = make_inputs(frame, read_model(folder).columns)
    loaded = load_model(folder)
    found, model = loaded.outputs(inputs), loaded.model
    if not model.classes:
        return pd.DataFrame({model.target: found})
    labels = np.array(model.classes)[found.argmax(axis=1)]
    shares = pd.DataFrame(found, columns=[f"probability of {name}" for name in model.classes])
    return pd.concat([pd.DataFrame({model.target: labels}), shares], axis=1)


def predict_in_fresh_process(folder: Path, frame: pd.DataFrame) -> pd.DataFrame:
    """Predict as `predict_rows` does, in a new process that knows nothing but the folder."""
    with tempfile.TemporaryDirectory() as scratch:
        rows, predictions = Path(scratch) / "rows.parquet", Path(scratch) / "predictions.parquet"
        frame.to_parquet(rows)
        arguments = map(str, (folder, rows, predictions))
        command = [sys.executable, "-m", "ninefold.study.final", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise NinefoldError(f"the saved model could not be used in a fresh process: {last}")
        return pd.read_parquet(predictions)


if __name__ == "__main__":
    _folder, _rows, _predictions = map(Path, sys.argv[1:])
    predict_rows(_folder, pd.read_parquet(_rows)).to_parquet(_predictions)
