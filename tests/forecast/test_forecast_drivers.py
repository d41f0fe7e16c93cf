"""Random numbers of several series: what a common year changes, and what it must not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2, kstest, multivariate_normal, norm, spearmanr

from qsim.forecast.drivers import draw_drivers
from qsim.forecast.drivers import move_together as drawn_together
from qsim.inference.factors import correlation_of
from qsim.inference.shocks import CommonShocks
from qsim.model.trend import SHOCK_FREEDOM
from qsim.vocabulary import PUBLISHED, RATE

DRAWS = 20_000
SPAN = {"first_year": 2016, "origin": 2017, "last_year": 2019}


def matrix(r, size=2):
    return (1.0 - r) * np.eye(size) + r


def move_together(drivers, correlation):
    """Series without factors, moved to a correlation."""
    shocks = replace(CommonShocks.none(len(drivers)), correlation=correlation)
    return drawn_together(drivers, shocks, origin=SPAN["origin"], seed=3)


@pytest.fixture(scope="module")
def drivers():
    return tuple(draw_drivers(label, DRAWS, seed=3, **SPAN) for label in ("a/rate", "b/rate", "c/rate"))


def test_the_years_are_those_asked_for_and_all_of_the_future():
    late = draw_drivers("a/rate", 10, first_year=2019, origin=2017, last_year=2019, seed=3)
    assert (late.first_year, late.noise.shape, late.normals.shape) == (2018, (10, 2), (10, 2, 2))
    early = draw_drivers("a/rate", 10, first_year=2012, origin=2017, last_year=2021, seed=3)
    np.testing.assert_array_equal(late.noise, early.noise[:, 6:8])
    np.testing.assert_array_equal(late.normals, early.normals[:, :2])


@pytest.mark.parametrize("r", [-0.5, 0.4, 0.9])
def test_shocks_and_year_noise_have_the_correlation_of_the_copula(drivers, r):
    first, second = move_together(drivers[:2], matrix(r))
    error = 4.0 * (1.0 - r**2) / np.sqrt(DRAWS)
    for step in range(2):
        for part in range(2):
            found = np.corrcoef(first.normals[:, step, part], second.normals[:, step, part])[0, 1]
            assert abs(found - r) <= error
        assert abs(np.corrcoef(first.normals[:, step, 0], second.normals[:, step, 1])[0, 1]) <= 4.0 / np.sqrt(DRAWS)
    for year in range(4):
        assert abs(np.corrcoef(first.noise[:, year], second.noise[:, year])[0, 1] - r) <= error


@pytest.mark.parametrize("r", [-0.7, 0.7])
def test_wide_years_come_together_whichever_way_shocks_move(drivers, r):
    first, second = move_together(drivers[:2], matrix(r))
    expected = 6.0 / np.pi * np.arcsin(r**2 / 2.0)  # Spearman's rho of a normal copula
    found = spearmanr(first.widths[:, 0], second.widths[:, 0]).statistic
    assert abs(found - expected) <= 4.0 / np.sqrt(DRAWS)


def test_every_series_keeps_its_laws(drivers):
    for before, after in zip(drivers, move_together(drivers, matrix(0.6, 3)), strict=True):
        np.testing.assert_array_equal(np.sort(before.widths, axis=0), np.sort(after.widths, axis=0))
        np.testing.assert_array_equal(before.scores, after.scores)
        assert kstest(after.normals[:, 1, 0], "norm").pvalue > 1e-4
        assert kstest(after.noise[:, 2], "norm").pvalue > 1e-4
        shocks = after.normals[:, 0, 1] * after.widths[:, 0]
        unit = np.sqrt(SHOCK_FREEDOM / (SHOCK_FREEDOM - 2.0))
        assert kstest(shocks * unit, "t", (SHOCK_FREEDOM,)).pvalue > 1e-4


def test_without_correlation_nothing_moves(drivers):
    for before, after in zip(drivers, move_together(drivers, np.eye(3)), strict=True):
        for name in ("normals", "widths", "noise", "scores"):
            np.testing.assert_array_equal(getattr(before, name), getattr(after, name))


def test_with_all_of_it_series_move_as_one(drivers):
    first, second = move_together(drivers[:2], matrix(1.0 - 1e-12))
    np.testing.assert_allclose(first.normals, second.normals, atol=1e-4)
    assert spearmanr(first.widths[:, 0], second.widths[:, 0]).statistic > 1.0 - 1e-9


def test_the_order_of_series_changes_nothing_but_rounding(drivers):
    r = np.array([[1.0, 0.6, 0.1], [0.6, 1.0, 0.4], [0.1, 0.4, 1.0]])
    turned = [2, 0, 1]
    together = move_together(drivers, r)
    again = move_together([drivers[place] for place in turned], r[np.ix_(turned, turned)])
    for place, one in zip(turned, again, strict=True):
        np.testing.assert_allclose(one.normals, together[place].normals, rtol=0, atol=1e-12)
        np.testing.assert_allclose(one.noise, together[place].noise, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(one.widths, together[place].widths)


LOADINGS = ({"indicator rate": 0.5, "region a": 0.3}, {"indicator rate": 0.5, "region b": 0.3}, {"region a": -0.6})


def of_factors(loadings):
    prior = correlation_of(loadings)
    return replace(CommonShocks.none(len(loadings)), prior=prior, correlation=prior, loadings=tuple(loadings))


@pytest.mark.parametrize(("place", "r"), [(1, 0.25), (2, -0.18)])
def test_factors_that_series_share_make_their_random_numbers_move_together(drivers, place, r):
    together = drawn_together(drivers, of_factors(LOADINGS), origin=SPAN["origin"], seed=3)
    first, second = together[0], together[place]
    error = 4.0 / np.sqrt(DRAWS)
    for year in range(2):
        for part in range(2):
            assert abs(np.corrcoef(first.normals[:, year, part], second.normals[:, year, part])[0, 1] - r) <= error
        rho = 6.0 / np.pi * np.arcsin(r**2 / 2.0)
        assert abs(spearmanr(first.widths[:, year], second.widths[:, year]).statistic - rho) <= error
    for year in range(4):
        assert abs(np.corrcoef(first.noise[:, year], second.noise[:, year])[0, 1] - r) <= error


def test_a_series_has_the_same_random_numbers_whichever_others_there_are(drivers):
    span = {"origin": SPAN["origin"], "seed": 3}
    (alone,) = drawn_together(drivers[:1], of_factors(LOADINGS[:1]), **span)
    among = drawn_together(drivers[::-1], of_factors(LOADINGS[::-1]), **span)[-1]
    shared = of_factors(LOADINGS)
    known = shared.prior.copy()
    known[1, 2] = known[2, 1] = 0.5  # what years taught of two others
    beside = drawn_together(drivers, replace(shared, correlation=known), **span)[0]
    for name in ("normals", "widths", "noise", "scores"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(among, name))
        np.testing.assert_array_equal(getattr(alone, name), getattr(beside, name))


def test_a_longer_forecast_leaves_the_factors_of_nearer_years(drivers):
    longer = [draw_drivers(f"{region}/rate", DRAWS, seed=3, **{**SPAN, "last_year": 2022}) for region in "abc"]
    shocks = of_factors(LOADINGS)
    near, far = (drawn_together(one, shocks, origin=SPAN["origin"], seed=3) for one in (drivers, longer))
    for short, long in zip(near, far, strict=True):
        np.testing.assert_array_equal(short.normals, long.normals[:, :2])
        np.testing.assert_array_equal(short.widths, long.widths[:, :2])
        np.testing.assert_array_equal(short.noise, long.noise[:, :4])


@pytest.fixture(scope="module")
def pair(posterior, series):
    """Posterior of two flat series whose figures differ by year noise alone, with correlation r."""
    data = [series("rate", {2017: {"value": "90.0"}}, origin=2017, region=region) for region in ("a", "b")]

    def make(r, theta=(0, 0, 0.5, 0.1, 0), **options):
        independent = posterior(*data, draws=DRAWS, theta=theta, **options)
        return replace(independent, shocks=replace(CommonShocks.none(2), correlation=matrix(r)))

    return make


def chance_of_both(score, r):
    """P(two Student t variables above a score): normals of correlation r, widths of a normal copula of r squared."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    own, other = np.meshgrid(nodes, nodes, indexing="ij")
    pairs = np.stack([own, r**2 * own + np.sqrt(1.0 - r**4) * other], axis=-1)
    law = chi2(SHOCK_FREEDOM)
    squares = np.where(pairs > 0.0, law.ppf(norm.sf(pairs)), law.isf(norm.cdf(pairs)))
    widths = np.sqrt((SHOCK_FREEDOM - 2.0) / squares)
    chances = multivariate_normal([0.0, 0.0], matrix(r)).cdf(-score / widths)
    return weights @ chances @ weights / (2.0 * np.pi)


@pytest.mark.parametrize("r", [-0.6, 0.0, 0.5])
def test_the_joint_probability_of_two_figures_is_that_of_two_student_variables(pair, r):
    published = pair(r, level=90.0).forecast([2018])[PUBLISHED].squeeze()
    met = published >= 90.5  # prints so from 90.45 on
    center, bound = np.log(0.9 / 0.1), np.log(0.9045 / 0.0955)
    exact = chance_of_both((bound - center) / 0.1, r)
    found = float(met.all("series").mean())
    assert abs(found - exact) <= 4.0 * np.sqrt(exact * (1.0 - exact) / DRAWS)


def test_scenarios_share_correlated_shocks(pair, scenario, lever):
    forecast = pair(0.5, theta=(0.1, 0.05, 0.5, 0.1, 0)).forecast(
        [2018, 2019], [scenario("baseline"), scenario("idle")]
    )
    for name in (RATE, PUBLISHED):
        np.testing.assert_array_equal(*(forecast[name].sel(scenario=one).values for one in ("baseline", "idle")))


def test_the_matrix_stands_with_its_labels_and_years(pair):
    found = pair(0.5).common_shocks
    assert found["correlation"].dims == ("series", "series_other")
    assert float(found["correlation"].sel(series="a/rate", series_other="b/rate")) == 0.5
    assert int(found["overlap"].sel(series="a/rate", series_other="b/rate")) == 0
    assert found.attrs["common_shocks"] == "yes"
    assert replace(pair(0.5), shocks=None).common_shocks.attrs["common_shocks"] == "no"


def test_a_wide_year_is_wide_in_both_shocks_and_in_its_year_noise(drivers):
    one = drivers[0]
    past = one.noise.shape[1] - one.widths.shape[1]
    np.testing.assert_array_equal(one.year_noise()[:, :past], one.noise[:, :past])
    unit = np.sqrt(SHOCK_FREEDOM / (SHOCK_FREEDOM - 2.0))
    for step in range(one.widths.shape[1]):
        parts = [*one.shocks()[:, step].T, one.year_noise()[:, past + step]]
        for part in parts:
            assert kstest(part * unit, "t", (SHOCK_FREEDOM,)).pvalue > 1e-4
        for other in parts[1:]:
            assert spearmanr(np.abs(parts[0]), np.abs(other)).statistic > 0.1
