r"""The random numbers behind the future of every series, and how those of several series move together.

A future year of a series takes a width w and standard normals: (v, u) for its shocks (w v, w u), e for the year noise
of its figure (w e; e alone in a year up to the origin), and a score for the chance of its sample. Each series has
streams of its own, and so has each factor that series have in common. With the correlations K of the factors,
:math:`R^0` of those that are no years, and R of all that is known (:mod:`qsim.inference.shocks`), the numbers of one
year become

.. math::
    (v, u, e) \to M (v, u, e)^0, \quad M K M^T = R, \qquad
    w \to \text{its own values in the order of } M' g_w^0,

where :math:`(\cdot)^0` is what a series' own numbers and its factors' make together (:mod:`qsim.inference.factors`),
:math:`g_w` the normal scores of the ranks of w, and :math:`M' (R^0 \circ R^0) M'^T = R \circ R`: a year that is wide
for one series tends to be wide for another, whichever way they move. :math:`R \circ R` is positive definite by Schur's
theorem. Normals stay standard normals and widths keep their values, so each shock and each year noise to come keeps its
Student law; :math:`R = I` changes nothing, and :math:`|R_{sr}| = 1` makes two series move as one. Shocks, and year
noise to come, of two series correlate by :math:`R_{sr} E[w_s w_r]`: .79 R where R is small, R at 0 and 1. Samples are
drawn each for itself.

The order of series changes nothing, and a series whose correlations are those of K and :math:`R^0` has the same random
numbers whichever others there are.

Source: Horn and Johnson (2013), Matrix analysis, th. 7.5.3 (Schur); Nelsen (2006), An introduction to copulas, ch. 2.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from qsim.inference.factors import carrier, correlation_of, squared, with_factors
from qsim.inference.fit import stream
from qsim.inference.shocks import CommonShocks, mixed_values
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

    def shocks(self) -> Floats:
        """Shocks (v, u) of every future year, of unit variance, dims (draw, future year, 2)."""
        return self.normals * self.widths[:, :, None]

    def year_noise(self) -> Floats:
        """Year noise in sds, of unit variance: that of a future year is as wide as its shocks, dims (draw, year)."""
        past = self.noise.shape[1] - self.widths.shape[1]
        return np.concatenate([self.noise[:, :past], self.noise[:, past:] * self.widths], axis=1)


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
    figures = _outwards(label, draws, 2, first=first, origin=origin, last=last, seed=seed)
    return Drivers(first_year=first, normals=normals, widths=widths, noise=figures[:, :, 0], scores=figures[:, :, 1])


def move_together(drivers: Sequence[Drivers], shocks: CommonShocks, *, origin: int, seed: int) -> tuple[Drivers, ...]:
    """Drivers of the same years with the common shocks of their series.

    Parameters
    ----------
    drivers : sequence of Drivers
        At least one; made with the same ``origin`` and ``seed``.
    """
    draws, future, _ = drivers[0].normals.shape
    first = drivers[0].first_year

    @cache
    def normals_of(name: str) -> Floats:
        return stream(seed, name, "forecast").standard_normal((future, draws, 2)).transpose(1, 0, 2)

    @cache
    def noise_of(name: str) -> Floats:
        return _outwards(name, draws, 1, first=first, origin=origin, last=origin + future, seed=seed)[:, :, 0]

    @cache
    def widths_of(name: str) -> Floats:
        return stream(seed, name, "widths").standard_normal((future, draws))

    def width_of(step: int, name: str) -> Floats:
        return np.asarray(widths_of(name)[step])

    factors = shocks.factors
    carry = carrier(correlation_of(factors), shocks.correlation)
    normals = carry(with_factors(np.stack([one.normals for one in drivers]), factors, normals_of))
    noise = carry(with_factors(np.stack([one.noise for one in drivers]), factors, noise_of))
    squares = [squared(one) for one in shocks.loadings]
    carry_squares = carrier(np.square(shocks.prior), np.square(shocks.correlation))
    widths = np.stack([one.widths for one in drivers])
    for step in range(future):

        def mix(own: Floats, step: int = step) -> Floats:
            return carry_squares(with_factors(own, squares, partial(width_of, step)))

        widths[:, :, step] = mixed_values(widths[:, :, step], mix)
    return tuple(
        replace(one, normals=normals[number], widths=widths[number], noise=noise[number])
        for number, one in enumerate(drivers)
    )


def _outwards(label: str, draws: int, numbers: int, *, first: int, origin: int, last: int, seed: int) -> Floats:
    """Standard normals of the figures of every year, dims (draw, year, number).

    Years count from the origin outwards, each way with a stream of its own, so that further years leave the nearer
    ones as they are.
    """
    drawn = np.empty((draws, last - first + 1, numbers))
    future_rng, past_rng = stream(seed, label, "figures"), stream(seed, label, "past figures")
    for year in sorted(range(first, last + 1), key=lambda year: abs(year - origin)):
        rng = future_rng if year > origin else past_rng
        for number in range(numbers):
            drawn[:, year - first, number] = rng.standard_normal(draws)
    return drawn
