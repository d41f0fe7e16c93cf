r"""Likelihoods of single figures: value, gradient and curvature in the latent value.

The latent value of a count is the year's own eta (level plus year noise, whose variance is part of the prior
covariance). The latent value of an interval is the level; the year noise is integrated out:

.. math:: \log p(f) = \log[\Phi((b - f)/\sigma_e) - \Phi((a - f)/\sigma_e)].

A printed rate with a denominator :math:`n` and no numerator is the sum of the binomial over the counts
:math:`k_0 \dots k_1` that print it; with :math:`K` the count given that it lies there,
the gradient is :math:`E[K] - np` and the curvature :math:`np(1-p) - \mathrm{var}[K]`. So far all are log-concave.

With a natural limit :math:`L` of the share that can succeed, :math:`p = L q`, :math:`q = 1 / (1 + e^{-f})`. That is
not log-concave where few succeed; gradient and curvature are taken through :math:`p`,

.. math:: \frac{dp}{df} = p (1 - q), \quad
          g = (E[K] - np)\,\frac{1 - q}{1 - p}, \quad
          W = (np(1-p) - \mathrm{var}[K])\,\Big(\frac{1 - q}{1 - p}\Big)^2,

for a known count the expected (Fisher) curvature, which is never negative: Newton's step becomes Fisher scoring.

Source: Rasmussen & Williams (2006), ch. 3; Burridge (1981), doi:10.1111/j.2517-6161.1981.tb01150.x
(log-concavity under interval censoring).
"""

import math
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BINOMIAL: Final = 0
"""Counts: lower = upper = successes, size = trials."""
BINOMIAL_RANGE: Final = 1
"""Trials known, successes only as a range: lower to upper, size = trials."""
POISSON: Final = 2
"""Number of things in a year: lower = upper = the number."""
INTERVAL: Final = 3
"""Figure in an interval: lower and upper on the link scale, either may be infinite."""

_SQRT2: Final = math.sqrt(2.0)
_LOG_SQRT_2PI: Final = 0.5 * math.log(2.0 * math.pi)


@njit(cache=True, nogil=True, error_model="numpy")
def log_ndtr(x: float) -> float:
    """Log of the standard normal distribution function."""
    if x > -30.0:
        return math.log(0.5 * math.erfc(-x / _SQRT2))
    # asymptotic series (Abramowitz & Stegun 26.2.12); at x = -30 its error is below 1e-11
    s = 1.0 / (x * x)
    return -0.5 * x * x - _LOG_SQRT_2PI - math.log(-x) + math.log1p(-s * (1.0 - s * (3.0 - s * (15.0 - 105.0 * s))))


@njit(cache=True, nogil=True, error_model="numpy")
def log_ndtr_difference(alpha: float, beta: float) -> float:
    """Stable log of Phi(beta) - Phi(alpha) for alpha < beta."""
    if alpha > 0.0:
        alpha, beta = -beta, -alpha
    width, middle = beta - alpha, 0.5 * (alpha + beta)
    if width * (1.0 + abs(middle)) < 1e-3:
        # a narrow interval: the density at its middle times its width, with the second-order term
        return math.log(width) - 0.5 * middle * middle - _LOG_SQRT_2PI + width * width * (middle * middle - 1.0) / 24.0
    if beta <= 0.0:
        upper = log_ndtr(beta)
        if math.isinf(alpha):
            return upper
        return upper + math.log(-math.expm1(log_ndtr(alpha) - upper))
    outside = 0.5 * math.erfc(beta / _SQRT2) + 0.5 * math.erfc(-alpha / _SQRT2)
    return math.log1p(-outside)


@njit(cache=True, nogil=True, error_model="numpy")
def density_ratio(x: float, log_mass: float) -> float:
    """Standard normal density at ``x`` over a mass given by its log; zero at infinity."""
    return 0.0 if math.isinf(x) else math.exp(-0.5 * x * x - _LOG_SQRT_2PI - log_mass)


@njit(cache=True, nogil=True, error_model="numpy")
def _interval(f: float, lower: float, upper: float, sigma: float) -> tuple[float, float, float]:
    alpha, beta = (lower - f) / sigma, (upper - f) / sigma
    log_mass = log_ndtr_difference(alpha, beta)
    width = beta - alpha
    if width * (1.0 + 0.5 * abs(alpha + beta)) < 1e-3:
        return log_mass, 0.5 * (alpha + beta) / sigma, (1.0 - width * width / 12.0) / sigma**2
    at_upper, at_lower = density_ratio(beta, log_mass), density_ratio(alpha, log_mass)
    gradient = -(at_upper - at_lower) / sigma
    bend = (0.0 if math.isinf(beta) else beta * at_upper) - (0.0 if math.isinf(alpha) else alpha * at_lower)
    return log_mass, gradient, max(bend / sigma**2 + gradient**2, 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _log_choose(n: float, k: float) -> float:
    return math.lgamma(n + 1.0) - math.lgamma(k + 1.0) - math.lgamma(n - k + 1.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _log1p_exp(f: float) -> float:
    return f + math.log1p(math.exp(-f)) if f > 0.0 else math.log1p(math.exp(f))


@njit(cache=True, nogil=True, error_model="numpy")
def _counts(log_odds: float, low: float, high: float, n: float) -> tuple[float, float, float]:
    """Log of the sum of choose(n, k) exp(k log_odds) over k from ``low`` to ``high``; mean and variance of k there."""
    top, total, first, second = -math.inf, 0.0, 0.0, 0.0
    log_choose = _log_choose(n, low)
    k = low
    while k <= high:
        term = log_choose + k * log_odds
        if term > top:
            scale = math.exp(top - term)
            total, first, second, top = total * scale, first * scale, second * scale, term
        weight = math.exp(term - top)
        total, first, second = total + weight, first + weight * k, second + weight * k * k
        if k < n:
            log_choose += math.log((n - k) / (k + 1.0))
        k += 1.0
    mean = first / total
    variance = max(second / total - mean * mean, 0.0)
    return top + math.log(total), mean, variance


@njit(cache=True, nogil=True, error_model="numpy")
def _binomial_range(f: float, low: float, high: float, n: float) -> tuple[float, float, float]:
    p = 1.0 / (1.0 + math.exp(-f))
    log_sum, mean, variance = _counts(f, low, high, n)
    return log_sum - n * _log1p_exp(f), mean - n * p, max(n * p * (1.0 - p) - variance, 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _limited_binomial(f: float, low: float, high: float, n: float, limit: float) -> tuple[float, float, float]:
    """Counts ``low`` to ``high`` of ``n`` where at most a share ``limit`` below 1 can succeed."""
    q = 1.0 / (1.0 + math.exp(-f))
    p = limit * q
    log_odds = math.log(limit) - _log1p_exp(-f) - math.log1p(-p)
    log_sum, mean, variance = _counts(log_odds, low, high, n)
    ratio = (1.0 - q) / (1.0 - p)
    value = log_sum + n * math.log1p(-p)
    return value, (mean - n * p) * ratio, max(n * p * (1.0 - p) - variance, 0.0) * ratio * ratio


@njit(cache=True, nogil=True, error_model="numpy")
def log_likelihood(
    kind: int, f: float, lower: float, upper: float, size: float, sigma_noise: float, limit: float = 1.0
) -> tuple[float, float, float]:
    """Log-likelihood of one figure, its gradient and a curvature in the latent value ``f``.

    The curvature is minus the second derivative, or the expected one where counts have a natural limit below 1.
    """
    if kind == INTERVAL:
        return _interval(f, lower, upper, sigma_noise)
    if limit < 1.0 and kind != POISSON:
        return _limited_binomial(f, lower, upper, size, limit)
    if kind == BINOMIAL_RANGE and upper > lower:
        return _binomial_range(f, lower, upper, size)
    if kind == POISSON:
        rate = math.exp(f)
        return lower * f - rate - math.lgamma(lower + 1.0), lower - rate, rate
    p = 1.0 / (1.0 + math.exp(-f))
    value = _log_choose(size, lower) + lower * f - size * _log1p_exp(f)
    return value, lower - size * p, size * p * (1.0 - p)
