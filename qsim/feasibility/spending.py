"""What to pay for: the targets of a plan and the costs of its levers, to the frontier of cost against targets met."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from qsim.errors import Fault, PlanError
from qsim.feasibility.budget import MOST_LEVERS, Aim, Choice, Combination, frontier, frontier_of_counts, plan_choice
from qsim.feasibility.chance import series_of
from qsim.feasibility.questions import answerable_statements, named_targets, together_faults
from qsim.feasibility.statements import Statement, Trials
from qsim.feasibility.tables import all_counts, met_counts
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

MOST_DRAWN: Final = 1 << 14
"""Forecasts of single combinations after which a search that needs them gives up."""
_TOLD_EVERY: Final = 256
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

    def within(self, budget: float) -> Spend:
        """The best combination that costs no more than a budget.

        Raises
        ------
        ValueError
            If the budget is below 0.
        """
        if not budget >= 0:
            raise ValueError(f"budget {budget}: expected a number from 0")
        return [row for row in self.rows if row.cost <= budget][-1]


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
        With every name that does not exist, every cost that is none, and levers that cannot go together.
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
    faults += together_faults(offered)
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
        The exact frontier over all combinations: all are compared where effects add on the link scale
        (:mod:`qsim.feasibility.tables`), else found by branch and bound (:mod:`qsim.feasibility.budget`).

    Raises
    ------
    PlanError
        With every fault of names and costs, if no target can be answered, and where branch and bound would need more
        than ``MOST_DRAWN`` forecasts.
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
    choice = plan_choice(trials, offer.levers, aim=aim)
    ways = {name: replace(choice, aim=name) for name in ("expected", "all")}
    rows = []
    for row in _frontier(trials, choice, offer.levers, progress or _silent):
        chosen_levers = frozenset(row.levers)
        spend = Spend(
            levers=row.levers,
            cost=row.cost,
            expected=ways["expected"].value(chosen_levers),
            p_all=ways["all"].value(chosen_levers),
        )
        came = spend.expected if aim == "expected" else spend.p_all
        if abs(came - row.value) > _SAME:
            raise RuntimeError(
                f"levers {', '.join(row.levers)}: forecast {came}, table {row.value}; please report this"
            )
        rows.append(spend)
    counted = tuple(target for target in chosen if target.id in statements)
    return Spending(aim=aim, targets=counted, indicators=len(grouped), rows=tuple(rows))


def _frontier(
    trials: Trials, choice: Choice, levers: Sequence[Measure], progress: Callable[[str], None]
) -> tuple[Combination, ...]:
    """By the value of all combinations where they can be had, else by branch and bound up to a limit, told as it goes.

    Raises
    ------
    PlanError
        At the limit: an answer from part of the combinations would be none.
    """
    ordered = sorted(levers, key=lambda lever: lever.id)
    counts: NDArray[np.int64] | None = None
    if choice.aim == "expected" or len(trials.statements) == 1:
        tables = met_counts(trials, ordered)
        counts = None if tables is None else sum(tables[1:], start=tables[0])
    else:
        counts = all_counts(trials, ordered)
    if counts is not None:
        draws = trials.met(0, ()).size
        return frontier_of_counts(choice.costs, np.broadcast_to(counts, (2,) * len(ordered)), draws)
    seen: set[tuple[int, frozenset[str]]] = set()

    def met(number: int, names: frozenset[str]) -> NDArray[np.bool_]:
        if (number, names) not in seen:
            seen.add((number, names))
            if len(seen) > MOST_DRAWN:
                hint = f"fewer levers or targets: {MOST_DRAWN} forecasts did not settle the best combinations"
                raise PlanError("budget", [Fault("levers", f"{len(levers)} on {len(choice.acting)} indicators", hint)])
            if len(seen) % _TOLD_EVERY == 0:
                progress(f"budget: {len(seen)} combinations drawn (limit {MOST_DRAWN})")
        return choice.met(number, names)

    return frontier(replace(choice, met=met))


def _silent(_: str) -> None:
    return None


def spending_frame(found: Spending) -> pd.DataFrame:
    """The frontier as a table, the cheapest first: columns as ``docs/schema.md`` has them."""
    rows = [
        {"cost": row.cost, "levers": " ".join(row.levers), "expected": row.expected, "p_all": row.p_all}
        for row in found.rows
    ]
    return pd.DataFrame(rows, columns=["cost", "levers", "expected", "p_all"])


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

    return Statement(
        series=tuple(dict.fromkeys(label for one in group for label in one.series)),
        years=tuple(sorted({year for one in group for year in one.years})),
        met=met,
        upright=group[0].upright if len({one.upright for one in group}) == 1 else 0,
    )
