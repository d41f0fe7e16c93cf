"""Measure the default engine beside NUTS on the same series, model and cores; see README.md."""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable

import numpy as np
from bench_appendix import RESULTS, installed
from bench_series import FIRST_YEAR, YEARS, collected, forecasts, simulate

from qsim.compat import CompiledNuts
from qsim.inference.fit import fit_series
from qsim.inference.nuts import CHAINS, NutsSampler
from qsim.inference.pymc_model import THETA, build_model
from qsim.model.priors import priors_of
from qsim.model.series import SeriesData
from qsim.observations.read import read_observations
from qsim.shipped import shipped_catalogue
from qsim.vocabulary import LEVEL, SLOPE

SERIES, OF_NUTS = 200, 6
DRAWS, TUNE = 1000, 1000
LEVEL_SD = 1.0
PACKAGES = ("qsim", "numpy", "numba", "pymc", "nutpie", "pytensor")


def default_engine() -> dict[str, float]:
    """Seconds a series in two threads, kernels compiled: draws as ``qsim.fit`` makes them; forecasts of many series."""
    table = simulate(SERIES, LEVEL_SD)
    observations, series = read_observations(table), collected(table)

    def fit() -> object:
        origin = FIRST_YEAR + YEARS - 1
        return fit_series(observations, shipped_catalogue(), origin=origin, wanted=None, pool="none", draws=DRAWS)

    return {"fit": best(fit) / SERIES, "many": best(lambda: forecasts(series)) / SERIES}


def best(run: Callable[[], object], times: int = 3) -> float:
    """Seconds of the fastest run after one that is not counted."""
    run()
    found = []
    for _ in range(times):
        began = time.perf_counter()
        run()
        found.append(time.perf_counter() - began)
    return min(found)


def as_the_engine(data: SeriesData) -> Callable[[], object]:
    """NUTS as ``engine="nuts"`` runs it."""
    priors = priors_of(data.indicator)
    sampler = NutsSampler(data, priors.theta, priors.level)
    return lambda: sampler.sample(draws=CHAINS * DRAWS, tune=TUNE, seed=1)


def as_the_model(data: SeriesData) -> Callable[[], object]:
    """NUTS on the PyMC model that users get, non-centred."""
    priors = priors_of(data.indicator)
    compiled = CompiledNuts(build_model(data, priors.theta, priors.level), [THETA, LEVEL, SLOPE])
    return lambda: compiled.sample({}, draws=DRAWS, chains=CHAINS, tune=TUNE, seed=1, target_accept=0.9)


def nuts(prepare: Callable[[SeriesData], Callable[[], object]]) -> dict[str, float]:
    """Mean seconds a series of compiling, and of four chains of 1,000 draws once that is done."""
    compiling, sampling = [], []
    for data in collected(simulate(OF_NUTS, LEVEL_SD)):
        began = time.perf_counter()
        sample = prepare(data)
        compiled = time.perf_counter()
        sample()
        compiling.append(compiled - began)
        sampling.append(time.perf_counter() - compiled)
    return {"compiling": float(np.mean(compiling)), "sampling": float(np.mean(sampling))}


def main() -> None:
    """Measure, print a table, write it when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write into {RESULTS.name}")
    options = parser.parse_args()
    laplace = default_engine()
    sides = {"engine": nuts(as_the_engine), "model": nuts(as_the_model)}
    found = {
        "series": f"{SERIES} of {YEARS} years, {OF_NUTS} of them by NUTS",
        "load_average": round(os.getloadavg()[0], 1),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "packages": {name: installed(name) for name in PACKAGES},
        "laplace_ms_per_series": {way: round(1000.0 * seconds, 2) for way, seconds in laplace.items()},
        "nuts_seconds_per_series": {
            side: {part: round(seconds, 2) for part, seconds in parts.items()} for side, parts in sides.items()
        },
        "times_faster": {
            f"{way} than {side}": round(sides[side]["sampling"] / laplace[way]) for way in laplace for side in sides
        },
    }
    print(json.dumps(found, indent=2))
    if options.write:
        kept = json.loads(RESULTS.read_text(encoding="utf-8"))
        RESULTS.write_text(json.dumps({**kept, "nuts": found}, indent=2) + "\n", encoding="utf-8")
        print(f"written: {RESULTS}")


if __name__ == "__main__":
    main()
