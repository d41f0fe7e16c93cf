# %% [markdown]
# # 6 · Your own model in PyMC
# 本例：从 qsim 取出一个指标的 PyMC 模型，把年度噪声改成对异常值不敏感的 t 分布，抽样后把结果放回 qsim 继续推算。
#
# For readers who know PyMC. One figure of this city looks wrong: 89.2 % in 2015, between 93.0 and 93.9. qsim's year
# noise is normal, so it takes such a figure at its word. Would the answer for 2020 change if one strange year were
# allowed to be just that?

# %%
import logging
import warnings

import numpy as np
import pandas as pd
import pymc as pm
import pytensor

import qsim

pytensor.config.mode = "NUMBA"  # needs no C compiler
warnings.filterwarnings("ignore", message="PyTensor could not link to a BLAS")  # it is not needed here
logging.getLogger("pymc").setLevel(logging.ERROR)  # no progress reports of the sampler

SERIES = "某市/食品抽检合格率"
figures = pd.DataFrame(
    {
        "地区": "某市",
        "指标": "食品抽检合格率",
        "年份": [2012, 2013, 2014, 2015, 2016, 2017],
        "数值": ["92.1", "92.6", "93.0", "89.2", "93.9", "94.1"],
        "抽查数": [820, 850, 900, 940, 1010, 1050],
        "来源": "示例数据",
    }
)
observations = qsim.read_observations(figures)
posterior = qsim.fit(observations, seed=1)

# %% [markdown]
# ## The model without the figures
# `pymc_model` returns the model of a series as a `pymc.Model`, with the priors that the fit used. `likelihood=False`
# leaves the figures out, so that they can be brought in another way. What matters in it:
#
# - `level`: the true level of each past year, as a logit (a rate of 95 % is 2.94), dim `year`;
# - `theta`: five numbers that say how the trend moves; the fourth is the size of the year noise;
# - `slope`: the last yearly step beyond the long-run one.

# %%
model = qsim.pymc_model(posterior, SERIES, likelihood=False)
print(", ".join(one.name for one in model.deterministics), "of", *model.coords["year"])

# %% [markdown]
# ## Another noise law
# Each figure, as a logit, lies around the level of its year. The spread has two parts: the noise of the year, and the
# luck of the sample, about $1 / \sqrt{n p (1 - p)}$ for $n$ samples. A t law with three degrees of freedom has the
# same middle as the normal and heavier ends.

# %%
rate = figures["数值"].astype(float).to_numpy() / 100
luck = 1 / np.sqrt(figures["抽查数"].to_numpy() * rate * (1 - rate))
with model:
    spread = pm.math.sqrt(model["theta"][3] ** 2 + luck**2)
    pm.StudentT("figures", nu=3, mu=model["level"], sigma=spread, observed=np.log(rate / (1 - rate)))
    result = pm.sample(
        draws=500,
        tune=700,
        chains=2,
        cores=2,
        target_accept=0.95,
        random_seed=1,
        progressbar=False,
    )
print(f"{int(result['sample_stats']['diverging'].sum())} of 1000 draws diverged")

# %% [markdown]
# ## Back into qsim
# `with_draws` puts the new draws in the place of the old ones. From here on everything is as usual: forecasts,
# levers, assessments. The years to come follow from level, slope and theta by qsim's own equations: also the noise of
# the coming years is the normal one, with the spread that your model found.

# %%
own = qsim.with_draws(posterior, SERIES, result)
models = {"qsim's model": posterior, "own model (t noise)": own}
forecasts = {name: one.forecast(range(2018, 2021)) for name, one in models.items()}
rows = {}
for name, forecast in forecasts.items():
    due = forecast.isel(scenario=0, series=0).sel(year=2020)
    rows[name] = {
        "true level 2015": f"{float(models[name].history['rate'].sel(year=2015).median()):.1f} %",
        "published 2020, middle": f"{float(due['published'].median()):.1f} %",
        "chance of 95 %, published": f"{float((due['published'] >= 95).mean()):.0%}",
        "chance of 95 %, true level": f"{float((due['rate'] >= 95).mean()):.0%}",
    }
pd.DataFrame(rows).T

# %%
qsim.forecast_chart(own, forecasts["own model (t noise)"], observations, SERIES, levels={2020: 95.0}, language="en")

# %% [markdown]
# The strange year loses its pull: the level of 2015 moves up by more than a point. The answer for 2020 hardly
# changes, because the two figures since then say more about it. Had 2017 been the strange year, it would have
# mattered more: try it.
#
# The numbers of a sampler this short move by a few points with another seed. `gate` says whether the draws are worth
# enough independent ones:

# %%
print(f"effective draws: {own.diagnostics['theta_ess'].item():.0f}, enough: {bool(own.diagnostics['gate'].item())}")

# %% [markdown]
# Other changes go the same way: a covariate (add its effect to `level` inside the likelihood), a second source of
# figures, a tighter prior (a `pm.Potential` on `theta`). Keep the three names above, and `with_draws` takes the
# result.
