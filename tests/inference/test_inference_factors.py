"""Scores from named factors, and the map to another correlation: closed forms and limits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qsim.inference.factors import carrier, correlation_of, squared, with_factors

LOADINGS = ({"a": 0.5, "b": 0.3}, {"a": 0.4, "c": 0.2}, {"b": -0.6, "c": 0.1})


def carried(scores, start, goal):
    return carrier(start, goal)(scores)


def correlation(size, seed):
    root = np.random.default_rng(seed).normal(size=(size, size + 2))
    covariance = root @ root.T
    scale = np.sqrt(np.diag(covariance))
    return covariance / np.outer(scale, scale)


def test_scores_correlate_by_the_products_of_their_loadings():
    expected = [[1.0, 0.2, -0.18], [0.2, 1.0, 0.02], [-0.18, 0.02, 1.0]]
    np.testing.assert_allclose(correlation_of(LOADINGS), expected, atol=1e-15)


def test_pairs_of_factors_make_the_squares():
    np.testing.assert_allclose(
        correlation_of([squared(one) for one in LOADINGS]), np.square(correlation_of(LOADINGS)), atol=1e-15
    )


def test_a_factor_of_known_numbers_is_added_by_hand():
    own = np.array([[1.0, -2.0], [0.5, 0.0], [0.0, 3.0]])
    factors = {"a": np.array([1.0, 0.0]), "b": np.array([0.0, 2.0]), "c": np.array([-1.0, 1.0])}
    mixed = with_factors(own, LOADINGS, factors.__getitem__)
    np.testing.assert_allclose(mixed[0], [np.sqrt(0.66) + 0.5, -2.0 * np.sqrt(0.66) + 0.6])
    np.testing.assert_allclose(mixed[2], [-0.1, 3.0 * np.sqrt(0.63) - 1.2 + 0.1])


def test_a_series_without_factors_keeps_its_scores():
    own = np.random.default_rng(0).normal(size=(1, 5, 2))
    np.testing.assert_array_equal(with_factors(own, [{}], lambda _: np.zeros((5, 2))), own)


@given(size=st.integers(2, 6), seed=st.integers(0, 99))
@settings(derandomize=True, deadline=None)
def test_the_map_takes_one_correlation_to_another(size, seed):
    start, goal = correlation(size, seed), correlation(size, seed + 100)
    moved = carried(np.eye(size), start, goal)
    np.testing.assert_allclose(moved @ start @ moved.T, goal, atol=1e-9)


def test_the_map_between_two_series_is_the_symmetric_root():
    r = 0.6
    moved = carried(np.eye(2), np.eye(2), np.array([[1.0, r], [r, 1.0]]))
    plus, minus = np.sqrt(1 + r), np.sqrt(1 - r)
    np.testing.assert_allclose(moved, 0.5 * np.array([[plus + minus, plus - minus], [plus - minus, plus + minus]]))


def test_no_other_map_of_the_correlation_moves_the_scores_less():
    goal = correlation(3, 7)
    least = carried(np.eye(3), np.eye(3), goal)
    triangle = np.linalg.cholesky(goal)  # E|Mx - x|^2 = tr(M - I)(M - I)^T
    assert np.square(least - np.eye(3)).sum() < np.square(triangle - np.eye(3)).sum()


@pytest.mark.parametrize("still", [[0], [2], [0, 2]])
def test_series_of_unchanged_correlation_keep_their_scores_to_the_last_digit(still):
    start = correlation(5, 3)
    goal = start.copy()
    free = [place for place in range(5) if place not in still]
    goal[np.ix_(free, free)] += 0.05 * (np.eye(len(free)) - np.full((len(free), len(free)), 1.0))
    np.fill_diagonal(goal, 1.0)
    scores = np.random.default_rng(1).normal(size=(5, 20))
    np.testing.assert_array_equal(carried(scores, start, goal)[still], scores[still])
    whole = carried(np.eye(5), start, goal)
    np.testing.assert_allclose(whole @ start @ whole.T, goal, atol=1e-12)


def test_equal_correlations_move_nothing():
    scores = np.random.default_rng(2).normal(size=(4, 10))
    np.testing.assert_array_equal(carried(scores, correlation(4, 1), correlation(4, 1)), scores)
