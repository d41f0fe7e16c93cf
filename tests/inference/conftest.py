"""A catalogue of every family, and short ways to write figures and series."""

import numpy as np
import pandas as pd
import pytest

from qsim.indicators import Break, Catalogue, Definition, Indicator
from qsim.model.likelihood import INTERVAL
from qsim.model.links import Link
from qsim.model.series import SeriesData
from qsim.observations.read import read_observations
from qsim.records import Names


def _indicator(slug, **traits):
    return Indicator(slug=slug, name=Names(zh=slug, en=slug), **traits)


def _definition(code):
    return Definition(code=code, name=Names(zh=code, en=code))


@pytest.fixture(scope="session")
def catalogue():
    return Catalogue(
        indicators=(
            _indicator(
                "pass_rate",
                definitions=(_definition("old"), _definition("new"), _definition("strange")),
                breaks=(Break(from_basis="old", to_basis="new", mean=-0.5, sd=0.3, rests_on=1, source="a pair"),),
            ),
            _indicator("capped_rate", natural_limit=95.0),
            _indicator("satisfaction", family="index", unit="分", natural_limit=100.0),
            _indicator("rate"),
            _indicator("other_rate", better="lower"),
            _indicator("days", family="days", unit="天", decimals=0),
            _indicator("brands", family="count", unit="件", decimals=0),
            _indicator("patents", family="stock", unit="件", decimals=0),
            _indicator("accidents", family="events", unit="起", better="lower", decimals=0),
            _indicator("area", family="positive", unit="公顷"),
            _indicator("score", family="index", unit="分"),
        )
    )


@pytest.fixture(scope="session")
def observed(catalogue):
    """Dataset of figures from rows of columns; region and indicator have defaults."""

    def make(*rows):
        frame = pd.DataFrame([{"region": "guizhou", "indicator": "rate", **row} for row in rows])
        return read_observations(frame.astype(str).where(frame.notna(), ""), catalogue=catalogue)

    return make


@pytest.fixture(scope="session")
def series_of():
    """Series on a unit link from (step, kind, lower, upper, size) of each figure."""

    def make(figures, *, years=None, region="a", better="higher", guess=None, guess_variance=None):
        columns = np.array(figures, dtype=float).reshape(-1, 5).T
        step, kind, lower, upper, size = columns
        last = int(step.max(initial=0)) if years is None else years - 1
        interval = kind == INTERVAL
        with np.errstate(invalid="ignore", divide="ignore"):
            middle = np.where(np.isinf(lower), upper, np.where(np.isinf(upper), lower, 0.5 * (lower + upper)))
            share = (middle + 0.5) / (np.where(interval | np.isnan(size), 1.0, size) + 1.0)
            of_count = np.where(np.isnan(size), np.log(middle + 0.5), np.log(share / (1.0 - share)))
        return SeriesData(
            region=region,
            indicator=_indicator("rate", better=better),
            basis="",
            link=Link("logit", 100.0),
            first_year=2010,
            origin=2010 + last,
            year=2010 + step.astype(np.int64),
            kind=kind.astype(np.int64),
            lower=lower,
            upper=upper,
            size=size,
            guess=np.where(interval, middle, of_count) if guess is None else np.asarray(guess, dtype=float),
            guess_variance=np.full(step.size, 0.1) if guess_variance is None else np.asarray(guess_variance, float),
            printed=np.full(step.size, np.nan),
            decimals=1,
        )

    return make
