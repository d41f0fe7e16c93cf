"""What an assessment holds: plain frozen records, no sampler and no words."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import xarray as xr

from qsim.feasibility.evidence import Grade
from qsim.feasibility.joint import Joint
from qsim.feasibility.levels import Recommended
from qsim.feasibility.marks import Mark, Pace
from qsim.indicators import Catalogue
from qsim.plans.plan import Plan
from qsim.plans.targets import Target
from qsim.vocabulary import Evidence

Reason = Literal[
    "",
    "no_figures",
    "small_pool",
    "no_reference_figures",
    "before_first_figure",
    "base_year_unknown",
]
"""Why a target has no probability; the words stand in ``qsim/report/wording_*.yaml``."""

Cause = Literal["unpublished", "trend", "lever", "shock", "noise"]
"""What failing draws have in common: see :mod:`qsim.feasibility.reasons`."""

Caution = Literal[
    "set_by_insiders", "assessed_elsewhere", "may_be_discontinued", "one_definition", "unprinted_not_seen", "model_only"
]
"""What the figures cannot say, beside every probability."""


@dataclass(frozen=True, kw_only=True)
class YearResult:
    """One year of a statement."""

    year: int
    level: float | None
    """Figure to reach in that year; None where it is not a fixed one. [unit]"""
    p_published: float | None
    """Probability that the published figure meets it. [1]"""
    p_true: float | None
    """Probability that the true level meets it. [1]"""
    shortfall: float | None = None
    """Mean gap of the published figure where it fails; None where no draw fails. [unit]"""


@dataclass(frozen=True, kw_only=True)
class YearShare:
    """Share of the draws in which the last requirement is met by the published figure for the first time."""

    year: int
    share: float
    """[1]"""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Figures of a year before the due one below which a target becomes doubtful; above where low is better."""

    year: int
    half: float | None
    """Figure beyond which P falls under 50 %; None if there is no such figure. [unit]"""
    fifth: float | None
    """Figure beyond which P falls under 20 %; None if there is no such figure. [unit]"""
    p_worst: float
    """P given the worst figure looked at. [1]"""
    p_best: float
    """P given the best figure looked at. [1]"""


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """Probability for the whole statement (published figure) under other assumptions. [1]"""

    base: float
    narrow_prior: float | None
    """Scales of the prior halved."""
    wide_prior: float | None
    """Scales of the prior doubled."""
    without_newest: float | None
    """Newest figure left out; None where there is none, or where a base year is unknown without it."""
    other_engine: float | None = None
    """The same model by the other engine, on request."""

    @property
    def range(self) -> float:
        """Largest less smallest of them. [1]"""
        known = [self.base, self.narrow_prior, self.wide_prior, self.without_newest, self.other_engine]
        values = [value for value in known if value is not None]
        return max(values) - min(values)


@dataclass(frozen=True, kw_only=True)
class Why:
    """What the failing draws of a doubtful target have in common."""

    cause: Cause
    share: float
    """Share of the failing draws it explains. [1]"""
    shares: tuple[tuple[Cause, float], ...]
    """Share of every cause, together 1."""


@dataclass(frozen=True, kw_only=True)
class TrackRecord:
    """How often comparable targets were met in the past."""

    statements: int
    """Targets whose outcome is known."""
    met: int
    """Those met by the published figure."""
    source: str
    """Where the record stands."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What has to be said beside a probability."""

    track_record: TrackRecord | None
    """None until outcomes of past targets have been scored."""
    cautions: tuple[Caution, ...]


CAUTIONS: tuple[Caution, ...] = (
    "set_by_insiders",
    "assessed_elsewhere",
    "may_be_discontinued",
    "one_definition",
    "unprinted_not_seen",
    "model_only",
)


@dataclass(frozen=True, kw_only=True)
class TargetResult:
    """One target under one scenario."""

    scenario: str
    target: Target
    series: str | None
    """Label of the series in the forecast; None without a forecast."""
    evidence: Evidence
    reason: Reason = ""
    pool_regions: int = 0
    """Other regions with figures of this indicator and basis."""
    n_figures: int = 0
    """Own figures used."""
    last_figure_year: int | None = None
    p_published: float | None = None
    """Probability for the whole statement. [1]"""
    p_true: float | None = None
    """The same for the true level. [1]"""
    years: tuple[YearResult, ...] = ()
    reached: tuple[YearShare, ...] = ()
    """Distribution of the year reached over the plan's years; what is missing to 1 is later or never."""
    recommended: tuple[Recommended, ...] = ()
    """Levels met with 90, 80, 70, 50 and 10 %; empty where a level makes no sense."""
    pace: Pace | None = None
    """Needed and recent change a year; None without two figures or a fixed level."""
    marks: tuple[Mark, ...] = ()
    """Marks of statistics offices on published figures."""
    checkpoints: tuple[Checkpoint, ...] = ()
    sensitivity: Sensitivity | None = None
    grade: Grade | None = None
    why: Why | None = None
    """For a target below 50 %."""


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """Everything a report needs about one plan."""

    plan: Plan
    catalogue: Catalogue
    observations: xr.Dataset
    """Every figure read, used or set aside (``docs/schema.md``)."""
    history: xr.Dataset
    """Draws of the past true level: ``rate``, dims (chain, draw, series, year). [unit]"""
    forecast: xr.Dataset
    """Draws of the future: ``rate`` and ``published``. [unit]"""
    diagnostics: xr.Dataset
    """Per series: ``pareto_k``, ``theta_ess``, ``gate`` (True if both hold), dims (series)."""
    results: tuple[TargetResult, ...]
    """Every scenario and target, in the order of the plan."""
    joint: tuple[Joint, ...] = ()
    """Every scenario: the whole plan, then each category, then the binding targets where the plan names them."""
    frame: Frame = Frame(track_record=None, cautions=CAUTIONS)
    as_of: date | None = None
    """Information cut-off where it is not the plan's own."""
    seed: int
    draws: int
    engine: str
    version: str
