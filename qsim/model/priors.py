r"""Priors: one definition for both engines.

theta is a mixture of multivariate normals on the unconstrained scale :math:`z` = (log sigma_level, log sigma_slope,
logit rho, log sigma_noise, mu),

.. math:: z \sim \sum_c w_c\, N(m_c, S_c),

in practice a single normal per link and tempo. Rates that begin near their bound move otherwise than those in the
middle: where histories have taught it, the population of theta depends on the first level
:math:`l_0 \sim N(m_l, s_l^2)`,

.. math:: z \mid l_0 \sim N(m + b\,(\pm l_0 - c),\, C),

with + where higher is better and - where lower is: a failure rate is a pass rate turned over, and has to get the same
prior. Theta and first level are then jointly normal. The engines take the same law the other way round,

.. math::

    z &\sim N(\bar z, V), \qquad \bar z = m + b\,(\pm m_l - c), \quad V = C + s_l^2\, b b^T, \\
    l_0 \mid z &\sim N(m_l + a^T (z - \bar z),\, s_l^2 - a^T V a), \qquad a = \pm s_l^2\, V^{-1} b,

a first level whose mean is affine in z: given theta everything stays as Gaussian as before. The numbers stand in
``priors.yaml`` with their origin.

Source: Gelman et al. (2013), Bayesian data analysis, ch. 3.6 and 15 (populations with a predictor).
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


@dataclass(frozen=True)
class LevelPrior:
    """Normal law of a series' first level given theta, N(mean + slope . (z - center), sd^2)."""

    mean: float
    """Mean at ``center``. [link scale]"""
    sd: float
    """[link scale]"""
    slope: tuple[float, ...] = ()
    """Slopes of the mean in z, dims (5); none where first level and theta are independent."""
    center: tuple[float, ...] = ()
    """Point of z that the slopes count from, dims (5); as many as slopes. [link scale]"""

    def given(self, z: Floats) -> Floats:
        """Mean of the first level at unconstrained points of theta, dims (point, 5) -> (point). [link scale]"""
        if not self.slope:
            return np.full(len(z), self.mean)
        return np.asarray(self.mean + (z - np.array(self.center)) @ np.array(self.slope))

    def marginal_sd(self, theta: ThetaPrior) -> float:
        """Sd of the first level whatever theta is. [link scale]"""
        slope = np.array(self.slope or np.zeros(theta.mean.size))
        return float(np.sqrt(self.sd**2 + slope @ theta.covariance @ slope))


@dataclass(frozen=True, eq=False)
class Population:
    """Normal law of theta among series of one first level (see the module)."""

    law: NormalLaw
    """Of series whose first level is ``at``."""
    slope: Floats
    """b: move of the mean for a unit of the first level towards the better side, dims (5); zeros for none."""
    at: float
    """First level, positive towards the better side, that ``law`` is about. [link scale]"""

    def toward(self, level: Floats, sign: float) -> Floats:
        """Distance of first levels from ``at`` towards the better side, dims of ``level``. [link scale]"""
        return np.asarray(sign * level - self.at)

    def joint(self, level: LevelPrior, sign: float) -> tuple[ThetaPrior, LevelPrior]:
        """Law of theta, and that of the first level given theta, for a series whose first level has the law ``level``.

        Parameters
        ----------
        level : LevelPrior
            Whatever theta is, without slopes.
        sign : float
            1 where higher is better, -1 where lower is.
        """
        if not self.slope.any():
            return ThetaPrior.normal(self.law.mean, self.law.covariance), level
        mean = self.law.mean + self.slope * self.toward(np.array(level.mean), sign)
        covariance = self.law.covariance + level.sd**2 * np.outer(self.slope, self.slope)
        slope = sign * level.sd**2 * np.linalg.solve(covariance, self.slope)
        left = level.sd**2 - slope @ covariance @ slope
        given = LevelPrior(level.mean, float(np.sqrt(left)), tuple(slope.tolist()), tuple(mean.tolist()))
        return ThetaPrior.normal(mean, covariance), given


@dataclass(frozen=True, eq=False)
class LinkPriors:
    """Priors of one link, tempo and better side where no pool says more."""

    population: Population
    """Theta given the first level."""
    first_level: LevelPrior
    """Law of the first level, whatever theta is."""
    theta: ThetaPrior
    """Law of theta, whatever the first level is."""
    level: LevelPrior
    """First level given theta: with ``theta`` all that an engine needs."""
    sign: float
    """1 where higher is better, -1 where lower is."""
    region_sd: float
    """Scale of the half-normal prior of the sd between regions. [link scale]"""
    kept: float
    """Share of a level that a year keeps: kappa of :mod:`qsim.model.trend`. [1]"""
    gap_sd: float
    """Sd of what a region's level may move in a year, for comparing figures of different years. [link scale]"""
    origin: str
    """What the numbers rest on."""
    left_out: Mapping[str, "LinkPriors"] = field(default_factory=dict)
    """By slug: the same priors learned without that indicator."""

    def without(self, slug: str | None) -> "LinkPriors":
        """These priors as they are learned without one indicator; themselves if they have learned nothing from that."""
        return self if slug is None else self.left_out.get(slug, self)


@cache
def default_priors(sign: float = 1.0) -> Mapping[str, LinkPriors]:
    """Shipped priors by block of ``priors.yaml``, for indicators of which more is better (1) or less (-1)."""
    content = yaml.safe_load(Path(__file__).with_name("priors.yaml").read_text(encoding="utf-8"))
    return {name: _link_priors(name, part, sign) for name, part in content["links"].items()}


def priors_of(indicator: Indicator) -> LinkPriors:
    """Shipped priors of an indicator: those of its link, tempo and better side."""
    name: LinkName = indicator_link(indicator).name
    known = default_priors(1.0 if indicator.better == "higher" else -1.0)
    slow = f"{name}_slow"
    return known[slow if indicator.tempo == "slow" and slow in known else name]


def _link_priors(name: str, part: Mapping[str, Any], sign: float) -> LinkPriors:
    shipped = LevelPrior(**part["level"])
    # a share has a better side to be turned to; a count or an index begins where it begins
    level = replace(shipped, mean=sign * shipped.mean) if name.startswith("logit") else shipped

    def learned(law: Mapping[str, Any], left_out: Mapping[str, LinkPriors]) -> LinkPriors:
        population = _population(law, shipped.mean)
        theta, given = population.joint(level, sign)
        return LinkPriors(
            population=population,
            first_level=level,
            theta=theta,
            level=given,
            sign=sign,
            region_sd=part["region_sd"],
            kept=1.0 - part.get("reversion", 0.0),
            gap_sd=part["gap_sd"],
            origin=part["origin"],
            left_out=left_out,
        )

    return learned(part["theta"], {slug: learned(law, {}) for slug, law in part.get("theta_without", {}).items()})


def _population(law: Mapping[str, Any], at: float) -> Population:
    """A normal: means, sds, and the correlations below the diagonal row by row (none stands for independence)."""
    sd = np.array(law["sd"], dtype=float)
    below = np.zeros((sd.size, sd.size))
    below[np.tril_indices(sd.size, -1)] = law.get("correlation", 0.0)
    correlation = np.eye(sd.size) + below + below.T
    normal = NormalLaw(np.array(law["mean"], dtype=float), correlation * np.outer(sd, sd))
    return Population(normal, np.array(law.get("slope", np.zeros(sd.size)), dtype=float), at)
