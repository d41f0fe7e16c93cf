r"""Priors: one definition for both engines.

theta is a mixture of multivariate normals on the unconstrained scale :math:`z` = (log sigma_level, log sigma_slope,
logit rho, log sigma_noise, mu),

.. math:: z \sim \sum_c w_c\, N(m_c, S_c),

one mixture per link and tempo: each component is the population of theta of one indicator that taught it, so that a
series is taken to behave like one of the indicators seen before, and the data say like which. The first level is
normal. The numbers stand in ``priors.yaml`` with their origin.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.special import ndtr

from qsim.indicators import Indicator
from qsim.model.links import LinkName, indicator_link

Floats = NDArray[np.float64]

NAMES = ("log_sigma_level", "log_sigma_slope", "logit_rho", "log_sigma_noise", "mu")


@dataclass(frozen=True, eq=False)
class NormalLaw:
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


@dataclass(frozen=True, eq=False)
class ThetaPrior:
    """Mixture of multivariate normals on the unconstrained scale of theta."""

    components: tuple[NormalLaw, ...]
    weights: Floats
    """Sum 1, dims (component)."""
    left_out: Mapping[str, "ThetaPrior"] = field(default_factory=dict)
    """By slug: the same prior learned without that indicator."""

    @classmethod
    def normal(cls, mean: Floats, covariance: Floats) -> "ThetaPrior":
        """A mixture of one."""
        return cls((NormalLaw(mean, covariance),), np.ones(1))

    def component_log_densities(self, z: Floats) -> Floats:
        """Log density of each component at points ``z``, dims (component, point)."""
        return np.array([component.log_density(z) for component in self.components])

    def log_density(self, z: Floats) -> Floats:
        """Log density at points ``z``, dims (point, 5) -> (point)."""
        with np.errstate(divide="ignore"):
            weights = np.log(self.weights)
        return np.asarray(np.logaddexp.reduce(self.component_log_densities(z) + weights[:, None]))

    def at(self, normals: Floats) -> Floats:
        """Points that standard normals stand for, dims (point, 6) -> (point, 5); the last one picks the component."""
        edges = np.cumsum(self.weights)
        chosen = np.minimum(np.searchsorted(edges, ndtr(normals[:, -1]) * edges[-1]), len(self.components) - 1)
        z = np.empty((len(normals), self.mean.size))
        for number, component in enumerate(self.components):
            z[chosen == number] = component.at(normals[chosen == number, :-1])
        return z

    @property
    def mean(self) -> Floats:
        """Mean of the mixture, dims (5). [link scale]"""
        return np.asarray(self.weights @ np.array([component.mean for component in self.components]))

    @property
    def covariance(self) -> Floats:
        """Covariance of the mixture, dims (5, 5). [link scale squared]"""
        shifts = np.array([component.mean for component in self.components]) - self.mean
        within = np.array([component.covariance for component in self.components])
        return np.asarray(np.einsum("c,cij->ij", self.weights, within + shifts[:, :, None] * shifts[:, None, :]))

    def without(self, slug: str | None) -> "ThetaPrior":
        """This prior as it is learned without one indicator; itself if it has learned nothing from that."""
        return self if slug is None else self.left_out.get(slug, self)


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
    name: LinkName = indicator_link(indicator).name
    slow = f"{name}_slow"
    return default_priors()[slow if indicator.tempo == "slow" and slow in default_priors() else name]


def _link_priors(part: Mapping[str, Any]) -> LinkPriors:
    learned = _theta_prior(part["theta"])
    left_out = {slug: _theta_prior(law) for slug, law in part.get("theta_without", {}).items()}
    return LinkPriors(
        theta=replace(learned, left_out=left_out),
        level=LevelPrior(**part["level"]),
        region_sd=part["region_sd"],
        gap_sd=part["gap_sd"],
        origin=part["origin"],
    )


def _theta_prior(law: Mapping[str, Any]) -> ThetaPrior:
    """A normal: means, sds, and the correlations below the diagonal row by row (none stands for independence)."""
    sd = np.array(law["sd"], dtype=float)
    below = np.zeros((sd.size, sd.size))
    below[np.tril_indices(sd.size, -1)] = law.get("correlation", 0.0)
    correlation = np.eye(sd.size) + below + below.T
    return ThetaPrior.normal(np.array(law["mean"], dtype=float), correlation * np.outer(sd, sd))
