"""Forecast draws: what they share, what they leave alone, and which years they have."""

import numpy as np
import pytest
import xarray as xr
from scipy.special import expit, logit

from qsim.errors import HorizonError, UnknownNameError
from qsim.forecast.paths import Paths
from qsim.vocabulary import PUBLISHED, RATE, SAMPLE_DIMS

FIGURES = {
    2012: {"value": "90.0"},
    2014: {"value": "91.5", "denominator": "400"},
    2015: {"value": "95", "qualifier": ">="},
    2016: {"value": "92.4", "denominator": "500"},
}
YEARS = range(2012, 2021)


@pytest.fixture(scope="module")
def rate(series):
    return series("rate", FIGURES, origin=2017)


@pytest.fixture(scope="module")
def draws(posterior, rate):
    return posterior(rate)


def published(forecast: xr.Dataset, year: int) -> np.ndarray:
    return forecast[PUBLISHED].sel(year=year).values.ravel()


def test_scenarios_without_levers_are_equal_draw_for_draw(draws, scenario):
    forecast = draws.forecast(YEARS, [scenario("baseline"), scenario("idle")])
    xr.testing.assert_equal(
        forecast.sel(scenario="baseline", drop=True),
        forecast.sel(scenario="idle", drop=True),
    )


def test_no_scenario_means_the_baseline(draws):
    assert draws.forecast([2018]).scenario.values.tolist() == ["baseline"]


@pytest.mark.parametrize("name", [RATE, PUBLISHED])
def test_a_longer_horizon_leaves_nearer_years_as_they_are(draws, name):
    near, far = draws.forecast(range(2012, 2019))[name], draws.forecast(range(2012, 2031))[name]
    xr.testing.assert_equal(near, far.sel(year=near.year))


@pytest.mark.parametrize("years", [[2020], [2013, 2018], [2018, 2020]])
def test_a_year_is_the_same_whichever_others_are_asked_for(draws, scenario, lever, years):
    scenarios = [scenario("baseline"), scenario("push", lever())]
    every = draws.forecast(YEARS, scenarios)
    xr.testing.assert_equal(draws.forecast(years, scenarios), every.sel(year=years))


def test_some_series_are_the_same_as_among_all(posterior, rate, series, scenario, lever):
    days = series("days", {2014: {"value": "300", "denominator": "365"}}, origin=2017)
    draws, scenarios = posterior(days, rate), [scenario("baseline"), scenario("push", lever())]
    every = draws.forecast(YEARS, scenarios)
    xr.testing.assert_identical(draws.forecast(YEARS, scenarios, series=["here/rate"]), every.sel(series=["here/rate"]))


def test_an_unknown_series_is_named_with_the_nearest(draws):
    with pytest.raises(UnknownNameError, match="did you mean 'here/rate'"):
        draws.forecast([2018], series=["here/rat"])


def test_levels_without_levers_are_drawn_once_for_all_scenarios(posterior, rate, scenario, lever, monkeypatch):
    drawn = []
    of = Paths.of
    monkeypatch.setattr(
        Paths, "of", lambda fit, random: drawn.append(random.first_year + random.scores.shape[1] - 1) or of(fit, random)
    )
    made = posterior(rate)
    for year, scenarios in ((2020, ["baseline", "push"]), (2019, ["push"]), (2020, ["baseline"]), (2022, ["push"])):
        made.forecast([2018, year], [scenario(name, *([lever()] if name == "push" else [])) for name in scenarios])
    assert drawn == [2020, 2022]


def test_years_are_ascending_and_once_each(draws):
    assert draws.forecast([2020, 2018, 2020]).year.values.tolist() == [2018, 2020]


def test_a_series_is_the_same_whichever_others_are_forecast(posterior, rate, series):
    other = series("days", {2014: {"value": "300", "denominator": "365"}}, origin=2017)
    alone, together = posterior(rate).forecast(YEARS), posterior(other, rate).forecast(YEARS)
    xr.testing.assert_equal(alone, together.sel(series=["here/rate"]))


@pytest.mark.parametrize(("year", "figure"), [(2012, 90.0), (2014, 91.5), (2016, 92.4)])
def test_a_past_year_keeps_its_published_figure_in_every_draw(draws, year, figure):
    assert set(published(draws.forecast(YEARS), year)) == {figure}


@pytest.mark.parametrize("year", [2013, 2015, 2017])
def test_a_past_year_without_an_exact_figure_is_drawn(draws, year):
    assert len(set(published(draws.forecast(YEARS), year))) > 10


def test_a_scenario_does_not_rewrite_published_figures(draws, scenario, lever):
    forecast = draws.forecast(YEARS, [scenario("push", lever(start_year=2012))])
    assert set(published(forecast, 2016)) == {92.4}


def test_draws_are_missing_before_the_first_figure_of_a_series_and_nowhere_else(posterior, rate, series):
    late = series("days", {2016: {"value": "300"}}, origin=2017)
    forecast = posterior(rate, late).forecast(YEARS)
    for name in (RATE, PUBLISHED):
        known = forecast[name].notnull().all(("scenario", *SAMPLE_DIMS))
        assert known.sel(series="here/rate").all()
        assert known.year[known.sel(series="here/days")].values.tolist() == [2016, 2017, 2018, 2019, 2020]


@pytest.mark.parametrize(
    ("years", "message"),
    [([2011, 2018], "forecast of 2011: expected years from 2012"), ([], "forecast of no year: expected years from")],
)
def test_a_year_without_any_figure_before_it_is_a_horizon_error(draws, years, message):
    with pytest.raises(HorizonError, match=message):
        draws.forecast(years)


def test_equal_seeds_give_equal_draws_and_others_do_not(posterior, rate):
    first, again, other = (posterior(rate, seed=seed).forecast([2018]) for seed in (1, 1, 2))
    xr.testing.assert_identical(first, again)
    assert (first[RATE] != other[RATE]).all()


def test_the_rate_of_a_flat_trend_without_shocks_is_the_last_level(posterior, rate):
    forecast = posterior(rate, theta=(0, 0, 0.5, 0, 0), level=90).forecast(YEARS)
    assert np.allclose(forecast[RATE], 90, rtol=0, atol=1e-12)


def test_drift_carries_the_level_along_the_link_scale(posterior, rate):
    forecast = posterior(rate, theta=(0, 0, 0.5, 0, 0.1), level=90).forecast([2018, 2019, 2020])
    expected = 100 * expit(logit(0.9) + 0.1 * np.array([1, 2, 3]))
    assert np.allclose(forecast[RATE].squeeze().values, expected, rtol=1e-12)


def test_drift_lowers_a_figure_whose_lower_side_is_better(posterior, series):
    complaints = series("lower_rate", {2016: {"value": "4.00"}}, origin=2017)
    forecast = posterior(complaints, theta=(0, 0, 0.5, 0, 0.1), level=4).forecast([2018])
    assert np.allclose(forecast[RATE], 100 * expit(logit(0.04) - 0.1), rtol=1e-12)


def test_level_shocks_add_up_year_by_year(posterior, rate):
    forecast = posterior(rate, draws=20_000, theta=(0.1, 0, 0.5, 0, 0), level=90).forecast([2018, 2020])
    eta = logit(forecast[RATE].squeeze() / 100)
    for year, steps in ((2018, 1), (2020, 3)):
        variance = float(eta.sel(year=year).var(ddof=1))
        exact = steps * 0.1**2
        assert abs(variance - exact) <= 4 * exact * np.sqrt(2 / 20_000)


def test_a_prior_series_says_so(posterior, catalogue):
    from qsim.inference.series import without_figures

    forecast = posterior(without_figures("here", catalogue.get("rate"), "", 2017), level=90).forecast([2017, 2018])
    assert forecast.evidence.values.tolist() == ["prior"]
    assert forecast.n_figures.values.tolist() == [0]
    assert forecast[PUBLISHED].notnull().all()
