"""Reference engine: the same model of one series, sampled by NUTS."""

import math
import zlib
from typing import Final

import numpy as np

from qsim.compat import sample_nuts, smallest_ess
from qsim.inference.laplace import SeriesPosterior
from qsim.inference.pymc_model import OFFSET, THETA, build_model
from qsim.model.priors import LevelPrior, ThetaPrior
from qsim.model.series import SeriesData
from qsim.vocabulary import LEVEL, SLOPE

_CHAINS: Final = 4
_TUNE: Final = 1000
_TARGET_ACCEPT: Final = 0.95
"""Interval likelihoods have sharp edges: shorter steps than usual."""


def sample_series(
    data: SeriesData, theta_prior: ThetaPrior, level_prior: LevelPrior, *, draws: int, seed: int
) -> SeriesPosterior:
    """Draws of one series by NUTS in four chains, in random order.

    ``theta_effective`` is the smallest effective sample size of theta and the last level; there is no Pareto k.
    """
    each = math.ceil(draws / _CHAINS)
    posterior = sample_nuts(
        build_model(data, theta_prior, level_prior),
        draws=each,
        chains=_CHAINS,
        tune=_TUNE,
        seed=seed + zlib.crc32(data.label.encode()) % 2**20,
        target_accept=_TARGET_ACCEPT,
    )
    theta = posterior[THETA].values.reshape(_CHAINS * each, -1)
    level = posterior[LEVEL].values.reshape(_CHAINS * each, -1)
    slope = posterior[SLOPE].values.reshape(_CHAINS * each)
    offset = np.empty((_CHAINS * each, 0))
    if data.offsets:
        offset = posterior[OFFSET].values.reshape(_CHAINS * each, -1)
    order = np.random.default_rng(seed).permutation(_CHAINS * each)[:draws]
    return SeriesPosterior(
        data=data,
        theta=theta[order],
        level=level[order],
        slope=slope[order],
        pareto_k=-math.inf,
        theta_effective=smallest_ess(posterior[[THETA, LEVEL]]),
        log_evidence=math.nan,
        offset=offset[order],
    )
