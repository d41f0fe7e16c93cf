"""The covariance of the damped trend against linear algebra and against its corners."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qsim.model.trend import (
    SIGMA_NOISE_FLOOR,
    SLOPE_SD_CAP,
    constrain,
    first_slope_variance,
    level_covariance,
    level_mean,
    propagate,
    simulate_path,
    slope_covariance,
    unconstrain,
)

THETA = np.array([0.2, 0.1, 0.7, 0.05, 0.03])

thetas = st.builds(
    lambda level, slope, rho: np.array([level, slope, rho, 0.1, 0.0]),
    st.floats(0.0, 1.0),
    st.floats(0.0, 0.5),
    st.floats(0.0, 0.999),
)
shares = st.floats(0.9, 1.0)
KEPT = 0.97


def loadings(theta, kept, years, level_sd):
    """Loadings of every level, and of the last d, on (level_0, d_0, v_1, u_1, v_2, u_2, ...)."""
    sigma_level, sigma_slope, rho = theta[:3]
    size = 2 * years
    unit = np.eye(size)
    level = level_sd * unit[0]
    slope = np.sqrt(min(sigma_slope**2 / (1.0 - rho**2), SLOPE_SD_CAP**2)) * unit[1]
    levels = [level]
    for year in range(1, years):
        slope = rho * slope + sigma_slope * unit[2 * year]
        level = kept * level + slope + sigma_level * unit[2 * year + 1]
        levels.append(level)
    return np.array(levels), slope


@given(theta=thetas, kept=shares, years=st.integers(1, 12), level_sd=st.floats(0.0, 5.0))
@settings(derandomize=True, deadline=None)
def test_covariances_are_those_of_the_loadings_on_independent_normals(theta, kept, years, level_sd):
    levels, slope = loadings(theta, kept, years, level_sd)
    found = level_covariance(theta, kept, years, level_sd**2)
    np.testing.assert_allclose(found, levels @ levels.T, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(slope_covariance(theta, kept, years), levels @ slope, rtol=1e-10, atol=1e-12)


@given(theta=thetas, kept=shares, years=st.integers(1, 8), level_sd=st.floats(0.0, 5.0))
@settings(derandomize=True, deadline=None)
def test_a_simulated_path_is_the_loadings_times_its_normals(theta, kept, years, level_sd):
    levels, slope = loadings(theta, kept, years, level_sd)
    normals = np.random.default_rng(years).standard_normal(2 * years)
    path = np.empty(years)
    last = simulate_path(theta, kept, level_sd, normals, path)
    np.testing.assert_allclose(path, levels @ normals, rtol=1e-10, atol=1e-12)
    assert last == pytest.approx(slope @ normals, rel=1e-10, abs=1e-12)


def test_simulated_paths_have_the_stated_covariance():
    years, count = 6, 20_000
    rng = np.random.default_rng(0)
    paths = np.empty((count, years))
    slopes = np.array([simulate_path(THETA, KEPT, 0.4, rng.standard_normal(2 * years), path) for path in paths])
    both = np.column_stack([paths, slopes])
    exact = np.empty((years + 1, years + 1))
    exact[:years, :years] = level_covariance(THETA, KEPT, years, 0.4**2)
    exact[years, :years] = exact[:years, years] = slope_covariance(THETA, KEPT, years)
    exact[years, years] = THETA[1] ** 2 / (1.0 - THETA[2] ** 2)
    standard_error = np.sqrt((exact**2 + np.outer(np.diag(exact), np.diag(exact))) / count)
    # the mean is known to be zero
    assert np.all(np.abs(both.T @ both / count - exact) <= 4.0 * standard_error)


def test_without_innovations_the_level_is_flat():
    cov = level_covariance(np.array([0.0, 0.0, 0.5, 0.1, 0.0]), 1.0, 5, 2.25)
    np.testing.assert_array_equal(cov, np.full((5, 5), 2.25))


def test_without_slope_innovations_the_level_is_a_random_walk():
    year = np.arange(7)
    cov = level_covariance(np.array([0.3, 0.0, 0.5, 0.1, 0.0]), 1.0, 7, 1.0)
    np.testing.assert_allclose(cov, 1.0 + 0.3**2 * np.minimum.outer(year, year), rtol=1e-12)


def test_a_lasting_slope_without_innovations_is_a_straight_line():
    # V0 = sigma_s^2 / (1 - rho^2) stays 0.04 as rho goes to 1
    rho = 1.0 - 1e-9
    theta = np.array([0.0, 0.2 * np.sqrt(1.0 - rho**2), rho, 0.1, 0.0])
    year = np.arange(6)
    np.testing.assert_allclose(level_covariance(theta, 1.0, 6, 1.0), 1.0 + 0.04 * np.outer(year, year), rtol=1e-6)
    np.testing.assert_allclose(slope_covariance(theta, 1.0, 6), 0.04 * year, rtol=1e-6, atol=1e-12)


def test_a_damped_slope_is_stationary_below_the_cap():
    variance = 0.1**2 / (1.0 - 0.7**2)
    for years in (2, 5, 11):
        changes = np.diff(np.eye(years), axis=0)
        steps = changes @ level_covariance(np.array([0.0, 0.1, 0.7, 0.1, 0.0]), 1.0, years, 1.0) @ changes.T
        lag = np.abs(np.subtract.outer(np.arange(years - 1), np.arange(years - 1)))
        np.testing.assert_allclose(steps, variance * 0.7**lag, rtol=1e-9)


def test_the_first_slope_is_capped_where_the_stationary_law_runs_away():
    assert first_slope_variance(0.1, 0.6) == pytest.approx(0.01 / 0.64)
    assert first_slope_variance(1.0, 0.99) == SLOPE_SD_CAP**2
    assert first_slope_variance(0.1, 1.0) == SLOPE_SD_CAP**2


def test_a_level_that_keeps_less_than_all_settles_where_its_shocks_balance_what_it_loses():
    theta, kept = np.array([0.3, 0.0, 0.5, 0.1, 0.0]), 0.9
    settled = 0.3**2 / (1.0 - kept**2)
    cov = level_covariance(theta, kept, 5, settled)
    year = np.arange(5)
    np.testing.assert_allclose(cov, settled * kept ** np.abs(year[:, None] - year), rtol=1e-12)
    np.testing.assert_allclose(level_mean(0.7, 0.07, kept, 5), np.full(5, 0.7), rtol=1e-12)


def test_mean_levels_follow_the_drift_and_come_back():
    np.testing.assert_allclose(level_mean(1.0, 0.03, 1.0, 4), [1.0, 1.03, 1.06, 1.09], rtol=1e-12)
    np.testing.assert_allclose(level_mean(2.0, 0.1, 0.9, 3), [2.0, 1.9, 1.81], rtol=1e-12)


@given(theta=thetas, kept=shares, years=st.integers(1, 30))
@settings(derandomize=True, deadline=None)
def test_the_covariance_has_no_negative_direction(theta, kept, years):
    cov = level_covariance(theta, kept, years, 1.0)
    assert np.linalg.eigvalsh(cov).min() >= -1e-10 * np.trace(cov)


def test_constrain_reads_the_unconstrained_scale():
    z = np.log([[0.2, 0.1, 3.0, 0.05, 1.0], [0.02, 0.01, 0.25, 1e-9, 1.0]])
    z[:, 4] = [0.03, -0.2]
    expected = [[0.2, 0.1, 0.75, SIGMA_NOISE_FLOOR + 0.05, 0.03], [0.02, 0.01, 0.2, SIGMA_NOISE_FLOOR + 1e-9, -0.2]]
    np.testing.assert_allclose(constrain(z), expected, rtol=1e-12)


def carried(normals, *, kept=1.0, drift=0.0, slope=0.0, level=0.0):
    """Future levels of as many draws as ``normals`` has rows, all from one state."""
    count = len(normals)
    return propagate(
        np.tile(THETA, (count, 1)),
        kept,
        np.full(count, level),
        np.full(count, slope),
        np.full(count, drift),
        np.asarray(normals, dtype=float),
    )


def test_unconstrained_points_come_back():
    z = np.array([[-2.0, -3.0, 0.2, -2.5, 0.04], [1.0, -9.0, 8.0, -6.0, -0.3]])
    np.testing.assert_allclose(unconstrain(constrain(z)), z, rtol=1e-9)
    assert np.isfinite(unconstrain(np.array([0.0, 0.0, 1.0, 0.0, 0.0]))).all()


def test_the_mean_of_a_forecast_is_drift_and_damped_slope():
    rho = THETA[2]
    found = carried(np.zeros((1, 4, 2)), drift=0.03, slope=0.2, level=1.0)[0]
    horizon = np.arange(1, 5)
    expected = 1.0 + 0.03 * horizon + 0.2 * rho * (1.0 - rho**horizon) / (1.0 - rho)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_variance_of_a_forecast_after_one_and_two_years():
    sigma_level, sigma_slope, rho = THETA[:3]
    # one draw for each unit vector of the normals: the squared loadings add up to the variance
    variance = np.square(carried(np.eye(4).reshape(4, 2, 2))).sum(axis=0)
    one = sigma_slope**2 + sigma_level**2
    two = sigma_slope**2 * ((1.0 + rho) ** 2 + 1.0) + 2.0 * sigma_level**2
    np.testing.assert_allclose(variance, [one, two], rtol=1e-12)


def test_past_and_forecast_are_one_process():
    past, horizon, level_sd = 4, 3, 0.8
    size = 2 * (past + horizon)
    rows = []
    for normals in np.eye(size):
        path = np.empty(past)
        slope = simulate_path(THETA, KEPT, level_sd, normals[: 2 * past], path)
        future = carried(normals[2 * past :].reshape(1, horizon, 2), kept=KEPT, slope=slope, level=path[-1])[0]
        rows.append(np.concatenate([path, future]))
    found = np.array(rows).T
    exact = level_covariance(THETA, KEPT, past + horizon, level_sd**2)
    np.testing.assert_allclose(found @ found.T, exact, rtol=1e-10)
