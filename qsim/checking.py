"""Check a file or folder of any kind that qsim reads, and say in a line what it holds."""

from collections.abc import Sequence
from pathlib import Path

from qsim.errors import Fault, ObservationError, UnknownNameError
from qsim.evaluation.archive import read_archive
from qsim.feasibility.spending import is_costs, read_costs
from qsim.files import FileFault, lines_from_path
from qsim.indicators import read_catalogue
from qsim.observations.read import read_observations
from qsim.plans.contradictions import contradictions
from qsim.plans.lever_checks import lever_doubts
from qsim.plans.plan import Plan, PlanText
from qsim.plans.read import own_table, plan_catalogue, plan_folder, read_plan
from qsim.plans.regions import mistaken_regions, region_doubts, region_ids, written_as
from qsim.plans.scenarios import read_scenarios
from qsim.plans.target_checks import level_doubts
from qsim.records import read_record, read_yaml
from qsim.shipped import shipped_plans


def check_path(path: str) -> str:
    """Read a plan folder, a YAML file, a table of figures or of costs, or an archive of what was said.

    Returns
    -------
    str
        What it holds; on further lines, what a plan contradicts itself in, what may be a slip and which levers cannot
        act.

    Raises
    ------
    QsimError
        With every fault.
    """
    place = Path(path)
    if place.name == "scenarios.yaml" and not (place.parent / "plan.yaml").is_file():
        return f"{len(read_scenarios(place).scenarios)} scenarios"
    if place.suffix in (".yaml", ".yml") and place.name not in ("plan.yaml", "scenarios.yaml"):
        return _check_yaml(place)
    if place.suffix == ".json":
        archive = read_archive(place)
        return f"{len(archive.statements)} statements about {archive.plan} as of {archive.as_of.isoformat()}"
    if place.is_dir() or place.suffix in (".yaml", ".yml") or str(path) in shipped_plans():
        return _check_plan(place.parent if place.suffix else place)
    if not place.exists() and not place.suffix:
        raise UnknownNameError(f"no file, folder or shipped plan {path!r}; shipped are {', '.join(shipped_plans())}")
    return _check_table(place)


_KEYS = {"indicators", "targets"}
"""Keys at the top of a catalogue and of a plan; without them and without anything nested, a file is one of costs."""


def _check_yaml(place: Path) -> str:
    content = read_yaml(place)
    if content and not _KEYS & set(content) and not any(isinstance(part, dict | list) for part in content.values()):
        return _costs(place)
    if "targets" not in content:
        return f"{len(read_catalogue(place).indicators)} indicators"
    text = read_record(PlanText, place)
    return _with_warnings(f"{len(text.targets)} targets", text)


def _check_table(place: Path) -> str:
    if is_costs(_header(place)):
        return _costs(place)
    figures = read_observations(place)
    return f"{figures.sizes['observation']} figures, {int((figures['set_aside'].values != '').sum())} set aside"


def _costs(place: Path) -> str:
    costs = read_costs(place)
    return "costs of 1 lever" if len(costs) == 1 else f"costs of {len(costs)} levers"


def _header(place: Path) -> list[str]:
    """First row of a table; empty where there is none, which the reading of figures says."""
    try:
        return [cell.strip() for cell in next(iter(lines_from_path(place)), [])]
    except FileFault:
        return []


def _check_plan(place: Path) -> str:
    plan = read_plan(place)
    table = own_table(plan_folder(place))
    held = f"{len(plan.targets)} targets, {len(plan.scenarios)} scenarios"
    if table is None:
        return _with_warnings(held, plan)
    figures = read_observations(table, catalogue=plan_catalogue(plan), cutoff=plan.as_of, regions=region_ids([plan]))
    regions = [str(region) for region in figures["region"].values]
    if wrong := mistaken_regions(plan, regions):
        expected = f"the plan's region written {written_as(plan)}"
        raise ObservationError(str(table), [Fault("column region (地区)", ", ".join(map(repr, wrong)), expected)])
    return _with_warnings(f"{held}, {figures.sizes['observation']} figures", plan, region_doubts(plan, regions))


def _with_warnings(held: str, plan: PlanText, more: Sequence[str] = ()) -> str:
    catalogue = plan_catalogue(plan)
    doubts = [*map(str, contradictions(plan)), *level_doubts(plan, catalogue)]
    if isinstance(plan, Plan):
        doubts += lever_doubts(plan, catalogue)
    doubts += more
    return "\n".join([held, *(f"  warning: {doubt}" for doubt in doubts)])
