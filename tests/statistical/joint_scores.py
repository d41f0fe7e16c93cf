r"""Score joint probabilities on a panel and write ``docs/calibration_joint.md``.

    python tests/statistical/joint_scores.py PANEL_FOLDER [--draws N] [--seed N]

A block is one country and cutoff of the panel's cases (nations form blocks of their own). For sets of 2 and of 5 of its
cases the log score of "all meet their threshold" under correlated draws is set against the product of the cases' own
probabilities, from the same draws. What series have in common (:mod:`learn_shocks`) is learned anew for each block from
the histories of the panel that end by its cutoff, and their correlation rests on their own histories. Only scores are
written, never data.
"""

import argparse
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from calibration_parts import as_markdown
from learn_priors import histories
from learn_shocks import catalogue, categorised, country, learned_shares, score_table

import qsim
from qsim.evaluation.cases import Case, read_cases
from qsim.evaluation.joint import bootstrap_mean, choose_sets, joint_backtest, joint_scores
from qsim.evaluation.names import BLOCK, BOUND, BOUNDS, CASE, HORIZON
from qsim.inference.shocks import ShockShares, default_shares
from qsim.vocabulary import PUBLISHED

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "calibration_joint.md"
SIZES: Final = (2, 5)
HORIZONS: Final = (3, 5)
MOST_SETS: Final = 60
"""Sets of a block: a block of 40 cases has 658,008 sets of 5, and one year's shocks."""


@dataclass(frozen=True)
class Targets:
    """What the cases were asked and what came, dims (case, horizon, bound)."""

    level: xr.DataArray
    """[%]"""
    outcome: xr.DataArray
    """dims (case, horizon). [%]"""
    rising: xr.DataArray
    """Whether the threshold lies on the side the figure was moving up to, dims (case)."""


def panel_figures(folder: Path) -> pd.DataFrame:
    """The panel's series as a table of figures."""
    table = pd.read_csv(folder / "series.csv.gz", dtype=str)
    return table[["region", "indicator", "year", "value", "numerator", "denominator"]].fillna("")


def blocked(folder: Path) -> tuple[list[Case], list[str], pd.DataFrame]:
    """Measured cases that share country and cutoff with another, their blocks, and their rows of the protocol."""
    rows = pd.read_csv(folder / "protocol.csv", dtype={"region": str})
    rows = rows[rows["modelled"] == 0].assign(block=lambda table: table["region"].map(country))
    rows["block"] = rows["block"] + " " + rows["cutoff"].astype(str)
    rows = rows[rows.groupby("block")["case_id"].transform("size") > 1].set_index("case_id", drop=False)
    known = {case.case_id: case for case in read_cases(folder / "protocol.csv")}
    return [known[name] for name in rows["case_id"]], rows["block"].tolist(), rows


def targets_of(folder: Path, rows: pd.DataFrame) -> Targets:
    """Thresholds and outcomes of the cases."""
    names = rows["case_id"].tolist()
    truth = pd.read_csv(folder / "outcomes.csv").pivot(index="case_id", columns="horizon", values="value")
    level = np.array([[rows[f"t{years}_{bound}"] for bound in BOUNDS] for years in HORIZONS]).transpose(2, 0, 1)
    coords = {CASE: names, HORIZON: list(HORIZONS)}
    return Targets(
        level=xr.DataArray(level, {**coords, BOUND: list(BOUNDS)}, (CASE, HORIZON, BOUND)),
        outcome=xr.DataArray(truth.loc[names, list(HORIZONS)].to_numpy(), coords, (CASE, HORIZON)),
        rising=xr.DataArray((rows["step_used"] > 0).to_numpy(), {CASE: names}, (CASE,)),
    )


def shares_by_block(folder: Path, blocks: Sequence[str]) -> dict[str, ShockShares]:
    """Shares of each block from the histories that end by its cutoff."""
    table = score_table(categorised(histories(folder)))
    years = {block: int(block.split()[-1]) for block in blocks}
    weight = default_shares().prior_years
    by_year = {year: learned_shares(table[table["cutoff"] <= year], weight)[0] for year in sorted(set(years.values()))}
    return {block: by_year[year] for block, year in years.items()}


def score_sets(published: xr.Dataset, targets: Targets, size: int, oriented: bool, seed: int) -> xr.Dataset:
    """Scores of every set and threshold, dims (set, threshold)."""
    sets = choose_sets(published[BLOCK], size, most=MOST_SETS, seed=seed)
    clip = 0.5 / published.sizes["draw"]
    found = []
    for years, bound in product(HORIZONS, BOUNDS):
        level = targets.level.sel({HORIZON: years, BOUND: bound}, drop=True)
        drawn = published[PUBLISHED].sel({HORIZON: years}, drop=True)
        truth = targets.outcome.sel({HORIZON: years}, drop=True)
        met, came = drawn >= level, truth >= level
        if oriented:
            met, came = met.where(targets.rising, drawn <= level), came.where(targets.rising, truth <= level)
        found.append(joint_scores(met.astype(bool), came.astype(float), sets, clip=clip))
    scores = xr.concat(found, pd.Index([f"t{h}_{b}" for h, b in product(HORIZONS, BOUNDS)], name="threshold"))
    return scores.assign_attrs(clip=clip)


def row(scores: xr.Dataset) -> dict[str, object]:
    """One line of a table: means over sets and thresholds, and the interval of their difference."""
    over = bootstrap_mean(
        scores["difference"].mean("threshold") if "threshold" in scores.dims else scores["difference"]
    )
    p, q = (scores[name].clip(scores.attrs["clip"], 1.0 - scores.attrs["clip"]) for name in ("p_joint", "p_product"))
    return {
        "country-years": int(over["blocks"]),
        "sets": int(over["sets"]),
        **{name: float(scores[key].mean()) for name, key in COLUMNS.items()},
        "if correlated is right": -float(surprise(p, q).mean()),
        "if product is right": float(surprise(q, p).mean()),
        "difference": f"{float(over['mean']):+.4f} [{float(over['lower']):+.4f}, {float(over['upper']):+.4f}]",
    }


def surprise(p: xr.DataArray, q: xr.DataArray) -> xr.DataArray:
    """Expected loss of log score by saying q where p is right: the divergence of Kullback and Leibler. [nat]"""
    return p * np.log(p / q) + (1.0 - p) * np.log((1.0 - p) / (1.0 - q))


COLUMNS: Final = {
    "P, correlated": "p_joint",
    "P, product": "p_product",
    "share met": "event",
    "log, correlated": "log_joint",
    "log, product": "log_product",
}


def tables(published: xr.Dataset, targets: Targets, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All sets; and the parts: by country and by threshold."""
    whole, parts = {}, {}
    for size, oriented in product(SIZES, (False, True)):
        scores = score_sets(published, targets, size, oriented, seed)
        name = f"{size} cases, {'on the side it moved to' if oriented else 'value >= threshold'}"
        whole[name] = row(scores)
        if not oriented:
            countries = np.array([block.split()[0] for block in scores[BLOCK].values])
            for one in ("US", "SE"):
                parts[f"{size} cases, {one}"] = row(scores.isel(set=countries == one))
            for threshold in scores["threshold"].values:
                parts[f"{size} cases, {threshold}"] = row(scores.sel(threshold=threshold, drop=True))
    return pd.DataFrame.from_dict(whole, orient="index"), pd.DataFrame.from_dict(parts, orient="index")


def backtested(folder: Path, cases: Sequence[Case], blocks: Sequence[str], draws: int, seed: int) -> xr.Dataset:
    """Joint draws of every case."""
    began = time.perf_counter()
    known = catalogue(sorted({case.indicator for case in cases}))
    published = joint_backtest(
        qsim.read_observations(panel_figures(folder), catalogue=known), cases, blocks,
        horizons=HORIZONS, shares=shares_by_block(folder, blocks), draws=draws, seed=seed, catalogue=known,
        progress=lambda done, total: print(f"{done} of {total} country-years", flush=True),
    )  # fmt: skip
    commit = subprocess.run(["git", "describe", "--always", "--dirty=+"], capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - began
    made = f"commit {commit.stdout.strip()}, {draws} draws, seed {seed}, {seconds:.0f} s"
    return published.assign_attrs(made=made, seed=seed)


def main() -> None:
    """Fit, draw, score, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("panel", type=Path)
    parser.add_argument("--draws", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="netCDF file of the draws; scored as it is where it exists")
    options = parser.parse_args()
    cases, blocks, rows = blocked(options.panel)
    if options.keep is not None and options.keep.is_file():
        published = xr.load_dataset(options.keep)
    else:
        published = backtested(options.panel, cases, blocks, options.draws, options.seed)
        if options.keep is not None:
            published.to_netcdf(options.keep)
    whole, parts = tables(published, targets_of(options.panel, rows), int(published.attrs["seed"]))
    text = {"whole": as_markdown(whole, 4), "parts": as_markdown(parts, 4), "most": MOST_SETS}
    PAGE.write_text(TEXT.format(made=published.attrs["made"], **text), encoding="utf-8")
    print(whole.to_string(), parts.to_string(), sep="\n\n")


TEXT: Final = """# How far joint probabilities can be trusted

Written by a command, not by hand: change `tests/statistical/joint_scores.py` and run

```
python tests/statistical/joint_scores.py PANEL
```

A country-year holds the panel's measured cases of one country and one last year of the past (US counties, Swedish
municipalities; some nations have two indicators). From each at most {most} sets of 2 and of 5 cases are taken. A set
happens if every case meets its threshold; four thresholds a case (horizons 3 and 5, `lo` and `hi`), averaged. The draws
of a country-year move together by what its cases' own histories and shares learned on histories up to that year say;
the product multiplies the cases' own probabilities from the same draws. Log score in nats, smaller is better;
*difference* is correlated minus product with a 95 % interval from a bootstrap over country-years. *If correlated is
right* is the difference to expect were the correlated draws the truth, *if product is right* were it the product.

{whole}

By country and threshold, value >= threshold:

{parts}

## What this can show

A set's score is nearly the same under both, since the correlations are small: they rest on shares of a year's shock of
about a tenth within an indicator and a hundredth elsewhere, and on 4 to 11 common years that weigh against 20. The
interval is about as wide as the gain to expect, so a few dozen country-years can rule out that correlated draws do
harm that matters (more than the upper end), and can hardly tell a correlation from half of it. Swedish and nations'
sets show no difference; the American ones, two air quality indicators under one weather, carry the gain.

On the side the figure moved to, a set mixes thresholds above and below, the product is above the share met already, and
correlation can only add to that: an error of the single probabilities (recent changes turn back), not of what moves
together.

{made}.
"""


if __name__ == "__main__":
    main()
