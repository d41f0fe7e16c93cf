"""qsim: can the targets of a development plan be met?

Public names load on first use, so that ``import qsim`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qsim.feasibility.assess import assess
    from qsim.forecast.posterior import fit
    from qsim.observations.read import read_observations
    from qsim.plans.read import read_plan
    from qsim.report.appendix import write_appendix
    from qsim.reviewing import review
    from qsim.study import run

__version__ = "0.1.0"

__all__ = ["__version__", "assess", "fit", "read_observations", "read_plan", "review", "run", "write_appendix"]

_HOME = {
    "assess": "qsim.feasibility.assess",
    "fit": "qsim.forecast.posterior",
    "read_observations": "qsim.observations.read",
    "read_plan": "qsim.plans.read",
    "review": "qsim.reviewing",
    "run": "qsim.study",
    "write_appendix": "qsim.report.appendix",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'qsim' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
