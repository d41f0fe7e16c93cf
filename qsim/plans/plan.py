"""Schema of ``plan.yaml``: one plan, its targets and the figures its text prints."""

from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from qsim.indicators import Indicator
from qsim.plans.levers import AnyLever
from qsim.plans.scenarios import Scenario
from qsim.plans.targets import Target, Year
from qsim.records import Names, Record
from qsim.vocabulary import Category, Change, Direction, Qualifier


class Region(Record):
    """A place that publishes figures."""

    id: str = Field(pattern=r"^[a-z0-9_]+$")
    """Name in the column ``region`` of a table of figures."""
    name: Names
    """Chinese and English name."""
    part_of: tuple[str, ...] = ()
    """Regions it belongs to, the nearest first."""


class Period(Record):
    """Years a plan covers, ends included."""

    first_year: Year
    last_year: Year

    @model_validator(mode="after")
    def _in_order(self) -> "Period":
        if self.first_year > self.last_year:
            raise ValueError(f"first_year at most last_year ({self.last_year})")
        return self


class Baseline(Record):
    """An achieved figure that the plan's own text prints."""

    row: int = Field(ge=1)
    """Row in the labelled list of the plan."""
    name: Names
    """What was achieved, as the plan prints it."""
    kind: Literal["figure", "change", "statement", "context"]
    """A figure of the region; a change against ``base_year``; words without a number; a figure of another region."""
    category: Category = "other"
    """Part of the plan."""
    indicator: str | None = None
    """Slug, where the figure is an observation of an indicator."""
    value: float | None = None
    """Figure, or size of the change. [unit]"""
    value_hi: float | None = None
    unit: str
    """Unit as printed."""
    decimals: int = Field(default=0, ge=0, le=6)
    """Decimals printed."""
    qualifier: Qualifier = "="
    """``>=`` for 以上 and 多, ``~`` for about."""
    year: Year
    """Year of the figure."""
    base_year: Year | None = None
    """Year a change is counted from."""
    change: Change | None = None
    """How a change that observes an indicator is counted."""
    direction: Direction = "up"
    """Way of a change."""
    definition: str | None = None
    """Code of the definition."""
    clause: str
    """Place in the text."""
    repeats: int | None = Field(default=None, ge=1)
    """Row that prints the same figure elsewhere in the text."""

    @model_validator(mode="after")
    def _is_whole(self) -> "Baseline":
        if self.kind in ("figure", "change") and self.value is None:
            raise ValueError(f"a value for kind {self.kind!r}, or kind 'statement'")
        if self.kind == "change" and self.base_year is None:
            raise ValueError("a base_year for kind 'change'")
        if self.indicator is not None and self.kind not in ("figure", "change"):
            raise ValueError("an indicator only for kind 'figure' or 'change'")
        if (self.change is not None) != (self.kind == "change" and self.indicator is not None):
            raise ValueError("change where a change observes an indicator, and only there")
        return self


class PlanText(Record):
    """What ``plan.yaml`` holds."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    """Folder name: region and last year."""
    label_set: str = Field(pattern=r"^[a-z0-9_]+$")
    """Name of the labelled list of this plan's targets."""
    title: Names
    """Title of the plan."""
    region: Region
    period: Period
    adopted: date
    """Day of the document."""
    document: str | None = None
    """Document number (文号), if it has one."""
    as_of: date
    """Information cut-off: nothing published later is used."""
    as_of_assumed: bool = False
    """True where the day is not in the text."""
    base_year: Year
    """Last year before the plan, which 'rises' and 'falls' are counted from."""
    indicators: tuple[Indicator, ...] = ()
    """Indicators that the shared catalogue does not have."""
    targets: tuple[Target, ...] = Field(min_length=1)
    baselines: tuple[Baseline, ...] = ()

    @model_validator(mode="after")
    def _ids_are_unique(self) -> "PlanText":
        for what, ids in (
            ("target id", [target.id for target in self.targets]),
            ("indicator slug", [indicator.slug for indicator in self.indicators]),
            ("baseline row", [str(baseline.row) for baseline in self.baselines]),
            ("label", [f"{label.seq}" for target in self.targets for label in target.labels]),
        ):
            twice = sorted({name for name in ids if ids.count(name) > 1})
            if twice:
                raise ValueError(f"each {what} once; twice stand {', '.join(twice)}")
        return self


class Plan(PlanText):
    """A plan with its levers and scenarios."""

    levers: tuple[AnyLever, ...] = ()
    scenarios: tuple[Scenario, ...] = Field(min_length=1)
