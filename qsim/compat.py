"""The one module that knows ArviZ 0 (``InferenceData``) from ArviZ 1 (``DataTree``), and so PyMC 5 from PyMC 6."""

from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import arviz as az
import numpy as np
import pymc as pm
import xarray as xr

_ARVIZ_MAJOR = int(version("arviz").partition(".")[0])


def posterior_of(result: Any) -> xr.Dataset:
    """Posterior group of what a sampler returns, as a dataset."""
    group = result["posterior"]
    return group.to_dataset() if isinstance(group, xr.DataTree) else group


def to_arviz(groups: Mapping[str, xr.Dataset]) -> Any:
    """ArviZ container of named groups: an ``InferenceData`` under ArviZ 0, a ``DataTree`` under ArviZ 1."""
    if _ARVIZ_MAJOR >= 1:
        return xr.DataTree.from_dict(dict(groups))
    return az.InferenceData(**dict(groups))  # type: ignore[arg-type]  # its stub takes the first group for an option


def smallest_ess(posterior: xr.Dataset) -> float:
    """Smallest bulk effective sample size over all entries of all variables. [draws]"""
    found = az.ess(to_arviz({"posterior": posterior}))
    dataset = found.to_dataset() if isinstance(found, xr.DataTree) else found
    return float(min(np.nanmin(variable.values) for variable in dataset.data_vars.values()))


def sample_nuts(model: pm.Model, *, draws: int, chains: int, tune: int, seed: int, target_accept: float) -> xr.Dataset:
    """Sample a model by NUTS, with nutpie where it is installed, and return the posterior group."""
    if find_spec("nutpie") is not None:
        import nutpie

        result = nutpie.sample(
            nutpie.compile_pymc_model(model),
            draws=draws,
            tune=tune,
            chains=chains,
            cores=min(chains, 2),
            seed=seed,
            target_accept=target_accept,
            progress_bar=False,
        )
        return posterior_of(result)
    with model:
        result = pm.sample(
            draws=draws,
            tune=tune,
            chains=chains,
            cores=1,
            random_seed=seed,
            target_accept=target_accept,
            progressbar=False,
            compute_convergence_checks=False,
        )
    return posterior_of(result)
