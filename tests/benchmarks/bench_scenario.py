"""Measure a scenario on an existing posterior, in a process of its own; see README.md."""

import argparse
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import qsim
from qsim.forecast.posterior import Posterior
from qsim.indicators import Catalogue, Indicator
from qsim.plans.scenarios import Lever, Normal, Scenario, Source
from qsim.records import Names

RESULTS = Path(__file__).with_name("results.json")
INDICATORS, DRAWS, YEARS = 60, 4000, range(2016, 2031)
TEXT = Names(zh="例", en="example")
CASES = {
    "normal sampling noise, n(1 - p) = 160": (2000, 92.0),
    "exact binomial, n(1 - p) = 6": (300, 98.0),
}


def posterior(trials: int, level: float) -> tuple[Posterior, Catalogue]:
    """Posterior of rates that all stand near one level, from samples of one size."""
    catalogue = Catalogue(indicators=tuple(Indicator(slug=f"r{number}", name=TEXT) for number in range(INDICATORS)))
    rng = np.random.default_rng(0)
    passed = rng.binomial(trials, level / 100, (INDICATORS, 6))
    table = pd.DataFrame(
        [
            {
                "region": "here", "indicator": indicator.slug, "year": 2010 + year,
                "numerator": int(passed[number, year]), "denominator": trials,
                "value": f"{100 * passed[number, year] / trials:.1f}",
            }
            for number, indicator in enumerate(catalogue.indicators)
            for year in range(6)
        ]
    )  # fmt: skip
    observations = qsim.read_observations(table.astype(str), catalogue=catalogue)
    return qsim.fit(observations, catalogue=catalogue, draws=DRAWS, seed=0), catalogue


def scenario(catalogue: Catalogue) -> Scenario:
    """An uncertain ramp in points on every indicator."""
    lever = Lever(
        id="push", name=TEXT, indicators=tuple(catalogue.by_slug), shape="ramp", scale="points", start_year=2016,
        full_effect_year=2020, size=Normal(law="normal", mean=0.5, sd=0.3), source=Source(kind="assumed", text=TEXT),
    )  # fmt: skip
    return Scenario(id="push", name=TEXT, levers=(lever,))


def best(action: Callable[[], object], times: int = 15) -> dict[str, float]:
    """Fastest wall time and least processor time of several runs: the machine's other work only ever adds. [ms]"""
    walls, processor = [], []
    for _ in range(times):
        began, used = time.perf_counter(), time.process_time()
        action()
        walls.append(time.perf_counter() - began)
        processor.append(time.process_time() - used)
    return {"wall_ms": round(1e3 * min(walls), 1), "cpu_ms": round(1e3 * min(processor), 1)}


def measure() -> dict[str, dict[str, float]]:
    """Measure each case: the levels without levers are drawn once before, as for the first scenario of any study."""
    rows = {}
    for name, case in CASES.items():
        made, catalogue = posterior(*case)
        pulled = scenario(catalogue)
        made.forecast(YEARS, [pulled])
        rows[name] = best(lambda made=made, pulled=pulled: made.forecast(YEARS, [pulled]))
    return rows


def main() -> None:
    """Measure, print a table, write it when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write into {RESULTS.name}")
    options = parser.parse_args()
    rows = measure()
    print(f"scenario on a posterior, {INDICATORS} indicators, {DRAWS} draws, {len(YEARS)} years: wall, processor [ms]")
    for name, row in rows.items():
        print(f"{name:40} {row['wall_ms']:>8} {row['cpu_ms']:>8}")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")
    if options.write:
        known = json.loads(RESULTS.read_text(encoding="utf-8"))
        RESULTS.write_text(json.dumps({**known, "scenario": rows}, indent=2) + "\n", encoding="utf-8")
        print(f"written: {RESULTS}")


if __name__ == "__main__":
    main()
