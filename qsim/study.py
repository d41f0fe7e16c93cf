"""The whole way through the house: a plan and its published figures, to an assessment."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from qsim.errors import Fault, ObservationError, PlanError, UnknownNameError
from qsim.evaluation.archive import Archive, archive_of
from qsim.evaluation.track_record import track_record as known_outcomes
from qsim.feasibility.assess import assess
from qsim.feasibility.events import is_flow, years_needed
from qsim.feasibility.records import Assessment
from qsim.forecast.posterior import Posterior, fit
from qsim.indicators import Catalogue
from qsim.inference.fit import Engine, Key, answerable
from qsim.observations.dataset import AFTER_PAST
from qsim.observations.read import read_observations
from qsim.observations.select import choose_basis
from qsim.plans.baselines import baseline_table
from qsim.plans.plan import Plan
from qsim.plans.read import own_table, plan_catalogue, plan_folder, read_plan
from qsim.plans.regions import mistaken_regions, region_ids, unknown_regions, written_as
from qsim.plans.scenarios import Scenario
from qsim.plans.targets import RelativeTarget, Target
from qsim.records import nearest
from qsim.shipped import shipped_catalogue, shipped_folder, shipped_observations, shipped_plans


@dataclass(frozen=True, eq=False, kw_only=True)
class Study:
    """One plan, assessed, with everything on the way."""

    plan: Plan
    observations: xr.Dataset
    posterior: Posterior | None
    """None where no target has a figure or a pool."""
    assessment: Assessment
    doubts: tuple[str, ...] = ()
    """What may be a slip in the tables: regions that nobody else knows."""

    @property
    def archive(self) -> Archive:
        """What it says, to be kept and reviewed later (:func:`qsim.evaluation.archive.write_archive`)."""
        return archive_of(self.assessment)


def run(
    plan: str | Path,
    *,
    data: str | Path | None = None,
    as_of: int | date | None = None,
    scenarios: Sequence[str] | None = None,
    engine: Engine = "laplace",
    draws: int = 4000,
    seed: int = 0,
    beside: bool = True,
    other_engine: Engine | None = None,
    progress: Callable[[int, int], None] | None = None,
    track_record: bool = True,
) -> Study:
    """Read a plan and its figures, fit, forecast and assess.

    Parameters
    ----------
    plan : str or Path
        A shipped plan's name, or a folder with ``plan.yaml``.
    data : str or Path, optional
        Your own table of the region's figures; it takes the place of the plan folder's own.
    as_of : int or date, optional
        Information cut-off instead of the plan's; a year means its last day.
    scenarios : sequence of str, optional
        Names of the scenarios; all of the plan if not given.
    draws, seed, engine
        As in :func:`qsim.fit`.
    beside, other_engine
        As in :func:`qsim.assess`.
    progress : callable, optional
        Called with the number of series done and of all series.
    track_record : bool
        Whether to say how often targets of other shipped plans were met, as far as that was known by the cut-off.

    Raises
    ------
    UnknownNameError
        If the plan or a scenario does not exist.
    PlanError, ObservationError
        With every fault of the file.
    """
    read = read_plan(plan)
    chosen = _choose_scenarios(read, scenarios)
    cutoff = read.as_of if as_of is None else as_of if isinstance(as_of, date) else date(as_of, 12, 31)
    _check_horizon(read, cutoff)
    catalogue = plan_catalogue(read)
    wanted = _wanted(read)
    bases = _bases(read, catalogue)
    figures = _known_by(read, plan_folder(plan), data, catalogue, cutoff)
    origin = _origin(figures, wanted, cutoff)
    observations = _up_to(figures, origin)
    answered = answerable(observations, catalogue, origin=origin, wanted=wanted, bases=bases)
    posterior, forecast = None, xr.Dataset()
    if answered:
        done = iter(range(1, len(answered) + 1))
        posterior = fit(
            observations,
            origin=origin,
            series=answered,
            bases=bases,
            catalogue=catalogue,
            engine=engine,
            draws=draws,
            seed=seed,
            progress=None if progress is None else lambda _: progress(next(done), len(answered)),
        )
        forecast = posterior.forecast(_years(read, posterior, catalogue), chosen)
    assessment = assess(
        forecast,
        read,
        posterior=posterior,
        observations=observations,
        catalogue=catalogue,
        beside=beside,
        other_engine=other_engine,
        track_record=known_outcomes(cutoff, leave_out=read.id) if track_record else None,
        as_of=cutoff,
    )
    doubts = table_doubts(read, observations)
    return Study(plan=read, observations=observations, posterior=posterior, assessment=assessment, doubts=doubts)


def _choose_scenarios(plan: Plan, names: Sequence[str] | None) -> tuple[Scenario, ...]:
    """Scenarios by name, the baseline always first: the others are read against it."""
    known = {scenario.id: scenario for scenario in plan.scenarios}
    for name in names or ():
        if name not in known:
            raise UnknownNameError(f"no scenario {name!r} in plan {plan.id!r}: {nearest(name, known)}")
    chosen = known if names is None else dict.fromkeys([plan.scenarios[0].id, *names])
    return tuple(known[name] for name in chosen)


def _check_horizon(plan: Plan, cutoff: date) -> None:
    """A cut-off before the plan's own would have to forecast what the plan already knew."""
    faults = [
        Fault(
            f"targets[{number}].year", str(target.last_year), f"a year from {plan.as_of.year}, the first forecast year"
        )
        for number, target in enumerate(plan.targets)
        if target.last_year < plan.as_of.year
    ]
    if faults:
        raise PlanError(f"plan {plan.id}", faults)
    if cutoff < plan.as_of:
        fault = Fault("as-of", cutoff.isoformat(), f"a day from {plan.as_of.isoformat()}, the cut-off of the plan")
        raise PlanError(f"plan {plan.id}", [fault])


def plan_observations(
    plan: Plan, folder: Path, data: str | Path | None, catalogue: Catalogue, cutoff: date | None
) -> xr.Dataset:
    """Figures of the region and its peers, each (region, indicator) on one basis; all of them without a cut-off."""
    figures = _known_by(plan, folder, data, catalogue, cutoff)
    return figures if cutoff is None else _up_to(figures, _origin(figures, _wanted(plan), cutoff))


def table_doubts(plan: Plan, observations: xr.Dataset) -> tuple[str, ...]:
    """Regions that nobody knows but the plan's own table, how many figures they have and what is done with them."""
    return tuple(unknown_regions(plan, Counter(map(str, observations["region"].values.tolist()))))


def _known_by(
    plan: Plan, folder: Path, data: str | Path | None, catalogue: Catalogue, cutoff: date | None
) -> xr.Dataset:
    """Figures published by a day, those of years after the past among them."""
    own = Path(data) if data is not None else own_table(folder)
    sources: list[str | Path | pd.DataFrame] = [] if own is None else [own]
    sources += shipped_observations()
    plans = [plan]
    for name in shipped_plans():
        other = read_plan(name)
        # a plan of the same region, or a copy of this one, would bring the same figures twice
        if other.region.id != plan.region.id:
            sources.append(shipped_folder() / name / "observations.csv")
            plans.append(other)
    tables = [baseline_table(one) for one in plans]
    # another plan's own indicators are not this plan's: the same slug need not be the same thing
    tables = [tables[0], *(table[table["indicator"].isin(shipped_catalogue().by_slug)] for table in tables[1:])]
    sources += [table for table in tables if not table.empty]
    names = region_ids(plans)
    if own is not None:
        _check_region(plan, read_observations(own, catalogue=catalogue, regions=names), own, required=data is not None)
    observations = read_observations(sources, catalogue=catalogue, cutoff=cutoff, regions=names)
    regions = {str(region) for region in observations["region"].values}
    bases = {slug: basis for (_, slug), basis in _bases(plan, catalogue).items()}
    preferred = {(region, slug): basis for region in regions for slug, basis in bases.items()}
    return choose_basis(observations, preferred, catalogue=catalogue)


def _origin(observations: xr.Dataset, wanted: Sequence[Key], cutoff: date) -> int:
    """Last year of the past: the year before the cut-off, or the newest wanted figure's where that is later.

    Annual figures of the cut-off's own year are rare by then, and used where they stand. Those of other regions alone
    do not end the past: nothing is known of the plan's own region in that year.
    """
    keys = zip(observations["region"].values, observations["indicator"].values, strict=True)
    asked = set(wanted)
    mine = np.array([key in asked for key in keys], dtype=bool) & (observations["set_aside"].values == "")
    return max(cutoff.year - 1, int(observations["year"].values[mine].max(initial=0)))


def _up_to(observations: xr.Dataset, origin: int) -> xr.Dataset:
    """Figures of years after the past are set aside, so that a reader sees that they were not used."""
    reasons = observations["set_aside"].astype(object)
    late = (observations["year"] > origin) & (reasons == "")
    return observations.assign(set_aside=reasons.where(~late, AFTER_PAST))


def _check_region(plan: Plan, own: xr.Dataset, source: Path, *, required: bool) -> None:
    """A table of other regions, or with the region's name written otherwise, would join the peers unseen."""
    regions = sorted({str(region) for region in own["region"].values})
    expected = f"figures of {plan.region.id!r}, the region of plan {plan.id}, written {written_as(plan)}"
    wrong = mistaken_regions(plan, regions)
    if required and plan.region.id not in regions:
        wrong = tuple(regions)
    if wrong:
        raise ObservationError(str(source), [Fault("column region (地区)", ", ".join(map(repr, wrong)), expected)])


def _bases(plan: Plan, catalogue: Catalogue) -> dict[Key, str]:
    """Basis that each target's definition names, for the region and for what it is compared with.

    Of several for one series the one that most targets name, then the first in the alphabet.
    """
    named: dict[Key, list[str]] = {}
    for target in plan.targets:
        if target.definition is not None:
            basis = catalogue.get(target.indicator).basis(target.definition)
            for region in _regions(plan, target):
                named.setdefault((region, target.indicator), []).append(basis)
    return {key: min(bases, key=lambda basis: (-bases.count(basis), basis)) for key, bases in named.items()}


def _wanted(plan: Plan) -> tuple[Key, ...]:
    """Series of the region and of what it is compared with; the region's own first."""
    own = [(plan.region.id, target.indicator) for target in plan.targets]
    others = [(region, target.indicator) for target in plan.targets for region in _regions(plan, target)]
    return tuple(dict.fromkeys([*own, *others]))


def _regions(plan: Plan, target: Target) -> tuple[str, ...]:
    """Regions whose figures a target looks at."""
    reference = target.reference_region if isinstance(target, RelativeTarget) else None
    return (plan.region.id,) if reference is None else (plan.region.id, reference)


def _years(plan: Plan, posterior: Posterior, catalogue: Catalogue) -> list[int]:
    """Years the targets need, and every year from the origin to the last of them for the charts.

    Where every series begins after them all, which can be so once a plan is over, the origin: each target then says
    that its year lies before the first figure.
    """
    needed = {
        year for target in plan.targets for year in years_needed(target, flow=is_flow(catalogue.get(target.indicator)))
    }
    last = max(target.last_year for target in plan.targets)
    years = {year for year in needed if year >= posterior.past_years[0]} | {*range(posterior.origin + 1, last + 1)}
    return sorted(years or {posterior.origin})
