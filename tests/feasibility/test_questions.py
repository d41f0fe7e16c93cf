"""Reverse and budget questions about the targets of shipped plans, against assessments and against hand-made sets."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

import qsim
from qsim.errors import PlanError
from qsim.feasibility.questions import REVERSE_COLUMNS, reverse_frame, reverse_text
from qsim.feasibility.reverse import TOLERANCE, sized
from qsim.feasibility.spending import read_costs, spending_frame
from qsim.plans.scenarios import Scenario
from qsim.records import Names

DRAWS = 400
COSTS = {"key-product-campaign": 4, "water-campaign": 6, "pace-of-best-three": 9}


def studied(name):
    return qsim.run(name, draws=DRAWS, beside=False)


@pytest.fixture(scope="module")
def hainan():
    return studied("hainan-2020")


@pytest.fixture(scope="module")
def loudi():
    return studied("loudi-2020")


def p_published(study, scenario, target):
    (result,) = (one for one in study.assessment.results if (one.scenario, one.target.id) == (scenario, target))
    return result.p_published


@pytest.mark.parametrize("name", ["hainan", "loudi"])
def test_a_lever_as_written_gives_the_probability_of_the_scenario_that_pulls_it_alone(name, request):
    study = request.getfixturevalue(name)
    alone = [one for one in study.plan.scenarios if len(one.levers) == 1]
    assert len(alone) >= 3
    for scenario in alone:
        for found in qsim.reverse(study.posterior, study.plan, scenario.levers[0].id):
            assert found.p_as_written == p_published(study, scenario.id, found.target.id)
            assert found.p_without == p_published(study, "baseline", found.target.id)


def test_a_lever_is_asked_on_top_of_the_others_of_a_scenario(loudi):
    found = qsim.reverse(loudi.posterior, loudi.plan, "steel-low-emission", scenario="cleaner-air")
    for one in found:
        assert one.p_without == p_published(loudi, "cleaner-air", one.target.id)
        assert one.p_as_written == p_published(loudi, "cleaner-air-and-steel", one.target.id)


def test_the_size_found_reaches_the_goal_and_a_little_less_does_not(hainan):
    (found,) = qsim.reverse(hainan.posterior, hainan.plan, "key-product-campaign", goal=0.9)
    assert 0.9 <= found.size.probability <= 0.9 + TOLERANCE
    assert found.size.size > 1  # the size as written falls short
    assert found.p_as_written < 0.9
    (harder,) = qsim.reverse(hainan.posterior, hainan.plan, "key-product-campaign", goal=0.95)
    assert harder.size.size > found.size.size


def test_an_easy_goal_leaves_the_latest_start_at_the_last_year_that_reaches_it(hainan):
    (found,) = qsim.reverse(hainan.posterior, hainan.plan, "pace-of-best-three", goal=0.8)
    assert found.size is None  # a pace of peers has no size
    assert found.start.probability >= 0.8
    assert hainan.posterior.origin < found.start.start_year <= 2020


def test_a_goal_reached_already_needs_nothing(hainan):
    (found,) = qsim.reverse(hainan.posterior, hainan.plan, "key-product-campaign", goal=0.1)
    assert (found.size.size, found.start.start_year) == (0.0, 2020)
    assert reverse_text(found).startswith("not needed")


def answer(study, lever, **asked):
    return " / ".join(reverse_text(one) for one in qsim.reverse(study.posterior, study.plan, lever, **asked))


def test_points_are_said_to_be_those_before_saturation(hainan):
    told = answer(hainan, "key-product-campaign", goal=0.99)
    assert "points, the middle of its law, before saturation (they count less and less near 100) gives" in told


def test_the_change_at_the_size_found_is_the_median_change_of_the_published_figure(hainan):
    (found,) = qsim.reverse(hainan.posterior, hainan.plan, "key-product-campaign", goal=0.9)
    scenarios = [
        Scenario(id=name, name=Names(zh="试", en="tried"), levers=levers)
        for name, levers in (("without", ()), ("with", (sized(found.lever, found.size.size),)))
    ]
    published = hainan.posterior.forecast([2020], scenarios, series=[f"hainan/{found.target.indicator}"])["published"]
    without, with_it = published.values.reshape(2, -1)
    assert found.change == pytest.approx(np.median(with_it - without))
    # points saturate: fewer arrive than the size says
    assert 0 < found.change < found.size.size
    assert f"published figure of 2020 {found.change:+.3g} points (median)" in reverse_text(found)


def test_where_no_size_or_none_is_needed_the_change_is_unknown_or_nothing(hainan):
    (easy,) = qsim.reverse(hainan.posterior, hainan.plan, "key-product-campaign", goal=0.1)
    assert easy.change == 0.0
    (paced,) = qsim.reverse(hainan.posterior, hainan.plan, "pace-of-best-three", goal=0.8)
    assert paced.change is None


def test_a_size_in_percent_of_a_gap_is_said_to_be_certain(hainan):
    assert "% of the gap, as a certain number, gives" in answer(hainan, "water-campaign")


def test_a_size_of_the_other_sign_is_said_to_turn_the_lever_round(hainan):
    assert answer(hainan, "bad-air-year", goal=0.82).startswith(
        "as written (size -1) it works against the target; turned round, size "
    )


def test_a_start_that_is_past_is_tried_and_told():
    study = qsim.run("hainan-2020", draws=DRAWS, beside=False, as_of=2019)
    (found,) = qsim.reverse(
        study.posterior, study.plan, "water-campaign", targets=["river-lake-water-quality"], goal=0.62
    )
    assert found.p_without < 0.62 <= found.p_as_written
    assert (found.start.start_year, found.start.probability, found.start.past) == (2018, found.p_as_written, True)
    assert "as written it started in 2018, which is past" in reverse_text(found)


def test_a_lever_that_spoils_a_target_is_said_to_bring_it_below_the_goal():
    assert answer(studied("yunnan-2020"), "standstill").startswith("the lever brings the target below the goal")


def test_answers_make_a_table(hainan):
    found = qsim.reverse(hainan.posterior, hainan.plan, "water-campaign")
    table = reverse_frame(found)
    assert list(table.columns) == REVERSE_COLUMNS
    assert list(table["target"]) == ["river-lake-water-quality", "nearshore-water-quality"]
    assert table["latest_start"].isna().all()
    assert (table["p_at_start"] < 0.8).all()
    assert table["answer"].str.contains("no start does").all()


def test_a_lever_that_no_size_makes_strong_enough_is_told_so():
    study = studied("guizhou-2017")
    found = qsim.reverse(study.posterior, study.plan, "problem-oriented-sample")
    assert [one.target.id for one in found] == ["industrial-spot-check"]
    assert "as written no start does" in reverse_text(found[0])


def test_every_fault_of_the_names_is_told_at_once(hainan):
    with pytest.raises(PlanError) as caught:
        qsim.reverse(hainan.posterior, hainan.plan, "key-product-campaing", targets=["air"], scenario="air-shok")
    told = str(caught.value)
    assert "3 faults" in told
    assert "did you mean 'key-product-campaign'?" in told
    assert "did you mean 'air-shock'?" in told
    assert "'air'" in told


@pytest.mark.parametrize(
    ("lever", "targets", "told"),
    [
        ("key-product-campaign", ["good-air-days"], "which lever 'key-product-campaign' acts on"),
        ("targeted-checks", ["food-sampling"], "a target with a probability"),
    ],
)
def test_a_named_target_that_cannot_be_answered_is_refused(hainan, lever, targets, told):
    names = [one.id for one in hainan.plan.targets if one.indicator == "food_sampling_pass_rate"]
    asked = names if targets == ["food-sampling"] else targets
    with pytest.raises(PlanError, match=told):
        qsim.reverse(hainan.posterior, hainan.plan, lever, targets=asked)


def test_a_lever_beside_another_that_takes_the_place_of_the_trend_is_refused():
    study = studied("rizhao-2020")
    line = next(one for one in study.plan.scenarios if one.id == "straight-to-target").levers[0].id
    with pytest.raises(PlanError, match="levers together"):
        qsim.reverse(study.posterior, study.plan, line, scenario="median-pace")


def combined(study, names):
    levers = tuple(one for one in study.plan.levers if one.id in names)
    scenario = Scenario(id="combined", name=Names(zh="合", en="combined"), levers=levers)
    forecast = study.posterior.forecast(study.assessment.forecast["year"].values.tolist(), [scenario])
    found = qsim.assess(forecast, study.plan, beside=False)
    return next(one for one in found.joint if one.scope == "plan")


def test_the_frontier_is_that_of_the_assessments_of_all_combinations(hainan):
    found = qsim.budget(hainan.posterior, hainan.plan, costs=COSTS)
    sets = [names for size in range(4) for names in combinations(sorted(COSTS), size)]
    known = {names: combined(hainan, names) for names in sets}
    cost = {names: sum(COSTS[name] for name in names) for names in sets}
    for row in found.rows:
        joint = known[row.levers]
        assert row.cost == cost[row.levers]
        assert row.expected == pytest.approx(joint.expected, abs=1e-12)
        assert row.p_all == pytest.approx(joint.p_all, abs=1e-12)
    for limit in range(0, 20):
        best = max(known[names].expected for names in sets if cost[names] <= limit)
        assert found.within(limit).expected == pytest.approx(best, abs=1e-12)
    assert found.indicators == known[()].indicators


def test_with_the_aim_all_the_value_of_the_frontier_rises_with_cost(hainan):
    rows = qsim.budget(hainan.posterior, hainan.plan, costs=COSTS, aim="all").rows
    assert [row.cost for row in rows] == sorted({row.cost for row in rows})
    assert (np.diff([row.p_all for row in rows]) > 0).all()


def test_statements_of_one_indicator_count_once(loudi):
    found = qsim.budget(
        loudi.posterior,
        loudi.plan,
        costs={"smog-year": 1},
        targets=["good-air-days", "good-air-days-vs-province"],
    )
    assert found.indicators == 1
    # bad weather adds nothing
    assert [row.levers for row in found.rows] == [()]
    assert found.rows[0].expected == found.rows[0].p_all
    assert found.rows[0].p_all <= p_published(loudi, "baseline", "good-air-days-vs-province")


def test_a_budget_below_zero_is_refused(hainan):
    found = qsim.budget(hainan.posterior, hainan.plan, costs=COSTS)
    with pytest.raises(ValueError, match="expected a number from 0"):
        found.within(-1)
    assert list(spending_frame(found).columns) == ["cost", "levers", "expected", "p_all", "at_most"]


def test_every_fault_of_costs_is_told_at_once(hainan):
    with pytest.raises(PlanError) as caught:
        qsim.budget(hainan.posterior, hainan.plan, costs={"water-campain": 1, "bad-air-year": -2}, targets=["agri"])
    told = str(caught.value)
    assert "3 faults" in told
    assert "did you mean 'water-campaign'?" in told
    assert "cost of bad-air-year: got -2; expected a number from 0" in told


def test_levers_without_any_cost_are_refused(hainan):
    with pytest.raises(PlanError, match="costs: got none; expected key cost"):
        qsim.budget(hainan.posterior, hainan.plan)


def test_costs_of_the_plan_file_are_used(hainan):
    levers = tuple(one.model_copy(update={"cost": COSTS.get(one.id)}) for one in hainan.plan.levers)
    plan = hainan.plan.model_copy(update={"levers": levers})
    assert qsim.budget(hainan.posterior, plan) == qsim.budget(hainan.posterior, hainan.plan, costs=COSTS)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("costs.yaml", "water-campaign: 6\nbad-air-year: 0.5\n"),
        ("costs.csv", "lever,cost\nwater-campaign,6\n\nbad-air-year,0.5\n"),
        ("costs.yaml", "water-campaign: '6'\nbad-air-year: 0.5\n"),
        ("costs.csv", "说明,费用,措施\n水,6,water-campaign\n空气,0.5,bad-air-year\n"),
    ],
)
def test_costs_are_read_from_yaml_and_tables(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    assert read_costs(path) == {"water-campaign": 6.0, "bad-air-year": 0.5}


def test_a_cost_may_have_separators_of_thousands_like_a_figure(tmp_path):
    (tmp_path / "costs.csv").write_text('措施,费用\nwater-campaign,"1,000"\n', encoding="utf-8")
    assert read_costs(tmp_path / "costs.csv") == {"water-campaign": 1000.0}


def test_a_cost_with_commas_and_no_quotes_is_refused(tmp_path):
    path = tmp_path / "costs.csv"
    path.write_text("措施,费用\nwater-campaign,1,000\nbad-air-year,2\n", encoding="utf-8")
    with pytest.raises(PlanError, match=r"row 2: got '000' behind the last column; expected 2 columns"):
        read_costs(path)


def test_costs_are_read_from_excel(tmp_path):
    pd.DataFrame({"措施": ["water-campaign"], "费用": [6]}).to_excel(tmp_path / "costs.xlsx", index=False)
    assert read_costs(tmp_path / "costs.xlsx") == {"water-campaign": 6.0}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("costs.csv", "lever,cost\na,1\na,2\nb,many\n", ("2 faults", "row 3", "a second time", "row 4", "'many'")),
        ("costs.csv", "lever,price\na,1\n", ("row 1: got lever, price", "a column cost (费用)")),
        ("costs.csv", "lever,cost\n", ("no lever",)),
        ("costs.yaml", "a: -1\nb: [1]\nc: true\n", ("3 faults", "a: got -1", "b: got", "c: got True")),
        ("costs.txt", "a 1\n", ("a table as .csv",)),
    ],
)
def test_every_fault_of_a_file_of_costs_is_told(tmp_path, name, content, told):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(PlanError) as caught:
        read_costs(path)
    assert [part for part in told if part not in str(caught.value)] == []
