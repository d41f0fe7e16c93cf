"""Conditioning on a figure agrees with fitting again with it, to two points; a line is where P crosses its bound."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import qsim
from qsim.feasibility.beside import Beside
from qsim.feasibility.chance import Chances
from qsim.feasibility.checkpoints import Ahead, _covariance, checkpoint
from qsim.feasibility.draws import ForecastDraws
from qsim.feasibility.events import Draws
from qsim.feasibility.records import Checkpoint, TargetResult
from qsim.feasibility.refit import refit
from qsim.forecast.posterior import Posterior
from qsim.indicators import Catalogue, Indicator
from qsim.inference.fit import FittedSeries
from qsim.inference.series import collect_series
from qsim.model.series import SeriesData
from qsim.model.trend import propagate
from qsim.records import Names

DUE, SEEN = 2018, 2016
"""The target is due in the fourth year after the origin; a figure of the second is added."""


def with_figure(data: SeriesData, year: int, other: SeriesData) -> SeriesData:
    """The series with the one figure of another, published in a later year, which becomes the origin."""
    return replace(
        data,
        origin=year,
        year=np.append(data.year, other.year),
        kind=np.append(data.kind, other.kind),
        lower=np.append(data.lower, other.lower),
        upper=np.append(data.upper, other.upper),
        size=np.append(data.size, other.size),
        guess=np.append(data.guess, other.guess),
        guess_variance=np.append(data.guess_variance, other.guess_variance),
        printed=np.append(data.printed, other.printed),
    )


NAME = Names(zh="例", en="example")
CATALOGUE = Catalogue(
    indicators=(
        Indicator(slug="rate", name=NAME),
        Indicator(slug="number", name=NAME, unit="件", family="count", decimals=0),
    )
)


def observed(years: list[int], values: list[str], trials: str = "", slug: str = "rate"):
    table = {"region": "here", "indicator": slug, "year": years, "value": values, "denominator": trials}
    return qsim.read_observations(pd.DataFrame(table), catalogue=CATALOGUE)


CASES = {
    "five printed figures": (["88.1", "88.9", "89.7", "90.4", "90.1"], "", 92.0, "rate"),
    "one printed figure": (["90.1"], "", 92.0, "rate"),
    "three samples of 300": (["88.1", "88.9", "89.7"], "300", 92.0, "rate"),
    "ten figures of a slow share": ([f"{50 + 0.4 * i:.1f}" for i in range(10)], "", 55.5, "rate"),
    "four numbers of a few things": (["6", "9", "8", "11"], "", 14.0, "number"),
}


@pytest.fixture(scope="module", params=CASES)
def case(request) -> tuple[Posterior, float, str]:
    values, trials, level, slug = CASES[request.param]
    figures = observed(list(range(2015 - len(values), 2015)), values, trials, slug)
    # one series alone has nothing in common with others
    return qsim.fit(figures, draws=4000, seed=1, catalogue=CATALOGUE, common_shocks=False), level, trials


def test_the_chance_given_a_figure_is_that_of_a_fit_with_the_figure(case):
    """The standard error of the reference at 20,000 draws is 0.4 points."""
    posterior, level, trials = case
    (fit,) = posterior.fits
    likely = posterior.forecast([SEEN])["published"].values.ravel()
    decimals, slug = fit.data.decimals, fit.data.indicator.slug
    figures = np.unique(np.round(np.quantile(likely, [0.05, 0.3, 0.5, 0.7, 0.95]), decimals))
    published, weights = Ahead.of(fit, DUE, seed=0).given(SEEN, figures, (DUE,))
    chances = (weights * (published[:, :, -1] >= level)).sum(axis=1)
    for figure, chance in zip(figures, chances, strict=True):
        (added,) = collect_series(observed([SEEN], [f"{figure:.{decimals}f}"], trials, slug), CATALOGUE, SEEN)
        again = refit(fit, data=with_figure(fit.data, SEEN, added), draws=20_000, seed=5)
        later = replace(posterior, fits=(again,), origin=SEEN, seed=5)
        exact = (later.forecast([DUE])["published"].values >= level).mean()
        assert chance == pytest.approx(exact, abs=0.02)


def test_weights_sum_to_one_and_the_figure_stands_in_its_year(case):
    posterior, _, _ = case
    published, weights = Ahead.of(posterior.fits[0], DUE, seed=0).given(SEEN, np.array([88.0, 92.0]), (DUE,))
    assert np.allclose(weights.sum(axis=1), 1.0)
    assert (published[0, :, 1] == 88.0).all()
    assert (published[1, :, 1] == 92.0).all()
    assert np.isnan(published[:, :, 0]).all()


def test_covariances_of_the_future_are_those_of_propagated_draws():
    theta, draws = np.array([0.2, 0.1, 0.7, 0.05, 0.0]), 200_000
    rng = np.random.default_rng(0)
    many = np.tile(theta, (draws, 1))
    paths = propagate(many, 0.97, np.zeros(draws), np.zeros(draws), np.zeros(draws), rng.standard_normal((draws, 4, 2)))
    found = np.array([np.cov(paths[:, k], paths[:, 1])[0, 1] for k in range(4)])
    exact = _covariance(theta[None], 0.97, 4, 1)[0]
    # four standard errors of a covariance
    spread = np.sqrt((np.var(paths, axis=0) * np.var(paths[:, 1]) + exact**2) / draws)
    assert (np.abs(found - exact) <= 4 * spread).all()


@pytest.fixture(scope="module")
def ahead() -> Ahead:
    return Ahead.of(qsim.fit(observed([2013, 2014], ["89.0", "90.0"]), draws=1000).fits[0], DUE, seed=0)


def test_half_of_the_futures_are_mirror_images(ahead):
    half = len(ahead.error) // 2
    random = ahead.drivers
    for values in (random.normals, random.noise, random.scores, ahead.error):
        np.testing.assert_array_equal(values[half:], -values[:half])
    for values in (ahead.theta, ahead.state, random.widths):
        np.testing.assert_array_equal(values[half:], values[:half])


def test_year_noise_is_wide_after_the_figure_alone(ahead):
    theta = ahead.theta.copy()
    theta[:, :2], theta[:, 3] = 0.0, 0.2
    narrow, wide = (
        replace(ahead, theta=theta, drivers=replace(ahead.drivers, widths=np.full_like(ahead.drivers.widths, width)))
        for width in (1.0, 3.0)
    )
    (one, _), (other, _) = (each.given(SEEN, np.array([90.0]), (2015, DUE)) for each in (narrow, wide))
    np.testing.assert_array_equal(one[..., 0], other[..., 0])
    assert other[..., -1].std() > 1.5 * one[..., -1].std()


def met_from(level: float, *, high: bool = True) -> Callable[[Draws], np.ndarray]:
    """Met exactly where the figure of the year itself reaches a level: the chance jumps from 0 to 1 there."""
    return lambda future: (future.at(SEEN) >= level) if high else (future.at(SEEN) <= level)


LIKELY = np.linspace(85.0, 95.0, 201)


@pytest.mark.parametrize("high", [True, False])
@pytest.mark.parametrize("level", [87.0, 90.0, 92.3])
def test_the_line_is_the_required_level_where_the_chance_jumps(ahead, level, high):
    point = checkpoint(ahead, SEEN, LIKELY, met_from(level, high=high), wanted=(SEEN,), high=high, decimals=1)
    assert (point.half, point.fifth) == (level, level)
    assert (point.p_worst, point.p_best) == (0.0, pytest.approx(1.0))


@pytest.mark.parametrize("high", [True, False])
def test_the_lines_are_those_of_a_search_through_every_printable_figure(ahead, high):
    def meets(future: Draws) -> np.ndarray:
        return (future.at(DUE) >= 91.0) if high else (future.at(DUE) <= 91.0)

    point = checkpoint(ahead, SEEN, LIKELY, meets, wanted=(DUE,), high=high, decimals=1)
    every = np.arange(870, 950)[:: 1 if high else -1] / 10
    published, weights = ahead.given(SEEN, every, (DUE,))
    chances = (weights * meets(Draws(published, ahead.years))).sum(axis=1)
    assert point.half == every[np.argmax(chances >= 0.5)]
    assert point.fifth == every[np.argmax(chances >= 0.2)]
    assert chances[0] < 0.2


def test_a_line_among_thousands_of_figures_is_exact_to_the_last_digit(ahead):
    """A step of the grid is some thousands of printable figures."""
    point = checkpoint(ahead, SEEN, LIKELY, met_from(90.1234), wanted=(SEEN,), high=True, decimals=4)
    assert (point.half, point.fifth) == (90.1234, 90.1234)


@pytest.mark.parametrize(("level", "worst", "best"), [(0.0, 1.0, 1.0), (100.0, 0.0, 0.0)])
def test_where_the_chance_does_not_cross_there_is_no_such_figure(ahead, level, worst, best):
    point = checkpoint(ahead, SEEN, LIKELY, met_from(level), wanted=(SEEN,), high=True, decimals=1)
    assert (point.half, point.fifth) == (None, None)
    assert (point.p_worst, point.p_best) == (pytest.approx(worst), pytest.approx(best))


def test_twenty_percent_is_crossed_at_a_worse_figure_than_fifty(ahead):
    def meets(future: Draws) -> np.ndarray:
        return future.at(DUE) >= 91.0

    point = checkpoint(ahead, SEEN, LIKELY, meets, wanted=(DUE,), high=True, decimals=1)
    assert point.fifth <= point.half
    assert point.p_worst < 0.2
    assert point.p_best > 0.5


SHIPPED = {
    "hainan-2020": {"forest-coverage": 62.0, "key-product-pass-rate": 93.0, "agri-sampling": 98.0},
    "guizhou-2017": {"green-coverage": 30.0},
}
"""Levels of shipped targets: Hainan's stand for every year, Guizhou's for the last."""


@pytest.fixture(scope="module", params=[(plan, target) for plan, targets in SHIPPED.items() for target in targets])
def shipped(request, studies) -> tuple[Posterior, TargetResult, float]:
    plan, target = request.param
    posterior, results = studies[plan]
    return posterior, results[target], SHIPPED[plan][target]


@pytest.fixture(scope="module")
def studies() -> dict[str, tuple[Posterior, dict[str, TargetResult]]]:
    """Shipped plans with what stands beside the targets named above."""
    found = {}
    for name, targets in SHIPPED.items():
        study = qsim.run(name, scenarios=[], beside=False)
        assessment = study.assessment
        plain = [one for one in assessment.results if one.target.id in targets]
        beside = Beside(study.plan, Chances(ForecastDraws(assessment.forecast), assessment.catalogue), study.posterior)
        found[name] = study.posterior, {one.target.id: one for one in beside.add(plain)}
    return found


def fit_of(posterior: Posterior, result: TargetResult) -> FittedSeries:
    return next(fit for fit in posterior.fits if fit.data.label == result.series)


def test_a_shipped_target_reaches_the_bound_at_its_line_and_not_one_digit_below(shipped):
    posterior, result, level = shipped
    fit, years = fit_of(posterior, result), result.target.years
    ahead, digit = Ahead.of(fit, result.target.last_year, posterior.seed), 10.0**-fit.data.decimals
    lines = [(point.year, bound, line) for point in result.checkpoints for bound, line in both(point)]
    assert len(lines) == 2 * len(result.checkpoints) == 4
    for year, bound, line in lines:
        figures = np.round([line - digit, line], fit.data.decimals)
        published, weights = ahead.given(year, figures, years)
        future = Draws(published, ahead.years).over(years)
        below, at = (weights * (future >= level - 1e-9).all(axis=-1)).sum(axis=1)
        assert below < bound <= at
        assert line >= level or len(years) == 1


def both(point: Checkpoint) -> tuple[tuple[float, float | None], ...]:
    return (0.5, point.half), (0.2, point.fifth)


def test_a_fit_with_the_figure_of_a_shipped_line_agrees_with_it(studies):
    """Guizhou's green coverage of 2016: the standard error of the reference at 20,000 draws is 0.4 points."""
    posterior, results = studies["guizhou-2017"]
    result = results["green-coverage"]
    fit, (*_, point) = fit_of(posterior, result), result.checkpoints
    figures = np.round([point.half - 10.0**-fit.data.decimals, point.half], fit.data.decimals)
    published, weights = Ahead.of(fit, 2017, posterior.seed).given(point.year, figures, (2017,))
    chances = (weights * (published[:, :, -1] >= 30.0)).sum(axis=1)
    catalogue = Catalogue(indicators=(fit.data.indicator,))
    for figure, chance in zip(figures, chances, strict=True):
        text = f"{figure:.{fit.data.decimals}f}"
        table = {"region": "here", "indicator": fit.data.indicator.slug, "year": [point.year], "value": [text]}
        seen = qsim.read_observations(pd.DataFrame({**table, "definition": "mohurd_city"}), catalogue=catalogue)
        (added,) = collect_series(seen, catalogue, point.year)
        again = refit(fit, data=with_figure(fit.data, point.year, added), draws=20_000, seed=5)
        later = replace(posterior, fits=(again,), origin=point.year, seed=5, shocks=None)
        exact = (later.forecast([2017])["published"].values >= 30.0).mean()
        assert chance == pytest.approx(exact, abs=0.02)
