r"""The random numbers behind the future of every series, and how those of several series move together.

A future year of a series takes a width w and standard normals (v, u) for its shocks (w v, w u), a normal e for the year
noise of its figure, and a normal score for the chance of its sample. Each series has streams of its own. With a
correlation R between series, those of one year become

.. math:: (v, u, e) \to L (v, u, e), \quad L L^T = R, \qquad w \to \text{its own values in the order of } L' g_w,

each over the series, with :math:`g_w` the normal scores of the ranks of w and :math:`L' L'^T = R \circ R`: a year that
is wide for one series tends to be wide for another, whichever way they move. :math:`R \circ R` is positive definite by
Schur's theorem. Normals stay standard normals and widths keep their values, so each shock keeps its Student law;
:math:`R = I` changes nothing, and :math:`|R_{sr}| = 1` makes two series move as one. The shocks of two series
correlate by :math:`R_{sr} E[w_s w_r]`, a little less than R unless it is 0 or 1. Samples are drawn each for itself.

L is lower triangular: a series that is added behind others leaves their random numbers as they are.

Source: Horn and Johnson (2013), Matrix analysis, th. 7.5.3 (Schur); Nelsen (2006), An introduction to copulas, ch. 2.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qsim.inference.fit import stream
from qsim.inference.shocks import paired_order
from qsim.model.trend import shock_widths

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Drivers:
    """Random numbers of one series."""

    first_year: int
    """First year of ``noise`` and ``scores``."""
    normals: Floats
    """(v, u) of every future year, dims (draw, future year, 2)."""
    widths: Floats
    """dims (draw, future year)."""
    noise: Floats
    """e of every year, dims (draw, year)."""
    scores: Floats
    """Chance of the sample as a standard normal score, dims (draw, year)."""


def draw_drivers(label: str, draws: int, *, first_year: int, origin: int, last_year: int, seed: int) -> Drivers:
    """Random numbers of a series, the same whichever other series and further years there are.

    Parameters
    ----------
    first_year, last_year : int
        Years whose figures are wanted; the future begins behind ``origin`` in any case.
    """
    first, last = min(first_year, origin + 1), max(last_year, origin)
    widths, normals = np.empty((draws, last - origin)), np.empty((draws, last - origin, 2))
    rng = stream(seed, label, "forecast")
    # a block of random numbers a year, so that a longer forecast leaves the nearer years as they are
    for step in range(last - origin):
        widths[:, step] = shock_widths(rng, draws)
        normals[:, step] = rng.standard_normal((draws, 2))
    noise, scores = (np.empty((draws, last - first + 1)) for _ in range(2))
    # years count from the origin outwards, each way with a stream of its own, for the same reason
    future_rng, past_rng = stream(seed, label, "figures"), stream(seed, label, "past figures")
    for year in sorted(range(first, last + 1), key=lambda year: abs(year - origin)):
        figure_rng = future_rng if year > origin else past_rng
        noise[:, year - first] = figure_rng.standard_normal(draws)
        scores[:, year - first] = figure_rng.standard_normal(draws)
    return Drivers(first_year=first, normals=normals, widths=widths, noise=noise, scores=scores)


def move_together(drivers: Sequence[Drivers], correlation: Floats) -> tuple[Drivers, ...]:
    """Drivers of the same years whose common shocks have the given correlation, dims (series, series)."""
    root = np.linalg.cholesky(correlation)
    normals = np.tensordot(root, np.stack([one.normals for one in drivers]), 1)
    noise = np.tensordot(root, np.stack([one.noise for one in drivers]), 1)
    widths = np.stack([one.widths for one in drivers])
    for step in range(widths.shape[2]):
        order = paired_order(widths[:, :, step], np.square(correlation))
        widths[:, :, step] = np.take_along_axis(widths[:, :, step], order, axis=1)
    return tuple(
        replace(one, normals=normals[number], widths=widths[number], noise=noise[number])
        for number, one in enumerate(drivers)
    )
