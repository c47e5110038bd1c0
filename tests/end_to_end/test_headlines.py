"""What the first sentence of a report says, of real small studies in each state they can be in."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from quick_study import edit, new_study, ninefold, report_of

pytestmark = pytest.mark.slow

WITHOUT = (
    "5-experiments/2-batch-size", "5-experiments/3-weight-regularization",
    "6-improvements/1-random-search", "6-improvements/2-model-averaging",
)  # fmt: skip
MODELS = '''
def simple_models(outputs: int) -> dict[str, object]:
    """Return the models that a network has to beat."""
    if outputs == 1:
        return {"linear": linear_model.Ridge(), "decision tree": tree.DecisionTreeRegressor(max_depth=4)}
    return {"linear": linear_model.LogisticRegression(max_iter=1000)}
'''  # noqa: E501


def first_minute(
    folder: Path, frame: pd.DataFrame, *changes: tuple[str, str], epochs: int = 30
) -> str:
    """Run a study of `y` in the frame with few models, and return its report above the contents.

    changes  (old, new) texts of ninefold.toml or of the project's models.py
    """
    frame.to_csv(folder / "rows.csv", index=False)
    root = folder / "study"
    new_study(root, folder / "rows.csv", "--target", "y", without=WITHOUT)
    settings, (models,) = root / "ninefold.toml", root.glob("*/models.py")
    text = models.read_text("utf-8")
    models.write_text(text[: text.index("def simple_models")].rstrip() + "\n\n" + MODELS)
    edit(settings, "epochs = 5", f"epochs = {epochs}")
    edit(settings, "folds = 3", "folds = 5")
    for old, new in changes:
        edit(settings if old in settings.read_text("utf-8") else models, old, new)
    ninefold(root, "run", "--all")
    ninefold(root, "report")
    return report_of(root).split("**Contents**")[0]


def inputs(rows: int, columns: int = 4, seed: int = 0) -> tuple[pd.DataFrame, np.random.Generator]:
    numbers = np.random.default_rng(seed)
    names = [f"x{number}" for number in range(columns)]
    return pd.DataFrame(numbers.normal(size=(rows, columns)), columns=names), numbers


def test_noise_is_said_to_show_no_skill(tmp_path):
    frame, numbers = inputs(200)
    text = first_minute(tmp_path, frame.assign(y=numbers.choice(["no", "yes"], 200)))
    said = "There is no evidence of skill|No model was found|The rule chose the constant"
    assert re.search(rf"\*\*({said})", text)
    assert "clearly beats" not in text


def test_a_linear_truth_gets_a_linear_model(tmp_path):
    frame, numbers = inputs(300)
    truth = frame.sum(axis=1) + numbers.normal(size=300)
    text = first_minute(tmp_path, frame.assign(y=truth))
    assert "**The model 'linear' clearly beats guessing" in text


def test_a_network_that_beats_the_simple_models_is_said_to(tmp_path):
    frame, _ = inputs(400, 2)
    inside = np.where((frame**2).sum(axis=1) < 1.4, "inside", "outside")
    text = first_minute(tmp_path, frame.assign(y=inside), epochs=60)
    assert re.search(r"\*\*The network '.*' clearly beats guessing, and does better than the", text)
    assert "the best simple model, 'linear'" in text


def test_a_network_that_answers_alike_for_every_row_is_told_of_first(tmp_path):
    frame, numbers = inputs(300)
    truth = frame.sum(axis=1) + numbers.normal(size=300)
    text = first_minute(
        tmp_path, frame.assign(y=truth), ('choose = "any"', 'choose = "network"'),
        ("learning_rate: float = 0.001", "learning_rate: float = 1e-12"),
        ('kernel_initializer="he_normal"', 'kernel_initializer="zeros"'),
    )  # fmt: skip
    assert "[!CAUTION]" in text
    assert "NF112" in text
    assert text.index("[!CAUTION]") < text.index("**There is no evidence of skill")


def test_an_input_that_gives_the_target_away_is_told_of_first(tmp_path):
    frame, numbers = inputs(300)
    truth = numbers.choice(["no", "yes"], 300)
    leak = (truth == "yes") + 0.01 * numbers.normal(size=300)
    text = first_minute(tmp_path, frame.assign(paid=leak, y=truth))
    assert "[!CAUTION]" in text
    assert "paid alone predicts the target almost perfectly" in text.split("**The")[0]


def test_rows_of_one_person_on_both_sides_are_told_of_first(tmp_path):
    numbers = np.random.default_rng(3)
    person = np.repeat(np.arange(60), 6)
    level = numbers.normal(size=60)[person]
    rows = pd.DataFrame({"person": person, "x": level + 0.1 * numbers.normal(size=360)})
    text = first_minute(tmp_path, rows.assign(y=level + 0.4 * numbers.normal(size=360)))
    assert "[!CAUTION]" in text
    assert "Rows of one person are alike in y" in text


def test_a_hold_out_of_another_kind_is_told_of_first(tmp_path):
    numbers = np.random.default_rng(1)
    site = np.repeat([f"site {number:02}" for number in range(30)], 10)
    frame, _ = inputs(300)
    truth = frame["x0"] * 3 + numbers.normal(size=300)
    odd = _held_out_sites(frame.assign(site=site, y=truth), tmp_path)
    truth = truth.where(~np.isin(site, odd), -truth)
    text = first_minute(
        tmp_path, frame.assign(site=site, y=truth), ('group = ""', 'group = "site"')
    )
    assert "does worse than in the worst of 5 folds" in text
    assert "Skill is not confirmed on new rows" in text


def _held_out_sites(frame: pd.DataFrame, folder: Path) -> list[str]:
    """Return the sites that a study of the frame holds out."""
    from ninefold.settings import DataSettings, Settings, StudySettings
    from ninefold.study.split_data import load_split

    frame.to_csv(folder / "probe.csv", index=False)
    settings = Settings(
        study=StudySettings(title="t", package="p"),
        data=DataSettings(source="probe.csv", target="y", group="site"),
    )
    return sorted(set(load_split(folder, settings).holdout.frame["site"]))


def test_folds_in_time_order_claim_no_test(tmp_path):
    frame, numbers = inputs(240, 1)
    day = pd.date_range("2025-01-01", periods=240).astype(str)
    truth = 2 * frame["x0"] + numbers.normal(size=240)
    text = first_minute(tmp_path, frame.assign(day=day, y=truth), ('time = ""', 'time = "day"'))
    assert "**The folds follow one another in time, so no test of skill is valid." in text
    assert "clearly beats" not in text
