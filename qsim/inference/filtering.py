r"""Compiled filter for many series: every figure as a Gaussian site, and the evidence of theta for thousands of points.

A figure's likelihood is replaced, once a series and for all theta, by a site :math:`m \sim N(\eta, v)`, with
:math:`\eta = level + \sigma_e e` the figure's latent value. Given theta the model is then linear and Gaussian,

.. math:: m_i = level_{t_i} + w_i, \qquad w_i \sim N(0, s_i^2), \quad s_i^2 = \sigma_e^2 + v_i,

so the evidence of theta is a product of one-step forecasts :math:`N(m_i; a_i, S_i)`, with gains :math:`K_i` and
innovations :math:`e_i = m_i - a_i`. Backwards, with F the transition of (level, d) and r = 0 behind the last figure,

.. math:: u_i = e_i / S_i - K_i^T r_i, \qquad r_{i-1} = F^T (r_i + (u_i, 0)^T).

With :math:`D_i` the variance of :math:`u_i`, what the other figures say about :math:`\eta_i`, its cavity, is
:math:`N(m_i - u_i / D_i, 1 / D_i - v_i)`.

The inner loops run over points of theta, so that they compile to vector instructions.

Source: Durbin & Koopman (2012), Time series analysis by state space methods, sec. 4.4, 4.5 and 6.4 (univariate
treatment); Rasmussen & Williams (2006), sec. 3.6 (expectation propagation).
"""

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qsim.model.likelihood import INTERVAL, density_ratio, log_likelihood, log_ndtr_difference
from qsim.model.trend import first_slope_variance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BLOCK: Final = 256
"""Points or draws worked on together: their state fits the fastest cache."""

_PRODUCT: Final = 16
"""Variances multiplied before their log is taken."""

_LOG_SQRT_2PI: Final = 0.5 * float(np.log(2.0 * np.pi))

_SWEEPS: Final = 12
_SETTLED: Final = 1e-3
_SILENT: Final = 1e8
"""Variance of the site of a figure that says nothing. [link scale squared]"""


@njit(cache=True, nogil=True, error_model="numpy")
def site_evidence(
    thetas: Floats, level_mean: float, level_sd: float, sign: float, step: Ints, middle: Floats, spread: Floats
) -> Floats:
    """Log evidence of the sites at every theta.

    Parameters
    ----------
    thetas : array, dims (5, theta)
    step : array, dims (figure)
        Ascending.
    middle, spread : arrays, dims (figure)
        m and v of each site. [link scale, squared]

    Returns
    -------
    array, dims (theta)
    """
    points, figures = thetas.shape[1], step.shape[0]
    result = np.zeros(points)
    state = np.empty((12, BLOCK))
    for first in range(0, points, BLOCK):
        size = min(BLOCK, points - first)
        for j in range(size):
            state[0, j], state[1, j] = level_mean, 0.0
            state[2, j], state[3, j] = level_sd**2, 0.0
            state[4, j] = first_slope_variance(thetas[1, first + j], thetas[2, first + j])
            state[5, j], state[6, j] = thetas[2, first + j], thetas[1, first + j] ** 2
            state[7, j] = thetas[0, first + j] ** 2 + state[6, j]
            state[8, j], state[9, j] = thetas[3, first + j] ** 2, sign * thetas[4, first + j]
            state[10, j], state[11, j] = 0.0, 1.0
        year = 0
        for i in range(figures):
            while year < step[i]:
                year += 1
                predict(state, size)
            _update(state, size, middle[i], spread[i])
            if i % _PRODUCT == _PRODUCT - 1 or i == figures - 1:
                for j in range(size):
                    result[first + j] += 0.5 * np.log(state[11, j])
                    state[11, j] = 1.0
        for j in range(size):
            result[first + j] -= 0.5 * state[10, j] + figures * _LOG_SQRT_2PI
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def predict(state: Floats, size: int) -> None:
    """Carry the filtered mean (rows 0, 1) and covariance (rows 2 to 4) of (level, d) to the next year."""
    for j in range(size):
        ld, dd, rho, slope_noise = state[3, j], state[4, j], state[5, j], state[6, j]
        state[1, j] = rho * state[1, j]
        state[0, j] += state[9, j] + state[1, j]
        state[2, j] += 2.0 * rho * ld + rho * rho * dd + state[7, j]
        state[3, j] = rho * (ld + rho * dd) + slope_noise
        state[4, j] = rho * rho * dd + slope_noise


@njit(cache=True, nogil=True, error_model="numpy")
def _update(state: Floats, size: int, middle: float, spread: float) -> None:
    """Learn from one site: rows 10 and 11 gather squared standardized innovations and precisions."""
    for j in range(size):
        ll, ld = state[2, j], state[3, j]
        precision = 1.0 / (ll + state[8, j] + spread)
        innovation = middle - state[0, j]
        gain_level, gain_slope = ll * precision, ld * precision
        state[0, j] += gain_level * innovation
        state[1, j] += gain_slope * innovation
        state[2, j] = ll - gain_level * ll
        state[3, j] = ld - gain_level * ld
        state[4, j] -= gain_slope * ld
        state[10, j] += innovation * innovation * precision
        state[11, j] *= precision


@njit(cache=True, nogil=True, error_model="numpy")
def weigh_design(
    coarse: Floats,
    thetas: Floats,
    level_mean: float,
    level_sd: float,
    sign: float,
    step: Ints,
    kind: Ints,
    lower: Floats,
    upper: Floats,
    size: Floats,
    guess: Floats,
    guess_variance: Floats,
    widen: float,
) -> tuple[Floats, Floats, Floats]:
    """Sites of one series, fitted at the mean theta that a coarse design finds, and their evidence at a fine one.

    ``widen`` multiplies the variance of the site of a figure at a bound (no success, no failure, a half-open interval).
    Such a likelihood does not fall on one side; draws from a wider factor reach that side, so their ratios have a
    lighter tail.

    Returns
    -------
    tuple of arrays
        middle, spread, dims (figure); log evidence, dims (theta).
    """
    middle, spread = guess.copy(), guess_variance.copy()
    logs = site_evidence(coarse, level_mean, level_sd, sign, step, middle, spread)
    weights = np.exp(logs - logs.max())
    theta = coarse @ (weights / weights.sum())
    fit_sites(theta, level_mean, level_sd, sign, step, kind, lower, upper, size, middle, spread)
    for i in range(step.shape[0]):
        if lower[i] == 0.0 or upper[i] == size[i] or np.isinf(upper[i] - lower[i]):
            spread[i] *= widen
    return middle, spread, site_evidence(thetas, level_mean, level_sd, sign, step, middle, spread)


@njit(cache=True, nogil=True, error_model="numpy")
def fit_sites(
    theta: Floats,
    level_mean: float,
    level_sd: float,
    sign: float,
    step: Ints,
    kind: Ints,
    lower: Floats,
    upper: Floats,
    size: Floats,
    middle: Floats,
    spread: Floats,
) -> None:
    """Bring ``middle`` and ``spread`` of the sites up to date at one theta.

    A narrow interval keeps its middle and variance. A wide or half-open one gets the normal factor that matches the
    moments of the truncated cavity (expectation propagation); a count the expansion of its likelihood at the posterior
    mean, which ends at the mode as Newton's search does.
    """
    figures, noise = step.shape[0], theta[3] ** 2
    u, precision = np.empty(figures), np.empty(figures)
    for i in range(figures):
        if kind[i] == INTERVAL and np.isfinite(upper[i] - lower[i]):
            middle[i], spread[i] = 0.5 * (lower[i] + upper[i]), (upper[i] - lower[i]) ** 2 / 12.0
    for _ in range(_SWEEPS):
        _disturbances(theta, level_mean, level_sd, sign, step, middle, spread, u, precision)
        largest = 0.0
        for i in range(figures):
            m, v = middle[i], spread[i]
            if kind[i] == INTERVAL:
                if (upper[i] - lower[i]) ** 2 <= noise:
                    continue
                m, v = _truncated_site(m - u[i] / precision[i], 1.0 / precision[i] - v, lower[i], upper[i], m, v)
            else:
                f = m - v * u[i]
                _, gradient, curvature = log_likelihood(kind[i], f, lower[i], upper[i], size[i], theta[3])
                v = min(1.0 / curvature, _SILENT)
                m = f + v * gradient
            largest = max(largest, abs(m - middle[i]) / np.sqrt(v + noise), abs(np.log(v / spread[i])))
            middle[i], spread[i] = m, v
        if not largest > _SETTLED:
            break


@njit(cache=True, nogil=True, error_model="numpy")
def _truncated_site(
    mean: float, variance: float, lower: float, upper: float, old_middle: float, old_spread: float
) -> tuple[float, float]:
    """Mean and variance of the normal factor that turns N(mean, variance) into its law cut to [lower, upper]."""
    scale = np.sqrt(variance)
    alpha, beta = (lower - mean) / scale, (upper - mean) / scale
    log_mass = log_ndtr_difference(alpha, beta)
    at_lower, at_upper = density_ratio(alpha, log_mass), density_ratio(beta, log_mass)
    pull = at_lower - at_upper
    bend = (0.0 if np.isinf(beta) else beta * at_upper) - (0.0 if np.isinf(alpha) else alpha * at_lower)
    # precision of the factor: 1 / tilted variance - 1 / variance
    lost = bend + pull * pull
    if not 1e-9 < lost < 1.0 - 1e-6:
        return old_middle, old_spread if lost >= 1.0 - 1e-6 else _SILENT
    spread = variance * (1.0 - lost) / lost
    return mean + scale * pull / lost, min(spread, _SILENT)


@njit(cache=True, nogil=True, error_model="numpy")
def _disturbances(
    theta: Floats,
    level_mean: float,
    level_sd: float,
    sign: float,
    step: Ints,
    middle: Floats,
    spread: Floats,
    u: Floats,
    precision: Floats,
) -> None:
    """Fill the smoothed errors u and their variances D at one theta (see the module)."""
    figures, rho, drift = step.shape[0], theta[2], sign * theta[4]
    slope_noise, noise = theta[1] ** 2, theta[3] ** 2
    level, d, ll, ld, dd = level_mean, 0.0, level_sd**2, 0.0, first_slope_variance(theta[1], rho)
    gain = np.empty((figures, 4))
    year = 0
    for i in range(figures):
        while year < step[i]:
            year += 1
            d = rho * d
            level += drift + d
            ll += 2.0 * rho * ld + rho * rho * dd + slope_noise + theta[0] ** 2
            ld, dd = rho * (ld + rho * dd) + slope_noise, rho * rho * dd + slope_noise
        inverse, innovation = 1.0 / (ll + noise + spread[i]), middle[i] - level
        gain[i, 0], gain[i, 1], gain[i, 2], gain[i, 3] = ll * inverse, ld * inverse, inverse, innovation * inverse
        level, d = level + gain[i, 0] * innovation, d + gain[i, 1] * innovation
        ll, ld, dd = ll - gain[i, 0] * ll, ld - gain[i, 0] * ld, dd - gain[i, 1] * ld
    r_level, r_slope, n_ll, n_ld, n_dd = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(figures - 1, -1, -1):
        while year > step[i]:
            year -= 1
            r_slope = rho * (r_level + r_slope)
            n_ld, n_dd = rho * (n_ll + n_ld), rho * rho * (n_ll + 2.0 * n_ld + n_dd)
        k_level, k_slope = gain[i, 0], gain[i, 1]
        u[i] = gain[i, 3] - k_level * r_level - k_slope * r_slope
        down_level, down_slope = k_level * n_ll + k_slope * n_ld, k_level * n_ld + k_slope * n_dd
        precision[i] = gain[i, 2] + k_level * down_level + k_slope * down_slope
        r_level += u[i]
        # N = Z Z^T / S + (I - K Z^T)^T N (I - K Z^T), with Z = (1, 0)
        n_ll += precision[i] - 2.0 * down_level
        n_ld -= down_slope
