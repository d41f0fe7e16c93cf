"""Nested Laplace against NUTS on hard cases: probabilities at five points within two points of a hundred.

    pytest tests/statistical

takes minutes and is not part of the continuous integration.
"""

import numpy as np
import pandas as pd
import pytest

from qsim.forecast.posterior import fit
from qsim.indicators import Catalogue, Indicator
from qsim.observations.read import read_observations
from qsim.records import Names

CATALOGUE = Catalogue(
    indicators=tuple(
        Indicator(slug=slug, name=Names(zh=slug, en=slug), family=family, unit=unit, better=better, decimals=decimals)
        for slug, family, unit, better, decimals in [
            ("rate", "rate", "%", "higher", 1),
            ("accidents", "events", "起", "lower", 0),
            ("patents", "stock", "件", "higher", 0),
        ]
    )
)
DRAWS = {"no accident": 20_000, "a stock with two figures": 40_000}
"""Draws of NUTS where theta has one normal prior; a mixture of them mixes slowly, and takes more."""
MANY_DRAWS = 300_000
PROBABILITIES = (0.1, 0.3, 0.5, 0.7, 0.9)
TOLERANCE = 0.02
MIN_EFFECTIVE = 4000.0
ORIGIN, DUE = 2014, 2018


def counts(first, trials, successes):
    return [
        {"year": first + t, "value": f"{100.0 * k / trials:.1f}", "numerator": k, "denominator": trials}
        for t, k in enumerate(successes)
    ]


CASES = {
    "15 tested": counts(2009, 15, [12, 14, 15, 13, 15, 15]),
    "50 000 tested": counts(2009, 50_000, [47_900, 48_050, 48_400, 48_300, 48_650, 48_800]),
    "99.6 % of 300": [
        {"year": 2011 + t, "value": v, "denominator": 300} for t, v in enumerate(["99.3", "99.0", "99.7"])
    ],
    "five figures of at least 95 %": [{"year": 2010 + t, "value": "95", "qualifier": ">="} for t in range(5)],
    "a gap of five years": [
        {"year": year, "value": value} for year, value in [(2003, "60.5"), (2008, "62.1"), (2013, "66.3")]
    ],
    "one figure": [{"year": 2012, "value": "91.3"}],
    "no accident": [{"indicator": "accidents", "year": 2010 + t, "value": v} for t, v in enumerate("20100")],
    "a stock with two figures": [
        {"indicator": "patents", "year": year, "value": value} for year, value in [(2011, "120"), (2014, "205")]
    ],
}


# NumPy does the linear algebra of a model this small
@pytest.mark.filterwarnings("ignore:PyTensor could not link to a BLAS:UserWarning")
@pytest.mark.statistical
@pytest.mark.parametrize("name", CASES)
def test_both_engines_give_the_same_probabilities(name, record_property):
    frame = pd.DataFrame([{"region": "guizhou", "indicator": "rate", **row} for row in CASES[name]])
    observations = read_observations(frame.astype(str).where(frame.notna(), ""), catalogue=CATALOGUE)
    laplace, nuts = (
        fit(observations, catalogue=CATALOGUE, origin=ORIGIN, engine=engine, draws=draws, seed=1)
        for engine, draws in (("laplace", 20_000), ("nuts", DRAWS.get(name, MANY_DRAWS)))
    )
    worst = 0.0
    for year in (ORIGIN, DUE):
        one, other = (posterior.forecast([year])["rate"].values.ravel() for posterior in (laplace, nuts))
        points = np.quantile(other, PROBABILITIES)
        found = (one[:, None] <= points).mean(axis=0)
        worst = max(worst, float(np.abs(found - PROBABILITIES).max()))
    effective = nuts.fits[0].posterior.theta_effective
    pareto_k = laplace.fits[0].posterior.pareto_k
    record_property("largest difference", worst)
    print(f"{name}: largest difference {worst:.4f}, NUTS effective {effective:.0f}, Pareto k {pareto_k:.2f}")
    assert effective >= MIN_EFFECTIVE
    assert worst <= TOLERANCE
