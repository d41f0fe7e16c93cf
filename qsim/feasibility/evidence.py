"""How good the evidence behind a probability is: a grade from A to D, with its reasons.

The grade is the worst that any of its reasons gives. "Too thin to tell" is said where the probability moves by more
than 30 points under other priors or without the newest figure.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from qsim.inference.fit import FittedSeries
from qsim.model.trend import unconstrain

Letter = Literal["A", "B", "C", "D"]
GradeReason = Literal["figures", "age", "range", "prior_share", "gate", "prior_only"]


@dataclass(frozen=True, kw_only=True)
class GradeTable:
    """Bounds of the grades A, B and C; beyond the last it is D. Pass another one to replace it."""

    figures: tuple[int, int, int] = (5, 3, 1)
    """Fewest own figures."""
    age: tuple[int, int, int] = (1, 2, 4)
    """Most years between the newest figure and the last year of the past."""
    range: tuple[float, float, float] = (0.1, 0.2, 0.3)
    """Largest range of the probability over the sensitivities. [1]"""
    prior_share: tuple[float, float, float] = (0.6, 0.8, 0.95)
    """Largest share of the prior's variance left. [1]"""


GRADES: Final = GradeTable()


@dataclass(frozen=True, kw_only=True)
class Grade:
    """Grade of the evidence."""

    letter: Letter
    reasons: tuple[GradeReason, ...]
    """What keeps it from being better; empty for A."""
    prior_share: float
    """How much of the answer is prior. [1]"""
    too_thin: bool
    """Whether the probability says nothing: it moves by more than the widest range."""


def grade(
    *,
    figures: int,
    age: int,
    spread: float | None,
    share: float,
    gate: bool,
    table: GradeTable = GRADES,
) -> Grade:
    """Grade evidence.

    Parameters
    ----------
    figures : int
        Own figures used.
    age : int
        Years between the newest own figure and the last year of the past.
    spread : float or None
        Range of the probability over the sensitivities; None where they were not computed. [1]
    share : float
        How much of the answer is prior (:func:`prior_share`). [1]
    gate : bool
        Whether the computation passed its checks.
    """
    places: dict[GradeReason, int] = {
        "figures": sum(figures < bound for bound in table.figures),
        "age": sum(age > bound for bound in table.age),
        "range": 0 if spread is None else sum(spread > bound for bound in table.range),
        "prior_share": sum(share > bound for bound in table.prior_share),
        "gate": 0 if gate else 3,
    }
    if figures == 0:
        places = {"prior_only": 3, "range": places["range"], "gate": places["gate"]}
    worst = max(places.values())
    letters: tuple[Letter, ...] = ("A", "B", "C", "D")
    return Grade(
        letter=letters[worst],
        reasons=tuple(reason for reason, place in places.items() if place == worst and worst > 0),
        prior_share=share,
        too_thin=spread is not None and spread > table.range[-1],
    )


def prior_share(fit: FittedSeries) -> float:
    r"""How much of what a forecast rests on is still prior. [1]

    The mean over the level of the first year of the grid and the five unconstrained parameters z of theta of

    .. math:: \min(1, \mathrm{var}(\cdot | figures) / \mathrm{var}(\cdot)).

    1 without figures; 0 once the prior is forgotten.
    """
    if not fit.data.year.size:
        return 1.0
    level = float(fit.posterior.level[:, 0].var()) / fit.level_prior.marginal_sd(fit.theta_prior) ** 2
    theta = unconstrain(fit.posterior.theta).var(axis=0) / np.diag(fit.theta_prior.covariance)
    return float(np.minimum(np.append(theta, level), 1.0).mean())
