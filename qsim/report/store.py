"""The draws behind an appendix: ``study.nc``, one group each for history, forecast, observations and diagnostics."""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from qsim.feasibility.records import Assessment
from qsim.observations.dataset import plain_texts

GROUPS = ("history", "forecast", "observations", "diagnostics")
"""Groups of the file."""


def write_study(assessment: Assessment, path: Path) -> None:
    """Write the draws as netCDF-4."""
    plan = assessment.plan
    about = {
        "plan": plan.id,
        "region": plan.region.id,
        "as_of": plan.as_of.isoformat(),
        "engine": assessment.engine,
        "draws": assessment.draws,
        "seed": assessment.seed,
        "qsim_version": assessment.version,
    }
    xr.Dataset(attrs=about).to_netcdf(path, mode="w", engine="h5netcdf")
    for group in GROUPS:
        content = _writable(getattr(assessment, group))
        packed = {
            name: _PACKED
            for name, variable in content.data_vars.items()
            if variable.dtype.kind == "f" and variable.size
        }
        content.to_netcdf(path, mode="a", group=group, engine="h5netcdf", encoding=packed)


_PACKED = {"zlib": True, "complevel": 1, "shuffle": True}


def _writable(content: xr.Dataset) -> xr.Dataset:
    """Texts as texts, truth values as bytes, and nothing that netCDF has no name for."""
    plain = content.drop_encoding()
    return plain.assign(
        {name: _plain(variable) for name, variable in plain.variables.items() if variable.dtype.kind == "O"}
    )


def _plain(variable: Any) -> Any:
    texts = plain_texts(variable.values)
    return variable.dims, np.array(texts, dtype=str).reshape(variable.shape), variable.attrs
