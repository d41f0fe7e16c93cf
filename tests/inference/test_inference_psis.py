"""Pareto-smoothed importance sampling against ArviZ and against tails that are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qsim.inference.psis import effective_count, fit_pareto, smooth

LAWS = {
    "normal": lambda rng, n: 1.5 * rng.standard_normal(n),
    "student": lambda rng, n: rng.standard_t(3, n),
    "exponential": lambda rng, n: 0.6 * rng.exponential(size=n),
    "exponential, heavy": lambda rng, n: 1.3 * rng.exponential(size=n),
    "bounded": lambda rng, n: np.log(rng.random(n) ** 3),
}


def psis_of_arviz(log_weights):
    """Smoothed log weights and k by whichever ArviZ is installed."""
    import arviz

    if arviz.__version__.startswith("0."):
        with np.errstate(over="ignore"):
            return arviz.psislw(log_weights)
    # ArviZ 1 keeps its statistics apart and takes log likelihoods, of which the weights are the inverse
    from arviz_stats.base import array_stats

    return array_stats.psislw(-log_weights)


# sizes at which ArviZ 0 and 1 agree on the length of the tail
@pytest.mark.parametrize("size", [200, 1600, 10_000])
@pytest.mark.parametrize("law", LAWS)
def test_weights_and_k_are_those_of_arviz(law, size):
    log_weights = LAWS[law](np.random.default_rng(1), size)
    expected, expected_k = psis_of_arviz(log_weights)
    weights, k = smooth(log_weights)
    assert k == pytest.approx(float(expected_k), rel=1e-6, abs=1e-6)
    np.testing.assert_allclose(weights, np.exp(expected), rtol=1e-6)


@pytest.mark.parametrize("k", [0.25, 0.4, 0.7, 1.0])
def test_a_pareto_tail_of_known_shape_is_recovered(k):
    # weights U^-k have a Pareto tail of shape k; asymptotic s.e. of a shape from n excesses is (1 + k) / sqrt(n)
    count, tail = 20_000, 425
    uniform = (np.random.default_rng(2).permutation(count) + 0.5) / count
    _, found = smooth(-k * np.log(uniform))
    assert abs(found - k) <= 4.0 * (1.0 + k) / np.sqrt(tail)


@pytest.mark.parametrize(("k", "sigma"), [(-0.3, 1.0), (0.2, 2.0), (0.6, 0.5)])
def test_fitting_exact_quantiles_of_a_pareto_law_returns_its_shape_and_scale(k, sigma):
    count = 2000
    quantiles = (np.arange(count) + 0.5) / count
    found_k, found_sigma = fit_pareto(sigma * np.expm1(-k * np.log1p(-quantiles)) / k)
    # four standard errors of Smith (1985), doi:10.1093/biomet/72.1.67; the prior towards 0.5 is worth ten draws
    assert abs(found_k - k) <= 4.0 * (1.0 + k) / np.sqrt(count)
    assert abs(found_sigma - sigma) <= 4.0 * sigma * np.sqrt(2.0 * (1.0 + k) / count)


@pytest.mark.parametrize(
    "log_weights", [np.zeros(1000), np.full(1000, -745.0), 0.1 * np.sin(np.arange(1000.0)), np.zeros(3)]
)
def test_even_weights_have_no_tail(log_weights):
    weights, k = smooth(log_weights)
    assert k == -np.inf
    raw = np.exp(log_weights - log_weights.max())
    np.testing.assert_allclose(weights, raw / raw.sum(), rtol=1e-12)


@pytest.mark.parametrize("law", LAWS)
def test_only_differences_of_log_weights_count(law):
    log_weights = LAWS[law](np.random.default_rng(3), 1000)
    weights, k = smooth(log_weights)
    moved, moved_k = smooth(log_weights - 5000.0)
    np.testing.assert_allclose(moved, weights, rtol=1e-6)
    assert moved_k == pytest.approx(k, abs=1e-6)


@pytest.mark.parametrize("law", LAWS)
def test_the_order_of_draws_does_not_count(law):
    rng = np.random.default_rng(4)
    log_weights = LAWS[law](rng, 1000)
    order = rng.permutation(1000)
    weights, k = smooth(log_weights)
    shuffled, shuffled_k = smooth(log_weights[order])
    assert shuffled_k == pytest.approx(k, abs=1e-12)
    np.testing.assert_allclose(shuffled, weights[order], rtol=1e-9)


@given(seed=st.integers(0, 10_000), count=st.integers(2, 3000), scale=st.floats(0.0, 20.0))
@settings(derandomize=True, deadline=None)
def test_weights_sum_to_one_keep_their_order_and_none_exceeds_the_largest_raw_one(seed, count, scale):
    log_weights = scale * np.random.default_rng(seed).standard_normal(count)
    weights, _ = smooth(log_weights)
    assert weights.sum() == pytest.approx(1.0)
    assert np.all(np.diff(weights[np.argsort(log_weights, kind="stable")]) >= -1e-15)
    raw = np.exp(log_weights - log_weights.max())
    body = np.argmin(log_weights)
    if raw[body] > 1e-200:
        # the smallest weight is never in the tail: it tells the common factor
        assert weights.max() / weights[body] <= raw.max() / raw[body] * (1.0 + 1e-9)


def test_weights_that_are_equal_in_the_tail_are_left_alone():
    log_weights = np.concatenate([np.full(900, -3.0), np.zeros(100)])
    weights, k = smooth(log_weights)
    assert k == -np.inf
    np.testing.assert_allclose(weights, np.exp(log_weights) / np.exp(log_weights).sum())


def test_a_few_weights_of_two_or_three_among_even_ones_are_no_heavy_tail():
    log_weights = np.zeros(8000)
    log_weights[:40] = np.linspace(0.01, np.log(3.0), 40)
    assert smooth(log_weights)[1] == -np.inf


def test_the_effective_count_is_that_of_equal_weights():
    assert effective_count(np.full(50, 0.02)) == pytest.approx(50.0)
    assert effective_count(np.array([3.0, 0.0, 0.0])) == 1.0
    assert effective_count(np.array([2.0, 2.0, 0.0])) == pytest.approx(2.0)
