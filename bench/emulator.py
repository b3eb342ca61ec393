"""The local Tablestore by itself: `python -m bench.emulator [rows] [--million]`.

BatchWriteRow of 200 rows (2 key and 11 attribute columns, about 440 bytes), one client, one request
at a time: checked in full and stored durably, and in discard mode. For comparison, the cost of
decoding alone: the same bodies parsed and every PlainBuffer row decoded, in this process. Rates are
rows per CPU-second of one core, which other processes disturb less than wall time; both are
printed. With `--million` it also fills a table with 1,000,000 rows, reads all of it by GetRange and
prints the server's memory.
"""

import argparse
import http.client
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from emulator.wire.decoder import decode_row
from tests.emulator.harness import Emulator, batch, row, running, signed_headers

_BATCH = 200


def bodies(table: str, rows: int, columns: int = 11) -> list[bytes]:
    """Serialized requests of 200 rows each."""
    made = []
    for start in range(0, rows, _BATCH):
        buffers = []
        for number in range(start, start + _BATCH):
            values = [number, f"value-{number}", number * 1.5, True, f"customer name {number}"]
            cells = [(f"column_{index:02}", values[index % 5]) for index in range(columns)]
            buffers.append(row([("k", f"key{number:07}"), ("id", number)], cells))
        made.append(batch((table, buffers)).SerializeToString())
    return made


def cpu_seconds(server: Emulator) -> float:
    """CPU time of the server so far."""
    stat = Path(f"/proc/{server.process.pid}/stat").read_text(encoding="ascii")
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(server: Emulator) -> float:
    """Memory of the server."""
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Sender:
    """One connection."""

    def __init__(self, server: Emulator) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)

    def send(self, api: str, body: bytes) -> bytes:
        """Return the body of the answer; raises RuntimeError for any status but 200."""
        self._http.request("POST", f"/{api}", body, signed_headers(api, body))
        response = self._http.getresponse()
        content = response.read()
        if response.status != 200:
            raise RuntimeError(f"{response.status}: {content!r}")
        return content


def writing(rows: int, *options: str) -> tuple[float, float]:
    """Rows per second of wall time, and per CPU-second of the server."""
    with tempfile.TemporaryDirectory() as folder, running("--data", folder, *options) as server:
        sender, made = Sender(server), bodies(server.make_table(), rows)
        cpu, wall = cpu_seconds(server), time.perf_counter()
        for body in made:
            sender.send("BatchWriteRow", body)
        wall = time.perf_counter() - wall
        return rows / wall, rows / (cpu_seconds(server) - cpu)


def decoding(rows: int) -> float:
    """Rows per CPU-second of parsing and decoding alone."""
    made = bodies("t", rows)
    started = time.process_time()
    for body in made:
        for part in wire.BatchWriteRowRequest.FromString(body).tables:
            for one in part.rows:
                decode_row(one.row_change)
    return rows / (time.process_time() - started)


def bound(kind: int) -> bytes:
    """The infinite end of a range."""
    return pb.HEADER + pb.encode_row([(name, bytes((kind,))) for name in (b"k", b"id")])


def scan(sender: Sender, table: str) -> tuple[int, int]:
    """Read a table to its end: requests and bytes of rows."""
    requests = size = 0
    begin = bound(pb.INF_MIN)
    while begin:
        request = wire.GetRangeRequest(
            table_name=table,
            direction=0,
            max_versions=1,
            inclusive_start_primary_key=begin,
            exclusive_end_primary_key=bound(pb.INF_MAX),
        )
        answer = sender.send("GetRange", request.SerializeToString())
        found = wire.GetRangeResponse.FromString(answer)
        requests, size = requests + 1, size + len(found.rows)
        begin = found.next_start_primary_key
    return requests, size


def million(rows: int = 1_000_000) -> dict[str, Any]:
    """Fill a table and read it whole; memory in MiB, times in seconds."""
    with tempfile.TemporaryDirectory() as folder, running("--data", folder) as server:
        sender, table = Sender(server), server.make_table()
        started = time.perf_counter()
        for body in bodies(table, 200, columns=2):
            sender.send("BatchWriteRow", body)
        small = resident_mib(server)
        step = 100_000
        for first in range(0, rows, step):
            for body in bodies_from(table, first, step):
                sender.send("BatchWriteRow", body)
        written = time.perf_counter() - started
        filled = resident_mib(server)
        started, cpu = time.perf_counter(), cpu_seconds(server)
        requests, size = scan(sender, table)
        stats = server.stats()["tables"]["demo"][table]
        return {
            "rows": stats,
            "written_s": written,
            "scan_s": time.perf_counter() - started,
            "scan_cpu_s": cpu_seconds(server) - cpu,
            "requests": requests,
            "mib_read": size / 2**20,
            "start_mib": small,
            "filled_mib": filled,
            "scanned_mib": resident_mib(server),
        }


def bodies_from(table: str, first: int, rows: int) -> list[bytes]:
    """Requests of small rows (2 key columns, 1 attribute), numbered from `first`."""
    return [
        batch(
            (
                table,
                [
                    row([("k", f"key{number:07}"), ("id", number)], [("c", number)])
                    for number in range(start, start + _BATCH)
                ],
            )
        ).SerializeToString()
        for start in range(first, first + rows, _BATCH)
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.emulator", description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=50_000)
    parser.add_argument("--million", action="store_true")
    given = parser.parse_args()
    lines = []
    for name, options in (("checked, stored durably", ()), ("checked, discarded", ("--discard",))):
        wall, cpu = writing(given.rows, *options)
        lines.append(f"{name:26} {wall:10,.0f} rows/s {cpu:10,.0f} rows per CPU-second")
    lines.append(f"{'decoding alone':26} {'':17} {decoding(given.rows):10,.0f} rows per CPU-second")
    if given.million:
        found = million()
        lines += [f"{name:26} {value:17,.1f}" for name, value in found.items()]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
