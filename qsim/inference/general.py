r"""Compiled kernels for a series whose figures are more than the levels of single years.

Unknowns given theta: levels :math:`L`, year noises :math:`e`, offsets :math:`o` of other bases, all Gaussian. The
latent value of a figure is expanded (:mod:`qsim.model.functional`) as
:math:`u \approx c + h \cdot (L + e) + q\, o`, with :math:`q = \sum h` on another basis, so that the figures have the
prior covariance

.. math:: K = H C H^T + \sigma_e^2 H_e H_e^T + Q\, \mathrm{diag}(s^2)\, Q^T + N,

low-rank in the offsets, with :math:`H_e` the rows whose year noise is among the unknowns and :math:`N` the noise of
counts. Mode, evidence, draws and importance ratios are those of :mod:`qsim.inference.kernels`, with two additions. The
expansion is renewed at the mode of the unknowns until that stands still. Matheron's rule is applied to year noises and
offsets as well, so that the true latent value of every draw is known: the importance ratio puts it in place of the
expanded one, and draws and evidence stay exact wherever the search ended.

Where an expansion bends, the tails of the posterior may be longer than those of the expanded one: half of the draws are
then made with :math:`W_* = W / \kappa`, as those kernels do for half-open intervals.

Source: as in :mod:`qsim.inference.kernels`.
"""

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qsim.inference.algebra import fill_factors, first_guess, first_open, log_expansion, solve, widened
from qsim.inference.kernels import evaluate, find_mode
from qsim.inference.layout import Layout
from qsim.model.functional import is_linear, latent_value
from qsim.model.trend import level_covariance, level_mean, simulate_path, slope_covariance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MAX_ROUNDS: Final = 30
_DAMPED: Final = 5
"""Rounds after which the expansion moves half of the way only: it may swing between two points."""
_WIDENING: Final = 4.0
"""Kappa: the wide half of the draws has up to twice the sd. [1]"""
_STILL: Final = 1e-5
"""Move of eta between rounds at which the expansion stands still. [link scale]"""


@njit(cache=True, nogil=True, error_model="numpy")
def _all_linear(layout: Layout) -> bool:
    count = 0
    for i in range(layout.form.shape[0]):
        count += is_linear(layout.form[i], layout.link)
    return bool(count == layout.form.shape[0])


@njit(cache=True, nogil=True, error_model="numpy")
def _eta(layout: Layout, i: int, level: Floats, noise: Floats, offset: Floats) -> Floats:
    """Eta of the years of figure i, on its basis, without year noise of its own."""
    first, last = layout.first[i], layout.last[i] + 1
    eta = level[first:last] + (1.0 - layout.own[i]) * noise[first:last]
    if layout.offset[i] >= 0:
        eta += offset[layout.offset[i]]
    return np.asarray(eta)


@njit(cache=True, nogil=True, error_model="numpy")
def _expand(layout: Layout, level: Floats, noise: Floats, offset: Floats, rows: Floats, constant: Floats) -> None:
    """Fill the slopes of every figure in eta, dims (figure, year), and the constants, dims (figure)."""
    rows[:] = 0.0
    for i in range(layout.form.shape[0]):
        eta = _eta(layout, i, level, noise, offset)
        slopes = np.empty(eta.shape[0])
        value = latent_value(layout.form[i], layout.link, layout.weight[i], layout.scale[i], eta, slopes)
        constant[i] = value - np.dot(slopes, eta)
        rows[i, layout.first[i] : layout.last[i] + 1] = slopes


@njit(cache=True, nogil=True, error_model="numpy")
def _covariance(layout: Layout, rows: Floats, of_levels: Floats, sigma_noise: float) -> Floats:
    """K of the expanded figures; ``of_levels`` is H C, dims (figure, year)."""
    n = layout.form.shape[0]
    k = of_levels @ rows.T
    for i in range(n):
        for j in range(n):
            k[i, j] += (1.0 - layout.own[i]) * (1.0 - layout.own[j]) * sigma_noise**2 * np.dot(rows[i], rows[j])
            if layout.offset[i] >= 0 and layout.offset[i] == layout.offset[j]:
                k[i, j] += rows[i].sum() * rows[j].sum() * layout.offset_sd[layout.offset[i]] ** 2
        k[i, i] += layout.noisy[i] * (layout.own[i] * sigma_noise**2 + layout.sd[i] ** 2)
    return k


@njit(cache=True, nogil=True, error_model="numpy")
def _mean(layout: Layout, rows: Floats, constant: Floats, level_mean: Floats) -> Floats:
    mean = constant + rows @ level_mean
    for i in range(mean.shape[0]):
        if layout.offset[i] >= 0:
            mean[i] += rows[i].sum() * layout.offset_mean[layout.offset[i]]
    return mean


@njit(cache=True, nogil=True, error_model="numpy")
def _answer(layout: Layout, rows: Floats, of_levels: Floats, sigma_noise: float, v: Floats, state: Floats) -> None:
    """Add Cov(unknowns, f) v to ``state``: levels, year noises, offsets."""
    years = rows.shape[1]
    for i in range(v.shape[0]):
        for t in range(years):
            state[t] += of_levels[i, t] * v[i]
            state[years + t] += (1.0 - layout.own[i]) * sigma_noise**2 * rows[i, t] * v[i]
        if layout.offset[i] >= 0:
            at = layout.offset[i]
            state[2 * years + at] += layout.offset_sd[at] ** 2 * rows[i].sum() * v[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _noise(layout: Layout, sigma_noise: float) -> Floats:
    """Noise of each figure's own, dims (figure)."""
    return np.asarray(np.sqrt(layout.own * sigma_noise**2 + layout.sd**2))


@njit(cache=True, nogil=True, error_model="numpy")
def _search(
    layout: Layout,
    sigma_noise: float,
    levels: Floats,
    level_mean: Floats,
    begin: Floats,
    rows: Floats,
    constant: Floats,
    f: Floats,
    a: Floats,
    g: Floats,
    w: Floats,
) -> tuple[Floats, Floats, float, float]:
    """Expand and find the mode until both stand still, from the levels ``begin`` on, dims (year).

    Fills rows, constants, mode, ``a``, gradient, curvature; returns K, H C, the log evidence and the log-likelihood at
    the mode.
    """
    years, offsets = rows.shape[1], layout.offset_mean.shape[0]
    prior = np.zeros(2 * years + offsets)
    prior[:years], prior[2 * years :] = level_mean, layout.offset_mean
    at, sigma = prior.copy(), _noise(layout, sigma_noise)
    at[:years] = begin
    linear = _all_linear(layout)
    left = (1.0 - layout.noisy) * sigma**2
    rounds = 1 if linear else _MAX_ROUNDS
    for number in range(rounds):
        _expand(layout, at[:years], at[years : 2 * years], at[2 * years :], rows, constant)
        of_levels = rows @ levels
        k = _covariance(layout, rows, of_levels, sigma_noise)
        mean = _mean(layout, rows, constant, level_mean)
        start = first_guess(k, mean, layout.guess, layout.guess_variance, left)
        log_evidence, value = find_mode(
            k,
            mean,
            start,
            layout.kind,
            layout.lower,
            layout.upper,
            layout.size,
            sigma,
            layout.limit,
            f,
            a,
            g,
            w,
        )
        mode = prior.copy()
        _answer(layout, rows, of_levels, sigma_noise, a, mode)
        move = np.abs(mode - at).max()
        # the last expansion is kept: evidence and ratios belong to it
        if linear or move <= _STILL or number == rounds - 1:
            break
        at = mode if number < _DAMPED else 0.5 * (at + mode)
    return k, of_levels, log_evidence, value


@njit(cache=True, nogil=True, error_model="numpy")
def general_evidence(
    thetas: Floats,
    first_mean: Floats,
    begin: float,
    level_sd: float,
    sign: float,
    kept: float,
    years: int,
    layout: Layout,
) -> Floats:
    """Log Laplace evidence of every theta, dims (theta).

    Parameters
    ----------
    first_mean : array, dims (theta)
        Of the first level given theta. [link scale]
    begin : float
        First level that expansions begin around whatever theta is: a point of theta that puts the first level far out,
        where the curve is flat, would not find back. [link scale]
    """
    n = layout.form.shape[0]
    result = np.empty(thetas.shape[0])
    f, a, g, w, constant = np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    rows = np.empty((n, years))
    for row in range(thetas.shape[0]):
        theta = thetas[row]
        levels = level_covariance(theta, kept, years, level_sd**2)
        mean = level_mean(first_mean[row], sign * theta[4], kept, years)
        at = level_mean(begin, sign * theta[4], kept, years)
        result[row] = _search(layout, theta[3], levels, mean, at, rows, constant, f, a, g, w)[2]
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def _log_likelihood_of(layout: Layout, state: Floats, expanded: Floats, sigma: Floats, years: int) -> float:
    """Log-likelihood of a draw of the unknowns: expanded latent values serve where they are the true ones."""
    latent = expanded.copy()
    for i in range(latent.shape[0]):
        if not is_linear(layout.form[i], layout.link):
            eta = _eta(layout, i, state[:years], state[years : 2 * years], state[2 * years :])
            slopes = np.empty(eta.shape[0])
            latent[i] = latent_value(layout.form[i], layout.link, layout.weight[i], layout.scale[i], eta, slopes)
    return evaluate(latent, layout.kind, layout.lower, layout.upper, layout.size, sigma, layout.limit)


@njit(cache=True, nogil=True, error_model="numpy")
def general_paths(
    thetas: Floats,
    chosen: Ints,
    first_mean: Floats,
    begin: float,
    level_sd: float,
    sign: float,
    kept: float,
    years: int,
    layout: Layout,
    wide: Ints,
    path_normals: Floats,
    unknown_normals: Floats,
    noise_normals: Floats,
    step_normals: Floats,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Draw paths given theta.

    Parameters
    ----------
    chosen : array, dims (draw)
        Row of ``thetas`` of each draw, equal ones side by side.
    first_mean : array, dims (theta)
        Of the first level given theta. [link scale]
    begin : float
        As for :func:`general_evidence`. [link scale]
    wide : array, dims (draw)
        1 or 0 with equal chance: whether a draw is of the wide half, where there is one.
    path_normals : array, dims (draw, 2 * years)
    unknown_normals : array, dims (draw, years + offsets)
    noise_normals, step_normals : arrays, dims (draw, figure)

    Returns
    -------
    tuple of arrays
        levels, dims (draw, years); last departure of the slope from the drift, dims (draw); offsets, dims (draw,
        offset); log importance ratio, dims (draw). [link scale]
    """
    n, count, offsets = layout.form.shape[0], chosen.shape[0], layout.offset_mean.shape[0]
    level_out, slope_out, log_ratio = np.empty((count, years)), np.empty(count), np.empty(count)
    offset_out = np.empty((count, offsets))
    f, a, g, w, constant = np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    rows, path = np.empty((n, years)), np.empty(years)
    theta, mean, sigma, slope_cov = thetas[0], np.empty(years), np.empty(n), np.empty(years)
    k, of_levels, factors, value_at_mode, previous = np.empty((n, n)), rows, np.empty((2, n, n)), 0.0, -1
    shift, wide_w, linear = 0.0, np.empty(n), _all_linear(layout)
    mixed = not linear or first_open(layout.kind, layout.lower, layout.upper, layout.size) >= 0
    prior, state = np.empty(2 * years + offsets), np.empty(2 * years + offsets)
    for draw in range(count):
        if chosen[draw] != previous:
            previous = chosen[draw]
            theta = thetas[previous]
            slope_cov, levels = slope_covariance(theta, kept, years), level_covariance(theta, kept, years, level_sd**2)
            mean = level_mean(first_mean[previous], sign * theta[4], kept, years)
            at = level_mean(begin, sign * theta[4], kept, years)
            k, of_levels, _, value_at_mode = _search(layout, theta[3], levels, mean, at, rows, constant, f, a, g, w)
            wide_w = widened(w, layout.kind, layout.lower, layout.upper, layout.size)
            if not linear:
                wide_w /= _WIDENING
            shift = fill_factors(k, w, wide_w, mixed, factors)
            sigma = _noise(layout, theta[3])
        slope = simulate_path(theta, kept, level_sd, path_normals[draw], path)
        prior[:years] = path
        prior[years : 2 * years] = theta[3] * unknown_normals[draw, :years]
        prior[2 * years :] = layout.offset_sd * unknown_normals[draw, years:]
        prior_f = layout.noisy * sigma * noise_normals[draw]
        for i in range(n):
            eta = _eta(layout, i, prior[:years], prior[years : 2 * years], prior[2 * years :])
            prior_f[i] += np.dot(rows[i, layout.first[i] : layout.last[i] + 1], eta)
        coin = wide[draw] if mixed else 0
        root = np.sqrt(wide_w) if coin == 1 else np.sqrt(w)
        correction = a - root * solve(factors[coin], root * prior_f + step_normals[draw])
        state[:] = prior
        state[:years] += mean
        state[2 * years :] += layout.offset_mean
        _answer(layout, rows, of_levels, theta[3], correction, state)
        level_out[draw], offset_out[draw] = state[:years], state[2 * years :]
        slope_out[draw] = slope + np.dot(rows @ slope_cov, correction)
        delta = prior_f + k @ (correction - a)
        value = _log_likelihood_of(layout, state, f + delta, sigma, years)
        log_ratio[draw] = value - value_at_mode - log_expansion(delta, a, w, wide_w, shift, mixed)
    return level_out, slope_out, offset_out, log_ratio
