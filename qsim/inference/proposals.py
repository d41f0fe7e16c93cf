r"""Compiled proposals for many series: draws from the model of Gaussian sites, and their exact importance ratios.

Notation as in :mod:`qsim.inference.filtering`. A draw of :math:`(theta, level, slope, w)` from the model of sites has
the importance ratio, figure by figure,

.. math:: r = \prod_i \frac{p(y_i | \eta_i)}{N(m_i; \eta_i, v_i)} \quad \text{(counts)}, \qquad
          r = \prod_i \frac{p(y_i | level_{t_i})}{N(m_i; level_{t_i}, s_i^2)} \quad \text{(intervals)}.

Ratios carry all constants: the evidence of the sites times the mean ratio is the evidence of the series.

Draws come from the disturbance simulation smoother. With :math:`x^*, w^*, m^* = level^* + w^*` from the prior, filter
:math:`m - m^*` from zero and go backwards; then :math:`w_i = w_i^* + s_i^2 u_i`, and the last state is :math:`x^*` plus
the last filtered one. :math:`\eta_i` given :math:`w_i` is normal.

The inner loops run over draws, so that they compile to vector instructions.

Source: Durbin & Koopman (2012), Time series analysis by state space methods, sec. 4.9 and 11.4.
"""

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qsim.inference.filtering import BLOCK, predict
from qsim.model.arithmetic import softplus
from qsim.model.likelihood import BINOMIAL, BINOMIAL_RANGE, INTERVAL, log_likelihood, log_ndtr_difference
from qsim.model.trend import first_slope_variance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LOG_SQRT_2PI: Final = 0.5 * float(np.log(2.0 * np.pi))


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
    state = np.empty((12, BLOCK))
    gains = np.empty((3 * figures, BLOCK))
    for first in range(0, draws, BLOCK):
        size = min(BLOCK, draws - first)
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
                predict(state, size)
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
