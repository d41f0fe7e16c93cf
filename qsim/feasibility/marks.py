r"""Marks that statistics offices put on progress: deterministic, on published figures, printed beside probabilities.

With the base figure :math:`y_0` of year :math:`t_0`, the newest :math:`y_t`, the target :math:`y_T` and :math:`d = 1`
where a higher figure helps, -1 where a lower one does:

============= =====================================================================================
``eurostat``  :math:`R = d\,[(y_t/y_0)^{1/(t-t_0)} - 1] / |(y_T/y_0)^{1/(T-t_0)} - 1|`
``failure``   the same on the failure rate :math:`100 - y` of a rate, with the sign turned
``unsd``      :math:`(y^e_T - y_0) / (y_T - y_0)`, where :math:`y^e_T = y_t (y_t/y_0)^{(T-t)/(t-t_0)}`
``growth``    :math:`d\,[(y_t/y_0)^{1/(t-t_0)} - 1]` where the text names no level; its upper bounds shrink by
              :math:`C = 1 - (y_0/y_{lim})^{4.44}` near a natural limit (from above: of :math:`2 y_{lim} - y_0`)
``schedule``  时序进度: :math:`(y_t - y_0)/(y_T - y_0)` against :math:`(t - t_0)/(T - t_0)`
``aarr``      :math:`100 (1 - e^b)` with the slope b of :math:`\ln y` on the year, against the rate the target needs
============= =====================================================================================

Defined answers: a figure that meets the target already is ``achieved``; a zero stands for 0.001 in the growth forms
(Open SDG's rule); where base and target are equal and the target is not met any more, the mark is ``wrong_way``.

Sources: Eurostat (2020), Sustainable development in the European Union, annex; Open SDG, Progress measurement
methodology (factor C, scores, zeros), open-sdg.readthedocs.io/en/latest/progress-methodology; UNSD, Progress Chart
Technical Note 2023; UNICEF (2007), How to calculate average annual rate of reduction; 目标一致法 of the mid-term
reports of five-year plans.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from qsim.feasibility.events import EXACT

ACHIEVED: Final = "achieved"
WRONG_WAY: Final = "wrong_way"

_ZERO: Final = 0.001
"""What a growth form takes for a figure of zero."""

_NOTHING: Final = 1e-6
"""Figures below it are zero to a growth form: ratios of smaller ones overflow."""

_LIMIT_POWER: Final = 4.44
"""Exponent of the natural-limit factor (Open SDG)."""


@dataclass(frozen=True, kw_only=True)
class Bands:
    """A named table of verdicts: pass another one to replace it."""

    name: str
    form: str
    """The form used, written out."""
    bounds: tuple[tuple[float, str], ...]
    """Lower bound and verdict, the highest first."""
    below: str
    """Verdict below every bound."""

    def verdict(self, value: float) -> str:
        """Verdict of the first bound that a value reaches."""
        return next((word for bound, word in self.bounds if value >= bound), self.below)

    def shrunk(self, factor: float) -> "Bands":
        """The same with positive bounds multiplied by a factor."""
        bounds = tuple((bound * factor if bound > 0.0 else bound, word) for bound, word in self.bounds)
        return Bands(name=self.name, form=self.form, bounds=bounds, below=self.below)


_RATIO = ((0.95, "on_track"), (0.6, "acceleration_needed"), (0.0, "limited"))

EUROSTAT: Final = Bands(name="eurostat", form="d*CAGR(y0,yt)/|CAGR(y0,yT)|", bounds=_RATIO, below=WRONG_WAY)
FAILURE: Final = Bands(
    name="failure", form="-CAGR(100-y0,100-yt)/|CAGR(100-y0,100-yT)|", bounds=_RATIO, below=WRONG_WAY
)
UNSD: Final = Bands(
    name="unsd",
    form="(yt*(yt/y0)^((T-t)/(t-t0))-y0)/(yT-y0)",
    bounds=((0.95, "on_track"), (0.1, "acceleration_needed")),
    below="stagnation_or_regression",
)
GROWTH: Final = Bands(
    name="growth",
    form="d*CAGR(y0,yt), bounds*C",
    bounds=((0.015, "on_track"), (0.005, "acceleration_needed"), (0.0, "limited")),
    below=WRONG_WAY,
)
SCHEDULE: Final = Bands(
    name="schedule",
    form="(yt-y0)/(yT-y0) - (t-t0)/(T-t0)",
    bounds=((0.0, "on_schedule"),),
    below="behind",
)
"""提前完成 is ``achieved`` before the due year; 达到预期进度 ``on_schedule``; 滞后 ``behind``."""

AARR: Final = Bands(
    name="aarr", form="100*(1-exp(slope of ln y)) - needed", bounds=((0.0, "on_schedule"),), below="behind"
)


@dataclass(frozen=True, kw_only=True)
class MarkTables:
    """The table of every mark; one with other bounds or verdicts replaces it."""

    eurostat: Bands = EUROSTAT
    failure: Bands = FAILURE
    unsd: Bands = UNSD
    growth: Bands = GROWTH
    schedule: Bands = SCHEDULE
    aarr: Bands = AARR


@dataclass(frozen=True, kw_only=True)
class Course:
    """Three figures that a mark looks at."""

    base_year: int
    base: float
    year: int
    """Newest figure's year."""
    value: float
    due_year: int
    target: float
    high: bool = True
    """Whether a higher figure helps."""

    @property
    def sign(self) -> float:
        """1 where a higher figure helps, else -1."""
        return 1.0 if self.high else -1.0

    @property
    def achieved(self) -> bool:
        """Whether the newest figure meets the target."""
        return self.sign * (self.value - self.target) >= 0.0


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One office's mark."""

    table: str
    form: str
    value: float | None
    """None where the target is achieved, or the form has no value."""
    verdict: str
    bounds: tuple[tuple[float, str], ...] = ()
    """Lower bounds and verdicts of the table, the highest first, before a natural limit shrinks them."""
    below: str = ""
    """Verdict below every bound."""

    @classmethod
    def of(cls, bands: Bands, value: float | None, verdict: str) -> "Mark":
        """Verdict by a table."""
        return cls(
            table=bands.name, form=bands.form, value=value, verdict=verdict, bounds=bands.bounds, below=bands.below
        )


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Change a year, positive where it helps. [unit per year]"""

    needed: float
    """From the newest figure to the target; zero or negative where it is met already."""
    recent: float
    """From the first to the newest figure looked at."""
    first_year: int
    last_year: int
    """Years of those two figures."""


def cagr(before: float, after: float, years: int) -> float:
    """Compound growth a year; zeros stand for 0.001. [1]"""
    return float((_positive(after) / _positive(before)) ** (1.0 / years) - 1.0)


def growth_ratio(course: Course, bands: Bands = EUROSTAT) -> Mark:
    """Ratio of actual to needed growth."""
    return _ratio(course, course.base, course.value, course.target, course.sign, bands)


def failure_ratio(course: Course, bands: Bands = FAILURE) -> Mark:
    """The same on the failure rate of a pass rate in percent."""
    return _ratio(course, 100.0 - course.base, 100.0 - course.value, 100.0 - course.target, -course.sign, bands)


def extrapolated_share(course: Course, bands: Bands = UNSD) -> Mark:
    """Share of the planned change that the present growth would reach by the due year."""
    if course.achieved or course.target == course.base:
        return _settled(course, bands)
    growth = 1.0 + cagr(course.base, course.value, course.year - course.base_year)
    reached = _positive(course.value) * growth ** (course.due_year - course.year)
    value = (reached - course.base) / (course.target - course.base)
    return Mark.of(bands, value, bands.verdict(value))


def growth(course: Course, limit: float | None = None, bands: Bands = GROWTH) -> Mark:
    """Growth itself, for statements without a level; bounds shrink near a natural limit. ``target`` is not used."""
    value = course.sign * cagr(course.base, course.value, course.year - course.base_year)
    factor = 1.0 if limit is None else limit_factor(course.base, limit)
    return Mark.of(bands, value, bands.shrunk(factor).verdict(value))


def schedule(course: Course, bands: Bands = SCHEDULE) -> Mark:
    """时序进度: lead of the share of change achieved over the share of the period elapsed."""
    if course.achieved or course.target == course.base:
        return _settled(course, bands)
    done = (course.value - course.base) / (course.target - course.base)
    value = _unless_equal(done - (course.year - course.base_year) / (course.due_year - course.base_year))
    return Mark.of(bands, value, bands.verdict(value))


def limit_factor(base: float, limit: float) -> float:
    """Factor on the bounds of growth near a natural limit: 1 far from it, 0 at it. [1]"""
    here, there = abs(base), abs(limit)
    if here >= 2.0 * there:
        return 1.0
    near = here if here <= there else 2.0 * there - here
    return float(1.0 - (near / there) ** _LIMIT_POWER)


def open_sdg_score(ratio: float) -> float:
    """Score of a growth ratio from -5 to 5: -60 % is -5, 60 % is 0, 130 % is 5 (Open SDG). [1]"""
    return float(np.interp(ratio, (-0.6, 0.6, 1.3), (-5.0, 0.0, 5.0)))


def annual_reduction(years: Sequence[int], figures: Sequence[float]) -> float:
    """Average annual rate of reduction in percent: log-linear least squares over at least two years. [% a year]"""
    slope = np.polyfit(np.asarray(years, dtype=float), np.log([_positive(figure) for figure in figures]), 1)[0]
    return float(100.0 * (1.0 - np.exp(slope)))


def reduction(course: Course, years: Sequence[int], figures: Sequence[float], bands: Bands = AARR) -> Mark:
    """AARR of the figures against the rate that the target needs from the newest one on."""
    if course.achieved:
        return _settled(course, bands)
    rate = annual_reduction(years, figures)
    left = max(course.due_year - course.year, 1)
    needed = -100.0 * cagr(course.value, course.target, left)
    return Mark.of(bands, rate, bands.verdict(_unless_equal(rate - needed)))


def carried_forward(before: float, newest: float, years: int) -> float:
    """Newest figure grown for some years at its last annual rate (AROC "latest"). [unit]"""
    return float(newest * (newest / before) ** years)


def needed_pace(course: Course) -> float:
    """Equal steps a year from the newest figure to the target, positive where the figure has to get better."""
    return course.sign * (course.target - course.value) / max(course.due_year - course.year, 1)


def _ratio(course: Course, base: float, value: float, target: float, sign: float, bands: Bands) -> Mark:
    if course.achieved or target == base:
        return _settled(course, bands)
    actual = cagr(base, value, course.year - course.base_year)
    needed = cagr(base, target, course.due_year - course.base_year)
    if needed == 0.0:
        return _settled(course, bands)
    ratio = sign * actual / abs(needed)
    return Mark.of(bands, ratio, bands.verdict(ratio))


def _settled(course: Course, bands: Bands) -> Mark:
    """Mark of a target that is met already, or was met in the base year and is not any more."""
    if not course.achieved:
        return Mark.of(bands, None, bands.below)
    return Mark.of(bands, None, ACHIEVED)


def _unless_equal(lead: float) -> float:
    """A lead, or zero: shares are decimals in base two, and on time to a billionth is on time."""
    return 0.0 if abs(lead) < EXACT else lead


def _positive(figure: float) -> float:
    return figure if figure >= _NOTHING else _ZERO
