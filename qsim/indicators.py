"""The catalogue of indicators: what each one is called, how it is measured, and which side is better."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pydantic import Field, model_validator

from qsim.records import Names, Record, nearest, read_record
from qsim.vocabulary import PERCENT_FAMILIES, Better, Category, Family, Tempo

LIMITED_FAMILIES: Final = ("rate", "index", "positive")
"""Families whose figures may have a natural limit."""
WHOLE: Final = 100.0
"""Limit of a rate without one of its own. [%]"""
MOST_DAYS: Final = 366.0
"""Days of a leap year."""


class Definition(Record):
    """One way in which an indicator is measured."""

    code: str = Field(pattern=r"^[a-z0-9_]+$")
    """Code, as it stands in the column ``definition`` of a table of figures."""
    name: Names
    """What it measures, in a few words."""
    basis: str | None = Field(default=None, pattern=r"^[a-z0-9_]+$")
    """Definitions of one basis can stand in one series and one pool; the code itself if not given."""


class Break(Record):
    """What is known of the step between two bases: how far figures on ``to`` lie from those on ``from``."""

    from_basis: str = Field(min_length=1)
    """Basis the step is counted from."""
    to_basis: str = Field(min_length=1)
    """Basis the step leads to."""
    mean: float
    """Mean of the step; its sign is the direction the data show. [link scale: logit for rates, log for counts]"""
    sd: float = Field(gt=0)
    """Uncertainty of the step for another region. [link scale]"""
    rests_on: int = Field(ge=0)
    """Pairs of figures of one year on both bases that it rests on; 0 for judgement."""
    source: str = Field(min_length=1)
    """The pairs, and where they stand."""


class Indicator(Record):
    """What a figure measures."""

    slug: str = Field(pattern=r"^[^\s/]+$")
    """Short name without blanks or slashes, as it stands in the column ``indicator`` of a table of figures."""
    name: Names
    """Chinese and English name."""
    unit: str = "%"
    """Unit the figures are printed in."""
    family: Family = "rate"
    """Decides the link and the likelihood."""
    better: Better = "higher"
    """Side that counts as progress."""
    category: Category = "other"
    """Part of a plan it belongs to; pools of the second order are formed by it."""
    tempo: Tempo = "usual"
    """``slow`` for shares of land, which hardly move from year to year: chooses the prior of theta."""
    natural_limit: float | None = Field(default=None, gt=0)
    """Level that no figure reaches: of a rate where it is not 100 %, of an index (full marks) or a quantity. [unit]"""
    decimals: int = Field(default=1, ge=0, le=6)
    """Decimals printed, where the figures do not show them."""
    definitions: tuple[Definition, ...] = ()
    """Closed list of the ways it is measured; empty where there is only one."""
    breaks: tuple[Break, ...] = ()
    """Steps between bases of the list: figures of the one join a series of the other through an uncertain offset."""

    @model_validator(mode="after")
    def _percent_has_bounds(self) -> "Indicator":
        if self.family in PERCENT_FAMILIES and self.unit != "%":
            raise ValueError(f"unit '%' for family {self.family!r}, or another family")
        if self.natural_limit is not None:
            if self.family not in LIMITED_FAMILIES:
                raise ValueError(f"no natural_limit for family {self.family!r}: only for {', '.join(LIMITED_FAMILIES)}")
            if self.family in PERCENT_FAMILIES and self.natural_limit >= WHOLE:
                raise ValueError("a natural_limit below 100 for a rate, or none: 100 % is its limit anyway")
        codes = [definition.code for definition in self.definitions]
        if len(set(codes)) < len(codes):
            raise ValueError("each definition code once")
        return self

    @model_validator(mode="after")
    def _breaks_join_its_bases(self) -> "Indicator":
        bases = {self.basis(code) for code in self.codes}
        for one in self.breaks:
            strange = sorted({one.from_basis, one.to_basis} - bases)
            if strange or one.from_basis == one.to_basis:
                raise ValueError(f"two bases of its definitions in a break; {nearest(', '.join(strange), bases)}")
        pairs = [frozenset((one.from_basis, one.to_basis)) for one in self.breaks]
        if len(set(pairs)) < len(pairs):
            raise ValueError("each pair of bases once among the breaks")
        return self

    def basis(self, code: str) -> str:
        """Basis of a definition code; an indicator without a list has the one basis ``""``."""
        for definition in self.definitions:
            if definition.code == code:
                return definition.basis or definition.code
        return code

    def step(self, basis: str, other: str) -> Break | None:
        """Step from ``basis`` to ``other``, turned where it is named the other way round; None where none is named."""
        for one in self.breaks:
            if (one.from_basis, one.to_basis) == (basis, other):
                return one
            if (one.to_basis, one.from_basis) == (basis, other):
                return one.model_copy(update={"from_basis": basis, "to_basis": other, "mean": -one.mean})
        return None

    @property
    def is_percent(self) -> bool:
        """Whether figures lie between 0 and 100 %."""
        return self.family in PERCENT_FAMILIES or (self.family == "days" and self.unit == "%")

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and greatest figure there can be. [unit]"""
        if self.family == "index":
            return float("-inf"), float("inf")
        return 0.0, WHOLE if self.is_percent else MOST_DAYS if self.family == "days" else float("inf")

    @property
    def codes(self) -> tuple[str, ...]:
        """The closed list of definition codes."""
        return tuple(definition.code for definition in self.definitions)


class Catalogue(Record):
    """A list of indicators."""

    indicators: tuple[Indicator, ...]
    """Every indicator once."""

    @model_validator(mode="after")
    def _slugs_are_unique(self) -> "Catalogue":
        slugs = [indicator.slug for indicator in self.indicators]
        twice = sorted({slug for slug in slugs if slugs.count(slug) > 1})
        if twice:
            raise ValueError(f"each slug once; twice stand {', '.join(twice)}")
        return self

    @cached_property
    def by_slug(self) -> Mapping[str, Indicator]:
        """Indicators by slug."""
        return MappingProxyType({indicator.slug: indicator for indicator in self.indicators})

    def get(self, slug: str) -> Indicator:
        """Indicator of that slug; one the catalogue does not know is a rate in percent, higher is better."""
        return self.by_slug.get(slug) or Indicator(slug=slug, name=Names(zh=slug, en=slug))

    def extended(self, indicators: tuple[Indicator, ...]) -> "Catalogue":
        """This catalogue with a plan's own indicators, which win over equal slugs."""
        return Catalogue(indicators=tuple({**self.by_slug, **{own.slug: own for own in indicators}}.values()))


def read_catalogue(path: Path) -> Catalogue:
    """Read ``indicators.yaml``.

    Raises
    ------
    PlanError
        With every fault of the file.
    """
    return read_record(Catalogue, path)
