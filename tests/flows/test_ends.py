"""How a run that cannot go on says so: one message of ours with the remedy, nothing before it."""

import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.conftest import Case
from tests.support.flow_process import FlowProcess
from tests.support.ledger import Rejected
from tests.support.wait import until


def ends_with(process: FlowProcess, *words: str) -> str:
    """It ends with code 1, these words and the remedy, and no trace of Rust or Python."""
    text = process.refused("stopped: ", "remedy: ", *words)
    for noise in ("panicked", "Traceback", "RUST_BACKTRACE", "Any", "Rust", "src/"):
        assert noise not in text, text
    assert text.count("stopped: ") == 1, text
    return text


@pytest.fixture
def case(embedded_case: Case) -> Case:
    """Run these tests on the embedded Kafka only."""
    embedded_case.store.create_table(embedded_case.topic)
    return embedded_case


@pytest.mark.parametrize("options", [(), ("-w", "2")])
def test_an_ordered_stop_in_a_step(case: Case, options: tuple[str, ...]) -> None:
    """The first rejected record, with tolerance none; by one worker or two."""
    case.producer.send(case.topic, b"{", lambda *_: Rejected(), partition=0)
    case.producer.flush()
    ends_with(case.flow.start(*options), "value_json_invalid")
    assert not list(case.flow.state.glob("*.stderr"))


def test_an_ordered_stop_at_the_start(embedded_case: Case) -> None:
    """A table that does not exist ends the run with an ordered stop at its start."""
    ends_with(embedded_case.flow.start(), "does not exist", "auto_create")


def test_a_peer_that_died(case: Case) -> None:
    """The processes of a cluster that are left say what happened."""
    first, second = case.flow.start_cluster(2)
    case.orders(100)
    case.wait_written(100)
    second.kill()
    ends_with(first, "another process", "start all processes again")


@pytest.fixture
def small_disk(case: Case) -> Iterator[Path]:
    """The recovery folder on a disk of its own, 3 MiB large; skipped where none can be made."""
    state = case.flow.state
    state.mkdir(mode=0o700, parents=True)
    size = ["-o", "size=3m,mode=700"]
    done = subprocess.run(["mount", "-t", "tmpfs", *size, "none", state], check=False)
    if done.returncode:
        pytest.skip("needs the right to mount")
    yield state
    case.flow.stop_all()
    subprocess.run(["umount", state], check=True)


def fill(folder: Path) -> Path:
    """Write until nothing more goes onto the disk."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return filler


@pytest.mark.P1
@pytest.mark.fault("process", "a full disk")
def test_a_disk_that_is_full(case: Case, small_disk: Path) -> None:
    """While it runs, at the next start, and with room again nothing is missing."""
    process = case.flow.start()
    case.orders(100)
    case.wait_written(100, process)
    filler = fill(small_disk)
    case.orders(300, first=100)
    ends_with(process, "cannot be written", "make room on the disk", "nothing is lost")
    filler.unlink()
    process = case.flow.start()
    case.wait_committed(process)
    process.drain()
    case.verdict(minimum=400)


def test_a_disk_that_is_full_at_the_first_start(case: Case, small_disk: Path) -> None:
    """A disk full at the first start ends the run with its path; with room, the run works."""
    filler = fill(small_disk)
    ends_with(case.flow.start(), str(small_disk))
    filler.unlink()
    case.orders(10)
    process = case.flow.start()
    case.wait_written(10, process)
    process.drain()


@pytest.mark.P5
@pytest.mark.fault("process", "a read-only disk")
def test_a_disk_that_is_read_only(case: Case, small_disk: Path) -> None:
    """A disk that turns read-only, as after a crash, ends the run with an ordered stop."""
    case.orders(10)
    process = case.flow.start()
    case.wait_written(10, process)
    process.drain()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    ends_with(case.flow.start(), "Read-only file system", str(small_disk))


def test_a_limit_on_files(case: Case) -> None:
    """A file-size limit, which SQLite reports as a disk error, ends the run and loses nothing."""
    case.orders(100)
    process = case.flow.start()
    case.wait_written(100, process)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1 << 12, 1 << 12))
    case.orders(100, first=100)
    ends_with(process, "cannot be written", "nothing is lost")


def test_a_crash_loses_no_word(case: Case) -> None:
    """Dead by a signal, it shows its stack at once, and the next start what it wrote last."""
    process = case.flow.start()
    case.orders(10)
    case.wait_written(10, process)
    descriptor = Path(f"/proc/{process.pid}/fd/2")
    with descriptor.open("ab", buffering=0) as stderr:
        os.kill(process.pid, signal.SIGSTOP)  # so that it is not copied any more
        stderr.write(b"free(): the last words\n")
        os.kill(process.pid, signal.SIGSEGV)
        os.kill(process.pid, signal.SIGCONT)
    assert process.wait() == -signal.SIGSEGV
    assert "Fatal Python error: Segmentation fault" in process.text()
    again = case.flow.start()
    until(lambda: "the last words" in again.text(), again.text)
    again.drain()


def test_what_others_write_to_stderr_comes_through(case: Case) -> None:
    """Such as a C library, at once; and a panic after which the run goes on, later."""
    process = case.flow.start()
    case.orders(10)
    case.wait_written(10, process)
    with Path(f"/proc/{process.pid}/fd/2").open("ab", buffering=0) as stderr:
        stderr.write(b"a line of a library\n")
        until(lambda: "a line of a library\n" in process.text(), process.text)
        stderr.write(b"thread 'other' panicked at src/x.rs:1:1:\nof no importance\n\n")
    assert "of no importance" not in process.text()
    process.drain()
    assert "of no importance" in process.text()
