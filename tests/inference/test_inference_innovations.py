"""Scores of the years against dense linear algebra, and against the model they come from."""

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import norm

from qsim.inference.innovations import PIT_CLIP, YEARS_AHEAD, innovations, outlook
from qsim.model.likelihood import INTERVAL
from qsim.model.priors import LevelPrior
from qsim.model.trend import first_slope_variance, level_covariance, level_mean, propagate, unconstrain

THETA = np.array([0.3, 0.15, 0.6, 0.2, 0.05])
PRIOR = LevelPrior(1.0, 0.8)


@pytest.fixture
def figures(series_of):
    """Series of exact middles on the link scale with given variances of sampling."""

    def make(values, steps, variance=0.02, better="higher"):
        rows = [[step, INTERVAL, value - 0.05, value + 0.05, np.nan] for step, value in zip(steps, values, strict=True)]
        return series_of(rows, guess_variance=np.broadcast_to(variance, len(rows)), better=better)

    return make


def dense(data, theta, prior=PRIOR):
    """Mean and covariance of the figures."""
    levels = level_covariance(theta, data.kept, data.years, prior.sd**2)
    cov = levels[np.ix_(data.steps, data.steps)] + np.diag(data.guess_variance + theta[3] ** 2)
    return level_mean(prior.mean, data.sign * theta[4], data.kept, data.years)[data.steps], cov


def foretold(mean, cov, values, at):
    """Mean and sd of a figure given those before it."""
    gain = np.linalg.solve(cov[:at, :at], cov[:at, at])
    return mean[at] + gain @ (values[:at] - mean[:at]), np.sqrt(cov[at, at] - gain @ cov[:at, at])


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_a_score_is_the_conditional_normal_score_of_the_joint_law(figures, better):
    data = figures([1.0, 1.4, 1.1, 1.9, 1.6], [0, 1, 2, 5, 6], variance=[0.02, 0.1, 0.0, 0.05, 0.01], better=better)
    mean, cov = dense(data, THETA)
    exact = [foretold(mean, cov, data.guess, at) for at in (1, 2, 4)]
    found = innovations(data, PRIOR, THETA[None])
    assert found.year.tolist() == [2011, 2012, 2016]
    expected = [(data.guess[at] - center) / sd for at, (center, sd) in zip((1, 2, 4), exact, strict=True)]
    np.testing.assert_allclose(found.score, expected, rtol=1e-9)


def test_a_first_level_that_depends_on_theta_is_the_one_of_its_theta(figures):
    data = figures([1.0, 1.5, 1.2], [0, 1, 2])
    together = LevelPrior(1.0, 0.8, slope=(0.2, -0.1, 0.3, 0.1, 2.0), center=(-2.0, -3.0, 0.2, -2.5, 0.0))
    alone = LevelPrior(float(together.given(unconstrain(THETA[None]))[0]), 0.8)
    assert abs(alone.mean - 1.0) > 0.1
    one, other = (innovations(data, prior, THETA[None]) for prior in (together, alone))
    np.testing.assert_allclose(one.score, other.score, rtol=1e-12)


def test_several_thetas_average_the_probability_not_the_score(figures):
    data = figures([1.0, 1.5], [0, 1])
    thetas = np.array([THETA, THETA * [0.3, 0.3, 1.0, 0.3, 1.0]])
    single = [innovations(data, PRIOR, theta[None]).score[0] for theta in thetas]
    assert innovations(data, PRIOR, thetas).score[0] == pytest.approx(ndtri(norm.cdf(single).mean()), rel=1e-9)


def test_two_figures_of_a_year_are_one_reading_of_it(figures):
    twice = figures([1.0, 1.4, 1.6], [0, 1, 1])
    half = 0.5 * (0.02 + THETA[3] ** 2) - THETA[3] ** 2
    once = figures([1.0, 1.5], [0, 1], variance=[0.02, half])
    scores = [innovations(data, PRIOR, THETA[None]).score for data in (twice, once)]
    np.testing.assert_allclose(*scores, rtol=1e-12)


def test_a_step_of_several_years_and_an_open_end_have_no_score(series_of):
    rows = [[0, INTERVAL, 0.9, 1.1, np.nan], [1, INTERVAL, 1.0, np.inf, np.nan], [2, INTERVAL, 0.9, 1.1, np.nan]]
    rows += [[3, INTERVAL, 0.9, 1.1, np.nan], [5, INTERVAL, 0.9, 1.1, np.nan]]
    assert innovations(series_of(rows), PRIOR, THETA[None]).year.tolist() == [2013]


def test_a_series_without_figures_has_no_score_and_no_common_shock_in_its_level(series_of):
    found = innovations(series_of([], years=3), LevelPrior(0.0, 50.0), THETA[None])
    assert found.score.size == 0
    assert found.shock_share < 0.01


def test_a_wild_jump_is_scored_as_the_clip(figures):
    found = innovations(figures([0.0, 9.0], [0, 1]), PRIOR, THETA[None])
    assert found.score[0] == pytest.approx(ndtri(1.0 - PIT_CLIP))


def test_scores_of_figures_from_the_model_are_standard_normal_and_independent(figures):
    rng, many = np.random.default_rng(5), 1200
    mean, cov = dense(figures(np.zeros(4), range(4)), THETA)
    values = rng.multivariate_normal(mean, cov, many)
    scores = np.array([innovations(figures(row, range(4)), PRIOR, THETA[None]).score for row in values])
    clipped = np.clip(rng.standard_normal(400_000), -ndtri(1 - PIT_CLIP), ndtri(1 - PIT_CLIP))
    assert np.all(np.abs(scores.mean(axis=0)) <= 4.0 / np.sqrt(many))
    assert np.all(np.abs(scores.var(axis=0) - clipped.var()) <= 4.0 * np.sqrt(2.0 / many))
    assert abs(np.corrcoef(scores[:, 0], scores[:, 1])[0, 1]) <= 4.0 / np.sqrt(many)


def errors_of_outlook(data, theta, prior):
    """Coefficients of the error of the outlook on the independent normals behind everything; which ones are shocks.

    Order: the first level; the first slope; (v, u) of every later year; e and sampling of every figure.
    """
    years, count = data.years, data.year.size
    size = 2 * years + 2 * count
    unit = np.eye(size)
    level, slope = prior.sd * unit[0], np.sqrt(first_slope_variance(theta[1], theta[2])) * unit[1]
    levels = [level]
    for year in range(1, years):
        slope = theta[2] * slope + theta[1] * unit[2 * year]
        level = data.kept * level + slope + theta[0] * unit[2 * year + 1]
        levels.append(level)
    seen = np.array(levels)[data.steps]
    seen = seen + theta[3] * unit[2 * years : 2 * years + count]
    seen = seen + np.sqrt(data.guess_variance)[:, None] * unit[2 * years + count :]
    ahead = level
    for _ in range(YEARS_AHEAD):
        slope = theta[2] * slope
        ahead = data.kept * ahead + slope
    error = ahead - np.linalg.solve(seen @ seen.T, seen @ ahead) @ seen
    shock = np.ones(size, dtype=bool)
    shock[0] = False
    shock[2 * years + count :] = False
    return error, shock


@pytest.mark.parametrize("steps", [[0], [0, 1, 2, 3], [0, 3, 4]])
@pytest.mark.parametrize("variance", [0.0, 0.3])
def test_the_shock_share_is_the_part_of_the_error_that_correlated_shocks_would_share(figures, steps, variance):
    data = figures(np.linspace(0.8, 1.2, len(steps)), steps, variance=variance)
    error, shock = errors_of_outlook(data, THETA, PRIOR)
    # with r between the shocks of two such series the errors have covariance r * error[shock] @ error[shock]
    exact = error[shock] @ error[shock] / (error @ error)
    assert innovations(data, PRIOR, THETA[None]).shock_share == pytest.approx(exact, rel=1e-9)


def test_the_outlook_is_the_trend_without_further_shocks():
    level, slope, drift = np.array([1.0, -0.5]), np.array([0.2, -0.1]), np.array([0.05, 0.02])
    theta = np.array([THETA, THETA * [1, 1, 0.5, 1, 1]])
    still = propagate(theta, 0.97, level, slope, drift, np.zeros((2, YEARS_AHEAD, 2)))[:, -1]
    np.testing.assert_allclose(outlook(level, slope, theta[:, 2], drift, 0.97), still, rtol=1e-12)
