"""Measures BatchWriteRow by hand: `python -m tests.emulator.measure [rows] [server options]`.

200 rows a request, 2 key and 11 attribute columns of all types, about 440 bytes each, durable
storage unless options say otherwise. Prints rows a second of wall time (one client, one request at
a time, signing included) and rows per CPU-second of the server process, which the client and other
processes do not disturb as much.
"""

import http.client
import os
import sys
import tempfile
import time

from tests.emulator.harness import Emulator, batch, row, running, signed_headers

_BATCH = 200


def _bodies(table: str, count: int) -> list[bytes]:
    bodies = []
    for start in range(0, count, _BATCH):
        rows = []
        for number in range(start, start + _BATCH):
            values = [number, f"value-{number}", number * 1.5, True, f"customer name {number}"]
            cells = [(f"column_{index:02}", values[index % 5]) for index in range(11)]
            rows.append(row([("k", f"key{number:07}"), ("id", number)], cells))
        bodies.append(batch((table, rows)).SerializeToString())
    return bodies


def _cpu_seconds(server: Emulator) -> float:
    with open(f"/proc/{server.process.pid}/stat", encoding="ascii") as stat:  # noqa: PTH123
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(count: int, *options: str) -> tuple[float, float]:
    """Return rows a second of wall time and rows per CPU-second of the server."""
    with tempfile.TemporaryDirectory() as folder, running("--data", folder, *options) as server:
        bodies = _bodies(server.make_table(), count)
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        cpu, started = _cpu_seconds(server), time.perf_counter()
        for body in bodies:
            headers = signed_headers("BatchWriteRow", body)
            connection.request("POST", "/BatchWriteRow", body, headers)
            response = connection.getresponse()
            content = response.read()
            if response.status != 200:
                raise RuntimeError(f"{response.status}: {content!r}")
        wall = time.perf_counter() - started
        used = _cpu_seconds(server) - cpu
        connection.close()
        return count / wall, count / used


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    wall_rate, cpu_rate = measure(wanted, *sys.argv[2:])
    sys.stdout.write(f"{wall_rate:,.0f} rows/s, {cpu_rate:,.0f} rows per CPU-second\n")
