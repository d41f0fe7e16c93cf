r"""Learn the shares of common shocks from the histories of a panel of annual percent indicators.

    python tests/statistical/learn_shocks.py PANEL_FOLDER

reads ``series.csv.gz`` and ``protocol.csv`` of the panel and prints the numbers of ``qsim/model/shares.yaml``. Only
the histories up to each case's cutoff are read, never its outcomes. Every history gets the normal scores z of its years
(:mod:`qsim.inference.innovations`), with the shipped prior of theta less what it learned from that indicator.

Shares. Within a world (the counties of the United States, the municipalities of Sweden, the nations) and year, the
products of two series' scores are regressed on what they have in common, with coefficients that are not negative,

.. math:: E[z_s z_r] / E[z^2] = a_{all} + a_{cat} 1[c_s = c_r] + a_{ind} 1[i_s = i_r] + a_{reg} 1[g_s = g_r],

where the P pairs of a year that have the same in common, of m series, weigh m / (2 P) each (1 / (m - 1) if they are all
there are: m scores say no more for being paired), and a ridge weighs as much as a hundred scores: from a few histories
the shares come out small. Two series of one indicator and region do not occur.

Years. The weight of the shares is chosen by the density of the last three years of histories: for random sets of five
histories of one world and cutoff, the log density of a year's scores under the correlation of the years before, less
that of independence, with shares learned on the other worlds only. Of the weights that are not worse than the best by
more than a standard error over worlds and cutoffs, the greatest is taken.

Source: Lawson and Hanson (1974), Solving least squares problems, ch. 23; Hastie, Tibshirani and Friedman (2009), The
elements of statistical learning, sec. 7.10 (one standard error).
"""

import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from learn_priors import LOWER_IS_BETTER, histories
from scipy.optimize import nnls

from qsim.indicators import Catalogue, Indicator
from qsim.inference.innovations import Innovations, innovations
from qsim.inference.laplace import weigh_theta
from qsim.inference.shocks import prior_correlation, shrunk_correlation
from qsim.model.priors import priors_of
from qsim.model.series import SeriesData
from qsim.model.shares import ShockShares
from qsim.model.trend import constrain
from qsim.records import Names

CATEGORY: Final = {
    "aqi_good_days": "environment",
    "aqi_le100_days": "environment",
    "lowcarbon_electricity": "environment",
    "renewable_final_energy": "environment",
    "internet_users": "foundation",
}
"""By judgement; every other indicator of the panel is a service."""

SAME_THING: Final = {"aqi_le100_days": "aqi_good_days"}
"""Two thresholds of one measured index: what they have in common says nothing about two indicators of a category."""

PRIOR_YEARS: Final = (5.0, 10.0, 20.0, 40.0, 80.0, 1e6)
LAST_YEARS: Final = 3
SET: Final = 5
SETS: Final = 40
RIDGE: Final = 50.0
"""A year of n series weighs n / 2."""
_THETA_DRAWS: Final = 64
_COMMON: Final = ("category", "indicator", "region")


def catalogue(slugs: Iterable[str]) -> Catalogue:
    """Indicators of the panel with their side and category."""
    return Catalogue(
        indicators=tuple(
            Indicator(
                slug=slug,
                name=Names(zh=slug, en=slug),
                better="lower" if slug in LOWER_IS_BETTER else "higher",
                category=CATEGORY.get(slug, "service"),
            )
            for slug in slugs
        )
    )


def country(region: str) -> str:
    """Country of a region of the panel: its own code, unless it is a county or a municipality."""
    return "US" if "|" in region else "SE" if region.isdigit() else region


def world(region: str) -> str:
    """Regions that one year's shocks may have in common."""
    own = country(region)
    return own if own in ("US", "SE") else "nations"


def scored(data: SeriesData) -> Innovations:
    """Scores of the years of one history, averaged over its posterior of theta."""
    priors = priors_of(data.indicator).without(data.indicator.slug)
    weighted = weigh_theta(data, priors.theta, priors.level)
    edges = np.cumsum(weighted.weights)
    points = (np.arange(_THETA_DRAWS) + 0.5) / _THETA_DRAWS * edges[-1]
    theta = constrain(weighted.z[np.searchsorted(edges, points)])
    return innovations(data, priors.level, theta)


def score_table(series: list[SeriesData]) -> pd.DataFrame:
    """One row for each history and year with a score, on the better side."""
    with ThreadPoolExecutor(2) as workers:
        found = list(workers.map(scored, series))
    return pd.concat(
        pd.DataFrame(
            {
                "history": number,
                "indicator": SAME_THING.get(data.indicator.slug, data.indicator.slug),
                "category": data.indicator.category,
                "region": data.region,
                "world": world(data.region),
                "cutoff": data.origin,
                "year": one.year,
                "z": data.sign * one.score,
            }
        )
        for number, (data, one) in enumerate(zip(series, found, strict=True))
    )


def learned_shares(table: pd.DataFrame, prior_years: float) -> tuple[ShockShares, int]:
    """Shares by least squares over pairs of one world and year, and the number of pairs."""
    rows, products = [np.sqrt(RIDGE) * np.eye(1 + len(_COMMON))], [np.zeros(1 + len(_COMMON))]
    for _, year in table.groupby(["world", "year"]):
        pairs, product = year_pairs(year)
        root = np.sqrt(pair_weights(pairs))
        rows.append(root[:, None] * np.column_stack([np.ones(len(pairs)), pairs[list(_COMMON)]]))
        products.append(root * product)
    found, _ = nnls(np.concatenate(rows), np.concatenate(products))
    everywhere, category, indicator, region = found / np.mean(table["z"] ** 2) if len(table) else found
    shares = ShockShares(
        everywhere=everywhere, category=category, indicator=indicator, region=region, prior_years=prior_years
    )
    return shares, sum(map(len, products[1:]))


def year_pairs(year: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Pairs of the series of a year with what they have in common, and the products of their scores."""
    first, second = np.triu_indices(len(year), 1)
    alike = {name: year[name].to_numpy()[first] == year[name].to_numpy()[second] for name in _COMMON}
    pairs = pd.DataFrame({"first": first, "second": second, **alike})
    apart = ~(pairs["indicator"] & pairs["region"]).to_numpy()
    z = year["z"].to_numpy()
    return pairs[apart], (z[first] * z[second])[apart]


def pair_weights(pairs: pd.DataFrame) -> np.ndarray:
    """Half a series for each series of the pairs that have the same in common, shared out among those pairs."""
    kind = pairs[list(_COMMON)].to_numpy() @ [1, 2, 4]
    weights = np.empty(len(pairs))
    for one in np.unique(kind):
        of = pairs.loc[kind == one, ["first", "second"]].to_numpy()
        weights[kind == one] = np.unique(of).size / (2.0 * len(of))
    return weights


def gains(table: pd.DataFrame, series: list[SeriesData], seed: int = 0) -> pd.DataFrame:
    """Mean log density over independence of the last years of random sets, by block and weight of the shares. [nat]"""
    rng = np.random.default_rng(seed)
    scale = np.sqrt(np.mean(table["z"] ** 2))
    by_history = {number: rows.set_index("year")["z"] for number, rows in table.groupby("history")}
    rows = []
    for (name, cutoff), block in table.groupby(["world", "cutoff"]):
        shares, _ = learned_shares(table[table["world"] != name], 1.0)
        numbers = block["history"].unique()
        for _ in range(SETS if numbers.size >= SET else 0):
            chosen = rng.choice(numbers, SET, replace=False)
            data = [series[number] for number in chosen]
            sign = np.array([one.sign for one in data])
            prior = prior_correlation(data, shares) * np.outer(sign, sign)
            scores = [by_history[number] for number in chosen]
            for year in range(cutoff - LAST_YEARS + 1, cutoff + 1):
                past = [one[one.index < year] for one in scores]
                found = [Innovations(one.index.to_numpy(), one.to_numpy(), 1.0) for one in past]
                here = np.array([year in one.index for one in scores])
                x = np.array([one[year] for one in scores if year in one.index]) / scale
                for weight in PRIOR_YEARS:
                    matrix = shrunk_correlation(found, prior, weight)[0][np.ix_(here, here)]
                    gain = -0.5 * (np.linalg.slogdet(matrix)[1] + x @ np.linalg.solve(matrix, x) - x @ x)
                    rows.append((name, cutoff, weight, gain))
    frame = pd.DataFrame(rows, columns=["world", "cutoff", "prior_years", "gain"])
    return frame.groupby(["world", "cutoff", "prior_years"])["gain"].mean().unstack()


def most_cautious(choice: pd.DataFrame) -> float:
    """The greatest weight of the shares that is not worse than the best by more than a standard error."""
    best = choice.mean().idxmax()
    loss = choice.rsub(choice[best], axis=0)
    near = loss.mean() <= loss.std(ddof=1) / np.sqrt(len(loss))
    return float(choice.columns[near].max())


def main() -> None:
    """Print the shares of each world, the choice of their weight, and the lines of ``shares.yaml``."""
    series = categorised(histories(Path(sys.argv[1])))
    table = score_table(series)
    choice = gains(table, series)
    print(f"gain over independence of a year of {SET} series [nat]:\n{choice.groupby('world').mean().round(4)}\n")
    weight = most_cautious(choice)
    for name, part in [*table.groupby("world"), ("all", table)]:
        shares, pairs = learned_shares(part, weight)
        print(f"# {name}: {part['history'].nunique()} histories, {pairs} pairs")
        for key in ("everywhere", "category", "indicator", "region"):
            print(f"{key}: {getattr(shares, key):.3f}")
    print(f"prior_years: {weight:g}")
    found = [year_pairs(year) for _, year in table.groupby(["world", "year"])]
    of_region = np.concatenate([product[pairs["region"].to_numpy()] for pairs, product in found])
    mean, error = of_region.mean(), of_region.std(ddof=1) / np.sqrt(of_region.size)
    scale = np.mean(table["z"] ** 2)
    print(f"# two indicators of one region: {mean / scale:.3f} +- {error / scale:.3f}, {of_region.size} pairs")


def categorised(series: list[SeriesData]) -> list[SeriesData]:
    """The histories with the categories of their indicators."""
    known = catalogue(sorted({one.indicator.slug for one in series}))
    return [replace(one, indicator=known.get(one.indicator.slug)) for one in series]


if __name__ == "__main__":
    main()
