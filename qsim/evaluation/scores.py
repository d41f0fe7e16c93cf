"""Scores of forecasts: pure functions of labelled arrays, no model.

Smaller is better for every score here. Dims that two arguments share are matched by name; a missing outcome (NaN)
gives a missing score, so that a mean over the cases leaves it out.

No scoring library is used: those that are kept (scoringrules, scores) bring arrays without names or a tree of
dependencies, for formulas of a few lines that the tests hold against closed forms.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtri

from qsim.evaluation.names import HORIZON, QUANTILE
from qsim.vocabulary import SAMPLE_DIMS

Floats = NDArray[np.float64]

P_CLIP: Final = 0.005
"""Probabilities are scored as at least this far from 0 and 1: one wrong certainty is not infinitely bad. [1]"""

GRID_POINTS: Final = 199
"""Levels at which a forecast given by a few quantiles is read."""

_POINT: Final = "point"
_EDGE_SHARE: Final = 1e-5
"""Quantiles in percent are read at least this share of the scale away from its ends, where the logit ends too."""


def crps(
    draws: xr.DataArray, outcome: xr.DataArray, *, dims: Sequence[str] = SAMPLE_DIMS, fair: bool = False
) -> xr.DataArray:
    r"""Continuous ranked probability score of a forecast given by draws.

    .. math::
        \mathrm{CRPS} = \frac1m \sum_i |x_i - y| - \frac{1}{2 m^2} \sum_{i,j} |x_i - x_j|

    the standard estimator: the exact score of the empirical distribution of the draws. With ``fair`` the second
    divisor is :math:`2 m (m - 1)`, which is unbiased for the distribution behind the draws and may fall below 0.

    Parameters
    ----------
    draws : xarray.DataArray, dims (\*dims, ...)
        [unit]
    outcome : xarray.DataArray, dims (...)
        [unit]
    dims : sequence of str
        Dims that number the draws.

    Returns
    -------
    xarray.DataArray, dims (...)
        [unit]

    References
    ----------
    Gneiting and Raftery (2007), doi:10.1198/016214506000001437, eq. 21; Ferro (2014), doi:10.1002/qj.2270 (fair).
    """

    def score(samples: Floats, truth: Floats) -> Floats:
        ordered = np.sort(samples.reshape(*samples.shape[: -len(dims)], -1))
        count = ordered.shape[-1]
        # sum over pairs of |x_i - x_j| from the order alone
        ranks = 2 * np.arange(1, count + 1) - count - 1
        spread = (ordered * ranks).sum(axis=-1) / (count * (count - 1) if fair else count**2)
        return np.asarray(np.abs(ordered - truth[..., None]).mean(axis=-1) - spread)

    return _apply(score, draws, outcome, dims)


def crps_of_quantiles(quantiles: xr.DataArray, outcome: xr.DataArray) -> xr.DataArray:
    r"""Continuous ranked probability score of a forecast in percent given by a few quantiles.

    The quantile function is read at :data:`GRID_POINTS` levels (:func:`quantile_grid`), and

    .. math:: \mathrm{CRPS} \approx \frac2K \sum_k (\tau_k - 1[y < q_k]) (y - q_k), \qquad \tau_k = (k - 1/2) / K.

    Parameters
    ----------
    quantiles : xarray.DataArray, dims (quantile, ...)
        With the levels as coordinate. [%]
    outcome : xarray.DataArray, dims (...)
        [%]

    References
    ----------
    Laio and Tamea (2007), doi:10.5194/hess-11-1267-2007, eq. 10.
    """
    grid = quantile_grid(quantiles)
    miss = outcome - grid
    fines = miss * (grid[_POINT] - (miss < 0))
    return 2.0 * fines.mean(_POINT, skipna=False)


def quantile_grid(quantiles: xr.DataArray) -> xr.DataArray:
    """Read a quantile function in percent at the middle of :data:`GRID_POINTS` equal shares.

    Linear between the given levels, in the normal score of the level and the logit of the figure; the tails go on at
    the slope of the last two levels. Crossing quantiles are made monotone.

    Parameters
    ----------
    quantiles : xarray.DataArray, dims (quantile, ...)
        With the levels, ascending, as coordinate. [%]

    Returns
    -------
    xarray.DataArray, dims (..., point)
        With the levels as coordinate. [%]
    """
    levels = (np.arange(GRID_POINTS) + 0.5) / GRID_POINTS
    known, wanted = ndtri(quantiles[QUANTILE].values), ndtri(levels)
    left = np.clip(np.searchsorted(known, wanted) - 1, 0, known.size - 2)
    share = (wanted - known[left]) / (known[left + 1] - known[left])

    def read(values: Floats) -> Floats:
        eta = np.maximum.accumulate(logit(np.clip(values / 100.0, _EDGE_SHARE, 1.0 - _EDGE_SHARE)), axis=-1)
        return np.asarray(100.0 * expit(eta[..., left] * (1.0 - share) + eta[..., left + 1] * share))

    grid: xr.DataArray = xr.apply_ufunc(read, quantiles, input_core_dims=[[QUANTILE]], output_core_dims=[[_POINT]])
    return grid.assign_coords({_POINT: levels})


def interval_score(
    lower: xr.DataArray, upper: xr.DataArray, outcome: xr.DataArray, *, probability: float
) -> xr.DataArray:
    r"""Width of a central interval plus a fine for missing the outcome.

    .. math:: S = (u - l) + \frac2\alpha (l - y)_+ + \frac2\alpha (y - u)_+, \qquad \alpha = 1 - p.

    Parameters
    ----------
    lower, upper, outcome : xarray.DataArray
        [unit]
    probability : float
        What the interval holds, such as 0.8. [1]

    Returns
    -------
    xarray.DataArray
        [unit]

    References
    ----------
    Gneiting and Raftery (2007), doi:10.1198/016214506000001437, eq. 43.
    """
    fine = 2.0 / (1.0 - probability)
    return (upper - lower) + fine * (lower - outcome).clip(min=0.0) + fine * (outcome - upper).clip(min=0.0)


def covered(
    lower: xr.DataArray, upper: xr.DataArray, outcome: xr.DataArray, *, edge: float | None = None
) -> xr.DataArray:
    """Whether an interval holds the outcome, both ends included; its mean is the coverage.

    Parameters
    ----------
    lower, upper, outcome : xarray.DataArray
        [unit]
    edge : float, optional
        For figures in percent: take everything closer than this to 0 or 100 as equal, since exact 0 and 100 are out of
        reach of a model on the logit scale. [%]

    Returns
    -------
    xarray.DataArray of float
        1, 0, or NaN without an outcome. [1]
    """
    if edge is not None:
        lower, upper, outcome = (one.clip(edge, 100.0 - edge) for one in (lower, upper, outcome))
    inside = (outcome >= lower) & (outcome <= upper)
    return inside.astype(float).where(outcome.notnull())


def pit(draws: xr.DataArray, outcome: xr.DataArray, *, seed: int, dims: Sequence[str] = SAMPLE_DIMS) -> xr.DataArray:
    r"""Randomized probability integral transform: uniform on (0, 1) where outcomes come from the forecast.

    .. math:: \frac{\#\{x_i < y\} + U (1 + \#\{x_i = y\})}{m + 1}, \qquad U \sim \mathrm{Uniform}(0, 1),

    exactly uniform for every number of draws, ties or not.

    Parameters
    ----------
    draws : xarray.DataArray, dims (\*dims, ...)
        [unit]
    outcome : xarray.DataArray, dims (...)
        [unit]
    seed : int
        Start of the random numbers U.

    Returns
    -------
    xarray.DataArray, dims (...)
        [1]

    References
    ----------
    Czado, Gneiting and Held (2009), doi:10.1111/j.1541-0420.2009.01191.x, sec. 2.
    """
    rng = np.random.default_rng(seed)

    def transform(samples: Floats, truth: Floats) -> Floats:
        flat = samples.reshape(*samples.shape[: -len(dims)], -1)
        below, ties = ((flat < truth[..., None]).sum(axis=-1), (flat == truth[..., None]).sum(axis=-1))
        place = (below + rng.random(truth.shape) * (1 + ties)) / (flat.shape[-1] + 1)
        return np.where(np.isnan(truth), np.nan, place)

    return _apply(transform, draws, outcome, dims)


def brier(probability: xr.DataArray, event: xr.DataArray) -> xr.DataArray:
    """Squared error of a probability; the event is 1 or 0. [1]

    References
    ----------
    Brier (1950), doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.
    """
    return (probability - event) ** 2


def log_score(probability: xr.DataArray, event: xr.DataArray, *, clip: float = P_CLIP) -> xr.DataArray:
    r"""Surprise at an event, :math:`-\log p` or :math:`-\log(1 - p)`, with p kept within [clip, 1 - clip]. [nat]

    References
    ----------
    Good (1952), doi:10.1111/j.2517-6161.1952.tb00104.x.
    """
    kept = probability.clip(clip, 1.0 - clip)
    score: xr.DataArray = -(event * np.log(kept) + (1.0 - event) * np.log1p(-kept))
    return score


def reliability(probability: xr.DataArray, event: xr.DataArray, *, bins: int = 10) -> xr.Dataset:
    """How often events happened, by the probability they were given.

    Parameters
    ----------
    probability, event : xarray.DataArray, equal dims
        Pairs without a probability or an outcome (NaN) are left out. [1]
    bins : int
        Bins of equal width on [0, 1]; a probability on an edge belongs to the upper bin.

    Returns
    -------
    xarray.Dataset, dims (bin)
        ``count``, ``mean_p`` and ``observed`` [1], NaN in an empty bin.

    References
    ----------
    Murphy and Winkler (1977), doi:10.2307/2346866.
    """
    given, happened = xr.broadcast(probability, event)
    known = (given.notnull() & happened.notnull()).values
    p, e = given.values[known], happened.values[known]
    place = np.clip((p * bins).astype(int), 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    sums = [np.bincount(place, weights=values, minlength=bins) for values in (p, e)]
    means = [np.divide(total, count, out=np.full(bins, np.nan), where=count > 0) for total in sums]
    return xr.Dataset(
        {"count": ("bin", count), "mean_p": ("bin", means[0]), "observed": ("bin", means[1])},
        coords={"bin": (np.arange(bins) + 0.5) / bins},
    )


def calibration_error(table: xr.Dataset) -> float:
    r"""Expected calibration error of a reliability table, :math:`\sum_b n_b |\bar p_b - \bar e_b| / \sum_b n_b`. [1]

    References
    ----------
    Naeini, Cooper and Hauskrecht (2015), doi:10.1609/aaai.v29i1.9602.
    """
    gaps = np.abs(table["mean_p"] - table["observed"])
    return float((gaps * table["count"]).sum() / table["count"].sum())


def change_error(forecast: xr.DataArray, outcome: xr.DataArray, base: xr.DataArray) -> xr.Dataset:
    """Error of the pace: forecast and observed change since the last known figure, per year of the horizon.

    Parameters
    ----------
    forecast : xarray.DataArray, dims (horizon, ...)
        Point forecast, such as the median, with the horizon in years as coordinate. [unit]
    outcome : xarray.DataArray, dims (horizon, ...)
        [unit]
    base : xarray.DataArray, dims (...)
        Last figure before the forecast. [unit]

    Returns
    -------
    xarray.Dataset, dims (horizon, ...)
        ``forecast`` and ``observed`` change, ``error`` (forecast minus observed) [unit per year], and ``direction``: 1
        where the signs agree, 0 where not, NaN without an outcome [1].
    """
    years = forecast[HORIZON]
    expected, observed = (forecast - base) / years, (outcome - base) / years
    agree = (np.sign(expected) == np.sign(observed)).astype(float)
    error = expected - observed
    return xr.Dataset(
        {"forecast": expected, "observed": observed, "error": error, "direction": agree.where(error.notnull())}
    )


def _apply(
    function: Callable[[Floats, Floats], Floats], draws: xr.DataArray, outcome: xr.DataArray, dims: Sequence[Hashable]
) -> xr.DataArray:
    """Apply a function of (sample values, outcome), the draws' dims last."""
    outcome, draws = xr.broadcast(outcome, draws, exclude=list(dims))
    result: xr.DataArray = xr.apply_ufunc(function, draws, outcome, input_core_dims=[list(dims), []])
    return result
