"""A review in lines of text, for a terminal."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from qsim.evaluation.outcomes import Unknown
from qsim.evaluation.review import (
    BANDS,
    ENOUGH_FOR_A_BAND,
    SCOPES,
    Review,
    Reviewed,
    Scope,
    Score,
    unknown_counts,
)

WORDS: Final[Mapping[Unknown, str]] = {
    "": "",
    "not_due": "year not over yet",
    "no_figure": "no figure at hand",
    "part_of_year": "figures of parts of the year only",
    "other_definition": "figures of another definition only",
    "too_coarse": "figure too coarse to tell",
    "sources_differ": "sources differ",
    "no_reference": "reference not published",
}
"""Why an outcome is not known, in words."""

_TITLES = {"overall": "Whole statements", "year": "Single years"}


def review_text(review: Review) -> str:
    """Every hit and miss, what is not known and why, and the scores."""
    return "\n".join(_lines(review)) + "\n"


def _lines(review: Review) -> Iterator[str]:
    for archive in dict.fromkeys((row.plan, row.as_of) for row in review.rows):
        yield f"{archive[0]}, assessed as of {archive[1].isoformat()}"
    for name, changed in review.changed:
        yield f"warning: {name}: changed since: {', '.join(change.part for change in changed)}"
    for scope in SCOPES:
        rows = review.of(scope)
        yield ""
        yield f"{_TITLES[scope]}: {sum(row.met is not None for row in rows)} of {len(rows)} have a known outcome"
        yield from _known(rows)
        for why, count in unknown_counts(rows).items():
            yield f"  not known: {count} ({WORDS[why]})"
        yield from (_score(one) for one in review.scores if one.scope == scope)
        yield from _bands(review, scope)


def _known(rows: Iterable[Reviewed]) -> Iterator[str]:
    for row in rows:
        if row.met is None:
            continue
        said = "no probability" if row.p_published is None else f"P {row.p_published:.0%}"
        known = ", known then" if row.settled_before else ""
        verdict = {True: "hit", False: "miss", None: "-"}[None if row.settled_before else row.hit]
        came = "met" if row.met else "missed"
        figure = f", figure {row.figure}" if row.figure else ""
        yield f"  {verdict:<5}{row.year}  {row.target} ({row.name}): {said}{known}, {came}{figure}"


def _score(one: Score) -> str:
    if not one.scored:
        return f"  {one.archive}: none of {one.with_probability} probabilities can be scored"
    return (
        f"  {one.archive}: {one.scored} of {one.with_probability} scored, {one.met} met, {one.hits} hits; "
        f"Brier {one.brier:.3f} (always 50 %: {one.brier_half:.3f}; share met, known only now: {one.brier_share:.3f}), "
        f"log {one.log:.3f} ({one.log_half:.3f}; {one.log_share:.3f})"
    )


def _bands(review: Review, scope: Scope) -> Iterator[str]:
    table = review.bands(scope)
    counts, given, came = (table[name].values.tolist() for name in ("count", "mean_p", "observed"))
    shown = [place for place in range(BANDS) if counts[place] >= ENOUGH_FOR_A_BAND]
    if not shown:
        yield f"  reliability by band: no band has the {ENOUGH_FOR_A_BAND} outcomes it takes"
    for place in shown:
        band = f"{place / BANDS:.0%} to {(place + 1) / BANDS:.0%}"
        yield f"  P {band}: {counts[place]} outcomes, mean P {given[place]:.0%}, met {came[place]:.0%}"
