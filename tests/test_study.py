"""A study, end to end: every shipped plan runs, on what was known and nothing else."""

import shutil
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import qsim
from qsim.errors import ObservationError, PlanError, UnknownNameError
from qsim.observations.select import usable
from qsim.plans.labels import target_rows
from qsim.plans.read import read_plan
from qsim.report.table import csv_text
from qsim.shipped import shipped_folder, shipped_plans
from qsim.study import Study, run

DRAWS = 500
SMALL = "guizhou-2017"


@pytest.fixture(scope="module")
def studies() -> dict[str, Study]:
    """All shipped plans, once for all tests."""
    return {name: run(name, draws=DRAWS, seed=3) for name in shipped_plans()}


@pytest.fixture(scope="module", params=shipped_plans())
def study(request, studies) -> Study:
    """One shipped plan after the other."""
    return studies[request.param]


@pytest.fixture(scope="module")
def later() -> Study:
    """Hainan as it could be studied at the end of 2019."""
    return run("hainan-2020", draws=DRAWS, seed=3, as_of=2019)


def own_figures(observations: xr.Dataset, region: str) -> pd.DataFrame:
    table = usable(observations).to_dataframe()
    return table[table["region"] == region]


def test_every_label_row_ends_in_a_probability_or_a_reason(study):
    evidence = {row.seq: set() for row in target_rows(study.plan)}
    for result in study.assessment.results:
        for label in result.target.labels:
            evidence[label.seq].add(result.evidence)
    assert all(evidence.values())
    assert set.union(*evidence.values()) <= {"figures", "prior", "not_testable"}


def test_a_probability_is_there_exactly_where_it_rests_on_something(study):
    for result in study.assessment.results:
        chances = [result.p_published, result.p_true]
        chances += [chance for year in result.years for chance in (year.p_published, year.p_true)]
        assert [year.year for year in result.years] == list(result.target.years)
        if result.evidence in ("figures", "prior"):
            assert result.reason == ""
            assert all(0 <= chance <= 1 for chance in chances)
        else:
            assert result.reason
            assert chances == [None] * len(chances)


def test_what_is_read_beside_a_probability_stands_beside_every_probability(study):
    for result in study.assessment.results:
        assert (result.grade is None) == (result.p_published is None)
        assert (result.why is not None) == (result.p_published is not None and result.p_published < 0.5)
        first = result.scenario == study.plan.scenarios[0].id
        assert (result.sensitivity is not None) == (first and result.p_published is not None)


def test_joint_probabilities_rest_on_figures_alone(study):
    for joint in study.assessment.joint:
        assert joint.p_low - 1e-9 <= joint.p_all <= joint.p_high + 1e-9
        if joint.scope == "plan":
            own = [
                result
                for result in study.assessment.results
                if result.scenario == joint.scenario and result.evidence == "figures"
            ]
            assert joint.statements == len(own)
            assert joint.indicators == len({result.series for result in own})


def test_results_stand_in_the_order_of_the_plan_for_every_scenario(study):
    told = [(result.scenario, result.target.id) for result in study.assessment.results]
    assert told == [(scenario.id, target.id) for scenario in study.plan.scenarios for target in study.plan.targets]


def test_no_figure_published_after_the_cutoff_enters(study):
    used = usable(study.observations)
    assert used["published"].values.max() <= np.datetime64(study.plan.as_of)
    assert int(used["year"].max()) <= study.plan.as_of.year


def test_the_posterior_has_the_figures_of_the_cutoff_and_no_others(study):
    used = usable(study.observations).to_dataframe().groupby(["region", "indicator"])
    for fit in study.posterior.fits:
        key = (fit.data.region, fit.data.indicator.slug)
        rows = used.get_group(key) if key in used.groups else pd.DataFrame(columns=["year", "joins", "change"])
        level = (rows["joins"] == "") & (rows["change"] == "")
        assert fit.data.year.tolist() == sorted(rows["year"][level])
        assert len(fit.data.extras) == int((~level).sum())


def test_every_usable_figure_is_of_a_year_before_the_forecast(study):
    assert int(usable(study.observations)["year"].max()) <= study.posterior.origin


def test_each_region_and_indicator_stands_on_one_basis(study):
    used = usable(study.observations).to_dataframe()
    basis = used["joins"].where(used["joins"] != "", used["basis"])
    assert (basis.groupby([used["region"], used["indicator"]]).nunique() == 1).all()


def test_the_pool_of_a_result_is_the_pool_of_its_fit(study):
    pools = study.posterior.diagnostics["pool_regions"]
    for result in study.assessment.results:
        if result.series is not None:
            assert result.pool_regions == int(pools.sel(series=result.series))


def test_no_draw_is_missing_once_a_series_has_begun(study):
    forecast = study.assessment.forecast
    first = {fit.data.label: fit.data.first_year for fit in study.posterior.fits}
    begun = forecast["year"] >= xr.DataArray([first[label] for label in forecast["series"].values], dims="series")
    assert bool((forecast["rate"].notnull() | ~begun).all())
    ended = xr.zeros_like(begun & (forecast["scenario"] == ""))
    for scenario in study.plan.scenarios:
        for lever in scenario.levers:
            if lever.shape == "discontinued":
                gone = forecast["indicator"].isin(lever.indicators) & (forecast["year"] >= lever.start_year)
                ended = ended | (gone & (forecast["scenario"] == scenario.id))
    assert bool((forecast["published"].notnull() == (begun & ~ended)).all())


def test_the_forecast_goes_to_the_last_target_without_a_gap(study):
    years = study.assessment.forecast["year"].values.tolist()
    last = max(target.last_year for target in study.plan.targets)
    assert set(range(study.posterior.origin + 1, last + 1)) <= set(years)


def test_guizhou_says_what_the_figures_cannot_tell(studies):
    results = [result for result in studies[SMALL].assessment.results if result.scenario == "baseline"]
    evidence = [result.evidence for result in results]
    assert evidence.count("prior") >= 1
    assert evidence.count("not_testable") > len(results) / 2
    assert {result.reason for result in results if result.evidence == "not_testable"} <= {
        "no_figures", "small_pool", "before_first_figure", "base_year_unknown",
    }  # fmt: skip


def test_a_scenario_moves_only_what_its_levers_are_about(study):
    base = {result.target.id: result for result in study.assessment.results if result.scenario == "baseline"}
    levers = {scenario.id: scenario.levers for scenario in study.plan.scenarios}
    for result in study.assessment.results:
        if not any(result.target.indicator in lever.indicators for lever in levers[result.scenario]):
            without = {
                "checkpoints": (),
                "sensitivity": None,
            }  # worked out without levers, for the first scenario alone
            assert replace(result, scenario="baseline", **without) == replace(base[result.target.id], **without)


def test_a_lever_that_raises_a_figure_never_lowers_the_chance_of_a_level(study):
    base = {result.target.id: result for result in study.assessment.results if result.scenario == "baseline"}
    least = {"points": 0, "link": 0, "gap": 0, "pace": 1}
    helpful = {
        scenario.id
        for scenario in study.plan.scenarios
        if all(lever.group == "effect" and lever.size.low >= least[lever.scale] for lever in scenario.levers)
    }
    assert len(helpful) > 1
    for result in study.assessment.results:
        if result.scenario not in helpful:
            continue
        if getattr(result.target, "comparator", "") in (">=", "=") and result.p_published is not None:
            assert result.p_published >= base[result.target.id].p_published
            assert result.p_true >= base[result.target.id].p_true


def test_a_target_on_a_discontinued_series_cannot_be_met_on_published_figures(studies):
    study = studies["rizhao-2020"]
    (lever,) = [lever for lever in study.plan.levers if lever.shape == "discontinued"]
    told = [result for result in study.assessment.results if result.target.indicator in lever.indicators]
    pulled = {scenario.id for scenario in study.plan.scenarios if lever in scenario.levers}
    before = {result.target.id: result for result in told if result.scenario == "baseline"}
    ended = [result for result in told if result.scenario in pulled]
    assert ended
    for result in ended:
        assert result.p_published == 0.0 < before[result.target.id].p_published
        assert result.p_true == before[result.target.id].p_true


def test_a_later_cutoff_uses_later_figures(studies, later):
    early = studies["hainan-2020"]
    assert len(own_figures(later.observations, "hainan")) > len(own_figures(early.observations, "hainan"))
    newest = usable(later.observations)["published"].values.max()
    assert np.datetime64(early.plan.as_of) < newest <= np.datetime64("2019-12-31")
    assert later.posterior.origin == 2018
    assert own_figures(later.observations, "hainan")["year"].max() == 2018


def test_a_year_that_is_past_at_a_later_cutoff_keeps_its_figure(later):
    forecast = later.posterior.forecast([2018])["published"].squeeze()
    own = own_figures(later.observations, "hainan")
    known = own[(own["year"] == 2018) & (own["qualifier"] == "=")].set_index("indicator")["value"]
    fitted = [slug for slug in known.index if f"hainan/{slug}" in forecast["series"].values]
    assert fitted
    for slug in fitted:
        assert set(forecast.sel(series=f"hainan/{slug}").values) == {known[slug]}


def test_a_cutoff_may_be_a_day_or_a_year(later):
    by_day = run("hainan-2020", draws=DRAWS, seed=3, as_of=date(2019, 12, 31))
    assert by_day.assessment.results == later.assessment.results


def test_a_plan_can_be_studied_after_its_end():
    assert run(SMALL, draws=100, as_of=2021).posterior.origin == 2020


def test_equal_seeds_give_every_probability_to_the_last_digit(studies):
    again = run(SMALL, draws=DRAWS, seed=3)
    assert again.assessment.results == studies[SMALL].assessment.results
    xr.testing.assert_identical(again.assessment.forecast, studies[SMALL].assessment.forecast)


def test_other_seeds_differ_by_no_more_than_sampling(studies):
    other = run("hainan-2020", draws=DRAWS, seed=4).assessment.results
    pairs = list(zip(studies["hainan-2020"].assessment.results, other, strict=True))
    chances = [(a.p_published, b.p_published) for a, b in pairs if a.p_published is not None]
    assert chances
    assert any(a != b for a, b in chances)
    # two estimates of one probability from as many draws each, p (1 - p) at most 1 / 4
    assert all(abs(a - b) <= 4 * np.sqrt(2 * 0.25 / DRAWS) for a, b in chances)


def test_a_copy_of_a_plan_folder_gives_the_same_assessment(tmp_path, studies):
    shutil.copytree(shipped_folder() / SMALL, tmp_path / "copy")
    copy = run(tmp_path / "copy", draws=DRAWS, seed=3)
    assert csv_text(copy.assessment) == csv_text(studies[SMALL].assessment)


def test_the_baseline_comes_first_whatever_scenarios_are_named(studies):
    names = [scenario.id for scenario in studies[SMALL].plan.scenarios]
    some = run(SMALL, draws=DRAWS, seed=3, scenarios=names[1:])
    assert list(dict.fromkeys(result.scenario for result in some.assessment.results)) == names


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"plan": "hainan-2021"}, UnknownNameError, "did you mean 'hainan-2020'"),
        ({"plan": "/no/such/folder"}, UnknownNameError, "expected a folder with a plan.yaml or a shipped plan"),
        ({"plan": SMALL, "scenarios": ["more-spot-check"]}, UnknownNameError, "did you mean 'more-spot-checks'"),
        ({"plan": "hainan-2020", "as_of": 2017}, PlanError, "as-of: got 2017-12-31; expected a day from 2018-07-16"),
        ({"plan": "hainan-2020", "as_of": date(2018, 7, 15)}, PlanError, "expected a day from 2018-07-16"),
        ({"plan": SMALL, "data": "missing.csv"}, ObservationError, "no such file"),
    ],
)
def test_what_does_not_exist_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        run(**options)


MOMENTS = {
    "guizhou-2017": (2016, 2018, 2024),
    "hainan-2020": (2019, 2021, 2024),
    "loudi-2020": (2019, 2023, 2024),
    "rizhao-2020": (2019, 2021, 2024),
    "yunnan-2020": (2018, 2021, 2024),
}
"""A year within each plan, the one after it, and a later one."""


@pytest.mark.parametrize(("name", "year"), [(name, year) for name, years in MOMENTS.items() for year in years])
def test_within_a_plan_and_after_it_published_figures_settle_what_they_can(name, year):
    study = run(name, draws=100, scenarios=[], as_of=year)
    # exact figures of full years on the basis of the series: those of the base and due years are facts by now
    used = study.observations.to_dataframe()
    used = used[(used["set_aside"] == "") & (used["joins"] == "") & (used["qualifier"] == "=")]
    own = used[used["region"] == study.plan.region.id]
    printed = set(zip(own["indicator"], own["year"], strict=True))
    assert [result.target.id for result in study.assessment.results] == [target.id for target in study.plan.targets]
    for result in study.assessment.results:
        assert (result.p_published is None) == (result.evidence == "not_testable") == bool(result.reason)
        for one in result.years:
            if one.level is not None and one.p_published is not None and (result.target.indicator, one.year) in printed:
                assert one.p_published in (0.0, 1.0)


@pytest.mark.parametrize("name", shipped_plans())
def test_a_cutoff_before_the_plans_own_is_refused(name):
    plan = read_plan(name)
    with pytest.raises(PlanError, match=f"expected a day from {plan.as_of.isoformat()}, the cut-off of the plan"):
        run(name, as_of=plan.as_of.year - 1)


def test_the_way_of_the_readme_is_the_way_of_run(tmp_path):
    plan = qsim.read_plan(SMALL)
    assert read_plan(SMALL) == plan
    table = pd.DataFrame(
        {
            "region": ["guizhou"] * 3,
            "indicator": ["spot_check"] * 3,
            "year": [2012, 2013, 2014],
            "value": ["90.1", "90.8", "91.2"],
        }
    )
    table.to_csv(tmp_path / "observations.csv", index=False)
    observations = qsim.read_observations(tmp_path / "observations.csv")
    posterior = qsim.fit(observations, pool="indicator", engine="laplace", draws=200, seed=0)
    forecast = posterior.forecast(years=range(2015, 2018), scenarios=plan.scenarios)
    assert forecast["published"].dims == ("scenario", "chain", "draw", "series", "year")
    assessment = qsim.assess(forecast, plan)
    written = qsim.write_appendix(assessment, tmp_path / "out")
    assert {path.name for path in written} >= {"appendix.docx", "appendix.html", "assessment.csv", "study.nc"}
    assert all(path.is_file() for path in written)
