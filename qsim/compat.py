"""The one module that knows ArviZ 0 (``InferenceData``) from ArviZ 1 (``DataTree``), and so PyMC 5 from PyMC 6."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import arviz as az
import numpy as np
import pymc as pm
import xarray as xr
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

_ARVIZ_MAJOR = int(version("arviz").partition(".")[0])


def posterior_of(result: Any) -> xr.Dataset:
    """Posterior group of what a sampler returns, as a dataset."""
    return _group(result, "posterior")


def _group(result: Any, name: str) -> xr.Dataset:
    group = result[name]
    return group.to_dataset() if isinstance(group, xr.DataTree) else group


def _with_divergences(result: Any) -> xr.Dataset:
    """Posterior group that knows how many of its draws end a path that went astray."""
    count = int(_group(result, "sample_stats")["diverging"].sum())
    return posterior_of(result).assign_attrs(divergences=count)


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


def mean_ess(values: NDArray[np.float64]) -> float:
    """Effective sample size of chains for the mean of what they hold, dims (chain, draw). [draws]"""
    return float(az.ess(values, method="mean"))


class CompiledNuts:
    """A model compiled once, by nutpie where it is installed; its data may change between runs."""

    def __init__(self, model: pm.Model, names: Sequence[str]) -> None:
        self._model, self._names = model, list(names)
        self._compiled = None
        if find_spec("nutpie") is not None:
            import nutpie

            self._compiled = nutpie.compile_pymc_model(model, var_names=self._names)

    def sample(
        self,
        values: Mapping[str, NDArray[np.float64]],
        *,
        draws: int,
        chains: int,
        tune: int,
        seed: int,
        target_accept: float,
    ) -> xr.Dataset:
        """Posterior group, dims (chain, draw, ...), with ``values`` for the data of those names; counts divergences."""
        # two threads of linear algebra on matrices this small wait for each other
        with threadpool_limits(1):
            if self._compiled is None:
                return self._sample_pymc(values, draws, chains, tune, seed, target_accept)
            import nutpie

            result = nutpie.sample(
                self._compiled.with_data(**values),
                draws=draws,
                tune=tune,
                chains=chains,
                cores=min(chains, 2),
                seed=seed,
                target_accept=target_accept,
                save_warmup=False,
                progress_bar=False,
            )
        return _with_divergences(result)

    def _sample_pymc(
        self,
        values: Mapping[str, NDArray[np.float64]],
        draws: int,
        chains: int,
        tune: int,
        seed: int,
        target_accept: float,
    ) -> xr.Dataset:
        with self._model:
            pm.set_data(dict(values))
            result = pm.sample(
                draws=draws,
                tune=tune,
                chains=chains,
                cores=1,
                random_seed=seed,
                target_accept=target_accept,
                progressbar=False,
                compute_convergence_checks=False,
                var_names=self._names,
            )
        return _with_divergences(result)
