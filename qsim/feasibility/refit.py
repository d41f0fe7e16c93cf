"""One series fitted again under another assumption, with the same random numbers."""

from dataclasses import replace

from qsim.inference.fit import Engine, FittedSeries, stream
from qsim.inference.laplace import SeriesPosterior, draw_series, weigh_theta
from qsim.model.priors import LevelPrior, NormalLaw, ThetaPrior
from qsim.model.series import SeriesData


def refit(
    fit: FittedSeries,
    *,
    data: SeriesData | None = None,
    scale: float = 1.0,
    draws: int,
    seed: int,
    engine: Engine = "laplace",
) -> FittedSeries:
    """Fit a series again.

    Parameters
    ----------
    fit : FittedSeries
        Gives the figures and the priors, those of the pool included.
    data : SeriesData, optional
        Other figures of the same series.
    scale : float
        Factor on the scales of the prior: the sds of each component of theta's, and of the first level. [1]
    """
    figures = fit.data if data is None else data
    theta, level = scaled_theta(fit.theta_prior, scale), LevelPrior(fit.level_prior.mean, fit.level_prior.sd * scale)
    posterior = _sample(figures, theta, level, draws, seed, engine)
    return replace(fit, posterior=posterior, theta_prior=theta, level_prior=level)


def scaled_theta(prior: ThetaPrior, scale: float) -> ThetaPrior:
    """The same mixture with the sds of every component multiplied."""
    components = tuple(NormalLaw(one.mean, scale**2 * one.covariance, one.name) for one in prior.components)
    return ThetaPrior(components, prior.weights)


def without_newest(data: SeriesData) -> SeriesData:
    """The series without the figures of its newest year; its grid is the origin alone where none is left."""
    if not data.year.size:
        return data
    last = int(data.year.max()) - 1
    kept = data.between(data.first_year, last)
    bare = not kept.year.size and kept.first_year == last
    return replace(kept, origin=data.origin, first_year=data.origin if bare else kept.first_year)


def _sample(
    data: SeriesData, theta: ThetaPrior, level: LevelPrior, draws: int, seed: int, engine: Engine
) -> SeriesPosterior:
    if engine == "nuts":
        from qsim.inference.nuts import sample_series

        return sample_series(data, theta, level, draws=draws, seed=seed)
    weighted = weigh_theta(data, theta, level)
    return draw_series(data, weighted, level, draws=draws, rng=stream(seed, data.label, "posterior"))
