"""A fitted scikit-learn estimator on disk, by skops: it holds types that are listed and no others,
so that a stranger's runs nothing; and its trees end."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ninefold.bounded import must_fit, write_whole
from ninefold.errors import NinefoldError
from ninefold.study.model_files import ESTIMATOR, ESTIMATOR_FILE, check_archive

# What fitted estimators of scikit-learn are made of, beside the types that skops trusts: seen by
# fitting all classifiers and regressors of version 1.9. None runs what a file could name.
_TRUSTED = [
    "numpy.dtype",
    "scipy._lib.array_api_compat.numpy._aliases.asarray",  # of a BSpline
    "scipy.interpolate._bsplines.BSpline",
    "sklearn._loss.loss.HalfTweedieLoss",
    "sklearn._loss.loss.HalfTweedieLossIdentity",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    *(
        f"sklearn.feature_selection.{function}"
        for function in (
            *("_mutual_info.mutual_info_classif", "_mutual_info.mutual_info_regression"),
            *("_univariate_selection.chi2", "_univariate_selection.f_classif"),
            *("_univariate_selection.f_regression", "_univariate_selection.r_regression"),
        )
    ),
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    *(
        f"sklearn.gaussian_process.kernels.{kernel}"
        for kernel in (
            *("CompoundKernel", "ConstantKernel", "DotProduct", "ExpSineSquared", "Exponentiation"),
            *("Matern", "Product", "RBF", "RationalQuadratic", "Sum", "WhiteKernel"),
        )
    ),
    "sklearn.metrics._classification.balanced_accuracy_score",
    *(
        f"sklearn.metrics._dist_metrics.{distance}Distance64"
        for distance in ("Chebyshev", "Euclidean", "Manhattan", "Minkowski", "SEuclidean")
    ),
    "sklearn.metrics._scorer._CurveScorer",
    "sklearn.metrics._scorer._Scorer",
    "sklearn.multiclass._ConstantPredictor",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    "sklearn.utils._metadata_requests.MetadataRequest",
    "sklearn.utils._metadata_requests.MethodMetadataRequest",
]
_OTHERWISE = 'build it of scikit-learn\'s classes, or set choose = "network" under [final]'


def save_estimator(folder: Path, estimator: Any) -> None:
    """Save a fitted estimator; of a search, the one that it found.

    Raises NinefoldError where it holds a type that `load_estimator` would refuse, or is too large.
    """
    import skops.io

    while hasattr(estimator, "best_estimator_"):
        estimator = estimator.best_estimator_
    content = skops.io.dumps(estimator)
    strange = set(skops.io.get_untrusted_types(data=content)) - {*_TRUSTED}
    if strange:
        raise NinefoldError(
            f"the final model, {type(estimator).__name__}, holds an object of {min(strange)}",
            "a saved model may be a stranger's, so that ninefold loads scikit-learn's classes only",
            _OTHERWISE,
        )
    must_fit(ESTIMATOR, len(content), ESTIMATOR_FILE, "choose a smaller model")
    write_whole(folder / ESTIMATOR, content)


def load_estimator(path: Path) -> Any:
    """Load a saved estimator; of numbers of processes, none that the file asks for.

    Raises FileNotFoundError, NinefoldError, and whatever skops says of types that are not listed.
    """
    import skops.io

    estimator = skops.io.loads(check_archive(path, ESTIMATOR_FILE), trusted=_TRUSTED)
    if not callable(getattr(estimator, "predict", None)):
        raise NinefoldError(f"{path} holds {type(estimator).__name__}, no model")
    for part in _parts(estimator):
        if hasattr(part, "n_jobs"):
            part.n_jobs = None
        if not _ends(part):
            raise NinefoldError(f"{path} holds a tree that does not end")
    return estimator


def _parts(thing: Any) -> Iterator[Any]:
    """Yield the objects that an estimator is made of, itself first."""
    waiting, seen = [thing], set()
    while waiting:
        part = waiting.pop()
        if id(part) in seen or isinstance(part, str | bytes | int | float | type | None):
            continue
        seen.add(id(part))
        if isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, list | tuple | set):
            waiting += part
        elif isinstance(part, np.ndarray):
            waiting += part.ravel().tolist() if part.dtype == object else []
        else:
            yield part
            waiting += vars(part).values() if hasattr(part, "__dict__") else []


def _ends(part: Any) -> bool:
    """Tell whether each node of a tree leads to later ones, as where scikit-learn grew it."""
    kind = type(part).__name__
    if kind == "Tree":
        left, right = part.children_left, part.children_right
        inner = left != -1
    elif kind == "TreePredictor":
        left, right = part.nodes["left"].astype(int), part.nodes["right"].astype(int)
        inner = part.nodes["is_leaf"] == 0
    else:
        return True
    numbers = np.arange(len(left))
    return all(((side > numbers) & (side < len(left)))[inner].all() for side in (left, right))
