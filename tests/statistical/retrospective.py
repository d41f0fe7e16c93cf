"""Review the shipped plans: ``docs/retrospective.md`` and ``scenarios/track_record.csv``.

    python tests/statistical/retrospective.py [--draws N] [--seed N]

Each plan is assessed as of its own cut-off and held against the figures published later; then the air target whose base
was restated. Half a minute.
"""

import argparse
from pathlib import Path

import pandas as pd
from restated_base import answers, section

import qsim
from qsim.evaluation.outcomes import Published
from qsim.evaluation.review import ENOUGH_FOR_A_BAND, Review, Reviewed, Score, joined, unknown_counts
from qsim.evaluation.review_text import WORDS
from qsim.evaluation.track_record import RECORD_COLUMNS
from qsim.plans.plan import Plan
from qsim.plans.read import plan_catalogue, plan_folder, read_plan
from qsim.shipped import shipped_plans
from qsim.study import plan_observations

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "retrospective.md"
RECORD = ROOT / "scenarios" / "track_record.csv"
COMMAND = "python tests/statistical/retrospective.py"


def record() -> pd.DataFrame:
    """Every statement of the shipped plans whose outcome is known, with the day it became known.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`~qsim.evaluation.track_record.RECORD_COLUMNS`.
    """
    rows = []
    for name in shipped_plans():
        plan = read_plan(name)
        catalogue = plan_catalogue(plan)
        figures = Published(plan_observations(plan, plan_folder(name), None, catalogue, None), catalogue)
        for target in plan.targets:
            met = figures.outcome(target, plan.region.id).met
            day = figures.known_on(target, plan.region.id)
            # what was known when the plan was written is no outcome of it
            if met is not None and day is not None and day > plan.as_of:
                rows.append((plan.id, target.id, "yes" if met else "no", day.isoformat()))
    return pd.DataFrame(rows, columns=list(RECORD_COLUMNS))


def page(reviews: dict[str, Review], outcomes: pd.DataFrame, air: str) -> str:
    """The page."""
    total = joined(list(reviews.values()))
    parts = [_head(total, outcomes), *(_plan(read_plan(name), review) for name, review in reviews.items()), air]
    return "\n".join(parts)


def _head(total: Review, outcomes: pd.DataFrame) -> str:
    statements = total.of("overall")
    known = [row for row in statements if row.met is not None]
    scored = [row for row in statements if row.scored]
    missing = ", ".join(f"{WORDS[why]} ({count})" for why, count in unknown_counts(statements).items())
    met, kept = sum(bool(row.met) for row in known), int((outcomes["met"] == "yes").sum())
    return f"""# The five plans, and what came

Written by a command, not by hand: change `tests/statistical/retrospective.py` and run

```
{COMMAND}
```

Each plan is assessed as of its own cut-off, without levers, on figures published by that day and none later; then the
figures published later say what came. Code, general priors and the named steps between definitions are today's. A
figure counts only on the definition its target is about ([how outcomes are read](schema.md#outcomes)).

**This is too little to judge qsim by.** Of {len(statements)} statements the outcome of {len(known)} is known
({met} met), and {len(scored)} of those had a probability. The others: {missing}.
*No figure at hand* says that the collected sources have none, not that none was published. Nor are the known ones a
fair sample: an office that missed a target need not print the figure, so that the share met among them may be far above
that of all. No band of probabilities has the {ENOUGH_FOR_A_BAND} outcomes that a table of reliability would take. How
far the method can be trusted is measured on a panel, in [calibration.md](calibration.md).

## All plans
{_scores(total)}
*Hits*: the likelier side came. Brier and log score: smaller is better; *always 50 %* is the forecast that knows
nothing, *share met* the best constant forecast, which knows the outcomes. Years of one statement depend on each other.

The record in `scenarios/track_record.csv` ({len(outcomes)} statements, {kept} met) also counts statements that had no
probability. An assessment is told what was known by its own cut-off, without the plan's own outcomes.
"""


def _scores(review: Review) -> str:
    titles = {"overall": "whole statements", "year": "single years"}
    lines = [
        "| assessed | scored | of | met | hits | Brier | always 50 % | share met | log | always 50 % | share met |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in review.scores:
        name = "all" if one.archive == "all" else one.archive.replace("@", ", ")
        cells = [f"{name}: {titles[one.scope]}", one.scored, one.with_probability, one.met, one.hits]
        lines.append(f"| {' | '.join(map(str, [*cells, *_numbers(one)]))} |")
    return "\n".join(lines) + "\n"


def _numbers(one: Score) -> list[str]:
    values = (one.brier, one.brier_half, one.brier_share, one.log, one.log_half, one.log_share)
    return [f"{value:.3f}" if one.scored else "" for value in values]


def _plan(plan: Plan, review: Review) -> str:
    names = {target.id: target.name.en for target in plan.targets}
    said = [row for row in review.of("overall") if row.p_published is not None]
    years = {row.target: [one for one in review.of("year") if one.target == row.target] for row in review.of("overall")}
    lines = [
        f"## {plan.title.en}",
        f"Assessed as of {plan.as_of.isoformat()}: {len(said)} of {len(plan.targets)} statements have a probability.",
        "",
        "| statement | years | P | grade | rests on | what came | |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in said:
        lines.append(_line(names[row.target], row, whole=True))
        own = years[row.target]
        if len(own) > 1:
            lines += [_line("", one, whole=False) for one in own if one.met is not None]
    silent = [row for row in review.of("overall") if row.p_published is None]
    known = [row for row in silent if row.met is not None]
    lines += ["", f"Without a probability: {len(silent)} statements, the outcome of {len(known)} is known."]
    lines += [f"- {names[row.target]} ({row.year}): {_came(row)}." for row in known]
    lines += ["", "Sources of what came: " + ("; ".join(_sources(review)) or "none") + ".", ""]
    return "\n".join(lines)


def _line(name: str, row: Reviewed, *, whole: bool) -> str:
    verdict = {True: "**hit**", False: "**miss**", None: ""}[None if row.settled_before else row.hit]
    rests = {"figures": "own figures", "prior": "pool alone"}[row.evidence]
    cells = [name, row.year if not whole else f"by {row.year}", f"{row.p_published:.0%}"]
    cells += [row.grade or "", rests] if whole else ["", ""]
    return f"| {' | '.join(map(str, [*cells, _came(row), verdict]))} |"


def _came(row: Reviewed) -> str:
    if row.met is None:
        return f"not known: {WORDS[row.why_unknown]}"
    figure = f", {row.figure}" if row.figure else ""
    before = ", known then" if row.settled_before else ""
    return f"{'met' if row.met else 'missed'}{figure}{before}"


def _sources(review: Review) -> list[str]:
    return list(dict.fromkeys(row.source for row in review.of("year") if row.met is not None and row.source))


def main() -> None:
    """Write the page and the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    outcomes = record()
    reviews = {name: qsim.review(name, draws=asked.draws, seed=asked.seed) for name in shipped_plans()}
    air = section(answers(draws=asked.draws, seed=asked.seed))
    RECORD.write_text(outcomes.to_csv(index=False, lineterminator="\n"), encoding="utf-8")
    PAGE.write_text(page(reviews, outcomes, air), encoding="utf-8")
    for path in (PAGE, RECORD):
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
