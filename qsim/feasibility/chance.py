"""Margins and chances of a plan's targets on the draws of a forecast."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from qsim.feasibility.draws import ForecastDraws, reference_of
from qsim.feasibility.events import Draws, Floats, due_in, is_flow, is_met, margins, years_needed
from qsim.indicators import Catalogue, Indicator
from qsim.plans.targets import RelativeTarget, Target, ZeroTarget
from qsim.vocabulary import BASELINE_SCENARIO, PERCENT_FAMILIES, PUBLISHED, RATE, SAMPLE_DIMS, SCENARIO


def statement_holds(target: Target, label: str, catalogue: Catalogue, draws: xr.Dataset) -> xr.DataArray:
    """Whether each draw of one scenario meets a whole statement by its published figures, dims (chain, draw).

    Parameters
    ----------
    label : str
        Series of the statement.
    draws : xarray.Dataset, dims (chain, draw, series, year)
        ``rate`` and ``published`` of the series the statement looks at (:func:`series_of`), and of its years.
    """
    alone = draws.drop_vars(SCENARIO, errors="ignore").expand_dims({SCENARIO: [BASELINE_SCENARIO]})
    margin = Chances(ForecastDraws(alone), catalogue).margin(target, BASELINE_SCENARIO, label, PUBLISHED)
    whole = is_met(target, margin).all(axis=-1)
    return xr.DataArray(whole.reshape([draws.sizes[dim] for dim in SAMPLE_DIMS]), dims=SAMPLE_DIMS)


def series_of(target: Target, region: str) -> tuple[str, ...]:
    """Labels of the series a statement looks at, the region's own first."""
    own = f"{region}/{target.indicator}"
    if isinstance(target, RelativeTarget) and target.reference_region is not None:
        return own, f"{target.reference_region}/{target.indicator}"
    return (own,)


@dataclass(frozen=True, eq=False)
class Chances:
    """Events of one forecast."""

    draws: ForecastDraws
    catalogue: Catalogue

    def indicator(self, target: Target) -> Indicator:
        """Indicator of a target."""
        return self.catalogue.get(target.indicator)

    def print_step(self, target: Target, label: str) -> float:
        """Last printed digit where a true level has to print as 100 %, else 0. [unit]"""
        if self.indicator(target).family not in PERCENT_FAMILIES:
            return 0.0
        return float(10.0 ** -int(self.draws.forecast["decimals"].values[self.draws.labels[label]]))

    def margin(self, target: Target, scenario: str, label: str, variable: str) -> Floats:
        """Margins of a statement, dims (draw, year). [unit]

        What happens is the truth of a statement that nothing may happen: its true level is the number of events, not
        their rate.
        """
        figures = PUBLISHED if isinstance(target, ZeroTarget) else variable
        return margins(
            target,
            self.draws.of(scenario, label, figures),
            reference=reference_of(self.draws, target, scenario, label, figures),
            print_step=self.print_step(target, label) if figures == RATE else 0.0,
            flow=is_flow(self.indicator(target)),
        )

    def whole(self, target: Target, label: str) -> float | None:
        """Chance that the published figures meet the whole statement, without levers; None where a year is unknown."""
        needed = years_needed(target, flow=is_flow(self.indicator(target)))
        if not set(needed) <= set(self.draws.years):
            return None
        margin = self.margin(target, self.draws.scenarios[0], label, PUBLISHED)
        if np.isnan(margin).any():
            return None
        return float(is_met(target, margin).all(axis=-1).mean())

    def first_reached(self, target: Target, scenario: str, label: str, first_year: int) -> dict[int, float]:
        """Share of draws whose published figure meets the last requirement for the first time in each year.

        Years count from ``first_year`` as far as the forecast has them. Empty for statements about every year. [1]
        """
        waiting, shares = None, {}
        for year in (year for year in self.draws.years if year >= first_year):
            due = due_in(target, year)
            needed = () if due is None else years_needed(due, flow=is_flow(self.indicator(target)))
            if due is None or not set(needed) <= set(self.draws.years):
                return {}
            reached = is_met(due, self.margin(due, scenario, label, PUBLISHED))[..., -1]
            waiting = np.ones_like(reached) if waiting is None else waiting
            shares[year] = float((reached & waiting).mean())
            waiting &= ~reached
        return shares

    def figures(self, scenario: str, label: str) -> Draws:
        """Published figures of a series, dims (draw, year). [unit]"""
        return self.draws.of(scenario, label, PUBLISHED)

    def lacks_reference(self, target: Target, label: str) -> bool:
        """Whether a relative target has nothing to be compared with."""
        if not isinstance(target, RelativeTarget):
            return False
        return self.draws.reference(target, self.draws.scenarios[0], label, PUBLISHED) is None

    def pooled_reference(self, target: Target) -> bool:
        """Whether the reference of a relative target has no figures of its own."""
        if not isinstance(target, RelativeTarget) or target.reference_region is None:
            return False
        return self.draws.figures.get(f"{target.reference_region}/{target.indicator}", 0) == 0
