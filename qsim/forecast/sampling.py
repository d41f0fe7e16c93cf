r"""Counts of a sample from standard normal scores: exact quantiles of the binomial and the Poisson, at little cost.

A score :math:`z` stands for the chance :math:`u = \Phi(z)`; the count is the least :math:`k` with :math:`F(k) \ge u`.

*Small variance* (below :data:`EXACT_BELOW`): the probabilities are summed from zero.

*Larger variance*: a whole number with probabilities :math:`P(k)` is read as a continuous :math:`Y` whose mass between
:math:`k - 1/2` and :math:`k + 1/2` is :math:`P(k)`. Its cumulants are those of the count with Sheppard's corrections
(:math:`\kappa_2 - 1/12`, :math:`\kappa_4 + 1/120`), and with :math:`s^2 = \kappa_2 - 1/12`,
:math:`\gamma_1 = \kappa_3 / s^3`, :math:`\gamma_2 = (\kappa_4 + 1/120) / s^4`, :math:`\gamma_3 = \kappa_5 / s^5` the
Cornish-Fisher expansion

.. math::

    x = \kappa_1 + s \Big[ z + \tfrac{\gamma_1}{6}(z^2 - 1) + \tfrac{\gamma_2}{24}(z^3 - 3z)
        - \tfrac{\gamma_1^2}{36}(2z^3 - 5z) + \tfrac{\gamma_3}{120}(z^4 - 6z^2 + 3)
        - \tfrac{\gamma_1 \gamma_2}{24}(z^4 - 5z^2 + 2) + \tfrac{\gamma_1^3}{324}(12z^4 - 53z^2 + 17) \Big]

misses :math:`Y`'s quantile by at most :data:`ERROR_NEAR` / variance ^ 1.5 for :math:`|z| \le 3` and
:data:`ERROR_FAR` / variance ^ 1.5 for :math:`|z| \le 4` [counts], measured on the grid of the tests. The count is
:math:`\lceil x - 1/2 \rceil`, unless :math:`x - 1/2` is that near to a whole number, or the score beyond 4: then
:math:`F` itself decides. So every count is exact (for scores up to 7, beyond which the chances themselves have no
digits left), and never falls when its probability rises.

Source: Cornish & Fisher (1938), doi:10.2307/1400905; Sheppard's corrections: Kendall & Stuart, vol. 1, 3.18;
continued fractions of the incomplete beta and gamma functions: Press et al. (2007), Numerical Recipes, 6.2 and 6.4.
"""

import math
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EXACT_BELOW: Final = 10.0
"""Variance below which probabilities are summed. [counts squared]"""

ERROR_NEAR: Final = 0.4
ERROR_FAR: Final = 4.0
_NEAR: Final = 3.0
_FAR: Final = 4.0

_NO_CHECK_FROM: Final = 1e8
"""Variance from which one count more or less is no figure: the expansion alone decides. [counts squared]"""

_MOST_COUNTED: Final = 1e15
"""Rate from which whole numbers are no longer told apart. [counts]"""

_BLOCK: Final = 1024
"""Samples whose expansions are held at once."""

_SQRT2: Final = math.sqrt(2.0)
_TINY: Final = 1e-300
_LAST_DIGIT: Final = 1e-14
_HALF: Final = 0.5
_MOST_TERMS: Final = 100_000

_MOST_INVERSES: Final = 64
_INVERSES: Final = 1.0 / np.maximum(np.arange(_MOST_INVERSES), 1)
"""1 / k, for k from 1."""


@njit(cache=True, nogil=True, error_model="numpy")
def _beta_fraction(a: float, b: float, x: float) -> float:
    """Continued fraction of the incomplete beta function (Lentz)."""
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > _TINY else _TINY)
    result = d
    for term in range(1, _MOST_TERMS):
        m = float(term)
        even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        step = 1.0
        for part in (even, odd):
            d = 1.0 + part * d
            d = 1.0 / (d if abs(d) > _TINY else _TINY)
            c = 1.0 + part / c
            c = c if abs(c) > _TINY else _TINY
            step = c * d
            result *= step
        if abs(step - 1.0) < _LAST_DIGIT:
            break
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def _beta_share(a: float, b: float, x: float) -> float:
    """Regularized incomplete beta function I_x(a, b)."""
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _beta_fraction(a, b, x) / a
    return 1.0 - front * _beta_fraction(b, a, 1.0 - x) / b


@njit(cache=True, nogil=True, error_model="numpy")
def _gamma_shares(a: float, x: float) -> tuple[float, float]:
    """Regularized incomplete gamma functions P(a, x) and Q(a, x)."""
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1.0:
        total = term = 1.0 / a
        for step in range(1, _MOST_TERMS):
            term *= x / (a + step)
            total += term
            if term < total * 1e-15:
                break
        return front * total, 1.0 - front * total
    b = x + 1.0 - a
    c, d = 1.0 / _TINY, 1.0 / b
    result = d
    for step in range(1, _MOST_TERMS):
        part = -step * (step - a)
        b += 2.0
        d = part * d + b
        d = 1.0 / (d if abs(d) > _TINY else _TINY)
        c = b + part / c
        c = c if abs(c) > _TINY else _TINY
        result *= c * d
        if abs(c * d - 1.0) < _LAST_DIGIT:
            break
    return 1.0 - front * result, front * result


@njit(cache=True, nogil=True, error_model="numpy")
def _reaches(score: float, k: float, trials: float, rate: float) -> bool:
    """Whether F(k) >= Phi(score), in the tail where both are small; ``trials`` 0 stands for the Poisson."""
    if k < 0.0:
        return False
    if trials > 0.0:
        if k >= trials:
            return True
        if score <= 0.0:
            return _beta_share(trials - k, k + 1.0, 1.0 - rate) >= 0.5 * math.erfc(-score / _SQRT2)
        return _beta_share(k + 1.0, trials - k, rate) <= 0.5 * math.erfc(score / _SQRT2)
    above, below = _gamma_shares(k + 1.0, rate)
    if score <= 0.0:
        return below >= 0.5 * math.erfc(-score / _SQRT2)
    return above <= 0.5 * math.erfc(score / _SQRT2)


@njit(cache=True, nogil=True, error_model="numpy")
def _summed(score: float, trials: float, rate: float) -> float:
    """Least k with F(k) >= Phi(score), by summing probabilities from zero."""
    chance = 0.5 * math.erfc(-score / _SQRT2)
    k = 0.0
    if trials > 0.0:
        odds = rate / (1.0 - rate)
        probability = math.exp(trials * math.log1p(-rate))
    else:
        odds = rate
        probability = math.exp(-rate)
    total = probability
    # where the last digit of the sum no longer counts, the rest of the tail is below it
    while total < chance and probability > 1e-18 * total and (trials == 0.0 or k < trials):
        k += 1.0
        # a division would hold up the next one
        inverse = _INVERSES[int(k)] if k < _MOST_INVERSES else 1.0 / k
        probability *= odds * (trials - k + 1.0) * inverse if trials > 0.0 else odds * inverse
        total += probability
    return k


@njit(cache=True, nogil=True, error_model="numpy")
def _expansion(z: float, mean: float, variance: float, skew: float, peak: float) -> tuple[float, float]:
    """Cornish-Fisher quantile less one half, and 1 / s^3; NaN below the smallest variance it can stand.

    ``skew`` is 1 - 2 p and ``peak`` p (1 - p), for the Poisson 1 and 0. No branches: a loop of it runs in vectors.
    """
    s = math.sqrt(variance - 1.0 / 12.0)
    r = 1.0 / s
    r2 = r * r
    share = variance * r2
    g1 = share * skew * r
    g2 = (share * (1.0 - 6.0 * peak) + r2 / 120.0) * r2
    g3 = g1 * (1.0 - 12.0 * peak) * r2
    z2 = z * z
    w = z + g1 * (z2 - 1.0) / 6.0 + z * (g2 * (z2 - 3.0) / 24.0 - g1 * g1 * (2.0 * z2 - 5.0) / 36.0)
    w += (
        g3 * (z2 * (z2 - 6.0) + 3.0) / 120.0
        - g1 * g2 * (z2 * (z2 - 5.0) + 2.0) / 24.0
        + g1 * g1 * g1 * (z2 * (12.0 * z2 - 53.0) + 17.0) / 324.0
    )
    return mean + s * w - 0.5, r2 * r


@njit(cache=True, nogil=True, error_model="numpy")
def _certain(z: float, place: float, cube: float) -> bool:
    """Whether the expansion leaves no doubt about the whole number above ``place``. No branches, as above."""
    size = abs(z)
    error = (ERROR_NEAR if size <= _NEAR else ERROR_FAR) * cube
    above = np.ceil(place) - place
    return bool((size <= _FAR) & (above > error) & (1.0 - above > error))


@njit(cache=True, nogil=True, error_model="numpy")
def _settled(score: float, place: float, trials: float, rate: float) -> float:
    """Least k with F(k) >= Phi(score), looked for around ``place``."""
    k = max(math.ceil(place), 0.0)
    while not _reaches(score, k, trials, rate):
        k += 1.0
    while _reaches(score, k - 1.0, trials, rate):
        k -= 1.0
    return k


@njit(cache=True, nogil=True, error_model="numpy")
def _careful_binomial(score: float, trials: float, p: float, variance: float) -> float:
    """Binomial quantile where the expansion alone does not settle it."""
    if not 0.0 < p < 1.0:
        return trials if p >= 1.0 else 0.0
    # the side with fewer cases: fewer terms to sum, and its tail keeps its digits
    rate = min(p, 1.0 - p)
    turned = -score if p > _HALF else score
    if variance < EXACT_BELOW:
        count = _summed(turned, trials, rate)
    else:
        place, _ = _expansion(turned, trials * rate, variance, 1.0 - 2.0 * rate, rate * (1.0 - rate))
        count = _settled(turned, place, trials, rate)
    return trials - count if p > _HALF else count


@njit(cache=True, nogil=True, error_model="numpy")
def _poisson_count(score: float, mean: float) -> float:
    if mean < EXACT_BELOW:
        return _summed(score, 0.0, mean)
    if mean > _MOST_COUNTED:
        return mean
    place, cube = _expansion(score, mean, mean, 1.0, 0.0)
    if mean > _NO_CHECK_FROM or _certain(score, place, cube):
        return max(float(math.ceil(place)), 0.0)
    return _settled(score, place, 0.0, mean)


@njit(cache=True, nogil=True, error_model="numpy")
def binomial_counts(scores: Floats, trials: float, p: Floats) -> Floats:
    """Successes of samples of one size: the quantile at chance Phi(score).

    Parameters
    ----------
    scores : array, dims (sample)
        Standard normal scores.
    trials : float
        Size of each sample, a whole number.
    p : array, dims (sample)
        Probabilities [1].

    Returns
    -------
    array, dims (sample)
        [counts]
    """
    counts, sure = np.empty(p.size), np.empty(_BLOCK)
    for start in range(0, p.size, _BLOCK):
        # views of a block, first all expansions in vectors, then the few that need more
        shares, drawn, found = p[start : start + _BLOCK], scores[start : start + _BLOCK], counts[start : start + _BLOCK]
        for at in range(shares.size):
            peak = shares[at] * (1.0 - shares[at])
            variance = trials * peak
            place, cube = _expansion(drawn[at], trials * shares[at], variance, 1.0 - 2.0 * shares[at], peak)
            settled = (variance > _NO_CHECK_FROM) | _certain(drawn[at], place, cube)
            sure[at] = 1.0 if settled & (variance >= EXACT_BELOW) else 0.0
            found[at] = min(max(np.ceil(place), 0.0), trials)
        for at in range(shares.size):
            if sure[at] == 0.0:
                variance = trials * shares[at] * (1.0 - shares[at])
                found[at] = _careful_binomial(drawn[at], trials, shares[at], variance)
    return counts


@njit(cache=True, nogil=True, error_model="numpy")
def poisson_counts(scores: Floats, means: Floats) -> Floats:
    """Events of each year, dims (sample): the quantile at chance Phi(score) for rates ``means``. [counts]"""
    counts = np.empty(means.size)
    for at in range(means.size):
        counts[at] = _poisson_count(scores[at], means[at])
    return counts
