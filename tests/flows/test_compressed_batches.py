"""Memory when Kafka's batches unpack to a hundred times their size, and the sink is blocked."""

import random
import re
import time
from pathlib import Path

import pytest
from confluent_kafka import Producer

from tests.flows.conftest import Case
from tests.support.wait import until

pytestmark = pytest.mark.P6

_MIB = 1 << 20
_PARTITIONS = 16
_BATCHES = 2
_MESSAGES = 200  # of a batch, which is 20 MB unpacked
_PREFETCH_MIB = 16
# An estimate, not a measurement: the process itself, the prefetch, two answers of the broker
# of 1 MiB packed (66 MiB unpacked each), a round of chunks, and the rows that wait for their batch
# and for the service. Up to 410 MiB were seen on a very busy machine, and 983 where each partition
# took an answer of its own. All records are 640 MB.
_MAX_MIB = 600


def peak_mib(pid: int) -> float:
    """The most memory that a process has had so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


@pytest.mark.timeout(400)
def test_unpacked_bytes_are_bounded(embedded_case: Case) -> None:
    """P6: the bound of kafka.prefetch_mib is of unpacked bytes, all partitions together."""
    case = embedded_case
    topic = case.broker.topic("packed", _PARTITIONS)
    case.store.create_table(topic)
    producer = Producer(
        {
            "bootstrap.servers": case.broker.bootstrap,
            "compression.type": "zstd",
            "linger.ms": 2000,
            "batch.size": 64 * _MIB,
            "message.max.bytes": 64 * _MIB,
            "queue.buffering.max.kbytes": 1 << 20,
        }
    )
    source = random.Random(7)
    for _ in range(_BATCHES):
        for number in range(_PARTITIONS * _MESSAGES):
            # 1,500 bytes of chance and many equal ones: packed, a sixtieth.
            value = b'{"text":"%b%b"}' % (source.randbytes(1500).hex().encode(), b"x" * 97_000)
            producer.produce(topic, value, partition=number % _PARTITIONS)
        assert producer.flush(120) == 0
    case.store.set_faults({"kind": "server_busy", "api": "BatchWriteRow", "probability": 1.0})
    given = {"prefetch_mib": _PREFETCH_MIB, "topics": [topic]}
    case.flow.set({"kafka": given, "window": {"shards": 2}})
    process = case.flow.start()
    until(lambda: case.store.errors().get("OTSServerBusy", 0) > 2, process.text)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:  # for what a reader without a bound would take meanwhile
        assert process.alive, process.text()
        time.sleep(0.2)
    assert peak_mib(process.pid) < _MAX_MIB
    case.store.set_faults()
    case.wait_written(_PARTITIONS * _MESSAGES * _BATCHES, process, within=240)
    whole = peak_mib(process.pid)
    process.drain()
    assert whole < _MAX_MIB
