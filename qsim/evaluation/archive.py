"""What was said about a plan, kept: a readable file that can be held against figures published later.

The file is JSON. It carries the statements as the plan had them, so that a plan edited since does not change what was
said, and four hashes of what the probabilities rest on, so that a reader is told when any of it has changed. Its own
hash, over everything else in it, tells an edited file from the one that was written. There is no time stamp: equal
assessments make equal files.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

import numpy as np
import xarray as xr
from pydantic import Field

from qsim import __version__
from qsim.errors import Fault, OutputError, PlanError
from qsim.feasibility.evidence import Letter
from qsim.feasibility.records import Assessment, Reason, TargetResult
from qsim.indicators import Catalogue
from qsim.observations.select import usable
from qsim.plans.plan import Plan, PlanText
from qsim.plans.targets import Target, Year
from qsim.records import Names, Record, parse_record
from qsim.vocabulary import OBSERVATION, SERIES, YEAR, Evidence

FORMAT: Final = 1

Part = Literal["data", "plan", "scenarios", "indicators", "version"]
"""What probabilities rest on; the last is that of qsim."""

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

_DECIMALS: Final = 6
"""Decimals of a probability in the file: far below what draws can tell."""

_ROW: Final = (
    "region", "indicator", "basis", "year", "year_from", "value", "qualifier", "numerator", "denominator", "decimals",
    "period", "change", "base_year", "lower", "upper", "joins",
)  # fmt: skip
"""What a fit reads of an observation; sources and notes may be corrected without a change of the data."""


class Hashes(Record):
    """SHA-256 of what the probabilities rest on."""

    data: Sha256
    """Figures of the plan's indicators, of every region, that were in use."""
    plan: Sha256
    """Targets, baselines and dates of ``plan.yaml``."""
    scenarios: Sha256
    """Levers and scenarios of ``scenarios.yaml``."""
    indicators: Sha256
    """Catalogue entries of the plan's indicators."""


class ArchivedYear(Record):
    """One year of a statement."""

    year: Year
    level: float | None = None
    """Figure to reach; none where it is no fixed one. [unit]"""
    p_published: Probability | None = None
    """Probability that the published figure meets it. [1]"""
    p_true: Probability | None = None
    """The same for the true level. [1]"""


class ArchivedStatement(Record):
    """What was said about one target under one scenario."""

    scenario: str
    target: str
    """Id of one of the archive's targets."""
    evidence: Evidence
    reason: Reason = ""
    """Why there is no probability; empty where there is one."""
    grade: Letter | None = None
    basis: str | None = None
    """Basis of definitions the probability is about; none without one."""
    figures: int = Field(ge=0)
    """Own figures used."""
    last_figure_year: Year | None = None
    p_published: Probability | None = None
    """Probability for the whole statement. [1]"""
    p_true: Probability | None = None
    years: tuple[ArchivedYear, ...]


class Archive(Record):
    """An assessment as it was made."""

    format: Literal[1]
    """Version of the keys."""
    plan: str
    """Id of the plan."""
    title: Names
    region: str
    as_of: Annotated[date, Field(strict=False)]
    """Nothing published later was used."""
    origin: Year | None = None
    """Last year of the past; none where nothing could be fitted."""
    version: str
    """Version of qsim."""
    engine: str
    seed: int
    draws: int
    hashes: Hashes
    targets: tuple[Target, ...]
    """Statements as the plan had them."""
    statements: tuple[ArchivedStatement, ...]
    """Every scenario and target."""
    sha256: Sha256
    """Hash of all the rest of the file."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """Something an archived assessment rests on that is no longer as it was."""

    part: Part
    archived: str
    """Hash, or version, then."""
    now: str
    """The same now."""


def archive_of(assessment: Assessment) -> Archive:
    """Keep what an assessment says."""
    plan, past = assessment.plan, assessment.history
    unsigned = Archive(
        format=FORMAT,
        plan=plan.id,
        title=plan.title,
        region=plan.region.id,
        as_of=assessment.as_of or plan.as_of,
        origin=int(past[YEAR].values[-1]) if YEAR in past.dims else None,
        version=assessment.version,
        engine=assessment.engine,
        seed=assessment.seed,
        draws=assessment.draws,
        hashes=hashes(plan, assessment.observations, assessment.catalogue),
        # rows of labels and departments say nothing about the event
        targets=tuple(target.model_copy(update={"labels": (), "departments": ()}) for target in plan.targets),
        statements=tuple(_statement(assessment, result) for result in assessment.results),
        sha256="0" * 64,
    )
    return unsigned.model_copy(update={"sha256": _own_digest(unsigned)})


def archive_text(archive: Archive) -> str:
    """The file of an archive; the same text for the same archive."""
    return json.dumps(_content(archive), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def write_archive(archive: Archive, path: str | Path) -> None:
    """Write an archive's file.

    Raises
    ------
    OutputError
        If the place cannot be written to.
    """
    place = Path(path)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(archive_text(archive), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write to {place}: {error.strerror or error}; choose another file") from error


def read_archive(source: str | Path) -> Archive:
    """Read an archive and hold it against its own hash.

    Raises
    ------
    PlanError
        With every fault of the file: no JSON, a key twice, unknown or missing keys, values out of range, statements
        about targets it does not have, or content that is not what was written.
    """
    path = Path(source)
    archive = parse_record(Archive, _json(path), str(path))
    faults = list(_foreign(archive))
    digest = _own_digest(archive)
    if digest != archive.sha256:
        faults.append(
            Fault("sha256", archive.sha256, f"{digest}, the hash of what stands in the file: it was edited since")
        )
    if faults:
        raise PlanError(str(path), faults)
    return archive


def hashes(plan: Plan, observations: xr.Dataset, catalogue: Catalogue) -> Hashes:
    """Hashes of what probabilities rest on: of contents as read, so that comments and order of rows do not count.

    Parameters
    ----------
    observations : xarray.Dataset, dims (observation)
        Figures as read, used or set aside; an empty dataset where there are none.
    """
    text = plan.model_dump(mode="json", include=set(PlanText.model_fields))
    policy = plan.model_dump(mode="json", include={"levers", "scenarios"})
    slugs = sorted({target.indicator for target in plan.targets})
    return Hashes(
        data=_digest(list(_rows(observations, slugs))),
        plan=_digest(text),
        scenarios=_digest(policy),
        indicators=_digest([catalogue.get(slug).model_dump(mode="json") for slug in slugs]),
    )


def changes(archive: Archive, now: Hashes) -> tuple[Change, ...]:
    """What has changed since an assessment was archived."""
    then = {**archive.hashes.model_dump(), "version": archive.version}
    today = {**now.model_dump(), "version": __version__}
    parts: tuple[Part, ...] = get_args(Part)
    return tuple(Change(part=part, archived=then[part], now=today[part]) for part in parts if then[part] != today[part])


def _statement(assessment: Assessment, result: TargetResult) -> ArchivedStatement:
    basis = None
    if result.series is not None:
        labels = assessment.forecast[SERIES].values.tolist()
        basis = str(assessment.forecast["basis"].values[labels.index(result.series)])
    return ArchivedStatement(
        scenario=result.scenario,
        target=result.target.id,
        evidence=result.evidence,
        reason=result.reason,
        grade=None if result.grade is None else result.grade.letter,
        basis=basis,
        figures=result.n_figures,
        last_figure_year=result.last_figure_year,
        p_published=_p(result.p_published),
        p_true=_p(result.p_true),
        years=tuple(
            ArchivedYear(year=year.year, level=year.level, p_published=_p(year.p_published), p_true=_p(year.p_true))
            for year in result.years
        ),
    )


def _p(probability: float | None) -> float | None:
    return None if probability is None else round(probability, _DECIMALS)


def _content(archive: Archive) -> dict[str, Any]:
    """What the file holds."""
    return archive.model_dump(mode="json", exclude_defaults=True)


def _own_digest(archive: Archive) -> str:
    """Hash of everything in the file but the hash."""
    return _digest({key: value for key, value in _content(archive).items() if key != "sha256"})


def _digest(content: object) -> str:
    """SHA-256 of the canonical JSON of plain values."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return sha256(text.encode()).hexdigest()


def _rows(observations: xr.Dataset, slugs: Iterable[str]) -> Iterable[list[object]]:
    """Used figures of some indicators as plain values, in an order of their own."""
    if OBSERVATION not in observations.dims:
        return []
    used = usable(observations)
    wanted = used.isel({OBSERVATION: np.isin(used["indicator"].values.astype(str), list(slugs))})
    # figures put together by hand may lack columns that do not apply
    names = [name for name in _ROW if name in wanted]
    columns = [[_plain(cell) for cell in wanted[name].values.tolist()] for name in names]
    return sorted((list(row) for row in zip(*columns, strict=True)), key=json.dumps)


def _plain(cell: object) -> object:
    """A cell that JSON can hold: infinite ends and missing counts as text."""
    if isinstance(cell, float) and not np.isfinite(cell):
        return str(cell)
    return float(cell) if isinstance(cell, int) and not isinstance(cell, bool) else cell


def _foreign(archive: Archive) -> Iterable[Fault]:
    """Statements about targets that the archive does not have."""
    known = {target.id: target for target in archive.targets}
    for number, statement in enumerate(archive.statements):
        target = known.get(statement.target)
        if target is None:
            yield Fault(f"statements[{number}].target", repr(statement.target), "the id of one of its targets")
        elif [year.year for year in statement.years] != list(target.years):
            expected = f"the years of its target, {', '.join(map(str, target.years))}"
            yield Fault(f"statements[{number}].years", ", ".join(str(year.year) for year in statement.years), expected)


def _json(path: Path) -> Mapping[str, Any]:
    """A JSON mapping in which every key stands once; keys that are years are numbers."""
    twice: list[Fault] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[Any, Any]:
        names = [name for name, _ in pairs]
        for name in sorted({name for name in names if names.count(name) > 1}):
            twice.append(Fault(f"key {name}", "a second time in one place", "each key once"))
        return {int(name) if name.isdecimal() else name: value for name, value in pairs}

    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise PlanError(
            str(path), [Fault(where, f"broken JSON ({error.msg})", "an archive as qsim wrote it")]
        ) from error
    except UnicodeDecodeError as error:
        raise PlanError(str(path), [Fault(f"byte {error.start}", "not UTF-8", "a file saved as UTF-8")]) from error
    except OSError as error:
        raise PlanError(str(path), [Fault("file", error.strerror or str(error), "a file that can be read")]) from error
    if not isinstance(content, dict):
        twice.append(Fault("file", type(content).__name__, "a mapping with keys at the top level"))
    if twice:
        raise PlanError(str(path), twice)
    return dict(content)
