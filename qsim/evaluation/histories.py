"""What was known in a past year: the figures a case may see, and those of its pool."""

import hashlib
from collections.abc import Sequence
from itertools import islice
from typing import Final

import numpy as np
import xarray as xr

from qsim.errors import Fault
from qsim.evaluation.cases import Case
from qsim.indicators import Catalogue
from qsim.inference.series import collect_series
from qsim.model.series import SeriesData

MAX_MEMBERS: Final = 150
"""Most regions in a pool. The evidence of each is tempered against a shipped prior that weighs 60 series, so that the
last of 150 moves the pool by less than 1 %: more would cost time only."""

MAX_YEARS: Final = 12
"""Longest history of a member of a pool: as long as the longest of a case, so that a pool learns the pace of the time
it is used in. [years]"""

_UNUSED: Final = ("source", "url", "note", "rows", "published_given")
"""Texts that no model reads: without them a table of 100,000 figures is lighter."""


class Histories:
    """Series by what a case names, cut to what was known in a year."""

    def __init__(self, series: Sequence[SeriesData]) -> None:
        self._of: dict[tuple[str, str], list[SeriesData]] = {}
        self._peers: dict[tuple[str, str], list[SeriesData]] = {}
        for one in sorted(series, key=lambda one: _shuffled(one.region)):
            self._of.setdefault((one.indicator.slug, one.region), []).append(one)
            self._peers.setdefault((one.indicator.slug, one.basis), []).append(one)

    @classmethod
    def collected(cls, observations: xr.Dataset, catalogue: Catalogue, cases: Sequence[Case]) -> "Histories":
        """Series of the indicators of the cases, up to the last cutoff."""
        last = max((case.cutoff for case in cases), default=0)
        slugs = sorted({case.indicator for case in cases})
        asked = np.isin(observations["indicator"].values.astype(str), slugs) & (observations["year"].values <= last)
        light = observations.drop_vars([name for name in _UNUSED if name in observations])
        return cls(collect_series(light.isel(observation=asked), catalogue, last))

    def own(self, case: Case) -> SeriesData | Fault:
        """Figures the case sees, or why there are not enough.

        They are those of its last ``hist_n`` years with figures; of several bases, of the one with most such years.
        """
        found = self._of.get((case.indicator, case.region), [])
        years = {one.basis: np.unique(one.year[one.year <= case.cutoff]) for one in found}
        best = max(found, key=lambda one: (years[one.basis].size, one.basis), default=None)
        where, name = f"case {case.case_id}", f"{case.region}/{case.indicator}"
        if best is None or not years[best.basis].size:
            return Fault(where, f"{name} without figures up to {case.cutoff}", "a series of the table of figures")
        seen = years[best.basis]
        if case.cutoff not in seen:
            return Fault(where, f"{name} without a figure of {case.cutoff}", "a figure in the year of the cutoff")
        if seen.size < case.hist_n:
            got = f"{name} with {seen.size} figures up to {case.cutoff}"
            return Fault(where, got, f"at least hist_n = {case.hist_n}: choose a later cutoff or a shorter history")
        return best.between(int(seen[-case.hist_n]), case.cutoff)

    def peers(self, slug: str, basis: str, cutoff: int) -> tuple[SeriesData, ...]:
        """Members of a pool with what was known of them at a cutoff.

        At most :data:`MAX_MEMBERS`, chosen by a hash of the region, over at most :data:`MAX_YEARS` years. The own
        series of a case is among them where the hash says so: a fit leaves the member of its own label out.
        """
        cut = (one.between(cutoff - MAX_YEARS + 1, cutoff) for one in self._peers[slug, basis])
        return tuple(islice((one for one in cut if one.year.size), MAX_MEMBERS))


def _shuffled(region: str) -> bytes:
    """Place in an order that follows no alphabet: regions of one country start alike."""
    return hashlib.blake2b(region.encode(), digest_size=8).digest()
