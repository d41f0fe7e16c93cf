r"""Several statements at once: counted draw by draw, so that what moves them together counts.

Statements about one indicator (a path and its last level, a level and "not below the province") are nested or nearly
so: they count once, met where all of them are met. For n such entries with probabilities :math:`p_i`

.. math:: \max(0, \sum p_i - n + 1) \le P(\text{all}) \le \min_i p_i

(Fréchet), and :math:`\prod p_i` if they were independent. The expected number met is :math:`\sum p_i` whatever the
dependence; its distribution is not.

Source: Fréchet (1935), Fundamenta Mathematicae 25, 379-390.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from qsim.feasibility.events import Bools

Scope = Literal["plan", "category", "binding"]


@dataclass(frozen=True, kw_only=True)
class Joint:
    """Targets of one scope under one scenario, those assessed on figures only."""

    scenario: str
    scope: Scope
    category: str
    """Category of scope ``category``; empty otherwise."""
    statements: int
    """Statements assessed on figures."""
    indicators: int
    """What they count as: one an indicator."""
    p_all: float
    """Probability that the published figures meet all of them. [1]"""
    p_independent: float
    """Product of the single probabilities. [1]"""
    p_low: float
    """Fréchet's lower bound. [1]"""
    p_high: float
    """Fréchet's upper bound. [1]"""
    expected: float
    """Expected number of indicators met."""
    distribution: tuple[float, ...]
    """Probability that exactly 0, 1, ... of them are met. [1]"""


def joint(
    met: Mapping[str, Sequence[Bools]], *, scenario: str, scope: Scope = "plan", category: str = ""
) -> Joint | None:
    """Count statements together.

    Parameters
    ----------
    met : mapping of str to sequence of bool arrays, dims (draw)
        For each indicator, what each of its statements is in every draw.

    Returns
    -------
    Joint or None
        None without any statement.
    """
    if not met:
        return None
    entries = np.array([np.logical_and.reduce(list(statements)) for statements in met.values()])
    chances = entries.mean(axis=1)
    count = len(entries)
    numbers = np.bincount(entries.sum(axis=0), minlength=count + 1) / entries.shape[1]
    return Joint(
        scenario=scenario,
        scope=scope,
        category=category,
        statements=sum(len(statements) for statements in met.values()),
        indicators=count,
        p_all=float(numbers[count]),
        p_independent=float(np.prod(chances)),
        p_low=float(max(0.0, chances.sum() - count + 1)),
        p_high=float(chances.min()),
        expected=float(chances.sum()),
        distribution=tuple(numbers.tolist()),
    )
