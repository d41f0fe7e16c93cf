"""What can go wrong on a user's side: one base class, each subclass also a builtin."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Fault:
    """One fault of an input: where it is, what came, what was expected."""

    where: str
    """Row and column (``row 3, column 年份``) or key path (``targets[4].year``)."""
    got: str
    """What stands there."""
    expected: str
    """What was expected, and what to do."""

    def __str__(self) -> str:
        return f"{self.where}: got {self.got}; expected {self.expected}"


class QsimError(Exception):
    """Base of every error a user can cause and mend."""


class _FaultyInput(QsimError, ValueError):
    """An input with faults, all of them in one message."""

    def __init__(self, source: str, faults: Sequence[Fault]) -> None:
        self.source = source
        self.faults = tuple(faults)
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__("\n".join([f"{source}: {count}", *(f"  {fault}" for fault in self.faults)]))


class ObservationError(_FaultyInput):
    """A table of figures that cannot be used as it is."""


class PlanError(_FaultyInput):
    """A plan, scenario, catalogue or archive file that cannot be used as it is."""


class HorizonError(QsimError, ValueError):
    """A year outside the years a posterior or a forecast covers."""


class UnknownNameError(QsimError, LookupError):
    """A plan, scenario, series or file that does not exist; the message names the nearest."""


class FitError(QsimError, RuntimeError):
    """A model that cannot be fitted to these figures."""


class OutputError(QsimError, OSError):
    """A place that cannot be written to."""
