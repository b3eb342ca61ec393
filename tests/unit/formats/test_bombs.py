"""No record of the corpus ends a process that has little memory, and none takes long."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.lanes import note

ROOT = Path(__file__).parents[3]
# Address space, of which threads and libraries take a good part.
MIB = 436


def test_bombs_in_little_memory(request: pytest.FixtureRequest) -> None:
    """Each is decoded and mapped, or rejected as the corpus says; a good record behind it goes on.

    The same records go through whole runs in tests/flows/test_corpus.py.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.poison", str(MIB)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.startswith("survived"), done.stdout
    note(request.config, f"corpus in {MIB} MiB of address space: {done.stdout.strip()}")
