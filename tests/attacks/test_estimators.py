"""A final model of scikit-learn's comes back as it was; a stranger's runs nothing and ends."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

from ninefold.errors import NinefoldError
from ninefold.study.columns import Column
from ninefold.study.final import load_model, predict_in_fresh_process, predict_rows, save_model
from ninefold.study.model_files import FinalModel
from ninefold.study.saved_estimator import save_estimator

RANDOM = np.random.default_rng(0)
ROWS = pd.DataFrame(RANDOM.normal(size=(60, 2)).round(3), columns=["a", "b"])
NUMBERS = (ROWS["a"] + 0.1 * RANDOM.normal(size=60)).to_numpy()
CLASSES = np.array(["no", "yes"])[(NUMBERS > 0).astype(int)]
COLUMNS = (
    *(Column(name, "number", "", 0, 60) for name in ROWS),
    Column("y", "target", "", 0, 2),
)


def save(folder, estimator, y, labels=None):
    """Save a fitted estimator; return it and what it is given of the rows."""
    folder.mkdir(parents=True)
    preparation = ColumnTransformer([("numbers", StandardScaler(), ["a", "b"])]).fit(ROWS)
    x = preparation.transform(ROWS)
    estimator.fit(x, y)
    classes = () if y is NUMBERS else tuple(map(str, np.unique(y)))
    places = tuple(range(len(classes))) if labels is None else labels
    model = FinalModel("y", classes, COLUMNS, 1, 0.0, 1.0, kind="estimator", labels=places)
    save_model(folder, model, preparation)
    save_estimator(folder, estimator)
    return estimator, x


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "model"
    save(folder, DecisionTreeClassifier(max_depth=3, random_state=0), CLASSES)
    return folder


@pytest.fixture
def model(saved, tmp_path):
    return Path(shutil.copytree(saved, tmp_path / "model"))


def refused(folder, said=""):
    with pytest.raises(NinefoldError) as error:
        predict_rows(folder, ROWS)
    assert said in str(error.value)
    assert len(str(error.value)) < 700


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(), KNeighborsClassifier(), DecisionTreeClassifier(random_state=0),
        RandomForestClassifier(10, random_state=0), HistGradientBoostingClassifier(max_iter=5),
        CalibratedClassifierCV(SVC(), ensemble=False),
        CalibratedClassifierCV(SVC(), method="isotonic"),
        FixedThresholdClassifier(LogisticRegression(), threshold=0.9),
        GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}),
        make_pipeline(FunctionTransformer(np.tanh), LogisticRegression()),
    ],
    ids=lambda one: type(one).__name__,
)  # fmt: skip
def test_a_classifier_answers_as_it_did_in_memory(tmp_path, estimator):
    fitted, x = save(tmp_path / "model", estimator, CLASSES)
    found = predict_rows(tmp_path / "model", ROWS)
    assert found["y"].tolist() == fitted.predict(x).tolist()
    np.testing.assert_array_equal(found.iloc[:, 1:].to_numpy(), fitted.predict_proba(x))


@pytest.mark.parametrize(
    "estimator",
    [
        Ridge(), KNeighborsRegressor(), RandomForestRegressor(10, random_state=0),
        HistGradientBoostingRegressor(max_iter=5, loss="poisson"),
        TransformedTargetRegressor(SVR(), transformer=StandardScaler()),
    ],
    ids=lambda one: type(one).__name__,
)  # fmt: skip
def test_a_regression_answers_as_it_did_in_memory(tmp_path, estimator):
    y = NUMBERS if "Hist" not in type(estimator).__name__ else np.exp(NUMBERS)
    folder = tmp_path / "model"
    folder.mkdir()
    preparation = ColumnTransformer([("numbers", StandardScaler(), ["a", "b"])]).fit(ROWS)
    x = preparation.transform(ROWS)
    fitted = estimator.fit(x, y)
    save_model(folder, FinalModel("y", (), COLUMNS, 1, 0.0, 1.0, kind="estimator"), preparation)
    save_estimator(folder, fitted)
    np.testing.assert_array_equal(predict_rows(folder, ROWS)["y"], fitted.predict(x))


def test_labels_in_another_order_than_the_classes_are_put_in_theirs(tmp_path):
    numbers = np.where(NUMBERS > 0, 10, 9)  # sorted 9, 10; their names "10", "9"
    folder = tmp_path / "model"
    fitted, x = save(folder, LogisticRegression(), numbers, labels=(1, 0))
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"classes": ["10", "9"]}))
    found = predict_rows(folder, ROWS)
    assert found["y"].tolist() == fitted.predict(x).astype(str).tolist()
    np.testing.assert_array_equal(found["probability of 9"], fitted.predict_proba(x)[:, 0])


def test_a_constant_answers_the_same_for_every_row(tmp_path):
    model = FinalModel("y", ("no", "yes"), COLUMNS, 1, 0.0, 1.0, kind="constant",
                       constant=(0.3, 0.7))  # fmt: skip
    save_model(tmp_path, model, None)
    assert [path.name for path in tmp_path.iterdir()] == ["model.json"]
    found = predict_in_fresh_process(tmp_path, ROWS)
    assert set(found["y"]) == {"yes"}
    assert set(found["probability of no"]) == {0.3}


@pytest.mark.parametrize("kind", ["estimator", "constant"])
def test_tensorflow_is_not_imported_to_predict_with_a_simple_model(tmp_path, model, kind):
    if kind == "constant":
        constant = FinalModel("y", (), COLUMNS, 1, 0, 1, kind="constant", constant=(1.5,))
        save_model(model, constant, None)
    code = (
        "import sys, pandas; from pathlib import Path; from ninefold.study.final import *; "
        f"predict_rows(Path({str(model)!r}), pandas.DataFrame({{'a': [1.0], 'b': [2.0]}})); "
        "assert not {'tensorflow', 'keras'} & sys.modules.keys()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr


class Own(ClassifierMixin, BaseEstimator):
    """An estimator of the user's own package."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        Path("executed").mkdir()


@pytest.mark.parametrize("estimator", [Own(), make_pipeline(StandardScaler(), Own())])
def test_a_class_of_the_user_s_own_is_refused_where_it_is_saved_and_it_is_said(tmp_path, estimator):
    with pytest.raises(NinefoldError) as error:
        save_estimator(tmp_path, estimator.fit(ROWS, CLASSES))
    assert f"holds an object of {__name__}.Own; a saved model may be a stranger's" in str(
        error.value
    )
    assert 'set choose = "network" under [final]' in str(error.value)
    assert not (tmp_path / "estimator.skops").exists()


def test_a_class_of_a_stranger_s_is_not_loaded(model, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    skops.io.dump(Own().fit(ROWS, CLASSES), model / "estimator.skops")
    refused(model, "estimator.skops cannot be loaded")
    assert not (tmp_path / "executed").exists()


class Runs:
    def __reduce__(self):
        return os.mkdir, ("executed",)


def test_an_estimator_that_would_run_code_is_not_loaded(model, monkeypatch, tmp_path):
    import pickle

    monkeypatch.chdir(tmp_path)
    (model / "estimator.skops").write_bytes(pickle.dumps(Runs()))
    refused(model, "estimator.skops cannot be loaded")
    rewritten(model / "estimator.skops", lambda schema: schema)
    assert not (tmp_path / "executed").exists()


def rewritten(path, change):
    """Write another file of skops's, whose schema is changed."""
    skops.io.dump(DecisionTreeClassifier(max_depth=3, random_state=0).fit(ROWS, CLASSES), path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members.pop("schema.json"))
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr("schema.json", json.dumps(change(schema)))


@pytest.mark.parametrize(
    ("module", "name"),
    [("os", "system"), ("builtins", "exec"), ("subprocess", "Popen"), ("sklearn.utils", "Nothing"),
     ("numpy.f2py", "compile"), ("sklearn.datasets", "load_files")],
)  # fmt: skip
def test_an_estimator_of_another_type_is_a_line(model, module, name):
    rewritten(
        model / "estimator.skops",
        lambda schema: schema | {"__module__": module, "__class__": name},
    )
    refused(model, "estimator.skops")


def tree_of(path, change):
    """Save a tree whose nodes are changed."""
    tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(ROWS, CLASSES)
    state = tree.tree_.__getstate__()
    change(state["nodes"])
    tree.tree_.__setstate__(state)
    skops.io.dump(tree, path)


@pytest.mark.parametrize("child", [0, -2, 10**6])
@pytest.mark.parametrize("side", ["left_child", "right_child"])
def test_a_tree_that_does_not_end_or_leads_elsewhere_is_a_line(model, side, child):
    def change(nodes):
        nodes[side][0] = child

    tree_of(model / "estimator.skops", change)
    refused(model, "holds a tree that does not end")


def test_trees_inside_an_estimator_are_looked_at_too(model):
    forest = RandomForestClassifier(3, random_state=0).fit(ROWS, CLASSES)
    state = forest.estimators_[2].tree_.__getstate__()
    state["nodes"]["left_child"][0] = 0
    forest.estimators_[2].tree_.__setstate__(state)
    skops.io.dump(make_pipeline(StandardScaler().fit(ROWS), forest), model / "estimator.skops")
    refused(model, "holds a tree that does not end")
    boosted = HistGradientBoostingClassifier(max_iter=2).fit(ROWS, CLASSES)
    boosted._predictors[1][0].nodes["left"][0] = 0
    skops.io.dump(boosted, model / "estimator.skops")
    refused(model, "holds a tree that does not end")


def test_no_number_of_processes_comes_from_a_file(model):
    forest = RandomForestClassifier(3, n_jobs=1000).fit(ROWS, CLASSES)
    calibrated = CalibratedClassifierCV(forest, cv=2).fit(ROWS, CLASSES)
    skops.io.dump(calibrated, model / "estimator.skops")
    loaded = load_model(model).estimator
    inner = [one.estimator.n_jobs for one in loaded.calibrated_classifiers_]
    assert inner == [None, None]


@pytest.mark.parametrize("content", [b"", b"PK", b"\x00" * 1000, b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_archive_is_a_line(model, content):
    (model / "estimator.skops").write_bytes(content)
    refused(model, "estimator.skops")


def test_a_bomb_is_refused_before_it_is_unpacked(model):
    path = model / "estimator.skops"
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("more.npy", "w", force_zip64=True) as file,
    ):
        for _ in range(1024):
            file.write(b" " * (1 << 20))
    assert path.stat().st_size < 4 << 20
    refused(model, "unpacks to more than an estimator can be")


@pytest.mark.parametrize("thing", [3, [1, 2], {"a": 1}, "text", None, StandardScaler().fit(ROWS)])
def test_an_estimator_that_is_none_is_a_line(model, thing):
    skops.io.dump(thing, model / "estimator.skops")
    refused(model, "no model")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"labels": []}, "labels that are not those of the classes"),
        ({"labels": [0, 0]}, "labels that are not those of the classes"),
        ({"labels": [0, 2]}, "labels that are not those of the classes"),
        ({"classes": ["no"], "labels": [0]}, "answers other classes"),
        ({"classes": ["a", "b", "c"], "labels": [0, 1, 2]}, "answers other classes"),
        ({"kind": "constant"}, "a constant of 0 numbers for 2 classes"),
        ({"kind": "constant", "constant": [0.1]}, "a constant of 1 numbers for 2 classes"),
        ({"kind": "network"}, "network-1.keras"),
    ],
)
def test_a_description_that_does_not_fit_is_a_line(model, change, said):
    path = model / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    refused(model, said)


def test_an_estimator_of_other_inputs_is_a_line(model):
    other = LogisticRegression().fit(np.hstack([ROWS, ROWS]), CLASSES)
    skops.io.dump(other, model / "estimator.skops")
    refused(model, "cannot predict these rows")


def test_a_link_in_the_place_of_the_estimator_is_not_followed(model, tmp_path):
    away = tmp_path / "estimator.skops"
    (model / "estimator.skops").rename(away)
    (model / "estimator.skops").symlink_to(away)
    refused(model, "leads out of the project")
