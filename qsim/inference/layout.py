"""All figures of a series as one table of arrays, for what the plain kernels cannot say.

A year on which two figures say something, and every year of a figure about several, has a year noise of its own among
the unknowns, so that they share it. What is then left around an interval is its own noise, at least the named floor.
Where sources differ on one year, basis and full year, each figure is a reading with the named noise.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qsim.errors import FitError
from qsim.measurement import measurement
from qsim.model.functional import LEVEL, LINK_NUMBER, Extra
from qsim.model.likelihood import INTERVAL
from qsim.model.series import SeriesData

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MAX_AMBIGUOUS: Final = 4
"""Most figures of one series with two readings: every combination of readings is searched."""


class Layout(NamedTuple):
    """Figures of one reading of a series, dims (figure) unless said otherwise."""

    link: int
    """Number of the link; no dims."""
    form: Ints
    first: Ints
    """Place on the grid of the first year it is about."""
    last: Ints
    weight: Floats
    scale: Floats
    offset: Ints
    """Place among the offsets, or -1."""
    own: Floats
    """1 where its year noise is nobody else's: it need not be among the unknowns."""
    noisy: Floats
    """1 where noise of its own is part of the latent value, 0 where it is integrated out of an interval."""
    sd: Floats
    """Noise of its own beside the year noise. [scale of the latent value]"""
    kind: Ints
    lower: Floats
    upper: Floats
    size: Floats
    guess: Floats
    guess_variance: Floats
    limit: float
    """Largest share of trials that can succeed; no dims."""
    offset_mean: Floats
    """dims (offset)"""
    offset_sd: Floats
    """dims (offset)"""


def layouts(data: SeriesData) -> tuple[Layout, ...]:
    """One layout for each combination of readings of the ambiguous figures; all are equally likely.

    Raises
    ------
    FitError
        If there are too many ambiguous figures.
    """
    open_to_both = sum(extra.other is not None for extra in data.extras)
    if open_to_both > _MAX_AMBIGUOUS:
        raise FitError(
            f"{data.label}: {open_to_both} changes with two readings; expected at most {_MAX_AMBIGUOUS}: "
            "say percent or points where the source leaves no doubt"
        )
    choices = [(extra,) if extra.other is None else (extra, extra.other) for extra in data.extras]
    return tuple(_layout(data, reading) for reading in product(*choices))


def _layout(data: SeriesData, reading: tuple[Extra, ...]) -> Layout:
    figures = [*_levels(data), *reading]
    first = np.array([figure.first_year for figure in figures], dtype=np.int64) - data.first_year
    last = np.array([figure.year for figure in figures], dtype=np.int64) - data.first_year
    touched = Counter(step for i in range(len(figures)) for step in range(first[i], last[i] + 1))
    single = np.array([figure.form == LEVEL for figure in figures])
    own = single & np.array([touched[step] == 1 for step in last.tolist()])
    noisy = np.array([figure.kind != INTERVAL for figure in figures])
    sd = np.array([figure.sd for figure in figures], dtype=float)
    sd = np.where(noisy | own, sd, np.maximum(sd, measurement().least_sd.value))

    def column(name: str) -> Floats:
        return np.array([getattr(figure, name) for figure in figures], dtype=float)

    return Layout(
        link=LINK_NUMBER[data.link.name],
        form=column("form").astype(np.int64),
        first=first,
        last=last,
        weight=column("weight"),
        scale=column("scale"),
        offset=column("offset").astype(np.int64),
        own=own.astype(float),
        noisy=noisy.astype(float),
        sd=sd,
        kind=column("kind").astype(np.int64),
        lower=column("lower"),
        upper=column("upper"),
        size=column("size"),
        guess=column("guess"),
        guess_variance=column("guess_variance"),
        limit=data.limit,
        offset_mean=np.array([offset.mean for offset in data.offsets], dtype=float),
        offset_sd=np.array([offset.sd for offset in data.offsets], dtype=float),
    )


def _levels(data: SeriesData) -> Iterator[Extra]:
    """The figures of the series itself; several of one year are readings of it."""
    readings = Counter(data.year.tolist())
    sd = getattr(measurement().reading_sd, data.link.name)
    for i, year in enumerate(data.year.tolist()):
        yield Extra(
            form=LEVEL,
            first_year=year,
            year=year,
            kind=int(data.kind[i]),
            lower=float(data.lower[i]),
            upper=float(data.upper[i]),
            size=float(data.size[i]),
            guess=float(data.guess[i]),
            guess_variance=float(data.guess_variance[i]),
            sd=sd if readings[year] > 1 else 0.0,
        )


def with_readings(extras: list[Extra], sd: float) -> tuple[Extra, ...]:
    """Give full-year figures of one year and other basis the noise of a reading where there are several."""

    def key(extra: Extra) -> tuple[int, int]:
        return extra.offset, extra.year

    full = [extra for extra in extras if extra.form == LEVEL and extra.sd == 0.0 and extra.offset >= 0]
    several = {place for place, count in Counter(map(key, full)).items() if count > 1}
    return tuple(replace(one, sd=sd) if one in full and key(one) in several else one for one in extras)
