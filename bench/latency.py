"""From append to readable row: `python -m bench.latency` (see bench/README.md).

Records come at a steady rate, each with the time at which it was appended. A row counts from that
time to the time at which the service had it, in milliseconds. The service answers at once.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from confluent_kafka import Producer
from rich.console import Console
from rich.table import Table

import localkafka
from bench import constant_server as service
from bench.kafka import PARTITIONS
from bench.processes import (
    ConstantServer,
    MeasurementError,
    Watched,
    constant_server,
    watched,
)
from bench.report import Goal, conclude

_TOPIC = "orders"
_MARGIN = 150.0  # milliseconds above window.age
_WARM_UP = 5.0  # seconds that are left out: a broker that has just started is slow for some
_TICK = 0.005
_CONFIG = """\
[kafka]
bootstrap_servers = "{bootstrap}"
topics = ["orders"]
group = "bench-latency"

[tablestore]
endpoint = "{endpoint}"
instance = "bench"
"""


@dataclass(frozen=True)
class Result:
    """Milliseconds from append to readable row."""

    age: float
    """Of the window, in seconds."""
    rows: int
    p50: float
    p90: float
    p99: float
    max: float
    cores: float
    """CPU seconds a second of the flow."""


class Feed:
    """Appends records at a steady rate, each with the time of its append."""

    def __init__(self, bootstrap: str, rate: float, seconds: float) -> None:
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "linger.ms": 0, "acks": "1", "log_level": 1}
        )
        self._rate = rate
        self.sent = 0
        self._thread = threading.Thread(target=self._append_for, args=(seconds,))

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self) -> None:
        """Wait until all is appended. Raises MeasurementError."""
        self._thread.join()
        if self._producer.flush(30):
            raise MeasurementError("Kafka did not take all records")

    def warm_up(self) -> None:
        """Append some seconds at the same rate."""
        self._append_for(_WARM_UP)
        self._producer.flush(30)

    def _append(self, at: int) -> None:
        value = f'{{"at_us":{at},"number":{self.sent},"note":"{"x" * 160}"}}'
        self._producer.produce(_TOPIC, value, partition=self.sent % PARTITIONS)
        self.sent += 1

    def _append_for(self, seconds: float) -> None:
        began, before = time.time(), self.sent
        while (now := time.time()) - began < seconds:
            due = int((now - began) * self._rate) + before
            while self.sent < due:
                self._append(time.time_ns() // 1000)
            self._producer.poll(0)
            time.sleep(_TICK)


def _wait(process: Watched, server: ConstantServer, feed: Feed) -> None:
    """Until every row has arrived. Raises MeasurementError."""
    until = time.monotonic() + 60
    while server.counts()["rows"] < feed.sent:
        if time.monotonic() > until or not process.running:
            raise MeasurementError(f"rows are missing\n{process.log()[-3000:]}")
        time.sleep(0.1)


def measure(age: float | None, rate: float, seconds: float) -> Result:
    """Run the flow with a window.age (None: the default). Raises MeasurementError."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        localkafka.ApacheKafka({_TOPIC: PARTITIONS}) as broker,
        constant_server(0, "--times", "at_us") as server,
    ):
        config = Path(folder) / "config.toml"
        window = "" if age is None else f"[window]\nage = {age}\n"
        text = _CONFIG.format(bootstrap=broker.bootstrap, endpoint=server.endpoint)
        config.write_text(text + window)
        program = ["-m", "bytewax.run", "flows.sync", "-r", f"{folder}/state", "-s", "5", "-b", "0"]
        environment = {
            "SYNC_CONFIG": str(config),
            "ALIBABA_CLOUD_ACCESS_KEY_ID": service.ACCESS_KEY_ID,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": service.ACCESS_KEY_SECRET,
        }
        with watched(program, environment) as process:
            feed = Feed(broker.bootstrap, rate, seconds)
            feed.warm_up()
            _wait(process, server, feed)
            before = feed.sent
            feed.start()
            began, cpu = time.monotonic(), process.cpu_seconds()
            feed.join()
            cores = (process.cpu_seconds() - cpu) / (time.monotonic() - began)
            _wait(process, server, feed)
            process.stop()
            found = sorted(server.delays(skip=before))
    p50, p90, p99 = (round(found[int(len(found) * part)], 1) for part in (0.5, 0.9, 0.99))
    number, slowest = len(found), round(found[-1], 1)
    return Result(0.5 if age is None else age, number, p50, p90, p99, slowest, round(cores, 2))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure with the default window and a short one, and report."""
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=__doc__)
    parser.add_argument("--rate", type=float, default=1000.0, help="records a second")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 110)
    try:
        results = [measure(age, options.rate, options.seconds) for age in (None, 0.05)]
    except (MeasurementError, localkafka.KafkaUnavailableError) as error:
        console.print(f"bench: {error}", markup=False, highlight=False)
        return 1
    table = Table(title=f"From append to readable row, {options.rate:,.0f} records/s, ms")
    for name in ("window.age", "rows", "p50", "p90", "p99", "max", "cores"):
        table.add_column(name, justify="right")
    for each in results:
        table.add_row(*(f"{value:,}" for value in asdict(each).values()))
    console.print(table)
    goals = [
        Goal(f"p99 in ms, window.age = {each.age:g}", each.p99, each.age * 1000 + _MARGIN, False)
        for each in results
    ]
    conclude(console, results, goals, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
