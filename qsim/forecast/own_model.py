"""A user's own model of one series: qsim's PyMC model handed out, its draws taken back in.

What comes back are theta, the levels of the past and the last slope; the years to come follow from them by qsim's own
equations (:mod:`qsim.model.trend`), year noise and printing included.
"""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import xarray as xr

from qsim.errors import FitError, UnknownNameError
from qsim.forecast.posterior import Posterior, correlated
from qsim.inference.fit import FittedSeries, stream
from qsim.inference.laplace import SeriesPosterior, systematic
from qsim.records import nearest
from qsim.vocabulary import CHAIN, DRAW, LEVEL, SLOPE, THETA_NAMES

_THETA: Final = "theta"
_OFFSET: Final = "offset"


def pymc_model(posterior: Posterior, series: str, *, likelihood: bool = True) -> Any:
    """The model of one series in PyMC, with the priors it was fitted with, those of its pool included.

    Its deterministics are ``theta`` (sigma_level, sigma_slope, rho, sigma_noise, mu), ``level`` (dim year) of the true
    level, ``slope`` and, where figures of another basis join, ``offset``, all on the link scale (logit of a rate, log
    of a count). Keep them when you change the model: :func:`with_draws` reads them.

    Parameters
    ----------
    series : str
        Label ``region/indicator``.
    likelihood : bool
        Whether the figures are in it. Without them it is the prior: write your own likelihood on ``level``.

    Returns
    -------
    pymc.Model

    Raises
    ------
    UnknownNameError
        If the posterior has no such series.
    """
    from qsim.inference.pymc_model import build_model

    fit = posterior.fits[_place(posterior, series)]
    return build_model(fit.data, fit.theta_prior, fit.level_prior, likelihood=likelihood)


def with_draws(posterior: Posterior, series: str, result: Any) -> Posterior:
    """The posterior with one series drawn by a model of the user's own.

    Parameters
    ----------
    series : str
        Label ``region/indicator``.
    result : arviz.InferenceData, xarray.DataTree or xarray.Dataset, dims (chain, draw, ...)
        What ``pymc.sample`` returned for a model that keeps the deterministics of :func:`pymc_model`; its posterior
        group alone will do.

    Returns
    -------
    Posterior
        As many draws as before, each of the given ones equally often but for one, in random order. Common shocks are
        worked out anew. The gate of the series is its effective sample size.

    Raises
    ------
    UnknownNameError
        If the posterior has no such series, or the draws lack one of the deterministics.
    FitError
        If the draws are of another number of years, or not finite.
    """
    from qsim.compat import posterior_of, smallest_ess

    place = _place(posterior, series)
    fit = posterior.fits[place]
    group = (result if isinstance(result, xr.Dataset) else posterior_of(result)).transpose(CHAIN, DRAW, ...)
    kept = _checked(group, fit)
    values = {name: kept[name].values.reshape(-1, *kept[name].shape[2:]) for name in kept}
    size, wanted = len(values[SLOPE]), fit.posterior.slope.size
    rng = stream(posterior.seed, series, "own model")
    chosen = rng.permutation(systematic(np.full(size, 1.0 / size), wanted, rng))
    drawn = SeriesPosterior(
        data=fit.data,
        theta=values[_THETA][chosen],
        level=values[LEVEL][chosen],
        slope=values[SLOPE][chosen],
        pareto_k=-np.inf,  # no weights
        theta_effective=smallest_ess(kept[[_THETA, LEVEL]]),
        log_evidence=np.nan,
        offset=values[_OFFSET][chosen] if _OFFSET in values else np.empty((wanted, 0)),
        engine="own",
    )
    fits = [replace(one, posterior=drawn) if number == place else one for number, one in enumerate(posterior.fits)]
    changed = replace(posterior, fits=tuple(fits), shocks=None)
    return changed if posterior.shocks is None else correlated(changed)


def _checked(group: xr.Dataset, fit: FittedSeries) -> xr.Dataset:
    """The deterministics, found whole."""
    shapes = {_THETA: (len(THETA_NAMES),), LEVEL: (fit.data.years,), SLOPE: ()}
    if fit.data.offsets:
        shapes[_OFFSET] = (len(fit.data.offsets),)
    for name, shape in shapes.items():
        if name not in group:
            hint = "keep the deterministics of qsim.pymc_model"
            raise UnknownNameError(f"no variable {name!r} in the draws of {fit.data.label}: {hint}")
        if group[name].shape[2:] != shape:
            years = f"{fit.data.first_year} to {fit.data.first_year + fit.data.years - 1}"
            raise FitError(
                f"{fit.data.label}: draws of {name!r} have shape {group[name].shape[2:]} beside chain and draw; "
                f"expected {shape}, years {years}: build the model from this posterior"
            )
        if not np.isfinite(group[name].values).all():
            raise FitError(f"{fit.data.label}: draws of {name!r} that are not finite; expected numbers: sample again")
    return group[list(shapes)]


def _place(posterior: Posterior, series: str) -> int:
    known = {fit.data.label: number for number, fit in enumerate(posterior.fits)}
    if series not in known:
        raise UnknownNameError(f"no series {series!r} in this posterior: {nearest(series, known)}")
    return known[series]
