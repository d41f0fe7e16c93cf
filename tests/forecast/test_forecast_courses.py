"""Ready shapes: the known answers of other systems, and what a course leaves as it is."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit, logit

import qsim
from qsim.errors import HorizonError
from qsim.forecast.peers import PeerFigures, figures_pace
from qsim.observations.read import read_observations
from qsim.vocabulary import PUBLISHED, RATE

STILL = (0, 0, 0.5, 0, 0)
MOVING = (0.1, 0.05, 0.5, 0.1, 0.02)


@pytest.fixture(scope="module")
def line(series, posterior):
    """Posterior of a series whose past levels are known, one figure a year."""

    def make(first_year, figures, slug="rate", theta=STILL, draws=50):
        rows = {first_year + at: {"value": f"{figure:.2f}"} for at, figure in enumerate(figures)}
        data = series(slug, rows, origin=first_year + len(figures) - 1)
        made = posterior(data, theta=theta, draws=draws)
        made.fits[0].posterior.level[:] = data.link.to_link(np.asarray(figures, dtype=float))
        return made

    return make


def followed(draws, course, years, scenario) -> np.ndarray:
    forecast = draws.forecast(years, [scenario("course", course)])[RATE]
    assert float(forecast.std("draw").max()) < 1e-9
    return forecast.isel(draw=0).squeeze().values


def test_the_latest_rate_of_change_goes_on_as_in_billionaire(line, ready, scenario):
    """AROC "latest", 80 to 100 over 2010 to 2030, start 2018: 88 (88 / 87)^7 in 2025; field.md, from billionaiRe."""
    course = ready("annual_change", scale="percent", like="latest", start_year=2019)
    told = followed(line(2010, np.arange(80.0, 89.0)), course, [2018, 2025], scenario)
    assert np.allclose(told, [88, 95.3293], rtol=0, atol=5e-5)


def test_a_fixed_target_is_reached_in_equal_steps_as_in_billionaire(line, ready, scenario):
    """Fixed target 68 (2018) to 99 (2025): steps of 4.428571; field.md, from billionaiRe."""
    course = ready("straight_line", values={2025: 99.0}, start_year=2019)
    told = followed(line(2014, [64, 65, 66, 67, 68.0]), course, range(2018, 2028), scenario)
    assert np.allclose(np.diff(told)[:7], 4.428571, rtol=0, atol=5e-7)
    assert np.allclose(told[7:], 99)


@pytest.mark.parametrize(("percent", "level"), [(40, 65.0), (-40, 35.0)])
def test_percent_of_baseline_is_a_straight_line_unlike_in_billionaire(line, ready, scenario, percent, level):
    """+-40 % of 50 from 2010 to 2030: 65 and 35 in 2025 on the straight line, where billionaiRe gives 67 and 37."""
    course = ready("percent_of_baseline", size=percent, baseline_year=2010, year=2030, start_year=2011)
    told = followed(line(2008, [50, 50, 50.0]), course, [2025, 2030, 2032], scenario)
    assert np.allclose(told, [level, 50 * (1 + percent / 100), 50 * (1 + percent / 100)])


@pytest.mark.parametrize(
    ("traits", "expected"),
    [
        ({"scale": "points", "size": 1.5}, [91.5, 93.0, 94.5]),
        ({"scale": "percent", "size": -10}, [81.0, 72.9, 65.61]),
        ({"scale": "link", "size": 0.2}, 100 * expit(logit(0.9) + 0.2 * np.arange(1, 4))),
        ({"scale": "points", "like": "latest"}, [92, 94, 96]),
        ({"scale": "points", "like": "average", "window": 2}, [91, 92, 93]),
        ({"scale": "points", "like": "average", "window": 50}, [92, 94, 96]),
        ({"scale": "percent", "like": "average", "window": 3}, 90 * (90 / 84) ** (np.arange(1, 4) / 3)),
        ({"scale": "link", "like": "latest"}, 100 * expit(logit(0.9) + (logit(0.9) - logit(0.88)) * np.arange(1, 4))),
        ({"scale": "points", "size": 4}, [94, 98, 100]),
    ],
)
def test_the_same_change_every_year_by_hand(line, ready, scenario, traits, expected):
    told = followed(line(2014, [84, 88, 88, 90.0]), ready("annual_change", **traits), range(2018, 2021), scenario)
    assert np.allclose(told, expected)


def test_a_series_of_one_year_has_no_change_to_go_on_with(line, ready, scenario):
    course = ready("annual_change", scale="points", like="latest")
    with pytest.raises(HorizonError, match="no change before 2018 to go on with"):
        line(2017, [90.0]).forecast([2018], [scenario("course", course)])


def test_a_line_goes_through_the_figures_of_several_years(line, ready, scenario):
    course = ready("straight_line", values={2019: 94.0, 2020: 91.0})
    told = followed(line(2016, [90, 90.0]), course, range(2018, 2022), scenario)
    assert np.allclose(told, [92, 94, 91, 91])


def test_a_line_may_end_at_the_limit_itself(line, ready, scenario):
    course = ready("straight_line", values={2019: 100.0})
    forecast = line(2016, [90, 90.0]).forecast(range(2018, 2022), [scenario("course", course)])
    assert np.allclose(forecast[RATE].isel(draw=0).squeeze(), [95, 100, 100, 100])
    assert set(forecast[PUBLISHED].sel(year=2021).values.ravel()) == {100.0}


def test_hold_stays_at_the_level_of_the_year_before(line, ready, scenario):
    told = followed(line(2014, [80, 84, 88, 90.0]), ready("hold", start_year=2019), range(2017, 2021), scenario)
    assert np.allclose(told, 90)


@pytest.mark.parametrize(
    ("slug", "drift", "stops"),
    [("rate", -0.1, True), ("rate", 0.1, False), ("lower_rate", -0.1, True), ("lower_rate", 0.1, False)],
)
def test_halting_the_decline_stops_what_gets_worse_and_nothing_else(line, ready, scenario, slug, drift, stops):
    draws = line(2014, [50, 50, 50, 50.0], slug, theta=(0, 0, 0.5, 0, drift))
    course = ready("halt_decline", indicators=(slug,))
    pair = draws.forecast(range(2017, 2021), [scenario("baseline"), scenario("halt", course)])[RATE].isel(draw=0)
    expected = np.full(4, 50.0) if stops else pair.sel(scenario="baseline").squeeze().values
    assert np.allclose(pair.sel(scenario="halt").squeeze(), expected)


def test_halting_the_decline_never_harms_a_draw(line, ready, scenario):
    draws = line(2014, [84, 88, 88, 90.0], theta=MOVING, draws=400)
    pair = draws.forecast(range(2018, 2024), [scenario("baseline"), scenario("halt", ready("halt_decline"))])[RATE]
    assert (pair.sel(scenario="halt") >= pair.sel(scenario="baseline")).all()
    assert (pair.sel(scenario="halt") > pair.sel(scenario="baseline")).any()


def test_the_earlier_trajectory_is_reached_and_then_followed(line, ready, scenario):
    """A loss of 2016 and 2017 is made up by 2020: the line through 2013 and 2015 on the link, from there on."""
    past = 100 * expit(np.array([0.0, 0.1, 0.2, 0.0, 0.0]))
    course = ready("return_to_trend", from_year=2013, to_year=2015, year=2020)
    told = followed(line(2013, past), course, range(2017, 2023), scenario)
    assert np.allclose(logit(told / 100), [0.0, 0.7 / 3, 1.4 / 3, 0.7, 0.8, 0.9])


def test_a_year_before_the_series_cannot_be_looked_at(line, ready, scenario):
    course = ready("percent_of_baseline", size=10, baseline_year=2010, year=2020)
    with pytest.raises(HorizonError, match="looks at 2010, the series of here/rate covers 2016-"):
        line(2016, [90, 90.0]).forecast([2018], [scenario("course", course)])


COURSES = {
    "hold": {},
    "halt_decline": {},
    "annual_change": {"scale": "points", "size": 1.0},
    "percent_of_baseline": {"size": 5, "baseline_year": 2014, "year": 2020},
    "straight_line": {"values": {2020: 95.0}},
    "return_to_trend": {"from_year": 2012, "to_year": 2013, "year": 2020},
    "natural_limit": {"limit": 93.0},
}


@pytest.mark.parametrize("shape", COURSES)
def test_the_past_stays_and_a_course_that_began_before_begins_at_the_origin(line, ready, scenario, shape):
    draws = line(2012, [82, 83, 84, 88, 88, 90.0], theta=MOVING, draws=200)
    late = ready(shape, id="late", **COURSES[shape])
    early = ready(shape, id="early", start_year=2016, **COURSES[shape])
    forecast = draws.forecast(
        range(2012, 2021), [scenario("baseline"), scenario("late", late), scenario("early", early)]
    )
    xr.testing.assert_equal(forecast.sel(scenario="late", drop=True), forecast.sel(scenario="early", drop=True))
    past = forecast.sel(year=slice(2012, 2017))
    xr.testing.assert_equal(past.sel(scenario="late", drop=True), past.sel(scenario="baseline", drop=True))
    assert (forecast[RATE].sel(scenario="late", year=2020) != forecast[RATE].sel(scenario="baseline", year=2020)).any()


@pytest.mark.parametrize("shape", ["straight_line", "percent_of_baseline", "return_to_trend"])
def test_a_course_that_ended_before_the_forecast_moves_nothing(line, ready, scenario, shape):
    draws = line(2010, [80, 81, 82, 83, 84, 88, 88, 90.0], theta=MOVING)
    traits = {
        "straight_line": {"values": {2016: 99.0}},
        "percent_of_baseline": {"size": 5, "baseline_year": 2012, "year": 2016},
        "return_to_trend": {"from_year": 2010, "to_year": 2012, "year": 2016},
    }[shape]
    course = ready(shape, start_year=2014, **traits)
    pair = draws.forecast(range(2018, 2021), [scenario("baseline"), scenario("course", course)])
    xr.testing.assert_equal(pair.sel(scenario="course", drop=True), pair.sel(scenario="baseline", drop=True))


def test_shocks_stay_around_a_course_unless_it_says_none(line, ready, scenario):
    draws = line(2014, [84, 88, 88, 90.0], theta=(0.1, 0, 0.5, 0, 0.3), draws=20_000)
    scenarios = [scenario(name, ready("hold", id=name, shocks=name)) for name in ("keep", "none")]
    eta = logit(draws.forecast([2020], scenarios)[RATE] / 100)
    assert np.allclose(eta.sel(scenario="none"), logit(0.9))
    kept = eta.sel(scenario="keep").values.ravel() - logit(0.9)
    # three level shocks of sd 0.1 and no drift
    assert abs(kept.mean()) <= 4 * np.sqrt(0.03 / kept.size)
    assert abs(kept.var() - 0.03) <= 4 * 0.03 * np.sqrt(8 / kept.size)


def test_shocks_of_a_course_are_those_of_the_baseline(line, ready, scenario):
    draws = line(2014, [84, 88, 88, 90.0], theta=(0.1, 0.05, 0.5, 0, 0))
    pair = draws.forecast(range(2018, 2021), [scenario("baseline"), scenario("hold", ready("hold"))])[RATE]
    xr.testing.assert_allclose(pair.sel(scenario="hold", drop=True), pair.sel(scenario="baseline", drop=True))


def test_an_effect_adds_to_a_course(line, ready, lever, scenario):
    draws = line(2014, [84, 88, 88, 90.0])
    push = lever(scale="link")
    both = scenario("both", ready("straight_line", values={2018: 92.0}), push)
    eta = logit(draws.forecast([2018], [both])[RATE] / 100)
    assert np.allclose(eta, logit(0.92) + 2.0)


@pytest.mark.parametrize("limit", [92.0, 95.0, 99.9])
def test_progress_stays_below_a_natural_limit_and_small_progress_is_whole(line, ready, scenario, limit):
    draws = line(2014, [84, 88, 88, 90.0], theta=(0, 0, 0.5, 0, 0.2))
    course = scenario("limit", ready("natural_limit", limit=limit))
    pair = draws.forecast(range(2018, 2030), [scenario("baseline"), course])[RATE].isel(draw=0).squeeze()
    base, kept = pair.sel(scenario="baseline").values, pair.sel(scenario="limit").values
    assert np.all(kept < min(limit, 100))
    assert np.all(np.diff(kept) > 0)
    room = limit - 90
    assert np.allclose(kept, limit - room * np.exp(-(base - 90) / room))


def test_a_draw_beyond_the_limit_makes_no_progress_but_may_fall(line, ready, scenario):
    draws = line(2016, [90, 90.0], theta=MOVING, draws=400)
    course = scenario("limit", ready("natural_limit", limit=85.0))
    pair = draws.forecast(range(2018, 2021), [scenario("baseline"), course])[RATE]
    expected = np.minimum(pair.sel(scenario="baseline", drop=True), 90)
    xr.testing.assert_allclose(pair.sel(scenario="limit", drop=True), expected)


def test_a_natural_limit_holds_for_levers_too(line, ready, lever, scenario):
    both = scenario(
        "both", lever(size=lever().size.model_copy(update={"value": 50.0})), ready("natural_limit", limit=95.0)
    )
    assert float(line(2016, [90, 90.0]).forecast(range(2018, 2030), [both])[RATE].max()) < 95


def peers_table(**regions: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"region": region, "indicator": "rate", "year": str(2014 + at), "value": f"{100 * expit(eta):.6f}"}
            for region, etas in regions.items()
            for at, eta in enumerate(etas)
        ]
    )


@pytest.fixture(scope="module")
def peers(catalogue):
    table = peers_table(a=[0, 0.1, 0.2, 0.3], b=[0, 0.2, 0.4, 0.6], c=[1, 1, 1, 1], d=[0, -0.1, -0.2, -0.3], e=[2])
    return PeerFigures(observations=read_observations(table, catalogue=catalogue), catalogue=catalogue, origin=2017)


@pytest.mark.parametrize(
    ("traits", "pace"),
    [
        ({"rank": "best"}, 0.2), ({"rank": "top", "top": 2}, 0.15), ({"rank": "top", "top": 4}, 0.05),
        ({"rank": "quantile", "quantile": 0.5}, 0.05), ({"rank": "best", "peers": ("c", "d")}, 0.0),
    ],
)  # fmt: skip
def test_the_pace_of_peers_by_hand(line, ready, scenario, peers, traits, pace):
    draws = line(2016, [90, 90.0])
    with_peers = type(draws)(fits=draws.fits, origin=draws.origin, seed=1, engine="laplace", peers=peers)
    told = followed(with_peers, ready("peer_pace", **traits), range(2017, 2020), scenario)
    assert np.allclose(logit(told / 100), logit(0.9) + pace * np.arange(3), atol=1e-6)


def test_where_lower_is_better_the_best_peer_falls_fastest(catalogue, series, ready):
    table = peers_table(a=[0, 0.1, 0.2, 0.3], d=[0, -0.1, -0.2, -0.3]).assign(indicator="lower_rate")
    figures = PeerFigures(observations=read_observations(table, catalogue=catalogue), catalogue=catalogue, origin=2017)
    own = series("lower_rate", {2017: {"value": "4.00"}}, origin=2017)
    assert figures.pace(ready("peer_pace", rank="best"), own) == pytest.approx(-0.1, abs=1e-6)


def test_only_the_window_counts(series):
    data = series("rate", {2005: {"value": "10"}, 2015: {"value": "50"}, 2017: {"value": "60"}}, origin=2017)
    assert figures_pace(data, 2017, 5) == pytest.approx((logit(0.6) - logit(0.5)) / 2)
    assert figures_pace(data, 2017, 1) is None
    assert figures_pace(data, 2016, 20) == pytest.approx((logit(0.5) - logit(0.1)) / 10)


def test_too_few_peers_are_a_horizon_error(line, ready, scenario, peers):
    draws = line(2016, [90, 90.0])
    with_peers = type(draws)(fits=draws.fits, origin=draws.origin, seed=1, engine="laplace", peers=peers)
    with pytest.raises(HorizonError, match=r"needs 5 other regions with two exact figures of rate .* there are 4"):
        with_peers.forecast([2018], [scenario("course", ready("peer_pace", rank="top", top=5))])
    with pytest.raises(HorizonError, match="needs figures of other regions"):
        draws.forecast([2018], [scenario("course", ready("peer_pace", rank="best"))])


def test_a_fit_knows_the_peers(catalogue, ready, scenario):
    table = peers_table(a=[0, 0.1, 0.2, 0.3], b=[0, 0.2, 0.4, 0.6], c=[1, 1, 1, 1])
    observations = read_observations(table, catalogue=catalogue)
    fitted = qsim.fit(observations, catalogue=catalogue, series=[("c", "rate")], draws=100)
    course = scenario("course", ready("peer_pace", rank="best", shocks="none"))
    eta = logit(fitted.forecast([2017, 2018], [course])[RATE].squeeze() / 100)
    assert np.allclose(eta.diff("year"), 0.2, atol=1e-6)
