"""The final model on disk: model and fitted preparation, saved without pickle, loaded anywhere.

A folder holds `model.json` (what the inputs and outputs are; all that a constant needs),
`preparation.skops`, and one `network-N.keras` for each network whose predictions are averaged, or
`estimator.skops`.
"""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ninefold.bounded import write_whole
from ninefold.errors import NinefoldError, naming_others, one_line
from ninefold.files import Files
from ninefold.quiet import load_tensorflow
from ninefold.records import mistakes_of
from ninefold.stopping import end_of
from ninefold.study.columns import Column
from ninefold.study.dataset import make_inputs
from ninefold.study.loaded_model import LoadedModel, LoadedNetwork
from ninefold.study.model_files import (
    AGAIN,
    DESCRIPTION,
    ESTIMATOR,
    MODEL,
    NETWORK,
    PREPARATION,
    PREPARATION_FILE,
    Description,
    FinalModel,
    check_archive,
    check_network,
    gives_logits,
)
from ninefold.study.saved_estimator import load_estimator
from ninefold.study.training import refusing_memory
from ninefold.visible import visible_line

SCHEMA = 2
_TRUSTED = ["numpy.dtype"]  # what skops asks about in a fitted preparation of ninefold's
_MEMORY = 8 * 2**30  # bytes that a prediction gets, beyond what TensorFlow takes
_REFUSED = 3  # exit status: the last line on stderr says why


def save_model(folder: Path, model: FinalModel, preparation: Any) -> None:
    """Save what the model of a folder is, and its fitted preparation, if it has one."""
    import skops.io

    content = {"schema": SCHEMA, **asdict(model)}  # every digit: a target may be 2024 ± 0.5
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_whole(folder / MODEL, f"{text}\n")
    if preparation is not None:
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
    if not isinstance(content, dict) or content.get("schema") not in (1, SCHEMA):
        raise NinefoldError(f"{folder} holds a model of another version of ninefold", todo=AGAIN)
    with mistakes_of(str(folder / MODEL), AGAIN):
        found = Description.model_validate(content)
    return FinalModel(
        target=found.target, classes=tuple(found.classes),
        columns=tuple(Column(**dict(column)) for column in found.columns),
        members=found.members, centre=found.centre, scale=found.scale,
        kind=found.kind, constant=tuple(found.constant), labels=tuple(found.labels),
    )  # fmt: skip


def load_model(folder: Path) -> LoadedModel:
    """Load the model in a folder. Raises NinefoldError where there is none, a file of it is absent,
    broken or more than it says, or TensorFlow, which networks need, is not installed."""
    model = read_model(folder)
    if model.kind == "constant":
        return LoadedModel(model)
    if model.kind == "estimator":
        estimator = _load(folder / ESTIMATOR, load_estimator)
        return LoadedModel(model, _load(folder / PREPARATION, _preparation), estimator=estimator)
    load_tensorflow()
    networks = [NETWORK.format(number) for number in range(1, model.members + 1)]
    return LoadedModel(
        model,
        _load(folder / PREPARATION, _preparation),
        tuple(_load(folder / network, _network) for network in networks),
    )


def _preparation(path: Path) -> Any:
    import skops.io

    preparation = skops.io.loads(check_archive(path, PREPARATION_FILE), trusted=_TRUSTED)
    if not callable(getattr(preparation, "transform", None)):
        raise NinefoldError(f"{path} holds {type(preparation).__name__}, no preparation")
    if hasattr(preparation, "get_params"):  # no number of processes that a file asks for
        names = [name for name in preparation.get_params() if name.endswith("n_jobs")]
        preparation.set_params(**dict.fromkeys(names))
    return preparation


def _network(path: Path) -> LoadedNetwork:
    import keras

    config, size = check_network(path)
    network = keras.saving.load_model(path, compile=False, safe_mode=True)
    return LoadedNetwork(network, gives_logits(config), size)


def _load(path: Path, load: Callable[[Path], Any]) -> Any:
    try:
        with _refusing_memory(str(path)):
            return load(Files(path.parent).locate(path.name))
    except NinefoldError:
        raise
    except Exception as error:  # whatever a library says of what a stranger wrote
        raise NinefoldError(f"{path} cannot be loaded ({one_line(error)})", todo=AGAIN) from None


def _refusing_memory(name: str) -> AbstractContextManager[None]:
    return refusing_memory(name, "predicting", "predict fewer rows at a time")


def predict_rows(folder: Path, frame: pd.DataFrame) -> pd.DataFrame:
    """Predict raw rows with a saved model, in this process.

    Returns the target's name as first column: the likeliest label, or the number; for a
    classification then one column of probability for each class.

    Raises NinefoldError where an input column is absent or no number can be read in it.
    """
    return _predict(folder, make_inputs(frame, read_model(folder).columns))


def _predict(folder: Path, inputs: pd.DataFrame) -> pd.DataFrame:
    loaded = load_model(folder)
    name = f"the model in {folder}"
    with naming_others(f"{name} cannot predict these rows"), _refusing_memory(name):
        answer, model = loaded.answer(inputs), loaded.model
    if not model.classes:
        return pd.DataFrame({model.target: answer.taken("numbers", 0)})
    labels = np.array(model.classes)[answer.classes]
    shares = pd.DataFrame(
        answer.outputs, columns=[f"probability of {name}" for name in model.classes]
    )
    return pd.concat([pd.DataFrame({model.target: labels}), shares], axis=1)


def predict_in_fresh_process(
    folder: Path, frame: pd.DataFrame, memory: int = _MEMORY
) -> pd.DataFrame:
    """Predict as `predict_rows` does, in a new process that knows nothing but the folder, has so
    much memory (bytes) and no more, and ends with this one. The rows go there and back through
    pipes: no copy of them lies on a disk."""
    command = [sys.executable, "-P", "-m", "ninefold.study.final", str(folder), str(memory)]
    done = subprocess.run(command, input=_packed(frame), capture_output=True, check=False)
    if done.returncode == 0:
        return pd.read_parquet(io.BytesIO(done.stdout))
    said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"]
    if done.returncode == _REFUSED:
        raise NinefoldError(said[-1])
    if done.returncode < 0:
        raise NinefoldError(
            f"the process that predicts {end_of(done.returncode)}",
            f"expected a model that needs {memory / 2**30:g} GiB of memory at most",
        )
    raise NinefoldError(f"the saved model could not be used in a fresh process: {said[-1]}")


def _packed(frame: pd.DataFrame) -> bytes:
    packed = io.BytesIO()
    frame.to_parquet(packed)
    return packed.getvalue()


def main() -> None:
    """Predict the rows on stdin with the model in the folder named, in so many bytes of memory, and
    write that to stdout."""
    predictions = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints
    try:
        folder, memory = Path(sys.argv[1]), int(sys.argv[2])
        rows = pd.read_parquet(io.BytesIO(sys.stdin.buffer.read()))
        model = read_model(folder)
        inputs = make_inputs(rows, model.columns)  # what is wrong with them comes first
        if model.kind == "network":
            load_tensorflow()
        _limit_memory(memory)
        found = _packed(_predict(folder, inputs))
    except NinefoldError as error:
        print(visible_line(str(error)), file=sys.stderr)
        sys.exit(_REFUSED)
    with predictions:
        predictions.write(found)


def _limit_memory(more: int) -> None:
    """Let this process have so many bytes beyond what it has, where the system can see to it."""
    if sys.platform == "linux":
        import resource

        has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        hardest = resource.getrlimit(resource.RLIMIT_AS)[1]
        limit = has + more if hardest < 0 else min(has + more, hardest)
        resource.setrlimit(resource.RLIMIT_AS, (limit, hardest))


if __name__ == "__main__":
    main()
