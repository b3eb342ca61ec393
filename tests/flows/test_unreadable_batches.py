"""A batch that the client cannot read, in a whole flow: it stops, or is skipped with a word."""

import json
from pathlib import Path

import pytest

from connectors.cli import main
from tests.flows.conftest import Case
from tests.flows.dead_letters import messages_of, own_block, to_topic
from tests.support.ledger import Produced
from tests.support.producers import kafka_row
from tests.support.raw_batches import RawRecord, batch, flip, produce

pytestmark = pytest.mark.P4


def send_around(case: Case, broken: bytes, count: int) -> tuple[int, int]:
    """Good records before and behind a broken batch; returns its first and its last offset."""
    first = 0
    for number in range(3):
        if number == 1:
            first = produce(case.broker.bootstrap, case.topic, 2, broken)
            continue
        values = [json.dumps({"n": number * 100 + n}).encode() for n in range(5)]
        made = batch([RawRecord(None, value) for value in values])
        at = produce(case.broker.bootstrap, case.topic, 2, made)
        for offset, value in enumerate(values, at):
            row = kafka_row(case.topic, json.loads(value))(2, offset)
            case.manifest.add(Produced(case.topic, 2, offset, None, value, row))
    return first, first + count - 1


RECORDS = [RawRecord(None, b'{"n": 1}')] * 9
BROKEN = {
    "a flipped bit": flip(batch(RECORDS)),
    "records that are none": batch(RECORDS, body=b"\x80" * 40),
}


@pytest.mark.parametrize("name", BROKEN)
def test_it_stops_the_run_and_the_command_passes_it(
    embedded_case: Case, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The text has the command; after it the run goes on, and nothing else is missing."""
    case = embedded_case
    case.store.create_table(case.topic)
    case.flow.set({"kafka": {"stalled_after": 2}})
    first, last = send_around(case, BROKEN[name], len(RECORDS))
    text = case.flow.start().refused(
        f"topic {case.topic} partition 2", f"offset {first}", f"--offset {last}", "remedy"
    )
    assert "Traceback" not in text
    where = ["--topic", case.topic, "--partition", "2", "--offset", str(last)]
    assert main(["skip", "-r", str(Path(case.flow.state)), *where]) == 0
    assert f"to {last}" in capsys.readouterr().out
    process = case.flow.start()
    case.wait_committed(process)
    process.drain()
    case.verdict(minimum=10)


def test_it_is_skipped_with_one_dead_letter(embedded_case: Case) -> None:
    """By the setting; the counts balance, and the dead letter names the offsets."""
    case = embedded_case
    case.store.create_table(case.topic)
    dead = to_topic(case)
    case.flow.set({"kafka": {"unreadable_batch": "skip"}})
    first, last = send_around(case, BROKEN["a flipped bit"], len(RECORDS))
    process = case.flow.start()
    case.wait_committed(process)
    counts = process.drain()
    assert (counts["read"], counts["written"], counts["rejected"]) == (11, 10, 1)
    case.verdict(minimum=10)
    (message,) = messages_of(case.broker, dead)
    block = own_block(message)
    assert block["__connect.errors.offset"] == str(first)
    assert f"offsets {first} to {last}" in block["__connect.errors.exception.message"]
    assert block["__tablestore_sync.code"] == "value_unreadable"
