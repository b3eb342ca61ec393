"""`python -m localkafka` as a process: what the demo and the benchmarks rely on."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka import Producer

from tests.support.wait import PATIENCE, until

ROOT = Path(__file__).parents[2]


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "localkafka", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ready(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    word, _, address = process.stdout.readline().strip().partition(" ")
    assert word == "ready"
    return address


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_a_signal(number: signal.Signals) -> None:
    """The line `ready` means that clients get the topics; the signal ends it with code 0."""
    with start("--topic", "orders:4", "--topic", "more:2") as process:
        try:
            found = Producer({"bootstrap.servers": ready(process)}).list_topics(timeout=30).topics
            assert {name: len(topic.partitions) for name, topic in found.items()} == {
                "orders": 4,
                "more": 2,
            }
            process.send_signal(number)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()


@pytest.mark.kafka
def test_the_real_broker_serves_until_a_signal(apache_broker: object) -> None:
    """With --apache the same holds, and the broker's own process is gone afterwards."""
    with start("--apache", "--topic", "orders:3") as process:
        try:
            address = ready(process)
            found = Producer({"bootstrap.servers": address}).list_topics(timeout=30).topics
            assert len(found["orders"].partitions) == 3
            process.terminate()
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
    assert not listening(address)


def listening(address: str) -> bool:
    import socket

    host, _, port = address.partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.mark.kafka
def test_the_broker_dies_with_its_starter(apache_broker: object) -> None:
    """A starter that is killed outright leaves no broker behind."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the parent death signal is Linux's")
    with start("--apache") as process:
        try:
            address = ready(process)
        finally:
            process.kill()
    until(lambda: not listening(address), "the broker is gone")


def test_it_ends_with_its_parent_when_asked() -> None:
    """With --exit-with-parent nothing is left behind after the starting process."""
    program = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'localkafka', '--exit-with-parent'],"
        " stdout=subprocess.PIPE, text=True)\n"
        "print(child.pid, child.stdout.readline(), flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE
    )
    pid = int(done.stdout.split()[0])

    def gone() -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        # A zombie without a parent that collects it (a bare container) has ended as well.
        status = Path(f"/proc/{pid}/stat")
        return status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z"

    try:
        until(gone, "the embedded Kafka ended with its parent")
    finally:
        if not gone():
            os.kill(pid, signal.SIGKILL)


def test_a_wrong_topic_is_refused_in_words() -> None:
    """The command line says what a topic looks like."""
    done = subprocess.run(
        [sys.executable, "-m", "localkafka", "--topic", "orders"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 2
    assert "orders:4" in done.stderr
