"""Which rows print one figure: several sources of one figure are one observation, different figures stay apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qsim.observations.figures import Figures, intervals
from qsim.observations.table import Mask
from qsim.vocabulary import QUALIFIERS

_SAME_THING: Final = ("region", "indicator", "year", "period", "definition", "year_from", "change", "base_year")
_UNITS: Final = 1_000_000
"""Values are compared in millionths, as whole numbers: six decimals are the most that are read."""
_CONTRARY: Final = (frozenset({">=", "<="}), frozenset({">=", "~"}), frozenset({"<=", "~"}))


@dataclass(frozen=True, kw_only=True)
class Merged:
    """One observation, as places of rows in the table."""

    head: int
    """Row with the most precise figure."""
    members: tuple[int, ...]
    """Rows that print it, the earliest published first."""
    counts: int
    """Row whose counts are kept."""


def merge(figures: Figures, *, late: Mask) -> list[Merged]:
    """Find the rows that print one figure.

    Rows of one region, indicator, year, period and definition print one figure if the values are equal once rounded
    to the coarser of the two precisions, and neither qualifier excludes the other. A coarse value that agrees with two
    different precise ones goes with the nearer. The order of the rows does not matter.

    Parameters
    ----------
    figures : Figures
        Parsed columns.
    late : array of bool, dims (row,)
        Rows published after the information cut-off: they merge only with each other, so that a later and more
        precise figure tells nothing to a plan that could not know it.

    Returns
    -------
    list of Merged
        One per observation, in the order of their first rows; every row belongs to exactly one.
    """
    frame = pd.DataFrame({name: getattr(figures, name) for name in _SAME_THING} | {"late": late})
    group = frame.groupby(list(frame), sort=False).ngroup().to_numpy()
    order = np.argsort(group, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(group[order])) + 1)
    lower, upper = intervals(figures)
    merged: list[Merged] = []
    for part in parts:
        rows = part.tolist()
        if len(rows) == 1:
            merged.append(Merged(head=rows[0], members=(rows[0],), counts=rows[0]))
        else:
            merged.extend(_merge_group(figures, lower, upper, rows))
    return sorted(merged, key=lambda one: min(one.members))


def _merge_group(
    figures: Figures, lower: NDArray[np.float64], upper: NDArray[np.float64], rows: Sequence[int]
) -> list[Merged]:
    clusters: dict[int, list[int]] = {}
    for row in sorted(rows, key=lambda row: _precision(figures, row)):
        heads = [head for head in clusters if _is_one_figure(figures, lower, upper, head, row)]
        nearest = min(heads, key=lambda head: (_distance(figures, head, row), figures.value[head]), default=row)
        clusters.setdefault(nearest, []).append(row)
    return [_merged(figures, head, members) for head, members in clusters.items()]


def _merged(figures: Figures, head: int, members: Sequence[int]) -> Merged:
    by_date = sorted(members, key=lambda row: (*_release(figures, row), *_names(figures, row)))
    # The members come in order of precision, so the first with counts has the most precise figure.
    counts = min(members, key=lambda row: _missing_counts(figures, row))
    return Merged(head=head, members=tuple(by_date), counts=counts)


def _is_one_figure(
    figures: Figures, lower: NDArray[np.float64], upper: NDArray[np.float64], head: int, row: int
) -> bool:
    if {figures.qualifier[head], figures.qualifier[row]} in _CONTRARY:
        return False
    coarser = min(figures.decimals[head], figures.decimals[row])
    if 2 * _distance(figures, head, row) > _UNITS // 10**coarser:
        return False
    # 94.6 rounds to 95, but is not "at least 95" (95以上).
    return bool(lower[head] <= upper[row] and lower[row] <= upper[head])


def _distance(figures: Figures, one: int, other: int) -> int:
    return abs(round(float(figures.value[one]) * _UNITS) - round(float(figures.value[other]) * _UNITS))


def _precision(figures: Figures, row: int) -> tuple[Any, ...]:
    """Sort key: the most precise first; what follows only makes the order independent of the table's."""
    return (
        figures.qualifier[row] != "=",
        -figures.decimals[row],
        not figures.printed[row],
        QUALIFIERS.index(figures.qualifier[row]),
        _missing_counts(figures, row),
        figures.value[row],
        _or_zero(figures.denominator[row]),
        _or_zero(figures.numerator[row]),
        *_release(figures, row),
        *_names(figures, row),
    )


def _missing_counts(figures: Figures, row: int) -> int:
    return int(np.isnan(figures.numerator[row])) + int(np.isnan(figures.denominator[row]))


def _or_zero(count: float) -> float:
    return 0.0 if np.isnan(count) else float(count)


def _release(figures: Figures, row: int) -> tuple[Any, bool]:
    """Day of publication; a given day goes before the usual one."""
    return figures.published[row], not figures.published_given[row]


def _names(figures: Figures, row: int) -> tuple[str, str, str]:
    return figures.source[row], figures.url[row], figures.note[row]


def joined(texts: NDArray[np.object_]) -> str:
    """Join texts with '; ', each once, empty ones left out."""
    return "; ".join(dict.fromkeys(text for text in texts.tolist() if text))
