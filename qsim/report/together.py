"""The targets taken together: all of them met, and how many."""

from qsim.feasibility.joint import Joint
from qsim.report.blocks import TableNumbers, columns
from qsim.report.content import Block, Heading, Table
from qsim.report.numbers import percent
from qsim.report.reading import Reading
from qsim.report.values import bound, number_met

_LEAST_SHOWN = 0.01
"""Numbers met less often than this are not listed. [1]"""


def together(reading: Reading, numbers: TableNumbers) -> list[Block]:
    """Joint probabilities of the whole plan, each category and the binding targets; nothing for a single target."""
    whole = reading.joint
    if whole is None:
        return []
    spoken = reading.words
    scopes = [one for one in reading.joints(reading.scenario) if one == whole or one.statements < whole.statements]
    rows = tuple(
        (
            reading.scope(one),
            str(one.statements),
            percent(one.p_all, spoken),
            f"{one.expected:.1f}",
            spoken("span", low=number_met(one)[0], high=number_met(one)[1]),
            percent(one.p_independent, spoken),
            spoken("range", low=bound(one.p_low), high=bound(one.p_high)),
        )
        for one in scopes
    )
    every = columns(
        reading,
        ("scope", 32),
        ("statements", 18.5, "center"),
        ("p_all", 22, "center"),
        ("expected", 24, "center"),
        ("met_interval", 20, "center"),
        ("independent", 16, "center"),
        ("bounds", 23.5, "center"),
    )
    notes = [spoken("joint_method_note"), spoken("distribution_note", shares=_distribution(reading, whole))]
    if whole.statements > whole.indicators:
        notes.append(spoken("nested_note", statements=whole.statements, indicators=whole.indicators))
    thin = len(reading.thin_own)
    notes += [spoken("joint_thin_note", n=thin)] if thin else []
    table = Table(numbers.label(reading, "together"), every, rows, tuple(notes))
    return [Heading(spoken("sub_together"), 2), table]


def _distribution(reading: Reading, whole: Joint) -> str:
    spoken = reading.words
    said = [
        spoken("number_chance", n=number, percent=percent(share, spoken))
        for number, share in enumerate(whole.distribution)
        if share >= _LEAST_SHOWN
    ]
    return spoken("list_sep").join(said)
