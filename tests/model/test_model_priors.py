"""Theta and the first level have one joint law, whichever of them comes first."""

import numpy as np
import pytest
from scipy import stats

from qsim.model.priors import LevelPrior, NormalLaw, Population, default_priors

SD = np.array([1.0, 0.9, 1.4, 1.2, 0.06])
MEAN = np.array([-2.0, -3.0, 0.2, -2.5, 0.04])
CORRELATION = 0.2 + 0.8 * np.eye(5)
LAW = NormalLaw(MEAN, CORRELATION * np.outer(SD, SD))
SLOPE = np.array([0.1, -0.2, 0.0, 0.3, -0.02])
POPULATION = Population(LAW, SLOPE, 0.8)
LEVEL = LevelPrior(1.4, 2.0)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_joint_density_is_the_same_from_either_side(sign):
    theta, given = POPULATION.joint(LEVEL, sign)
    rng = np.random.default_rng(0)
    for level in (-3.0, 0.0, 4.0):
        z = LAW.at(rng.standard_normal((6, 5)))
        moved = MEAN + SLOPE * (sign * level - 0.8)
        first = stats.norm(LEVEL.mean, LEVEL.sd).logpdf(level)
        first = first + stats.multivariate_normal(moved, LAW.covariance).logpdf(z)
        second = theta.log_density(z) + stats.norm(given.given(z), given.sd).logpdf(level)
        np.testing.assert_allclose(first, second, rtol=1e-10)


def test_the_first_level_keeps_its_law_whatever_theta_is():
    theta, given = POPULATION.joint(LEVEL, 1.0)
    assert given.sd < LEVEL.sd
    assert given.marginal_sd(theta) == pytest.approx(LEVEL.sd, rel=1e-12)
    assert given.given(theta.mean[None]) == pytest.approx(LEVEL.mean, rel=1e-12)


def test_a_failure_rate_has_the_prior_of_the_pass_rate_turned_over():
    passed, of_passed = POPULATION.joint(LEVEL, 1.0)
    failed, of_failed = POPULATION.joint(LevelPrior(-LEVEL.mean, LEVEL.sd), -1.0)
    np.testing.assert_allclose(failed.mean, passed.mean, rtol=1e-12)
    np.testing.assert_allclose(failed.covariance, passed.covariance, rtol=1e-12)
    z = LAW.at(np.random.default_rng(1).standard_normal((4, 5)))
    np.testing.assert_allclose(of_failed.given(z), -of_passed.given(z), rtol=1e-12)


@pytest.mark.parametrize("block", ["logit", "logit_slow"])
def test_shipped_priors_of_a_failure_rate_are_those_of_the_pass_rate_turned_over(block):
    passed, failed = default_priors(1.0)[block], default_priors(-1.0)[block]
    for one, other in ((passed, failed), *zip(passed.left_out.values(), failed.left_out.values(), strict=True)):
        assert other.first_level == LevelPrior(-one.first_level.mean, one.first_level.sd)
        np.testing.assert_allclose(other.theta.mean, one.theta.mean, rtol=1e-12)
        np.testing.assert_allclose(other.theta.covariance, one.theta.covariance, rtol=1e-12)
        z = one.theta.at(np.random.default_rng(1).standard_normal((4, 6)))
        np.testing.assert_allclose(other.level.given(z), -one.level.given(z), rtol=1e-10)


def test_a_count_begins_where_it_begins_whichever_side_is_better():
    for block in ("log", "identity"):
        assert default_priors(-1.0)[block].first_level == default_priors(1.0)[block].first_level


def test_without_slopes_theta_and_first_level_are_independent():
    theta, given = Population(LAW, np.zeros(5), 0.8).joint(LEVEL, 1.0)
    assert given == LEVEL
    assert given.marginal_sd(theta) == LEVEL.sd
    np.testing.assert_array_equal(theta.mean, MEAN)
    np.testing.assert_array_equal(given.given(np.zeros((3, 5))), np.full(3, LEVEL.mean))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_shipped_priors_are_the_joint_law_of_their_population(sign):
    for priors in default_priors(sign).values():
        assert priors.sign == sign
        for one in (priors, *priors.left_out.values()):
            theta, given = one.population.joint(one.first_level, sign)
            np.testing.assert_array_equal(theta.covariance, one.theta.covariance)
            assert given == one.level


def test_only_rates_have_learned_that_the_first_level_tells_of_theta():
    known = default_priors()
    assert [name for name, priors in known.items() if priors.population.slope.any()] == ["logit"]
    assert all(one.population.slope.any() for one in known["logit"].left_out.values())
