"""Parts of the calibration page: its figures, its words, and the Chinese series as a second witness."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import expit, logit
from scipy.stats import norm

import qsim
from qsim.evaluation import scores
from qsim.evaluation.backtest import backtest, outcomes
from qsim.evaluation.cases import Case
from qsim.evaluation.names import QUANTILE, QUANTILES
from qsim.shipped import shipped_catalogue

DOCS = Path(__file__).resolve().parents[2] / "docs"
SHARED = Path(__file__).resolve().parents[2] / "scenarios" / "observations"
BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks" / "results.json"
COMMAND = "python tests/statistical/calibration_page.py PANEL"
HORIZON = 3
MIN_HISTORY = 3


def witness(draws: int, seed: int) -> pd.DataFrame:
    """Rolling origins over the Chinese percent series of the project, against a random walk without drift."""
    observations = qsim.read_observations(sorted(SHARED.glob("*.csv")))
    cases = rolling_cases(observations)
    truth = outcomes(observations, cases, horizon=HORIZON)
    last = outcomes(observations, [moved(case) for case in cases], horizon=1).isel(horizon=0, drop=True)
    rows = {}
    forecasts = {"last value stays (random walk)": random_walk(observations, cases)}
    for pool, name in (("none", "qsim, general prior only"), ("indicator", "qsim, pooled")):
        result = backtest(observations, cases, horizon=HORIZON, pool=pool, draws=draws, seed=seed)
        forecasts[name] = result["published"]
    for name, quantiles in forecasts.items():
        lower, upper = (quantiles.sel({QUANTILE: level}) for level in (0.1, 0.9))
        wide = [quantiles.sel({QUANTILE: level}) for level in (0.025, 0.975)]
        change = scores.change_error(quantiles.sel({QUANTILE: 0.5}), truth, last)
        rows[name] = {
            "cases": len(cases),
            "figures": int(truth.notnull().sum()),
            "CRPS": float(scores.crps_of_quantiles(quantiles, truth).mean()),
            "MAE": float(np.abs(quantiles.sel({QUANTILE: 0.5}) - truth).mean()),
            "80 % cov.": float(scores.covered(lower, upper, truth, edge=0.1).mean()),
            "95 % cov.": float(scores.covered(*wide, truth, edge=0.1).mean()),
            "bias of pace": float(change["error"].mean()),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def moved(case: Case) -> Case:
    """The same case a year earlier: its first horizon is the figure of the cutoff."""
    return Case(
        case_id=case.case_id, indicator=case.indicator, region=case.region, cutoff=case.cutoff - 1, hist_n=case.hist_n
    )


def rolling_cases(observations: xr.Dataset) -> list[Case]:
    """Every year of a percent series of exact figures with enough of them behind it and one not far ahead."""
    table = usable(observations)
    catalogue = shipped_catalogue()
    cases = []
    for (slug, region), rows in table.groupby(["indicator", "region"]):
        if catalogue.get(slug).family != "rate" or (rows["qualifier"] != "=").any():
            continue
        for year in np.unique(rows["year"]).tolist():
            years = np.unique(rows.loc[rows["basis"] == usual_basis(rows, year), "year"])
            seen, ahead = years[years <= year], years[years > year]
            if year in seen and seen.size >= MIN_HISTORY and ahead.size and ahead[0] - year <= HORIZON:
                name = f"{region}/{slug}/{year}"
                cases.append(Case(case_id=name, indicator=slug, region=region, cutoff=year, hist_n=int(seen.size)))
    return cases


def usable(observations: xr.Dataset) -> pd.DataFrame:
    table = observations.to_dataframe()
    return table[table["set_aside"] == ""]


def usual_basis(rows: pd.DataFrame, cutoff: int) -> str:
    """Basis that a case sees: the one with most years up to the cutoff."""
    sizes = rows[rows["year"] <= cutoff].groupby("basis")["year"].nunique()
    return max(sizes.index, key=lambda basis: (sizes[basis], basis))


def random_walk(observations: xr.Dataset, cases: Sequence[Case]) -> xr.DataArray:
    """Normal steps without drift on the logit, their variance a year from the series' own steps."""
    table = usable(observations)
    horizons = np.arange(1, HORIZON + 1)
    values = []
    for case in cases:
        rows = table[(table["indicator"] == case.indicator) & (table["region"] == case.region)]
        rows = rows[(rows["year"] <= case.cutoff) & (rows["basis"] == usual_basis(rows, case.cutoff))]
        rows = rows.drop_duplicates("year").sort_values("year")
        eta = logit(np.clip(rows["value"] / 100.0, 1e-3, 1 - 1e-3)).to_numpy()
        variance = np.mean(np.diff(eta) ** 2 / np.diff(rows["year"]))
        spread = np.sqrt(max(variance, 1e-4) * horizons)
        values.append(100.0 * expit(eta[-1] + spread[:, None] * norm.ppf(QUANTILES)))
    coords = {"case": [case.case_id for case in cases], "horizon": horizons, QUANTILE: list(QUANTILES)}
    return xr.DataArray(np.array(values), coords, ("case", "horizon", QUANTILE))


def draw_figures(
    folder: Path,
    *,
    bins: Mapping[str, pd.DataFrame],
    pit: Mapping[str, xr.DataArray],
    coverage: Mapping[str, pd.DataFrame],
) -> dict[str, str]:
    """Draw the three figures; file names relative to the page."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    names = {}

    def save(figure: "plt.Figure", name: str) -> None:
        figure.tight_layout()
        figure.savefig(folder / f"calibration_{name}.png", dpi=120, metadata={"Software": None})
        plt.close(figure)
        names[name] = f"{folder.name}/calibration_{name}.png"

    figure, axes = plt.subplots(figsize=(5, 4.6))
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for name, table in bins.items():
        axes.plot(table["mean_p"], table["observed"], marker="o", label=name)
    axes.set(xlabel="probability given", ylabel="share met", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.legend(frameon=False)
    save(figure, "reliability")

    figure, panels = plt.subplots(1, len(pit), figsize=(8, 3.2), sharey=True)
    for axes, (name, values) in zip(panels, pit.items(), strict=True):
        known = values.values[~np.isnan(values.values)]
        axes.hist(known, bins=20, range=(0, 1), density=True, color="tab:blue", edgecolor="white")
        axes.axhline(1.0, color="0.3", linewidth=1)
        axes.set(title=name, xlabel="PIT", xlim=(0, 1))
    save(figure, "pit")

    figure, panels = plt.subplots(1, 2, figsize=(8, 3.4))
    for axes, (column, aim) in zip(panels, (("cov80", 0.8), ("cov95", 0.95)), strict=True):
        axes.axhline(aim, color="0.3", linewidth=1)
        for name, table in coverage.items():
            axes.plot(table.index, table[column], marker="o", label=name)
        axes.set(xlabel="horizon [years]", title=f"{aim:.0%} interval", xticks=list(table.index))
        axes.set_ylim(aim - 0.1, min(aim + 0.1, 1.0))
    panels[0].set_ylabel("share of figures inside")
    panels[1].legend(frameon=False, loc="lower left")
    save(figure, "coverage")
    return names


def as_markdown(table: pd.DataFrame, decimals: int = 3) -> str:
    """A table with its index as first column."""

    def cell(value: object) -> str:
        if isinstance(value, float | np.floating):
            return "" if np.isnan(value) else f"{value:.{decimals}f}"
        return str(value)

    head = ["", *map(str, table.columns)]
    lines = [[str(name), *map(cell, row)] for name, row in zip(table.index, table.to_numpy(dtype=object), strict=True)]
    rule = ["---"] * len(head)
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *lines))


ASKED: Mapping[str, tuple[str, str, float, float]] = {
    "CRPS, general prior only": ("qsim, general prior only", "CRPS", 0.0, 3.48),
    "CRPS, pooled": ("qsim, pooled", "CRPS", 0.0, 3.38),
    "80 % coverage, pooled": ("qsim, pooled", "80 % cov.", 0.775, 0.825),
    "95 % coverage, pooled": ("qsim, pooled", "95 % cov.", 0.935, 0.965),
    "Brier, pooled": ("qsim, pooled", "Brier", 0.0, 0.160),
    "log score, pooled": ("qsim, pooled", "log", 0.0, 0.480),
    "calibration error (ECE), pooled": ("qsim, pooled", "ECE", 0.0, 0.030),
}
"""Row and column of the summary, and the range that was asked for before anything was measured."""


def asked_and_reached(summary: pd.DataFrame) -> pd.DataFrame:
    """What the project set itself, what it reached, and whether that is enough; dims as :data:`ASKED`."""
    rows = {}
    for name, (method, column, low, high) in ASKED.items():
        value = float(summary.loc[method, column])
        asked = f"at most {high:.3f}" if low == 0.0 else f"{low:.3f} to {high:.3f}"
        rows[name] = {"asked": asked, "reached": value, "": _verdict(low <= value <= high)}
    return pd.DataFrame.from_dict(rows, orient="index")


def speed_asked_and_reached() -> pd.DataFrame:
    """The same of speed and memory, as the benchmarks wrote them down."""
    found = json.loads(BENCHMARKS.read_text(encoding="utf-8"))
    ratio, memory = found["series"]["ratio"], found["series"]["qsim"]["peak_rss"]
    faster = min(found["nuts"]["times_faster"][f"fit than {other}"] for other in ("engine", "model"))
    rows = {
        "2,000 series, in series a second of AutoETS": ("at least 3", ratio, ratio >= 3.0),
        "their peak memory, MB": ("under 1024", memory, memory < 1024),
        "one series, times faster than NUTS": ("at least 100", faster, faster >= 100),
    }
    table = {name: (asked, str(value), _verdict(held)) for name, (asked, value, held) in rows.items()}
    return pd.DataFrame.from_dict(table, orient="index", columns=["asked", "reached", ""])


def _verdict(held: bool) -> str:
    return "yes" if held else "**missed**"


def first_words(page: Path) -> str:
    """First sentence that a page of results says after its command."""
    found = re.search(r"^`python [^`]*`: (.*?)[.]( |$)", page.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise ValueError(f"{page.name}: expected a line that begins with a command and a colon; write that page anew")
    return found[1]


def markdown(
    tables: Mapping[str, pd.DataFrame],
    images: Mapping[str, str],
    worse: Sequence[str],
    made: Mapping[str, Mapping[str, Any]],
) -> str:
    """The page."""
    text = {name: as_markdown(table) for name, table in tables.items() if name != "runs"}
    text["runs"] = as_markdown(tables["runs"].fillna("").set_index("date"), 4)
    gates = [
        f"- {'pooled' if pool == 'indicator' else 'without a pool'} (commit {one['commit']}, {one['settings']}): "
        f"{one['seconds']:.0f} s for all cases; Pareto k above 0.7 in {one['pareto_k']:.1%} of them, fewer than 30 "
        f"effective points of theta in {one['theta_ess']:.1%}"
        for pool, one in made.items()
    ]
    paths = {f"image_{name}": path for name, path in images.items()}
    said = {name: first_words(DOCS / f"calibration_{name}.md") for name in ("engines", "sbc")}
    return PAGE.format(command=COMMAND, worse="\n".join(worse), gates="\n".join(gates), **text, **paths, **said)


PAGE = """# How far the probabilities can be trusted

Written by a command, not by hand: change `tests/statistical/calibration_page.py` and run

```
{command}
```

The panel holds real yearly percentages nobody here made (US air quality days, WHO tuberculosis counts, Swedish
municipal rates, UN and energy statistics); it is not part of this project. Every case is forecast from 5, 8 or 12
figures up to a past year; *pooled* also sees other regions of the indicator up to that same year. What the shipped
prior learned from an indicator is left out when that indicator is scored. Scored by the panel's own scorer on the
measured indicators, horizons 1 to 5 together. CRPS, MAE and width in points: smaller is better.

What was asked for before anything was measured:

{asked}

{speed}

The last three are measured by `python tests/benchmarks/bench_series.py --write` and `bench_nuts.py --write`
(`tests/benchmarks/README.md`), all others by the command above.

What the panel cannot show stands on pages of its own: whether the engine computes the model
([simulation-based calibration](calibration_sbc.md): {sbc}), whether two engines say the same
([two engines](calibration_engines.md): {engines}), and whether targets met together are forecast together
([joint probabilities](calibration_joint.md)).

## Against seven peers

{summary}

A perfectly calibrated forecaster has an ECE of about .020 here (.012-.030); clustered standard errors are about .012
for 80 % coverage, .007 for 95 % and .004 for Brier. Pooled minus each other method, with a 95 % interval from a
bootstrap over indicator and year (below 0: pooled is better):

{pairs}

## Of all targets given 72 %, are 72 % met?

![Reliability]({image_reliability})

{reliability}

## Do intervals hold what they say?

![Coverage by horizon]({image_coverage})

{horizon}

The probability integral transform is flat where the forecast is right, a hill where it is too wide, a valley where it
is too narrow, a slope where it is biased. Figures within 0.1 of 0 or 100 are taken as equal, here and in coverage:

![PIT]({image_pit})

## By indicator

`bias` is the mean of median minus outcome, in points.

{indicator}

## By length of history

{history}

## Where it is worse, and what is special there

{worse}

## Indicators modelled by their publisher

Smooth by construction, so no test of a model for measured figures; for completeness:

{modelled}

## A second witness: the Chinese series of this project

The shipped prior was learned on American, Swedish and international rates. Every percent series of
`scenarios/observations` with at least three figures, forecast from each year on for three years. The figures overlap
between origins and are few: a warning light, not a proof.

{witness}

## How it ran

{gates}

## Every run of the scorer

From `calibration_runs.csv`; a `+` marks code that differs from the commit.

{runs}
"""
