"""Levers that change what is published and leave the true level: samples, definitions, the end of a series."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qsim.forecast.levers_scales import moved
from qsim.model.series import SeriesData

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class FigureChange:
    """How the published figures of some years differ from the usual ones."""

    trials: Floats | None = None
    """Planned sample of each year, NaN for the usual one, dims (year)."""
    risk_share: Floats | None = None
    """Share of the sample chosen where faults are expected, dims (year). [1]"""
    risk_points: Floats | None = None
    """How much worse that part does, dims (draw). [points]"""
    offset: Floats | None = None
    """Figure on the basis of that year less the figure on the old one, dims (draw, year). [link scale]"""
    absent: NDArray[np.bool_] | None = None
    """Whether nothing is published, dims (year)."""

    def at(self, places: slice | list[int]) -> "FigureChange":
        """The same for some of the years."""
        return FigureChange(
            trials=None if self.trials is None else self.trials[places],
            risk_share=None if self.risk_share is None else self.risk_share[places],
            risk_points=self.risk_points,
            offset=None if self.offset is None else self.offset[:, places],
            absent=None if self.absent is None else self.absent[places],
        )

    def rows(self, draws: NDArray[np.int64]) -> "FigureChange":
        """The same for some of the draws, in any order and more than once."""
        return replace(
            self,
            risk_points=None if self.risk_points is None else self.risk_points[draws],
            offset=None if self.offset is None else self.offset[draws],
        )


USUAL = FigureChange()
"""Nothing changes."""


def mixed_sample(figure: Floats, change: FigureChange, data: SeriesData) -> Floats:
    r"""Rate expected of a sample of which a share :math:`r` is chosen where faults are expected.

    .. math:: \bar y = (1 - r)\, y + r\, G(y, \mp b)

    with :math:`G` the saturating move of :func:`qsim.forecast.levers_scales.moved` to the worse side. Each batch being
    chosen so with probability :math:`r`, the number that pass is binomial with that rate.

    Parameters
    ----------
    figure : array, dims (draw, year)
        Rate of an ordinary sample. [unit]

    Returns
    -------
    array, dims (draw, year)
        [unit]
    """
    if change.risk_share is None or change.risk_points is None:
        return figure
    worse = np.broadcast_to(-data.sign * change.risk_points[:, None], figure.shape)
    poor = moved(figure, worse, (0.0, data.link.unit))
    return np.asarray(figure + change.risk_share[None, :] * (poor - figure))
