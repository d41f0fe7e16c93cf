r"""Simulation-based calibration: ranks of the truth among posterior draws, and bands that tell chance from fault.

If a truth is drawn from the prior, figures from the truth and draws from the posterior, the rank of the truth among
:math:`L` draws is uniform on :math:`0 \dots L`. Of :math:`N` such ranks the number below :math:`i` is binomial with
chance :math:`i / (L + 1)`. The ranks are taken as uniform where the smallest two-sided tail probability over all
:math:`i` is at least :math:`\gamma`, which is chosen, by simulation of uniform ranks, so that all of them pass together
with the wanted probability.

Source: Talts, Betancourt, Simpson, Vehtari & Gelman (2018), arXiv:1804.06788; Säilynoja, Bürkner & Vehtari (2022),
doi:10.1007/s11222-022-10090-6, sec. 2.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SIMULATIONS: Final = 10_000
_BLOCK: Final = 500


def rank_of(truth: float, draws: Floats, rng: np.random.Generator) -> int:
    """Number of draws below the truth; draws that equal it count by lot, so that printed figures have uniform ranks."""
    ties = int((draws == truth).sum())
    return int((draws < truth).sum()) + int(rng.integers(ties + 1))


def ecdf(ranks: Ints, draws: int) -> Ints:
    """Number of ranks below i = 1 ... ``draws``, dims (..., rank) -> (..., draws)."""
    flat = ranks.reshape(-1, ranks.shape[-1])
    counts = np.stack([np.bincount(row, minlength=draws + 1) for row in flat])
    return np.asarray(np.cumsum(counts, axis=1)[:, :-1].reshape(*ranks.shape[:-1], draws))


def smallest_tail(ranks: Ints, draws: int) -> Floats:
    """Smallest two-sided tail probability of the ranks' distribution function, dims (..., rank) -> (...). [1]"""
    below = ecdf(ranks, draws)
    tails = np.take_along_axis(_tails(ranks.shape[-1], draws), below.reshape(-1, draws).T, axis=1)
    return np.asarray(tails.min(axis=0).reshape(below.shape[:-1]))


@cache
def critical_tail(count: int, draws: int, coverage: float, seed: int = 0) -> float:
    """Tail probability that ``count`` uniform ranks stay above everywhere with probability ``coverage``. [1]"""
    rng = np.random.default_rng(seed)
    found = [smallest_tail(rng.integers(draws + 1, size=(_BLOCK, count)), draws) for _ in range(_SIMULATIONS // _BLOCK)]
    return float(np.quantile(np.concatenate(found), 1.0 - coverage))


def band(count: int, draws: int, coverage: float) -> tuple[Floats, Floats]:
    """Fewest and most ranks below i = 1 ... ``draws`` of a simultaneous band of uniform ranks, dims (draws)."""
    gamma = critical_tail(count, draws, coverage)
    chance = np.arange(1, draws + 1) / (draws + 1.0)
    return np.asarray(binom.ppf(0.5 * gamma, count, chance)), np.asarray(binom.isf(0.5 * gamma, count, chance))


@cache
def _tails(count: int, draws: int) -> Floats:
    """Two-sided tail probability of each number below i, dims (draws, count + 1)."""
    chance = (np.arange(1, draws + 1) / (draws + 1.0))[:, None]
    number = np.arange(count + 1)[None, :]
    low, high = binom.cdf(number, count, chance), binom.sf(number - 1, count, chance)
    return np.asarray(np.minimum(1.0, 2.0 * np.minimum(low, high)))
