"""P7: a canary in every secret setting, and a look at every surface of a run."""

import json
import os
import pickletools
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.http_api.models import Status
from tests.flows.conftest import PARTITIONS, Case
from tests.flows.dead_letters import to_topic
from tests.flows.test_formats import SCHEMA, send
from tests.flows.test_http_endpoint import address, get
from tests.support.brokers import read_records
from tests.support.flow_process import FlowProcess, free_port
from tests.support.otlp import OtlpCollector
from tests.support.registry import SchemaRegistry
from tests.support.store import KEY_SECRET
from tests.support.wait import until

pytestmark = pytest.mark.P7

CANARY = "canary-0f-"
PAGES = ("/", "/metrics", "/status", "/history", "/settings", "/health", "/ready", "/none")
# What makes an object of a class, or calls a function, when a pickle is read.
CLASSES = {
    *("GLOBAL", "STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "REDUCE", "BUILD"),
    *("EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID"),
}


@pytest.fixture
def registry() -> Iterator[SchemaRegistry]:
    with SchemaRegistry() as made:
        yield made


@pytest.fixture
def collector() -> Iterator[OtlpCollector]:
    with OtlpCollector() as made:
        yield made


def with_secrets(case: Case, registry: SchemaRegistry, collector: OtlpCollector) -> None:
    """A canary in every setting that is a secret, as text or in a file."""
    folder = case.flow.folder.parent / "secrets"
    folder.mkdir()
    (folder / "key").write_text(f"{CANARY}key-file\n")
    kafka = {"sasl.username": "u"}
    case.flow.set(
        {
            "kafka": {
                "properties": kafka,
                "secret_property_files": {"ssl.key.password": str(folder / "key")},
            },
            "dead_letters": {"bootstrap_servers": case.broker.bootstrap},
            "errors": {"auto_create": True},
            "http": {"port": 0},
            "log": {"level": "debug"},
            "format": {
                "value": "avro",
                "registry": {"url": registry.url, "username": "u", "password": f"{CANARY}registry"},
            },
        }
    )
    case.flow.env |= {
        "ALIBABA_CLOUD_SECURITY_TOKEN": f"{CANARY}token",
        "SYNC__KAFKA__SECRET_PROPERTIES": json.dumps({"sasl.password": f"{CANARY}sasl"}),
        "SYNC__DEAD_LETTERS__SECRET_PROPERTIES": json.dumps({"sasl.password": f"{CANARY}dead"}),
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={CANARY}otel",
        "HTTPS_PROXY": f"http://u:{CANARY}proxy@127.0.0.1:{free_port()}",
    }


def look(where: str, content: str | bytes) -> None:
    """Fail where a secret is."""
    data = content.encode() if isinstance(content, str) else content
    for secret in (CANARY, KEY_SECRET):
        at = data.find(secret.encode())
        assert at < 0, f"{where} holds a secret: {data[max(0, at - 80) : at + 60]!r}"


def look_at_commands_of_processes() -> None:
    """What `ps` shows to every user."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        if process.parent.name == str(os.getpid()):
            continue
        try:
            text = process.read_bytes()
        except OSError:  # it has ended
            continue
        # The local Tablestore is given its secret by its tests.
        if b"emulator" not in text:
            look(f"process {text[:200]!r}", text)


def look_at_files(case: Case) -> None:
    """The recovery folder, with what a killed run leaves, and the logs."""
    files = [one for one in case.flow.folder.rglob("*") if one.is_file()]
    assert any(one.name.startswith("part-") for one in files)
    for file in files:
        look(str(file), file.read_bytes())


def look_at_tools(case: Case) -> None:
    """What the other commands and a program print, with and without an error."""
    shown = "from connectors.settings.loading import load; s = load(); print(repr(s), s, s.kafka)"
    commands = [
        ["-m", "connectors.cli", "check", "-r", str(case.flow.state)],
        ["-m", "connectors.cli", "preview", "--json", "--steps", "--last", "3"],
        ["-m", "connectors.cli", "verify", "--json"],
        ["-c", f"{shown}; s.kafka.client_properties(); raise RuntimeError(s)"],
    ]
    for number, command in enumerate(commands):
        process = case.flow.run_program(command, f"tool-{number}")
        process.wait()
        assert process.text()
        look(" ".join(command[:4]), process.text())


def look_at_dead_letters(case: Case, topic: str, number: int) -> None:
    """Key, value and headers of each."""
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer({"bootstrap.servers": case.broker.bootstrap, "group.id": "look"})
    consumer.assign([TopicPartition(topic, 0, 0)])
    for message in read_records(consumer, number):
        look("a dead letter", repr((message.key(), message.value(), message.headers())))
    consumer.close()


def classes_in(folder: Path) -> set[str]:
    """What the states in a recovery store would make or call when they are read."""
    found: set[str] = set()
    number = 0
    for part in folder.glob("part-*.sqlite3"):
        with sqlite3.connect(part) as store:
            for (data,) in store.execute("SELECT ser_change FROM snaps"):
                if data is not None:
                    number += 1
                    found |= {code.name for code, _, _ in pickletools.genops(data)} & CLASSES
    assert number > PARTITIONS, "the store is empty"
    return found


def durable(case: Case, process: FlowProcess, number: int) -> str:
    """Wait until a snapshot has that many records; the URL of the process."""
    url = address(case, process)

    def there() -> bool:
        assert process.alive, process.text()
        status = Status.model_validate_json(get(f"{url}/status")[1])
        return sum(one.durable_offset or 0 for one in status.partitions) >= number

    until(there, process.text)
    return url


@pytest.mark.timeout(400)
def test_no_surface_shows_a_secret_and_no_snapshot_holds_a_class(
    embedded_case: Case, registry: SchemaRegistry, collector: OtlpCollector
) -> None:
    """A run with rows and dead letters; one that is killed with waiting rows; the tools."""
    case = embedded_case
    case.store.create_table(case.topic)
    dead = to_topic(case)
    with_secrets(case, registry, collector)
    number = registry.register(json.dumps(SCHEMA))
    send(case, number, 100)
    process = case.flow.start()
    url = durable(case, process, 100)
    for page in PAGES:
        look(page, get(url + page)[1])
    look_at_commands_of_processes()
    process.process.send_signal(signal.SIGUSR1)
    process.drain()
    look_at_dead_letters(case, dead, 10)
    assert any(registry.authorizations), "the registry has not seen its password"

    # Rows that wait, in the store of a run that has no time to tidy up.
    case.flow.set({"window": {"age": 3600.0}})
    (case.flow.state / "process-0.http").unlink(missing_ok=True)
    send(case, number, 100)
    process = case.flow.start()
    durable(case, process, 200)
    process.kill()
    assert classes_in(case.flow.state) == set()

    look_at_tools(case)
    # A start that fails, by a secret that cannot be used.
    case.flow.env["SYNC__KAFKA__SECRET_PROPERTIES"] = json.dumps({"sasl.nothing": f"{CANARY}bad"})
    assert case.flow.start().wait() == 1
    look("the output", case.flow.output())
    look_at_files(case)
