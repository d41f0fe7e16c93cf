"""Scores against closed forms, hand-worked cases and the formulas of the panel's scorer written out."""

from statistics import NormalDist

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from qsim.evaluation import scores
from qsim.evaluation.names import QUANTILE, QUANTILES

POINTS = 4000
PROBABILITY = xr.DataArray([0.05, 0.35, 0.3, 0.95, np.nan], dims="case")
EVENT = xr.DataArray([0.0, 1.0, 0.0, 1.0, 1.0], dims="case")


def draws(values) -> xr.DataArray:
    """Draws in one chain, dims (chain, draw, ...)."""
    array = np.asarray(values, dtype=float)
    return xr.DataArray(array[None], dims=("chain", "draw", "case")[: array.ndim + 1])


def normal_draws(mean: float, sd: float) -> xr.DataArray:
    """Exact quantiles of a normal law, not random draws."""
    return draws(norm.ppf((np.arange(POINTS) + 0.5) / POINTS, mean, sd))


def in_percent(logit_mean: float, logit_sd: float) -> xr.DataArray:
    """Quantiles of a logit-normal law."""
    eta = norm.ppf(QUANTILES, logit_mean, logit_sd)
    return xr.DataArray(100.0 / (1.0 + np.exp(-eta)), {QUANTILE: list(QUANTILES)}, (QUANTILE,))


@pytest.mark.parametrize("outcome", [-3.0, 0.0, 0.4, 2.5])
@pytest.mark.parametrize("fair", [False, True])
def test_crps_of_normal_draws_is_the_closed_form(outcome, fair):
    sd, mean = 1.7, 0.3
    z = (outcome - mean) / sd
    closed = sd * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))
    score = scores.crps(normal_draws(mean, sd), xr.DataArray(outcome), fair=fair)
    assert float(score) == pytest.approx(closed, abs=2 * sd / POINTS)


def test_crps_of_two_draws_by_hand():
    two = draws([1.0, 3.0])
    assert float(scores.crps(two, xr.DataArray(2.0))) == pytest.approx(1.0 - 0.5)
    assert float(scores.crps(two, xr.DataArray(2.0), fair=True)) == pytest.approx(1.0 - 1.0)


def test_crps_is_the_pairwise_sum():
    values = np.random.default_rng(1).normal(size=(50, 3))
    outcome = xr.DataArray([0.0, 0.5, -2.0], dims="case")
    pairs = np.abs(values[:, None] - values[None]).mean(axis=(0, 1))
    expected = np.abs(values - outcome.values).mean(axis=0) - 0.5 * pairs
    score = scores.crps(draws(values), outcome)
    assert score.dims == ("case",)
    np.testing.assert_allclose(score, expected)


def test_a_missing_outcome_has_no_score():
    values = draws(np.zeros((10, 2)))
    outcome = xr.DataArray([np.nan, 1.0], dims="case")
    assert np.isnan(scores.crps(values, outcome)[0])
    assert np.isnan(scores.pit(values, outcome, seed=0)[0])
    assert np.isnan(scores.covered(outcome * 0, outcome * 0 + 1, outcome)[0])
    quantiles = in_percent(0, 1) * xr.ones_like(outcome.fillna(0))
    assert np.isnan(scores.crps_of_quantiles(quantiles, outcome)[0])
    assert not np.isnan(scores.crps_of_quantiles(quantiles, outcome)[1])


@given(outcome=st.floats(-50, 50), shift=st.floats(-10, 10), scale=st.floats(0.1, 10))
def test_crps_moves_and_stretches_with_its_unit(outcome, shift, scale):
    base = draws(np.linspace(-1, 2, 11))
    score = float(scores.crps(base, xr.DataArray(outcome)))
    moved = float(scores.crps(base * scale + shift, xr.DataArray(outcome * scale + shift)))
    assert moved == pytest.approx(scale * score, abs=1e-9)


@pytest.mark.parametrize("outcome", [3.0, 50.0, 61.0, 99.9])
def test_crps_of_quantiles_is_that_of_the_whole_law(outcome):
    levels = (np.arange(20_000) + 0.5) / 20_000
    whole = draws(100.0 / (1.0 + np.exp(-norm.ppf(levels, 0.4, 0.8))))
    expected = float(scores.crps(whole, xr.DataArray(outcome)))
    # 199 levels leave out half a percent of each tail
    assert float(scores.crps_of_quantiles(in_percent(0.4, 0.8), xr.DataArray(outcome))) == pytest.approx(
        expected, rel=5e-3
    )


def test_crps_of_quantiles_is_the_form_of_the_panel():
    quantiles, outcome = in_percent(1.0, 0.5), 60.0
    tau = (np.arange(199) + 0.5) / 199
    z = np.array([NormalDist().inv_cdf(level) for level in tau])
    known = np.array([NormalDist().inv_cdf(level) for level in QUANTILES])
    v = np.clip(quantiles.values, 1e-3, 100 - 1e-3)
    eta = np.maximum.accumulate(np.log(v / (100 - v)))
    j = np.clip(np.searchsorted(known, z) - 1, 0, len(known) - 2)
    w = (z - known[j]) / (known[j + 1] - known[j])
    d = outcome - 100 / (1 + np.exp(-(eta[j] * (1 - w) + eta[j + 1] * w)))
    expected = 2 * np.mean(np.where(d >= 0, tau * d, (tau - 1) * d))
    assert float(scores.crps_of_quantiles(quantiles, xr.DataArray(outcome))) == pytest.approx(expected, rel=1e-9)


def test_a_quantile_grid_goes_through_its_quantiles_and_never_falls():
    grid = scores.quantile_grid(in_percent(0.2, 1.0))
    assert (np.diff(grid) > 0).all()
    exact = 100.0 / (1.0 + np.exp(-norm.ppf(grid["point"], 0.2, 1.0)))
    np.testing.assert_allclose(grid, exact, rtol=1e-9)
    crossing = in_percent(0.2, 1.0).copy()
    crossing[3] = 1.0
    assert (np.diff(scores.quantile_grid(crossing)) >= 0).all()


def test_interval_score_by_hand():
    lower, upper = xr.DataArray(10.0), xr.DataArray(20.0)
    outcome = xr.DataArray([15.0, 8.0, 21.0], dims="case")
    np.testing.assert_allclose(
        scores.interval_score(lower, upper, outcome, probability=0.8), [10.0, 10.0 + 20.0, 10.0 + 10.0]
    )


def test_the_true_interval_has_the_best_mean_interval_score():
    outcome = xr.DataArray(norm.ppf((np.arange(POINTS) + 0.5) / POINTS), dims="case")
    mean = {
        half: float(scores.interval_score(xr.DataArray(-half), xr.DataArray(half), outcome, probability=0.8).mean())
        for half in (0.9, norm.ppf(0.9), 1.7)
    }
    assert min(mean, key=mean.get) == norm.ppf(0.9)


def test_an_interval_covers_its_ends():
    outcome = xr.DataArray([1.0, 2.0, 2.1], dims="case")
    assert scores.covered(xr.DataArray(1.0), xr.DataArray(2.0), outcome).values.tolist() == [1, 1, 0]


def test_coverage_takes_figures_at_the_edge_as_equal_only_on_request():
    lower, upper, outcome = xr.DataArray(90.0), xr.DataArray(99.95), xr.DataArray(100.0)
    assert float(scores.covered(lower, upper, outcome)) == 0.0
    assert float(scores.covered(lower, upper, outcome, edge=0.1)) == 1.0


def test_pit_is_uniform_even_where_draws_tie():
    rng = np.random.default_rng(3)
    cases = 4000
    forecast = draws(rng.poisson(1.0, size=(19, cases)))
    outcome = xr.DataArray(rng.poisson(1.0, size=cases).astype(float), dims="case")
    transformed = np.sort(scores.pit(forecast, outcome, seed=5))
    distance = np.abs(transformed - (np.arange(cases) + 0.5) / cases).max()
    assert distance < 1.63 / np.sqrt(cases)  # Kolmogorov's 99 % point


def test_equal_seeds_give_equal_pits():
    forecast, outcome = draws(np.zeros((9, 5))), xr.DataArray(np.zeros(5), dims="case")
    first, again, other = (scores.pit(forecast, outcome, seed=seed) for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)


def test_brier_and_log_score_by_hand():
    np.testing.assert_allclose(scores.brier(PROBABILITY, EVENT)[:4], [0.0025, 0.4225, 0.09, 0.0025])
    np.testing.assert_allclose(scores.log_score(PROBABILITY, EVENT)[:2], [-np.log(0.95), -np.log(0.35)])
    assert np.isnan(scores.brier(PROBABILITY, EVENT)[4])


def test_a_wrong_certainty_costs_no_more_than_the_clip():
    certain = xr.DataArray([0.0, 1.0], dims="case")
    wrong = scores.log_score(certain, 1.0 - certain)
    np.testing.assert_allclose(wrong, -np.log(scores.P_CLIP))


@given(truth=st.floats(0.05, 0.95), said=st.floats(0.01, 0.99))
def test_no_probability_scores_better_than_the_true_one(truth, said):
    for score in (scores.brier, scores.log_score):
        expected = {
            p: float(truth * score(xr.DataArray(p), xr.DataArray(1.0)))
            + float((1 - truth) * score(xr.DataArray(p), xr.DataArray(0.0)))
            for p in (truth, said)
        }
        assert expected[truth] <= expected[said] + 1e-12


def test_reliability_counts_by_hand():
    table = scores.reliability(PROBABILITY, EVENT)
    assert table["count"].values.tolist() == [1, 0, 0, 2, 0, 0, 0, 0, 0, 1]
    assert float(table["mean_p"][3]) == pytest.approx(0.325)
    assert float(table["observed"][3]) == pytest.approx(0.5)
    assert np.isnan(table["mean_p"][1])
    assert scores.calibration_error(table) == pytest.approx((0.05 + 2 * 0.175 + 0.05) / 4)


def test_a_calibrated_forecaster_has_no_calibration_error():
    p = xr.DataArray(np.repeat([0.25, 0.75], 4), dims="case")
    event = xr.DataArray([0.0, 0, 0, 1, 0, 1, 1, 1], dims="case")
    assert scores.calibration_error(scores.reliability(p, event)) == pytest.approx(0.0)


def test_error_of_change_is_per_year():
    horizon = {"horizon": [1, 5]}
    forecast = xr.DataArray([52.0, 60.0], horizon, ("horizon",))
    outcome = xr.DataArray([49.0, 55.0], horizon, ("horizon",))
    change = scores.change_error(forecast, outcome, xr.DataArray(50.0))
    assert change["forecast"].values.tolist() == [2.0, 2.0]
    assert change["observed"].values.tolist() == [-1.0, 1.0]
    assert change["error"].values.tolist() == [3.0, 1.0]
    assert change["direction"].values.tolist() == [0.0, 1.0]
