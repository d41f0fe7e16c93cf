"""Run the notebooks of ``examples/`` and write their ``.ipynb`` twins: ``make notebooks``.

The text (``examples/NN_name.py``, percent format) is the source. Its twin is made from nothing else: run in an empty
folder by a fresh kernel, then stripped of times, random ids, versions and whatever names this machine. A notebook that
takes longer than a minute, fails, prints to stderr or shows a path of the machine is refused.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
LIMIT = 60
"""Longest a notebook may take, the start of its kernel included, compiling not. [s]"""
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


_WARM_UP = "import qsim; [qsim.run(name, draws=100) for name in ('hainan-2020', 'guizhou-2017')]"


def main() -> int:
    """Run the notebooks that are named, all if none is; 1 if one is refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="notebooks to run, as 01 or 01_first_forecast; all if none")
    parser.add_argument("--to", type=Path, default=EXAMPLES, help="folder for the .ipynb files")
    asked = parser.parse_args()
    texts = [path for path in sorted(EXAMPLES.glob("[0-9]*.py")) if _is_asked(path, asked.names)]
    if not texts:
        print(f"no notebook {' '.join(asked.names)} in {EXAMPLES}", file=sys.stderr)
        return 1
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", _WARM_UP], check=True)
    print(f"compiling, once on a machine: {time.monotonic() - began:.0f} s", flush=True)
    refused = 0
    for path in texts:
        notebook, seconds, faults = run(path)
        if seconds > LIMIT and not faults:
            print(f"{path.stem}: {seconds:.0f} s; again, now that it is compiled", flush=True)
            notebook, seconds, faults = run(path)
        if seconds > LIMIT:
            faults.append(f"takes longer than {LIMIT} s")
        if not faults:
            asked.to.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook, asked.to / f"{path.stem}.ipynb")
        print(f"{path.stem}: {seconds:.0f} s" + "".join(f"\n  {fault}" for fault in faults), flush=True)
        refused += bool(faults)
    return int(refused > 0)


def run(path: Path) -> tuple[Any, float, list[str]]:
    """The notebook with its outputs, the seconds it took, and what speaks against it."""
    notebook = jupytext.read(path)
    faults: list[str] = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=2 * LIMIT,
            kernel_name=KERNEL["name"],
            extra_arguments=["--log-level=ERROR"],
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": folder}},
        )
        try:
            client.execute()
        except CellExecutionError as error:
            faults.append(str(error))
    seconds = time.monotonic() - began
    _strip(notebook)
    return notebook, seconds, faults + _seen(notebook)


def _strip(notebook: Any) -> None:
    """Leave what the text and the figures decide."""
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        cell.metadata = nbformat.from_dict({})


def _seen(notebook: Any) -> list[str]:
    """What a reader should not see."""
    private = {str(EXAMPLES.parent), str(Path.home()), tempfile.gettempdir(), sys.prefix}
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                found.append(f"{cell.id} prints to stderr: {output['text']}")
            if any(path != os.sep and path in str(output) for path in private):
                found.append(f"{cell.id} shows a path of this machine")
    return found


def _is_asked(path: Path, names: list[str]) -> bool:
    return not names or any(path.stem.startswith(name) for name in names)


if __name__ == "__main__":
    sys.exit(main())
