"""Why a target fails: draws that fail for one known cause are put down to it."""

from dataclasses import replace
from math import exp

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import qsim
from qsim.feasibility.draws import ForecastDraws
from qsim.feasibility.reasons import Explainer
from qsim.indicators import Catalogue, Indicator
from qsim.records import Names
from qsim.report.table import why_text
from qsim.report.words import words

N = 200
LABEL = "here/rate"
YEARS = (2015, 2016)


@pytest.fixture(scope="module")
def fit():
    """A level of exactly 90 % at the end of 2014 that stays: no slope, no drift."""
    table = pd.DataFrame({"region": "here", "indicator": "rate", "year": [2014], "value": ["90.0"]})
    fit = qsim.fit(qsim.read_observations(table), draws=N).fits[0]
    # of slow tempo, which nothing draws to the middle
    flat = replace(
        fit.posterior,
        data=replace(fit.data, indicator=fit.data.indicator.model_copy(update={"tempo": "slow"})),
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


EVENTS = "here/accidents"
COUNTED = Catalogue(
    indicators=(
        Indicator(slug="accidents", name=Names(zh="事故", en="accidents"), family="events", unit="起", better="lower"),
    )
)


@pytest.fixture(scope="module")
def accidents():
    """Events whose true rate is known: 0.2 a year at the end of 2014, and stays; none was printed for 2014."""
    rows = pd.DataFrame({"region": "here", "indicator": "accidents", "year": [2014], "value": ["0"]})
    fit = qsim.fit(qsim.read_observations(rows, catalogue=COUNTED), catalogue=COUNTED, draws=N).fits[0]

    def make(rate=0.2):
        flat = replace(
            fit.posterior,
            level=np.full((N, 1), fit.data.link.to_link(rate)),
            slope=np.zeros(N),
            theta=np.tile([0.1, 0.0, 0.5, 0.1, 0.0], (N, 1)),
        )
        return replace(fit, posterior=flat)

    return make


@pytest.mark.parametrize(
    ("today", "true", "cause"),
    [
        (0.2, 0.2, "noise"),  # none in two years has the chance exp(-.4) = .67
        (0.4, 0.4, "trend"),  # exp(-.8) = .45
        (0.2, 0.4, "shock"),
        (0.34, 0.34, "noise"),  # log 2 / 2 = .347
        (0.35, 0.35, "trend"),
    ],
)
def test_an_event_is_put_down_to_the_rate_or_to_chance(target, forecast, accidents, today, true, cause):
    happened = {EVENTS: np.ones((N, 2))}
    draws = ForecastDraws(forecast(happened, rate={EVENTS: of(true)}, years=YEARS, decimals=0))
    never = target("zero", indicator="accidents", first_year=2015, year=2016)
    why = Explainer(draws, {EVENTS: accidents(today)}, 2014).why(never, "baseline", EVENTS, 0.0)
    assert (why.cause, why.share) == (cause, 1.0)
    assert (exp(-2 * true) >= 0.5) == (cause == "noise")


def test_a_lever_too_weak_lets_an_event_happen(target, forecast, accidents):
    """Two years at half of .5 would do, and the mean effect on the link gives them; half of the draws gain nothing."""
    happened = {EVENTS: np.ones((N, 2))}
    draws = forecast(happened, rate={EVENTS: of(0.5)}, years=YEARS, decimals=0, scenarios=("baseline", "push"))
    weak = np.arange(N)[:, None] < N / 2
    draws["rate"][{"scenario": 1, "chain": 0, "series": 0}] = np.where(weak, 0.5, 0.1) * np.ones((N, 2))
    never = target("zero", indicator="accidents", first_year=2015, year=2016)
    why = Explainer(ForecastDraws(draws), {EVENTS: accidents(0.5)}, 2014).why(never, "push", EVENTS, 0.0)
    assert dict(why.shares)["lever"] == pytest.approx(0.5)
    assert dict(why.shares)["noise"] == pytest.approx(0.5)


def test_a_year_that_is_printed_counts_as_it_was_and_not_by_its_rate(target, forecast, accidents):
    """No event in 2014 is a fact, whatever the rate was; what may come is judged by its own rate."""
    years = (2014, 2015)
    happened = {EVENTS: np.tile([0.0, 1.0], (N, 1))}
    draws = ForecastDraws(forecast(happened, rate={EVENTS: np.tile([3.0, 0.2], (N, 1))}, years=years, decimals=0))
    never = target("zero", indicator="accidents", first_year=2014, year=2015)
    assert Explainer(draws, {EVENTS: accidents()}, 2014).why(never, "baseline", EVENTS, 0.0).cause == "noise"


def test_a_share_that_shall_be_zero_gets_there_where_it_prints_as_zero(target, explain):
    never = target("zero", first_year=2016, year=2016)
    assert explain(of(90.0), of(90.0)).why(never, "baseline", LABEL, 0.0).cause == "trend"


@pytest.mark.parametrize(("lang", "said"), [("en", "an event in the period"), ("zh", "期内发生比不发生更有可能")])
def test_no_event_where_five_a_year_were_usual_gets_its_sentence(target, plan, lang, said):
    rows = [
        {"region": "here", "indicator": "accidents", "year": 2012 + at, "value": str(5 + at % 2)} for at in range(6)
    ]
    posterior = qsim.fit(
        qsim.read_observations(pd.DataFrame(rows), catalogue=COUNTED), catalogue=COUNTED, draws=N, origin=2017
    )
    never = target("zero", indicator="accidents", first_year=2018, year=2020)
    asked = plan(never, indicators=COUNTED.indicators)
    (found,) = qsim.assess(posterior.forecast([2018, 2019, 2020]), asked, posterior=posterior).results
    assert found.p_published < 0.5
    assert found.why.cause == "trend"
    assert said in why_text(found, words(lang))
