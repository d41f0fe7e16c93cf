"""From the true level to the figure that will be printed: year noise, sampling at the usual size, rounding."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from qsim.model.series import SeriesData

Floats = NDArray[np.float64]


def usual_trials(data: SeriesData) -> float | None:
    """Median of the trials behind the figures, the size taken for later years; None where none is known.

    Of two middle sizes the greater one: a sample is a whole number of trials.
    """
    trials = np.sort(data.size[np.isfinite(data.size)])
    return float(trials[trials.size // 2]) if trials.size else None


def publish(data: SeriesData, eta: Floats, uniforms: Floats) -> Floats:
    """Figures printed for given eta (level plus year noise).

    Parameters
    ----------
    eta : array, any dims
        [link scale]
    uniforms : array, dims of ``eta``
        The chance of the sample, so that scenarios share it.

    Returns
    -------
    array, dims of ``eta``
        [unit of the indicator]
    """
    figure: Floats = data.link.to_figure(eta)
    trials = usual_trials(data)
    family = data.indicator.family
    if family in ("rate", "days") and trials is not None:
        whole = data.link.unit / data.limit
        figure = np.asarray(whole * stats.binom.ppf(uniforms, trials, figure / whole) / trials)
    elif family in ("count", "events"):
        figure = np.asarray(stats.poisson.ppf(uniforms, figure))
    return print_rounded(figure, 0 if family in ("count", "stock", "events", "days") else data.decimals)


def print_rounded(figure: Floats, decimals: int) -> Floats:
    """Round half up, as offices do; NumPy rounds half to even."""
    scale = 10.0**decimals
    return np.asarray(np.floor(figure * scale + 0.5 + 1e-9) / scale)
