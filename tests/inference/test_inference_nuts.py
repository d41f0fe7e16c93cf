"""The PyMC model is the same model: its density against the compiled likelihoods, and one short run of NUTS."""

import numpy as np
import pytest
from scipy import stats

from qsim.forecast.posterior import fit
from qsim.inference.pymc_model import build_model
from qsim.model.likelihood import BINOMIAL, BINOMIAL_RANGE, INTERVAL, POISSON, log_likelihood
from qsim.model.priors import LevelPrior, default_priors
from qsim.model.trend import constrain, simulate_path

# where PyTensor finds no BLAS it says so once a process; a model this small does without
pytestmark = pytest.mark.filterwarnings("ignore:PyTensor could not link to a BLAS:UserWarning")

INF = np.inf
NAN = np.nan
PRIOR = default_priors()["logit"].theta
LEVEL = LevelPrior(1.5, 1.0)
DRIFT = 4

FIGURES = {
    "every kind": [
        (0, BINOMIAL, 36.0, 36.0, 40.0),
        (0, BINOMIAL_RANGE, 276.0, 290.0, 300.0),
        (1, BINOMIAL_RANGE, 12.0, 12.0, 15.0),
        (2, POISSON, 7.0, 7.0, NAN),
        (3, INTERVAL, 1.0, 1.5, NAN),
        (3, INTERVAL, 1.0, 1.00001, NAN),
        (4, INTERVAL, 2.5, INF, NAN),
        (5, INTERVAL, -INF, 2.0, NAN),
        (5, BINOMIAL, 40.0, 40.0, 40.0),
    ],
    "no bound": [(0, INTERVAL, -INF, INF, NAN), (1, BINOMIAL, 36.0, 36.0, 40.0)],
    "one year": [(0, BINOMIAL, 0.0, 0.0, 40.0)],
    "no figure": [],
}


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("better", ["higher", "lower"])
def test_the_density_of_the_pymc_model_is_that_of_the_compiled_one(series_of, name, better):
    figures = FIGURES[name]
    data = series_of(figures, years=1 if name in ("one year", "no figure") else 7, better=better)
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
        last = simulate_path(theta, LEVEL.sd, normals, path)
        expected = LEVEL.mean + data.sign * theta[DRIFT] * np.arange(data.years) + path
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


@pytest.mark.parametrize("name", ["every kind", "no bound"])
def test_the_gradient_of_the_pymc_model_is_finite(series_of, name):
    model = build_model(series_of(FIGURES[name], years=7), PRIOR, LEVEL)
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
