"""Pareto-smoothed importance sampling: how far a set of weights can be trusted, and the weights made safer.

Source: Vehtari, Simpson, Gelman, Yao & Gabry (2024), JMLR 25(72); Zhang & Stephens (2009),
doi:10.1198/tech.2009.08017. Written out because this path loads neither ArviZ nor PyMC; the tests hold it to ArviZ.
"""

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qsim.model.arithmetic import sum_of, sum_of_squares

Floats = NDArray[np.float64]

PARETO_K_LIMIT: Final = 0.7
"""Above this the weights' mean cannot be trusted at usual numbers of draws. [1]"""

_FEWEST: Final = 5
"""Fewest weights that make a tail."""

_EVEN: Final = 2.0
"""Largest weight over the mean below which weights have no tail worth fitting: k is then reported as -inf."""

_EVEN_SHARE: Final = 0.9
"""Effective share of the draws above which it is so too: a few weights of two or three among ones fake a large k."""


@njit(cache=True, nogil=True, error_model="numpy")
def effective_count(weights: Floats) -> float:
    """Number of equal weights worth as much: 1 / sum of the squared normalized weights."""
    return float(sum_of(weights) ** 2 / sum_of_squares(weights))


@njit(cache=True, nogil=True, error_model="numpy")
def smooth(log_weights: Floats) -> tuple[Floats, float]:
    """Smooth the largest weights by a generalized Pareto law.

    Parameters
    ----------
    log_weights : array, dims (draw)

    Returns
    -------
    weights : array, dims (draw)
        Normalized to sum 1.
    k : float
        Shape of the Pareto law; -inf where the weights are so even that there is no tail.
    """
    count = log_weights.size
    logs = log_weights - log_weights.max()
    tail = int(np.ceil(min(0.2 * count, 3.0 * np.sqrt(count))))
    raw = np.exp(logs)
    total = sum_of(raw)
    if tail < _FEWEST or total * _EVEN > count or effective_count(raw) > _EVEN_SHARE * count:
        return raw / total, -np.inf
    order = np.argsort(logs, kind="mergesort")
    largest = order[-tail:]
    cutoff = logs[order[-tail - 1]]
    excess = np.exp(logs[largest]) - np.exp(cutoff)
    if excess[0] <= 0.0:
        return raw / total, -np.inf
    k, sigma = fit_pareto(excess)
    quantiles = (np.arange(tail) + 0.5) / tail
    smoothed = sigma * np.expm1(-k * np.log1p(-quantiles)) / k if abs(k) > 1e-9 else -sigma * np.log1p(-quantiles)
    logs = logs.copy()
    # no smoothed weight above the largest raw one
    logs[largest] = np.minimum(np.log(smoothed + np.exp(cutoff)), 0.0)
    weights = np.exp(logs)
    return weights / sum_of(weights), k


@njit(cache=True, nogil=True, error_model="numpy")
def fit_pareto(excess: Floats) -> tuple[float, float]:
    """Shape and scale of a generalized Pareto law for ascending positive ``excess``."""
    n = excess.size
    grid = 30 + int(np.sqrt(n))
    b = 1.0 - np.sqrt(grid / (np.arange(1, grid + 1) - 0.5))
    b = b / (3.0 * excess[int(n / 4.0 + 0.5) - 1]) + 1.0 / excess[-1]
    shape = np.array([_mean_log(one, excess) for one in b])
    profile = n * (np.log(-b / shape) - shape - 1.0)
    weights = np.exp(profile - profile.max())
    best = float((b * weights / weights.sum()).sum())
    k = _mean_log(best, excess)
    sigma = -k / best
    # a weak prior towards 0.5, worth ten draws
    return (k * n + 5.0) / (n + 10.0), sigma


@njit(cache=True, nogil=True, error_model="numpy")
def _mean_log(b: float, x: Floats) -> float:
    """Mean of log(1 - b x), eight factors multiplied before their log is taken."""
    total = 0.0
    for first in range(0, x.size, 8):
        product = 1.0
        for one in x[first : first + 8]:
            product *= 1.0 - b * one
        total += np.log(product)
    return float(total / x.size)
