"""Ranks of truths and their bands: small cases in closed form, coverage, power."""

import numpy as np
import pytest
from scipy.stats import binom

from qsim.evaluation.ranks import band, critical_tail, ecdf, rank_of, smallest_tail

DRAWS, COUNT, COVERAGE = 19, 200, 0.95


def uniform(rng, sets=None, draws=DRAWS):
    return rng.integers(draws + 1, size=COUNT if sets is None else (sets, COUNT))


def test_a_rank_counts_the_draws_below_and_ties_by_lot():
    rng = np.random.default_rng(1)
    draws = np.array([1.0, 2.0, 2.0, 3.0])
    assert rank_of(0.0, draws, rng) == 0
    assert rank_of(2.5, draws, rng) == 3
    assert {rank_of(2.0, draws, rng) for _ in range(60)} == {1, 2, 3}


def test_the_distribution_function_counts_ranks_below_each_bound():
    np.testing.assert_array_equal(ecdf(np.array([0, 0, 2, 3]), 3), [2, 2, 3])


def test_one_draw_leaves_one_binomial_number():
    # ranks of one draw are 0 or 1: the band is a two-sided binomial test
    ranks = np.array([0] * 70 + [1] * 30)
    assert smallest_tail(ranks, 1) == pytest.approx(2.0 * binom.sf(69, 100, 0.5))


def test_uniform_ranks_stay_within_the_band_as_often_as_it_says():
    sets = 2000
    tails = smallest_tail(uniform(np.random.default_rng(7), sets), DRAWS)
    share = (tails >= critical_tail(COUNT, DRAWS, COVERAGE)).mean()
    # the limit itself is known from ten thousand sets
    error = np.sqrt(COVERAGE * (1.0 - COVERAGE) * (1.0 / sets + 1.0 / 10_000))
    assert abs(share - COVERAGE) <= 4.0 * error


def test_the_band_and_the_tail_say_the_same():
    low, high = band(COUNT, DRAWS, COVERAGE)
    limit = critical_tail(COUNT, DRAWS, COVERAGE)
    for ranks in uniform(np.random.default_rng(8), 300):
        below = ecdf(ranks, DRAWS)
        inside = bool(((below >= low) & (below <= high)).all())
        assert inside == bool(smallest_tail(ranks, DRAWS) >= limit)


@pytest.mark.parametrize("power", [0.7, 1.4])
def test_ranks_that_lean_to_one_side_are_found_out(power):
    rng = np.random.default_rng(9)
    ranks = np.floor((DRAWS + 1) * rng.random(4 * COUNT) ** power).astype(int)
    assert smallest_tail(ranks, DRAWS) < critical_tail(4 * COUNT, DRAWS, COVERAGE)
