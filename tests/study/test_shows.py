"""What sections show of awkward data, without training a network."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from ninefold.errors import NinefoldError
from ninefold.formats import fill
from ninefold.project import Project
from ninefold.study.final import FinalModel
from ninefold.study.finale import FinalFit, _configuration, _earlier_looks
from ninefold.study.notebook import Study
from ninefold.study.recorder import Recorder
from ninefold.study.variants import Variant

NUMBERS = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _no_screen(monkeypatch):
    monkeypatch.setattr("IPython.display.display", lambda *_, **__: None)


def open_study(root, frame: pd.DataFrame, settings: str = "", harness: str = "") -> Study:
    (root / "data").mkdir(exist_ok=True)
    frame.to_csv(root / "data" / "rows.csv", index=False)
    (root / "ninefold.toml").write_text(
        '[study]\ntitle = "T"\npackage = "models"\n'
        f'[data]\nsource = "data/rows.csv"\ntarget = "y"\n{settings}\n'
        f"[harness]\nfolds = 3\nrepeats = 1\n{harness}\n"
    )
    return Study(Project(root), Recorder("4-baseline", None))


def lines(study: Study) -> list[str]:
    return [fill(fact["text"], fact["values"]) for fact in study.recorder.record.facts]


@pytest.fixture
def one_class_in_few_groups(tmp_path):
    """A rare class in three of twenty groups: with three folds, some fold lacks it."""
    group = np.repeat(np.arange(20), 10)
    y = np.where(np.isin(group, [1, 2, 3]), "rare", "common")
    frame = pd.DataFrame({"x": NUMBERS.normal(size=200), "g": group, "y": y})
    return open_study(tmp_path, frame, 'group = "g"')


def test_folds_without_a_class_leave_the_metric_undefined_and_it_is_said(one_class_in_few_groups):
    study = one_class_in_few_groups
    study.show("precision")
    assert any("average precision is undefined in " in line for line in lines(study))
    study.evaluate("strongest constant", "constant")
    study.evaluate("linear", LogisticRegression())
    assert np.isnan(study.evaluations["linear"].values()).any()
    study.show("threshold", simple="linear")
    assert lines(study)[-1].startswith("A model has skill where its average precision is clearly")


def test_the_outcome_of_a_winner_is_a_gain_though_the_metric_is_a_loss(tmp_path):
    x = NUMBERS.normal(size=120)
    study = open_study(tmp_path, pd.DataFrame({"x": x, "z": x**2, "y": x > 0}))
    study.evaluate("strongest constant", "constant")
    study.evaluate("linear", LogisticRegression())
    study.show("differences", control="strongest constant")
    outcome = study.recorder.record.values["outcome"]
    assert (study.metric, outcome["winner"]) == ("log_loss", "linear")
    gain = outcome["difference"]
    assert 0 < gain["low"] < gain["mean"] < gain["high"]
    assert study.recorder.record.tables["differences"]["rows"][0][2] == -gain["mean"]


@pytest.mark.parametrize("change", ['drop = ["z"]', 'categorical = ["z"]', ""])
def test_other_inputs_or_another_validation_share_make_another_final_model(tmp_path, change):
    frame = pd.DataFrame({"x": NUMBERS.normal(size=60), "z": np.arange(60) % 3, "y": [0, 1] * 30})
    before = open_study(tmp_path, frame)
    configuration = _configuration(before, fit_of(before))
    after = open_study(tmp_path, frame, change, "" if change else "validation = 0.1")
    assert _configuration(after, fit_of(after)) != configuration
    again = open_study(tmp_path, frame)
    assert _configuration(again, fit_of(again)) == configuration


def fit_of(study: Study) -> FinalFit:
    variant = Variant("net", "5-experiments/1-x", "models.models:network", {}, 10, 32, 1, 1, {})
    data = study.development()
    model = FinalModel("y", data.classes, data.columns, 1, 0.0, 1.0)
    return FinalFit(variant, study.project.root, model, len(data), 1, 0.0, ())


def test_a_damaged_log_of_looks_is_one_clear_line(tmp_path):
    (tmp_path / "holdout.jsonl").write_text('{"counted": true}\n{"cou')
    with pytest.raises(NinefoldError, match="is damaged"):
        _earlier_looks(tmp_path / "holdout.jsonl")
