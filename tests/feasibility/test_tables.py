"""Tables of all sets of levers: the same draws as a forecast of each set, one by one, for every kind of target."""

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest

import qsim
from qsim.feasibility import settling, spending, tables
from qsim.feasibility.questions import statement_of
from qsim.feasibility.spending import budget, spending_frame
from qsim.feasibility.statements import Trials
from qsim.feasibility.tables import all_bracket, allowed_sets, met_brackets
from qsim.indicators import Catalogue, Indicator
from qsim.plans.levers import (
    DefinitionChange,
    Discontinued,
    HaltDecline,
    Hold,
    Lever,
    NaturalLimit,
    SamplingPlan,
    Source,
    StraightLine,
)
from qsim.plans.sizes import Certain, Normal
from qsim.records import Names

TEXT = Names(zh="例", en="example")
BASIC = {"name": TEXT, "source": Source(kind="assumed", text=TEXT), "start_year": 2018}
DRAWS = 200


def certain(value: float) -> Certain:
    return Certain(law="certain", value=value)


def effect(name: str, indicators: tuple[str, ...], scale: str, size: float, sd: float = 0.0, **traits) -> Lever:
    law = Normal(law="normal", mean=size, sd=sd) if sd else certain(size)
    shape = {"shape": "ramp", "full_effect_year": 2020} if "shape" not in traits else {}
    return Lever(id=name, indicators=indicators, scale=scale, size=law, **BASIC, **shape, **traits)


EFFECTS = (
    effect("a-points", ("rate",), "points", 1.5, 0.5),
    effect("b-harm", ("rate",), "link", -0.3),
    effect("c-both", ("rate", "things", "cases"), "link", 0.15, 0.1, shape="step"),
    effect("d-gap", ("rate",), "gap", 20.0),
    effect("f-things", ("things", "cases"), "points", 3.0, 2.0),
    effect("g-pace", ("rate",), "pace", 1.5),
    effect("k-pulse", ("rate", "cases"), "link", 0.2, shape="pulse", end_year=2018, recovered_year=2020),
)
HOLD = Hold(id="e-hold", indicators=("rate", "cases"), shape="hold", **BASIC)
SAMPLE = SamplingPlan(id="h-sample", indicators=("rate",), shape="sampling_plan", batches=60, **BASIC)
LIMIT = NaturalLimit(id="i-limit", indicators=("rate",), shape="natural_limit", limit=certain(94.0), **BASIC)
LATE = LIMIT.model_copy(update={"id": "j-late", "start_year": 2019, "limit": Normal(law="normal", mean=93.0, sd=1.0)})
OTHERS = (
    HOLD,
    SAMPLE,
    StraightLine(id="l-line", indicators=("rate",), shape="straight_line", values={2020: 100.0}, **BASIC),
    HaltDecline(id="m-halt", indicators=("rate",), shape="halt_decline", **BASIC),
    DefinitionChange(id="n-basis", indicators=("rate",), shape="definition_change", offset=certain(0.2), **BASIC),
    Discontinued(id="o-end", indicators=("rate",), shape="discontinued", **{**BASIC, "start_year": 2020}),
)

PERIOD = {"first_year": 2018, "year": 2020}
LATER = {"base_year": 2018, "year": 2020}
KINDS = {
    "level": {"value": 93.0, "year": 2020},
    "path": {"values": {2018: 90.5, 2019: 91.0, 2020: 92.0}},
    "maintain": {"value": 90.5, **PERIOD},
    "improve": {"direction": "up", "base_year": 2017, **PERIOD},
    "improve-yearly": {"direction": "up", "base_year": 2017, "yearly": True, **PERIOD},
    "improve-late": {"direction": "up", "first_year": 2019, **LATER},
    "no_decrease": {"base_year": 2018, "year": 2020},
    "relative": {"reference": TEXT, "reference_region": "province", "reference_share": 0.3, **PERIOD},
    "change": {"direction": "up", "value": 1.0, **LATER},
    "change-points": {"direction": "up", "value": 1.5, "relative": False, "base_year": 2017, "year": 2020},
    "range": {"value": 90.0, "value_hi": 93.0, "year": 2020},
    "few": {"indicator": "things", "value": 45.0, "comparator": "<=", "year": 2020},
    "fewer": {"indicator": "things", "direction": "down", "base_year": 2017, "yearly": True, **PERIOD},
    "new": {"indicator": "things", "value": 2.0, "base_year": 2018, **PERIOD},
    "new-yearly": {"indicator": "things", "value": 1.0, "base_year": 2017, "per_year": True, **PERIOD},
    "cases": {"indicator": "cases", "value": 14.0, "base_year": 2017, **PERIOD},
    "cases-yearly": {"indicator": "cases", "value": 4.0, "base_year": 2017, "per_year": True, **PERIOD},
    "zero": {"indicator": "cases", **PERIOD},
}
KIND_OF = {"few": "level", "fewer": "improve", "new": "cumulative", "cases": "cumulative"}


@pytest.fixture(scope="module")
def known(plan, target):
    def kind(name: str) -> str:
        first = name.split("-", maxsplit=1)[0]
        return KIND_OF.get(first, first)

    cases = Indicator(slug="cases", name=TEXT, family="events", unit="件", better="lower")
    made = plan(
        *(target(kind(name), id=name.replace("_", "-"), **traits) for name, traits in KINDS.items()),
        indicators=(cases,),
    )
    years = list(range(2010, 2018))
    figures = {
        ("here", "rate"): ["88.0", "88.8", "88.1", "89.5", "90.2", "89.7", "90.4", "90.9"],
        ("province", "rate"): ["88.5", "89.1", "89.0", "90.1", "90.6", "90.4", "91.0", "91.7"],
        ("here", "things"): ["40", "41", "41", "43", "42", "44", "45", "45"],
        ("here", "cases"): ["3", "2", "4", "2", "3", "1", "2", "2"],
    }
    table = pd.DataFrame(
        [
            {"region": region, "indicator": slug, "year": year, "value": value,
             "denominator": "500" if slug == "rate" else ""}
            for (region, slug), values in figures.items()
            for year, value in zip(years, values, strict=True)
        ]
    )  # fmt: skip
    catalogue = Catalogue(indicators=made.indicators)
    posterior = qsim.fit(qsim.read_observations(table, catalogue=catalogue), catalogue=catalogue, draws=DRAWS, seed=3)
    return posterior, made, catalogue


@pytest.fixture
def every_set_by_trees(monkeypatch):
    """Trees also where there are few sets, on a grid so coarse that many sets are left to the figures."""
    monkeypatch.setattr(settling, "_FEW_SETS", 1)
    monkeypatch.setattr(settling, "_CELLS", 32)
    monkeypatch.setattr(settling, "_CELLS_SLICED", 32)
    monkeypatch.setattr(settling, "_SLICES", 8)


def trials_of(known, *names) -> Trials:
    posterior, plan, catalogue = known
    wanted = [one for one in plan.targets if one.id in [name.replace("_", "-") for name in names]]
    statements = tuple(statement_of(posterior, plan, one, catalogue) for one in wanted)
    return Trials(posterior=posterior, statements=statements)


def by_id(levers):
    return sorted(levers, key=lambda lever: lever.id)


def sets_of(levers):
    for chosen in product((0, 1), repeat=len(levers)):
        yield chosen, [lever for lever, take in zip(levers, chosen, strict=True) if take]


def forecast_one_by_one(trials, levers, counts):
    """Draws in which all statements hold, by a forecast of each set that is allowed, in the shape of some counts."""
    allowed, found = allowed_sets(levers), np.zeros(counts.shape, dtype=int)
    for chosen, some in sets_of(levers):
        if allowed[chosen]:
            at = tuple(take if size == 2 else 0 for take, size in zip(chosen, counts.shape, strict=True))
            found[at] = np.logical_and.reduce([trials.met(one, some) for one in range(len(trials.statements))]).sum()
    return found


@pytest.mark.usefixtures("every_set_by_trees")
@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_counted_as_forecasts_of_every_set_count_it(known, name):
    trials = trials_of(known, name)
    (counts,) = met_brackets(trials, EFFECTS)
    assert np.array_equal(counts.low, counts.high)
    assert counts.low.min() < counts.low.max()
    assert np.array_equal(counts.low, forecast_one_by_one(trials, EFFECTS, counts.low))


@pytest.mark.usefixtures("every_set_by_trees")
@pytest.mark.parametrize("name", ["level", "improve-yearly", "change", "range", "relative"])
@pytest.mark.parametrize("limit", [LIMIT, LATE], ids=["from-the-origin", "from-levels-that-effects-move"])
def test_a_natural_limit_is_counted_as_forecasts_of_every_set_count_it(known, name, limit):
    trials = trials_of(known, name)
    levers = by_id([*EFFECTS[:4], limit])
    (counts,) = met_brackets(trials, levers)
    assert np.array_equal(counts.low, counts.high)
    assert np.array_equal(counts.low, forecast_one_by_one(trials, levers, counts.low))


@pytest.mark.parametrize("name", ["level", "improve-yearly", "range"])
def test_levers_of_other_kinds_are_counted_as_forecasts_of_every_set_count_them(known, name):
    trials = trials_of(known, name)
    levers = by_id([*EFFECTS[:2], *OTHERS])
    (counts,) = met_brackets(trials, levers)
    assert np.array_equal(counts.low, counts.high)
    assert counts.low.min() < counts.low.max()
    assert np.array_equal(counts.low, forecast_one_by_one(trials, levers, counts.low))


@pytest.mark.usefixtures("every_set_by_trees")
@pytest.mark.parametrize("names", [("level", "few"), ("improve-yearly", "range", "fewer"), ("few", "cases-yearly")])
def test_all_at_once_is_counted_as_forecasts_of_every_set_count_it(known, names):
    trials = trials_of(known, *names)
    levers = by_id([*EFFECTS, HOLD])
    counts = all_bracket(trials, levers)
    assert np.array_equal(counts.low, counts.high)
    assert np.array_equal(counts.low, forecast_one_by_one(trials, levers, counts.low))


@pytest.mark.parametrize("name", ["level", "improve-yearly"])
def test_tables_too_coarse_to_tell_much_leave_the_count_as_it_is(known, monkeypatch, name):
    monkeypatch.setattr(settling, "_FEW_SETS", 1)
    monkeypatch.setattr(settling, "MOST_TABLED", 1)
    trials = trials_of(known, name)
    levers = by_id([*EFFECTS[:4], LATE])
    (counts,) = met_brackets(trials, levers)
    assert np.array_equal(counts.low, counts.high)
    assert np.array_equal(counts.low, forecast_one_by_one(trials, levers, counts.low))


@pytest.mark.usefixtures("every_set_by_trees")
@pytest.mark.parametrize("name", ["level", "improve-yearly", "range", "cases"])
@pytest.mark.parametrize("nodes", [0, 1 << 9, 1 << 12])
def test_with_too_little_work_the_count_lies_between_the_bounds(known, monkeypatch, name, nodes):
    monkeypatch.setattr(settling, "MOST_NODES", nodes)
    trials = trials_of(known, name)
    (counts,) = met_brackets(trials, EFFECTS)
    exact = forecast_one_by_one(trials, EFFECTS, counts.low)
    assert (counts.low <= exact).all()
    assert (exact <= counts.high).all()
    assert nodes > 0 or (counts.low < counts.high).all()


def test_too_many_sets_of_other_levers_leave_frechets_bounds(known, monkeypatch):
    trials = trials_of(known, "level", "few", "cases")
    levers = by_id([*EFFECTS[:3], HOLD, SAMPLE])
    exact = forecast_one_by_one(trials, levers, np.zeros((2,) * 5))
    monkeypatch.setattr(tables, "MOST_TOGETHER", 1)
    counts = all_bracket(trials, levers)
    low, high = np.broadcast_to(counts.low, (2,) * 5), np.broadcast_to(counts.high, (2,) * 5)
    assert (low <= exact).all()
    assert (exact <= high).all()
    assert (low < high).any()


def test_levers_of_one_group_on_one_indicator_are_not_allowed_together():
    allowed = allowed_sets([EFFECTS[0], HOLD, OTHERS[2], SAMPLE])
    assert not allowed[:, 1, 1, :].any()
    assert allowed.sum() == 12


def test_more_work_never_widens_the_bounds(known, monkeypatch):
    monkeypatch.setattr(settling, "_FEW_SETS", 1)
    trials = trials_of(known, "improve-yearly")
    widths = []
    for nodes in (0, 1 << 11, 1 << 14, 1 << 20):
        monkeypatch.setattr(settling, "MOST_NODES", nodes)
        (counts,) = met_brackets(trials, EFFECTS)
        widths.append((counts.high - counts.low).sum())
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] == 0


MIXED = ("range", "improve-yearly", "relative", "few", "cases")
"""Three indicators, none with a level alone."""
OFFERED = by_id([*EFFECTS[:5], HOLD, OTHERS[2], LATE])
COSTS = {lever.id: 1.0 + 0.7 * place for place, lever in enumerate(OFFERED)}


def spend(known, *, levers=OFFERED, targets=MIXED, **asked):
    posterior, plan, catalogue = known
    offered = plan.model_copy(update={"levers": tuple(levers)})
    costs = {name: COSTS.get(name, 2.0) for name in (lever.id for lever in levers)}
    return budget(posterior, offered, costs=costs, targets=list(targets), catalogue=catalogue, **asked)


@pytest.fixture(scope="module")
def all_values(known):
    """Cost, expected number met and chance of all, of every set of the levers on offer that can go together."""
    trials = trials_of(known, *MIXED)
    groups = ([0, 1, 2], [3], [4])  # of rate, things and cases, in the order of the plan
    found, allowed = [], allowed_sets(OFFERED)
    for chosen, some in sets_of(OFFERED):
        if allowed[chosen]:
            met = [np.logical_and.reduce([trials.met(one, some) for one in group]) for group in groups]
            values = {"expected": np.mean(met, axis=1).sum(), "all": np.logical_and.reduce(met).mean()}
            found.append((sum(COSTS[lever.id] for lever in some), values))
    return found


def best_within(all_values, limit, aim):
    return max(values[aim] for cost, values in all_values if cost <= limit + 1e-9)


LIMITS = np.arange(0.0, 28.0, 0.5)


@pytest.mark.parametrize("aim", ["expected", "all"])
def test_the_frontier_of_mixed_kinds_is_the_best_of_all_sets_at_every_budget(known, all_values, aim):
    found = spend(known, aim=aim)
    assert found.exact
    for limit in LIMITS:
        row = found.within(limit)
        assert getattr(row, "expected" if aim == "expected" else "p_all") == pytest.approx(
            best_within(all_values, limit, aim), abs=1e-12
        )


@pytest.mark.usefixtures("every_set_by_trees")
@pytest.mark.parametrize("aim", ["expected", "all"])
@pytest.mark.parametrize(("nodes", "forecasts"), [(0, 0), (0, 40), (1 << 10, 0), (1 << 13, 100)])
def test_with_too_little_work_no_set_is_better_than_the_bound_told(
    known, all_values, monkeypatch, aim, nodes, forecasts
):
    monkeypatch.setattr(settling, "MOST_NODES", nodes)
    monkeypatch.setattr(spending, "MOST_FORECASTS", forecasts)
    found = spend(known, aim=aim)
    values = [row.expected if aim == "expected" else row.p_all for row in found.rows]
    assert values == sorted(set(values))  # a larger budget never gives a worse result
    for limit in LIMITS:
        row = found.within(limit)
        best = best_within(all_values, limit, aim)
        assert (row.expected if aim == "expected" else row.p_all) <= best + 1e-12
        assert best <= row.at_most + 1e-12
    assert found.gap == max(row.at_most - value for row, value in zip(found.rows, values, strict=True))
    if nodes == forecasts == 0:
        assert not found.exact


@pytest.mark.usefixtures("every_set_by_trees")
def test_the_same_limited_work_gives_the_same_answer(known, monkeypatch):
    monkeypatch.setattr(settling, "MOST_NODES", 1 << 9)
    monkeypatch.setattr(spending, "MOST_FORECASTS", 60)
    assert spend(known) == spend(known)


@pytest.mark.usefixtures("every_set_by_trees")
def test_forecasts_one_by_one_are_told_with_their_limit(known, monkeypatch):
    monkeypatch.setattr(settling, "MOST_NODES", 0)
    monkeypatch.setattr(spending, "_TOLD_EVERY", 64)
    told = []
    spend(known, targets=["range"], progress=told.append)
    assert told[0] == "budget: 64 combinations forecast one by one (limit 2048)"


@pytest.mark.parametrize("nodes", [0, 1 << 31])
def test_levers_that_exclude_each_other_are_never_paid_for_together(known, monkeypatch, nodes):
    monkeypatch.setattr(settling, "MOST_NODES", nodes)
    courses = [HOLD, OTHERS[2], OTHERS[3]]
    found = spend(known, levers=[EFFECTS[0], *courses], targets=["level"])
    names = {lever.id for lever in courses}
    assert max(len(names & set(row.levers)) for row in found.rows) == 1


@pytest.mark.parametrize("aim", ["expected", "all"])
def test_the_order_of_levers_and_of_targets_does_not_matter(known, aim):
    forward = spend(known, aim=aim)
    assert spend(known, aim=aim, levers=OFFERED[::-1], targets=MIXED[::-1]) == forward


def test_a_larger_budget_never_gives_a_worse_result(known):
    found = spend(known)
    values = [found.within(limit).expected for limit in LIMITS]
    assert values == sorted(values)


def test_twenty_levers_on_a_yearly_improvement_are_compared_in_all_their_sets(known):
    many = [effect(f"l{number:02d}", ("rate",), "points", 0.1 + 0.02 * number, 0.05) for number in range(20)]
    found = spend(known, levers=many, targets=["improve-yearly"])
    assert found.exact
    assert found.rows[0].levers == ()
    trials = trials_of(known, "improve-yearly")
    rng = np.random.default_rng(0)
    for _ in range(20):
        some = [many[place] for place in np.flatnonzero(rng.random(20) < rng.random())]
        assert trials.met(0, some).mean() <= found.within(2.0 * len(some)).expected + 1e-12


def test_levers_that_touch_no_target_asked_for_change_no_chance_of_all(known):
    found = spend(known, targets=["zero", "cases"], levers=EFFECTS[:1], aim="all")
    trials = trials_of(known, "zero", "cases")
    met = np.logical_and.reduce([trials.met(one, ()) for one in range(2)])
    assert found.exact
    assert [(row.levers, row.p_all) for row in found.rows] == [((), met.mean())]


def test_a_sum_of_costs_that_rounding_lifts_above_the_budget_is_within_it(known):
    found = spend(known, levers=OFFERED[:3], targets=["level"])
    summed = replace(found.rows[-1], cost=0.1 + 0.2)
    assert summed.cost > 0.3
    assert replace(found, rows=(found.rows[0], summed)).within(0.3) == summed


def test_the_table_of_a_frontier_has_the_bound_of_each_row(known):
    table = spending_frame(spend(known, aim="all"))
    assert (table["at_most"] == table["p_all"]).all()
