"""`ninefold predict` on new rows, as they come: other columns, other values, gaps."""

import io

import numpy as np
import pandas as pd
import pytest
from quick_study import ninefold, record_of
from sklearn.metrics import log_loss

from ninefold.formats import show
from ninefold.project import find_project
from ninefold.study.split_data import load_split

pytestmark = pytest.mark.slow

SPECIES = ["Adelie", "Chinstrap", "Gentoo"]
MEASURES = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")


@pytest.fixture
def holdout(finished):
    return load_split(finished, find_project(finished).settings).holdout


def predict(root, frame, path):
    frame.to_csv(path, index=False, na_rep="NA")
    done = ninefold(root, "predict", path)
    assert done.stderr == ""
    return pd.read_csv(io.StringIO(done.stdout))


def test_holdout_rows_are_predicted_as_in_the_final_models_notebook(finished, holdout, tmp_path):
    rows = holdout.frame.drop(columns="species")
    rows = rows[rows.columns[::-1]].assign(colour="black and white")
    found = predict(finished, rows, tmp_path / "rows.csv")
    shares = [f"probability of {name}" for name in SPECIES]
    assert list(found) == ["species", *shares]
    assert len(found) == len(holdout) == 69
    assert np.allclose(found[shares].sum(axis=1), 1, atol=1e-6)
    assert list(found["species"]) == [SPECIES[i] for i in found[shares].to_numpy().argmax(axis=1)]

    final = record_of(finished, "7-final-model")
    answered = [row[-4:] for row in final["tables"]["new-rows"]["rows"]]
    for (species, *given), (_, row) in zip(answered, found.head(5).iterrows(), strict=True):
        assert species == row["species"]
        assert given == pytest.approx(list(row[shares]), rel=1e-4, abs=1e-6)
    score = log_loss(holdout.frame["species"], found[shares].to_numpy(), labels=SPECIES)
    assert show(float(score)) == show(final["values"]["holdout"]["score"])


def test_unseen_categories_and_missing_values_are_predicted_too(finished, holdout, tmp_path):
    development = load_split(finished, find_project(finished).settings).development
    rows = holdout.frame.iloc[[0] * 6].astype(dict.fromkeys(MEASURES, object))
    rows["island"] = ["Torgersen", "Atlantis", None, *["Torgersen"] * 3]
    for name in MEASURES:
        known = development.X[name]
        rows[name] = [*rows[name].iloc[:3], None, float(known.median()), float(known.max())]
    found = predict(finished, rows, tmp_path / "rows.csv")
    shares = found.filter(like="probability").to_numpy()
    assert shares.shape == (6, 3)
    assert np.isfinite(shares).all()
    assert np.allclose(shares.sum(axis=1), 1, atol=1e-6)
    # a simple model is fitted on all development rows, whose median takes a gap's place
    assert record_of(finished, "7-final-model")["values"]["best"]["kind"] != "network"
    assert np.allclose(shares[3], shares[4])
    assert not np.allclose(shares[3], shares[5])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.drop(columns=["sex", "year"]), "no column 'sex', 'year'"),
        (lambda rows: rows.assign(body_mass_g="heavy"), "'body_mass_g'"),
    ],
)
def test_rows_that_do_not_fit_the_model_are_one_clear_line(
    change, said, finished, holdout, tmp_path
):
    change(holdout.frame).to_csv(tmp_path / "rows.csv", index=False)
    done = ninefold(finished, "predict", tmp_path / "rows.csv", status=1)
    assert done.stdout == ""
    assert done.stderr.startswith("ninefold: ")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr
