"""The local Tablestore as a process, its controls, and reading tables with the official SDK."""

import json
import logging
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Before the import: the SDK complains about its missing native encoder when it is imported, and
# formats every request for its logger unless its level is raised.
logging.getLogger("tablestore-client").setLevel(logging.CRITICAL)

from tablestore import (  # noqa: E402
    CapacityUnit,
    OTSClient,
    ReservedThroughput,
    TableMeta,
    TableOptions,
)

from connectors.testing.tables import read_rows  # noqa: E402
from tests.support.ledger import Columns, Effect, Key, Tables  # noqa: E402
from tests.support.processes import ChildProcess  # noqa: E402

KEY_ID, KEY_SECRET = "demo-key", "canary-of-the-secret"
"""The secret is one that no output may ever hold: every flow test looks for it at its end."""
KAFKA_KEY = (("topic_partition", "STRING"), ("offset", "INTEGER"))
_EFFECTS_KEPT = 2_000_000


class TablestoreProcess(ChildProcess):
    """`python -m emulator` on a free port, with a log of effects and many instances.

    Starting one costs as much as a test, so tests share it, each with an instance of its own.
    """

    def __init__(self, folder: Path, *options: str, instances: int = 100) -> None:
        fixed = ["--data", str(folder / "data"), "--effects", str(_EFFECTS_KEPT)]
        self._names = [f"test-{number}" for number in range(instances)]
        named = [word for name in self._names for word in ("--instance", name)]
        secret = ["--access-key-secret", KEY_SECRET]
        self._command = ["-m", "emulator", *fixed, *secret, *named, *options]
        super().__init__([*self._command, "--port", "0"], folder, name="emulator")
        self.url = self.wait_for("ready http").split()[1]

    def restart(self, *options: str) -> None:
        """Kill it outright and start it again on the same port and data, with more options.

        Counters and logs begin at zero; the rows stay.
        """
        self.kill()
        self.run([*self._command, *options, "--port", self.url.rpartition(":")[2]])
        self.wait_for("ready http")

    def fresh(self) -> "LocalTablestore":
        """An empty, unused instance."""
        return LocalTablestore(self, self._names.pop())

    def get(self, path: str) -> dict[str, Any]:
        """A page of the server's own, such as /-/stats."""
        with urllib.request.urlopen(f"{self.url}{path}", timeout=60) as answer:
            content: dict[str, Any] = json.load(answer)
            return content

    def set_faults(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """Replace the fault rules."""
        request = urllib.request.Request(
            f"{self.url}/-/faults",
            json.dumps(rules).encode(),
            {"Content-Type": "application/json"},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 200


class LocalTablestore:
    """One instance of a local Tablestore; counters and effects are those since it was taken."""

    def __init__(self, process: TablestoreProcess, instance: str) -> None:
        self.process = process
        self.instance = instance
        self.url = process.url
        self.client = OTSClient(self.url, KEY_ID, KEY_SECRET, instance)
        self._begin = process.get("/-/stats")
        self._sequence = process.get("/-/effects?since=0")["last"]

    def restart(self, *options: str) -> None:
        """As that of the process; counters and effects are those since then."""
        self.process.restart(*options)
        self._begin = self.process.get("/-/stats")
        self._sequence = 0

    def take_key(self, key_id: str, secret: str) -> None:
        """From now on the service, and this client of it, know this key alone."""
        self.restart("--access-key-id", key_id, "--access-key-secret", secret)
        self.client = OTSClient(self.url, key_id, secret, self.instance)

    def create_table(
        self,
        name: str,
        key: Sequence[tuple[str, str]] = KAFKA_KEY,
        defined: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Make a wide-column table; `key` and `defined` are (name, SDK type)."""
        meta = TableMeta(name, list(key), list(defined))
        options = TableOptions(max_version=1)
        self.client.create_table(meta, options, ReservedThroughput(CapacityUnit(0, 0)))

    def rows(self, table: str) -> dict[Key, Columns]:
        """The whole table, read in ranges with the official SDK."""
        return read_rows(self.client, table)

    def tables(self) -> Tables:
        """Every table of the instance with all its rows."""
        return {name: self.rows(name) for name in self.client.list_table()}

    def written(self) -> int:
        """The number of row changes that the local Tablestore has applied."""
        now = self.process.get("/-/stats")["rows_written"]
        return int(now - self._begin["rows_written"])

    def fired(self) -> dict[str, int]:
        """How often each kind of fault struck."""
        return self._since_begin("faults")

    def errors(self) -> dict[str, int]:
        """How often each error code was answered."""
        return self._since_begin("errors")

    def _since_begin(self, name: str) -> dict[str, int]:
        before: dict[str, int] = self._begin[name]
        now: dict[str, int] = self.process.get("/-/stats")[name]
        since = {kind: times - before.get(kind, 0) for kind, times in now.items()}
        return {kind: times for kind, times in since.items() if times}

    def effects(self) -> list[Effect]:
        """Every row change applied, in order."""
        answer = self.process.get(f"/-/effects?since={self._sequence}")
        assert answer["enabled"], "the log of effects is off"
        assert answer["lost"] == 0, f"the log of effects has lost {answer['lost']}"
        return [
            Effect(effect["table"], tuple(effect["key"].items()))
            for effect in answer["effects"]
            if effect["instance"] == self.instance
        ]

    def changes_since(self, sequence: int | None) -> dict[str, Any]:
        """The log of effects after a sequence number (None: its end) of all instances, as JSON."""
        if sequence is None:
            return self.process.get("/-/effects?since=999999999999")
        answer = self.process.get(f"/-/effects?since={sequence}&columns")
        assert answer["enabled"], "the log of effects is off"
        assert answer["lost"] == 0, f"the log of effects has lost {answer['lost']}"
        return answer

    def set_faults(self, *rules: Mapping[str, Any]) -> None:
        """Replace the fault rules; without any, all is well again."""
        self.process.set_faults(rules)
