r"""The PyMC model of one series on coordinates in which NUTS moves freely: the same posterior, another map.

Everything latent is :math:`f = m + A \xi` in standard normals :math:`\xi` (drift, first level and slope, shocks, year
noise). Figures that are exact to four digits beside a wide prior pin :math:`\xi` to a sliver whose width depends on
theta, which no fixed step fits. With Gaussian stand-ins :math:`y \sim N(f, R)` for the figures (their middle and its
variance), :math:`S = A A^T + R` and standard normals :math:`\xi^*, \varepsilon`, Matheron's rule

.. math:: \xi = \xi^* + A^T w, \qquad w = S^{-1} (y - m - A \xi^* - R^{1/2} \varepsilon)

draws :math:`\xi` given the stand-ins. The density on the new coordinates is that of :math:`\xi^*, \varepsilon` times

.. math:: p(\text{figures} | \xi, \theta)\, \frac{N(y; m, S)}{N(y; f, R)}, \qquad
    N(y; f, R) \propto |R|^{-1/2} \exp(-\tfrac12 |\varepsilon + R^{1/2} w|^2),

which is flat where the figures are like their stand-ins, and exact whatever they are: poor stand-ins cost time, not
truth. Theta has one normal prior here, of which mu is the last coordinate and as Gaussian as the rest given the others.

Source: Papaspiliopoulos, Roberts & Sköld (2007), doi:10.1214/088342307000000014 (partly non-centred maps); Wilson et al.
(2021), JMLR 22(105) (Matheron's rule).
"""

from typing import Final, NamedTuple

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.graph.replace import graph_replace
from pytensor.tensor.variable import TensorVariable

from qsim.inference.pymc_model import THETA, build_model
from qsim.model.priors import LevelPrior, ThetaPrior
from qsim.model.series import SeriesData
from qsim.model.trend import N_THETA, SIGMA_NOISE_FLOOR, SLOPE_SD_CAP
from qsim.vocabulary import LEVEL, SLOPE

CENTER: Final = "center"
SPREAD: Final = "spread"
Z: Final = "z"

_THETA_RAW: Final = "z_raw"
_DRIFT: Final = N_THETA - 1


class _Column(NamedTuple):
    """A standard normal of the model and how the latent values of the figures move with it."""

    name: str
    loading: TensorVariable
    """dims (figure, entry)."""


def whitened_model(data: SeriesData, level_prior: LevelPrior, proposal: ThetaPrior) -> pm.Model:
    """:func:`~qsim.inference.pymc_model.build_model` under a normal prior of theta that can be changed, on new coordinates.

    Data variables: ``center``, dims (5), and ``spread``, dims (5, 5), mean and Cholesky factor of the normal prior.
    Deterministics: ``z`` (unconstrained theta), ``theta``, ``level``, ``slope`` as there. [link scale]
    """
    base = build_model(data, ThetaPrior.normal(np.zeros(N_THETA), np.eye(N_THETA)), level_prior)
    raws = {one.name: one for one in base.free_RVs}
    with pm.Model() as model:
        center = pm.Data(CENTER, proposal.mean)
        spread = pm.Data(SPREAD, np.linalg.cholesky(proposal.covariance))
        scales = pm.Normal("scales_raw", shape=_DRIFT)
        stars = {name: pm.Normal(name, shape=one.type.shape) for name, one in raws.items() if name != _THETA_RAW}
        drift = pm.Normal("drift_raw")
        first = center[:_DRIFT] + pt.dot(spread[:_DRIFT, :_DRIFT], scales)
        rest = center[_DRIFT] + pt.dot(spread[_DRIFT, :_DRIFT], scales)
        moved: dict[str, TensorVariable] = {**stars, "drift_raw": drift}
        if data.year.size:
            columns = _columns(data, level_prior, first, data.sign * spread[_DRIFT, _DRIFT], tuple(stars))
            mean = level_prior.mean + data.sign * rest * data.steps
            moved |= _conditioned(data, columns, mean, moved, SIGMA_NOISE_FLOOR + pt.exp(first[3]))
        z = pt.concatenate([first, (rest + spread[_DRIFT, _DRIFT] * moved["drift_raw"])[None]])
        swaps = {raws[name]: value for name, value in moved.items() if name in raws} | {raws[_THETA_RAW]: z}
        kept = [potential for potential in base.potentials if potential.name != "theta_prior"]
        found = graph_replace([*kept, base[THETA], base[LEVEL], base[SLOPE]], swaps, strict=False)
        for potential, value in zip(kept, found, strict=False):
            pm.Potential(str(potential.name), value)
        for name, value in zip((THETA, LEVEL, SLOPE), found[len(kept) :], strict=True):
            pm.Deterministic(name, value)
        pm.Deterministic(Z, z)
    return model


def _columns(
    data: SeriesData, level_prior: LevelPrior, first: TensorVariable, drift: TensorVariable, names: tuple[str, ...]
) -> list[_Column]:
    """Loadings of the figures' latent values on the standard normals of :func:`build_model`."""
    sigma_level, sigma_slope, rho = pt.exp(first[0]), pt.exp(first[1]), pm.math.sigmoid(first[2])
    count, steps = data.year.size, np.arange(1, data.years)
    columns = [
        _Column("drift_raw", (drift * data.steps)[:, None]),
        _Column("level_raw", pt.as_tensor(np.full((count, 1), level_prior.sd))),
    ]
    if steps.size:
        # 1 where a year's move is in the level of a figure
        passed = (data.steps[:, None] >= steps[None, :]).astype(float)
        slope_sd = pt.sqrt(pt.minimum(sigma_slope**2 / pt.maximum(1.0 - rho**2, 1e-12), SLOPE_SD_CAP**2))
        lag = steps[:, None] - steps[None, :]
        decay = pt.where(lag >= 0, rho ** np.maximum(lag, 0), 0.0)
        columns += [
            _Column("slope_raw", (slope_sd * pt.dot(passed, rho**steps))[:, None]),
            _Column("v", sigma_slope * pt.dot(passed, decay)),
            _Column("u", sigma_level * passed),
        ]
    if "noise_raw" in names:
        columns.append(_Column("noise_raw", (SIGMA_NOISE_FLOOR + pt.exp(first[3])) * np.diag(data.noisy)))
    return columns


def _conditioned(
    data: SeriesData,
    columns: list[_Column],
    mean: TensorVariable,
    stars: dict[str, TensorVariable],
    sigma_noise: TensorVariable,
) -> dict[str, TensorVariable]:
    """Normals of the columns given the stand-ins; adds the factor that keeps the posterior to the model at hand."""
    loading = pt.concatenate([column.loading for column in columns], axis=1)
    variance = data.guess_variance + (1.0 - data.noisy) * sigma_noise**2
    factor = pt.linalg.cholesky(pt.dot(loading, loading.T) + pt.diag(variance))
    star = pt.concatenate([pt.atleast_1d(stars[column.name]) for column in columns])
    chance = pm.Normal("stand_in_raw", shape=data.year.size)
    off = data.guess - mean
    apart = _solve(factor, off - pt.dot(loading, star) - pt.sqrt(variance) * chance, transposed=False)
    pull = _solve(factor, apart, transposed=True)
    likely = -0.5 * pt.sum(_solve(factor, off, transposed=False) ** 2) - pt.sum(pt.log(pt.diag(factor)))
    stood_in = -0.5 * pt.sum((chance + pt.sqrt(variance) * pull) ** 2) - 0.5 * pt.sum(pt.log(variance))
    pm.Potential("stand_ins", likely - stood_in)
    moved, at = star + pt.dot(loading.T, pull), 0
    found = {}
    for column in columns:
        one = stars[column.name]
        width = one.type.shape[0] if one.ndim else 1
        found[column.name] = moved[at : at + width] if one.ndim else moved[at]
        at += width
    return found


def _solve(factor: TensorVariable, right: TensorVariable, *, transposed: bool) -> TensorVariable:
    return pt.linalg.solve_triangular(factor, right, lower=True, trans=int(transposed), b_ndim=1)
