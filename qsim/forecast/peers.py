"""How fast other regions have moved, on their published figures."""

from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from qsim.errors import HorizonError
from qsim.indicators import Catalogue
from qsim.inference.series import collect_series
from qsim.model.series import SeriesData
from qsim.plans.levers import PeerPace
from qsim.vocabulary import OBSERVATION

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class PeerFigures:
    """The figures of all regions, from which the series of an indicator are made when a lever asks for them."""

    observations: xr.Dataset
    catalogue: Catalogue
    origin: int
    _known: dict[str, tuple[SeriesData, ...]] = field(default_factory=dict, repr=False)

    def pace(self, lever: PeerPace, own: SeriesData) -> float:
        """Pace that a lever takes from the other regions of a series' indicator and basis.

        Returns
        -------
        float
            Signed: positive raises the figure. [link scale per year]

        Raises
        ------
        HorizonError
            If fewer other regions have a pace than the lever needs.
        """
        peers = [one for one in self._series(own.indicator.slug) if one.basis == own.basis and one.region != own.region]
        if lever.peers:
            peers = [one for one in peers if one.region in lever.peers]
        last = min(lever.start_year - 1, self.origin)
        paces = [figures_pace(one, last, lever.window) for one in peers]
        progress = sorted(own.sign * pace for pace in paces if pace is not None)
        needed = lever.top or 1
        if len(progress) < needed:
            raise HorizonError(
                f"lever {lever.id!r} needs {needed} other regions with two exact figures of {own.indicator.slug} "
                f"within {lever.window} years before {last + 1}, there are {len(progress)}: "
                "name another course or window"
            )
        return own.sign * _ranked(lever, progress)

    def _series(self, slug: str) -> tuple[SeriesData, ...]:
        if slug not in self._known:
            chosen = self.observations["indicator"].values.astype(str) == slug
            self._known[slug] = collect_series(
                self.observations.isel({OBSERVATION: chosen}), self.catalogue, self.origin
            )
        return self._known[slug]


def figures_pace(data: SeriesData, last_year: int, window: int) -> float | None:
    """Change a year between the first and last exact figure of the years ``last_year - window`` to ``last_year``.

    Returns
    -------
    float or None
        [link scale per year]; None with figures of fewer than two years.
    """
    within = np.isfinite(data.printed) & (data.year >= last_year - window) & (data.year <= last_year)
    if not within.any():
        return None
    years, middle = data.year[within], data.guess[within]
    first, last = int(years.min()), int(years.max())
    if first == last:
        return None
    return float((middle[years == last].mean() - middle[years == first].mean()) / (last - first))


def _ranked(lever: PeerPace, progress: list[float]) -> float:
    """Pace of the rank a lever names, from paces in ascending order of progress."""
    if lever.top is not None:
        return float(np.mean(progress[-lever.top :]))
    return float(np.quantile(progress, lever.quantile)) if lever.quantile is not None else progress[-1]
