"""Tables that are throttled: `python -m bench.throttling` (see bench/README.md).

The flow runs against the local Tablestore with a limit on what its tables take, or against a
service that answers later and later. For each case: what was written of what the limit allows
(goodput), the share of rows that were refused, how soon the rate is back once the limit is lifted,
and whether each key ended at its last record. A missed goal is no failure; lost order is.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import tablestore
from confluent_kafka import Producer
from rich.console import Console
from rich.table import Table

import localkafka
from bench import constant_server as service
from bench.kafka import filled_topic
from bench.processes import MeasurementError, Watched, constant_server, watched
from bench.report import Goal
from emulator.local_server import Instance, LocalServer

_PARTITIONS = 4
_LOOK = 0.25  # seconds between two looks
_PAD = "x" * 150
_KEYS = 20_000
_CONFIG = """\
[kafka]
bootstrap_servers = "{bootstrap}"
topics = {topics}
group = "bench-throttling"

[tablestore]
endpoint = "{endpoint}"
instance = "{instance}"

{table}"""
_TABLE = """\
[table]
primary_key_mode = "record_value"
primary_key = [{ name = "part" }, { name = "id" }]
auto_create = true
"""


@dataclass(frozen=True)
class Case:
    """One throttled run. Times are in seconds, rates in rows a second."""

    name: str
    limit: float
    seconds: float
    limits: dict[str, Any]
    """Of the table `limited`, as the local Tablestore takes them."""
    latency_ms: float = 0.0
    free_topic: bool = False
    """A second topic, whose table has no limit."""
    hot_share: float = 0.0
    """Records of one partition key, of all."""
    before: float = 0.0
    """Time without a limit before it."""
    after: float = 0.0
    """Time without a limit after it."""


CASES = (
    Case("200 rows/s", 200, 30, {"write": 200}),
    Case("200 rows/s, 20 ms", 200, 30, {"write": 200}, latency_ms=20),
    Case("5,000 rows/s", 5000, 20, {"write": 5000}),
    Case("2,000 rows/s, no burst", 2000, 20, {"write": 2000, "burst": 0.05}),
    Case("one of two tables", 500, 20, {"write": 500}, free_topic=True),
    Case("hot partition key", 300, 20, {"partition_key": 300}, hot_share=0.5),
    Case("500 rows/s, lifted", 500, 12, {"write": 500}, before=8, after=15),
)
_QUEUE = "answers later and later"
_READY = 40_000  # rows a second that are ready for a time without a limit
_ONSET = 2.0  # seconds
_LIMITED = "limited"


@dataclass
class Result:
    """What one case has shown. Rates are in rows a second."""

    case: str
    limit: float
    written: float
    """Rows written a second, from two seconds after the limit was set."""
    goodput: float
    """The same, of the limit."""
    refused: float
    """Share of the rows sent that were refused, from two seconds after the limit was set."""
    refused_at_first: int
    """Rows refused in the two seconds before."""
    in_order: bool
    """Whether every key ended at its last record."""
    free: float = 0.0
    """Rows written a second before the limit, or to the table that has none."""
    back_after: float = 0.0
    """Seconds from the end of the limit to 90 % of the rate before it."""
    longest_queue: float = 0.0
    """Seconds of work that waited at the service, at most, after the first ten seconds."""


def _record(number: int, topic: str, case: Case) -> tuple[str, bytes]:
    """Key and value; a key comes again after some thousands of others."""
    # Rows are counted by table there, so none may replace another one.
    keys = sys.maxsize if case.free_topic and topic == _LIMITED else _KEYS
    key = f"{number % keys}"
    hot = case.hot_share * 100 > int(key) % 100
    part = "hot" if hot else f"{int(key) * 2654435761 % 2**32:08x}"
    return key, json.dumps({"part": part, "id": key, "number": number, "pad": _PAD}).encode()


def fill(bootstrap: str, topic: str, rows: int, case: Case) -> dict[str, int]:
    """Write records, those of a key to one partition; returns the last number of each key.

    Raises MeasurementError.
    """
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 50, "batch.size": 1 << 19})
    last: dict[str, int] = {}
    for number in range(rows):
        key, value = _record(number, topic, case)
        last[key] = number
        while True:
            try:
                producer.produce(topic, value, partition=int(key) % _PARTITIONS)
                break
            except BufferError:
                producer.poll(0.05)
        if number % 1000 == 0:
            producer.poll(0)
    if producer.flush(120):
        raise MeasurementError("Kafka did not take all records")
    return last


class Sample(NamedTuple):
    """The counts of the service at one time."""

    at: float
    written: int
    free: int
    """Rows written to the table without a limit."""
    refused: int


class Watch:
    """What the local Tablestore counts while a flow runs."""

    def __init__(self, instance: Instance, process: Watched, free_topic: bool) -> None:
        self._instance = instance
        self._process = process
        self._free_topic = free_topic

    def look(self) -> Sample:
        """The counts now. Raises MeasurementError when the flow has ended."""
        if not self._process.running:
            raise MeasurementError("the flow has ended")
        stats = self._instance.server.control("/-/stats")
        written, free = stats["rows_written"], 0
        if self._free_topic:
            limited = stats["tables"].get(self._instance.name, {}).get(_LIMITED, 0)
            written, free = limited, written - limited
        return Sample(time.monotonic(), written, free, sum(stats["throttled"].values()))

    def watch(self, seconds: float) -> list[Sample]:
        """The samples of so long."""
        samples = [self.look()]
        while samples[-1].at - samples[0].at < seconds:
            time.sleep(_LOOK)
            samples.append(self.look())
        return samples

    def wait(self, done: Callable[[Sample, Sample], bool], seconds: float) -> None:
        """Wait until `done` is true of two samples that are a second apart."""
        until = time.monotonic() + seconds
        before = self.look()
        while time.monotonic() < until:
            time.sleep(1)
            now = self.look()
            if done(before, now):
                return
            before = now
        raise MeasurementError(f"not done within {seconds:g} s")


@contextmanager
def _flow(
    bootstrap: str, topics: Sequence[str], where: tuple[str, str, str, str], table: str = _TABLE
) -> Iterator[Watched]:
    """`where` is endpoint, key id, secret and instance."""
    endpoint, key_id, secret, instance = where
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        config = Path(folder) / "config.toml"
        config.write_text(
            _CONFIG.format(
                bootstrap=bootstrap,
                topics=json.dumps([*topics]),
                endpoint=endpoint,
                instance=instance,
                table=table,
            )
        )
        program = ["-m", "bytewax.run", "flows.sync", "-r", f"{folder}/state", "-s", "5", "-b", "0"]
        environment = {
            "SYNC_CONFIG": str(config),
            "ALIBABA_CLOUD_ACCESS_KEY_ID": key_id,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": secret,
        }
        with watched(program, environment) as process:
            try:
                yield process
            except MeasurementError as error:
                raise MeasurementError(f"{error}\n{process.log()[-3000:]}") from None


def measure(case: Case) -> Result:
    """Run the flow through one case. Raises MeasurementError."""
    free_seconds = case.before + case.after
    rows = int(case.limit * (case.seconds + 5) * (2.5 if case.hot_share else 1.3))
    topics = {_LIMITED: rows + int(_READY * free_seconds)}
    if case.free_topic:
        topics["free"] = int(_READY * case.seconds)
    with (
        localkafka.ApacheKafka(dict.fromkeys(topics, _PARTITIONS)) as broker,
        LocalServer("--latency", f"{case.latency_ms}") as server,
        server.instance("bench") as instance,
    ):
        last = {topic: fill(broker.bootstrap, topic, n, case) for topic, n in topics.items()}
        limits = {**case.limits, "table": _LIMITED}
        if not case.before:
            instance.throughput(**limits)
        with _flow(broker.bootstrap, [*topics], instance.arguments) as process:
            watch = Watch(instance, process, case.free_topic)
            watch.wait(lambda _, now: now.written > 0, 60)
            before = watch.watch(case.before)
            if case.before:
                instance.throughput(**limits)
            limited = watch.watch(case.seconds)
            instance.throughput()
            after = watch.watch(case.after)
            # What is left, so that each key has had its last record.
            watch.wait(lambda then, now: then == now._replace(at=then.at), 120)
            code = process.stop()
            if code:
                raise MeasurementError(f"exit code {code}\n{process.log()[-3000:]}")
        in_order = all(_numbers(instance, topic) == last[topic] for topic in topics)
    return _result(case, before, limited, after, in_order)


def _result(
    case: Case,
    before: Sequence[Sample],
    limited: Sequence[Sample],
    after: Sequence[Sample],
    in_order: bool,
) -> Result:
    steady = [each for each in limited if each.at - limited[0].at >= _ONSET]
    seconds, written, others, refused = _difference(steady[0], steady[-1])
    free = others / seconds
    back = 0.0
    if case.before:
        # The last seconds, as the start takes a while.
        recent = [each for each in before if before[-1].at - each.at <= 3]
        free = _difference(recent[0], recent[-1])[1] / (recent[-1].at - recent[0].at)
        back = _back_after(after, 0.9 * free)
    limit = case.limit * (2 if case.hot_share else 1)
    return Result(
        case.name,
        limit,
        written / seconds,
        written / seconds / limit,
        refused / max(1, refused + written + others),
        steady[0].refused - limited[0].refused,
        in_order,
        free,
        back,
    )


def _difference(first: Sample, last: Sample) -> tuple[float, int, int, int]:
    """Seconds, and what was written and refused in them."""
    return (
        last.at - first.at,
        last.written - first.written,
        last.free - first.free,
        last.refused - first.refused,
    )


def _back_after(samples: Sequence[Sample], rate: float) -> float:
    """Seconds until a second with so many rows had begun; infinite when none had."""
    for number, first in enumerate(samples):
        for last in samples[number + 1 :]:
            if last.at - first.at >= 1:
                if (last.written - first.written) / (last.at - first.at) >= rate:
                    return first.at - samples[0].at
                break
    return math.inf


def _numbers(instance: Instance, table: str) -> dict[str, int]:
    """The number in the row of each key."""
    client = tablestore.OTSClient(*instance.arguments, socket_timeout=60)
    start: Any = [("part", tablestore.INF_MIN), ("id", tablestore.INF_MIN)]
    end = [("part", tablestore.INF_MAX), ("id", tablestore.INF_MAX)]
    found: dict[str, int] = {}
    while start is not None:
        _, start, rows, _ = client.get_range(
            table, "FORWARD", start, end, ["number"], max_version=1
        )
        found.update({row.primary_key[1][1]: row.attribute_columns[0][1] for row in rows})
    return found


def measure_queue(rate: float, seconds: float) -> Result:
    """A service that takes `rate` rows a second, one after the other, and refuses none."""
    rows = int(rate * seconds * 1.5)
    with filled_topic("apache", rows) as topic, constant_server(5, "--rate", str(rate)) as server:
        key = service.ACCESS_KEY_ID, service.ACCESS_KEY_SECRET
        where = (server.endpoint, *key, "bench")
        with _flow(topic.bootstrap, [topic.name], where, "") as process:
            samples: list[tuple[float, float, int]] = []
            while not samples or samples[-1][0] - samples[0][0] < seconds:
                counts = server.counts()
                waiting = counts["queue_ms"] / 1000
                if counts["rows"]:
                    samples.append((time.monotonic(), waiting, counts["rows"]))
                elif not process.running:
                    raise MeasurementError("the flow has ended")
                time.sleep(_LOOK)
            process.stop()
    steady = [each for each in samples if each[0] - samples[0][0] >= 10]
    first, last = steady[0], steady[-1]
    done = last[2] - rate * last[1] - (first[2] - rate * first[1])
    written = done / (last[0] - first[0])
    longest = max(each[1] for each in steady)
    return Result(_QUEUE, rate, written, written / rate, 0.0, 0, True, longest_queue=longest)


def show(console: Console, results: Sequence[Result]) -> None:
    """Print a table."""
    table = Table(title="Tables that are throttled, rates in rows/s")
    table.add_column("")
    for name in ("limit", "written", "goodput", "refused", "at first", "in order", "not limited"):
        table.add_column(name, justify="right")
    for name in ("back after s", "longest queue s"):
        table.add_column(name, justify="right")
    for each in results:
        table.add_row(
            each.case,
            f"{each.limit:,.0f}",
            f"{each.written:,.0f}",
            f"{each.goodput:.3f}",
            f"{each.refused:.2%}",
            f"{each.refused_at_first:,}",
            "yes" if each.in_order else "NO",
            f"{each.free:,.0f}" if each.free else "",
            f"{each.back_after:.1f}" if each.back_after else "",
            f"{each.longest_queue:.1f}" if each.longest_queue else "",
        )
    console.print(table)


def goals(results: Sequence[Result]) -> list[Goal]:
    """What the project wants, and what this run has found."""
    found = [Goal(f"{each.case}: goodput", each.goodput, 0.95, True) for each in results]
    found += [Goal(f"{each.case}: refused", each.refused, 0.05, False) for each in results]
    lifted = [each for each in results if each.back_after]
    return found + [
        Goal(f"{each.case}: back after s", each.back_after, 10, False) for each in lifted
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report. 0: no key has lost its order, whatever the rates; 1: not so."""
    parser = argparse.ArgumentParser(prog="python -m bench.throttling", description=__doc__)
    parser.add_argument("--only", metavar="TEXT", default="", help="cases with this in their name")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 130)
    results: list[Result] = []
    try:
        for case in CASES:
            if options.only in case.name:
                results.append(measure(case))
                console.print(f"{results[-1]}", markup=False, highlight=False)
        if options.only in _QUEUE:
            results.append(measure_queue(2000, 40))
    except (MeasurementError, localkafka.KafkaUnavailableError) as error:
        console.print(f"bench: {error}", markup=False, highlight=False)
        return 1
    show(console, results)
    found = goals(results)
    for goal in found:
        console.print(str(goal), style="green" if goal.met else "bold red", highlight=False)
    if options.json:
        content = {
            "python": platform.python_version(),
            "machine": {"system": platform.platform(), "cores": os.cpu_count()},
            "results": [asdict(each) for each in results],
            "goals": [{**asdict(goal), "met": goal.met} for goal in found],
        }
        options.json.write_text(json.dumps(content, indent=1) + "\n")
    return 0 if all(each.in_order for each in results) else 1


if __name__ == "__main__":
    sys.exit(main())
