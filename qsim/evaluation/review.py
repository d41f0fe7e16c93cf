r"""Past probabilities against what was published later.

A statement whose outcome is known is a hit where the side of one half its probability took came true, else a miss. It
is scored by Brier's :math:`(p - e)^2` and Good's :math:`-\log` (:mod:`qsim.evaluation.scores`), e = 1 where the
published figures meet it. Beside them stand the scores of two constant forecasts: one half, which knows nothing, and
the share that came true, the best constant there is and known only afterwards:

.. math:: \bar B = \bar e (1 - \bar e), \qquad \bar L = -\bar e \log \bar e - (1 - \bar e) \log(1 - \bar e).

Years of one statement depend on each other, so that years and whole statements are scored apart. What figures had
settled by the day of the assessment is listed, and not scored: it was no forecast. Scenarios with levers are not
reviewed; nobody knows whether their levers came.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal

import numpy as np
import pandas as pd
import xarray as xr

from qsim.evaluation.archive import Archive, ArchivedStatement, Change
from qsim.evaluation.outcomes import Outcome, Published, Unknown
from qsim.evaluation.scores import brier, log_score, reliability
from qsim.feasibility.evidence import Letter
from qsim.plans.targets import Target
from qsim.vocabulary import Evidence

ENOUGH_FOR_A_BAND: Final = 20
"""Fewest known outcomes that let a band of probabilities be held against how often its statements came true."""

BANDS: Final = 5
"""Bands of equal width. A constant so that a table of few outcomes is not cut as finely as one likes."""

Scope = Literal["year", "overall"]
SCOPES: Final[tuple[Scope, ...]] = ("overall", "year")

ROW_COLUMNS: Final = (
    "plan", "as_of", "scenario", "target", "indicator", "name", "scope", "year", "evidence", "grade", "p_published",
    "p_true", "outcome", "why_unknown", "settled_before", "scored", "figure", "source",
)  # fmt: skip
"""Columns of ``review.csv``, in order."""

SCORE_COLUMNS: Final = (
    "archive", "scope", "with_probability", "scored", "met", "hits", "brier", "brier_half", "brier_share", "log",
    "log_half", "log_share",
)  # fmt: skip
"""Columns of the scores, in order."""

_HALF: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class Reviewed:
    """One statement, or one year of it, and what came."""

    plan: str
    as_of: date
    """Day of the assessment."""
    scenario: str
    target: str
    indicator: str
    name: str
    """Chinese name, as the plan prints it."""
    scope: Scope
    year: int
    """Year; the last one of a whole statement."""
    evidence: Evidence
    grade: Letter | None
    p_published: float | None
    """[1]"""
    p_true: float | None
    """[1]"""
    met: bool | None
    """None where it is not known."""
    why_unknown: Unknown
    settled_before: bool
    """Whether figures published by the day of the assessment had settled it."""
    figure: str
    """Published figure as printed; empty where there is none, and for a whole statement of several years."""
    source: str

    @property
    def scored(self) -> bool:
        """Whether it was a forecast whose outcome is known."""
        return self.p_published is not None and self.met is not None and not self.settled_before

    @property
    def hit(self) -> bool | None:
        """Whether the likelier side came; None where there is nothing to compare, or at one half."""
        if self.p_published is None or self.met is None or self.p_published == _HALF:
            return None
        return (self.p_published > _HALF) == self.met


@dataclass(frozen=True, kw_only=True)
class Score:
    """Scores of the forecasts of one archive, or of all."""

    archive: str
    """Plan and day of the assessment, or ``all``."""
    scope: Scope
    with_probability: int
    """Rows with a probability."""
    scored: int
    """Those whose outcome is known and was not known then."""
    met: int
    hits: int
    brier: float
    """Mean; NaN where nothing is scored. [1]"""
    brier_half: float
    """That of always one half. [1]"""
    brier_share: float
    """That of always the share that came true, known only afterwards. [1]"""
    log: float
    """Mean, p kept within ``qsim.evaluation.scores.P_CLIP`` of the ends. [nat]"""
    log_half: float
    log_share: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Review:
    """Past probabilities and what was published later."""

    rows: tuple[Reviewed, ...]
    """Every statement and year of the first scenario of every archive."""
    scores: tuple[Score, ...]
    changed: tuple[tuple[str, tuple[Change, ...]], ...] = ()
    """What has changed since, by archive; archives without a change are left out."""
    doubts: tuple[str, ...] = ()
    """What may be a slip in the tables of figures."""

    def of(self, scope: Scope) -> tuple[Reviewed, ...]:
        """Rows of one scope."""
        return tuple(row for row in self.rows if row.scope == scope)

    def bands(self, scope: Scope, *, enough: int = ENOUGH_FOR_A_BAND) -> xr.Dataset:
        """How often statements came true, by the probability they were given, where there are enough.

        Returns
        -------
        xarray.Dataset, dims (bin)
            As :func:`qsim.evaluation.scores.reliability`; ``mean_p`` and ``observed`` are NaN in a band with fewer than
            ``enough`` outcomes.
        """
        table = reliability(*_pairs(row for row in self.of(scope) if row.scored), bins=BANDS)
        few = table["count"] < enough
        return table.assign(mean_p=table["mean_p"].where(~few), observed=table["observed"].where(~few))


def archive_name(archive: Archive) -> str:
    """Plan and day of an archive, to call it by."""
    return f"{archive.plan}@{archive.as_of.isoformat()}"


def review_archives(
    archives: Sequence[Archive], published: Published, *, changed: Sequence[Sequence[Change]] = ()
) -> Review:
    """Hold archived assessments against published figures.

    Parameters
    ----------
    archives : sequence of Archive
    published : Published
        Figures known on the day of the review.
    changed : sequence of sequences of Change
        What has changed since each archive was made.
    """
    rows = [tuple(_rows(archive, published)) for archive in archives]
    return joined(
        [
            Review(
                rows=own,
                scores=tuple(score(own, archive_name(archive), scope) for scope in SCOPES),
                changed=((archive_name(archive), tuple(moved)),) if moved else (),
            )
            for archive, own, moved in zip(archives, rows, [*changed, *[()] * len(archives)], strict=False)
        ]
    )


def joined(reviews: Sequence[Review]) -> Review:
    """Several reviews as one, with the scores of all together where they are more than one."""
    rows = tuple(row for one in reviews for row in one.rows)
    own = tuple(score for one in reviews for score in one.scores if score.archive != "all")
    several = len({score.archive for score in own}) > 1
    total = tuple(score(rows, "all", scope) for scope in SCOPES) if several else ()
    return Review(rows=rows, scores=own + total, changed=tuple(pair for one in reviews for pair in one.changed))


def score(rows: Iterable[Reviewed], archive: str, scope: Scope) -> Score:
    """Score the forecasts of one scope (see the module)."""
    own = [row for row in rows if row.scope == scope and row.p_published is not None]
    scored = [row for row in own if row.scored]
    p, e = _pairs(scored)
    share = e.mean() if scored else xr.DataArray(np.nan)
    scores = {
        f"{name}{what}": float(rule(given, e).mean()) if scored else np.nan
        for name, rule in (("brier", brier), ("log", log_score))
        for what, given in (("", p), ("_half", xr.full_like(p, _HALF)), ("_share", xr.zeros_like(p) + share))
    }
    return Score(
        archive=archive,
        scope=scope,
        with_probability=len(own),
        scored=len(scored),
        met=sum(bool(row.met) for row in scored),
        hits=sum(row.hit is True for row in scored),
        **scores,
    )


def review_frame(review: Review) -> pd.DataFrame:
    """A row per statement and year. Columns :data:`ROW_COLUMNS`."""
    words = {True: "met", False: "missed", None: "unknown"}
    rows = [
        {name: getattr(row, name) for name in ROW_COLUMNS if name != "outcome"}
        | {"outcome": words[row.met], "as_of": row.as_of.isoformat()}
        for row in review.rows
    ]
    frame = pd.DataFrame(rows, columns=list(ROW_COLUMNS))
    return frame.astype({"year": "Int64", "p_published": "float64", "p_true": "float64"})


def score_frame(review: Review) -> pd.DataFrame:
    """A row per archive and scope. Columns :data:`SCORE_COLUMNS`."""
    rows = [{name: getattr(one, name) for name in SCORE_COLUMNS} for one in review.scores]
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def unknown_counts(rows: Iterable[Reviewed]) -> dict[Unknown, int]:
    """How many outcomes are not known, by the reason; the most frequent first."""
    return dict(Counter(row.why_unknown for row in rows if row.met is None).most_common())


def _pairs(rows: Iterable[Reviewed]) -> tuple[xr.DataArray, xr.DataArray]:
    """Probabilities and events of scored rows, dims (row)."""
    pairs = [(float(row.p_published or 0.0), float(bool(row.met))) for row in rows]
    p, e = np.array(pairs, dtype=float).reshape(-1, 2).T
    return xr.DataArray(p, dims="row"), xr.DataArray(e, dims="row")


def _rows(archive: Archive, published: Published) -> Iterable[Reviewed]:
    targets = {target.id: target for target in archive.targets}
    then = replace(published, day=archive.as_of)
    first = archive.statements[0].scenario if archive.statements else ""
    for statement in archive.statements:
        if statement.scenario != first:
            continue
        target = targets[statement.target]
        outcomes = [room.outcome(target, archive.region, statement.basis) for room in (published, then)]
        yield from _statement(archive, statement, target, *outcomes)


def _statement(
    archive: Archive, statement: ArchivedStatement, target: Target, now: Outcome, then: Outcome
) -> Iterable[Reviewed]:
    """The whole statement, then each of its years."""
    whole = Reviewed(
        plan=archive.plan,
        as_of=archive.as_of,
        scenario=statement.scenario,
        target=target.id,
        indicator=target.indicator,
        name=target.name.zh,
        scope="overall",
        year=target.last_year,
        evidence=statement.evidence,
        grade=statement.grade,
        p_published=statement.p_published,
        p_true=statement.p_true,
        met=now.met,
        why_unknown=now.why_unknown,
        settled_before=then.met is not None,
        figure=now.years[0].figure if len(now.years) == 1 else "",
        source=now.years[0].source if len(now.years) == 1 else "",
    )
    yield whole
    for said, came, before in zip(statement.years, now.years, then.years, strict=True):
        yield replace(
            whole,
            scope="year",
            year=said.year,
            p_published=said.p_published,
            p_true=said.p_true,
            met=came.met,
            why_unknown=came.why_unknown,
            settled_before=before.met is not None,
            figure=came.figure,
            source=came.source,
        )
