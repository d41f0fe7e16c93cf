"""What it would take: the reverse question for the targets of a plan, and a plan's targets as statements to try.

The probability is that of the whole statement by its published figures, as in an assessment, on the same draws.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from qsim.errors import Fault, PlanError
from qsim.feasibility.answers import Reverse, reverse_text
from qsim.feasibility.chance import Chances, series_of, statement_holds
from qsim.feasibility.conditions import conditions_of
from qsim.feasibility.draws import ForecastDraws
from qsim.feasibility.events import Floats, is_flow, is_met, wants_high, years_needed
from qsim.feasibility.reverse import (
    GOAL,
    Chance,
    LatestStart,
    SizeNeeded,
    chance_of,
    latest_start,
    size_needed,
    sized,
    with_own_start,
)
from qsim.feasibility.statements import Statement, Trials
from qsim.forecast.posterior import Posterior
from qsim.indicators import Catalogue
from qsim.plans.levers import Lever, Measure
from qsim.plans.plan import Plan
from qsim.plans.read import plan_catalogue
from qsim.plans.scenarios import Scenario, ScenarioEntry, ScenarioText, scenario_faults
from qsim.plans.targets import RangeTarget, RelativeTarget, Target
from qsim.records import Names, nearest
from qsim.vocabulary import BASELINE_SCENARIO, PUBLISHED, SAMPLE_DIMS, SCENARIO, SERIES, YEAR


@dataclass(frozen=True, kw_only=True)
class Question:
    """A lever, the levers beside it and the targets it is asked about: every name known."""

    lever: Measure
    others: tuple[Measure, ...]
    targets: tuple[Target, ...]
    named: bool
    """Whether the targets were asked for by name."""
    scenario: Scenario


def reverse_question(
    plan: Plan, lever: str, *, targets: Sequence[str] | None = None, scenario: str = BASELINE_SCENARIO
) -> Question:
    """Look up what a reverse question names; needs no figures.

    Raises
    ------
    PlanError
        With every name that does not exist, every target the lever does not act on, and what cannot go together.
    """
    levers = {one.id: one for one in plan.levers}
    scenarios = {one.id: one for one in plan.scenarios}
    faults = []
    if lever not in levers:
        faults.append(Fault("lever", repr(lever), f"a lever of the plan; {nearest(lever, levers)}"))
    if scenario not in scenarios:
        faults.append(Fault("scenario", repr(scenario), f"a scenario of the plan; {nearest(scenario, scenarios)}"))
    found, unknown = named_targets(plan, targets)
    faults += unknown
    if lever in levers:
        moved = levers[lever].indicators
        for target in found:
            if targets is not None and target.indicator not in moved:
                hint = f"a target about {' or '.join(moved)}, which lever {lever!r} acts on"
                faults.append(Fault("target", repr(target.id), hint))
        found = [target for target in found if target.indicator in moved]
        if targets is None and not found:
            faults.append(Fault("lever", repr(lever), f"a lever that acts on a target; it moves {', '.join(moved)}"))
    if lever in levers and scenario in scenarios:
        others = tuple(one for one in scenarios[scenario].levers if one.id != lever)
        faults += together_faults([*others, levers[lever]])
    if faults:
        raise PlanError(f"plan {plan.id}", faults)
    return Question(
        lever=levers[lever],
        others=others,
        targets=tuple(found),
        named=targets is not None,
        scenario=scenarios[scenario],
    )


def reverse(
    posterior: Posterior,
    plan: Plan,
    lever: str,
    *,
    targets: Sequence[str] | None = None,
    scenario: str = BASELINE_SCENARIO,
    goal: float = GOAL,
    catalogue: Catalogue | None = None,
) -> tuple[Reverse, ...]:
    """Say how large a lever has to be, and how late it may start, for targets to reach a probability.

    Parameters
    ----------
    posterior : Posterior
        As ``qsim.run(...).posterior`` holds it.
    lever : str
        Id of a lever of the plan; every other lever of ``scenario`` stays.
    targets : sequence of str, optional
        Target ids; if not given, every target that the lever acts on and the figures can answer.
    scenario : str
        What the lever is added to.
    goal : float
        Probability to reach. [1]

    Returns
    -------
    tuple of Reverse
        One for each target, in the order of the plan.

    Raises
    ------
    PlanError
        With every name that does not exist, and every named target without a probability.
    ValueError
        If the goal is no probability.
    """
    asked = reverse_question(plan, lever, targets=targets, scenario=scenario)
    known = catalogue if catalogue is not None else plan_catalogue(plan)
    statements = answerable_statements(posterior, plan, asked.targets, known, named=asked.named)
    correlations = asked.scenario.correlations
    trials = Trials(posterior=posterior, statements=tuple(statements.values()), correlations=correlations)
    by_id = {target.id: target for target in plan.targets}
    found = []
    for number, name in enumerate(statements):
        target = by_id[name]
        chance = chance_of(trials, number, asked.others)
        size = _size(asked.lever, target, chance, goal)
        found.append(
            Reverse(
                target=target,
                lever=asked.lever,
                unit=_unit(asked.lever, known.get(target.indicator).unit),
                goal=goal,
                p_without=float(trials.draw(number, asked.others).mean()),
                p_as_written=chance(asked.lever),
                size=size,
                change=_change(trials, number, asked, target.last_year, size),
                figure_unit=_points(known.get(target.indicator).unit),
                start=_start(asked.lever, chance, posterior.origin + 1, _last_start(asked.lever, target, by_id), goal),
                end=_end(asked.lever, posterior, statements[name], target),
            )
        )
    return tuple(found)


def reverse_frame(found: Sequence[Reverse]) -> pd.DataFrame:
    """Answers as a table, a row for each target: columns as ``docs/schema.md`` has them."""
    rows = []
    for one in found:
        size, start = one.size, one.start
        rows.append(
            {
                "target": one.target.id,
                "lever": one.lever.id,
                "goal": one.goal,
                "p_without": one.p_without,
                "p_as_written": one.p_as_written,
                "size_needed": np.nan if size is None or size.size is None else size.size,
                "unit": one.unit,
                "p_at_size": np.nan if size is None else size.probability,
                "change_at_size": np.nan if one.change is None else one.change,
                "change_unit": one.figure_unit,
                "latest_start": pd.NA if start is None or start.start_year is None else start.start_year,
                "p_at_start": np.nan if start is None else start.probability,
                "answer": reverse_text(one),
            }
        )
    return pd.DataFrame(rows, columns=REVERSE_COLUMNS).astype({"latest_start": "Int64"})


REVERSE_COLUMNS = [
    "target", "lever", "goal", "p_without", "p_as_written", "size_needed", "unit", "p_at_size", "change_at_size",
    "change_unit", "latest_start", "p_at_start", "answer",
]  # fmt: skip


def named_targets(plan: Plan, names: Sequence[str] | None) -> tuple[list[Target], list[Fault]]:
    """Targets by id in the order of the plan, all if no names are given, and a fault for each name that is none."""
    by_id = {target.id: target for target in plan.targets}
    if names is None:
        return list(plan.targets), []
    faults = [
        Fault("target", repr(name), f"a target of the plan; {nearest(name, by_id)}")
        for name in names
        if name not in by_id
    ]
    return [target for name, target in by_id.items() if name in names], faults


def together_faults(levers: Sequence[Measure]) -> list[Fault]:
    """What cannot go together among levers, as where a scenario names them."""
    text = ScenarioText(
        levers=tuple(levers),
        scenarios=(
            ScenarioEntry(id=BASELINE_SCENARIO, name=_TRIED),
            ScenarioEntry(id="tried", name=_TRIED, levers=tuple(lever.id for lever in levers)),
        ),
    )
    return [Fault("levers together", fault.got, fault.expected) for fault in scenario_faults(text)]


_TRIED = Names(zh="试算", en="Tried")


def answerable_statements(
    posterior: Posterior, plan: Plan, targets: Sequence[Target], catalogue: Catalogue, *, named: bool
) -> dict[str, Statement]:
    """Statements of those targets that the posterior can answer, by target id.

    Raises
    ------
    PlanError
        With every target that it cannot, where they were named; if it can answer none, where they were not.
    """
    found = {target.id: statement_of(posterior, plan, target, catalogue) for target in targets}
    told = {name: statement for name, statement in found.items() if statement is not None}
    expected = "a target with a probability: `qsim assess` says which figure is missing"
    faults = [Fault("target", repr(name), expected) for name in found if name not in told]
    if faults and (named or not told):
        raise PlanError(f"plan {plan.id}", faults)
    return told


def statement_of(posterior: Posterior, plan: Plan, target: Target, catalogue: Catalogue) -> Statement | None:
    """A target as a statement on draws of any levers; None where the posterior lacks a series or a year of it."""
    labels = {fit.data.label for fit in posterior.fits}
    series = series_of(target, plan.region.id)
    years = years_needed(target, flow=is_flow(catalogue.get(target.indicator)))
    quota = isinstance(target, RelativeTarget) and target.reference_region is None
    if quota or not labels.issuperset(series) or years[0] < posterior.past_years[0]:
        return None
    base = posterior.forecast(years, series=series)
    if np.isnan(base[PUBLISHED].sel({SERIES: series[0]}).values).any():
        return None

    def margin(asked: Target, draws: xr.Dataset) -> Floats:
        # what a lever adds here moves the mean it is part of: that takes the draws without levers beside
        moved = draws.sel({SERIES: base[SERIES].values}).expand_dims(SCENARIO)
        both = xr.concat([base, moved], dim=SCENARIO, join="exact", coords="minimal", compat="override")
        scenario = str(draws[SCENARIO].values)
        return Chances(ForecastDraws(both), catalogue).margin(asked, scenario, series[0], PUBLISHED)

    def met(draws: xr.Dataset) -> xr.DataArray:
        if len(series) == 1:
            return statement_holds(target, series[0], catalogue, draws)
        whole = is_met(target, margin(target, draws)).all(axis=-1)
        return xr.DataArray(whole.reshape([draws.sizes[dim] for dim in SAMPLE_DIMS]), dims=SAMPLE_DIMS)

    def at(asked: Target, figures: Floats) -> Floats:
        draws = base.isel({SCENARIO: 0}).assign_coords({SCENARIO: _TRIED.en})
        own = (draws[SERIES] == series[0]).broadcast_like(draws[PUBLISHED])
        given = xr.DataArray(figures, dims=YEAR, coords={YEAR: list(years)})
        return margin(asked, draws.assign({PUBLISHED: draws[PUBLISHED].where(~own, given)}))

    return Statement(series=series, years=years, met=met, conditions=lambda: conditions_of(target, years, at))


def _size(lever: Measure, target: Target, chance: Chance, goal: float) -> SizeNeeded | None:
    if not isinstance(lever, Lever) or isinstance(target, RangeTarget):
        return None
    return size_needed(lever, chance, helps=1 if wants_high(target) else -1, goal=goal)


def _change(trials: Trials, number: int, asked: Question, year: int, size: SizeNeeded | None) -> float | None:
    """Median over the draws of the published figure with the lever at a size, less that without it. [unit]"""
    if size is None or size.size is None or not isinstance(asked.lever, Lever):
        return None
    if size.probability == size.without:  # not needed: no lever, not one whose law has its middle at nothing
        return 0.0
    with_it = trials.scenario([*asked.others, sized(asked.lever, size.size)])
    own = trials.statements[number].series[0]
    drawn = trials.posterior.forecast([year], [trials.scenario(asked.others), with_it], series=[own])[PUBLISHED]
    change = float((drawn.isel({SCENARIO: 1}) - drawn.isel({SCENARIO: 0})).median())
    return change if np.isfinite(change) else None


def _start(lever: Measure, chance: Chance, first: int, last: int, goal: float) -> LatestStart | None:
    """The lever's own start is tried too where it is past: as written it may have begun in time."""
    found = None
    if first <= last:
        found = latest_start(lever, chance, first_year=first, last_year=last, goal=goal)
    if lever.start_year >= first:
        return found
    return with_own_start(found, chance(lever), lever.start_year, goal=goal)


def _end(lever: Measure, posterior: Posterior, statement: Statement, target: Target) -> float | None:
    if not isinstance(lever, Lever) or lever.scale != "points":
        return None
    low, high = posterior.paths(statement.series[0], statement.years).trend(None).ends
    end = high if wants_high(target) else low
    return end if np.isfinite(end) else None


def _unit(lever: Measure, unit: str) -> str:
    if not isinstance(lever, Lever):
        return ""
    return {"points": _points(unit), "gap": "% of the gap", "link": "on the link", "pace": "x recent pace"}[lever.scale]


def _points(unit: str) -> str:
    return "points" if unit == "%" else unit


def _last_start(lever: Measure, target: Target, targets: Mapping[str, Target]) -> int:
    """Last year in which a lever may start: the statement's last, or the first year its own course has to reach."""
    ends = [target.last_year]
    if not isinstance(lever, Lever):
        ends += [year for year in [getattr(lever, "year", None)] if year is not None]
        ends += list(getattr(lever, "values", {}))
        way = getattr(lever, "target", None)
        ends += list(targets[way].years) if way is not None else []
    return min(ends)
