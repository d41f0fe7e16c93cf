"""Counts from scores: the quantiles of the binomial and the Poisson, whatever the size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from qsim.forecast.sampling import (
    ERROR_FAR,
    ERROR_NEAR,
    EXACT_BELOW,
    _expansion,
    binomial_counts,
    poisson_counts,
)

DRAWS = 2000
MOST = 7.0


def scores_of(rng: np.random.Generator) -> np.ndarray:
    """Normal scores, and some far out."""
    return np.concatenate([rng.standard_normal(DRAWS), rng.uniform(-MOST, MOST, DRAWS // 10)])


def reference(law: stats.rv_discrete, scores: np.ndarray, *shape: np.ndarray | float) -> np.ndarray:
    """Quantiles as SciPy has them, each in the tail that keeps its digits."""
    lower, upper = law.ppf(special.ndtr(scores), *shape), law.isf(special.ndtr(-scores), *shape)
    return np.where(scores < 0, lower, upper)


@pytest.mark.parametrize("trials", [1, 3, 20, 45, 100, 365, 1000, 5000, 20_000, 100_000])
def test_successes_are_those_of_scipy(trials):
    rng = np.random.default_rng(trials)
    scores = scores_of(rng)
    for p in (
        rng.random(scores.size),
        special.expit(rng.normal(3, 3, scores.size)),
        1 - 10 / (trials + 10) * rng.random(scores.size),
    ):
        counts = binomial_counts(scores, float(trials), p)
        assert np.array_equal(counts, reference(stats.binom, scores, trials, p))


@pytest.mark.parametrize("mean", [1e-3, 0.7, 5.0, 9.9, 10.1, 30.0, 300.0, 1e5])
def test_events_are_those_of_scipy(mean):
    rng = np.random.default_rng(7)
    scores = scores_of(rng)
    means = mean * np.exp(0.02 * rng.standard_normal(scores.size))
    assert np.array_equal(poisson_counts(scores, means), reference(stats.poisson, scores, means))


@pytest.mark.parametrize("p", [0.0005, 0.01, 0.1, 0.3, 0.5])
@pytest.mark.parametrize("variance", [10, 12, 15, 20, 30, 50, 100, 300])
def test_the_expansion_is_as_near_as_it_says(p, variance):
    trials = float(np.ceil(variance / (p * (1 - p))))
    variance, mean = trials * p * (1 - p), trials * p
    assert variance >= EXACT_BELOW
    counts = np.arange(np.floor(max(mean - 8 * variance**0.5, 0)), np.ceil(min(mean + 8 * variance**0.5, trials)))
    lower, upper = stats.binom.cdf(counts, trials, p), stats.binom.sf(counts, trials, p)
    scores = np.where(lower < 0.5, special.ndtri(lower), -special.ndtri(upper))
    places = [_expansion(score, mean, variance, 1 - 2 * p, p * (1 - p)) for score in scores]
    # at a score that is exactly the chance of a count, the quantile less one half is that count
    missed = np.array([abs(count - place) / cube for count, (place, cube) in zip(counts, places, strict=True)])
    assert missed[np.abs(scores) <= 3].max() <= ERROR_NEAR
    assert missed[np.abs(scores) <= 4].max() <= ERROR_FAR


@given(
    trials=st.integers(1, 30_000),
    p=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    score=st.floats(-5, 5),
)
def test_a_higher_probability_never_gives_a_lower_count(trials, p, score):
    low, high = binomial_counts(np.full(2, score), float(trials), np.array(sorted(p)))
    assert 0 <= low <= high <= trials


@given(means=st.tuples(st.floats(0, 1000), st.floats(0, 1000)), score=st.floats(-5, 5))
def test_a_higher_rate_never_gives_a_lower_count(means, score):
    low, high = poisson_counts(np.full(2, score), np.array(sorted(means)))
    assert 0 <= low <= high


@pytest.mark.parametrize(("p", "count"), [(0.0, 0), (1.0, 50)])
def test_a_certain_outcome_is_certain(p, count):
    assert set(binomial_counts(np.array([-3.0, 0.0, 3.0]), 50.0, np.full(3, p))) == {count}


def test_a_rate_without_events_has_none_and_an_endless_one_stays():
    assert poisson_counts(np.array([2.0, 0.0]), np.array([0.0, np.inf])).tolist() == [0.0, np.inf]
