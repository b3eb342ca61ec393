"""Many large records at once, which decoded take a multiple: the memory of the flow is bounded."""

import json
import resource

from tests.flows.conftest import PARTITIONS, Case
from tests.support.producers import LedgerProducer, kafka_row

MEMORY = 1 << 30
NESTED = b'{"a":[' + b"{}," * 300_000 + b"{}]}"


def test_sixty_records_of_three_hundred_thousand_objects(embedded_case: Case) -> None:
    """54 MB in one fetch, some 1.5 GB when decoded together: with a transform, in 1 GiB."""
    case = embedded_case
    case.store.create_table(case.topic)
    case.flow.env["SYNC__TRANSFORMS"] = json.dumps([{"type": "rename", "fields": {"x": "y"}}])
    # The embedded broker keeps what is sent, and so little of a partition that only this fits.
    producer = LedgerProducer(case.broker.bootstrap, case.manifest, **{"compression.type": "zstd"})
    text = NESTED[5:-1].decode()
    for number in range(60):
        row = kafka_row(case.topic, {"a": text})
        producer.send(case.topic, NESTED, row, partition=number % PARTITIONS)
    producer.flush()
    process = case.flow.start()
    resource.prlimit(process.pid, resource.RLIMIT_DATA, (MEMORY, MEMORY))
    case.wait_committed(process)
    counts = process.drain()
    assert counts["written"] == 60
    case.verdict(minimum=60)
