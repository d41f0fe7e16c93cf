"""What a pool says of a region: limits, invariances, and brute-force quadrature."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from qsim.inference.design import sobol_normals
from qsim.inference.pooling import (
    MEAN_SERIES,
    PoolFit,
    fit_pool,
    independent_regions,
    pooled_level,
    pooled_theta,
    population,
)
from qsim.model.likelihood import INTERVAL
from qsim.model.priors import ThetaPrior, default_priors
from qsim.model.shares import default_shares

PRIORS = default_priors()["logit"]
NOISE = np.exp(2.0 * PRIORS.theta.mean[3])


@pytest.fixture
def peers_at(series_of):
    def make(values, *, variance=0.1, year=0):
        return [
            series_of(
                [(year, INTERVAL, value - 0.05, value + 0.05, np.nan)], region=f"r{place}", guess_variance=[variance]
            )
            for place, value in enumerate(values)
        ]

    return make


@pytest.fixture
def own(series_of):
    return series_of([], years=1)


def test_without_peers_the_shipped_law_of_levels_holds(own):
    assert pooled_level(own, [], PRIORS) == PRIORS.level


def test_many_peers_give_their_mean_and_the_sd_between_them(own, peers_at):
    count, between = 400, 0.7
    values = 2.0 + between * stats.norm.ppf((np.arange(count) + 0.5) / count)
    found = pooled_level(own, peers_at(values, variance=1e-6), replace(PRIORS, theta=without_noise()))
    assert found.mean == pytest.approx(2.0, abs=0.02)
    # the sd of 400 values has a standard error of 3.5 %
    assert found.sd == pytest.approx(between, rel=4.0 / np.sqrt(2.0 * count))


def without_noise():
    mean = PRIORS.theta.mean.copy()
    mean[3] = -20.0
    return ThetaPrior.normal(mean, PRIORS.theta.covariance)


def test_many_equal_peers_give_their_value_and_hardly_any_spread(own, peers_at):
    found = pooled_level(own, peers_at([2.0] * 200, variance=1e-4), replace(PRIORS, theta=without_noise()))
    assert found.mean == pytest.approx(2.0, abs=1e-3)
    assert found.sd <= 0.05


def test_a_peer_far_away_widens(own, peers_at):
    near = pooled_level(own, peers_at([2.0, 2.1, 1.9, 2.0, 2.05]), PRIORS)
    far = pooled_level(own, peers_at([2.0, 2.1, 1.9, 2.0, 2.05, 5.0]), PRIORS)
    assert far.sd > 1.5 * near.sd
    assert far.mean > near.mean


def test_the_order_of_peers_does_not_count(own, peers_at):
    peers = peers_at([1.0, 2.0, 3.5, -0.4])
    one, other = pooled_level(own, peers, PRIORS), pooled_level(own, peers[::-1], PRIORS)
    assert (one.mean, one.sd) == (pytest.approx(other.mean, rel=1e-12), pytest.approx(other.sd, rel=1e-12))


@pytest.mark.parametrize("values", [(1.0, 1.8, 2.5), (2.0, 2.0, 2.0), (-1.0, 4.0, 4.2)])
def test_the_pooled_level_agrees_with_quadrature_over_mean_and_spread(own, peers_at, values):
    found = pooled_level(own, peers_at(values, variance=0.2), PRIORS)
    m = np.linspace(-12.0, 15.0, 1801)[:, None, None]
    tau = np.linspace(1e-4, 6.0 * PRIORS.region_sd, 1201)[None, :, None]
    log_weight = stats.norm.logpdf(np.array(values), m, np.sqrt(tau**2 + 0.2 + NOISE)).sum(axis=2)
    log_weight += stats.norm.logpdf(m[..., 0], PRIORS.level.mean, PRIORS.level.sd)
    log_weight += stats.norm.logpdf(tau[..., 0], 0.0, PRIORS.region_sd)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    mean = (weight * m[..., 0]).sum()
    variance = (weight * (tau[..., 0] ** 2 + (m[..., 0] - mean) ** 2)).sum()
    # 200 points of tau up to four of its scale
    assert found.mean == pytest.approx(mean, abs=2e-3)
    assert found.sd == pytest.approx(np.sqrt(variance), rel=5e-3)


def test_the_figure_nearest_in_time_counts_and_an_old_one_less(series_of, own):
    def peer(*figures):
        return series_of([(year, INTERVAL, v - 0.05, v + 0.05, np.nan) for year, v in figures], years=9)

    at_once = pooled_level(own, [peer((0, 4.0), (8, 1.0))], PRIORS)
    later = pooled_level(own, [peer((8, 4.0))], PRIORS)
    assert at_once.mean > later.mean
    assert at_once.sd < later.sd
    assert at_once == pooled_level(own, [peer((0, 4.0))], PRIORS)


PRIOR = PRIORS.theta
Z = PRIOR.at(sobol_normals(10, 0))


def pool_of(*log_evidence):
    """A pool whose members have these log evidences at points drawn from the prior itself."""
    rows = np.array(log_evidence).reshape(-1, len(Z))
    return PoolFit(tuple(f"r{row}/rate" for row in range(len(rows))), Z, PRIOR.log_density(Z), rows, PRIOR)


def test_without_peers_the_prior_of_theta_is_the_shipped_one():
    assert pooled_theta(pool_of(), "a/rate") is PRIOR
    assert pooled_theta(pool_of(np.zeros(len(Z))), "r0/rate") is PRIOR


@pytest.mark.parametrize("count", [1, 7, 300])
def test_peers_that_say_nothing_leave_the_prior(count):
    found = pooled_theta(pool_of(*[np.zeros(len(Z))] * count), "a/rate")
    sd = np.sqrt(np.diag(PRIOR.covariance))
    # as far as 1,024 points of the design give the prior's own moments
    assert np.abs((found.mean - PRIOR.mean) / sd).max() <= 4.0 / np.sqrt(len(Z))
    unsure = 1.0 + 1.0 / (MEAN_SERIES + independent_regions(count))
    assert np.abs((found.covariance - unsure * PRIOR.covariance) / np.outer(sd, sd)).max() <= 4.0 * np.sqrt(
        2.0 / len(Z)
    )


SD = np.sqrt(np.diag(PRIOR.covariance))


def test_the_population_is_the_one_of_exact_steps_where_likelihoods_are_normal():
    z = PRIOR.at(sobol_normals(13, 0))
    rng = np.random.default_rng(1)
    noise = np.diag((0.8 * SD) ** 2)
    seen = PRIOR.mean + 0.5 * SD + rng.standard_normal((30, 5)) * SD
    rows = np.array([stats.multivariate_normal(one, noise).logpdf(z) for one in seen])
    found = population(z, PRIOR.log_density(z), rows, PRIOR, weights=(3.0, 20.0), counts=(8.0, 15.0))
    mean, covariance = PRIOR.mean, PRIOR.covariance
    for _ in range(15):
        gain = covariance @ np.linalg.inv(covariance + noise)
        posterior, left = mean + (seen - mean) @ gain.T, covariance - gain @ covariance
        mean = (3.0 * PRIOR.mean + 8.0 * posterior.mean(axis=0)) / 11.0
        apart, shift = posterior - mean, PRIOR.mean - mean
        scatter = 15.0 * (apart.T @ apart / len(seen) + left) + 3.0 * np.outer(shift, shift)
        covariance = (20.0 * PRIOR.covariance + scatter) / 35.0
    # 8,192 points; each member's posterior rests on about a tenth of them
    assert np.abs((found.mean - mean) / SD).max() <= 4.0 / np.sqrt(819)
    assert np.abs((found.covariance - covariance) / np.outer(SD, SD)).max() <= 4.0 * np.sqrt(2.0 / 819)


def test_regions_with_common_shocks_count_as_fewer():
    assert independent_regions(1) == 1.0
    assert 4.0 < independent_regions(6) < 6.0
    # as many regions as one likes are worth one over the share they have in common
    assert independent_regions(10**9) == pytest.approx(1.0 / default_shares().indicator)


def test_peers_that_agree_pull_theta_towards_them_the_more_they_are():
    toward = PRIOR.mean + np.array([1.0, 0.0, 0.0, -1.0, 0.0]) * SD
    row = -0.5 * np.square((Z - toward) / (0.5 * SD)).sum(axis=1)
    few, many = (pooled_theta(pool_of(*[row] * count), "a/rate") for count in (5, 100))
    for found in (few, many):
        assert found.mean[0] > PRIOR.mean[0]
        assert found.mean[3] < PRIOR.mean[3]
    assert abs(many.mean - toward).sum() < abs(few.mean - toward).sum()
    assert np.linalg.det(many.covariance) < np.linalg.det(few.covariance)


def test_the_order_of_a_pool_does_not_count_and_a_series_is_left_out_of_its_own():
    rng = np.random.default_rng(0)
    rows = [-0.5 * np.square(Z - PRIOR.mean - rng.standard_normal(5)).sum(axis=1) for _ in range(4)]
    one, other = pooled_theta(pool_of(*rows), "a/rate"), pooled_theta(pool_of(*rows[::-1]), "a/rate")
    np.testing.assert_allclose(one.mean, other.mean, rtol=1e-9)
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-9)
    without_last = pooled_theta(pool_of(*rows), "r3/rate")
    np.testing.assert_array_equal(without_last.mean, pooled_theta(pool_of(*rows[:3]), "a/rate").mean)


def test_a_pool_of_a_scored_indicator_stands_on_the_prior_without_it():
    slug = "internet_users"
    silent = pool_of(np.zeros(len(Z)))
    found, usual = (pooled_theta(silent, "a/rate", leave_out=name) for name in (slug, None))
    assert pooled_theta(pool_of(), "a/rate", leave_out=slug) is PRIOR.without(slug)
    assert found.mean[4] < usual.mean[4]  # its own pace was fast


def test_a_pool_weighs_only_members_with_three_figures(series_of):
    figures = [(step, INTERVAL, 1.0, 1.1, np.nan) for step in range(5)]
    found = fit_pool([series_of(figures, region="long"), series_of(figures[:2], region="short")])
    assert found.labels == ("long/rate",)
    assert found.log_evidence.shape == (1, len(found.z))
