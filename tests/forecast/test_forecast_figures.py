"""Levers on the figure alone: another sample, another definition, the end of a series."""

import numpy as np
import pytest
import xarray as xr
from scipy.special import expit, logit

from qsim.vocabulary import PUBLISHED, RATE

STILL = (0, 0, 0.5, 0, 0)
DRAWS = 20_000


@pytest.fixture(scope="module")
def draws(series, posterior):
    """A level of 90 % without shocks, figures from 200 batches."""
    data = series("rate", {2016: {"value": "90.0000", "denominator": "200"}}, origin=2017)
    return posterior(data, draws=DRAWS, theta=STILL, level=90)


def figures(draws, scenario, *levers, year=2018) -> np.ndarray:
    forecast = draws.forecast([year], [scenario("plan", *levers)])
    assert np.allclose(forecast[RATE], 90)
    return forecast[PUBLISHED].values.ravel()


@pytest.mark.parametrize(
    ("traits", "batches"),
    [({"batches": 800}, 800), ({"batches_change": 30}, 260), ({"batches_change": -50}, 100), ({"batches": 1}, 1)],
)
def test_the_planned_sample_gives_the_variance(draws, ready, scenario, traits, batches):
    told = figures(draws, scenario, ready("sampling_plan", **traits))
    variance, share = 1e4 * 0.09 / batches, 0.9
    kurtosis = 3 + (1 - 6 * share * (1 - share)) / (batches * share * (1 - share))
    assert abs(told.mean() - 90) <= 4 * np.sqrt(variance / DRAWS)
    assert abs(told.var() - variance) <= 4 * variance * np.sqrt((kurtosis - 1) / DRAWS) + 1e-9
    counts = told * batches / 100
    assert np.allclose(counts, counts.round(), atol=1e-5)


@pytest.mark.parametrize(("share", "points"), [(0.5, 5.0), (1.0, 8.0), (0.3, 20.0)])
def test_looking_for_problems_lowers_the_published_rate_and_not_the_true_one(draws, ready, scenario, share, points):
    told = figures(draws, scenario, ready("sampling_plan", risk_share=share, risk_points=points))
    poor = 90 * np.exp(-points / 90)
    mean = (1 - share) * 90 + share * poor
    assert abs(told.mean() - mean) <= 4 * np.sqrt(mean * (100 - mean) / 200 / DRAWS)


def test_looking_for_problems_raises_a_rate_of_failures(series, posterior, ready, scenario):
    data = series("lower_rate", {2016: {"value": "4.0000"}}, origin=2017)
    plan = ready("sampling_plan", indicators=("lower_rate",), risk_share=0.5, risk_points=3.0)
    forecast = posterior(data, theta=STILL, level=4).forecast([2018], [scenario("plan", plan)])
    assert np.allclose(forecast[PUBLISHED], 4 + 0.5 * 96 * -np.expm1(-3 / 96), atol=1e-4)
    assert np.allclose(forecast[RATE], 4)


def test_a_sample_is_planned_where_none_was_known(series, posterior, ready, scenario):
    data = series("rate", {2016: {"value": "90.0000"}}, origin=2017)
    known = posterior(data, theta=STILL, level=90)
    assert set(figures(known, scenario, ready("sampling_plan", batches_change=30))) == {90.0}
    assert len(set(figures(known, scenario, ready("sampling_plan", batches=100)))) > 5


def test_a_definition_change_moves_the_figure_along_the_link(series, posterior, ready, scenario):
    """Hunan's good-air days of 2015, 91.1 % by the old index and 77.9 % by the new: -1.07 on the logit."""
    data = series("rate", {2016: {"value": "91.1000"}}, origin=2017)
    change = ready("definition_change", offset=-1.07)
    forecast = posterior(data, theta=STILL, level=91.1).forecast([2017, 2018], [scenario("new", change)])
    assert np.allclose(forecast[RATE], 91.1)
    told = forecast[PUBLISHED].isel(draw=0).squeeze().values
    assert np.allclose(told, [91.1, 100 * expit(logit(0.911) - 1.07)], atol=1e-4)
    assert abs(told[1] - 77.9) < 0.1


@pytest.mark.parametrize("start", [2018, 2019])
def test_a_discontinued_series_has_no_published_figures_and_a_true_level(draws, ready, scenario, start):
    gone = scenario("gone", ready("discontinued", start_year=start))
    forecast = draws.forecast(range(2016, 2021), [scenario("baseline"), gone])
    absent = forecast[PUBLISHED].sel(scenario="gone").isnull()
    assert (absent == (forecast["year"] >= start)).all()
    xr.testing.assert_equal(
        forecast[RATE].sel(scenario="gone", drop=True), forecast[RATE].sel(scenario="baseline", drop=True)
    )


@pytest.mark.parametrize(
    ("shape", "traits"),
    [
        ("sampling_plan", {"batches": 50}), ("definition_change", {"offset": -1.0}), ("discontinued", {}),
        ("sampling_plan", {"risk_share": 0.5, "risk_points": 5.0}),
    ],
)  # fmt: skip
def test_figures_of_the_past_stay(draws, ready, scenario, shape, traits):
    pair = draws.forecast(
        [2016, 2017], [scenario("baseline"), scenario("plan", ready(shape, start_year=2010, **traits))]
    )
    xr.testing.assert_equal(pair.sel(scenario="plan", drop=True), pair.sel(scenario="baseline", drop=True))


def test_a_plan_that_changes_nothing_is_equal_draw_for_draw(draws, ready, scenario):
    pair = draws.forecast([2018], [scenario("baseline"), scenario("same", ready("sampling_plan", batches=200))])
    xr.testing.assert_equal(pair.sel(scenario="same", drop=True), pair.sel(scenario="baseline", drop=True))


def test_sampling_and_definition_change_together(draws, ready, scenario):
    told = figures(draws, scenario, ready("sampling_plan", batches=1000), ready("definition_change", offset=-0.5))
    mean = 100 * expit(logit(0.9) - 0.5)
    assert abs(told.mean() - mean) <= 4 * np.sqrt(mean * (100 - mean) / 1000 / DRAWS)
