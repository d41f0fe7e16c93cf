"""qsim: can the targets of a development plan be met?

Public names load on first use, so that ``import qsim`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qsim.feasibility.assess import assess
    from qsim.feasibility.questions import reverse
    from qsim.feasibility.spending import budget
    from qsim.forecast.own_model import pymc_model, with_draws
    from qsim.forecast.posterior import fit
    from qsim.observations.read import read_observations
    from qsim.plans.read import read_plan
    from qsim.report.appendix import write_appendix
    from qsim.report.chart import fan_chart, forecast_chart
    from qsim.reviewing import review
    from qsim.study import run

__version__ = "0.1.0"

__all__ = [
    "__version__",
    "assess",
    "budget",
    "fan_chart",
    "fit",
    "forecast_chart",
    "pymc_model",
    "read_observations",
    "read_plan",
    "reverse",
    "review",
    "run",
    "with_draws",
    "write_appendix",
]

_HOME = {
    "assess": "qsim.feasibility.assess",
    "budget": "qsim.feasibility.spending",
    "fan_chart": "qsim.report.chart",
    "fit": "qsim.forecast.posterior",
    "forecast_chart": "qsim.report.chart",
    "pymc_model": "qsim.forecast.own_model",
    "read_observations": "qsim.observations.read",
    "read_plan": "qsim.plans.read",
    "reverse": "qsim.feasibility.questions",
    "review": "qsim.reviewing",
    "run": "qsim.study",
    "with_draws": "qsim.forecast.own_model",
    "write_appendix": "qsim.report.appendix",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'qsim' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
