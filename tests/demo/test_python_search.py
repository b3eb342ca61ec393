"""scripts/python.sh: which Python `make` takes, and what it says where it can take none."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

SCRIPT = Path(__file__).parents[2] / "scripts" / "python.sh"
TOOLS = ("sh", "sed", "head", "sort", "cat")


class Machine:
    """A PATH of its own, with Pythons that answer as the test says."""

    def __init__(self, folder: Path) -> None:
        self._bin = folder / "bin"
        self._bin.mkdir()
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found is not None
            (self._bin / tool).symlink_to(found)
        self._home = folder

    def program(self, name: str, body: str) -> Path:
        """An executable on PATH, or below the home folder when the name has a slash."""
        path = self._home / name if "/" in name else self._bin / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    def python(self, name: str, version: str, fit: str = "fit") -> Path:
        """One that answers the script's question."""
        path = self._home / name if "/" in name else self._bin / name
        return self.program(name, f'echo "{version} {fit} {path}"')

    def search(self, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run the script there."""
        return subprocess.run(
            [str(self._bin / "sh"), str(SCRIPT)],
            env={"PATH": str(self._bin), "HOME": str(self._home), **(env or {})},
            capture_output=True,
            text=True,
            timeout=30,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine without any Python."""
    return Machine(tmp_path)


def test_the_newest_that_fits_is_taken_whatever_its_name(machine: Machine) -> None:
    """3.12 before 3.11, and a plain `python` that is 3.12 before python3.11."""
    machine.python("python3.11", "3.11")
    newest = machine.python("python", "3.12")
    machine.python("python3", "3.13")
    assert machine.search().stdout.strip() == str(newest)


def test_a_name_that_does_not_start_is_passed_over(machine: Machine) -> None:
    """As pyenv's shims, which are there for versions that are not active."""
    machine.program("python3.12", "echo 'pyenv: python3.12: command not found' >&2; exit 127")
    older = machine.python("python3.10", "3.10")
    found = machine.search()
    assert found.stdout.strip() == str(older)
    assert found.stderr == ""


def test_what_pyenv_has_installed_is_found_behind_its_shims(machine: Machine) -> None:
    """The shim fails, but the version's own folder has it."""
    machine.program("python3.12", "exit 127")
    real = machine.python(".pyenv/versions/3.12.9/bin/python", "3.12")
    machine.program("pyenv", f'echo "{real.parents[3]}"')
    assert machine.search().stdout.strip() == str(real)


def test_too_new_is_refused_with_what_to_do(machine: Machine) -> None:
    """Only 3.13: the text names it, what is needed, and how to get it."""
    machine.python("python3", "3.13")
    found = machine.search()
    assert found.returncode == 1
    assert found.stdout == ""
    assert "python3 is Python 3.13; needed is 3.10, 3.11 or 3.12" in found.stderr
    assert "Install CPython 3.12" in found.stderr


def test_nothing_at_all_is_said_so(machine: Machine) -> None:
    """No Python on PATH."""
    found = machine.search()
    assert found.returncode == 1
    assert "no Python on PATH at all" in found.stderr


def test_one_without_venv_yields_to_one_that_has_it(machine: Machine) -> None:
    """Debian's Python without python3-venv cannot make an environment."""
    machine.python("python3.12", "3.12", "no-venv")
    assert "apt install python3.12-venv" in machine.search().stderr
    older = machine.python("python3.11", "3.11")
    assert machine.search().stdout.strip() == str(older)


def test_python_from_the_environment_wins_and_is_checked_likewise(machine: Machine) -> None:
    """PYTHON=... is taken when it fits, refused by name when not."""
    machine.python("python3.12", "3.12")
    chosen = machine.python("elsewhere/python", "3.10")
    assert machine.search({"PYTHON": str(chosen)}).stdout.strip() == str(chosen)
    wrong = machine.python("elsewhere/other", "3.9")
    found = machine.search({"PYTHON": str(wrong)})
    assert found.returncode == 1
    assert f"PYTHON={wrong} cannot be used" in found.stderr
    assert "is Python 3.9" in found.stderr


def test_another_implementation_is_no_cpython(machine: Machine) -> None:
    """PyPy answers the question with a failure: Bytewax has no wheels for it."""
    machine.program("python3", "echo '3.11 pypy' >&2; exit 1")
    assert "No Python that this project runs on" in machine.search().stderr
