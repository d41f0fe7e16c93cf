"""Every target of a plan gets a probability, or a reason why it has none."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

import qsim
from qsim.errors import HorizonError
from qsim.feasibility.assess import assess
from qsim.indicators import Definition, Indicator
from qsim.observations.read import read_observations
from qsim.plans.labels import target_rows
from qsim.plans.read import plan_catalogue, read_plan
from qsim.plans.scenarios import Scenario
from qsim.records import Names
from qsim.shipped import shipped_plans

N = 400
YEARS = (2017, 2018, 2019, 2020)
TEXT = Names(zh="例", en="example")


@pytest.fixture(scope="module")
def draws(forecast) -> xr.Dataset:
    """``here/rate``: 90 published in 2017, then normal around 91, 92, 93; the true level is half a point lower."""
    spread = norm.ppf((np.arange(N) + 0.5) / N)
    figures = np.stack([np.full(N, 90.0), 91 + spread, 92 + 2 * spread, 93 + 3 * spread], axis=1)
    return forecast({"here/rate": figures}, rate={"here/rate": figures - 0.5}, years=YEARS)


def only(assessment):
    (result,) = assessment.results
    return result


def figures(catalogue, *rows: tuple[str, str, int], **columns: object) -> xr.Dataset:
    table = pd.DataFrame(rows, columns=["region", "indicator", "year"]).assign(value="90.0", **columns)
    return read_observations(table, catalogue=catalogue)


def test_a_level_has_the_probability_of_its_draws(target, plan, draws):
    result = only(assess(draws, plan(target("level", value=93.0, year=2020))))
    assert abs(result.p_published - 0.5) <= 1 / N
    assert abs(result.p_true - norm.sf(93, 92.5, 3)) <= 1 / N
    assert (result.series, result.evidence, result.reason) == ("here/rate", "figures", "")
    assert (result.n_figures, result.last_figure_year) == (4, 2017)
    (year,) = result.years
    assert (year.year, year.level) == (2020, 93.0)
    assert (year.p_published, year.p_true) == (result.p_published, result.p_true)


def test_a_path_has_a_probability_each_year_and_one_of_all_years(target, plan, draws):
    result = only(assess(draws, plan(target("path", values={2018: 92.0, 2019: 92.0, 2020: 92.0}))))
    exact = [norm.sf(92, mean, sd) for mean, sd in ((91, 1), (92, 2), (93, 3))]
    assert [year.year for year in result.years] == [2018, 2019, 2020]
    assert np.allclose([year.p_published for year in result.years], exact, rtol=0, atol=1 / N)
    # one draw is high in every year or in none, so that the worst year decides
    assert result.p_published == min(year.p_published for year in result.years)


def test_the_published_figure_of_the_base_year_is_the_one_to_beat(target, plan, draws):
    rise = target("improve", direction="up", base_year=2017, first_year=2018, year=2020)
    result = only(assess(draws, plan(rise)))
    assert abs(result.p_published - norm.sf(90, 93, 3)) <= 1 / N
    assert result.years[0].level is None


@pytest.mark.parametrize(
    ("indicator", "family", "figure", "published", "true"),
    [("rate", "rate", 99.96, 0.0, 1.0), ("things", "stock", 99.6, 0.0, 0.0), ("things", "stock", 100.0, 1.0, 1.0)],
)
def test_equal_to_100_means_prints_as_100_for_a_percentage_alone(
    target, plan, forecast, indicator, family, figure, published, true
):
    label = f"here/{indicator}"
    draws = forecast({label: np.full((5, 1), figure)}, years=[2020])
    due = target("level", indicator=indicator, comparator="=", value=100.0, year=2020)
    result = only(assess(draws, plan(due)))
    assert plan_catalogue(plan(due)).get(indicator).family == family
    assert (result.p_published, result.p_true) == (published, true)


def test_a_pool_without_own_figures_is_named_as_prior(target, plan, forecast):
    draws = forecast({"here/rate": np.full((5, 1), 90.0)}, years=[2020], prior=["here/rate"])
    result = only(assess(draws, plan(target("level", value=90.0, year=2020))))
    assert (result.evidence, result.p_published) == ("prior", 1.0)
    assert (result.n_figures, result.last_figure_year) == (0, None)


@pytest.mark.parametrize("kind", ["change", "cumulative", "range"])
def test_every_kind_has_a_probability_where_there_are_draws(all_kinds, plan, draws, kind):
    result = only(assess(draws, plan(all_kinds[kind])))
    assert (result.evidence, result.reason) == ("figures", "")
    assert 0 <= result.p_published <= 1
    assert [year.year for year in result.years] == list(all_kinds[kind].years)


def test_what_happens_is_the_truth_of_a_statement_that_nothing_may_happen(target, plan, forecast):
    events = np.array([[0.0], [0.0], [1.0], [2.0]])
    draws = forecast({"here/things": events}, rate={"here/things": np.full((4, 1), 0.7)}, years=[2020])
    result = only(assess(draws, plan(target("zero", indicator="things", first_year=2020, year=2020))))
    assert (result.p_published, result.p_true) == (0.5, 0.5)


def test_a_quota_that_nobody_printed_is_not_testable(target, plan, draws):
    quota = target("relative", reference=TEXT, first_year=2018, year=2020)
    result = only(assess(draws, plan(quota)))
    assert (result.evidence, result.reason) == ("not_testable", "no_reference_figures")


def test_a_reference_without_a_forecast_is_not_testable(target, plan, draws):
    due = target("relative", reference=TEXT, reference_region="province", first_year=2018, year=2020)
    assert only(assess(draws, plan(due))).reason == "no_reference_figures"


def test_the_shortfall_is_the_mean_gap_of_the_draws_that_fail(target, plan, draws):
    result = only(assess(draws, plan(target("level", value=93.0, year=2020))))
    # the mean of a half-normal of sd 3
    assert abs(result.years[0].shortfall - 3 * np.sqrt(2 / np.pi)) <= 0.02
    sure = only(assess(draws, plan(target("level", value=0.0, year=2020))))
    assert sure.years[0].shortfall is None


def test_a_figure_that_is_not_published_meets_nothing_and_has_no_gap(target, plan, forecast):
    figures = np.array([[95.0], [np.nan], [80.0], [np.nan]])
    draws = forecast({"here/rate": figures}, rate={"here/rate": np.full((4, 1), 95.0)}, years=[2020])
    result = only(assess(draws, plan(target("level", value=90.0, year=2020))))
    assert (result.p_published, result.p_true) == (0.25, 1.0)
    assert result.years[0].shortfall == 10.0
    assert result.recommended == ()


def test_the_year_reached_is_where_a_draw_first_meets_the_level(target, plan, draws):
    result = only(assess(draws, plan(target("level", value=92.0, year=2020))))
    shares = {share.year: share.share for share in result.reached}
    # one quantile runs through every year: at the mean in 2019, above it by 1 sd in 2018, below by 1/3 sd in 2020
    exact = {2018: norm.sf(1), 2019: norm.sf(0) - norm.sf(1), 2020: norm.sf(-1 / 3) - norm.sf(0)}
    assert shares == pytest.approx(exact, abs=2 / N)


@pytest.mark.parametrize(
    ("peers", "reason", "pool"),
    [(None, "no_figures", 0), ((), "no_figures", 0), (("east",), "small_pool", 1), (("east", "west"), "small_pool", 2)],
)
def test_without_draws_the_reason_is_no_figures_or_a_small_pool(target, plan, draws, peers, reason, pool):
    due = plan(target("level", indicator="other", value=90.0, year=2020))
    rows = [("here", "rate", 2017), *((region, "other", 2016) for region in peers or ())]
    observations = None if peers is None else figures(plan_catalogue(due), *rows)
    result = only(assess(draws, due, observations=observations))
    assert (result.evidence, result.reason, result.pool_regions) == ("not_testable", reason, pool)
    assert (result.p_published, result.p_true) == (None, None)


def test_figures_set_aside_make_no_pool(target, plan, draws):
    due = plan(target("level", indicator="other", value=90.0, year=2020))
    observations = figures(plan_catalogue(due), ("east", "other", 2016), period="part")
    assert only(assess(draws, due, observations=observations)).reason == "no_figures"


def test_a_pool_is_counted_on_the_basis_of_the_target(target, plan, draws):
    lists = tuple(Definition(code=code, name=TEXT) for code in ("city", "province"))
    due = plan(
        target("level", indicator="air", definition="city", value=90.0, year=2020),
        indicators=[Indicator(slug="air", name=TEXT, definitions=lists)],
    )
    rows = [("east", "air", 2016), ("west", "air", 2016), ("north", "air", 2016)]
    observations = figures(plan_catalogue(due), *rows, definition=["city", "province", "province"])
    assert only(assess(draws, due, observations=observations)).pool_regions == 1


@pytest.mark.parametrize(
    ("kind", "traits", "reason"),
    [
        ("level", {"value": 90.0, "year": 2018}, "before_first_figure"),
        ("path", {"values": {2018: 90.0, 2020: 91.0}}, "before_first_figure"),
        ("maintain", {"value": 90.0, "first_year": 2018, "year": 2020}, "before_first_figure"),
        ("improve", {"direction": "up", "base_year": 2018, "first_year": 2019, "year": 2020}, "base_year_unknown"),
        ("improve", {"direction": "up", "base_year": 2015, "first_year": 2019, "year": 2020}, "base_year_unknown"),
        ("no_decrease", {"base_year": 2018, "year": 2020}, "base_year_unknown"),
    ],
)
def test_years_before_a_series_begins_are_not_testable(target, plan, forecast, kind, traits, reason):
    values = np.full((5, 4), 90.0)
    values[:, :2] = np.nan
    draws = forecast({"here/rate": values}, years=YEARS)
    result = only(assess(draws, plan(target(kind, **traits))))
    assert (result.evidence, result.reason, result.p_published) == ("not_testable", reason, None)


def test_a_missing_year_that_no_target_needs_does_no_harm(target, plan, forecast):
    values = np.full((5, 4), 90.0)
    values[:, :2] = np.nan
    draws = forecast({"here/rate": values}, years=YEARS)
    assert only(assess(draws, plan(target("level", value=90.0, year=2020)))).p_published == 1


def test_a_due_year_beyond_the_forecast_is_a_horizon_error(target, plan, draws):
    with pytest.raises(HorizonError, match="needs 2021"):
        assess(draws, plan(target("level", value=93.0, year=2021)))


@pytest.fixture(scope="module")
def many(target, all_kinds):
    return (
        target("level", id="first", value=93.0, year=2020),
        all_kinds["zero"],
        target("level", id="nothing", indicator="other", value=1.0, year=2020),
        target("improve", direction="up", base_year=2017, first_year=2018, year=2020),
        all_kinds["range"],
    )


def test_there_is_one_result_per_scenario_and_target_in_the_order_of_the_plan(many, plan, forecast):
    scenarios = [Scenario(id=name, name=TEXT) for name in ("baseline", "push")]
    draws = forecast({"here/rate": np.full((5, 4), 93.0)}, years=YEARS, scenarios=["baseline", "push"])
    assessment = assess(draws, plan(*many, scenarios=scenarios))
    assert [(result.scenario, result.target) for result in assessment.results] == [
        (scenario.id, target) for scenario in scenarios for target in many
    ]
    assert assessment.draws == 5


@settings(derandomize=True, deadline=None, max_examples=10)
@given(order=st.permutations(range(5)))
def test_the_order_of_targets_does_not_matter(many, plan, draws, order):
    straight = assess(draws, plan(*many)).results
    mixed = assess(draws, plan(*(many[place] for place in order))).results
    assert mixed == tuple(straight[place] for place in order)


@settings(derandomize=True, deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000))
def test_the_order_of_draws_does_not_matter(many, plan, draws, seed):
    shuffled = draws.isel(draw=np.random.default_rng(seed).permutation(N))
    assert assess(shuffled, plan(*many)).results == assess(draws, plan(*many)).results


@pytest.mark.parametrize("name", shipped_plans())
def test_without_any_forecast_every_label_row_has_a_reason(name):
    plan = read_plan(name)
    assessment = assess(xr.Dataset(), plan)
    assert [result.target for result in assessment.results] == list(plan.targets)
    assert {result.scenario for result in assessment.results} == {"baseline"}
    assert {(result.evidence, result.reason) for result in assessment.results} <= {
        ("not_testable", "no_figures"),
        ("not_testable", "no_reference_figures"),
    }
    told = {label.seq for result in assessment.results for label in result.target.labels}
    assert told == {row.seq for row in target_rows(plan) if row.seq is not None}


def test_the_version_and_the_draws_are_kept(target, plan, draws):
    assessment = assess(draws, plan(target("level", value=93.0, year=2020)))
    assert assessment.version == qsim.__version__
    assert assessment.draws == N
    xr.testing.assert_identical(assessment.forecast, draws)
