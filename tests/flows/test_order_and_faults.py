"""Faults of the destination: order kept, neighbours spared, nothing lost, memory bounded.

Each test says which faults must have fired; a run in which they did not is no proof and fails.
"""

import json
import random
import time
from collections.abc import Mapping
from typing import Any

import pytest
from confluent_kafka import Producer

from tests.flows.conftest import PARTITIONS, Case
from tests.support.flow_process import FlowProcess
from tests.support.lanes import note
from tests.support.ledger import Key, Place, Rejected
from tests.support.producers import PAYLOAD, Stream, keyed_row, send_order
from tests.support.wait import until

KEYED = {
    "table": {
        "primary_key_mode": "record_value",
        "primary_key": [{"name": "id", "type": "string"}],
    }
}
# Short waits, so that a test sees many tries in little time.
FAST_RETRIES = {"tablestore": {"retry_initial": 0.02, "retry_max": 0.2, "timeout": 1.0}}


def keyed_changes(case: Case, changes: int, keys: int, seed: int = 1) -> None:
    """Produce changes of a few keys; each key's row must end at its last change."""
    chance = random.Random(seed)
    case.store.create_table(case.topic, (("id", "STRING"),))
    case.flow.set(KEYED)
    for number in range(changes):
        name = chance.randrange(keys)
        send_change(case, f"k{name}", number, partition=name % PARTITIONS)
    case.producer.flush()


def send_change(case: Case, name: str, number: int, partition: int = 0) -> None:
    """Produce one change of one key."""
    key: Key = (("id", name),)
    value = json.dumps({"id": name, "n": number}).encode()
    expected = keyed_row(case.topic, key, {"n": number})
    case.producer.send(case.topic, value, expected, partition=partition)


@pytest.mark.P3
@pytest.mark.parametrize("rows", [1, 200])
def test_a_retried_row_is_not_overtaken(case: Case, rows: int) -> None:
    """Ten values of one key, the first answered once with a conflict, end at the tenth.

    With windows of one row each value is a request of its own; with 200 they share one.
    """
    case.store.create_table(case.topic, (("id", "STRING"),))
    case.flow.set(KEYED)
    case.flow.set(FAST_RETRIES)
    case.flow.set({"window": {"rows": rows}})
    case.store.set_faults({"kind": "row_error", "code": "OTSRowOperationConflict", "count": 1})
    for number in range(10):
        send_change(case, "one", number)
    case.producer.flush()
    process = case.flow.start()
    case.wait_committed(process)
    process.drain()
    assert case.verdict(minimum=10, fired={"row_error": case.store.fired()["row_error"]}).rows == 1


@pytest.mark.P3
@pytest.mark.xfail(
    strict=True,
    reason="the limit of P3: a request that is applied after its time-out cannot be called back",
)
def test_a_request_applied_after_its_time_out(embedded_case: Case) -> None:
    """A request on its way for longer than tablestore.timeout may overtake newer values."""
    case = embedded_case
    case.store.create_table(case.topic, (("id", "STRING"),))
    case.flow.set(KEYED)
    case.flow.set(FAST_RETRIES)
    case.flow.set({"window": {"rows": 1}})
    case.store.set_faults({"kind": "slow", "delay": 2.5, "count": 1, "api": "BatchWriteRow"})
    for number in range(10):
        send_change(case, "one", number)
    case.producer.flush()
    process = case.flow.start()
    case.wait_written(11, process)  # the held back one comes last
    process.drain()
    case.verdict(minimum=10)


@pytest.mark.P3
def test_versions_outlast_a_request_applied_after_its_time_out(embedded_case: Case) -> None:
    """With versions of cells the newest value stays, however late an older one arrives."""
    case = embedded_case
    versions = {"version": "field", "version_field": "at", "auto_create": True}
    case.flow.set({"table": {**KEYED["table"], **versions}})
    case.flow.set(FAST_RETRIES)
    case.flow.set({"window": {"rows": 1}})
    case.store.set_faults({"kind": "slow", "delay": 2.5, "count": 1, "api": "BatchWriteRow"})
    now = time.time_ns() // 1_000_000
    for number in range(10):
        value = {"id": "one", "n": number, "at": now + number}
        expected = keyed_row(case.topic, (("id", "one"),), {"n": number, "at": now + number})
        case.producer.send(case.topic, json.dumps(value).encode(), expected, partition=0)
    case.producer.flush()
    process = case.flow.start()
    case.wait_written(11, process)
    process.drain()
    assert case.verdict(minimum=10).rows == 1


@pytest.mark.fault("destination", "rows of a request that fail")
@pytest.mark.P3
def test_order_under_many_row_errors(embedded_case: Case) -> None:
    """Conflicts, throttling and time-outs on single rows at random: each key ends at its last."""
    case = embedded_case
    case.flow.set(FAST_RETRIES)
    case.store.set_faults(
        *(
            {"kind": "row_error", "code": code, "probability": 0.2, "seed": seed, "count": 150}
            for seed, code in enumerate(
                [
                    "OTSRowOperationConflict",
                    "OTSServerBusy",
                    "OTSTimeout",
                    "OTSPartitionUnavailable",
                ]
            )
        )
    )
    keyed_changes(case, changes=2000, keys=40)
    case.flow.set({"window": {"rows": 20}})
    process = case.flow.start()
    case.wait_committed(process)
    process.drain()
    fired = case.store.fired()
    verdict = case.verdict(minimum=2000, fired={"row_error": fired.get("row_error", 0)})
    assert verdict.rows == 40


@pytest.mark.fault("destination", "rows of a request that fail")
@pytest.mark.P4
def test_a_rejected_row_takes_no_neighbour_along(embedded_case: Case) -> None:
    """In one request one row is refused and its neighbours are throttled: only that one is out."""
    case = embedded_case
    case.flow.set(FAST_RETRIES)
    case.flow.set({"errors": {"tolerance": "all"}})
    case.store.create_table(case.topic)
    case.store.set_faults(
        {
            "kind": "row_error",
            "code": "OTSParameterInvalid",
            "key": {"column": "number", "value": 13},
        },
        {"kind": "row_error", "code": "OTSServerBusy", "probability": 0.5, "seed": 3, "count": 200},
    )
    bad = orders_with_bad(case, 100, {13})
    process = case.flow.start()
    case.wait_committed(process)
    assert process.drain()["rejected"] == 1
    case.verdict(reported=reported(process.text()))
    assert reported(process.text()) == bad


@pytest.mark.P4
def test_a_rejected_request_is_searched_for_its_bad_rows(embedded_case: Case) -> None:
    """A 400 for the whole request: it is halved until the bad rows are alone."""
    case = embedded_case
    case.flow.set(FAST_RETRIES)
    case.flow.set({"errors": {"tolerance": "all"}})
    case.store.create_table(case.topic)
    numbers = {5, 77, 78, 199}
    case.store.set_faults(
        *(
            {"kind": "bad_request_if_row", "key": {"column": "number", "value": number}}
            for number in sorted(numbers)
        )
    )
    bad = orders_with_bad(case, 200, numbers)
    process = case.flow.start()
    case.wait_committed(process)
    assert process.drain()["rejected"] == len(numbers)
    fired = {"bad_request_if_row": case.store.fired().get("bad_request_if_row", 0)}
    case.verdict(reported=reported(process.text()), fired=fired)
    assert reported(process.text()) == bad


def orders_with_bad(case: Case, count: int, bad: set[int]) -> set[Place]:
    """Produce orders of which those numbered in `bad` will be refused; their places."""
    for number in range(count):
        partition = number % PARTITIONS
        if number in bad:
            value = json.dumps({"number": number, "order_id": f"{PAYLOAD}-{number}"}).encode()
            case.producer.send(
                case.topic, value, lambda _partition, _offset: Rejected(), partition=partition
            )
        else:
            send_order(case.producer, case.topic, number, partition)
    case.producer.flush()
    return {r.place for r in case.manifest if isinstance(r.expected, Rejected)}


def reported(text: str) -> set[Place]:
    """The coordinates of the rejections in a log."""
    import re

    found = re.findall(r"sync\.rejected: topic (\S+) partition (\d+) offset (\d+):", text)
    return {(topic, int(partition), int(offset)) for topic, partition, offset in found}


FAULTS: dict[str, Mapping[str, Any]] = {
    kind: {"kind": kind, "api": "BatchWriteRow", "count": 6}
    for kind in (
        "http_500",
        "http_502_html",
        "http_503_empty",
        "server_busy",
        "server_unavailable",
        "not_enough_capacity",
        "partition_moving",
        "conflict",
        "table_not_ready",
        "timeout_before_effect",
        "timeout_after_effect",
        "reset_request",
        "reset_response",
        "truncated_body",
        "garbled_body",
        "wrong_response_signature",
    )
}
FAULTS["hang, never applied"] = {"kind": "hang", "effect": "before", "count": 3}
FAULTS["hang, applied"] = {"kind": "hang", "effect": "after", "count": 3}
FAULTS["slow"] = {"kind": "slow", "delay": 0.5, "count": 10}


def strike(case: Case, process: FlowProcess, rule: Mapping[str, Any]) -> int:
    """Set a fault and wait until it has struck as often as it can; returns how often that was."""
    kind = rule["kind"]
    before = case.store.fired().get(kind, 0)
    case.store.set_faults(rule)

    def struck() -> int:
        assert process.alive, process.text()
        return case.store.fired().get(kind, 0) - before

    until(lambda: struck() >= rule["count"], lambda: f"{rule}\n{process.text()}")
    return struck()


@pytest.mark.fault(
    "destination",
    "HTTP 500",
    "HTTP 502 with a page of HTML",
    "HTTP 503 without a body",
    "throttling",
    "a partition that moves",
    "a time-out before the effect",
    "a time-out after the effect",
    "a reset before the effect",
    "a reset after the effect",
    "a slow answer",
    "a garbled or truncated answer",
)
@pytest.mark.P1
@pytest.mark.P6
@pytest.mark.timeout(240)
def test_every_transient_fault_heals(embedded_case: Case, pytestconfig: pytest.Config) -> None:
    """Each kind of transient fault strikes for a while, one after the other: nothing is lost."""
    case = embedded_case
    case.store.create_table(case.topic)
    case.flow.set(FAST_RETRIES)
    process = case.flow.start()
    fired: dict[str, int] = {}
    with Stream(case.broker.bootstrap, case.manifest, case.topic, PARTITIONS, 500, seed=5):
        case.wait_written(100, process)
        for name, rule in FAULTS.items():
            fired[name] = strike(case, process, {"api": "BatchWriteRow", **rule})
            case.store.set_faults()
            case.wait_written(case.store.written() + 50, process)
    case.wait_committed(process)
    process.drain()
    verdict = case.verdict(minimum=2000, fired=fired)
    note(
        pytestconfig,
        f"{len(fired)} kinds of transient faults, {sum(fired.values())} strikes "
        f"({case.broker.kind} Kafka): {verdict.records} records, 0 lost, 0 wrong, "
        f"{verdict.duplicates} row changes repeated",
    )


@pytest.mark.P1
@pytest.mark.P3
@pytest.mark.P6
@pytest.mark.timeout(240)
def test_faults_and_kills_together(case: Case, pytestconfig: pytest.Config) -> None:
    """A mix of faults at random while the process is killed again and again: nothing is lost."""
    case.store.create_table(case.topic)
    case.flow.set(FAST_RETRIES)
    case.store.set_faults(
        *(
            {"api": "BatchWriteRow", **rule, "probability": 0.02, "seed": seed, "count": 1000}
            for seed, rule in enumerate(FAULTS.values())
            if rule["kind"] != "slow"
        )
    )
    kills = 5
    with Stream(case.broker.bootstrap, case.manifest, case.topic, PARTITIONS, 500, seed=6):
        for _ in range(kills):
            process = case.flow.start()
            case.wait_written(case.store.written() + 500, process)
            process.kill()
            case.runs.ended(quiet=0.5)
    case.store.set_faults()
    process = case.flow.start()
    case.wait_committed(process)
    process.drain()
    case.runs.ended()
    fired = case.store.fired()
    verdict = case.verdict(minimum=1000, fired={"any": sum(fired.values()), "kill": kills})
    note(
        pytestconfig,
        f"{sum(fired.values())} faults of {len(fired)} kinds and {kills} kills together "
        f"({case.broker.kind} Kafka): {verdict.records} records, 0 lost, 0 wrong, "
        f"{verdict.duplicates} row changes repeated",
    )


def fill(case: Case, total: int) -> None:
    """Produce many orders without a ledger: they are not compared."""
    producer = Producer({"bootstrap.servers": case.broker.bootstrap, "linger.ms": 50})
    value = json.dumps({"order_id": PAYLOAD, "text": "x" * 150}).encode()
    for number in range(total):
        producer.produce(case.topic, value, partition=number % PARTITIONS)
        if number % 10_000 == 0:
            producer.flush(60)
    assert producer.flush(60) == 0


def peak_memory(case: Case, process: FlowProcess) -> int:
    """The highest resident bytes until they have stopped to grow, while the sink is refused."""
    highest = steady = 0
    while steady < 20:
        refused = case.store.fired().get("server_busy", 0)
        until(lambda before=refused: more_refused(case, before), process.text)  # type: ignore[misc]
        now = process.memory()
        steady = steady + 1 if now < highest + 2**20 else 0
        highest = max(highest, now)
    return highest


def more_refused(case: Case, than: int) -> bool:
    """Whether the flow has tried some more in vain."""
    return case.store.fired().get("server_busy", 0) > than + 5


@pytest.mark.P6
@pytest.mark.timeout(240)
def test_memory_is_bounded_while_the_sink_is_blocked(
    apache_case: Case, pytestconfig: pytest.Config
) -> None:
    """Hundreds of thousands of records wait in Kafka, the destination takes none: memory stays."""
    case = apache_case
    case.store.create_table(case.topic)
    case.flow.set({"kafka": {"prefetch_mib": 16}, **FAST_RETRIES})
    total = 300_000
    fill(case, total)
    process = case.flow.start()
    case.wait_written(1, process)
    case.store.set_faults({"kind": "server_busy", "api": "BatchWriteRow"})
    highest = peak_memory(case, process)
    blocked = case.store.written()
    assert blocked < total / 2, "the sink was not blocked early enough to tell"
    assert highest < 400 * 2**20, f"{highest / 2**20:.0f} MiB"
    case.store.set_faults()
    case.wait_written(blocked + 5000, process)
    process.drain()
    note(
        pytestconfig,
        f"blocked sink, {total - blocked} records waiting in Kafka: at most "
        f"{highest / 2**20:.0f} MiB resident",
    )
