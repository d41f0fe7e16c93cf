"""Elementary functions by arithmetic against those of the library."""

import numpy as np
import pytest

from qsim.model.arithmetic import exp_minus, expit, softplus

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
