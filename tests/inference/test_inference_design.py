"""Weighing theta: a normal prior times a normal likelihood has a posterior and an evidence in closed form."""

import numpy as np
import pytest
from scipy import stats

from qsim.inference.design import MIN_EFFECTIVE_POINTS, Weighted, sobol_normals, weigh
from qsim.model.priors import ThetaPrior, default_priors
from qsim.model.trend import N_THETA

PRIOR = default_priors()["log"].theta  # a mixture of one: its posteriors have closed forms
MIXTURE = ThetaPrior(
    tuple(one.population.law for one in default_priors()["logit"].left_out.values()), np.full(14, 1.0 / 14.0)
)


class Normal:
    """Likelihood N(observed; z, diag(sd^2)) and what it makes of a normal prior."""

    def __init__(self, prior, offset, sd):
        self.observed = prior.mean + np.asarray(offset) * np.sqrt(np.diag(prior.covariance))
        self.noise = np.diag(np.broadcast_to(np.square(sd), N_THETA) * np.diag(prior.covariance))
        gain = prior.covariance @ np.linalg.inv(prior.covariance + self.noise)
        self.mean = prior.mean + gain @ (self.observed - prior.mean)
        self.covariance = prior.covariance - gain @ prior.covariance
        self.log_evidence = stats.multivariate_normal(prior.mean, prior.covariance + self.noise).logpdf(self.observed)

    def __call__(self, z):
        return stats.multivariate_normal(self.observed, self.noise).logpdf(z)


def check(found, exact):
    """Mean, covariance and evidence within four standard errors of as many independent points."""
    sd = np.sqrt(np.diag(exact.covariance))
    assert np.all(np.abs(found.mean - exact.mean) <= 4.0 * sd / np.sqrt(found.effective))
    error = (found.covariance - exact.covariance) / np.outer(sd, sd)
    assert np.abs(error).max() <= 4.0 * np.sqrt(2.0 / found.effective)


@pytest.mark.parametrize(
    ("offset", "sd"), [(np.zeros(5), 3.0), ([0.5, 0.0, -0.5, 0.3, 0.2], 1.5), ([1.0, -1.0, 0.5, 0.0, 0.5], 2.0)]
)
def test_a_vague_likelihood_is_weighed_on_the_global_design(offset, sd):
    exact = Normal(PRIOR, offset, sd)
    found = weigh(PRIOR, exact, 9)
    assert not found.local
    assert found.effective >= MIN_EFFECTIVE_POINTS
    check(found, exact)
    assert found.log_evidence == pytest.approx(exact.log_evidence, abs=0.05)


@pytest.mark.parametrize(
    ("offset", "sd"),
    [
        (np.zeros(5), 0.05),
        ([1.0, -1.0, 0.5, 0.0, 0.5], 0.1),
        ([2.0, -2.0, 1.5, 2.0, -1.0], 0.05),
        ([0.0, 0.0, 0.0, -2.5, 0.0], [2.0, 2.0, 2.0, 0.02, 2.0]),
    ],
)
def test_a_sharp_likelihood_is_weighed_on_a_local_design(offset, sd):
    exact = Normal(PRIOR, offset, sd)
    found = weigh(PRIOR, exact, 9)
    assert found.local
    assert found.effective >= MIN_EFFECTIVE_POINTS
    check(found, exact)
    assert found.log_evidence == pytest.approx(exact.log_evidence, abs=0.05)


def test_without_a_likelihood_the_posterior_is_the_prior():
    found = weigh(PRIOR, lambda z: np.zeros(len(z)), 9)
    assert found.effective == pytest.approx(512.0)
    assert found.log_evidence == 0.0
    np.testing.assert_allclose(found.mean, PRIOR.mean, atol=0.02)
    np.testing.assert_allclose(found.covariance, PRIOR.covariance, atol=0.05)


def test_points_of_no_likelihood_get_no_weight():
    found = weigh(PRIOR, lambda z: np.where(z[:, 4] > PRIOR.mean[4], 0.0, -np.inf), 9)
    assert found.weights[found.z[:, 4] <= PRIOR.mean[4]].sum() == 0.0
    assert found.log_evidence == pytest.approx(np.log(0.5), abs=0.01)


@pytest.mark.parametrize("sd", [2.0, 0.05])
def test_weighing_twice_gives_the_same_to_the_last_digit(sd):
    first, second = (weigh(PRIOR, Normal(PRIOR, np.ones(5), sd), 8) for _ in range(2))
    np.testing.assert_array_equal(first.z, second.z)
    np.testing.assert_array_equal(first.weights, second.weights)
    assert first.log_evidence == second.log_evidence


def test_a_constant_factor_moves_the_evidence_alone():
    exact = Normal(PRIOR, np.ones(5), 0.2)
    plain, moved = weigh(PRIOR, exact, 9), weigh(PRIOR, lambda z: exact(z) - 1000.0, 9)
    np.testing.assert_allclose(moved.weights, plain.weights, rtol=1e-6, atol=1e-12)
    assert moved.log_evidence == pytest.approx(plain.log_evidence - 1000.0, abs=1e-6)


def test_sobol_normals_are_standard_and_depend_on_seed_alone():
    normals = sobol_normals(10, 0)
    assert normals.shape == (1024, N_THETA + 1)
    # a scrambled net is at least as even as independent points
    assert np.abs(normals.mean(axis=0)).max() <= 4.0 / np.sqrt(1024)
    assert np.abs(np.cov(normals.T) - np.eye(N_THETA + 1)).max() <= 4.0 * np.sqrt(2.0 / 1024)
    assert not np.array_equal(normals, sobol_normals(10, 1))


@pytest.mark.parametrize("stride", [2, 4, 8])
def test_every_so_manieth_point_is_a_sample_of_all(stride):
    some = sobol_normals(12, 0)[::stride]
    assert np.abs(some.mean(axis=0)).max() <= 4.0 / np.sqrt(len(some))
    assert np.abs(some.std(axis=0) - 1.0).max() <= 4.0 / np.sqrt(2.0 * len(some))


def test_moments_of_weighted_points_are_weighted():
    z = np.array([[0.0, 1.0], [2.0, 1.0]])
    weighted = Weighted(z, np.array([0.25, 0.75]), 0.0, False)
    np.testing.assert_allclose(weighted.mean, [1.5, 1.0])
    np.testing.assert_allclose(weighted.covariance, [[0.75, 0.0], [0.0, 0.0]])
    assert weighted.effective == pytest.approx(1.6)


@pytest.mark.parametrize("prior", [PRIOR, MIXTURE])
def test_points_of_a_prior_have_its_moments(prior):
    points = prior.at(sobol_normals(12, 0))
    sd = np.sqrt(np.diag(prior.covariance))
    assert np.all(np.abs(points.mean(axis=0) - prior.mean) <= 4.0 * sd / 64.0)
    error = (np.cov(points.T) - prior.covariance) / np.outer(sd, sd)
    assert np.abs(error).max() <= 4.0 * np.sqrt(2.0) / 64.0


@pytest.mark.parametrize("prior", [PRIOR, MIXTURE])
def test_the_density_of_a_prior_is_the_weighted_sum_of_its_components(prior):
    points = prior.at(sobol_normals(6, 0))
    parts = [stats.multivariate_normal(one.mean, one.covariance).pdf(points) for one in prior.components]
    np.testing.assert_allclose(np.exp(prior.log_density(points)), prior.weights @ parts)


def test_a_prior_can_be_had_without_an_indicator_it_learned_from():
    logit, log = default_priors()["logit"], default_priors()["log"]
    found = logit.without("internet_users")
    assert found.theta.mean[4] < logit.theta.mean[4]  # the fastest pace is not in it
    assert logit.without("never learned on") is logit
    assert logit.without(None) is logit
    assert log.without("internet_users") is log


def test_every_shipped_prior_is_a_proper_density():
    for priors in default_priors().values():
        prior: ThetaPrior = priors.theta
        assert np.linalg.eigvalsh(prior.covariance).min() > 0.0
        assert min(priors.level.sd, priors.region_sd, priors.gap_sd) > 0.0
        assert priors.origin


def test_a_second_mode_off_the_local_design_keeps_its_weight():
    first, second = Normal(PRIOR, [0.3, 0.0, 0.0, 0.0, 0.0], 0.2), Normal(PRIOR, [-1.2, 0.5, 0.5, 0.5, -0.5], 0.2)
    # the likelihood is made such that the first mode has four fifths of the posterior
    scales = np.log(0.8) - first.log_evidence, np.log(0.2) - second.log_evidence
    found = weigh(PRIOR, lambda z: np.logaddexp(scales[0] + first(z), scales[1] + second(z)), 10)
    assert found.local
    near = np.square((found.z - first.mean) / np.sqrt(np.diag(PRIOR.covariance))).sum(axis=1)
    far = np.square((found.z - second.mean) / np.sqrt(np.diag(PRIOR.covariance))).sum(axis=1)
    share = found.weights[near < far].sum()
    assert abs(share - 0.8) <= 4.0 * np.sqrt(0.8 * 0.2 / found.effective)
    assert found.log_evidence == pytest.approx(0.0, abs=0.15)
