"""Fitting many series: what may change the draws of a series and what may not."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from qsim.errors import FitError
from qsim.forecast.posterior import fit
from qsim.inference import laplace, nuts
from qsim.inference.design import sobol_normals
from qsim.inference.fit import answerable, fit_series
from qsim.inference.laplace import draw_series, log_evidence, weigh_theta
from qsim.inference.pooling import pooled_level
from qsim.inference.series import collect_series
from qsim.model.priors import LevelPrior, priors_of
from qsim.vocabulary import MIN_POOL_REGIONS

DRAWS = 500
OWN = [{"year": 2008 + t, "value": f"{90 + t / 2:.1f}"} for t in range(6)]


def of_region(region, rows=OWN, **more):
    return [{**row, "region": region, **more} for row in rows]


@pytest.fixture(scope="module")
def fitted(observed, catalogue):
    def run(*rows, **options):
        wanted = {"origin": 2014, "wanted": None, "draws": DRAWS, "seed": 1} | options
        return fit_series(observed(*rows), catalogue, **wanted)

    return run


def equal(one, other):
    """Whether all draws are the same to the last digit."""
    names = ("theta", "level", "slope")
    return all(np.array_equal(getattr(one.posterior, name), getattr(other.posterior, name)) for name in names)


def test_equal_seeds_give_equal_draws_to_the_last_digit(fitted):
    rows = of_region("guizhou") + of_region("sichuan", OWN[2:])
    first, second = fitted(*rows), fitted(*rows)
    assert all(equal(one, other) for one, other in zip(first, second, strict=True))


def test_different_seeds_give_different_draws_of_one_posterior(fitted):
    (one,), (other,) = (fitted(*OWN, seed=seed, draws=4000) for seed in (1, 2))
    assert not equal(one, other)
    last = [fit.posterior.level[:, -1] for fit in (one, other)]
    assert abs(last[0].mean() - last[1].mean()) <= 4.0 * np.sqrt(2.0 / 4000) * last[0].std()
    assert one.posterior.log_evidence == other.posterior.log_evidence


def test_a_series_of_another_indicator_changes_nothing(fitted):
    (alone,) = fitted(*OWN)
    both = fitted(*OWN, *of_region("guizhou", indicator="other_rate"), *of_region("hunan", indicator="other_rate"))
    (same,) = [fit for fit in both if fit.data.label == "guizhou/rate"]
    assert equal(alone, same)


def test_what_else_is_wanted_and_in_which_order_changes_nothing(fitted):
    regions = ["guizhou", "hunan", "sichuan", "yunnan"]
    rows = [row for region in regions for row in of_region(region)]
    keys = [(region, "rate") for region in regions]
    everything, backward = fitted(*rows, wanted=keys), fitted(*rows, wanted=keys[::-1])
    (alone,) = fitted(*rows, wanted=keys[1:2])
    assert [fit.data.region for fit in backward] == regions[::-1]
    assert all(equal(one, other) for one, other in zip(everything, backward[::-1], strict=True))
    assert equal(everything[1], alone)


def test_two_threads_give_what_one_gives(fitted):
    rows = [row for place in range(6) for row in of_region(f"r{place}")]
    for found in fitted(*rows, pool="none"):
        priors = priors_of(found.data.indicator)
        weighted = weigh_theta(found.data, priors.theta, priors.level)
        assert found.posterior.log_evidence == weighted.log_evidence


@pytest.mark.parametrize("changes", [False, True])
def test_a_first_level_that_depends_on_theta_is_the_one_of_its_point(observed, catalogue, changes):
    # a change is no level: such a series goes through the general kernels
    rows = [*OWN, {"year": 2013, "value": "1.5", "change": "points", "base_year": 2012}] if changes else OWN
    (data,) = collect_series(observed(*rows), catalogue, 2014)
    assert data.plain != changes
    z = priors_of(data.indicator).theta.at(sobol_normals(3, 0))
    prior = LevelPrior(1.5, 0.7, slope=(0.3, -0.2, 0.1, 0.2, 4.0), center=tuple(z.mean(axis=0).tolist()))
    each = [
        log_evidence(data, LevelPrior(float(mean), prior.sd), point[None])[0]
        for mean, point in zip(prior.given(z), z, strict=True)
    ]
    np.testing.assert_allclose(log_evidence(data, prior, z), each, rtol=1e-9)


def test_a_series_wanted_twice_is_fitted_once(fitted):
    assert len(fitted(*OWN, wanted=[("guizhou", "rate")] * 2)) == 1


def test_progress_names_every_series(fitted):
    told = []
    fitted(*OWN, *of_region("hunan"), progress=told.append)
    assert sorted(told) == ["guizhou/rate", "hunan/rate"]


@pytest.mark.parametrize("peers", [MIN_POOL_REGIONS - 1, MIN_POOL_REGIONS])
def test_a_region_without_figures_is_answered_by_five_others_and_not_by_four(fitted, observed, catalogue, peers):
    rows = [row for place in range(peers) for row in of_region(f"r{place}")]
    keys = [("tibet", "rate"), ("r0", "rate")]
    found = {fit.data.region: fit for fit in fitted(*rows, wanted=keys)}
    can = answerable(observed(*rows), catalogue, origin=2014, wanted=keys, bases={})
    assert set(can) == {(region, "rate") for region in found}
    assert ("tibet" in found) == (peers >= MIN_POOL_REGIONS)
    if "tibet" in found:
        tibet = found["tibet"]
        assert tibet.pool_regions == peers
        level = tibet.posterior.level
        assert level.shape == (DRAWS, 1)
        law = pooled_level(tibet.data, [fit.data for fit in fitted(*rows)], priors_of(tibet.data.indicator))
        assert tibet.level_prior.mean == law.mean
        assert tibet.level_prior.marginal_sd(tibet.theta_prior) == pytest.approx(law.sd, rel=1e-9)
        assert abs(level.mean() - law.mean) <= 4.0 * law.sd / np.sqrt(DRAWS)
        assert abs(level.std() / law.sd - 1.0) <= 4.0 / np.sqrt(2.0 * DRAWS)


def test_a_basis_without_a_pool_is_not_answered(fitted):
    rows = [row for place in range(6) for row in of_region(f"r{place}", indicator="pass_rate", definition="old")]
    key = ("tibet", "pass_rate")
    assert fitted(*rows, wanted=[key])[0].data.basis == "old"
    with pytest.raises(FitError, match="no series to fit"):
        fitted(*rows, wanted=[key], bases={key: "new"})


def test_pool_none_takes_the_shipped_priors(fitted):
    rows = [row for place in range(6) for row in of_region(f"r{place}")]
    alone, pooled = fitted(*rows, pool="none")[0], fitted(*rows)[0]
    priors = priors_of(alone.data.indicator)
    np.testing.assert_array_equal(alone.theta_prior.mean, priors.theta.mean)
    np.testing.assert_array_equal(alone.theta_prior.covariance, priors.theta.covariance)
    assert alone.level_prior == priors.level
    assert (alone.pool_regions, pooled.pool_regions) == (0, 5)
    assert pooled.level_prior != priors.level
    with pytest.raises(FitError):
        fitted(*rows, pool="none", wanted=[("tibet", "rate")])


def test_a_series_is_left_out_of_its_own_pool(fitted):
    rows = [row for place in range(5) for row in of_region(f"r{place}")]
    moved = [*of_region("r0", [{"year": 2008 + t, "value": f"{40 + t}"} for t in range(6)]), *rows[6:]]
    one, other = fitted(*rows)[0], fitted(*moved)[0]
    assert one.level_prior == other.level_prior
    np.testing.assert_array_equal(one.theta_prior.mean, other.theta_prior.mean)


@pytest.mark.parametrize("count", [1, 2, 3, 6, 12, 30])
def test_one_to_thirty_printed_rates_are_fitted_and_pass_both_gates(fitted, count):
    rows = [{"year": 2015 - count + t, "value": f"{85 + 5 * np.sin(t):.1f}"} for t in range(count)]
    (found,) = fitted(*rows, draws=4000)
    posterior = found.posterior
    assert posterior.level.shape == (4000, count)
    assert posterior.theta.shape == (4000, 5)
    assert np.isfinite(posterior.level).all()
    assert posterior.gate


def test_a_gap_of_five_years_is_a_gap_in_time(fitted):
    gap = [{"year": 2003, "value": "60.5"}, {"year": 2008, "value": "62.0"}, {"year": 2013, "value": "63.4"}]
    (found,) = fitted(*gap)
    assert found.data.years == 12
    sd = found.posterior.level.std(axis=0)
    # widest in the middle of each gap and after the last figure
    assert sd[2] > max(sd[0], sd[5])
    assert sd[7] > max(sd[5], sd[10])
    assert sd[11] > sd[10]


def test_years_after_the_last_figure_are_part_of_the_grid(fitted):
    (found,) = fitted(*OWN[:2], origin=2014)
    assert found.posterior.level.shape[1] == 7
    assert np.all(np.diff(found.posterior.level.std(axis=0)[1:]) > 0.0)


@pytest.mark.parametrize(
    "row",
    [
        {"value": "100", "qualifier": ">="},
        {"value": "0", "qualifier": "<="},
        {"value": "95", "qualifier": ">="},
        {"value": "95", "qualifier": "~"},
        {"indicator": "days", "value": "365"},
        {"indicator": "days", "value": "366"},
        {"indicator": "days", "value": "350", "denominator": 340},
        {"indicator": "accidents", "value": "0"},
        {"indicator": "accidents", "value": "0", "qualifier": "<="},
        {"indicator": "patents", "value": "12000"},
        {"indicator": "area", "value": "0", "qualifier": ">="},
        {"indicator": "score", "value": "81.5"},
        {"value": "98.2", "denominator": 1609},
    ],
    ids=lambda row: " ".join(map(str, row.values())),
)
def test_every_kind_of_figure_is_fitted(fitted, row):
    (found,) = fitted({"year": 2012, **row})
    assert np.isfinite(found.posterior.level).all()
    assert np.isfinite(found.posterior.log_evidence)


@pytest.mark.parametrize("figures", [1, 5])
def test_figures_of_at_least_95_percent_pass_both_gates(fitted, figures):
    (found,) = fitted(*({"year": 2008 + t, "value": "95", "qualifier": ">="} for t in range(figures)), draws=4000)
    assert found.posterior.gate
    # 95 and no more would be a level of 2.94 with a sd of the year noise
    share_above_97 = (found.posterior.level[:, 0] > np.log(0.97 / 0.03)).mean()
    assert share_above_97 >= 0.4


def test_draws_have_equal_weights_and_no_order(fitted):
    (found,) = fitted(*OWN, draws=4000)
    level = found.posterior.level[:, -1] - found.posterior.level[:, -1].mean()
    lag_one = (level[1:] * level[:-1]).mean() / level.var()
    assert abs(lag_one) <= 4.0 / np.sqrt(4000)


def test_drawing_twice_from_one_stream_is_the_same(series_of):
    data = series_of([(0, 0, 12.0, 12.0, 15.0), (2, 0, 14.0, 14.0, 15.0)])
    priors = priors_of(data.indicator)
    weighted = weigh_theta(data, priors.theta, priors.level)
    one, other = (draw_series(data, weighted, priors.level, draws=300, rng=np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one.level, other.level)


@pytest.mark.parametrize("wanted", [[], [("tibet", "rate")]])
def test_nothing_to_fit_is_said(fitted, wanted):
    with pytest.raises(FitError, match="no series to fit"):
        fitted(*OWN, wanted=wanted)


def test_an_origin_before_all_figures_leaves_nothing_to_fit(fitted):
    with pytest.raises(FitError, match="no series to fit"):
        fitted(*OWN, origin=2000)


def test_only_figures_set_aside_leave_nothing_to_fit(observed, catalogue):
    rows = observed({"year": 2010, "value": "90", "period": "part"})
    with pytest.raises(FitError, match="no series to fit"):
        fit(rows, catalogue=catalogue)


def test_the_public_fit_takes_the_newest_year_for_origin(observed, catalogue):
    posterior = fit(observed(*OWN), catalogue=catalogue, draws=DRAWS, seed=1)
    (direct,) = fit_series(observed(*OWN), catalogue, origin=2013, wanted=None, draws=DRAWS, seed=1)
    assert posterior.origin == 2013
    np.testing.assert_array_equal(whole(posterior.fits[0]), whole(direct))


TWO = [
    *of_region("guizhou"),
    *of_region("sichuan", [{**row, "value": f"{80 + 2 * (t % 3)}.0"} for t, row in enumerate(OWN)]),
]


@pytest.fixture(scope="module")
def moving(observed, catalogue):
    def run(*rows, **options):
        return fit(observed(*rows), catalogue=catalogue, draws=DRAWS, seed=1, **options)

    return run


def whole(fit):
    """Draws of a fit, one a row, in the order of their numbers."""
    rows = np.column_stack([fit.posterior.theta, fit.posterior.level, fit.posterior.slope])
    return rows[np.lexsort(rows.T)]


def test_common_shocks_change_which_draws_go_together_and_no_law(moving):
    together, free = moving(*TWO), moving(*TWO, common_shocks=False)
    for one, other in zip(together.fits, free.fits, strict=True):
        np.testing.assert_array_equal(whole(one), whole(other))
    assert together.common_shocks["overlap"].values.tolist() == [[5, 5], [5, 5]]
    assert together.common_shocks["correlation"].values[0, 1] != together.common_shocks["prior"].values[0, 1]


def test_common_shocks_are_the_same_in_every_run(moving):
    first, second = (moving(*TWO).forecast([2016]) for _ in range(2))
    np.testing.assert_array_equal(first["published"], second["published"])


def test_the_order_in_which_series_are_asked_for_changes_no_draw(moving):
    keys = [("guizhou", "rate"), ("sichuan", "rate")]
    one, other = (moving(*TWO, series=order) for order in (keys, keys[::-1]))
    turned = [f"{region}/{slug}" for region, slug in keys]
    for found, again in ((one.forecast([2014, 2016]), other.forecast([2014, 2016])), (one.dataset, other.dataset)):
        assert again["series"].values.tolist() == turned[::-1]
        xr.testing.assert_identical(found, again.sel(series=turned))
    xr.testing.assert_identical(one.common_shocks, other.common_shocks.sel(series=turned, series_other=turned))


LONE = [{"year": 2010, "value": "91.0"}]
OTHER = [{"year": 2012, "value": "88.0"}]


def test_series_that_share_no_year_have_the_same_draws_whichever_others_there_are(moving):
    rows = [*of_region("guizhou", LONE), *of_region("hunan", OTHER), *of_region("sichuan", OWN)]
    every = moving(*rows, origin=2013).forecast([2016], series=["guizhou/rate"])
    for others in ([], ["hunan"], ["sichuan"]):
        keys = [(region, "rate") for region in [*others, "guizhou"]]
        found = moving(*rows, origin=2013, series=keys).forecast([2016], series=["guizhou/rate"])
        xr.testing.assert_identical(found, every)


ZEROS = [{"year": 2009 + t, "value": "0", "indicator": "accidents"} for t in range(6)]


def test_six_years_without_an_accident_pass_both_gates(fitted):
    (found,) = fitted(*ZEROS, draws=4000)
    assert found.posterior.gate
    assert found.posterior.engine == "laplace"


def test_a_failed_gate_is_said_and_auto_sends_that_series_alone_to_nuts(observed, catalogue, monkeypatch):
    asked = []

    def sample_series(data, theta_prior, level_prior, *, draws, seed):
        asked.append(data.label)
        weighted = weigh_theta(data, theta_prior, level_prior)
        found = draw_series(data, weighted, level_prior, draws=draws, rng=np.random.default_rng(seed))
        return replace(found, engine="nuts")

    monkeypatch.setattr(nuts, "sample_series", sample_series)
    # one of two series has the more effective points: the limit lies between them
    rows = [*OWN, *of_region("hunan", OWN[:1])]
    options = {"catalogue": catalogue, "draws": DRAWS, "seed": 1, "pool": "none", "origin": 2014}
    told = fit(observed(*rows), **options).diagnostics
    assert told["gate"].all()
    limit = float(told["theta_ess"].mean())
    monkeypatch.setattr(laplace, "MIN_EFFECTIVE_POINTS", limit)
    said = fit(observed(*rows), **options).diagnostics
    enough = said["theta_ess"].values >= limit
    assert said["gate"].values.tolist() == enough.tolist()
    assert enough.sum() == 1
    assert set(said["engine"].values.tolist()) == {"laplace"}
    assert not asked
    sent = fit(observed(*rows), engine="auto", **options).diagnostics
    assert sent["engine"].values.tolist() == ["laplace" if one else "nuts" for one in enough]
    assert asked == said["series"].values[~enough].tolist()
