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

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qsim.feasibility.bounds import ROUNDING, edges, fill_rests, find_points, read_ends, sort_out, weigh

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]


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
def _lay(trees: Trees) -> _Desk:
    """A desk for trees of this size."""
    levers, columns = trees.steps.shape[1:]
    conditions, cells = trees.weights.shape[0], trees.tables.shape[3] - 1
    lone, several, joined, read = sort_out(trees.weights, trees.begins)
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
            desk.slope[column] = fill_rests(
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
            column = desk.lone[number]
            desk.surely[number], desk.hardly[number] = edges(
                trees.tables[draw, column, 0],
                trees.first[draw, column],
                trees.width[draw, column],
                trees.weights[number, column],
                trees.need[draw, number],
            )


@njit(cache=True, nogil=True, error_model="numpy")
def _grow_one(  # noqa: PLR0912 (one loop: calls at every node would cost more than its work)
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
            find_points(level[depth], up[depth], down[depth], slack, first, width, cells, below, above)
            read_ends(tables, begins, read, joined, least, most, logs, below, above, ends)
            verdict = min(
                verdict, weigh(ends, level[depth], slope, weights, need, lone, several, rise[depth], fall[depth])
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
