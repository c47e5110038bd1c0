"""Which of two models is the simpler one: by its family, then, of networks, by parameters."""

from typing import Any, Literal

Family = Literal[
    "constant", "linear model", "single tree", "scikit-learn model", "network", "averaged networks"
]
SIMPLEST_FIRST: tuple[Family, ...] = (
    "constant", "linear model", "single tree", "scikit-learn model", "network", "averaged networks"
)  # fmt: skip


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
        return "linear model"
    if any(module.startswith("sklearn.tree") for module in modules):
        return "single tree"
    return "scikit-learn model"


_WRAPPERS = (
    "TransformedTargetRegressor", "GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV",
    "HalvingRandomSearchCV", "FixedThresholdClassifier", "TunedThresholdClassifierCV",
)  # fmt: skip
