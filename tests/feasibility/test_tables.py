"""Tables of all sets of levers: the same draws as a forecast of each set, counted one by one."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

import qsim
from qsim.errors import PlanError
from qsim.feasibility.budget import frontier, frontier_of_counts, plan_choice
from qsim.feasibility.events import upright_of
from qsim.feasibility.questions import statement_of
from qsim.feasibility.spending import budget
from qsim.feasibility.statements import Trials
from qsim.feasibility.tables import all_counts, met_counts
from qsim.indicators import Catalogue
from qsim.plans.levers import Hold, Lever, NaturalLimit, SamplingPlan, Source
from qsim.plans.sizes import Certain, Normal
from qsim.records import Names

TEXT = Names(zh="例", en="example")
BASIC = {"name": TEXT, "source": Source(kind="assumed", text=TEXT), "start_year": 2018}


def effect(name: str, indicators: tuple[str, ...], scale: str, size: float, sd: float = 0.0) -> Lever:
    law = Normal(law="normal", mean=size, sd=sd) if sd else Certain(law="certain", value=size)
    return Lever(id=name, indicators=indicators, shape="ramp", scale=scale, full_effect_year=2020, size=law, **BASIC)


LEVERS = (
    effect("a-points", ("rate",), "points", 1.5, 0.5),
    effect("b-harm", ("rate",), "link", -0.3),
    effect("c-both", ("rate", "things"), "link", 0.15, 0.1),
    effect("d-gap", ("rate",), "gap", 20.0),
    effect("f-things", ("things",), "points", 3.0, 2.0),
    effect("g-pace", ("rate",), "pace", 1.5),
)
OTHERS = (
    Hold(id="e-hold", indicators=("rate",), shape="hold", **BASIC),
    SamplingPlan(id="h-sample", indicators=("rate",), shape="sampling_plan", batches=60, **BASIC),
)


@pytest.fixture(scope="module")
def known(plan, target):
    made = plan(
        target("level", value=93.0, year=2020),
        target("path", values={2018: 90.5, 2019: 91.0, 2020: 92.0}),
        target("no_decrease", base_year=2017, year=2020),
        target("level", id="few", indicator="things", value=45.0, comparator="<=", year=2020),
        target("range", value=90.0, value_hi=93.0, year=2020),
    )
    years = list(range(2010, 2018))
    table = pd.DataFrame(
        {"region": "here", "indicator": ["rate"] * 8 + ["things"] * 8, "year": years * 2,
         "denominator": ["500"] * 8 + [""] * 8,
         "value": ["88.0", "88.8", "88.1", "89.5", "90.2", "89.7", "90.4", "90.9",
                   "40", "41", "41", "43", "42", "44", "45", "45"]}
    )  # fmt: skip
    catalogue = Catalogue(indicators=made.indicators)
    posterior = qsim.fit(qsim.read_observations(table, catalogue=catalogue), catalogue=catalogue, draws=300, seed=3)
    return posterior, made, catalogue


def trials_of(known, *names) -> Trials:
    posterior, plan, catalogue = known
    wanted = [one for one in plan.targets if one.id in names]
    statements = tuple(statement_of(posterior, plan, one, catalogue) for one in wanted)
    return Trials(posterior=posterior, statements=statements)


def sets_of(levers):
    for chosen in product((0, 1), repeat=len(levers)):
        yield chosen, [lever for lever, take in zip(levers, chosen, strict=True) if take]


@pytest.mark.parametrize("name", ["level", "path", "no-decrease", "few"])
@pytest.mark.parametrize("others", [(), OTHERS], ids=["effects", "with-course-and-sample"])
def test_thresholds_count_the_draws_that_forecasts_of_every_set_count(known, name, others):
    trials = trials_of(known, name)
    assert trials.statements[0].upright == (-1 if name == "few" else 1)
    levers = sorted((*LEVERS, *others), key=lambda lever: lever.id)
    (counts,) = met_counts(trials, levers)
    assert counts.min() < counts.max()
    for chosen, some in sets_of(levers):
        at = tuple(take if size == 2 else 0 for take, size in zip(chosen, counts.shape, strict=True))
        assert counts[at] == trials.met(0, some).sum()


def test_all_at_once_counts_the_draws_that_forecasts_of_every_set_count(known):
    trials = trials_of(known, "level", "few")
    counts = all_counts(trials, LEVERS)
    assert counts.min() < counts.max()
    for chosen, some in sets_of(LEVERS):
        assert counts[chosen] == (trials.met(0, some) & trials.met(1, some)).sum()


def test_a_range_and_a_natural_limit_are_forecast_set_by_set(known):
    limit = NaturalLimit(
        id="i-limit", indicators=("rate",), shape="natural_limit", limit=Certain(law="certain", value=94.0), **BASIC
    )
    for name, levers in (("range", LEVERS[:3]), ("level", (*LEVERS[:3], limit))):
        trials = trials_of(known, name)
        assert all_counts(trials, levers) is None
        (counts,) = met_counts(trials, levers)
        for chosen, some in sets_of(levers):
            assert counts[chosen] == trials.met(0, some).sum()


@pytest.mark.parametrize("aim", ["expected", "all"])
def test_the_frontier_of_counts_is_that_of_branch_and_bound(known, aim):
    trials = trials_of(known, "level", "few")
    levers = [lever.model_copy(update={"cost": 0.1 * (3 + place)}) for place, lever in enumerate(LEVERS)]
    choice = plan_choice(trials, levers, aim=aim)
    counts = all_counts(trials, levers) if aim == "all" else sum(met_counts(trials, levers))
    found = frontier_of_counts(choice.costs, np.broadcast_to(counts, (2,) * 6), 300)
    searched = frontier(choice)
    assert [row.cost for row in found] == pytest.approx([row.cost for row in searched])
    assert [row.value for row in found] == pytest.approx([row.value for row in searched])
    for row in found:
        assert row.value == pytest.approx(choice.value(frozenset(row.levers)), abs=1e-12)


def test_twenty_levers_on_one_indicator_are_compared_in_all_their_sets(known):
    posterior, plan, catalogue = known
    many = tuple(
        effect(f"l{number:02d}", ("rate",), "points", 0.1 + 0.02 * number, 0.05).model_copy(
            update={"cost": 1.0 + number % 7}
        )
        for number in range(20)
    )
    offered = plan.model_copy(update={"levers": many})
    rows = budget(posterior, offered, targets=["level"], catalogue=catalogue).rows
    assert rows[0].levers == ()
    assert [row.expected for row in rows] == sorted({row.expected for row in rows})
    # with all of them nothing more can be had: every lever helps
    trials = trials_of(known, "level")
    assert rows[-1].expected == pytest.approx(trials.met(0, many).mean())


def test_of_equal_sets_the_one_with_fewest_levers_is_named():
    counts = np.array([[3, 3], [5, 5]])
    found = frontier_of_counts({"a": 0.0, "b": 0.0}, counts, 10)
    assert [(row.levers, row.value) for row in found] == [(("a",), 0.5)]


def test_a_search_that_needs_too_many_forecasts_says_so(known, monkeypatch):
    monkeypatch.setattr("qsim.feasibility.spending.MOST_DRAWN", 20)
    monkeypatch.setattr("qsim.feasibility.spending._TOLD_EVERY", 10)
    monkeypatch.setattr("qsim.feasibility.tables.MOST_FORECASTS", 2)
    posterior, plan, catalogue = known
    costs = {lever.id: 1.0 + place for place, lever in enumerate(LEVERS)}
    offered = plan.model_copy(update={"levers": LEVERS})
    told = []
    with pytest.raises(PlanError, match="20 forecasts did not settle"):
        budget(posterior, offered, costs=costs, targets=["range"], catalogue=catalogue, progress=told.append)
    assert told[0] == "budget: 10 combinations drawn (limit 20)"


@pytest.mark.parametrize(
    ("kind", "traits", "flow", "upright"),
    [
        ("zero", {"first_year": 2018, "year": 2020}, False, -1),
        ("range", {"value": 90.0, "value_hi": 95.0, "year": 2020}, False, 0),
        ("relative", {"reference": TEXT, "first_year": 2018, "year": 2020}, False, 0),
        ("change", {"direction": "down", "value": 5.0, "base_year": 2017, "year": 2020}, False, -1),
        ("change", {"direction": "down", "value": 5.0, "base_year": 2018, "year": 2020}, False, 0),
        ("cumulative", {"value": 3.0, "base_year": 2017, "first_year": 2018, "year": 2020}, False, 1),
        ("cumulative", {"value": 3.0, "base_year": 2017, "first_year": 2018, "year": 2020}, True, 0),
    ],
)
def test_only_a_level_for_each_later_year_has_thresholds(target, kind, traits, flow, upright):
    assert upright_of(target(kind, **traits), 2017, flow=flow) == upright
