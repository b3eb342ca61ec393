"""The commands of README.md, docs/cli.md and docs/migrating.md, in the order of the pages.

Those of docs/tutorial.md and docs/tools.md are run by tests of their own; what is only parsed is
in PARSED, with the reason.
"""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from connectors.cli.exit_codes import DONE
from localkafka import EmbeddedKafka
from tests.support.blocks import ROOT, blocks
from tests.support.flow_process import free_port
from tests.support.store import KEY_ID, KEY_SECRET, LocalTablestore
from tests.support.wait import until

pytestmark = [pytest.mark.flows, pytest.mark.timeout(400)]

PAGES = ("README.md", "docs/cli.md", "docs/migrating.md")
PROGRAM = "tablestore-sync"
# What a run must be there for; the others work on topics, tables and a folder at rest.
LIVE = ("status", "top", "pause", "resume", "drain", "log-level", "cost -r")
# Commands that are parsed only (unit/test_command_blocks.py), by how they begin, and why.
TOOLS = "its forms are run from docs/tools.md"
PARSED = {
    "run": "does not end; each command below that needs a run has one",
    "init --topic orders --registry": "needs the schema registry of the reader",
    "preview": TOOLS,
    "drift": TOOLS,
    "verify": TOOLS,
    "replay": "run from docs/tutorial.md",
    "backfill": TOOLS,
    "skip": "needs a run that stands at a record that it cannot pass",
    "completion": "writes into the reader's home",
    "offsets skip": "needs a folder that stands before the offset of the example",
}
# What is typed in addition, since there is no person at a terminal.
ADDED = {
    "init": ["--force"],  # the folder has the files of the commands before
    "top": ["--once"],  # it goes on until Ctrl-C
    "offsets reset": ["--yes"],  # it asks
}
CONNECTOR = {
    "name": "orders",
    "connector.class": "TableStoreSinkConnector",
    "topics": "orders",
    "tablestore.endpoint": "https://demo.cn-hangzhou.ots.aliyuncs.com",
    "tablestore.instance.name": "demo",
    "tablestore.primarykey.mode": "kafka",
    "tablestore.auto.create": "true",
}


class Place:
    """A folder with what the pages suppose: configurations, a topic, and runs."""

    def __init__(self, folder: Path, kafka: str, store: LocalTablestore) -> None:
        self.folder = folder
        self._run: subprocess.Popen[bytes] | None = None
        port = free_port()
        self.replaced = {
            "127.0.0.1:8080": f"127.0.0.1:{port}",  # a port that is free here
            "broker-1:9092": kafka,  # the reader's broker
            "https://INSTANCE.cn-hangzhou.ots.aliyuncs.com": store.url,  # the reader's instance
            "INSTANCE": store.instance,
            "orders-state": "state",  # another run's folder; one run is enough here
        }
        self._env = {
            **{name: text for name, text in os.environ.items() if not name.startswith("SYNC__")},
            "PYTHONPATH": str(ROOT),
            "ALIBABA_CLOUD_ACCESS_KEY_ID": KEY_ID,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": KEY_SECRET,
            "SYNC__KAFKA__BOOTSTRAP_SERVERS": kafka,
        }
        self._configuration = (
            '[kafka]\ntopics = ["orders"]\n'
            f'[tablestore]\nendpoint = "{store.url}"\ninstance = "{store.instance}"\n'
            '[table]\nprimary_key_mode = "record_value"\nprimary_key = [{ name = "order_id" }]\n'
            'auto_create = true\n[errors]\ntolerance = "all"\ndead_letters = "tablestore"\n'
            f"auto_create = true\n[http]\nport = {port}\n"
        )
        self.configure()
        (folder / "connector.json").write_text(json.dumps({"name": "o", "config": CONNECTOR}))
        lines = "".join(f"{name}={value}\n" for name, value in CONNECTOR.items())
        (folder / "connector.properties").write_text(lines)
        (folder / "worker.properties").write_text(f"bootstrap.servers={kafka}\n")

    def configure(self) -> None:
        """Write config.toml, also in place of one that `init` wrote."""
        (self.folder / "config.toml").write_text(self._configuration, "utf-8")

    def call(self, arguments: list[str]) -> tuple[int, str]:
        """The exit code of a command, and what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "connectors.cli", *arguments],
            cwd=self.folder,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        return done.returncode, done.stdout

    def start(self) -> None:
        """A run, unless there is one, and wait until it answers."""
        if self._run is None:
            with (self.folder / "run.log").open("ab") as log:
                self._run = subprocess.Popen(
                    [sys.executable, "-m", "connectors.cli", "run", "-r", "state"],
                    cwd=self.folder,
                    env=self._env,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            until(
                lambda: self.call(["top", "-r", "state", "--once"])[0] == DONE,
                (self.folder / "run.log").read_text,
                within=120.0,
            )

    def ended(self) -> int:
        """Wait for the end of the run: its exit code."""
        assert self._run is not None
        code, self._run = self._run.wait(120), None
        return code

    def rest(self) -> None:
        """Drain the run, if there is one."""
        if self._run is not None:
            assert self.call(["drain", "-r", "state"])[0] == DONE
            assert self.ended() == DONE

    def kill(self) -> None:
        """Leave no process behind."""
        if self._run is not None:
            os.killpg(self._run.pid, 9)
            self._run.wait()


@pytest.fixture
def place(tablestore: LocalTablestore, tmp_path: Path) -> Iterator[Place]:
    """With 1,300 orders in each of four partitions, as far as the offsets of the pages."""
    with EmbeddedKafka({"orders": 4, "readings": 1}) as kafka:
        producer = Producer({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
        for number in range(5200):
            order = {"order_id": f"o{number}", "amount": number / 4}
            key = f"customer-{number % 40}"
            producer.produce("orders", json.dumps(order), key, partition=number % 4)
            producer.poll(0)
        producer.produce("readings", b'{"device": "d1", "at": 1767600000000, "t": 20.5}')
        assert producer.flush(60) == 0
        made = Place(tmp_path, kafka.bootstrap, tablestore)
        yield made
        made.kill()


def commands(page: str) -> list[str]:
    """The commands of this program on a page."""
    found = [command for block in blocks(page) for command in block.commands]
    return [command for command in found if command.startswith(PROGRAM)]


def parsed_only(command: str) -> bool:
    """Whether a command is one of PARSED."""
    return any(f"{command} ".startswith(f"{PROGRAM} {begin} ") for begin in PARSED)


def test_every_command_succeeds(place: Place) -> None:
    """With exit code 0, one after the other, on a local Kafka and a local Tablestore."""
    failed = []
    for command in (command for page in PAGES for command in commands(page)):
        if parsed_only(command):
            continue
        typed = command.removeprefix(f"{PROGRAM} ")
        for old, new in place.replaced.items():
            typed = typed.replace(old, new)
        arguments = shlex.split(typed, comments=True)
        if ">" in arguments:
            arguments = arguments[: arguments.index(">")]
        for begin, words in ADDED.items():
            if typed.startswith(begin):
                arguments += [word for word in words if word not in arguments]
        if typed.startswith(LIVE):
            place.start()
        else:
            place.rest()
        code, text = place.call(arguments)
        if code != DONE:
            failed.append(f"{command}: {code}\n{text}")
        if arguments[0] == "drain":
            assert place.ended() == DONE
        if arguments[0] == "init":
            place.configure()
    assert not failed, "\n".join(failed)


def test_what_is_only_parsed_occurs() -> None:
    """An entry of PARSED that no page has any more is to be removed."""
    typed = [command for page in PAGES for command in commands(page)]
    for begin in PARSED:
        assert any(f"{command} ".startswith(f"{PROGRAM} {begin} ") for command in typed), begin
