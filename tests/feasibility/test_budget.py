"""Budgets: the best set of levers is the best of all sets, tried one by one."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qsim
from qsim.feasibility.budget import Choice, best_combination, frontier, largest_gains, plan_choice
from qsim.feasibility.statements import Statement, Trials
from qsim.plans.levers import Lever, Source
from qsim.plans.sizes import Certain
from qsim.records import Names
from qsim.vocabulary import RATE

TEXT = Names(zh="例", en="example")
DRAWS = 40


def random_choice(seed: int, levers: int, statements: int, aim: str, *, helpful: bool, spread: int = 3) -> Choice:
    """Statements met where the sum of their levers' effects passes a threshold of each draw."""
    rng = np.random.default_rng(seed)
    names = [f"l{number}" for number in range(levers)]
    acting = tuple(frozenset(rng.choice(names, size=min(spread, levers), replace=False)) for _ in range(statements))
    effects = {name: rng.exponential(1.0, (statements, DRAWS)) for name in names}
    if not helpful:
        effects = {name: effect * rng.choice([-1, 1], effect.shape) for name, effect in effects.items()}
    thresholds = rng.exponential(1.5, (statements, DRAWS))
    known: dict[tuple[int, frozenset[str]], np.ndarray] = {}

    def met(number, chosen):
        key = (number, chosen)
        if key not in known:
            known[key] = sum((effects[name][number] for name in sorted(chosen)), np.zeros(DRAWS)) >= thresholds[number]
        return known[key]

    costs = dict(zip(names, rng.integers(0, 10, levers).astype(float), strict=True))
    return Choice(costs=costs, acting=acting, met=met, aim=aim, helpful=helpful)


def all_sets(choice: Choice):
    names = sorted(choice.costs)
    for size in range(len(names) + 1):
        for some in combinations(names, size):
            yield sum(choice.costs[name] for name in some), choice.value(frozenset(some))


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    aim=st.sampled_from(["expected", "all"]),
    helpful=st.booleans(),
    budget=st.floats(0, 40),
)
def test_the_best_set_is_the_best_of_all(seed, aim, helpful, budget):
    choice = random_choice(seed, 7, 4, aim, helpful=helpful)
    found = best_combination(choice, budget)
    affordable = [(cost, value) for cost, value in all_sets(choice) if cost <= budget]
    highest = max(value for _, value in affordable)
    assert found.value == pytest.approx(highest, abs=1e-12)
    assert found.cost == pytest.approx(min(cost for cost, value in affordable if value >= highest - 1e-12))
    assert found.cost == sum(choice.costs[name] for name in found.levers) <= budget
    assert choice.value(frozenset(found.levers)) == pytest.approx(found.value)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), aim=st.sampled_from(["expected", "all"]), helpful=st.booleans())
def test_the_frontier_is_that_of_all_sets(seed, aim, helpful):
    choice = random_choice(seed, 6, 4, aim, helpful=helpful)
    sets = list(all_sets(choice))
    exact = [
        (cost, value)
        for cost, value in sorted(set(sets))
        if not any(other <= cost and more >= value and (other, more) != (cost, value) for other, more in sets)
    ]
    rows = frontier(choice)
    assert [row.cost for row in rows] == pytest.approx(sorted({cost for cost, _ in exact}))
    assert [row.value for row in rows] == pytest.approx([value for _, value in exact])


@pytest.mark.parametrize("aim", ["expected", "all"])
def test_a_gain_is_an_upper_bound_in_every_company(aim):
    choice = random_choice(3, 6, 4, aim, helpful=False)
    gains = largest_gains(choice)
    for lever in choice.costs:
        others = [name for name in choice.costs if name != lever]
        for size in range(len(others) + 1):
            for some in map(frozenset, combinations(others, size)):
                assert choice.value(some | {lever}) - choice.value(some) <= gains[lever] + 1e-12


@pytest.mark.parametrize("aim", ["expected", "all"])
def test_twenty_levers_are_searched_exactly(aim):
    choice = random_choice(1, 20, 12, aim, helpful=True)
    found = best_combination(choice, 25.0)
    loose = Choice(costs=choice.costs, acting=choice.acting, met=choice.met, aim=aim, helpful=False)
    assert best_combination(loose, 25.0) == found
    assert found.cost <= 25


def test_no_budget_buys_what_is_free_and_useful():
    events = {frozenset(): [0, 0], frozenset("a"): [1, 0], frozenset("b"): [0, 1], frozenset("ab"): [1, 1]}
    choice = Choice(
        costs={"a": 0.0, "b": 2.0, "idle": 0.0},
        acting=(frozenset("ab"),),
        met=lambda _, names: np.array(events[names], dtype=bool),
    )
    assert best_combination(choice, 0.0).levers == ("a",)
    assert [(row.levers, row.cost, row.value) for row in frontier(choice)] == [(("a",), 0, 0.5), (("a", "b"), 2, 1)]


def test_more_money_never_brings_less():
    choice = random_choice(8, 8, 5, "all", helpful=False)
    values = [best_combination(choice, budget).value for budget in range(0, 40, 4)]
    assert values == sorted(values)


@pytest.mark.parametrize(
    ("costs", "budget", "message"),
    [
        ({"a": -1.0}, 1.0, "expected costs from 0"),
        ({f"l{number}": 1.0 for number in range(21)}, 1.0, "expected up to 20"),
        ({"a": 1.0}, -1.0, "expected a number from 0"),
    ],
)
def test_what_makes_no_question_is_refused(costs, budget, message):
    with pytest.raises(ValueError, match=message):
        best_combination(Choice(costs=costs, acting=(frozenset("a"),), met=lambda *_: np.zeros(1, dtype=bool)), budget)


def lever(name: str, cost: float | None, size: float, indicator: str) -> Lever:
    return Lever(
        id=name, name=TEXT, indicators=(indicator,), shape="step", scale="link", start_year=2018, cost=cost,
        size=Certain(law="certain", value=size), source=Source(kind="assumed", text=TEXT),
    )  # fmt: skip


@pytest.fixture(scope="module")
def trials() -> Trials:
    years = list(range(2012, 2018))
    table = pd.DataFrame(
        {"region": "here", "indicator": ["spot"] * 6 + ["food"] * 6, "year": years * 2,
         "value": ["88.0", "88.8", "88.1", "89.5", "90.2", "89.7", "95.1", "95.4", "95.0", "95.8", "96.1", "96.0"]}
    )  # fmt: skip
    posterior = qsim.fit(qsim.read_observations(table), draws=400, seed=5)

    def reaches(indicator: str, level: float) -> Statement:
        return Statement(
            series=(f"here/{indicator}",),
            years=(2020,),
            met=lambda draws: (draws[RATE] >= level).all(("series", "year")),
        )

    return Trials(posterior=posterior, statements=(reaches("spot", 92.0), reaches("food", 97.0)))


def test_the_levers_of_a_plan_are_weighed_on_its_draws(trials):
    levers = [lever("spot-a", 3.0, 0.3, "spot"), lever("spot-b", 2.0, 0.1, "spot"), lever("food", 2.0, 0.3, "food")]
    choice = plan_choice(trials, levers)
    assert choice.acting == (frozenset({"spot-a", "spot-b"}), frozenset({"food"}))
    by_id = {one.id: one for one in levers}
    for budget in (0.0, 2.0, 4.0, 5.0, 7.0):
        found = best_combination(choice, budget)
        values = {}
        for size in range(4):
            for some in combinations(sorted(by_id), size):
                if sum(by_id[name].cost for name in some) <= budget:
                    values[some] = sum(trials.met(at, [by_id[name] for name in some]).mean() for at in range(2))
        assert found.value == pytest.approx(max(values.values()))


def test_a_lever_on_another_indicator_leaves_a_statement(trials):
    assert np.array_equal(trials.met(0, [lever("food", 2.0, 0.3, "food")]), trials.met(0, []))
    assert trials.met(1, [lever("food", 2.0, 0.3, "food")]).mean() > trials.met(1, []).mean()


def test_a_lever_without_a_cost_is_refused(trials):
    with pytest.raises(ValueError, match="no cost of spot-a"):
        plan_choice(trials, [lever("spot-a", None, 0.3, "spot")])
