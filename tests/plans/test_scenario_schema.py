"""Scenarios as files: what is filled in when a plan is read, and what the shipped plans carry."""

from pathlib import Path

import pytest

from qsim.errors import PlanError
from qsim.plans.levers import Lever, StraightLine
from qsim.plans.read import read_plan
from qsim.plans.scenarios import ScenarioText, read_scenarios, scenario_faults
from qsim.plans.sizes import Certain, Normal, Triangular, Uniform, ends, shifted
from qsim.records import parse_record, read_yaml
from qsim.shipped import regions_of, shipped_folder, shipped_plans, shipped_regions

GOOD = Path(__file__).parent / "good"
SHIPPED = [pytest.param(read_plan(name), id=name) for name in shipped_plans()]
LEAST_SCENARIOS = 4


def text(**traits: object) -> ScenarioText:
    """The example's scenarios, its first lever changed."""
    content = dict(read_yaml(GOOD / "scenarios.yaml"))
    content["levers"] = [{**content["levers"][0], **traits}]
    return parse_record(ScenarioText, content, "scenarios.yaml")


def test_a_number_is_a_certain_size():
    assert text(size=1.5).levers[0].size == Certain(law="certain", value=1.5)
    assert text(size=2).levers[0].size == Certain(law="certain", value=2)
    assert text(size={"law": "certain", "value": 1.5}) == text(size=1.5)


@pytest.mark.parametrize("size", [True, "1.5", None, [1.5]])
def test_what_is_no_number_is_no_size(size):
    with pytest.raises(PlanError, match=r"levers\[0\].size"):
        text(size=size)


def test_a_file_reads_as_it_was_written():
    read = read_scenarios(GOOD / "scenarios.yaml")
    assert parse_record(ScenarioText, read.model_dump(exclude_none=True), "again") == read


def test_a_lever_acts_on_the_region_of_the_plan_unless_it_names_others(tmp_path):
    assert read_plan(GOOD).levers[0].regions == ("example",)
    for name in ("plan.yaml", "scenarios.yaml"):
        (tmp_path / name).write_text((GOOD / name).read_text(encoding="utf-8"), encoding="utf-8")
    written = (tmp_path / "scenarios.yaml").read_text(encoding="utf-8")
    named = written.replace("shape: ramp", "regions: [nation]\n    shape: ramp")
    (tmp_path / "scenarios.yaml").write_text(named, encoding="utf-8")
    assert read_plan(tmp_path).levers[0].regions == ("nation",)


def test_a_line_to_a_target_takes_its_figures_from_the_start_on():
    plan = read_plan("rizhao-2020")
    (line,) = [lever for lever in plan.levers if isinstance(lever, StraightLine)]
    target = next(target for target in plan.targets if target.id == "industrial-spotcheck-pass-rate")
    assert dict(line.values) == {target.year: target.value}


def test_scenarios_know_all_correlations_of_the_file():
    plan = read_plan("loudi-2020")
    assert len({scenario.correlations for scenario in plan.scenarios}) == 1
    assert plan.scenarios[0].correlations[0].levers == ("joint-air-pollution-control", "steel-low-emission")


def test_correlations_near_one_can_hold_together_in_pairs_only():
    content = dict(read_yaml(GOOD / "scenarios.yaml"))
    first = content["levers"][0]
    content["levers"] = [{**first, "id": name} for name in ("a", "b", "c")]
    content["scenarios"] = content["scenarios"][:1]

    def pair(one, other, value):
        return {"levers": [one, other], "correlation": value, "source": first["source"]}

    fine = [pair("a", "b", 0.7), pair("b", "c", 0.7)]
    assert scenario_faults(parse_record(ScenarioText, {**content, "correlations": fine}, "")) == []
    # 0.71 twice around an uncorrelated pair has a determinant below 0
    (fault,) = scenario_faults(
        parse_record(ScenarioText, {**content, "correlations": [pair("a", "b", 0.71), pair("b", "c", 0.71)]}, "")
    )
    assert fault.where == "correlations"


@pytest.mark.parametrize(
    ("size", "bounds"),
    [
        (Certain(law="certain", value=2.0), (2, 2)),
        (Normal(law="normal", mean=2.0, sd=1.0), (float("-inf"), float("inf"))),
        (Triangular(law="triangular", low=0.0, mode=1.0, high=3.0), (0, 3)),
        (Uniform(law="uniform", low=-1.0, high=3.0), (-1, 3)),
    ],
)
def test_the_ends_of_a_law_move_with_it(size, bounds):
    assert ends(size) == bounds
    assert ends(shifted(size, 0.5)) == tuple(bound + 0.5 for bound in bounds)


@pytest.mark.parametrize("plan", SHIPPED)
def test_a_shipped_plan_has_a_baseline_and_three_scenarios_more(plan):
    assert len(plan.scenarios) >= LEAST_SCENARIOS
    assert plan.scenarios[0].levers == ()
    assert all(scenario.levers for scenario in plan.scenarios[1:])


@pytest.mark.parametrize("plan", SHIPPED)
def test_every_shipped_lever_is_pulled_and_acts_on_a_target(plan):
    pulled = {lever.id for scenario in plan.scenarios for lever in scenario.levers}
    assert pulled == {lever.id for lever in plan.levers}
    asked = {target.indicator for target in plan.targets}
    for lever in plan.levers:
        assert set(lever.indicators) <= asked
        due = [target.last_year for target in plan.targets if target.indicator in lever.indicators]
        assert lever.start_year <= max(due)


@pytest.mark.parametrize("plan", SHIPPED)
def test_a_published_size_says_where_and_an_assumed_one_that_it_is(plan):
    for lever in plan.levers:
        text = lever.source.text
        if lever.source.kind == "published":
            assert all(any(letter.isdigit() for letter in said) for said in (text.zh, text.en))
        else:
            # the appendix prints the kind before the text: it must not say so twice
            assert not text.zh.startswith(("假定", "假设"))
            assert not text.en.lower().startswith("assumed")


@pytest.mark.parametrize("plan", SHIPPED)
def test_names_of_scenarios_and_levers_tell_them_apart(plan):
    for things in (plan.scenarios, plan.levers):
        for language in ("zh", "en"):
            names = [getattr(thing.name, language) for thing in things]
            assert len(set(names)) == len(names)


def test_the_shipped_files_use_most_shapes():
    shapes = {lever.shape for name in shipped_plans() for lever in read_plan(name).levers}
    assert len(shapes) >= 10


def test_regions_are_those_of_the_tables(tmp_path):
    (tmp_path / "a.csv").write_text("region,year\nnorth,2015\nsouth,2016\n,2017\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("地区,年份\n北,2015\n", encoding="utf-8")
    assert regions_of([tmp_path / "a.csv", tmp_path / "b.csv"]) == {"north", "south", "北"}
    assert {"guizhou", "hunan", "china"} <= shipped_regions()
    assert (shipped_folder() / "indicators.yaml").is_file()


def test_a_lever_is_of_the_group_effect_and_others_are_not():
    groups = {type(lever): lever.group for name in shipped_plans() for lever in read_plan(name).levers}
    assert [kind for kind, group in groups.items() if group == "effect"] == [Lever]
