"""The notebooks: twins of their texts, run and clean, and in reading order. `make notebooks` runs and writes them."""

import json
import re
import runpy
from itertools import pairwise
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
TEXTS = sorted(EXAMPLES.glob("*.py"))
EACH = pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)

Cell = tuple[str, str]


def cells_of_text(path: Path) -> list[Cell]:
    """Cells of a text in percent format."""
    cells = []
    for part in re.split(r"^# %%", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        lines = body.strip("\n").splitlines()
        if head.strip() == "[markdown]":
            assert all(line == "#" or line.startswith("# ") for line in lines)
            cells.append(("markdown", "\n".join(line[2:] for line in lines)))
        else:
            assert head == ""
            cells.append(("code", "\n".join(lines)))
    return cells


def twin_of(path: Path) -> dict:
    return json.loads(path.with_suffix(".ipynb").read_text(encoding="utf-8"))


def joined(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def test_there_are_six_in_reading_order():
    assert [path.stem[:2] for path in TEXTS] == ["01", "02", "03", "04", "05", "06"]
    assert {path.stem for path in TEXTS} == {path.stem for path in EXAMPLES.glob("*.ipynb")}


@EACH
def test_a_twin_says_what_its_text_says(text):
    found = [(cell["cell_type"], joined(cell["source"])) for cell in twin_of(text)["cells"]]
    assert found == cells_of_text(text), "run make notebooks"


@EACH
def test_a_twin_has_been_run_without_an_error_or_a_warning(text):
    code = [cell for cell in twin_of(text)["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert len(outputs) >= 3
    assert all(output["output_type"] in {"stream", "execute_result", "display_data"} for output in outputs)
    assert all(output.get("name") != "stderr" for output in outputs)


@EACH
def test_a_twin_names_no_machine_and_no_time(text):
    twin = twin_of(text)
    assert twin["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert all(cell["metadata"] == {} for cell in twin["cells"])
    assert [cell["id"] for cell in twin["cells"]] == [f"cell-{number:02d}" for number in range(len(twin["cells"]))]
    shown = [str({**output, "data": {**output.get("data", {}), "image/png": ""}}) for cell in twin["cells"]
             for output in cell.get("outputs", [])]  # fmt: skip
    assert [part for part in shown if re.search(r"/(home|root|tmp|usr|opt|work|Users|private)/|[A-Z]:\\\\", part)] == []


@EACH
def test_a_notebook_begins_with_what_it_shows_in_both_languages(text):
    kind, first = cells_of_text(text)[0]
    assert kind == "markdown"
    assert re.match(r"# \d · ", first)
    assert "\n本例：" in first


def test_every_notebook_leads_to_the_next():
    for text, following in pairwise(TEXTS):
        assert f"({following.stem}.ipynb)" in cells_of_text(text)[-1][1]


def test_the_list_of_notebooks_is_whole_and_in_order():
    listed = re.findall(r"\]\((\d\d_\w+)\.ipynb\)", (EXAMPLES / "README.md").read_text(encoding="utf-8"))
    assert listed == [path.stem for path in TEXTS]


def test_the_first_runs_as_a_script_too(capsys):
    runpy.run_path(str(TEXTS[0]))
    assert "published figure at least 95 % in 2020: " in capsys.readouterr().out
