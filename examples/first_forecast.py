# %% [markdown]
# # A first forecast
# Six published pass rates of one city, a target of 95 % by 2020: how likely is it?

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
observations = qsim.read_observations(figures)  # every fault of a table comes in one message
observations[["year", "value", "lower", "upper"]].to_dataframe()

# %% [markdown]
# An indicator that the catalogue does not know is a rate in percent. `fit` gives draws, `forecast` carries them on; the
# draws are equal for equal seeds.

# %%
posterior = qsim.fit(observations, seed=1)
forecast = posterior.forecast(range(2018, 2021))
published = forecast["published"].isel(scenario=0, series=0)
published.quantile([0.1, 0.5, 0.9], dim=("chain", "draw")).to_pandas().round(1)

# %%
probability = float((published.sel(year=2020) >= 95).mean())
true_level = float((forecast["rate"].isel(scenario=0, series=0).sel(year=2020) >= 95).mean())
print(f"published figure of 2020 at least 95 %: {probability:.0%}; true level: {true_level:.0%}")
print(posterior.diagnostics.to_dataframe().T)
