"""The flow against the local Tablestore with a limit on what its tables take."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import tablestore
from confluent_kafka import Producer

import localkafka
from bench.processes import MeasurementError
from bench.throttling.cases import LIMITED, Case, Result
from bench.throttling.flow import run_flow
from bench.throttling.watch import Sample, Watch, back_after, difference
from emulator.local_server import Instance, LocalServer

_PARTITIONS = 4
_PAD = "x" * 150
_KEYS = 20_000
_READY = 40_000  # rows a second that are ready for a time without a limit
_ONSET = 2.0  # seconds


def _record(number: int, topic: str, case: Case) -> tuple[str, bytes]:
    """Key and value; a key comes again after some thousands of others."""
    # Rows are counted by table there, so none may replace another one.
    keys = sys.maxsize if case.free_topic and topic == LIMITED else _KEYS
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


def measure(case: Case) -> Result:
    """Run the flow through one case. Raises MeasurementError."""
    free_seconds = case.before + case.after
    rows = int(case.limit * (case.seconds + 5) * (2.5 if case.hot_share else 1.3))
    topics = {LIMITED: rows + int(_READY * free_seconds)}
    if case.free_topic:
        topics["free"] = int(_READY * case.seconds)
    with (
        localkafka.ApacheKafka(dict.fromkeys(topics, _PARTITIONS)) as broker,
        LocalServer("--latency", f"{case.latency_ms}") as server,
        server.instance("bench") as instance,
    ):
        last = {topic: fill(broker.bootstrap, topic, n, case) for topic, n in topics.items()}
        limits = {**case.limits, "table": LIMITED}
        if not case.before:
            instance.throughput(**limits)
        with run_flow(broker.bootstrap, [*topics], instance.arguments) as process:
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
    seconds, written, others, refused = difference(steady[0], steady[-1])
    free = others / seconds
    back = 0.0
    if case.before:
        # The last seconds, as the start takes a while.
        recent = [each for each in before if before[-1].at - each.at <= 3]
        free = difference(recent[0], recent[-1])[1] / (recent[-1].at - recent[0].at)
        back = back_after(after, 0.9 * free)
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
