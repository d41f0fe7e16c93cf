"""Measure forecasts of many series beside AutoETS, and how near they come to the careful way; see README.md."""

import argparse
import json
import os
import platform
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from bench_appendix import RESULTS, installed, measure

COUNT, YEARS, HORIZON, DRAWS = 2000, 12, 5, 1000
FIRST_YEAR, TARGET_HORIZON = 2004, 3
SEED = 20240101
LEVELS = (80, 95)
CAREFUL_SERIES, CAREFUL_DRAWS = 100, 20_000
ROUNDS = 3
PACKAGES = ("qsim", "statsforecast", "numpy", "scipy", "numba", "xarray")
SIDES = ("qsim", "ets")

SIDE = """
import json, sys
sys.path.insert(0, sys.argv[1])
import bench_series
run = {"qsim": bench_series.run_qsim, "ets": bench_series.run_ets}[sys.argv[2]]
print(json.dumps(run(float(sys.argv[3]))))
"""


def simulate(count: int, level_sd: float) -> pd.DataFrame:
    """Histories of the model: theta from the shipped prior of rates, first levels around its mean.

    Every other series is a sample of 50 to 5,000 (log-uniform, the same size every year), published with numerator and
    denominator; the others are rates printed to 0.1.

    Returns
    -------
    DataFrame
        Columns of an observation table, as text.
    """
    from qsim.model.priors import default_priors
    from qsim.model.trend import constrain, level_mean, simulate_path

    priors = default_priors()["logit"]
    rng = np.random.default_rng(SEED)
    z = priors.theta.at(rng.standard_normal((count, 6)))
    parts = []
    for number, (theta, begun) in enumerate(zip(constrain(z), priors.level.given(z), strict=True)):
        level = np.empty(YEARS)
        simulate_path(theta, priors.kept, level_sd, rng.standard_normal(2 * YEARS), level)
        eta = level_mean(begun, theta[4], priors.kept, YEARS) + level + theta[3] * rng.standard_normal(YEARS)
        share = 1.0 / (1.0 + np.exp(-eta))
        size = int(np.exp(rng.uniform(np.log(50), np.log(5000))))
        met = rng.binomial(size, share)
        sampled = number % 2 == 0
        value = 100.0 * met / size if sampled else 100.0 * share
        parts.append(
            pd.DataFrame(
                {
                    "region": f"r{number:04}",
                    "indicator": "simulated_rate",
                    "year": FIRST_YEAR + np.arange(YEARS),
                    "value": [f"{one:.1f}" for one in value],
                    "numerator": met if sampled else "",
                    "denominator": size if sampled else "",
                }
            )
        )
    return pd.concat(parts, ignore_index=True).astype(str)


def collected(table: pd.DataFrame):
    """Series of an observation table."""
    from qsim.inference.series import collect_series
    from qsim.observations.read import read_observations
    from qsim.shipped import shipped_catalogue

    return collect_series(read_observations(table), shipped_catalogue(), FIRST_YEAR + YEARS - 1)


def target_of(one) -> float:
    """Half a point above the last figure. [%]"""
    return float(min(one.printed[-1] + 0.5, 100.0))


def forecasts(series):
    """Nine quantiles of five years and the chance of one target in the third, for each."""
    from qsim.evaluation.names import QUANTILES
    from qsim.forecast.batch import Threshold, forecast_many, own_jobs

    targets = [(Threshold(TARGET_HORIZON, target_of(one)),) for one in series]
    return forecast_many(own_jobs(series), horizon=HORIZON, levels=QUANTILES, thresholds=targets, draws=DRAWS)


def core_time() -> float:
    """Seconds that processors spent on this process and on the children it has waited for."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def run_qsim(level_sd: float) -> dict[str, object]:
    """Times in this process, the compiled kernels loaded."""
    from qsim.inference.batch import design_of
    from qsim.inference.chances import chances

    table = simulate(COUNT, level_sd)
    forecasts(collected(table.head(64 * YEARS)))
    chances.cache_clear()
    design_of.cache_clear()
    began = time.perf_counter()
    series = collected(table)
    read = time.perf_counter() - began
    began, busy = time.perf_counter(), core_time()
    answers = forecasts(series)
    wall, core = time.perf_counter() - began, core_time() - busy
    ways = dict(Counter(answer.way for answer in answers))
    return {"wall": wall, "core": core, "reading": read, "ways": ways}


def run_ets(level_sd: float) -> dict[str, object]:
    """Times of AutoETS in one process and in two, compiled before; a failed fit would be an error."""
    from statsforecast import StatsForecast
    from statsforecast.models import AutoETS

    table = simulate(COUNT, level_sd)
    frame = pd.DataFrame(
        {"unique_id": table["region"], "ds": table["year"].astype(int), "y": table["value"].astype(float)}
    )
    walls, cores = {}, {}
    for jobs in (1, 2):
        model = StatsForecast(models=[AutoETS(season_length=1)], freq=1, n_jobs=jobs)
        model.forecast(df=frame.head(64 * YEARS), h=HORIZON, level=list(LEVELS))
        began, busy = time.perf_counter(), core_time()
        model.forecast(df=frame, h=HORIZON, level=list(LEVELS))
        walls[jobs], cores[jobs] = time.perf_counter() - began, core_time() - busy
    best = min(walls, key=walls.__getitem__)
    return {"wall": walls[best], "jobs": best, "core": min(cores.values()), "walls": walls}


def careful(series) -> list[tuple[float, np.ndarray]]:
    """The target's probability and nine quantiles a year, dims (horizon, level), by the default engine one by one."""
    from qsim.evaluation.names import QUANTILES
    from qsim.forecast.posterior import Posterior
    from qsim.inference.fit import fit_one

    found = []
    for one in series:
        fitted = fit_one(one, (), None, draws=CAREFUL_DRAWS, seed=1)
        posterior = Posterior(fits=(fitted,), origin=one.origin, seed=1, engine="laplace")
        drawn = posterior.forecast(range(one.origin + 1, one.origin + HORIZON + 1))["published"].values.reshape(
            -1, HORIZON
        )
        p = float((drawn[:, TARGET_HORIZON - 1] >= target_of(one)).mean())
        found.append((p, np.quantile(drawn, QUANTILES, axis=0, method="inverted_cdf").T))
    return found


def run_accuracy(level_sd: float) -> dict[str, object]:
    """Differences to the default engine with many draws."""
    series = collected(simulate(CAREFUL_SERIES, level_sd))
    answers, exact = forecasts(series), careful(series)
    p = np.array([one for one, _ in exact])
    gaps = np.abs([answer.p[0] for answer in answers] - p)
    usual = np.sqrt(p * (1.0 - p) * (1.0 / DRAWS + 1.0 / CAREFUL_DRAWS))
    width = np.array([quantiles[:, -1] - quantiles[:, 0] for _, quantiles in exact])
    pairs = zip(answers, exact, strict=True)
    middle = np.array([answer.quantiles[:, 4] - quantiles[:, 4] for answer, (_, quantiles) in pairs])
    return {
        "series": CAREFUL_SERIES,
        "draws": [DRAWS, CAREFUL_DRAWS],
        "p_max": round(float(gaps.max()), 4),
        "p_mean": round(float(gaps.mean()), 4),
        "p_rms": round(float(np.sqrt(np.mean(gaps**2))), 4),
        "p_rms_of_independent_draws": round(float(np.sqrt(np.mean(usual**2))), 4),
        "median_max_share_of_95_width": round(float(np.max(np.abs(middle) / np.maximum(width, 0.1))), 4),
    }


def benchmark(level_sd: float) -> dict[str, object]:
    """Both sides by turns, each in fresh processes; the fastest of each counts."""
    runs: dict[str, list[dict[str, object]]] = {side: [] for side in SIDES}
    for _ in range(ROUNDS):
        for side in SIDES:
            found = measure(SIDE, [str(Path(__file__).parent), side, str(level_sd)], os.environ)
            runs[side].append({**json.loads(str(found["output"]).splitlines()[-1]), "peak_rss": found["peak_rss"]})
    fastest = {side: min(rows, key=lambda row: row["wall"]) for side, rows in runs.items()}
    ours, peer = fastest["qsim"], fastest["ets"]
    reading = min(row["reading"] for row in runs["qsim"])
    cores = {side: 1e3 * min(row["core"] for row in rows) / COUNT for side, rows in runs.items()}
    return {
        "series": COUNT,
        "first_level_sd": level_sd,
        "qsim": {
            "wall": round(ours["wall"], 2),
            "series_per_second": round(COUNT / ours["wall"]),
            "core_ms_per_series": round(cores["qsim"], 2),
            "reading_wall": round(reading, 2),
            "series_per_second_with_reading": round(COUNT / (ours["wall"] + reading)),
            "peak_rss": ours["peak_rss"],
            "ways": ours["ways"],
        },
        "AutoETS": {
            "wall": round(peer["wall"], 2),
            "series_per_second": round(COUNT / peer["wall"]),
            "core_ms_per_series": round(cores["ets"], 2),
            "processes": peer["jobs"],
            "peak_rss": peer["peak_rss"],
        },
        "ratio": round(peer["wall"] / ours["wall"], 2),
        "ratio_with_reading": round(peer["wall"] / (ours["wall"] + reading), 2),
        "ratio_of_core_time": round(cores["ets"] / cores["qsim"], 2),
        "every_wall": {side: [round(row["wall"], 2) for row in rows] for side, rows in runs.items()},
    }


def main() -> None:
    """Measure, print, write when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--level-sd", type=float, default=1.0, help="sd of first levels; 2.6 is the shipped prior's")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    options = parser.parse_args()
    found = benchmark(options.level_sd)
    found["accuracy"] = run_accuracy(options.level_sd)
    found["packages"] = {name: installed(name) for name in PACKAGES}
    found["system"] = f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} processors"
    found["load_average"] = round(os.getloadavg()[0], 1)
    print(json.dumps(found, indent=2))
    if options.write:
        kept = json.loads(RESULTS.read_text(encoding="utf-8"))
        RESULTS.write_text(json.dumps({**kept, "series": found}, indent=2) + "\n", encoding="utf-8")
        print(f"written: {RESULTS}", file=sys.stderr)


if __name__ == "__main__":
    main()
