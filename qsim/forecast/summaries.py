"""Compiled kernels behind :mod:`qsim.forecast.batch`: printed figures of one series from its last state, and counted.

The same steps as :func:`qsim.model.trend.propagate` and :func:`qsim.forecast.published.publish`, draw by draw; the
tests hold them to these.
"""

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qsim.forecast.sampling import binomial_counts, poisson_counts
from qsim.model.arithmetic import expit, largest_of, smallest_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LOGIT: Final = 0
LOG: Final = 1
IDENTITY: Final = 2

SHARED_BY_YEAR: Final = 4
"""Columns of normals that a future year takes: two shocks, the year noise, the sample."""

_MOST_CELLS: Final = 20000
"""Printable figures up to which weights are gathered in a cell for each instead of sorted."""


@njit(cache=True, nogil=True, error_model="numpy")
def print_figures(
    thetas: Floats,
    level: Floats,
    slope: Floats,
    sign: float,
    kept: float,
    link: int,
    unit: float,
    trials: float,
    events: bool,
    decimals: int,
    normals: Floats,
    widths: Floats,
    offset: Ints,
    figures: Floats,
) -> None:
    """Fill figures as printed, in units of the last digit, dims (year, draw).

    Parameters
    ----------
    thetas : array, dims (5, draw)
    level, slope : arrays, dims (draw)
        Last state. [link scale]
    trials : float
        Size of a sample to come; NaN where the figure is not a share of a sample.
    events : bool
        Whether the figure is a number of events.
    normals, widths : arrays, dims (column, 2 * draw)
        Standard normals, and scales that make shocks and year noise Student's t of them.
    offset : array, dims (5 * year)
        Where each column begins: :data:`SHARED_BY_YEAR` normals a year, then a width a year.
    """
    years, draws = figures.shape
    level, slope = level.copy(), slope.copy()
    eta, scale = np.empty(draws), 10.0**decimals
    for year in range(years):
        at = SHARED_BY_YEAR * year
        wide = SHARED_BY_YEAR * years + year
        v = normals[at % normals.shape[0], offset[at] :]
        u = normals[(at + 1) % normals.shape[0], offset[at + 1] :]
        e = normals[(at + 2) % normals.shape[0], offset[at + 2] :]
        z = normals[(at + 3) % normals.shape[0], offset[at + 3] :]
        width = widths[year % widths.shape[0], offset[wide] :]
        for j in range(draws):
            d = thetas[2, j] * slope[j] + thetas[1, j] * width[j] * v[j]
            slope[j] = d
            level[j] = kept * level[j] + sign * thetas[4, j] + d + thetas[0, j] * width[j] * u[j]
            eta[j] = level[j] + thetas[3, j] * width[j] * e[j]
        if link == LOGIT:
            for j in range(draws):
                eta[j] = expit(eta[j])
        elif link == LOG:
            for j in range(draws):
                eta[j] = np.exp(eta[j])
        own = figures[year]
        if trials > 0.0:
            counts = binomial_counts(z[:draws], trials, eta)
            for j in range(draws):
                own[j] = np.floor(unit * (counts[j] / trials) * scale + 0.5 + 1e-9)
        elif events:
            counts = poisson_counts(z[:draws], eta)
            for j in range(draws):
                own[j] = np.floor(counts[j] * scale + 0.5 + 1e-9)
        else:
            for j in range(draws):
                own[j] = np.floor(unit * eta[j] * scale + 0.5 + 1e-9)


@njit(cache=True, nogil=True, error_model="numpy")
def count_figures(
    figures: Floats,
    weights: Floats,
    scale: float,
    levels: Floats,
    target_year: Ints,
    target: Floats,
    at_most: NDArray[np.bool_],
    quantiles: Floats,
    p: Floats,
) -> None:
    """Fill quantiles, dims (year, level), and shares of the weight that meet each target, dims (target).

    The quantile is the least figure that has at least the level's weight at or below it.

    Parameters
    ----------
    figures : array, dims (year, draw)
        In units of the last digit.
    weights : array, dims (draw)
        Sum 1.
    scale : float
        Last digits in one unit of the indicator.
    levels : array, dims (level)
        Ascending. [1]
    target_year : array, dims (target)
        Row of ``figures``.
    """
    for year in range(figures.shape[0]):
        _quantiles(figures[year], weights, levels, quantiles[year])
        for place in range(levels.shape[0]):
            quantiles[year, place] /= scale
    for number in range(target.shape[0]):
        own, total = figures[target_year[number]], 0.0
        for j in range(weights.shape[0]):
            figure = own[j] / scale
            meets = figure <= target[number] if at_most[number] else figure >= target[number]
            total += weights[j] if meets else 0.0
        p[number] = total


@njit(cache=True, nogil=True, error_model="numpy")
def _quantiles(figures: Floats, weights: Floats, levels: Floats, out: Floats) -> None:
    low, high = smallest_of(figures), largest_of(figures)
    if high - low < _MOST_CELLS:
        count = int(high - low) + 1
        values, mass = np.arange(count) + low, np.zeros(count)
        for j in range(figures.shape[0]):
            mass[int(figures[j] - low)] += weights[j]
    else:
        order = np.argsort(figures)
        values, mass = figures[order], weights[order]
    at, total = 0, mass[0]
    for place in range(levels.shape[0]):
        # the last digits of a sum of weights must not push a quantile up
        while total < levels[place] - 1e-12 and at < mass.shape[0] - 1:
            at += 1
            total += mass[at]
        out[place] = values[at]
