r"""Compiled kernels of the nested Laplace approximation for one series.

Given theta the latent values :math:`f` of the figures are Gaussian with mean :math:`m` and covariance :math:`K`. With
:math:`g` and :math:`W` the gradient and curvature of the log-likelihood, :math:`B = I + W^{1/2} K W^{1/2}`, the mode
satisfies :math:`\hat f = m + K a`, :math:`a = g(\hat f)`, and

.. math:: \log \hat L = \log p(y | \hat f) - \tfrac12 a^T (\hat f - m) - \tfrac12 \log |B|.

A draw of the whole path :math:`x` (levels of every year, last slope) comes from Matheron's rule: with a path
:math:`x^*, f^*` from the prior and :math:`\varepsilon \sim N(0, I)`,

.. math:: x = m_x + C_{xf} a + x^* - C_{xf} W^{1/2} B^{-1} (W^{1/2} f^* + \varepsilon).

Its importance ratio is the likelihood's departure from the quadratic at the mode, :math:`\delta = f - \hat f`:

.. math:: \log r = \log p(y|f) - \log \tilde p(y|\hat f) - a^T \delta + \tfrac12 \delta^T W \delta,

where :math:`\tilde p` is the likelihood that was expanded.

Half-open intervals ("above 95 %") leave the far side to the prior, whose tail is longer than that of the normal factor.
Where there are any, half of the draws take a fraction of their curvature around the same mode, :math:`W_*`, and the
ratio is taken against the mixture of both,

.. math:: \log r = \log p(y|f) - \log \tilde p(y|\hat f) - a^T \delta
    - \log\Big[\tfrac12 e^{-\delta^T W \delta / 2} + \tfrac12 e^{-\delta^T W_* \delta / 2} (|B_*| / |B|)^{1/2}\Big].

Source: Rasmussen & Williams (2006), Gaussian processes for machine learning, alg. 3.1 and 3.2; Rue, Martino & Chopin
(2009), doi:10.1111/j.1467-9868.2008.00700.x; Matheron's rule: Wilson et al. (2021), JMLR 22(105); defensive
mixtures: Hesterberg (1995), doi:10.1080/00401706.1995.10484303.
"""

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qsim.inference.algebra import fill_factors, first_guess, first_open, inner, log_expansion, solve, widened
from qsim.model.likelihood import INTERVAL, density_ratio, log_likelihood, log_ndtr_difference
from qsim.model.trend import level_covariance, level_mean, simulate_path, slope_covariance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MAX_STEPS: Final = 60
_TOLERANCE: Final = 1e-9
_SMALLEST_STEP: Final = 1e-8
_MAX_SWEEPS: Final = 30
_SETTLED: Final = 1e-6
_LOST: Final = 1e-13
"""Share of a number that is taken as lost in rounding. [1]"""
_WIDEST: Final = 1e3
"""Widest sd of a latent value beside which figures can still be told apart in floating point. [link scale]"""
_LOG_SQRT_2PI: Final = 0.5 * float(np.log(2.0 * np.pi))


@njit(cache=True, nogil=True, error_model="numpy")
def _figure_covariance(levels: Floats, steps: Ints, noisy: Floats, sigma_noise: float) -> Floats:
    n = steps.shape[0]
    cov = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            cov[i, j] = levels[steps[i], steps[j]]
        cov[i, i] += noisy[i] * sigma_noise**2
    return cov


@njit(cache=True, nogil=True, error_model="numpy")
def evaluate(f: Floats, kind: Ints, lower: Floats, upper: Floats, size: Floats, sigma: Floats, limit: float) -> float:
    """Log-likelihood of all figures."""
    total = 0.0
    for i in range(f.shape[0]):
        total += log_likelihood(kind[i], f[i], lower[i], upper[i], size[i], sigma[i], limit)[0]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _is_matched(kind: int, lower: float, upper: float, sigma: float) -> bool:
    """Whether a figure is an interval that is half-open, or wider than the noise around it."""
    return kind == INTERVAL and upper - lower > sigma and not (np.isinf(lower) and np.isinf(upper))


@njit(cache=True, nogil=True, error_model="numpy")
def _approximate(
    f: Floats,
    kind: Ints,
    lower: Floats,
    upper: Floats,
    size: Floats,
    sigma: Floats,
    limit: float,
    sites: Floats,
    g: Floats,
    w: Floats,
) -> float:
    """Fill gradient and curvature of the likelihood that is expanded, return its log.

    A narrow interval of width h is, as a function of the level, h times the density of a uniform plus a normal
    variable: it is replaced by the normal law of the same mean and variance. A wide or half-open one is replaced by the
    normal factor that :func:`_update_sites` finds. Their own curvature would not do, being zero in the middle of an
    interval and sharp at its edge. The importance ratios put the difference right.
    """
    total = 0.0
    for i in range(f.shape[0]):
        width = upper[i] - lower[i]
        if _is_matched(kind[i], lower[i], upper[i], sigma[i]):
            w[i] = sites[i, 1]
            g[i] = sites[i, 0] - w[i] * f[i]
            total += sites[i, 2] + sites[i, 0] * f[i] - 0.5 * w[i] * f[i] * f[i]
        elif kind[i] == INTERVAL and np.isfinite(width):
            w[i] = 1.0 / (sigma[i] ** 2 + width * width / 12.0)
            off = 0.5 * (lower[i] + upper[i]) - f[i]
            g[i] = w[i] * off
            total += np.log(width) + 0.5 * np.log(w[i]) - _LOG_SQRT_2PI - 0.5 * w[i] * off * off
        else:
            value, g[i], w[i] = log_likelihood(kind[i], f[i], lower[i], upper[i], size[i], sigma[i], limit)
            total += value
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _update_sites(
    k: Floats, f: Floats, w: Floats, kind: Ints, lower: Floats, upper: Floats, sigma: Floats, sites: Floats
) -> float:
    """Give wide and half-open intervals the normal factors that match the moments of their true ones.

    Expectation propagation (Rasmussen & Williams, sec. 3.6). A row of ``sites`` is the factor
    exp(c + nu f - tau f^2 / 2): nu, tau, c. Returns the largest move, in sds of the latent values.
    """
    factor, root, largest = inner(k, w), np.sqrt(w), 0.0
    for i in range(f.shape[0]):
        if not _is_matched(kind[i], lower[i], upper[i], sigma[i]):
            continue
        column = root * k[:, i]
        variance = k[i, i] - np.dot(column, solve(factor, column))
        cavity = 1.0 / variance - sites[i, 1]
        # what the difference of k_ii and its correction has lost in rounding is k_ii of _LOST; the reciprocal turns it
        # into k_ii / variance^2: next to a prior this wide a closed interval's own moments are right
        if not _LOST * k[i, i] / variance**2 < cavity < np.inf:
            continue
        mean, spread = (f[i] / variance - sites[i, 0]) / cavity, 1.0 / cavity
        scale = np.sqrt(sigma[i] ** 2 + spread)
        alpha, beta = (lower[i] - mean) / scale, (upper[i] - mean) / scale
        log_mass = log_ndtr_difference(alpha, beta)
        at_lower, at_upper = density_ratio(alpha, log_mass), density_ratio(beta, log_mass)
        pull = at_lower - at_upper
        bend = (0.0 if np.isinf(beta) else beta * at_upper) - (0.0 if np.isinf(alpha) else alpha * at_lower)
        tilted_mean = mean + spread * pull / scale
        tilted_variance = spread - spread**2 * (bend + pull**2) / scale**2
        if not tilted_variance > 1e-9 * spread:
            continue  # lost in rounding: the factor of before serves
        tau = max(1.0 / tilted_variance - cavity, 0.0)
        nu = tilted_mean / tilted_variance - mean * cavity
        log_norm = 0.5 * ((mean * cavity + nu) ** 2 / (cavity + tau) - mean * mean * cavity)
        largest = max(largest, abs(tau - sites[i, 1]) * variance, abs(nu - sites[i, 0]) * np.sqrt(variance))
        sites[i, 0], sites[i, 1] = nu, tau
        sites[i, 2] = log_mass + 0.5 * np.log1p(spread * tau) - log_norm
    return largest


@njit(cache=True, nogil=True, error_model="numpy")
def _first_sites(kind: Ints, lower: Floats, upper: Floats, sigma: Floats) -> Floats:
    """Factors to begin with: a closed interval's own mean and variance, nothing for a half-open one."""
    sites = np.zeros((kind.shape[0], 3))
    for i in range(kind.shape[0]):
        width = upper[i] - lower[i]
        if _is_matched(kind[i], lower[i], upper[i], sigma[i]) and np.isfinite(width):
            middle, tau = 0.5 * (lower[i] + upper[i]), 1.0 / (sigma[i] ** 2 + width * width / 12.0)
            sites[i, 0], sites[i, 1] = tau * middle, tau
            sites[i, 2] = np.log(width) + 0.5 * np.log(tau) - _LOG_SQRT_2PI - 0.5 * tau * middle * middle
    return sites


@njit(cache=True, nogil=True, error_model="numpy")
def find_mode(
    k: Floats,
    mean: Floats,
    start: Floats,
    kind: Ints,
    lower: Floats,
    upper: Floats,
    size: Floats,
    sigma: Floats,
    limit: float,
    f: Floats,
    a: Floats,
    g: Floats,
    w: Floats,
) -> tuple[float, float]:
    """Fill mode, ``a``, gradient and curvature; return the log evidence and the log-likelihood at the mode.

    ``start`` holds the first guess of ``a``. Where wide or half-open intervals are among the figures, the search is
    repeated with their factors brought up to date. Draws stay exact where it all stops short: evidence and importance
    ratios are taken at the same point. A latent value of an sd above 1,000 has a log evidence of minus infinity: no
    share, count or index moves so, and what could be computed of it would be rounding.
    """
    for i in range(mean.shape[0]):
        if not k[i, i] <= _WIDEST**2:
            f[:], a[:], g[:], w[:] = mean, 0.0, 0.0, 0.0
            return -np.inf, -np.inf
    sites = _first_sites(kind, lower, upper, sigma)
    a[:] = start
    objective, value = _climb(k, mean, kind, lower, upper, size, sigma, limit, sites, f, a, g, w)
    for _ in range(_MAX_SWEEPS):
        if _update_sites(k, f, w, kind, lower, upper, sigma, sites) < _SETTLED:
            break
        objective, value = _climb(k, mean, kind, lower, upper, size, sigma, limit, sites, f, a, g, w)
    factor = inner(k, w)
    for i in range(mean.shape[0]):
        objective -= np.log(factor[i, i])
    return objective, value


@njit(cache=True, nogil=True, error_model="numpy")
def _climb(
    k: Floats,
    mean: Floats,
    kind: Ints,
    lower: Floats,
    upper: Floats,
    size: Floats,
    sigma: Floats,
    limit: float,
    sites: Floats,
    f: Floats,
    a: Floats,
    g: Floats,
    w: Floats,
) -> tuple[float, float]:
    """Newton's search from ``a``, halving steps that lower the log posterior; return that and the log-likelihood.

    The log posterior is minus infinity where none can be computed (:func:`_log_prior`).
    """
    n = mean.shape[0]
    f[:] = mean + k @ a
    value = _approximate(f, kind, lower, upper, size, sigma, limit, sites, g, w)
    objective = value + _log_prior(a, f - mean)
    trial_a, trial_f, trial_g, trial_w = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    trial_value = value
    for _ in range(_MAX_STEPS if n > 0 else 0):
        factor = inner(k, w)
        root = np.sqrt(w)
        b = w * (f - mean) + g
        newton = b - root * solve(factor, root * (k @ b))
        step, trial, improved = 1.0, -np.inf, False
        while step > _SMALLEST_STEP:
            trial_a[:] = a + step * (newton - a)
            trial_f[:] = mean + k @ trial_a
            trial_value = _approximate(trial_f, kind, lower, upper, size, sigma, limit, sites, trial_g, trial_w)
            trial = trial_value + _log_prior(trial_a, trial_f - mean)
            improved = trial >= objective and trial > -np.inf
            if improved:
                break
            step *= 0.5
        if not improved:
            break  # no step improves in floating point
        a[:], f[:], g[:], w[:], value = trial_a, trial_f, trial_g, trial_w, trial_value
        gain, objective = trial - objective, trial
        if gain <= _TOLERANCE * (1.0 + abs(objective)):
            break
    return objective, value


@njit(cache=True, nogil=True, error_model="numpy")
def _log_prior(a: Floats, off: Floats) -> float:
    """Half of -(f - m)^T K^-1 (f - m), given a = K^-1 (f - m); minus infinity where rounding has lost its sign.

    No square is negative. Where shocks are so large that B is singular in floating point, the product comes out as any
    number of either sign: taken as it is, a negative one would outweigh every point that can be computed.
    """
    square = np.dot(a, off)
    # rounding alone may leave a figure right at its mean a little below zero
    return -0.5 * max(square, 0.0) if square > -_TOLERANCE else -np.inf


@njit(cache=True, nogil=True, error_model="numpy")
def evidence(
    thetas: Floats,
    first_mean: Floats,
    level_sd: float,
    sign: float,
    kept: float,
    years: int,
    steps: Ints,
    noisy: Floats,
    kind: Ints,
    lower: Floats,
    upper: Floats,
    size: Floats,
    guess: Floats,
    guess_variance: Floats,
    limit: float,
) -> Floats:
    """Log Laplace evidence of every theta, dims (theta); ``first_mean`` of the first level given each, dims (theta)."""
    n = steps.shape[0]
    result = np.empty(thetas.shape[0])
    f, a, g, w, sigma = np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    for row in range(thetas.shape[0]):
        theta = thetas[row]
        sigma[:] = theta[3]
        levels = level_covariance(theta, kept, years, level_sd**2)
        k = _figure_covariance(levels, steps, noisy, theta[3])
        mean = level_mean(first_mean[row], sign * theta[4], kept, years)[steps]
        start = first_guess(k, mean, guess, guess_variance, (1.0 - noisy) * theta[3] ** 2)
        result[row], _ = find_mode(k, mean, start, kind, lower, upper, size, sigma, limit, f, a, g, w)
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def _told(cov: Floats, steps: Ints, correction: Floats) -> float:
    """What the figures say of an unknown, given its covariance with the levels."""
    total = 0.0
    for i in range(steps.shape[0]):
        total += cov[steps[i]] * correction[i]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def draw_paths(
    thetas: Floats,
    chosen: Ints,
    first_mean: Floats,
    level_sd: float,
    sign: float,
    kept: float,
    years: int,
    steps: Ints,
    noisy: Floats,
    kind: Ints,
    lower: Floats,
    upper: Floats,
    size: Floats,
    guess: Floats,
    guess_variance: Floats,
    limit: float,
    path_normals: Floats,
    noise_normals: Floats,
    step_normals: Floats,
) -> tuple[Floats, Floats, Floats]:
    """Draw paths given theta.

    Parameters
    ----------
    chosen : array, dims (draw)
        Row of ``thetas`` of each draw, equal ones side by side.
    first_mean : array, dims (theta)
        Of the first level given theta. [link scale]
    path_normals : array, dims (draw, 2 * years)
    noise_normals : array, dims (draw, figure + 1)
        The last one decides between the halves of the draws.
    step_normals : array, dims (draw, figure)

    Returns
    -------
    tuple of arrays
        levels, dims (draw, years); last departure of the slope from the drift, dims (draw); log importance ratio,
        dims (draw). [link scale]
    """
    n, count = steps.shape[0], chosen.shape[0]
    level_out, slope_out, log_ratio = np.empty((count, years)), np.empty(count), np.zeros(count)
    f, a, g, w, sigma = np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    prior_f = np.empty(n)
    path, means, value_at_mode, previous = np.empty(years), np.empty(years), 0.0, -1
    levels, k = np.empty((years, years)), np.empty((n, n))
    slope_cov, factors, theta = np.empty(years), np.empty((2, n, n)), thetas[0]
    shift, wide, mixed = 0.0, np.empty(n), first_open(kind, lower, upper, size) >= 0
    for draw in range(count):
        if chosen[draw] != previous:
            previous = chosen[draw]
            theta = thetas[previous]
            sigma[:] = theta[3]
            levels = level_covariance(theta, kept, years, level_sd**2)
            slope_cov = slope_covariance(theta, kept, years)
            k = _figure_covariance(levels, steps, noisy, theta[3])
            means = level_mean(first_mean[previous], sign * theta[4], kept, years)
            mean = means[steps]
            start = first_guess(k, mean, guess, guess_variance, (1.0 - noisy) * theta[3] ** 2)
            _, value_at_mode = find_mode(k, mean, start, kind, lower, upper, size, sigma, limit, f, a, g, w)
            wide = widened(w, kind, lower, upper, size)
            shift = fill_factors(k, w, wide, mixed, factors)
        slope = simulate_path(theta, kept, level_sd, path_normals[draw], path)
        for i in range(n):
            prior_f[i] = path[steps[i]] + noisy[i] * theta[3] * noise_normals[draw, i]
        coin = 1 if mixed and noise_normals[draw, n] > 0.0 else 0
        root = np.sqrt(wide) if coin == 1 else np.sqrt(w)
        correction = a - root * solve(factors[coin], root * prior_f + step_normals[draw])
        for t in range(years):
            told = _told(levels[t], steps, correction)
            level_out[draw, t] = means[t] + path[t] + told
        slope_out[draw] = slope + _told(slope_cov, steps, correction)
        if n > 0:
            delta = prior_f + k @ (correction - a)
            value = evaluate(f + delta, kind, lower, upper, size, sigma, limit)
            log_ratio[draw] = value - value_at_mode - log_expansion(delta, a, w, wide, shift, mixed)
    return level_out, slope_out, log_ratio
