"""Regions in a table of figures: the names a plan's own region may bear, and names that are a slip for it."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from qsim.plans.plan import PlanText, Region
from qsim.records import nearest
from qsim.shipped import shipped_regions


def region_ids(plans: Iterable[PlanText]) -> Mapping[str, str]:
    """Id of every region by the Chinese and English names its plan gives; the first plan wins.

    A name that is itself the id of a region stays what it is.
    """
    ids: dict[str, str] = {}
    for plan in plans:
        for name in _names(plan.region)[1:]:
            ids.setdefault(name, plan.region.id)
    return {name: region for name, region in ids.items() if name not in shipped_regions()}


def mistaken_regions(plan: PlanText, regions: Iterable[str]) -> tuple[str, ...]:
    """Names that can only mean the plan's own region and are not written as one of its names.

    They would join the peers unseen. Names are compared without case, blanks and the kind of place at their end.
    """
    own = {_bare(name) for name in _names(plan.region)}
    known = {*_names(plan.region), *shipped_regions()}
    return tuple(sorted({name for name in regions if name not in known and _bare(name) in own}))


def region_doubts(plan: PlanText, regions: Iterable[str]) -> list[str]:
    """What a check says of the regions in a plan's own table: none of the plan's, and those nobody else knows.

    Parameters
    ----------
    regions : iterable of str
        Region of every figure of the table.
    """
    there = Counter(regions)
    doubts = []
    if plan.region.id not in there:
        hint = nearest(plan.region.id, there)
        doubts.append(f"no figure of {plan.region.id!r}, the plan's region, in its own table: {hint}")
    return doubts + unknown_regions(plan, there)


def unknown_regions(plan: PlanText, figures: Mapping[str, int]) -> list[str]:
    """What is done with figures of regions that neither the plan nor another table knows, and which may be meant.

    Parameters
    ----------
    figures : mapping of str to int
        Figures of each region.
    """
    known = {plan.region.id, *plan.region.part_of, *shipped_regions()}
    return [
        f"region {name!r} is in no other table and counts as one more region to compare with "
        f"({count} figure{'s' * (count != 1)}): {nearest(name, known)}"
        for name, count in sorted(figures.items())
        if name not in known
    ]


def written_as(plan: PlanText) -> str:
    """The names of the plan's region that a table may use, in words."""
    return " or ".join(map(repr, _names(plan.region)))


_KIND_OF_PLACE = re.compile(r"(维吾尔自治区|壮族自治区|回族自治区|自治区|特别行政区|省|市|县|区|province|city|county)$")


def _names(region: Region) -> tuple[str, ...]:
    return tuple(dict.fromkeys((region.id, region.name.zh, region.name.en)))


def _bare(name: str) -> str:
    plain = re.sub(r"[\W_]+", "", name.casefold())
    return _KIND_OF_PLACE.sub("", plain) or plain
