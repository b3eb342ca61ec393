"""Where figures come from: command, commit, Python and machine."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.processes import ROOT


def provenance() -> dict[str, Any]:
    """What a file of figures begins with."""
    return {
        "command": " ".join(["python", *sys.orig_argv[1:]]),
        "commit": _commit(),
        "python": platform.python_version(),
        "machine": {"system": platform.platform(), "cores": os.cpu_count(), "cpu": _cpu()},
    }


def _commit() -> str:
    """The commit that is measured; empty where there is none."""
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - whichever git there is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def _cpu() -> str:
    """The processor's name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "")
