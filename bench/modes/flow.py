"""The modes as whole flows: `python -m bytewax.run flows.sync` on a topic of each form.

A run of a mode comes right behind one of the plain mode on the same cells. The rows that must
arrive are counted beforehand, by the steps themselves on the samples that the topic is made of.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import tomlkit
from confluent_kafka import Producer

import localkafka
from bench import constant_server as service
from bench.modes import schemas
from bench.modes.cases import MODES, Mode, sections_of
from bench.modes.in_process import Timing, chunks_of, run_of, settings_of
from bench.modes.sources import SOURCES, numbered, sample
from bench.processes import MeasurementError, constant_server, watched
from bench.runs import watch

PARTITIONS = 4
_SAMPLES = 4000
_MAX_BYTES = 600_000_000  # of a topic
_WINDOW_AGE = 3.0  # seconds


class Topic(NamedTuple):
    """A topic of one source."""

    bootstrap: str
    name: str
    messages: int


def fill(bootstrap: str, source: str, messages: int) -> Topic:
    """Fill a topic. Raises RuntimeError when the broker does not take all of it."""
    samples = sample(source, _SAMPLES)
    mean = sum(len(value or b"") for _, value in samples) / len(samples)
    messages = min(messages, int(_MAX_BYTES / mean)) // _SAMPLES * _SAMPLES or _SAMPLES
    failed: list[str] = []

    def delivered(error: object, _message: object) -> None:
        if error is not None:
            failed.append(str(error))

    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "linger.ms": 50,
            "batch.size": 1 << 20,
            "queue.buffering.max.kbytes": 1 << 18,
            "on_delivery": delivered,
        }
    )
    now = time.time_ns() // 1_000_000
    for number in range(messages):
        key, value = numbered(samples[number % len(samples)], number)
        while True:
            try:
                producer.produce(source, value, key, number % PARTITIONS, timestamp=now + number)
                break
            except BufferError:
                producer.poll(0.05)
    producer.flush(120)
    if failed:
        raise RuntimeError(f"Kafka did not take {len(failed)} messages of {source}: {failed[0]}")
    return Topic(bootstrap, source, messages)


def rows_of(mode: Mode, registry: str, messages: int) -> int:
    """The rows that the messages of a mode's topic become."""
    run = run_of(settings_of(mode, registry))
    (chunk,) = chunks_of(mode.source, 1, _SAMPLES)
    rows = sum(len(s.offsets) for _, (segments, _) in run(chunk) for s in segments)
    return rows * messages // _SAMPLES


def rate(topic: Topic, mode: Mode, registry: str) -> float:
    """Run the flow over a topic; messages for each second of CPU time, in the steady part."""
    rows = rows_of(mode, registry, topic.messages)
    key = [f"{name}:{kind}" for name, kind in settings_of(mode, registry).table.key_columns]
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        constant_server(0, *(["--key", *key] if key else [])) as server,
    ):
        config: dict[str, Any] = sections_of(mode, registry)
        config["kafka"] = {"bootstrap_servers": topic.bootstrap, "topics": [topic.name]}
        # On a busy machine, too, windows shall close because they are full.
        config["window"] = {"age": _WINDOW_AGE}
        config["kafka"]["group"] = f"bench-{time.time_ns()}"
        own = {"endpoint": server.endpoint, "instance": "bench"}
        config["tablestore"] = {**own, **config.get("tablestore", {})}
        path = Path(folder) / "config.toml"
        path.write_text(tomlkit.dumps(config))
        program = ["-m", "bytewax.run", "flows.sync", "-r", f"{folder}/state", "-s", "5", "-b", "0"]
        environment = {
            "SYNC_CONFIG": str(path),
            "ALIBABA_CLOUD_ACCESS_KEY_ID": service.ACCESS_KEY_ID,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": service.ACCESS_KEY_SECRET,
        }
        with watched(program, environment) as process:
            try:
                first, last, _ = watch(process, server, rows, distinct=False)
                if process.stop() != 0:
                    raise MeasurementError("it did not end cleanly")
            except MeasurementError as error:
                raise MeasurementError(f"{error}\n{process.log()[-4000:]}") from None
    return (last[2] - first[2]) / (last[1] - first[1]) * topic.messages / rows


@contextmanager
def broker(names: Sequence[str]) -> Iterator[str]:
    """A broker with a topic for each of these sources."""
    with localkafka.ApacheKafka(dict.fromkeys(names, PARTITIONS)) as started:
        yield started.bootstrap


def measure(names: Sequence[str], messages: int, rounds: int) -> Iterator[Timing]:
    """Run the modes in turns; a `Timing` for each when all its rounds are done."""
    sources = {MODES[name].source for name in names}
    sources |= {SOURCES[one].plain for one in sources}
    with schemas.registry() as registry, broker(sorted(sources)) as bootstrap:
        topics = {one: fill(bootstrap, one, messages) for one in sorted(sources)}
        for name in names:
            mode = MODES[name]
            timing = Timing(name, [], [])
            for _ in range(rounds):
                beside = rate(topics[SOURCES[mode.source].plain], Mode(), registry)
                found = rate(topics[mode.source], mode, registry)
                timing.microseconds.append(1e6 / found)
                timing.ratios.append(found / beside)
            yield timing
