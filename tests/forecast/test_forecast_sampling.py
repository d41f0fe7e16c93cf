"""Counts at a quantile of the normal law, against the distribution functions of scipy."""

import numpy as np
import pytest
from scipy import stats

from qsim.forecast.sampling import EXACT_BELOW, binomial_at, poisson_at

Z = np.linspace(-4.5, 4.5, 40_001)
CLOSE = 2e-4


def largest_gap(counts, law):
    """Largest difference of the distribution function made from counts at ascending z and the true one."""
    assert np.all(np.diff(counts) >= 0)
    values = np.unique(counts)[:-1]
    # the z up to which counts stay at or below a value
    edges = Z[np.searchsorted(counts, values, side="right") - 1]
    return np.abs(stats.norm.cdf(edges) - law.cdf(values)).max()


@pytest.mark.parametrize("p", [0.005, 0.02, 0.1, 0.3, 0.5, 0.8, 0.97, 0.995])
@pytest.mark.parametrize("spread", [EXACT_BELOW, 1.5 * EXACT_BELOW, 50.0, 2000.0])
def test_large_binomials_are_close_everywhere(p, spread):
    trials = float(np.ceil(spread / (p * (1.0 - p))))
    counts = np.array([binomial_at(z, trials, p) for z in Z])
    # half a step of the grid of z is 4.5e-5 of the distribution function
    assert largest_gap(counts, stats.binom(trials, p)) <= CLOSE + 1e-4


@pytest.mark.parametrize("rate", [EXACT_BELOW, 20.0, 900.0])
def test_large_poissons_are_close_everywhere(rate):
    assert largest_gap(np.array([poisson_at(z, rate) for z in Z]), stats.poisson(rate)) <= CLOSE + 1e-4


@pytest.mark.parametrize(("trials", "p"), [(15, 0.5), (15, 0.98), (50, 0.9), (50, 0.1), (5000, 0.001), (1, 0.3)])
def test_small_binomials_are_the_quantiles_themselves(trials, p):
    z = np.linspace(-4.0, 4.0, 501)
    found = [binomial_at(one, float(trials), p) for one in z]
    # for p above one half failures are counted, so that ties at a step may fall to the other side
    expected = stats.binom.ppf(stats.norm.cdf(z), trials, p)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("rate", [0.05, 1.0, 7.9])
def test_small_poissons_are_the_quantiles_themselves(rate):
    z = np.linspace(-4.0, 4.0, 501)
    np.testing.assert_array_equal([poisson_at(one, rate) for one in z], stats.poisson.ppf(stats.norm.cdf(z), rate))


@pytest.mark.parametrize("p", [0.0, 1e-18, 1.0 - 1e-16, 1.0])
def test_a_share_at_a_bound_gives_a_count_within_the_trials(p):
    assert all(binomial_at(z, 100.0, p) == np.round(100.0 * p) for z in (-6.0, 0.0, 6.0))
