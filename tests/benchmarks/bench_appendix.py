"""Measure the appendix of one plan as a user meets it: fresh processes, cold and warm; see README.md."""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

RESULTS = Path(__file__).with_name("results.json")
SAMPLERS = ("pymc", "arviz")
PACKAGES = ("qsim", "numpy", "scipy", "numba", "xarray", "pymc", "arviz")

# Runs qsim as the command does and says afterwards which samplers it has loaded.
COMMAND = """
import sys
from qsim.cli import main
try:
    main()
except SystemExit as stop:
    code = stop.code
else:
    code = 0
loaded = [name for name in {samplers!r} if name in sys.modules]
print("loaded:" + ",".join(loaded), file=sys.stderr)
raise SystemExit(code)
"""

FIT = """
import sys, time
import qsim
qsim.run(sys.argv[1])
times = []
for _ in range(3):
    began = time.perf_counter()
    qsim.run(sys.argv[1])
    times.append(time.perf_counter() - began)
print(min(times))
"""


def measure(code: str, arguments: Sequence[str], environment: Mapping[str, str]) -> dict[str, object]:
    """Run Python code in a fresh process.

    Returns
    -------
    dict
        ``wall`` [s], ``peak_rss`` [MB] of that process, ``samplers`` it imported, ``output``.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out, tempfile.TemporaryFile("w+", encoding="utf-8") as err:
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdout=out, stderr=err, env=dict(environment)
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        output, complaint = out.read(), err.read()
    if process.returncode:
        raise SystemExit(f"failed ({process.returncode}): {' '.join(arguments)}\n{complaint}")
    loaded = [line.removeprefix("loaded:") for line in complaint.splitlines() if line.startswith("loaded:")]
    unit = 1 if platform.system() == "Darwin" else 1024  # ru_maxrss counts bytes there, kilobytes elsewhere
    return {
        "wall": round(wall, 2),
        "peak_rss": round(usage.ru_maxrss * unit / 1e6),
        "samplers": loaded[0] if loaded else "",
        "output": output.strip(),
    }


def best(code: str, arguments: Sequence[str], environment: Mapping[str, str], times: int = 3) -> dict[str, object]:
    """Fastest of several fresh processes: the machine's other work only ever adds."""
    return min((measure(code, arguments, environment) for _ in range(times)), key=lambda run: float(str(run["wall"])))


def benchmark(plan: str) -> dict[str, dict[str, object]]:
    """Measure a plan: first run with an empty numba cache, then warm ones."""
    command = COMMAND.format(samplers=SAMPLERS)
    with tempfile.TemporaryDirectory(prefix="qsim-bench-") as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(Path(folder) / "numba")}
        appendix = ["appendix", plan, "-o", str(Path(folder) / "out")]
        rows = {
            "import qsim": best("import qsim", [], environment),
            "qsim --help": best(command, ["--help"], environment),
            "appendix, empty numba cache": measure(command, appendix, environment),
            "appendix, warm": best(command, appendix, environment),
        }
        fit = measure(FIT, [plan], environment)
    rows["qsim.run, warm, in one process"] = {**fit, "wall": round(float(str(fit["output"]).split()[-1]), 2)}
    return {name: {key: value for key, value in row.items() if key != "output"} for name, row in rows.items()}


def installed(name: str) -> str:
    """Version of a package, or a dash."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "-"


def main() -> None:
    """Measure, print a table, write it when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan", nargs="?", default="hainan-2020")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    options = parser.parse_args()
    if not hasattr(os, "wait4"):
        raise SystemExit("needs Linux or macOS: peak memory comes from wait4")
    rows = benchmark(options.plan)
    print(f"{options.plan}: wall time [s], peak memory [MB], samplers imported")
    for name, row in rows.items():
        print(f"{name:32} {row['wall']:>8} {row['peak_rss']:>6}  {row['samplers'] or 'none'}")
    if options.write:
        about = {
            "plan": options.plan,
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
            "packages": {name: installed(name) for name in PACKAGES},
        }
        known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
        RESULTS.write_text(json.dumps({**known, **about, "runs": rows}, indent=2) + "\n", encoding="utf-8")
        print(f"written: {RESULTS}")


if __name__ == "__main__":
    main()
