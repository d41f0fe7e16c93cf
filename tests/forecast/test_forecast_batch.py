"""Forecasts of many series: the same answers as the careful way, whoever else is in the batch."""

from dataclasses import replace

import numpy as np
import pytest

from qsim.forecast import batch, summaries
from qsim.forecast.batch import Threshold, forecast_many, own_jobs
from qsim.forecast.posterior import Posterior
from qsim.forecast.published import print_rounded, publish
from qsim.inference.batch import MIN_EFFECTIVE_DRAWS, Job, design_of, sample_states, weigh_chosen
from qsim.inference.chances import chances
from qsim.inference.design import MIN_EFFECTIVE_POINTS
from qsim.inference.fit import fit_one
from qsim.inference.series import without_figures
from qsim.model.priors import LevelPrior, priors_of
from qsim.model.trend import propagate, shock_widths

ORIGIN, HORIZON, CAREFUL_DRAWS = 2015, 5, 4000
LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)


def rates(values, first=2004, **more):
    return {first + t: {"value": value, **more} for t, value in enumerate(values.split())}


def samples(successes, trials, numerator=True):
    figures = {}
    for t, k in enumerate(successes):
        own = {"numerator": str(k)} if numerator else {}
        figures[ORIGIN + 1 - len(successes) + t] = {
            "value": f"{100 * k / trials:.1f}",
            "denominator": str(trials),
            **own,
        }
    return figures


GROWING = [41000, 41480, 41900, 42410, 42730, 43100, 43440, 43900, 44200, 44390, 44700, 45010]
SERIES = {
    "fifteen": ("rate", samples([11, 12, 12, 13, 12, 14], 15)),
    "three hundred": ("rate", samples([285, 288, 290, 286, 292, 293, 291, 294], 300)),
    "fifty thousand": ("rate", samples(GROWING, 50000)),
    "denominator only": ("rate", samples([150, 160, 158], 200, numerator=False)),
    "printed": ("rate", rates("60.1 61.0 62.4 62.2 63.9 64.1 65.8 66.0 66.9 68.2 68.0 69.3")),
    "flat": ("rate", rates("94.3 " * 12)),
    "near the bound": ("rate", rates("99.2 99.4 99.3 99.5 99.7 99.6 99.8 99.7 99.9 99.8 99.9 99.9")),
    "censored": ("rate", rates("95 95 95", 2012, qualifier=">=")),
    "gaps": ("rate", {2003: {"value": "60.5"}, 2008: {"value": "62.0"}, 2013: {"value": "63.4"}}),
    "one": ("rate", {2015: {"value": "88.5"}}),
    "days": ("days", rates("310 322 318 330 341 336", 2010)),
    "events": ("events", rates("31 28 25 27 19 22 16 12", 2008)),
    "area": ("positive", rates("1200 1260 1330 1350 1420", 2011)),
    "falling": ("lower_rate", rates("12.4 11.0 10.1 9.4 8.8", 2011)),
}


@pytest.fixture(scope="module")
def jobs(series):
    return own_jobs(
        series(indicator, figures, origin=ORIGIN, region=name.replace(" ", "_"))
        for name, (indicator, figures) in SERIES.items()
    )


def last_printed(job):
    known = job.data.printed[np.isfinite(job.data.printed)]
    return float(known[-1]) if known.size else 97.0


@pytest.fixture(scope="module")
def asked(jobs):
    return [(Threshold(3, last_printed(job)), Threshold(5, last_printed(job), "<=")) for job in jobs]


@pytest.fixture(scope="module")
def answers(jobs, asked):
    return forecast_many(jobs, horizon=HORIZON, levels=LEVELS, thresholds=asked, draws=4000, seed=1)


def same(one, other):
    return np.array_equal(one.quantiles, other.quantiles) and np.array_equal(one.p, other.p)


def check_agreement(job, asked, answer):
    """Chances and quantiles within four standard errors of what the draws of the default engine say."""
    fitted = fit_one(job.data, (), None, draws=CAREFUL_DRAWS, seed=2)
    posterior = Posterior(fits=(fitted,), origin=ORIGIN, seed=2, engine="laplace")
    drawn = posterior.forecast(range(ORIGIN + 1, ORIGIN + HORIZON + 1))["published"].values.reshape(-1, HORIZON, 1)
    # P differs between points of theta by less than within them: a point is worth eight draws
    points = fitted.posterior.theta_effective
    counts = [min(answer.effective_draws, 8.0 * answer.theta_effective), min(CAREFUL_DRAWS, 8.0 * points)]
    per_unit = 4.0 * np.sqrt(sum(1.0 / count for count in counts))
    for one, found in zip(asked, answer.p, strict=True):
        figures = drawn[:, one.horizon - 1]
        p = (figures >= one.level if one.comparator == ">=" else figures <= one.level).mean()
        assert abs(found - p) <= per_unit * np.sqrt(max(p * (1.0 - p), 1e-3))
    # a quantile has at most its level below it, and at least that with itself
    levels, below, within = np.asarray(LEVELS), (drawn < answer.quantiles).mean(axis=0), drawn <= answer.quantiles
    allowed = per_unit * np.sqrt(levels * (1.0 - levels))
    assert np.all(below <= levels + allowed)
    assert np.all(within.mean(axis=0) >= levels - allowed)


@pytest.mark.parametrize("number", range(len(SERIES)), ids=list(SERIES))
def test_it_agrees_with_the_default_engine(jobs, asked, answers, number):
    check_agreement(jobs[number], asked[number], answers[number])


@pytest.mark.parametrize("name", ["fifteen", "near the bound", "censored", "one", "flat"])
def test_the_careful_way_agrees_with_the_default_engine(jobs, asked, name, monkeypatch):
    number = list(SERIES).index(name)
    monkeypatch.setattr(batch, "ATTEMPTS", ())
    only = slice(number, number + 1)
    (answer,) = forecast_many(jobs[only], horizon=HORIZON, levels=LEVELS, thresholds=asked[only], draws=4000, seed=1)
    assert answer.way == "careful"
    check_agreement(jobs[number], asked[number], answer)


def test_most_go_the_fast_way_and_pass_both_gates(answers):
    assert [answer.way for answer in answers].count("fast") >= len(answers) - 2
    for answer in answers:
        assert answer.pareto_k <= 0.7
        assert answer.theta_effective >= 30.0
        assert answer.effective_draws >= MIN_EFFECTIVE_DRAWS


def test_equal_seeds_give_equal_answers_and_other_seeds_others(jobs, asked, answers):
    again = forecast_many(jobs, horizon=HORIZON, levels=LEVELS, thresholds=asked, draws=4000, seed=1)
    other = forecast_many(jobs, horizon=HORIZON, levels=LEVELS, thresholds=asked, draws=4000, seed=2)
    assert all(map(same, answers, again))
    assert not any(map(same, answers, other))


def test_what_else_is_in_the_batch_and_in_which_order_changes_nothing(jobs, asked, answers):
    backward = forecast_many(jobs[::-1], horizon=HORIZON, levels=LEVELS, thresholds=asked[::-1], draws=4000, seed=1)
    assert all(map(same, answers, backward[::-1]))
    (alone,) = forecast_many(jobs[4:5], horizon=HORIZON, levels=LEVELS, thresholds=asked[4:5], draws=4000, seed=1)
    assert same(alone, answers[4])


def test_a_longer_batch_is_split_between_threads_and_says_the_same(jobs, asked, answers):
    repeated = forecast_many(jobs * 6, horizon=HORIZON, levels=LEVELS, thresholds=asked * 6, draws=4000, seed=1)
    assert len(repeated) > 2 * batch.CHUNK
    assert all(map(same, repeated, answers * 6))


def test_the_log_evidence_is_that_of_the_nested_laplace(jobs):
    shared = chances(4000, 0)
    for name, job in zip(SERIES, jobs, strict=True):
        states = sample_states(job, design_of(job.theta_prior, job.level_prior), shared, 0)
        careful = fit_one(job.data, (), None, draws=200, seed=0).posterior
        spread = np.sqrt(1.0 / states.theta_effective + 1.0 / careful.theta_effective)
        assert abs(states.log_evidence - careful.log_evidence) <= 4.0 * spread, name
        chosen = weigh_chosen(job, design_of(job.theta_prior, job.level_prior), 0)
        assert chosen.effective >= MIN_EFFECTIVE_POINTS
        spread = np.sqrt(1.0 / chosen.effective + 1.0 / careful.theta_effective)
        assert abs(chosen.log_evidence - careful.log_evidence) <= 4.0 * spread, name


def test_two_figures_of_one_year_go_the_careful_way(jobs):
    data = jobs[0].data
    twice = replace(data, year=np.maximum(data.year, data.year[1]))
    (answer,) = forecast_many(own_jobs([twice]), horizon=1, levels=LEVELS, draws=300)
    assert answer.way == "careful"


def test_no_figure_is_answered_by_the_prior_alone(jobs):
    data = without_figures("there", jobs[0].data.indicator, "", ORIGIN)
    prior = LevelPrior(1.0, 0.5)
    job = Job(data=data, theta_prior=priors_of(data.indicator).theta, level_prior=prior)
    states = sample_states(job, design_of(job.theta_prior, job.level_prior), chances(4000, 0), 0)
    assert states.log_evidence == pytest.approx(0.0, abs=1e-9)
    assert states.level.mean() == pytest.approx(1.0, abs=4.0 * 0.5 / np.sqrt(4000))
    assert states.level.std() == pytest.approx(0.5, rel=4.0 / np.sqrt(8000))


def test_nothing_to_forecast_is_nothing():
    assert forecast_many([], horizon=5, levels=LEVELS) == ()


@pytest.mark.parametrize("name", ["fifteen", "fifty thousand", "printed", "days", "events", "area", "falling"])
def test_printed_figures_are_those_of_the_draws_path(jobs, name):
    data = jobs[list(SERIES).index(name)].data
    draws, rng = 500, np.random.default_rng(4)
    normals, widths = rng.standard_normal((4, draws)), shock_widths(rng, draws)[None]
    theta = np.array([0.1, 0.05, 0.6, 0.15, 0.02])
    thetas, level = np.repeat(theta[:, None], draws, axis=1), rng.normal(data.guess[-1], 0.1, draws)
    found = np.empty((1, draws))
    run = batch.settings_of(data)
    summaries.print_figures(
        thetas,
        level,
        np.full(draws, 0.03),
        data.sign,
        data.kept,
        *run,
        np.tile(normals, 2),
        np.tile(widths, 2),
        np.zeros(5, dtype=np.int64),
        found,
    )
    shocks = (widths * normals[:2]).T[:, None, :]
    future = propagate(thetas.T, data.kept, level, np.full(draws, 0.03), data.sign * thetas[4], shocks)[:, 0]
    expected = publish(data, future + 0.15 * widths[0] * normals[2], normals[3])
    off = np.abs(found[0] / 10.0 ** run[-1] - expected)
    # counts may differ by one where their quantile is that of Cornish and Fisher
    one_count = 100.0 / data.size[-1] if name == "fifty thousand" else 1.0 if name in ("events", "days") else 0.0
    assert off.max() <= max(one_count, 0.0) + 0.1 * (one_count > 0) + 1e-9
    assert (off > 1e-9).mean() <= 0.02


def test_quantiles_of_even_weights_are_order_statistics():
    figures = np.random.default_rng(0).integers(0, 1000, (2, 999)).astype(float)
    wide = figures * 1e4
    levels = np.array([0.1, 0.5, 0.9])
    for values in (figures, wide):
        out, p = np.empty((2, 3)), np.empty(2)
        summaries.count_figures(
            values,
            np.full(999, 1.0 / 999),
            10.0,
            levels,
            np.array([0, 1]),
            np.array([50.0, 50.0]),
            np.array([False, True]),
            out,
            p,
        )
        expected = np.sort(values, axis=1)[:, np.ceil(levels * 999).astype(int) - 1] / 10.0
        np.testing.assert_array_equal(out, expected)
        assert p == pytest.approx([(values[0] / 10 >= 50).mean(), (values[1] / 10 <= 50).mean()])


def test_weights_count_in_quantiles_and_chances():
    figures, weights = np.array([[1.0, 2.0, 3.0]]), np.array([0.2, 0.5, 0.3])
    out, p = np.empty((1, 3)), np.empty(1)
    summaries.count_figures(
        figures, weights, 1.0, np.array([0.2, 0.7, 0.71]), np.array([0]), np.array([2.0]), np.array([False]), out, p
    )
    assert out[0].tolist() == [1.0, 2.0, 3.0]
    assert p[0] == pytest.approx(0.8)
    assert print_rounded(out[0], 0).tolist() == out[0].tolist()
