"""Sizes of levers: their laws, and how two of them go together."""

import numpy as np
import pytest
from scipy import stats

from qsim.forecast.levers_sizes import size_draws, size_scores
from qsim.plans.scenarios import Correlation, Source
from qsim.plans.sizes import Certain, Normal, Triangular, Uniform
from qsim.records import Names

DRAWS = 40_000
TEXT = Names(zh="例", en="example")
LAWS = [
    (Normal(law="normal", mean=2.0, sd=0.5), stats.norm(2.0, 0.5)),
    (Triangular(law="triangular", low=0.0, mode=1.0, high=5.0), stats.triang(0.2, 0.0, 5.0)),
    (Triangular(law="triangular", low=1.0, mode=1.0, high=2.0), stats.triang(0.0, 1.0, 1.0)),
    (Triangular(law="triangular", low=1.0, mode=2.0, high=2.0), stats.triang(1.0, 1.0, 1.0)),
    (Uniform(law="uniform", low=-1.0, high=3.0), stats.uniform(-1.0, 4.0)),
]


def correlation(one: str, other: str, value: float) -> Correlation:
    return Correlation(levers=(one, other), correlation=value, source=Source(kind="assumed", text=TEXT))


@pytest.mark.parametrize(("law", "exact"), LAWS)
def test_a_size_is_the_quantile_of_its_law(law, exact):
    scores = np.linspace(-4, 4, 801)
    assert np.allclose(size_draws(law, scores), exact.ppf(stats.norm.cdf(scores)), rtol=0, atol=1e-9)


def test_a_certain_size_is_its_value():
    assert set(size_draws(Certain(law="certain", value=1.5), np.zeros(50))) == {1.5}


def test_scores_are_standard_normal():
    scores = size_scores("a", (), DRAWS, 0)
    assert abs(scores.mean()) <= 4 / np.sqrt(DRAWS)
    assert abs(scores.var(ddof=1) - 1) <= 4 * np.sqrt(2 / DRAWS)


@pytest.mark.parametrize("given", [-0.6, 0.3, 0.9])
def test_two_levers_have_the_correlation_that_is_given(given):
    joined = (correlation("a", "b", given),)
    one, other = (size_scores(name, joined, DRAWS, 0) for name in "ab")
    assert abs(np.corrcoef(one, other)[0, 1] - given) <= 4 * (1 - given**2) / np.sqrt(DRAWS)
    for scores in (one, other):
        assert abs(scores.var(ddof=1) - 1) <= 4 * np.sqrt(2 / DRAWS)


def test_levers_that_are_joined_through_a_third_have_the_whole_matrix():
    joined = (correlation("a", "b", 0.6), correlation("b", "c", 0.5))
    scores = np.stack([size_scores(name, joined, DRAWS, 3) for name in "abc"])
    exact = np.array([[1, 0.6, 0], [0.6, 1, 0.5], [0, 0.5, 1]])
    assert np.abs(np.corrcoef(scores) - exact).max() <= 4 / np.sqrt(DRAWS)


def test_the_order_in_which_correlations_are_written_does_not_matter():
    joined = (correlation("a", "b", 0.6), correlation("c", "b", 0.5))
    turned = (correlation("b", "c", 0.5), correlation("b", "a", 0.6))
    for name in "abc":
        assert np.array_equal(size_scores(name, joined, 100, 1), size_scores(name, turned, 100, 1))


def test_a_lever_without_correlations_keeps_its_draws_when_others_have_some():
    assert np.array_equal(size_scores("x", (correlation("a", "b", 0.6),), 100, 1), size_scores("x", (), 100, 1))


def test_uncorrelated_levers_differ():
    one, other = (size_scores(name, (), DRAWS, 0) for name in "ab")
    assert abs(np.corrcoef(one, other)[0, 1]) <= 4 / np.sqrt(DRAWS)
