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

from qsim.model.arithmetic import exp_minus, largest_of, log_each, sum_of, sum_of_squares
from qsim.model.likelihood import INTERVAL, density_ratio, log_likelihood, log_ndtr_difference
from qsim.model.trend import first_slope_variance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BLOCK: Final = 256
"""Points or draws worked on together: their state fits the fastest cache."""

# Where the block of each quantity begins in the state of a filter. A loop over a whole block, at distances known to the
# compiler, runs in vectors without looking for overlaps first, which would take as long as the block itself.
LEVEL: Final = 0 * BLOCK
"""Filtered mean of the level."""
SLOPE: Final = 1 * BLOCK
"""Filtered mean of d."""
VAR_LEVEL: Final = 2 * BLOCK
COV: Final = 3 * BLOCK
VAR_SLOPE: Final = 4 * BLOCK
RHO: Final = 5 * BLOCK
SLOPE_SHOCK: Final = 6 * BLOCK
"""Variance that a year adds to d."""
SHOCKS: Final = 7 * BLOCK
"""Variance that a year's shocks to level and d add to the level."""
NOISE: Final = 8 * BLOCK
"""Variance of the year noise."""
DRIFT: Final = 9 * BLOCK
_SQUARES: Final = 10 * BLOCK
"""Sum of squared standardized innovations."""
_PRECISIONS: Final = 11 * BLOCK
"""Product of the innovations' precisions."""
ROWS: Final = 12
"""Quantities of a state."""

_PRODUCT: Final = 16
"""Variances multiplied before their log is taken."""

_LOG_SQRT_2PI: Final = 0.5 * float(np.log(2.0 * np.pi))

_SWEEPS: Final = 12
_SETTLED: Final = 1e-3
_SILENT: Final = 1e8
"""Variance of the site of a figure that says nothing. [link scale squared]"""


@njit(cache=True, nogil=True, error_model="numpy")
def site_evidence(
    thetas: Floats,
    first_mean: Floats,
    level_sd: float,
    sign: float,
    kept: float,
    step: Ints,
    middle: Floats,
    spread: Floats,
) -> Floats:
    """Log evidence of the sites at every theta.

    Parameters
    ----------
    thetas : array, dims (5, theta)
    first_mean : array, dims (theta)
        Of the first level given theta. [link scale]
    step : array, dims (figure)
        Ascending.
    middle, spread : arrays, dims (figure)
        m and v of each site. [link scale, squared]

    Returns
    -------
    array, dims (theta)
    """
    points, figures = thetas.shape[1], step.shape[0]
    result, logs = np.zeros(points), np.empty(BLOCK)
    state = np.empty(ROWS * BLOCK)
    for first in range(0, points, BLOCK):
        size = min(BLOCK, points - first)
        begin(state, thetas[:, first : first + size], first_mean[first : first + size], level_sd, sign)
        year = 0
        for i in range(figures):
            while year < step[i] - 1:
                year += 1
                predict(state, kept)
            if year < step[i]:
                year += 1
                _predict_and_update(state, kept, middle[i], spread[i])
            else:
                _update(state, middle[i], spread[i])
            if i % _PRODUCT == _PRODUCT - 1 or i == figures - 1:
                log_each(state[_PRECISIONS : _PRECISIONS + BLOCK], logs)
                state[_PRECISIONS : _PRECISIONS + BLOCK] = 1.0
                for j in range(size):
                    result[first + j] += 0.5 * logs[j]
        for j in range(size):
            result[first + j] -= 0.5 * state[_SQUARES + j] + figures * _LOG_SQRT_2PI
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def begin(state: Floats, thetas: Floats, first_mean: Floats, level_sd: float, sign: float) -> None:
    """Fill the state of the first year at each theta of a block, dims (5, theta); the last one fills a block up."""
    for j in range(BLOCK):
        state[SLOPE + j] = 0.0
        state[VAR_LEVEL + j], state[COV + j] = level_sd**2, 0.0
        state[_SQUARES + j], state[_PRECISIONS + j] = 0.0, 1.0
    size = thetas.shape[1]
    state[LEVEL : LEVEL + size] = first_mean
    state[LEVEL + size : LEVEL + BLOCK] = first_mean[size - 1]
    for row, place in enumerate((SHOCKS, SLOPE_SHOCK, RHO, NOISE, DRIFT)):
        state[place : place + size] = thetas[row]
        state[place + size : place + BLOCK] = thetas[row, size - 1]
    for j in range(BLOCK):
        state[VAR_SLOPE + j] = first_slope_variance(state[SLOPE_SHOCK + j], state[RHO + j])
        state[SLOPE_SHOCK + j] = state[SLOPE_SHOCK + j] ** 2
        state[SHOCKS + j] = state[SHOCKS + j] ** 2 + state[SLOPE_SHOCK + j]
        state[NOISE + j] = state[NOISE + j] ** 2
        state[DRIFT + j] *= sign


@njit(cache=True, nogil=True, error_model="numpy")
def predict(state: Floats, kept: float) -> None:
    """Carry the filtered mean and covariance of (level, d) to the next year."""
    for j in range(BLOCK):
        rho, slope_shock, cov = state[RHO + j], state[SLOPE_SHOCK + j], kept * state[COV + j]
        carried = rho * state[VAR_SLOPE + j]
        state[SLOPE + j] = rho * state[SLOPE + j]
        state[LEVEL + j] = kept * state[LEVEL + j] + state[DRIFT + j] + state[SLOPE + j]
        state[VAR_LEVEL + j] = kept * kept * state[VAR_LEVEL + j] + rho * (2.0 * cov + carried) + state[SHOCKS + j]
        state[COV + j] = rho * (cov + carried) + slope_shock
        state[VAR_SLOPE + j] = rho * carried + slope_shock


@njit(cache=True, nogil=True, error_model="numpy")
def _update(state: Floats, middle: float, spread: float) -> None:
    """Learn from one site; gather squared standardized innovations and precisions."""
    for j in range(BLOCK):
        variance, cov = state[VAR_LEVEL + j], state[COV + j]
        precision = 1.0 / (variance + state[NOISE + j] + spread)
        innovation = middle - state[LEVEL + j]
        gain_level, gain_slope = variance * precision, cov * precision
        state[LEVEL + j] += gain_level * innovation
        state[SLOPE + j] += gain_slope * innovation
        state[VAR_LEVEL + j] = variance - gain_level * variance
        state[COV + j] = cov - gain_level * cov
        state[VAR_SLOPE + j] -= gain_slope * cov
        state[_SQUARES + j] += innovation * innovation * precision
        state[_PRECISIONS + j] *= precision


@njit(cache=True, nogil=True, error_model="numpy")
def _predict_and_update(state: Floats, kept: float, middle: float, spread: float) -> None:
    """:func:`predict` and :func:`_update` in one pass, half the time: the usual case, a figure every year."""
    kept_variance = kept * kept
    for j in range(BLOCK):
        rho, slope_shock, cov = state[RHO + j], state[SLOPE_SHOCK + j], kept * state[COV + j]
        carried = rho * state[VAR_SLOPE + j]
        slope = rho * state[SLOPE + j]
        level = kept * state[LEVEL + j] + state[DRIFT + j] + slope
        variance = kept_variance * state[VAR_LEVEL + j] + rho * (2.0 * cov + carried) + state[SHOCKS + j]
        cov, slope_variance = rho * (cov + carried) + slope_shock, rho * carried + slope_shock
        precision = 1.0 / (variance + state[NOISE + j] + spread)
        innovation = middle - level
        gain_level, gain_slope = variance * precision, cov * precision
        state[LEVEL + j] = level + gain_level * innovation
        state[SLOPE + j] = slope + gain_slope * innovation
        state[VAR_LEVEL + j] = variance - gain_level * variance
        state[COV + j] = cov - gain_level * cov
        state[VAR_SLOPE + j] = slope_variance - gain_slope * cov
        state[_SQUARES + j] += innovation * innovation * precision
        state[_PRECISIONS + j] *= precision


@njit(cache=True, nogil=True, error_model="numpy")
def weigh_design(
    coarse: int,
    thetas: Floats,
    first_mean: Floats,
    level_sd: float,
    sign: float,
    kept: float,
    step: Ints,
    kind: Ints,
    lower: Floats,
    upper: Floats,
    size: Floats,
    guess: Floats,
    guess_variance: Floats,
    widen: float,
) -> tuple[Floats, Floats, Floats, float, float]:
    """Sites of one series, fitted at the mean theta that a coarse design finds, and a fine one weighed by them.

    The coarse design are the first ``coarse`` points of the fine one; ``first_mean`` is that of the first level given
    each point, dims (theta).

    ``widen`` multiplies the variance of the site of a figure at a bound (no success, no failure, a half-open interval).
    Such a likelihood does not fall on one side; draws from a wider factor reach that side, so their ratios have a
    lighter tail.

    Returns
    -------
    tuple of arrays
        middle, spread, dims (figure); weights of theta, of sum 1, dims (theta).
    tuple of floats
        Log of the mean evidence; effective number of the weights.
    """
    middle, spread = guess.copy(), guess_variance.copy()
    first = np.ascontiguousarray(thetas[:, :coarse])
    weights, _, _ = normalize(site_evidence(first, first_mean, level_sd, sign, kept, step, middle, spread))
    theta, start = np.zeros(first.shape[0]), 0.0
    for j in range(coarse):
        start += first_mean[j] * weights[j]
    for row in range(first.shape[0]):
        for j in range(coarse):
            theta[row] += first[row, j] * weights[j]
    fit_sites(theta, start, level_sd, sign, kept, step, kind, lower, upper, size, middle, spread)
    for i in range(step.shape[0]):
        if lower[i] == 0.0 or upper[i] == size[i] or np.isinf(upper[i] - lower[i]):
            spread[i] *= widen
    weights, log_evidence, effective = normalize(
        site_evidence(thetas, first_mean, level_sd, sign, kept, step, middle, spread)
    )
    return middle, spread, weights, log_evidence, effective


@njit(cache=True, nogil=True, error_model="numpy")
def normalize(logs: Floats) -> tuple[Floats, float, float]:
    """Weights of sum 1 (:func:`~qsim.model.arithmetic.exp_minus`), log of the mean, effective number of the weights."""
    top = largest_of(logs)
    weights = np.empty(logs.shape[0])
    for j in range(logs.shape[0]):
        weights[j] = exp_minus(top - logs[j])
    total = sum_of(weights)
    effective = total * total / sum_of_squares(weights)
    for j in range(logs.shape[0]):
        weights[j] /= total
    return weights, top + np.log(total / logs.shape[0]), effective


@njit(cache=True, nogil=True, error_model="numpy")
def fit_sites(
    theta: Floats,
    first_mean: float,
    level_sd: float,
    sign: float,
    kept: float,
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
        _disturbances(theta, first_mean, level_sd, sign, kept, step, middle, spread, u, precision)
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
    first_mean: float,
    level_sd: float,
    sign: float,
    kept: float,
    step: Ints,
    middle: Floats,
    spread: Floats,
    u: Floats,
    precision: Floats,
) -> None:
    """Fill the smoothed errors u and their variances D at one theta (see the module)."""
    figures, rho, drift = step.shape[0], theta[2], sign * theta[4]
    slope_noise, noise = theta[1] ** 2, theta[3] ** 2
    level, d, ll, ld, dd = first_mean, 0.0, level_sd**2, 0.0, first_slope_variance(theta[1], rho)
    gain = np.empty((figures, 4))
    year = 0
    for i in range(figures):
        while year < step[i]:
            year += 1
            d = rho * d
            level, ld = kept * level + drift + d, kept * ld
            ll = kept * kept * ll + 2.0 * rho * ld + rho * rho * dd + slope_noise + theta[0] ** 2
            ld, dd = rho * (ld + rho * dd) + slope_noise, rho * rho * dd + slope_noise
        inverse, innovation = 1.0 / (ll + noise + spread[i]), middle[i] - level
        gain[i, 0], gain[i, 1], gain[i, 2], gain[i, 3] = ll * inverse, ld * inverse, inverse, innovation * inverse
        level, d = level + gain[i, 0] * innovation, d + gain[i, 1] * innovation
        ll, ld, dd = ll - gain[i, 0] * ll, ld - gain[i, 0] * ld, dd - gain[i, 1] * ld
    r_level, r_slope, n_ll, n_ld, n_dd = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(figures - 1, -1, -1):
        while year > step[i]:
            year -= 1
            r_level, r_slope = kept * r_level, rho * (r_level + r_slope)
            n_ld, n_dd, n_ll = kept * rho * (n_ll + n_ld), rho * rho * (n_ll + 2.0 * n_ld + n_dd), kept * kept * n_ll
        k_level, k_slope = gain[i, 0], gain[i, 1]
        u[i] = gain[i, 3] - k_level * r_level - k_slope * r_slope
        down_level, down_slope = k_level * n_ll + k_slope * n_ld, k_level * n_ld + k_slope * n_dd
        precision[i] = gain[i, 2] + k_level * down_level + k_slope * down_slope
        r_level += u[i]
        # N = Z Z^T / S + (I - K Z^T)^T N (I - K Z^T), with Z = (1, 0)
        n_ll += precision[i] - 2.0 * down_level
        n_ld -= down_slope
