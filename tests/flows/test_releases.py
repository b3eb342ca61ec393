"""What earlier releases left behind goes on: their recovery folders and their dead letters.

Each folder of tests/fixtures was made by the code of that release (its README.md says how), with
the results that this code had. They are what users have on their disks and in their topics, so
they are never made again with later code.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from localkafka import EmbeddedKafka
from tests.support.flow_process import FlowProcess
from tests.support.release import (
    DEAD,
    FAULTS,
    FIXTURES,
    TIME_SERIES,
    TOPICS,
    Message,
    Release,
    load_messages,
    load_rows,
)
from tests.support.store import LocalTablestore

pytestmark = pytest.mark.P1

RELEASES = sorted(folder for folder in FIXTURES.glob("release-*"))


@pytest.fixture(params=RELEASES, ids=lambda folder: folder.name)
def release(
    request: pytest.FixtureRequest, tmp_path: Path, tablestore: LocalTablestore
) -> Iterator[Release]:
    """A Kafka with the release's topics, its tables, and a flow of its config.toml."""
    with EmbeddedKafka({**TOPICS, DEAD: 1}) as kafka:
        release = Release(tmp_path / "flow", request.param, kafka, tablestore)
        release.create_tables()
        tablestore.set_faults(*FAULTS)
        yield release
        release.flow.stop_all()


def counts(release: Release, name: str) -> dict[str, int]:
    """The counts of a run of that release, whose steps added no records: it did not count those."""
    found: dict[str, int] = json.loads((release.fixture / f"{name}.json").read_text())
    return {"added": 0, **found}


def take_recovery_folder(release: Release) -> None:
    """Give the flow a copy of the release's recovery folder.

    The ids of the Kafka cluster and of its topics are taken out of the copy's manifest: no broker
    can be given ids, and a run notes those it finds where there are none. Nothing else is changed.
    """
    state = release.flow.state
    shutil.copytree(release.fixture / "recovery", state)
    state.chmod(0o700)
    manifest = json.loads((state / "manifest.json").read_text())
    kept = {
        name: value
        for name, value in manifest.items()
        if name != "kafka_cluster" and not name.startswith("topic_id ")
    }
    assert len(kept) == len(manifest) - 1 - len(TOPICS)
    (state / "manifest.json").write_text(json.dumps(kept))


def settle(release: Release) -> FlowProcess:
    """Run the flow until the group has committed everything."""
    process = release.flow.start()
    release.wait_committed(process)
    return process


def test_its_recovery_folder_goes_on(release: Release) -> None:
    """Rows that waited are written as that release would have: puts, updates, deletes and points.

    Nothing is read twice, and what is produced from now on is read from the offset stored then.
    """
    take_recovery_folder(release)
    release.produce(load_messages(release.fixture / "records.jsonl"))
    before = load_rows(release.fixture / "rows-before.jsonl")
    after = load_rows(release.fixture / "rows-after.jsonl")
    for table, rows in before.items():
        if table != TIME_SERIES:
            release.put_rows(table, rows)
    assert settle(release).drain() == counts(release, "resumed")
    # The points of before are not put into the table: those of the waiting rows are others.
    after[TIME_SERIES] = {
        key: point for key, point in after[TIME_SERIES].items() if key not in before[TIME_SERIES]
    }
    assert release.rows() == after
    end = release.committed()["events/0"]
    release.produce([Message("events", 0, None, b'{"n": 7}', 1_767_700_000_000)])
    process = settle(release)
    assert process.drain()["read"] == 1
    key = (("topic_partition", "events_0"), ("offset", end))
    after["events"][key] = {"n": 7}
    assert release.rows() == after


def test_its_manifest_is_checked(release: Release) -> None:
    """The folder of another cluster is refused as ever: the ids of then are read."""
    shutil.copytree(release.fixture / "recovery", release.flow.state)
    release.flow.state.chmod(0o700)
    release.produce(load_messages(release.fixture / "records.jsonl"))
    release.flow.start().refused("another Kafka cluster", "remedy")


def test_its_dead_letters_of_a_topic_are_replayed(release: Release) -> None:
    """With the same rows as that release's own replay, and as many rejected again."""
    release.produce(load_messages(release.fixture / "dead-letters-topic.jsonl"))
    process = release.replay("topic", "replayed")
    assert process.counts() == counts(release, "replayed-topic")
    found = {table: rows for table, rows in release.wide_rows().items() if rows}
    assert found == load_rows(release.fixture / "replayed-topic.jsonl")


def test_its_dead_letters_of_a_table_are_replayed(release: Release) -> None:
    """Dead letters that an older release wrote to a table are replayed."""
    release.flow.set({"errors": {"dead_letters": "tablestore", "auto_create": True}})
    release.store.create_table(DEAD)
    release.put_rows(DEAD, load_rows(release.fixture / "dead-letters-table.jsonl")[DEAD])
    process = release.replay("table", "replayed")
    assert process.counts() == counts(release, "replayed-table")
    found = {table: rows for table, rows in release.wide_rows().items() if rows}
    assert found == load_rows(release.fixture / "replayed-table.jsonl")
