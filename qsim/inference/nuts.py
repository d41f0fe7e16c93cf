r"""Reference engine: the same model of one series, sampled by NUTS.

The prior of theta is a mixture, between whose components a sampler seldom moves. NUTS therefore samples under one
normal :math:`q`, and the draws are weighted by :math:`w = p(z) / q(z)`, prior over proposal, which makes them draws of
the model again. A short first run says which :math:`q` leaves the most: the expected effective share of the weights
under a proposal :math:`q'` is, from draws under :math:`q`,

.. math:: \Big(\sum_i \frac{p_i}{q_i}\Big)^2 \Big/ \sum_i \frac{q'_i}{q_i} \sum_i \frac{p_i^2}{q_i q'_i}.

The effective number of draws for a mean of :math:`f` follows from the chain of :math:`w (f - \bar f)`: it counts
autocorrelation and weights at once. The coordinates are those of :mod:`qsim.inference.whitening`.

Source: Owen (2013), Monte Carlo theory, methods and examples, ch. 9; sampler: Hoffman & Gelman (2014), JMLR 15.
"""

import math
import zlib
from dataclasses import dataclass
from threading import Lock
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from qsim.compat import CompiledNuts, mean_ess
from qsim.inference.laplace import SeriesPosterior, systematic
from qsim.inference.psis import effective_count, smooth
from qsim.inference.pymc_model import OFFSET, THETA
from qsim.inference.whitening import CENTER, SPREAD, Z, whitened_model
from qsim.model.priors import LevelPrior, NormalLaw, ThetaPrior
from qsim.model.series import SeriesData
from qsim.vocabulary import LEVEL, SLOPE

Floats = NDArray[np.float64]

CHAINS: Final = 4
_TUNE: Final = 1000
_PILOT: Final = 500
_TARGET_ACCEPT: Final = 0.9
_MOST: Final = 30
"""Most draws a chain for each one asked: what weights may cost."""
_ONE_AT_A_TIME: Final = Lock()
"""Series are fitted in threads; compiling and the limit on threads of linear algebra are of the whole process."""
_SHARES: Final = (1.0, 0.5, 0.2, 0.05)
"""Shares of the prior in the proposals that are tried. [1]"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Chains:
    """Weighted draws of one series, in the order of the chains."""

    theta: Floats
    """dims (chain, draw, 5). [link scale]"""
    level: Floats
    """dims (chain, draw, year). [link scale]"""
    slope: Floats
    """dims (chain, draw). [link scale per year]"""
    offset: Floats
    """Offsets of the other bases, dims (chain, draw, offset). [link scale]"""
    weights: Floats
    """Sum 1, dims (chain, draw)."""
    pareto_k: float
    """Of the weights; -inf where they are even."""
    divergences: int
    """Draws that end a path which went astray: many of them mean that NUTS leaves something out."""

    def effective(self, values: Floats) -> float:
        """Effective number of draws for the mean of ``values``, dims (chain, draw)."""
        return weighted_ess(values, self.weights)

    @property
    def smallest_effective(self) -> float:
        """Smallest effective number for theta and the last level."""
        each = [*np.moveaxis(self.theta, -1, 0), self.level[..., -1]]
        return min(self.effective(values) for values in each)


def weighted_ess(values: Floats, weights: Floats) -> float:
    """Effective number of weighted, autocorrelated draws for the mean of ``values``, dims (chain, draw). [draws]"""
    share = weights / weights.sum()
    apart = values - (share * values).sum()
    pull = weights / weights.mean() * apart
    variance = float((share * apart**2).sum())
    error = float(np.square(pull).mean()) / mean_ess(pull)
    return variance / error


class NutsSampler:
    """The model of one series, compiled once."""

    def __init__(self, data: SeriesData, theta_prior: ThetaPrior, level_prior: LevelPrior) -> None:
        self._prior = theta_prior
        self._wide = NormalLaw(theta_prior.mean, theta_prior.covariance)
        proposal = ThetaPrior.normal(theta_prior.mean, theta_prior.covariance)
        names = [Z, THETA, LEVEL, SLOPE] + ([OFFSET] if data.offsets else [])
        self._model = CompiledNuts(whitened_model(data, level_prior, proposal), names)

    def sample(self, *, draws: int, seed: int, tune: int = _TUNE) -> Chains:
        """Weighted draws worth about ``draws`` where theta allows it, in four chains."""
        proposal, share = self._wide, 1.0
        if len(self._prior.components) > 1:
            # as even as the weights are, so many draws it takes
            proposal, share = self._best_proposal(seed)
        each = math.ceil(min(1.2 / share if share < 1.0 else 1.0, _MOST) * draws / CHAINS)
        posterior, log_weights = self._run(proposal, each, tune, seed)
        weights, pareto_k = smooth(log_weights.ravel())
        return Chains(
            theta=posterior[THETA].values,
            level=posterior[LEVEL].values,
            slope=posterior[SLOPE].values,
            offset=posterior[OFFSET].values if OFFSET in posterior else np.empty((*log_weights.shape, 0)),
            weights=weights.reshape(log_weights.shape),
            pareto_k=pareto_k,
            divergences=int(posterior.attrs["divergences"]),
        )

    def _run(self, law: NormalLaw, draws: int, tune: int, seed: int) -> tuple[xr.Dataset, Floats]:
        values: dict[str, Floats] = {
            CENTER: law.mean,
            SPREAD: np.asarray(np.linalg.cholesky(law.covariance), dtype=float),
        }
        posterior = self._model.sample(
            values, draws=draws, chains=CHAINS, tune=tune, seed=seed, target_accept=_TARGET_ACCEPT
        )
        z = posterior[Z].values
        flat = z.reshape(-1, z.shape[-1])
        return posterior, (self._prior.log_density(flat) - law.log_density(flat)).reshape(z.shape[:-1])

    def _best_proposal(self, seed: int) -> tuple[NormalLaw, float]:
        """Proposal with the largest expected effective share, and that share."""
        posterior, log_weights = self._run(self._wide, _PILOT, _PILOT, seed + 1)
        z = posterior[Z].values.reshape(-1, len(self._wide.mean))
        logs = log_weights.ravel()
        weights = np.exp(logs - logs.max())
        parts = self._prior.component_log_densities(z) + np.log(self._prior.weights)[:, None]
        of_component = np.exp(parts - self._prior.log_density(z)) @ weights / weights.sum()
        best = self._wide, effective_count(weights) / weights.size
        for share in _SHARES:
            mixture = ThetaPrior(self._prior.components, share * self._prior.weights + (1.0 - share) * of_component)
            law = NormalLaw(mixture.mean, mixture.covariance)
            # q' / q and p / q of the pilot's draws
            ratio = np.exp(law.log_density(z) - self._wide.log_density(z))
            found = weights.sum() ** 2 / (ratio.sum() * (weights**2 / ratio).sum())
            if found > best[1]:
                best = law, float(found)
        return best


def sample_series(
    data: SeriesData, theta_prior: ThetaPrior, level_prior: LevelPrior, *, draws: int, seed: int
) -> SeriesPosterior:
    """Draws of one series by NUTS, resampled to equal weights and in random order.

    ``theta_effective`` is the smallest effective sample size of theta and the last level, ``pareto_k`` that of the
    weights between the sampled and the true prior of theta.
    """
    own_seed = seed + zlib.crc32(data.label.encode()) % 2**20
    with _ONE_AT_A_TIME:
        chains = NutsSampler(data, theta_prior, level_prior).sample(draws=draws, seed=own_seed)
    flat = chains.weights.ravel()
    rng = np.random.default_rng(own_seed)
    kept = rng.permutation(systematic(flat, draws, rng))
    return SeriesPosterior(
        data=data,
        theta=chains.theta.reshape(flat.size, -1)[kept],
        level=chains.level.reshape(flat.size, -1)[kept],
        slope=chains.slope.ravel()[kept],
        pareto_k=chains.pareto_k,
        theta_effective=chains.smallest_effective,
        log_evidence=math.nan,
        offset=chains.offset.reshape(flat.size, -1)[kept],
        engine="nuts",
    )
