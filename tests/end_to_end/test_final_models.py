"""The final model may be any: a simple one, a network, the constant. Section 7 saves it, judges it,
and `ninefold predict` answers as the record says."""

import io

import numpy as np
import pandas as pd
import pytest
from quick_study import edit, new_study, ninefold, record_of, report_of

from ninefold.project import find_project
from ninefold.study.split_data import load_split

pytestmark = pytest.mark.slow

FINAL = "7-final-model"
WITHOUT = (
    "2-data-summary", "5-experiments/2-batch-size", "5-experiments/3-weight-regularization",
    "6-improvements/1-random-search", "6-improvements/2-model-averaging",
)  # fmt: skip
LINEAR_ONLY = """

def simple_models(outputs: int) -> dict[str, object]:
    return {"linear": linear_model.Ridge()}
"""


def make(root, y, *, metric="rmse", epochs=5, final="", models=""):
    """Make and run a study of 200 rows of three inputs, of which y is a function."""
    numbers = np.random.default_rng(0)
    X = numbers.normal(size=(200, 3)).round(3)
    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(y=y(X, numbers.normal(size=200)))
    frame.to_csv(root.parent / "rows.csv", index=False)
    new_study(root, root.parent / "rows.csv", "--target", "y", f"metric={metric}", without=WITHOUT)
    edit(root / "ninefold.toml", "epochs = 5", f"epochs = {epochs}")
    if final:
        edit(root / "ninefold.toml", 'choose = "any"', f'choose = "{final}"')
    (root / "sections/1-problem.md").write_text("# Problem description\n\nA test.\n")
    package = find_project(root).settings.study.package
    with (root / package / "models.py").open("a", encoding="utf-8") as file:
        file.write(models)
    ninefold(root, "run", "4-baseline", "1-spot-check", "3-test-harness", FINAL)
    return record_of(root, FINAL)


def assert_predicts_as_recorded(root, record):
    """`ninefold predict` gives the score of the record, and a second run has nothing to do."""
    project = find_project(root)
    holdout = load_split(root, project.settings).holdout
    holdout.frame.drop(columns="y").to_csv(root / "new.csv", index=False)
    found = pd.read_csv(io.StringIO(ninefold(root, "predict", "new.csv").stdout))
    values = record["values"]
    if holdout.classes:
        shares = found.filter(like="probability").to_numpy()
        score = -np.log(shares[np.arange(len(shares)), holdout.y].clip(1e-15)).mean()
    else:
        score = np.sqrt(np.mean((found["y"] - holdout.y) ** 2))
    assert score == pytest.approx(values["holdout"]["score"], rel=1e-4)
    again = ninefold(root, "run", "4-baseline", "1-spot-check", FINAL).stdout
    assert f"ran {FINAL}" not in again
    assert "kept" in again


def straight(X, noise):
    return (2 * X[:, 0] - X[:, 1] + 0.3 * noise).round(3)


def crossed(X, noise):
    return (2 * X[:, 0] * X[:, 1] + 0.1 * noise).round(3)


def chance(X, noise):
    return np.where(noise > 0.3, "yes", "no")


def test_the_linear_model_is_the_final_one_where_it_is_the_best(tmp_path):
    root = tmp_path / "study"
    record = make(root, straight)
    values = record["values"]
    assert (values["best"]["name"], values["best"]["kind"]) == ("linear", "linear")
    assert values["candidates_by_kind"] == "3 networks, 6 scikit-learn models, 1 constant"
    assert values["verdict"] == "skill"
    assert values["simple"]["name"] == "linear"
    beside = values["beside"]
    assert beside.keys() == {"network", "constant"}
    assert values["holdout"]["score"] < beside["network"]["score"]
    assert values["rival"]["name"] == beside["network"]["name"]
    assert values["files"] == ["estimator.skops", "model.json", "preparation.skops"]
    assert "final-curve" not in record["figures"]
    costs = [row[0] for row in record["tables"]["cost"]["rows"]]
    assert costs == ["final model", beside["network"]["name"]]
    assert_predicts_as_recorded(root, record)
    rule = record_of(root, "3-test-harness")["values"]["rule"]
    assert rule.startswith("The final model will be the simplest candidate within one standard")
    ninefold(root, "report")
    assert "clearly beats guessing" in report_of(root)


def test_the_network_is_the_final_one_where_it_is_the_best(tmp_path):
    root = tmp_path / "study"
    record = make(root, crossed, epochs=150, models=LINEAR_ONLY)
    values = record["values"]
    assert values["best"]["kind"] == "network"
    assert values["verdict"] == "beats the best simple model"
    assert values["beside"]["linear"] == values["beside"]["simple"] == values["simple"]
    assert values["holdout"]["score"] < values["simple"]["score"]
    assert "network-1.keras" in values["files"]
    assert "final-curve" in record["figures"]
    assert_predicts_as_recorded(root, record)


def test_a_study_of_networks_chooses_among_networks_and_says_so(tmp_path):
    root = tmp_path / "study"
    record = make(root, straight, final="network")
    values = record["values"]
    assert values["best"]["kind"] == "network"
    assert values["candidates_by_kind"] == "3 networks"
    assert {"simple", "linear"} <= values["beside"].keys()
    assert values["simple"]["name"] == "linear"
    said = [fact["text"] for fact in record["facts"]]
    assert "The subject of this study is the network: no other model was a candidate." in said
    harness = record_of(root, "3-test-harness")
    assert harness["values"]["which"] == "every network"
    said = [fact["text"] for fact in harness["facts"]]
    assert "The network is the subject of this study: no other model is a candidate." in said
    assert_predicts_as_recorded(root, record)


def test_of_noise_the_constant_is_the_final_model(tmp_path):
    root = tmp_path / "study"
    record = make(root, chance, metric="log_loss")
    values = record["values"]
    assert (values["best"]["name"], values["best"]["kind"]) == ("strongest constant", "constant")
    assert values["verdict"] == "no evidence of skill"
    assert values["holdout"]["score"] == values["constant"]
    assert values["files"] == ["model.json"]
    assert "alarms" not in values  # it is meant to be one
    assert {"network", "simple"} <= values["beside"].keys()
    assert_predicts_as_recorded(root, record)
    ninefold(root, "report")
    within = values.get("best_candidate", "strongest constant") != "strongest constant"
    said = "The rule chose the constant: " if within else "the final model is the constant"
    assert said in report_of(root)
