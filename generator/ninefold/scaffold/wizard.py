"""What the wizard knows: what it shows of a dataset, what it proposes, what it refuses.

It asks and prints nothing itself; that is `ninefold.cli.new`'s.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from ninefold.errors import NinefoldError
from ninefold.scaffold.answers import check_answer, complete_answers
from ninefold.scaffold.dataset import Shipment, check_against_data, data_settings
from ninefold.study.columns import Column, describe_columns, infer_problem
from ninefold.study.dataset import Dataset
from ninefold.study.metrics import deciding_metric

# In this order, because each proposal rests on the answers before it.
QUESTIONS = (
    *("target", "drop", "categorical", "group", "time", "problem", "metric", "title"),
    *("author", "email", "github", "origin", "data_licence", "licence"),
)
_ABOUT_DATA = ("target", "drop", "categorical", "group", "time", "problem", "metric")
_TARGET_NAMES = ("target", "label", "class", "outcome", "response", "y", "diagnosis", "species")


@dataclass(frozen=True)
class Preview:
    """What a person wants to see of a table before being asked about it."""

    rows: int
    first: pd.DataFrame  # the first rows
    columns: tuple[Column, ...]
    types: dict[str, str]  # column → "number", "text", …
    repeated: int  # rows that repeat an earlier one
    notes: tuple[str, ...]


def preview(shipment: Shipment, target: str) -> Preview:
    """Return what to show of a dataset if `target` is its target."""
    frame = shipment.reading.frame
    settings = data_settings({"data": shipment.name, "target": target})
    return Preview(
        rows=len(frame),
        first=frame.head(5),
        columns=describe_columns(frame, settings),
        types={str(name): _type(frame[name]) for name in frame},
        repeated=int(frame.duplicated().sum()),
        notes=shipment.notes,
    )


def propose(question: str, answers: Mapping[str, str], shipment: Shipment) -> str:
    """Return the answer to a question that is most likely right, given those before it.

    Raises NinefoldError where the table has no column that could be a target.
    """
    if question == "target" and shipment.path:
        return propose_target(shipment.reading.frame)
    if question in ("problem", "metric"):
        dataset = check_against_data(answers, shipment)
        return dataset.problem if question == "problem" else _metric(dataset)
    return complete_answers({**answers, "data": shipment.name})[question]


def propose_target(frame: pd.DataFrame) -> str:
    """Return the column that is called like a target, else the last one that could be one."""
    able = [str(name) for name in frame if _can_be_target(frame[name])]
    if not able:
        raise NinefoldError(
            "no column can be a target", "expected one with two or more different values"
        )
    named = [name for name in able if name.casefold() in _TARGET_NAMES]
    return named[-1] if named else able[-1]


def check(question: str, answer: str, answers: Mapping[str, str], shipment: Shipment) -> None:
    """Raise NinefoldError where an answer is wrong in itself, or for these data."""
    check_answer(question, answer)
    if question in _ABOUT_DATA:
        check_against_data({**answers, "data": shipment.name, question: answer}, shipment)


def class_balance(dataset: Dataset) -> list[tuple[str, int]]:
    """Return each class with its rows, the largest first; [] in a regression."""
    counts = Counter(dataset.classes[code] for code in dataset.y) if dataset.classes else Counter()
    return counts.most_common()


def _metric(dataset: Dataset) -> str:
    return deciding_metric(dataset.y, dataset.problem)[0]


def _can_be_target(values: pd.Series) -> bool:
    try:
        infer_problem(values)
    except NinefoldError:
        return False
    return True


def _type(values: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(values):
        return "true/false"
    if pd.api.types.is_datetime64_any_dtype(values):
        return "date"
    if pd.api.types.is_integer_dtype(values):
        return "whole number"
    return "number" if pd.api.types.is_numeric_dtype(values) else "text"
