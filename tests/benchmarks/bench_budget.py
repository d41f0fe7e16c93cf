"""Measure the frontier of 20 levers, in processes of their own; see README.md."""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

import qsim
from qsim.feasibility.budget import Aim
from qsim.indicators import Catalogue, Indicator
from qsim.plans.levers import HaltDecline, Hold, Lever, Measure, NaturalLimit, SamplingPlan, Source
from qsim.plans.plan import Period, Plan, Region
from qsim.plans.scenarios import ONLY_BASELINE
from qsim.plans.sizes import Certain, Normal
from qsim.plans.targets import (
    ChangeTarget,
    CumulativeTarget,
    ImproveTarget,
    LevelTarget,
    RangeTarget,
    RelativeTarget,
    Target,
)
from qsim.records import Names

RESULTS = Path(__file__).with_name("results.json")
TEXT = Names(zh="例", en="example")
ASSUMED = Source(kind="assumed", text=TEXT)
BASIC = {"name": TEXT, "category": "other", "unit": "%", "clauses": ("一",)}
SINCE = {"name": TEXT, "source": ASSUMED, "start_year": 2018}
LIMIT = Certain(law="certain", value=95.0)
LEVERS, DRAWS = 20, 1000


def plan_of(targets: Sequence[Target], levers: Sequence[Measure]) -> Plan:
    """A plan of one region."""
    return Plan(
        id="here-2020", label_set="here", title=TEXT, region=Region(id="here", name=TEXT),
        period=Period(first_year=2018, last_year=2020), adopted=date(2018, 7, 1), as_of=date(2018, 7, 1),
        base_year=2017, targets=tuple(targets), scenarios=ONLY_BASELINE.resolved(), levers=tuple(levers),
        indicators=(
            Indicator(slug="rate", name=TEXT), Indicator(slug="other", name=TEXT),
            Indicator(slug="cases", name=TEXT, family="events", unit="件", better="lower"),
        ),
    )  # fmt: skip


def ramp(number: int, rng: np.random.Generator, indicator: str = "rate") -> Lever:
    """An uncertain effect of some size, at some cost."""
    cost, size = round(float(rng.uniform(1, 9)), 1), float(rng.uniform(0.05, 0.5))
    return Lever(
        id=f"ramp-{number:02d}", name=TEXT, indicators=(indicator,), shape="ramp", start_year=2018,
        full_effect_year=2020, cost=cost, source=ASSUMED, scale="link" if indicator == "cases" else "points",
        size=Normal(law="normal", mean=-size if indicator == "cases" else size, sd=0.05),
    )  # fmt: skip


def level(levers: int) -> Plan:
    """A rate below its target, and uncertain ramps of different size and cost."""
    rng = np.random.default_rng(0)
    target = LevelTarget(kind="level", id="level", indicator="rate", value=94.0, comparator=">=", year=2020, **BASIC)
    return plan_of([target], [ramp(number, rng) for number in range(levers)])


def mixed(levers: int) -> Plan:
    """Targets that weigh years, series or both ends against each other, and levers of all groups, most on one rate."""
    rng = np.random.default_rng(0)
    others = (
        Hold(id="hold", shape="hold", indicators=("other",), cost=3.0, **SINCE),
        HaltDecline(id="halt", shape="halt_decline", indicators=("other",), cost=1.0, **SINCE),
        NaturalLimit(id="limit", shape="natural_limit", indicators=("rate",), limit=LIMIT, cost=0.5, **SINCE),
        SamplingPlan(id="sample", shape="sampling_plan", indicators=("rate",), batches=2000, cost=2.0, **SINCE),
    )
    effects = [ramp(number, rng) for number in range(max(levers - 8, 0))]
    effects += [ramp(90 + number, rng, ("other", "cases")[number % 2]) for number in range(4)]
    due, period = {"year": 2020, **BASIC}, {"first_year": 2018, "year": 2020, **BASIC}
    targets = (
        ImproveTarget(kind="improve", id="yearly", indicator="rate", direction="up", yearly=True, base_year=2017,
                      **period),
        ChangeTarget(kind="change", id="change", indicator="rate", direction="up", value=1.0, base_year=2018, **due),
        RelativeTarget(kind="relative", id="relative", indicator="rate", reference=TEXT, reference_region="province",
                       reference_share=0.2, **period),
        RangeTarget(kind="range", id="range", indicator="other", value=90.0, value_hi=93.0, **due),
        CumulativeTarget(kind="cumulative", id="cases", indicator="cases", comparator="<=", value=30.0, base_year=2017,
                         **period),
    )  # fmt: skip
    return plan_of(targets, [*effects, *others])


def figures() -> pd.DataFrame:
    """Eight years of figures of each series."""
    rates = ["88.0", "88.8", "88.1", "89.5", "90.2", "89.7", "90.4", "90.9"]
    series = {("here", "rate"): rates, ("province", "rate"): rates, ("here", "other"): rates,
              ("here", "cases"): ["20", "18", "19", "15", "16", "12", "13", "11"]}  # fmt: skip
    return pd.DataFrame(
        {"region": region, "indicator": slug, "year": year, "value": value,
         "denominator": "" if slug == "cases" else "500"}
        for (region, slug), values in series.items()
        for year, value in zip(range(2010, 2018), values, strict=True)
    )  # fmt: skip


def measured(plan: Plan, draws: int, aim: Aim) -> dict[str, object]:
    """One question on a posterior that is there."""
    catalogue = Catalogue(indicators=plan.indicators)
    observations = qsim.read_observations(figures(), catalogue=catalogue)
    posterior = qsim.fit(observations, catalogue=catalogue, draws=draws, seed=0)
    names = [target.id for target in plan.targets]
    began, used = time.perf_counter(), time.process_time()
    found = qsim.budget(posterior, plan, targets=names, aim=aim, catalogue=catalogue)
    return {
        "levers": len(plan.levers), "draws": draws, "frontier": len(found.rows), "gap": round(found.gap, 4),
        "wall_s": round(time.perf_counter() - began, 2), "cpu_s": round(time.process_time() - used, 2),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }  # fmt: skip


CASES: dict[str, tuple[Callable[[int], Plan], Aim]] = {
    "level": (level, "expected"), "mixed, expected": (mixed, "expected"), "mixed, all": (mixed, "all"),
}  # fmt: skip


def main() -> None:
    """Measure, print, write it when asked: every case in a process of its own, after one that compiles."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write into {RESULTS.name}")
    parser.add_argument("--levers", type=int, default=LEVERS)
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--case", choices=CASES, help="this one, in this process")
    options = parser.parse_args()
    if options.case:
        made, aim = CASES[options.case]
        print(json.dumps(measured(made(options.levers), options.draws, aim)))
        return
    rows = {}
    measured(mixed(9), 50, "expected")
    for case in CASES:
        words = [sys.executable, __file__, "--case", case, "--levers", options.levers, "--draws", options.draws]
        ended = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=True)
        rows[case] = json.loads(ended.stdout)
        print(f"{case}: {ended.stdout.strip()}")
    if options.write:
        known = json.loads(RESULTS.read_text(encoding="utf-8"))
        RESULTS.write_text(json.dumps({**known, "budget": rows}, indent=2) + "\n", encoding="utf-8")
        print(f"written: {RESULTS}")


if __name__ == "__main__":
    main()
