"""Schema of a target: one testable statement of a plan, a closed record per kind."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from qsim.records import Names, Record
from qsim.vocabulary import Category, Comparator, Direction, Status

LabelKind = Literal[
    "level",
    "path",
    "maintain",
    "directional",
    "relative",
    "increase_by",
    "count_total",
    "count_new",
    "floor_ceiling_upper",
]
Year = Annotated[int, Field(ge=1949, le=2100)]


class Label(Record):
    """One row of the hand-labelled list that a target stands for."""

    seq: int = Field(ge=1)
    """Row number in the list of the plan."""
    kind: LabelKind
    """Kind in the list's own words."""
    year: Year | None = None
    """The one year the row is about, where a statement has a row a year."""
    clause: str | None = None
    """Clause of this row, where it is not the target's first."""
    indicator_zh: str | None = None
    """Name in this row, where it is not the target's own."""


class _Target(Record):
    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    """Name of the target, unique in the plan."""
    indicator: str
    """Slug of an indicator of the catalogue or of the plan."""
    name: Names
    """What the target is about, as the plan prints it."""
    category: Category
    """Part of the plan."""
    unit: str
    """Unit the target is stated in."""
    status: Status = "unstated"
    """``binding`` (约束性), ``expected`` (预期性) or ``unstated``."""
    clauses: tuple[str, ...] = Field(min_length=1)
    """Places in the text; a repeated statement has several."""
    departments: tuple[str, ...] = ()
    """Departments the text names as responsible, the leading one first."""
    labels: tuple[Label, ...] = ()
    """Rows of the labelled list it stands for."""
    year_implied: bool = False
    """True if the due year is the plan's last and not stated beside the target."""
    definition: str | None = None
    """Code of the definition it is measured by, where figures of several exist."""
    baseline_row: int | None = None
    """Row of the plan's baselines that prints the achieved figure of this target."""
    note: Names | None = None
    """What a reader should know."""

    @property
    def years(self) -> tuple[int, ...]:
        """Every year in which the statement is tested."""
        raise NotImplementedError  # each kind has its own; this base is never read from a file

    @property
    def last_year(self) -> int:
        """Year in which the statement is settled."""
        return self.years[-1]


class _Period(_Target):
    first_year: Year
    """First year in which it must hold."""
    year: Year
    """Last year in which it must hold."""

    @model_validator(mode="after")
    def _in_order(self) -> "_Period":
        if self.first_year > self.year:
            raise ValueError(f"first_year at most year ({self.year})")
        return self

    @property
    def years(self) -> tuple[int, ...]:
        return tuple(range(self.first_year, self.year + 1))


class _Due(_Target):
    year: Year
    """Year in which it falls due."""

    @property
    def years(self) -> tuple[int, ...]:
        return (self.year,)


class LevelTarget(_Due):
    """Reach a level by a year."""

    kind: Literal["level"]
    comparator: Comparator = ">="
    """``=`` on 100 % means prints as 100; on a count, at least."""
    value: float
    """Level. [unit]"""
    value_hi: float | None = None
    """Upper end where a range is printed; met at ``value``. [unit]"""


class PathTarget(_Target):
    """Reach a level each year."""

    kind: Literal["path"]
    comparator: Comparator = ">="
    values: Mapping[Year, float] = Field(min_length=1)
    """Level of each year. [unit]"""

    @property
    def years(self) -> tuple[int, ...]:
        return tuple(sorted(self.values))


class MaintainTarget(_Period):
    """Hold a level in every year of a period."""

    kind: Literal["maintain"]
    comparator: Comparator = ">="
    value: float
    """Level. [unit]"""


class ImproveTarget(_Period):
    """Be better than the base year in ``year``, or better every year than the year before."""

    kind: Literal["improve"]
    direction: Direction
    """Way in which the figure has to move."""
    yearly: bool = False
    """True for 逐年: every year of the period beats the one before; else ``year`` beats ``base_year``."""
    base_year: Year
    """Year to beat."""

    @property
    def years(self) -> tuple[int, ...]:
        return tuple(range(self.first_year, self.year + 1)) if self.yearly else (self.year,)


class NoDecreaseTarget(_Due):
    """Be no lower than in the base year."""

    kind: Literal["no_decrease"]
    base_year: Year


class RelativeTarget(_Period):
    """Be at least another region's or group's figure, or an assigned quota, every year."""

    kind: Literal["relative"]
    comparator: Comparator = ">="
    reference: Names
    """What it is compared with, as the plan prints it."""
    reference_region: str | None = None
    """Region of that figure; none for a quota assigned from outside."""
    reference_share: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Weight of the plan's own region in the reference's figure, where that is a mean it is part of. [1]"""


class ChangeTarget(_Due):
    """Change by so much against a base year."""

    kind: Literal["change"]
    direction: Direction
    value: float = Field(gt=0)
    """Size of the change. [percent of the base figure, or unit]"""
    relative: bool = True
    """True: in percent of the base figure; False: in points or units."""
    base_year: Year


class CumulativeTarget(_Period):
    """So many new ones since the base year, or so many every year."""

    kind: Literal["cumulative"]
    comparator: Comparator = ">="
    value: float
    """Number of new ones. [unit]"""
    value_hi: float | None = None
    """Upper end where a range is printed; met at ``value``. [unit]"""
    per_year: bool = False
    """True for a yearly quota."""
    base_year: Year
    """Year whose end is the start of the count."""

    @property
    def years(self) -> tuple[int, ...]:
        return tuple(range(self.first_year, self.year + 1)) if self.per_year else (self.year,)


class RangeTarget(_Due):
    """Lie between two levels, ends included."""

    kind: Literal["range"]
    value: float
    """Lower end. [unit]"""
    value_hi: float
    """Upper end. [unit]"""


class ZeroTarget(_Period):
    """No event in any year of a period."""

    kind: Literal["zero"]


Target = Annotated[
    LevelTarget
    | PathTarget
    | MaintainTarget
    | ImproveTarget
    | NoDecreaseTarget
    | RelativeTarget
    | ChangeTarget
    | CumulativeTarget
    | RangeTarget
    | ZeroTarget,
    Field(discriminator="kind"),
]
