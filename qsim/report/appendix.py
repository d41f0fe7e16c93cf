"""Write the feasibility appendix: Word, web page, table, draws and figures."""

from collections.abc import Callable
from pathlib import Path

from qsim.errors import OutputError
from qsim.evaluation.archive import archive_of, archive_text
from qsim.feasibility.records import Assessment
from qsim.report.compose import compose
from qsim.report.docx import render_docx
from qsim.report.docx_package import Stamp
from qsim.report.html import render_html
from qsim.report.place import place, workshop
from qsim.report.store import write_study
from qsim.report.table import as_csv, checkpoint_frame, csv_text, joint_frame
from qsim.report.words import Language, words


def write_appendix(
    assessment: Assessment,
    folder: str | Path,
    *,
    language: Language = "zh",
    progress: Callable[[str], None] | None = None,
) -> tuple[Path, ...]:
    """Write the appendix of a plan into a folder, whole or not at all.

    Parameters
    ----------
    assessment : Assessment
        What was assessed.
    folder : str or Path
        Made if it does not exist; files of other names in it stay.
    language : {"zh", "en"}
        Language of every text.
    progress : callable, optional
        Called with a line of text at each step.

    Returns
    -------
    tuple of Path
        ``appendix.docx``, ``appendix.html``, ``assessment.csv``, ``joint.csv``, ``checkpoints.csv``, ``archive.json``
        (what was said, for a later review), ``study.nc``, then ``figures/*.png`` and ``*.svg``.

    Raises
    ------
    OutputError
        If the folder is a file or cannot be written to; what stood there before stands there still.
    UnknownNameError
        If the report does not know the language.
    """
    words(language)
    home = Path(folder)
    with workshop(home) as room:
        contents = _contents(assessment, language, progress or _silent)
        names = [*contents, "study.nc"]
        try:
            _write(contents, room / "new")
            write_study(assessment, room / "new" / "study.nc")
        except OSError as error:
            raise OutputError(f"cannot write to {home}: {error.strerror or error}; choose another folder") from error
        (progress or _silent)(words(language)("progress_write", folder=home))
        placed = place(names, room / "new", home, room / "old")
    tables = ["assessment.csv", "joint.csv", "checkpoints.csv", "archive.json"]
    order = ["appendix.docx", "appendix.html", *tables, "study.nc"]
    return tuple(sorted(placed, key=lambda path: order.index(path.name) if path.name in order else len(order)))


def _contents(assessment: Assessment, language: Language, progress: Callable[[str], None]) -> dict[str, bytes]:
    document = compose(assessment, language, progress)
    contents = {
        "appendix.docx": render_docx(
            document, Stamp(f"qsim {assessment.version}", assessment.as_of or assessment.plan.as_of)
        ),
        "appendix.html": render_html(document).encode(),
        "assessment.csv": csv_text(assessment, language).encode("utf-8-sig"),
        "joint.csv": as_csv(joint_frame(assessment)).encode("utf-8-sig"),
        "checkpoints.csv": as_csv(checkpoint_frame(assessment, language)).encode("utf-8-sig"),
        "archive.json": archive_text(archive_of(assessment)).encode(),
    }
    for figure in document.figures:
        contents[f"figures/{figure.name}.png"] = figure.png
        contents[f"figures/{figure.name}.svg"] = figure.svg.encode()
    return contents


def _write(contents: dict[str, bytes], room: Path) -> None:
    for name, content in contents.items():
        path = room / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _silent(line: str) -> None:
    """Say nothing."""
