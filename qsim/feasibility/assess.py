"""From forecast draws to the probability of every target of a plan, and to what is read beside it."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import xarray as xr

from qsim import __version__
from qsim.feasibility.beside import TABLES, Beside, Tables
from qsim.feasibility.chance import Chances
from qsim.feasibility.draws import ForecastDraws
from qsim.feasibility.events import COUNTED, Bools, Floats, is_flow, is_met, levels_of, years_needed
from qsim.feasibility.joint import Joint, joint
from qsim.feasibility.levels import recommended
from qsim.feasibility.records import (
    CAUTIONS,
    Assessment,
    Frame,
    Reason,
    TargetResult,
    TrackRecord,
    YearResult,
    YearShare,
)
from qsim.forecast.posterior import Posterior
from qsim.indicators import Catalogue
from qsim.inference.fit import Engine
from qsim.plans.plan import Plan
from qsim.plans.read import plan_catalogue
from qsim.plans.targets import LevelTarget, MaintainTarget, PathTarget, RangeTarget, RelativeTarget, Target, ZeroTarget
from qsim.vocabulary import PUBLISHED, RATE, SAMPLE_DIMS, Evidence


def assess(
    forecast: xr.Dataset,
    plan: Plan,
    *,
    posterior: Posterior | None = None,
    observations: xr.Dataset | None = None,
    catalogue: Catalogue | None = None,
    beside: bool = True,
    other_engine: Engine | None = None,
    tables: Tables = TABLES,
    track_record: TrackRecord | None = None,
    as_of: date | None = None,
) -> Assessment:
    """Say how likely every target of a plan is to be met.

    Parameters
    ----------
    forecast : xarray.Dataset, dims (scenario, chain, draw, series, year)
        ``rate`` and ``published`` of at least the years the targets need. [unit]
    plan : Plan
    posterior : Posterior, optional
        Where the forecast came from: adds the past, the diagnostics, and what is read beside a probability.
    observations : xarray.Dataset, optional
        The figures: adds their list, and the size of each pool, to the report.
    catalogue : Catalogue, optional
        Indicators; the shipped ones and the plan's own if not given.
    beside : bool
        Whether to work out what is read beside a probability from the posterior: pace, marks, checkpoints,
        sensitivity, grade, reasons. Fits every series three more times.
    other_engine : {"laplace", "nuts"}, optional
        Another engine to compare the probabilities with; slow if it is NUTS. What NUTS has sampled is always compared,
        as its sensitivities come from the default engine.
    tables : Tables
        Verdicts of office marks and bounds of grades, where an office has its own.
    track_record : TrackRecord, optional
        How often comparable targets were met.
    as_of : datetime.date, optional
        Information cut-off of the figures where it is not the plan's own.

    Returns
    -------
    Assessment
        With one result per scenario and target; a target without a probability says why.

    Raises
    ------
    HorizonError
        If the forecast lacks a year that a target needs.
    """
    known = catalogue if catalogue is not None else plan_catalogue(plan)
    room = _Room(plan, Chances(ForecastDraws(forecast), known), _pool_sizes(observations, plan.region.id))
    found = [room.judge(target, scenario) for scenario in room.chances.draws.scenarios for target in plan.targets]
    results = [result for result, _ in found]
    if beside and posterior is not None and room.chances.draws.labels:
        results = Beside(plan, room.chances, posterior, tables).add(results, other_engine=other_engine)
    return Assessment(
        plan=plan,
        catalogue=known,
        observations=observations if observations is not None else xr.Dataset(),
        history=posterior.history if posterior is not None else xr.Dataset(),
        forecast=forecast,
        diagnostics=posterior.diagnostics if posterior is not None else xr.Dataset(),
        results=tuple(results),
        joint=tuple(_joints(plan, found, room.chances.draws.scenarios)),
        frame=Frame(track_record=track_record, cautions=CAUTIONS),
        as_of=as_of,
        seed=posterior.seed if posterior is not None else 0,
        draws=math.prod(forecast.sizes.get(dim, 0) for dim in SAMPLE_DIMS),
        engine=posterior.engine if posterior is not None else "",
        version=__version__,
    )


Judged = tuple[TargetResult, Bools | None]
"""A result, and whether each draw meets the whole statement by its published figures."""


@dataclass(frozen=True, eq=False)
class _Room:
    plan: Plan
    chances: Chances
    pools: Mapping[tuple[str, str], int]

    def judge(self, target: Target, scenario: str) -> Judged:
        """One target under one scenario."""
        label = f"{self.plan.region.id}/{target.indicator}"
        draws, indicator = self.chances.draws, self.chances.indicator(target)
        has_draws = label in draws.labels
        basis = indicator.basis(target.definition) if target.definition is not None else None
        if has_draws:
            basis = str(draws.forecast["basis"].values[draws.labels[label]])
        pool = max(
            (size for (slug, on), size in self.pools.items() if slug == indicator.slug and basis in (None, on)),
            default=0,
        )
        if isinstance(target, RelativeTarget) and target.reference_region is None:
            return _without(target, scenario, "no_reference_figures", pool), None
        if not has_draws:
            return _without(target, scenario, "small_pool" if pool else "no_figures", pool), None
        if self.chances.lacks_reference(target, label):
            return _without(target, scenario, "no_reference_figures", pool), None
        missing = self._unknown_year(target, scenario, label)
        if missing:
            return _without(target, scenario, missing, pool), None
        return self._with_draws(target, scenario, label, pool)

    def _with_draws(self, target: Target, scenario: str, label: str, pool: int) -> Judged:
        chances, place = self.chances, self.chances.draws.labels[label]
        published, true = (chances.margin(target, scenario, label, variable) for variable in (PUBLISHED, RATE))
        met, met_true = is_met(target, published), is_met(target, true)
        whole = np.asarray(met.all(axis=-1))
        own, decimals = chances.draws.figures[label], int(chances.draws.forecast["decimals"].values[place])
        indicator = chances.indicator(target)
        evidence: Evidence = "figures" if own and not chances.pooled_reference(target) else "prior"
        result = TargetResult(
            scenario=scenario,
            target=target,
            series=label,
            evidence=evidence,
            pool_regions=pool,
            n_figures=own,
            last_figure_year=int(chances.draws.forecast["last_figure_year"].values[place]) if own else None,
            p_published=float(whole.mean()),
            p_true=float(met_true.all(axis=-1).mean()),
            years=tuple(_years(target, published, met, met_true)),
            reached=tuple(
                YearShare(year=year, share=share)
                for year, share in chances.first_reached(target, scenario, label, self.plan.period.first_year).items()
            ),
            recommended=recommended(
                target,
                chances.figures(scenario, label),
                decimals=0 if indicator.family in COUNTED else decimals,
                flow=is_flow(indicator),
            ),
        )
        return result, whole

    def _unknown_year(self, target: Target, scenario: str, label: str) -> Reason:
        """Why draws of a year are missing, if they are: a series begins with its first figure."""
        draws = self.chances.draws
        needed = years_needed(target, flow=is_flow(self.chances.indicator(target)))
        rate = draws.of(scenario, label, RATE)
        known = tuple(year for year in needed if year in draws.years)
        early = any(year < draws.years[0] for year in needed)
        if not early and not np.isnan(rate.over(known)).any():
            return ""
        fixed = LevelTarget | PathTarget | MaintainTarget | RangeTarget | RelativeTarget | ZeroTarget
        return "before_first_figure" if isinstance(target, fixed) else "base_year_unknown"


def _years(target: Target, margin: Floats, met: Bools, met_true: Bools) -> Sequence[YearResult]:
    levels = levels_of(target)
    found = []
    for place, year in enumerate(target.years):
        # a draw in which nothing is published fails, and has no gap
        fails = ~met[:, place] & np.isfinite(margin[:, place])
        found.append(
            YearResult(
                year=year,
                level=levels.get(year),
                p_published=float(met[:, place].mean()),
                p_true=float(met_true[:, place].mean()),
                # an exact sum, so that the order of draws does not matter
                shortfall=-math.fsum(margin[fails, place]) / int(fails.sum()) + 0.0 if fails.any() else None,
            )
        )
    return found


def _without(target: Target, scenario: str, reason: Reason, pool: int) -> TargetResult:
    levels = levels_of(target)
    return TargetResult(
        scenario=scenario,
        target=target,
        series=None,
        evidence="not_testable",
        reason=reason,
        pool_regions=pool,
        years=tuple(
            YearResult(year=year, level=levels.get(year), p_published=None, p_true=None) for year in target.years
        ),
    )


def _joints(plan: Plan, found: Sequence[Judged], scenarios: Sequence[str]) -> list[Joint]:
    """The whole plan, each category, the binding targets; statements of one series count once."""
    made: list[Joint | None] = []
    for scenario in scenarios:
        own = [
            (result, whole)
            for result, whole in found
            if whole is not None and result.scenario == scenario and result.evidence == "figures"
        ]
        made.append(joint(_by_series(own), scenario=scenario))
        for category in dict.fromkeys(target.category for target in plan.targets):
            part = [entry for entry in own if entry[0].target.category == category]
            made.append(joint(_by_series(part), scenario=scenario, scope="category", category=category))
        binding = [entry for entry in own if entry[0].target.status == "binding"]
        made.append(joint(_by_series(binding), scenario=scenario, scope="binding"))
    return [one for one in made if one is not None]


def _by_series(found: Sequence[tuple[TargetResult, Bools]]) -> dict[str, list[Bools]]:
    groups: dict[str, list[Bools]] = {}
    for result, whole in found:
        groups.setdefault(str(result.series), []).append(whole)
    # in one order, so that not even the last digit of a sum depends on that of the targets
    return dict(sorted(groups.items()))


def _pool_sizes(observations: xr.Dataset | None, region: str) -> dict[tuple[str, str], int]:
    """Other regions with usable figures, by indicator and basis."""
    if observations is None:
        return {}
    # a change, or a figure that joins from another basis, makes no member of a pool
    level = (observations["set_aside"] == "") & (observations["change"] == "") & (observations["joins"] == "")
    used = observations.isel(observation=level.values)
    names = (used[name].values.astype(str).tolist() for name in ("region", "indicator", "basis"))
    return dict(Counter((slug, basis) for where, slug, basis in set(zip(*names, strict=True)) if where != region))
