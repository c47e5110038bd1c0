"""What the hold-out should show, from the predictions that sections 5 and 6 have kept."""

import io
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from ninefold.formats import fill
from ninefold.project import Project
from ninefold.study.evaluate import evaluate
from ninefold.study.expectation import expect, gather, holdout_sizes, read_candidates
from ninefold.study.kept_predictions import HOLDOUT, OUT_OF_FOLD
from ninefold.study.notebook import Study
from ninefold.study.recorder import Recorder
from ninefold.study.shows import final, holdout, tuning

SECTION = "5-experiments/1-spot-check"


@pytest.fixture(autouse=True)
def _no_screen(monkeypatch):
    monkeypatch.setattr("IPython.display.display", lambda *_, **__: None)


def project_of(root, frame: pd.DataFrame, settings: str = "", harness: str = "") -> Project:
    (root / "data").mkdir()
    frame.to_csv(root / "data" / "rows.csv", index=False)
    for section in (SECTION, "7-final-model"):
        path = root / "sections" / f"{section}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        cells = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        path.write_text(json.dumps(cells))
    (root / "ninefold.toml").write_text(
        '[study]\ntitle = "T"\npackage = "models"\n'
        f'[data]\nsource = "data/rows.csv"\ntarget = "y"\n{settings}\n'
        f"[harness]\nfolds = 5\nrepeats = 2\n{harness}\n"
    )
    return Project(root)


def classes(rows=150) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(rows, 3))
    y = np.where(x[:, 0] + generator.normal(size=rows) > 0, "yes", "no")
    return pd.DataFrame(x, columns=["a", "b", "c"]).assign(y=y)


def ran(project: Project, models) -> Study:
    """Run a section that evaluates the models; return the study as section 7 opens it."""
    section = Study(project, Recorder(SECTION, project.results / SECTION))
    section.evaluate_all(models)
    return Study(project, Recorder("7-final-model", project.results / "7-final-model"))


@pytest.fixture
def study(tmp_path):
    trees = {f"tree {n}": DecisionTreeClassifier(max_depth=n, random_state=1) for n in range(2, 6)}
    models = {"linear": LogisticRegression(), **trees, "strongest constant": "constant"}
    return ran(project_of(tmp_path, classes()), models)


def lines(study: Study) -> list[str]:
    return [fill(fact["text"], fact["values"]) for fact in study.recorder.record.facts]


def test_the_range_of_the_chosen_model_is_corrected_for_all_that_it_was_chosen_from(study):
    found = expect(study, study.choose().final)
    assert (found.candidates, found.why) == (6, "")
    assert found.corrected == pytest.approx(found.mean + found.optimism)
    assert found.low < found.corrected < found.high


def test_the_best_by_the_mean_is_more_optimistic_than_the_simplest_within_an_error(study):
    simplest = expect(study, study.choose().final)
    settings = study.project.root / "ninefold.toml"
    settings.write_text(settings.read_text() + '[final]\nrule = "best"\n')
    other = Study(Project(study.project.root), Recorder("7-final-model", None))
    best = expect(other, other.choose().final)
    assert best.candidates == simplest.candidates
    assert best.optimism >= simplest.optimism - 1e-3


def test_a_model_that_the_rule_did_not_choose_stands_alone(study):
    ruled = study.choose()
    other = next(v for v in (ruled.simple, ruled.constant) if not ruled.final.is_as(v))
    found = expect(study, other)
    assert (found.candidates, found.optimism) == (1, 0)


class Fit:
    def __init__(self, variant):
        self.variant = variant


def test_the_sentence_says_what_the_range_is(study):
    final.expected_range(study, Fit(study.choose().final))
    first, second = lines(study)
    assert first.startswith(
        "Cross-validation, corrected for the choice among 6 models, predicts 0."
    )
    assert first.endswith("for the log loss on the 30 rows of the hold-out (95 %).")
    assert "The folds that judge the model also chose it. Corrected for that, the mean is" in second
    values = study.recorder.record.values["range"]
    assert values["mean"] == pytest.approx(values["reported"] + values["optimism"])


@pytest.mark.parametrize("loss", ["file", "record"])
def test_without_the_predictions_there_is_no_range_and_the_reason_is_said(study, loss):
    folder = study.project.results / SECTION
    if loss == "file":
        (folder / OUT_OF_FOLD).unlink()
    else:  # as an older ninefold wrote it
        record = json.loads((folder / "record.json").read_text())
        del record["predictions"]
        (folder / "record.json").write_text(json.dumps(record))
    final.expected_range(study, Fit(study.choose().final))
    said = "is gone" if loss == "file" else "has kept no out-of-fold predictions"
    assert said in lines(study)[-1]
    assert study.recorder.record.values["range"]["low"] is None


def test_a_candidate_without_probabilities_is_left_out_where_the_metric_takes_them(tmp_path):
    project = project_of(tmp_path, classes(), harness="validation = 0.0")
    settings = tmp_path / "ninefold.toml"
    settings.write_text(settings.read_text().replace('"T"', '"T"\nmetric = "roc_auc"'))
    study = ran(Project(tmp_path), {"linear": LogisticRegression(), "margin": LinearSVC()})
    read = read_candidates(study, [(SECTION, "linear"), (SECTION, "margin")])
    candidates, usable = gather(list(read.values()), study)
    assert usable == [True, False]
    assert candidates.answers.shape == (1, 2, 120, 2)
    assert project.root == tmp_path


def test_a_network_of_two_seeds_stands_beside_a_model_of_one(study):
    one, two = study_of(study).evaluations.values()
    candidates, _ = gather([(one.predictions,), (two.predictions, one.predictions)], study)
    assert candidates.answers.shape == (2, 4, 120, 2)
    assert (candidates.answers[0, :2] == candidates.answers[0, 2:]).all()


def study_of(study: Study) -> Study:
    section = Study(study.project, Recorder("6-improvements/1-x", None))
    section.evaluate_all({"a": LogisticRegression(), "b": LogisticRegression(C=0.1)})
    return section


def test_groups_are_drawn_whole_and_counted_in_the_hold_out(tmp_path):
    frame = classes().assign(g=np.arange(150) // 5)
    study = ran(project_of(tmp_path, frame, 'group = "g"'), {"linear": LogisticRegression()})
    assert holdout_sizes(study) == [6]
    found = expect(study, study.choose().final)
    assert found.low < found.mean < found.high


def test_a_class_that_the_holdout_lacks_has_no_rows_there():
    held = SimpleNamespace(y=np.array([0, 0, 1]), classes=("a", "b", "c"))
    split = SimpleNamespace(groups=None, holdout=held)
    assert holdout_sizes(SimpleNamespace(split=split)) == [2, 1, 0]


def test_a_regression_has_a_range_too(tmp_path):
    frame = classes().assign(y=lambda f: f["a"] + 10)
    study = ran(project_of(tmp_path, frame), {"ridge": Ridge(), "stiff": Ridge(1000)})
    found = expect(study, study.choose().final)
    assert 0 <= found.low < found.high


def test_the_best_trial_is_shown_with_what_is_left_of_its_score_and_the_nested_one(study):
    trials = {f"trial {n}": DecisionTreeClassifier(max_depth=n, random_state=1) for n in (2, 3, 9)}
    section = Study(study.project, Recorder("6-improvements/1-x", None))
    section.evaluate_all(trials)
    tuning._corrected(section, section.evaluations, 0.6)
    stated = lines(section)[-1]
    assert stated.startswith("The best of 3 trials has 0.600 log loss (flat estimate). The folds")
    values = section.recorder.record.values
    assert values["corrected"] == pytest.approx(0.6 + values["optimism"])


@pytest.mark.parametrize("metric", ["average_precision", "log_loss"])
def test_the_nested_estimate_is_on_the_scale_of_the_flat_one(metric):
    generator = np.random.default_rng(3)
    X, y = generator.normal(size=(300, 4)), generator.permutation(300) < 18
    models = {f"trial {n}": GaussianNB(var_smoothing=10.0**n) for n in (-3, 0)}
    options = {"folds": 10, "repeats": 2, "metrics": [metric]}
    trials = list(evaluate(models, X, y, problem="classification", **options).values())
    for number, trial in enumerate(trials):
        assert tuning._chosen(trials, np.full(20, number)).interval() == trial.interval()
    both = tuning._chosen(trials, np.arange(20) % 2)
    assert both.values() == pytest.approx(
        np.where(np.arange(20) % 2, trials[1].values(), trials[0].values())
    )
    assert both.interval().mean == pytest.approx(trials[0].interval().mean, abs=0.05)


def test_of_several_seeds_the_nested_estimate_is_that_of_each():
    generator = np.random.default_rng(3)
    X, y = generator.normal(size=(60, 2)), np.arange(60) % 2
    models = {f"trial {n}": DecisionTreeClassifier(max_depth=n + 1) for n in range(4)}
    four = list(evaluate(models, X, y, folds=3, repeats=1).values())
    trials = [replace(four[n], replicates=(four[n], four[n + 1])) for n in (0, 2)]
    found = tuning._chosen(trials, np.array([0, 1, 0])).values_by_seed()
    expected = np.array([[trials[n].by_seed[s].values()[f] for f, n in enumerate((0, 1, 0))]
                         for s in (0, 1)])  # fmt: skip
    np.testing.assert_array_equal(found, expected)


def test_trials_in_time_order_have_no_corrected_score_and_it_is_said(tmp_path):
    frame = classes().assign(day=np.arange(150))
    project = project_of(tmp_path, frame, 'time = "day"')
    settings = tmp_path / "ninefold.toml"
    settings.write_text(settings.read_text().replace("repeats = 2", ""))
    study = Study(Project(tmp_path), Recorder("6-improvements/1-x", None))
    study.evaluate_all({"trial 1": LogisticRegression(), "trial 2": LogisticRegression(C=0.1)})
    tuning._corrected(study, study.evaluations, 0.6)
    assert "is not estimated (no test: folds ordered in time)." in lines(study)[-1]
    assert project.root == tmp_path


def test_section_seven_keeps_what_the_final_model_answered_for_each_row_held_out(study):
    held = study.split.holdout
    answers = pd.DataFrame(
        {"y": held.frame["y"], "probability of no": 0.25, "probability of yes": 0.75}
    )

    class Look:
        predictions = answers

    holdout._keep_predictions(study, Look())
    content = (study.recorder.folder / HOLDOUT).read_bytes()
    kept = parquet.read_table(io.BytesIO(content)).to_pandas()
    whole = pd.read_csv(study.project.root / "data" / "rows.csv")
    assert (whole["y"].iloc[kept["row"]].to_numpy() == kept["actual"].astype(str)).all()
    assert study.recorder.record.predictions[HOLDOUT]["rows"] == len(held)
