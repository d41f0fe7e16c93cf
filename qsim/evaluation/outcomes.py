r"""Whether targets were met, by figures published later.

A published figure is one draw: the events of :mod:`qsim.feasibility.events` decide here as they do on a forecast. Where
a figure is no single number (``>=``, ``<=``, ``~``, or two sources that differ) it becomes several draws, the ends of
its interval, its value, and every source; figures of several years are combined in every way. A statement is *met*
where all of these meet it, *missed* where none does, else not known. A figure counts only on the basis of definitions
the statement is about; nothing is carried from one basis to another.

A whole statement is missed as soon as one of its years is missed, and met where all of its years are met.
"""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import product
from typing import Final, Literal

import numpy as np
import pandas as pd
import xarray as xr

from qsim.feasibility.chance import Chances, series_of
from qsim.feasibility.draws import ForecastDraws
from qsim.feasibility.events import Bools, Floats, is_flow, is_met, years_needed
from qsim.indicators import Catalogue
from qsim.observations.dataset import AFTER_CUTOFF, NO_DEFINITION, PARTIAL_YEAR
from qsim.plans.targets import RangeTarget, RelativeTarget, Target
from qsim.vocabulary import BASELINE_SCENARIO, CHAIN, DRAW, PUBLISHED, RATE, SCENARIO, SERIES, YEAR

Unknown = Literal[
    "", "not_due", "not_published", "part_of_year", "other_definition", "too_coarse", "sources_differ", "no_reference"
]
"""Why it is not known whether a statement was met; empty where it is known."""

_COLUMNS: Final = (
    "region", "indicator", "year", "year_from", "value", "qualifier", "lower", "upper", "basis", "change", "published",
    "set_aside", "source",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class YearOutcome:
    """One year of a statement."""

    year: int
    met: bool | None
    """None where it is not known."""
    why_unknown: Unknown
    figure: str
    """Figures of that year on the basis of the statement, as printed; empty where there is none."""
    source: str
    """Where they stand."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What published figures say of a statement."""

    met: bool | None
    """None where it is not known."""
    why_unknown: Unknown
    years: tuple[YearOutcome, ...]


@dataclass(frozen=True, eq=False)
class Published:
    """Figures of full years, whatever they were used for."""

    observations: xr.Dataset
    """As :func:`qsim.read_observations` returns it, read up to the day of the review or without a cut-off."""
    catalogue: Catalogue
    day: date | None = None
    """Day of the review; None takes every figure."""

    def outcome(self, target: Target, region: str, basis: str | None = None) -> Outcome:
        """Say whether a target was met.

        Parameters
        ----------
        target : Target
        region : str
            Region of the plan.
        basis : str, optional
            Basis of definitions the statement is about; that of the target's definition if not given, and where it
            names none the only one the indicator has.
        """
        on = basis if basis is not None else basis_of(target, self.catalogue)
        return self._judge(target, region, on, self._rows)

    def known_on(self, target: Target, region: str, basis: str | None = None) -> date | None:
        """First day on which the published figures settled a whole statement; None where they have not."""
        on = basis if basis is not None else basis_of(target, self.catalogue)
        if self._judge(target, region, on, self._rows).met is None:
            return None
        rows = self._rows
        days = rows["published"][rows["indicator"] == target.indicator].drop_duplicates().sort_values()
        known = (day for day in days if self._judge(target, region, on, rows[rows["published"] <= day]).met is not None)
        return pd.Timestamp(next(known)).date()

    @cached_property
    def _rows(self) -> pd.DataFrame:
        rows = self.observations[list(_COLUMNS)].to_dataframe()
        seen = rows["set_aside"] != AFTER_CUTOFF
        if self.day is not None:
            seen &= rows["published"] <= pd.Timestamp(self.day)
        # a change is no figure, and a mean of years is none of a year
        return rows[seen & (rows["change"] == "") & (rows["year_from"] == rows["year"])]

    def _judge(self, target: Target, region: str, basis: str | None, rows: pd.DataFrame) -> Outcome:
        if isinstance(target, RelativeTarget) and target.reference_region is None:
            return _unknown(target, "no_reference")
        indicator = self.catalogue.get(target.indicator)
        needed = years_needed(target, flow=is_flow(indicator))
        years = tuple(sorted({*needed, *target.years}))
        labels = series_of(target, region)
        seen = {
            (label, year): _seen(rows, label.split("/")[0], target, year, basis=basis, day=self.day)
            for label in labels
            for year in (years if label == labels[0] else target.years)
        }
        draws = _as_draws(labels, years, seen, indicator.decimals, basis)
        margin = Chances(ForecastDraws(draws), self.catalogue).margin(target, BASELINE_SCENARIO, labels[0], PUBLISHED)
        met = is_met(target, margin)
        found = tuple(
            self._year(target, year, margin[:, place], met[:, place], labels, needed, seen)
            for place, year in enumerate(target.years)
        )
        whole = _whole(found, met)
        open_years: list[Unknown] = [one.why_unknown for one in found if one.met is None]
        return Outcome(met=whole, why_unknown="" if whole is not None else open_years[0], years=found)

    def _year(
        self,
        target: Target,
        year: int,
        margin: Floats,
        met: Bools,
        labels: tuple[str, ...],
        needed: tuple[int, ...],
        seen: "dict[tuple[str, int], _Seen]",
    ) -> YearOutcome:
        own = seen[labels[0], year]
        behind = _behind(target, labels, year, needed)
        lacking: list[Unknown] = [seen[key].why for key in behind if not seen[key].values]
        known: bool | None = None
        why: Unknown = ""
        if np.isnan(margin).any():
            why = own.why
            if not why:
                why = lacking[0] if lacking else "too_coarse"
        elif met.all() or not met.any():
            known = bool(met.all())
        else:
            several = any(seen[key].sources > 1 for key in behind)
            why = "sources_differ" if several else "too_coarse"
        return YearOutcome(year=year, met=known, why_unknown=why, figure=own.text, source=own.source)


def basis_of(target: Target, catalogue: Catalogue) -> str | None:
    """Basis a statement is about; None where its definition is not named and there are several."""
    indicator = catalogue.get(target.indicator)
    if target.definition is not None:
        return indicator.basis(target.definition)
    bases = {indicator.basis(code) for code in indicator.codes} or {""}
    return bases.pop() if len(bases) == 1 else None


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """Figures of one series and year."""

    values: tuple[float, ...]
    """Everything the figure may be; empty where there is none. [unit]"""
    why: Unknown
    sources: int
    text: str
    source: str


def _seen(rows: pd.DataFrame, region: str, target: Target, year: int, *, basis: str | None, day: date | None) -> _Seen:
    at = rows[(rows["region"] == region) & (rows["indicator"] == target.indicator) & (rows["year"] == year)]
    full = at[at["set_aside"] != PARTIAL_YEAR]
    on = full[(full["basis"] == basis) & (full["set_aside"] != NO_DEFINITION)] if basis is not None else full.iloc[:0]
    columns = (on[name].tolist() for name in ("qualifier", "value", "lower", "upper"))
    printed: list[tuple[str, float, float, float]] = sorted(zip(*columns, strict=True))
    values = sorted({one for figure in printed for one in _values(*figure, target)})
    why: Unknown = ""
    if not values:
        over = day is None or year < day.year
        why = "other_definition" if len(full) else "part_of_year" if len(at) else "not_published" if over else "not_due"
    said = dict.fromkeys(f"{qualifier.removeprefix('=')}{value:g}" for qualifier, value, *_ in printed)
    source = "; ".join(sorted(set(on["source"].astype(str))))
    return _Seen(values=tuple(values), why=why, sources=len(on), text=", ".join(said), source=source)


def _values(qualifier: str, value: float, lower: float, upper: float, target: Target) -> tuple[float, ...]:
    """What a printed figure may be: itself, or its value and the ends of its interval.

    A range lies inside of a wide interval without holding an end of it, so that its own ends are added.
    """
    if qualifier == "=":
        return (value,)
    inside = (target.value, target.value_hi) if isinstance(target, RangeTarget) else ()
    return (lower, value, upper, *(level for level in inside if lower <= level <= upper))


def _behind(target: Target, labels: tuple[str, ...], year: int, needed: tuple[int, ...]) -> list[tuple[str, int]]:
    """Figures that the requirement of a year looks at."""
    own = [(labels[0], one) for one in needed if one <= year]
    return own if not isinstance(target, RelativeTarget) else [(label, year) for label in labels]


def _as_draws(
    labels: tuple[str, ...],
    years: tuple[int, ...],
    seen: "dict[tuple[str, int], _Seen]",
    decimals: int,
    basis: str | None,
) -> xr.Dataset:
    """A forecast whose draws are the figures: every combination of what they may be."""
    keys = list(seen)
    combined = list(product(*(seen[key].values or (np.nan,) for key in keys)))
    values = np.full((1, 1, len(combined), len(labels), len(years)), np.nan)
    for place, (label, year) in enumerate(keys):
        values[0, 0, :, labels.index(label), years.index(year)] = [one[place] for one in combined]
    dims = (SCENARIO, CHAIN, DRAW, SERIES, YEAR)
    constant = {"n_figures": 1, "decimals": decimals, "basis": basis or ""}
    coords = {SCENARIO: [BASELINE_SCENARIO], SERIES: list(labels), YEAR: list(years)}
    return xr.Dataset(
        {RATE: (dims, values), PUBLISHED: (dims, values)},
        coords={**coords, **{name: (SERIES, [value] * len(labels)) for name, value in constant.items()}},
    )


def _whole(found: tuple[YearOutcome, ...], met: Bools) -> bool | None:
    """A whole statement: missed with one of its years, met with all of them."""
    if any(one.met is False for one in found):
        return False
    if all(one.met for one in found):
        return True
    # no way to read the figures meets every year, though each year can be read so
    unclear = all(one.why_unknown in ("", "too_coarse", "sources_differ") for one in found)
    return False if unclear and not met.all(axis=-1).any() else None


def _unknown(target: Target, why: Unknown) -> Outcome:
    years = tuple(YearOutcome(year=year, met=None, why_unknown=why, figure="", source="") for year in target.years)
    return Outcome(met=None, why_unknown=why, years=years)
