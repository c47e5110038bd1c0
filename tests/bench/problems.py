"""What is raced: datasets with the network, and scikit-learn's estimator of the same shape."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

BATCH = 32


@dataclass(frozen=True)
class Problem:
    """One dataset with one network.

    load       returns X and y
    network    returns a compiled Keras model; takes `rate`, the step size of Adam
    estimator  epochs → scikit-learn's model of the same shape, or None where it has none
    metric     what all ways are scored by, a name of ninefold's
    repeats    of 10 folds
    callbacks  given a folder, returns those that the network is trained with
    """

    name: str
    title: str
    epochs: int
    load: Callable[[], tuple[np.ndarray, np.ndarray]]
    network: Callable[..., Any]
    estimator: Callable[[int], Any] | None = None
    metric: str = "accuracy"
    repeats: int = 3
    callbacks: Callable[[str], list[Any]] = lambda folder: []


def plain_network(rate: float = 0.001) -> Any:
    return _compiled([30], _dense(32), _dense(16), _dense(1, "sigmoid"), rate=rate)


def regularised_network(rate: float = 0.001) -> Any:
    from keras import layers

    noise = [layers.BatchNormalization(), layers.Dropout(0.2), layers.GaussianNoise(0.1)]
    return _compiled([30], _dense(32), *noise, _dense(16), _dense(1, "sigmoid"), rate=rate)


def convolutional_network(rate: float = 0.001) -> Any:
    from keras import layers

    stack = [layers.Conv2D(16, 3, activation="relu"), layers.Conv2D(32, 3, activation="relu")]
    end = [layers.Flatten(), _dense(10, "softmax")]
    return _compiled([8, 8, 1], *stack, *end, rate=rate, loss="sparse_categorical_crossentropy")


def regression_network(rate: float = 0.001) -> Any:
    return _compiled([10], _dense(32), _dense(16), _dense(1, None), rate=rate, loss="mse")


def lstm_network(rate: float = 0.001) -> Any:
    from keras import layers

    return _compiled([20, 4], layers.LSTM(10), _dense(1, "sigmoid"), rate=rate)


def gru_network(rate: float = 0.001) -> Any:
    from keras import layers

    return _compiled([20, 4], layers.GRU(10), _dense(1, "sigmoid"), rate=rate)


def sequence_network(rate: float = 0.001) -> Any:
    from keras import layers

    stack = [layers.Conv1D(10, 3, activation="relu"), layers.GlobalAveragePooling1D()]
    return _compiled([20, 4], *stack, _dense(1, "sigmoid"), rate=rate)


def _dense(units: int, activation: str | None = "relu") -> Any:
    from keras import layers

    return layers.Dense(units, activation=activation)


def _compiled(shape: list[int], *stack: Any, rate: float, loss: str = "binary_crossentropy") -> Any:
    import keras

    model = keras.Sequential([keras.Input(shape), *stack])
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=loss)
    return model


def _checkpoint(folder: str) -> list[Any]:
    from keras.callbacks import ModelCheckpoint

    return [ModelCheckpoint(f"{folder}/best.keras", save_best_only=True)]


def _logger(folder: str) -> list[Any]:
    from keras.callbacks import CSVLogger

    return [CSVLogger(f"{folder}/log.csv")]


def _classifier(epochs: int) -> Any:
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), MLPClassifier(**_shape(epochs)))


def _regressor(epochs: int) -> Any:
    """The target standardised as well, as it is for the networks."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), MLPRegressor(**_shape(epochs)))
    return TransformedTargetRegressor(model, transformer=StandardScaler())


def _shape(epochs: int) -> dict[str, Any]:
    # alpha=0: no penalty on the weights, as in the networks; patience beyond the last epoch, so
    # that it never stops early
    return {
        "hidden_layer_sizes": (32, 16),
        "batch_size": BATCH,
        "max_iter": epochs,
        "n_iter_no_change": epochs + 1,
        "alpha": 0.0,
        "random_state": 1,
    }


def _breast_cancer() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_breast_cancer

    return load_breast_cancer(return_X_y=True)


def _digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return X.reshape(-1, 8, 8, 1), y


def _diabetes() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_diabetes

    return load_diabetes(return_X_y=True)


def _sequences() -> tuple[np.ndarray, np.ndarray]:
    """Return 300 sequences of 20 steps and 4 features, classed by the mean of one of them."""
    random = np.random.default_rng(0)
    X = random.normal(size=(300, 20, 4))
    return X, (X[:, :, 0].mean(axis=1) + 0.2 * random.normal(size=300) > 0).astype(int)


def made_data(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return `rows` rows for the plain network, to see how time grows with them."""
    from sklearn.datasets import make_classification

    return make_classification(rows, n_features=30, n_informative=10, random_state=1)


PROBLEMS = {
    problem.name: problem
    for problem in (
        Problem("plain", "plain MLP", 50, _breast_cancer, plain_network, _classifier),
        Problem("regularised", "regularised MLP", 50, _breast_cancer, regularised_network),
        Problem("cnn", "small CNN", 50, _digits, convolutional_network),
        Problem("regression", "regression", 50, _diabetes, regression_network, _regressor, "r2"),
        Problem("lstm", "LSTM", 20, _sequences, lstm_network, repeats=1),
        Problem("gru", "GRU", 20, _sequences, gru_network, repeats=1),
        Problem("conv1d", "Conv1D", 20, _sequences, sequence_network, repeats=1),
        Problem(
            "checkpoint", "plain MLP, ModelCheckpoint", 20, _breast_cancer, plain_network,
            repeats=1, callbacks=_checkpoint,
        ),
        Problem(
            "logger", "plain MLP, CSVLogger", 20, _breast_cancer, plain_network,
            repeats=1, callbacks=_logger,
        ),
    )
}  # fmt: skip
