"""The labelled dataset: one entry per observation, with why it is set aside if it is."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from qsim.observations.figures import Figures, intervals
from qsim.observations.merge import Merged, joined
from qsim.observations.table import Mask, Table, Texts, objects
from qsim.vocabulary import OBSERVATION

PARTIAL_YEAR: Final = "partial_year"
AFTER_CUTOFF: Final = "after_cutoff"
NO_DEFINITION: Final = "no_definition"
OTHER_BASIS: Final = "other_basis"
AFTER_PAST: Final = "after_past"
"""Of a year in which no wanted region has a figure yet: the forecast begins before it."""


def is_late(figures: Figures, cutoff: date | None) -> Mask:
    """Rows published after the information cut-off, dims (row,)."""
    if cutoff is None:
        return np.zeros(len(figures.year), dtype=np.bool_)
    return np.asarray(figures.published > np.datetime64(cutoff, "D"))


def plain_texts(values: NDArray[Any]) -> list[str]:
    """Entries of a column as texts, one after the other; None and NaN, of which tables are full, as empty ones."""
    return ["" if value is None or value != value else str(value) for value in values.ravel().tolist()]  # noqa: PLR0124 (NaN)


def to_dataset(figures: Figures, merged: Sequence[Merged], table: Table, *, late: Mask) -> xr.Dataset:
    """Put merged figures into the labelled dataset of ``docs/schema.md``.

    Parameters
    ----------
    figures : Figures
        Parsed columns.
    merged : sequence of Merged
        Which rows make up each observation.
    table : Table
        For the numbers of the rows.
    late : array of bool, dims (row,)
        Rows published after the information cut-off.

    Returns
    -------
    xarray.Dataset, dims (observation,)
        Every row of the table is in one of the observations.
    """
    heads = np.array([one.head for one in merged], dtype=np.int64)
    counts = np.array([one.counts for one in merged], dtype=np.int64)
    # The first member is the earliest published, and a given date goes before the usual one of the same day.
    first = np.array([one.members[0] for one in merged], dtype=np.int64)
    lower, upper = intervals(figures)
    kinds = [figures.indicators[kind] for kind in figures.indicator[heads].tolist()]
    definition: Texts = figures.definition[heads]
    columns: dict[str, Any] = {
        "region": figures.region[heads],
        "indicator": objects([kind.slug for kind in kinds]),
        "year": figures.year[heads],
        "value": figures.value[heads],
        "qualifier": figures.qualifier[heads],
        "numerator": figures.numerator[counts],
        "denominator": figures.denominator[counts],
        "decimals": figures.decimals[heads],
        "definition": definition,
        "period": figures.period[heads],
        "year_from": np.where(figures.year_from > 0, figures.year_from, figures.year)[heads],
        "change": figures.change[heads],
        "base_year": figures.base_year[heads],
        "published": figures.published[first].astype("datetime64[ns]"),
        "source": _join(figures.source, merged),
        "url": _join(figures.url, merged),
        "note": _join(figures.note, merged),
        "lower": lower[heads],
        "upper": upper[heads],
        "basis": objects([kind.basis(code) for kind, code in zip(kinds, definition.tolist(), strict=True)]),
        "published_given": figures.published_given[first],
        "sources": np.array([_count_sources(figures, one) for one in merged], dtype=np.int64),
        "rows": objects(["; ".join(table.row(row) for row in sorted(one.members)) for one in merged]),
        "joins": objects([""] * len(merged)),
        "set_aside": _set_aside(figures, heads, late),
    }
    return xr.Dataset(
        {name: (OBSERVATION, values) for name, values in columns.items()},
        coords={OBSERVATION: np.arange(len(merged))},
    )


def _set_aside(figures: Figures, heads: NDArray[np.int64], late: Mask) -> Texts:
    undefined = (figures.definition == "") & figures.of_indicator(lambda indicator: bool(indicator.definitions))
    reasons = np.select(
        # last what a fit may be asked to use after all
        [late[heads], undefined[heads], (figures.period == "part")[heads]],
        [AFTER_CUTOFF, NO_DEFINITION, PARTIAL_YEAR],
        default="",
    )
    return reasons.astype(object)


def _join(texts: Texts, merged: Sequence[Merged]) -> Texts:
    return objects([texts[one.head] if len(one.members) == 1 else joined(texts[list(one.members)]) for one in merged])


def _count_sources(figures: Figures, one: Merged) -> int:
    """Named sources once each; a row that names none is a source of its own, since one row is one source."""
    names = [figures.source[row] or figures.url[row] for row in one.members]
    return len({name for name in names if name}) + names.count("")
