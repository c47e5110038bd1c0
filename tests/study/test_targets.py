"""A network's loss and last layer say which problem it is made for and whether its target may be
standardised; an embedding says that its inputs are numbers of tokens."""

from functools import partial

import numpy as np
import pytest
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.preprocessing import FunctionTransformer, StandardScaler

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


def nested(words=50, length=8):
    inner = keras.Sequential([keras.Input((length,)), layers.Embedding(words, 4)])
    return [inner, layers.GlobalMaxPooling1D()]


def moved(words=50, length=8):
    return [layers.Reshape((2, length // 2)), layers.Embedding(words, 4), layers.Flatten()]


def counted(words=50, length=8):
    return [layers.CategoryEncoding(words, "multi_hot")]


@pytest.mark.parametrize("parts", [nested, moved, counted])
def test_numbers_that_reach_an_embedding_by_other_ways_go_in_as_they_are(parts):
    texts, labels = tokens(120)

    def build():
        model = keras.Sequential([keras.Input((8,)), *parts(), layers.Dense(1, "sigmoid")])
        model.compile("sgd", "binary_crossentropy")
        return model

    found = evaluate(build, texts, labels, epochs=2, **SMALL)
    plain = evaluate(build, texts, labels, epochs=2, prepare=None, **SMALL)
    assert found.values().tolist() == plain.values().tolist()


def test_whole_numbers_beside_an_embedding_of_other_things_are_standardised_with_a_warning():
    counts, labels = tokens(120)

    class Placed(layers.Layer):
        def __init__(self):
            super().__init__()
            self.places = layers.Embedding(8, 3)

        def call(self, x):
            return keras.ops.expand_dims(x, -1) + self.places(keras.ops.arange(8)[None])

    def build():
        parts = [Placed(), layers.Flatten(), layers.Dense(1, "sigmoid")]
        model = keras.Sequential([keras.Input((8,)), *parts])
        model.compile("sgd", "binary_crossentropy")
        return model

    with pytest.warns(UserWarning, match="are of whole numbers, and the network has an Embedding "):
        found = evaluate(build, counts, labels, epochs=1, return_models=True, **SMALL)
    assert found.models[0].preparation is not None


def test_padding_is_what_the_network_masks():
    generator = np.random.default_rng(5)
    rows = generator.normal(50.0, 3.0, (120, 6, 1))
    ends = generator.integers(2, 7, 120)
    y = np.array([row[end - 1, 0] for row, end in zip(rows, ends, strict=True)])
    filled = {}
    for padding in (0.0, -1.0):
        filled[padding] = rows.copy()
        for row, end in zip(filled[padding], ends, strict=True):
            row[end:] = padding

    def build(padding):
        model = keras.Sequential(
            [keras.Input((6, 1)), layers.Masking(padding), layers.SimpleRNN(3), layers.Dense(1)]
        )
        model.compile(keras.optimizers.Adam(0.02), "mse")
        return model

    found = [
        evaluate(partial(build, padding), filled[padding], y, epochs=3, **SMALL).values()
        for padding in (0.0, -1.0)
    ]
    assert found[0].tolist() == pytest.approx(found[1].tolist(), rel=1e-4)
    beside = {"masks another": partial(build, 0.0), "masks it": partial(build, -1.0)}
    both = evaluate(beside, filled[-1.0], y, epochs=3, **SMALL)
    assert both["masks it"].values().tolist() == pytest.approx(found[1].tolist(), rel=1e-4)


class Positive(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner, self.out = layers.Dense(6, "relu"), layers.Dense(1)

    def call(self, x):
        return keras.ops.exp(self.out(self.inner(x)))


class Linear(Positive):
    def call(self, x):
        return self.out(self.inner(x))


def by_operation(act):
    start = keras.Input((3,))
    return keras.Model(start, act(layers.Dense(1)(layers.Dense(6, "relu")(start))))


ONE = partial(layers.Dense, 1)


def ending(*parts):
    return lambda: keras.Sequential(
        [keras.Input((3,)), layers.Dense(6, "relu"), *(part() for part in parts)]
    )


@pytest.mark.parametrize(
    ("build", "scaled"),
    [
        (ending(ONE), True),
        (ending(ONE, partial(layers.Rescaling, 30.0)), True),
        (ending(ONE, layers.Flatten), True),
        (ending(partial(ONE, "sigmoid"), partial(layers.Rescaling, 30.0)), False),
        (ending(partial(ONE, "softplus"), layers.Flatten), False),
        (ending(ONE, layers.ReLU), False),
        (ending(partial(ONE, lambda x: x**2)), False),
        (Positive, False),
        (Linear, True),
        (lambda: by_operation(keras.ops.exp), False),
        (lambda: by_operation(lambda x: 30 * x), True),
    ],
)
def test_a_network_is_tried_for_what_it_can_answer(build, scaled):
    def compiled():
        model = build()
        model.compile("sgd", "mse")
        return model

    X = np.random.default_rng(0).normal(size=(60, 3))
    y = 100 + X[:, 0]
    found = evaluate(compiled, X, y, epochs=1, return_models=True, **SMALL)
    targets = {model._fitted.target is not None for model in found.models}
    assert targets == {scaled}


def test_a_transformer_of_the_target_must_come_back():
    y = np.exp(X[:, 0])
    options = {"epochs": 2, **SMALL}
    with pytest.raises(NinefoldError, match="does not come back to y; its inverse_transform must"):
        evaluate(network("mse"), X, y, scale_target=FunctionTransformer(np.log1p), **options)
    there_and_back = FunctionTransformer(np.log1p, inverse_func=np.expm1)
    assert evaluate(network("mse"), X, y, scale_target=there_and_back, **options).diverged == ()


def test_a_transformer_that_returns_frames_scales_as_any_other():
    y = 100 + X[:, 0]
    frames = StandardScaler().set_output(transform="pandas")
    found = [
        evaluate(network("mse"), X, y, scale_target=scale, epochs=2, **SMALL).values().tolist()
        for scale in (True, frames)
    ]
    assert found[0] == found[1]


def test_outputs_that_the_transformer_makes_no_numbers_of_are_said():
    y = np.exp(X[:, 0])

    class Half(FunctionTransformer):
        def fit(self, X, y=None):
            self.limit_ = np.log(X).max()
            return super().fit(X, y)

        def inverse_transform(self, X):
            return np.where(self.limit_ < X, np.nan, np.exp(X))

    def far():
        model = network("mse")()
        model.layers[-1].bias.assign([50.0])
        return model

    with pytest.warns(UserWarning, match="makes no numbers of some of the network's outputs"):
        found = evaluate(far, X, y, scale_target=Half(np.log), epochs=1, **SMALL)
    assert found.diverged == ((0, 0), (0, 1), (0, 2))


class Words(keras.Model):
    """It tells nothing of which input its embedding reads."""

    def __init__(self):
        super().__init__()
        self.words, self.out = layers.Embedding(50, 3), layers.Dense(1, "sigmoid")

    def call(self, x):
        return self.out(keras.ops.mean(self.words(x["words"]), axis=1) + x["counts"][:, :3])


def test_of_several_inputs_a_network_that_does_not_tell_which_it_looks_up_is_warned_of():
    texts, labels = tokens(60)

    def build():
        model = Words()
        model.compile("sgd", "binary_crossentropy")
        return model

    X = {"words": texts, "counts": texts[:, :4].astype(float)}
    line = "the input '(words|counts)' is of whole numbers, .* lets them in as they are"
    with pytest.warns(UserWarning, match=line) as warned:
        found = evaluate(build, X, labels, epochs=1, return_models=True, **SMALL)
    assert len({str(warning.message) for warning in warned}) == 2
    assert set(found.models[0].preparation.parts.values()) == {None}
