"""Review a plan: its archived assessments, or the one of its own day, against what was published later."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from qsim.errors import Fault, PlanError
from qsim.evaluation.archive import Archive, changes, hashes, read_archive
from qsim.evaluation.outcomes import Published
from qsim.evaluation.review import Review, review_archives
from qsim.inference.fit import Engine
from qsim.plans.read import plan_catalogue, plan_folder, read_plan
from qsim.study import plan_observations, run, table_doubts


def review(
    plan: str | Path,
    archives: Sequence[str | Path] = (),
    *,
    as_of: int | date | None = None,
    data: str | Path | None = None,
    engine: Engine = "laplace",
    draws: int = 4000,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Review:
    """Compare what the probabilities said with what was published later.

    Parameters
    ----------
    plan : str or Path
        A shipped plan's name, or a folder with ``plan.yaml``.
    archives : sequence of str or Path
        Files ``archive.json`` of earlier appendices of this plan. Without any the plan is assessed now, as of its own
        cut-off: with nothing that was published later.
    as_of : int or date, optional
        Day of the review, a year means its last day; every figure in the tables counts if not given.
    data : str or Path, optional
        Your own table of the region's figures; it takes the place of the plan folder's own.
    engine, draws, seed, progress
        For the assessment that is made now, as in :func:`qsim.run`.

    Returns
    -------
    Review
        ``rows`` with every statement and year of the baseline, ``scores``, and what has ``changed`` since the archives
        were made.

    Raises
    ------
    UnknownNameError
        If the plan does not exist.
    PlanError, ObservationError
        With every fault of a file; if an archive is of another plan or made after the day of the review.
    """
    read, folder = read_plan(plan), plan_folder(plan)
    catalogue = plan_catalogue(read)
    day = date(as_of, 12, 31) if isinstance(as_of, int) else as_of
    kept = [read_archive(path) for path in archives]
    names = [str(path) for path in archives]
    if not kept:
        study = run(
            plan, data=data, scenarios=(), engine=engine, draws=draws, seed=seed, progress=progress, track_record=False
        )
        kept, names = [study.archive], [f"plan {read.id}"]
    _check(read.id, kept, names, day)
    figures = plan_observations(read, folder, data, catalogue, day)
    moved = [
        changes(one, hashes(read, plan_observations(read, folder, data, catalogue, one.as_of), catalogue))
        for one in kept
    ]
    found = review_archives(kept, Published(figures, catalogue, day), changed=moved)
    return replace(found, doubts=table_doubts(read, figures))


def _check(plan: str, archives: Sequence[Archive], names: Sequence[str], day: date | None) -> None:
    """Refuse archives of another plan, those made after the day of the review, and one that is given twice."""
    faults = [
        Fault(f"{name}, plan", repr(one.plan), f"{plan!r}, the plan under review")
        for name, one in zip(names, archives, strict=True)
        if one.plan != plan
    ]
    faults += [
        Fault("as-of", day.isoformat(), f"a day from {one.as_of.isoformat()}, when {name} was assessed")
        for name, one in zip(names, archives, strict=True)
        if day is not None and day < one.as_of
    ]
    for place, one in enumerate(archives):
        first = next(number for number, other in enumerate(archives) if other == one)
        if first < place:
            faults.append(Fault(names[place], f"the same as {names[first]}", "each archive once: leave one out"))
    if faults:
        raise PlanError(f"review of {plan}", faults)
