"""Section 7 before the look: what was saved, and what to expect of the hold-out."""

from typing import TYPE_CHECKING, Any

from ninefold.study.expectation import Expectation, expect
from ninefold.study.finale import FinalFit
from ninefold.study.metrics import METRICS
from ninefold.study.variants import Variant

if TYPE_CHECKING:
    from ninefold.study.notebook import Study


def saved_model(study: "Study", model: FinalFit) -> None:
    """What was saved, its size, what training took, and the training curve of a network."""
    files = sorted(path for path in model.folder.iterdir() if path.is_file())
    saved: dict[str, Any] = {
        "files": [path.name for path in files],
        "size": sum(path.stat().st_size for path in files) / 1000,
        "trained_rows": model.rows,
        "seconds": model.seconds,
    }
    ruled = study.choose().final
    if not ruled.is_as(model.variant):
        study.recorder.fact(
            "The rule of ninefold.toml chose {ruled}; this notebook trains {trained}.",
            kind="note", ruled=ruled.name, trained=model.variant.name,
        )  # fmt: skip
    if model.variant.kind == "network":
        study.recorder.fact(
            "Networks: {members:integer}, with {parameters:integer} parameters together, trained "
            "on {trained_rows:integer} rows in {seconds:duration}; saved as {files}: "
            "{size:integer} kB.",
            members=model.model.members, parameters=model.parameters, **saved,
        )  # fmt: skip
        _curve(study, model)
        return
    study.recorder.fact(
        "{called}, fitted on all {trained_rows:integer} development rows in {seconds:duration}; "
        "saved as {files}: {size:significant} kB.",
        called=model.variant.name, **saved,
    )  # fmt: skip


def _curve(study: "Study", model: FinalFit) -> None:
    curves = model.members[0]
    panel = {
        "title": model.variant.name,
        "epochs": list(range(1, len(curves.trained.train["loss"]) + 1)),
        **{
            part: {
                "mean": curve,
                "low": curve,
                "high": curve,
            }
            for part, curve in (
                ("train", curves.trained.train["loss"]),
                ("validation", curves.trained.validation.get("loss", [])),
            )
        },
    }
    study.recorder.figure(
        "final-curve",
        "learning_curves",
        {"panels": [panel], "y_label": "loss"},
        alt="Loss of the final model over the epochs, on training and inner validation rows.",
        caption="The final training run.",
    )


def expected_range(study: "Study", model: FinalFit) -> None:
    """The range in which the hold-out score should fall, from cross-validation alone."""
    label, found = METRICS[study.metric].label, expect(study, model.variant)
    study.recorder.value(range=_as_values(model.variant, found))
    rows = len(study.split.holdout)
    if found.low is None:
        study.recorder.fact(
            "No range is predicted for the {holdout_rows:integer} rows of the hold-out ({why}). "
            "Over the folds the mean {metric_label} is {expected_mean:score}.",
            holdout_rows=rows, why=found.why, metric_label=label, expected_mean=found.mean,
        )  # fmt: skip
        return
    corrected = ", corrected for the choice among {candidates:integer} models,"
    study.recorder.fact(
        f"Cross-validation{corrected * (found.candidates > 1)} predicts {{expected:interval}} "
        "for the {metric_label} on the {holdout_rows:integer} rows of the hold-out (95 %).",
        metric_label=label, expected={"low": found.low, "high": found.high},
        holdout_rows=rows, candidates=found.candidates,
    )  # fmt: skip
    if found.candidates > 1:
        study.recorder.fact(
            "The mean {metric_label} over the folds is {expected_mean:score}. The folds that judge "
            "the model also chose it. Corrected for that, the mean is {corrected_mean:score} "
            "(bootstrap bias-corrected cross-validation).",
            metric_label=label, expected_mean=found.mean, corrected_mean=found.corrected,
        )  # fmt: skip


def _as_values(variant: Variant, found: Expectation) -> dict[str, Any]:
    return {
        "model": variant.name, "section": variant.section,
        "mean": found.mean if found.corrected is None else found.corrected,
        "low": found.low, "high": found.high, "reported": found.mean,
        "optimism": found.optimism, "candidates": found.candidates,
    }  # fmt: skip


def range_shown(study: "Study", variant: Variant) -> dict[str, Any]:
    """Return the range that was shown before the look, if one was: it takes thousands of draws."""
    shown: Any = study.recorder.record.values.get("range", {})
    if (shown.get("section"), shown.get("model")) == (variant.section, variant.name):
        return shown
    return _as_values(variant, expect(study, variant))
