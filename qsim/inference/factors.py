r"""Normal scores of several series that move together, each without regard to which other series there are.

Named factors. What a series has in common with others (:mod:`qsim.inference.shocks`) is a sum of named parts: its
category, its indicator, its region. Each name has a stream of random numbers of its own, so that with loadings
:math:`l_{sf}`, factors :math:`\xi_f` and own scores :math:`g_s`, all independent standard normals,

.. math:: x_s = \sum_f l_{sf} \xi_f + \Big(1 - \sum_f l_{sf}^2\Big)^{1/2} g_s

is a standard normal that depends on nothing but the series itself, and
:math:`\mathrm{cor}(x_s, x_r) = K_{sr} = \sum_f l_{sf} l_{rf}`.

Squares. The features :math:`l_{sf} l_{sh}` of pairs of factors have the correlation :math:`K_{sr}^2` in the same way.

Carrying on. Where years have taught another correlation R, scores x with correlation K become :math:`M x` with

.. math:: M = K^{-1/2} (K^{1/2} R K^{1/2})^{1/2} K^{-1/2}, \qquad M K M^T = R,

the map that moves normal scores the least in mean square. Series whose correlations are those of K stay as they are;
the map is then that of what the others have beyond their regression on those. It does not depend on the order of
series.

Source: Dowson and Landau (1982), doi:10.1016/0047-259X(82)90077-X (the map).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qsim.model.series import SeriesData
from qsim.model.shares import ShockShares

Floats = NDArray[np.float64]

Loadings = Mapping[str, float]
"""Loading of a series on each of its factors, by the factor's name. [1]"""

_UNKNOWN_CATEGORY: Final = "other"


def loadings_of(data: SeriesData, shares: ShockShares) -> Loadings:
    """Factors of a series: roots of the shares, positive towards the better side.

    A category nobody named (``other``) is nobody's company but its own indicator's. Factors without a share are left
    out. A name has a space, which no label of a series has, so that streams are told apart.
    """
    slug, category = data.indicator.slug, data.indicator.category
    named = f"indicator {slug}" if category == _UNKNOWN_CATEGORY else f"category {category}"
    share = {
        "every series": shares.everywhere,
        f"indicator {slug}": shares.indicator,
        f"region {data.region}": shares.region,
    }
    share[named] = share.get(named, 0.0) + shares.category
    return {name: data.sign * float(np.sqrt(part)) for name, part in share.items() if part > 0.0}


def correlation_of(loadings: Sequence[Loadings]) -> Floats:
    """Correlation of scores that have these loadings, dims (series, series). [1]"""
    # each entry for itself, in the order of the factors of its series: what else is there must not change a last digit
    total = [[sum(one[name] * other[name] for name in one if name in other) for other in loadings] for one in loadings]
    matrix = np.array(total, dtype=float).reshape(len(loadings), len(loadings))
    np.fill_diagonal(matrix, 1.0)
    return matrix


def squared(loadings: Loadings) -> Loadings:
    """Loadings whose correlations are the squares: each factor with each, once."""
    names = sorted(loadings)
    return {
        f"{one} & {other}": (1.0 if one == other else float(np.sqrt(2.0))) * loadings[one] * loadings[other]
        for place, one in enumerate(names)
        for other in names[place:]
    }


def with_factors(own: Floats, loadings: Sequence[Loadings], factor: Callable[[str], Floats]) -> Floats:
    """Scores of series from their own and those of their factors (see the module).

    Parameters
    ----------
    own : array, dims (series, draw, ...)
        Independent standard normals. [1]
    factor : callable
        Standard normals of a factor by its name, dims (draw, ...). [1]

    Returns
    -------
    array, dims of ``own``
    """
    mixed = np.empty_like(own)
    for place, shares in enumerate(loadings):
        rest = 1.0 - sum(loading**2 for loading in shares.values())
        mixed[place] = np.sqrt(rest) * own[place]
        for name, loading in shares.items():
            mixed[place] += loading * factor(name)
    return mixed


def carrier(start: Floats, goal: Floats) -> Callable[[Floats], Floats]:
    """What moves scores of correlation ``start`` to correlation ``goal``, as little as can be (see the module).

    Parameters
    ----------
    start, goal : array, dims (series, series)
        Positive definite.

    Returns
    -------
    callable
        From standard normals, dims (series, draw, ...), to such. Series whose rows of the two matrices are equal keep
        their numbers, to the last digit.
    """
    differs = (start != goal).any(axis=1)
    if not differs.any():
        return lambda scores: scores
    moving, still = np.flatnonzero(differs), np.flatnonzero(~differs)
    between = start[np.ix_(still, moving)]
    told = np.linalg.solve(start[np.ix_(still, still)], between).T
    explained = told @ between
    there = np.ix_(moving, moving)
    least = _least_map(start[there] - explained, goal[there] - explained)

    def carry(scores: Floats) -> Floats:
        expected = np.tensordot(told, scores[still], 1)
        moved = scores.copy()
        moved[moving] = expected + np.tensordot(least, scores[moving] - expected, 1)
        return moved

    return carry


def _least_map(start: Floats, goal: Floats) -> Floats:
    root = _root(start)
    inverse = np.linalg.inv(root)
    return np.asarray(inverse @ _root(root @ goal @ root) @ inverse)


def _root(matrix: Floats) -> Floats:
    """Symmetric root of a positive definite matrix."""
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)
