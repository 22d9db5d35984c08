from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slalom.errors import InputError
from slalom.study import Choices, IntRange, Range, assign, grid_points, space

SETTINGS = {
    "optimizer": "sgd",
    "learning_rate": Range(1e-3, 1.0, log=True),
    "momentum": {"schedule": "gradient_norm", "start": Range(0.1, 0.6), "end": 0.9},
    "emphasis": {"scheme": "class_balanced", "strength": Choices((0.0, 1.0))},
}
CONSTANT = {"momentum": {"schedule": "constant", "value": Range(0.0, 0.9)}, "learning_rate": 0.1}


def test_params_take_the_distributions_places():
    assigned = assign(SETTINGS, {"learning_rate": 0.1, "momentum.start": 0.3, "emphasis.strength": 1.0})
    assert assigned == {
        "optimizer": "sgd",
        "learning_rate": 0.1,
        "momentum": {"schedule": "gradient_norm", "start": 0.3, "end": 0.9},
        "emphasis": {"scheme": "class_balanced", "strength": 1.0},
    }
    assert space(assigned) == {}
    assert space(SETTINGS).keys() == {"learning_rate", "momentum.start", "emphasis.strength"}


def test_a_constant_momentum_goes_by_its_setting_s_name():
    assert list(space(CONSTANT)) == ["momentum"]
    assert assign(CONSTANT, {"momentum": 0.5})["momentum"] == {"schedule": "constant", "value": 0.5}


@pytest.mark.parametrize("params", [{}, {"momentum": 0.5, "learning_rate": 0.2}, {"momentum.value": 0.5}])
def test_params_of_another_arm_are_refused(params):
    with pytest.raises(InputError, match=r"those the arm searches, \['momentum'\], got"):
        assign(CONSTANT, params)


def test_grid_points():
    assert grid_points({}) == 1
    assert grid_points({"a": Choices((1, 2, 3)), "b": IntRange(2, 5)}) == 12
    assert grid_points({"a": Choices((1, 2)), "b": Range(0.0, 1.0)}) is None


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_range_s_ends_are_in_order(low, high):
    if low < high:
        assert Range(low, high).high == high
    else:
        with pytest.raises(InputError, match="low < high must hold"):
            Range(low, high)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Range(0.0, 1.0, log=True), "low > 0 must hold"),
        (lambda: IntRange(2, 1), "low < high must hold"),
        (lambda: Choices((1,)), "at least two options"),
        (lambda: Choices((1, 2, 1)), "must differ"),
    ],
)
def test_an_illegal_distribution_cannot_be_built(build, words):
    with pytest.raises(InputError, match=words):
        build()
