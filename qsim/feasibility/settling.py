"""Counting the draws that meet conditions under every set of effects, within a stated amount of work."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qsim.feasibility.fields import Field
from qsim.feasibility.trees import Trees, grow

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

MOST_NODES: Final = 1 << 31
"""Nodes of trees, times the figures read at each, that a question may visit."""
MOST_LEAVES: Final = 1 << 25
"""Sets on draws, times their figures, that may be settled by the figures themselves."""
MOST_TABLED: Final = 1 << 28
"""Figures made for tables of a question: with many runs, or many figures, the tables are coarser."""
_FEW_SETS: Final = 1 << 6
"""Sets that are all settled by the figures themselves."""
_CELLS: Final = 1 << 10
"""Cells of a table."""
_CELLS_SLICED: Final = 1 << 8
"""Cells of a table where a limit's start level moves, and of that level's own grid."""
_SLICES: Final = 1 << 6
_LEAST_CELLS: Final = 1 << 4
_BLOCK: Final = 32
"""Draws whose tables are held at once, as far as they have room."""
_ROOM: Final = 1 << 23
"""Figures of tables that are held at once."""
_MOST_HELD: Final = 1 << 22
"""Open sets of these draws that are held at once."""
_ROWS: Final = 1 << 18
"""Figures made at once."""
_ROUNDS: Final = 3
"""Times that what is left of the work is shared out anew."""


def settle(fields: Sequence[Field], kept: NDArray[np.bool_], runs: int) -> tuple[Counts, Counts]:
    """Draws that surely, and that possibly, meet the conditions of all fields.

    Parameters
    ----------
    fields : sequence of Field
        Of the same effects.
    kept : array of bool, dims (draw)
        Draws that count.
    runs : int
        Such questions that share the work allowed.

    Returns
    -------
    low, high : arrays, dims (set)
        The first effect is the slowest bit.
    """
    levers = fields[0].steps.shape[0]
    draws = np.flatnonzero(kept)
    if 1 << levers <= _FEW_SETS:
        counts = np.array(
            [_hold(fields, draws, np.full(draws.size, chosen)).sum() for chosen in range(1 << levers)], dtype=np.int64
        )
        return counts, counts
    return _Forest.of(fields, draws.size * runs).counts(draws, runs)


def _hold(fields: Sequence[Field], draws: Counts, sets: Counts) -> NDArray[np.bool_]:
    """Whether conditions hold in rows of a draw and a set, by the figures themselves."""
    held = np.ones(draws.size, dtype=bool)
    for first in range(0, draws.size, _ROWS):
        rows = slice(first, first + _ROWS)
        held[rows] = np.logical_and.reduce([field.hold(draws[rows], sets[rows]) for field in fields])
    return held


def _coarse(most: int) -> int:
    """Largest power of two up to a number, at least 1."""
    return 1 << max(most.bit_length() - 1, 0)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Forest:
    """Trees of many draws: levers with large steps are decided first."""

    fields: tuple[Field, ...]
    order: Counts
    """Place of each lever of the trees among the effects."""
    grids: tuple[tuple[Floats, Floats], ...]
    begins: Counts
    weights: Floats
    need: Floats
    cells: int
    slices: int

    @classmethod
    def of(cls, fields: Sequence[Field], trees: int) -> "_Forest":
        """Trees of fields; ``trees`` is how many share the work allowed."""
        sizes = sum(np.abs(field.steps).sum(axis=(1, 2)) for field in fields)
        columns = np.cumsum([0, *(len(field.years) for field in fields)])
        begins, weights = [], []
        for field, first in zip(fields, columns[:-1], strict=True):
            after = np.arange(len(field.years)) > field.begins
            begins.append(np.where(after & field.moves_its_start, field.begins + first, -1))
            weights.append(np.pad(field.weights, ((0, 0), (first, columns[-1] - first - len(field.years)))))
        sliced = any(field.moves_its_start for field in fields)
        each = MOST_TABLED // max(trees * int(columns[-1]), 1)
        slices = min(_SLICES, _coarse(isqrt(each))) if sliced else 0
        cells = min(_CELLS_SLICED if sliced else _CELLS, max(_coarse(each // max(slices, 1)), _LEAST_CELLS))
        return cls(
            fields=tuple(fields),
            order=np.argsort(-np.asarray(sizes), kind="stable"),
            grids=tuple(field.grid(cells) for field in fields),
            begins=np.concatenate(begins),
            weights=np.concatenate(weights),
            need=np.concatenate([field.need for field in fields], axis=1),
            cells=cells,
            slices=slices + 1,
        )

    def counts(self, draws: Counts, runs: int) -> tuple[Counts, Counts]:
        """Draws that surely, and that possibly, hold under every set, the first effect the slowest bit."""
        levers, columns = len(self.order), self.begins.size
        tally = np.zeros((2, (1 << levers) + 1), dtype=np.int64)
        open_draws = draws
        nodes, leaves = MOST_NODES // (runs * columns), MOST_LEAVES // (runs * columns)
        for _ in range(_ROUNDS):
            if not open_draws.size:
                break
            each = min(nodes // (2 * open_draws.size), 2 << levers), min(leaves // (2 * open_draws.size), 1 << levers)
            spent, used = self._grow(open_draws, levers, each, tally)
            nodes -= int(np.where(spent < 0, each[0], spent).sum())
            leaves -= used
            open_draws = open_draws[spent < 0]
        if open_draws.size:
            deepest = min(max((nodes // open_draws.size).bit_length() - 2, 0), levers - 1)
            self._grow(open_draws, deepest, (2 << deepest, 0), tally)
        sets = np.cumsum(tally[:, :-1], axis=1).reshape(2, *(2,) * levers)
        back = np.argsort(self.order)
        low, high = sets.transpose(0, *(1 + back)).reshape(2, -1)
        return low, high

    def _grow(self, draws: Counts, deepest: int, most: tuple[int, int], tally: Counts) -> tuple[Counts, int]:
        """Grow the trees of some draws; nodes of each, -1 where too many, and leaves settled by figures."""
        spent, used = [], 0
        block = min(
            _BLOCK,
            max(_MOST_HELD // max(most[1], 1), 1),
            max(_ROOM // (self.begins.size * self.slices * self.cells), 1),
        )
        for first in range(0, draws.size, block):
            some = draws[first : first + block]
            leaves = np.empty((some.size * most[1], 2), dtype=np.int64)
            filled, nodes = grow(self._trees(some), deepest, *most, tally, leaves)
            spent.append(nodes)
            used += filled
            if filled:
                open_draws, sets = some[leaves[:filled, 0]], leaves[:filled, 1]
                met = sets[_hold(self.fields, open_draws, self._named(sets))]
                for row in tally:
                    np.add.at(row, met, 1)
                    np.add.at(row, met + 1, -1)
        return np.concatenate(spent), used

    def _trees(self, draws: Counts) -> Trees:
        """What trees of some draws are grown from."""
        starts, steps, firsts, widths, tables = [], [], [], [], []
        for field, (first, width) in zip(self.fields, self.grids, strict=True):
            fixed = ~np.isfinite(field.level[draws])
            starts.append(np.where(fixed, 0.0, field.level[draws]))
            steps.append(np.where(fixed, 0.0, field.steps[:, draws]))
            firsts.append(first[draws])
            widths.append(width[draws])
            slices = self.slices if field.moves_its_start else 1
            table = field.table(draws, first[draws], width[draws], self.cells, slices)
            tables.append(np.pad(table, ((0, 0), (0, 0), (0, self.slices - slices), (0, 0))))
        return Trees(
            start=np.concatenate(starts, axis=1),
            steps=np.ascontiguousarray(np.concatenate(steps, axis=2)[self.order].transpose(1, 0, 2)),
            first=np.concatenate(firsts, axis=1),
            width=np.concatenate(widths, axis=1),
            tables=np.concatenate(tables, axis=1),
            begins=self.begins,
            weights=self.weights,
            need=self.need[draws],
        )

    def _named(self, sets: Counts) -> Counts:
        """Sets of the trees with their levers in the order of the effects."""
        levers = len(self.order)
        named = np.zeros_like(sets)
        for place, lever in enumerate(self.order):
            named |= (sets >> (levers - 1 - place) & 1) << (levers - 1 - int(lever))
        return named
