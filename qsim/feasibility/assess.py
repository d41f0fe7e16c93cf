"""From forecast draws to the probability of every target of a plan."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping

import xarray as xr

from qsim import __version__
from qsim.feasibility.events import ASSESSED_KINDS, levels_of, met, years_needed
from qsim.feasibility.records import Assessment, Reason, TargetResult, YearResult
from qsim.forecast.posterior import Posterior
from qsim.indicators import Catalogue
from qsim.plans.plan import Plan
from qsim.plans.read import plan_catalogue
from qsim.plans.targets import LevelTarget, MaintainTarget, PathTarget, Target
from qsim.vocabulary import (
    BASELINE_SCENARIO,
    PERCENT_FAMILIES,
    PUBLISHED,
    RATE,
    SAMPLE_DIMS,
    SCENARIO,
    SERIES,
    YEAR,
    Evidence,
)


def assess(
    forecast: xr.Dataset,
    plan: Plan,
    *,
    posterior: Posterior | None = None,
    observations: xr.Dataset | None = None,
    catalogue: Catalogue | None = None,
) -> Assessment:
    """Say how likely every target of a plan is to be met.

    Parameters
    ----------
    forecast : xarray.Dataset, dims (scenario, chain, draw, series, year)
        ``rate`` and ``published`` of at least the years the targets need. [unit]
    plan : Plan
    posterior : Posterior, optional
        Where the forecast came from: adds the past and the diagnostics to the report.
    observations : xarray.Dataset, optional
        The figures: adds their list, and the size of each pool, to the report.
    catalogue : Catalogue, optional
        Indicators; the shipped ones and the plan's own if not given.

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
    pools = _pool_sizes(observations, plan.region.id)
    scenarios = [str(name) for name in forecast[SCENARIO].values] if forecast.sizes else [BASELINE_SCENARIO]
    results = tuple(
        _result(target, scenario, forecast, plan, known, pools) for scenario in scenarios for target in plan.targets
    )
    return Assessment(
        plan=plan,
        catalogue=known,
        observations=observations if observations is not None else xr.Dataset(),
        history=posterior.history if posterior is not None else xr.Dataset(),
        forecast=forecast,
        diagnostics=posterior.diagnostics if posterior is not None else xr.Dataset(),
        results=results,
        seed=posterior.seed if posterior is not None else 0,
        draws=math.prod(forecast.sizes.get(dim, 0) for dim in SAMPLE_DIMS),
        engine=posterior.engine if posterior is not None else "",
        version=__version__,
    )


def _result(
    target: Target,
    scenario: str,
    forecast: xr.Dataset,
    plan: Plan,
    catalogue: Catalogue,
    pools: Mapping[tuple[str, str], int],
) -> TargetResult:
    label = f"{plan.region.id}/{target.indicator}"
    indicator = catalogue.get(target.indicator)
    has_draws = SERIES in forecast.dims and label in forecast[SERIES].values
    basis = indicator.basis(target.definition) if target.definition is not None else None
    if has_draws:
        basis = str(forecast["basis"].sel({SERIES: label}).item())
    pool = max(
        (size for (slug, on), size in pools.items() if slug == indicator.slug and basis in (None, on)), default=0
    )
    if not isinstance(target, ASSESSED_KINDS):
        return _without(target, scenario, "not_assessed", "kind_later", pool)
    if not has_draws:
        return _without(target, scenario, "not_testable", "small_pool" if pool else "no_figures", pool)
    draws = forecast.sel({SERIES: label, SCENARIO: scenario})
    missing = _unknown_year(target, draws)
    if missing:
        return _without(target, scenario, "not_testable", missing, pool)
    step = 10.0 ** -int(draws["decimals"]) if indicator.family in PERCENT_FAMILIES else 0.0
    published, true = met(target, draws[PUBLISHED]), met(target, draws[RATE], print_step=step)
    n_figures = int(draws["n_figures"])
    return TargetResult(
        scenario=scenario,
        target=target,
        series=label,
        evidence="figures" if n_figures else "prior",
        pool_regions=pool,
        n_figures=n_figures,
        last_figure_year=int(draws["last_figure_year"]) if n_figures else None,
        p_published=float(published.all(YEAR).mean()),
        p_true=float(true.all(YEAR).mean()),
        years=tuple(_years(target, published, true)),
    )


def _years(target: Target, published: xr.DataArray, true: xr.DataArray) -> Iterator[YearResult]:
    levels = levels_of(target)
    for year in target.years:
        yield YearResult(
            year=year,
            level=levels.get(year),
            p_published=float(published.sel({YEAR: year}).mean()),
            p_true=float(true.sel({YEAR: year}).mean()),
        )


def _without(target: Target, scenario: str, evidence: Evidence, reason: Reason, pool: int) -> TargetResult:
    levels = levels_of(target)
    return TargetResult(
        scenario=scenario,
        target=target,
        series=None,
        evidence=evidence,
        reason=reason,
        pool_regions=pool,
        years=tuple(
            YearResult(year=year, level=levels.get(year), p_published=None, p_true=None) for year in target.years
        ),
    )


def _unknown_year(target: Target, draws: xr.Dataset) -> Reason:
    """Why draws of a year are missing, if they are: a series begins with its first figure."""
    first = int(draws[YEAR].min())
    years = [year for year in years_needed(target) if year >= first and year in draws[YEAR]]
    early = any(year < first for year in years_needed(target))
    if not early and not bool(draws[RATE].sel({YEAR: years}).isnull().any()):
        return ""
    return (
        "before_first_figure" if isinstance(target, LevelTarget | PathTarget | MaintainTarget) else "base_year_unknown"
    )


def _pool_sizes(observations: xr.Dataset | None, region: str) -> dict[tuple[str, str], int]:
    """Other regions with usable figures, by indicator and basis."""
    if observations is None:
        return {}
    # a change, or a figure that joins from another basis, makes no member of a pool
    level = (observations["set_aside"] == "") & (observations["change"] == "") & (observations["joins"] == "")
    used = observations.isel(observation=level.values)
    names = (used[name].values.astype(str).tolist() for name in ("region", "indicator", "basis"))
    return dict(Counter((slug, basis) for where, slug, basis in set(zip(*names, strict=True)) if where != region))
