r"""Draws on which conditions hold for every set of effects: a tree a draw, bounded from both sides.

Effects add on the link scale, and a published figure never falls as its level rises. So for one draw and the sets that
agree on the first k levers, the level of each year lies between that of the levers taken and the fall, or the rise, of
all that are left; its figure lies between the figures at the ends (tabled on a grid of levels, read outwards); and a
condition :math:`\sum_t a_t y_t \ge b` surely holds, or surely fails, for all those sets where its lower end does, or
its upper end does not. One lever moves the figures of several years together: with the slope :math:`m_t` of each over
its whole reach the same sum is

.. math:: \sum_t a_t m_t \eta_t + \sum_t a_t (y_t - m_t \eta_t),

the first part bounded lever by lever, the second by the least and greatest rest over the cells between the ends; the
narrower of the two bounds counts. A branch that is settled ends; a set that is still open at a leaf is returned, to be
settled by the figures themselves.
"""

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]

ROUNDING: Final = 1e-12
"""Share of a level by which sums in another order may differ."""


class Trees(NamedTuple):
    """What the trees of some draws are grown from."""

    start: Floats
    """Level without effects, dims (draw, column). [link scale]"""
    steps: Floats
    """dims (draw, lever, column). [link scale]"""
    first: Floats
    """First point of each grid, dims (draw, column). [link scale]"""
    width: Floats
    """Distance of two points, dims (draw, column). [link scale]"""
    tables: Floats
    """Figure at each point, NaN where there is none, dims (draw, column, slice, point). Where a limit's start level
    moves, the slices are the points of the grid of its column, thinned; else there is one slice. [unit]"""
    begins: Counts
    """Column of the start level of a limit, dims (column); -1 where nothing depends on one."""
    weights: Floats
    """dims (condition, column). [1]"""
    need: Floats
    """dims (draw, condition). [unit]"""


class _Desk(NamedTuple):
    """What is written down while the tree of one draw grows."""

    lone: Counts
    """Column of a condition on one alone that hangs on no other, dims (condition); -1 of every other condition."""
    several: Flags
    """Whether a condition asks for several columns with slopes, dims (condition)."""
    joined: Flags
    """Whether a column is asked for by such a condition, dims (column)."""
    read: Flags
    """Whether the figure of a column has to be looked up, dims (column)."""
    surely: Floats
    """Level, counted to the side that helps, from which a lone condition surely holds, dims (condition)."""
    hardly: Floats
    """The same up to which it surely fails. [link scale]"""
    slack: Floats
    """What rounding may move a level by, dims (column). [link scale]"""
    slope: Floats
    """dims (column). [unit per link scale]"""
    least: Floats
    """Least rest over 1, 2, 4, ... cells from each on, dims (column, power, cell). [unit]"""
    most: Floats
    logs: Counts
    """Whole logarithms, dims (cell + 1)."""
    up: Floats
    """Rise by the levers from each on, dims (lever + 1, column). [link scale]"""
    down: Floats
    rise: Floats
    """The same of the straight part of conditions, dims (lever + 1, condition). [unit]"""
    fall: Floats
    level: Floats
    """Level with the levers taken, by how many are decided, dims (lever + 1, column). [link scale]"""
    below: Counts
    """Grid point below all levels, dims (column)."""
    above: Counts
    ends: Floats
    """Least and greatest figure, least and greatest rest, dims (4, column). [unit]"""


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
def _fill_rests(table: Floats, first: float, width: float, least: Floats, most: Floats) -> float:
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
def _sort_out(weights: Floats, begins: Counts) -> tuple[Counts, Flags, Flags, Flags]:
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
def _edges(trees: Trees, draw: int, number: int, column: int) -> tuple[float, float]:
    """Levels from which a lone condition surely holds and up to which it surely fails, counted to its better side."""
    cells = trees.tables.shape[3] - 1
    weight, need = trees.weights[number, column], trees.need[draw, number]
    first, width = trees.first[draw, column], trees.width[draw, column]
    sign = 1.0 if weight > 0.0 else -1.0
    low, high = -1, cells + 1  # the last point that fails and the first that holds, from the worse end on
    while high - low > 1:
        middle = (low + high) // 2
        if weight * trees.tables[draw, column, 0, middle if sign > 0.0 else cells - middle] >= need:
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
def _lay(trees: Trees) -> _Desk:
    """A desk for trees of this size."""
    levers, columns = trees.steps.shape[1:]
    conditions, cells = trees.weights.shape[0], trees.tables.shape[3] - 1
    lone, several, joined, read = _sort_out(trees.weights, trees.begins)
    logs = np.zeros(cells + 1, dtype=np.int64)
    for at in range(2, cells + 1):
        logs[at] = logs[at // 2] + 1
    return _Desk(
        lone,
        several,
        joined,
        read,
        np.zeros(conditions),
        np.zeros(conditions),
        np.zeros(columns),
        np.zeros(columns),
        np.zeros((columns, logs[cells] + 1, cells)),
        np.zeros((columns, logs[cells] + 1, cells)),
        logs,
        np.zeros((levers + 1, columns)),
        np.zeros((levers + 1, columns)),
        np.zeros((levers + 1, conditions)),
        np.zeros((levers + 1, conditions)),
        np.zeros((levers + 1, columns)),
        np.zeros(columns, dtype=np.int64),
        np.zeros(columns, dtype=np.int64),
        np.zeros((4, columns)),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _begin(trees: Trees, desk: _Desk, draw: int) -> None:
    """Slopes, rests, and what the levers from each on can add, of one draw."""
    levers, columns = trees.steps.shape[1:]
    for column in range(columns):
        if desk.joined[column]:
            desk.slope[column] = _fill_rests(
                trees.tables[draw, column, 0],
                trees.first[draw, column],
                trees.width[draw, column],
                desk.least[column],
                desk.most[column],
            )
    for lever in range(levers - 1, -1, -1):
        for column in range(columns):
            step = trees.steps[draw, lever, column]
            desk.up[lever, column] = desk.up[lever + 1, column] + max(step, 0.0)
            desk.down[lever, column] = desk.down[lever + 1, column] + min(step, 0.0)
        for number in range(trees.weights.shape[0]):
            step = 0.0
            for column in range(columns):
                weight = trees.weights[number, column]
                if weight != 0.0:
                    step += weight * desk.slope[column] * trees.steps[draw, lever, column]
            desk.rise[lever, number] = desk.rise[lever + 1, number] + max(step, 0.0)
            desk.fall[lever, number] = desk.fall[lever + 1, number] + min(step, 0.0)
    desk.level[0] = trees.start[draw]
    for column in range(columns):
        desk.slack[column] = ROUNDING * (abs(trees.start[draw, column]) + desk.up[0, column] - desk.down[0, column])
    for number in range(trees.weights.shape[0]):
        if desk.lone[number] >= 0:
            desk.surely[number], desk.hardly[number] = _edges(trees, draw, number, desk.lone[number])


@njit(cache=True, nogil=True, error_model="numpy")
def _read(  # noqa: PLR0917 (called at every node: the fields of a record would be counted in and out each time)
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
def _weigh(  # noqa: PLR0917 (as above)
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


@njit(cache=True, nogil=True, error_model="numpy")
def _grow_one(  # noqa: PLR0912, PLR0915 (one loop: calls at every node would cost more than its work)
    trees: Trees, desk: _Desk, draw: int, deepest: int, most_nodes: int, settled: Counts, leaves: Counts
) -> tuple[int, int, int]:
    """Nodes of the tree of one draw, -1 where they or the leaves were too many; rows of ``settled`` and ``leaves``."""
    steps, first, width, tables = trees.steps[draw], trees.first[draw], trees.width[draw], trees.tables[draw]
    begins, weights, need = trees.begins, trees.weights, trees.need[draw]
    lone, several, joined, read = desk.lone, desk.several, desk.joined, desk.read
    surely, hardly, slack, slope = desk.surely, desk.hardly, desk.slack, desk.slope
    up, down, rise, fall, level = desk.up, desk.down, desk.rise, desk.fall, desk.level
    least, most, logs, below, above, ends = desk.least, desk.most, desk.logs, desk.below, desk.above, desk.ends
    levers, columns, cells, alone = steps.shape[0], steps.shape[1], tables.shape[2] - 1, bool(lone.min() >= 0)
    depths, sets = np.zeros(levers + 2, dtype=np.int64), np.zeros(levers + 2, dtype=np.int64)
    nodes, found, filled, top = 0, 0, 0, 0
    while top >= 0:
        if nodes >= most_nodes:
            return -1, 0, 0
        depth, chosen = depths[top], sets[top]
        top -= 1
        nodes += 1
        if depth > 0:
            for column in range(columns):
                step = steps[depth - 1, column] if chosen & 1 else 0.0
                level[depth, column] = level[depth - 1, column] + step
        verdict = 1
        for number in range(lone.size):
            column = lone[number]
            if column < 0:
                continue
            low = level[depth, column] + down[depth, column] - slack[column]
            high = level[depth, column] + up[depth, column] + slack[column]
            if weights[number, column] < 0.0:
                low, high = -high, -low
            if high <= hardly[number]:
                verdict = -1
                break
            if low < surely[number]:
                verdict = 0
        if verdict >= 0 and not alone:
            for column in range(columns):
                here = level[depth, column]
                low, high = here + down[depth, column] - slack[column], here + up[depth, column] + slack[column]
                below[column] = _point_below(low, first[column], width[column], cells)
                above[column] = _point_above(high, first[column], width[column], cells)
            _read(tables, begins, read, joined, least, most, logs, below, above, ends)
            verdict = min(
                verdict, _weigh(ends, level[depth], slope, weights, need, lone, several, rise[depth], fall[depth])
            )
        if verdict < 0:
            continue
        if verdict > 0 or depth == deepest < levers:
            settled[found, 0] = chosen << (levers - depth)
            settled[found, 1] = (chosen + 1) << (levers - depth)
            settled[found, 2] = verdict
            found += 1
        elif depth < levers:
            for take in range(2):
                top += 1
                depths[top], sets[top] = depth + 1, 2 * chosen + take
        elif filled < leaves.shape[0]:
            leaves[filled, 0], leaves[filled, 1] = draw, chosen
            filled += 1
        else:
            return -1, 0, 0
    return nodes, found, filled


@njit(cache=True, nogil=True, error_model="numpy")
def grow(
    trees: Trees, deepest: int, most_nodes: int, most_leaves: int, tally: Counts, leaves: Counts
) -> tuple[int, Counts]:
    """Settle sets draw by draw.

    Parameters
    ----------
    deepest : int
        Levers decided one by one; if not all, sets that agree on them are left open together.
    most_nodes, most_leaves : int
        Work on a draw after which nothing is said of it.
    tally : array, dims (2, set + 1)
        Changes along the sets of the number of draws that surely, and that possibly, hold: added to.
    leaves : array, dims (leaf, 2)
        Filled with the draw and set of open leaves, which are counted in neither: room for those of all draws.

    Returns
    -------
    filled : int
        Leaves filled.
    spent : array, dims (draw)
        Nodes of each draw; -1 where they or its leaves were too many.
    """
    desk = _lay(trees)
    settled = np.empty((most_nodes + 1, 3), dtype=np.int64)
    spent = np.zeros(trees.start.shape[0], dtype=np.int64)
    filled = 0
    for draw in range(trees.start.shape[0]):
        _begin(trees, desk, draw)
        room = leaves[filled : filled + most_leaves]
        spent[draw], found, more = _grow_one(trees, desk, draw, deepest, most_nodes, settled, room)
        filled += more
        for at in range(found):
            for row in range(2):
                by = 1 if row == 1 else settled[at, 2]
                tally[row, settled[at, 0]] += by
                tally[row, settled[at, 1]] -= by
    return filled, spent
