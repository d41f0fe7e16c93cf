"""Schema of ``scenarios.yaml``: levers, how their sizes go together, and scenarios (named lists of levers)."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from qsim.errors import Fault, PlanError
from qsim.plans.levers import AnyLever, Lever, Measure, Source
from qsim.plans.sizes import Certain, Normal, Triangular, Uniform
from qsim.records import Names, Record, nearest, read_record
from qsim.vocabulary import BASELINE_SCENARIO

__all__ = [
    "ONLY_BASELINE",
    "Certain",
    "Correlation",
    "Lever",
    "Measure",
    "Normal",
    "Scenario",
    "ScenarioText",
    "Source",
    "Triangular",
    "Uniform",
    "read_scenarios",
]


class Correlation(Record):
    """How the sizes of two levers go together: a Gaussian copula between their laws."""

    levers: tuple[str, ...] = Field(min_length=2, max_length=2)
    """Two lever ids."""
    correlation: float = Field(gt=-1, lt=1)
    """Correlation of the normal scores of the two sizes. [1]"""
    source: Source


class Scenario(Record):
    """A named list of levers; ``baseline`` has none."""

    id: str
    name: Names
    levers: tuple[AnyLever, ...] = ()
    correlations: tuple[Correlation, ...] = ()
    """Of all levers of the file: a lever's draws are the same in every scenario that pulls it."""


class ScenarioEntry(Record):
    """A scenario as ``scenarios.yaml`` writes it: its levers by id."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    name: Names
    levers: tuple[str, ...] = ()
    """Lever ids."""


class ScenarioText(Record):
    """What ``scenarios.yaml`` holds."""

    levers: tuple[AnyLever, ...] = ()
    correlations: tuple[Correlation, ...] = ()
    scenarios: tuple[ScenarioEntry, ...] = Field(min_length=1)

    def resolved(self) -> tuple[Scenario, ...]:
        """Scenarios with their levers."""
        levers = {lever.id: lever for lever in self.levers}
        return tuple(
            Scenario(
                id=entry.id,
                name=entry.name,
                levers=tuple(levers[name] for name in entry.levers),
                correlations=self.correlations,
            )
            for entry in self.scenarios
        )


ONLY_BASELINE = ScenarioText(
    scenarios=(ScenarioEntry(id=BASELINE_SCENARIO, name=Names(zh="延续现状", en="Business as usual")),)
)
"""Scenarios of a plan that has no file of them."""


def read_scenarios(path: Path) -> ScenarioText:
    """Read ``scenarios.yaml``.

    Raises
    ------
    PlanError
        With every fault of the file: of its keys first, and where they are sound, of the names that join them.
    """
    text = read_record(ScenarioText, path)
    if faults := scenario_faults(text):
        raise PlanError(str(path), faults)
    return text


def scenario_faults(text: ScenarioText) -> list[Fault]:
    """Names within the file that do not exist or stand twice, and what cannot go together."""
    return [*_name_faults(text), *_scenario_faults(text), *_correlation_faults(text)]


def _name_faults(text: ScenarioText) -> Iterator[Fault]:
    for what, ids in (
        ("levers", [lever.id for lever in text.levers]),
        ("scenarios", [scenario.id for scenario in text.scenarios]),
    ):
        for number, name in enumerate(ids):
            if name in ids[:number]:
                yield Fault(f"{what}[{number}].id", repr(name), "an id that no other has")
    first = text.scenarios[0]
    if first.id != BASELINE_SCENARIO or first.levers:
        got = f"{first.id!r} with levers" if first.levers else repr(first.id)
        yield Fault("scenarios[0]", got, f"{BASELINE_SCENARIO!r} first, without levers")


def _scenario_faults(text: ScenarioText) -> Iterator[Fault]:
    levers = {lever.id: lever for lever in text.levers}
    for number, scenario in enumerate(text.scenarios):
        where = f"scenarios[{number}].levers"
        for place, name in enumerate(scenario.levers):
            if name not in levers:
                yield Fault(f"{where}[{place}]", repr(name), f"a lever of this file; {nearest(name, levers)}")
            elif name in scenario.levers[:place]:
                yield Fault(f"{where}[{place}]", repr(name), "each lever once")
        known = [levers[name] for name in dict.fromkeys(scenario.levers) if name in levers]
        for one, other in combinations(known, 2):
            if shared := cannot_join(one, other):
                hint = f"one lever of {_GROUP_WORDS[one.group]} for {shared[0]}; effects (step, ramp, ...) may be many"
                yield Fault(where, f"{one.id!r} and {other.id!r}", hint)


def cannot_join(one: Measure, other: Measure) -> list[str]:
    """Indicators for which two levers are of a group of which only one can act; empty where they can go together."""
    if one.group != other.group or one.group == "effect":
        return []
    if one.regions and other.regions and not set(one.regions) & set(other.regions):
        return []
    return sorted(set(one.indicators) & set(other.indicators))


_GROUP_WORDS = {
    "course": "those that take the place of the trend",
    "limit": "shape natural_limit",
    "sampling": "shape sampling_plan",
    "definition": "shape definition_change",
    "end": "shape discontinued",
}


def _correlation_faults(text: ScenarioText) -> Iterator[Fault]:
    levers = {lever.id: lever for lever in text.levers}
    pairs: list[frozenset[str]] = []
    for number, given in enumerate(text.correlations):
        where = f"correlations[{number}].levers"
        for place, name in enumerate(given.levers):
            if name not in levers:
                yield Fault(f"{where}[{place}]", repr(name), f"a lever of this file; {nearest(name, levers)}")
            elif levers[name].law is None or isinstance(levers[name].law, Certain):
                yield Fault(f"{where}[{place}]", repr(name), "a lever whose size is uncertain")
        pair = frozenset(given.levers)
        if len(pair) == 1 or pair in pairs:
            yield Fault(where, " and ".join(given.levers), "each pair of two levers once")
        pairs.append(pair)
    names = sorted({name for given in text.correlations for name in given.levers})
    if names and np.linalg.eigvalsh(correlation_matrix(names, text.correlations))[0] <= 0.0:
        hint = "correlations that can hold together (a positive definite matrix, pairs not named being 0)"
        yield Fault("correlations", f"those of {', '.join(names)}", hint)


def correlation_matrix(names: Sequence[str], correlations: Sequence[Correlation]) -> NDArray[np.float64]:
    """Correlations of the named levers' scores, dims (lever, lever); 0 for pairs not given."""
    place = {name: number for number, name in enumerate(names)}
    matrix = np.eye(len(names))
    for given in correlations:
        one, other = (place.get(name) for name in given.levers)
        if one is not None and other is not None and one != other:
            matrix[one, other] = matrix[other, one] = given.correlation
    return matrix
