"""Bad records: the tolerance decides, coordinates tell which, and nothing of them leaks."""

import json
from collections.abc import Mapping

import pytest

from tests.flows.conftest import PARTITIONS, Case
from tests.flows.test_order_and_faults import reported
from tests.support.ledger import Rejected
from tests.support.producers import PAYLOAD, send_order

pytestmark = pytest.mark.P4

ROW = {"order_id": PAYLOAD}
BAD: Mapping[str, bytes | None] = {
    "no JSON": f"{PAYLOAD} is no JSON".encode(),
    "cut short": f'{{"order_id": "{PAYLOAD}'.encode(),
    "nothing": b"",
    "a tombstone": None,
    "an array": json.dumps([PAYLOAD]).encode(),
    "a text": json.dumps(PAYLOAD).encode(),
    "a number": b"17",
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps(ROW).encode(),
    "invalid UTF-8": b'{"order_id": "' + PAYLOAD.encode() + b'\xff"}',
    "a lone surrogate": b'{"order_id": "' + PAYLOAD.encode() + b'\\ud800"}',
    "NaN": b'{"amount": NaN}',
    "beyond 64 bits": b'{"amount": 18446744073709551616}',
    "an infinite number": b'{"amount": 1e999}',
    "nested too deep": b"[" * 100_000,
    "a column name with a blank": json.dumps({PAYLOAD + " x": 1}).encode(),
    "a column name that is empty": b'{"": 1}',
    "the name of a key column": json.dumps({"offset": PAYLOAD}).encode(),
    "a text too long": json.dumps({"text": PAYLOAD + "x" * (2 << 20)}).encode(),
    "too many columns": json.dumps({f"c{n}": n for n in range(1025)}).encode(),
}


def send_mixed(case: Case, bad: Mapping[str, bytes | None], good: int = 60) -> None:
    """Bad records among good ones, in all partitions."""
    values = list(bad.values())
    for number in range(max(good, len(values))):
        send_order(case.producer, case.topic, number, number % PARTITIONS)
        if number < len(values):
            case.producer.send(
                case.topic, values[number], lambda *_: Rejected(), partition=number % PARTITIONS
            )
    case.producer.flush()


def test_tolerated_records_are_logged_by_their_place(case: Case) -> None:
    """Tolerance all, log: each bad record is logged with coordinates, its neighbours are rows."""
    case.store.create_table(case.topic)
    case.flow.set({"errors": {"tolerance": "all", "dead_letters": "log"}})
    send_mixed(case, BAD)
    process = case.flow.start()
    case.wait_committed(process)
    counts = process.drain()
    case.verdict(minimum=60, reported=reported(process.text()))
    assert counts["rejected"] == len(BAD)
    assert counts["read"] == counts["written"] + counts["rejected"] == len(case.manifest)
    # P7 is checked when the case closes: every bad record holds the payload's canary.


def test_ignored_records_are_counted(embedded_case: Case) -> None:
    """Tolerance all, ignore: no line a record, and still every one is in the counts."""
    case = embedded_case
    case.store.create_table(case.topic)
    case.flow.set({"errors": {"tolerance": "all", "dead_letters": "ignore"}})
    send_mixed(case, BAD)
    process = case.flow.start()
    case.wait_committed(process)
    counts = process.drain()
    case.verdict(minimum=60)
    assert counts["rejected"] == len(BAD)
    assert reported(process.text()) == set()


@pytest.mark.parametrize("kind", ["no JSON", "a tombstone", "a text too long"])
def test_the_first_bad_record_stops_the_run(embedded_case: Case, kind: str) -> None:
    """Tolerance none: the run stops with the record's place, before its offset, again and again.

    With the tolerance switched it goes on there, and every good record becomes its row.
    """
    case = embedded_case
    case.store.create_table(case.topic)
    for number in range(50):
        send_order(case.producer, case.topic, number, 0)
    case.producer.send(case.topic, BAD[kind], lambda *_: Rejected(), partition=0)
    for number in range(50, 100):
        send_order(case.producer, case.topic, number, 0)
    case.producer.flush()
    place = f"topic {case.topic} partition 0 offset 50"
    for _ in range(2):
        text = case.flow.start().refused(place, "tolerance", "remedy")
        assert "Traceback" not in text
        assert case.committed().get(0, 0) <= 50
    case.flow.set({"errors": {"tolerance": "all"}})
    process = case.flow.start()
    case.wait_committed(process)
    assert process.drain()["rejected"] == 1
    case.verdict(minimum=100, reported=reported(process.text()))


def test_a_mended_setting_lets_the_record_through(embedded_case: Case) -> None:
    """A record that the settings refused becomes its row once they are mended."""
    case = embedded_case
    case.store.create_table(case.topic)
    case.flow.set({"table": {"columns": [{"name": "order_id", "type": "integer"}]}})
    case.orders(20)
    case.flow.start().refused("order_id", "remedy")
    case.flow.set({"table": {"columns": "all"}})
    process = case.flow.start()
    case.wait_committed(process)
    process.drain()
    case.verdict(minimum=20)


def test_a_bad_key_is_rejected(embedded_case: Case) -> None:
    """Key mode record_key: no key, a bad one, or one with a bad column is a rejection."""
    case = embedded_case
    keys = [{"name": "id", "type": "string"}, {"name": "n", "type": "integer"}]
    case.store.create_table(case.topic, (("id", "STRING"), ("n", "INTEGER")))
    case.flow.set(
        {
            "table": {"primary_key_mode": "record_key", "primary_key": keys},
            "errors": {"tolerance": "all"},
        }
    )
    bad: list[bytes | None] = [
        None,
        b"",
        PAYLOAD.encode(),
        json.dumps(PAYLOAD).encode(),
        json.dumps({"id": PAYLOAD}).encode(),
        json.dumps({"id": PAYLOAD, "n": None}).encode(),
        json.dumps({"id": PAYLOAD, "n": 1.5}).encode(),
        json.dumps({"id": PAYLOAD, "n": True}).encode(),
        json.dumps({"id": PAYLOAD * 100, "n": 1}).encode(),
    ]
    for key in bad:
        case.producer.send(case.topic, b'{"x":1}', lambda *_: Rejected(), key=key)
    case.producer.flush()
    process = case.flow.start()
    case.wait_committed(process)
    assert process.drain()["rejected"] == len(bad)
    case.verdict(reported=reported(process.text()))


def test_rejections_survive_kills(case: Case) -> None:
    """Killed and started again: each bad record is logged at least once, each good one is a row."""
    case.store.create_table(case.topic)
    case.flow.set({"errors": {"tolerance": "all"}})
    for number in range(2000):
        if number % 10 == 7:
            case.producer.send(
                case.topic,
                PAYLOAD.encode(),
                lambda *_: Rejected(),
                partition=number % PARTITIONS,
            )
        else:
            send_order(case.producer, case.topic, number, number % PARTITIONS)
    case.producer.flush()
    for rows in (1, 400, 900):
        process = case.flow.start()
        case.wait_written(case.store.written() + rows, process)
        process.kill()
    process = case.flow.start()
    case.wait_committed(process)
    process.drain()
    case.verdict(minimum=2000, reported=reported(case.flow.output()))
