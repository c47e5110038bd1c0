"""The final model is what the rule says: the simplest within one standard error, or the best."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.compose import TransformedTargetRegressor
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR, LinearSVC
from sklearn.tree import ExtraTreeClassifier
from tiny_project import judged

from ninefold.errors import NinefoldError
from ninefold.records import Record
from ninefold.settings import FinalSettings
from ninefold.study.choosing import choose_final, state_candidates
from ninefold.study.simplicity import SIMPLEST_FIRST, family_of

FOLDS = np.random.default_rng(0).normal(0, 0.02, 10)  # how hard each fold is for every model
ROWS = {"n_train": 90, "n_test": 10}


def scored(mean, family="network", *, own=0.0, parameters=100, members=1, metric="log_loss"):
    """Return a recorded evaluation: how hard the folds are, and `own` noise of its own."""
    noise = np.random.default_rng(parameters).normal(0, 1, 10)
    scores = mean + FOLDS + own * (noise - noise.mean()) - FOLDS.mean()
    engine = {"network": "graph", "constant": "constant"}.get(family, "scikit-learn")
    variant = {"function": "p.models:network", "keywords": {"of": f"{mean} {parameters}"}}
    if engine == "graph":
        variant |= {"epochs": 5, "batch_size": 8}
    return judged(
        variant={**variant, "rebuildable": True, "family": family, "model_seed": 0},
        summary={key: {"mean": mean, "low": None, "high": None} for key in ("log_loss", metric)},
        metric=metric, scores={metric: scores.tolist()}, engine=engine, members=members,
        parameters=parameters if engine == "graph" else 0, splits="s", **ROWS,
    )  # fmt: skip


def choose(rule="simplest", among="any", no_test="", metric="log_loss", **evaluations):
    records = [Record(section="5-experiments/1-x", evaluations=evaluations)]
    return choose_final(records, metric, FinalSettings(choose=among, rule=rule), no_test)


LINEAR, TREE, FOREST, CONSTANT = (
    "linear", "tree", "simple", "constant"
)  # fmt: skip


def test_a_clearly_better_simple_model_is_chosen_over_the_network():
    """In an audit a network of 0.104 was shipped beside a gradient boosting of 0.004."""
    found = choose(
        network=scored(0.104, own=0.01), boosting=scored(0.004, FOREST, own=0.01),
        constant=scored(0.69, CONSTANT, own=0.01),
    )  # fmt: skip
    assert (found.final.name, found.best.name, found.network.name) == (
        "boosting", "boosting", "network"
    )  # fmt: skip
    assert found.final.selected_from == 3
    assert state_candidates(found.candidates) == "1 network, 1 scikit-learn model, 1 constant"


def test_a_network_no_better_than_the_constant_within_the_error_is_not_chosen():
    """In an audit a network that answered 0.13328 for every row was shipped."""
    found = choose(network=scored(0.349, own=0.02), constant=scored(0.351, CONSTANT, own=0.001))
    assert (found.final.name, found.best.name) == ("constant", "network")
    assert 0 < found.gap.difference <= found.gap.standard_error


def test_the_simplest_within_one_standard_error_of_the_best_is_chosen():
    models = {
        "best": scored(0.200, own=0.02, parameters=900),
        "smaller": scored(0.201, own=0.02, parameters=50),
        "forest": scored(0.202, FOREST, own=0.02, parameters=3),
        "linear": scored(0.300, LINEAR, own=0.02, parameters=4),
    }
    assert choose(**models).final.name == "forest"
    assert [gap.variant.name for gap in choose(**models).within] == ["forest", "smaller", "best"]
    assert choose(among="network", **models).final.name == "smaller"
    assert choose("best", **models).final.name == "best"


def test_within_a_family_the_better_score_decides_and_of_networks_the_parameters():
    models = {
        "a": scored(0.20, FOREST, own=0.05, parameters=1),
        "b": scored(0.21, FOREST, own=0.05, parameters=2),
    }
    assert choose(**models).final.name == "a"
    nets = {f"n{n}": scored(0.2 + n / 1000, own=0.05, parameters=n) for n in (9, 7)}
    assert choose(**nets).final.name == "n7"


def test_the_best_of_several_says_of_how_many_whatever_it_is():
    found = choose(
        one=scored(0.5, own=0.01), two=scored(0.6, parameters=9, own=0.01),
        linear=scored(0.3, LINEAR, own=0.01), tree=scored(0.2, TREE, own=0.01),
        forest=scored(0.4, FOREST, own=0.01),
    )  # fmt: skip
    assert found.network.selected_from == 2
    assert (found.simple.selected_from, found.linear.selected_from) == (3, 1)
    assert found.best.selected_from == found.final.selected_from == 5


def test_averaged_networks_are_the_least_simple():
    found = choose(one=scored(0.2, own=0.02, parameters=800),
                   mean=scored(0.199, own=0.02, parameters=20, members=5))  # fmt: skip
    assert (found.final.name, found.best.name) == ("one", "mean")


def test_the_same_difference_on_all_folds_is_a_difference():
    found = choose(a=scored(0.2), b=scored(0.21, LINEAR))
    assert found.final.name == "a"
    twin = choose(a=scored(0.2), b=scored(0.2, LINEAR))
    assert twin.final.name == "b"


def test_more_is_better_where_the_metric_says_so():
    found = choose(metric="accuracy", a=scored(0.9, own=0.001, metric="accuracy"),
                   b=scored(0.8, LINEAR, own=0.001, metric="accuracy"))  # fmt: skip
    assert found.final.name == "a"


def test_folds_in_time_order_leave_the_best_mean():
    models = {"best": scored(0.200, own=0.02), "linear": scored(0.2001, LINEAR, own=0.02)}
    found = choose(no_test="no test: folds ordered in time", **models)
    assert (found.final.name, found.gap.standard_error) == ("best", None)
    assert found.no_test == "no test: folds ordered in time"


def test_what_no_record_can_build_again_is_no_candidate_and_is_named_where_it_is_better():
    lost = scored(0.1, FOREST)
    lost["variant"]["rebuildable"] = False
    worse = scored(0.9, LINEAR, parameters=2)
    worse["variant"]["rebuildable"] = False
    found = choose(lost=lost, worse=worse, net=scored(0.2))
    assert found.final.name == "net"
    assert [variant.name for variant in found.left_out] == ["lost"]


def test_in_a_study_of_networks_no_simple_model_is_missed():
    lost = scored(0.1, FOREST)
    lost["variant"]["rebuildable"] = False
    assert choose(among="network", lost=lost, net=scored(0.2)).left_out == ()


def test_a_record_by_another_metric_only_is_no_candidate():
    other = scored(0.1, FOREST)
    del other["scores"]["log_loss"]
    other["metric"], other["scores"]["accuracy"] = "accuracy", [0.9] * 10
    other["summary"]["accuracy"] = other["summary"]["log_loss"]
    assert choose(net=scored(0.2), other=other).final.name == "net"


def test_a_classifier_without_probabilities_is_no_candidate():
    silent = scored(0.9, LINEAR, metric="accuracy")
    del silent["summary"]["log_loss"]
    found = choose(metric="accuracy", svm=silent, net=scored(0.5, metric="accuracy"))
    assert found.final.name == "net"


def test_a_record_of_other_folds_is_never_within_the_error():
    other = scored(0.2001, LINEAR, own=0.02) | {"splits": "t"}
    assert choose(net=scored(0.2, own=0.02), linear=other).final.name == "net"
    fewer = scored(0.2001, LINEAR, own=0.02)
    fewer["scores"]["log_loss"].pop()
    assert choose(net=scored(0.2, own=0.02), linear=fewer).final.name == "net"


def test_folds_without_a_score_are_left_out_of_the_differences():
    holes = scored(0.2001, LINEAR, own=0.02)
    holes["scores"]["log_loss"][1:] = [None] * 9
    assert choose(net=scored(0.2, own=0.02), linear=holes).final.name == "net"


def test_without_a_candidate_it_says_what_to_run():
    with pytest.raises(NinefoldError, match="no model has been evaluated"):
        choose()
    with pytest.raises(NinefoldError, match="no network has been evaluated"):
        choose(among="network", linear=scored(0.2, LINEAR))


@given(st.lists(
    st.tuples(st.floats(0.1, 2), st.sampled_from(SIMPLEST_FIRST[:5]), st.integers(1, 99)),
    min_size=1, max_size=8,
))  # fmt: skip
def test_what_is_chosen_is_a_candidate_within_the_error_and_nothing_simpler_is(models):
    found = choose(**{
        f"m{n}": scored(mean, family, own=0.05, parameters=size)
        for n, (mean, family, size) in enumerate(models)
    })  # fmt: skip
    assert found.gap.difference <= found.gap.standard_error
    places = [SIMPLEST_FIRST.index(gap.variant.family) for gap in found.within]
    assert places == sorted(places)
    assert found.final is found.within[0].variant


@pytest.mark.parametrize(
    ("estimator", "family"),
    [
        (LogisticRegression(), LINEAR), (LinearSVC(), LINEAR), (Ridge(), LINEAR),
        (LinearDiscriminantAnalysis(), LINEAR), (ExtraTreeClassifier(), TREE),
        (RandomForestClassifier(), FOREST), (GaussianNB(), FOREST),
        (make_pipeline(StandardScaler(), LogisticRegression()), LINEAR),
        (TransformedTargetRegressor(SVR()), FOREST), (TransformedTargetRegressor(Ridge()), LINEAR),
        (GridSearchCV(Ridge(), {"alpha": [1, 2]}), LINEAR),
        (DummyClassifier(), CONSTANT), (make_pipeline(DummyRegressor()), CONSTANT),
    ],
)  # fmt: skip
def test_an_estimator_is_of_a_family(estimator, family):
    assert family_of(estimator) == family
