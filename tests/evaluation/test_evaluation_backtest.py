"""A backtest sees only what was known; its file is the panel's format."""

import gzip
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import qsim
from qsim.errors import ObservationError, OutputError
from qsim.evaluation import backtest as backtesting
from qsim.evaluation import histories
from qsim.evaluation.backtest import backtest, outcomes
from qsim.evaluation.cases import Case, CaseTarget
from qsim.evaluation.names import COLUMNS, QUANTILES
from qsim.evaluation.table import write_forecasts

REGIONS = ("0114", "0115", "north", "south", "east")
FIRST, LAST = 2000, 2015


def table(regions=REGIONS, years=range(FIRST, LAST + 1)) -> pd.DataFrame:
    """Every figure of a region differs from every other, so that one tells where it came from."""
    rows = [
        {
            "region": region,
            "indicator": "schools",
            "year": year,
            "value": f"{60 + 3 * place + 0.1 * (year - FIRST):.1f}",
        }
        for place, region in enumerate(regions)
        for year in years
    ]
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def observations() -> xr.Dataset:
    return qsim.read_observations(table())


def case(case_id="a", region="0114", cutoff=2010, hist_n=5, targets=()) -> Case:
    return Case(
        case_id=case_id, indicator="schools", region=region, cutoff=cutoff, hist_n=hist_n, targets=tuple(targets)
    )


@dataclass
class Seen:
    """What the fits were given, in their order."""

    pools: list[tuple] = field(default_factory=list)
    fits: list[SimpleNamespace] = field(default_factory=list)

    def fit_pool(self, members):
        self.pools.append(members)
        return f"pool {len(self.pools)}"

    def fit_one(self, data, members, pool, **options):
        seen = SimpleNamespace(data=data, members=members, pool=pool, options=options)
        self.fits.append(seen)
        posterior = SimpleNamespace(pareto_k=0.1, theta_effective=99.0)
        return SimpleNamespace(data=data, posterior=posterior)


class LastStays:
    """A forecast around the last figure that can be worked out by hand: draws 0, 1, ..., 100 % of the way up."""

    def __init__(self, *, fits, origin, seed, engine):
        self.data = fits[0].data
        assert origin == self.data.origin

    def forecast(self, years):
        figures = self.data.printed[-1] + np.linspace(0.0, 10.0, 101)[:, None] + np.zeros(len(years))
        dims = ("scenario", "chain", "draw", "series", "year")
        values = xr.DataArray(figures[None, None, :, None], {"year": list(years)}, dims)
        return xr.Dataset({"published": values})


@pytest.fixture
def seen(monkeypatch) -> Seen:
    """Stands for the fit, and notes what it was given."""
    note = Seen()
    monkeypatch.setattr(backtesting.pooling, "fit_pool", note.fit_pool)
    monkeypatch.setattr(backtesting.fit, "fit_one", note.fit_one)
    monkeypatch.setattr(backtesting, "Posterior", LastStays)
    return note


def test_a_case_sees_its_last_figures_up_to_its_cutoff_only(observations, seen):
    backtest(observations, [case(hist_n=5), case("b", "north", 2012, 8)], pool="none")
    by_region = {one.data.region: one.data for one in seen.fits}
    assert by_region["0114"].year.tolist() == [2006, 2007, 2008, 2009, 2010]
    assert by_region["north"].year.tolist() == list(range(2005, 2013))
    assert (by_region["0114"].first_year, by_region["0114"].origin) == (2006, 2010)
    assert by_region["0114"].printed[-1] == 61.0


def test_without_a_pool_no_other_series_is_seen(observations, seen):
    backtest(observations, [case()], pool="none")
    assert seen.pools == []
    assert (seen.fits[0].members, seen.fits[0].pool) == ((), None)


def test_a_pool_ends_at_the_cutoff_and_is_made_once_for_a_year(observations, seen):
    cases = [case(), case("b", "north", hist_n=8), case("c", "south", 2012)]
    backtest(observations, cases)
    assert len(seen.pools) == 2
    for members in seen.pools:
        assert {member.origin for member in members} < {2010, 2012}
        assert all(member.year.max() == member.origin for member in members)
        assert sorted(member.region for member in members) == sorted(REGIONS)
    pools = {one.data.label: one.pool for one in seen.fits}
    assert pools["0114/schools"] == pools["north/schools"] != pools["south/schools"]


def test_a_pool_remembers_a_bounded_number_of_years_and_regions(observations, seen, monkeypatch):
    monkeypatch.setattr(histories, "MAX_YEARS", 3)
    monkeypatch.setattr(histories, "MAX_MEMBERS", 2)
    backtest(observations, [case()])
    (members,) = seen.pools
    assert len(members) == 2
    assert {tuple(member.year) for member in members} == {(2008, 2009, 2010)}


def test_the_regions_of_a_pool_do_not_depend_on_the_order_of_the_table(seen, monkeypatch):
    monkeypatch.setattr(histories, "MAX_MEMBERS", 3)
    for regions in (REGIONS, REGIONS[::-1]):
        backtest(qsim.read_observations(table(regions)), [case()])
    first, second = ([member.region for member in members] for members in seen.pools)
    assert first == second


def test_the_fit_is_told_to_leave_the_scored_indicator_out_of_the_shipped_prior(observations, seen):
    backtest(observations, [case()], draws=200, seed=7)
    assert seen.fits[0].options == {"draws": 200, "seed": 7, "engine": "laplace", "leave_out": "schools"}


def test_figures_after_the_cutoff_change_no_forecast(observations, seen):
    later = table()
    later.loc[later["year"] > 2010, "value"] = "5.5"
    changed = backtest(qsim.read_observations(later), [case()])
    assert backtest(observations, [case()]).equals(changed)


def test_quantiles_and_probabilities_are_those_of_the_draws(observations, seen):
    targets = [CaseTarget(horizon=3, bound="lo", level=64.0), CaseTarget(horizon=5, bound="hi", level=80.0)]
    result = backtest(observations, [case(targets=targets)])
    assert result["published"].dims == ("case", "horizon", "quantile")
    np.testing.assert_allclose(result["published"].isel(case=0, horizon=0), 61.0 + 10 * np.array(QUANTILES))
    p = result["p_target"].sel(case="a")
    # draws 61.0, 61.1, ..., 71.0: 71 of 101 reach 64
    assert float(p.sel(horizon=3, bound="lo")) == pytest.approx(71 / 101)
    assert float(p.sel(horizon=5, bound="hi")) == 0.0
    assert int(p.notnull().sum()) == 2


def test_targets_behind_the_horizon_are_passed_over(observations, seen):
    result = backtest(observations, [case(targets=[CaseTarget(horizon=9, bound="lo", level=64.0)])], horizon=2)
    assert result.sizes["horizon"] == 2
    assert result["p_target"].isnull().all()


def test_answers_stand_in_the_order_of_the_cases_and_progress_counts_them(observations, seen):
    cases = [case("z", "south", 2012), case("a"), case("m", "north"), case("b", "0115", 2012)]
    steps: list[tuple[int, int]] = []
    result = backtest(observations, cases, progress=lambda done, total: steps.append((done, total)))
    assert result["case"].values.tolist() == ["z", "a", "m", "b"]
    assert result["region"].values.tolist() == ["south", "0114", "north", "0115"]
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_every_case_without_enough_figures_is_said_at_once(observations, seen):
    cases = [
        case("few", hist_n=12),
        case("late", cutoff=2020),
        case("none", region="114"),
        case("good"),
        case("good"),
    ]
    with pytest.raises(ObservationError) as error:
        backtest(observations, cases)
    assert [str(fault) for fault in error.value.faults] == [
        "case few: got 0114/schools with 11 figures up to 2010; expected at least hist_n = 12: choose a later cutoff "
        "or a shorter history",
        "case late: got 0114/schools without a figure of 2020; expected a figure in the year of the cutoff",
        "case none: got 114/schools without figures up to 2010; expected a series of the table of figures",
        "case good: got a second case of this id; expected each id once",
    ]
    assert seen.fits == []


def test_a_history_counts_figures_and_not_years(seen):
    gaps = qsim.read_observations(table(["0114"], [2000, 2003, 2006, 2009, 2010]))
    backtest(gaps, [case(hist_n=4)])
    assert seen.fits[0].data.year.tolist() == [2003, 2006, 2009, 2010]


def test_outcomes_are_the_later_figures(observations):
    later = outcomes(observations, [case(cutoff=2012)])
    np.testing.assert_allclose(later.sel(case="a", horizon=[1, 3]), [61.3, 61.5])
    assert later.sel(case="a", horizon=[4, 5]).isnull().all()


@pytest.fixture
def result(observations, seen) -> xr.Dataset:
    return backtest(observations, [case(targets=[CaseTarget(horizon=3, bound="lo", level=64.0)]), case("b")])


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "new/out.parquet"])
def test_a_file_of_forecasts_has_the_format_of_the_panel(result, tmp_path, name):
    path = tmp_path / name
    write_forecasts(result, path)
    read = pd.read_parquet(path) if name.endswith("parquet") else pd.read_csv(path)
    assert tuple(read.columns) == COLUMNS
    assert list(zip(read["case_id"], read["horizon"], strict=True)) == [(c, h) for c in "ab" for h in range(1, 6)]
    assert read["q50"].tolist() == pytest.approx([66.0] * 10)
    assert read["p_target_lo"].notna().sum() == 1
    assert read["p_target_hi"].isna().all()
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_equal_forecasts_make_equal_files(result, tmp_path):
    contents = []
    for name in ("one.csv.gz", "two.csv.gz"):
        write_forecasts(result, tmp_path / name)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]
    assert gzip.decompress(contents[0]).startswith(b"case_id,horizon,q025,")


def test_a_file_that_cannot_be_written_leaves_the_old_one(result, tmp_path, monkeypatch):
    path = tmp_path / "out.parquet"
    path.write_text("old")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(OutputError, match="No space left"):
        write_forecasts(result, path)
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["out.xlsx", "out", "out.gz"])
def test_an_unknown_ending_is_refused(result, tmp_path, name):
    with pytest.raises(OutputError, match="ends in"):
        write_forecasts(result, tmp_path / name)


@pytest.mark.parametrize("window", [(2003, 2006), (1990, 2006), (2006, 2006), (1990, 1995)])
def test_a_series_between_two_years_is_the_series_of_those_figures(observations, window):
    first, last = window
    (whole, *_), known = collected(observations, LAST), observations["year"].values
    cut = whole.between(first, last)
    within = observations.isel(observation=(known >= first) & (known <= last))
    (same, *_) = collected(within, last) or (None,)
    if same is None:
        assert (cut.year.size, cut.first_year, cut.origin) == (0, last, last)
    else:
        assert (cut.first_year, cut.origin) == (same.first_year, same.origin)
        for name in ("year", "kind", "lower", "upper", "size", "guess", "guess_variance", "printed"):
            np.testing.assert_array_equal(getattr(cut, name), getattr(same, name))


def collected(observations: xr.Dataset, origin: int):
    from qsim.inference.series import collect_series
    from qsim.shipped import shipped_catalogue

    return collect_series(observations, shipped_catalogue(), origin)


# The real fit from here on


def fast(observations: xr.Dataset, cases: list[Case], **options) -> xr.Dataset:
    return backtest(observations, cases, draws=400, horizon=3, **options)


def test_a_backtest_is_the_forecast_that_the_same_figures_give_today(observations):
    then = fast(observations, [case(hist_n=11)], pool="none")
    years = observations["year"].values
    known = (years <= 2010) & (observations["region"].values == "0114")
    # a case stands alone; a fit of a study has random numbers in common with its company
    posterior = qsim.fit(observations.isel(observation=known), pool="none", draws=400, common_shocks=False)
    published = posterior.forecast(range(2011, 2014))["published"].quantile(QUANTILES, ("chain", "draw"))
    expected = published.isel(scenario=0, series=0).transpose("year", "quantile")
    np.testing.assert_allclose(then["published"].sel(case="a"), expected)


@pytest.mark.parametrize("pool", ["none", "indicator"])
def test_equal_seeds_give_equal_forecasts_whatever_the_other_cases(observations, pool):
    alone = fast(observations, [case("b", "north")], pool=pool)
    among = fast(observations, [case(), case("b", "north"), case("c", "0115", 2012)], pool=pool)
    assert among.sel(case=["b"]).equals(alone)


def test_own_figures_before_the_history_change_nothing(observations):
    earlier = table()
    earlier.loc[(earlier["region"] == "0114") & (earlier["year"] < 2006), "value"] = "20.5"
    changed = fast(qsim.read_observations(earlier), [case(hist_n=5)])
    assert changed.equals(fast(observations, [case(hist_n=5)]))


def test_the_command_writes_the_file(tmp_path, monkeypatch, capsys):
    ending = run_command(
        tmp_path, monkeypatch, "case_id,indicator,region,cutoff,hist_n,t2_lo\na,schools,0114,2010,5,61\n"
    )
    assert ending == 0
    read = pd.read_csv(tmp_path / "out.csv.gz")
    assert tuple(read.columns) == COLUMNS
    assert read["horizon"].tolist() == [1, 2]
    assert 0 <= read["p_target_lo"][1] <= 1
    assert capsys.readouterr().out.strip() == str(tmp_path / "out.csv.gz")


def test_the_command_says_the_faults_of_the_cases(tmp_path, monkeypatch, capsys):
    assert run_command(tmp_path, monkeypatch, "case_id,indicator,region,cutoff\na,schools,0114,2010\n") == 2
    assert "hist_n" in capsys.readouterr().err
    assert not (tmp_path / "out.csv.gz").exists()


def run_command(folder, monkeypatch, cases: str) -> int:
    from qsim.cli import main

    table().to_csv(folder / "obs.csv.gz", index=False)
    (folder / "cases.csv").write_text(cases)
    words = ["backtest", folder / "obs.csv.gz", "--cases", folder / "cases.csv", "--horizon", 2, "--draws", 200]
    words += ["--pool", "none", "--quiet", "-o", folder / "out.csv.gz"]
    monkeypatch.setattr("sys.argv", ["qsim", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)
