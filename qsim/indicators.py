"""The catalogue of indicators: what each one is called, how it is measured, and which side is better."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from pydantic import Field, model_validator

from qsim.records import Names, Record, read_record
from qsim.vocabulary import PERCENT_FAMILIES, Better, Category, Family, Tempo


class Definition(Record):
    """One way in which an indicator is measured."""

    code: str = Field(pattern=r"^[a-z0-9_]+$")
    """Code, as it stands in the column ``definition`` of a table of figures."""
    name: Names
    """What it measures, in a few words."""
    basis: str | None = Field(default=None, pattern=r"^[a-z0-9_]+$")
    """Definitions of one basis can stand in one series and one pool; the code itself if not given."""


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
    natural_limit: float | None = None
    """Level that cannot be passed, where it is not 100 %. [unit]"""
    decimals: int = Field(default=1, ge=0, le=6)
    """Decimals printed, where the figures do not show them."""
    definitions: tuple[Definition, ...] = ()
    """Closed list of the ways it is measured; empty where there is only one."""

    @model_validator(mode="after")
    def _percent_has_bounds(self) -> "Indicator":
        if self.family in PERCENT_FAMILIES and self.unit != "%":
            raise ValueError(f"unit '%' for family {self.family!r}, or another family")
        codes = [definition.code for definition in self.definitions]
        if len(set(codes)) < len(codes):
            raise ValueError("each definition code once")
        return self

    def basis(self, code: str) -> str:
        """Basis of a definition code; an indicator without a list has the one basis ``""``."""
        for definition in self.definitions:
            if definition.code == code:
                return definition.basis or definition.code
        return code

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
