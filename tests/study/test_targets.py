"""A network's loss and last layer say which problem it is made for and whether its target may be
standardised; an embedding says that its inputs are numbers of tokens."""

import numpy as np
import pytest
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.preprocessing import FunctionTransformer

from ninefold import evaluate
from ninefold.errors import NinefoldError
from ninefold.quiet import load_tensorflow

load_tensorflow()
import keras  # noqa: E402
from keras import layers  # noqa: E402

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(240, 4))
COUNTS = RANDOM.poisson(np.exp(1 + X[:, 0])).astype(float)
SMALL = {"folds": 3, "repeats": 1, "validation": 0}


def network(loss, end=None, width=4, units=1):
    def build():
        model = keras.Sequential(
            [keras.Input((width,)), layers.Dense(16, "tanh"), layers.Dense(units, end)]
        )
        model.compile(keras.optimizers.Adam(0.01), loss)
        return model

    return build


POSITIVE = [("poisson", "exponential"), ("mse", "relu"), ("mean_squared_logarithmic_error", None),
            ("mse", "softplus")]  # fmt: skip


@pytest.mark.parametrize(("loss", "end"), POSITIVE)
def test_a_target_that_a_network_cannot_meet_once_it_is_standardised_is_left_as_it_is(loss, end):
    options = {"epochs": 40, "metrics": ["r2"], **SMALL}
    by_itself = evaluate(network(loss, end), X, COUNTS, **options)
    as_it_is = evaluate(network(loss, end), X, COUNTS, scale_target=False, **options)
    np.testing.assert_array_equal(by_itself.values(), as_it_is.values())
    found = by_itself.predictions
    again = [r2_score(COUNTS[f["row"]], f["prediction"]) for _, f in found.groupby("fold")]
    assert by_itself.values().tolist() == pytest.approx(again)
    assert min(again) > 0.3


def test_a_target_is_standardised_if_it_may_be_and_as_the_caller_says():
    y = 1000 + 300 * X[:, 0]
    found = {
        scale: evaluate(
            network("mse"), X, y, epochs=30, metrics=["r2"], scale_target=scale, **SMALL
        )
        for scale in ("auto", True, False)
    }
    np.testing.assert_array_equal(found["auto"].values(), found[True].values())
    assert found["auto"].values().min() > 0.9
    assert found[False].values().max() < 0
    logarithm = FunctionTransformer(np.log, np.exp)
    long_tail = np.exp(3 * X[:, 0])
    bent = evaluate(network("mse"), X, long_tail, epochs=30, scale_target=logarithm, **SMALL)
    assert (
        bent.values("mae").mean()
        < 0.5 * evaluate(network("mse"), X, long_tail, epochs=30, **SMALL).values("mae").mean()
    )


@pytest.mark.parametrize("scale", ["standard", None, 3])
def test_what_scales_no_target_is_one_line(scale):
    with pytest.raises(NinefoldError, match=f"scale_target={scale!r}; expected True, False, "):
        evaluate(network("mse"), X, COUNTS + 0.5, scale_target=scale, **SMALL)


RATINGS = np.clip(np.round(3 + 1.5 * X[:, 0]), 1, 5)


@pytest.mark.parametrize(
    ("build", "y", "classes"),
    [
        (network("mse"), RATINGS, 0),
        (network("huber"), RATINGS.astype(int), 0),
        (network("poisson", "exponential"), RATINGS, 0),
        (network("binary_crossentropy", "sigmoid"), X[:, 0] > 0, 2),
        (network("mse", "sigmoid"), (X[:, 0] > 0).astype(int), 2),
        (network("sparse_categorical_crossentropy", "softmax", units=5), RATINGS - 1, 5),
        (network("sparse_categorical_crossentropy", "softmax", units=24), np.arange(240) % 24, 24),
    ],
    ids=lambda value: "" if callable(value) else None,
)
def test_the_loss_and_the_last_layer_say_what_y_is(build, y, classes):
    assert len(evaluate(build, X, y, epochs=1, **SMALL).protocol.classes) == classes


def test_a_loss_of_one_s_own_says_nothing_and_the_caller_does():
    build = network(lambda y, p: keras.ops.mean((y - p) ** 2, -1))
    with pytest.raises(NinefoldError, match="the network has 1 outputs; expected 5, one a class"):
        evaluate(build, X, RATINGS, epochs=1, **SMALL)
    found = evaluate(build, X, RATINGS, epochs=1, problem="regression", **SMALL)
    assert found.protocol.problem == "regression"


def test_a_function_that_asks_for_its_inputs_and_outputs_says_it_too():
    def build(inputs, outputs):
        return network("mse", width=inputs, units=outputs)()

    assert evaluate(build, X, RATINGS, epochs=1, **SMALL).protocol.problem == "regression"
    letters = np.arange(240) % 24

    def classify(inputs, outputs):
        return network("sparse_categorical_crossentropy", "softmax", inputs, outputs)()

    assert len(evaluate(classify, X, letters, epochs=1, **SMALL).protocol.classes) == 24


def tokens(rows=300, length=8, words=50):
    """Texts whose class is whether a word is in them, by the numbers of their words."""
    texts = RANDOM.integers(2, words, (rows, length))
    labels = np.arange(rows) % 2
    texts[np.arange(rows)[labels == 1], RANDOM.integers(0, length, (labels == 1).sum())] = 1
    return texts, labels


def embedding(words=50, length=8):
    model = keras.Sequential(
        [
            keras.Input((length,)),
            layers.Embedding(words, 4),
            layers.GlobalMaxPooling1D(),
            layers.Dense(1, "sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
    return model


def test_numbers_of_tokens_go_into_an_embedding_as_they_are():
    texts, labels = tokens()
    options = {"epochs": 20, "metrics": ["roc_auc"], **SMALL}
    found = evaluate(embedding, texts, labels, **options)
    plain = evaluate(embedding, texts, labels, prepare=None, **options)
    assert found.values().tolist() == plain.values().tolist()
    assert found.values().min() > 0.9
    out = found.predictions
    again = [roc_auc_score(labels[f["row"]], f["1"]) for _, f in out.groupby("fold")]
    assert found.values().tolist() == pytest.approx(again)


def test_beside_them_another_network_has_its_inputs_standardised():
    texts, labels = tokens(120)

    def dense():
        model = keras.Sequential([keras.Input((8,)), layers.Dense(1, "sigmoid")])
        model.compile("sgd", "binary_crossentropy")
        return model

    alone = evaluate(dense, texts, labels, epochs=2, **SMALL)
    both = evaluate({"tokens": embedding, "dense": dense}, texts, labels, epochs=2, **SMALL)
    assert both["dense"].scores.equals(alone.scores)


def test_padded_sequences_keep_their_padding_and_each_feature_its_scale():
    generator = np.random.default_rng(5)
    labels = np.arange(200) % 2
    rows = generator.normal([50.0, -2000.0], [1.0, 200.0], (200, 6, 2))
    rows[labels == 1, :, 0] += 1.0
    ends = generator.integers(2, 7, 200)
    for row, end in zip(rows, ends, strict=True):
        row[end:] = 0

    def build():
        model = keras.Sequential(
            [keras.Input((6, 2)), layers.Masking(), layers.GRU(4), layers.Dense(1, "sigmoid")]
        )
        model.compile(keras.optimizers.Adam(0.03), "binary_crossentropy")
        return model

    found = evaluate(build, rows, labels, epochs=20, metrics=["roc_auc"], **SMALL)
    assert found.values().mean() > 0.8
