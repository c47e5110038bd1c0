"""A scikit-learn estimator as a learner: it is given what scikit-learn would give it, and answers
what it would answer there."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import isclass, signature
from typing import Any

import numpy as np

from ninefold.errors import NinefoldError, naming
from ninefold.study.learners.fitted import Answer, Fitted, Part
from ninefold.study.learners.prepared import fit_preparation
from ninefold.study.metrics import Takes
from ninefold.study.preparation import make_preparation
from ninefold.study.simplicity import family_of
from ninefold.study.task import Task

_FEW_ROWS = 10_000  # of which a fit on one core is faster than one on several that wait for another


class Estimator:
    """A scikit-learn estimator, cloned for each fold."""

    engine, engine_reason = "scikit-learn", ""

    def __init__(self, build: Callable[[], Any], task: Task, prepare: Any):
        self._build, self._task = build, task
        made = build()
        self.name = type(made).__name__
        if isinstance(task.X, Mapping):
            raise NinefoldError(
                f"a {self.name} takes one input", f"X has several: {', '.join(task.X)}"
            )
        self._prepare = make_preparation(prepare, task.X)
        self.parameters, self.family = 0, family_of(made)
        _must_fit_problem(made, task)
        self.gives = _given_by(made, task)

    def fit(self, train: np.ndarray, validation: np.ndarray, seed: int) -> Fitted:
        """Fit on the rows `train` and `validation`: nothing that an estimator does needs rows of
        its own to watch, so that it learns from the whole training fold."""
        return self.fit_part(Part(train, validation, seed))

    def fit_part(self, part: Part) -> Fitted:
        with naming(part.name):
            return self._fit(part)

    def _fit(self, part: Part) -> Fitted:
        from sklearn.base import clone

        task = self._task
        start, rows = time.perf_counter(), part.outer
        model = clone(self._build())
        _seed(model, part.seed % 2**31)
        preparation = fit_preparation(self._prepare, task, rows)

        def as_given(raw: Any) -> Any:
            return raw if preparation is None else preparation.transform(raw)

        weight = task.weights(rows)
        weighted = {} if np.all(weight == 1) else {_weight_of(model): weight}
        x, y = as_given(task.rows(rows)), task.named(task.y[rows])
        try:
            model.fit(x, y, **weighted)
        except (TypeError, ValueError) as error:
            if weighted and "sample_weight" in str(error):
                raise _takes_no_weights(model) from error
            raise
        self.parameters = _count(model)

        def predict(raw: Any) -> Answer:
            x = as_given(raw)
            if not task.classes:
                return Answer(np.asarray(model.predict(x), float).reshape(-1, 1))
            return _classify(model, x, task, self.gives)

        return Fitted(
            predict=predict,
            predict_numbers=lambda numbers: predict(task.rows(numbers)),
            seconds=time.perf_counter() - start,
            preparation=preparation,
            load=lambda: model,
            separate=lambda: model,
        )

    def fit_each(self, parts: Sequence[Part]) -> Iterator[Fitted]:
        """Fit on one part after another; of few rows on one core."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1 if len(parts[0].outer) < _FEW_ROWS else None):
            yield from map(self.fit_part, parts)


def is_estimator(thing: Any) -> bool:
    """Tell whether an object can be fitted as scikit-learn's; some can predict only when fitted."""
    return hasattr(thing, "fit") and hasattr(thing, "get_params") and not isclass(thing)


def kind_of(estimator: Any) -> str:
    """Return what scikit-learn knows an estimator as: "classifier", "regressor", another kind such
    as "clusterer", or "" if it says nothing."""
    from sklearn.utils import get_tags

    try:
        return get_tags(estimator).estimator_type or ""
    except (AttributeError, TypeError):  # no estimator of scikit-learn's, only alike
        return ""


def _must_fit_problem(estimator: Any, task: Task) -> None:
    kind, wanted = kind_of(estimator), "classifier" if task.classes else "regressor"
    if kind in ("", wanted):
        return
    name, article = type(estimator).__name__, "an" if kind[0] in "aeiou" else "a"
    raise NinefoldError(
        f"{name} is {article} {kind.replace('_', ' ')}",
        f"expected a {wanted}: y has {'classes' if task.classes else 'numbers'}",
    )


def _given_by(estimator: Any, task: Task) -> frozenset[Takes]:
    """Return the kinds of metric that an estimator's answers allow."""
    if not task.classes:
        return frozenset({"numbers"})
    probabilities = hasattr(estimator, "predict_proba")
    decides = hasattr(estimator, "decision_function")
    if len(task.classes) > 2:
        decides = decides and not _decides_pairs(estimator)
    gives: dict[Takes, bool] = {
        "labels": True,
        "ranking": probabilities or decides,
        "probabilities": probabilities,
    }
    return frozenset(kind for kind, given in gives.items() if given)


def _decides_pairs(estimator: Any) -> bool:
    """Tell whether an estimator decides between pairs of classes, not for each: as an SVC may."""
    for name, value in estimator.get_params().items():
        if name.split("__")[-1] == "decision_function_shape" and value == "ovo":
            return True
    return False


def _seed(model: Any, seed: int) -> None:
    """Seed every part of an estimator that draws and has no seed of its own."""
    np.random.seed(seed)  # what a part draws without a `random_state`
    unseeded = [
        name for name, value in model.get_params().items()
        if value is None and name.split("__")[-1] == "random_state"
    ]  # fmt: skip
    model.set_params(**dict.fromkeys(unseeded, seed))


def _weight_of(model: Any, inside: str = "") -> str:
    """Return the name by which `fit` takes the weights of rows: that of a pipeline's last step,
    through the searches that fit it. Raises NinefoldError for an estimator that takes none."""
    from sklearn import get_config
    from sklearn.utils.validation import has_fit_parameter

    if get_config()["enable_metadata_routing"]:
        return "sample_weight"
    if hasattr(model, "steps"):
        name, last = model.steps[-1]
        return _weight_of(last, f"{inside}{name}__")
    if hasattr(model, "param_grid") or hasattr(model, "param_distributions"):  # a search
        return _weight_of(model.estimator, inside)
    parameters = signature(model.fit).parameters.values()
    passed_on = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    if passed_on or has_fit_parameter(model, "sample_weight"):
        return f"{inside}sample_weight"
    raise _takes_no_weights(model)


def _takes_no_weights(model: Any) -> NinefoldError:
    return NinefoldError(
        f"{type(model).__name__} takes no weights of rows",
        "expected no sample_weight and no class_weight",
        "leave them out, or take another estimator",
    )


def _classify(model: Any, x: Any, task: Task, gives: frozenset[Takes]) -> Answer:
    codes = task.codes(model.predict(x))
    outputs = None
    if "probabilities" in gives:
        if not hasattr(model, "predict_proba"):
            raise NinefoldError(
                f"{type(model).__name__} gives probabilities in other folds, and none here",
                "expected them in each fold",
                "let it choose among models that all give them",
            )
        outputs = np.zeros((len(codes), len(task.classes)))
        outputs[:, task.codes(model.classes_)] = model.predict_proba(x)
    return Answer(outputs, codes, _ranking(model, x, task) if "ranking" in gives else None)


def _ranking(model: Any, x: Any, task: Task) -> np.ndarray | None:
    """Return (n, K) what ranks rows, as `roc_auc_score` is given it in `cross_val_score`: of two
    classes the decision, if there is one; of more the probabilities, if there are any."""
    has_decision, two = hasattr(model, "decision_function"), len(task.classes) == 2
    if not has_decision or (hasattr(model, "predict_proba") and not two):
        return None
    decision = np.asarray(model.decision_function(x), dtype=float)
    if len(model.classes_) == 2:
        decision = decision.reshape(len(decision), -1)[:, -1:]
        decision = np.hstack([-decision, decision])
    if decision.shape[1:] != (len(model.classes_),):
        raise NinefoldError(
            f"{type(model).__name__} makes {decision.shape[1]} decisions",
            f"expected one for each of {len(model.classes_)} classes",
        )
    ranking = np.full((len(decision), len(task.classes)), decision.min() - 1)
    ranking[:, task.codes(model.classes_)] = decision
    return ranking


def _count(model: Any) -> int:
    """Return the number of coefficients of a linear model; 0 where the idea does not apply."""
    coefficients = getattr(model, "coef_", None)
    return 0 if coefficients is None else int(np.size(coefficients) + np.size(model.intercept_))
