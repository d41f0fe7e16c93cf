"""An assessment made up for the tests: region 示例省, invented figures, seeded draws."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import xarray as xr

from qsim.feasibility.records import Assessment, TargetResult, YearResult
from qsim.indicators import Catalogue, Definition, Indicator
from qsim.plans.plan import Period, Plan, Region
from qsim.plans.scenarios import Certain, Lever, Scenario, Source
from qsim.plans.targets import (
    ChangeTarget,
    CumulativeTarget,
    ImproveTarget,
    Label,
    LevelTarget,
    MaintainTarget,
    NoDecreaseTarget,
    PathTarget,
    RangeTarget,
    RelativeTarget,
    Target,
    ZeroTarget,
)
from qsim.records import Names

YEARS = tuple(range(2018, 2021))
PAST = tuple(range(2010, 2018))
CHAINS, DRAWS = 2, 500


def _names(zh: str, en: str) -> Names:
    return Names(zh=zh, en=en)


def _indicators() -> tuple[Indicator, ...]:
    def rate(slug: str, zh: str, en: str, **more: object) -> Indicator:
        return Indicator(slug=slug, name=_names(zh, en), **more)

    spot = (
        Definition(code="provincial", name=_names("省级监督抽查批次合格率", "provincial spot check"), basis="local"),
        Definition(code="national", name=_names("国家监督抽查批次合格率", "national spot check")),
    )
    return (
        rate("spot_check", "示例产品监督抽查合格率", "Pass rate of sample products", definitions=spot),
        rate("food", "示例食品抽检合格率", "Pass rate of sample food"),
        rate("forest", "示例森林覆盖率", "Sample forest cover", decimals=2),
        rate("water", "示例水质优良率", "Share of good water"),
        rate("building", "示例工程竣工验收一次性合格率", "First acceptance rate of sample projects"),
        rate("stations", "示例检测中心", "Sample testing centres", unit="个", family="stock", decimals=0),
        rate(
            "accidents", "示例重大事件", "Sample serious events", unit="起", family="events", better="lower", decimals=0
        ),
        rate("satisfaction", "示例顾客满意度", "Sample satisfaction", unit="分", family="index"),
    )


def _common(number: int, slug: str, zh: str, en: str, kind: str = "level") -> dict[str, object]:
    return {
        "id": f"t{number}",
        "indicator": slug,
        "name": _names(zh, en),
        "category": "product",
        "unit": "%",
        "clauses": ("一/(一)",),
        "labels": (Label(seq=number, kind=kind),),
    }


def _targets() -> tuple[Target, ...]:
    def common(number: int, slug: str, zh: str, en: str, **more: object) -> dict[str, object]:
        return _common(number, slug, zh, en) | more

    three = tuple(Label(seq=seq, kind="path", year=year) for seq, year in zip((20, 21, 22), YEARS, strict=True))
    return (
        LevelTarget(
            kind="level",
            value=93,
            year=2020,
            **common(
                1,
                "spot_check",
                "示例产品监督抽查合格率",
                "Pass rate of sample products",
                status="binding",
                definition="provincial",
            ),
        ),
        PathTarget(
            kind="path",
            values={2018: 96.0, 2019: 97.0, 2020: 98.0},
            **common(2, "food", "示例食品抽检合格率", "Pass rate of sample food", labels=three),
        ),
        MaintainTarget(
            kind="maintain",
            value=62,
            first_year=2018,
            year=2020,
            **common(3, "forest", "示例森林覆盖率", "Sample forest cover"),
        ),
        LevelTarget(kind="level", value=95, year=2020, **common(4, "water", "示例水质优良率", "Share of good water")),
        LevelTarget(
            kind="level",
            comparator="=",
            value=100,
            year=2020,
            **common(
                5,
                "building",
                "示例大中型工程竣工验收一次性合格率",
                "First acceptance rate of large sample projects",
                status="binding",
            ),
        ),
        LevelTarget(
            kind="level",
            value=15,
            year=2020,
            **common(6, "stations", "示例检测中心", "Sample testing centres", unit="个"),
        ),
        RelativeTarget(
            kind="relative",
            reference=_names("全国平均水平", "the national mean"),
            first_year=2018,
            year=2020,
            **common(7, "water", "示例水质优良率与全国比较", "Share of good water against the nation"),
        ),
        ImproveTarget(
            kind="improve",
            direction="up",
            first_year=2018,
            year=2020,
            base_year=2017,
            **common(8, "satisfaction", "示例顾客满意度", "Sample satisfaction", unit="分"),
        ),
        ChangeTarget(
            kind="change",
            direction="up",
            value=30,
            year=2020,
            base_year=2017,
            **common(9, "stations", "示例检测中心增幅", "Growth of sample testing centres"),
        ),
        CumulativeTarget(
            kind="cumulative",
            comparator="=",
            value=100,
            first_year=2018,
            year=2020,
            base_year=2017,
            **common(10, "stations", "新增示例检测中心", "New sample testing centres", unit="个"),
        ),
        ZeroTarget(
            kind="zero",
            first_year=2018,
            year=2020,
            **common(11, "accidents", "示例重大事件", "Sample serious events", unit="起"),
        ),
        NoDecreaseTarget(
            kind="no_decrease", year=2020, base_year=2017, **common(12, "forest", "示例森林面积", "Sample forest area")
        ),
        RangeTarget(
            kind="range", value=40, value_hi=60, year=2020, **common(13, "water", "示例区间指标", "Sample range")
        ),
    )


@pytest.fixture(scope="session")
def plan() -> Plan:
    """A made-up plan with a target of every kind."""
    lever = Lever(
        id="more-checks",
        name=_names("加密抽查", "More checks"),
        indicators=("spot_check",),
        shape="step",
        scale="points",
        size=Certain(law="certain", value=0.5),
        start_year=2019,
        source=Source(kind="assumed", text=_names("测试用假定", "made up")),
    )
    return Plan(
        id="shili-2020",
        label_set="shili",
        title=_names("示例省质量提升行动实施意见", "Sample province quality plan"),
        region=Region(id="shili", name=_names("示例省", "Sample province")),
        period=Period(first_year=2018, last_year=2020),
        adopted=date(2018, 7, 16),
        as_of=date(2018, 7, 16),
        base_year=2017,
        indicators=_indicators(),
        targets=_targets(),
        levers=(lever,),
        scenarios=(
            Scenario(id="baseline", name=_names("延续现状", "Business as usual")),
            Scenario(id="checks", name=_names("加密抽查情景", "More checks"), levers=(lever,)),
        ),
    )


_FIGURES = {
    "spot_check": ("local", "provincial", {year: 90 + 0.3 * (year - 2010) for year in PAST}),
    "food": ("", "", {2015: 96.5, 2016: 97.1, 2017: 97.4}),
    "forest": ("", "", {2012: 61.5, 2017: 62.1}),
}


def _observations() -> xr.Dataset:
    rows = []
    for slug, (basis, definition, values) in _FIGURES.items():
        for year, value in values.items():
            rows.append(_row("shili", slug, year, value, basis, definition))
            rows += [_row(f"peer_{i}", slug, year, value - i, basis, definition) for i in range(1, 7)]
    rows[0] = rows[0] | {"qualifier": ">=", "lower": rows[0]["value"], "upper": 100.0}
    for reason in ("partial_year", "after_cutoff", "no_definition", "other_basis", "after_past"):
        rows.append(_row("shili", "spot_check", 2017, 88.8, "national", "national") | {"set_aside": reason, "url": ""})
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return xr.Dataset({name: ("observation", np.array(values)) for name, values in columns.items()})


def _row(region: str, slug: str, year: int, value: float, basis: str, definition: str) -> dict[str, object]:
    return {
        "region": region,
        "indicator": slug,
        "year": year,
        "value": value,
        "qualifier": "=",
        "numerator": np.nan,
        "denominator": np.nan,
        "decimals": 1,
        "definition": definition,
        "period": "year",
        "published": str(year + 1),
        "source": f"{year}年示例省统计公报",
        "url": f"https://example.org/{year}",
        "note": "",
        "lower": value - 0.05,
        "upper": value + 0.05,
        "basis": basis,
        "sources": 1,
        "rows": "2",
        "set_aside": "",
    }


_LABELS = ("shili/spot_check", "shili/food", "shili/forest", "shili/water")


def _forecast(rng: np.random.Generator) -> xr.Dataset:
    centre = np.array([92.6, 97.6, 62.2, 93.0])[:, None] + 0.15 * np.arange(len(YEARS))
    spread = np.array([0.8, 0.7, 0.25, 4.0])[:, None] * np.sqrt(1 + np.arange(len(YEARS)))
    rate = np.minimum(centre + spread * rng.standard_normal((2, CHAINS, DRAWS, len(_LABELS), len(YEARS))), 100)
    published = np.minimum(rate + 0.4 * rng.standard_normal(rate.shape), 100).round(1)
    dims = ("scenario", "chain", "draw", "series", "year")
    series = {
        "region": ["shili"] * 4,
        "indicator": [label.split("/")[1] for label in _LABELS],
        "basis": ["local", "", "", ""],
        "evidence": ["figures"] * 3 + ["prior"],
        "n_figures": [8, 3, 2, 0],
        "last_figure_year": [2017.0, 2017.0, 2017.0, np.nan],
    }
    coords = {"scenario": ["baseline", "checks"], "series": list(_LABELS), "year": list(YEARS)}
    coords |= {name: ("series", np.array(values)) for name, values in series.items()}
    return xr.Dataset({"rate": (dims, rate), "published": (dims, published)}, coords)


def _history(rng: np.random.Generator) -> xr.Dataset:
    rate = np.full((CHAINS, DRAWS, 3, len(PAST)), np.nan)
    for number, (_, _, values) in enumerate(_FIGURES.values()):
        years = np.arange(min(values), 2018)
        centre = np.interp(years, list(values), list(values.values()))
        rate[:, :, number, years - PAST[0]] = centre + 0.4 * rng.standard_normal((CHAINS, DRAWS, len(years)))
    return xr.Dataset(
        {"rate": (("chain", "draw", "series", "year"), rate)}, {"series": list(_LABELS[:3]), "year": list(PAST)}
    )


def _own(
    forecast: xr.Dataset, scenario: str, target: Target, series: str, levels: dict[int, float], figures: int
) -> TargetResult:
    own = forecast.sel(scenario=scenario, series=series)
    met = {
        name: np.stack([own[name].sel(year=year) >= level for year, level in levels.items()])
        for name in ("published", "rate")
    }
    return TargetResult(
        scenario=scenario,
        target=target,
        series=series,
        evidence="figures" if figures else "prior",
        pool_regions=6,
        n_figures=figures,
        last_figure_year=2017 if figures else None,
        p_published=float(met["published"].all(axis=0).mean()),
        p_true=float(met["rate"].all(axis=0).mean()),
        years=tuple(
            YearResult(
                year=year,
                level=level,
                p_published=float(met["published"][i].mean()),
                p_true=float(met["rate"][i].mean()),
            )
            for i, (year, level) in enumerate(levels.items())
        ),
    )


def _results(plan: Plan, forecast: xr.Dataset) -> tuple[TargetResult, ...]:
    targets = {target.id: target for target in plan.targets}
    own = {
        "t1": ("shili/spot_check", {2020: 93.0}, 8),
        "t2": ("shili/food", {2018: 96.0, 2019: 97.0, 2020: 98.0}, 3),
        "t3": ("shili/forest", dict.fromkeys(YEARS, 62.0), 2),
        "t4": ("shili/water", {2020: 95.0}, 0),
    }
    gaps = {"t5": "no_figures", "t6": "small_pool", "t7": "no_reference_figures", "t8": "base_year_unknown"}
    results = []
    for scenario in plan.scenarios:
        results += [_own(forecast, scenario.id, targets[name], *parts) for name, parts in own.items()]
        results += [_without(scenario.id, targets[name], "not_testable", reason) for name, reason in gaps.items()]
        results += [
            _without(scenario.id, targets[f"t{number}"], "not_testable", "no_figures") for number in range(9, 14)
        ]
    return tuple(results)


def _without(scenario: str, target: Target, evidence: str, reason: str) -> TargetResult:
    return TargetResult(scenario=scenario, target=target, series=None, evidence=evidence, reason=reason)


@pytest.fixture(scope="session")
def assessment(plan: Plan) -> Assessment:
    """A made-up assessment with every kind of evidence."""
    rng = np.random.default_rng(20180716)
    forecast = _forecast(rng)
    gate = [True, True, False, True]
    diagnostics = xr.Dataset(
        {
            "pareto_k": ("series", [0.1, 0.2, 0.9, 0.1]),
            "theta_ess": ("series", [200.0, 90.0, 12.0, 300.0]),
            "gate": ("series", gate),
        },
        {"series": list(_LABELS)},
    )
    return Assessment(
        plan=plan,
        catalogue=Catalogue(indicators=plan.indicators),
        observations=_observations(),
        history=_history(rng),
        forecast=forecast,
        diagnostics=diagnostics,
        results=_results(plan, forecast),
        seed=1,
        draws=CHAINS * DRAWS,
        engine="laplace",
        version="0.1.0",
    )


@pytest.fixture(scope="session")
def thin(assessment: Assessment) -> Assessment:
    """The same plan with nothing published: no figures, no forecast."""
    results = tuple(
        _without(result.scenario, result.target, "not_testable", "no_figures") for result in assessment.results
    )
    return replace(
        assessment,
        results=results,
        observations=assessment.observations.isel(observation=slice(0, 0)),
        history=assessment.history.isel(series=slice(0, 0)),
        forecast=assessment.forecast.isel(series=slice(0, 0)),
        diagnostics=assessment.diagnostics.isel(series=slice(0, 0)),
    )
