"""What the trees of :mod:`qsim.feasibility.trees` read at a node: ends of figures and of conditions on them."""

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]

ROUNDING: Final = 1e-12
"""Share of a level, or of a sum, by which the same in another order may differ."""


@njit(cache=True, nogil=True, error_model="numpy")
def _point_below(x: float, first: float, width: float, cells: int) -> int:
    """Last grid point that is not above x."""
    at = min(max(int((x - first) / width), 0), cells)
    while at > 0 and first + at * width > x:
        at -= 1
    return at


@njit(cache=True, nogil=True, error_model="numpy")
def _point_above(x: float, first: float, width: float, cells: int) -> int:
    """First grid point that is not below x."""
    at = min(max(int((x - first) / width) + 1, 0), cells)
    while at < cells and first + at * width < x:
        at += 1
    return at


@njit(cache=True, nogil=True, error_model="numpy")
def find_points(  # noqa: PLR0917 (called at every node: the fields of a record would be counted in and out each time)
    level: Floats,
    up: Floats,
    down: Floats,
    slack: Floats,
    first: Floats,
    width: Floats,
    cells: int,
    below: Counts,
    above: Counts,
) -> None:
    """Points of each column's grid between which its level lies, whatever is still added."""
    for column in range(level.size):
        below[column] = _point_below(level[column] + down[column] - slack[column], first[column], width[column], cells)
        above[column] = _point_above(level[column] + up[column] + slack[column], first[column], width[column], cells)


@njit(cache=True, nogil=True, error_model="numpy")
def fill_rests(table: Floats, first: float, width: float, least: Floats, most: Floats) -> float:
    """Slope of figures over their grid; least and greatest rest over 1, 2, 4, ... cells from each on."""
    cells = table.size - 1
    slope = float((table[cells] - table[0]) / (cells * width))
    if not np.isfinite(slope):  # of figures beyond the floats: the rest is all of them
        slope = 0.0
    for at in range(cells):
        least[0, at] = table[at] - slope * (first + (at + 1) * width)
        most[0, at] = table[at + 1] - slope * (first + at * width)
    span, row = 1, 1
    while 2 * span <= cells:
        for at in range(cells - 2 * span + 1):
            least[row, at] = min(least[row - 1, at], least[row - 1, at + span])
            most[row, at] = max(most[row - 1, at], most[row - 1, at + span])
        span, row = 2 * span, row + 1
    return slope


@njit(cache=True, nogil=True, error_model="numpy")
def sort_out(weights: Floats, begins: Counts) -> tuple[Counts, Flags, Flags, Flags]:
    """Lone conditions, those of several columns, and what these and the rest have to read; slices have no slope."""
    conditions, columns = weights.shape
    lone, several = np.full(conditions, -1, dtype=np.int64), np.zeros(conditions, dtype=np.bool_)
    joined, read = np.zeros(columns, dtype=np.bool_), np.zeros(columns, dtype=np.bool_)
    for number in range(conditions):
        asked, sliced, last = 0, False, -1
        for column in range(columns):
            if weights[number, column] != 0.0:
                asked, last = asked + 1, column
                sliced = sliced or begins[column] >= 0
        several[number] = asked > 1 and not sliced
        if asked == 1 and not sliced:
            lone[number] = last
            continue
        for column in range(columns):
            if weights[number, column] != 0.0:
                read[column] = True
                joined[column] = joined[column] or several[number]
    return lone, several, joined, read


@njit(cache=True, nogil=True, error_model="numpy")
def edges(table: Floats, first: float, width: float, weight: float, need: float) -> tuple[float, float]:
    """Levels from which a lone condition surely holds and up to which it surely fails, counted to its better side."""
    cells = table.size - 1
    sign = 1.0 if weight > 0.0 else -1.0
    low, high = -1, cells + 1  # the last point that fails and the first that holds, from the worse end on
    while high - low > 1:
        middle = (low + high) // 2
        if weight * table[middle if sign > 0.0 else cells - middle] >= need:
            high = middle
        else:
            low = middle
    if low < 0:
        return -np.inf, -np.inf
    if high > cells:
        return np.inf, np.inf
    held, failed = (high, low) if sign > 0.0 else (cells - high, cells - low)
    return sign * (first + held * width), sign * (first + failed * width)


@njit(cache=True, nogil=True, error_model="numpy")
def read_ends(  # noqa: PLR0917 (as above)
    tables: Floats,
    begins: Counts,
    read: Flags,
    joined: Flags,
    least: Floats,
    most: Floats,
    logs: Counts,
    below: Counts,
    above: Counts,
    ends: Floats,
) -> None:
    """Ends of each column's figure and rest between two points of its grid."""
    slices, cells = tables.shape[1], tables.shape[2] - 1
    thin = cells // max(slices - 1, 1)
    for column in range(begins.size):
        if not read[column]:
            continue
        low, high, slice_low, slice_high = below[column], above[column], 0, 0
        if begins[column] >= 0:
            slice_low = below[begins[column]] // thin
            slice_high = min((above[begins[column]] + thin - 1) // thin, slices - 1)
        ends[0, column] = tables[column, slice_low, low]
        ends[1, column] = tables[column, slice_high, high]
        if joined[column]:
            at = min(low, cells - 1)
            row = logs[max(high - at, 1)]
            other = at + max(high - at, 1) - (1 << row)
            ends[2, column] = min(least[column, row, at], least[column, row, other])
            ends[3, column] = max(most[column, row, at], most[column, row, other])


@njit(cache=True, nogil=True, error_model="numpy")
def weigh(  # noqa: PLR0917 (as above)
    ends: Floats,
    level: Floats,
    slope: Floats,
    weights: Floats,
    need: Floats,
    lone: Counts,
    several: Flags,
    rise: Floats,
    fall: Floats,
) -> int:
    """1 where all conditions but lone ones surely hold, -1 where one surely fails, else 0."""
    verdict = 1
    for number in range(weights.shape[0]):
        if lone[number] >= 0:
            continue
        lowest = highest = straight = rest_low = rest_high = 0.0
        for column in range(level.size):
            weight = weights[number, column]
            if weight == 0.0:
                continue
            bad, good = (0, 1) if weight > 0.0 else (1, 0)
            lowest += weight * ends[bad, column]
            highest += weight * ends[good, column]
            if several[number]:
                straight += weight * slope[column] * level[column]
                rest_low += weight * ends[2 + bad, column]
                rest_high += weight * ends[2 + good, column]
        if several[number]:
            off = ROUNDING * (abs(straight) + abs(rest_low) + abs(rest_high) + rise[number] - fall[number])
            lowest = max(lowest, straight + fall[number] + rest_low - off)
            highest = min(highest, straight + rise[number] + rest_high + off)
        # a year without a figure is no number: it meets nothing
        if not highest >= need[number]:
            return -1
        if not lowest >= need[number]:
            verdict = 0
    return verdict
