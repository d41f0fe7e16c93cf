r"""Scales of an effect: a size in points, percent of a gap, or multiples of a pace, as a shift of the link scale.

With :math:`g` the link and :math:`y` the figure of a draw before the lever, the full effect shifts the level by
:math:`g(G(y)) - g(y)`, where for a size :math:`b`

- points: :math:`G = U - (U - y)\, e^{-b / (U - y)}` upwards with an upper end :math:`U`, mirrored downwards to a lower
  end :math:`L`, and :math:`G = y + b` where there is no end. The first points count in full, all of them close
  :math:`1 - e^{-b / (U - y)}` of the room, and near the end the shift is :math:`b` over the slope of the link;
- percent of the gap: :math:`G = y + b/100\,(K - y)` with :math:`K` the limit of the better side.

On the scale ``pace`` a multiple :math:`m` adds :math:`(m - 1)` times the draw's recent yearly progress, each year.
The shift is carried on the link scale: levels that moved since then stay within their limits.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qsim.errors import HorizonError
from qsim.forecast.levers_shapes import share_in_effect, share_to_come
from qsim.forecast.trend import Trend
from qsim.plans.levers import Lever

Floats = NDArray[np.float64]

_MOST_SHARE = 30.0
"""Size over room from which the end is as near as a float can tell; beyond it nothing more happens."""

PACE_YEARS = 5
"""Years before the forecast over which a draw's recent progress is measured, as far as figures reach."""


def lever_effect(lever: Lever, trend: Trend, size: Floats) -> tuple[Floats, Floats]:
    """Effect of one lever, measured on levels without any; what figures tell of stays as it is.

    Parameters
    ----------
    size : array, dims (draw)
        Full effect. [scale of the lever]

    Returns
    -------
    full : array, dims (draw)
        Shift of the level by the full effect; by one year's on the scale ``pace``. [link scale]
    shares : array, dims (year)
        How much of it is there in each year: zero up to the last year with a figure. [1]

    Raises
    ------
    HorizonError
        If the effect is in percent of a gap and the series has no limit on its better side.
    """
    shares = share_to_come(share_in_effect(lever, trend.years), trend.years, trend.settled)
    if lever.scale == "pace":
        progress = np.maximum(trend.sign * recent_pace(trend), 0.0)
        return np.asarray(trend.sign * (size - 1.0) * progress), np.cumsum(shares)
    return _full_shift(lever, trend, size), shares


@njit(cache=True, nogil=True, error_model="numpy")
def add_effect(level: Floats, full: Floats, shares: Floats) -> Floats:
    """Level with an effect added, dims (draw, year), in one pass. [link scale]"""
    moved_level = np.empty_like(level)
    for draw in range(level.shape[0]):
        for year in range(level.shape[1]):
            moved_level[draw, year] = level[draw, year] + full[draw] * shares[year]
    return moved_level


def _full_shift(lever: Lever, trend: Trend, size: Floats) -> Floats:
    """Shift of the full effect, dims (draw). [link scale]"""
    if lever.scale == "link":
        return size
    link = trend.data.link
    before = trend.level[:, trend.place(lever.start_year - 1)]
    figure = link.to_figure(before)
    if lever.scale == "points":
        goal = moved(figure, size, trend.ends)
    else:
        limit = trend.ends[1] if trend.sign > 0 else trend.ends[0]
        if not np.isfinite(limit):
            raise HorizonError(
                f"lever {lever.id!r}: no limit of {trend.data.label} closes a gap; use scale points or link"
            )
        goal = figure + size / 100.0 * (limit - figure)
    after = link.to_link(goal)
    # a draw that stands at the end, or so near that a float cannot tell, has nowhere to go
    free = np.isfinite(before) & np.isfinite(after)
    return np.subtract(after, before, out=np.zeros_like(before), where=free)


def moved(figure: Floats, points: Floats, ends: tuple[float, float]) -> Floats:
    """Figure moved by points, saturating towards the ends of its scale.

    Parameters
    ----------
    figure, points : arrays of one shape
        [unit]
    ends : tuple of float
        Lower and upper end, infinite where there is none. [unit]
    """
    end = np.where(points > 0.0, ends[1], ends[0])
    bounded = np.isfinite(end)
    room = np.where(bounded, np.abs(np.where(bounded, end, 0.0) - figure), 0.0)
    share = np.divide(np.abs(points), room, out=np.zeros_like(room), where=room > 0.0)
    gain = np.where(bounded, -np.sign(points) * room * np.expm1(-np.minimum(share, _MOST_SHARE)), points)
    return np.asarray(figure + gain)


def recent_pace(trend: Trend) -> Floats:
    """Yearly change of each draw's level over the years before the forecast, dims (draw). [link scale per year]

    A series of a single year has no change of its own: the one that its pool expects at its level stands for it.
    """
    last = trend.place(trend.origin)
    window = min(PACE_YEARS, last)
    if window == 0:
        return np.asarray(trend.drift - (1.0 - trend.data.kept) * trend.level[:, last])
    return np.asarray((trend.level[:, last] - trend.level[:, last - window]) / window)
