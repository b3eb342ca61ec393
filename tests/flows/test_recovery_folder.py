"""The recovery folder belongs to one run of one flow: everything else is refused with a reason.

These need no particular Kafka, so they run on the embedded one.
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from localkafka import EmbeddedKafka
from tests.flows.conftest import Case


@pytest.fixture
def case(embedded_case: Case) -> Case:
    """No broker has a part in what is tested here, so one Kafka is enough."""
    embedded_case.store.create_table(embedded_case.topic)
    return embedded_case


def ran_once(case: Case) -> None:
    """Leave a recovery folder that a run has used."""
    case.orders(100)
    process = case.flow.start()
    case.wait_written(100, process)
    process.drain()


def test_a_second_run_is_refused_while_the_first_lives(case: Case) -> None:
    """Two runs on one folder would undo each other's offsets; the first goes on undisturbed."""
    case.orders(100)
    first = case.flow.start()
    case.wait_written(100, first)
    text = case.flow.start().refused("in use", "remedy", str(first.pid))
    assert "Traceback" not in text
    case.orders(100, first=100)
    case.wait_written(200, first)
    first.drain()
    assert case.verdict(minimum=200).duplicates == 0


def test_a_killed_run_leaves_no_lock(case: Case) -> None:
    """The lock ends with its process, however that ended."""
    case.orders(100)
    first = case.flow.start()
    case.wait_written(50, first)
    first.kill()
    second = case.flow.start()
    case.wait_committed(second)
    second.drain()
    case.verdict(minimum=100)


def test_another_number_of_shards_is_refused(case: Case) -> None:
    """Rows that wait in the folder have their shard; another number would lose them."""
    ran_once(case)
    case.flow.set({"window": {"shards": 16}})
    text = case.flow.start().refused("shards", "8", "16", "remedy")
    assert "Traceback" not in text
    case.flow.set({"window": {"shards": 8}})
    case.flow.start().drain()
    assert case.verdict().duplicates == 0


def test_another_flow_is_refused(case: Case) -> None:
    """A flow of another name does not take over a folder: its state would be lost silently."""
    ran_once(case)
    source = (Path(__file__).parents[2] / "flows" / "sync.py").read_text()
    (case.flow.folder / "other.py").write_text(
        source.replace('FLOW_ID = "sync"', 'FLOW_ID = "other"')
    )
    case.flow.start(module="other").refused("flow", "'sync'", "'other'", "remedy")


def test_a_folder_of_another_program_is_refused(case: Case) -> None:
    """State without our manifest came from a flow that we do not know."""
    ran_once(case)
    (case.flow.state / "manifest.json").unlink()
    source = (Path(__file__).parents[2] / "flows" / "sync.py").read_text()
    (case.flow.folder / "other.py").write_text(
        source.replace('FLOW_ID = "sync"', 'FLOW_ID = "other"')
    )
    case.flow.start(module="other").refused("another flow", "sync.read", "remedy")


def test_lost_files_are_not_a_fresh_start(case: Case) -> None:
    """A used folder without its files stops the run: the offsets are gone, and users must know."""
    ran_once(case)
    for part in case.flow.state.glob("part-*"):
        part.unlink()
    text = case.flow.start().refused("part-", "remedy")
    assert "Traceback" not in text


def test_one_lost_file_is_reported(case: Case) -> None:
    """One of the files missing is a clear text too, not a stack trace."""
    ran_once(case)
    for part in case.flow.state.glob("part-3.*"):
        part.unlink()
    text = case.flow.start().refused("part-", "remedy")
    assert "Traceback" not in text


def test_files_without_a_manifest_are_not_thrown_away(case: Case) -> None:
    """Half a folder that does hold offsets is refused: only an empty one is made again."""
    ran_once(case)
    (case.flow.state / "manifest.json").unlink()
    holding = [part for part in case.flow.state.glob("part-*.sqlite3") if holds_state(part)]
    for part in case.flow.state.glob("part-*"):
        if not part.name.startswith(holding[0].stem):
            part.unlink()
    case.flow.start().refused("part-", "remedy")
    assert holds_state(holding[0])


def holds_state(part: Path) -> bool:
    """Whether a file of the recovery store has snapshots in it."""
    with closing(sqlite3.connect(part)) as database:
        return bool(database.execute("SELECT count(*) FROM snaps").fetchone()[0])


def test_a_damaged_manifest_is_refused(case: Case) -> None:
    """Half a manifest is not taken for none."""
    ran_once(case)
    manifest = case.flow.state / "manifest.json"
    manifest.write_text(manifest.read_text()[:20])
    case.flow.start().refused("manifest.json", "damaged", "remedy")


def test_another_cluster_is_refused(case: Case) -> None:
    """Offsets mean nothing on another Kafka cluster, even where the topic has the same name."""
    ran_once(case)
    with EmbeddedKafka({case.topic: 4}) as elsewhere:
        case.flow.set({"kafka": {"bootstrap_servers": elsewhere.bootstrap}})
        case.flow.start().refused("another Kafka cluster", "remedy")


def test_no_folder_is_refused(case: Case) -> None:
    """Without -r each start would read everything again: refused unless that is wanted."""
    from tests.support.flow_process import FlowProcess, environment

    env = {**case.flow.env, **environment(case.flow.settings)}
    with FlowProcess(["-m", "bytewax.run", "flows.sync"], case.flow.folder, env) as process:
        process.refused("no recovery folder", "-r", "remedy")


def test_the_manifest_holds_no_secret(case: Case) -> None:
    """The recovery folder is private to its owner and holds neither keys nor addresses of users."""
    ran_once(case)
    assert case.flow.state.stat().st_mode & 0o077 == 0
    text = json.dumps(case.state())
    assert case.flow.env["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] not in text
