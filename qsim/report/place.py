"""Put finished files in their place, all of them or none."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from qsim.errors import OutputError


@contextmanager
def workshop(folder: Path) -> Iterator[Path]:
    """A hidden folder on the same disk as ``folder``, gone at the end.

    Raises
    ------
    OutputError
        If ``folder`` is a file or cannot be written to.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"cannot write to {folder}: it is a file; name a folder")
    home = folder
    while not home.exists() and home != home.parent:
        home = home.parent
    if not home.is_dir():
        raise OutputError(f"cannot write to {folder}: {home} is a file; name another folder")
    try:
        made = Path(tempfile.mkdtemp(prefix=".qsim-", dir=home))
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror or error}; choose another folder") from error
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def place(names: Sequence[str], source: Path, folder: Path, old: Path) -> tuple[Path, ...]:
    """Move files from ``source`` into ``folder``; older ones wait in ``old`` and come back if a move fails.

    Raises
    ------
    OutputError
        If a file cannot be put in its place; ``folder`` is as it was.
    """
    done: list[str] = []
    made: list[Path] = []
    try:
        for name in names:
            _folder(folder / Path(name).parent, made)
            _folder(old / Path(name).parent, [])
            if (folder / name).is_dir():
                raise IsADirectoryError(21, "a folder of that name is in the way", str(folder / name))
            if (folder / name).exists():
                os.replace(folder / name, old / name)
            done.append(name)
            os.replace(source / name, folder / name)
    except OSError as error:
        _undo(done, folder, old, made)
        where = Path(error.filename or folder).name
        raise OutputError(
            f"cannot write {where} in {folder}: {error.strerror or error}; "
            "close it where it is open, or choose another folder"
        ) from error
    return tuple(folder / name for name in names)


def _folder(path: Path, made: list[Path]) -> None:
    missing = [part for part in (path, *path.parents) if not part.exists()]
    path.mkdir(parents=True, exist_ok=True)
    made += missing


def _undo(done: list[str], folder: Path, old: Path, made: list[Path]) -> None:
    for name in reversed(done):
        with suppress(OSError):
            if (old / name).exists():
                os.replace(old / name, folder / name)
            else:
                (folder / name).unlink(missing_ok=True)
    for path in sorted(made, key=lambda part: len(part.parts), reverse=True):
        with suppress(OSError):
            path.rmdir()
