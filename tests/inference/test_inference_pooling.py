"""What a pool says of a region: limits, invariances, and brute-force quadrature."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from qsim.inference.design import sobol_normals
from qsim.inference.pooling import (
    PoolFit,
    fit_pool,
    independent_regions,
    pooled_level,
    pooled_theta,
    population,
    share_told,
)
from qsim.model.likelihood import INTERVAL
from qsim.model.priors import NormalLaw, Population, ThetaPrior, default_priors
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
    assert pooled_level(own, [], PRIORS) == PRIORS.first_level


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
    log_weight += stats.norm.logpdf(m[..., 0], PRIORS.first_level.mean, PRIORS.first_level.sd)
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


PRIOR = PRIORS.population.law
Z = PRIORS.theta.at(sobol_normals(10, 0))
NEAR = 0.5 * np.random.default_rng(4).standard_normal((6, 5))


def pool_of(*log_evidence, begun=0.0, priors=PRIORS):
    """A pool whose members have these log evidences at points drawn from the prior itself."""
    rows = np.array(log_evidence).reshape(-1, len(Z))
    return PoolFit(
        labels=tuple(f"r{row}/rate" for row in range(len(rows))),
        z=Z,
        log_proposal=PRIORS.theta.log_density(Z),
        log_evidence=rows,
        begun=np.broadcast_to(begun, len(rows)),
        priors=priors,
    )


def test_without_peers_the_prior_of_theta_is_the_shipped_one():
    assert pooled_theta(pool_of(), "a/rate") is PRIORS.population
    assert pooled_theta(pool_of(np.zeros(len(Z))), "r0/rate") is PRIORS.population


@pytest.mark.parametrize("count", [1, 7, 300])
def test_peers_that_say_nothing_leave_the_prior(count):
    begun = np.linspace(-3.0, 2.0, count)
    population = pooled_theta(pool_of(*[np.zeros(len(Z))] * count, begun=begun), "a/rate")
    np.testing.assert_array_equal(population.slope, PRIORS.population.slope)
    found = population.law
    sd = np.sqrt(np.diag(PRIOR.covariance))
    # as far as 1,024 points of the design give the prior's own moments
    assert np.abs((found.mean - PRIOR.mean) / sd).max() <= 4.0 / np.sqrt(len(Z))
    assert np.abs((found.covariance - PRIOR.covariance) / np.outer(sd, sd)).max() <= 4.0 * np.sqrt(2.0 / len(Z))


@pytest.mark.parametrize("ratio", [0.25, 1.0, 4.0])
def test_the_share_told_is_the_observed_part_of_the_information(ratio):
    # figures of a precision of so many times the population's leave 1 / (1 + ratio) of its variance
    found = Population(PRIOR, np.zeros(5), 0.0)
    z = ThetaPrior.normal(PRIOR.mean, PRIOR.covariance).at(sobol_normals(13, 0))
    rows = [stats.multivariate_normal(center, PRIOR.covariance / ratio).logpdf(z) for center in PRIOR.at(NEAR)]
    told = share_told(z, PRIOR.log_density(z), np.array(rows), np.zeros(len(NEAR)), found)
    assert told == pytest.approx(ratio / (1.0 + ratio), abs=0.02)


SD = np.sqrt(np.diag(PRIOR.covariance))


def least_squares(begun):
    """Slopes of posterior means in first levels, with a ridge of ten series."""
    apart = begun - begun.mean()
    return lambda means: apart @ means / (apart @ apart + 10.0 * begun.var())


@pytest.mark.parametrize("slope", [np.zeros(5), np.array([0.2, -0.2, 0.0, 0.3, -0.2])])
@pytest.mark.parametrize("learned", [False, True])
def test_the_population_is_the_one_of_exact_steps_where_likelihoods_are_normal(slope, learned):
    wide = NormalLaw(PRIOR.mean, 1.5 * PRIOR.covariance)
    z = ThetaPrior.normal(wide.mean, wide.covariance).at(sobol_normals(13, 0))
    rng = np.random.default_rng(1)
    noise = np.diag((0.8 * SD) ** 2)
    begun, slope = rng.standard_normal(30), slope * SD
    seen = PRIOR.mean + 0.5 * SD + rng.standard_normal((30, 5)) * SD + np.outer(begun, slope)
    rows = np.array([stats.multivariate_normal(one, noise).logpdf(z) for one in seen])
    found = population(
        z,
        wide.log_density(z),
        rows,
        begun,
        Population(PRIOR, slope, 0.0),
        weights=(3.0, 20.0),
        counts=(8.0, 15.0),
        slopes=least_squares(begun) if learned else None,
    )
    mean, covariance = PRIOR.mean, PRIOR.covariance
    for _ in range(15):
        gain, center = covariance @ np.linalg.inv(covariance + noise), mean + np.outer(begun, slope)
        posterior, left = center + (seen - center) @ gain.T, covariance - gain @ covariance
        slope = least_squares(begun)(posterior) if learned else slope
        rest = posterior - np.outer(begun, slope)
        mean = (3.0 * PRIOR.mean + 8.0 * rest.mean(axis=0)) / 11.0
        apart, shift = rest - mean, PRIOR.mean - mean
        scatter = 15.0 * (apart.T @ apart / len(seen) + left) + 3.0 * np.outer(shift, shift)
        covariance = (20.0 * PRIOR.covariance + scatter) / 35.0
    # 8,192 points; each member's posterior rests on about a tenth of them
    assert np.abs((found.law.mean - mean) / SD).max() <= 4.0 / np.sqrt(819)
    assert np.abs((found.law.covariance - covariance) / np.outer(SD, SD)).max() <= 4.0 * np.sqrt(2.0 / 819)
    np.testing.assert_allclose(found.slope / SD, slope / SD, atol=4.0 / np.sqrt(819) if learned else 0.0)


def test_regions_with_common_shocks_count_as_fewer():
    assert independent_regions(1) == 1.0
    assert 4.0 < independent_regions(6) < 6.0
    # as many regions as one likes are worth one over the share they have in common
    assert independent_regions(10**9) == pytest.approx(1.0 / default_shares().indicator)


def test_peers_that_agree_pull_theta_towards_them_the_more_they_are():
    toward = PRIOR.mean + np.array([1.0, 0.0, 0.0, -1.0, 0.0]) * SD
    row = -0.5 * np.square((Z - toward) / (0.5 * SD)).sum(axis=1)
    few, many = (pooled_theta(pool_of(*[row] * count), "a/rate").law for count in (5, 100))
    for found in (few, many):
        assert found.mean[0] > PRIOR.mean[0]
        assert found.mean[3] < PRIOR.mean[3]
    pulled = [0, 3]
    assert (np.abs(many.mean - toward)[pulled] < np.abs(few.mean - toward)[pulled]).all()
    assert np.linalg.det(many.covariance) < np.linalg.det(few.covariance)


def test_the_order_of_a_pool_does_not_count_and_a_series_is_left_out_of_its_own():
    rng = np.random.default_rng(0)
    rows = [-0.5 * np.square(Z - PRIOR.mean - rng.standard_normal(5)).sum(axis=1) for _ in range(4)]
    one, other = pooled_theta(pool_of(*rows), "a/rate").law, pooled_theta(pool_of(*rows[::-1]), "a/rate").law
    np.testing.assert_allclose(one.mean, other.mean, rtol=1e-9)
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-9)
    without_last = pooled_theta(pool_of(*rows), "r3/rate").law
    np.testing.assert_array_equal(without_last.mean, pooled_theta(pool_of(*rows[:3]), "a/rate").law.mean)


def test_a_pool_of_a_scored_indicator_stands_on_the_prior_without_it():
    slug = "internet_users"
    silent = pool_of(np.zeros(len(Z)))
    found, usual = (pooled_theta(silent, "a/rate", leave_out=name) for name in (slug, None))
    assert pooled_theta(pool_of(), "a/rate", leave_out=slug) is PRIORS.without(slug).population
    assert found.law.mean[4] < usual.law.mean[4]  # its own pace was fast


def test_a_pool_weighs_only_members_with_three_figures(series_of):
    figures = [(step, INTERVAL, 1.0, 1.1, np.nan) for step in range(5)]
    found = fit_pool([series_of(figures, region="long"), series_of(figures[:2], region="short")])
    assert found.labels == ("long/rate",)
    assert found.log_evidence.shape == (1, len(found.z))
