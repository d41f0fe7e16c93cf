"""Which observations a fit uses: pure functions on the dataset."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import xarray as xr

from qsim.indicators import Catalogue
from qsim.observations.dataset import OTHER_BASIS, PARTIAL_YEAR
from qsim.vocabulary import OBSERVATION


def usable(observations: xr.Dataset) -> xr.Dataset:
    """Observations that are not set aside, with the index they had.

    Parameters
    ----------
    observations : xarray.Dataset, dims (observation,)
        As :func:`qsim.observations.read.read_observations` returns.

    Returns
    -------
    xarray.Dataset, dims (observation,)
    """
    return observations.isel({OBSERVATION: np.flatnonzero(observations["set_aside"].values == "")})


def choose_basis(
    observations: xr.Dataset,
    preferred: Mapping[tuple[str, str], str] | None = None,
    *,
    catalogue: Catalogue | None = None,
) -> xr.Dataset:
    """Keep one basis for each region and indicator; join the figures of others to it, or set them aside.

    The chosen basis is the preferred one, even if no figure is on it. Where none is preferred it is the one with the
    newest usable figure; of several, the one with most figures, then the first in the alphabet. Figures of another
    basis join it where the catalogue names the step between the two (key ``breaks``).

    Parameters
    ----------
    observations : xarray.Dataset, dims (observation,)
        As :func:`qsim.observations.read.read_observations` returns; it is not changed.
    preferred : mapping of (region, indicator) to basis, optional
        The basis a plan's target is stated in.
    catalogue : Catalogue, optional
        Indicators with their breaks; without it nothing joins.

    Returns
    -------
    xarray.Dataset, dims (observation,)
        The same observations; where a usable figure is on another basis, ``joins`` names the chosen one, or
        ``set_aside`` is ``other_basis``.
    """
    wanted = preferred or {}
    set_aside, joins = (observations[name].values.astype(object) for name in ("set_aside", "joins"))
    years: dict[tuple[str, str], dict[str, list[int]]] = {}
    rows = np.flatnonzero(set_aside == "").tolist()
    names = ("region", "indicator", "basis", "year")
    entries = list(zip(*(observations[name].values[rows].tolist() for name in names), strict=True))
    for region, indicator, basis, year in entries:
        years.setdefault((region, indicator), {}).setdefault(basis, []).append(year)
    chosen = {key: _chosen(bases, wanted.get(key)) for key, bases in years.items()}
    for row, (region, indicator, basis, _) in zip(rows, entries, strict=True):
        basis_of_series = chosen[region, indicator]
        if basis == basis_of_series:
            continue
        if catalogue is not None and catalogue.get(indicator).step(basis_of_series, basis) is not None:
            joins[row] = basis_of_series
        else:
            set_aside[row] = OTHER_BASIS
    return observations.assign(set_aside=(OBSERVATION, set_aside), joins=(OBSERVATION, joins))


def with_partial_years(observations: xr.Dataset) -> xr.Dataset:
    """The same observations with the figures of parts of years in use; a fit gives them the named extra noise."""
    set_aside = observations["set_aside"].values.astype(object)
    set_aside[set_aside == PARTIAL_YEAR] = ""
    return observations.assign(set_aside=(OBSERVATION, set_aside))


def _chosen(bases: Mapping[str, Sequence[int]], preferred: str | None) -> str:
    if preferred is not None:
        return preferred
    return min(bases, key=lambda basis: (-max(bases[basis]), -len(bases[basis]), basis))


def concat(datasets: Iterable[xr.Dataset]) -> xr.Dataset:
    """Put observations below each other and number them anew.

    Nothing is merged: figures that several tables print are merged by reading these tables together.

    Parameters
    ----------
    datasets : iterable of xarray.Dataset, dims (observation,)
        As :func:`qsim.observations.read.read_observations` returns.

    Returns
    -------
    xarray.Dataset, dims (observation,)
        Index 0 to n - 1.

    Raises
    ------
    ValueError
        If there is no dataset.
    """
    joined = xr.concat(list(datasets), dim=OBSERVATION)
    return joined.assign_coords({OBSERVATION: np.arange(joined.sizes[OBSERVATION])})
