"""What an assessment holds: plain frozen records, no sampler and no words."""

from dataclasses import dataclass
from typing import Literal

import xarray as xr

from qsim.indicators import Catalogue
from qsim.plans.plan import Plan
from qsim.plans.targets import Target
from qsim.vocabulary import Evidence

Reason = Literal[
    "",
    "kind_later",
    "no_figures",
    "small_pool",
    "no_reference_figures",
    "before_first_figure",
    "base_year_unknown",
]
"""Why a target has no probability; the words stand in ``qsim/report/wording``."""


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
    seed: int
    draws: int
    engine: str
    version: str
