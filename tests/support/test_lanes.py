"""The lane report is true, and a required lane that did not run fails the run."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PASSING = """
import pytest

@pytest.mark.parametrize("lane", [
    pytest.param(lane, marks=getattr(pytest.mark, lane)) for lane in {lanes}
])
def test_one(lane, request):
    if lane == {broken!r}:
        from tests.support.lanes import skip_lane
        skip_lane(request.config, lane, "the broker is on holiday")
"""


def run(
    folder: Path, lanes: tuple[str, ...], broken: str = "", required: str = "1"
) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(PASSING.format(lanes=lanes, broken=broken))
    plugin = ["-p", "tests.support.lanes", "-p", "no:cacheprovider"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir", str(folder), *plugin, str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "REQUIRE_ALL_LANES": required},
        capture_output=True,
        text=True,
    )


def test_all_lanes_green(tmp_path: Path) -> None:
    """When every lane ran, the run is green and the summary counts each."""
    done = run(tmp_path, ("unit", "emulator", "flows", "kafka"))
    assert done.returncode == 0, done.stdout
    assert "kafka: 1 passed" in done.stdout
    assert "NOT RUN" not in done.stdout


def test_a_required_lane_that_cannot_run_fails(tmp_path: Path) -> None:
    """Skipped for a missing need: failure, with the lane and the reason in the summary."""
    done = run(tmp_path, ("unit", "emulator", "flows", "kafka"), broken="kafka")
    assert done.returncode == 1, done.stdout
    assert "kafka: NOT RUN (the broker is on holiday)" in done.stdout
    assert "these lanes did not run: kafka" in done.stdout


def test_a_required_lane_without_tests_fails(tmp_path: Path) -> None:
    """A lane that was not even selected did not run either."""
    done = run(tmp_path, ("unit", "emulator", "flows"))
    assert done.returncode == 1, done.stdout
    assert "kafka: NOT RUN (no test of it was selected)" in done.stdout


def test_without_the_requirement_a_missing_lane_is_reported(tmp_path: Path) -> None:
    """On a developer's machine the missing lane is named, and the run stays green."""
    done = run(tmp_path, ("unit", "kafka"), broken="kafka", required="")
    assert done.returncode == 0, done.stdout
    assert "kafka: NOT RUN (the broker is on holiday)" in done.stdout
