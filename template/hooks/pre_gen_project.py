"""Refuse answers that cannot make a project, before anything is written.

Standard library only: plain cookiecutter runs this where nothing else is installed. `ninefold new`
reads the same rules from here.
"""

import json
import keyword
import re
import sys
import unicodedata
from importlib.machinery import PathFinder
from pathlib import Path

# The study's package comes first where Python looks for modules: a module of its name is lost.
FOLDERS = {"data", "report", "results", "sections", "tests", "vendor"}
# What Python has beside what it names in `stdlib_module_names`, or has in a later version.
PYTHON = {"annotationlib", "compression", "pip", "sitecustomize", "test", "usercustomize"}
# What a study needs, wherever this runs, and what these need.
NEEDED_LIBRARIES = set(
    """
    absl annotated_types appnope arrow asttokens astunparse attr attrs binaryornot certifi
    charset_normalizer clang click cloudpickle colorama comm contourpy cookiecutter cycler dask
    dateutil debugpy decorator distributed entrypoints executing fastjsonschema flatbuffers fsspec
    gast google grpc h5py idna importlib_metadata iniconfig ipykernel ipykernel_launcher
    ipython_pygments_lexers ipywidgets jedi jinja2 joblib jsonschema jsonschema_specifications
    jupyter jupyter_client jupyter_core jupyterlab keras kiwisolver lazy_importer locket markdown
    markdown_it markupsafe matplotlib matplotlib_inline mdurl ml_dtypes mpl_toolkits msgpack namex
    narwhals nbclient nbconvert nbformat nest_asyncio nest_asyncio2 ninefold notebook numpy
    opt_einsum optree packaging pandas papermill parso partd pasta pexpect pkg_resources
    platformdirs pluggy prettytable prompt_toolkit psutil ptyprocess pure_eval py pyarrow pydantic
    pydantic_core pygments pylab pyparsing pytest pytz referencing requests rich rpds ruff scipy
    setuptools six sklearn skops slugify sortedcontainers stack_data tblib tenacity tensorboard
    tensorflow termcolor text_unidecode threadpoolctl tlz toolz tornado tqdm traitlets
    typing_extensions typing_inspection tzdata urllib3 uv wcwidth werkzeug wheel wrapt yaml zict
    zipp zmq
    """.split()
)
# What people add to a study.
FREQUENT_LIBRARIES = set(
    """
    altair bokeh catboost category_encoders cupy cv2 datasets flax hydra imblearn jax lightgbm
    lightning lime missingno mlflow networkx nltk numba onnx openpyxl optuna plotly polars
    pytorch_lightning ray sacred seaborn shap skimage sklearnex skorch spacy statsmodels streamlit
    sympy tensorflow_datasets tensorflow_probability torch torchvision transformers tsfresh wandb
    xarray xgboost
    """.split()
)
TAKEN = {
    *(FOLDERS | PYTHON | NEEDED_LIBRARIES | FREQUENT_LIBRARIES),
    *getattr(sys, "stdlib_module_names", ()),
}
# Windows makes no file or folder of such a name, whatever follows a dot.
DEVICES = r"(?i:con|prn|aux|nul|com\d|lpt\d)"
NEEDED = ("data", "target", "title", "slug", "package")
UNSEEN = {"Cc", "Cs", "Zl", "Zp"}  # control characters, half characters, ends of lines

# answer: (what it must match, what that means); an empty answer to an optional prompt is fine
SHAPES = {
    "data": (
        r"builtin:\w+|(?!builtin:)(?!\.{1,2}$)(?!(README\.md|SOURCE\.json)$)[^/\\]+",
        "the name of a file without its folder, or builtin:NAME",
    ),
    "slug": (r"[A-Za-z0-9][A-Za-z0-9._-]*(?<!\.)", "letters, digits, '.', '-' and '_'"),
    "package": (r"[a-z_][a-z0-9_]*", "small letters, digits and '_', not a digit first"),
    "email": (r"[^\s@]+@[^\s@]+\.[^\s@]{2,}", "an address such as ada@example.org"),
    "github": (r"[A-Za-z0-9](-?[A-Za-z0-9]){0,38}", "the name of a GitHub user"),
    "python_version": (r"3\.(1[1-9]|[2-9]\d)", "3.11 or later, such as 3.12"),
}


def mistake(name, answer):
    """Return what is wrong with one answer, or an empty text."""
    if not answer.strip():
        return f"'{name}' is empty" if name in NEEDED else ""
    if any(unicodedata.category(character) in UNSEEN for character in answer):
        return f"'{name}' holds a line break or a control character"
    shape, meaning = SHAPES.get(name, (r".*", ""))
    if not re.fullmatch(shape, answer):
        return f"'{name}' is '{answer}'; expected {meaning}"
    if name in ("data", "slug", "package") and re.fullmatch(DEVICES, answer.partition(".")[0]):
        return f"'{name}' is '{answer}'; expected a name that is no device on Windows"
    if name == "package" and is_taken(answer):
        return f"'package' is '{answer}'; expected a name not taken yet, such as '{answer}_study'"
    return ""


def is_taken(package):
    """Tell whether an import of this name means something else: a keyword, a folder of the project,
    a module of Python's, of a library that studies use, or of any that is installed here."""
    installed = [p for p in sys.path if Path(p).name in ("site-packages", "dist-packages")]
    known = keyword.iskeyword(package) or package in TAKEN
    return known or PathFinder.find_spec(package, installed) is not None


def first_mistake(answers):
    """Return what is wrong with the first answer that is wrong, or an empty text."""
    found = (mistake(name, value) for name, value in answers.items() if isinstance(value, str))
    return next(filter(None, found), "")


if __name__ == "__main__":
    given = json.loads(r'{{ cookiecutter | tojson }}')
    line = first_mistake({name: given[name] for name in given if not name.startswith("_")})
    if line:
        print(f"ninefold: {line}", file=sys.stderr)
        sys.exit(1)
