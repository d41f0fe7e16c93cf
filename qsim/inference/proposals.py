r"""Compiled proposals for many series: draws from the model of Gaussian sites, and their exact importance ratios.

Notation as in :mod:`qsim.inference.filtering`. A draw of :math:`(theta, level, slope, w)` from the model of sites has
the importance ratio, figure by figure,

.. math:: r = \prod_i \frac{p(y_i | \eta_i)}{N(m_i; \eta_i, v_i)} \quad \text{(counts)}, \qquad
          r = \prod_i \frac{p(y_i | level_{t_i})}{N(m_i; level_{t_i}, s_i^2)} \quad \text{(intervals)}.

Ratios carry all constants: the evidence of the sites times the mean ratio is the evidence of the series.

Draws come from the disturbance simulation smoother. With :math:`x^*`, year noise and site errors of variance
:math:`\sigma_e^2` and :math:`v_i`, :math:`w_i^*` their sum and :math:`m^* = level^* + w^*`, all from the prior but with
means of zero, filter :math:`m - m^*` and go backwards; then :math:`w_i = w_i^* + s_i^2 u_i`, the site's part of it its
own simulated one plus :math:`v_i u_i`, and the last state is :math:`x^*` plus the last filtered one.

The inner loops run over draws, so that they compile to vector instructions.

Source: Durbin & Koopman (2012), Time series analysis by state space methods, sec. 4.9 and 11.4.
"""

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qsim.inference.chances import places, uniforms
from qsim.inference.filtering import (
    BLOCK,
    COV,
    LEVEL,
    NOISE,
    RHO,
    ROWS,
    SLOPE,
    VAR_LEVEL,
    VAR_SLOPE,
    begin,
    normalize,
    predict,
)
from qsim.inference.psis import effective_count, smooth
from qsim.model.arithmetic import log_each, normal_mass, softplus
from qsim.model.likelihood import BINOMIAL, BINOMIAL_RANGE, INTERVAL, log_likelihood

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LOG_SQRT_2PI: Final = 0.5 * float(np.log(2.0 * np.pi))


# What a state holds behind that of the filter.
_PATH_LEVEL: Final = ROWS * BLOCK
"""Level simulated from the prior with a mean of zero."""
_PATH_SLOPE: Final = (ROWS + 1) * BLOCK
_SIGMA_LEVEL: Final = (ROWS + 2) * BLOCK
_SIGMA_SLOPE: Final = (ROWS + 3) * BLOCK
_SIGMA_NOISE: Final = (ROWS + 4) * BLOCK
_ONE: Final = (ROWS + 5) * BLOCK
"""Standard normals."""
_TWO: Final = (ROWS + 6) * BLOCK
_BACK_LEVEL: Final = (ROWS + 7) * BLOCK
"""First part of r."""
_BACK_SLOPE: Final = (ROWS + 8) * BLOCK
_ALL_ROWS: Final = ROWS + 9

# What is stored of each figure.
_GAIN_LEVEL: Final = 0 * BLOCK
_GAIN_SLOPE: Final = 1 * BLOCK
_SCORE: Final = 2 * BLOCK
"""e / S."""
_ERROR: Final = 3 * BLOCK
_STORED: Final = 4 * BLOCK


@njit(cache=True, nogil=True, error_model="numpy")
def resample(weights: Floats, count: int, start: float) -> Ints:
    """Indices drawn in proportion to weights of sum 1 with one random number ``start``, ascending."""
    # every point is written where its draws begin, the last of those without any is overwritten; then gaps are filled
    chosen = np.zeros(count + 1, dtype=np.int64)
    begins, edge = 0, 0.0
    for point in range(weights.shape[0]):
        chosen[begins] = point if weights[point] > 0.0 else chosen[begins]
        edge += weights[point]
        begins = min(int(np.ceil(edge * count - start)), count)
    for draw in range(1, count):
        chosen[draw] = max(chosen[draw], chosen[draw - 1])
    return chosen[:count]


@njit(cache=True, nogil=True, error_model="numpy")
def propose(
    weights: Floats,
    points: Floats,
    first_mean: Floats,
    level_sd: float,
    sign: float,
    kept: float,
    years: int,
    step: Ints,
    kind: Ints,
    lower: Floats,
    upper: Floats,
    size: Floats,
    middle: Floats,
    spread: Floats,
    normals: Floats,
    key: int,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Draws of theta among weighted points, dims (5, point), and of the states; see :func:`draw_states`.

    ``first_mean`` is that of the first level given each point, dims (point).

    Returns
    -------
    tuple of arrays
        theta, dims (5, draw); last level, last ``d``, log importance ratio, dims (draw).
    """
    figures, draws = step.shape[0], normals.shape[1] // 2
    chosen = resample(weights, draws, uniforms(key + 1, 1)[0])
    thetas, starts = np.empty((points.shape[0], draws)), np.empty(draws)
    for draw in range(draws):
        starts[draw] = first_mean[chosen[draw]]
    for row in range(points.shape[0]):
        for draw in range(draws):
            thetas[row, draw] = points[row, chosen[draw]]
    level, slope, errors, log_ratio = np.empty(draws), np.empty(draws), np.empty((figures, draws)), np.zeros(draws)
    whole, offset = kind == INTERVAL, places(key, 2 * years + 2 * figures, draws)
    draw_states(
        thetas, starts, level_sd, sign, kept, years, step, middle, spread, whole, normals, offset, level, slope, errors
    )
    for i in range(figures):
        add_log_ratio(thetas[3], errors[i], kind[i], lower[i], upper[i], size[i], middle[i], spread[i], log_ratio)
    return thetas, level, slope, log_ratio


@njit(cache=True, nogil=True, error_model="numpy")
def settle(log_ratio: Floats) -> tuple[Floats, float, float, float]:
    """Smoothed weights of draws, dims (draw), their Pareto k and effective number, and log of the mean ratio."""
    weights, pareto_k = smooth(log_ratio)
    return weights, pareto_k, effective_count(weights), normalize(log_ratio)[1]


@njit(cache=True, nogil=True, error_model="numpy")
def draw_states(
    thetas: Floats,
    first_mean: Floats,
    level_sd: float,
    sign: float,
    kept: float,
    years: int,
    step: Ints,
    middle: Floats,
    spread: Floats,
    whole: NDArray[np.bool_],
    normals: Floats,
    offset: Ints,
    level: Floats,
    slope: Floats,
    errors: Floats,
) -> None:
    """Fill the last level, the last ``d`` and the errors of all figures, one draw a theta, from the model of sites.

    Parameters
    ----------
    thetas : array, dims (5, draw)
    first_mean : array, dims (draw)
        Of the first level given theta. [link scale]
    whole : array of bool, dims (figure)
        Whether the error is w, or only the site's part of it.
    normals : array, dims (column, 2 * draw)
        Standard normals, each column repeated once.
    offset : array, dims (2 * years + 2 * figure)
        Where each of the draws' columns begins, in the order: two a year, then two a figure.
    level, slope : arrays, dims (draw)
    errors : array, dims (figure, draw)
    """
    figures, draws = step.shape[0], thetas.shape[1]
    state, stored = np.zeros(_ALL_ROWS * BLOCK), np.empty(figures * _STORED)
    for first in range(0, draws, BLOCK):
        size = min(BLOCK, draws - first)
        _begin_paths(state, thetas[:, first : first + size], first_mean[first : first + size], level_sd, sign)
        _load(state, size, normals, offset, first, 0)
        for j in range(BLOCK):
            state[_PATH_LEVEL + j] = level_sd * state[_ONE + j]
            state[_PATH_SLOPE + j] = np.sqrt(state[VAR_SLOPE + j]) * state[_TWO + j]
        year = 0
        for i in range(figures + 1):
            last = years - 1 if i == figures else step[i]
            while year < last:
                year += 1
                _load(state, size, normals, offset, first, year)
                _advance(state, kept)
            if i < figures:
                _load(state, size, normals, offset, first, years + i)
                _learn(state, stored[i * _STORED : (i + 1) * _STORED], middle[i], spread[i], 1.0 if whole[i] else 0.0)
        for j in range(size):
            level[first + j] = state[_PATH_LEVEL + j] + state[LEVEL + j]
            slope[first + j] = state[_PATH_SLOPE + j] + state[SLOPE + j]
        _smooth_errors(state, stored, kept, years, step, spread, whole)
        for i in range(figures):
            at = i * _STORED + _ERROR
            errors[i, first : first + size] = stored[at : at + size]


@njit(cache=True, nogil=True, error_model="numpy")
def _begin_paths(state: Floats, thetas: Floats, first_mean: Floats, level_sd: float, sign: float) -> None:
    begin(state, thetas, first_mean, level_sd, sign)
    for row, place in enumerate((_SIGMA_LEVEL, _SIGMA_SLOPE)):
        state[place : place + thetas.shape[1]] = thetas[row]
    state[_SIGMA_NOISE : _SIGMA_NOISE + thetas.shape[1]] = thetas[3]
    state[_BACK_LEVEL : _BACK_LEVEL + 2 * BLOCK] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _load(state: Floats, size: int, normals: Floats, offset: Ints, first: int, pair: int) -> None:
    """Put the block's part of two columns of normals into the state."""
    at = 2 * pair
    one, two = normals[at % normals.shape[0]], normals[(at + 1) % normals.shape[0]]
    state[_ONE : _ONE + size] = one[offset[at] + first : offset[at] + first + size]
    state[_TWO : _TWO + size] = two[offset[at + 1] + first : offset[at + 1] + first + size]


@njit(cache=True, nogil=True, error_model="numpy")
def _advance(state: Floats, kept: float) -> None:
    """Carry filter and path to the next year."""
    predict(state, kept)
    for j in range(BLOCK):
        slope = state[RHO + j] * state[_PATH_SLOPE + j] + state[_SIGMA_SLOPE + j] * state[_ONE + j]
        state[_PATH_SLOPE + j] = slope
        state[_PATH_LEVEL + j] = kept * state[_PATH_LEVEL + j] + slope + state[_SIGMA_LEVEL + j] * state[_TWO + j]


@njit(cache=True, nogil=True, error_model="numpy")
def _learn(state: Floats, stored: Floats, middle: float, spread: float, whole: float) -> None:
    """Simulate one figure and update the filter with what the simulated one leaves; ``whole`` is 1 or 0."""
    site = np.sqrt(spread)
    for j in range(BLOCK):
        variance, cov = state[VAR_LEVEL + j], state[COV + j]
        noise, error = state[_SIGMA_NOISE + j] * state[_ONE + j], site * state[_TWO + j]
        precision = 1.0 / (variance + state[NOISE + j] + spread)
        innovation = middle - state[_PATH_LEVEL + j] - noise - error - state[LEVEL + j]
        gain_level, gain_slope = variance * precision, cov * precision
        state[LEVEL + j] += gain_level * innovation
        state[SLOPE + j] += gain_slope * innovation
        state[VAR_LEVEL + j] = variance - gain_level * variance
        state[COV + j] = cov - gain_level * cov
        state[VAR_SLOPE + j] -= gain_slope * cov
        stored[_GAIN_LEVEL + j], stored[_GAIN_SLOPE + j] = gain_level, gain_slope
        stored[_SCORE + j], stored[_ERROR + j] = innovation * precision, error + whole * noise


@njit(cache=True, nogil=True, error_model="numpy")
def _smooth_errors(
    state: Floats, stored: Floats, kept: float, years: int, step: Ints, spread: Floats, whole: NDArray[np.bool_]
) -> None:
    """Add to the simulated errors their variance times u, from the last figure back to the first."""
    year = years - 1
    for i in range(step.shape[0] - 1, -1, -1):
        while year > step[i]:
            year -= 1
            for j in range(BLOCK):
                state[_BACK_SLOPE + j] = state[RHO + j] * (state[_BACK_LEVEL + j] + state[_BACK_SLOPE + j])
                state[_BACK_LEVEL + j] *= kept
        own, noise, site = stored[i * _STORED : (i + 1) * _STORED], 1.0 if whole[i] else 0.0, spread[i]
        for j in range(BLOCK):
            pull = own[_GAIN_LEVEL + j] * state[_BACK_LEVEL + j] + own[_GAIN_SLOPE + j] * state[_BACK_SLOPE + j]
            u = own[_SCORE + j] - pull
            state[_BACK_LEVEL + j] += u
            own[_ERROR + j] += (noise * state[NOISE + j] + site) * u


@njit(cache=True, nogil=True, error_model="numpy")
def add_log_ratio(
    sigma_noise: Floats,
    error: Floats,
    kind: int,
    lower: float,
    upper: float,
    size: float,
    middle: float,
    spread: float,
    log_ratio: Floats,
) -> None:
    """Add one figure's log importance ratio at every draw of its error: w, of a count the part that is its site's."""
    if kind == INTERVAL:
        _add_interval(sigma_noise, error, lower, upper, middle, spread, log_ratio)
        return
    constant, half_precision = 0.5 * np.log(spread) + _LOG_SQRT_2PI, 0.5 / spread
    if kind == BINOMIAL or (kind == BINOMIAL_RANGE and lower == upper):
        # the constant of the binomial, once instead of at every draw
        constant += log_likelihood(kind, middle, lower, upper, size, 1.0)[0] - lower * middle + size * softplus(middle)
        for j in range(error.shape[0]):
            f = middle - error[j]
            log_ratio[j] += constant + half_precision * error[j] * error[j] + lower * f - size * softplus(f)
        return
    for j in range(error.shape[0]):
        value = log_likelihood(kind, middle - error[j], lower, upper, size, sigma_noise[j])[0]
        log_ratio[j] += constant + half_precision * error[j] * error[j] + value


@njit(cache=True, nogil=True, error_model="numpy")
def _add_interval(
    sigma_noise: Floats, error: Floats, lower: float, upper: float, middle: float, spread: float, log_ratio: Floats
) -> None:
    r"""The ratio of an interval: the first terms of its series where it is narrower than s, all of it elsewhere.

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
            first = -q * q * (1.0 / 2880.0)
            he4, he6 = y * (y - 6.0) + 3.0, y * (y * (y - 15.0) + 45.0) - 15.0
            he8 = y * (y * (y * (y - 28.0) + 210.0) - 420.0) + 105.0
            gap = first * he4 + q * q * q * (1.0 / 181440.0) * he6 + 0.5 * first * first * he8
            near = log_width + gap * (1.0 - gap * (0.5 - gap * (1.0 / 3.0 - 0.25 * gap)))
            log_ratio[j] += near if q < 1.0 else 0.0
    # the others side by side, so that they run in vectors too
    wide, away, sigma, count = np.empty(draws, dtype=np.int64), np.empty(draws), np.empty(draws), 0
    for j in range(draws):
        wide[count], away[count], sigma[count] = j, error[j], sigma_noise[j]
        count += 0 if centred and width * width < sigma_noise[j] ** 2 + spread else 1
    squares, logs = np.empty(count), np.empty(count)
    for j in range(count):
        mass = normal_mass((lower - middle + away[j]) / sigma[j], (upper - middle + away[j]) / sigma[j])
        variance = sigma[j] * sigma[j] + spread
        squares[j], away[j] = mass * mass * variance, away[j] * away[j] / variance
    log_each(squares, logs)
    for j in range(count):
        log_ratio[wide[j]] += 0.5 * (logs[j] + away[j]) + _LOG_SQRT_2PI
