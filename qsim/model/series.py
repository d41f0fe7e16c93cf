"""One series as arrays: what an engine needs to know about its figures."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qsim.indicators import WHOLE, Indicator
from qsim.model.functional import LEVEL as FORM_LEVEL
from qsim.model.functional import TOTAL as FORM_TOTAL
from qsim.model.functional import Extra, Offset
from qsim.model.likelihood import INTERVAL
from qsim.model.links import Link
from qsim.model.priors import priors_of
from qsim.vocabulary import PERCENT_FAMILIES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PER_FIGURE: Final = ("year", "kind", "lower", "upper", "size", "guess", "guess_variance", "printed")
"""Fields that hold one entry a figure."""


@dataclass(frozen=True, kw_only=True)
class SeriesData:
    """Figures of one (region, indicator, basis)."""

    region: str
    indicator: Indicator
    basis: str
    link: Link
    first_year: int
    """First year of the grid: the first figure's, or the origin's where there is none."""
    origin: int
    """Last year of the grid; the forecast starts in the next."""
    year: Ints
    """Year of each figure, dims (figure)."""
    kind: Ints
    """Likelihood of each figure (:mod:`qsim.model.likelihood`), dims (figure)."""
    lower: Floats
    """Lower end: a count, or on the link scale, dims (figure)."""
    upper: Floats
    """Upper end, dims (figure)."""
    size: Floats
    """Trials; NaN where there are none, dims (figure)."""
    guess: Floats
    """Middle of the figure on the link scale, finite, dims (figure)."""
    guess_variance: Floats
    """Variance of that middle from sampling and width. [link scale squared], dims (figure)."""
    printed: Floats
    """Figure as printed where it stands without qualifier, else NaN. [unit], dims (figure)."""
    decimals: int
    """Decimals printed."""
    extras: tuple[Extra, ...] = ()
    """Figures that say something else: changes, several years, part of a year, other bases."""
    offsets: tuple[Offset, ...] = ()
    """Offsets of the other bases."""

    @property
    def label(self) -> str:
        """Label in a forecast: ``region/indicator``."""
        return f"{self.region}/{self.indicator.slug}"

    @property
    def years(self) -> int:
        """Length of the grid."""
        return self.origin - self.first_year + 1

    @property
    def steps(self) -> Ints:
        """Place of each figure on the grid, dims (figure)."""
        return self.year - self.first_year

    @property
    def noisy(self) -> Floats:
        """1 where the latent value carries its own year noise, 0 where it is integrated out, dims (figure)."""
        return np.asarray(self.kind != INTERVAL, dtype=float)

    @property
    def limit(self) -> float:
        """Largest share of trials that can succeed."""
        return self.link.unit / WHOLE if self.indicator.family in PERCENT_FAMILIES else 1.0

    @property
    def plain(self) -> bool:
        """True if every figure is the level of a year of its own: the fast kernels serve."""
        return not self.extras and len(set(self.year.tolist())) == self.year.size

    @property
    def level_years(self) -> tuple[int, ...]:
        """Last year of every figure that says where the level is, changes aside."""
        told = [extra.year for extra in self.extras if extra.form in (FORM_LEVEL, FORM_TOTAL)]
        return (*self.year.tolist(), *told)

    @property
    def sign(self) -> float:
        """Direction in which the drift counts as progress."""
        return 1.0 if self.indicator.better == "higher" else -1.0

    @property
    def kept(self) -> float:
        """Share of a level that a year keeps. [1]"""
        return priors_of(self.indicator).kept

    def between(self, first: int, last: int) -> "SeriesData":
        """A copy that knows the figures of ``first`` to ``last`` only.

        Its grid runs from the first figure in that window to ``last``, and is ``last`` alone where there is none.
        """
        within = (self.year >= first) & (self.year <= last)
        figures = {name: getattr(self, name)[within] for name in PER_FIGURE}
        extras = tuple(extra for extra in self.extras if first <= extra.first_year and extra.year <= last)
        begins = min((extra.first_year for extra in extras), default=last)
        return replace(self, first_year=int(figures["year"].min(initial=begins)), origin=last, extras=extras, **figures)

    def without_extras(self) -> "SeriesData":
        """A copy that knows its own levels only, as a member of a pool does; the grid stays."""
        return replace(self, extras=(), offsets=()) if self.extras else self
