# %% [markdown]
# # 1 · A first forecast
# 本例：某市六年公布的食品抽检合格率，到 2020 年达到 95% 的可能性有多大。
#
# One city has published the pass rate of its food sampling (食品抽检合格率) six times. Its plan asks for 95 % in
# 2020. How likely is that?

# %%
import pandas as pd

import qsim

figures = pd.DataFrame(
    {
        "地区": "某市",
        "指标": "食品抽检合格率",
        "年份": [2012, 2013, 2014, 2015, 2016, 2017],
        "数值": ["91.8", "92.6", "92.4", "93.5", "94.1", "94.0"],
        "抽查数": [820, 850, 900, 940, 1010, 1050],
        "来源": "示例数据",
    }
)
observations = qsim.read_observations(figures)
observations[["year", "value", "lower", "upper"]].to_dataframe()

# %% [markdown]
# `lower` and `upper` say where the unrounded figure lies: a printed 91.8 stands for anything from 91.75 to 91.85. The
# number of samples (抽查数) matters too: with 820 samples, luck alone moves the rate by about a point.
#
# ## Past and future
# `fit` learns level and trend from the figures; `forecast` carries them on. Both are 4,000 *draws*: 4,000 equally
# likely courses of the years to come. Equal seeds give equal draws.

# %%
posterior = qsim.fit(observations, seed=1)
forecast = posterior.forecast(range(2018, 2021))
qsim.forecast_chart(posterior, forecast, observations, "某市/食品抽检合格率", levels={2020: 95.0}, language="en")

# %% [markdown]
# Grey is the past: where the true level probably lay, as the dots carry the luck of each sample. Blue is what will be
# published: in 8 of 10 courses the figure stays within the darker band. In numbers:

# %%
published = forecast["published"].isel(scenario=0, series=0)
table = published.quantile([0.1, 0.5, 0.9], dim=("chain", "draw")).to_pandas().round(1)
table.index = ["one in ten is below", "half are below", "nine in ten are below"]
table

# %% [markdown]
# ## How likely is 95 % in 2020?
# The probability is the share of draws that reach it. There are two answers: for the *figure that will be published*,
# which carries the luck of the sample and of the year, and for the *true level* behind it.

# %%
true_level = forecast["rate"].isel(scenario=0, series=0)
for name, draws in (("published figure", published), ("true level", true_level)):
    print(f"{name} at least 95 % in 2020: {float((draws.sel(year=2020) >= 95).mean()):.0%}")

# %% [markdown]
# The same for other levels: a planner sees at once what half a point more or less would mean.

# %%
levels = [93.0, 93.5, 94.0, 94.5, 95.0, 95.5, 96.0]
pd.Series(
    {f"{level} %": f"{float((published.sel(year=2020) >= level).mean()):.0%}" for level in levels},
    name="chance in 2020",
).to_frame()

# %% [markdown]
# ## May the computation be trusted?
# Two checks are made of every series: whether the draws had to be corrected too much (`pareto_k`), and whether enough
# different trends stand behind them (`theta_ess`).

# %%
print(f"both checks of the computation hold: {bool(posterior.diagnostics['gate'].all())}")

# %% [markdown]
# That does not say that the model is right: six figures are a short history, and most of what is known about how much
# such rates jump comes from other places and years.
#
# Next: [a plan from your own Excel](02_own_excel.ipynb).
