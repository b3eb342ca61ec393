"""Fifty times kill -9 under load: what was acknowledged is there, what was not is whole or absent.

The server runs in a process forked from one that has imported it already, since importing would
take most of the time; it is killed like any other.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.wire import decoder
from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from emulator.wire.decoder import decode_row
from tests.emulator.harness import ROOT, batch, row, signed_headers

ROUNDS = 50
_SERIES = ("k", "id")
_CELLS = 20  # rows written again by every batch, beside ten new ones


class Forker:
    """The process that has imported the server."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.emulator.forker"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, line: str) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate(timeout=20)


class Life:
    """One life of the server."""

    def __init__(self, forker: Forker, folder: Path, number: int) -> None:
        self._forker = forker
        greeting = folder / f"greeting-{number}"
        arguments = ["--port", "0", "--data", str(folder / "data")]
        self._pid = forker.ask(json.dumps([str(greeting), *arguments]))
        try:
            self.port = self._read_port(greeting)
        except BaseException:
            self.kill()
            raise

    @staticmethod
    def _read_port(greeting: Path) -> int:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            text = greeting.read_text(encoding="utf-8") if greeting.exists() else ""
            if "ready " in text and text.endswith("\n"):
                return int(text.rpartition(":")[2])
            time.sleep(0.002)
        raise AssertionError("the server did not start")

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        assert self._forker.ask("") == -signal.SIGKILL


@pytest.fixture
def forker() -> Iterator[Forker]:
    found = Forker()
    yield found
    found.close()


class Connection:
    """One client that keeps its connection."""

    def __init__(self, port: int) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self._http.connect()
        self._http.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(self, api: str, message: Any) -> bytes:
        body = message.SerializeToString()
        self._http.request("POST", f"/{api}", body, signed_headers(api, body))
        response = self._http.getresponse()
        content = response.read()
        assert response.status == 200, content
        return content

    def close(self) -> None:
        self._http.close()


class Writer(threading.Thread):
    """Writes rows of its own until the server dies: ten new ones and twenty old ones a request."""

    def __init__(self, port: int, number: int, life: int) -> None:
        super().__init__(daemon=True)
        self._connection = Connection(port)
        self._name, self._life = f"writer{number}", life
        self.sent = self.acknowledged = 0
        """Requests of this life."""
        self.error: BaseException | None = None

    def run(self) -> None:
        while True:
            self.sent += 1
            stamp = self._life * 1_000_000 + self.sent
            rows = [row([("k", self._name), ("id", n)], [("c", stamp)]) for n in range(_CELLS)]
            fresh = f"{self._name}-{self._life}-{self.sent}"
            rows += [row([("k", fresh), ("id", n)], [("c", stamp)]) for n in range(10)]
            try:
                answer = self._connection.call("BatchWriteRow", batch(("t", rows)))
            except (OSError, http.client.HTTPException):
                return
            except BaseException as error:  # noqa: BLE001 - reported by the test's own thread
                self.error = error
                return
            found = wire.BatchWriteRowResponse.FromString(answer)
            assert all(one.is_ok for one in found.tables[0].rows)
            self.acknowledged = self.sent


def stored_rows(connection: Connection) -> dict[tuple[Any, Any], Any]:
    """Every row of the table: key to its value."""
    found: dict[tuple[Any, Any], Any] = {}
    begin = row_of_bounds(pb.INF_MIN)
    while begin:
        request = wire.GetRangeRequest(
            table_name="t",
            direction=0,
            max_versions=1,
            inclusive_start_primary_key=begin,
            exclusive_end_primary_key=row_of_bounds(pb.INF_MAX),
        )
        answer = wire.GetRangeResponse.FromString(connection.call("GetRange", request))
        for part in split_rows(answer.rows):
            decoded = decode_row(pb.HEADER + part)
            key = tuple(pb.python_value(value) for _, value in decoded.key)
            value = decoded.cells[0][2]
            assert value is not None
            found[key[0], key[1]] = pb.python_value(value)
        begin = answer.next_start_primary_key
    return found


def row_of_bounds(kind: int) -> bytes:
    cells = [(name.encode(), bytes((kind,))) for name in _SERIES]
    return pb.HEADER + pb.encode_row(cells)


def split_rows(buffer: bytes) -> list[bytes]:
    """The rows of an answer, one buffer each."""
    parts, position = [], 4
    while position < len(buffer):
        end = decoder._decode(buffer, position)[1]
        parts.append(buffer[position:end])
        position = end
    return parts


def create(connection: Connection) -> None:
    meta = wire.TableMeta(
        table_name="t",
        primary_key=[
            wire.PrimaryKeySchema(name="k", type=2),
            wire.PrimaryKeySchema(name="id", type=1),
        ],
    )
    request = wire.CreateTableRequest(
        table_meta=meta,
        reserved_throughput=wire.ReservedThroughput(capacity_unit=wire.CapacityUnit()),
        table_options=wire.TableOptions(time_to_live=-1, max_versions=1),
    )
    connection.call("CreateTable", request)


@pytest.mark.timeout(300)
def test_acknowledged_rows_survive_kill_9_fifty_times(tmp_path: Path, forker: Forker) -> None:
    """Two clients write at once; after each of 50 kills every acknowledged batch is there, whole.

    Of a batch without an answer all rows are there or none; a row written again and again has the
    value of its last acknowledged batch or of the one that was under way.
    """
    expected: dict[tuple[str, int], int] = {}
    batches = 0
    writers: list[Writer] = []
    for life in range(ROUNDS):
        server = Life(forker, tmp_path, life)
        try:
            connection = Connection(server.port)
            if life == 0:
                create(connection)
            else:
                check(connection, expected, writers, life - 1)
            connection.close()
            writers = [Writer(server.port, number, life) for number in range(2)]
            for writer in writers:
                writer.start()
            wanted = 3 + life % 7  # never at the same moment
            while any(writer.acknowledged < wanted for writer in writers):
                assert all(writer.is_alive() for writer in writers)
                time.sleep(0.001)
        finally:
            server.kill()
        for writer in writers:
            writer.join(20)
            assert not writer.is_alive()
            assert writer.error is None
            batches += writer.acknowledged
    assert batches >= ROUNDS * 2 * 3
    server = Life(forker, tmp_path, ROUNDS)
    try:
        check(Connection(server.port), expected, writers, ROUNDS - 1)
    finally:
        server.kill()


def check(
    connection: Connection,
    expected: dict[tuple[str, int], int],
    writers: list[Writer],
    life: int,
) -> None:
    """Compare the table with the last answers to the writers; then hold it as the new truth."""
    found = stored_rows(connection)
    for writer in writers:
        name, base = writer._name, life * 1_000_000
        stamps = {found[name, number] for number in range(_CELLS)}
        assert len(stamps) == 1, "a batch was torn"
        last = stamps.pop() - base
        assert writer.acknowledged <= last <= writer.sent
        expected |= {(name, number): base + last for number in range(_CELLS)}
        for request in range(1, last + 1):
            fresh = f"{name}-{life}-{request}"
            expected |= {(fresh, number): base + request for number in range(10)}
    assert found == expected
