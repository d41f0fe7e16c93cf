"""Read a plan folder, or a shipped plan by name."""

from collections.abc import Iterator
from pathlib import Path

from qsim.errors import Fault, PlanError, UnknownNameError
from qsim.indicators import Catalogue
from qsim.plans.lever_checks import lever_faults, localized
from qsim.plans.plan import Plan, PlanText
from qsim.plans.scenarios import ONLY_BASELINE, ScenarioText, scenario_faults
from qsim.plans.target_checks import level_faults
from qsim.records import nearest, read_record
from qsim.shipped import regions_of, shipped_catalogue, shipped_folder, shipped_plans

_TABLES = (".csv", ".csv.gz", ".xlsx", ".parquet", ".xls")
"""Endings of a table of figures; the last so that the reading can say what to do about it."""


def plan_folder(name: str | Path) -> Path:
    """Folder of a plan, given as a path or as the name of a shipped one.

    Raises
    ------
    UnknownNameError
        If it is neither; the message names the nearest.
    """
    path = Path(name)
    if path.name == "plan.yaml" and path.is_file():
        return path.parent
    if (path / "plan.yaml").is_file():
        return path
    if str(name) in shipped_plans():
        return shipped_folder() / str(name)
    raise UnknownNameError(
        f"no plan {str(name)!r}: expected a folder with a plan.yaml or a shipped plan; "
        f"{nearest(str(name), shipped_plans())}"
    )


def own_table(folder: Path) -> Path | None:
    """Table of the region's figures in a plan folder; None where there is none.

    Raises
    ------
    PlanError
        If there are several: which one counts, a reader could not know.
    """
    there = [path for path in (folder / f"observations{ending}" for ending in _TABLES) if path.exists()]
    if len(there) > 1:
        came = " and ".join(path.name for path in there)
        fault = Fault("observations", came, "one table of the region's figures: keep one and move the others away")
        raise PlanError(str(folder), [fault])
    return there[0] if there else None


def read_plan(name: str | Path) -> Plan:
    """Read a plan with its scenarios.

    Parameters
    ----------
    name : str or Path
        A folder with ``plan.yaml`` (and ``scenarios.yaml``, else there is only the baseline), or a shipped name.

    Raises
    ------
    UnknownNameError
        If there is no such plan.
    PlanError
        With every fault of the first faulty file.
    """
    folder = plan_folder(name)
    text = read_record(PlanText, folder / "plan.yaml")
    path = folder / "scenarios.yaml"
    written = read_record(ScenarioText, path) if path.exists() else ONLY_BASELINE
    catalogue = plan_catalogue(text)
    own_figures = own_table(folder)
    faults = [
        *_target_faults(text, catalogue),
        *scenario_faults(written),
        *lever_faults(written.levers, text, catalogue, regions_of([] if own_figures is None else [own_figures])),
    ]
    if faults:
        raise PlanError(str(folder), faults)
    scenarios = written.model_copy(update={"levers": localized(written.levers, text)})
    parts = {name: getattr(text, name) for name in PlanText.model_fields}
    return Plan(**parts, levers=scenarios.levers, scenarios=scenarios.resolved())


def plan_catalogue(plan: PlanText) -> Catalogue:
    """Shared catalogue extended by the plan's own indicators."""
    return shipped_catalogue().extended(plan.indicators)


def _target_faults(plan: PlanText, catalogue: Catalogue) -> Iterator[Fault]:
    known = catalogue.by_slug
    baseline_rows = [baseline.row for baseline in plan.baselines]
    for number, target in enumerate(plan.targets):
        where = f"targets[{number}]"
        if target.indicator not in known:
            hint = f"an indicator of the catalogue or of this plan; {nearest(target.indicator, known)}"
            yield Fault(f"{where}.indicator", repr(target.indicator), hint)
        else:
            indicator = known[target.indicator]
            if target.definition is not None and target.definition not in indicator.codes:
                codes = ", ".join(indicator.codes) or "none, this indicator has no list"
                yield Fault(f"{where}.definition", repr(target.definition), f"one of {codes}")
            yield from level_faults(where, target, indicator)
        if target.years[0] < plan.period.first_year:
            hint = f"a year from {plan.period.first_year}, the first year of the plan's period"
            yield Fault(f"{where}.year", str(target.years[0]), hint)
        if target.baseline_row is not None and target.baseline_row not in baseline_rows:
            hint = f"a row of the plan's baselines; {nearest(str(target.baseline_row), map(str, baseline_rows))}"
            yield Fault(f"{where}.baseline_row", str(target.baseline_row), hint)
    for number, baseline in enumerate(plan.baselines):
        if baseline.indicator is not None and baseline.indicator not in known:
            hint = f"an indicator of the catalogue or of this plan; {nearest(baseline.indicator, known)}"
            yield Fault(f"baselines[{number}].indicator", repr(baseline.indicator), hint)
