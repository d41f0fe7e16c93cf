"""Scenarios beside the baseline: what each holds, and what it does to every target and to all of them together."""

from qsim.feasibility.joint import Joint
from qsim.plans.levers import Measure
from qsim.plans.scenarios import Scenario
from qsim.report.blocks import TableNumbers, columns, grouped, weak_note
from qsim.report.content import Block, Cell, Column, Heading, Paragraph, Table
from qsim.report.numbers import percent, whole_percent
from qsim.report.reading import Reading

_CHANCES_WIDTH = 108.0
"""Width of all columns of scenarios. [mm]"""


def scenarios(reading: Reading, numbers: TableNumbers) -> list[Block]:
    """Nothing where a single scenario was assessed."""
    if "scenarios" not in reading.parts:
        return []
    spoken = reading.words
    blocks: list[Block] = [Heading(spoken("section_scenarios"), 1), Paragraph(spoken("scenarios_intro"))]
    return [*blocks, _measures(reading, numbers), _targets(reading, numbers), *_together(reading, numbers)]


def _measures(reading: Reading, numbers: TableNumbers) -> Table:
    """Measures of each scenario with the evidence they rest on."""
    rows: list[tuple[Cell, ...]] = []
    for scenario in reading.assessment.plan.scenarios:
        if scenario.id in reading.scenarios:
            rows += _scenario_rows(reading, scenario)
    every = columns(reading, ("scenario", 36), ("measure", 40), ("start", 18, "center"), ("rests_on", 62))
    return Table(numbers.label(reading, "measures"), every, tuple(rows))


def _scenario_rows(reading: Reading, scenario: Scenario) -> list[tuple[Cell, ...]]:
    spoken = reading.words
    told = [_lever(reading, lever) for lever in scenario.levers]
    told = told or [(spoken("scenario_without"), spoken("dash"), spoken("dash"))]
    heads: list[Cell] = [spoken.name(scenario.name), *[None] * (len(told) - 1)]
    return [(head, *row) for head, row in zip(heads, told, strict=True)]


def _lever(reading: Reading, lever: Measure) -> tuple[str, str, str]:
    spoken = reading.words
    source = spoken(f"lever_{lever.source.kind}", text=spoken.name(lever.source.text).rstrip("。."))
    return spoken.name(lever.name), spoken("year", year=lever.start_year), source


def _targets(reading: Reading, numbers: TableNumbers) -> Table:
    """Probability of each target under each scenario, with the change against the baseline."""
    chance = {(result.scenario, result.target.id): result.p_published for result in reading.assessment.results}
    rows: list[tuple[Cell, ...]] = []
    for result in reading.assessed:
        own = [chance.get((scenario, result.target.id)) for scenario in reading.scenarios]
        rows += grouped(reading, result, [tuple(_beside(reading, one, own[0]) for one in own)])
    every = (*columns(reading, ("number", 9, "center"), ("target", 39)), *_scenario_columns(reading))
    baseline = reading.scenario_name(reading.scenario)
    notes = (reading.words("scenarios_note", scenario=baseline), *weak_note(reading, reading.assessed))
    return Table(numbers.label(reading, "scenarios"), every, tuple(rows), notes)


def _together(reading: Reading, numbers: TableNumbers) -> list[Block]:
    """Joint probabilities under each scenario."""
    if reading.joint is None:
        return []
    spoken = reading.words
    by_scope = {
        (one.scenario, one.scope, one.category): one
        for scenario in reading.scenarios
        for one in reading.joints(scenario)
    }
    rows: list[tuple[Cell, ...]] = []
    for base in reading.joints(reading.scenario):
        if base != reading.joint and base.statements == reading.joint.statements:
            continue  # one category that is the whole plan
        own = [by_scope.get((scenario, base.scope, base.category)) for scenario in reading.scenarios]
        chances = [None if one is None else one.p_all for one in own]
        rows.append((reading.scope(base), *(_beside(reading, one, base.p_all) for one in chances)))
        if base == reading.joint:
            rows.append((spoken("expected_row"), *(_expected(one, reading) for one in own)))
    every = (*columns(reading, ("scope", 48)), *_scenario_columns(reading))
    notes = _unmoved(reading) if _all_alike(reading) else ()
    return [Table(numbers.label(reading, "scenarios_together"), every, tuple(rows), notes)]


def _all_alike(reading: Reading) -> bool:
    """Whether every scenario has the same joint result as the baseline, to the last draw."""
    told = [
        {(one.scope, one.category): (one.p_all, one.distribution) for one in reading.joints(scenario)}
        for scenario in reading.scenarios
    ]
    return all(one == told[0] for one in told)


def _unmoved(reading: Reading) -> tuple[str, ...]:
    """Why no scenario moves the joint result: nothing acts on what it counts, or what acts changes no count."""
    plan, spoken = reading.assessment.plan, reading.words
    levers = [lever for one in plan.scenarios if one.id in reading.scenarios for lever in one.levers]
    counted = reading.of("figures")
    moved = [
        result
        for result in counted
        if any(
            result.target.indicator in one.indicators and (not one.regions or plan.region.id in one.regions)
            for one in levers
        )
    ]
    if not moved:
        return (spoken("together_untouched", n=len(counted)),)
    return (spoken("together_unmoved", n=len(moved)),)


def _expected(joint: Joint | None, reading: Reading) -> str:
    return reading.words("dash") if joint is None else f"{joint.expected:.1f}"


def _beside(reading: Reading, own: float | None, base: float | None) -> str:
    """A probability, with its change in whole points where it prints differently from the baseline."""
    spoken = reading.words
    printed = percent(own, spoken)
    if own is None or base is None or printed == percent(base, spoken):
        return printed
    return spoken("changed", percent=printed, points=f"{whole_percent(own) - whole_percent(base):+d}")


def _scenario_columns(reading: Reading) -> tuple[Column, ...]:
    share = _CHANCES_WIDTH / len(reading.scenarios)
    return tuple(Column(reading.scenario_name(scenario), share, "center") for scenario in reading.scenarios)
