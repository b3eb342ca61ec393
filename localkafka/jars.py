"""The jars of Apache Kafka: fetched once by Maven, kept in the user's cache folder.

Maven's own settings decide where the jars come from (mirrors, proxies, offline repositories), so
no address is named here. The broker is complete in the artifact kafka_2.13; kafka-tools brings
the command line tools, of which the consumer group tool is used as the judge of lag.
"""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KAFKA_VERSION = "4.3.1"
"""4.3.1 is the newest release whose kafka-tools is published beside the broker (4.4.0: not yet)."""
_LOG4J_VERSION = "2.25.1"
_JAVA_NEEDED = 17
_FETCH_SECONDS = 900.0

_ARTIFACTS = (
    ("org.apache.kafka", "kafka_2.13", KAFKA_VERSION),
    ("org.apache.kafka", "kafka-tools", KAFKA_VERSION),
    ("org.apache.logging.log4j", "log4j-slf4j-impl", _LOG4J_VERSION),
    ("org.apache.logging.log4j", "log4j-core", _LOG4J_VERSION),
)


class KafkaUnavailableError(RuntimeError):
    """Apache Kafka cannot run here; the text says why and what would help."""


def cache_folder() -> Path:
    """Where the jars of this Kafka version live (XDG base directory rules)."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "bytewax-tablestore" / f"kafka-{KAFKA_VERSION}"


def find_java() -> str:
    """The Java program, of version 17 or newer; raises KafkaUnavailableError."""
    home = os.environ.get("JAVA_HOME")
    candidate = str(Path(home) / "bin" / "java") if home else "java"
    java = shutil.which(candidate)
    if java is None:
        raise KafkaUnavailableError(
            f"no Java: {candidate} not found (Java {_JAVA_NEEDED} is needed)"
        )
    # `-version` is the spelling that every Java release understands; it answers on stderr.
    answer = subprocess.run(
        [java, "-version"], capture_output=True, check=False, text=True, timeout=60
    )
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr)
    if found is None or int(found.group(1)) < _JAVA_NEEDED:
        release = found.group(1) if found else "unknown"
        raise KafkaUnavailableError(f"Java {_JAVA_NEEDED} is needed, {java} is version {release}")
    return java


def fetched() -> bool:
    """Whether the jars of exactly these artifacts are in the cache."""
    marker = cache_folder() / "complete"
    return marker.is_file() and marker.read_text(encoding="utf-8") == _pom()


def find_maven() -> str:
    """The Maven program; raises KafkaUnavailableError."""
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaUnavailableError(
            "no Maven: `mvn` not found, and Kafka's jars are not in the cache"
        )
    return maven


def class_path() -> str:
    """Java class path of the broker and its tools, fetched first where they are missing.

    Takes half a minute the first time. Raises KafkaUnavailableError where Maven is missing or
    fails.
    """
    folder = cache_folder()
    if not fetched():
        maven = find_maven()
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder / "fetch.lock"):
            if not fetched():  # another run may have done it meanwhile
                _fetch(maven, folder)
    return str(folder / "lib" / "*")


def _pom() -> str:
    dependencies = "".join(
        f"  <dependency><groupId>{group}</groupId><artifactId>{name}</artifactId>"
        f"<version>{version}</version></dependency>\n"
        for group, name, version in _ARTIFACTS
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0">\n'
        " <modelVersion>4.0.0</modelVersion>\n"
        " <groupId>local</groupId><artifactId>kafka-broker</artifactId><version>1</version>\n"
        " <packaging>pom</packaging>\n"
        f" <dependencies>\n{dependencies} </dependencies>\n"
        "</project>\n"
    )


def _fetch(maven: str, folder: Path) -> None:
    """Let Maven copy the jars next to their final folder, then move them there in one step."""
    pom, library = folder / "pom.xml", folder / "lib"
    pom.write_text(_pom(), encoding="utf-8")
    with tempfile.TemporaryDirectory(dir=folder, prefix="fetch-") as scratch:
        target = Path(scratch) / "lib"
        program = [maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies"]
        options = ["-DincludeScope=runtime", f"-DoutputDirectory={target}"]
        try:
            done = subprocess.run(
                [*program, *options],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=_FETCH_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise KafkaUnavailableError(
                f"Maven did not fetch Kafka's jars within {_FETCH_SECONDS:.0f} s"
            ) from error
        if done.returncode != 0 or not any(target.glob("kafka_*.jar")):
            raise KafkaUnavailableError(
                f"Maven could not fetch Kafka's jars (exit code {done.returncode}); its last "
                f"lines:\n{_tail(done.stdout)}"
            )
        shutil.rmtree(library, ignore_errors=True)
        target.rename(library)
    (folder / "complete").write_text(_pom(), encoding="utf-8")


def _tail(text: str, lines: int = 12) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an advisory lock on a file; a second process waits for the first."""
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
