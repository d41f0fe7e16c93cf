"""The filter of many series against dense matrices, the exact likelihoods and the nested Laplace approximation."""

import numpy as np
import pytest
from scipy import stats

from qsim.inference import filtering, proposals
from qsim.model.likelihood import BINOMIAL, BINOMIAL_RANGE, INTERVAL, POISSON, log_likelihood
from qsim.model.trend import level_covariance, level_mean, slope_covariance

THETA = np.array([0.12, 0.05, 0.7, 0.2, 0.03])
STEP = np.array([0, 1, 4, 5], dtype=np.int64)
YEARS, MEAN, SD, SIGN, KEPT = 8, 0.4, 1.3, -1.0, 0.96
MIDDLE = np.array([0.1, 0.5, 0.2, 0.9])
SPREAD = np.array([0.04, 0.3, 0.01, 0.1])
NORMALS = np.random.default_rng(3).standard_normal((40, 20_000))
TWICE = np.concatenate([NORMALS, NORMALS], axis=1)


def dense(first=MEAN):
    """Mean and covariance of the levels at the figures, and of the sites."""
    levels = level_covariance(THETA, KEPT, YEARS, SD**2)
    mean = level_mean(first, SIGN * THETA[4], KEPT, YEARS)
    return mean, levels, levels[np.ix_(STEP, STEP)] + np.diag(THETA[3] ** 2 + SPREAD)


def test_the_evidence_is_the_density_of_the_sites():
    # 300 points fill one block and part of the next; each has a first level of its own
    starts = MEAN + np.linspace(-1.0, 1.0, 300)
    expected = [stats.multivariate_normal(dense(first)[0][STEP], dense()[2]).logpdf(MIDDLE) for first in starts]
    thetas = np.repeat(THETA[:, None], 300, axis=1)
    found = filtering.site_evidence(thetas, starts, SD, SIGN, KEPT, STEP, MIDDLE, SPREAD)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_forty_figures_of_tiny_noise_keep_a_finite_evidence():
    step = np.arange(40, dtype=np.int64)
    thetas = np.array([[1e-6], [1e-6], [0.5], [1e-3], [0.0]])
    found = filtering.site_evidence(thetas, np.zeros(1), 1e-3, 1.0, 1.0, step, np.zeros(40), np.full(40, 1e-12))
    assert np.isfinite(found).all()


def drawn_states(*, seed, whole):
    """Last levels, last d and errors of the figures, drawn at THETA; ``whole`` as ``draw_states`` takes it."""
    draws, figures = NORMALS.shape[1], STEP.size
    thetas = np.repeat(THETA[:, None], draws, axis=1)
    level, slope, errors = np.empty(draws), np.empty(draws), np.empty((figures, draws))
    offset = np.random.default_rng(seed).integers(0, draws, 2 * YEARS + 2 * figures)
    known = np.full(figures, whole, dtype=np.bool_)
    sites = (STEP, MIDDLE, SPREAD, known)
    starts = np.full(draws, MEAN)
    proposals.draw_states(thetas, starts, SD, SIGN, KEPT, YEARS, *sites, TWICE, offset, level, slope, errors)
    return level, slope, errors


def test_draws_have_the_moments_of_the_dense_posterior():
    mean, levels, covariance = dense()
    draws = NORMALS.shape[1]
    level, slope, errors = drawn_states(seed=0, whole=True)
    # (last level, last d, levels at the figures) given the sites
    joint = np.vstack([levels[-1, STEP], slope_covariance(THETA, KEPT, YEARS)[STEP], levels[np.ix_(STEP, STEP)]])
    gain = np.linalg.solve(covariance, joint.T).T
    expected = np.concatenate([[mean[-1], 0.0], mean[STEP]]) + gain @ (MIDDLE - mean[STEP])
    prior = np.concatenate([[levels[-1, -1]], [np.nan], np.diag(levels)[STEP]])
    variance = prior - (gain * joint).sum(axis=1)
    found = np.vstack([level, slope, MIDDLE[:, None] - errors])
    sd = found.std(axis=1)
    np.testing.assert_array_less(np.abs(found.mean(axis=1) - expected), 4.0 * sd / np.sqrt(draws))
    known = np.isfinite(variance)
    np.testing.assert_allclose(sd[known], np.sqrt(variance[known]), rtol=4.0 / np.sqrt(2.0 * draws))
    # a level of the past moves with the last one as it should
    cross = levels[-1, STEP] - gain[0] @ levels[np.ix_(STEP, STEP)]
    products = (found[2:] - expected[2:, None]) * (level - expected[0])
    np.testing.assert_array_less(np.abs(products.mean(axis=1) - cross), 4.0 * products.std(axis=1) / np.sqrt(draws))


def test_the_latent_values_of_counts_have_the_moments_of_the_dense_posterior():
    mean, levels, covariance = dense()
    draws = NORMALS.shape[1]
    _, _, errors = drawn_states(seed=1, whole=False)
    # eta = level + year noise, given m = eta + the site's error
    prior = levels[np.ix_(STEP, STEP)] + THETA[3] ** 2 * np.eye(STEP.size)
    gain = np.linalg.solve(covariance, prior).T
    expected, variance = mean[STEP] + gain @ (MIDDLE - mean[STEP]), np.diag(prior - gain @ prior)
    eta = MIDDLE[:, None] - errors
    np.testing.assert_array_less(np.abs(eta.mean(axis=1) - expected), 4.0 * np.sqrt(variance / draws))
    np.testing.assert_allclose(eta.std(axis=1), np.sqrt(variance), rtol=4.0 / np.sqrt(2.0 * draws))


def test_sites_of_counts_lie_at_the_mode():
    size, count = np.array([50.0, 4000.0, 15.0, 300.0]), np.array([41.0, 2500.0, 15.0, 180.0])
    kind = np.full(4, BINOMIAL)
    middle, spread = MIDDLE.copy(), SPREAD.copy()
    filtering.fit_sites(THETA, MEAN, SD, SIGN, KEPT, STEP, kind, count, count, size, middle, spread)
    mean, levels, _ = dense()
    prior = levels[np.ix_(STEP, STEP)] + THETA[3] ** 2 * np.eye(4)
    f = mean[STEP] + prior @ np.linalg.solve(prior + np.diag(spread), middle - mean[STEP])
    gradient = np.array([log_likelihood(BINOMIAL, *one, 1.0)[1] for one in zip(f, count, count, size, strict=True)])
    # at the mode the likelihood's gradient is what the prior pulls back
    np.testing.assert_allclose(np.linalg.solve(prior, f - mean[STEP]), gradient, atol=0.02 * np.abs(gradient).max())


def test_the_site_of_a_half_open_interval_gives_the_moments_of_the_truncated_law():
    step, kind = np.zeros(1, dtype=np.int64), np.array([INTERVAL])
    middle, spread = np.array([2.0]), np.array([1.0])
    bounds = (np.array([1.5]), np.array([np.inf]), np.array([np.nan]))
    filtering.fit_sites(THETA, MEAN, SD, SIGN, KEPT, step, kind, *bounds, middle, spread)
    variance = SD**2 + THETA[3] ** 2
    cut = stats.truncnorm((1.5 - MEAN) / np.sqrt(variance), np.inf, MEAN, np.sqrt(variance))
    posterior = 1.0 / (1.0 / variance + 1.0 / spread[0])
    assert posterior == pytest.approx(cut.var(), rel=1e-2)
    assert posterior * (MEAN / variance + middle[0] / spread[0]) == pytest.approx(cut.mean(), rel=1e-2)


@pytest.mark.parametrize(
    ("kind", "lower", "upper", "size", "middle", "spread"),
    [
        (BINOMIAL, 41.0, 41.0, 50.0, 1.5, 0.14),
        (BINOMIAL, 50.0, 50.0, 50.0, 4.0, 1.0),
        (BINOMIAL_RANGE, 40.0, 42.0, 50.0, 1.5, 0.14),
        (POISSON, 7.0, 7.0, np.nan, 2.0, 0.14),
    ],
)
def test_ratios_of_counts_are_the_likelihood_over_the_site(kind, lower, upper, size, middle, spread):
    sigma, error, found = np.full(9, 0.3), np.linspace(-2.0, 2.0, 9), np.zeros(9)
    proposals.add_log_ratio(sigma, error, kind, lower, upper, size, middle, spread, found)
    f = middle - error
    exact = [log_likelihood(kind, one, lower, upper, size, 0.3)[0] for one in f]
    np.testing.assert_allclose(found, exact - stats.norm(f, np.sqrt(spread)).logpdf(middle), atol=1e-6)


@pytest.mark.parametrize("width", [1e-3, 0.05, 0.1, 0.19, 0.25, 1.0])
def test_ratios_of_intervals_are_the_likelihood_over_the_site(width):
    lower, upper, sigma = 1.0 - width / 2.0, 1.0 + width / 2.0, 0.2
    s = np.sqrt(sigma**2 + width**2 / 12.0)
    error = np.linspace(-4.0, 4.0, 17) * s
    found = np.zeros(17)
    proposals.add_log_ratio(np.full(17, sigma), error, INTERVAL, lower, upper, np.nan, 1.0, width**2 / 12.0, found)
    exact = [log_likelihood(INTERVAL, 1.0 - one, lower, upper, np.nan, sigma)[0] for one in error]
    np.testing.assert_allclose(found, exact - stats.norm(0.0, s).logpdf(error), atol=1e-3)


def test_ratios_of_half_open_intervals_are_the_likelihood_over_the_site():
    sigma, error, found = np.full(17, 0.2), np.linspace(-1.5, 1.5, 17), np.zeros(17)
    proposals.add_log_ratio(sigma, error, INTERVAL, 1.5, np.inf, np.nan, 2.0, 0.3, found)
    exact = [log_likelihood(INTERVAL, 2.0 - one, 1.5, np.inf, np.nan, 0.2)[0] for one in error]
    np.testing.assert_allclose(found, exact - stats.norm(0.0, np.sqrt(0.2**2 + 0.3)).logpdf(error), atol=1e-6)


def test_normalized_weights_are_those_of_their_logs():
    logs = np.random.default_rng(2).normal(-300.0, 4.0, 999)
    weights, log_mean, effective = filtering.normalize(logs)
    exact = np.exp(logs - logs.max())
    np.testing.assert_allclose(weights, exact / exact.sum(), rtol=1e-6)
    assert log_mean == pytest.approx(logs.max() + np.log(exact.mean()), rel=1e-9)
    assert effective == pytest.approx(exact.sum() ** 2 / (exact @ exact), rel=1e-6)


def test_resampling_takes_each_point_as_often_as_its_weight_says():
    weights = np.random.default_rng(1).dirichlet(np.ones(50))
    chosen = proposals.resample(weights, 1000, 0.37)
    counts = np.bincount(chosen, minlength=50)
    assert np.all(np.diff(chosen) >= 0)
    assert np.abs(counts - 1000 * weights).max() <= 1.0
