"""JSON Schemas of the files a plan consists of, for editors that check and complete YAML."""

import json
import os
from pathlib import Path
from typing import Any

from qsim.errors import OutputError
from qsim.indicators import Catalogue
from qsim.plans.plan import PlanText
from qsim.plans.scenarios import ScenarioText
from qsim.records import Record

_FILES: dict[str, type[Record]] = {"plan": PlanText, "scenarios": ScenarioText, "indicators": Catalogue}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schemas() -> dict[str, dict[str, Any]]:
    """Schemas of ``plan.yaml``, ``scenarios.yaml`` and ``indicators.yaml``, under those names without the ending.

    A schema knows the keys and types of a file. What joins two keys or two files (a year inside the period, a lever
    that exists) is checked by :func:`qsim.plans.read.read_plan` alone.
    """
    return {
        name: {"$schema": _DIALECT, **kind.model_json_schema(), "title": f"{name}.yaml"}
        for name, kind in _FILES.items()
    }


def write_json_schemas(folder: Path) -> tuple[Path, ...]:
    """Write each schema to ``<folder>/<name>.schema.json``, whole or not at all.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    OutputError
        If the folder cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tuple(_write(folder / f"{name}.schema.json", schema) for name, schema in json_schemas().items())
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"cannot write schemas to {folder}: {reason}; choose a folder you may write to") from error


def _write(path: Path, schema: dict[str, Any]) -> Path:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(json.dumps(schema, ensure_ascii=False, indent=2) + "\n", encoding="utf-8", newline="\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
