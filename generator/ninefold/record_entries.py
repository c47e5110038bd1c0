"""The parts of a record, each checked down to its leaves; `records` puts them together.

Keys that a part does not name are let through: a record of a later ninefold may have them.
"""

from typing import Annotated, Literal, NotRequired

from pydantic import ConfigDict, Field, JsonValue, with_config
from typing_extensions import TypedDict

_STRICT = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)
FactKind = Literal["fact", "note", "idea"]
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0, le=1e10)]
PredictionsFile = Literal["predictions.parquet", "holdout-predictions.parquet"]
# Of a section's own folder, so that no record can name another file.
_FIGURE = r"^figures/[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*\.(svg|png)$"


@with_config(_STRICT)
class Mean(TypedDict):
    """A mean with its interval, in which None stands for what is not defined.

    method  how both were made, where that is not "mean over the folds"; see `study.estimates`
    """

    mean: float | None
    low: float | None
    high: float | None
    method: NotRequired[str]


@with_config(_STRICT)
class SkillEntry(TypedDict):
    """The difference from the naive model by the metric that decides, as `skill_of` tests it."""

    mean: float | None
    low: float | None
    high: float | None
    standard_error: float | None
    freedom: Count
    t: float | None
    p: float | None
    remark: str


@with_config(_STRICT)
class VariantEntry(TypedDict):
    """What was judged; see `describe_variant`."""

    function: str
    keywords: dict[str, JsonValue]
    rebuildable: bool
    epochs: NotRequired[Count]
    batch_size: NotRequired[Count]
    model_seed: NotRequired[int]
    family: NotRequired[str]  # see study/simplicity.py
    estimator: NotRequired[dict[str, JsonValue]]  # see study/blueprints.py


@with_config(_STRICT)
class EvaluationEntry(TypedDict):
    """An evaluation as `Evaluation.to_record` writes it."""

    variant: VariantEntry
    metric: str
    summary: dict[str, Mean]
    scores: dict[str, list[float | None]]
    scores_by_seed: NotRequired[dict[str, list[list[float | None]]]]
    skill: NotRequired[SkillEntry | None]
    folds: Count
    repeats: Count
    n_train: Count
    n_test: Count
    engine: str
    parameters: Count
    members: Count
    splits: NotRequired[str]  # a digest of the folds
    fits: Count
    fit_seconds: Seconds
    predict_seconds: Seconds


@with_config(_STRICT)
class FactEntry(TypedDict):
    """One computed line; its text says where the values go."""

    kind: FactKind
    text: str
    values: dict[str, JsonValue]


@with_config(_STRICT)
class ColumnEntry(TypedDict):
    name: str
    label: str
    format: str


@with_config(_STRICT)
class TableEntry(TypedDict):
    caption: str
    columns: list[ColumnEntry]
    rows: list[list[JsonValue]]


@with_config(_STRICT)
class FigureFiles(TypedDict):
    """Paths from the section's results."""

    light: Annotated[str, Field(pattern=_FIGURE)]
    dark: NotRequired[Annotated[str, Field(pattern=_FIGURE)]]


@with_config(_STRICT)
class FigureEntry(TypedDict):
    drawing: str
    caption: str
    alt: str
    data: dict[str, JsonValue]
    files: FigureFiles


@with_config(_STRICT)
class KeptFile(TypedDict):
    """A file that lies beside the record; see study/kept_predictions."""

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    rows: Count
    bytes: Count


@with_config(_STRICT)
class NoForecast(TypedDict):
    stated: Literal["never"]


@with_config(_STRICT)
class LaterForecast(TypedDict):
    winner: str
    difference: float
    confidence: float


@with_config(_STRICT)
class ForecastEntry(TypedDict):
    """A forecast; `later` is another one, stated after the result that this one preceded."""

    stated: Literal["before", "after"]
    winner: str
    difference: float
    confidence: float
    later: NotRequired[LaterForecast]


@with_config(_STRICT)
class KeyEntry(TypedDict, total=False):
    """All that results depend on; see running/staleness."""

    code: str
    parameters: dict[str, str]
    settings: dict[str, str]
    files: dict[str, str]
    libraries: dict[str, str]
    sections: dict[str, str]


@with_config(_STRICT)
class DataEntry(TypedDict):
    """Which rows were read: `sha256` of the file, or of a built-in dataset as CSV."""

    source: str
    sha256: str


@with_config(_STRICT)
class RunEntry(TypedDict, total=False):
    """Under what a run ran; see running/provenance.

    log   head of the log of runs as the record was finished; see history
    data  by the notebook itself, if it opened the study's data
    """

    started: str
    seconds: Seconds
    versions: dict[str, str]
    machine: dict[str, JsonValue]
    commit: str
    changes: str
    log: str
    data: DataEntry
