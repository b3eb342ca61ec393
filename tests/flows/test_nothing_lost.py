"""Nothing is lost and nothing is wrong, however the process ends.

The flow runs as a user runs it, while a producer keeps producing; it is ended again and again at
moments chosen by a seed. After each end the stored offsets, the rows that wait and the group's
offsets are noted, and at the end they, every record produced and every row change are compared.
SYNC_TEST_SEED chooses other moments, SYNC_TEST_ROUNDS another number of them.
"""

import os
import random
import signal
import time

import pytest

from tests.flows.conftest import PARTITIONS, Case
from tests.support.flow_process import FlowProcess
from tests.support.lanes import note
from tests.support.producers import Stream
from tests.support.wait import until

SEED = int(os.environ.get("SYNC_TEST_SEED", "20261122"))
ROUNDS = int(os.environ.get("SYNC_TEST_ROUNDS", "10"))
RATE = 500
MINIMUM = 100 * ROUNDS


@pytest.mark.fault("process", "SIGKILL at random")
@pytest.mark.P1
@pytest.mark.P2
@pytest.mark.timeout(120 + 30 * ROUNDS)
def test_sigkill_loses_nothing(case: Case, pytestconfig: pytest.Config) -> None:
    """P1, P2: killed outright at ten random moments, it ends with every row right."""
    chance = random.Random(SEED)
    case.store.create_table(case.topic)
    landed = 0
    with Stream(case.broker.bootstrap, case.manifest, case.topic, PARTITIONS, RATE, SEED):
        for _ in range(ROUNDS):
            process = case.flow.start()
            before = case.store.written()
            # Some kills land while it starts, the others when it has written a random amount.
            rows = chance.choice([0, *range(1, 1500, 50)])
            if rows:
                case.wait_written(before + rows, process)
            time.sleep(chance.random() * 1.2)
            landed += process.alive
            process.kill()
            case.runs.ended()
    process = case.flow.start()
    case.wait_committed(process)
    process.drain()
    case.runs.ended()
    verdict = case.verdict(minimum=MINIMUM, fired={"SIGKILL while it ran": landed})
    assert landed == ROUNDS
    note(
        pytestconfig,
        f"SIGKILL x{landed} ({case.broker.kind} Kafka, seed {SEED}): {verdict.records} records, "
        f"0 lost, 0 wrong, {verdict.duplicates} row changes repeated",
    )


@pytest.mark.fault("process", "SIGTERM")
@pytest.mark.P1
@pytest.mark.P2
@pytest.mark.timeout(120 + 30 * ROUNDS)
def test_sigterm_repeats_nothing(case: Case, pytestconfig: pytest.Config) -> None:
    """Ended by SIGTERM at ten random moments: code 0 each time, and no row is written twice."""
    chance = random.Random(SEED + 1)
    case.store.create_table(case.topic)
    read = written = 0
    with Stream(case.broker.bootstrap, case.manifest, case.topic, PARTITIONS, RATE, SEED):
        for _ in range(ROUNDS):
            process = case.flow.start()
            case.wait_written(case.store.written() + chance.randrange(1, 1000), process)
            time.sleep(chance.random() * 0.5)
            counts = process.drain()
            case.runs.ended()
            read, written = read + counts["read"], written + counts["written"]
            assert counts["resumed"] == 0, "a drain leaves no rows waiting"
            assert written == read == case.store.written()
    process = case.flow.start()
    case.wait_written(len(case.manifest), process)
    process.drain()
    case.runs.ended()
    verdict = case.verdict(minimum=MINIMUM)
    assert verdict.duplicates == 0, str(verdict)
    note(
        pytestconfig,
        f"SIGTERM x{ROUNDS} ({case.broker.kind} Kafka, seed {SEED + 1}): {verdict.records} "
        f"records, exit code 0 each time, 0 lost, 0 wrong, 0 repeated",
    )


@pytest.mark.P1
def test_ended_while_it_starts(case: Case) -> None:
    """SIGTERM and SIGKILL at any moment of the start: no hang, no loss, and it starts again."""
    case.store.create_table(case.topic)
    case.orders(500)
    for milliseconds in (250, 350, 450, 600, 800, 1000):
        # Whatever it is doing then is a fine moment.
        process = case.flow.start()
        time.sleep(milliseconds / 1000)
        if milliseconds in (350, 450, 800):
            process.kill()
            case.runs.ended()
            continue
        handled = process.handles(signal.SIGTERM)
        process.terminate()
        assert process.wait() == 0 if handled else process.wait() in (0, -15), process.text()
        case.runs.ended()
    process = case.flow.start()
    case.wait_committed(process)
    process.drain()
    case.runs.ended()
    case.verdict(minimum=500)


@pytest.mark.fault("process", "SIGINT")
@pytest.mark.P1
@pytest.mark.P2
def test_sigint_drains_too(case: Case) -> None:
    """Ctrl-C is a clean end like SIGTERM."""
    case.store.create_table(case.topic)
    case.orders(300)
    process = case.flow.start()
    case.wait_written(100, process)
    process.drain(signal.SIGINT)
    process = case.flow.start()
    case.wait_written(300, process)
    process.drain()
    assert case.verdict(minimum=300).duplicates == 0


def blocked(case: Case, deadline: float) -> FlowProcess:
    """A run whose sink takes nothing, with rows on their way."""
    case.store.create_table(case.topic)
    case.store.set_faults({"kind": "server_busy", "api": "BatchWriteRow"})
    case.flow.set({"shutdown": {"deadline": deadline}})
    case.orders(300)
    process = case.flow.start()
    until(lambda: case.store.fired().get("server_busy", 0) > 3, process.text)
    return process


@pytest.mark.P1
def test_a_drain_that_cannot_be_done(embedded_case: Case) -> None:
    """SIGTERM while the destination takes nothing: after the time limit code 1, and no loss."""
    case = embedded_case
    process = blocked(case, deadline=1.0)
    process.terminate()
    text = process.refused("shutdown.deadline", "remedy")
    assert "Traceback" not in text
    assert case.committed() == {}
    case.store.set_faults()
    process = case.flow.start()
    case.wait_written(300, process)
    process.drain()
    assert case.verdict(minimum=300).duplicates == 0


@pytest.mark.P1
def test_a_second_signal_ends_at_once(embedded_case: Case) -> None:
    """A second signal does not wait for the drain; the next run loses nothing."""
    case = embedded_case
    process = blocked(case, deadline=300.0)
    process.terminate()
    process.wait_for("draining")
    process.terminate()
    assert process.wait() == 128 + signal.SIGTERM, process.text()
    case.store.set_faults()
    process = case.flow.start()
    case.wait_written(300, process)
    process.drain()
    case.verdict(minimum=300)


@pytest.mark.fault("destination", "the service restarts")
@pytest.mark.P1
@pytest.mark.P6
@pytest.mark.timeout(180)
def test_the_table_store_restarts(case: Case) -> None:
    """The destination dies and comes back while rows flow: the run waits, nothing is lost."""
    case.store.create_table(case.topic)
    process = case.flow.start()
    with Stream(case.broker.bootstrap, case.manifest, case.topic, PARTITIONS, RATE, SEED):
        case.wait_written(200, process)
        for _ in range(2):
            case.store.restart()
            case.wait_written(case.store.written() + 200, process)
    case.wait_committed(process)
    process.drain()
    # The log of effects began again with each start of the store, so only the rows are judged.
    case.verdict_of_rows(minimum=500)


@pytest.mark.fault("source", "the broker restarts")
@pytest.mark.P1
@pytest.mark.P6
@pytest.mark.timeout(240)
def test_the_broker_restarts(apache_case: Case) -> None:
    """The real broker is killed and comes back while rows flow: nothing is lost."""
    case = apache_case
    assert case.broker.apache is not None
    case.store.create_table(case.topic)
    process = case.flow.start()
    with Stream(case.broker.bootstrap, case.manifest, case.topic, PARTITIONS, RATE, SEED):
        case.wait_written(200, process)
        case.broker.apache.kill()
        case.broker.apache.restart()
        before = case.store.written()
        case.wait_written(before + 500, process)
    case.wait_committed(process)
    process.drain()
    case.verdict(minimum=500)
