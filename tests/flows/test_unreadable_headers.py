"""Records that no producer library would send: none of them ends the process or another record.

FUZZED_RECORDS sets how many random records go through a whole flow.
"""

import json
import os
import random
from collections.abc import Iterator, Sequence

import pytest

from tests.flows.conftest import PARTITIONS, Case
from tests.flows.dead_letters import (
    assert_all_there,
    dead_letters_of,
    messages_of,
    own_block,
    to_table,
    to_topic,
)
from tests.support.ledger import Columns, Produced, Put, Rejected
from tests.support.producers import kafka_row
from tests.support.raw_batches import RawRecord, batch, produce

pytestmark = pytest.mark.P4

FUZZED = int(os.environ.get("FUZZED_RECORDS", "3000"))
ROUND = 2000  # the embedded Kafka keeps 5 MiB a partition
LATIN = "größe".encode("latin-1")


def good_value(number: int) -> tuple[bytes, Columns]:
    """A value, and the columns of its row."""
    columns: Columns = {"order_id": f"order {number}", "number": number}
    return json.dumps(columns).encode(), columns


def send(
    case: Case, partition: int, records: Sequence[RawRecord], rejected: Sequence[bool]
) -> None:
    """One batch as it is; the ledger gets what must come of each record."""
    first = produce(case.broker.bootstrap, case.topic, partition, batch(records))
    for number, (record, is_rejected) in enumerate(zip(records, rejected, strict=True)):
        offset = first + number
        expected: Put | Rejected = Rejected()
        if not is_rejected:
            made = kafka_row(case.topic, json.loads(record.value or b""))(partition, offset)
            assert isinstance(made, Put)
            expected = made
        case.manifest.add(
            Produced(case.topic, partition, offset, record.key, record.value, expected)
        )


def with_headers(count: int) -> list[RawRecord]:
    """Good values with headers of which each second record has an unreadable one."""
    made = []
    for number in range(count):
        headers: list[tuple[bytes, bytes | None]] = [(b"source", b"shop"), (b"empty", None)]
        if number % 2:
            headers.insert(number % 3, (LATIN, b"x"))
        made.append(RawRecord(b"key %d" % number, good_value(number)[0], headers))
    return made


@pytest.mark.parametrize("where", ["kafka", "tablestore"])
def test_a_good_record_is_written_whatever_its_headers(embedded_case: Case, where: str) -> None:
    """Nothing asks for headers, so each is a row, also where dead letters keep the originals."""
    case = embedded_case
    case.store.create_table(case.topic)
    _ = to_topic(case) if where == "kafka" else to_table(case)
    records = with_headers(40)
    send(case, 0, records, [False] * len(records))
    process = case.flow.start()
    case.wait_written(len(records), process)
    process.drain()
    restarted = case.flow.start()
    restarted.drain()
    rows = case.store.rows(case.topic)
    assert len(rows) == len(records)


ASKING = {
    "insert": {"type": "insert", "fields": {"source": "header:source"}},
    "predicate": {"type": "filter", "drop": {"header": "source", "equals": "nobody"}},
    "route_header": None,
}


@pytest.mark.parametrize("asks", ASKING)
def test_where_headers_are_asked_for_the_record_alone_is_rejected(
    embedded_case: Case, asks: str
) -> None:
    """With a code; its dead letter has key, value and the headers that can be read."""
    case = embedded_case
    case.store.create_table(case.topic)
    dead = to_topic(case)
    if ASKING[asks] is not None:
        case.flow.env["SYNC__TRANSFORMS"] = json.dumps([ASKING[asks]])
    else:
        case.flow.set({"mapping": {"route_header": "table", "route_tables": [case.topic]}})
    records = with_headers(40)
    send(case, 1, records, [number % 2 == 1 for number in range(40)])
    process = case.flow.start()
    case.wait_committed(process)
    counts = process.drain()
    assert (counts["read"], counts["written"], counts["rejected"]) == (40, 20, 20)
    assert_all_there(case, dead_letters_of(case, "kafka", dead))
    for message in messages_of(case.broker, dead):
        assert own_block(message)["__tablestore_sync.code"] == "headers_unreadable"
        headers: list[object] = [*(message.headers() or ())]
        assert headers[:2] == [("source", b"shop"), ("empty", None)]


def fuzzed(source: random.Random) -> Iterator[tuple[RawRecord, bool]]:
    """Random records without end, each with whether it must be rejected."""
    number = 0
    names = [b"", b"a", LATIN, b"\xff\xfe", b"n\0ul", "größe".encode(), b"x" * 40_000, b"source"]
    while True:
        number += 1
        good = good_value(number)[0]
        value = source.choice([good, good, good, None, b"", b"\xff" * source.randrange(9), b"[1]"])
        headers = [
            (source.choice([*names[:6], *names]), source.choice([None, b"", source.randbytes(9)]))
            for _ in range(source.choice([0, 0, 1, 2, 5, 40]))
        ]
        if len([name for name, _ in headers if len(name) > 1000]) > 1:
            headers = headers[:1]
        record = RawRecord(
            source.choice([None, b"", b"key", source.randbytes(source.randrange(200))]),
            value,
            headers,
            source.choice([0, 0, -1_700_000_000_001, -1_700_000_000_000, -(1 << 41), 1 << 41]),
        )
        yield record, value is not good


@pytest.mark.timeout(120 + FUZZED / 50)
def test_random_records_end_nothing(embedded_case: Case) -> None:
    """Random headers, names, sizes and times; null and empty everything; all are accounted for."""
    case = embedded_case
    case.store.create_table(case.topic)
    dead = to_table(case)
    source = random.Random(12)
    records = fuzzed(source)
    process = case.flow.start()
    sent = 0
    while sent < FUZZED:
        for _ in range(ROUND // 100):
            partition = source.randrange(PARTITIONS)
            some = [next(records) for _ in range(100)]
            send(case, partition, [one for one, _ in some], [bad for _, bad in some])
            sent += 100
        case.wait_committed(process, within=120)
    counts = process.drain()
    assert counts["read"] == sent == counts["written"] + counts["rejected"]
    assert_all_there(case, dead_letters_of(case, "tablestore", dead))
    case.store.client.delete_table(dead)
    case.verdict_of_rows(minimum=sent // 4)
