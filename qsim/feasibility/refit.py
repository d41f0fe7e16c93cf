"""One series fitted again under another assumption, with the same random numbers."""

from dataclasses import replace

from qsim.inference.fit import Engine, FittedSeries, sample_posterior
from qsim.model.priors import NormalLaw, ThetaPrior
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
    # with all sds of a joint normal multiplied, what one part says of the other keeps its slopes
    theta, level = scaled_theta(fit.theta_prior, scale), replace(fit.level_prior, sd=scale * fit.level_prior.sd)
    posterior = sample_posterior(figures, theta, level, draws=draws, seed=seed, engine=engine)
    return replace(fit, posterior=posterior, theta_prior=theta, level_prior=level)


def scaled_theta(prior: ThetaPrior, scale: float) -> ThetaPrior:
    """The same mixture with the sds of every component multiplied."""
    components = tuple(NormalLaw(one.mean, scale**2 * one.covariance) for one in prior.components)
    return ThetaPrior(components, prior.weights)


def without_newest(data: SeriesData) -> SeriesData:
    """The series without the figures of its newest year; its grid is the origin alone where none is left."""
    if not data.year.size:
        return data
    last = int(data.year.max()) - 1
    kept = data.between(data.first_year, last)
    bare = not kept.year.size and kept.first_year == last
    return replace(kept, origin=data.origin, first_year=data.origin if bare else kept.first_year)
