"""The table of differences, and from how many seeds a study trains its networks."""

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from test_shows import lines, open_study

from ninefold.study.notebook import Study
from ninefold.study.variants import read_variants

NUMBERS = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _no_screen(monkeypatch):
    monkeypatch.setattr("IPython.display.display", lambda *_, **__: None)


def network(inputs: int, outputs: int) -> keras.Model:
    layers = [keras.Input((inputs,)), keras.layers.Dense(outputs, "softmax")]
    model = keras.Sequential(layers)
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def study_of(root, harness: str = "") -> Study:
    x = NUMBERS.normal(size=120)
    frame = pd.DataFrame({"x": x, "z": x**2, "y": x + NUMBERS.normal(size=120) > 0})
    return open_study(root, frame, "", harness)


def test_a_network_is_trained_from_two_seeds_in_each_fold_and_a_member_from_one(tmp_path):
    study = study_of(tmp_path, "epochs = 1")
    both, member = study.evaluate("net", network), study.evaluate("m", network, model_seed=0)
    assert (both.fits, member.fits) == (6, 3)
    assert member.predictions.equals(both.predictions)
    assert study.recorder.record.fits == 9
    found = read_variants([study.recorder.record], "log_loss")
    assert [variant.name for variant in found] == ["net"]  # its first seed alone is no other


def test_the_settings_say_how_many_seeds(tmp_path):
    assert study_of(tmp_path, "epochs = 1\nseeds = 3").evaluate("net", network).fits == 9


def test_a_study_of_cheap_networks_repeats_its_folds_ten_times_and_says_why(tmp_path):
    study = study_of(tmp_path)
    assert (study.plan.repeats, study.plan.reason) == (1, "as ninefold.toml says")
    toml = tmp_path / "ninefold.toml"
    toml.write_text(toml.read_text().replace("folds = 3\nrepeats = 1\n", ""))
    plan = Study(study.project.__class__(tmp_path), study.recorder).plan
    assert (plan.folds, plan.repeats) == (10, 10)
    assert plan.reason == (
        "usual for 96 development rows; 10 repeats, since training is cheap: 600,000 steps for 10 "
        "networks"
    )


def test_a_table_of_differences_says_how_a_verdict_is_reached(tmp_path):
    study = study_of(tmp_path)
    study.evaluate("linear", LogisticRegression())
    for number in (1, 2):
        study.evaluate(f"C = 1e-{number}", LogisticRegression(C=10.0**-number))
    study.show("differences", control="linear")
    said = "\n".join(lines(study))
    assert "need p < 0.05 after correction for 2 comparisons; the interval leaves out 0" in said
    table = study.recorder.record.tables["differences"]
    assert [column["label"] for column in table["columns"]] == [
        "variant", "log loss", "difference", "95 % interval", "p", "P equal", "would be found",
        "for these training sets", "verdict",
    ]  # fmt: skip
    for row in table["rows"]:
        assert row[7]["low"] < row[2] < row[7]["high"]
        assert row[6] > 0
