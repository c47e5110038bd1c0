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
from ninefold.study.finale import FinalFit, Look, _configuration
from ninefold.study.learners import Answer
from ninefold.study.notebook import Study
from ninefold.study.recorded import against_naive
from ninefold.study.recorder import Recorder
from ninefold.study.shows.holdout import _all_scores, _heaviest
from ninefold.study.statistics.chance import expected_average_precision
from ninefold.study.statistics.rows import holdout_interval
from ninefold.study.statistics.sampled import sampling_of
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


def look_of(study: Study, found: np.ndarray) -> Look:
    """What section 7 sees, without a network: predictions made up for the hold-out."""
    holdout, metric = study.split.holdout, study.metric
    classes = len(holdout.classes)
    answer = Answer(found if classes else found[:, None])
    interval = holdout_interval(
        metric, holdout.y, found, n_classes=classes, sampling=sampling_of(holdout), draws=200
    )
    return Look(fit_of(study), {}, holdout.y, answer, {}, pd.DataFrame(), interval, 0.5, {}, 1, ())


def scores_of(study: Study, found: np.ndarray) -> dict[str, list]:
    _all_scores(study, look_of(study, found))
    return {row[0]: row for row in study.recorder.record.tables["holdout-scores"]["rows"]}


def study_of_classes(root, settings: str = "", rows: int = 300, **columns) -> Study:
    x = np.random.default_rng(1).normal(size=rows)
    frame = pd.DataFrame({"x": x, **columns, "y": np.where(x > 0, "yes", "no")})
    return open_study(root, frame, settings)


def likely(study: Study) -> np.ndarray:
    y = study.split.holdout.y
    share = np.clip(
        0.5 + 0.3 * (2 * y - 1) + np.random.default_rng(2).normal(0, 0.3, len(y)), 0.02, 0.98
    )
    return np.column_stack([1 - share, share])


def test_each_metric_has_an_interval_on_the_holdout_and_says_how_it_was_made(tmp_path):
    study = study_of_classes(tmp_path)
    rows = scores_of(study, likely(study))
    assert len(rows) == 7
    for _, score, interval, method in rows.values():
        assert interval["low"] < score < interval["high"]
        assert method
    assert rows["accuracy"][-1] == "Wilson"


def test_few_rows_that_carry_most_of_the_loss_are_told_of(tmp_path):
    study = study_of_classes(tmp_path)
    y = study.split.holdout.y
    found = np.where(y[:, None] == np.arange(2), 0.99, 0.01)
    found[3] = found[3][::-1] ** 8 + 1e-12
    number, share, loss = _heaviest(study, look_of(study, found / found.sum(axis=1, keepdims=True)))
    assert (number, loss) == (1, "log loss")
    assert share > 0.9


@pytest.mark.parametrize(
    ("groups", "said"),
    [(20, "no interval: 4 groups, 5 are needed"), (60, "jackknife of 12 groups")],
)
def test_the_holdout_is_judged_by_group_and_the_number_of_groups_is_printed(tmp_path, groups, said):
    study = study_of_classes(tmp_path, 'group = "g"', g=np.arange(300) % groups)
    rows = scores_of(study, likely(study))
    assert rows["log loss"][-1] == said
    caption = study.recorder.record.tables["holdout-scores"]["caption"]
    assert caption == f"Scores on the hold-out, of {groups // 5} groups."


def test_two_groups_held_out_leave_the_score_without_an_interval_and_it_is_said(tmp_path):
    study = study_of_classes(tmp_path, 'group = "g"', g=np.arange(300) % 10)
    assert look_of(study, likely(study)).interval.remark == "no interval: 2 groups, 5 are needed"


def test_a_holdout_in_time_order_has_no_interval_and_it_is_said(ordered_in_time):
    holdout = ordered_in_time.split.holdout
    found = np.full((len(holdout), 2), 0.5) if holdout.classes else holdout.y + 1.0
    rows = scores_of(ordered_in_time, found)
    assert all(row[2] == {"low": None, "high": None} for row in rows.values())
    assert all(
        row[-1].startswith("no interval: rows that follow one another") for row in rows.values()
    )


def test_a_holdout_of_one_row_has_a_score_and_no_interval(tmp_path):
    frame = pd.DataFrame({"x": NUMBERS.normal(size=12), "y": NUMBERS.normal(size=12)})
    study = open_study(tmp_path, frame, "", "holdout = 0.05")
    assert len(study.split.holdout) == 1
    rows = scores_of(study, study.split.holdout.y + 1.0)
    assert rows["RMSE"][1:3] == [1.0, {"low": None, "high": None}]
    assert rows["RMSE"][-1] == "no interval: a single row"
    assert rows["R²"][1] is None
    study.show("errors", look=look_of(study, study.split.holdout.y + 1.0))
    assert lines(study)[-1].endswith("all predictions, or all outcomes, are alike.")


def test_sub_groups_have_intervals_or_a_reason_why_not(tmp_path):
    level = np.array(["large"] * 200 + ["small"] * 10 + ["pure"] * 90)
    study = study_of_classes(tmp_path, part=level)
    held = study.split.holdout
    assert (held.X["part"] == "small").sum() < 5
    object.__setattr__(held, "y", np.where(held.X["part"] == "pure", 1, held.y))
    study.show("sub-groups", look=look_of(study, likely(study)))
    rows = {row[0]: row for row in study.recorder.record.tables["sub-groups"]["rows"]}
    assert rows["part: large"][3]["low"] < rows["part: large"][2] < rows["part: large"][3]["high"]
    assert rows["part: small"][3:] == [
        {"low": None, "high": None},
        "no interval: fewer than 5 rows",
    ]
    assert rows["part: pure"][-1] == "no interval: one class only"


def test_a_sub_group_below_zero_has_a_minus_sign(tmp_path):
    study = study_of_classes(tmp_path, low=-np.arange(300) / 10)
    study.show("sub-groups", look=look_of(study, likely(study)))
    labels = [row[0] for row in study.recorder.record.tables["sub-groups"]["rows"]]
    assert any(label.startswith("low: up to −") for label in labels)
    assert not any("-" in label for label in labels)


@pytest.mark.parametrize(
    ("power", "said"),
    [(4, "too extreme"), (0.3, "not extreme enough"), (1, "Slope and average may be")],
)
def test_calibration_has_a_slope_an_intercept_and_one_plain_sentence(tmp_path, power, said):
    generator = np.random.default_rng(4)
    logits = generator.normal(0, 1.5, 1500)
    y = np.where(generator.random(1500) < 1 / (1 + np.exp(-logits)), "yes", "no")
    study = open_study(tmp_path, pd.DataFrame({"x": logits, "y": y}))
    share = 1 / (1 + np.exp(-power * study.split.holdout.X["x"].to_numpy()))
    study.show("errors", look=look_of(study, np.column_stack([1 - share, share])))
    assert lines(study)[-2].startswith("Calibration of the probability of 'yes': slope ")
    assert said in lines(study)[-1]
    slope = study.recorder.record.values["calibration"]["slope"]
    assert slope["low"] < 1 / power < slope["high"]


def test_probabilities_that_are_too_low_throughout_are_said_to_be(tmp_path):
    """Slope and intercept may each hold 1 and 0, and the mean be off by three standard errors."""
    generator = np.random.default_rng(1)
    x = generator.normal(100, 40, 500)
    y = (x + 15 + generator.normal(0, 60, 500)).round(1)
    study = open_study(tmp_path, pd.DataFrame({"x": x, "y": y}))
    study.show("errors", look=look_of(study, study.split.holdout.X["x"].to_numpy()))
    found = study.recorder.record.values["calibration"]
    assert found["slope"]["low"] < 1 < found["slope"]["high"]
    assert found["intercept"]["low"] < 0 < found["intercept"]["high"]
    assert found["error"]["low"] > 0
    assert lines(study)[-1].endswith("The predictions are too low on average.")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("", "with Wilson intervals."),
        ('group = "g"', "without intervals: rows of one group depend on one another."),
        ('time = "g"', "without intervals: rows that follow one another in time depend on one"),
    ],
)
def test_bins_of_dependent_rows_have_no_intervals(tmp_path, settings, said):
    study = study_of_classes(tmp_path, settings, g=np.arange(300) % 60)
    study.show("errors", look=look_of(study, likely(study)))
    record = study.recorder.record
    assert said in record.figures["calibration"]["caption"]


def test_groups_and_order_that_are_ignored_are_notes_and_kept_as_alarms(tmp_path):
    generator = np.random.default_rng(5)
    person = np.repeat(np.arange(30), 10)
    y = generator.normal(size=30)[person] + 0.3 * generator.normal(size=300)
    frame = pd.DataFrame({"person": person, "x": generator.normal(size=300), "y": y})
    study = open_study(tmp_path, frame)
    study.show("overview")
    (warning,) = study.recorder.record.values["alarms"]
    assert 'set `group = "person"` under [data]' in fill(warning["text"], warning["values"])
    notes = [fact for fact in study.recorder.record.facts if fact["kind"] == "note"]
    assert {"kind": "note", **warning} == notes[-1]

    day = pd.date_range("2024-01-01", periods=300).astype(str)
    other = open_study(tmp_path, pd.DataFrame({"x": frame["x"], "day": day, "y": np.cumsum(y)}))
    other.show("overview")
    (warning,) = other.recorder.record.values["alarms"]
    assert 'set `time = "day"` under [data]' in fill(warning["text"], warning["values"])


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"day": np.arange(300) // 2}, 'set `time = "day"` under [data] if that column says when.'),
        ({}, "name the column that says when as `time` under [data]."),
    ],
)
def test_a_file_sorted_by_its_target_may_be_in_the_order_of_time(tmp_path, columns, said):
    x = np.random.default_rng(5).normal(size=300)
    rising = np.cumsum(np.random.default_rng(6).random(300))
    study = open_study(tmp_path, pd.DataFrame({"x": x, **columns, "y": rising}))
    study.show("overview")
    assert lines(study)[-1] == (
        "The file is sorted by y. The rows are divided at random; if they came one after another, "
        + said
    )
