"""From the true level to the figure that will be printed: year noise, sampling at the planned size, rounding."""

import numpy as np
from numpy.typing import NDArray

from qsim.forecast.levers_figures import USUAL, FigureChange, mixed_sample
from qsim.forecast.sampling import binomial_counts, poisson_counts
from qsim.model.series import SeriesData

Floats = NDArray[np.float64]

_WHOLE_NUMBERS = ("count", "stock", "events", "days")
"""Families whose figures are counted."""


def usual_trials(data: SeriesData) -> float | None:
    """Median of the trials behind the figures, the size taken for later years; None where none is known.

    Of two middle sizes the greater one: a sample is a whole number of trials.
    """
    trials = np.sort(data.size[np.isfinite(data.size)])
    return float(trials[trials.size // 2]) if trials.size else None


def publish(data: SeriesData, eta: Floats, scores: Floats, change: FigureChange = USUAL) -> Floats:
    """Figures printed for given eta (level plus year noise).

    Parameters
    ----------
    eta : array, dims (draw, year)
        [link scale]
    scores : array, dims of ``eta``
        Standard normal scores of the chance of the sample, so that scenarios share it.
    change : FigureChange
        What a scenario changes in the way figures are made, for the years of ``eta``.

    Returns
    -------
    array, dims of ``eta``
        [unit of the indicator]; NaN where nothing is published.
    """
    family = data.indicator.family
    figure: Floats = data.link.to_figure(eta if change.offset is None else eta + change.offset)
    if family in ("rate", "days"):
        figure = mixed_sample(figure, change, data)
        whole = data.link.unit / data.limit
        figure = _sampled(figure, _trials(data, change, figure.shape[-1]), scores, whole)
    elif family in ("count", "events"):
        figure = poisson_counts(np.ravel(scores), np.ravel(figure)).reshape(figure.shape)
    printed = print_rounded(figure, printed_decimals(data))
    if change.absent is not None:
        printed[:, change.absent] = np.nan
    return printed


def printed_decimals(data: SeriesData) -> int:
    """Decimals of a figure to come: whole numbers of things and days, else as printed before."""
    return 0 if data.indicator.family in _WHOLE_NUMBERS else data.decimals


def print_rounded(figure: Floats, decimals: int) -> Floats:
    """Round half up, as offices do; NumPy rounds half to even."""
    scale = 10.0**decimals
    steps = np.asarray(figure * scale)
    steps += 0.5 + 1e-9
    np.floor(steps, out=steps)
    steps /= scale
    return steps


def _trials(data: SeriesData, change: FigureChange, years: int) -> Floats:
    """Sample of every year, NaN where none is known, dims (year)."""
    known = usual_trials(data)
    usual = np.full(years, np.nan if known is None else known)
    return usual if change.trials is None else np.where(np.isnan(change.trials), usual, change.trials)


def _sampled(figure: Floats, trials: Floats, scores: Floats, whole: float) -> Floats:
    """Shares of samples, dims (draw, year); a year without a known sample stays as it is."""
    sizes = np.unique(trials[np.isfinite(trials)]).tolist()
    if sizes and bool((trials == sizes[0]).all()):
        counts = binomial_counts(np.ravel(scores), sizes[0], np.ravel(figure) / whole)
        counts *= whole / sizes[0]
        return counts.reshape(figure.shape)
    sampled = figure.copy()
    for size in sizes:
        on = trials == size
        counts = binomial_counts(np.ravel(scores[:, on]), size, np.ravel(figure[:, on]) / whole)
        sampled[:, on] = counts.reshape(figure.shape[0], -1) * (whole / size)
    return sampled
