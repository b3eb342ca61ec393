"""`docker/compose.yaml` without a container engine: its files, its programs as processes."""

import json
import os
import re
import signal
import stat
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from scripts.board import PANELS
from tests.flows.conftest import Case
from tests.support.processes import ROOT, ChildProcess
from tests.support.store import KEY_ID, KEY_SECRET
from tests.support.wait import until

COMPOSE = ROOT / "docker" / "compose.yaml"
CONFIG = ROOT / "docker" / "compose" / "config.toml"
# In the place of Kafka's own: what its standard input says goes to the topic.
PRODUCER = """#!{python}
import sys
from confluent_kafka import Producer
address, topic = sys.argv[sys.argv.index("--bootstrap-server") + 1], sys.argv[-1]
assert address == "kafka:9092", address
producer = Producer({{"bootstrap.servers": {bootstrap!r}, "linger.ms": 5}})
for line in sys.stdin.buffer:
    producer.produce(topic, line.rstrip(b"\\n"))
    producer.poll(0)
producer.flush()
"""


def test_the_compose_file_names_what_there_is() -> None:
    """Files that it mounts and builds exist, images are pinned, ports are of this machine only."""
    text = COMPOSE.read_text("utf-8")
    for path in re.findall(r"[\"\s](\./[\w./-]+):", text):
        assert (COMPOSE.parent / path).exists(), path
    for path in re.findall(r"dockerfile: (\S+)", text):
        assert (ROOT / path).exists(), path
    images = re.findall(r"^\s+image: (\S+)$", text, re.M)
    assert images
    assert all(re.search(r"@sha256:[0-9a-f]{64}$", image) for image in images)
    ports = re.findall(r'"([\d.]*:?\d+:\d+)"', text)
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_configuration_of_the_compose_file_is_valid() -> None:
    """As `tablestore-sync check` would judge it."""
    from connectors.settings.loading import load

    settings = load(ROOT / "docker" / "compose" / "config.toml")
    assert settings.kafka.topics == ("orders",)
    assert os.fspath(settings.kafka.bootstrap_servers) in COMPOSE.read_text("utf-8")


def service(name: str) -> str:
    """The lines of a service."""
    found = re.search(rf"^  {name}:\n((?:    .*\n|\n)+)", COMPOSE.read_text("utf-8"), re.M)
    assert found is not None, name
    return found[1]


@contextmanager
def _whole_group(leader: ChildProcess) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(leader.pid, signal.SIGKILL)


@pytest.mark.timeout(240)
def test_its_stream_comes_to_the_board(embedded_case: Case, tmp_path: Path) -> None:
    """Orders, sync in two processes and configuration as they are in the file, at other addresses.

    The panels that every run fills have their numbers: what Prometheus would ask for is there.
    """
    case = embedded_case
    config = CONFIG.read_text("utf-8").replace("kafka:9092", case.broker.bootstrap)
    config = config.replace("http://tablestore:18087", case.store.url)
    config = config.replace('instance = "demo"', f'instance = "{case.store.instance}"')
    config = config.replace('topics = ["orders"]', f'topics = ["{case.topic}"]')
    (tmp_path / "config.toml").write_text(config)
    programs = tmp_path / "bin"
    programs.mkdir()
    producer = PRODUCER.format(python=sys.executable, bootstrap=case.broker.bootstrap)
    for name, text in {
        "kafka-topics.sh": "#!/bin/sh",
        "kafka-console-producer.sh": producer,
    }.items():
        (programs / name).write_text(text)
        (programs / name).chmod(stat.S_IRWXU)
    script = (COMPOSE.parent / "compose" / "orders.sh").read_text("utf-8")
    script = script.replace("/opt/kafka/bin", str(programs)).replace(
        "--topic orders", f"--topic {case.topic}"
    )
    (tmp_path / "orders.sh").write_text(script)
    environment = {"SYNC_CONFIG": str(tmp_path / "config.toml"), "SYNC__HTTP__PORT": "0"}
    environment["ALIBABA_CLOUD_ACCESS_KEY_ID"] = KEY_ID
    environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = KEY_SECRET
    said = re.search(r"command: (\[.*\])", service("sync"))
    assert said is not None
    command = [part.replace("/state/", f"{tmp_path}/") for part in json.loads(said[1])]
    # The script's pipeline is of several processes, which end together.
    shell = "import os; os.execvp('bash', ['bash', 'orders.sh'])"
    with (
        ChildProcess(["-c", shell], tmp_path, name="orders") as orders,
        _whole_group(orders),
        ChildProcess(["-m", "connectors.cli", *command], tmp_path, environment, "sync") as sync,
    ):
        url = sync.wait_for("for the whole run").split()[-5]

        def metrics() -> str:
            assert sync.alive, sync.text()
            assert orders.alive, orders.text()
            with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:
                return str(answer.read(), "utf-8")

        def flows() -> str | None:
            text = metrics()
            written = re.findall(r"^sync_records_written_total\{.*\} (\S+)", text, re.M)
            return text if len(written) == 2 and all(float(one) > 100 for one in written) else None

        text = until(flows, lambda: f"{sync.text()}{orders.text()}")
        asked = {name for panel in PANELS for query, _ in panel.queries for name in _names(query)}
        missing = {name for name in asked if not re.search(rf"^{name}\{{", text, re.M)}
        assert not {name for name in missing if "throttle" not in name and name not in RARE}
        sync.terminate()
        assert sync.wait() == 0, sync.text()


# What a calm run has no samples of.
RARE = {
    "sync_rejections_total",
    "sync_dead_letters_total",
    "sync_wait_seconds",
    "sync_drift_fields_total",
}


def _names(query: str) -> list[str]:
    return re.findall(r"\b(?:sync|process)_\w+", query)
