"""Which libraries a section is said to use: what it imports, not what is merely installed."""

import pytest

from ninefold.running.staleness import libraries


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import a", {"a"}),
        ("import a.b as c, d", {"a", "d"}),
        ("from a.b import (c,\n  d)", {"a"}),
        ("%matplotlib inline\n!pip list\n\nif x:\n    import a  # why", {"a"}),
        ("from . import models", set()),
        ("from .models import a", set()),
        ("import time; import yaml", {"time", "yaml"}),
        ("if 1: import rich", {"rich"}),
        ('pattern = "\\d"; import a', {"a"}),
        ('text = """\nimport a\n"""', set()),
        ("important = 1; fromage = 2", set()),
    ],
)
def test_a_text_names_the_packages_it_imports(source, found):
    assert libraries.imports(source) == found


def test_what_computes_and_draws_counts_for_all_and_what_only_carries_results_does_not():
    found = libraries.for_all()
    assert {"ninefold", "numpy", "pandas", "scikit-learn", "matplotlib"} <= found.keys()
    assert found.keys() <= libraries.ninefolds_own() | {"bottleneck", "numexpr"}
    assert not found.keys() & {"click", "rich", "papermill", "setuptools"}


def test_a_library_counts_that_the_code_names_even_one_of_ninefolds_own():
    assert set(libraries.used(["import hypothesis, psutil"], [])) == {"hypothesis", "psutil"}
    assert libraries.used(["import colorsys, nothing_of_the_kind"], []) == {}


def test_a_library_counts_that_was_imported_by_name_only_at_run_time():
    assert set(libraries.used([], [("hypothesis", ())])) == {"hypothesis"}
    through = [("sortedcontainers", ("hypothesis",))]
    assert set(libraries.used([], through)) == {"sortedcontainers"}


def test_what_ninefolds_own_dependencies_import_for_themselves_does_not_count():
    assert libraries.used([], [("hypothesis", ("pandas",)), ("psutil", ()), ("numpy", ())]) == {}


def test_the_projects_own_package_is_no_library_though_it_may_be_installed():
    assert libraries.used(["import hypothesis"], [("hypothesis", ())], {"hypothesis"}) == {}
