"""What the real runs of a test leave behind, for the checker of simulation/evidence.py."""

import time
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from simulation.checker import Produced, Verdict
from simulation.evidence import DeadLetter, RealRuns, columns_of, key_text, stored_state
from tests.support import ledger
from tests.support.brokers import Broker, read_records
from tests.support.store import LocalTablestore
from tests.support.wait import until

_POLLS, _PAUSE = 4, 0.03


class ObservedRuns:
    """One run after the other on the same topic, tables and recovery folder."""

    def __init__(
        self,
        store: LocalTablestore,
        broker: Broker,
        group: str,
        topic: str,
        partitions: int,
        folder: Path,
    ) -> None:
        self._store = store
        self._broker = broker
        self._group = group
        self._topic = topic
        self._partitions = partitions
        self._folder = folder
        self._runs = RealRuns()
        self._sequence: int = store.changes_since(None)["last"]
        self._dead_letters = 0
        self.dead_letter_topic: str | None = None
        """Of one partition; None when dead letters go elsewhere."""

    def __len__(self) -> int:
        return len(self._runs)

    def ended(self, quiet: float = 0.0) -> None:
        """Note what a run has left; every process of it is dead.

        `quiet`: the seconds by which a fault may delay a request that is still on its way.
        """
        committed = self._broker.committed(self._group, self._topic, self._partitions)
        self._runs.ended(
            self._effects(quiet),
            self._new_dead_letters(),
            *stored_state(self._folder),
            {(self._topic, partition): offset for partition, offset in committed.items()},
        )

    def _effects(self, quiet: float) -> list[Mapping[str, Any]]:
        """The changes since the last run, when those that were on their way have arrived."""
        found: dict[str, Any] = {}
        last, same, since = -1, 0, time.monotonic()

        def settled() -> bool:
            nonlocal last, same, since
            time.sleep(_PAUSE)
            found.update(self._store.changes_since(self._sequence))
            if found["last"] != last:
                last, same, since = found["last"], 0, time.monotonic()
            same += 1
            return same >= _POLLS and time.monotonic() - since >= quiet

        until(settled, lambda: "an end of the changes that a dead process has sent")
        self._sequence = found["last"]
        return [each for each in found["effects"] if each["instance"] == self._store.instance]

    def _new_dead_letters(self) -> list[DeadLetter]:
        topic = self.dead_letter_topic
        if topic is None:
            return []
        end = self._broker.ends(topic, 1).get(0, 0)
        client = Consumer({"bootstrap.servers": self._broker.bootstrap, "group.id": "observer"})
        try:
            client.assign([TopicPartition(topic, 0, self._dead_letters)])
            messages = read_records(client, end - self._dead_letters)
        finally:
            client.close()
        self._dead_letters = end
        return [
            DeadLetter.of(dict(each.headers() or ()).items(), each.value()) for each in messages
        ]

    def verdict(
        self,
        produced: Iterable[Produced],
        minimum: int = 1,
        doubts: Collection[str] = (),
        ends_read: bool = True,
    ) -> Verdict:
        """The checker's verdict. Without `ends_read`, of what came so far alone."""
        if not ends_read:
            return self._runs.so_far(produced)
        rows = {
            (table, key_text(dict(key))): columns_of(columns)
            for table, found in self._store.tables().items()
            for key, columns in found.items()
        }
        return self._runs.judge(produced, rows, minimum, doubts, once_a_run=True)


def produced_of(record: ledger.Produced) -> Produced:
    """A record of the ledger's manifest as the checker has it.

    The dead letters of rejected records are not followed here, so they are as filtered ones.
    """
    put = record.expected
    if isinstance(put, ledger.Put):
        columns = columns_of(put.columns)
        key = key_text(dict(put.key))
        return Produced(record.place, put.table, key, "put", columns, record.value)
    return Produced(record.place, "", "", "filter", (), record.value)
