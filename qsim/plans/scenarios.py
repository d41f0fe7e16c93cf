"""Schema of ``scenarios.yaml``: levers (one policy effect each) and scenarios (named lists of levers)."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from qsim.plans.targets import Year
from qsim.records import Names, Record, nearest
from qsim.vocabulary import BASELINE_SCENARIO


class Certain(Record):
    """A size without uncertainty."""

    law: Literal["certain"]
    value: float


class Normal(Record):
    """A normal law."""

    law: Literal["normal"]
    mean: float
    sd: float = Field(gt=0)


class Triangular(Record):
    """A triangular law, the usual form of an expert's three answers."""

    law: Literal["triangular"]
    low: float
    mode: float
    high: float

    @model_validator(mode="after")
    def _in_order(self) -> "Triangular":
        if not self.low <= self.mode <= self.high or self.low == self.high:
            raise ValueError("low <= mode <= high with low < high")
        return self


Size = Annotated[Certain | Normal | Triangular, Field(discriminator="law")]


class Source(Record):
    """What a lever's size rests on."""

    kind: Literal["published", "assumed"]
    text: Names
    """Citation, or how the assumption was made."""
    url: str | None = None


class Lever(Record):
    """One policy effect."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    name: Names
    indicators: tuple[str, ...] = Field(min_length=1)
    """Slugs of the indicators whose true level it moves."""
    shape: Literal["step", "ramp"]
    """All at once in ``start_year``, or in equal parts until ``full_effect_year``."""
    scale: Literal["points", "link"]
    """Size in units of the figure at the level of each draw, or on the link scale."""
    size: Size
    """Full effect; positive raises the figure."""
    start_year: Year
    full_effect_year: Year | None = None
    """Year in which a ramp is complete."""
    source: Source

    @model_validator(mode="after")
    def _ramp_has_an_end(self) -> "Lever":
        if (self.shape == "ramp") != (self.full_effect_year is not None):
            raise ValueError("a full_effect_year for shape 'ramp' and none for 'step'")
        if self.full_effect_year is not None and self.full_effect_year < self.start_year:
            raise ValueError(f"full_effect_year at least start_year ({self.start_year})")
        return self


class Scenario(Record):
    """A named list of levers; ``baseline`` has none."""

    id: str
    name: Names
    levers: tuple[Lever, ...] = ()


class ScenarioEntry(Record):
    """A scenario as ``scenarios.yaml`` writes it: its levers by id."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    name: Names
    levers: tuple[str, ...] = ()
    """Lever ids."""


class ScenarioText(Record):
    """What ``scenarios.yaml`` holds."""

    levers: tuple[Lever, ...] = ()
    scenarios: tuple[ScenarioEntry, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_known(self) -> "ScenarioText":
        levers = [lever.id for lever in self.levers]
        scenarios = [scenario.id for scenario in self.scenarios]
        if len(set(levers)) < len(levers) or len(set(scenarios)) < len(scenarios):
            raise ValueError("each lever id and each scenario id once")
        for scenario in self.scenarios:
            for lever in scenario.levers:
                if lever not in levers:
                    hint = nearest(lever, levers)
                    raise ValueError(f"known levers in scenario {scenario.id!r}; {lever!r} is none, {hint}")
        if scenarios[0] != BASELINE_SCENARIO or self.scenarios[0].levers:
            raise ValueError(f"the first scenario to be {BASELINE_SCENARIO!r}, without levers")
        return self

    def resolved(self) -> tuple[Scenario, ...]:
        """Scenarios with their levers."""
        levers = {lever.id: lever for lever in self.levers}
        return tuple(
            Scenario(id=entry.id, name=entry.name, levers=tuple(levers[name] for name in entry.levers))
            for entry in self.scenarios
        )


ONLY_BASELINE = ScenarioText(
    scenarios=(ScenarioEntry(id=BASELINE_SCENARIO, name=Names(zh="延续现状", en="Business as usual")),)
)
"""Scenarios of a plan that has no file of them."""
