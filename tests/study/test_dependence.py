"""Section 2 warns of groups and of an order that random folds would ignore, and of nothing else."""

import numpy as np
import pandas as pd
import pytest

from ninefold.settings import DataSettings
from ninefold.study.builtin import BUILTINS, load_builtin
from ninefold.study.dataset import make_dataset
from ninefold.study.dependence import find_order, find_units


def dataset(frame, target="y", **others):
    return make_dataset(frame, DataSettings(source="-", target=target, **others))


def warned(data):
    units = find_units(data)
    return [unit.column for unit in units], find_order(data, units).matters


def persons(name: str = "person", classes: bool = False, number: int = 42, size: int = 14):
    """A voice, as in one audited study: what was measured names the person, and the target is the
    person's own (intraclass correlation about 0.7)."""
    generator = np.random.default_rng(3)
    person = np.repeat(np.arange(number), size)
    own = generator.normal(size=(number, 4))
    inputs = own[person] + 0.08 * generator.normal(size=(number * size, 4))
    y = np.sqrt(0.7) * generator.normal(size=number)[person]
    y += np.sqrt(0.3) * generator.normal(size=number * size)
    frame = pd.DataFrame(inputs, columns=["pitch", "shimmer", "jitter", "noise"])
    frame.insert(0, name, person + 1)
    frame["sex"] = np.where(own[person, 0] > 0, "f", "m")
    return frame.assign(y=np.where(y > 0, "ill", "well") if classes else y)


def test_random_rows_make_a_forest_look_good_that_knows_nothing_of_new_persons():
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.model_selection import GroupKFold, KFold, cross_val_score

    frame = persons()
    X, y = frame[["pitch", "shimmer", "jitter", "noise"]], frame["y"]
    forest = RandomForestRegressor(30, random_state=0)
    by_row = cross_val_score(forest, X, y, cv=KFold(5, shuffle=True, random_state=1)).mean()
    by_person = cross_val_score(forest, X, y, cv=GroupKFold(5), groups=frame["person"]).mean()
    assert by_row > 0.5 > 0.25 > by_person
    (unit,) = find_units(dataset(frame))
    assert (unit.column, unit.levels) == ("person", 42)
    assert 0.55 < unit.alike.correlation < 0.85


@pytest.mark.parametrize("name", ["person", "store_nr", "patientId", "code of whom"])
@pytest.mark.parametrize("classes", [False, True])
@pytest.mark.parametrize("order", ["sorted", "shuffled"])
def test_a_unit_with_several_rows_is_warned_of_whatever_its_name_and_the_order(
    name, classes, order
):
    frame = persons(name, classes)
    if order == "shuffled":
        frame = frame.sample(frac=1, random_state=1)
    assert warned(dataset(frame)) == ([name], False)
    as_text = frame.assign(**{name: "P" + frame[name].astype(str)})
    assert warned(dataset(as_text)) == ([name], False)


def test_patients_of_two_visits_are_warned_of_though_the_hold_out_took_some():
    frame = persons("patient", number=220, size=2).sample(frac=0.8, random_state=1)
    frame["patient"] = "P-" + frame["patient"].astype(str)
    assert warned(dataset(frame))[0] == ["patient"]
    shuffled = frame.assign(y=frame["y"].sample(frac=1, random_state=2).to_numpy())
    assert warned(dataset(shuffled))[0] == []


def test_a_group_that_the_settings_name_is_not_warned_of():
    assert warned(dataset(persons(), group="person")) == ([], False)


def test_a_unit_that_says_nothing_of_the_target_is_not_warned_of():
    frame = persons()
    frame["y"] = np.random.default_rng(1).normal(size=len(frame))
    assert warned(dataset(frame)) == ([], False)


@pytest.mark.parametrize("name", list(BUILTINS))
def test_the_built_in_data_raise_no_alarm(name):
    assert warned(dataset(load_builtin(name), BUILTINS[name].target)) == ([], False)


@pytest.mark.parametrize("name", ["iris", "wine"])
def test_a_file_that_is_sorted_by_its_classes_is_said_to_be(name):
    data = dataset(load_builtin(name), BUILTINS[name].target)
    assert find_order(data, []).sorted_by_target


def test_a_file_that_is_sorted_by_its_numbers_is_said_to_be():
    frame = pd.DataFrame(
        {"x": np.arange(50) % 7, "y": np.sort(np.random.default_rng(1).random(50))}
    )
    assert find_order(dataset(frame), []).sorted_by_target
    assert find_order(dataset(frame[::-1]), []).sorted_by_target


def test_ages_and_other_true_numbers_are_no_units():
    generator = np.random.default_rng(1)
    age, height = generator.integers(20, 80, 900), generator.integers(150, 200, 900)
    y = (age - 50) ** 2 / 100 + 0.1 * height + generator.normal(size=900)
    frame = pd.DataFrame({"age": age, "height": height, "weight": height // 2, "y": y})
    assert warned(dataset(frame)) == ([], False)


def series(autocorrelation: float, days: bool = True):
    generator, values = np.random.default_rng(1), [0.0]
    for _ in range(299):
        values.append(autocorrelation * values[-1] + generator.normal())
    frame = pd.DataFrame({"x": generator.normal(size=300), "y": values})
    if days:
        frame["day"] = pd.date_range("2024-01-01", periods=300).astype(str)
    return frame


@pytest.mark.parametrize("classes", [False, True])
def test_rows_that_follow_one_another_are_warned_of_with_the_column_that_says_when(classes):
    frame = series(0.7)
    if classes:
        frame["y"] = np.where(frame["y"] > 0, "up", "down")
    data = dataset(frame)
    order = find_order(data, find_units(data))
    assert order.matters
    assert order.times == ("day",)
    assert find_order(dataset(series(0.7, days=False)), []).times == ()


def test_a_time_that_the_settings_name_and_an_order_of_chance_are_not_warned_of():
    assert not find_order(dataset(series(0.7), time="day"), []).matters
    assert not find_order(dataset(series(0.0)), []).matters
    assert not find_order(dataset(series(0.7).sample(frac=1, random_state=1)), []).matters


def test_a_file_that_is_sorted_by_an_input_is_not_warned_of():
    generator = np.random.default_rng(1)
    x = np.sort(generator.normal(size=300))
    frame = pd.DataFrame({"x": x, "y": 2 * x + generator.normal(size=300)})
    assert not find_order(dataset(frame), []).matters
