r"""The PyMC model of one series on coordinates in which NUTS moves freely: the same posterior, another map.

Everything latent is :math:`f = m + A \xi` in standard normals :math:`\xi` (drift, first level and slope, shocks, year
noise, offsets); curved figures are taken with their slopes at one point. Figures that are exact to four digits beside a
wide prior pin :math:`\xi` to a sliver whose width depends on theta, which no fixed step fits. With Gaussian stand-ins
:math:`y \sim N(f, R)` for the figures (their middle and its variance), :math:`S = A A^T + R` and standard normals
:math:`\xi^*, \varepsilon`, Matheron's rule

.. math:: \xi = \xi^* + A^T w, \qquad w = S^{-1} (y - m - A \xi^* - R^{1/2} \varepsilon)

draws :math:`\xi` given the stand-ins. The density on the new coordinates is that of :math:`\xi^*, \varepsilon` times

.. math:: p(\text{figures} | \xi, \theta)\, \frac{N(y; m, S)}{N(y; f, R)}, \qquad
    N(y; f, R) \propto |R|^{-1/2} \exp(-\tfrac12 |\varepsilon + R^{1/2} w|^2),

which is flat where the figures are like their stand-ins, and exact whatever they are: poor stand-ins cost time, not
truth. Theta has one normal prior here, of which mu is the last coordinate, given the others as Gaussian as the rest.

Source: Papaspiliopoulos, Roberts & Sköld (2007), doi:10.1214/088342307000000014 (partly non-centred maps); Wilson et
al. (2021), JMLR 22(105) (Matheron's rule).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.graph.replace import graph_replace
from pytensor.tensor.variable import TensorVariable

from qsim.inference.laplace import draw_series, weigh_theta
from qsim.inference.layout import Layout, layouts
from qsim.inference.pymc_model import build_model, first_level_mean
from qsim.model.functional import latent_value
from qsim.model.likelihood import INTERVAL
from qsim.model.priors import LevelPrior, ThetaPrior
from qsim.model.series import SeriesData
from qsim.model.trend import N_THETA, SIGMA_NOISE_FLOOR, SLOPE_SD_CAP, level_mean

Floats = NDArray[np.float64]

CENTER: Final = "center"
SPREAD: Final = "spread"
Z: Final = "z"

_THETA_RAW: Final = "z_raw"
_DRIFT_RAW: Final = "drift_raw"
_DRIFT: Final = N_THETA - 1
_OF_FIGURE: Final = tuple(name for name in Layout._fields if name not in ("link", "limit", "offset_mean", "offset_sd"))


@dataclass(frozen=True, eq=False)
class _StandIns:
    """Gaussian stand-ins for the figures: u = constant + slopes . eta + own noise, seen as guess with a variance."""

    slopes: Floats
    """dims (figure, year)."""
    constant: Floats
    """dims (figure)."""
    layout: Layout
    """Of these figures alone."""

    @property
    def reach(self) -> Floats:
        """What a move of all years moves, dims (figure)."""
        return np.asarray(self.slopes.sum(axis=1))

    @property
    def shared(self) -> Floats:
        """Slopes where the year noise is among the unknowns, dims (figure, year)."""
        return np.asarray((1.0 - self.layout.own)[:, None] * self.slopes)

    @property
    def offsets(self) -> Floats:
        """Slopes in the offsets, dims (figure, offset)."""
        place = np.arange(self.layout.offset_mean.size)
        return np.asarray(self.reach[:, None] * (self.layout.offset[:, None] == place))


def whitened_model(data: SeriesData, level_prior: LevelPrior, proposal: ThetaPrior) -> pm.Model:
    """:func:`~qsim.inference.pymc_model.build_model` under one normal prior of theta, on new coordinates.

    Data variables: ``center``, dims (5), and ``spread``, dims (5, 5), mean and Cholesky factor of that
    prior.
    Deterministics: ``z`` (unconstrained theta) and those of ``build_model``. [link scale]
    """
    base = build_model(data, ThetaPrior.normal(np.zeros(N_THETA), np.eye(N_THETA)), level_prior)
    raws = {one.name: one for one in base.free_RVs}
    with pm.Model() as model:
        center = pm.Data(CENTER, proposal.mean)
        spread = pm.Data(SPREAD, np.linalg.cholesky(proposal.covariance))
        scales, drift = pm.Normal("scales_raw", shape=_DRIFT), pm.Normal(_DRIFT_RAW)
        stars = {name: pm.Normal(name, shape=one.type.shape) for name, one in raws.items() if name != _THETA_RAW}
        first = center[:_DRIFT] + pt.dot(spread[:_DRIFT, :_DRIFT], scales)
        # mu given the others: normal, with this mean and sd
        mu, mu_sd = center[_DRIFT] + pt.dot(spread[_DRIFT, :_DRIFT], scales), spread[_DRIFT, _DRIFT]
        moved: dict[str, TensorVariable] = {**stars, _DRIFT_RAW: drift}
        if data.year.size or data.extras:
            # no figure, no layout
            stand_ins = _stand_ins(data, level_prior, proposal)
            if stand_ins.constant.size:
                affine = _affine(data, level_prior, stand_ins, first, mu, mu_sd)
                moved |= _conditioned(stand_ins, *affine, moved)
        z = pt.concatenate([first, (mu + mu_sd * moved[_DRIFT_RAW])[None]])
        swaps = {raws[name]: value for name, value in moved.items() if name in raws} | {raws[_THETA_RAW]: z}
        # the prior of theta is that of scales and drift
        kept = [one for one in base.potentials if one.name != "theta_prior"]
        told = base.deterministics
        found = graph_replace([*kept, *told], swaps, strict=False)
        for potential, value in zip(kept, found, strict=False):
            pm.Potential(str(potential.name), value)
        for deterministic, value in zip(told, found[len(kept) :], strict=True):
            pm.Deterministic(str(deterministic.name), value)
        pm.Deterministic(Z, z)
    return model


def _stand_ins(data: SeriesData, level_prior: LevelPrior, theta_prior: ThetaPrior) -> _StandIns:
    """Stand-ins of figures with one reading and two ends, curved ones straightened at the default engine's mean.

    What bounds a value on one side only leaves it to the prior on the other, where a stand-in would hold it back.
    """
    layout = layouts(data)[0]
    sure = _places(data, layout)
    level, offset = np.zeros(data.years), np.zeros(len(data.offsets))
    if not data.plain:
        weighted = weigh_theta(data, theta_prior, level_prior)
        drawn = draw_series(data, weighted, level_prior, draws=1000, rng=np.random.default_rng(0))
        level, offset = drawn.level.mean(axis=0), drawn.offset.mean(axis=0)
    slopes, constant = np.zeros((len(sure), data.years)), np.empty(len(sure))
    for row, i in enumerate(sure):
        years = slice(int(layout.first[i]), int(layout.last[i]) + 1)
        eta = level[years] + (offset[layout.offset[i]] if layout.offset[i] >= 0 else 0.0)
        value = latent_value(
            int(layout.form[i]), layout.link, layout.weight[i], layout.scale[i], eta, slopes[row, years]
        )
        constant[row] = value - slopes[row, years] @ eta
    of_figure = {name: getattr(layout, name)[sure] for name in _OF_FIGURE}
    return _StandIns(slopes, constant, layout._replace(**of_figure))


def _places(data: SeriesData, layout: Layout) -> list[int]:
    """Figures that have a stand-in."""
    ambiguous = np.array([False] * data.year.size + [extra.other is not None for extra in data.extras])
    open_interval = (layout.kind == INTERVAL) & ~np.isfinite(layout.upper - layout.lower)
    # none or all of a sample
    open_count = (layout.kind != INTERVAL) & ((layout.lower == 0.0) | (layout.upper == layout.size))
    return [int(number) for number in np.flatnonzero(~(ambiguous | open_interval | open_count))]


def _affine(
    data: SeriesData,
    level_prior: LevelPrior,
    stand_ins: _StandIns,
    first: TensorVariable,
    mu: TensorVariable,
    mu_sd: TensorVariable,
) -> tuple[TensorVariable, TensorVariable, dict[str, TensorVariable]]:
    """Mean and variance of the stand-ins, and their slopes in the standard normals, dims (figure, entry), by name."""
    layout, slopes, grid = stand_ins.layout, stand_ins.slopes, np.arange(data.years)
    # what the first level and a unit of drift move
    begins = slopes @ data.kept**grid
    drifts = slopes @ level_mean(0.0, 1.0, data.kept, data.years)
    sigma_level, sigma_slope, rho = pt.exp(first[0]), pt.exp(first[1]), pm.math.sigmoid(first[2])
    sigma_noise = SIGMA_NOISE_FLOOR + pt.exp(first[3])
    own = pt.sqrt(layout.own * sigma_noise**2 + layout.sd**2)
    # mu may move the first level too
    of_drift = level_prior.slope[_DRIFT] if level_prior.slope else 0.0
    columns = {
        _DRIFT_RAW: (mu_sd * (data.sign * drifts + of_drift * begins))[:, None],
        "level_raw": pt.as_tensor(level_prior.sd * begins[:, None]),
        "noise_raw": _noise(data, stand_ins, own),
    }
    if data.years > 1:
        steps = grid[1:]
        # what the move of a year moves
        since = grid[:, None] - steps[None, :]
        passed = slopes @ np.where(since >= 0, data.kept ** np.maximum(since, 0), 0.0)
        slope_sd = pt.sqrt(pt.minimum(sigma_slope**2 / pt.maximum(1.0 - rho**2, 1e-12), SLOPE_SD_CAP**2))
        lag = steps[:, None] - steps[None, :]
        decay = pt.where(lag >= 0, rho ** np.maximum(lag, 0), 0.0)
        columns |= {
            "slope_raw": (slope_sd * pt.dot(passed, rho**steps))[:, None],
            "v": sigma_slope * pt.dot(passed, decay),
            "u": sigma_level * passed,
        }
    if not data.plain:
        columns["year_noise_raw"] = sigma_noise * stand_ins.shared
    if data.offsets:
        columns["offset_raw"] = pt.as_tensor(stand_ins.offsets * layout.offset_sd)
    begun = first_level_mean(level_prior, pt.concatenate([first, mu[None]]))
    mean = stand_ins.constant + begun * begins + data.sign * mu * drifts
    mean = mean + stand_ins.offsets @ layout.offset_mean
    return mean, layout.guess_variance + (1.0 - layout.noisy) * own**2, columns


def _noise(data: SeriesData, stand_ins: _StandIns, own: TensorVariable) -> TensorVariable:
    """Slopes in the own noises of all figures, with a stand-in or without."""
    total = data.year.size + len(data.extras)
    places = np.array(_places(data, layouts(data)[0]))
    return (stand_ins.layout.noisy * own)[:, None] * (places[:, None] == np.arange(total))


def _conditioned(
    stand_ins: _StandIns,
    mean: TensorVariable,
    variance: TensorVariable,
    columns: dict[str, TensorVariable],
    stars: dict[str, TensorVariable],
) -> dict[str, TensorVariable]:
    """Normals of the columns given the stand-ins; adds the factor that keeps the posterior to the model at hand."""
    loading = pt.concatenate(list(columns.values()), axis=1)
    factor = pt.linalg.cholesky(pt.dot(loading, loading.T) + pt.diag(variance))
    star = pt.concatenate([pt.atleast_1d(stars[name]) for name in columns])
    chance = pm.Normal("stand_in_raw", shape=stand_ins.constant.size)
    off = stand_ins.layout.guess - mean
    apart = _solve(factor, off - pt.dot(loading, star) - pt.sqrt(variance) * chance, transposed=False)
    pull = _solve(factor, apart, transposed=True)
    likely = -0.5 * pt.sum(_solve(factor, off, transposed=False) ** 2) - pt.sum(pt.log(pt.diag(factor)))
    stood_in = -0.5 * pt.sum((chance + pt.sqrt(variance) * pull) ** 2) - 0.5 * pt.sum(pt.log(variance))
    pm.Potential("stand_ins", likely - stood_in)
    moved, at = star + pt.dot(loading.T, pull), 0
    found = {}
    for name in columns:
        width = stars[name].type.shape[0] if stars[name].ndim else 1
        found[name] = moved[at : at + width] if stars[name].ndim else moved[at]
        at += width
    return found


def _solve(factor: TensorVariable, right: TensorVariable, *, transposed: bool) -> TensorVariable:
    return pt.linalg.solve_triangular(factor, right, lower=True, trans=int(transposed), b_ndim=1)
