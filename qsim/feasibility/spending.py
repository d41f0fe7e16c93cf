"""What to pay for: the targets of a plan and the costs of its levers, to the frontier of cost against targets met."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from qsim.errors import Fault, PlanError
from qsim.feasibility.budget import MOST_LEVERS, Aim, Combination, Sets, frontier
from qsim.feasibility.chance import series_of
from qsim.feasibility.conditions import all_of
from qsim.feasibility.questions import answerable_statements, named_targets
from qsim.feasibility.statements import Statement, Trials
from qsim.feasibility.tables import Bracket, all_bracket, allowed_sets, met_brackets
from qsim.files import FileFault, lines_from_path
from qsim.forecast.posterior import Posterior
from qsim.indicators import Catalogue
from qsim.observations.cells import Unreadable, parse_value
from qsim.plans.levers import Measure
from qsim.plans.plan import Plan
from qsim.plans.read import plan_catalogue
from qsim.plans.targets import Target
from qsim.records import nearest, read_yaml
from qsim.vocabulary import SERIES, YEAR

_LEVER = ("lever", "措施")
_COST = ("cost", "费用")

MOST_FORECASTS: Final = 1 << 11
"""Forecasts of single statements for combinations whose value is not known otherwise; then the bound is told."""
_TOLD_EVERY: Final = 1 << 8
_SAME: Final = 1e-9


@dataclass(frozen=True, kw_only=True)
class Spend:
    """A combination of levers that no other beats in both cost and value."""

    levers: tuple[str, ...]
    cost: float
    """In the unit of the costs."""
    expected: float
    """Expected number of indicators whose statements are all met. [1]"""
    p_all: float
    """Probability that all are. [1]"""
    at_most: float
    """What no combination that costs less than the next row can exceed of what was aimed at, proved; that value itself
    where it is exact. [1]"""


@dataclass(frozen=True, kw_only=True)
class Spending:
    """The frontier of cost against value."""

    aim: Aim
    targets: tuple[Target, ...]
    """Targets counted; those of one indicator count once."""
    indicators: int
    """What they count as."""
    rows: tuple[Spend, ...]
    """The cheapest first."""

    @property
    def gap(self) -> float:
        """Most by which a combination that was not found may be better, at any budget: 0 where all is exact. [1]"""
        return max(row.at_most - (row.expected if self.aim == "expected" else row.p_all) for row in self.rows)

    @property
    def exact(self) -> bool:
        """Whether each row is the best that there is, and none is missing."""
        return self.gap <= _SAME

    def within(self, budget: float) -> Spend:
        """The best combination that costs no more than a budget, give or take the rounding of a sum of costs.

        Raises
        ------
        ValueError
            If the budget is below 0.
        """
        if not budget >= 0:
            raise ValueError(f"budget {budget}: expected a number from 0")
        return [row for row in self.rows if row.cost <= budget * (1.0 + _SAME)][-1]


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Levers with their costs, and the targets they are paid for: every name known."""

    levers: tuple[Measure, ...]
    targets: tuple[Target, ...]
    named: bool
    """Whether the targets were asked for by name."""


def budget_offer(
    plan: Plan, *, costs: Mapping[str, float] | None = None, targets: Sequence[str] | None = None
) -> Offer:
    """Look up what a budget question names; needs no figures. Parameters as in :func:`budget`.

    Raises
    ------
    PlanError
        With every name that does not exist, and every cost that is none.
    """
    levers = {one.id: one for one in plan.levers}
    found, faults = named_targets(plan, targets)
    given = costs if costs is not None else {one.id: one.cost for one in plan.levers if one.cost is not None}
    for name, cost in given.items():
        if name not in levers:
            faults.append(Fault("lever", repr(name), f"a lever of the plan; {nearest(name, levers)}"))
        if not (isfinite(cost) and cost >= 0):
            faults.append(Fault(f"cost of {name}", f"{cost:g}", "a number from 0"))
    if not given:
        hint = "key cost on the levers of scenarios.yaml, or a table of lever and cost (--costs)"
        faults.append(Fault("costs", "none", hint))
    if len(given) > MOST_LEVERS:
        faults.append(Fault("costs", f"{len(given)} levers", f"up to {MOST_LEVERS}: leave out some"))
    offered = [levers[name].model_copy(update={"cost": float(cost)}) for name, cost in given.items() if name in levers]
    if faults:
        raise PlanError(f"plan {plan.id}", faults)
    return Offer(levers=tuple(offered), targets=tuple(found), named=targets is not None)


def budget(
    posterior: Posterior,
    plan: Plan,
    *,
    costs: Mapping[str, float] | None = None,
    targets: Sequence[str] | None = None,
    aim: Aim = "expected",
    catalogue: Catalogue | None = None,
    progress: Callable[[str], None] | None = None,
) -> Spending:
    """Find which levers to pay for, at every budget.

    Parameters
    ----------
    posterior : Posterior
        As ``qsim.run(...).posterior`` holds it.
    costs : mapping of str to float, optional
        Cost of each lever that may be chosen, in one unit; those of ``scenarios.yaml`` if not given.
    targets : sequence of str, optional
        Target ids to count. If not given: targets with figures of the region's own that are binding (约束性); all with
        own figures where the plan calls none of those binding.
    aim : {"expected", "all"}
        Expected number of indicators met, or the probability that all are.
    progress : callable, optional
        Is told how far a long search has come.

    Returns
    -------
    Spending
        The frontier over all combinations of levers that can go together, exact or with a proved bound beside each
        row (:mod:`qsim.feasibility.budget`). The work is limited by counts, so that the answer is always the same.

    Raises
    ------
    PlanError
        With every fault of names and costs, and if no target can be answered.
    """
    offer = budget_offer(plan, costs=costs, targets=targets)
    known = catalogue if catalogue is not None else plan_catalogue(plan)
    chosen = offer.targets if offer.named else _usual(posterior, plan)
    statements = answerable_statements(posterior, plan, chosen, known, named=offer.named)
    if not statements:
        hint = "targets with figures of the region's own, or target ids (--target)"
        raise PlanError(f"plan {plan.id}", [Fault("targets", "none with own figures", hint)])
    grouped: dict[str, list[Statement]] = {}
    for statement in statements.values():
        grouped.setdefault(statement.series[0], []).append(statement)
    trials = Trials(
        posterior=posterior,
        statements=tuple(_all_of(group) for group in grouped.values()),
        correlations=plan.scenarios[0].correlations,
    )
    rows = tuple(_spend(trials, offer.levers, aim, row) for row in _frontier(trials, offer.levers, aim, progress))
    counted = tuple(target for target in chosen if target.id in statements)
    return Spending(aim=aim, targets=counted, indicators=len(grouped), rows=rows)


def _frontier(
    trials: Trials, levers: Sequence[Measure], aim: Aim, progress: Callable[[str], None] | None
) -> tuple[Combination, ...]:
    """By the draws of all combinations, as far as they are known, and forecasts of those that are not."""
    ordered = sorted(levers, key=lambda lever: lever.id)
    by_id = {lever.id: lever for lever in ordered}
    together = aim == "all" and len(trials.statements) > 1
    brackets = [all_bracket(trials, ordered)] if together else met_brackets(trials, ordered)
    bracket = Bracket(
        low=sum((one.low for one in brackets[1:]), start=brackets[0].low),
        high=sum((one.high for one in brackets[1:]), start=brackets[0].high),
    )
    sets = Sets.of({lever.id: lever.cost or 0.0 for lever in ordered}, bracket, allowed_sets(ordered))

    def exact(names: Collection[str]) -> int:
        met = _events(trials, [by_id[name] for name in names])
        return int(np.logical_and.reduce(met).sum() if together else sum(one.sum() for one in met))

    def tell(tried: int) -> None:
        if progress is not None and tried % _TOLD_EVERY == 0:
            progress(f"budget: {tried} combinations forecast one by one (limit {most})")

    most = MOST_FORECASTS // len(trials.statements)
    return frontier(sets, trials.met(0, ()).size, exact, most_forecasts=most, progress=tell)


def _events(trials: Trials, levers: Sequence[Measure]) -> list[NDArray[np.bool_]]:
    return [trials.met(number, levers) for number in range(len(trials.statements))]


def _spend(trials: Trials, levers: Sequence[Measure], aim: Aim, row: Combination) -> Spend:
    """A row with both values, forecast: the one it was found by has to come out."""
    met = _events(trials, [lever for lever in levers if lever.id in row.levers])
    expected, p_all = float(sum(one.sum() for one in met) / met[0].size), float(np.logical_and.reduce(met).mean())
    came = expected if aim == "expected" else p_all
    if abs(came - row.value) > _SAME:
        raise RuntimeError(f"levers {', '.join(row.levers)}: forecast {came}, table {row.value}; please report this")
    return Spend(levers=row.levers, cost=row.cost, expected=expected, p_all=p_all, at_most=row.at_most)


def spending_frame(found: Spending) -> pd.DataFrame:
    """The frontier as a table, the cheapest first: columns as ``docs/schema.md`` has them."""
    rows = [
        {
            "cost": row.cost,
            "levers": " ".join(row.levers),
            "expected": row.expected,
            "p_all": row.p_all,
            "at_most": row.at_most,
        }
        for row in found.rows
    ]
    return pd.DataFrame(rows, columns=["cost", "levers", "expected", "p_all", "at_most"])


def read_costs(path: str | Path, *, levers: Collection[str] | None = None) -> dict[str, float]:
    """Read the costs of levers.

    Parameters
    ----------
    path : str or Path
        A YAML mapping of lever ids to numbers, or a table (.csv, .xlsx, .parquet) with the columns ``lever`` (措施) and
        ``cost`` (费用).
    levers : collection of str, optional
        Ids of the levers there are; any name is taken if not given.

    Raises
    ------
    PlanError
        With every fault of the file.
    """
    file = Path(path)
    if file.suffix.lower() in (".yaml", ".yml"):
        rows = [_Row(f"{name}", f"{name}", str(name), value) for name, value in read_yaml(file).items()]
    else:
        rows = _table_rows(file)
    faults, costs = [], {}
    for row in rows:
        number = _number(row.cost)
        if levers is not None and row.lever not in levers:
            faults.append(Fault(row.where_lever, repr(row.lever), f"a lever of the plan; {nearest(row.lever, levers)}"))
        if number is None:
            faults.append(Fault(row.where_cost, repr(row.cost), "a number from 0"))
        if row.lever in costs:
            faults.append(Fault(row.where_lever, f"{row.lever!r} a second time", "each lever once"))
        costs[row.lever] = number if number is not None else 0.0
    if not rows:
        faults.append(Fault("file", "no lever", "a lever and its cost on each line"))
    if faults:
        raise PlanError(str(file), faults)
    return costs


def is_costs(header: Collection[str]) -> bool:
    """Whether a table with these columns is one of levers and their costs."""
    return any(name in header for name in _LEVER)


@dataclass(frozen=True)
class _Row:
    """A lever and its cost, and where the two stand."""

    where_lever: str
    where_cost: str
    lever: str
    cost: object


def _table_rows(file: Path) -> list[_Row]:
    try:
        header, *lines = [[cell.strip() for cell in line] for line in lines_from_path(file)] or [[]]
    except FileFault as error:
        raise PlanError(str(file), [error.fault]) from error
    places = []
    faults = []
    for names in (_LEVER, _COST):
        place = next((header.index(name) for name in names if name in header), None)
        if place is None:
            came = ", ".join(header) or "no header"
            faults.append(Fault("row 1", came, f"a column {names[0]} ({names[1]})"))
        places.append(place or 0)
    if faults:
        raise PlanError(str(file), faults)
    filled = [(number, line) for number, line in enumerate(lines, start=2) if any(line)]
    for number, line in filled:
        if any(line[len(header) :]):
            came = ", ".join(line[len(header) :])
            wanted = f"{len(header)} columns; a number with commas stands in quotes, or without them"
            faults.append(Fault(f"row {number}", f"{came!r} behind the last column", wanted))
    if faults:
        raise PlanError(str(file), faults)
    padded = [(number, [*line, *[""] * (len(header) - len(line))]) for number, line in filled]
    lever, cost = places
    return [
        _Row(f"row {number}, column {header[lever]}", f"row {number}, column {header[cost]}", line[lever], line[cost])
        for number, line in padded
    ]


def _number(value: object) -> float | None:
    """A cost as a number, written like a figure in text (``1,000``); None for what is none, or below 0."""
    if isinstance(value, str):
        try:
            read = parse_value(value)
        except Unreadable:
            return None
        number = None if read is None or read.percent else read.value
    else:
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    return number if number is not None and isfinite(number) and number >= 0 else None


def _usual(posterior: Posterior, plan: Plan) -> tuple[Target, ...]:
    """Targets on own figures: the binding ones where there are any."""
    own = {fit.data.label for fit in posterior.fits if fit.data.level_years}
    figured = tuple(target for target in plan.targets if own.issuperset(series_of(target, plan.region.id)))
    return tuple(target for target in figured if target.status == "binding") or figured


def _all_of(group: Sequence[Statement]) -> Statement:
    """All statements about one series at once."""
    if len(group) == 1:
        return group[0]

    def met(draws: xr.Dataset) -> xr.DataArray:
        parts = [one.met(draws.sel({SERIES: list(one.series), YEAR: list(one.years)})) for one in group]
        return xr.DataArray(np.logical_and.reduce([part.values for part in parts]), dims=parts[0].dims)

    parts = [one.conditions for one in group]
    known = [part for part in parts if part is not None]
    return Statement(
        series=tuple(dict.fromkeys(label for one in group for label in one.series)),
        years=tuple(sorted({year for one in group for year in one.years})),
        met=met,
        conditions=(lambda: all_of([part() for part in known])) if len(known) == len(parts) else None,
    )
