r"""Sizes of levers: draws of a law from normal scores, joined where the file says how two go together.

A lever has standard normal scores :math:`e` of its own, from a stream of its own. Levers with correlations have the
scores :math:`z = R^{1/2} e` with the symmetric root of their correlation matrix, the others :math:`z = e`; the size is
:math:`F^{-1}(\Phi(z))`. So a lever is the same draws in every scenario, in whatever order levers are named, and a law
with a larger mean is larger draw by draw.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from qsim.inference.fit import stream
from qsim.plans.levers import Law
from qsim.plans.scenarios import Correlation, correlation_matrix
from qsim.plans.sizes import Certain, Normal, Uniform

Floats = NDArray[np.float64]


def size_scores(lever: str, correlations: Sequence[Correlation], draws: int, seed: int) -> Floats:
    """Standard normal scores of a lever's size, dims (draw). [1]"""
    partners = _joined(lever, correlations)
    own = np.stack([stream(seed, name, "lever").standard_normal(draws) for name in partners])
    if len(partners) == 1:
        return np.asarray(own[0])
    values, vectors = np.linalg.eigh(correlation_matrix(partners, correlations))
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return np.asarray(root[partners.index(lever)] @ own)


def size_draws(law: Law, scores: Floats) -> Floats:
    """Quantiles of a law at the chances of normal scores, dims (draw). [unit of the law]"""
    if isinstance(law, Certain):
        return np.full(scores.shape, law.value)
    if isinstance(law, Normal):
        return law.mean + law.sd * scores
    chance = ndtr(scores)
    if isinstance(law, Uniform):
        return np.asarray(law.low + (law.high - law.low) * chance)
    width, rise, fall = law.high - law.low, law.mode - law.low, law.high - law.mode
    rising = law.low + np.sqrt(chance * width * rise)
    falling = law.high - np.sqrt(ndtr(-scores) * width * fall)
    return np.where(chance * width < rise, rising, falling)


def _joined(lever: str, correlations: Sequence[Correlation]) -> list[str]:
    """Levers that hang together with one through correlations, itself included, in order of their names."""
    found, reached = {lever}, [lever]
    while reached:
        name = reached.pop()
        near = {other for pair in correlations if name in pair.levers for other in pair.levers} - found
        found |= near
        reached += near
    return sorted(found)
