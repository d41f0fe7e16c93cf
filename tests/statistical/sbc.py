r"""Simulation-based calibration of the default engine; writes ``docs/calibration_sbc.md`` and its picture.

    python tests/statistical/sbc.py [--worlds N] [--seed N]

A world: the first level from its prior, theta given it from the shipped density, years by the equations of
:mod:`qsim.model.trend` written out once more here, 1 to 12 figures printed as one of nine families prints them, and
three years of future with heavy shocks and year noise. The worlds are one table of figures, read and fitted as any
other. Ranks of the truth: last level, last slope, figure printed three years ahead.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import qsim
from qsim.evaluation.ranks import band, critical_tail, ecdf, rank_of, smallest_tail
from qsim.forecast.posterior import Posterior
from qsim.forecast.published import print_rounded, printed_decimals, usual_trials
from qsim.indicators import Catalogue, Indicator
from qsim.model.links import Link, link_of
from qsim.model.priors import LinkPriors, priors_of
from qsim.model.series import SeriesData
from qsim.model.trend import SHOCK_FREEDOM, SIGMA_NOISE_FLOOR, SLOPE_SD_CAP
from qsim.records import Names

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE, PICTURE = DOCS / "calibration_sbc.md", DOCS / "images" / "calibration_sbc.png"

WORLDS = 5400
"""Six hundred of each family."""
DRAWS = 1000
KEPT = 199
"""Draws a rank is taken among."""
COVERAGE = 1.0 - 0.05 / 3.0
"""Of each band, so that all three hold with 95 %."""
ORIGIN, HORIZON, LONGEST = 2014, 3, 12
QUANTITIES = ("level", "slope", f"figure {HORIZON} years ahead")
AT_LEAST = 80.0
ABOUT = 5.0

Row = dict[str, object]
Printer = Callable[[np.random.Generator, Link, float], Row]


def _rate(link: Link, eta: float) -> float:
    return float(link.to_figure(eta))


def _rounded(value: float, decimals: int) -> float:
    return float(print_rounded(np.array([value]), decimals)[0])


def _counted(rng: np.random.Generator, link: Link, eta: float) -> Row:
    trials = int(rng.choice([15, 40, 300, 5000]))
    passed = int(rng.binomial(trials, _rate(link, eta) / 100.0))
    return {"value": f"{100.0 * passed / trials:.2f}", "numerator": passed, "denominator": trials}


def _sampled(rng: np.random.Generator, link: Link, eta: float) -> Row:
    passed = rng.binomial(317, _rate(link, eta) / 100.0)
    return {"value": f"{_rounded(100.0 * passed / 317, 1):.1f}", "denominator": 317}


def _printed(_rng: np.random.Generator, link: Link, eta: float) -> Row:
    return {"value": f"{_rounded(_rate(link, eta), 1):.1f}"}


def _at_least(rng: np.random.Generator, link: Link, eta: float) -> Row:
    if _rate(link, eta) >= AT_LEAST:
        return {"value": f"{AT_LEAST:.0f}", "qualifier": ">="}
    return _printed(rng, link, eta)


def _about(_rng: np.random.Generator, link: Link, eta: float) -> Row:
    return {"value": f"{ABOUT * np.floor(_rate(link, eta) / ABOUT + 0.5):.0f}", "qualifier": "~"}


def _valid_days(rng: np.random.Generator, link: Link, eta: float) -> Row:
    days = int(rng.binomial(350, _rate(link, eta) / link.unit))
    return {"value": str(days), "numerator": days, "denominator": 350}


def _number(rng: np.random.Generator, link: Link, eta: float) -> Row:
    return {"value": str(int(rng.poisson(_rate(link, eta))))}


def _whole(_rng: np.random.Generator, link: Link, eta: float) -> Row:
    return {"value": f"{_rounded(_rate(link, eta), 0):.0f}"}


FAMILIES: dict[str, tuple[Indicator, Printer]] = {
    slug: (Indicator(slug=slug, name=Names(zh=slug, en=slug), **traits), printer)
    for slug, printer, traits in [
        ("samples_with_counts", _counted, {"decimals": 2}),
        ("samples_of_317", _sampled, {}),
        ("rates_to_0_1", _printed, {"better": "lower"}),
        ("rates_at_least_80", _at_least, {}),
        ("rates_about", _about, {"decimals": 0}),
        ("days", _valid_days, {"family": "days", "unit": "天", "decimals": 0}),
        ("events", _number, {"family": "events", "unit": "起", "better": "lower", "decimals": 0}),
        ("stocks", _whole, {"family": "stock", "unit": "件", "decimals": 0}),
        ("indices", _printed, {"family": "index", "unit": "分", "decimals": 1}),
    ]
}
CATALOGUE = Catalogue(indicators=tuple(indicator for indicator, _ in FAMILIES.values()))


@dataclass(frozen=True)
class World:
    """A truth and the figures printed of it."""

    family: str
    level: float
    """Last level. [link scale]"""
    slope: float
    """Last slope, drift included. [link scale per year]"""
    eta: float
    """Level plus year noise at the horizon. [link scale]"""
    rows: tuple[Row, ...]


def make_world(family: str, rng: np.random.Generator) -> World:
    """Draw theta, a path and its figures."""
    indicator, printer = FAMILIES[family]
    priors, link = priors_of(indicator), link_of(indicator.family)
    level = rng.normal(priors.first_level.mean, priors.first_level.sd)
    sigma_level, sigma_slope, rho, sigma_noise, mu = _theta(_draw_z(rng, priors, level))
    drift = mu if indicator.better == "higher" else -mu
    years, kept = int(rng.integers(1, LONGEST + 1)), priors.kept
    # the grid begins with a figure, gaps may follow
    shown = [True, *(rng.random(years - 1) < 0.7)]
    begins = ORIGIN - years + 1
    apart = rng.normal(0.0, min(sigma_slope / np.sqrt(1.0 - rho**2), SLOPE_SD_CAP))
    rows = []
    for year in range(begins, ORIGIN + 1):
        if year > begins:
            apart = rho * apart + sigma_slope * rng.standard_normal()
            level = kept * level + drift + apart + sigma_level * rng.standard_normal()
        if shown[year - begins]:
            row = printer(rng, link, level + sigma_noise * rng.standard_normal())
            rows.append({"indicator": family, "year": year, **row})
    last_level, last_slope = level, drift + apart
    for _ in range(HORIZON):
        # Student t of unit variance, one width for all that is random in a year
        width = np.sqrt((SHOCK_FREEDOM - 2.0) / rng.chisquare(SHOCK_FREEDOM))
        apart = rho * apart + sigma_slope * width * rng.standard_normal()
        level = kept * level + drift + apart + sigma_level * width * rng.standard_normal()
    eta = level + sigma_noise * width * rng.standard_normal()
    return World(family, last_level, last_slope, eta, tuple(rows))


def _draw_z(rng: np.random.Generator, priors: LinkPriors, level: float) -> np.ndarray:
    """Unconstrained theta of a series that begins at ``level``."""
    population = priors.population
    moved = population.slope * (priors.sign * level - population.at)
    return rng.multivariate_normal(population.law.mean + moved, population.law.covariance)


def _theta(z: np.ndarray) -> tuple[float, float, float, float, float]:
    noise = SIGMA_NOISE_FLOOR + np.exp(z[3])
    return float(np.exp(z[0])), float(np.exp(z[1])), float(1.0 / (1.0 + np.exp(-z[2]))), float(noise), float(z[4])


def make_worlds(count: int, seed: int) -> tuple[World, ...]:
    """Worlds of all families in turn, each with its own stream."""
    names = tuple(FAMILIES)
    return tuple(make_world(names[i % len(names)], np.random.default_rng([seed, i])) for i in range(count))


def fit_worlds(worlds: tuple[World, ...], seed: int) -> Posterior:
    """All worlds as regions of one table, fitted as a user would."""
    rows = [{"region": f"w{number}", **row} for number, world in enumerate(worlds) for row in world.rows]
    frame = pd.DataFrame(rows)
    observations = qsim.read_observations(frame.astype(str).where(frame.notna(), ""), catalogue=CATALOGUE)
    wanted = [(f"w{number}", world.family) for number, world in enumerate(worlds)]
    return qsim.fit(
        observations,
        catalogue=CATALOGUE,
        pool="none",
        origin=ORIGIN,
        draws=DRAWS,
        seed=seed,
        series=wanted,
        common_shocks=False,
    )


def ranks_of(worlds: tuple[World, ...], posterior: Posterior, seed: int) -> np.ndarray:
    """Ranks of the truths, dims (quantity, world)."""
    rng = np.random.default_rng([seed, 1])
    published = posterior.forecast([ORIGIN + HORIZON])["published"].values[0, 0, :KEPT, :, 0]
    ranks = np.empty((len(QUANTITIES), len(worlds)), dtype=np.int64)
    for number, (world, fitted) in enumerate(zip(worlds, posterior.fits, strict=True)):
        one, data = fitted.posterior, fitted.data
        figure = next_figure(data, world.eta, rng)
        slope = data.sign * one.theta[:KEPT, 4] + one.slope[:KEPT]
        ranks[0, number] = rank_of(world.level, one.level[:KEPT, -1], rng)
        ranks[1, number] = rank_of(world.slope, slope, rng)
        ranks[2, number] = rank_of(figure, published[:, number], rng)
    return ranks


def next_figure(data: SeriesData, eta: float, rng: np.random.Generator) -> float:
    """What is printed of a year: a sample of the usual size, a number of things, or the value itself, rounded."""
    value, trials, family = float(data.link.to_figure(eta)), usual_trials(data), data.indicator.family
    if family in ("rate", "days") and trials is not None:
        value = data.link.unit * rng.binomial(int(trials), value / data.link.unit) / trials
    elif family == "events":
        value = float(rng.poisson(value))
    return _rounded(value, printed_decimals(data))


def run(count: int, seed: int) -> tuple[tuple[World, ...], Posterior, np.ndarray]:
    """Make worlds, fit them, rank them."""
    worlds = make_worlds(count, seed)
    posterior = fit_worlds(worlds, seed)
    return worlds, posterior, ranks_of(worlds, posterior, seed)


def passes(ranks: np.ndarray) -> np.ndarray:
    """Whether the ranks of each quantity lie within their band, dims (quantity)."""
    return smallest_tail(ranks, KEPT) >= critical_tail(ranks.shape[1], KEPT, COVERAGE)


def draw(ranks: np.ndarray) -> None:
    """Distribution of the ranks minus the uniform one, with the bands."""
    count = ranks.shape[1]
    at = np.arange(1, KEPT + 1) / (KEPT + 1.0)
    low, high = band(count, KEPT, COVERAGE)
    figure, panels = plt.subplots(1, len(QUANTITIES), figsize=(9.0, 2.8), sharey=True, layout="constrained")
    for panel, name, below in zip(panels, QUANTITIES, ecdf(ranks, KEPT), strict=True):
        panel.fill_between(at, low / count - at, high / count - at, step="mid", color="#d8e2ec", linewidth=0)
        panel.step(at, below / count - at, where="mid", color="#1b4f8a", linewidth=1.2)
        panel.axhline(0.0, color="#808080", linewidth=0.6)
        panel.set_title(name, fontsize=9)
        panel.set_xlabel("rank / draws", fontsize=8)
        panel.tick_params(labelsize=7)
    panels[0].set_ylabel("share below - uniform", fontsize=8)
    figure.savefig(PICTURE, dpi=150)
    plt.close(figure)


def page(worlds: tuple[World, ...], posterior: Posterior, ranks: np.ndarray, seed: int, seconds: float) -> str:
    """Markdown of the results."""
    count = len(worlds)
    critical = critical_tail(count, KEPT, COVERAGE)
    gates = float(np.mean(posterior.diagnostics["gate"].values))
    families = np.array([world.family for world in worlds])
    within = [(family, smallest_tail(ranks[:, families == family], KEPT)) for family in FAMILIES]
    each = critical_tail(count // len(FAMILIES), KEPT, COVERAGE)
    passed = passes(ranks)
    lines = [
        "# Simulation-based calibration",
        "",
        f"`python tests/statistical/sbc.py --worlds {count} --seed {seed}`: {passed.sum()} of {len(QUANTITIES)} "
        f"quantities pass in {count:,} worlds. Theta and first level come from the shipped priors, "
        f"figures of nine families printed and read back. Each truth is ranked among {KEPT} of the default engine's "
        f"{DRAWS:,} draws. "
        f"Both gates held in {gates:.1%}; those where one failed are counted like the others. {seconds:.0f} s.",
        "",
        "![ranks](images/calibration_sbc.png)",
        "",
        f"Bands hold everywhere at once with {COVERAGE:.1%} each if the engine is right (Säilynoja, Bürkner & Vehtari "
        f"2022). A quantity passes where its smallest tail probability is at least {critical:.5f}.",
        "",
        "| quantity | smallest tail | passes |",
        "|---|---|---|",
    ]
    for name, tail, held in zip(QUANTITIES, smallest_tail(ranks, KEPT), passed, strict=True):
        lines.append(f"| {name} | {tail:.5f} | {'yes' if held else '**no**'} |")
    lines += [
        "",
        f"By family ({count // len(FAMILIES)} worlds each, limit {each:.5f}; of 27 numbers one below it in two such "
        "pages is chance):",
        "",
        f"| family | {' | '.join(QUANTITIES)} |",
        "|---|---|---|---|",
    ]
    for family, tails in within:
        cells = [f"{tail:.4f}" if tail >= each else f"**{tail:.4f}**" for tail in tails]
        lines.append(f"| {family.replace('_', ' ')} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def main() -> None:
    """Run and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=WORLDS)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.perf_counter()
    worlds, posterior, ranks = run(options.worlds, options.seed)
    text = page(worlds, posterior, ranks, options.seed, time.perf_counter() - began)
    PAGE.write_text(text, encoding="utf-8")
    draw(ranks)
    print(text)


if __name__ == "__main__":
    main()
