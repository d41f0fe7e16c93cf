"""Names of dims and columns of backtests: one place (see ``docs/schema.md``)."""

from typing import Final

CASE: Final = "case"
HORIZON: Final = "horizon"
QUANTILE: Final = "quantile"
"""Dim, and the variable that holds the values."""
BOUND: Final = "bound"
"""Which of the two targets of a horizon."""
BLOCK: Final = "block"
"""Cases that one year's shocks reach together: of one country and cutoff."""
SET: Final = "set"
MEMBER: Final = "member"
P_TARGET: Final = "p_target"

BOUNDS: Final = ("lo", "hi")
QUANTILES: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)
"""Levels that a backtest keeps. [1]"""
QUANTILE_COLUMNS: Final = ("q025", "q05", "q10", "q25", "q50", "q75", "q90", "q95", "q975")
P_COLUMNS: Final = tuple(f"{P_TARGET}_{bound}" for bound in BOUNDS)
COLUMNS: Final = ("case_id", HORIZON, *QUANTILE_COLUMNS, *P_COLUMNS)
"""Columns of a file of forecasts, in their order."""
