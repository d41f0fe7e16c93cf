"""Measure the assessment of a large plan in one process: 60 targets, 5 scenarios, everything beside; see README.md."""

import argparse
import json
import os
import resource
import sys
import time
from datetime import date

import numpy as np
import pandas as pd
from bench_appendix import RESULTS

import qsim
from qsim.feasibility.assess import assess
from qsim.indicators import Catalogue, Indicator
from qsim.plans.plan import Period, Plan, Region
from qsim.plans.scenarios import Lever, Normal, Scenario, Source
from qsim.plans.targets import LevelTarget, MaintainTarget, PathTarget, Target
from qsim.records import Names

TARGETS, SCENARIOS, DRAWS = 60, 5, 4000
TEXT = Names(zh="例", en="example")
YEARS = (2018, 2019, 2020)


def indicators() -> tuple[Indicator, ...]:
    """Sixty rates."""
    return tuple(Indicator(slug=f"rate{number}", name=TEXT) for number in range(TARGETS))


def observations() -> pd.DataFrame:
    """Six yearly figures of every rate, half of them with the number of samples."""
    rng = np.random.default_rng(0)
    rows = [
        ("here", one.slug, year, f"{min(99.0, 84 + 10 * rng.random() + 0.5 * (year - 2012)):.1f}", "400" if odd else "")
        for odd, one in ((number % 2, one) for number, one in enumerate(indicators()))
        for year in range(2012, 2018)
    ]
    return pd.DataFrame(rows, columns=["region", "indicator", "year", "value", "denominator"])


def plan() -> Plan:
    """A target an indicator, by turns a level, a path and a level held; five scenarios."""
    levers = tuple(
        Lever(
            id=f"lever{number}",
            name=TEXT,
            indicators=tuple(one.slug for one in indicators()),
            shape="step",
            scale="points",
            start_year=2018,
            size=Normal(law="normal", mean=0.5 * number, sd=0.3),
            source=Source(kind="assumed", text=TEXT),
        )
        for number in range(1, SCENARIOS)
    )
    scenarios = (
        Scenario(id="baseline", name=TEXT),
        *(Scenario(id=lever.id, name=TEXT, levers=(lever,)) for lever in levers),
    )
    return Plan(
        id="here-2020", label_set="here", title=TEXT, region=Region(id="here", name=TEXT),
        period=Period(first_year=2018, last_year=2020), adopted=date(2018, 7, 1), as_of=date(2018, 7, 1),
        base_year=2017, indicators=indicators(), targets=tuple(_targets()), levers=levers, scenarios=scenarios,
    )  # fmt: skip


def _targets() -> list[Target]:
    made: list[Target] = []
    for number, one in enumerate(indicators()):
        usual = {"id": f"t{number}", "indicator": one.slug, "name": TEXT, "category": "other", "unit": "%"}
        if number % 3 == 0:
            made.append(LevelTarget(kind="level", value=93.0, year=2020, clauses=("一",), **usual))
        elif number % 3 == 1:
            values = {2018: 91.0, 2019: 92.0, 2020: 93.0}
            made.append(PathTarget(kind="path", values=values, clauses=("一",), **usual))
        else:
            made.append(
                MaintainTarget(kind="maintain", value=90.0, first_year=2018, year=2020, clauses=("一",), **usual)
            )
    return made


def measure() -> list[dict[str, float]]:
    """Seconds of two runs: the first also compiles or loads kernels. A busy machine leaves processor time as it is."""
    whole = plan()
    catalogue = Catalogue(indicators=whole.indicators)
    figures = qsim.read_observations(observations(), catalogue=catalogue)
    rows = []
    for _ in ("first", "warm"):
        began, used = time.perf_counter(), time.process_time()
        posterior = qsim.fit(figures, catalogue=catalogue, draws=DRAWS)
        fitted = time.perf_counter()
        forecast = posterior.forecast(YEARS, whole.scenarios)
        drawn = time.perf_counter()
        assess(forecast, whole, posterior=posterior, catalogue=catalogue)
        done = time.perf_counter()
        parts = {"fit": fitted - began, "forecast": drawn - fitted, "assess": done - drawn, "together": done - began}
        rows.append({**parts, "processor": time.process_time() - used})
    return rows


def main() -> None:
    """Measure, print, write when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    options = parser.parse_args()
    rows = [{name: round(value, 1) for name, value in row.items()} for row in measure()]
    for run, row in zip(("first", "warm"), rows, strict=True):
        print(f"{run}: " + ", ".join(f"{name} {value} s" for name, value in row.items()))
    peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)
    print(f"peak memory {peak} MB")
    if options.write:
        kept = json.loads(RESULTS.read_text(encoding="utf-8"))
        load = round(os.getloadavg()[0], 1)
        found = {"first": rows[0], "warm": rows[1], "peak_rss": peak, "load_average": load}
        RESULTS.write_text(json.dumps({**kept, "assessment": found}, indent=2) + "\n", encoding="utf-8")
        print(f"written: {RESULTS}", file=sys.stderr)


if __name__ == "__main__":
    main()
