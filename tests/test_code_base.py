"""Claims about the code base itself."""

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import qsim

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "qsim").rglob("*.py"))
HEAVY = ("arviz", "docx", "matplotlib", "numba", "numpy", "pandas", "pydantic", "pymc", "scipy", "typer", "xarray")
MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60
TEXT = {".cfg", ".csv", ".json", ".md", ".py", ".pyi", ".sh", ".toml", ".txt", ".yaml", ".yml", ""}
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|tmp|home|Users)/\w")

needs_checkout = pytest.mark.skipif(not (ROOT / "Makefile").is_file(), reason="reads the checkout")


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_import_qsim_loads_nothing_heavy():
    loaded = run_python(f"import qsim, sys; print(*sorted(set({HEAVY}) & set(sys.modules)))")
    assert loaded == ""


def test_reading_a_plan_loads_no_sampler_and_no_plotting():
    loaded = run_python(
        "import qsim, sys; qsim.read_plan; "
        "print(*sorted({'arviz', 'docx', 'matplotlib', 'numba', 'pymc'} & set(sys.modules)))"
    )
    assert loaded == ""


@pytest.mark.parametrize("name", qsim.__all__)
def test_a_public_name_resolves(name):
    assert getattr(qsim, name) is not None
    assert name in dir(qsim)


def test_an_unknown_name_is_an_attribute_error_that_lists_the_known_ones():
    with pytest.raises(AttributeError, match="read_plan"):
        qsim.read_plans  # noqa: B018 (to look it up is the test)


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_a_file_is_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES_OF_A_FILE


def lines_without_docstring(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    told = (first.end_lineno or 0) - first.lineno + 1 if ast.get_docstring(function) else 0
    return (function.end_lineno or 0) - function.lineno + 1 - told


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_a_function_is_short(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {function.name: lines_without_docstring(function) for function in functions}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES_OF_A_FUNCTION} == {}


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_a_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def public_methods(module: ModuleType) -> Iterator[tuple[type, str]]:
    for _, kind in inspect.getmembers(module, inspect.isclass):
        if kind.__module__ == module.__name__ and not kind.__name__.startswith("_"):
            for name, member in vars(kind).items():
                if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
                    yield kind, name


MODULE_NAMES = [info.name for info in pkgutil.walk_packages(qsim.__path__, "qsim.")]


@pytest.mark.parametrize("name", [name for name in MODULE_NAMES if ".nuts" not in name and "make_subset" not in name])
def test_a_public_method_has_a_docstring_of_its_own_or_of_a_base(name):
    silent = [
        f"{kind.__name__}.{method}"
        for kind, method in public_methods(importlib.import_module(name))
        if not inspect.getdoc(getattr(kind, method))
    ]
    assert silent == []


def tracked_texts() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    paths = [ROOT / line for line in listed.stdout.splitlines()]
    return [path for path in paths if path.suffix in TEXT and path.is_file()]


@needs_checkout
def test_no_file_names_a_path_of_one_machine():
    found = [
        f"{short(path)}:{number}: {line.strip()[:80]}"
        for path in tracked_texts()
        if path != Path(__file__).resolve()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        if MACHINE_PATH.search(line)
    ]
    assert found == []


@needs_checkout
@pytest.mark.parametrize("guide", ["README.md", "README.zh.md", "CONTRIBUTING.md"])
def test_every_make_command_of_a_guide_is_a_target_of_the_makefile(guide):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    commands = set(re.findall(r"(?m)(?:^|`)make ([a-z]+)\b", (ROOT / guide).read_text(encoding="utf-8")))
    assert commands
    assert commands <= targets


@needs_checkout
def test_the_changelog_starts_with_this_version():
    entries = re.findall(
        r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert entries[0] == qsim.__version__
