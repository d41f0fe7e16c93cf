"""Schema of a lever: one policy effect, or a ready shape that a series is made to follow."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from qsim.plans.sizes import Certain, Normal, Size, Triangular, Uniform, ends
from qsim.plans.targets import Year
from qsim.records import Names, Record

Law = Certain | Normal | Triangular | Uniform
Group = Literal["effect", "course", "limit", "sampling", "definition", "end"]
"""What a lever acts on. Effects add up; of every other group an indicator has at most one in a scenario."""

_FULL: float = 100.0


class Source(Record):
    """What a lever rests on."""

    kind: Literal["published", "assumed"]
    text: Names
    """Citation, or how the assumption was made."""
    url: str | None = None


class _Measure(Record):
    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    """Name of the lever, as scenarios name it."""
    name: Names
    indicators: tuple[str, ...] = Field(min_length=1)
    """Slugs of the indicators it acts on."""
    regions: tuple[str, ...] = ()
    """Regions whose figures it moves; the plan's own if not given."""
    start_year: Year
    """First year in which it acts."""
    source: Source
    cost: float | None = Field(default=None, ge=0)
    """What it costs, in one unit for all levers of the file."""

    group: ClassVar[Group] = "course"

    @property
    def law(self) -> Law | None:
        """Law of what is uncertain about it; None where nothing is."""
        return None


class Lever(_Measure):
    """An effect on the true level that adds to the effects of others on the link scale."""

    shape: Literal["step", "ramp", "s_curve", "lag", "decay", "pulse"]
    """``step``: all at once in ``start_year``. ``ramp``: in equal parts until ``full_effect_year``. ``s_curve``: slow,
    fast, slow until then. ``lag``: nothing for ``lag_years``, then all at once, or in equal parts until
    ``full_effect_year``. ``decay``: all at once, halved every ``half_life`` years. ``pulse``: in full until
    ``end_year``, then in equal parts down to nothing in ``recovered_year``."""
    scale: Literal["points", "gap", "link", "pace"]
    """``points``: units of the figure. ``gap``: percent of the distance to the limit on the better side. ``link``:
    logit of a rate, log of a count. ``pace``: multiple of each draw's recent yearly progress."""
    size: Size
    """Full effect on that scale; positive raises the figure, on ``gap`` and ``pace`` it brings progress."""
    full_effect_year: Year | None = None
    """Year in which a ramp or an S-curve is complete."""
    lag_years: int | None = Field(default=None, ge=1, le=50)
    """Years without effect."""
    half_life: float | None = Field(default=None, gt=0)
    """Years in which half of the effect is lost."""
    end_year: Year | None = None
    """Last year of a pulse's full effect."""
    recovered_year: Year | None = None
    """First year in which nothing of a pulse is left."""

    group: ClassVar[Group] = "effect"

    @model_validator(mode="after")
    def _has_the_keys_of_its_shape(self) -> "Lever":
        for key, needing in _SHAPES_WITH.items():
            given = getattr(self, key) is not None
            may = self.shape in needing
            optional = key == "full_effect_year" and self.shape == "lag"
            if given and not may:
                raise ValueError(f"no key {key} for shape {self.shape!r}: it belongs to {' or '.join(needing)}")
            if may and not given and not optional:
                raise ValueError(f"key {key} for shape {self.shape!r}")
        begins = self.start_year + (self.lag_years or 0)
        if self.full_effect_year is not None and self.full_effect_year < begins:
            raise ValueError(f"full_effect_year at least {begins}, the first year with an effect")
        pulse = (self.end_year, self.recovered_year)
        if pulse[0] is not None and pulse[1] is not None and not self.start_year <= pulse[0] < pulse[1]:
            raise ValueError("start_year <= end_year < recovered_year")
        return self

    @model_validator(mode="after")
    def _closes_part_of_a_gap(self) -> "Lever":
        low, high = ends(self.size)
        if self.scale == "gap" and not 0 <= low <= high < _FULL:
            raise ValueError("a size from 0 to below 100 (percent of the gap): certain, triangular or uniform")
        return self

    @property
    def law(self) -> Law | None:
        return self.size


_SHAPES_WITH: Mapping[str, tuple[str, ...]] = {
    "full_effect_year": ("ramp", "s_curve", "lag"),
    "lag_years": ("lag",),
    "half_life": ("decay",),
    "end_year": ("pulse",),
    "recovered_year": ("pulse",),
}


class _Course(_Measure):
    """Takes the place of the trend from ``start_year`` on, beginning at each draw's level of the year before."""

    shocks: Literal["keep", "none"] = "keep"
    """Whether the forecast's year-to-year shocks stay around the course."""


class Hold(_Course):
    """The level of the year before the start stays."""

    shape: Literal["hold"]


class HaltDecline(_Measure):
    """The level gets no worse than in the year before the start."""

    shape: Literal["halt_decline"]


class AnnualChange(_Course):
    """The same change every year."""

    shape: Literal["annual_change"]
    scale: Literal["points", "percent", "link"]
    """Units of the figure, percent of the year before, or the link scale."""
    size: Size | None = None
    """Change a year; positive raises the figure."""
    like: Literal["latest", "average"] | None = None
    """Instead of a size: the last yearly change before the start, or the average over ``window`` years."""
    window: int = Field(default=5, ge=1, le=50)
    """Years averaged over, as far as figures reach."""

    @model_validator(mode="after")
    def _has_one_change(self) -> "AnnualChange":
        if (self.size is None) == (self.like is None):
            raise ValueError("either a size or like ('latest', 'average')")
        return self

    @property
    def law(self) -> Law | None:
        return self.size


class PercentOfBaseline(_Course):
    """A straight line to so many percent more (or, negative, less) than in a base year."""

    shape: Literal["percent_of_baseline"]
    size: Size
    """Change against the base year. [percent of its figure]"""
    baseline_year: Year
    year: Year
    """Year in which the change is complete."""

    @model_validator(mode="after")
    def _in_order(self) -> "PercentOfBaseline":
        if self.year < self.start_year:
            raise ValueError(f"year at least start_year ({self.start_year})")
        return self

    @property
    def law(self) -> Law | None:
        return self.size


class StraightLine(_Course):
    """A straight line to a figure, or through the figures of several years; the last one stays."""

    shape: Literal["straight_line"]
    values: Mapping[Year, float] = Field(default={}, validate_default=False)
    """Figure of each year on the way. [unit]"""
    target: str | None = None
    """Instead: id of a target of the plan whose levels are the way."""

    @model_validator(mode="after")
    def _has_one_way(self) -> "StraightLine":
        if (not self.values) == (self.target is None):
            raise ValueError("either values or the id of a target")
        if self.values and min(self.values) < self.start_year:
            raise ValueError(f"values of years from start_year ({self.start_year})")
        return self


class PeerPace(_Course):
    """The yearly progress of other regions, measured on their published figures on the link scale."""

    shape: Literal["peer_pace"]
    rank: Literal["best", "top", "quantile"]
    """The fastest, the mean of the ``top`` fastest, or the ``quantile`` of all, slowest first."""
    top: int | None = Field(default=None, ge=1)
    quantile: float | None = Field(default=None, gt=0, lt=1)
    peers: tuple[str, ...] = ()
    """Regions compared with; all others with figures on the same basis if not given."""
    window: int = Field(default=5, ge=1, le=50)
    """Years before the start, and before the forecast, over which a peer's pace is measured."""

    @model_validator(mode="after")
    def _has_the_key_of_its_rank(self) -> "PeerPace":
        if (self.rank == "top") != (self.top is not None) or (self.rank == "quantile") != (self.quantile is not None):
            raise ValueError("a number top for rank 'top', a quantile for rank 'quantile', neither for 'best'")
        return self


class ReturnToTrend(_Course):
    """Back to where the trend between two past years would have led, by ``year``, and along it afterwards."""

    shape: Literal["return_to_trend"]
    from_year: Year
    to_year: Year
    year: Year

    @model_validator(mode="after")
    def _in_order(self) -> "ReturnToTrend":
        if not self.from_year < self.to_year < self.start_year <= self.year:
            raise ValueError("from_year < to_year < start_year <= year")
        return self


class NaturalLimit(_Measure):
    """A level that progress comes near and does not pass; it grows flatter on the way."""

    shape: Literal["natural_limit"]
    limit: Size
    """Level. [unit]"""

    group: ClassVar[Group] = "limit"

    @property
    def law(self) -> Law | None:
        return self.limit


class Discontinued(_Measure):
    """No figure is published from ``start_year`` on: the programme ends, the office merges. The true level goes on."""

    shape: Literal["discontinued"]

    group: ClassVar[Group] = "end"


class SamplingPlan(_Measure):
    """Another sample behind the published rate; the true level stays."""

    shape: Literal["sampling_plan"]
    batches: int | None = Field(default=None, ge=1)
    """Batches a year."""
    batches_change: float | None = Field(default=None, gt=-100)
    """Instead: change against the usual number. [percent]"""
    risk_share: float = Field(default=0.0, ge=0, le=1)
    """Share of batches chosen where faults are expected, beyond what past figures had. [1]"""
    risk_points: Size | None = None
    """How much worse those batches do than the others; positive is worse. [points]"""

    group: ClassVar[Group] = "sampling"

    @model_validator(mode="after")
    def _says_what_changes(self) -> "SamplingPlan":
        if (self.risk_share > 0) != (self.risk_points is not None):
            raise ValueError("risk_points where there is a risk_share above 0, and only there")
        if self.batches is not None and self.batches_change is not None:
            raise ValueError("batches or batches_change, not both")
        if self.batches is None and self.batches_change is None and self.risk_share == 0:
            raise ValueError("batches, batches_change or a risk_share")
        return self

    @property
    def law(self) -> Law | None:
        return self.risk_points


class DefinitionChange(_Measure):
    """The figure is published on another basis; the true level is told on the old one."""

    shape: Literal["definition_change"]
    offset: Size
    """Published figure on the new basis less the one on the old. [link scale]"""

    group: ClassVar[Group] = "definition"

    @property
    def law(self) -> Law | None:
        return self.offset


Course = Hold | HaltDecline | AnnualChange | PercentOfBaseline | StraightLine | PeerPace | ReturnToTrend

Measure = (
    Lever
    | Hold
    | HaltDecline
    | AnnualChange
    | PercentOfBaseline
    | StraightLine
    | PeerPace
    | ReturnToTrend
    | NaturalLimit
    | Discontinued
    | SamplingPlan
    | DefinitionChange
)
"""Anything a scenario can name."""

AnyLever = Annotated[Measure, Field(discriminator="shape")]
