"""The data sets that come with scikit-learn, as tables with a named target."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ninefold.errors import NinefoldError
from ninefold.suggestions import did_you_mean


@dataclass(frozen=True)
class Builtin:
    """One built-in data set: what it is called, where it comes from, what it asks."""

    title: str
    target: str
    origin: str
    licence: str
    description: str
    options: Mapping[str, Any] = field(default_factory=dict)  # for scikit-learn's loader


_NO_LICENCE = "not stated by its authors; distributed with scikit-learn (BSD-3-Clause)"

BUILTINS = {
    "breast_cancer": Builtin(
        "Breast cancer",
        "diagnosis",
        "Wolberg, Mangasarian, Street, Street (1993), https://doi.org/10.24432/C5DW2B",
        "CC BY 4.0",
        "Is a breast mass malignant, judged by the cell nuclei in a fine-needle aspirate?",
    ),
    "wine": Builtin(
        "Wine",
        "cultivar",
        "Aeberhard, Forina (1991), https://doi.org/10.24432/C5PC7J",
        "CC BY 4.0",
        "Which of three cultivars is an Italian wine made from, judged by its chemistry?",
    ),
    "iris": Builtin(
        "Iris",
        "species",
        "Fisher (1936), https://doi.org/10.24432/C56C76",
        "CC BY 4.0",
        "Which of three species is an iris, judged by its sepals and petals?",
    ),
    "digits": Builtin(
        "Handwritten digits",
        "digit",
        "Alpaydin, Kaynak (1998), https://doi.org/10.24432/C50P49",
        "CC BY 4.0",
        "Which digit is written on an image of 8 × 8 pixels?",
    ),
    "diabetes": Builtin(
        "Diabetes",
        "progression",
        "Efron, Hastie, Johnstone, Tibshirani (2004), Least Angle Regression, "
        "https://www4.stat.ncsu.edu/~boos/var.select/diabetes.html",
        _NO_LICENCE,
        "How far has a patient's diabetes progressed one year after ten measurements?",
        {"scaled": False},
    ),
}


def find_builtin(name: str) -> Builtin:
    """Return what is known of a built-in data set. Raises NinefoldError for an unknown name."""
    if name not in BUILTINS:
        raise NinefoldError(f"no built-in data set '{name}'", did_you_mean(name, BUILTINS))
    return BUILTINS[name]


def load_builtin(name: str) -> pd.DataFrame:
    """Load a built-in data set: its inputs, then its target, with class names as labels."""
    builtin = find_builtin(name)
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")(as_frame=True, **builtin.options)
    names = bunch.get("target_names")
    target = bunch.target.to_numpy() if names is None else names[bunch.target]
    labels = pd.Series(target, dtype=object if target.dtype.kind == "U" else None)
    return bunch.data.assign(**{builtin.target: labels})
