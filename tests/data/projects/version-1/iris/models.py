"""The models of this study. They are yours: edit them, and every section evaluates what you wrote.

A variant of an experiment is `network` with other keyword arguments. ninefold tells it `inputs`
(columns after preparation) and `outputs` (classes; 1 for a regression).
"""

import keras
from keras import layers
from sklearn import ensemble, linear_model, neighbors, svm, tree
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.preprocessing import StandardScaler


def network(
    inputs: int,
    outputs: int,
    *,
    hidden: tuple[int, ...] = (32, 16),
    activation: str = "relu",
    dropout: float = 0.0,
    l1: float = 0.0,
    l2: float = 0.0,
    weight_decay: float = 0.0,
    learning_rate: float = 0.001,
) -> keras.Model:
    """Return a compiled fully connected network.

    hidden         nodes of each hidden layer
    dropout        share of each hidden layer's outputs set to zero in training
    l1, l2         strength of the penalties on the weights of the hidden layers
    weight_decay   shrinks all weights a little at each step, outside the gradient
    learning_rate  step size of Adam
    """
    penalty = keras.regularizers.L1L2(l1, l2) if l1 or l2 else None
    model = keras.Sequential([keras.Input((inputs,))])
    for nodes in hidden:
        model.add(
            layers.Dense(
                nodes,
                activation=activation,
                kernel_initializer="he_normal",
                kernel_regularizer=penalty,
            )
        )
        if dropout:
            model.add(layers.Dropout(dropout))
    model.add(layers.Dense(outputs, activation="linear" if outputs == 1 else "softmax"))
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate, weight_decay=weight_decay or None),
        loss="mse" if outputs == 1 else "sparse_categorical_crossentropy",
    )
    return model


def simple_models(outputs: int) -> dict[str, object]:
    """Return the models that a network has to beat: scikit-learn estimators by name."""
    if outputs == 1:
        return {
            "linear": linear_model.Ridge(),
            "k-nearest neighbours": neighbors.KNeighborsRegressor(),
            "decision tree": tree.DecisionTreeRegressor(max_depth=4),
            "random forest": ensemble.RandomForestRegressor(),
            "gradient boosting": ensemble.HistGradientBoostingRegressor(),
            "support vector machine": TransformedTargetRegressor(
                svm.SVR(), transformer=StandardScaler()
            ),
        }
    return {
        "linear": linear_model.LogisticRegression(max_iter=1000),
        "k-nearest neighbours": neighbors.KNeighborsClassifier(),
        "decision tree": tree.DecisionTreeClassifier(max_depth=4),
        "random forest": ensemble.RandomForestClassifier(),
        "gradient boosting": ensemble.HistGradientBoostingClassifier(),
        "support vector machine": CalibratedClassifierCV(svm.SVC(), ensemble=False),
    }
