"""Asks PyPI's advisories about every pinned package: `make audit`.

Exit code 0: all were looked up, and none has a known vulnerability; 1: some have, and are listed;
2: not all could be looked up, so nothing is known of the others.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

LOCK = "requirements-dev.lock"  # which has those of requirements.lock too
_COMMAND = [
    *("-m", "pip_audit", "--requirement", LOCK, "--require-hashes", "--disable-pip"),
    *("--progress-spinner", "off", "--format", "json"),
]
CLEAN, VULNERABLE, UNKNOWN = 0, 1, 2


def verdict(output: str, errors: str) -> tuple[int, list[str]]:
    """The exit code and lines for what pip-audit has printed."""
    try:
        packages: list[dict[str, Any]] = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        cause = (errors.strip().splitlines() or ["pip-audit said nothing"])[-1]
        return UNKNOWN, [cause, *_unreachable()]
    lines = [
        f"{one['name']} {one['version']}: {found['id']}"
        + (f", mended in {', '.join(found['fix_versions'])}" if found.get("fix_versions") else "")
        for one in packages
        for found in one.get("vulns", ())
    ]
    if lines:
        remedy = 'Take versions without them: make lock ARGS="--upgrade-package NAME"'
        return VULNERABLE, [*lines, remedy]
    skipped = [str(one["name"]) for one in packages if "skip_reason" in one]
    if skipped or not packages:
        some = ", ".join(skipped[:5]) or "none"
        text = f"{len(skipped)} of {len(packages)} packages are not in the database: {some}"
        return UNKNOWN, [text, *_unreachable()]
    return CLEAN, [f"{len(packages)} packages of {LOCK}: no known vulnerability"]


def _unreachable() -> Sequence[str]:
    return (
        "PyPI's database of advisories could not be asked, so nothing is known of these packages.",
        "Run this again where the internet can be reached (HTTPS_PROXY names a proxy).",
    )


def main() -> int:
    """Run pip-audit, and print what it found."""
    done = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, *_COMMAND, *sys.argv[1:]], capture_output=True, text=True, check=False
    )
    code, lines = verdict(done.stdout, done.stderr)
    stream = sys.stdout if code == CLEAN else sys.stderr
    stream.write("".join(f"{line}\n" for line in lines))
    return code


if __name__ == "__main__":
    sys.exit(main())
