"""The study as a notebook sees it: development rows, the harness, what to record and show."""

import os
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ninefold.errors import NinefoldError
from ninefold.history import append
from ninefold.project import Project, find_project
from ninefold.records import Record
from ninefold.study.by_hand import number_by_hand, said_by_hand, section_by_hand
from ninefold.study.comparison import compare
from ninefold.study.constant_output import constant_folds
from ninefold.study.dataset import Dataset
from ninefold.study.evaluation import Evaluation
from ninefold.study.forecast_names import must_be_named
from ninefold.study.harness import Harness, judge_all, judge_constant
from ninefold.study.kept_predictions import to_keep
from ninefold.study.metrics import deciding_metric, metrics_for
from ninefold.study.preparation import tidy_inputs
from ninefold.study.recipe import StudyRecipe
from ninefold.study.recorder import Recorder
from ninefold.study.split_data import SplitData, load_split, make_task
from ninefold.study.splits import Plan
from ninefold.study.splitters import must_be_filled
from ninefold.study.task import Task
from ninefold.study.training import Recipe
from ninefold.study.variants import Variant, build_variant, choose_best
from ninefold.study.watched_split import WatchedSplit, is_own

if TYPE_CHECKING:
    from ninefold.study.beside import Beside
    from ninefold.study.choosing import Choice
    from ninefold.study.finale import FinalFit, Look


def open_study() -> "Study":
    """Open the study that this notebook belongs to, and put its package on the path.

    Under `ninefold run` what the notebook finds is recorded; in a notebook opened by hand it is
    only shown, and that is said. Raises NinefoldError outside of a project.
    """
    root = os.environ.get("NINEFOLD_PROJECT")
    project = find_project(Path(root) if root else Path.cwd())
    if str(project.root) not in sys.path:
        sys.path.insert(0, str(project.root))
    output = os.environ.get("NINEFOLD_OUTPUT")
    section = os.environ["NINEFOLD_SECTION"] if output else section_by_hand(project)
    recorder = Recorder(section, Path(output) if output else None)
    if recorder.by_hand:
        recorder.say(said_by_hand(section))
    return Study(project, recorder)


class Study:
    """A project's data under a project's harness. Everything is loaded when first asked for."""

    def __init__(self, project: Project, recorder: Recorder):
        self.project, self.recorder = project, recorder
        self.settings = project.settings
        self.evaluations: dict[str, Evaluation] = {}
        self._has_read = False  # the hold-out, by the notebook's own code
        self._expected = ""  # winner, by the forecast as it stands in the notebook
        self._told: set[str] = {"forced"}  # why networks are trained by model.fit: said once

    # data

    @cached_property
    def split(self) -> SplitData:
        """Return the rows as they were divided; the hold-out's only section 7 may read."""
        split = load_split(self.project.root, self.settings)
        self.recorder.data(self.settings.data.source, split.sha256)
        return WatchedSplit.of(split, self._log_read)

    def _log_read(self) -> None:
        """Log that the notebook itself takes the hold-out's rows, once; by hand nothing is."""
        if not self._has_read and not self.recorder.by_hand:
            append(self.project.files, "read", {"section": self.recorder.record.section})
            self._has_read = True

    def development(self) -> Dataset:
        """Return the development rows: everything but the hold-out."""
        return self.split.development

    def file(self, path: str) -> Path:
        """Return a file or folder of the project by its path from the root.

        When it changes, this section is stale: for what TensorFlow, HDF5, Arrow or another program
        opens by itself. Whatever Python opens counts without being named.
        """
        whole = self.project.root / path
        for each in (whole, *whole.rglob("*")):
            sys.audit("ninefold.file", str(each))
        return whole

    @property
    def seed(self) -> int:
        return self.settings.study.seed

    @property
    def outputs(self) -> int:
        """Return the outputs that a network needs: classes, or 1 for a regression."""
        return self.task.outputs

    @property
    def training_rows(self) -> int:
        """Return the most rows that a network trains on in a fold."""
        return max(len(fold.train) for fold in self.harness.splits)

    # harness

    @cached_property
    def plan(self) -> Plan:
        """Return how many folds and repeats this study uses, and why."""
        return self.split.plan(self.settings.harness)

    @cached_property
    def harness(self) -> Harness:
        """Return the splits and metrics that every section shares."""
        data, settings = self.development(), self.settings
        splits = self.split.make_folds(
            self.plan.folds, self.plan.repeats, settings.harness.validation, settings.study.seed
        )
        must_be_filled(self.task, splits)
        metric, _ = deciding_metric(data.y, data.problem, settings.study.metric)
        others = [name for name in metrics_for(data.problem) if name != metric]
        seed = settings.study.seed
        return Harness(
            self.task, splits, (metric, *others), "auto", seed, needed=(metric,),
            package=settings.study.package, groups=self.split.groups,
        )  # fmt: skip

    @cached_property
    def task(self) -> Task:
        return make_task(self.development())

    @property
    def metric(self) -> str:
        """Return the name of the metric that decides."""
        return self.harness.metrics[0]

    def recipe(self, **changes: Any) -> Recipe:
        """Return how the study trains networks, with what is changed."""
        return StudyRecipe(self.settings.harness, **changes)

    def evaluate(
        self,
        name: str,
        build: Any,
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        callbacks: Sequence[Any] = (),
        model_seed: int | None = None,
    ) -> Evaluation:
        """Judge a variant under the study's harness and record it under `name`.

        A network is trained from as many seeds in each fold as the settings say; if a `model_seed`
        is given, from that one alone.

        build  as for `ninefold.evaluate`; or what `best` returned; or "constant", the strongest
               constant for each metric, fitted on each fold's training rows. Bind a variant's
               keyword arguments with `functools.partial(network, dropout=0.2)`: the record keeps
               them, so that later sections can build it again
        """
        given = {"epochs": epochs, "batch_size": batch_size}
        changes = {key: value for key, value in given.items() if value is not None}
        if isinstance(build, Variant):
            own = {"epochs": build.epochs, "batch_size": build.batch_size}
            changes = {key: value for key, value in own.items() if value} | changes
        if model_seed is not None:
            changes["seeds"] = 1
        recipe = self.recipe(callbacks=tuple(callbacks), **changes)
        return self._judge({name: build}, recipe, model_seed or 0)[name]

    def evaluate_all(self, variants: Mapping[str, Any]) -> None:
        """Judge variants, name → build, as `evaluate` does one: networks of one architecture are
        trained together, in less time. They are kept in `evaluations`.

        Raises NinefoldError, before anything is trained, if the forecast's winner is none of them
        and nothing else in the notebook names variants.
        """
        if self._expected:
            names = [*variants, *self.evaluations]
            must_be_named(self.project, self.recorder.record.section, self._expected, names)
        self._judge(variants, self.recipe())

    def _judge(
        self, variants: Mapping[str, Any], recipe: Recipe, model_seed: int = 0
    ) -> dict[str, Evaluation]:
        every = {
            name: self.build(build) if isinstance(build, Variant) else build
            for name, build in variants.items()
        }
        builds = {name: build for name, build in every.items() if not _is_constant(build)}
        judged = judge_all(builds, self.harness, recipe, model_seed)
        return {
            name: self.keep(name, judged[name] if name in judged else judge_constant(self.harness))
            for name in variants
        }

    def keep(self, name: str, evaluation: Evaluation) -> Evaluation:
        """Record an evaluation, one made by `ninefold.average` for example, under `name`."""
        self.evaluations[name] = evaluation
        self.recorder.evaluation(name, evaluation.to_record())
        if not self.recorder.by_hand:
            self.recorder.predictions(name, to_keep(evaluation))
        if evaluation.engine == "fit" and evaluation.engine_reason not in self._told:
            self._told.add(evaluation.engine_reason)
            self.recorder.fact(
                "{reason}: trained by model.fit, which takes many times longer.",
                kind="note", reason=evaluation.engine_reason,
            )  # fmt: skip
        if evaluation.diverged:
            self.recorder.fact(
                "{name}: {diverged:integer} of {folds:integer} networks diverged; "
                "they are scored as the naive model.",
                kind="note", name=name, folds=len(evaluation.scores) * len(evaluation.by_seed),
                diverged=sum(len(one.diverged) for one in evaluation.by_seed),
            )  # fmt: skip
        alike, answer = constant_folds(evaluation) if evaluation.engine != "constant" else (0, "")
        if alike:
            self.recorder.fact(
                "'{name}' predicts {answer} for every row in {alike:integer} of {folds:integer} "
                "folds (NF112).",
                kind="note", name=name, answer=answer, alike=alike, folds=len(evaluation.scores),
            )  # fmt: skip
        return evaluation

    def compare(self, control: str) -> pd.DataFrame:
        """Compare this section's evaluations with one of them, as `ninefold.compare` does."""
        return compare(self.evaluations, control=control)

    # other sections

    def record_of(self, section: str) -> Record:
        """Return what an earlier section found. Raises NinefoldError where it has not run."""
        found = self.project.section(section)
        record = self.project.record(found.id)
        if record is None:
            raise NinefoldError(f"{found.id} has no results yet", todo=f"ninefold run {found.id}")
        return record

    def best(self) -> Variant:
        """Return the best network so far: of sections 5 and 6, the points of their grids
        included, by the metric that decides.

        Selected from several, its own cross-validated score is optimistic; the variant says from
        how many. Ensembles count. Raises NinefoldError where nothing has been evaluated.
        """
        section = self.recorder.record.section
        project = self.project
        number = project.section(section).number if section else number_by_hand(project)
        return choose_best(self.records(5, number), self.metric)

    def choose(self) -> "Choice":
        """Return the final model and why it is: of all candidates of sections 4 to 6, simple models
        and the strongest constant included, the one that the rule of `[final]` in ninefold.toml
        chooses. Raises NinefoldError where nothing has been evaluated.
        """
        return self._choice

    @cached_property
    def _choice(self) -> "Choice":
        from ninefold.study.choosing import choose_final

        no_test = self.harness.protocol().no_test
        return choose_final(self.records(4, 7), self.metric, self.settings.final, no_test)

    def records(self, first: int, end: int) -> list[Record]:
        """Return the records of the sections from one number to before another."""
        tasks = [task.id for task in self.project.tasks if first <= task.number < end]
        records = [self.project.record(task) for task in tasks]
        return [record for record in records if record is not None]

    def build(self, variant: Variant) -> Any:
        """Return what `evaluate` takes for a recorded variant: its model function, keyword
        arguments bound, its estimator, or "constant"."""
        return build_variant(variant, self.settings.study.package)

    # the final model

    def train_final(self, variant: Variant) -> "FinalFit":
        """Train and save a variant on all development rows; see `ninefold.study.finale`."""
        from ninefold.study import finale

        return finale.train_final(self, variant)

    def fit_beside(self, model: "FinalFit") -> "dict[str, Beside]":
        """Fit what the final model is set beside, on the development rows: the best network, the
        best simple model and the linear one, where they are not the final model themselves."""
        from ninefold.study import beside

        return beside.fit_beside(self, model.variant)

    def fit_simple(self, models: Mapping[str, Any]) -> "dict[str, Beside]":
        """Fit simple models beside the final one, where no record can build them again: the best
        of them by section 5, and the linear one.

        models  name → scikit-learn estimator, the names as in the spot-check
        """
        from ninefold.study import beside

        return beside.fit_simple(self, models)

    def look_at_holdout(self, model: "FinalFit", beside: "dict[str, Beside]") -> "Look":
        """Score the saved model on the hold-out, from a fresh process, and log the look. By hand
        nothing is logged, and a model that no run has looked with raises NinefoldError."""
        from ninefold.study import finale

        return finale.look_at_holdout(self, model, beside)

    def holdout_inputs(self) -> Any:
        """Return the hold-out's inputs as the harness takes them. For section 7 alone."""
        if not is_own(sys._getframe(1)):
            self._log_read()
        return tidy_inputs(self.split.holdout.X)

    # the forecast, and what is shown

    def forecast(
        self,
        winner: str | None = None,
        difference: float | None = None,
        confidence: float | None = None,
    ) -> None:
        """State what you expect before the first result: which variant wins, by how much on the
        metric that decides (a positive number), and how sure you are (0.5 … 1).

        What preceded the first result is kept, whatever is written later; a forecast that comes
        after the result says so.
        """
        from ninefold.study.forecasts import first_result, keep_forecast

        earlier = first_result(self.project, self.recorder.record.section)
        if earlier and earlier.unreadable:
            self.recorder.fact(
                "{unreadable} cannot be read: a forecast stated now counts as stated after the "
                "first result.",
                kind="note", unreadable=earlier.unreadable,
            )  # fmt: skip
        self._expected = winner or ""
        stated = {"winner": winner, "difference": difference, "confidence": confidence}
        self.recorder.forecast(keep_forecast(stated, earlier))

    def fact(self, text: str, **values: Any) -> None:
        """Show one computed line; fields of `text` are filled from `values` and recorded."""
        self.recorder.fact(text, **values)

    def show(self, name: str, **options: Any) -> None:
        """Show one of the study's tables or figures by its name.

        Raises NinefoldError with the names there are for one that does not exist.
        """
        from ninefold.study.shows import show

        show(self, name, **options)


def _is_constant(build: Any) -> bool:
    return isinstance(build, str) and build == "constant"
