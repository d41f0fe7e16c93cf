"""The committed JSON Schemas are those of the code, and accept the shipped files."""

import json
from pathlib import Path

import pytest

from qsim.errors import OutputError
from qsim.plans.jsonschema import json_schemas, write_json_schemas

COMMITTED = Path(__file__).resolve().parent.parent / "docs" / "schemas"


@pytest.mark.parametrize("name", json_schemas())
def test_the_committed_schema_is_up_to_date(name):
    path = COMMITTED / f"{name}.schema.json"
    committed = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    assert committed == json_schemas()[name], "run: make schema"


def test_no_schema_is_left_over():
    assert {path.name for path in COMMITTED.iterdir()} == {f"{name}.schema.json" for name in json_schemas()}


def test_written_schemas_are_the_only_files_of_the_folder(tmp_path):
    written = write_json_schemas(tmp_path / "new" / "folder")
    assert sorted(written) == sorted((tmp_path / "new" / "folder").iterdir())
    assert [json.loads(path.read_text(encoding="utf-8")) for path in written] == list(json_schemas().values())


def test_every_record_of_a_schema_is_closed():
    for schema in json_schemas().values():
        records = [part for part in [schema, *schema["$defs"].values()] if part.get("type") == "object"]
        assert records
        assert all(record["additionalProperties"] is False for record in records)


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="choose a folder you may write to"):
        write_json_schemas(tmp_path / "file")
