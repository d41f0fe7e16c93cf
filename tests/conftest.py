"""Hypothesis draws the same examples everywhere (``HYPOTHESIS_PROFILE=search`` looks for new ones); a command, run."""

import os
import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest
from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, database=None)
settings.register_profile("search", max_examples=2000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


class Ending(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def qsim(monkeypatch, capsys) -> Callable[..., Ending]:
    """Run a command in this process."""

    def call(*words: object) -> Ending:
        from qsim.cli import main

        monkeypatch.setattr(sys, "argv", ["qsim", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return Ending(int(end.value.code or 0), captured.out, captured.err)

    return call
