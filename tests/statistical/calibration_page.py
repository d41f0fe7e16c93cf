r"""Score the backtest on a panel and write ``docs/calibration.md``.

    python tests/statistical/calibration_page.py PANEL_FOLDER [--out FOLDER] [--draws N] [--seed N] [--reuse]

The panel has ``series.csv.gz``, ``protocol.csv``, ``outcomes.csv``, ``indicators.csv``, ``score.py`` and peers'
``forecasts/``. The backtest runs without a pool and pooled; its files go to ``--out`` (``--reuse`` scores those that
stand there). The panel's own scorer scores them and the peers. Every run adds a line to
``docs/calibration_runs.csv``. No panel data is written, only scores.
"""

import argparse
import importlib.util
import json
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import xarray as xr
from calibration_parts import asked_and_reached, draw_figures, markdown, speed_asked_and_reached, witness

import qsim
from qsim.evaluation import scores
from qsim.evaluation.backtest import backtest
from qsim.evaluation.cases import read_cases
from qsim.evaluation.names import QUANTILE, QUANTILE_COLUMNS, QUANTILES
from qsim.evaluation.table import write_forecasts

DOCS = Path(__file__).resolve().parents[2] / "docs"
RUNS = DOCS / "calibration_runs.csv"
OWN = {"indicator": "qsim, pooled", "none": "qsim, general prior only"}
EDGE = 0.1
"""Figures closer than this to 0 or 100 count as equal, as in the scorer's coverage. [%]"""
PEERS = {
    "sketch_pooled": "sketch of the model, pooled",
    "rw_nodrift": "random walk, no drift, normal",
    "rw_nodrift_t": "random walk, no drift, Student t",
    "autoarima": "AutoARIMA",
    "autoets": "AutoETS",
    "rw_drift": "random walk with drift, normal",
    "rw_drift_t": "random walk with drift, Student t",
    "llt": "local linear trend, ML",
}
SCORES = {"crps": "CRPS", "mae": "MAE", "cov80": "80 % cov.", "cov95": "95 % cov.", "width80": "width 80 %"}
EVENTS = {"brier": "Brier", "log": "log"}


@dataclass(frozen=True)
class Scored:
    """One method on the measured indicators."""

    name: str
    figures: pd.DataFrame
    """A row a case and horizon, as the scorer makes it."""
    events: pd.DataFrame
    """A row a threshold."""
    bins: pd.DataFrame
    ece: float

    def summary(self, by: str | None = None) -> pd.DataFrame:
        """Mean scores, over all or by a column."""
        if by is None:
            row = {**self.figures[list(SCORES)].mean(), **self.events[list(EVENTS)].mean(), "ece": self.ece}
            return pd.DataFrame([row], index=[self.name])
        return self.figures.groupby(by)[[*SCORES, "bias"]].mean().join(self.events.groupby(by)[list(EVENTS)].mean())


def forecast(panel: Path, out: Path, pool: str, draws: int, seed: int) -> None:
    """Write the forecasts of one pool, and beside them what made them: code, settings, seconds, gates."""
    started, code = datetime.now(UTC), commit()
    observations = qsim.read_observations(panel / "series.csv.gz")
    result = backtest(observations, read_cases(panel / "protocol.csv"), pool=pool, draws=draws, seed=seed)
    write_forecasts(result, out / f"{pool}.csv.gz")
    made = {
        "commit": code,
        "settings": f"draws={draws} seed={seed}",
        "seconds": (datetime.now(UTC) - started).total_seconds(),
        "pareto_k": float((result["pareto_k"] > 0.7).mean()),
        "theta_ess": float((result["theta_ess"] < 30).mean()),
    }
    (out / f"{pool}.json").write_text(json.dumps(made), encoding="utf-8")


def scorer_of(panel: Path) -> ModuleType:
    """The panel's own ``score.py``."""
    spec = importlib.util.spec_from_file_location("panel_score", panel / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def scored(scorer: ModuleType, path: Path, name: str, modelled: int = 0) -> Scored:
    protocol = scorer.protocol()
    figures, events = scorer.evaluate(str(path), protocol[protocol["modelled"] == modelled].reset_index(drop=True))
    bins, ece = scorer.reliability(events)
    return Scored(name, figures, events, bins, ece)


def pits(panel: Path, path: Path) -> xr.DataArray:
    """PIT of every measured case and horizon of a file of forecasts; figures at the edge of the scale are ties."""
    protocol = pd.read_csv(panel / "protocol.csv", dtype={"region": str})
    measured = protocol.loc[protocol["modelled"] == 0, "case_id"]
    table = pd.read_csv(path).set_index(["case_id", "horizon"]).loc[measured.tolist()]
    truth = pd.read_csv(panel / "outcomes.csv").set_index(["case_id", "horizon"])["value"].reindex(table.index)
    values = table[list(QUANTILE_COLUMNS)].to_numpy()
    quantiles = xr.DataArray(values, {QUANTILE: list(QUANTILES)}, ("row", QUANTILE))
    outcome = xr.DataArray(truth.to_numpy(), dims="row")
    grid, outcome = (one.clip(EDGE, 100.0 - EDGE) for one in (scores.quantile_grid(quantiles), outcome))
    return scores.pit(grid, outcome, seed=0, dims=("point",))


def commit() -> str:
    """Short hash of the checkout, with a + where the code differs from it."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=DOCS, capture_output=True, text=True, check=True).stdout.strip()

    changed = git("status", "--porcelain", "--", "../qsim")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def log_run(none: Scored, pooled: Scored, made: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Append this run of the scorer, with the code and settings that made the forecasts; all runs so far."""
    total = pooled.summary().iloc[0]
    row = {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
        **{name: " / ".join(dict.fromkeys(one[name] for one in made.values())) for name in ("commit", "settings")},
        "crps_none": none.summary()["crps"].iloc[0],
        "crps_pooled": total["crps"],
        **{name: total[name] for name in ("cov80", "cov95", "brier", "log", "ece")},
    }
    line = pd.DataFrame([row]).round(4)
    runs = pd.read_csv(RUNS) if RUNS.exists() else line.iloc[:0]
    # drawing the page again from the same forecasts is not another look at the outcomes
    if not len(runs) or not runs.iloc[-1, 1:].equals(line.iloc[0, 1:]):
        line.to_csv(RUNS, mode="a", header=not RUNS.exists(), index=False, lineterminator="\n")
    return pd.read_csv(RUNS)


def table_of_pairs(scorer: ModuleType, pooled: Scored, others: list[Scored]) -> pd.DataFrame:
    """Pooled minus each other method, with the scorer's interval by cluster bootstrap."""
    rows = {}
    for other in others:
        pairs = scorer.paired(pooled.figures, other.figures, pooled.events, other.events)
        rows[other.name] = {
            label: f"{pairs.loc[key, 'A-B']:+.3f} [{pairs.loc[key, 'lo95']:+.3f}, {pairs.loc[key, 'hi95']:+.3f}]"
            for key, label in (("crps", "CRPS"), ("brier", "Brier"), ("log", "log"))
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def table_by(key: str, pooled: Scored, none: Scored, sketch: Scored, peers: list[Scored]) -> pd.DataFrame:
    """Scores by indicator or history length, beside the sketch and the best of the peers there."""
    peer = pd.DataFrame({one.name: one.figures.groupby(key)["crps"].mean() for one in peers})
    own = pooled.summary(key)
    table = pd.DataFrame(
        {
            "cases": pooled.figures.groupby(key)["case_id"].nunique(),
            "CRPS pooled": own["crps"],
            "CRPS none": none.summary(key)["crps"],
            "sketch": sketch.summary(key)["crps"],
            "best peer": peer.min(axis=1),
            "which": peer.idxmin(axis=1),
            "80 %": own["cov80"],
            "95 %": own["cov95"],
            "bias": own["bias"],
            "Brier": own["brier"],
        }
    )
    return table.rename_axis(None)


def worse(table: pd.DataFrame, traits: pd.DataFrame) -> list[str]:
    """Sentences on the indicators where another method is better or coverage is off, with what they are like."""
    lines = []
    for name, row in table.iterrows():
        said = []
        for column, label in (("best peer", str(row["which"])), ("sketch", "the sketch")):
            loss = row["CRPS pooled"] / row[column] - 1.0
            if loss > 0.005:
                said.append(f"CRPS {loss:.1%} above {label}")
        for column, aim in (("80 %", 0.80), ("95 %", 0.95)):
            if abs(row[column] - aim) > (0.06 if aim == 0.80 else 0.04):
                side = "too narrow" if row[column] < aim else "too wide"
                said.append(f"{column} intervals hold {row[column]:.1%}: {side}")
        if abs(row["bias"]) > 0.5 * row["CRPS pooled"]:
            said.append(f"medians {abs(row['bias']):.1f} points too {'high' if row['bias'] > 0 else 'low'} on average")
        if said:
            of = traits.loc[name]
            lines.append(
                f"- `{name}`: {'; '.join(said)}. Its yearly steps: sd {of['step_sd_pts']:.1f} points, kurtosis "
                f"{of['step_kurtosis']:.0f}, lag-1 correlation {of['lag1_corr_of_steps']:+.2f}, "
                f"{of['year_effect_share']:.0%} common to all regions of a year, {of['zero_steps']:.0%} exactly zero."
            )
    return lines or ["- Nowhere by these marks."]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("panel", type=Path)
    parser.add_argument("--out", type=Path, default=Path("out/calibration"))
    parser.add_argument("--draws", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reuse", action="store_true")
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    asked.out.mkdir(parents=True, exist_ok=True)
    if not asked.reuse:
        for pool in OWN:
            forecast(asked.panel, asked.out, pool, asked.draws, asked.seed)
    made = {pool: json.loads((asked.out / f"{pool}.json").read_text(encoding="utf-8")) for pool in OWN}
    scorer = scorer_of(asked.panel)
    own = {pool: scored(scorer, asked.out / f"{pool}.csv.gz", name) for pool, name in OWN.items()}
    pooled, none = own["indicator"], own["none"]
    others = [scored(scorer, asked.panel / "forecasts" / f"{file}.csv.gz", name) for file, name in PEERS.items()]
    sketch, *peers = others
    runs = log_run(none, pooled, made)
    every = [pooled, none, *others]
    traits = pd.read_csv(asked.panel / "indicators.csv").set_index("indicator")
    by_indicator = table_by("indicator", pooled, none, sketch, peers)
    summary = pd.concat([one.summary() for one in every]).rename(columns={**SCORES, **EVENTS, "ece": "ECE"})
    modelled = pd.concat(
        [scored(scorer, asked.out / f"{pool}.csv.gz", name, modelled=1).summary() for pool, name in OWN.items()]
    ).rename(columns={**SCORES, **EVENTS, "ece": "ECE"})
    images = draw_figures(
        DOCS / "images",
        bins={one.name: one.bins for one in (pooled, none)},
        pit={OWN[pool]: pits(asked.panel, asked.out / f"{pool}.csv.gz") for pool in OWN},
        coverage={
            one.name: one.figures.groupby("horizon")[["cov80", "cov95"]].mean() for one in (pooled, none, sketch)
        },
    )
    tables = {
        "asked": asked_and_reached(summary),
        "speed": speed_asked_and_reached(),
        "summary": summary,
        "pairs": table_of_pairs(scorer, pooled, [none, *others]),
        "horizon": pooled.summary("horizon").rename(columns={**SCORES, **EVENTS}).rename_axis(None),
        "indicator": by_indicator,
        "history": table_by("hist_n", pooled, none, sketch, peers),
        "reliability": pooled.bins.rename_axis(None),
        "modelled": modelled,
        "witness": witness(asked.draws, asked.seed),
        "runs": runs,
    }
    page = markdown(tables, images, worse(by_indicator, traits), made)
    (DOCS / "calibration.md").write_text(page, encoding="utf-8")
    print(summary.round(3).to_string())


if __name__ == "__main__":
    main()
