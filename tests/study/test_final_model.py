"""The final model comes back from its folder as it was, without pickle, in any process."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ninefold.errors import NinefoldError
from ninefold.quiet import load_tensorflow
from ninefold.settings import DataSettings
from ninefold.study.dataset import make_dataset
from ninefold.study.final import (
    FinalModel,
    load_model,
    predict_in_fresh_process,
    predict_rows,
    read_model,
    save_model,
    save_network,
)
from ninefold.study.learners import make_learner
from ninefold.study.split_data import make_task
from ninefold.study.training import Recipe

load_tensorflow()
import keras  # noqa: E402
from keras import layers  # noqa: E402

ROWS = 60


def table() -> pd.DataFrame:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "mass": random.normal(4000, 500, ROWS),
            "island": np.array(["Biscoe", "Dream", "Torgersen"])[np.arange(ROWS) % 3],
            "wild": random.random(ROWS) > 0.5,
            "length": 40 + 5 * random.normal(size=ROWS),
            "species": random.choice(["Adelie", "Chinstrap", "Gentoo"], ROWS),
        }
    )
    frame.loc[::7, ["mass"]] = np.nan
    frame.loc[3::11, ["island"]] = None
    return frame


def network(inputs, outputs):
    model = keras.Sequential([keras.Input((inputs,)), layers.Dense(4, "tanh")])
    model.add(layers.BatchNormalization())
    model.add(layers.Dense(outputs, "linear" if outputs == 1 else "softmax"))
    model.compile("adam", "mse" if outputs == 1 else "sparse_categorical_crossentropy")
    return model


def train(folder, target, members=2):
    """Save a trained model; return the mean of what its networks said while they were trained."""
    data = make_dataset(table(), DataSettings(source="-", target=target))
    learner = make_learner(network, make_task(data), "auto", Recipe(2, 16))
    train, validation = np.arange(40), np.arange(40, ROWS)
    said = []
    for number in range(1, members + 1):
        fitted = learner.fit(train, validation, seed=number)
        save_network(folder, number, fitted.model)
        said.append(fitted.predict(learner._task.X).outputs)
    scaler = fitted.target
    model = FinalModel(
        target=target,
        classes=data.classes,
        columns=data.columns,
        members=members,
        centre=0.0 if scaler is None else float(scaler.mean_[0]),
        scale=1.0 if scaler is None else float(scaler.scale_[0]),
    )
    save_model(folder, model, fitted.preparation)
    return np.mean(said, axis=0)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A classifier of two members, and what it said in memory."""
    folder = tmp_path_factory.mktemp("model")
    return folder, train(folder, "species")


@pytest.fixture
def copy(saved, tmp_path):
    for path in saved[0].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def test_a_loaded_classifier_says_what_it_said_in_memory(saved):
    folder, said = saved
    found = predict_rows(folder, table().drop(columns="species"))
    probabilities = [f"probability of {name}" for name in ("Adelie", "Chinstrap", "Gentoo")]
    assert list(found) == ["species", *probabilities]
    np.testing.assert_allclose(found[probabilities], said, atol=1e-6)
    likeliest = found[probabilities].idxmax(axis=1).str.removeprefix("probability of ")
    assert found["species"].tolist() == likeliest.tolist()


def test_a_loaded_regression_speaks_in_the_targets_units_as_in_memory(tmp_path):
    said = train(tmp_path, "length", members=1)
    found = predict_rows(tmp_path, table())
    assert list(found) == ["length"]
    np.testing.assert_allclose(found["length"], said[:, 0], rtol=1e-5)
    assert 30 < found["length"].mean() < 50


@pytest.mark.slow
def test_a_fresh_process_says_the_same(saved):
    folder, _ = saved
    rows = table()[:7].drop(columns="species")
    pd.testing.assert_frame_equal(
        predict_in_fresh_process(folder, rows), predict_rows(folder, rows), check_dtype=False
    )


def test_nothing_in_the_folder_is_a_pickle(saved):
    names = sorted(path.name for path in saved[0].iterdir())
    assert names == ["model.json", "network-1.keras", "network-2.keras", "preparation.skops"]
    assert json.loads((saved[0] / "model.json").read_text())["classes"][0] == "Adelie"
    for path in saved[0].iterdir():
        assert path.read_bytes()[:2] in (b"PK", b"{\n")  # a zip of JSON and arrays, or JSON


def test_model_json_gives_back_what_was_saved(saved):
    model = read_model(saved[0])
    assert (model.target, model.members) == ("species", 2)
    assert model.inputs == ["mass", "island", "wild", "length"]
    assert [c.role for c in model.columns] == ["number", "category", "number", "number", "target"]


def test_new_rows_may_hold_gaps_new_levels_other_columns_in_another_order(saved):
    rows = table()[["species", "length", "wild", "island", "mass"]][:3].assign(colour="red")
    rows.loc[0, ["length", "mass"]] = np.nan
    rows.loc[1, "island"] = "Atlantis"
    found = predict_rows(saved[0], rows)
    assert found.iloc[:, 1:].sum(axis=1).tolist() == pytest.approx([1, 1, 1])
    plain = predict_rows(saved[0], table()[:3])
    pd.testing.assert_series_equal(found.loc[2], plain.loc[2])


def test_the_networks_are_averaged(saved):
    loaded = load_model(saved[0])
    assert len(loaded.networks) == 2
    assert not np.array_equal(*(one.network.get_weights()[0] for one in loaded.networks))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"mass": "heavy"}, "column 'mass' holds 'heavy'; expected numbers"),
        ({"mass": None, "island": None}, "no column 'mass', 'island'; expected all inputs"),
    ],
)
def test_rows_that_do_not_fit_are_one_clear_line(saved, change, line):
    rows = table().drop(columns=list(change))
    rows = rows.assign(**{key: value for key, value in change.items() if value})
    with pytest.raises(NinefoldError, match=line):
        predict_rows(saved[0], rows)


def test_without_a_model_it_says_which_section_to_run(tmp_path):
    with pytest.raises(NinefoldError, match="there is no final model yet; run section 7: ninefold"):
        predict_rows(tmp_path, table())


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('{"schema": 99}', "holds a model of another version of ninefold; run section 7 again"),
        ('{"schema": 1, "members": 1}', "model.json: 'target': Field required; run section 7"),
        ("[1, 2]", "holds a model of another version of ninefold"),
        ("<<<<<<< HEAD", r"model\.json is not valid JSON .*; run section 7 again"),
    ],
)
def test_a_strange_model_json_is_one_clear_line(copy, content, line):
    (copy / "model.json").write_text(content)
    with pytest.raises(NinefoldError, match=line):
        read_model(copy)


@pytest.mark.parametrize("name", ["network-2.keras", "preparation.skops"])
@pytest.mark.parametrize("how", ["absent", "broken"])
def test_a_file_that_is_absent_or_broken_is_named(copy, name, how):
    if how == "absent":
        (copy / name).unlink()
    else:
        (copy / name).write_bytes(b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(NinefoldError, match=f"{name} cannot be loaded.*; run section 7 again"):
        predict_rows(copy, table())


@pytest.mark.slow
def test_a_fresh_process_that_fails_says_why_in_one_line(tmp_path):
    line = "^there is no final model yet"
    with pytest.raises(NinefoldError, match=line):
        predict_in_fresh_process(tmp_path, table()[:2])


def test_a_column_called_as_an_error_is_one_that_is_absent(saved):
    columns = json.loads((saved[0] / "model.json").read_text())["columns"]
    name = next(c["name"] for c in columns if c["role"] == "number")
    rows = table().rename(columns={name: "MemoryError"})
    with pytest.raises(NinefoldError, match=name) as error:
        predict_in_fresh_process(saved[0], rows)
    assert "memory at most" not in str(error.value)
    assert "ran out" not in str(error.value)


def test_no_number_of_processes_comes_from_a_file(saved, tmp_path):
    import skops.io

    folder = Path(shutil.copytree(saved[0], tmp_path / "model"))
    preparation = skops.io.load(folder / "preparation.skops", trusted=["numpy.dtype"])
    skops.io.dump(preparation.set_params(n_jobs=1000), folder / "preparation.skops")
    assert load_model(folder).preparation.get_params()["n_jobs"] is None
