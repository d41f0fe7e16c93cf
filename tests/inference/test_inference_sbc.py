"""A short simulation-based calibration: the full one is in tests/statistical."""

from dataclasses import replace

import numpy as np
import pytest
import sbc

WORLDS = 216
"""Two dozen of each family."""


@pytest.fixture(scope="module")
def worlds():
    return sbc.make_worlds(WORLDS, seed=1)


@pytest.fixture(scope="module")
def posterior(worlds):
    return sbc.fit_worlds(worlds, seed=1)


def test_the_default_engine_ranks_the_truth_evenly(worlds, posterior):
    assert sbc.passes(sbc.ranks_of(worlds, posterior, seed=1)).all()


def test_levels_drawn_half_too_wide_are_found_out(worlds, posterior):
    def widened(fit):
        level = fit.posterior.level
        wide = level.mean(axis=0) + 1.5 * (level - level.mean(axis=0))
        return replace(fit, posterior=replace(fit.posterior, level=wide))

    wide = replace(posterior, fits=tuple(widened(fit) for fit in posterior.fits))
    assert not sbc.passes(sbc.ranks_of(worlds, wide, seed=1))[sbc.QUANTITIES.index("level")]


def test_worlds_show_every_family_and_figures_of_one_to_twelve_years(worlds):
    assert {world.family for world in worlds} == set(sbc.FAMILIES)
    counts = [len(world.rows) for world in worlds]
    assert min(counts) == 1
    assert max(counts) > 8
    assert np.isfinite([(world.level, world.slope, world.eta) for world in worlds]).all()
