"""The commands of docs/tools.md, one after the other as they stand there, do what they say."""

import json
import os
import re
import shlex
import sys
from pathlib import Path

import pytest
from confluent_kafka import Producer

from connectors import cli
from connectors.cli.app import COMMANDS
from connectors.cli.exit_codes import DONE, FOUND, STOPPED
from localkafka import EmbeddedKafka
from tests.support.store import KEY_ID, KEY_SECRET, LocalTablestore

pytestmark = pytest.mark.flows

PAGE = Path(__file__).parents[2] / "docs" / "tools.md"
PROGRAM = "tablestore-sync"


def commands() -> list[list[str]]:
    """The arguments of each command in the indented blocks of the page."""
    lines = re.findall(rf"^    {PROGRAM} (.*)$", PAGE.read_text("utf-8"), re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


def produce(bootstrap: str) -> None:
    """Orders, one of them broken, and readings of three sensors."""
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0})
    for number in range(200):
        order = {"order_id": f"o{number}", "amount": number / 4, "customer": f"c{number % 7}"}
        key = f"customer-{number % 7}"
        producer.produce("orders", json.dumps(order).encode(), key.encode(), partition=number % 2)
        reading = {"device": f"d{number % 3}", "at": 1_767_600_000_000 + number, "t": number / 8}
        producer.produce("readings", json.dumps(reading).encode())
    producer.produce("orders", b"{broken", partition=0)
    assert producer.flush(30) == 0


def test_every_command_of_the_page_works(
    tablestore: LocalTablestore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In a folder with a config.toml, on a local Kafka and a local Tablestore."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", KEY_SECRET)
    Path("config.toml").write_text(
        '[kafka]\ntopics = ["orders", "readings"]\n'
        f'[tablestore]\nendpoint = "{tablestore.url}"\ninstance = "{tablestore.instance}"\n'
        '[table]\nprimary_key_mode = "record_value"\nprimary_key = [{ name = "order_id" }]\n'
        'auto_create = true\n[tables.readings]\nprimary_key_mode = "search"\n'
    )
    with EmbeddedKafka({"orders": 4, "readings": 1}) as kafka:
        monkeypatch.setenv("SYNC__KAFKA__BOOTSTRAP_SERVERS", kafka.bootstrap)
        produce(kafka.bootstrap)
        # A backfill becomes a flow's process, whose tests are in test_backfill.py.
        monkeypatch.setattr(os, "execv", lambda *_: sys.exit("becomes the flow"))
        verified = False
        for arguments in commands():
            if arguments[0] == "backfill":
                with monkeypatch.context() as patched:
                    patched.setattr(os, "environ", {**os.environ})
                    assert cli.main(arguments) == STOPPED
                assert capsys.readouterr().err == ""
                continue
            if arguments[0] == "verify" and not verified:  # as a flow would have made them
                verified = True
                tablestore.create_table("orders", (("order_id", "STRING"),))
                texts, numbers = ("md5", "topic"), ("partition", "offset")
                place = [*((name, "STRING") for name in texts)]
                place += [(name, "INTEGER") for name in numbers]
                tablestore.create_table("readings", place)
            code = cli.main(arguments)
            if arguments[:2] == [
                "cost",
                "-r",
            ]:  # of a run that goes on: test_operator_commands.py has one
                assert code == STOPPED
                assert "remedy: name the run's folder" in capsys.readouterr().err
                continue
            printed = capsys.readouterr()
            assert code in (DONE, FOUND), (arguments, printed)
            assert printed.out
            if "--json" in arguments:
                json.loads(printed.out)
    assert tablestore.effects() == []


def test_every_command_is_described() -> None:
    """By a section of this page, whose commands are tried above, or on the pages about runs."""
    root = PAGE.parents[1]
    others = ("README.md", "docs/operations.md", "docs/migrating.md")
    elsewhere = "".join((root / name).read_text("utf-8") for name in others)
    sections = set(re.findall(r"^## ([a-z-]+):", PAGE.read_text("utf-8"), re.MULTILINE))
    for name in {*COMMANDS} - sections - {"completion"}:
        assert re.search(rf"({PROGRAM} |connectors\.cli |`){name}\b", elsewhere), name
    assert sections <= {arguments[0] for arguments in commands()}
