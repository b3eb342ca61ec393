"""The flow as a user runs it: `python -m bytewax.run flows.sync -r STATE -s 1 -b 0`."""

import json
import re
import signal
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.brokers import Broker
from tests.support.processes import ChildProcess
from tests.support.store import KEY_ID, KEY_SECRET, LocalTablestore
from tests.support.wait import until

Settings = Mapping[str, Mapping[str, Any]]


class FlowProcess(ChildProcess):
    """One process of the flow."""

    def counts(self) -> dict[str, int]:
        """The numbers of the last line at a clean end: read, written, rejected, filtered."""
        lines = [line for line in self.text().splitlines() if line.startswith("sync: ended:")]
        assert lines, f"no clean end:\n{self.text()}"
        counts = {name: int(number) for name, number in re.findall(r"(\w+)=(-?\d+)", lines[-1])}
        assert counts["unbalanced"] == 0, self.text()
        return counts

    def handles(self, number: signal.Signals) -> bool:
        """Whether the flow has its handler for the signal by now; before, the default ends it."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        caught = re.search(r"^SigCgt:\s*([0-9a-f]+)", status, re.MULTILINE)
        return caught is not None and bool(int(caught[1], 16) >> (number - 1) & 1)

    def drain(self, number: signal.Signals = signal.SIGTERM) -> dict[str, int]:
        """A signal, a clean end with code 0, and its counts."""
        until(lambda: self.handles(number), lambda: f"a handler of {number.name}\n{self.text()}")
        self.process.send_signal(number)
        code = self.wait()
        assert code == 0, f"exit code {code} after {number.name}:\n{self.text()}"
        return self.counts()

    def refused(self, *words: str) -> str:
        """Wait for the end with code 1, and for each of `words` in what it says."""
        code = self.wait()
        text = self.text()
        assert code == 1, f"exit code {code} instead of 1:\n{text}"
        for word in words:
            assert word in text, f"{word!r} is not said:\n{text}"
        return text


class Flow:
    """A flow's settings and recovery folder; `start()` runs it, again and again if wanted."""

    def __init__(
        self,
        folder: Path,
        broker: Broker,
        store: LocalTablestore,
        topic: str | None,
        settings: Settings | None = None,
    ) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.env: dict[str, str] = {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": KEY_ID,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": KEY_SECRET,
        }
        self.group = broker.fresh_name("group")
        self._runs: list[FlowProcess] = []
        self.settings: dict[str, dict[str, Any]] = {}
        self.set(
            {
                "kafka": {
                    "bootstrap_servers": broker.bootstrap,
                    "group": self.group,
                    "topics": [topic] if topic else [],
                },
                "tablestore": {"endpoint": store.url, "instance": store.instance},
                # Short, so that tests are quick; every value is legal in production too.
                "window": {"age": 0.1, "shards": 8},
            }
        )
        self.set(settings or {})

    def set(self, settings: Settings) -> None:
        """Change settings for the starts that follow."""
        for section, values in settings.items():
            self.settings.setdefault(section, {}).update(values)

    def unset(self, section: str, name: str) -> None:
        """Remove a setting, so that its default applies again."""
        self.settings.get(section, {}).pop(name, None)

    def start(self, *options: str, module: str = "flows.sync", snapshot: int = 1) -> FlowProcess:
        """Run the flow with Bytewax's own command line; the recovery folder stays the same."""
        recovery = ["-r", str(self.state), "-s", str(snapshot), "-b", "0"]
        return self.run_program(["-m", "bytewax.run", module, *recovery, *options], "flow")

    def supervise(self, *options: str) -> FlowProcess:
        """Run it with `tablestore-sync run`, a snapshot each second."""
        command = ["-m", "connectors.cli", "run", "-r", str(self.state)]
        return self.run_program([*command, "--snapshot-interval", "1", *options], "flow")

    def run_program(self, arguments: Sequence[str], name: str) -> FlowProcess:
        """Run Python with these arguments, and the settings in its environment."""
        process = FlowProcess(
            arguments,
            self.folder,
            {**self.env, **environment(self.settings)},
            name=f"{name}-{len(self._runs) + 1}",
        )
        self._runs.append(process)
        return process

    def output(self) -> str:
        """The output of all runs so far."""
        return "".join(process.text() for process in self._runs)

    def stop_all(self) -> None:
        """Kill the processes that are still running."""
        for process in self._runs:
            process.kill()

    def start_cluster(self, processes: int) -> list[FlowProcess]:
        """Run it as a cluster of processes on this machine."""
        ports = [free_port() for _ in range(processes)]
        addresses = ";".join(f"127.0.0.1:{port}" for port in ports)
        return [self.start("-i", str(index), "-a", addresses) for index in range(processes)]


def environment(settings: Settings) -> dict[str, str]:
    """Settings as the environment variables that the flow reads."""
    return {
        f"SYNC__{section}__{name}".upper(): value if isinstance(value, str) else json.dumps(value)
        for section, values in settings.items()
        if section != "tables"
        for name, value in values.items()
    } | ({"SYNC__TABLES": json.dumps(settings["tables"])} if "tables" in settings else {})


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
