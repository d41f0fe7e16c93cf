"""Where the shipped plans, catalogue and figures lie."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from qsim.files import FileFault, lines_from_path
from qsim.indicators import Catalogue, read_catalogue

_PACKAGE = Path(__file__).resolve().parent
_REGION_COLUMNS = ("region", "地区")


def shipped_folder() -> Path:
    """Folder of the shipped plans: inside an installed wheel, else in the checkout."""
    installed = _PACKAGE / "_scenarios"
    return installed if installed.is_dir() else _PACKAGE.parent / "scenarios"


def shipped_plans() -> tuple[str, ...]:
    """Names of the shipped plans."""
    return tuple(sorted(path.parent.name for path in shipped_folder().glob("*/plan.yaml")))


@cache
def shipped_catalogue() -> Catalogue:
    """The catalogue of indicators that several plans share.

    Raises
    ------
    PlanError
        With every fault of the file.
    """
    return read_catalogue(shipped_folder() / "indicators.yaml")


def shipped_observations() -> tuple[Path, ...]:
    """Tables of figures that several plans share (nation, peers)."""
    return tuple(sorted((shipped_folder() / "observations").glob("*.csv")))


@cache
def shipped_regions() -> frozenset[str]:
    """Regions with figures among the shipped ones."""
    own = shipped_folder().glob("*/observations.csv")
    return regions_of([*shipped_observations(), *own])


def regions_of(tables: Iterable[Path]) -> frozenset[str]:
    """Regions named in tables of figures; a table without such a column names none.

    Only the names are read here, whatever else may be wrong with a table is said by the room that reads it.
    """
    found: set[str] = set()
    for path in tables:
        try:
            header, *lines = lines_from_path(path) or [[]]
        except FileFault:  # said, with its remedy, where the figures are read
            continue
        named = [place for place, name in enumerate(header) if name.strip() in _REGION_COLUMNS]
        found.update(line[place].strip() for line in lines for place in named if place < len(line))
    return frozenset(found - {""})
