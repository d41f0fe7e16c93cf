"""The air target of the 13th Five-Year Plan, whose base was restated on the way: what qsim says on either base.

Good-air days of prefecture-level cities: 76.7 % in 2015, above 80 % due in 2020. When the reference state of the
standard changed the base became 81.2 % and the target 84.5 %, and the result is reported as 87 %, 5.8 points more. Both
pairs ask for 3.3 points.
"""

import math
from dataclasses import dataclass
from datetime import date

import pandas as pd
import xarray as xr

from qsim.forecast.posterior import fit
from qsim.observations.read import read_observations
from qsim.observations.select import choose_basis
from qsim.shipped import shipped_catalogue, shipped_observations
from qsim.vocabulary import PUBLISHED, YEAR

SERIES = ("china", "good_air_days_rate")
OLD, NEW = "aqi", "aqi_2018"
BASE_YEAR, DUE = 2015, 2020
BASE, TARGET, PRINTED_ABOVE = 76.7, 80.0, 80.1
"""Base and target; a figure of one decimal is above the target from the last number on. [%]"""
RESTATED_BASE, RESTATED_TARGET, RESULT = 81.2, 84.5, 87.0
"""[%]"""
YEARS = (2016, 2017, 2018, 2019)
"""Year-ends of an assessment."""


@dataclass(frozen=True)
class Answer:
    """What qsim says at the end of a year. [1]"""

    year: int
    newest: str
    original: float
    """P(above 80) for a figure in the old reference state, on the figures as they stood."""
    restated: float
    """P(84.5) for a figure in the new state, with the restated base known."""
    mixed: float
    """P(above 80) for a figure in the new state: the base moved and the target did not."""


def answers(*, draws: int, seed: int) -> list[Answer]:
    """Assess the target at each year-end on what was published by then."""
    return [_answer(year, draws, seed) for year in YEARS]


def section(found: list[Answer]) -> str:
    """The section of the page."""
    rows = "\n".join(
        f"| end of {one.year} | {one.newest} | {one.original:.0%} | {one.restated:.0%} | {one.mixed:.0%} |"
        for one in found
    )
    rise, restated_rise = TARGET - BASE, RESTATED_TARGET - RESTATED_BASE
    true_rise, seeming_rise = RESULT - RESTATED_BASE, RESULT - BASE
    header = (
        f"| assessed | newest figure | old state: P(above {TARGET:g}) "
        f"| new state, restated target: P({RESTATED_TARGET}) | new state, old target: P(above {TARGET:g}) |"
    )
    return f"""## A base that was restated: good air in the 13th Five-Year Plan

Good-air days of prefecture-level cities were {BASE} % in {BASE_YEAR}, and above {TARGET:g} % was due in {DUE}. On
the way the reference state of the standard changed: the base became {RESTATED_BASE} %, the target
{RESTATED_TARGET} %, and the result
is reported as {RESULT:g} %, {true_rise:.1f} points more. The first pair asks for a rise of {rise:.1f} points,
the second for {restated_rise:.1f}. Against the old base the result would seem to be {seeming_rise:.1f} points more:
{seeming_rise - true_rise:.1f} of them are the standard's and not the air's.

{header}
|---|---|---|---|---|
{rows}

- *Old state*: figures and target in the reference state of the plan.
- *New state, restated target*: the series, its forecast and the target are in the new state. {RESTATED_BASE} % is given
  as a second figure of {BASE_YEAR}, so that the year has one on either base and the older figures join through a step
  which the pair has sharpened. The material does not say when the restated base was published; it is taken as known at
  each of these year-ends. Were the step known exactly, this column and the one before would nearly agree.
- *New state, old target*: what a reader gets who moves the figures and forgets the target. What it is above the column
  before is a gift of the definition. In a review qsim refuses that reading: a target names its definition, and a figure
  of another one says nothing about it.
- What came: {RESULT:g} % in the new state, so the restated target was met. No figure of {DUE} in the old state is at
  hand: the original target has no outcome of its own, and a review says *not known* of it.
- The step of the catalogue (0.76 on the logit, sd 0.50) rests on a figure published in 2019, so the rows before know of
  it too early; the pair of {BASE_YEAR} gives {_logit(RESTATED_BASE) - _logit(BASE):.2f}.
"""


def _logit(percent: float) -> float:
    return math.log(percent / (100.0 - percent))


def _answer(year: int, draws: int, seed: int) -> Answer:
    cutoff = date(year, 12, 31)
    restated = pd.DataFrame(
        {
            "region": [SERIES[0]],
            "indicator": [SERIES[1]],
            "year": [BASE_YEAR],
            "value": [str(RESTATED_BASE)],
            "definition": ["aqi_2018_prefecture_seats"],
            "published": [f"{min(YEARS)}-12-31"],
            "source": ["base as restated"],
        }
    )
    plain = read_observations(list(shipped_observations()), cutoff=cutoff)
    both = read_observations([*shipped_observations(), restated], cutoff=cutoff)
    old, new = _published(plain, OLD, year, draws, seed), _published(both, NEW, year, draws, seed)
    used = plain.to_dataframe()
    own = used[(used["region"] == SERIES[0]) & (used["indicator"] == SERIES[1]) & (used["set_aside"] == "")]
    last = own.sort_values("year").iloc[-1]
    return Answer(
        year=year,
        newest=f"{last['value']:g} ({last['year']}, {'old' if last['basis'] == OLD else 'new'} state)",
        original=float((old >= PRINTED_ABOVE - 1e-9).mean()),
        restated=float((new >= RESTATED_TARGET - 1e-9).mean()),
        mixed=float((new >= PRINTED_ABOVE - 1e-9).mean()),
    )


def _published(observations: xr.Dataset, basis: str, year: int, draws: int, seed: int) -> xr.DataArray:
    """Draws of the figure that will be printed for the due year. [%]"""
    catalogue = shipped_catalogue()
    regions = {str(region) for region in observations["region"].values}
    chosen = choose_basis(observations, {(region, SERIES[1]): basis for region in regions}, catalogue=catalogue)
    posterior = fit(chosen, series=[SERIES], bases={SERIES: basis}, origin=year - 1, draws=draws, seed=seed)
    return posterior.forecast([DUE])[PUBLISHED].sel({YEAR: DUE})
