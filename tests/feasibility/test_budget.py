"""Frontiers: the best set of levers is the best of all sets, tried one by one, and no bound is ever below it."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qsim.feasibility.budget import Combination, Sets, frontier
from qsim.feasibility.tables import Bracket

DRAWS = 40


def question(seed: int, levers: int, spread: int):
    """Random costs, values of all sets and numbers that these lie between; one set in five is not allowed."""
    rng = np.random.default_rng(seed)
    costs = {f"l{place}": float(cost) for place, cost in enumerate(rng.integers(0, 10, levers))}
    shape = (2,) * levers
    value = rng.integers(0, DRAWS + 1, shape)
    allowed = rng.random(shape) > 0.2
    allowed[(0,) * levers] = True
    low = np.maximum(value - rng.integers(0, spread + 1, shape), 0)
    high = np.minimum(value + rng.integers(0, spread + 1, shape), DRAWS)
    return costs, value, Bracket(low=low, high=high), allowed


def solved(costs, value, bracket, allowed, most_forecasts=10_000) -> tuple[Combination, ...]:
    names = sorted(costs)

    def exact(some) -> int:
        at = tuple(int(name in some) for name in names)
        assert allowed[at]
        return int(value[at])

    return frontier(Sets.of(costs, bracket, allowed), DRAWS, exact, most_forecasts=most_forecasts)


def best_within(costs, value, allowed, budget):
    """Highest value of a set that costs no more, and the least that such a set costs."""
    names = sorted(costs)
    found = [
        (-value[at], sum(costs[name] for name, take in zip(names, at, strict=True) if take))
        for at in product((0, 1), repeat=len(names))
        if allowed[at]
    ]
    highest, cost = min((one for one in found if one[1] <= budget), default=(0, 0.0))
    return -highest / DRAWS, cost


def row_within(rows, budget):
    return [row for row in rows if row.cost <= budget][-1]


@settings(derandomize=True, deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), spread=st.sampled_from([0, 2, 40]))
def test_the_frontier_is_the_best_of_all_sets_at_every_budget(seed, spread):
    costs, value, bracket, allowed = question(seed, 6, spread)
    rows = solved(costs, value, bracket, allowed)
    for budget in range(61):
        row = row_within(rows, budget)
        assert (row.value, row.cost) == best_within(costs, value, allowed, budget)
        assert row.at_most == row.value


@settings(derandomize=True, deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), spread=st.sampled_from([2, 10, 40]), forecasts=st.integers(0, 64))
def test_the_bound_is_never_below_the_best_of_all_sets(seed, spread, forecasts):
    costs, value, bracket, allowed = question(seed, 6, spread)
    rows = solved(costs, value, bracket, allowed, forecasts)
    assert [row.value for row in rows] == sorted({row.value for row in rows})
    for budget in range(61):
        row = row_within(rows, budget)
        best, _ = best_within(costs, value, allowed, budget)
        assert row.value <= best <= row.at_most


def test_more_forecasts_never_widen_the_gap():
    costs, value, bracket, allowed = question(5, 7, 10)
    gaps = [
        max(row.at_most - row.value for row in solved(costs, value, bracket, allowed, most)) for most in (0, 8, 32, 128)
    ]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[0] > gaps[-1] == 0.0


def test_no_budget_buys_what_is_free_and_useful():
    counts = np.array([0, 0, 20, 20, 0, 0, 40, 40]).reshape(2, 2, 2)  # b, then a, then what is idle
    costs = {"a": 2.0, "b": 0.0, "idle": 0.0}
    rows = solved(costs, counts, Bracket(low=counts, high=counts), np.ones((2, 2, 2), dtype=bool))
    assert [(row.levers, row.cost, row.value) for row in rows] == [(("b",), 0.0, 0.5), (("a", "b"), 2.0, 1.0)]


def test_of_equal_sets_the_one_with_fewest_levers_is_named():
    counts = np.array([[3, 3], [5, 5]])
    rows = solved({"a": 0.0, "b": 0.0}, counts, Bracket(low=counts, high=counts), np.ones((2, 2), dtype=bool))
    assert [(row.levers, row.value) for row in rows] == [(("a",), 5 / DRAWS)]


@pytest.mark.parametrize(
    ("costs", "message"),
    [({"a": -1.0}, "expected costs from 0"), ({f"l{number:02d}": 1.0 for number in range(21)}, "expected up to 20")],
)
def test_what_makes_no_question_is_refused(costs, message):
    counts = np.zeros((1,), dtype=int)
    with pytest.raises(ValueError, match=message):
        Sets.of(costs, Bracket(low=counts, high=counts), np.ones(1, dtype=bool))
