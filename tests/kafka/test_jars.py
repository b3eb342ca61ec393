"""Fetching Kafka's jars: once, by one run at a time, and with a reason when it cannot be done.

A stand-in for Maven notes its calls and writes the jar that the real one would bring.
"""

import threading
from pathlib import Path

import pytest

from localkafka import KafkaUnavailableError, available, jars

pytestmark = pytest.mark.unit

MAVEN = """#!/bin/sh
echo call >> "$CALLS"
for argument in "$@"; do
  case "$argument" in -DoutputDirectory=*) out="${argument#-DoutputDirectory=}";; esac
done
sleep 0.2
if [ -n "$FAIL" ]; then echo "[ERROR] the mirror said no"; exit 1; fi
mkdir -p "$out" && touch "$out/kafka_2.13-x.jar"
"""
JAVA = "#!/bin/sh\necho 'openjdk version \"{version}\" 2025' >&2\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty cache, Java 17 and a Maven that notes its calls."""
    programs = tmp_path / "bin"
    programs.mkdir()
    write(programs / "mvn", MAVEN)
    write(programs / "java", JAVA.format(version="17.0.1"))
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return tmp_path


def write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def calls(machine: Path) -> int:
    return len((machine / "calls").read_text().splitlines())


def test_jars_are_fetched_once(machine: Path) -> None:
    """The second run finds the jars of the first."""
    first = jars.class_path()
    assert list(Path(first).parent.glob("*.jar"))
    assert jars.class_path() == first
    assert calls(machine) == 1


def test_two_runs_do_not_fetch_at_once(machine: Path) -> None:
    """The second waits for the first, then uses what it fetched."""
    runs = [threading.Thread(target=jars.class_path) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert calls(machine) == 1
    assert jars.fetched()


def test_a_half_done_fetch_is_done_again(machine: Path) -> None:
    """Without the marker, which is written last, a folder of jars counts for nothing."""
    jars.class_path()
    (jars.cache_folder() / "complete").unlink()
    jars.class_path()
    assert calls(machine) == 2


def test_a_failing_maven_is_reported_with_its_output(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last lines say why, and the next run tries again."""
    monkeypatch.setenv("FAIL", "yes")
    with pytest.raises(KafkaUnavailableError, match="the mirror said no"):
        jars.class_path()
    monkeypatch.delenv("FAIL")
    assert not jars.fetched()
    jars.class_path()


def test_what_is_missing_is_named(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Java, with too old a Java, and without Maven and jars, the reason says so."""
    monkeypatch.setenv("PATH", str(machine / "bin"))
    assert available() is None
    (machine / "bin" / "mvn").unlink()
    assert "mvn" in (available() or "")
    write(machine / "bin" / "java", JAVA.format(version="11.0.2"))
    assert "version 11" in (available() or "")
    (machine / "bin" / "java").unlink()
    assert "no Java" in (available() or "")


def test_java_home_wins(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A JAVA_HOME is what its owner wants to use, also when it is wrong."""
    monkeypatch.setenv("JAVA_HOME", str(machine / "nowhere"))
    assert "nowhere" in (available() or "")
