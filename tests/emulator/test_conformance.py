"""`make conformance`, with a rig made up here: the vendor's suites are not part of this project."""

import stat
from pathlib import Path

import pytest

from tests.emulator import conformance
from tests.emulator.harness import ROOT

README = (ROOT / "emulator" / "README.md").read_text(encoding="utf-8")
RIG = """#!/bin/sh
[ -d "$1" ] || exit 2
case $0 in *java.sh) sed s/LANGUAGE/$3/ "$1/results" >"$6" ;; *) echo "pass	one	" >"$6" ;; esac
"""


def rig(folder: Path, results: str) -> dict[str, str]:
    """An environment in which every suite passes one test, and Java's has `results`."""
    environment = {"PATH": "/usr/bin:/bin", "CONFORMANCE_RIG": str(folder)}
    for language in conformance.LANGUAGES:
        script = folder / f"{language}.sh"
        script.write_text(RIG)
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        repository = folder / f"{language}-sdk"
        repository.mkdir()
        (repository / "results").write_text(results)
        environment[f"{language.upper()}_SDK"] = str(repository)
    return environment


def test_it_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert conformance.main({"GO_SDK": "/no/such/folder"}) == 2
    shown = capsys.readouterr().err
    for text in (
        "CONFORMANCE_RIG is not set: the folder of the rig",
        "PYTHON_SDK is not set: a clone of the python SDK's repository",
        "GO_SDK=/no/such/folder is not a folder",
        "nothing can run",
    ):
        assert text in shown


def test_known_failures_are_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is shown with its reason; the others of the suite count."""
    known = "timeserieswriter.TestTimeseriesWriterInnerConstructClient.testWriteSameRow"
    environment = rig(tmp_path, f"pass\ta.b\t\nfail\t{known}\texpected 1 but was 2\n")
    assert conformance.main(environment) == 0
    shown = capsys.readouterr().out
    assert "java    |      1 |      1 |      0" in shown
    assert "python  |      1 |      0 |      0" in shown
    assert f"java {known}: expected 1 but was 2\n    expected: counts the requests" in shown


def test_any_other_failure_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environment = rig(tmp_path, "error\tfunctiontest.APITest.testCase1\ttimeout\nskip\tx\t\n")
    assert conformance.main(environment) == 1
    assert "functiontest.APITest.testCase1: timeout\n    NOT EXPECTED" in capsys.readouterr().out


def test_what_passes_the_second_time_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Java's failures are tried again alone, unless only some tests were asked for."""
    environment = rig(tmp_path, "pass\ta.b\t\nerror\tc.flaky\ttimeout\nfail\tc.broken\tno\n")
    script = tmp_path / "java.sh"
    script.write_text(
        "#!/bin/sh\n"
        'echo "$CONF_TIMEOUT $CONF_ONLY" >>"$1/asked"\n'
        'if [ -z "$CONF_ONLY" ]; then cat "$1/results"; else\n'
        "printf 'pass\\tc.flaky\\t\\nfail\\tc.broken\\tstill no\\n'; fi >\"$6\"\n"
        '[ -n "$CONF_ONLY" ] || cp "$1/results" "$6"\n'
    )
    assert conformance.main(environment) == 1
    shown = capsys.readouterr().out
    assert "java    |      2 |      1 |      1" in shown
    assert "java c.flaky: passed the second time" in shown
    assert "java c.broken: still no\n    NOT EXPECTED" in shown
    asked = (tmp_path / "java-sdk" / "asked").read_text().splitlines()
    assert asked == ["180 ", r"180 ^(c\.flaky|c\.broken)$"]
    assert conformance.main({**environment, "CONF_ONLY": "c.flaky"}) == 1
    assert len((tmp_path / "java-sdk" / "asked").read_text().splitlines()) == 3


def test_one_absent_repository_leaves_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = rig(tmp_path, "pass\ta\t\n")
    del environment["NODE_SDK"]
    assert conformance.main(environment) == 2
    said = capsys.readouterr()
    assert "NODE_SDK is not set" in said.err
    assert "java    |      1" in said.out


def test_at_most_five_tests_are_excepted_each_with_its_reason_in_the_readme() -> None:
    assert len(conformance.EXCEPTIONS) <= 5
    for test in conformance.EXCEPTIONS:
        owner, _, method = test.rpartition(".")
        assert f"`{owner.rpartition('.')[2]}.{method}`" in README
