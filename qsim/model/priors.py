r"""Priors: one definition for both engines.

theta is a multivariate normal on the unconstrained scale :math:`z` = (log sigma_level, log sigma_slope, logit rho,
log sigma_noise, mu), :math:`z \sim N(m, S)`, one per link and tempo; the first level is normal. The numbers stand in
``priors.yaml`` with their origin.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from qsim.indicators import Indicator
from qsim.model.links import LinkName, link_of

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ThetaPrior:
    """Multivariate normal on the unconstrained scale of theta."""

    mean: Floats
    """dims (5). [link scale]"""
    covariance: Floats
    """dims (5, 5). [link scale squared]"""

    def log_density(self, z: Floats) -> Floats:
        """Log density at points ``z``, dims (point, 5) -> (point)."""
        factor = np.linalg.cholesky(self.covariance)
        whitened = np.linalg.solve(factor, (z - self.mean).T)
        constant = np.log(np.diag(factor)).sum() + 0.5 * self.mean.size * np.log(2.0 * np.pi)
        return np.asarray(-0.5 * np.square(whitened).sum(axis=0) - constant)

    def at(self, normals: Floats) -> Floats:
        """Points that standard normals stand for, dims (point, 5) -> (point, 5)."""
        return np.asarray(self.mean + normals @ np.linalg.cholesky(self.covariance).T)


@dataclass(frozen=True)
class LevelPrior:
    """Normal law of a series' first level."""

    mean: float
    """[link scale]"""
    sd: float
    """[link scale]"""


@dataclass(frozen=True)
class LinkPriors:
    """Priors of one link where no pool says more."""

    theta: ThetaPrior
    level: LevelPrior
    region_sd: float
    """Scale of the half-normal prior of the sd between regions. [link scale]"""
    gap_sd: float
    """Sd of what a region's level may move in a year, for comparing figures of different years. [link scale]"""
    origin: str
    """What the numbers rest on."""


@cache
def default_priors() -> Mapping[str, LinkPriors]:
    """Shipped priors by block of ``priors.yaml``."""
    content = yaml.safe_load(Path(__file__).with_name("priors.yaml").read_text(encoding="utf-8"))
    return {name: _link_priors(part) for name, part in content["links"].items()}


def priors_of(indicator: Indicator) -> LinkPriors:
    """Shipped priors of an indicator: those of its link and tempo."""
    name: LinkName = link_of(indicator.family).name
    slow = f"{name}_slow"
    return default_priors()[slow if indicator.tempo == "slow" and slow in default_priors() else name]


def _link_priors(part: Mapping[str, object]) -> LinkPriors:
    names = ("log_sigma_level", "log_sigma_slope", "logit_rho", "log_sigma_noise", "mu")
    theta: Mapping[str, Mapping[str, float]] = part["theta"]  # type: ignore[assignment]
    sd = np.array([theta[name]["sd"] for name in names])
    correlation = np.array(part["correlation"], dtype=float) if "correlation" in part else np.eye(len(names))
    level: Mapping[str, float] = part["level"]  # type: ignore[assignment]
    return LinkPriors(
        theta=ThetaPrior(np.array([theta[name]["mean"] for name in names]), correlation * np.outer(sd, sd)),
        level=LevelPrior(level["mean"], level["sd"]),
        region_sd=float(part["region_sd"]),  # type: ignore[arg-type]
        gap_sd=float(part["gap_sd"]),  # type: ignore[arg-type]
        origin=str(part["origin"]),
    )
