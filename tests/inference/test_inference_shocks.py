"""Correlation of shocks: hand-worked cases, limits, and what a copula must leave alone."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm, spearmanr

from qsim.indicators import Indicator
from qsim.inference.factors import carrier, correlation_of
from qsim.inference.fit import FittedSeries
from qsim.inference.innovations import Innovations
from qsim.inference.laplace import SeriesPosterior
from qsim.inference.shocks import (
    OWN_SHARE,
    SMALLEST_EIGENVALUE,
    CommonShocks,
    mixed_values,
    pair_draws,
    paired_order,
    prior_correlation,
    shocks_of,
    shrunk_correlation,
    year_loadings,
)
from qsim.model.likelihood import INTERVAL
from qsim.model.priors import LevelPrior, priors_of
from qsim.model.shares import ShockShares, default_shares
from qsim.records import Names

SHARES = ShockShares(everywhere=0.1, category=0.05, indicator=0.2, region=0.3, prior_years=10.0)
RATES = [[t, INTERVAL, value, value + 0.02, np.nan] for t, value in enumerate([1.0, 1.2, 1.1, 1.5])]


@pytest.fixture
def series(series_of):
    def make(region, slug, category="service", better="higher"):
        indicator = Indicator(slug=slug, name=Names(zh=slug, en=slug), category=category, better=better)
        return replace(series_of(RATES, region=region), indicator=indicator)

    return make


def fitted(data, draws=2000, seed=0):
    rng = np.random.default_rng(seed)
    posterior = SeriesPosterior(
        data=data, theta=np.abs(rng.normal(0.2, 0.02, (draws, 5))), level=rng.normal(size=(draws, data.years)),
        slope=0.1 * rng.normal(size=draws), pareto_k=0.1, theta_effective=99.0, log_evidence=0.0,
    )  # fmt: skip
    prior = priors_of(data.indicator)
    return FittedSeries(posterior=posterior, theta_prior=prior.theta, level_prior=LevelPrior(1.0, 0.5), pool_regions=0)


def towards(matrix):
    """Mix of independent scores to a correlation."""
    return carrier(np.eye(len(matrix)), matrix)


def scores(years, values):
    return Innovations(np.array(years, dtype=np.int64), np.array(values, dtype=float), 1.0)


def test_the_prior_correlation_adds_the_shares_that_two_series_have_in_common(series):
    found = prior_correlation(
        [
            series("a", "schools"),
            series("b", "schools"),
            series("a", "clinics"),
            series("b", "air", "environment"),
            series("a", "taps", "other"),
            series("a", "pipes", "other"),
        ],
        SHARES,
    )
    expected = [0.35, 0.45, 0.1, 0.4, 0.4]
    np.testing.assert_allclose(found[0, 1:], expected, atol=1e-12)
    assert found[4, 5] == pytest.approx(0.4)
    np.testing.assert_allclose(np.diag(found), 1.0)


def test_what_improves_two_indicators_moves_figures_of_opposite_sides_apart(series):
    found = prior_correlation([series("a", "schools"), series("a", "complaints", better="lower")], SHARES)
    assert found[0, 1] == pytest.approx(-0.45)


def test_two_series_with_two_common_years_worked_by_hand():
    found = [scores([2010, 2011, 2012], [1.0, 2.0, -1.0]), scores([2011, 2012, 2013], [1.0, 0.5, 2.0])]
    correlation, overlap = shrunk_correlation(found, np.array([[1.0, 0.2], [0.2, 1.0]]), 10.0)
    # 10 * 0.2 + 2 * 1 - 1 * 0.5 over the root of (10 + 4 + 1) (10 + 1 + 0.25)
    assert correlation[0, 1] == pytest.approx(3.5 / np.sqrt(15.0 * 11.25))
    assert overlap.tolist() == [[3, 2], [2, 3]]


def test_without_a_common_year_the_prior_is_all_there_is():
    prior = np.array([[1.0, 0.3], [0.3, 1.0]])
    correlation, overlap = shrunk_correlation([scores([2010], [2.0]), scores([2011], [2.0])], prior, 0.1)
    np.testing.assert_array_equal(correlation, prior)
    assert overlap[0, 1] == 0


def test_equal_scores_against_hardly_any_prior_are_drawn_to_it_by_one_step_of_twenty():
    same = scores(range(6), [1.0, -2.0, 0.5, 0.1, -0.4, 1.5])
    correlation, _ = shrunk_correlation([same, same], np.eye(2), 1e-9)
    assert correlation[0, 1] == pytest.approx(0.95, abs=1e-8)


def test_an_endless_prior_weight_leaves_the_prior():
    prior = np.array([[1.0, 0.3], [0.3, 1.0]])
    found = [scores(range(9), np.arange(9) - 4.0), scores(range(9), np.arange(9) - 4.0)]
    np.testing.assert_allclose(shrunk_correlation(found, prior, 1e12)[0], prior, atol=1e-9)


def test_the_correlation_of_scores_from_a_correlated_year_is_found():
    rng, years = np.random.default_rng(1), 4000
    z = rng.multivariate_normal([0, 0], [[1, 0.4], [0.4, 1]], years)
    correlation, _ = shrunk_correlation([scores(range(years), z[:, s]) for s in (0, 1)], np.eye(2), 20.0)
    assert abs(correlation[0, 1] - 0.4) <= 4.0 * (1 - 0.4**2) / np.sqrt(years) + 0.4 * 20.0 / years


@st.composite
def patchy(draw):
    """Series with scores in years of their own choice."""
    count = draw(st.integers(1, 7))
    years = st.lists(st.integers(2000, 2008), unique=True, max_size=9).map(sorted)
    values = st.floats(-2.6, 2.6)
    return [scores(y := draw(years), draw(st.lists(values, min_size=len(y), max_size=len(y)))) for _ in range(count)]


@given(found=patchy(), weight=st.sampled_from([0.01, 0.5, 3.0, 20.0]), share=st.floats(0.0, 0.9))
@settings(derandomize=True, deadline=None)
def test_factors_of_years_leave_a_share_to_every_series(found, weight, share):
    shared = {"every series": np.sqrt(share)}
    every = [{**shared, **year_loadings(one, shared, weight)} for one in found]
    assert all(sum(loading**2 for loading in one.values()) <= 1.0 - OWN_SHARE + 1e-12 for one in every)
    assert np.linalg.eigvalsh(correlation_of(every)).min() >= 0.9 * OWN_SHARE


def test_factors_have_the_correlation_of_the_years_where_there_is_no_prior_one():
    found = [scores([2010, 2011, 2012], [1.0, 2.0, -1.0]), scores([2012, 2011, 2010], [0.5, 1.0, -0.3])]
    correlation, _ = shrunk_correlation(found, np.eye(2), 10.0)
    factors = correlation_of([year_loadings(one, {}, 10.0) for one in found])
    assert factors[0, 1] == pytest.approx(correlation[0, 1])


@given(found=patchy(), weight=st.sampled_from([0.01, 0.5, 3.0, 20.0]), share=st.floats(0.0, 0.9))
@settings(derandomize=True, deadline=None)
def test_the_matrix_is_always_a_positive_definite_correlation(found, weight, share):
    prior = np.full((len(found), len(found)), share) + (1.0 - share) * np.eye(len(found))
    correlation, _ = shrunk_correlation(found, prior, weight)
    np.testing.assert_array_equal(np.diag(correlation), 1.0)
    np.testing.assert_allclose(correlation, correlation.T, rtol=0, atol=1e-15)
    assert np.linalg.eigvalsh(correlation).min() >= 0.9 * SMALLEST_EIGENVALUE


def test_adding_a_series_leaves_the_other_correlations():
    rng = np.random.default_rng(2)
    found = [scores(range(5 + s), rng.normal(size=5 + s)) for s in range(4)]
    prior = 0.9 * np.eye(4) + 0.1
    small, large = (shrunk_correlation(found[:n], prior[:n, :n], 20.0)[0] for n in (3, 4))
    np.testing.assert_array_equal(small, large[:3, :3])


@pytest.mark.parametrize("r", [-0.8, 0.0, 0.3, 0.9])
def test_paired_draws_have_the_joint_law_of_the_copula(r):
    draws, rng = 20_000, np.random.default_rng(3)
    values = np.array([rng.exponential(size=draws), rng.standard_t(3, draws)])
    matrix = np.array([[1.0, r], [r, 1.0]])
    paired = mixed_values(values, towards(matrix))
    above = [0.3, -0.5]  # as normal scores
    bounds = [np.quantile(one, norm.cdf(score)) for one, score in zip(values, above, strict=True)]
    p = np.mean((paired[0] >= bounds[0]) & (paired[1] >= bounds[1]))
    exact = multivariate_normal([0, 0], matrix).cdf([-above[0], -above[1]])
    assert abs(p - exact) <= 4.0 * np.sqrt(exact * (1 - exact) / draws)


def test_mixing_keeps_every_value_in_whatever_order_the_series_come():
    values = np.random.default_rng(4).normal(size=(3, 500))
    matrix = np.array([[1.0, 0.6, 0.1], [0.6, 1.0, 0.4], [0.1, 0.4, 1.0]])
    mixed = mixed_values(values, towards(matrix))
    np.testing.assert_array_equal(np.sort(mixed, axis=1), np.sort(values, axis=1))
    turned = [2, 0, 1]
    again = mixed_values(values[turned], towards(matrix[np.ix_(turned, turned)]))
    np.testing.assert_array_equal(mixed[turned], again)


def test_without_correlation_no_draw_moves_and_with_all_of_it_ranks_agree():
    values = np.random.default_rng(5).normal(size=(2, 500))
    np.testing.assert_array_equal(mixed_values(values, lambda own: own), values)
    together = mixed_values(values, towards(np.array([[1, 1 - 1e-12], [1 - 1e-12, 1]])))
    assert spearmanr(*together).statistic > 1.0 - 1e-6


def test_draws_in_the_order_of_scores_stay_in_it():
    values, scores = np.random.default_rng(6).normal(size=(2, 3, 100))
    placed = np.take_along_axis(values, paired_order(values, scores), axis=1)
    np.testing.assert_array_equal(np.argsort(placed, axis=1), np.argsort(scores, axis=1))
    np.testing.assert_array_equal(paired_order(placed, scores), np.tile(np.arange(100), (3, 1)))


def rows_of(fit):
    """Draws of a fit, one a row."""
    return np.column_stack([fit.posterior.theta, fit.posterior.level, fit.posterior.slope])


def test_draws_of_a_state_stay_whole(series):
    fits = [fitted(series("a", "schools"), seed=1), fitted(series("b", "schools"), seed=2)]
    pairs = pair_draws(fits, shocks_of(fits, SHARES), 0)
    for before, after in zip(fits, pairs, strict=True):
        rows = [rows_of(one) for one in (before, after)]
        np.testing.assert_array_equal(*(row[np.lexsort(row.T)] for row in rows))
        assert not np.array_equal(*rows)


def test_pairs_stay_pairs_in_whatever_order_their_draws_come(series):
    fits = [fitted(series("a", "schools"), seed=1), fitted(series("b", "schools"), seed=2)]
    shocks = shocks_of(fits, SHARES)
    pairs = pair_draws(fits, shocks, 0)
    for once, twice in zip(pairs, pair_draws(pairs, shocks, 0), strict=True):
        np.testing.assert_array_equal(rows_of(once), rows_of(twice))


def test_states_correlate_by_what_common_shocks_can_cause(series):
    draws, r, share = 20_000, 0.8, 0.25
    fits = [fitted(series(region, "schools"), draws, seed) for seed, region in enumerate("ab")]
    loadings = ({"every series": np.sqrt(r)},) * 2
    shocks = replace(CommonShocks.none(2), loadings=loadings, shock_share=np.array([1.0, share]))
    states = [fit.posterior.level[:, -1] for fit in pair_draws(fits, shocks, 0)]
    outlook_share = 1.0 / (1.0 + (0.1 * sum(0.2**j for j in (1, 2, 3))) ** 2)  # of the level in the outlook, about
    found = np.corrcoef(*states)[0, 1]
    assert abs(found - r * np.sqrt(share) * outlook_share) <= 4.0 / np.sqrt(draws)


@pytest.mark.parametrize("other", ["b", "c"])
def test_states_correlate_by_their_factors_whoever_else_is_there(series, other):
    draws = 20_000
    fits = [fitted(series(region, "schools"), draws, seed) for seed, region in enumerate("abc")]
    shocks = shocks_of(fits, replace(SHARES, indicator=0.5))
    plain = replace(shocks, correlation=shocks.prior, shock_share=np.array([1.0, 0.5, 0.25]))
    found = dict(zip("abc", pair_draws(fits, plain, 0), strict=True))
    states = [found[region].posterior.level[:, -1] for region in ("a", other)]
    h = {"b": 0.5, "c": 0.25}[other]
    outlook_share = 1.0 / (1.0 + (0.1 * sum(0.2**j for j in (1, 2, 3))) ** 2)
    expected = plain.prior[0, "abc".index(other)] * np.sqrt(h) * outlook_share
    assert abs(np.corrcoef(*states)[0, 1] - expected) <= 4.0 / np.sqrt(draws)


def test_a_series_that_shares_no_year_keeps_its_draws_whoever_else_is_there(series):
    fits = [fitted(series(region, "schools"), seed=seed) for seed, region in enumerate("abcd")]
    shocks = shocks_of(fits, SHARES)
    r = shocks.prior.copy()
    r[2, 3] = r[3, 2] = 0.8
    known = replace(shocks, correlation=r)
    few = shocks_of(fits[:2], SHARES)
    few = replace(few, correlation=few.prior)
    for small, large in zip(pair_draws(fits[:2], few, 0), pair_draws(fits, known, 0), strict=False):
        np.testing.assert_array_equal(rows_of(small), rows_of(large))


def test_shipped_shares_leave_a_share_of_its_own_to_every_series():
    shares = default_shares()
    assert 0.0 < 1.0 - shares.everywhere - shares.category - shares.indicator - shares.region <= 1.0
    assert shares.prior_years > 0.0


@pytest.mark.parametrize("faulty", [{"region": 0.7}, {"category": -0.1}, {"prior_years": 0.0}])
def test_shares_that_are_no_shares_are_refused(faulty):
    with pytest.raises(ValueError, match="none below 0 and a sum below 1"):
        replace(SHARES, **faulty)
