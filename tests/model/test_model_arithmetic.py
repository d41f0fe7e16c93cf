"""Elementary functions by arithmetic against those of the library."""

import numpy as np
import pytest
from scipy.stats import norm

from qsim.model.arithmetic import (
    exp_minus,
    expit,
    largest_of,
    log_each,
    normal_mass,
    normal_tail,
    smallest_of,
    softplus,
    sum_of,
    sum_of_squares,
)

F = np.linspace(-39.9, 39.9, 8001)


@pytest.mark.parametrize(
    ("ours", "library", "points"),
    [
        (exp_minus, lambda x: np.exp(-x), np.abs(F)),
        (softplus, lambda x: np.logaddexp(0.0, x), F),
        (expit, lambda x: 1.0 / (1.0 + np.exp(-x)), F),
        (lambda x: expit(-x), lambda x: 1.0 / (1.0 + np.exp(x)), F),
    ],
    ids=["exp", "softplus", "expit", "one minus expit"],
)
def test_it_is_within_its_stated_errors(ours, library, points):
    found, expected = np.array([ours(x) for x in points]), library(points)
    np.testing.assert_allclose(found, expected, rtol=2e-7, atol=0.0)
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=2e-10)


def test_far_out_nothing_overflows():
    assert [softplus(-1e4), exp_minus(1e4), expit(-1e4)] == pytest.approx([0.0] * 3, abs=1e-16)
    assert [softplus(1e4), expit(1e4)] == [1e4, 1.0]


def test_logs_are_within_their_stated_error():
    x = np.concatenate([np.exp(np.linspace(-700.0, 700.0, 4001)), np.linspace(0.5, 2.0, 4001)])
    found = np.empty(x.size)
    log_each(x, found)
    np.testing.assert_allclose(found, np.log(x), rtol=1e-12, atol=1e-12)


def test_tails_and_masses_of_the_normal_law_are_within_their_stated_errors():
    x = np.linspace(0.0, 8.0, 2001)
    np.testing.assert_allclose([normal_tail(one) for one in x], norm.sf(x), rtol=2e-7)
    low, width = np.meshgrid(np.linspace(-7.0, 6.0, 131), [1.0, 1.5, 4.0])
    expected = np.where(low > 0.0, norm.sf(low) - norm.sf(low + width), norm.cdf(low + width) - norm.cdf(low))
    found = [[normal_mass(a, a + w) for a, w in zip(*rows, strict=True)] for rows in zip(low, width, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_half_open_masses_are_tails():
    assert normal_mass(1.3, np.inf) == pytest.approx(norm.sf(1.3), rel=2e-7)
    assert normal_mass(-np.inf, 1.3) == pytest.approx(norm.cdf(1.3), rel=2e-7)
    assert 0.0 <= normal_mass(50.0, np.inf) < 1e-17


def test_sums_and_ends_are_those_of_numpy():
    x = np.random.default_rng(0).standard_normal(1003)
    assert (largest_of(x), smallest_of(x)) == (x.max(), x.min())
    assert (sum_of(x), sum_of_squares(x)) == pytest.approx((x.sum(), x @ x), rel=1e-12)
