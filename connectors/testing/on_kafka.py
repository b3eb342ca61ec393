"""Flows in the process of a test, by Bytewax's own engine, on a local Kafka."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from bytewax.testing import run_main
from confluent_kafka import Producer

from connectors.records import PlainMessage
from connectors.run.context import Run, utc_now
from connectors.run.embedding import Embedding, embedded
from connectors.testing.in_process import Config, GetFlow, LocalInstance, settings_of

_FLUSH_SECONDS = 60.0
_POLL_SECONDS = 0.05


def produce(bootstrap_servers: str, topic: str, messages: Iterable[PlainMessage]) -> int:
    """Send messages to a topic, each to its own partition, and return their number.

    Raises AssertionError where the broker does not confirm them.
    """
    producer = Producer({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    number = 0
    for number, one in enumerate(messages, 1):  # noqa: B007 - it is returned
        kind, at = one.timestamp()
        producer.produce(
            topic,
            one.value(),
            one.key(),
            one.partition(),
            timestamp=at if kind else 0,
            headers=[*(one.headers() or ())],
        )
    left = producer.flush(_FLUSH_SECONDS)
    assert left == 0, f"{left} of {number} messages are not confirmed"  # noqa: S101
    return number


def run_on_kafka(
    get_flow: GetFlow,
    config: Config,
    *,
    bootstrap_servers: str,
    tablestore: LocalInstance,
    records: int,
    within: float = 60.0,
) -> dict[str, int]:
    """Run a flow until it has read so many records, drain it, and return its counts.

    Source, engine and sink are those of a run, without a recovery folder: it begins at kafka.start.
    Raises StopRun where the run stops, and AssertionError where it has not read `records` records
    within `within` seconds.
    """
    embedding = Embedding(time.monotonic, utc_now, time.sleep)
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_of(config, tablestore, Path(folder))
        kafka = settings.kafka.model_copy(update={"bootstrap_servers": bootstrap_servers})
        with embedded(embedding):
            flow = get_flow(settings.model_copy(update={"kafka": kafka}))
        (run,) = embedding.runs
        over = threading.Event()
        watch = threading.Thread(target=_drain, args=(run, records, within, over), daemon=True)
        watch.start()
        try:
            run_main(flow, epoch_interval=timedelta(seconds=1))
        except RuntimeError:
            # Bytewax has wrapped what a step raised.
            run.check()
            raise
        finally:
            over.set()
            watch.join()
        run.finish()
    counts = run.counts.snapshot()
    read = counts["read"]
    assert read >= records, f"within {within:g} s {read} records were read, not {records}"  # noqa: S101
    return counts


def _drain(run: Run, records: int, within: float, over: threading.Event) -> None:
    deadline = time.monotonic() + within
    while not over.wait(_POLL_SECONDS):
        if run.counts.snapshot()["read"] >= records or time.monotonic() > deadline:
            run.drain("the test has read what it wants")
            return
