"""What sections show of awkward data, without training a network."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from tiny_project import judged

from ninefold.errors import NinefoldError
from ninefold.formats import fill
from ninefold.project import Project
from ninefold.study.estimates import skill_of
from ninefold.study.final import FinalModel
from ninefold.study.finale import FinalFit, _configuration
from ninefold.study.notebook import Study
from ninefold.study.recorded import against_naive
from ninefold.study.recorder import Recorder
from ninefold.study.statistics.chance import expected_average_precision
from ninefold.study.variants import Variant, read_variants

NUMBERS = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _no_screen(monkeypatch):
    monkeypatch.setattr("IPython.display.display", lambda *_, **__: None)


def network(inputs: int, outputs: int):
    import keras

    layers = [keras.Input((inputs,)), keras.layers.Dense(outputs, "softmax")]
    model = keras.Sequential(layers)
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


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
    assert lines(study)[-1].startswith("A model has skill if its average precision is clearly")


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


@pytest.fixture(params=["regression", "binary"])
def ordered_in_time(request, tmp_path):
    """A hundred days, two rows a day, in no order in the file."""
    x = NUMBERS.normal(size=200)
    y = x + NUMBERS.normal(size=200)
    day = (pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(200) // 2, unit="D")).astype(str)
    frame = pd.DataFrame({"x": x, "day": day, "y": y if request.param == "regression" else y > 0})
    study = open_study(tmp_path, frame.sample(frac=1, random_state=1), 'time = "day"')
    for name, model in {
        "strongest constant": "constant",
        "linear": LinearRegression() if request.param == "regression" else LogisticRegression(),
    }.items():
        study.evaluate(name, model)
    return study


def test_folds_in_time_order_are_shown_without_intervals_and_it_is_said(ordered_in_time):
    study, record = ordered_in_time, ordered_in_time.recorder.record
    assert (study.plan.folds, study.plan.repeats) == (3, 1)
    for name in ("splits", "metrics", "precision", "balance", "scores"):
        study.show(name)
    study.show("threshold", simple="linear")
    study.show("differences", control="linear")
    said = "\n".join(lines(study))
    assert "no repeats, since time has one order" in said
    assert "in the order of 'day': development from 2024-01-01 to 2024-03-20, hold-out from" in said
    assert "no standard error, no interval and no test is valid" in said
    assert "variants compared with it: 1, no test: folds ordered in time" in said
    assert record.tables["differences"]["rows"][0][-1] == "no test: folds ordered in time"
    assert record.tables["scores"]["rows"][0][1]["low"] is None
    assert "no test: folds ordered in time" in record.tables["scores"]["caption"]
    drawn = record.figures["splits"]["data"]
    assert drawn["ordered"]
    places = [(bar["start"], bar["stop"]) for bar in drawn["folds"]]
    assert places == [(40, 80), (80, 120), (120, 160)]
    assert record.figures["precision"]["data"]["series"][0]["x"] == [40, 80, 120]
    assert record.values["outcome"]["difference"]["low"] is None


def test_no_range_is_predicted_for_the_holdout_of_folds_in_time_order(ordered_in_time):
    study = ordered_in_time
    study.show("expected range", model=fit_of(study))
    assert lines(study)[-1].startswith("No range is predicted for the 40 rows of the hold-out")
    found = study.recorder.record.values["range"]
    assert (found["low"], found["high"]) == (None, None)
    kept = study.recorder.record.evaluations["linear"]["scores"][study.metric]
    assert found["mean"] == pytest.approx(np.mean(kept), rel=1e-5)


def test_the_precision_of_a_plan_is_stated_and_drawn_against_folds_and_repeats(tmp_path):
    x = NUMBERS.normal(size=120)
    study = open_study(tmp_path, pd.DataFrame({"x": x, "y": x + NUMBERS.normal(size=120)}))
    study.show("precision")
    drawn = study.recorder.record.figures["precision"]["data"]
    assert [line["name"] for line in drawn["series"]] == [
        "3 folds, measured", "5 folds, expected", "10 folds, expected", "20 folds, expected"
    ]  # fmt: skip
    assert all(line["x"] == list(range(1, 11)) for line in drawn["series"])
    stated = study.recorder.record.values
    assert drawn["series"][0]["y"][0] == pytest.approx(stated["standard_error"], rel=1e-3)
    assert "Each table of differences states what it would have found." in lines(study)[-1]


def test_more_folds_than_the_groups_can_fill_are_not_drawn(one_class_in_few_groups):
    study = one_class_in_few_groups
    assert study.split.most_folds == 16
    frame = study.split.development.frame.assign(y=NUMBERS.normal(size=160))
    other = open_study(study.project.root, frame, 'group = "g"')
    other.show("precision")
    names = [line["name"] for line in other.recorder.record.figures["precision"]["data"]["series"]]
    assert names == ["3 folds, measured", "5 folds, expected", "10 folds, expected"]


def test_the_classes_shares_are_told_apart_by_their_names(one_class_in_few_groups):
    one_class_in_few_groups.show("balance")
    table = one_class_in_few_groups.recorder.record.tables["balance"]
    assert [column["label"] for column in table["columns"]] == [
        "y", "development", "share of development", "hold-out", "share of hold-out"
    ]  # fmt: skip
    for _, inner, inner_share, outer, outer_share in table["rows"]:
        assert inner_share == pytest.approx(inner / 160)
        assert outer_share == pytest.approx(outer / 40)


def test_the_class_that_f1_looks_for_is_named(one_class_in_few_groups):
    one_class_in_few_groups.show("metrics")
    said = "F1 and average precision look for rare, the last class in sorted order."
    assert said in lines(one_class_in_few_groups)


def test_groups_are_counted_in_the_diagram_of_the_splits(one_class_in_few_groups):
    study = one_class_in_few_groups
    study.show("splits")
    folds = study.recorder.record.figures["splits"]["data"]["folds"]
    assert sum(fold["groups"] for fold in folds) == 16
    assert all(fold["test"] == 10 * fold["groups"] for fold in folds)


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
    kept = study.recorder.record.evaluations.get("linear", judged())
    variant = Variant("net", "5-experiments/1-x", "models.models:network", {}, 10, 32, 1, 1, kept)
    data = study.development()
    model = FinalModel("y", data.classes, data.columns, 1, 0.0, 1.0)
    return FinalFit(variant, study.project.root, model, len(data), 1, 0.0, ())


@pytest.fixture
def rare_class(tmp_path):
    """Noise of 200 rows, of which 14 are 'yes': 11 or so among the development rows."""
    y = np.where(np.arange(200) < 14, "yes", "no")
    frame = pd.DataFrame({"x": NUMBERS.normal(size=200), "z": NUMBERS.normal(size=200), "y": y})
    return open_study(tmp_path, frame)


def test_the_rows_of_each_class_in_a_test_fold_are_printed_and_few_are_warned_of(rare_class):
    study = rare_class
    study.show("splits")
    said = "\n".join(lines(study))
    counts = np.array([np.bincount(study.task.y[f.test]) for f in study.harness.splits])
    assert f"of 'no' and {counts[:, 1].min()}" in said
    assert "fewer than 10 rows of 'yes', too few to score it fold by fold" in said


def test_folds_with_ten_rows_of_each_class_are_not_warned_of(tmp_path):
    x = NUMBERS.normal(size=120)
    study = open_study(tmp_path, pd.DataFrame({"x": x, "y": np.where(x > 0, "a", "b")}))
    study.show("splits")
    said = "\n".join(lines(study))
    assert "Each test fold holds " in said
    assert "too few" not in said


def test_of_a_ranking_the_line_of_skill_is_a_random_rankings_and_it_is_said(rare_class):
    study, record = rare_class, rare_class.recorder.record
    study.evaluate("strongest constant", "constant")
    study.evaluate("linear", LogisticRegression())
    for name in ("metrics", "scores"):
        study.show(name)
    study.show("threshold", simple="linear")
    expected = expected_average_precision(len(study.task.y), int(study.task.y.sum()))
    assert record.values["constant"] == pytest.approx(expected, rel=1e-5)
    assert "the expected score of a random ranking, on the same folds" in lines(study)[-1]
    assert lines(study)[-1].endswith("no evidence of skill.")
    table = {row[0]: row for row in record.tables["metrics"]["rows"]}
    assert table["average precision"][3:5] == [pytest.approx(expected, rel=1e-5), "random ranking"]
    assert table["log loss"][4] == "strongest constant"
    caption = record.tables["scores"]["caption"]
    assert "Under average precision 'strongest constant' is the expected score of a" in caption
    assert "all rows of a repeat scored together" in caption


def test_a_record_keeps_how_pooled_scores_were_made_and_the_test_of_skill(rare_class):
    study = rare_class
    found = study.evaluate("linear", LogisticRegression())
    entry = study.recorder.record.evaluations["linear"]
    assert entry["summary"]["average_precision"]["method"] == "pooled within each repeat"
    test, kept = skill_of(found), entry["skill"]
    assert kept["mean"] == pytest.approx(test.difference.mean, rel=1e-4)
    again = against_naive(entry, study.metric, "4-baseline")
    assert again.p == pytest.approx(test.p, rel=1e-4)
    with pytest.raises(NinefoldError, match="does not say whether its models have skill"):
        against_naive({**entry, "skill": None}, study.metric, "4-baseline")


def test_a_network_is_trained_from_two_seeds_in_each_fold_and_a_member_from_one(tmp_path):
    x = NUMBERS.normal(size=60)
    frame = pd.DataFrame({"x": x, "y": x > 0})
    study = open_study(tmp_path, frame, harness="epochs = 1")
    both, member = (study.evaluate("net", network), study.evaluate("m", network, model_seed=0))
    assert (both.fits, member.fits) == (6, 3)
    assert member.predictions.equals(both.predictions)
    three = open_study(tmp_path, frame, harness="epochs = 1\nseeds = 3")
    assert three.evaluate("net", network).fits == 9
    found = read_variants([study.recorder.record], "log_loss")
    assert [variant.name for variant in found] == ["net"]  # its first seed alone is no other


def test_a_table_of_differences_says_how_a_verdict_is_reached(tmp_path):
    x = NUMBERS.normal(size=120)
    study = open_study(tmp_path, pd.DataFrame({"x": x, "z": x**2, "y": x > 0}))
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
