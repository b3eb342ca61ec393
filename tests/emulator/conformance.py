"""Runs the vendor's own SDK suites against the local Tablestore: `make conformance`.

The suites are not part of this project. They come from clones of the SDKs' repositories, whose
paths are in PYTHON_SDK, JAVA_SDK, GO_SDK and NODE_SDK, and are patched and run by a rig of scripts
whose folder is in CONFORMANCE_RIG: `python.sh SDKREPO ENDPOINT INSTANCE ID SECRET OUTFILE` and the
same for java, go and node, each of which writes `pass|fail|error|skip<TAB>test<TAB>reason` lines.

What fails and is in `EXCEPTIONS` is expected; emulator/README.md names each with its reason. Other
failures of Java are tried a second time, alone: its client now and then reports a closed
connection, and on a busy machine a test takes longer than it may. The report names those.
Exit code 0: nothing else failed; 1: something did; 2: a suite could not run.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from emulator.local_server import LocalServer

LANGUAGES = ("python", "go", "node", "java")
OPTIONS = ("--table-names", "separate")
"""Beside any instance: the Java suite leaves tables behind whose names another class takes."""
INSTANCE, SECOND_INSTANCE = "demo", "demo-2"
SUITE_SECONDS = 3600.0
TEST_SECONDS = "180"
"""For one test unless CONF_TIMEOUT is set; the rig's own 60 is for a quiet machine."""
EXCEPTIONS: dict[str, str] = {
    "timeserieswriter.TestTimeseriesWriterParallel.testSimple": (
        "writes to the second instance, in which it never made its table; the vendor runs it where"
        " both names are one instance, which the tests of bulk import rule out"
    ),
    "functiontest.TimeseriesCustomPrimaryKeysTest.testNoMeasurements": (
        "stamps rows up to 9 us ahead of the clock and reads up to now: an answer can be too fast"
    ),
    "timeserieswriter.TestTimeseriesWriter.testWriteSameRow": (
        "counts the requests of an asynchronous writer, which at times sends more"
    ),
    "timeserieswriter.TestTimeseriesWriter.testWriteCallback": (
        "counts the requests of an asynchronous writer, which at times sends more"
    ),
}
"""Tests that may fail, and why. A class whose name goes on, such as TestTimeseriesWriterMutiTables,
has the same test and counts as the same."""


class Suite(NamedTuple):
    """The result of one SDK's suite."""

    language: str
    passed: int
    failed: list[tuple[str, str]]
    """Test and reason."""
    second: tuple[str, ...] = ()
    """Tests that passed only when they were tried a second time."""

    @property
    def unexpected(self) -> list[tuple[str, str]]:
        """What failed without being an exception."""
        return [(test, why) for test, why in self.failed if reason_of(test) is None]


def reason_of(test: str) -> str | None:
    """Return why a test may fail, None when it may not."""
    for known, reason in EXCEPTIONS.items():
        owner, _, method = known.rpartition(".")
        if test.startswith(owner) and test.endswith(f".{method}"):
            return reason
    return None


def missing(environment: Mapping[str, str]) -> list[str]:
    """Return what has to be set, or does not exist, one text each."""
    found = []
    rig = environment.get("CONFORMANCE_RIG", "")
    if not rig:
        found.append("CONFORMANCE_RIG is not set: the folder of the rig (python.sh, java.sh, ...)")
    elif not Path(rig, "python.sh").is_file():
        found.append(f"CONFORMANCE_RIG={rig} has no python.sh")
    for language in LANGUAGES:
        name = f"{language.upper()}_SDK"
        path = environment.get(name, "")
        if not path:
            found.append(f"{name} is not set: a clone of the {language} SDK's repository")
        elif not Path(path).is_dir():
            found.append(f"{name}={path} is not a folder")
    return found


def read_results(language: str, text: str) -> Suite:
    """Return the result of a rig's output file."""
    passed, failed = 0, []
    for line in text.splitlines():
        status, test, *why = line.split("\t", 2)
        if status == "pass":
            passed += 1
        elif status in ("fail", "error"):
            failed.append((test, why[0] if why else ""))
    return Suite(language, passed, failed)


def run_suite(language: str, environment: Mapping[str, str], folder: Path) -> Suite | None:
    """Run one suite, Java's unexpected failures twice; None when it could not run."""
    suite = _run_once(language, environment, folder)
    if suite is None or language != "java" or not suite.unexpected or "CONF_ONLY" in environment:
        return suite
    names = "|".join(test.replace(".", r"\.") for test, _ in suite.unexpected)
    again = _run_once(language, {**environment, "CONF_ONLY": f"^({names})$"}, folder)
    if again is None:
        return suite
    still = dict(again.failed)
    second = tuple(test for test, _ in suite.unexpected if test not in still)
    failed = [(test, still.get(test, why)) for test, why in suite.failed if test not in second]
    return Suite(language, suite.passed + len(second), failed, second)


def _run_once(language: str, environment: Mapping[str, str], folder: Path) -> Suite | None:
    """Run one suite on a server of its own."""
    out = folder / f"{language}.tsv"
    script = Path(environment["CONFORMANCE_RIG"], f"{language}.sh")
    repository = environment[f"{language.upper()}_SDK"]
    with LocalServer(*OPTIONS) as server, server.instance(INSTANCE) as instance:
        endpoint, key_id, secret, name = instance.arguments
        done = subprocess.run(
            [script, repository, endpoint, name, key_id, secret, out],
            env={"CONF_TIMEOUT": TEST_SECONDS, **environment, "CONF_INSTANCE2": SECOND_INSTANCE},
            stdin=subprocess.DEVNULL,
            timeout=SUITE_SECONDS,
        )
    return read_results(language, out.read_text("utf-8")) if done.returncode == 0 else None


def report(suites: Sequence[Suite]) -> str:
    """Return the table of results, and below it what failed."""
    lines = [f"{'SDK':7} | passed | failed | of these unexpected"]
    for suite in suites:
        counts = f"{suite.passed:6} | {len(suite.failed):6} | {len(suite.unexpected):6}"
        lines.append(f"{suite.language:7} | {counts}")
    for suite in suites:
        lines += [f"{suite.language} {test}: passed the second time" for test in suite.second]
        for test, why in suite.failed:
            reason = reason_of(test)
            lines.append(f"{suite.language} {test}: {why}")
            lines.append(f"    expected: {reason}" if reason else "    NOT EXPECTED")
    return "\n".join(lines)


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Run every suite whose repository is there; returns the exit code."""
    absent = missing(environment)
    for text in absent:
        sys.stderr.write(f"conformance: {text}\n")
    unset = {text.split("=")[0].split()[0] for text in absent}
    ready = [name for name in LANGUAGES if f"{name.upper()}_SDK" not in unset]
    if "CONFORMANCE_RIG" in unset:
        ready = []
    if not ready:
        sys.stderr.write("conformance: nothing can run. No SDK is part of this project.\n")
        return 2
    with tempfile.TemporaryDirectory() as name:
        results = [(language, run_suite(language, environment, Path(name))) for language in ready]
    suites = [suite for _, suite in results if suite is not None]
    sys.stdout.write(f"{report(suites)}\n")
    for language, suite in results:
        if suite is None:
            sys.stderr.write(f"conformance: the suite of {language} did not run, see above\n")
    if absent or len(suites) < len(results):
        return 2
    return 1 if any(suite.unexpected for suite in suites) else 0


if __name__ == "__main__":
    sys.exit(main())
