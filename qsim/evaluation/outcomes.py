r"""Whether targets were met, by figures published later.

A published figure is one draw: the events of :mod:`qsim.feasibility.events` decide here as they do on a forecast. Where
a figure is no single number (``>=``, ``<=``, ``~``, or two sources that differ) it becomes two draws, the least and the
most it may be; figures of several years are combined in every way. A year of a statement is *met* where all of these
meet it, *missed* where none does, else not known. A figure counts only on the basis of definitions the statement is
about; nothing is carried from one basis to another.

A whole statement is missed as soon as one of its years is missed, and met where all of its years are met.
"""

from collections.abc import Mapping, Sequence, Set
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
from qsim.feasibility.events import is_flow, is_met, years_needed
from qsim.indicators import Catalogue
from qsim.observations.dataset import AFTER_CUTOFF, NO_DEFINITION, PARTIAL_YEAR
from qsim.plans.targets import RangeTarget, RelativeTarget, Target
from qsim.vocabulary import BASELINE_SCENARIO, CHAIN, DRAW, PUBLISHED, RATE, SCENARIO, SERIES, YEAR

Unknown = Literal[
    "", "not_due", "no_figure", "part_of_year", "other_definition", "too_coarse", "sources_differ", "no_reference"
]
"""Why it is not known whether a statement was met; empty where it is known."""

Key = tuple[str, int]
"""Label of a series, and a year."""

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
        needed = years_needed(target, flow=is_flow(self.catalogue.get(target.indicator)))
        labels = series_of(target, region)
        found = []
        for year in target.years:
            seen = {
                (label, one): _seen(rows, label.split("/")[0], target, one, basis=basis, day=self.day)
                for label, one in _behind(target, labels, year, needed)
            }
            found.append(self._year(target, year, labels, seen, basis, {*needed, *target.years}))
        met = {one.met for one in found}
        whole = False if False in met else None if None in met else True
        open_years: list[Unknown] = [one.why_unknown for one in found if one.met is None]
        return Outcome(met=whole, why_unknown="" if whole is not None else open_years[0], years=tuple(found))

    def _year(
        self,
        target: Target,
        year: int,
        labels: tuple[str, ...],
        seen: "Mapping[Key, _Seen]",
        basis: str | None,
        years: Set[int],
    ) -> YearOutcome:
        """One year of a statement, from the figures it looks at."""
        own = seen[labels[0], year]
        known: bool | None = None
        lacking: list[Unknown] = [one.why for one in (own, *seen.values()) if not one.values]
        why: Unknown = lacking[0] if lacking else ""
        if not lacking:
            draws = _as_draws(labels, tuple(sorted(years)), seen, self.catalogue.get(target.indicator).decimals, basis)
            chances = Chances(ForecastDraws(draws), self.catalogue)
            margin = chances.margin(target, BASELINE_SCENARIO, labels[0], PUBLISHED)
            met = is_met(target, margin[:, target.years.index(year)])
            if met.all() or not met.any():
                known = bool(met.all())
            else:
                why = "sources_differ" if any(one.sources > 1 for one in seen.values()) else "too_coarse"
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
    values = _values(printed, target)
    why: Unknown = ""
    if not values:
        over = day is None or year < day.year
        why = "other_definition" if len(full) else "part_of_year" if len(at) else "no_figure" if over else "not_due"
    said = dict.fromkeys(f"{qualifier.removeprefix('=')}{value:g}" for qualifier, value, *_ in printed)
    source = "; ".join(sorted(set(on["source"].astype(str))))
    return _Seen(values=values, why=why, sources=len(on), text=", ".join(said), source=source)


def _values(figures: Sequence[tuple[str, float, float, float]], target: Target) -> tuple[float, ...]:
    """What a year's figure may be, as far as it matters: the least and the most.

    Every margin goes one way with each figure, but that of a range: it may hold neither the least nor the most and lie
    between them, so that its own ends are added.
    """
    ends = [end for qualifier, value, *interval in figures for end in ((value,) if qualifier == "=" else interval)]
    if not ends:
        return ()
    least, most = min(ends), max(ends)
    inside = (target.value, target.value_hi) if isinstance(target, RangeTarget) else ()
    exact = all(qualifier == "=" for qualifier, *_ in figures)
    return tuple(sorted({least, most, *(level for level in inside if least <= level <= most and not exact)}))


def _behind(target: Target, labels: tuple[str, ...], year: int, needed: tuple[int, ...]) -> list[Key]:
    """Figures that the requirement of a year looks at."""
    if isinstance(target, RelativeTarget):
        return [(label, year) for label in labels]
    if len(target.years) == 1:
        return [(labels[0], one) for one in sorted({*needed, year})]
    looks_back = needed[0] < target.years[0]
    return [(labels[0], one) for one in ((year - 1, year) if looks_back else (year,))]


def _as_draws(
    labels: tuple[str, ...], years: tuple[int, ...], seen: "Mapping[Key, _Seen]", decimals: int, basis: str | None
) -> xr.Dataset:
    """A forecast whose draws are the figures: every combination of what they may be; NaN in other years."""
    combined = list(product(*(one.values for one in seen.values())))
    values = np.full((1, 1, len(combined), len(labels), len(years)), np.nan)
    for place, (label, year) in enumerate(seen):
        values[0, 0, :, labels.index(label), years.index(year)] = [one[place] for one in combined]
    dims = (SCENARIO, CHAIN, DRAW, SERIES, YEAR)
    constant = {"n_figures": 1, "decimals": decimals, "basis": basis or ""}
    coords = {SCENARIO: [BASELINE_SCENARIO], SERIES: list(labels), YEAR: list(years)}
    return xr.Dataset(
        {RATE: (dims, values), PUBLISHED: (dims, values)},
        coords={**coords, **{name: (SERIES, [value] * len(labels)) for name, value in constant.items()}},
    )


def _unknown(target: Target, why: Unknown) -> Outcome:
    years = tuple(YearOutcome(year=year, met=None, why_unknown=why, figure="", source="") for year in target.years)
    return Outcome(met=None, why_unknown=why, years=years)
