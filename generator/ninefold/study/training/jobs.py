"""What training is given and what it leaves: rows, a recipe, jobs, what was trained."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ninefold.errors import NinefoldError, must_be_whole
from ninefold.study.training.forms import PLAIN, Form
from ninefold.study.training.progress import Progress

TARGETS = ("auto", "codes", "one-hot")
ENGINES = ("auto", "batched", "batched-xla", "graph", "xla", "fit")


@dataclass(frozen=True)
class Rows:
    """What a network is fed: x (n, …) float32, y (n, outputs), weight (n,) in training, and
    `seen_as` (n,), their weight where they are only looked at; None: the same. `form` tells what
    a model of several inputs or outputs makes of them."""

    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    seen_as: np.ndarray | None = None
    form: Form = PLAIN

    def __len__(self) -> int:
        return len(self.x)

    @property
    def seen(self) -> "Rows":
        """Return the rows as they are looked at."""
        return self if self.seen_as is None else replace(self, weight=self.seen_as, seen_as=None)

    @property
    def first(self) -> "Rows":
        """Return the first few rows, enough to try a model on."""
        few = slice(8)
        return replace(self, x=self.x[few], y=self.y[few], weight=self.weight[few], seen_as=None)

    def fed(self, weighted: bool = True) -> tuple[Any, ...]:
        """Return inputs, targets and, if asked for, weights, as Keras takes them."""
        return (self.form.x(self.x), self.form.y(self.y), self.weight)[: 3 if weighted else 2]


@dataclass(frozen=True)
class Recipe:
    """How each network is trained, the same for all folds.

    engine   one of ENGINES; "auto": what `choose_engine` finds fit for the model and the recipe
    targets  one of TARGETS: what the loss of a network of several outputs is given
    scale_target  the target of a regression: True, standardised; False, as it is; a transformer of
             scikit-learn's; "auto": standardised if the network's last layer and loss allow it
    seeds    how many networks are trained in each fold
    variant  what the networks are called among others of the same recipe; "": there are none
    progress where it is told how far training is
    """

    epochs: int
    batch_size: int
    callbacks: Sequence[Any] = ()
    engine: str = "auto"
    targets: str = "auto"
    scale_target: Any = "auto"
    seeds: int = 1
    variant: str = ""
    progress: Progress = field(default_factory=Progress, compare=False)

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "seeds"):
            must_be_whole(name, getattr(self, name), 1)
        if self.engine not in ENGINES:
            raise NinefoldError(f"engine={self.engine!r}", f"expected one of {', '.join(ENGINES)}")
        if self.targets not in TARGETS:
            raise NinefoldError(
                f"targets={self.targets!r}", f"expected one of {', '.join(TARGETS)}"
            )
        for callback in self.callbacks:
            if isinstance(callback, type) or not hasattr(callback, "on_epoch_end"):
                raise NinefoldError(
                    f"callbacks holds {callback!r}", "expected callbacks, such as CSVLogger(…)"
                )
        scale = self.scale_target
        known = isinstance(scale, bool) or (isinstance(scale, str) and scale == "auto")
        if not known and (isinstance(scale, type) or not hasattr(scale, "inverse_transform")):
            raise NinefoldError(
                f"scale_target={scale!r}",
                'expected True, False, "auto" or a transformer of scikit-learn with an inverse',
            )

    def of(self, variant: str, progress: Progress) -> "Recipe":
        """Return the same recipe for one of several variants, which share its callbacks."""
        named = copy.copy(self)  # a study's recipe reads its settings late
        vars(named).update(variant=variant, progress=progress)
        return named


@dataclass(frozen=True)
class Job:
    """One network to train: on `rows`, watched on `validation`, everything drawn from `seed`.

    name     what a message calls it: "repeat 1, fold 2"
    variant  of several that are trained side by side
    replicate  0 for the first seed of a fold, 1 for the second …
    """

    rows: Rows
    validation: Rows | None
    seed: int
    name: str = ""
    variant: str = ""
    replicate: int = 0

    @property
    def place(self) -> str:
        """Return what tells it from all others: "dropout, repeat 1, fold 2"."""
        return ", ".join(filter(None, (self.variant, self.name)))


def are_weighted(jobs: Sequence[Job]) -> bool:
    """Tell whether any row has another weight than 1. If none has, Keras is given no weights, as
    under a plain `model.fit`: a `train_step` of one's own may take (x, y) alone."""
    parts = (part for job in jobs for part in (job.rows, job.validation) if part)
    return any(bool((part.weight != 1).any()) for part in parts)


@dataclass
class Trained:
    """What training one network left.

    train, validation  metric → its value after each epoch, evaluated at the end of the epoch, in
                       inference mode, without penalties
    history            what `model.fit` calls history: metric or val_metric → its values; of the
                       training rows it weighs batches while weights change, penalties included
    weights            as `model.get_weights()` gives them
    callbacks          the copies of the recipe's that were called
    """

    train: dict[str, list[float]] = field(default_factory=dict)
    validation: dict[str, list[float]] = field(default_factory=dict)
    history: dict[str, list[float]] = field(default_factory=dict)
    weights: list[np.ndarray] = field(default_factory=list)
    callbacks: tuple[Any, ...] = ()
    seconds: float = 0.0

    def add(self, logs: dict[str, float], train: dict, validation: dict) -> None:
        """Append one epoch: the history's logs and the two curves' points."""
        parts = ((self.history, logs), (self.train, train), (self.validation, validation))
        for curve, point in parts:
            for name, value in point.items():
                curve.setdefault(name, []).append(float(value))


def row_orders(seed: int, rows: int) -> Iterator[np.ndarray]:
    """Yield the order of the rows in each epoch (rows,): what `model.fit` must be fed, without
    shuffling, to end in the same weights."""
    generator = np.random.default_rng(seed)
    while True:
        yield generator.permutation(rows).astype("int32")
