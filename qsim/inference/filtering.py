r"""Compiled kernels for many series: figures as Gaussian sites, theta and paths by Kalman filter, exact ratios.

Every figure's likelihood is replaced, once a series and for all theta, by a site :math:`m \sim N(\eta, v)`, with
:math:`\eta = level + \sigma_e e` the figure's latent value. Given theta the model is then linear and Gaussian,

.. math:: m_i = level_{t_i} + w_i, \qquad w_i \sim N(0, s_i^2), \quad s_i^2 = \sigma_e^2 + v_i,

so the evidence of theta is a product of one-step forecasts :math:`N(m_i; a_i, S_i)`, and a draw of
:math:`(theta, level, slope, w)` from this model is a proposal whose importance ratio is, figure by figure,

.. math:: r = \prod_i \frac{p(y_i | \eta_i)}{N(m_i; \eta_i, v_i)} \quad \text{(counts)}, \qquad
          r = \prod_i \frac{p(y_i | level_{t_i})}{N(m_i; level_{t_i}, s_i^2)} \quad \text{(intervals)}.

Ratios carry all constants: the evidence of the sites times the mean ratio is the evidence of the series.

A draw follows the disturbance simulation smoother. With :math:`x^*, w^*, m^* = level^* + w^*` from the prior, filter
:math:`m - m^*` from zero with gains :math:`K_i` and innovations :math:`e_i`; backwards, with F the transition,

.. math:: u_i = e_i / S_i - K_i^T r_i, \qquad r_{i-1} = F^T (r_i + (u_i, 0)^T), \qquad w_i = w_i^* + s_i^2 u_i,

and the last state is :math:`x^*` plus the last filtered one. :math:`\eta_i` given :math:`w_i` is normal. With
:math:`D_i` the variance of :math:`u_i`, the figure's cavity, what the others say about :math:`\eta_i`, is
:math:`N(m_i - u_i / D_i, 1 / D_i - v_i)`.

The inner loops run over points of theta or draws, so that they compile to vector instructions.

Source: Durbin & Koopman (2012), Time series analysis by state space methods, sec. 4.9, 6.4 and 11.4 (univariate
treatment, simulation smoothing, importance sampling around a Gaussian model); Rasmussen & Williams (2006), sec. 3.6.
"""

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qsim.model.arithmetic import softplus
from qsim.model.likelihood import (
    BINOMIAL,
    BINOMIAL_RANGE,
    INTERVAL,
    density_ratio,
    log_likelihood,
    log_ndtr_difference,
)
from qsim.model.trend import first_slope_variance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BLOCK: Final = 256
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
    state = np.empty((12, _BLOCK))
    for first in range(0, points, _BLOCK):
        size = min(_BLOCK, points - first)
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
                _predict(state, size)
            _update(state, size, middle[i], spread[i])
            if i % _PRODUCT == _PRODUCT - 1 or i == figures - 1:
                for j in range(size):
                    result[first + j] += 0.5 * np.log(state[11, j])
                    state[11, j] = 1.0
        for j in range(size):
            result[first + j] -= 0.5 * state[10, j] + figures * _LOG_SQRT_2PI
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def _predict(state: Floats, size: int) -> None:
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


@njit(cache=True, nogil=True, error_model="numpy")
def draw_states(
    thetas: Floats,
    level_mean: float,
    level_sd: float,
    sign: float,
    years: int,
    step: Ints,
    middle: Floats,
    spread: Floats,
    normals: Floats,
    offset: Ints,
    level: Floats,
    slope: Floats,
    errors: Floats,
) -> None:
    """Fill the last level, the last ``d`` and the errors w of all figures, one draw a theta, from the model of sites.

    Parameters
    ----------
    thetas : array, dims (5, draw)
    normals : array, dims (column, 2 * draw)
        Standard normals, each column repeated once.
    offset : array, dims (2 * years + figure)
        Where each of the draws' columns begins, in the order: two a year, then one a figure.
    level, slope : arrays, dims (draw)
    errors : array, dims (figure, draw)
    """
    figures, draws, columns = step.shape[0], thetas.shape[1], normals.shape[0]
    state = np.empty((12, _BLOCK))
    gains = np.empty((3 * figures, _BLOCK))
    for first in range(0, draws, _BLOCK):
        size = min(_BLOCK, draws - first)
        one, two = normals[0, offset[0] + first :], normals[1 % columns, offset[1] + first :]
        for j in range(size):
            state[0, j], state[1, j] = 0.0, 0.0
            state[2, j], state[3, j] = level_sd**2, 0.0
            state[4, j] = first_slope_variance(thetas[1, first + j], thetas[2, first + j])
            state[5, j], state[6, j] = thetas[2, first + j], thetas[1, first + j] ** 2
            state[7, j] = thetas[0, first + j] ** 2 + state[6, j]
            state[8, j], state[9, j] = thetas[3, first + j] ** 2, 0.0
            level[first + j] = level_mean + level_sd * one[j]
            slope[first + j] = np.sqrt(state[4, j]) * two[j]
        year = 0
        for i in range(figures + 1):
            last = years - 1 if i == figures else step[i]
            while year < last:
                year += 1
                at = 2 * year
                one = normals[at % columns, offset[at] + first :]
                two = normals[(at + 1) % columns, offset[at + 1] + first :]
                _predict(state, size)
                for j in range(size):
                    d = thetas[2, first + j] * slope[first + j] + thetas[1, first + j] * one[j]
                    slope[first + j] = d
                    level[first + j] += sign * thetas[4, first + j] + d + thetas[0, first + j] * two[j]
            if i < figures:
                at = 2 * years + i
                one = normals[at % columns, offset[at] + first :]
                own = errors[i, first : first + size]
                _learn(state, gains[3 * i : 3 * i + 3], size, middle[i], spread[i], level[first:], one, own)
        for j in range(size):
            level[first + j] += state[0, j]
            slope[first + j] += state[1, j]
        _smooth_errors(state, gains, size, years, step, spread, errors[:, first : first + size])


@njit(cache=True, nogil=True, error_model="numpy")
def _learn(
    state: Floats, gains: Floats, size: int, middle: float, spread: float, prior: Floats, normals: Floats, error: Floats
) -> None:
    """Simulate one figure and update the filter of the difference; keep both gains and e / S."""
    for j in range(size):
        ll, ld = state[2, j], state[3, j]
        variance = state[8, j] + spread
        error[j] = np.sqrt(variance) * normals[j]
        precision = 1.0 / (ll + variance)
        innovation = middle - prior[j] - error[j] - state[0, j]
        gain_level, gain_slope = ll * precision, ld * precision
        state[0, j] += gain_level * innovation
        state[1, j] += gain_slope * innovation
        state[2, j] = ll - gain_level * ll
        state[3, j] = ld - gain_level * ld
        state[4, j] -= gain_slope * ld
        gains[0, j], gains[1, j], gains[2, j] = gain_level, gain_slope, innovation * precision


@njit(cache=True, nogil=True, error_model="numpy")
def _smooth_errors(
    state: Floats, gains: Floats, size: int, years: int, step: Ints, spread: Floats, errors: Floats
) -> None:
    """Add s^2 u to the simulated errors, from the last figure back to the first; rows 10 and 11 hold r."""
    for j in range(size):
        state[10, j], state[11, j] = 0.0, 0.0
    year = years - 1
    for i in range(step.shape[0] - 1, -1, -1):
        while year > step[i]:
            year -= 1
            for j in range(size):
                state[11, j] = state[5, j] * (state[10, j] + state[11, j])
        for j in range(size):
            u = gains[3 * i + 2, j] - gains[3 * i, j] * state[10, j] - gains[3 * i + 1, j] * state[11, j]
            state[10, j] += u
            errors[i, j] += (state[8, j] + spread[i]) * u


@njit(cache=True, nogil=True, error_model="numpy")
def add_log_ratio(
    sigma_noise: Floats,
    error: Floats,
    normals: Floats,
    kind: int,
    lower: float,
    upper: float,
    size: float,
    middle: float,
    spread: float,
    log_ratio: Floats,
) -> None:
    """Add one figure's log importance ratio at every draw of its error."""
    if kind == INTERVAL:
        _add_interval(sigma_noise, error, lower, upper, middle, spread, log_ratio)
        return
    constant = 0.5 * np.log(spread) + _LOG_SQRT_2PI
    counted = kind == BINOMIAL or (kind == BINOMIAL_RANGE and lower == upper)
    if counted:
        # the constant of the binomial, once instead of at every draw
        constant += log_likelihood(kind, middle, lower, upper, size, 1.0)[0] - lower * middle + size * softplus(middle)
    for j in range(error.shape[0]):
        noise = sigma_noise[j] ** 2
        variance = noise + spread
        # what of the error is the site's, given their sum
        own = (spread * error[j] + np.sqrt(noise * spread * variance) * normals[j]) / variance
        f = middle - own
        log_ratio[j] += constant + 0.5 * own * own / spread
        if counted:
            log_ratio[j] += lower * f - size * softplus(f)
        else:
            log_ratio[j] += log_likelihood(kind, f, lower, upper, size, sigma_noise[j])[0]


@njit(cache=True, nogil=True, error_model="numpy")
def _add_interval(
    sigma_noise: Floats, error: Floats, lower: float, upper: float, middle: float, spread: float, log_ratio: Floats
) -> None:
    r"""The ratio of an interval: the first terms of its series where it is narrower than s, the exact one elsewhere.

    A uniform plus a normal variable, of width h and joint variance s^2, has the density of N(0, s^2) at s x times

    .. math:: 1 + \frac{\kappa_4}{24} He_4(x) + \frac{\kappa_6}{720} He_6(x) + \frac{\kappa_4^2}{1152} He_8(x),
              \qquad \kappa_4 = -\frac{q^2}{120}, \quad \kappa_6 = \frac{q^3}{252}, \quad q = (h/s)^2

    (Edgeworth's series; the odd cumulants are zero). For q < 1 and |x| < 4 the log is off by less than 1e-3.
    """
    width, draws = upper - lower, error.shape[0]
    centred = np.isfinite(width) and abs(spread - width * width / 12.0) <= 1e-9 * spread
    if centred:
        log_width = np.log(width)
        for j in range(draws):
            inverse = 1.0 / (sigma_noise[j] ** 2 + spread)
            q, y = width * width * inverse, error[j] * error[j] * inverse
            first = -q * q / 2880.0
            he4, he6 = y * (y - 6.0) + 3.0, y * (y * (y - 15.0) + 45.0) - 15.0
            he8 = y * (y * (y * (y - 28.0) + 210.0) - 420.0) + 105.0
            gap = first * he4 + q * q * q / 181440.0 * he6 + 0.5 * first * first * he8
            near = log_width + gap * (1.0 - gap * (0.5 - gap * (1.0 / 3.0 - 0.25 * gap)))
            log_ratio[j] += near if q < 1.0 else 0.0
    for j in range(draws):
        variance = sigma_noise[j] ** 2 + spread
        if centred and width * width < variance:
            continue
        away, sigma = middle - error[j], sigma_noise[j]
        value = log_ndtr_difference((lower - away) / sigma, (upper - away) / sigma)
        log_ratio[j] += value + 0.5 * error[j] ** 2 / variance + 0.5 * np.log(variance) + _LOG_SQRT_2PI


@njit(cache=True, nogil=True, error_model="numpy")
def resample(weights: Floats, count: int, start: float) -> Ints:
    """Indices drawn in proportion to weights of sum 1 with one random number ``start``, ascending."""
    chosen = np.empty(count, dtype=np.int64)
    at, edge = 0, weights[0]
    for draw in range(count):
        point = (draw + start) / count
        while edge < point and at < weights.shape[0] - 1:
            at += 1
            edge += weights[at]
        chosen[draw] = at
    return chosen


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
def propose(
    thetas: Floats,
    level_mean: float,
    level_sd: float,
    sign: float,
    years: int,
    step: Ints,
    kind: Ints,
    lower: Floats,
    upper: Floats,
    size: Floats,
    middle: Floats,
    spread: Floats,
    normals: Floats,
    offset: Ints,
) -> tuple[Floats, Floats, Floats]:
    """Last level, last ``d`` and log importance ratio of one draw a theta, dims (draw) each; see :func:`draw_states`.

    ``offset`` has a further column for each figure: the part of its error that is its site's.
    """
    figures, draws = step.shape[0], thetas.shape[1]
    level, slope, errors, log_ratio = np.empty(draws), np.empty(draws), np.empty((figures, draws)), np.zeros(draws)
    draw_states(thetas, level_mean, level_sd, sign, years, step, middle, spread, normals, offset, level, slope, errors)
    for i in range(figures):
        at = 2 * years + figures + i
        own = normals[at % normals.shape[0], offset[at] : offset[at] + draws]
        add_log_ratio(thetas[3], errors[i], own, kind[i], lower[i], upper[i], size[i], middle[i], spread[i], log_ratio)
    return level, slope, log_ratio
