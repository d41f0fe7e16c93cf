"""Levers: how much of an effect is there when, how large it is, and what it does to every draw."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit

from qsim.forecast.levers import draw_size, lever_shift, share_in_effect
from qsim.model.links import Link
from qsim.plans.scenarios import Certain, Normal, Triangular
from qsim.vocabulary import PUBLISHED, RATE

DRAWS = 40_000
YEARS = range(2016, 2022)


def certain(value: float) -> Certain:
    return Certain(law="certain", value=value)


@pytest.fixture(scope="module")
def rate(series):
    return series("rate", {2016: {"value": "95.0", "denominator": "300"}}, origin=2017)


@pytest.mark.parametrize(
    ("traits", "shares"),
    [
        ({"shape": "step", "start_year": 2018}, [0, 0, 1, 1, 1, 1]),
        ({"shape": "step", "start_year": 2016}, [1, 1, 1, 1, 1, 1]),
        ({"shape": "step", "start_year": 2030}, [0, 0, 0, 0, 0, 0]),
        ({"shape": "ramp", "start_year": 2018, "full_effect_year": 2020}, [0, 0, 1 / 3, 2 / 3, 1, 1]),
        ({"shape": "ramp", "start_year": 2018, "full_effect_year": 2018}, [0, 0, 1, 1, 1, 1]),
        ({"shape": "ramp", "start_year": 2015, "full_effect_year": 2018}, [0.5, 0.75, 1, 1, 1, 1]),
    ],
)
def test_share_of_the_effect_by_hand(lever, traits, shares):
    assert np.allclose(share_in_effect(lever(**traits), YEARS), shares, rtol=0, atol=1e-15)


def test_a_certain_size_is_its_value():
    assert set(draw_size(certain(1.5), 50, np.random.default_rng(0))) == {1.5}


@pytest.mark.parametrize(
    ("size", "mean", "variance", "kurtosis"),
    [
        (Normal(law="normal", mean=2.0, sd=0.5), 2.0, 0.25, 3.0),
        (Triangular(law="triangular", low=0.0, mode=1.0, high=5.0), 2.0, 21 / 18, 2.4),
    ],
    ids=["normal", "triangular"],
)
def test_a_size_has_the_moments_of_its_law(size, mean, variance, kurtosis):
    drawn = draw_size(size, DRAWS, np.random.default_rng(0))
    assert abs(drawn.mean() - mean) <= 4 * np.sqrt(variance / DRAWS)
    assert abs(drawn.var(ddof=1) - variance) <= 4 * variance * np.sqrt((kurtosis - 1) / DRAWS)


def test_a_triangular_size_stays_between_its_ends():
    drawn = draw_size(Triangular(law="triangular", low=0.0, mode=0.0, high=2.0), DRAWS, np.random.default_rng(0))
    assert drawn.min() >= 0
    assert drawn.max() <= 2


def test_points_are_taken_at_the_level_of_the_year_before_the_start(lever):
    link = Link("logit", 100.0)
    level = link.to_link(np.array([[80.0, 90.0, 95.0, 95.0]]))
    shift = lever_shift(lever(size=certain(1.0), start_year=2018), level, range(2016, 2020), link, 0)
    assert np.allclose(shift, [[0, 0, 1 / 9, 1 / 9]])  # 100 * 0.9 * 0.1 points a unit


def test_points_on_an_index_are_points(posterior, series, scenario, lever):
    data = series("index", {2016: {"value": "80.0"}}, origin=2017)
    push = lever(indicators=("index",), size=certain(3.0))
    forecast = posterior(data).forecast(YEARS, [scenario("baseline"), scenario("push", push)])[RATE]
    gain = forecast.sel(scenario="push") - forecast.sel(scenario="baseline")
    assert np.allclose(gain.sel(year=[2018, 2021]), 3.0)


def test_a_small_effect_in_points_is_that_many_points(posterior, rate, scenario, lever):
    draws = posterior(rate, theta=(0, 0, 0.5, 0, 0))
    pair = draws.forecast([2018], [scenario("baseline"), scenario("push", lever(size=certain(0.001)))])[RATE]
    assert np.allclose(pair.sel(scenario="push") - pair.sel(scenario="baseline"), 0.001, rtol=1e-3)


def test_a_shift_on_the_link_scale_is_itself(posterior, rate, scenario, lever):
    push = lever(scale="link", size=certain(0.3))
    pair = posterior(rate).forecast([2018], [scenario("baseline"), scenario("push", push)])[RATE]
    eta = logit(pair / 100)
    assert np.allclose(eta.sel(scenario="push") - eta.sel(scenario="baseline"), 0.3)


@pytest.mark.parametrize("points", [2.0, 5.0, 20.0])
def test_an_effect_in_points_saturates_below_the_ceiling(posterior, rate, scenario, lever, points):
    base, push = scenario("baseline"), scenario("push", lever(size=certain(points)))
    forecast = posterior(rate, level=99).forecast(YEARS, [base, push])
    assert float(forecast[RATE].max()) < 100
    assert float(forecast[PUBLISHED].max()) <= 100
    baseline = forecast[RATE].sel(scenario="baseline")
    gain = forecast[RATE].sel(scenario="push") - baseline
    # the size holds at each draw's level of the year before; one that has fallen since has more room to rise
    assert float(gain.where(baseline >= baseline.sel(year=2017)).max()) < points


@settings(derandomize=True, deadline=None, max_examples=25)
@given(sizes=st.tuples(st.floats(0, 30), st.floats(0, 30)), scale=st.sampled_from(["points", "link"]))
def test_a_stronger_lever_never_lowers_a_draw(posterior, rate, scenario, lever, sizes, scale):
    weak, strong = (
        scenario(name, lever(size=certain(size), scale=scale)) for name, size in zip("ab", sorted(sizes), strict=True)
    )
    forecast = posterior(rate, draws=100).forecast(YEARS, [weak, strong])
    for name in (RATE, PUBLISHED):
        assert (forecast[name].sel(scenario="b") >= forecast[name].sel(scenario="a")).all()


def test_nothing_moves_before_the_start_or_in_another_series(posterior, rate, series, scenario, lever):
    days = series("days", {2016: {"value": "300"}}, origin=2017)
    forecast = posterior(rate, days).forecast(YEARS, [scenario("baseline"), scenario("push", lever(start_year=2019))])
    same = (forecast == forecast.sel(scenario="baseline"))[RATE].sel(scenario="push").all(("chain", "draw"))
    assert same.sel(series="here/days").all()
    assert same.year[same.sel(series="here/rate")].values.tolist() == [2016, 2017, 2018]


def test_a_lever_is_the_same_draws_in_every_scenario_that_pulls_it(posterior, rate, scenario, lever):
    size = Normal(law="normal", mean=1.0, sd=0.5)
    one, two = lever(id="one", size=size), lever(id="two", size=size, start_year=2020)
    forecast = posterior(rate).forecast(YEARS, [scenario("one", one), scenario("both", one, two)])[RATE].sel(year=2019)
    xr.testing.assert_equal(forecast.sel(scenario="one", drop=True), forecast.sel(scenario="both", drop=True))


def test_two_levers_add_up_on_the_link_scale(posterior, rate, scenario, lever):
    levers = [lever(id=name, scale="link", size=Normal(law="normal", mean=0.2, sd=0.1)) for name in ("one", "two")]
    scenarios = [scenario("baseline"), *(scenario(one.id, one) for one in levers), scenario("both", *levers)]
    eta = logit(posterior(rate).forecast([2018], scenarios)[RATE] / 100)
    shift = eta - eta.sel(scenario="baseline")
    assert np.allclose(shift.sel(scenario="both"), shift.sel(scenario="one") + shift.sel(scenario="two"))
    assert not np.allclose(shift.sel(scenario="one"), shift.sel(scenario="two"))
