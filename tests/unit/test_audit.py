"""`make audit` and `make sbom`: what is said of the pinned packages."""

import json
import re
import subprocess
import sys
from pathlib import Path

from scripts.audit import CLEAN, UNKNOWN, VULNERABLE, verdict


def test_only_a_look_up_of_all_packages_is_clean() -> None:
    """A database that does not know them says nothing of them."""
    one = {"name": "a", "version": "1", "vulns": []}
    skipped = {"name": "b", "skip_reason": "not found"}
    bad = {"name": "c", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}

    def code(*packages: object) -> int:
        return verdict(json.dumps({"dependencies": packages}), "")[0]

    assert code(one) == CLEAN
    assert code(one, skipped) == UNKNOWN
    assert code(one, skipped, bad) == VULNERABLE
    assert code() == UNKNOWN
    for broken in ("", "[]", "no connection"):
        found, lines = verdict(broken, "ConnectionError: no route\n")
        assert found == UNKNOWN
        assert lines[0] == "ConnectionError: no route"
        assert "nothing is known" in lines[1]


def test_the_sbom_has_every_pinned_package(tmp_path: Path) -> None:
    """With its version and hashes."""
    file = tmp_path / "sbom.json"
    command = ["-W", "ignore", "-m", "cyclonedx_py", "requirements", "requirements.lock"]
    options = ["--pyproject", "pyproject.toml", "--no-validate", "-o", str(file)]
    subprocess.run([sys.executable, *command, *options], check=True, timeout=100)
    pinned = dict(re.findall(r"^([\w.-]+)==([\w.]+)", Path("requirements.lock").read_text(), re.M))
    found = json.loads(file.read_text())
    assert {one["name"]: one["version"] for one in found["components"]} == pinned
    assert found["metadata"]["component"]["name"] == "bytewax-tablestore"
