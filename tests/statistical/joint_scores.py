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
from qsim.model.shares import ShockShares, default_shares
from qsim.vocabulary import PUBLISHED

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "calibration_joint.md"
SIZES: Final = (1, 2, 5)
"""Sets of one case show how far the single probabilities are right."""
HORIZONS: Final = (3, 5)
MOST_SETS: Final = 60
"""Sets of a block: a block of 40 cases has 658,008 sets of 5, and one year's shocks."""
ALL_MEET: Final = "value >= threshold"
MOVED_TO: Final = "on the side it moved to"
WHICH: Final = "which of them"
"""The event that every case falls on the side of its threshold that it did fall on: its score is that of a forecast of
which cases meet theirs, whichever side counts as met."""
EVENTS: Final = (ALL_MEET, WHICH, MOVED_TO)


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


def score_sets(published: xr.Dataset, targets: Targets, size: int, event: str, seed: int) -> xr.Dataset:
    """Scores of every set and threshold, dims (set, threshold)."""
    sets = choose_sets(published[BLOCK], size, most=MOST_SETS, seed=seed)
    clip = 0.5 / published.sizes["draw"]
    found = []
    for years, bound in product(HORIZONS, BOUNDS):
        level = targets.level.sel({HORIZON: years, BOUND: bound}, drop=True)
        drawn = published[PUBLISHED].sel({HORIZON: years}, drop=True)
        truth = targets.outcome.sel({HORIZON: years}, drop=True)
        met, came = drawn >= level, truth >= level
        if event == MOVED_TO:
            met, came = met.where(targets.rising, drawn <= level), came.where(targets.rising, truth <= level)
        if event == WHICH:
            met, came = met == came, came.notnull()
        found.append(joint_scores(met.astype(bool), came.astype(float), sets, clip=clip))
    scores = xr.concat(found, pd.Index([f"t{h}_{b}" for h, b in product(HORIZONS, BOUNDS)], name="threshold"))
    return scores.assign_attrs(clip=clip)


def row(scores: xr.Dataset, event: str) -> dict[str, object]:
    """One line of a table: means over sets and thresholds, and the interval of their difference."""
    over = bootstrap_mean(
        scores["difference"].mean("threshold") if "threshold" in scores.dims else scores["difference"]
    )
    p, q = (scores[name].clip(scores.attrs["clip"], 1.0 - scores.attrs["clip"]) for name in ("p_joint", "p_product"))
    return {
        "country-years": int(over["blocks"]),
        "sets": int(over["sets"]),
        **{name: float(scores[key].mean()) for name, key in COLUMNS.items()},
        "if correlated is right": np.nan if event == WHICH else -float(surprise(p, q).mean()),
        "if product is right": np.nan if event == WHICH else float(surprise(q, p).mean()),
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
    for size, event in product(SIZES, EVENTS):
        if size == 1 and event == WHICH:
            continue
        scores = score_sets(published, targets, size, event, seed)
        name = f"{size} {'case' if size == 1 else 'cases'}, {event}"
        whole[name] = row(scores, event)
        countries = np.array([block.split()[0] for block in scores[BLOCK].values])
        for one in ("US", "SE"):
            parts[f"{one}, {name}"] = row(scores.isel(set=countries == one), event)
        for threshold in scores["threshold"].values if size > 1 and event == ALL_MEET else ():
            parts[f"{threshold}, {name}"] = row(scores.sel(threshold=threshold, drop=True), event)
    return pd.DataFrame.from_dict(whole, orient="index"), pd.DataFrame.from_dict(parts, orient="index")


def backtested(folder: Path, cases: Sequence[Case], blocks: Sequence[str], draws: int, seed: int) -> xr.Dataset:
    """Joint draws of every case."""
    began = time.perf_counter()
    commit = subprocess.run(["git", "describe", "--always", "--dirty=+"], capture_output=True, text=True, check=True)
    known = catalogue(sorted({case.indicator for case in cases}))
    published = joint_backtest(
        qsim.read_observations(panel_figures(folder), catalogue=known), cases, blocks,
        horizons=HORIZONS, shares=shares_by_block(folder, blocks), draws=draws, seed=seed, catalogue=known,
        progress=lambda done, total: print(f"{done} of {total} country-years", flush=True),
    )  # fmt: skip
    seconds = time.perf_counter() - began
    command = f"python tests/statistical/joint_scores.py PANEL --draws {draws} --seed {seed}"
    made = f"Made by `{command}` at commit {commit.stdout.strip()} in {seconds:.0f} s"
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
municipalities; some nations have two indicators). From each at most {most} sets are taken; one case alone shows how far
the single probabilities are right. Four thresholds a case (horizons 3 and 5, `lo` and `hi`), averaged. The draws of a
country-year move together by what its cases' own histories and the shares learned on histories up to that year say; the
product multiplies the cases' own probabilities from the same draws. Log score in nats, smaller is better; *difference*
is correlated minus product with a 95 % interval from a bootstrap over country-years. *If correlated is right* is the
difference to expect were the correlated draws the truth, *if product is right* were it the product.

- *value >= threshold*: every case of the set comes out at its threshold or above: the panel's own event.
- *which of them*: the outcome of every case, met or not, as it came; P is that of what came. Whether single
  probabilities are on the whole too high or too low tells less here.
- *on the side it moved to*: thresholds above the last figure count as met from above, those below from below.

{whole}

By country and threshold:

{parts}

## What this can show

*No harm, little gain.* For *value >= threshold* the interval ends below 0, for *which of them* just above it. But the
correlations are small (shares of a year's shock of about a tenth within an indicator and a hundredth elsewhere, and 4
to 11 common years that weigh against 20), so the gain to expect is ten to twenty times smaller than the interval is
wide: 29 country-years with sets of five, and 36 with pairs beside a few nations, can rule out a correlation that is far
too strong. They cannot tell this one from half of it or from none.

*The gain is not proof of the correlation.* It is larger than expected, and all of it is American, where figures came
out higher than foretold, so that whatever raises the probability of "all above" scores better. Swedish sets show none,
nor in *which of them*, which is less open to that.

*On the side it moved to* five cases score worse by a few ten-thousandths. There the single Swedish probabilities are
too high (recent changes turn back more often than foretold), the product is already above the share met, and what
raises it further is fined: an error of the single probabilities, not of what moves together.

{made}.
"""


if __name__ == "__main__":
    main()
