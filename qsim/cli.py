"""The commands: thin, each loads what it needs when it runs.

Exit codes: 0 done; 2 bad input, with every fault of it on stderr; 1 a defect of qsim.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

import typer

from qsim.errors import QsimError

if TYPE_CHECKING:
    from qsim.forecast.posterior import Posterior
    from qsim.study import Study

app = typer.Typer(
    name="qsim",
    help="How likely the targets of a development plan are to be met.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_BAD_INPUT = 2

PlanName = Annotated[str, typer.Argument(metavar="PLAN", help="A shipped plan's name, or a folder with plan.yaml.")]
AsOf = Annotated[
    int | None,
    typer.Option(metavar="YEAR", min=1949, max=2100, help="Use what was published by the end of this year."),
]
Data = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Your own table of figures (csv, xlsx, parquet) for the region.")
]
ScenarioNames = Annotated[
    list[str] | None, typer.Option("--scenario", metavar="NAME", help="Only these scenarios, besides the baseline.")
]
Draws = Annotated[int, typer.Option(min=100, max=200_000, help="Draws of every series.")]
Seed = Annotated[int, typer.Option(min=0, help="Start of all random numbers: equal seeds give equal figures.")]
EngineName = Annotated[
    Literal["laplace", "nuts", "auto"],
    typer.Option(help="nuts samples the same model with PyMC, slow; auto does where a gate of laplace fails."),
]
OtherEngine = Annotated[
    Literal["laplace", "nuts"] | None,
    typer.Option("--compare-engine", help="Also say how far the probabilities move under this engine; nuts is slow."),
]
TargetNames = Annotated[
    list[str] | None, typer.Option("--target", metavar="ID", help="Only these targets (`qsim assess` lists the ids).")
]
Folder = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder to write to.")]
Csv = Annotated[bool, typer.Option("--csv", help="As CSV.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")]


class _Report(Protocol):
    def __call__(self, done: int, total: int) -> None: ...


@app.command()
def plans() -> None:
    """List the shipped plans."""
    from qsim.plans.read import read_plan
    from qsim.shipped import shipped_plans

    for name in shipped_plans():
        plan = read_plan(name)
        typer.echo(f"{name}\t{len(plan.targets)} targets\tas of {plan.as_of}\t{plan.title.zh}")


@app.command()
def check(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Plan folders, YAML files, tables.")],
) -> None:
    """Check plans, catalogues and tables of figures, and say every fault."""
    from qsim.checking import check_path

    bad = 0
    for path in paths:
        try:
            typer.echo(f"{path}: {check_path(path)}")
        except QsimError as error:
            bad += 1
            typer.echo(str(error), err=True)
    if bad:
        raise typer.Exit(_BAD_INPUT)


@app.command()
def targets(plan: PlanName, csv: Csv = False) -> None:
    """List a plan's targets, a row for each row of its labelled list."""
    import csv as csv_format
    from dataclasses import asdict, fields

    from qsim.plans.labels import LabelRow, target_rows
    from qsim.plans.read import read_plan

    rows = target_rows(read_plan(plan))
    if csv:
        writer = csv_format.writer(sys.stdout, lineterminator="\n")
        writer.writerow([field.name for field in fields(LabelRow)])
        writer.writerows([_cell(value) for value in asdict(row).values()] for row in rows)
        return
    for row in rows:
        level = "" if row.value is None else f" {_cell(row.value)}{row.unit}"
        typer.echo(f"{_cell(row.seq):>3}  {row.year}  {row.kind:<12}{row.indicator_zh} {row.comparator}{level}")


@app.command()
def appendix(
    plan: PlanName,
    output: Folder = Path("out"),
    as_of: AsOf = None,
    data: Data = None,
    scenario: ScenarioNames = None,
    lang: Annotated[Literal["zh", "en"], typer.Option(help="Language of the appendix.")] = "zh",
    draws: Draws = 4000,
    seed: Seed = 0,
    engine: EngineName = "laplace",
    compare_engine: OtherEngine = None,
    quiet: Quiet = False,
) -> None:
    """Write the feasibility appendix of a plan: Word, web page, table, draws, figures."""
    from qsim.report.appendix import write_appendix

    with _progress(plan, quiet=quiet) as report:
        study = _run(plan, as_of, data, scenario, draws, seed, engine, compare_engine, report)
        written = write_appendix(study.assessment, output, language=lang)
    for path in written:
        if path.parent == output:
            typer.echo(path)


@app.command()
def assess(
    plan: PlanName,
    as_of: AsOf = None,
    data: Data = None,
    scenario: ScenarioNames = None,
    lang: Annotated[Literal["zh", "en"], typer.Option(help="Language of the notes.")] = "zh",
    draws: Draws = 4000,
    seed: Seed = 0,
    engine: EngineName = "laplace",
    compare_engine: OtherEngine = None,
    quiet: Quiet = False,
) -> None:
    """Print the assessment of a plan as CSV."""
    from qsim.report.table import csv_text

    with _progress(plan, quiet=quiet) as report:
        study = _run(plan, as_of, data, scenario, draws, seed, engine, compare_engine, report)
    sys.stdout.write(csv_text(study.assessment, lang))


@app.command()
def reverse(
    plan: PlanName,
    lever: Annotated[str, typer.Option(metavar="ID", help="Lever of scenarios.yaml whose size and start are asked.")],
    target: TargetNames = None,
    scenario: Annotated[str, typer.Option(metavar="NAME", help="Scenario the lever is added to.")] = "baseline",
    goal: Annotated[float, typer.Option(min=0.01, max=1.0, help="Probability to reach.")] = 0.8,
    as_of: AsOf = None,
    data: Data = None,
    draws: Draws = 4000,
    seed: Seed = 0,
    csv: Csv = False,
    quiet: Quiet = False,
) -> None:
    """Say how large a lever has to be, and how late it may start, for targets to be likely enough.

    A size in percent of a gap is a certain one (a number, not the middle of a law); on other scales it is the middle of
    the lever's law, whose spread stays. Points are those before they saturate near the end of the scale; what the size
    changes in the published figure of the last year, the median over the draws, stands beside it.
    """
    from qsim.feasibility.answers import percent, reverse_text
    from qsim.feasibility.questions import reverse as ask
    from qsim.feasibility.questions import reverse_frame, reverse_question
    from qsim.plans.read import read_plan

    # names are told before figures are fitted
    reverse_question(read_plan(plan), lever, targets=target, scenario=scenario)
    study, posterior = _posterior(plan, as_of, data, draws, seed, quiet=quiet)
    found = ask(posterior, study.plan, lever, targets=target, scenario=scenario, goal=goal)
    if csv:
        sys.stdout.write(reverse_frame(found).to_csv(index=False, lineterminator="\n"))
        return
    typer.echo(f"lever {lever} on top of scenario {scenario}; goal {100 * goal:g}%")
    for one in found:
        without, written = percent(one.p_without, goal), percent(one.p_as_written, goal)
        typer.echo(f"{one.target.id}: {without} without, {written} as written; {reverse_text(one)}")


@app.command()
def budget(
    plan: PlanName,
    costs: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Costs of levers (.yaml, .csv, .xlsx); else those of scenarios.yaml."),
    ] = None,
    limit: Annotated[
        float | None, typer.Option("--budget", metavar="N", min=0, help="Also name the best combination within it.")
    ] = None,
    aim: Annotated[
        Literal["expected", "all"], typer.Option(help="Expected number of indicators met, or P(all).")
    ] = "expected",
    target: TargetNames = None,
    as_of: AsOf = None,
    data: Data = None,
    draws: Draws = 4000,
    seed: Seed = 0,
    csv: Csv = False,
    quiet: Quiet = False,
) -> None:
    """Say which levers are worth paying for: the frontier of cost against targets met."""
    from qsim.feasibility.spending import budget as spend
    from qsim.feasibility.spending import budget_offer, read_costs, spending_frame
    from qsim.plans.read import read_plan

    # names are told before figures are fitted
    read = read_plan(plan)
    given = None if costs is None else read_costs(costs, levers=[one.id for one in read.levers])
    budget_offer(read, costs=given, targets=target)
    study, posterior = _posterior(plan, as_of, data, draws, seed, quiet=quiet)
    told = None if quiet else lambda text: typer.echo(text, err=True)
    found = spend(posterior, study.plan, costs=given, targets=target, aim=aim, progress=told)
    if csv:
        sys.stdout.write(spending_frame(found).to_csv(index=False, lineterminator="\n"))
        return
    counted = "1 indicator" if found.indicators == 1 else f"{found.indicators} indicators"
    aimed = "met on average" if aim == "expected" else "as chance of all"
    sure = "exact: no combination is better"
    if not found.exact:
        sure = f"best found: no combination is better by more than {found.gap:.4f} {aimed}, proved row by row"
    typer.echo(f"{counted}, targets {', '.join(one.id for one in found.targets)}; {sure}")
    for row in found.rows:
        levers = ", ".join(row.levers) or "no lever"
        bound = "" if found.exact else f" (at most {row.at_most:.4f} {aimed} below the next cost)"
        typer.echo(f"cost {row.cost:g}: {row.expected:.2f} met on average, all with {row.p_all:.1%}{bound}: {levers}")
    if limit is not None:
        best = found.within(limit)
        typer.echo(f"within {limit:g}: {', '.join(best.levers) or 'no lever'} at a cost of {best.cost:g}")


@app.command()
def review(
    plan: PlanName,
    archive: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="An archive.json of an earlier appendix; may stand several times."),
    ] = None,
    as_of: AsOf = None,
    data: Data = None,
    csv: Csv = False,
    draws: Draws = 4000,
    seed: Seed = 0,
    engine: EngineName = "laplace",
    quiet: Quiet = False,
) -> None:
    """Compare what the probabilities said with what was published later.

    Without an archive the plan is assessed as of its own cut-off, with nothing that was published later.
    """
    from qsim.evaluation.review import review_frame
    from qsim.evaluation.review_text import review_text
    from qsim.reviewing import review as reviewed

    with _progress(plan, quiet=quiet) as report:
        found = reviewed(
            plan, archive or (), as_of=as_of, data=data, engine=engine, draws=draws, seed=seed, progress=report
        )
    _warn(found.doubts)
    sys.stdout.write(review_frame(found).to_csv(index=False, lineterminator="\n") if csv else review_text(found))


@app.command()
def backtest(
    observations: Annotated[Path, typer.Argument(metavar="OBS", help="Table of figures (csv, csv.gz, xlsx, parquet).")],
    cases: Annotated[Path, typer.Option(metavar="CASES", help="Table of cases: series, cutoff, history, targets.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="File to write: .csv, .csv.gz or .parquet.")
    ],
    horizon: Annotated[int, typer.Option(metavar="N", min=1, max=30, help="Years to forecast.")] = 5,
    pool: Annotated[
        Literal["indicator", "none"], typer.Option(help="Whether other series of an indicator inform a case.")
    ] = "indicator",
    draws: Draws = 4000,
    seed: Seed = 0,
    engine: EngineName = "laplace",
    quiet: Quiet = False,
) -> None:
    """Forecast past years from what was known then, and write quantiles and probabilities of targets."""
    from qsim.evaluation import backtest as testing
    from qsim.evaluation.cases import read_cases
    from qsim.evaluation.table import checked_ending, write_forecasts
    from qsim.observations.read import read_observations

    checked_ending(output)
    asked = read_cases(cases)
    figures = read_observations(observations)
    with _progress(cases.name, quiet=quiet) as report:
        result = testing.backtest(
            figures, asked, horizon=horizon, pool=pool, engine=engine, draws=draws, seed=seed, progress=report
        )
    write_forecasts(result, output)
    typer.echo(output)


@app.command()
def schema(output: Folder = Path("schemas")) -> None:
    """Write the JSON Schemas of plan.yaml, scenarios.yaml and indicators.yaml, so that editors complete them."""
    from qsim.plans.jsonschema import write_json_schemas

    for path in write_json_schemas(output):
        typer.echo(path)


def main() -> None:
    """Run a command; an error a user can mend ends with its message and exit code 2."""
    try:
        app()
    except QsimError as error:
        typer.echo(str(error), err=True)
        sys.exit(_BAD_INPUT)


def _run(
    plan: str,
    as_of: int | None,
    data: Path | None,
    scenario: list[str] | None,
    draws: int,
    seed: int,
    engine: Literal["laplace", "nuts", "auto"],
    other_engine: Literal["laplace", "nuts"] | None,
    report: _Report,
) -> "Study":
    from qsim.study import run

    study = run(
        plan,
        as_of=as_of,
        data=data,
        scenarios=scenario,
        draws=draws,
        seed=seed,
        engine=engine,
        other_engine=other_engine,
        progress=report,
    )
    _warn(study.doubts)
    if as_of is not None and as_of > study.plan.period.last_year:
        over = f"{study.plan.id} ended in {study.plan.period.last_year}"
        typer.echo(f"{over}: 'qsim review {plan}' compares what was said with what was published later", err=True)
    return study


def _posterior(
    plan: str, as_of: int | None, data: Path | None, draws: int, seed: int, *, quiet: bool
) -> "tuple[Study, Posterior]":
    """A plan with the draws of its series; nothing read beside a probability."""
    from qsim.errors import FitError
    from qsim.study import run

    with _progress(plan, quiet=quiet) as report:
        study = run(plan, as_of=as_of, data=data, scenarios=(), draws=draws, seed=seed, beside=False, progress=report)
    _warn(study.doubts)
    if study.posterior is None:
        raise FitError(f"plan {plan}: no target has a figure or a pool of other regions; `qsim assess` says what lacks")
    return study, study.posterior


def _warn(doubts: Iterable[str]) -> None:
    for doubt in doubts:
        typer.echo(f"warning: {doubt}", err=True)


def _cell(value: object) -> str:
    """A number without a needless decimal point, nothing for None."""
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


@contextmanager
def _progress(plan: str, *, quiet: bool) -> Iterator[_Report]:
    """A bar on stderr: one step a series, then the writing."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as bar:
        task = bar.add_task(plan, total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield report
