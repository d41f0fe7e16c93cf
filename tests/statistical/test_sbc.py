"""Simulation-based calibration of the default engine, and proof that it would notice a broken one.

pytest tests/statistical/test_sbc.py
"""

import pytest
import sbc

from qsim.inference import laplace

pytestmark = pytest.mark.statistical


@pytest.fixture(scope="module")
def worlds():
    return sbc.make_worlds(sbc.WORLDS, seed=1)


def test_the_default_engine_ranks_the_truth_evenly(worlds):
    assert len(worlds) >= 1000
    assert sbc.passes(sbc.ranks_of(worlds, sbc.fit_worlds(worlds, 1), 1)).all()


def test_an_engine_that_takes_sigma_level_half_too_large_is_found_out(worlds, monkeypatch):
    constrain = laplace.constrain

    def broken(z):
        theta = constrain(z)
        theta[..., 0] *= 1.5
        return theta

    monkeypatch.setattr(laplace, "constrain", broken)
    passes = sbc.passes(sbc.ranks_of(worlds, sbc.fit_worlds(worlds, 1), 1))
    assert not passes[sbc.QUANTITIES.index("figure 3 years ahead")]
