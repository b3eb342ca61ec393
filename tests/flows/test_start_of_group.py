"""kafka.start = "group:NAME": a first run goes on where another consumer group has stopped."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from tests.flows.conftest import PARTITIONS, Case
from tests.support.producers import send_order
from tests.support.wait import until

# What the connector's group has committed, by partition; of 3 it has read nothing.
COMMITTED = {0: 10, 1: 25, 2: 0}


def commit(case: Case, offsets: Mapping[int, int]) -> str:
    """A group made by hand, named as a connector's is, that has committed these offsets."""
    group = case.broker.fresh_name("connect-orders")
    client = Consumer({"bootstrap.servers": case.broker.bootstrap, "group.id": group})
    places = [TopicPartition(case.topic, number, offset) for number, offset in offsets.items()]
    client.commit(offsets=places, asynchronous=False)
    client.close()
    return group


def offsets_written(case: Case) -> dict[int, list[int]]:
    """The offsets whose rows are in the table, by partition."""
    found: dict[int, list[int]] = {number: [] for number in range(PARTITIONS)}
    for key in case.store.rows(case.topic):
        place = dict(key)
        offset = place["offset"]
        assert isinstance(offset, int)
        found[int(str(place["topic_partition"]).rpartition("_")[2])].append(offset)
    return {number: sorted(offsets) for number, offsets in found.items()}


def without(case: Case) -> int:
    """Produce 25 records a partition, in the table of no ledger; returns how many."""
    for number in range(25 * PARTITIONS):
        send_order(case.producer, case.topic, number, number % PARTITIONS)
    case.producer.flush()
    return 25 * PARTITIONS


@pytest.mark.parametrize("choice", ["earliest", "latest"])
@pytest.mark.parametrize("end", ["drain", "kill"])
def test_it_starts_exactly_where_the_group_has_stopped(case: Case, choice: str, end: str) -> None:
    """Nothing is lost and nothing repeated; the next start goes on from the recovery folder.

    Whatever becomes of the group in between, and also when the first run is killed at once.
    """
    case.store.create_table(case.topic)
    without(case)
    group = commit(case, COMMITTED)
    case.flow.set({"kafka": {"start": f"group:{group}", "start_without_offset": choice}})
    starts = {**COMMITTED, 3: 0 if choice == "earliest" else 25}
    process = case.flow.start()
    case.wait_started(process)
    if end == "kill":
        process.kill()
    else:
        case.wait_written(sum(25 - start for start in starts.values()), process)
        process.drain()
        assert offsets_written(case) == {n: list(range(at, 25)) for n, at in starts.items()}
    moved = Consumer({"bootstrap.servers": case.broker.bootstrap, "group.id": group})
    moved.commit(offsets=[TopicPartition(case.topic, 0, 24)], asynchronous=False)
    moved.close()
    without(case)  # 25 more in each
    process = case.flow.start()
    case.wait_committed(process)
    process.drain()
    assert offsets_written(case) == {n: list(range(at, 50)) for n, at in starts.items()}
    if end == "drain":
        assert case.store.written() == sum(50 - start for start in starts.values()), "repeated"
    committed = case.broker.committed(group, case.topic, PARTITIONS)
    assert committed == {**COMMITTED, 0: 24}, "the group of another is left alone"


def test_a_partition_without_an_offset_may_stop_it(case: Case) -> None:
    """start_without_offset = stop names the partition and the choices."""
    case.store.create_table(case.topic)
    without(case)
    group = commit(case, COMMITTED)
    case.flow.set({"kafka": {"start": f"group:{group}", "start_without_offset": "stop"}})
    text = case.flow.start().refused(
        group, f"{case.topic} partition 3", "remedy", "start_without_offset"
    )
    assert "Traceback" not in text
    assert "partition 1" not in text
    assert case.store.written() == 0


def test_a_group_without_offsets_is_reported(case: Case) -> None:
    """A name that no group has is most likely misspelt: all is read, and it says so."""
    case.store.create_table(case.topic)
    count = without(case)
    case.flow.set({"kafka": {"start": f"group:{case.broker.fresh_name('nobody')}"}})
    process = case.flow.start()
    case.wait_written(count, process)
    process.drain()
    assert "is its name right?" in process.text()
    assert offsets_written(case) == {n: list(range(25)) for n in range(PARTITIONS)}


@pytest.mark.parametrize("choice", ["stop", "earliest", "latest"])
@pytest.mark.parametrize("where", ["passed", "beyond"])
def test_a_committed_offset_outside_the_log(apache_case: Case, choice: str, where: str) -> None:
    """kafka.lost_offset says what happens, as for a stored offset: stop with the choices, or go on.

    Retention passed it, or it is beyond the end, as after the topic was created again.
    """
    case = apache_case
    case.store.create_table(case.topic)
    without(case)
    group = commit(case, {0: 5 if where == "passed" else 99, 1: 25, 2: 25, 3: 25})
    case.broker.delete_records(case.topic, 0, 12)
    case.flow.set({"kafka": {"start": f"group:{group}", "lost_offset": choice}})
    process = case.flow.start()
    if choice == "stop":
        process.refused(case.topic, "partition 0", group, "12 to 25", "remedy", "lost_offset")
        assert case.store.written() == 0
        return
    process.wait_for("kafka.lost_offset")
    without(case)
    case.wait_committed(process)
    process.drain()
    begin = 12 if choice == "earliest" else 25
    rest = {number: list(range(25, 50)) for number in (1, 2, 3)}
    assert offsets_written(case) == {0: list(range(begin, 50)), **rest}


def test_a_group_at_work_is_refused(apache_case: Case) -> None:
    """As long as the connector runs its offsets move on, and both would write."""
    case = apache_case
    case.store.create_table(case.topic)
    without(case)
    group = commit(case, COMMITTED)
    member = Consumer(
        {
            "bootstrap.servers": case.broker.bootstrap,
            "group.id": group,
            "enable.auto.commit": False,
        }
    )
    member.subscribe([case.topic])

    def joined() -> bool:
        member.poll(0.2)
        return bool(member.assignment())

    until(joined, "the connector's consumer has joined")
    case.flow.set({"kafka": {"start": f"group:{group}"}})
    case.flow.start().refused(group, "still at work", "remedy", "stop its consumers")
    assert case.store.written() == 0
    member.close()
    process = case.flow.start()
    case.wait_written(100 - 35, process)
    process.drain()


def test_a_move_in_one_command(case: Case, tmp_path: Path) -> None:
    """A connector's file becomes config.toml, and the flow goes on where the connector stopped.

    Nothing of what it had not read is missing, and nothing that it had read is written again.
    """
    case.store.create_table(case.topic)
    without(case)
    group = commit(case, {**COMMITTED, 3: 25})
    name = group.removeprefix("connect-")
    connector = tmp_path / "connector.properties"
    connector.write_text(
        f"name = {name}\n"
        "connector.class=TableStoreSinkConnector\n"
        f"topics={case.topic}\n"
        "value.converter=org.apache.kafka.connect.json.JsonConverter\n"
        "value.converter.schemas.enable=false\n"
        f"tablestore.endpoint={case.store.url}\n"
        f"tablestore.instance.name={case.store.instance}\n"
        "tablestore.access.key.id=${env:ID}\n"
        "tablestore.access.key.secret=${env:SECRET}\n"
        f"consumer.override.bootstrap.servers={case.broker.bootstrap}\n"
    )
    command = [sys.executable, "-m", "connectors.cli", "import-config", str(connector)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=60)
    assert done.returncode == 0, done.stderr
    assert f"group {group}" in done.stderr
    config = tmp_path / "config.toml"
    config.write_text(done.stdout)
    case.flow.env["SYNC_CONFIG"] = str(config)
    case.flow.settings = {"window": {"age": 0.1}}
    case.flow.group = f"tablestore-sync-{name}"
    starts = {**COMMITTED, 3: 25}
    process = case.flow.start()
    case.wait_written(sum(25 - at for at in starts.values()), process)
    without(case)
    case.wait_committed(process)
    process.drain()
    assert offsets_written(case) == {n: list(range(at, 50)) for n, at in starts.items()}
    assert case.store.written() == sum(50 - at for at in starts.values()), "repeated"
