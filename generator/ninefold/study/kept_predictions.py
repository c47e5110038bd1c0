"""What models answered, row by row, in Parquet files beside a section's record.

`predictions.parquet`: the out-of-fold predictions of all evaluations of a section, one row for each
test row of a fold: evaluation, seed (from 0: of a network trained from several in each fold),
repeat, fold, row (its position among the development rows, from 0), and the outputs: `prediction`;
of a classification `predicted`, and `probability of …` for each class, missing where a model gives
none. Outputs are float32 where every score comes out the same from them, to 1e-5, else float64.

`holdout-predictions.parquet`, of section 7: what the final model answered for each row of the
hold-out: row (its number in the data file, from 0), actual, and the same outputs.
"""

import hashlib
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from ninefold.bounded import AGAIN, PREDICTIONS, must_fit
from ninefold.errors import NinefoldError, one_line
from ninefold.files import Files
from ninefold.record_entries import KeptFile, PredictionsFile
from ninefold.study.protocol import PREDICTED
from ninefold.study.scoring import outputs_of, score_folds

if TYPE_CHECKING:
    from ninefold.study.evaluation import Evaluation

Frames = tuple[pd.DataFrame, ...]  # of an evaluation, one for each seed
OUT_OF_FOLD: Literal["predictions.parquet"] = "predictions.parquet"
HOLDOUT: Literal["holdout-predictions.parquet"] = "holdout-predictions.parquet"

_SEED = "seed"
_PLACES = {"repeat": "int16", "fold": "int32", "row": "int32"}
_PROBABILITY = "probability of "
_NUMBER = "prediction"
_CLOSE = 1e-5  # how far a score may move, as a share of it
# A stranger's file is no larger in memory than a study's can be: 512 MiB as numbers.
_MOST_ROWS, _MOST_COLUMNS, _MOST_VALUES = 2**25, 2**10, 2**26


def frames_of(evaluation: "Evaluation") -> Frames:
    """Return the predictions of an evaluation, a frame for each seed."""
    return tuple(one.predictions for one in evaluation.by_seed)


def to_keep(evaluation: "Evaluation") -> Frames:
    """Return the predictions of an evaluation as they are kept, a frame for each seed: its outputs
    in float32 if its scores come out the same from them, else in float64."""
    return tuple(_shortened(one) for one in evaluation.by_seed)


def _shortened(evaluation: "Evaluation") -> pd.DataFrame:
    frame = evaluation.predictions
    outputs = outputs_of(frame)
    if not outputs:
        return frame
    rounded = frame.astype(dict.fromkeys(outputs, "float32"))
    if not np.isfinite(rounded[outputs].to_numpy()).all():  # beyond what float32 holds
        return frame
    kept = rounded.astype(frame.dtypes)
    same = _alike(evaluation, kept, evaluation.scores) or _alike(
        # of what ranks by other than its probabilities, or is a constant for each metric
        evaluation, kept, score_folds(frame, evaluation.protocol, evaluation.diverged)
    )  # fmt: skip
    return rounded if same else frame


def _alike(evaluation: "Evaluation", predictions: pd.DataFrame, scores: pd.DataFrame) -> bool:
    """Tell whether predictions give these scores, but for 1e-5 of them."""
    again = score_folds(predictions, evaluation.protocol, evaluation.diverged)
    return all(
        np.allclose(
            again[metric], scores[metric], rtol=_CLOSE, equal_nan=True,
            atol=0 if metric in ("rmse", "mae") else _CLOSE / 100,
        )
        for metric in evaluation.protocol.metrics
    )  # fmt: skip


def pack_predictions(frames: Mapping[str, Frames]) -> bytes:
    """Return the Parquet file of a section's evaluations, name → what `to_keep` returned; the same
    predictions give the same bytes. Raises NinefoldError where it would be too large."""
    parts = [
        _renamed(frame).assign(
            evaluation=pd.Categorical([name] * len(frame), list(frames)), seed=seed
        )
        for name, its in frames.items()
        for seed, frame in enumerate(its)
    ]
    whole = pd.concat(parts, ignore_index=True)  # float64 where one part has it
    whole["evaluation"] = pd.Categorical(whole["evaluation"], list(frames))
    first = ["evaluation", _SEED]
    whole = whole.astype({_SEED: "int16"})
    return _pack(whole[[*first, *whole.columns.drop(first)]], OUT_OF_FOLD)


def pack_holdout(rows: np.ndarray, actual: np.ndarray, answers: pd.DataFrame) -> bytes:
    """Return the Parquet file of a final model's answers.

    rows     (n,) numbers in the data file; actual (n,) labels as text, or numbers
    answers  (n, …) as `ninefold predict` writes them: the first column is what was predicted
    """
    _, *others = answers.columns
    columns = [PREDICTED if others else _NUMBER, *others]  # "probability of …"
    frame = answers.set_axis(columns, axis=1).reset_index(drop=True)
    frame.insert(0, "actual", actual)
    frame.insert(0, "row", rows)
    return _pack(frame, HOLDOUT)


def describe_kept(content: bytes) -> KeptFile:
    """Return what a record says of a file that was kept."""
    rows = _footer(content, "predictions").num_rows
    return {"sha256": hashlib.sha256(content).hexdigest(), "rows": rows, "bytes": len(content)}


def read_predictions(
    files: Files, section: str, kept: Mapping[PredictionsFile, KeptFile]
) -> dict[str, Frames]:
    """Return the out-of-fold predictions of a section: evaluation → for each seed a frame as
    `Evaluation.predictions`, but for its probabilities, which are rounded.

    kept  what the section's record says it has kept

    Raises NinefoldError where it has kept none, or the file is not the one that the record names,
    broken, larger than one can be, or of another form.
    """
    name = f"results/{section}/{OUT_OF_FOLD}"
    if OUT_OF_FOLD not in kept:
        raise NinefoldError(f"{section} has kept no out-of-fold predictions", todo=AGAIN)
    try:
        content = files.read(name, PREDICTIONS)
    except FileNotFoundError:
        raise NinefoldError(
            f"{name} is gone", "the record of its section names it", AGAIN
        ) from None
    if hashlib.sha256(content).hexdigest() != kept[OUT_OF_FOLD]["sha256"]:
        raise NinefoldError(f"{name} is not the file that its section's record names", todo=AGAIN)
    frame = _unpack(content, name)
    parts = frame.groupby("evaluation", observed=True, sort=False)
    try:
        return {
            str(own): tuple(_as_evaluated(one) for _, one in part.groupby(_SEED))
            for own, part in parts
        }
    except (ValueError, TypeError) as error:  # text for a number
        raise NinefoldError(f"{name} cannot be read ({one_line(error)})", todo=AGAIN) from None


def _renamed(frame: pd.DataFrame) -> pd.DataFrame:
    outputs = outputs_of(frame)
    named = {name: _PROBABILITY + name for name in outputs} if PREDICTED in frame else {}
    return frame.set_axis([named.get(str(c), c) for c in frame], axis=1).astype(_PLACES)


def _as_evaluated(part: pd.DataFrame) -> pd.DataFrame:
    found = part.drop(columns=["evaluation", _SEED]).reset_index(drop=True)
    outputs = [column for column in found if column not in (*_PLACES, PREDICTED)]
    found = found.astype(dict.fromkeys(_PLACES, "int64") | dict.fromkeys(outputs, "float64"))
    if PREDICTED in found:
        found[PREDICTED] = found[PREDICTED].to_numpy(dtype=str)
        if found[outputs].isna().to_numpy().all():
            return found[[*_PLACES, PREDICTED]]
    if not np.isfinite(found[outputs].to_numpy()).all():
        raise ValueError("predictions that are not finite")
    return found.set_axis([str(c).removeprefix(_PROBABILITY) for c in found], axis=1)


def _pack(frame: pd.DataFrame, name: str) -> bytes:
    import pyarrow as arrow
    from pyarrow import parquet

    texts = [c for c in frame if not pd.api.types.is_numeric_dtype(frame[c])]
    frame = frame.astype(dict.fromkeys(texts, "category"))
    table = arrow.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    floats = [c for c in frame if c not in texts and frame[c].dtype.kind == "f"]
    packed = io.BytesIO()
    parquet.write_table(
        table, packed, compression="zstd", compression_level=9,
        use_dictionary=texts, use_byte_stream_split=floats,
    )  # fmt: skip
    content = packed.getvalue()
    must_fit(name, len(content), PREDICTIONS, "evaluate fewer variants in one section")
    return content


def _unpack(content: bytes, name: str) -> pd.DataFrame:
    import pyarrow as arrow
    from pyarrow import parquet

    _footer(content, name)
    try:
        file = parquet.ParquetFile(io.BytesIO(content))
        texts = [f.name for f in file.schema_arrow if not _is_number(f.type)]
        # texts stay codes into what they are taken from: a long one repeated is no memory
        table = parquet.ParquetFile(io.BytesIO(content), read_dictionary=texts).read()
        frame = table.to_pandas(ignore_metadata=True)
    except (arrow.ArrowException, OSError, ValueError, MemoryError) as error:
        raise NinefoldError(f"{name} cannot be read ({one_line(error)})", todo=AGAIN) from None
    needed = ["evaluation", _SEED, *_PLACES]
    if any(c not in frame for c in needed) or frame[needed].isna().to_numpy().any():
        raise NinefoldError(
            f"{name} does not say what its predictions are of",
            "expected the columns evaluation, seed, repeat, fold and row",
            AGAIN,
        )
    return frame


def _footer(content: bytes, name: str) -> Any:
    """Return what a Parquet file says of itself. Raises NinefoldError where it is none, or would be
    larger than a study's can be, before any of it is unpacked."""
    import pyarrow as arrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(io.BytesIO(content))
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise NinefoldError(f"{name} is no Parquet file ({one_line(error)})", todo=AGAIN) from None
    found = file.metadata
    rows, columns = found.num_rows, found.num_columns
    groups = [found.row_group(number) for number in range(found.num_row_groups)]
    if (
        rows > _MOST_ROWS or columns > _MOST_COLUMNS or rows * columns > _MOST_VALUES
        or sum(group.num_rows for group in groups) != rows
        or sum(group.total_byte_size for group in groups) > 16 * _MOST_VALUES
    ):  # fmt: skip
        raise NinefoldError(
            f"{name} holds {rows:,} rows of {columns:,} columns",
            "its row groups do not fit its footer, or a study's predictions are smaller",
            AGAIN,
        )
    wrong = [f"'{f.name}'" for f in file.schema_arrow if not _is_plain(f.type)]
    names = file.schema_arrow.names
    if wrong or len(set(names)) < len(names):
        raise NinefoldError(
            f"{name} has columns of another kind: {', '.join(wrong) or 'one of them twice'}",
            "expected numbers and text",
            AGAIN,
        )
    return found


def _is_number(kind: Any) -> bool:
    from pyarrow import types

    return types.is_integer(kind) or types.is_floating(kind)


def _is_plain(kind: Any) -> bool:
    from pyarrow import types

    kind = kind.value_type if types.is_dictionary(kind) else kind
    return _is_number(kind) or types.is_string(kind) or types.is_large_string(kind)
