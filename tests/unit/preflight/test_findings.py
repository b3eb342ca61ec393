"""What `check` finds without a service: order, time limits, ACLs, origins, the recovery folder."""

import fcntl
import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import StopRun
from connectors.kafka.probes import Access, Brokers, Probes
from connectors.preflight.finding import Finding
from connectors.preflight.kafka import kafka_checks
from connectors.preflight.local import machine_checks
from connectors.preflight.runner import Check, run_checks
from connectors.preflight.tablestore import policy
from connectors.run.folder_description import describe_folder
from connectors.settings.loading import load
from connectors.settings.origins import options_of
from tests.unit.factories import CANARY, settings

pytestmark = pytest.mark.unit


def test_a_check_that_hangs_fails_alone_and_in_its_place() -> None:
    """The others have their findings, in the order of the list."""
    never = threading.Event()

    def hang() -> list[Finding]:
        never.wait()
        return []

    def stop() -> list[Finding]:
        raise StopRun("it is away\n  remedy: start it")

    def fail() -> list[Finding]:
        raise ValueError(CANARY)

    checks = [
        Check("a", "one", lambda: [Finding("one", "ok", "fine")]),
        Check("a", "two", hang),
        Check("b", "three", stop),
        Check("a", "four", lambda: [Finding("four", "warning", "so so")]),
        Check("b", "five", fail),
    ]
    first, second = run_checks(checks, 2.0)
    never.set()
    assert [(one.name, one.status) for one in first.findings] == [
        ("one", "ok"),
        ("two", "failed"),
        ("four", "warning"),
    ]
    assert "no answer within 2 s" in first.findings[1].text
    assert second.findings[0] == Finding("three", "failed", "it is away", "start it")
    assert "ValueError at test_findings.py" in second.findings[1].text
    assert CANARY not in str(second)


def found_by(access: Access, group: Access = Access(), **sections: Any) -> dict[str, Finding]:  # noqa: B008
    """What the Kafka checks find where every topic has this access."""

    def topics(_: Mapping[str, Any], names: Any, __: float) -> dict[str, Access]:
        return dict.fromkeys(names, access)

    probes = Probes(
        lambda *_: Brokers("id", 3, frozenset({"orders"})), topics, lambda *_: group, lambda *_: ""
    )
    groups = run_checks(kafka_checks(settings(**sections), 1.0, probes), 20.0)
    return {finding.name: finding for one in groups for finding in one.findings}


@pytest.mark.parametrize(
    ("access", "words"),
    [
        (Access("", 4, frozenset({"describe"})), "Read is not granted"),
        (Access("", 4, frozenset({"read"})), "Describe is not granted"),
        (Access("denied"), "access is denied"),
        (Access("missing"), "no such topic"),
    ],
)
def test_a_topic_that_may_not_be_read_has_its_command(access: Access, words: str) -> None:
    """Ready to be copied, with brokers, user and topic."""
    kafka = {"bootstrap_servers": "b:1", "properties": {"sasl.username": "sync"}}
    finding = found_by(access, kafka=kafka)["topic orders"]
    assert finding.status == "failed"
    assert words in finding.text
    assert finding.remedy
    assert finding.grant == (
        "kafka-acls.sh --bootstrap-server b:1 --add --allow-principal User:sync "
        "--operation Read --operation Describe --topic orders"
    )


def test_what_is_granted_is_enough() -> None:
    """Read and Describe, or all operations; of the dead-letter topic, Write and Describe."""
    errors = {"tolerance": "all", "dead_letters": "kafka"}
    for names in ({"read", "write", "describe"}, {"all"}):
        access = Access("", 4, frozenset(names))
        found = found_by(access, access, errors=errors)
        assert {finding.status for finding in found.values()} == {"ok"}
    reader = Access("", 4, frozenset({"read", "describe"}))
    found = found_by(reader, Access("denied"), errors=errors)
    letters = found["dead-letter topic tablestore-sync-dead-letters"]
    assert letters.status == "failed"
    assert "--operation Write" in letters.grant
    group = found["group tablestore-sync"]
    assert group.status == "failed"
    assert "--group tablestore-sync" in group.grant
    missing = found_by(Access("missing"), errors={**errors, "auto_create": True})
    assert missing["dead-letter topic tablestore-sync-dead-letters"].status == "ok"


def test_a_policy_names_the_table_of_the_instance() -> None:
    """A RAM policy, as the console takes it; there instances are in lower case."""
    made = json.loads(policy("Shop", "orders", ("ots:BatchWriteRow",)))
    (statement,) = made["Statement"]
    assert statement["Resource"] == ["acs:ots:*:*:instance/shop/table/orders"]
    assert statement["Action"] == ["ots:BatchWriteRow"]


def test_origins_name_file_variable_and_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every option; and no value that may be a secret is shown."""
    file = tmp_path / "config.toml"
    file.write_text(
        '[kafka]\ntopics = ["a"]\nproperties = { "sasl.username" = "u", '
        f'"ssl.key.location" = "{CANARY}" }}\n'
        "[tables.a]\nauto_create = true\n"
    )
    monkeypatch.setenv("SYNC__KAFKA__GROUP", "g")
    secret = json.dumps({"sasl.password": CANARY})
    monkeypatch.setenv("SYNC__KAFKA__SECRET_PROPERTIES", secret)
    monkeypatch.setenv("SYNC__FORMAT__REGISTRY__TOKEN", CANARY)
    options = {option.name: option for option in options_of(load(file), file)}
    assert options["kafka.topics"].origin == f"{file}, [kafka] topics"
    assert options["kafka.group"].origin == "environment variable SYNC__KAFKA__GROUP"
    assert options["kafka.start"].is_default
    assert options["tables.a.auto_create"].origin.startswith(str(file))
    assert "tables.a.columns" not in options
    assert options["kafka.properties"].value.startswith('{"sasl.username": "u"')
    assert CANARY not in str(options)


def folder_findings(path: Path, **sections: Any) -> dict[str, Finding]:
    """What is found of a recovery folder."""
    groups = run_checks(machine_checks(settings(**sections), path), 20.0)
    return {finding.name: finding for group in groups for finding in group.findings}


def test_the_recovery_folder_is_judged_and_left_alone(tmp_path: Path) -> None:
    """Missing, of other shards, writable by others, in use, without a file of its store."""
    path = tmp_path / "state"
    assert folder_findings(path)[f"folder {path}"].status == "ok"
    assert not path.exists()
    path.mkdir(mode=0o700)
    manifest = {"contract": {"flow": "sync", "shards": 8}, "partitions": 1}
    (path / "manifest.json").write_text(json.dumps(manifest))
    other = folder_findings(path)[f"folder {path}"]
    assert other.status == "failed"
    assert "set window.shards = 8" in other.remedy
    lacking = folder_findings(path, window={"shards": 8})[f"folder {path}"]
    assert "1 of its part-*.sqlite3 files are missing" in lacking.text
    (path / "part-0.sqlite3").touch()
    before = {one.name: one.stat().st_mtime_ns for one in path.iterdir()}
    assert folder_findings(path, window={"shards": 8})[f"folder {path}"].status == "ok"
    assert {one.name: one.stat().st_mtime_ns for one in path.iterdir()} == before
    path.chmod(0o770)
    assert "chmod 700" in folder_findings(path)[f"folder {path}"].remedy


@pytest.mark.parametrize("name", ["process-0.lock", "supervisor.lock", "supervisor-1.lock"])
def test_a_folder_in_use_names_the_process(name: str, tmp_path: Path) -> None:
    """Seen without trying its lock, which a run that starts now must get.

    A supervisor that waits for its next start has no process.
    """
    (tmp_path / "manifest.json").write_text("{}")
    lock = (tmp_path / name).open("a+")
    assert describe_folder(tmp_path).running == []
    program = (
        "import fcntl, sys; lock = open(sys.argv[1], 'a+'); fcntl.flock(lock, fcntl.LOCK_EX)\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, lock.name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert describe_folder(tmp_path).running == [holder.pid]
        holder.communicate("")
    assert describe_folder(tmp_path).running == []
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_damaged_manifest_has_its_remedy(tmp_path: Path) -> None:
    """Describing a folder with a damaged manifest raises StopRun that names the remedy."""
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(StopRun, match="remedy: restore the folder"):
        describe_folder(tmp_path)
