"""Effects: how much of one is there when, how large it is, and what it does to every draw."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from qsim.errors import HorizonError
from qsim.forecast.levers import squeezed
from qsim.forecast.levers_scales import moved
from qsim.forecast.levers_shapes import share_in_effect, share_to_come
from qsim.model.links import Link
from qsim.plans.scenarios import Certain, Normal, Triangular
from qsim.vocabulary import PUBLISHED, RATE

YEARS = range(2016, 2022)
STILL = (0, 0, 0.5, 0, 0)


def certain(value: float) -> Certain:
    return Certain(law="certain", value=value)


@pytest.fixture(scope="module")
def rate(series):
    return series("rate", {2016: {"value": "95.0", "denominator": "300"}}, origin=2017)


SHAPES = {
    "step": {"shape": "step"},
    "ramp": {"shape": "ramp", "full_effect_year": 2020},
    "s_curve": {"shape": "s_curve", "full_effect_year": 2020},
    "lag": {"shape": "lag", "lag_years": 2},
    "slow lag": {"shape": "lag", "lag_years": 1, "full_effect_year": 2020},
    "decay": {"shape": "decay", "half_life": 2.0},
    "pulse": {"shape": "pulse", "end_year": 2019, "recovered_year": 2021},
}


@pytest.mark.parametrize(
    ("traits", "shares"),
    [
        ({**SHAPES["step"], "start_year": 2018}, [0, 0, 1, 1, 1, 1]),
        ({**SHAPES["step"], "start_year": 2030}, [0, 0, 0, 0, 0, 0]),
        ({**SHAPES["ramp"], "start_year": 2018}, [0, 0, 1 / 3, 2 / 3, 1, 1]),
        ({"shape": "ramp", "start_year": 2018, "full_effect_year": 2018}, [0, 0, 1, 1, 1, 1]),
        ({**SHAPES["s_curve"], "start_year": 2017}, [0, 5 / 32, 1 / 2, 27 / 32, 1, 1]),
        ({**SHAPES["lag"], "start_year": 2017}, [0, 0, 0, 1, 1, 1]),
        ({**SHAPES["slow lag"], "start_year": 2018}, [0, 0, 0, 1 / 2, 1, 1]),
        ({**SHAPES["decay"], "start_year": 2017}, [0, 1, 0.5**0.5, 0.5, 0.5**1.5, 0.25]),
        ({**SHAPES["pulse"], "start_year": 2018}, [0, 0, 1, 1, 1 / 2, 0]),
    ],
)
def test_share_of_the_effect_by_hand(lever, traits, shares):
    assert np.allclose(share_in_effect(lever(**traits), YEARS), shares, rtol=0, atol=1e-15)


@pytest.mark.parametrize(
    ("traits", "shares"),
    [
        ({**SHAPES["step"], "start_year": 2016}, [0, 0, 0, 0, 0, 0]),
        ({"shape": "ramp", "start_year": 2016, "full_effect_year": 2019}, [0, 0, 1 / 4, 1 / 2, 1 / 2, 1 / 2]),
        ({**SHAPES["pulse"], "start_year": 2016}, [0, 0, 0, 0, -1 / 2, -1]),
    ],
)
def test_only_what_is_to_come_of_an_effect_moves_the_future(lever, traits, shares):
    in_effect = share_in_effect(lever(**traits), YEARS)
    assert np.allclose(share_to_come(in_effect, YEARS, 2017), shares, rtol=0, atol=1e-15)


@pytest.mark.parametrize("scale", ["points", "gap", "link", "pace"])
@pytest.mark.parametrize("shape", SHAPES)
def test_what_figures_tell_of_stays_whenever_a_lever_starts(posterior, series, scenario, lever, shape, scale):
    rate = series("rate", {2016: {"value": "95.0"}, 2017: {"value": "95.4"}}, origin=2017)
    push = lever(**SHAPES[shape], start_year=2015, scale=scale, size=certain(1.5))
    forecast = posterior(rate).forecast([2016, 2017], [scenario("baseline"), scenario("push", push)])
    xr.testing.assert_equal(forecast.sel(scenario="push", drop=True), forecast.sel(scenario="baseline", drop=True))


def test_a_shock_after_the_newest_figure_is_in_no_figure(posterior, rate, scenario, lever):
    # the newest figure is of 2016, the origin 2017: a bad 2017 that ends in 2018 must not turn into a gain
    bad = lever(shape="pulse", start_year=2017, end_year=2017, recovered_year=2019, size=certain(-2.0))
    pair = posterior(rate, theta=STILL, level=90).forecast(YEARS, [scenario("baseline"), scenario("bad", bad)])[RATE]
    gap = (pair.sel(scenario="bad") - pair.sel(scenario="baseline")).isel(draw=0).squeeze()
    assert np.all(gap.sel(year=[2017, 2018]) < -0.5)
    assert np.allclose(gap.sel(year=[2016, 2019, 2020]), 0.0)


@pytest.mark.parametrize("scale", ["points", "gap", "link", "pace"])
def test_a_lever_in_full_effect_at_the_origin_moves_nothing(posterior, rate, scenario, lever, scale):
    push = lever(start_year=2010, scale=scale)
    forecast = posterior(rate).forecast(YEARS, [scenario("baseline"), scenario("push", push)])
    xr.testing.assert_equal(forecast.sel(scenario="push", drop=True), forecast.sel(scenario="baseline", drop=True))


def test_points_move_the_figure_of_the_year_before_the_start(posterior, rate, scenario, lever):
    push = lever(size=certain(1.0), start_year=2018)
    forecast = posterior(rate, theta=STILL, level=90).forecast(YEARS, [scenario("push", push)])[RATE]
    # the room of 10 points shrinks by exp(-1 / 10)
    assert np.allclose(forecast.isel(draw=0).squeeze(), [90, 90, *[100 - 10 * np.exp(-0.1)] * 4])


@pytest.mark.parametrize(
    ("figure", "points", "goal"),
    [
        (90.0, 0.0, 90.0), (90.0, 5.0, 100 - 10 * np.exp(-0.5)), (5.0, 20.0, 100 - 95 * np.exp(-20 / 95)),
        (5.0, -5.0, 5 * np.exp(-1)), (100.0, 3.0, 100.0), (0.0, -3.0, 0.0),
    ],
)  # fmt: skip
def test_points_saturate_towards_the_ends_by_hand(figure, points, goal):
    assert np.allclose(moved(np.array([figure]), np.array([points]), (0.0, 100.0)), goal)


def test_points_without_an_end_are_points():
    assert moved(np.array([50.0]), np.array([100.0]), (0.0, np.inf)).tolist() == [150.0]
    assert moved(np.array([50.0]), np.array([-70.0]), (-np.inf, np.inf)).tolist() == [-20.0]


def test_near_the_end_points_are_a_shift_over_the_slope_of_the_link():
    figure, points = np.array([99.9]), np.array([0.02])
    shift = logit(moved(figure, points, (0.0, 100.0)) / 100) - logit(figure / 100)
    assert np.allclose(shift, points / (100 * 0.999 * 0.001), rtol=2e-3)


@settings(derandomize=True, deadline=None)
@given(figure=st.floats(0.0, 100.0), sizes=st.tuples(st.floats(-500, 500), st.floats(-500, 500)))
def test_more_points_never_lead_lower_or_off_the_scale(figure, sizes):
    low, high = moved(np.full(2, figure), np.array(sorted(sizes)), (0.0, 100.0))
    assert -1e-12 <= low <= high + 1e-12 <= 100 + 2e-12


def test_points_on_an_index_and_on_a_count_are_points(posterior, series, scenario, lever):
    for slug, value in (("index", "80.0"), ("stock", "40")):
        data = series(slug, {2016: {"value": value}}, origin=2017)
        push = lever(indicators=(slug,), size=certain(30.0))
        forecast = posterior(data, theta=STILL).forecast(YEARS, [scenario("push", push)])[RATE]
        assert np.allclose(forecast.sel(year=[2018, 2021]), float(value) + 30)


@pytest.mark.parametrize(("percent", "level"), [(50, 95.0), (10, 91.0), (0, 90.0)])
def test_percent_of_the_gap_closes_that_share(posterior, rate, scenario, lever, percent, level):
    push = lever(scale="gap", size=certain(percent))
    forecast = posterior(rate, theta=STILL, level=90).forecast(YEARS, [scenario("push", push)])[RATE]
    assert np.allclose(forecast.sel(year=2021), level)


def test_percent_of_the_gap_goes_down_where_lower_is_better(posterior, series, scenario, lever):
    data = series("lower_rate", {2016: {"value": "4.00"}}, origin=2017)
    push = lever(indicators=("lower_rate",), scale="gap", size=certain(25))
    forecast = posterior(data, theta=STILL, level=4).forecast(YEARS, [scenario("push", push)])[RATE]
    assert np.allclose(forecast.sel(year=2021), 3.0)


def test_a_gap_without_a_limit_is_a_horizon_error(posterior, series, scenario, lever):
    data = series("stock", {2016: {"value": "40"}}, origin=2017)
    push = lever(indicators=("stock",), scale="gap", size=certain(25))
    with pytest.raises(HorizonError, match="no limit of here/stock closes a gap"):
        posterior(data).forecast(YEARS, [scenario("push", push)])


def trending(posterior, series, slug="rate", first=80.0, last=90.0):
    """Posterior whose past goes straight from one figure to another on the link, and stays there."""
    data = series(slug, {2012: {"value": f"{first:.2f}"}, 2017: {"value": f"{last:.2f}"}}, origin=2017)
    made = posterior(data, theta=STILL)
    past = data.link.to_link(np.array([first, last]))
    made.fits[0].posterior.level[:] = np.linspace(past[0], past[1], 6)
    return made


@pytest.mark.parametrize(("multiple", "years"), [(1.0, 0), (2.0, 1), (1.5, 0.5), (0.5, -0.5)])
def test_a_multiple_of_the_pace_adds_that_much_of_it_every_year(posterior, series, scenario, lever, multiple, years):
    push = lever(scale="pace", size=certain(multiple))
    forecast = trending(posterior, series).forecast(YEARS, [scenario("push", push)])[RATE]
    yearly = (logit(0.9) - logit(0.8)) / 5
    expected = 100 * expit(logit(0.9) + yearly * years * np.array([1, 4]))
    assert np.allclose(forecast.isel(draw=0).sel(year=[2018, 2021]).squeeze(), expected)


def test_a_series_that_fell_has_no_progress_to_multiply(posterior, series, scenario, lever):
    push = lever(scale="pace", size=certain(3.0))
    forecast = trending(posterior, series, first=90.0, last=80.0).forecast(YEARS, [scenario("push", push)])[RATE]
    assert np.allclose(forecast.sel(year=[2018, 2021]), 80.0)


def test_progress_of_a_figure_whose_lower_side_is_better_lowers_it(posterior, series, scenario, lever):
    push = lever(indicators=("lower_rate",), scale="pace", size=certain(2.0))
    forecast = trending(posterior, series, "lower_rate", 8.0, 4.0).forecast([2018], [scenario("push", push)])[RATE]
    assert np.allclose(forecast, 100 * expit(logit(0.04) + (logit(0.04) - logit(0.08)) / 5))


def test_a_shift_on_the_link_scale_is_itself(posterior, rate, scenario, lever):
    push = lever(scale="link", size=certain(0.3))
    pair = posterior(rate).forecast([2018], [scenario("baseline"), scenario("push", push)])[RATE]
    eta = logit(pair / 100)
    assert np.allclose(eta.sel(scenario="push") - eta.sel(scenario="baseline"), 0.3)


@pytest.mark.parametrize("points", [2.0, 5.0, 20.0, 1e6])
def test_an_effect_in_points_saturates_below_the_ceiling(posterior, rate, scenario, lever, points):
    base, push = scenario("baseline"), scenario("push", lever(size=certain(points)))
    forecast = posterior(rate, level=99).forecast(YEARS, [base, push])
    assert float(forecast[RATE].max()) < 100 or points > 20
    assert float(forecast[PUBLISHED].max()) <= 100
    assert forecast.notnull().all().to_array().all()
    baseline = forecast[RATE].sel(scenario="baseline")
    gain = forecast[RATE].sel(scenario="push") - baseline
    # the size holds at each draw's level of the year before; one that has fallen since has more room to rise
    assert float(gain.where(baseline >= baseline.sel(year=2017)).max()) < points


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    sizes=st.tuples(st.floats(0, 30), st.floats(0, 30)),
    scale=st.sampled_from(["points", "gap", "link", "pace"]),
    shape=st.sampled_from(sorted(SHAPES)),
)
def test_a_stronger_lever_never_lowers_a_draw(posterior, rate, scenario, lever, sizes, scale, shape):
    weak, strong = (
        scenario(name, lever(**SHAPES[shape], size=certain(size), scale=scale))
        for name, size in zip("ab", sorted(sizes), strict=True)
    )
    forecast = posterior(rate, draws=100).forecast(YEARS, [weak, strong])
    for name in (RATE, PUBLISHED):
        assert (forecast[name].sel(scenario="b") >= forecast[name].sel(scenario="a") - 1e-12).all()


@pytest.mark.parametrize(
    ("weak", "strong"),
    [
        (Normal(law="normal", mean=0.0, sd=1.0), Normal(law="normal", mean=0.5, sd=1.0)),
        (
            Triangular(law="triangular", low=0, mode=1, high=2),
            Triangular(law="triangular", low=0.5, mode=1, high=2.5),
        ),
    ],
)
def test_a_law_that_is_larger_never_lowers_a_draw(posterior, rate, scenario, lever, weak, strong):
    scenarios = [scenario(name, lever(size=size)) for name, size in (("a", weak), ("b", strong))]
    forecast = posterior(rate).forecast(YEARS, scenarios)[RATE]
    assert (forecast.sel(scenario="b") >= forecast.sel(scenario="a")).all()


def test_nothing_moves_before_the_start_or_in_another_series(posterior, rate, series, scenario, lever):
    days = series("days", {2016: {"value": "300"}}, origin=2017)
    forecast = posterior(rate, days).forecast(YEARS, [scenario("baseline"), scenario("push", lever(start_year=2019))])
    same = (forecast == forecast.sel(scenario="baseline"))[RATE].sel(scenario="push").all(("chain", "draw"))
    assert same.sel(series="here/days").all()
    assert same.year[same.sel(series="here/rate")].values.tolist() == [2016, 2017, 2018]


def test_a_lever_of_one_region_leaves_the_others(posterior, rate, series, scenario, lever):
    there = series("rate", {2016: {"value": "95.0"}}, origin=2017, region="there")
    push = scenario("push", lever(regions=("there",)))
    forecast = posterior(rate, there).forecast([2018], [scenario("baseline"), push])[RATE]
    gain = (forecast.sel(scenario="push") - forecast.sel(scenario="baseline")).max(("chain", "draw", "year"))
    assert gain.sel(series="here/rate") == 0 < gain.sel(series="there/rate")


def test_a_lever_is_the_same_draws_in_every_scenario_that_pulls_it(posterior, rate, scenario, lever):
    size = Normal(law="normal", mean=1.0, sd=0.5)
    one, two = lever(id="one", size=size), lever(id="two", size=size, start_year=2020)
    forecast = posterior(rate).forecast(YEARS, [scenario("one", one), scenario("both", one, two)])[RATE].sel(year=2019)
    xr.testing.assert_equal(forecast.sel(scenario="one", drop=True), forecast.sel(scenario="both", drop=True))


def test_the_order_of_levers_does_not_matter(posterior, rate, scenario, lever):
    levers = [
        lever(id=name, scale=scale, size=Normal(law="normal", mean=0.3, sd=0.1), start_year=start)
        for name, scale, start in (("a", "points", 2018), ("b", "link", 2019), ("c", "pace", 2018))
    ]
    forecast = posterior(rate).forecast(YEARS, [scenario("one", *levers), scenario("other", *reversed(levers))])
    xr.testing.assert_equal(forecast.sel(scenario="one", drop=True), forecast.sel(scenario="other", drop=True))


def test_two_levers_add_up_on_the_link_scale(posterior, rate, scenario, lever):
    levers = [lever(id=name, scale="link", size=Normal(law="normal", mean=0.2, sd=0.1)) for name in ("one", "two")]
    scenarios = [scenario("baseline"), *(scenario(one.id, one) for one in levers), scenario("both", *levers)]
    eta = logit(posterior(rate).forecast([2018], scenarios)[RATE] / 100)
    shift = eta - eta.sel(scenario="baseline")
    assert np.allclose(shift.sel(scenario="both"), shift.sel(scenario="one") + shift.sel(scenario="two"))
    assert not np.allclose(shift.sel(scenario="one"), shift.sel(scenario="two"))


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("limit", [94.0, 60.0, 30.0])
def test_a_squeezed_level_never_falls_as_the_level_or_its_start_rises(sign, limit):
    points = np.linspace(-2.0, 4.0, 200)
    link = Link("logit", 100.0)
    found = squeezed(points[:, None], points[None, :], np.full((1, 1), limit), link, sign)
    # to what a subtraction leaves of the digits of a level
    assert np.diff(found, axis=0).min() >= -1e-9
    assert np.diff(found, axis=1).min() >= -1e-9
    assert np.ptp(found) > 1.0
