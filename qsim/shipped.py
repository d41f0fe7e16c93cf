"""Where the shipped plans, catalogue and figures lie."""

from functools import cache
from pathlib import Path

from qsim.indicators import Catalogue, read_catalogue

_PACKAGE = Path(__file__).resolve().parent


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
