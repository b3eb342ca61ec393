"""Each planted bug of simulation/bugs.py is found by real runs too: the checker says FAIL.

A run is stalled by its destination, killed, and followed by others, with the bug in its process.
PLANTED_BUGS=all (`make planted`) plants every bug; without it a few that are found in one kill.
"""

import json
import os
import random
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import pytest
from confluent_kafka import Producer

from simulation.bugs import BUGS
from simulation.checker import Kind, Produced, Verdict
from simulation.evidence import columns_of, key_text, stored_state
from tests.flows.conftest import PARTITIONS, Case
from tests.flows.dead_letters import to_topic
from tests.support.flow_process import FlowProcess
from tests.support.lanes import note
from tests.support.wait import until

RECORDS, KEYS, ROUNDS = 2000, 100, 5
SEED = int(os.environ.get("SYNC_TEST_SEED", "15"))
ALL = os.environ.get("PLANTED_BUGS") == "all"
BUSY = {"kind": "row_error", "code": "OTSNotEnoughCapacityUnit", "probability": 0.05, "count": 8}
SLOW = {"kind": "slow", "delay": 0.2, "probability": 0.3, "seed": SEED, "count": 40}
EVERY = {"kind": "slow", "delay": 0.02}
STALL = {"kind": "server_busy", "api": "BatchWriteRow"}
LOST = {"kind": "hang", "effect": "before", "skip": 5, "count": 2}
BAD_GATEWAY = {"kind": "http_502_html", "skip": 5, "count": 25}
NO_TABLE = {"kind": "table_not_ready", "code": "OTSObjectNotExist", "skip": 5, "count": 25}
Settings = Mapping[str, Mapping[str, Any]]


class Story(NamedTuple):
    """What makes a bug visible."""

    faults: tuple[Mapping[str, Any], ...] = ()
    settings: Settings | None = None
    """Beside those of every story."""
    stalls_at: int | None = None
    """Rows after which the destination takes nothing more, until the kill."""
    until: Literal["written", "stored", "committed"] = "written"
    """What there must be before the kill: rows, or offsets."""


AGE = {"window": {"age": 60.0, "rows": 150}}
ROOM = {"window": {"rows": 200}, "tablestore": {"queue": 50}}
FEW = {"table": {"rows_per_second": 200.0}}
STORIES: dict[str, Story] = {
    "lost_row": Story((BUSY,)),
    "rejected_row_counts_as_written": Story(),
    "missing_table_counts_as_written": Story((NO_TABLE,)),
    "timeout_counts_as_written": Story((LOST,)),
    "untrusted_answer_counts": Story((BAD_GATEWAY,)),
    "swapped_order": Story(),
    "shard_does_not_wait": Story((SLOW,)),
    "snapshot_does_not_wait": Story(settings=ROOM, stalls_at=0, until="stored"),
    "offset_stored_too_early": Story(settings=FEW, until="stored"),
    "batcher_forgets": Story(settings=AGE, until="stored"),
    "committed_too_early": Story(settings=AGE, until="committed"),
    "doubled_dead_letter": Story(),
    "dead_letter_is_not_sent": Story(),
}
"""late_twin is the network's, and batcher_is_called_late needs two kills within an epoch:
tests/simulation has them."""
IN_EVERY_RUN = ("snapshot_does_not_wait", "batcher_forgets")


def produce(case: Case) -> list[Produced]:
    """Changes of a few keys of each partition, deletes, and records that are rejected."""
    chance = random.Random(SEED)
    made: list[Produced] = []
    producer = Producer({"bootstrap.servers": case.broker.bootstrap, "linger.ms": 5})
    ends = [0] * PARTITIONS
    for number in range(RECORDS):
        partition = chance.randrange(PARTITIONS)
        kind: Kind = chance.choices(("put", "delete", "reject", "refuse"), (82, 8, 5, 5))[0]
        key = f"p{partition}k{chance.randrange(KEYS)}"
        columns: dict[str, object] = {"n": number}
        if kind == "refuse":
            columns["flag"] = "text"
        value = None if kind == "delete" else json.dumps(columns).encode()
        if kind == "reject":
            value, columns = b"{nope", {}
        producer.produce(case.topic, value, key.encode(), partition=partition)
        found = columns_of({} if kind == "delete" else columns)
        place = case.topic, partition, ends[partition]
        made.append(Produced(place, case.topic, key_text({"id": key}), kind, found, value))
        ends[partition] += 1
    assert producer.flush(60) == 0
    assert case.broker.ends(case.topic, PARTITIONS) == dict(enumerate(ends))
    return made


def prepare(case: Case, story: Story) -> list[Produced]:
    """The table, the settings and the records."""
    case.store.create_table(case.topic, (("id", "STRING"),), (("flag", "INTEGER"),))
    case.runs.dead_letter_topic = to_topic(case)
    plain: Settings = {
        "kafka": {"chunk_messages": 20},
        "format": {"key": "string"},
        "table": {
            "primary_key_mode": "record_key",
            "primary_key": [{"name": "id", "type": "string"}],
            "delete_mode": "row",
        },
        "tablestore": {"timeout": 1.0, "retry_initial": 0.02, "retry_max": 0.2},
        "window": {"rows": 10, "age": 0.2, "shards": 4},
    }
    case.flow.set(plain)
    case.flow.set(story.settings or {})
    return produce(case)


def start(case: Case, bug: str | None) -> FlowProcess:
    """The flow, with the bug in it."""
    if bug is None:
        return case.flow.start()
    recovery = ["-r", str(case.flow.state), "-s", "1", "-b", "0"]
    command = ["-m", "tests.support.planted", bug, "bytewax.run", "flows.sync", *recovery]
    return case.flow.run_program(command, "flow")


def set_faults(case: Case, *faults: Mapping[str, Any]) -> None:
    """These; and every other request takes a while, so that a kill lands among them."""
    rules = [{"api": "BatchWriteRow", **rule} for rule in (*faults, EVERY)]
    case.store.set_faults(*rules)


def verdict_of(case: Case, bug: str | None, story: Story) -> Verdict:
    """Runs that are killed until something is wrong, and at last one that goes on to the end."""
    produced = prepare(case, story)
    for _ in range(ROUNDS if ALL and bug else 1):
        killed_run(case, bug, story)
        found = case.runs.verdict(produced, ends_read=False)
        if found.status == "FAIL":
            return found
    set_faults(case, *story.faults)
    case.flow.set({"window": {"age": 0.2}})
    process = start(case, bug)
    until(lambda: not process.alive or is_committed(case), process.text)
    case.store.set_faults()
    process.terminate()
    process.wait()
    case.runs.ended(quiet=0.4)
    return case.runs.verdict(produced, minimum=RECORDS)


def killed_run(case: Case, bug: str | None, story: Story) -> None:
    """A run that is killed when what the story waits for is there, or the run has ended."""
    if story.stalls_at == 0:
        case.store.set_faults(STALL)
    else:
        set_faults(case, *story.faults)
    stored, written = stored_offsets(case), case.store.written()
    process = start(case, bug)
    if story.stalls_at:
        until(lambda: case.store.written() >= written + (story.stalls_at or 0), process.text)
        case.store.set_faults(STALL)
    conditions: dict[str, Callable[[], bool]] = {
        "written": lambda: case.store.written() >= written + 50,
        "stored": lambda: stored_offsets(case) != stored,
        "committed": lambda: case.committed() != {},
    }
    ready = conditions[story.until]
    until(lambda: not process.alive or ready() or is_committed(case), process.text)
    process.kill()
    case.runs.ended(quiet=0.4)


def stored_offsets(case: Case) -> object:
    """Those of a run that may still be going on; what is being written then cannot be read."""
    try:
        return stored_state(case.flow.state)[0]
    except (sqlite3.Error, OSError):
        return None


def is_committed(case: Case) -> bool:
    return case.committed() == case.broker.ends(case.topic, PARTITIONS)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("bug", [name for name in STORIES if ALL or name in IN_EVERY_RUN])
def test_a_real_run_finds_a_planted_bug(
    bug: str, embedded_case: Case, pytestconfig: pytest.Config
) -> None:
    """What was produced, the changes of rows, dead letters and offsets do not fit together."""
    embedded_case.unbalanced = True  # some bugs show there too
    verdict = verdict_of(embedded_case, bug, STORIES[bug])
    assert verdict.status == "FAIL", str(verdict)
    note(pytestconfig, f"planted {bug}: {', '.join(sorted(verdict.kinds))}")


@pytest.mark.P1
@pytest.mark.P3
@pytest.mark.P4
@pytest.mark.timeout(300)
def test_nothing_is_found_without_a_bug(embedded_case: Case, pytestconfig: pytest.Config) -> None:
    """The same records with the faults of all these stories: PASS, and each fault has struck."""
    case = embedded_case
    verdict = verdict_of(case, None, Story((BUSY, LOST, BAD_GATEWAY, SLOW), stalls_at=200))
    assert verdict.status == "PASS", str(verdict)
    assert {*case.store.fired()} >= {"row_error", "hang", "http_502_html", "slow"}
    note(
        pytestconfig,
        f"no bug planted: {verdict.records} records, 0 lost, 0 wrong, "
        f"{verdict.duplicates} row changes repeated",
    )


def test_every_bug_has_a_story() -> None:
    """Of those that a single kill of a real run can show."""
    assert {*BUGS} - {*STORIES} == {"late_twin", "batcher_is_called_late"}
