"""Which of two models is the simpler one: the one whose family comes first."""

from typing import Any, Literal

Family = Literal["constant", "linear", "tree", "simple", "network", "ensemble"]
SIMPLEST_FIRST: tuple[Family, ...] = (
    "constant", "linear", "tree", "simple", "network", "ensemble"
)  # fmt: skip
LABELS: dict[Family, str] = {
    "constant": "constant",
    "linear": "linear model",
    "tree": "single tree",
    "simple": "other scikit-learn model",
    "network": "network",
    "ensemble": "averaged networks",
}


def family_of(estimator: Any) -> Family:
    """Return the family of a scikit-learn estimator: of a pipeline, that of its last step; of a
    target's transformation or a search, that of what it fits. A subclass is of its parent's."""
    for inner in ("regressor", "estimator"):
        if type(estimator).__name__ in _WRAPPERS and getattr(estimator, inner, None) is not None:
            return family_of(getattr(estimator, inner))
    if hasattr(estimator, "steps"):
        return family_of(estimator.steps[-1][1])
    modules = [kind.__module__ for kind in type(estimator).__mro__]
    if any(module.startswith("sklearn.linear_model") for module in modules):
        return "linear"
    if any(module.startswith("sklearn.tree") for module in modules):
        return "tree"
    if any(module.startswith("sklearn.dummy") for module in modules):
        return "constant"
    return "simple"


_WRAPPERS = (
    "TransformedTargetRegressor", "GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV",
    "HalvingRandomSearchCV", "FixedThresholdClassifier", "TunedThresholdClassifierCV",
)  # fmt: skip
