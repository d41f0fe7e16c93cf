r"""Compare the two engines on hard cases; write ``docs/calibration_engines.md`` and its numbers.

    python tests/statistical/engines_agree.py [--case NAME ...] [--again] [--list]

A case that stands in ``docs/calibration_engines.csv`` with the same figures and priors is not run again unless asked,
so that a run can be stopped and taken up. A minute a case on one core, most of it compiling.

Both sides forecast the level one and five years ahead and the figure printed five years ahead. Effective draws are, of
NUTS, the fewest over everything compared (autocorrelation and weights counted); of the default engine, from as many
points of theta as it takes, :math:`1 / (1 / n_\theta + 1 / n_{draws})`.
"""

import argparse
import csv
import time
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd
from engine_cases import CASES, CATALOGUE, ORIGIN
from scipy.stats import wasserstein_distance

from qsim.forecast.posterior import Posterior
from qsim.inference.design import ENOUGH_POINTS, MIN_EFFECTIVE_POINTS
from qsim.inference.fit import FittedSeries, fit_series
from qsim.inference.laplace import SeriesPosterior, draw_series, weigh_theta
from qsim.inference.nuts import Chains, NutsSampler
from qsim.inference.series import without_figures
from qsim.model.priors import LevelPrior, ThetaPrior, priors_of
from qsim.model.series import SeriesData
from qsim.model.trend import SHOCK_FREEDOM
from qsim.observations.read import read_observations

DOCS = Path(__file__).resolve().parents[2] / "docs"
RESULTS = DOCS / "calibration_engines.csv"
PAGE = DOCS / "calibration_engines.md"

PROBABILITIES = (0.1, 0.3, 0.5, 0.7, 0.9)
MAX_DIFFERENCE = 0.02
MAX_DISTANCE = 0.05
MIN_EFFECTIVE = 20_000.0
NUTS_DRAWS = 40_000
DRAWS = 120_000
DEFAULT_POINTS = 10
MOST_POINTS = 20
YEARS = (ORIGIN + 1, ORIGIN + 5)
_TRIES = 4


@dataclass(frozen=True)
class Agreement:
    """How far two engines are apart on one case."""

    case: str
    figures: int
    difference: float
    """Largest difference of P(target) over targets, years, and true or printed figure."""
    distance: float
    """Largest Wasserstein distance over the sd of the forecast."""
    laplace_effective: float
    nuts_effective: float
    divergences: int
    default_difference: float
    """The largest difference where the default engine has its usual number of points."""
    default_points: float
    """Effective points then."""
    pareto_k: float
    laplace_seconds: float
    nuts_seconds: float
    compile_seconds: float
    key: str

    @property
    def agrees(self) -> bool:
        """Whether both differences are small and shown by enough draws."""
        enough = min(self.laplace_effective, self.nuts_effective) >= MIN_EFFECTIVE
        return enough and self.difference <= MAX_DIFFERENCE and self.distance <= MAX_DISTANCE


def data_of(case: str) -> SeriesData:
    """Series of a case."""
    rows = CASES[case]
    if not rows:
        return without_figures("guizhou", CATALOGUE.get("rate"), "", ORIGIN)
    frame = pd.DataFrame([{"region": "guizhou", "indicator": "rate", **row} for row in rows])
    observations = read_observations(frame.astype(str).where(frame.notna(), ""), catalogue=CATALOGUE)
    (found,) = fit_series(observations, CATALOGUE, origin=ORIGIN, wanted=None, pool="none", draws=100)
    return found.data


def key_of(case: str, data: SeriesData) -> str:
    """What a result rests on: figures, priors and the law of years to come, but no formula."""
    priors = priors_of(data.indicator)
    told = (
        CASES[case],
        priors.theta.mean.tolist(),
        priors.theta.covariance.tolist(),
        priors.level,
        priors.kept,
        SHOCK_FREEDOM,
    )
    return f"{zlib.crc32(repr(told).encode()):08x}"


def forecast(posterior: SeriesPosterior, theta: ThetaPrior, level: LevelPrior, seed: int) -> dict[str, np.ndarray]:
    """What is compared: draws by name, in the order of the posterior's draws; log scale for links on the log."""
    fitted = FittedSeries(posterior=posterior, theta_prior=theta, level_prior=level, pool_regions=0)
    found = Posterior(fits=(fitted,), origin=ORIGIN, seed=seed, engine="laplace").forecast(YEARS)
    rates = found["rate"].values[0, 0, :, 0, :]
    values = {f"level {year}": rates[:, place] for place, year in enumerate(YEARS)}
    values[f"figure {YEARS[-1]}"] = found["published"].values[0, 0, :, 0, -1]
    if posterior.data.link.name == "log":
        return {name: np.log(np.maximum(one, 0.5 if "figure" in name else 1e-300)) for name, one in values.items()}
    return values


def all_draws(chains: Chains, data: SeriesData) -> SeriesPosterior:
    """Every draw of the chains as a posterior, in their order, weights aside."""
    count = chains.weights.size
    return SeriesPosterior(
        data=data,
        theta=chains.theta.reshape(count, -1),
        level=chains.level.reshape(count, -1),
        slope=chains.slope.ravel(),
        pareto_k=chains.pareto_k,
        theta_effective=np.nan,
        log_evidence=np.nan,
        offset=chains.offset.reshape(count, -1),
    )


def points(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Targets at the wanted probabilities."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return values[order][np.searchsorted(reached, np.array(PROBABILITIES) * reached[-1])]


def effective(chains: Chains, values: Mapping[str, np.ndarray]) -> float:
    """Fewest effective draws of NUTS over values and targets."""
    shape = chains.weights.shape
    found = []
    for one in values.values():
        found.append(chains.effective(one.reshape(shape)))
        for target in points(one, chains.weights.ravel()):
            met = (one <= target).astype(float)
            if 0.0 < met.mean() < 1.0:
                found.append(chains.effective(met.reshape(shape)))
    return min(found)


def run_nuts(sampler: NutsSampler, data: SeriesData, priors: tuple[ThetaPrior, LevelPrior]):
    """Chains long enough, their forecast and its effective draws."""
    draws = NUTS_DRAWS
    for attempt in range(_TRIES):
        chains = sampler.sample(draws=draws, seed=17 + attempt)
        values = forecast(all_draws(chains, data), *priors, seed=17)
        enough = effective(chains, values)
        if enough >= MIN_EFFECTIVE:
            break
        draws = int(draws * min(1.3 * MIN_EFFECTIVE / enough, 10.0))
    return chains, values, enough


def run_laplace(data: SeriesData, priors: tuple[ThetaPrior, LevelPrior]) -> tuple[SeriesPosterior, float]:
    """Draws of the default engine from enough points of theta, and their effective number."""
    for log2_points in range(DEFAULT_POINTS + 6, MOST_POINTS + 1):
        # the usual rule for a local design, in proportion
        enough = ENOUGH_POINTS * 2.0 ** (log2_points - DEFAULT_POINTS)
        weighted = weigh_theta(data, *priors, log2_points=log2_points, enough=enough)
        if weighted.effective >= 1.5 * MIN_EFFECTIVE:
            break
    for draws in (DRAWS, 4 * DRAWS, 8 * DRAWS):
        posterior = draw_series(data, weighted, priors[1], draws=draws, rng=np.random.default_rng(3))
        worth = 1.0 / (1.0 / weighted.effective + 1.0 / min(posterior.draw_effective, draws))
        if worth >= MIN_EFFECTIVE:
            break
    return posterior, worth


def largest_difference(
    values: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray], weights: np.ndarray
) -> float:
    """Largest difference of P(at most a target) at the reference's quantiles."""
    worst = 0.0
    for name, one in reference.items():
        targets = points(one, weights)
        told = (weights[:, None] * (one[:, None] <= targets)).sum(axis=0) / weights.sum()
        found = (values[name][:, None] <= targets).mean(axis=0)
        worst = max(worst, float(np.abs(told - found).max()))
    return worst


def largest_distance(
    values: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray], weights: np.ndarray
) -> float:
    """Largest Wasserstein distance over the reference's sd."""
    worst = 0.0
    for name, one in reference.items():
        share = weights / weights.sum()
        sd = float(np.sqrt(share @ (one - share @ one) ** 2))
        worst = max(worst, float(wasserstein_distance(values[name], one, None, share)) / sd)
    return worst


def compare(case: str) -> Agreement:
    """Run both engines on a case."""
    data = data_of(case)
    found = priors_of(data.indicator)
    priors = (found.theta, found.level)
    began = time.perf_counter()
    laplace, laplace_effective = run_laplace(data, priors)
    laplace_values = forecast(laplace, *priors, seed=3)
    usual = draw_series(data, weigh_theta(data, *priors), priors[1], draws=DRAWS, rng=np.random.default_rng(5))
    usual_values = forecast(usual, *priors, seed=5)
    compiling = time.perf_counter()
    sampler = NutsSampler(data, *priors)
    sampling = time.perf_counter()
    chains, values, nuts_effective = run_nuts(sampler, data, priors)
    weights = chains.weights.ravel()
    return Agreement(
        case=case,
        figures=data.year.size + len(data.extras),
        difference=largest_difference(laplace_values, values, weights),
        distance=largest_distance(laplace_values, values, weights),
        laplace_effective=laplace_effective,
        nuts_effective=nuts_effective,
        divergences=chains.divergences,
        default_difference=largest_difference(usual_values, values, weights),
        default_points=usual.theta_effective,
        pareto_k=usual.pareto_k,
        laplace_seconds=compiling - began,
        nuts_seconds=time.perf_counter() - sampling,
        compile_seconds=sampling - compiling,
        key=key_of(case, data),
    )


def read_results() -> dict[str, Agreement]:
    """Results so far, by case."""
    if not RESULTS.is_file():
        return {}
    types = {field.name: {"str": str, "int": int}.get(str(field.type.__name__), float) for field in fields(Agreement)}
    with RESULTS.open(encoding="utf-8", newline="") as file:
        rows = [Agreement(**{name: types[name](row[name]) for name in types}) for row in csv.DictReader(file)]
    return {row.case: row for row in rows}


def write_results(results: Mapping[str, Agreement]) -> None:
    """All results in the order of the cases, as numbers and as a page."""
    rows = [results[case] for case in CASES if case in results]
    with RESULTS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Agreement)], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(
                {name: f"{value:.5g}" if isinstance(value, float) else value for name, value in asdict(row).items()}
            )
    PAGE.write_text(page(rows), encoding="utf-8")


def page(rows: list[Agreement]) -> str:
    """Markdown of the results."""
    agreed = sum(row.agrees for row in rows)
    told = ", ".join(f"{100 * p:.0f}" for p in PROBABILITIES)
    lines = [
        "# Two engines, one model",
        "",
        f"`python tests/statistical/engines_agree.py`: {agreed} of {len(rows)} cases agree. Shipped priors, no pool. "
        f"Targets at the {told} % points of NUTS's forecast: level one and five years ahead, figure printed five years "
        f"ahead. To agree, the largest difference of P(target) is at most {MAX_DIFFERENCE}, the largest Wasserstein "
        f"distance at most {MAX_DISTANCE:.0%} of the forecast's sd (on the log where the link is the log), and both "
        f"sides have at least {MIN_EFFECTIVE:,.0f} effective draws.",
        "",
        "The last columns are the default engine as users run it, with 1,024 points of theta: its largest difference "
        "of P(target), its effective points and its Pareto k. **Bold** is what fails a gate or a limit.",
        "",
        "| case | figures | difference | distance / sd | effective: laplace | NUTS | divergences "
        "| usual difference | points | k |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [_line(row) for row in rows]
    worst = max(rows, key=lambda row: row.default_difference)
    lines += [
        "",
        f"With its usual points the default engine is off by {worst.default_difference:.3f} at most ({worst.case}).",
        "",
    ]
    return "\n".join(lines)


def _line(row: Agreement) -> str:
    cells = [
        row.case,
        str(row.figures),
        _bold(f"{row.difference:.4f}", row.difference > MAX_DIFFERENCE),
        _bold(f"{row.distance:.4f}", row.distance > MAX_DISTANCE),
        _bold(f"{row.laplace_effective:,.0f}", row.laplace_effective < MIN_EFFECTIVE),
        _bold(f"{row.nuts_effective:,.0f}", row.nuts_effective < MIN_EFFECTIVE),
        str(row.divergences),
        _bold(f"{row.default_difference:.4f}", row.default_difference > MAX_DIFFERENCE),
        _bold(f"{row.default_points:.0f}", row.default_points < MIN_EFFECTIVE_POINTS),
        _bold("-" if np.isinf(row.pareto_k) else f"{row.pareto_k:.2f}", row.pareto_k > 0.7),
    ]
    return f"| {' | '.join(cells)} |"


def _bold(text: str, wrong: bool) -> str:
    return f"**{text}**" if wrong else text


def main() -> None:
    """Run the cases that are asked and not known yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", nargs="*", choices=CASES, help="cases to run; all if not given")
    parser.add_argument("--again", action="store_true", help="run cases whose result is known, too")
    parser.add_argument("--list", action="store_true", help="name the cases")
    options = parser.parse_args()
    if options.list:
        print("\n".join(CASES))
        return
    results = read_results()
    for case in options.case or CASES:
        if not options.again and case in results and results[case].key == key_of(case, data_of(case)):
            continue
        found = compare(case)
        # another process may have added to them
        results = read_results() | {case: found}
        write_results(results)
        print(
            f"{case}: {'agrees' if found.agrees else 'DIFFERS'}, difference {found.difference:.4f}, distance "
            f"{found.distance:.4f}, effective {found.laplace_effective:.0f} and {found.nuts_effective:.0f}, usual "
            f"difference {found.default_difference:.4f}; seconds {found.laplace_seconds:.0f}, compiling "
            f"{found.compile_seconds:.0f}, NUTS {found.nuts_seconds:.0f}",
            flush=True,
        )
    write_results(results)


if __name__ == "__main__":
    main()
