"""Targets, plans and forecasts small enough to know the answer."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np
import pytest
import xarray as xr

from qsim.indicators import Indicator
from qsim.plans import targets as kinds
from qsim.plans.plan import Period, Plan, Region
from qsim.plans.scenarios import ONLY_BASELINE, Scenario
from qsim.records import Names

TEXT = Names(zh="例", en="example")
KINDS = {
    "level": kinds.LevelTarget, "path": kinds.PathTarget, "maintain": kinds.MaintainTarget,
    "improve": kinds.ImproveTarget, "no_decrease": kinds.NoDecreaseTarget, "relative": kinds.RelativeTarget,
    "change": kinds.ChangeTarget, "cumulative": kinds.CumulativeTarget, "range": kinds.RangeTarget,
    "zero": kinds.ZeroTarget,
}  # fmt: skip


@pytest.fixture(scope="session")
def target() -> Callable[..., Any]:
    """Make a target of a kind on the indicator ``rate``."""

    def make(kind: str, **traits: object) -> Any:
        usual = {
            "id": kind.replace("_", "-"),
            "indicator": "rate",
            "name": TEXT,
            "category": "other",
            "unit": "%",
            "clauses": ("一",),
        }
        return KINDS[kind](kind=kind, **{**usual, **traits})

    return make


@pytest.fixture(scope="session")
def all_kinds(target) -> dict[str, Any]:
    """A target of each of five kinds, all of 2018 to 2020."""
    period, base = {"first_year": 2018, "year": 2020}, {"base_year": 2018}
    return {
        "relative": target("relative", reference=TEXT, **period),
        "change": target("change", direction="up", value=5.0, year=2020, **base),
        "cumulative": target("cumulative", value=3.0, **base, **period),
        "range": target("range", value=90.0, value_hi=95.0, year=2020),
        "zero": target("zero", **period),
    }


@pytest.fixture(scope="session")
def plan() -> Callable[..., Plan]:
    """Make a plan of the region ``here``, 2018 to 2020."""

    def make(*targets: Any, scenarios: Sequence[Scenario] = (), indicators: Sequence[Indicator] = ()) -> Plan:
        own = {"rate": "rate", "other": "rate", "things": "stock"}
        usual = tuple(
            Indicator(slug=slug, name=TEXT, family=family, unit="%" if family == "rate" else "件")
            for slug, family in own.items()
        )
        return Plan(
            id="here-2020", label_set="here", title=TEXT, region=Region(id="here", name=TEXT),
            period=Period(first_year=2018, last_year=2020), adopted=date(2018, 7, 1), as_of=date(2018, 7, 1),
            base_year=2017, indicators=(*usual, *indicators), targets=targets,
            scenarios=tuple(scenarios) or ONLY_BASELINE.resolved(),
        )  # fmt: skip

    return make


@pytest.fixture(scope="session")
def grid() -> Callable[..., xr.DataArray]:
    """Draws of two years that are independent of each other: one runs along the chains, one along the draws.

    Each year is given by its values; the joint law of the grid is the product of the two, exactly.
    """

    def make(first: np.ndarray, second: np.ndarray, years: Sequence[int] = (2019, 2020)) -> xr.DataArray:
        values = np.stack(np.broadcast_arrays(first[:, None], second[None, :]), axis=-1)
        return xr.DataArray(values, dims=("chain", "draw", "year"), coords={"year": list(years)})

    return make


@pytest.fixture(scope="session")
def forecast() -> Callable[..., xr.Dataset]:
    """Make a forecast from the draws of each series, dims (draw, year), as :meth:`Posterior.forecast` does."""

    def make(
        series: dict[str, np.ndarray],
        *,
        years: Sequence[int],
        rate: dict[str, np.ndarray] | None = None,
        prior: Sequence[str] = (),
        scenarios: Sequence[str] = ("baseline",),
        decimals: int = 1,
        basis: str = "",
    ) -> xr.Dataset:
        def draws(values: dict[str, np.ndarray]) -> np.ndarray:
            stacked = np.stack(list(values.values()), axis=1).astype(float)
            return np.broadcast_to(stacked, (len(scenarios), 1, *stacked.shape)).copy()

        dims = ("scenario", "chain", "draw", "series", "year")
        names = list(series)
        coords = {
            "scenario": list(scenarios), "series": names, "year": list(years),
            "region": ("series", ["here"] * len(names)),
            "indicator": ("series", [name.split("/")[1] for name in names]),
            "basis": ("series", [basis] * len(names)),
            "evidence": ("series", ["prior" if name in prior else "figures" for name in names]),
            "n_figures": ("series", [0 if name in prior else 4 for name in names]),
            "last_figure_year": ("series", [-1 if name in prior else 2017 for name in names]),
            "decimals": ("series", [decimals] * len(names)),
        }  # fmt: skip
        return xr.Dataset({"rate": (dims, draws(rate or series)), "published": (dims, draws(series))}, coords=coords)

    return make
