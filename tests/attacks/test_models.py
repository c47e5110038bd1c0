"""A stranger's final model: nothing of it runs, and it takes no more than it can be meant to."""

import io
import json
import os
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ninefold.errors import NinefoldError
from ninefold.quiet import load_tensorflow
from ninefold.study.columns import Column
from ninefold.study.final import (
    FinalModel,
    load_model,
    predict_in_fresh_process,
    predict_rows,
    save_model,
    save_network,
)

load_tensorflow()
import h5py  # noqa: E402
import keras  # noqa: E402
from keras import layers  # noqa: E402
from sklearn.compose import ColumnTransformer  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

ROWS = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [3.0, 1.0, 2.0]})
COLUMNS = (
    *(Column(name, "number", "", 0, 3) for name in ROWS),
    Column("y", "target", "", 0, 2),
)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "model"
    network = keras.Sequential(
        [
            *(keras.Input((2,)), layers.Dense(4, "relu"), layers.GaussianNoise(0.1)),
            *(layers.BatchNormalization(), layers.Dense(1)),
        ]
    )
    network.compile("adam", "mse")
    preparation = ColumnTransformer([("numbers", StandardScaler(), ["a", "b"])]).fit(ROWS)
    save_network(folder, 1, network)
    save_model(folder, FinalModel("y", (), COLUMNS, 1, 2024.0625, 0.125), preparation)
    return folder


@pytest.fixture
def model(saved, tmp_path):
    return Path(shutil.copytree(saved, tmp_path / "model"))


def refused(folder, said=""):
    with pytest.raises(NinefoldError) as error:
        predict_rows(folder, ROWS)
    assert said in str(error.value)
    assert len(str(error.value)) < 700


def rewrite(path, **changed):
    """Write a ZIP's members anew: those named (a dot is "__") as given, or without it for None."""
    members = {name.replace("__", "."): content for name, content in changed.items()}
    with zipfile.ZipFile(path) as archive:
        old = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**old, **members}.items():
            if content is not None:
                archive.writestr(name, content)


def configured(path, *changes):
    with zipfile.ZipFile(path) as archive:
        text = archive.read("config.json").decode()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    rewrite(path, config__json=text)


def weights(path, change):
    with zipfile.ZipFile(path) as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(content, "r+") as file:
        change(file)
    rewrite(path, **{"model.weights__h5".replace("model.", "model__"): content.getvalue()})


def test_a_model_of_ninefold_s_own_predicts_with_every_digit_of_its_target(model):
    found = predict_rows(model, ROWS)["y"]
    network = load_model(model).networks[0].network
    x = StandardScaler().fit_transform(ROWS).astype("float32")
    expected = np.asarray(network(x))[:, 0] * 0.125 + 2024.0625
    np.testing.assert_allclose(found, expected, rtol=1e-7)


LIMITS = {
    "members": [0, -1, 101, 3_000_000, 1.5, "x", None, True],
    "target": [[], 3, None, {}],
    "classes": ["x", None, [1], ["a"] * 10_001, {"a": 1}],
    "columns": [[], [{}], [{"name": "a"}], None, [["a", "number", "", 0, 1]], "ab"],
    "centre": ["x", None, []],
    "scale": ["x", None, []],
    "schema": [0, 3, "1", None],
    "kind": ["pickle", "", None, 1, "estimator", "constant"],  # of a network's folder
    "constant": ["x", None, [None], [[1.0]], ["1"]],
    "labels": ["x", None, [1.5], [True]],
    "more": [1],
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field in LIMITS for value in LIMITS[field]]
)
def test_a_description_that_says_other_than_it_may_is_a_line(model, field, value):
    path = model / "model.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, field: value}))
    refused(model)


@pytest.mark.parametrize("content", ["1", "[]", "null", "[" * 100_000, '{"schema": 1', "", "\0"])
def test_a_description_that_is_none_is_a_line(model, content):
    (model / "model.json").write_text(content)
    refused(model)


@pytest.mark.parametrize("role", ["owner", "", None, 3])
def test_a_column_of_no_role_is_a_line(model, role):
    path = model / "model.json"
    content = json.loads(path.read_text())
    content["columns"][0]["role"] = role
    path.write_text(json.dumps(content))
    refused(model, "model.json: 'columns.0.role'")


DENSE = '"module": "keras.layers", "class_name": "Dense"'


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"units": 4', '"units": 1000000000', "cannot be loaded: it"),
        ('"units": 4', f'"units": {10**15}', "cannot be loaded: it"),
        ('"units": 4', '"units": 10000', "cannot be loaded: it"),
        ('"units": 1,', '"units": 1000000000,', "weights and holds"),
        (DENSE, '"module": "os", "class_name": "system"', "made of system"),
        (DENSE, '"module": "builtins", "class_name": "exec"', "made of exec"),
        (DENSE, '"module": "keras.layers", "class_name": "Lambda"', "made of Lambda"),
        (DENSE, '"module": "keras.layers", "class_name": "TFSMLayer"', "made of TFSMLayer"),
        (DENSE, '"module": "keras.layers", "class_name": "StringLookup"', "made of StringLookup"),
        (DENSE, '"module": "kerasx.layers", "class_name": "Dense"', "made of Dense"),
        (DENSE, '"module": "keras.utils", "class_name": "get_file"', "cannot be loaded"),
        (DENSE, '"module": "keras.layers", "class_name": "Nothing"', "cannot be loaded"),
        (DENSE, '"module": 3, "class_name": "Dense"', "made of Dense"),
        (DENSE, '"module": "keras.layers", "class_name": ["Dense"]', "made of ['Dense']"),
        ('"units": 4', '"units": "x"', "cannot be loaded"),
        ('"units": 4', '"units": -4', "cannot be loaded"),
        ('"activation": "relu"', '"activation": "../../secret"', "cannot be loaded"),
        ('"class_name": "Sequential"', '"class_name": "Functional"', "cannot be loaded"),
    ],
)
def test_a_network_of_other_than_keras_s_layers_as_large_as_its_file_is_a_line(
    model, old, new, said
):
    configured(model / "network-1.keras", (old, new))
    refused(model, said)


def test_a_network_of_very_many_parts_is_a_line(model):
    part = '{"class_name": "Dense", "module": "keras.layers", "config": {}}'
    configured(
        model / "network-1.keras", ('"trainable": true', f'"x": [{",".join([part] * 3000)}]')
    )
    refused(model, "it is made of 15,019 parts")


def test_a_layer_that_makes_a_billion_numbers_of_a_row_is_a_line(tmp_path, model):
    network = keras.Sequential(
        [keras.Input((2,)), layers.RepeatVector(5), layers.GlobalMaxPooling1D(), layers.Dense(1)]
    )
    save_network(model, 1, network)
    configured(model / "network-1.keras", ('"n": 5', '"n": 500000000'))
    refused(model, "numbers of each row")


def test_a_network_inside_a_network_is_looked_into(model):
    inner = keras.Sequential(
        [keras.Input((2,)), layers.RepeatVector(5), layers.GlobalMaxPooling1D()]
    )
    save_network(model, 1, keras.Sequential([keras.Input((2,)), inner, layers.Dense(1)]))
    configured(model / "network-1.keras", ('"n": 5', '"n": 500000000'))
    refused(model, "numbers of each row")


def test_what_was_refused_takes_no_memory_afterwards(model):
    from keras.src.backend.common import global_state

    save_network(model, 1, keras.Sequential([keras.Input((2,)), layers.Dense(4)]))
    configured(model / "network-1.keras", ('"units": 4', '"units": 2000000000'))
    refused(model, "needs 6,000,000,000 weights")
    assert not global_state.get_global_attribute("uninitialized_variables")


def test_rows_that_take_much_memory_are_predicted_a_few_at_a_time(model):
    def widest(n):
        start = keras.Input((2,))
        wide = layers.RepeatVector(n)(start)
        return keras.Model(start, layers.GlobalAveragePooling1D()(wide)[:, :1])

    save_network(model, 1, widest(2_000_000))
    rows = pd.concat([ROWS] * 100, ignore_index=True)  # 4.8 GB at once
    found = predict_in_fresh_process(model, rows)["y"]
    scaled = StandardScaler().fit_transform(ROWS)[:, 0]
    np.testing.assert_allclose(found, np.tile(scaled, 100) * 0.125 + 2024.0625, rtol=1e-5)


@pytest.mark.skipif(sys.platform != "linux", reason="the system sees to it on Linux alone")
def test_a_prediction_gets_so_much_memory_and_no_more(model):
    start = keras.Input((2,))
    wide = layers.RepeatVector(8_000_000)(start)  # 64 MB, and again in each layer
    for _ in range(6):
        wide = layers.ReLU()(wide)
    save_network(model, 1, keras.Model(start, layers.GlobalMaxPooling1D()(wide)[:, :1]))
    with pytest.raises(NinefoldError, match=r"predicting ran out of memory|0\.25 GiB of memory"):
        predict_in_fresh_process(model, ROWS[:1], memory=2**28)


@pytest.mark.parametrize(
    "changed",
    [
        {"config__json": b"[" * 100_000},
        {"config__json": b"[]"},
        {"config__json": b"{}"},
        {"config__json": None},
        {"metadata__json": None},
        {"more__txt": b"x"},
        {"..__..__secret": b"x"},
        {"config__json": b" " * (17 << 20)},
        {"metadata__json": b" " * (2 << 20)},
    ],
)
def test_an_archive_of_other_members_or_larger_ones_is_a_line(model, changed):
    rewrite(model / "network-1.keras", **changed)
    refused(model, "network-1.keras")


@pytest.mark.parametrize(
    ("name", "member"), [("preparation.skops", "more.npy"), ("network-1.keras", "more.txt")]
)
def test_a_bomb_is_refused_before_it_is_unpacked(model, name, member):
    """A gigabyte of blanks in a megabyte."""
    path = model / name
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open(member, "w", force_zip64=True) as file,
    ):
        for _ in range(1024):
            file.write(b" " * (1 << 20))
    assert path.stat().st_size < 4 << 20
    refused(model, name)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_a_name_are_a_line(model):
    with zipfile.ZipFile(model / "network-1.keras", "a") as archive:
        archive.writestr("config.json", "{}")
    refused(model, "network-1.keras cannot be loaded: it holds")


def elsewhere(file, path):
    name, dataset = largest(file)
    shape = dataset.shape
    del file[name]
    size = 4 * int(np.prod(shape))
    file.create_dataset(name, shape, "float32", external=[(str(path), 0, size)])


def largest(file):
    found = []
    file.visititems(
        lambda name, item: found.append((name, item)) if hasattr(item, "shape") else None
    )
    return max(found, key=lambda item: item[1].size)


def test_weights_that_lie_in_another_file_are_not_read(model, tmp_path):
    secret = tmp_path / "secret.bin"
    secret.write_bytes(bytes(range(256)) * 8)
    weights(model / "network-1.keras", lambda file: elsewhere(file, secret))
    refused(model, "weights that lie elsewhere")


@pytest.mark.parametrize("kind", ["soft", "external", "packed", "circle", "none"])
def test_weights_that_are_links_or_more_than_there_is_are_a_line(model, kind):
    def change(file):
        name, _ = largest(file)
        if kind == "soft":
            del file[name]
            file[name] = h5py.SoftLink("/layers")
        elif kind == "external":
            del file[name]
            file[name] = h5py.ExternalLink("/etc/passwd", "/x")
        elif kind == "packed":
            del file[name]
            file.create_dataset(name, (10**12,), "float32", chunks=(1000,), compression="gzip")
        elif kind == "circle":
            file["again"] = file["/"]
        else:
            for each in list(file):
                del file[each]

    weights(model / "network-1.keras", change)
    refused(model, "network-1.keras cannot be loaded: it")


@pytest.mark.parametrize("content", [b"", b"PK", b"\x00" * 1000, b"PK\x05\x06" + b"\0" * 18])
@pytest.mark.parametrize("name", ["network-1.keras", "preparation.skops"])
def test_what_is_no_archive_is_a_line(model, name, content):
    (model / name).write_bytes(content)
    refused(model, name)


class Runs:
    """What pickle would run when it is loaded."""

    def __reduce__(self):
        return os.mkdir, ("executed",)


def test_a_preparation_that_would_run_code_is_not_loaded(model, monkeypatch, tmp_path):
    import pickle

    import skops.io

    monkeypatch.chdir(tmp_path)
    path = model / "preparation.skops"
    path.write_bytes(pickle.dumps(Runs()))
    refused(model, "preparation.skops cannot be loaded")
    (tmp_path / "evil.py").write_text("import os\nos.mkdir('executed')\nclass Evil: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    skops.io.dump(StandardScaler().fit(ROWS), path)
    schema = {"__class__": "Evil", "__module__": "evil", "__loader__": "ObjectNode", "__id__": 1}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "schema.json", json.dumps({**schema, "protocol": 2, "_skops_version": "1"})
        )
    refused(model, "preparation.skops")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("thing", [3, [1, 2], {"a": 1}, "text", None, StandardScaler()])
def test_a_preparation_that_is_none_is_a_line(model, thing):
    import skops.io

    skops.io.dump(thing, model / "preparation.skops")
    refused(model)


def test_many_members_end_before_they_are_looked_for(model):
    content = json.loads((model / "model.json").read_text())
    (model / "model.json").write_text(json.dumps({**content, "members": 100}))
    refused(model, "network-2.keras")


def test_a_link_in_the_place_of_a_file_is_not_followed(model, tmp_path):
    for name in ("network-1.keras", "preparation.skops", "model.json"):
        away = tmp_path / name
        (model / name).rename(away)
        (model / name).symlink_to(away)
        refused(model, "leads out of the project")
        (model / name).unlink()
        away.rename(model / name)
