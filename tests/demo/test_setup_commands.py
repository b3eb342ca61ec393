"""scripts/setup.sh: the commands that it puts into the environment."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]


def test_the_commands_start_from_any_folder(tmp_path: Path) -> None:
    """With the environment's Python and the packages of the checkout."""
    script = (ROOT / "scripts" / "setup.sh").read_text("utf-8")
    found = re.search(r"^root=.*?^launcher local-tablestore emulator$", script, re.DOTALL | re.M)
    assert found is not None
    bin_folder = tmp_path / "venv" / "bin"
    bin_folder.mkdir(parents=True)
    python = bin_folder / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    program = f"venv={tmp_path}/venv\n{found[0]}\n"
    subprocess.run(["sh", "-eu", "-c", program], cwd=ROOT, check=True, timeout=60)
    for command in ("tablestore-sync", "local-tablestore"):
        done = subprocess.run(
            [str(bin_folder / command), "--help"],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert "--" in done.stdout
