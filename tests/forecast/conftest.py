"""Posteriors with draws that are known exactly: no sampler stands between a test and its truth."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from qsim.forecast.posterior import Posterior
from qsim.indicators import Catalogue, Indicator
from qsim.inference.fit import FittedSeries
from qsim.inference.laplace import SeriesPosterior
from qsim.inference.series import collect_series
from qsim.model.priors import priors_of
from qsim.model.series import SeriesData
from qsim.observations.read import read_observations
from qsim.plans import levers as records
from qsim.plans.scenarios import Certain, Lever, Scenario, Source
from qsim.records import Names

FAMILIES = {
    "rate": ("%", 1), "lower_rate": ("%", 2), "days": ("天", 0), "count": ("批次", 0), "stock": ("件", 0),
    "events": ("起", 0), "positive": ("万公顷", 2), "index": ("分", 1),
}  # fmt: skip
TEXT = Names(zh="例", en="example")


def _indicator(slug: str, unit: str, decimals: int) -> Indicator:
    family = slug.removeprefix("lower_")
    better = "lower" if slug.startswith("lower_") else "higher"
    name = Names(zh=slug, en=slug)
    return Indicator(slug=slug, name=name, unit=unit, family=family, better=better, decimals=decimals)


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """One indicator of every family, named after it; ``lower_rate`` is a rate whose lower side is better."""
    return Catalogue(indicators=tuple(_indicator(slug, *traits) for slug, traits in FAMILIES.items()))


@pytest.fixture(scope="session")
def series(catalogue) -> Callable[..., SeriesData]:
    """Make a series from (year, columns) rows."""

    def make(indicator: str, rows: Mapping[int, Mapping[str, str]], *, origin: int, region: str = "here") -> SeriesData:
        table = [{"region": region, "indicator": indicator, "year": str(year), **row} for year, row in rows.items()]
        observations = read_observations(pd.DataFrame(table).fillna(""), catalogue=catalogue)
        (data,) = collect_series(observations, catalogue, origin)
        return data

    return make


def _fitted(data: SeriesData, draws: int, theta: Sequence[float], level: float | None) -> FittedSeries:
    # of slow tempo: a flat trend stays where it is, nothing draws it to the middle
    data = replace(data, indicator=data.indicator.model_copy(update={"tempo": "slow"}))
    priors = priors_of(data.indicator)
    start = float(data.guess[-1]) if level is None else float(data.link.to_link(level))
    posterior = SeriesPosterior(
        data=data, theta=np.tile(np.asarray(theta, dtype=float), (draws, 1)), level=np.full((draws, data.years), start),
        slope=np.zeros(draws), pareto_k=0.1, theta_effective=100.0, log_evidence=0.0,
    )  # fmt: skip
    return FittedSeries(posterior=posterior, theta_prior=priors.theta, level_prior=priors.level, pool_regions=0)


@pytest.fixture(scope="session")
def posterior() -> Callable[..., Posterior]:
    """Posterior of series whose past level is known: flat at ``level`` or at the last figure.

    ``theta`` is (sigma_level, sigma_slope, rho, sigma_noise, mu).
    """

    def make(
        *data: SeriesData,
        draws: int = 400,
        theta: Sequence[float] = (0.1, 0.05, 0.5, 0.1, 0.02),
        level: float | None = None,
        seed: int = 1,
    ) -> Posterior:
        fits = tuple(_fitted(one, draws, theta, level) for one in data)
        return Posterior(fits=fits, origin=data[0].origin, seed=seed, engine="laplace")

    return make


@pytest.fixture(scope="session")
def lever() -> Callable[..., Lever]:
    """Make a lever: a certain step of two points on ``rate`` from 2018 on, unless told otherwise."""

    def make(**traits: object) -> Lever:
        usual: dict[str, object] = {
            "id": "push", "name": TEXT, "indicators": ("rate",), "shape": "step", "scale": "points",
            "size": Certain(law="certain", value=2.0), "start_year": 2018,
            "source": Source(kind="assumed", text=TEXT),
        }  # fmt: skip
        return Lever(**{**usual, **traits})

    return make


READY = {
    "hold": records.Hold, "halt_decline": records.HaltDecline, "annual_change": records.AnnualChange,
    "percent_of_baseline": records.PercentOfBaseline, "straight_line": records.StraightLine,
    "peer_pace": records.PeerPace, "return_to_trend": records.ReturnToTrend, "natural_limit": records.NaturalLimit,
    "discontinued": records.Discontinued, "sampling_plan": records.SamplingPlan,
    "definition_change": records.DefinitionChange,
}  # fmt: skip


@pytest.fixture(scope="session")
def ready() -> Callable[..., records.Measure]:
    """Make a ready shape on ``rate`` from 2018 on, unless told otherwise; a number is a certain size."""

    def make(shape: str, **traits: object) -> records.Measure:
        usual = {
            "id": shape.replace("_", "-"), "name": TEXT, "indicators": ("rate",), "start_year": 2018,
            "source": Source(kind="assumed", text=TEXT),
        }  # fmt: skip
        return READY[shape](shape=shape, **{**usual, **traits})

    return make


@pytest.fixture(scope="session")
def scenario() -> Callable[..., Scenario]:
    """Make a scenario from its levers."""
    return lambda name, *levers: Scenario(id=name, name=TEXT, levers=levers)
