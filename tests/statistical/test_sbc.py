"""Simulation-based calibration of the default engine, and proof that it would notice a broken one.

pytest tests/statistical/test_sbc.py
"""

from dataclasses import replace

import pytest
import sbc

pytestmark = pytest.mark.statistical


@pytest.fixture(scope="module")
def worlds():
    return sbc.make_worlds(sbc.WORLDS, seed=1)


@pytest.fixture(scope="module")
def posterior(worlds):
    return sbc.fit_worlds(worlds, seed=1)


def test_the_default_engine_ranks_the_truth_evenly(worlds, posterior):
    assert len(worlds) >= 1000
    assert sbc.passes(sbc.ranks_of(worlds, posterior, seed=1)).all()


@pytest.mark.parametrize("factor", [2.0 / 3.0, 1.5])
def test_draws_of_sigma_level_that_are_scaled_are_found_out(worlds, posterior, factor):
    def scaled(fit):
        theta = fit.posterior.theta.copy()
        theta[:, 0] *= factor
        return replace(fit, posterior=replace(fit.posterior, theta=theta))

    broken = replace(posterior, fits=tuple(scaled(fit) for fit in posterior.fits))
    passes = sbc.passes(sbc.ranks_of(worlds, broken, seed=1))
    assert not passes[sbc.QUANTITIES.index("figure 3 years ahead")]
