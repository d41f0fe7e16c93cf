"""Why a target fails: draws that fail for one known cause are put down to it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import qsim
from qsim.feasibility.draws import ForecastDraws
from qsim.feasibility.reasons import Explainer

N = 200
LABEL = "here/rate"
YEARS = (2015, 2016)


@pytest.fixture(scope="module")
def fit():
    """A level of exactly 90 % at the end of 2014 that stays: no slope, no drift."""
    table = pd.DataFrame({"region": "here", "indicator": "rate", "year": [2014], "value": ["90.0"]})
    fit = qsim.fit(qsim.read_observations(table), draws=N).fits[0]
    flat = replace(
        fit.posterior,
        level=np.full((N, 1), fit.data.link.to_link(90.0)),
        slope=np.zeros(N),
        theta=np.tile([0.1, 0.0, 0.5, 0.1, 0.0], (N, 1)),
    )
    return replace(fit, posterior=flat)


@pytest.fixture(scope="module")
def explain(fit, forecast):
    def make(published: np.ndarray, rate: np.ndarray, pushed: np.ndarray | None = None) -> Explainer:
        scenarios = ("baseline",) if pushed is None else ("baseline", "push")
        draws = forecast({LABEL: published}, rate={LABEL: rate}, years=YEARS, scenarios=scenarios)
        if pushed is not None:
            draws["rate"][{"scenario": 1, "chain": 0, "series": 0}] = pushed
            draws["published"][{"scenario": 1, "chain": 0, "series": 0}] = pushed
        return Explainer(ForecastDraws(draws), {LABEL: fit}, 2014)

    return make


def of(level: float) -> np.ndarray:
    return np.full((N, 2), level)


@pytest.mark.parametrize(
    ("asked", "rate", "published", "cause"),
    [
        (95.0, 90.0, 90.0, "trend"),
        (89.0, 88.0, 88.0, "shock"),
        (89.0, 90.0, 88.0, "noise"),
        (95.0, 96.0, 94.0, "trend"),
    ],
)
def test_draws_that_fail_for_one_cause_are_put_down_to_it(target, explain, asked, rate, published, cause):
    due = target("level", value=asked, year=2016)
    why = explain(of(published), of(rate)).why(due, "baseline", LABEL, 0.0)
    assert (why.cause, why.share) == (cause, 1.0)
    assert sum(share for _, share in why.shares) == pytest.approx(1.0)


def test_a_lever_that_does_less_than_its_mean_is_the_cause(target, explain):
    """Half the draws gain a point and half of them three; two would do, and the mean effect gives them."""
    pushed = np.where(np.arange(N)[:, None] < N / 2, 91.0, 93.0) * np.ones((N, 2))
    why = explain(of(90.0), of(90.0), pushed).why(target("level", value=91.8, year=2016), "push", LABEL, 0.0)
    assert (why.cause, why.share) == ("lever", 1.0)


def test_shares_of_the_failing_draws_are_counted(target, explain):
    """A quarter of the draws fail by noise, an eighth by shocks."""
    rate, published = of(90.0), of(90.0)
    published[: N // 4] = 88.0
    rate[N // 4 : 3 * N // 8] = 88.0
    published[N // 4 : 3 * N // 8] = 88.0
    why = explain(published, rate).why(target("level", value=89.0, year=2016), "baseline", LABEL, 0.0)
    assert dict(why.shares) == {
        "unpublished": 0.0,
        "trend": 0.0,
        "lever": 0.0,
        "shock": pytest.approx(1 / 3),
        "noise": pytest.approx(2 / 3),
    }
    assert why.cause == "noise"


def test_a_series_that_is_discontinued_is_a_cause_of_its_own(target, explain):
    due = target("level", value=80.0, year=2016)
    why = explain(of(np.nan), of(90.0)).why(due, "baseline", LABEL, 0.0)
    assert (why.cause, why.share) == ("unpublished", 1.0)


def test_lower_is_better_has_causes_too(target, explain):
    due = target("level", comparator="<=", value=85.0, year=2016)
    assert explain(of(90.0), of(90.0)).why(due, "baseline", LABEL, 0.0).cause == "trend"


def test_where_nothing_fails_there_is_nothing_to_explain(target, explain):
    assert explain(of(90.0), of(90.0)).why(target("level", value=80.0, year=2016), "baseline", LABEL, 0.0) is None


def test_without_a_fit_nothing_is_known(target, forecast):
    draws = ForecastDraws(forecast({LABEL: of(1.0)}, years=YEARS))
    assert Explainer(draws, {}, 2014).why(target("level", value=2.0, year=2016), "baseline", LABEL, 0.0) is None
    assert isinstance(draws.forecast, xr.Dataset)
