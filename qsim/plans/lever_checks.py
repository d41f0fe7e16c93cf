"""What a lever names outside its own file: indicators, regions, targets and the scale they are on."""

from collections.abc import Iterator, Sequence

from qsim.errors import Fault
from qsim.indicators import Catalogue, Indicator
from qsim.plans.levers import AnnualChange, Law, Lever, Measure, NaturalLimit, PeerPace, SamplingPlan, StraightLine
from qsim.plans.plan import Plan, PlanText
from qsim.plans.sizes import Normal, ends
from qsim.plans.targets import LevelTarget, MaintainTarget, PathTarget, Target
from qsim.records import nearest
from qsim.shipped import shipped_regions
from qsim.vocabulary import PERCENT_FAMILIES

_FULL = 100.0


def lever_faults(
    levers: Sequence[Measure], plan: PlanText, catalogue: Catalogue, own_regions: frozenset[str]
) -> Iterator[Fault]:
    """Names that do not exist, and sizes that the scale of an indicator does not know.

    Parameters
    ----------
    own_regions : frozenset of str
        Regions of the plan's own table of figures.
    """
    regions = shipped_regions() | own_regions | {plan.region.id, *plan.region.part_of}
    for number, lever in enumerate(levers):
        where = f"levers[{number}]"
        for place, slug in enumerate(lever.indicators):
            if slug not in catalogue.by_slug:
                hint = f"an indicator of the catalogue or of this plan; {nearest(slug, catalogue.by_slug)}"
                yield Fault(f"{where}.indicators[{place}]", repr(slug), hint)
            else:
                yield from _scale_faults(where, lever, catalogue.by_slug[slug])
        named = {"regions": lever.regions, "peers": lever.peers if isinstance(lever, PeerPace) else ()}
        for key, names in named.items():
            for place, name in enumerate(names):
                if name not in regions:
                    hint = f"a region with figures; {nearest(name, regions)}"
                    yield Fault(f"{where}.{key}[{place}]", repr(name), hint)
        if isinstance(lever, StraightLine) and lever.target is not None:
            yield from _target_faults(where, lever, plan)


def _scale_faults(where: str, lever: Measure, indicator: Indicator) -> Iterator[Fault]:
    is_rate, slug = indicator.family in PERCENT_FAMILIES, indicator.slug
    if isinstance(lever, Lever) and lever.scale == "gap" and limit_of(indicator) is None:
        hint = f"points, link or pace: nothing limits {slug} on its better side (the catalogue gives no natural_limit)"
        yield Fault(f"{where}.scale", "'gap'", hint)
    if isinstance(lever, NaturalLimit):
        low, high = ends(lever.limit)
        if is_rate and not 0 < low <= high < _FULL:
            yield Fault(f"{where}.limit", f"a limit of {slug} from {low:g} to {high:g}", "levels between 0 and 100 %")
    if isinstance(lever, StraightLine) and indicator.family != "index":
        least, most = indicator.bounds
        for year, value in lever.values.items():
            if not least <= value <= most:
                yield Fault(f"{where}.values.{year}", f"{value:g}", f"a figure of {slug}, from 0 to {most:g}")
    if isinstance(lever, SamplingPlan) and not (is_rate or indicator.family == "days"):
        yield Fault(f"{where}.indicators", repr(slug), "a rate: only a share has a sample behind it")
    free = indicator.family == "index" and indicator.natural_limit is None
    if free and isinstance(lever, AnnualChange) and lever.scale == "percent":
        yield Fault(f"{where}.scale", "'percent'", f"points: an index such as {slug} may pass zero")


def _target_faults(where: str, lever: StraightLine, plan: PlanText) -> Iterator[Fault]:
    targets = {target.id: target for target in plan.targets if _levels(target)}
    if lever.target not in targets:
        hint = f"a target of this plan with a level; {nearest(str(lever.target), targets)}"
        yield Fault(f"{where}.target", repr(lever.target), hint)
        return
    target = targets[lever.target]
    for place, slug in enumerate(lever.indicators):
        if slug != target.indicator:
            hint = f"{target.indicator!r}, the indicator of target {target.id!r}"
            yield Fault(f"{where}.indicators[{place}]", repr(slug), hint)
    if max(_levels(target)) < lever.start_year:
        hint = f"a year up to {max(_levels(target))}, in which target {target.id!r} falls due"
        yield Fault(f"{where}.start_year", str(lever.start_year), hint)


def lever_doubts(plan: Plan, catalogue: Catalogue) -> Iterator[str]:
    """Levers that no target can feel, and sizes beyond the whole scale of an indicator.

    A lever acts in the years after the forecast's origin alone: what is in effect by then, the figures hold. The origin
    is the year before the information cut-off, or a later one with figures.
    """
    first = plan.as_of.year
    for number, lever in enumerate(plan.levers):
        where = f"levers[{number}] ({lever.id})"
        due = [target.last_year for target in plan.targets if target.indicator in lever.indicators]
        last = max(due, default=max(target.last_year for target in plan.targets))
        begins = lever.start_year + ((isinstance(lever, Lever) and lever.lag_years) or 0)
        if begins > last:
            about = "the last target it acts on falls due" if due else "the last target of the plan falls due"
            yield f"{where}.start_year: first acts in {begins}, after {last}, when {about}: it changes no probability"
        elif isinstance(lever, Lever) and lever.shape in _LASTING and (lever.full_effect_year or begins) < first:
            complete = lever.full_effect_year or begins
            yield (
                f"{where}: in full effect in {complete}, before {first}, the first year that is forecast: "
                "figures hold it already, and it changes no probability"
            )
        if isinstance(lever, Lever) and lever.scale == "points":
            for slug in lever.indicators:
                low, high = catalogue.get(slug).bounds
                size = max(map(abs, _middle(lever.size)))
                if size > high - low:
                    yield f"{where}.size: {size:g} points, more than the {high - low:g} that {slug} has from end to end"


_LASTING = ("step", "ramp", "s_curve", "lag")
"""Shapes that add nothing once they are in full effect."""


def _middle(size: Law) -> tuple[float, float]:
    """Ends of a law, of one without any its mean."""
    return (size.mean, size.mean) if isinstance(size, Normal) else ends(size)


def limit_of(indicator: Indicator) -> float | None:
    """Level that the better side of an indicator cannot pass; None where there is none. [unit]"""
    if indicator.better == "lower":
        return indicator.natural_limit if indicator.family == "index" else 0.0
    if indicator.natural_limit is not None:
        return indicator.natural_limit
    if indicator.family in PERCENT_FAMILIES:
        return _FULL
    return 365.0 if indicator.family == "days" else None


def localized(levers: Sequence[Measure], plan: PlanText) -> tuple[Measure, ...]:
    """Levers with what the plan adds: its own region where none is named, the levels of a target named by id."""
    targets = {target.id: target for target in plan.targets}
    done: list[Measure] = []
    for lever in levers:
        update: dict[str, object] = {} if lever.regions else {"regions": (plan.region.id,)}
        if isinstance(lever, StraightLine) and lever.target is not None:
            levels = _levels(targets[lever.target])
            values = {year: value for year, value in levels.items() if year >= lever.start_year}
            update |= {"values": values, "target": None}
        done.append(lever.model_copy(update=update))
    return tuple(done)


def _levels(target: Target) -> dict[int, float]:
    """Fixed figures a target asks for, by year; empty for the other kinds. [unit]"""
    if isinstance(target, PathTarget):
        return dict(sorted(target.values.items()))
    if isinstance(target, LevelTarget):
        return {target.year: target.value}
    return dict.fromkeys(target.years, target.value) if isinstance(target, MaintainTarget) else {}
