"""Section 7 from the choice to the look, with models that need no TensorFlow: what is said of the
choice, of the model's alarms and of its skill."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from test_shows import lines, open_study

from ninefold.errors import NinefoldError
from ninefold.plain_json import plain
from ninefold.publishing.final_values import FinalValues
from ninefold.records import write_record
from ninefold.study.finale import Look
from ninefold.study.learners import Answer
from ninefold.study.recorder import Recorder
from ninefold.study.shows.beside import _differ_on_holdout, _rival
from ninefold.study.variants import read_variants

NUMBERS = np.random.default_rng(0)
X = NUMBERS.normal(size=(150, 2)).round(3)
SPOT_CHECK = "5-experiments/1-spot-check"
FINAL = '[final]\nchoose = "{}"\nrule = "{}"\n'


@pytest.fixture(autouse=True)
def _no_screen(monkeypatch):
    monkeypatch.setattr("IPython.display.display", lambda *_, **__: None)


def judged(root, y, models, final=""):
    """Return a study at section 7 whose sections 4 and 5 evaluated the models."""
    frame = pd.DataFrame(X, columns=["a", "b"]).assign(y=y)
    study = open_study(root, frame, harness=final)
    sections = {
        "4-baseline": {"strongest constant": "constant"},
        "5-experiments/1-spot-check": models,
    }
    for section, several in sections.items():
        folder = root / "results" / section
        folder.mkdir(parents=True)
        (root / "sections" / section).parent.mkdir(parents=True, exist_ok=True)
        (root / "sections" / f"{section}.ipynb").write_text('{"cells": [], "nbformat": 4}')
        study.recorder, study.evaluations = Recorder(section, folder), {}
        study.evaluate_all(several)
        write_record(folder, study.recorder.record)
    out = root / "results" / "7-final-model"
    out.mkdir()
    study.recorder, study.evaluations = Recorder("7-final-model", out), {}
    return study


STRAIGHT = (X[:, 0] + 0.5 * NUMBERS.normal(size=150)).round(3)
MODELS = {"linear": Ridge(), "tree": DecisionTreeRegressor(max_depth=2)}


def test_the_simplest_within_one_standard_error_is_shown_with_the_best(tmp_path):
    models = {"linear": Ridge(alpha=3), "boosting": HistGradientBoostingRegressor(max_iter=3)}
    models["nearly the same"] = make_pipeline(DecisionTreeRegressor(max_depth=1))
    study = judged(tmp_path, STRAIGHT, models | {"less": Ridge(alpha=1e-9)})
    choice = study.choose()
    assert choice.final.family == "linear"
    study.show("choice", choice=choice)
    said, record = lines(study), study.recorder.record
    assert said[0] == "Candidates for the final model: 4 scikit-learn models, 1 constant."
    assert record.values["best"]["kind"] == "linear"
    table = record.tables["candidates"]["rows"]
    assert table[0][0] == choice.final.name
    assert "final model" in table[0][-1]
    assert any(row[0] == "strongest constant" for row in table)
    assert record.tables["choice"]["rows"][0][0] == "estimator"


def test_what_the_rule_passed_over_is_in_the_record(tmp_path):
    noise = (np.random.default_rng(5).normal(size=150) + 0.25 * X[:, 0]).round(3)
    study = judged(tmp_path, noise, {"linear": Ridge()})
    choice = study.choose()
    assert (choice.final.kind, choice.best.name) == ("constant", "linear")
    study.show("choice", choice=choice)
    assert study.recorder.record.values["best_candidate"] == "linear"


def test_a_table_of_candidates_that_is_cut_says_so(tmp_path):
    study = judged(tmp_path, STRAIGHT, {f"ridge {n}": Ridge(alpha=1 + n / 99) for n in range(7)})
    study.show("choice", choice=study.choose())
    table = study.recorder.record.tables["candidates"]
    assert len(table["rows"]) == 6 + 1  # the constant is the best of its kind
    assert "chosen from: the first 6 of 7 candidates within one standard" in table["caption"]


def test_what_was_chosen_by_hand_among_none_is_not_called_optimistic(tmp_path):
    study = judged(tmp_path, STRAIGHT, MODELS)
    study.show("choice", variant=replace(study.choose().final, selected_from=1))
    assert "candidates" not in lines(study)[0]
    assert "optimistic" not in lines(study)[0]


def test_the_whole_of_section_7_with_a_linear_model(tmp_path):
    study = judged(tmp_path, STRAIGHT, MODELS)
    fit = study.train_final(study.choose().final)
    assert sorted(path.name for path in fit.folder.iterdir()) == [
        "estimator.skops", "model.json", "preparation.skops"
    ]  # fmt: skip
    assert fit.rows == len(study.development())
    study.show("saved model", model=fit)
    study.show("expected range", model=fit)
    beside = study.fit_beside(fit)
    assert beside == {}  # it is the best simple model, the linear one, and there is no network
    look = study.look_at_holdout(fit, beside)
    for name in (
        "holdout",
        "errors",
        "worst errors",
        "sub-groups",
        "importance",
        "cost",
        "new rows",
    ):
        study.show(name, look=look)
    values = study.recorder.record.values
    assert values["verdict"] == "skill"
    assert values["simple"]["score"] == values["holdout"]["score"]
    assert values["beside"] == {"constant": {"score": values["constant"]}}
    assert "alarms" not in values
    assert [row[0] for row in study.recorder.record.tables["beside"]["rows"]] == [
        "final model", "strongest constant"
    ]  # fmt: skip
    fitted = Ridge().fit(*prepared(study))
    expected = fitted.predict(study.split.holdout.X.pipe(scaled, study))
    np.testing.assert_allclose(look.found, expected, rtol=1e-6)


def prepared(study):
    data = study.development()
    return scaled(data.X, study), data.y


def scaled(X, study):
    of = study.development().X
    return ((X - of.mean()) / of.std(ddof=0)).to_numpy()


def test_the_best_simple_and_the_linear_model_stand_beside_another(tmp_path):
    study = judged(tmp_path, STRAIGHT, MODELS)
    constant = study.choose().constant
    fit = study.train_final(constant)
    beside = study.fit_beside(fit)
    assert beside["simple"] is beside["linear"]
    study.show("saved model", model=fit)
    assert lines(study)[0].startswith(
        "The rule of ninefold.toml chose linear; this notebook trains"
    )
    look = study.look_at_holdout(fit, beside)
    study.show("holdout", look=look)
    study.show("cost", look=look)
    record = study.recorder.record
    assert record.values["verdict"] == "no evidence of skill"
    assert record.tables["beside"]["rows"][1][0] == "best simple model, linear model"
    columns = record.tables["holdout-scores"]["columns"]
    assert [column["label"] for column in columns][-2:] == ["linear", "interval by"]
    assert look.scores["linear"] < look.constant == look.interval.score


def test_an_estimator_that_guesses_is_a_constant_and_saved_as_an_estimator(tmp_path):
    study = judged(tmp_path, STRAIGHT, {"guess": DummyRegressor(), "tree": MODELS["tree"]})
    choice = study.choose()
    assert (choice.simple.name, choice.constant.family) == ("tree", "constant")
    guess = next(v for v in read_variants(study.records(4, 7), "rmse") if v.name == "guess")
    assert (guess.family, guess.kind) == ("constant", "estimator")
    fit = study.train_final(guess)
    assert (fit.folder / "estimator.skops").exists()
    study.show("holdout", look=study.look_at_holdout(fit, study.fit_beside(fit)))
    assert study.recorder.record.values["verdict"] != "beats the best simple model"
    assert study.recorder.record.values["simple"]["name"] == "tree"


class Own(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        self.mean_ = np.mean(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


def test_what_scores_better_and_is_no_candidate_is_named(tmp_path):
    lost = make_pipeline(FunctionTransformer(np.sinh), Ridge())
    study = judged(tmp_path, np.sinh(X[:, 0]).round(3), MODELS | {"lost": lost})
    study.show("choice", choice=study.choose())
    assert any(
        line.startswith("'lost' of 5-experiments/1-spot-check scores better")
        for line in lines(study)
    )
    final = study.choose().final
    look = study.look_at_holdout(study.train_final(final), {})
    study.show("holdout", look=look)
    assert study.recorder.record.values["verdict"] != "beats the best simple model"
    assert any(
        line.startswith("The best simple model by cross-validation is lost (")
        for line in lines(study)
    )
    engine = {**final.record, "engine": "graph"}  # as a network would stand beside them
    network = SimpleNamespace(variant=replace(final, record=engine))
    rival = _rival(study, SimpleNamespace(fit=network, beside={}, scores={}))
    assert (rival["name"], rival["kind"], rival["holdout"]) == ("lost", "linear", None)
    assert rival["folds"]["verdict"] == "worse"


def test_a_constant_output_is_said_before_anything_else_and_skill_is_withdrawn(tmp_path):
    study = judged(tmp_path, STRAIGHT, MODELS)
    fit = study.train_final(study.choose().final)
    look = study.look_at_holdout(fit, {})
    stuck = Answer(np.full((len(look.y), 1), 0.13328))
    worse = {**vars(look), "answer": stuck, "constant": look.interval.score / 2}
    study.recorder.record.facts.clear()
    study.show("holdout", look=Look(**worse))
    said, values = lines(study), study.recorder.record.values
    assert said[0].startswith(
        "The final model predicts 0.13328 for every row of the hold-out (NF112)"
    )
    assert said[1].startswith("On the hold-out the model does no better than guessing")
    assert values["alarms"][0]["values"] == {"answer": "0.13328"}
    assert values["verdict"] == "skill withdrawn"
    assert "Verdict: skill withdrawn. By cross-validation there was skill" in "\n".join(said)
    assert values["heaviest"]["of"] == "squared error"  # of RMSE no row has a share


@pytest.mark.parametrize(
    ("chosen", "candidates", "said"),
    [
        ("final", 3, "skill. It rests on cross-validation. Its tests are adjusted for the 3 cand"),
        ("final", 1, "skill. It rests on cross-validation."),
        ("constant", 3, "no evidence of skill."),
    ],
)
def test_a_verdict_says_what_it_rests_on(tmp_path, chosen, candidates, said):
    study = judged(tmp_path, STRAIGHT, MODELS)
    variant = replace(getattr(study.choose(), chosen), selected_from=candidates)
    study.show("holdout", look=study.look_at_holdout(study.train_final(variant), {}))
    (verdict,) = [line for line in lines(study) if line.startswith("Verdict: ")]
    assert verdict.startswith(f"Verdict: {said}")
    assert said.endswith("cand") or verdict == f"Verdict: {said}"


def test_a_rival_of_older_folds_is_not_compared_and_it_is_said(tmp_path):
    study = judged(tmp_path, STRAIGHT, MODELS)
    record = tmp_path / "results" / SPOT_CHECK / "record.json"
    kept = json.loads(record.read_text())
    kept["evaluations"]["linear"]["splits"] = "older"
    record.write_text(json.dumps(kept))
    tree = next(v for v in read_variants(study.records(4, 7), "rmse") if v.name == "tree")
    study.show("holdout", look=study.look_at_holdout(study.train_final(tree), {}))
    assert any(
        line.startswith(
            "By cross-validation it is not compared with the best simple model, linear: they were "
            "not judged on the same folds"
        )
        for line in lines(study)
    )


@pytest.mark.parametrize(("y", "defined"), [(np.ones(9), False), (np.arange(9.0), True)])
def test_where_the_score_is_not_defined_the_record_has_no_difference_on_the_holdout(y, defined):
    numbers = Answer(np.linspace(0, 1, 9)[:, None])
    holdout = SimpleNamespace(classes=(), groups=None, time=None)
    study = SimpleNamespace(split=SimpleNamespace(holdout=holdout), metric="r2")
    look = SimpleNamespace(
        y=y, taken=lambda _: numbers.taken("numbers", 0) + 1, answers={"simple": numbers}
    )
    found = _differ_on_holdout(study, look, "simple")
    assert (found is not None) is defined
    FinalValues.model_validate(plain({"rival": {"name": "x", "holdout": found}}))


@pytest.mark.parametrize(
    ("choose", "rule", "time", "said"),
    [
        ("any", "simplest", "", "simplest candidate within one standard error of the best RMSE"),
        (
            "any",
            "best",
            "",
            "the candidate with the best mean RMSE. Candidates: every network, every",
        ),
        ("network", "simplest", "", "Candidates: every network that sections 4 to 6 evaluate and"),
        ("network", "best", "", "The network is the subject of this study: no other model is a"),
        ("network", "simplest", "", "From simple to complex: networks by their number of"),
        ("any", "simplest", 'time = "b"', "best mean RMSE, since these folds allow no standard"),
    ],
)
def test_the_rule_is_stated_beforehand(tmp_path, choose, rule, time, said):
    frame = pd.DataFrame(X, columns=["a", "b"]).assign(y=STRAIGHT)
    study = open_study(tmp_path, frame, time, FINAL.format(choose, rule))
    study.show("metrics")
    assert any(said in line for line in lines(study))


def test_in_time_order_the_best_is_chosen_and_it_is_said(tmp_path):
    study = judged(tmp_path, STRAIGHT, MODELS)
    frame = pd.DataFrame(X, columns=["a", "b"]).assign(y=STRAIGHT)
    ordered = open_study(tmp_path, frame, 'time = "b"')
    ordered.recorder = study.recorder
    ordered.show("choice", choice=ordered.choose())
    assert any("These folds allow no standard error." in line for line in lines(ordered))


def test_a_study_of_networks_without_any_says_what_to_run(tmp_path):
    study = judged(tmp_path, STRAIGHT, MODELS, FINAL.format("network", "best"))
    with pytest.raises(NinefoldError, match="no network has been evaluated"):
        study.choose()


def test_labels_that_are_numbers_come_back_as_they_were(tmp_path):
    y = np.where(X[:, 0] > 0.5, 10, np.where(X[:, 0] > -0.5, 9, 100))
    study = judged(
        tmp_path, y, {"linear": LogisticRegression(), "tree": DecisionTreeClassifier(max_depth=4)}
    )
    final = study.choose().final
    fit = study.train_final(final)
    look = study.look_at_holdout(fit, study.fit_beside(fit))
    study.show("holdout", look=look)
    right = np.mean(look.predictions["y"].astype(int) == study.split.holdout.frame["y"].to_numpy())
    assert right == np.mean(look.answer.classes == look.y) > 0.7


def test_a_score_is_not_called_outside_a_range_that_its_record_has_rounded(tmp_path):
    study = judged(tmp_path, STRAIGHT, MODELS)
    look = study.look_at_holdout(study.train_final(study.choose().final), {})
    rounded = float(f"{look.interval.score:.6g}")
    variant = look.fit.variant
    place = {"model": variant.name, "section": variant.section}
    study.recorder.value(range=place | {"mean": rounded, "low": rounded, "high": rounded})
    study.show("holdout", look=look)
    assert study.recorder.record.values["inside"]
