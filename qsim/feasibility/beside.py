"""What is read beside a probability: pace, marks, checkpoints, sensitivity, grade, reasons."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from qsim.feasibility.chance import Chances, series_of
from qsim.feasibility.checkpoints import Ahead, checkpoint
from qsim.feasibility.draws import reference_of
from qsim.feasibility.events import COUNTED, Bools, Draws, is_flow, is_met, margins, wants_high, years_needed
from qsim.feasibility.evidence import GRADES, Grade, GradeTable, grade, prior_share
from qsim.feasibility.marks import MarkTables
from qsim.feasibility.pace import MARK_TABLES, figures_of, pace_and_marks
from qsim.feasibility.reasons import Explainer
from qsim.feasibility.records import Checkpoint, Sensitivity, TargetResult
from qsim.feasibility.sensitivity import sensitivities
from qsim.forecast.posterior import Posterior
from qsim.inference.fit import Engine, FittedSeries
from qsim.plans.plan import Plan
from qsim.plans.targets import RangeTarget, Target, ZeroTarget
from qsim.vocabulary import PUBLISHED

_WORKERS = 2

DOUBTFUL = 0.5
"""Probability below which a target gets a reason. [1]"""


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Tables of verdicts that an office may replace with its own."""

    marks: MarkTables = MARK_TABLES
    grades: GradeTable = GRADES


TABLES: Final = Tables()


SETTLED: Final = Grade(letter="A", reasons=(), prior_share=0.0, too_thin=False)
"""Grade of a statement that published figures have settled."""


@dataclass(frozen=True, eq=False)
class Beside:
    """Adds to the results of a plan what its posterior knows."""

    plan: Plan
    chances: Chances
    posterior: Posterior
    tables: Tables = TABLES

    @cached_property
    def fits(self) -> dict[str, FittedSeries]:
        """Fits by label."""
        return {fit.data.label: fit for fit in self.posterior.fits}

    def add(self, results: Sequence[TargetResult], *, other_engine: Engine | None = None) -> list[TargetResult]:
        """Results with everything added; checkpoints and sensitivity without levers, so to the first scenario alone.

        A statement that published figures have settled already gets pace, marks and the best grade alone: nothing about
        it is uncertain any more.
        """
        first = self.chances.draws.scenarios[0]
        open_ids = {
            result.target.id for result in results if result.series in self.fits and not self._settled(result.target)
        }
        asked = [result for result in results if result.scenario == first and result.target.id in open_ids]
        moved = self._sensitivities(asked, other_engine)
        grades = {result.target.id: self._grade(result, moved[result.target.id]) for result in asked}
        explain = Explainer(self.chances.draws, self.fits, self.posterior.origin)
        points = self._checkpoints(asked)

        def added(plain: TargetResult) -> TargetResult:
            if plain.series is None or plain.series not in self.fits:
                return plain
            target, label, fit = plain.target, plain.series, self.fits[plain.series]
            figures = figures_of(fit.data)
            pace, marks = pace_and_marks(target, fit.data.indicator, figures, self.plan.base_year, self.tables.marks)
            result = replace(plain, pace=pace, marks=marks, grade=grades.get(target.id, SETTLED))
            if target.id not in open_ids:
                return result
            doubtful = result.p_published is not None and result.p_published < DOUBTFUL
            step = self.chances.print_step(target, label)
            alone = result.scenario == first
            return replace(
                result,
                why=explain.why(target, result.scenario, label, step) if doubtful else None,
                checkpoints=points[target.id] if alone else (),
                sensitivity=moved[target.id] if alone else None,
            )

        return [added(result) for result in results]

    def _settled(self, target: Target) -> bool:
        """Whether every figure that a statement looks at is published."""
        needed = set(years_needed(target, flow=is_flow(self.chances.indicator(target))))
        series = series_of(target, self.plan.region.id)
        return all(label in self.fits and needed <= _printed_years(self.fits[label]) for label in series)

    def _sensitivities(self, asked: Sequence[TargetResult], other_engine: Engine | None) -> dict[str, Sensitivity]:
        pairs = [(result.target, str(result.series)) for result in asked]
        if not pairs:
            return {}
        catalogue = self.chances.catalogue
        needed = {
            year for target, _ in pairs for year in years_needed(target, flow=is_flow(catalogue.get(target.indicator)))
        }
        found = sensitivities(
            self.posterior,
            pairs,
            sorted(needed),
            lambda draws: Chances(draws, catalogue),
            base=[float(result.p_published or 0.0) for result in asked],
            engine=other_engine,
        )
        return {result.target.id: one for result, one in zip(asked, found, strict=True)}

    def _grade(self, result: TargetResult, moved: Sensitivity) -> Grade:
        fit = self.fits[str(result.series)]
        last = result.last_figure_year
        return grade(
            figures=result.n_figures if result.evidence == "figures" else 0,
            age=0 if last is None else self.posterior.origin - last,
            spread=moved.range,
            share=prior_share(fit),
            gate=fit.posterior.gate,
            table=self.tables.grades,
        )

    def _checkpoints(self, asked: Sequence[TargetResult]) -> dict[str, tuple[Checkpoint, ...]]:
        """Checkpoints of every target, by its id; a series draws its future once for all of them."""
        by_series: dict[str, list[TargetResult]] = {}
        for result in asked:
            by_series.setdefault(str(result.series), []).append(result)
        with ThreadPoolExecutor(_WORKERS) as workers:
            found = workers.map(self._of_series, by_series, by_series.values())
            return {target: points for part in found for target, points in part.items()}

    def _of_series(self, label: str, asked: Sequence[TargetResult]) -> dict[str, tuple[Checkpoint, ...]]:
        points: dict[str, tuple[Checkpoint, ...]] = {result.target.id: () for result in asked}
        able = [result for result in asked if self._has_checkpoints(result)]
        if not able:
            return points
        fit, figures = self.fits[label], self.chances.figures(able[0].scenario, label)
        ahead = Ahead.of(fit, max(result.target.last_year for result in able), self.posterior.seed)
        whole = fit.data.indicator.family in COUNTED
        for result in able:
            target = result.target
            found = [
                checkpoint(
                    ahead,
                    year,
                    figures.at(year),
                    self._meets(target, result.scenario, label, ahead),
                    wanted=years_needed(target, flow=is_flow(fit.data.indicator)),
                    high=wants_high(target),
                    decimals=0 if whole else fit.data.decimals,
                )
                for year in range(self.posterior.origin + 1, target.last_year)
                if year in figures.years
            ]
            points[target.id] = tuple(point for point in found if point is not None)
        return points

    def _has_checkpoints(self, result: TargetResult) -> bool:
        """A line has one better side: a range is missed beyond either end, and zero events leave nothing to cross."""
        on_the_way = result.target.last_year > self.posterior.origin + 1
        return result.evidence == "figures" and on_the_way and not isinstance(result.target, (RangeTarget, ZeroTarget))

    def _meets(self, target: Target, scenario: str, label: str, ahead: Ahead) -> Callable[[Draws], Bools]:
        """Whether published figures of the future, beside the known past, meet a whole statement.

        A reference stays as it was forecast: a figure of the region is taken to say nothing about it.
        """
        flow = is_flow(self.chances.indicator(target))
        known = ahead.repeated(self.chances.figures(scenario, label))
        past = tuple(year for year in known.years if year <= self.posterior.origin)
        alone = reference_of(self.chances.draws, target, scenario, label, PUBLISHED)
        reference = None if alone is None else ahead.repeated(alone)

        def meets(future: Draws) -> Bools:
            before = np.broadcast_to(known.over(past), (*future.values.shape[:-1], len(past)))
            own = Draws(np.concatenate([before, future.values], axis=-1), (*past, *future.years))
            margin = margins(target, own, reference=reference, flow=flow)
            return np.asarray(is_met(target, margin).all(axis=-1))

        return meets


def _printed_years(fit: FittedSeries) -> set[int]:
    """Years whose figure is printed without qualifier."""
    return set(fit.data.year[np.isfinite(fit.data.printed)].tolist())
