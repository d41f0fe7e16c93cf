"""Measure the frontier of 20 levers on one indicator, in a process of its own; see README.md."""

import argparse
import json
import resource
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

import qsim
from qsim.indicators import Catalogue, Indicator
from qsim.plans.levers import Lever, Source
from qsim.plans.plan import Period, Plan, Region
from qsim.plans.scenarios import ONLY_BASELINE
from qsim.plans.sizes import Normal
from qsim.plans.targets import LevelTarget
from qsim.records import Names

RESULTS = Path(__file__).with_name("results.json")
TEXT = Names(zh="例", en="example")
LEVERS, DRAWS = 20, 1000


def question(levers: int) -> tuple[Plan, pd.DataFrame]:
    """A rate below its target, and uncertain ramps of different size and cost."""
    rng = np.random.default_rng(0)
    ramps = tuple(
        Lever(
            id=f"ramp-{number:02d}", name=TEXT, indicators=("rate",), shape="ramp", scale="points",
            start_year=2018, full_effect_year=2020, cost=round(float(rng.uniform(1, 9)), 1),
            size=Normal(law="normal", mean=float(rng.uniform(0.05, 0.5)), sd=0.05),
            source=Source(kind="assumed", text=TEXT),
        )
        for number in range(levers)
    )  # fmt: skip
    target = LevelTarget(
        kind="level", id="level", indicator="rate", name=TEXT, category="other", unit="%", clauses=("一",),
        value=94.0, comparator=">=", year=2020,
    )  # fmt: skip
    plan = Plan(
        id="here-2020", label_set="here", title=TEXT, region=Region(id="here", name=TEXT),
        period=Period(first_year=2018, last_year=2020), adopted=date(2018, 7, 1), as_of=date(2018, 7, 1),
        base_year=2017, indicators=(Indicator(slug="rate", name=TEXT),), targets=(target,),
        scenarios=ONLY_BASELINE.resolved(), levers=ramps,
    )  # fmt: skip
    values = ["88.0", "88.8", "88.1", "89.5", "90.2", "89.7", "90.4", "90.9"]
    table = pd.DataFrame({"region": "here", "indicator": "rate", "year": range(2010, 2018),
                          "denominator": 500, "value": values})  # fmt: skip
    return plan, table


def main() -> None:
    """Measure, print, write it when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write into {RESULTS.name}")
    parser.add_argument("--levers", type=int, default=LEVERS)
    parser.add_argument("--draws", type=int, default=DRAWS)
    options = parser.parse_args()
    plan, table = question(options.levers)
    catalogue = Catalogue(indicators=plan.indicators)
    posterior = qsim.fit(
        qsim.read_observations(table, catalogue=catalogue), catalogue=catalogue, draws=options.draws, seed=0
    )
    began, used = time.perf_counter(), time.process_time()
    found = qsim.budget(posterior, plan, catalogue=catalogue)
    row = {
        "levers": options.levers, "draws": options.draws, "frontier": len(found.rows),
        "wall_s": round(time.perf_counter() - began, 2), "cpu_s": round(time.process_time() - used, 2),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }  # fmt: skip
    print(json.dumps(row))
    if options.write:
        known = json.loads(RESULTS.read_text(encoding="utf-8"))
        RESULTS.write_text(json.dumps({**known, "budget": row}, indent=2) + "\n", encoding="utf-8")
        print(f"written: {RESULTS}")


if __name__ == "__main__":
    main()
