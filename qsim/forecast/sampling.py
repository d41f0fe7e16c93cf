r"""Counts at a given quantile of the normal law, for many draws: what ``scipy.stats`` does one hundred times slower.

Where the variance :math:`\sigma^2` of a count K is at least :data:`EXACT_BELOW`, K is taken as a continuous variable
that is rounded. By Sheppard's corrections it has the variance :math:`s^2 = \sigma^2 - \frac1{12}`, the third cumulant
of K and the fourth plus :math:`\frac1{120}`; with :math:`\gamma_1, \gamma_2` its skewness and excess, the count at
the normal quantile z is the nearest to (Cornish-Fisher)

.. math:: \mu + s\Big[z + \frac{\gamma_1}{6}(z^2 - 1) + \frac{\gamma_2}{24}(z^3 - 3z)
          - \frac{\gamma_1^2}{36}(2z^3 - 5z)\Big].

Its distribution function is within 2e-4 of the true one, a hundredth of the standard error of a probability from 1,000
draws (the tests go through p from 0.005 to 0.995). Below that variance the distribution function is summed.

Source: Cornish & Fisher (1938); Abramowitz & Stegun 26.2.49; Kendall & Stuart (1977), vol. 1, sec. 3.18 (Sheppard).
"""

import math
from typing import Final

from numba import njit

from qsim.model.arithmetic import exp_minus

EXACT_BELOW: Final = 8.0
"""Variance of a count below which its distribution function is summed. [1]"""

_SQRT2: Final = math.sqrt(2.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _cornish_fisher(z: float, mean: float, variance: float, third: float, fourth: float) -> float:
    """Count at the normal quantile z, from its first four cumulants."""
    square = variance - 1.0 / 12.0
    s = math.sqrt(square)
    skew, excess = third / (square * s), (fourth + 1.0 / 120.0) / (square * square)
    bent = z + skew / 6.0 * (z * z - 1.0) + z * excess / 24.0 * (z * z - 3.0)
    return math.floor(mean + s * (bent - z * skew * skew / 36.0 * (2.0 * z * z - 5.0)) + 0.5)


@njit(cache=True, nogil=True, error_model="numpy")
def binomial_at(z: float, trials: float, p: float) -> float:
    """Successes among ``trials`` at the quantile that z has in the standard normal law."""
    spread = trials * p * (1.0 - p)
    if spread >= EXACT_BELOW:
        count = _cornish_fisher(z, trials * p, spread, spread * (1.0 - 2.0 * p), spread * (1.0 - 6.0 * p * (1.0 - p)))
        return min(max(count, 0.0), trials)
    flipped = p > 0.5
    if flipped:
        z, p = -z, 1.0 - p
    u, odds = 0.5 * math.erfc(-z / _SQRT2), p / (1.0 - p)
    count, term = 0.0, math.exp(trials * math.log1p(-p))
    total = term
    # terms below the rounding of the sum cannot reach u any more
    while total < u and count < trials and (term > 1e-17 or count < trials * p):
        term *= odds * (trials - count) / (count + 1.0)
        count += 1.0
        total += term
    return trials - count if flipped else count


@njit(cache=True, nogil=True, error_model="numpy")
def poisson_at(z: float, rate: float) -> float:
    """Number of events at the quantile that z has in the standard normal law."""
    if rate >= EXACT_BELOW:
        return max(_cornish_fisher(z, rate, rate, rate, rate), 0.0)
    u = 0.5 * math.erfc(-z / _SQRT2)
    count, term = 0.0, exp_minus(rate)
    total = term
    while total < u and (term > 1e-17 or count < rate):
        count += 1.0
        term *= rate / count
        total += term
    return count
