"""Builds the compiled encoder of rows beside its source: `python -m scripts.accelerator`.

It needs Cython, a C compiler and Python's headers. Where one of them is missing it says so in one
line and ends with 0: the flow does without, only slower. Nothing is done where it is newer than its
source; `--check` ends with 1 where it is not there or older.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "connectors/tablestore/plainbuffer"
SOURCE = FOLDER / "_accelerator.pyx"
TARGET = FOLDER / f"_accelerator{sysconfig.get_config_var('EXT_SUFFIX')}"


class NotBuiltError(Exception):
    """There is no compiled encoder; the text says what is missing."""


def is_current() -> bool:
    """Whether it is there, for this Python, and as new as its source."""
    parts = [SOURCE, *FOLDER.glob("*.pxi")]
    return TARGET.exists() and TARGET.stat().st_mtime >= max(one.stat().st_mtime for one in parts)


def build() -> Path:
    """Compile it, and return the file. Raises NotBuiltError."""
    if find_spec("Cython") is None:
        raise NotBuiltError("Cython is not installed")
    headers = Path(sysconfig.get_path("include"))
    if not (headers / "Python.h").exists():
        raise NotBuiltError("Python's headers (Python.h) are not installed")
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder, "_accelerator.c"), Path(folder, "made.so")
        _run([sys.executable, "-m", "cython", "-3", str(SOURCE), "-o", str(source)])
        compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
        mac = sys.platform == "darwin"
        shared = ["-bundle", "-undefined", "dynamic_lookup"] if mac else ["-shared"]
        _run([*compiler, "-O2", "-fPIC", *shared, f"-I{headers}", str(source), "-o", str(made)])
        # In one step, for who imports it at this moment.
        beside = TARGET.with_name(f".{TARGET.name}.{os.getpid()}")
        beside.write_bytes(made.read_bytes())
        beside.replace(TARGET)
    return TARGET


def _run(command: list[str]) -> None:
    """Run a command. Raises NotBuiltError where it cannot be started, or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError as error:
        raise NotBuiltError(f"{command[0]} cannot be started: {error.strerror}") from None
    if done.returncode:
        raise NotBuiltError(f"{command[0]} failed: {done.stderr.strip()[-300:]}")


def main(arguments: Sequence[str]) -> int:
    """Build it where it is not current."""
    if "--check" in arguments:
        return 0 if is_current() else 1
    if not is_current():
        try:
            build()
        except (NotBuiltError, OSError) as error:
            sys.stderr.write(f"Rows are encoded by Python alone, which is slower: {error}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
