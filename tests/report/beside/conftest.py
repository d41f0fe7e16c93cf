"""The made-up assessment with everything that stands beside a probability."""

from dataclasses import replace

import pytest

from qsim.feasibility.evidence import Grade
from qsim.feasibility.joint import Joint
from qsim.feasibility.levels import Recommended
from qsim.feasibility.marks import Mark, Pace
from qsim.feasibility.records import (
    Assessment,
    Checkpoint,
    Frame,
    Sensitivity,
    TargetResult,
    TrackRecord,
    Why,
    YearShare,
)

YEARS = (2018, 2019, 2020)


def _beside(result: TargetResult, *, first: bool) -> TargetResult:
    """A result with everything beside its probability; the food target is too thin, the water target doubtful."""
    if result.p_published is None:
        return result
    thin, doubtful = result.target.id == "t2", result.target.id == "t4"
    why = Why(
        cause="shock",
        share=0.62,
        shares=(("unpublished", 0.0), ("trend", 0.33), ("lever", 0.0), ("shock", 0.62), ("noise", 0.05)),
    )
    return replace(
        result,
        years=tuple(replace(year, shortfall=1.25) for year in result.years),
        reached=tuple(YearShare(year=year, share=share) for year, share in zip(YEARS, (0.31, 0.22, 0.13), strict=True)),
        recommended=tuple(
            Recommended(confidence=confidence, value=value)
            for confidence, value in ((0.9, 91.5), (0.8, 92.0), (0.7, 92.6), (0.5, 93.4), (0.1, 95.7))
        ),
        pace=Pace(needed=0.45, recent=-0.75, first_year=2012, last_year=2017),
        marks=(
            Mark(table="eurostat", form="R", value=0.84, verdict="acceleration_needed"),
            Mark(table="unsd", form="U", value=None, verdict="achieved"),
            Mark(table="failure", form="F", value=None, verdict="achieved"),
            Mark(table="schedule", form="S", value=-0.12, verdict="behind"),
        ),
        checkpoints=(
            Checkpoint(year=2018, half=92.9, fifth=91.0, p_worst=0.03, p_best=0.87),
            Checkpoint(year=2019, half=93.8, fifth=None, p_worst=0.24, p_best=0.93),
        )
        if first
        else (),
        sensitivity=Sensitivity(
            base=0.6, narrow_prior=0.57, wide_prior=0.17 if thin else 0.66, without_newest=0.59, other_engine=0.61
        )
        if first
        else None,
        grade=Grade(letter="D" if thin else "B", reasons=("figures", "age"), prior_share=0.44, too_thin=thin),
        why=why if doubtful else None,
    )


@pytest.fixture(scope="session")
def complete(assessment: Assessment) -> Assessment:
    """The made-up assessment with everything that stands beside a probability."""
    first = assessment.results[0].scenario
    chances = {"baseline": (0.2, 0.55), "checks": (0.35, 0.7)}

    def joint(scenario: str, p_all: float, **traits: object) -> Joint:
        whole = {"statements": 3, "indicators": 3, "expected": 1.8, "distribution": (0.05, 0.3, 0.45, 0.2)}
        bounds = {"p_independent": 0.18, "p_low": 0.0, "p_high": 0.41}
        return Joint(
            **{"scenario": scenario, "scope": "plan", "category": "", "p_all": p_all} | whole | bounds | traits
        )

    joints = []
    for scenario, (whole, binding) in chances.items():
        joints.append(joint(scenario, whole))
        joints.append(
            joint(scenario, 0.25, scope="category", category="product", statements=2, indicators=2,
                  expected=1.1, distribution=(0.15, 0.6, 0.25))
        )  # fmt: skip
        joints.append(
            joint(scenario, binding, scope="binding", statements=1, indicators=1,
                  expected=binding, distribution=(1.0 - binding, binding))
        )  # fmt: skip
    record = TrackRecord(statements=40, met=29, source="回溯检验")
    return replace(
        assessment,
        results=tuple(_beside(result, first=result.scenario == first) for result in assessment.results),
        joint=tuple(joints),
        frame=Frame(track_record=record, cautions=assessment.frame.cautions),
    )
