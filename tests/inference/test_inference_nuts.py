"""The PyMC model is the same model: its density against the compiled likelihoods, and one short run of NUTS."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from qsim.forecast.posterior import fit
from qsim.inference.layout import layouts
from qsim.inference.pymc_model import build_model
from qsim.model.functional import DIFFERENCE, RATIO, TOTAL, Extra, Offset, latent_value
from qsim.model.functional import LEVEL as FORM_LEVEL
from qsim.model.likelihood import BINOMIAL, BINOMIAL_RANGE, INTERVAL, POISSON, log_likelihood
from qsim.model.links import Link
from qsim.model.priors import LevelPrior, default_priors
from qsim.model.trend import constrain, level_mean, simulate_path

# where PyTensor finds no BLAS it says so once a process; a model this small does without
pytestmark = pytest.mark.filterwarnings("ignore:PyTensor could not link to a BLAS:UserWarning")

INF = np.inf
NAN = np.nan
PRIOR = default_priors()["logit"].theta
LEVEL = LevelPrior(1.5, 1.0, slope=(0.3, -0.2, 0.1, 0.2, 4.0), center=tuple(PRIOR.mean.tolist()))
DRIFT = 4

FIGURES = {
    "every kind": [
        (0, BINOMIAL, 36.0, 36.0, 40.0),
        (1, BINOMIAL_RANGE, 276.0, 290.0, 300.0),
        (2, BINOMIAL_RANGE, 12.0, 12.0, 15.0),
        (3, POISSON, 7.0, 7.0, NAN),
        (4, INTERVAL, 1.0, 1.5, NAN),
        (5, INTERVAL, 1.0, 1.00001, NAN),
        (6, INTERVAL, 2.5, INF, NAN),
        (7, INTERVAL, -INF, 2.0, NAN),
        (8, BINOMIAL, 40.0, 40.0, 40.0),
    ],
    "no bound": [(0, INTERVAL, -INF, INF, NAN), (1, BINOMIAL, 36.0, 36.0, 40.0)],
    "nothing but no bound": [(0, INTERVAL, -INF, INF, NAN), (3, INTERVAL, -INF, INF, NAN)],
    "one year": [(0, BINOMIAL, 0.0, 0.0, 40.0)],
    "no figure": [],
}


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("better", ["higher", "lower"])
def test_the_density_of_the_pymc_model_is_that_of_the_compiled_one(series_of, name, better):
    figures = FIGURES[name]
    data = series_of(figures, years=1 if name in ("one year", "no figure") else 9, better=better)
    model = build_model(data, PRIOR, LEVEL)
    paths = model.replace_rvs_by_values([model[one] for one in ("theta", "level", "slope")])
    outputs = [*paths, model.logp()]
    # FAST_COMPILE: a handful of points does not repay an optimized graph
    evaluate = model.compile_fn(outputs, inputs=model.value_vars, mode="FAST_COMPILE", point_fn=False)
    names = [variable.name for variable in model.value_vars]
    rng = np.random.default_rng(3)
    constants = []
    for _ in range(4):
        point = {one: rng.standard_normal(value.shape) for one, value in model.initial_point().items()}
        theta, level, slope, density = evaluate(*(point[one] for one in names))
        z = PRIOR.mean + np.linalg.cholesky(PRIOR.covariance) @ point["z_raw"]
        np.testing.assert_allclose(theta, constrain(z), rtol=1e-9)

        innovations = np.column_stack([point.get("v", np.empty(0)), point.get("u", np.empty(0))])
        normals = np.concatenate([[point["level_raw"], point["slope_raw"]], innovations.ravel()])
        path = np.empty(data.years)
        last = simulate_path(theta, data.kept, LEVEL.sd, normals, path)
        expected = level_mean(LEVEL.given(z[None])[0], data.sign * theta[DRIFT], data.kept, data.years) + path
        np.testing.assert_allclose(level, expected, rtol=1e-9, atol=1e-12)
        assert slope == pytest.approx(last, rel=1e-9, abs=1e-12)

        latent = level[data.steps] + theta[3] * data.noisy * point.get("noise_raw", np.empty(0))
        likelihood = sum(
            log_likelihood(int(kind), f, lower, upper, size, theta[3])[0]
            for kind, f, lower, upper, size in zip(data.kind, latent, data.lower, data.upper, data.size, strict=True)
        )
        normals = sum(stats.norm.logpdf(value).sum() for one, value in point.items() if one != "z_raw")
        constants.append(density - normals - PRIOR.log_density(z[None])[0] - likelihood)
    # equal up to one constant: that of the prior of theta, which a sampler does not need
    np.testing.assert_allclose(constants, constants[0], atol=1e-6)


def extra(form, year, first=None, **more):
    """An extra in the interval 0.1 to 0.3 of its latent value; years count from 0."""
    traits = {"kind": INTERVAL, "lower": 0.1, "upper": 0.3, "guess": 0.2, "guess_variance": 0.01} | more
    return Extra(form=form, first_year=2010 + (year if first is None else first), year=2010 + year, **traits)


EXTRAS = (
    extra(FORM_LEVEL, 1, offset=0),
    extra(FORM_LEVEL, 4, kind=BINOMIAL, lower=30.0, upper=30.0, size=40.0, offset=1, sd=0.5),
    extra(FORM_LEVEL, 0, lower=1.0, upper=INF, sd=0.5),
    extra(RATIO, 3, 0),
    extra(DIFFERENCE, 5, 2, scale=0.1, offset=0),
    extra(TOTAL, 5, 3, weight=1.0 / 3.0, kind=BINOMIAL_RANGE, lower=25.0, upper=27.0, size=40.0),
    extra(RATIO, 4, 1, other=extra(DIFFERENCE, 4, 1, scale=0.2)),
)
SPECIAL = {
    "logit": (Link("logit", 100.0), EXTRAS),
    "logit below a limit": (Link("logit", 95.0), EXTRAS),
    "log": (
        Link("log", 1.0),
        (*EXTRAS[:1], *EXTRAS[2:5], EXTRAS[6], extra(TOTAL, 4, 2, kind=POISSON, lower=9.0, upper=9.0)),
    ),
    "identity": (Link("identity", 10.0), (*EXTRAS[:1], *EXTRAS[2:5], EXTRAS[6], extra(TOTAL, 4, 2, weight=1.0 / 3.0))),
}


def log_likelihood_of(data, layout, level, sigma, point):
    """Log-likelihood of every figure of one reading by the compiled functions, dims (figure)."""
    offset = layout.offset_mean + layout.offset_sd * point["offset_raw"]
    terms = []
    for i in range(layout.form.size):
        years = slice(layout.first[i], layout.last[i] + 1)
        eta = level[years] + (1.0 - layout.own[i]) * sigma * point["year_noise_raw"][years]
        eta = eta + (offset[layout.offset[i]] if layout.offset[i] >= 0 else 0.0)
        value = latent_value(layout.form[i], layout.link, layout.weight[i], layout.scale[i], eta, np.empty(eta.size))
        noise = np.sqrt(layout.own[i] * sigma**2 + layout.sd[i] ** 2)
        value += layout.noisy[i] * noise * point["noise_raw"][i]
        ends = layout.lower[i], layout.upper[i], layout.size[i]
        terms.append(log_likelihood(layout.kind[i], value, *ends, noise, layout.limit)[0])
    return np.array(terms)


@pytest.mark.parametrize("name", SPECIAL)
def test_the_density_of_figures_that_are_more_than_levels_is_that_of_the_compiled_one(series_of, name):
    link, extras = SPECIAL[name]
    figures = [(2, INTERVAL, 0.9, 1.4, NAN), (2, INTERVAL, 1.2, 1.5, NAN), (5, INTERVAL, 1.0, 1.5, NAN)]
    offsets = (Offset(basis="old", mean=-1.0, sd=0.5), Offset(basis="older", mean=0.3, sd=0.2))
    data = replace(series_of(figures), link=link, extras=extras, offsets=offsets)
    model = build_model(data, PRIOR, LEVEL)
    paths = model.replace_rvs_by_values([model[one] for one in ("theta", "level", "offset")])
    evaluate = model.compile_fn([*paths, model.logp()], inputs=model.value_vars, mode="FAST_COMPILE", point_fn=False)
    rng = np.random.default_rng(3)
    constants = []
    for _ in range(4):
        point = {one: 0.5 * rng.standard_normal(value.shape) for one, value in model.initial_point().items()}
        theta, level, offset, density = evaluate(*(point[variable.name] for variable in model.value_vars))
        np.testing.assert_allclose(offset, [-1.0 + 0.5 * point["offset_raw"][0], 0.3 + 0.2 * point["offset_raw"][1]])
        first, second = (log_likelihood_of(data, layout, level, theta[3], point) for layout in layouts(data))
        either = np.where(first == second, first, np.logaddexp(first, second) - np.log(2.0))
        normals = sum(stats.norm.logpdf(value).sum() for one, value in point.items() if one != "z_raw")
        z = PRIOR.mean + np.linalg.cholesky(PRIOR.covariance) @ point["z_raw"]
        constants.append(density - normals - PRIOR.log_density(z[None])[0] - either.sum())
    np.testing.assert_allclose(constants, constants[0], rtol=1e-9, atol=1e-6)
    assert (first != second).sum() == 1


@pytest.mark.parametrize("name", ["every kind", "no bound"])
def test_the_gradient_of_the_pymc_model_is_finite(series_of, name):
    model = build_model(series_of(FIGURES[name], years=9), PRIOR, LEVEL)
    gradient = model.compile_fn(model.dlogp(), mode="FAST_COMPILE")
    rng = np.random.default_rng(4)
    for _ in range(40):
        point = {one: rng.standard_normal(value.shape) for one, value in model.initial_point().items()}
        assert np.isfinite(gradient(point)).all()


def test_both_engines_give_the_same_probabilities(observed, catalogue):
    rows = [
        {"year": 2009 + t, "value": f"{100 * k / 40:.1f}", "numerator": k, "denominator": 40}
        for t, k in enumerate([36, 37, 36, 38, 37, 38])
    ]
    laplace, nuts = (
        fit(observed(*rows), catalogue=catalogue, engine=engine, draws=draws, seed=1)
        for engine, draws in (("laplace", 4000), ("nuts", 12_000))
    )
    effective = nuts.fits[0].posterior.theta_effective
    assert effective >= 400.0
    one, other = (posterior.fits[0].posterior.level[:, -1] for posterior in (laplace, nuts))
    for probability in (0.3, 0.5, 0.7):
        point = np.quantile(one, probability)
        standard_error = np.sqrt(probability * (1.0 - probability) * (1.0 / effective + 1.0 / one.size))
        assert abs((other <= point).mean() - probability) <= 4.0 * standard_error


def test_both_engines_agree_on_a_series_joined_through_a_break(observed, catalogue):
    rows = [
        {"indicator": "pass_rate", "definition": code, "year": year, "value": value}
        for code, year, value in (("old", 2009, "90.0"), ("old", 2011, "91.0"), ("new", 2013, "84.0"))
    ]
    laplace, nuts = (
        fit(observed(*rows), catalogue=catalogue, engine=engine, draws=draws, pool="none", seed=1).fits[0].posterior
        for engine, draws in (("laplace", 4000), ("nuts", 3000))
    )
    assert nuts.theta_effective >= 100.0
    for one, other in ((laplace.level[:, -1], nuts.level[:, -1]), (laplace.offset[:, 0], nuts.offset[:, 0])):
        for probability in (0.3, 0.5, 0.7):
            point = np.quantile(one, probability)
            both = 1.0 / nuts.theta_effective + 1.0 / one.size
            standard_error = np.sqrt(probability * (1.0 - probability) * both)
            assert abs((other <= point).mean() - probability) <= 4.0 * standard_error
