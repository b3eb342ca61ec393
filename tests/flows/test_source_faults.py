"""Faults of the source: leaders move, brokers answer errors or slowly; nothing is lost.

Only the mock cluster can be made to fail on demand. It has three brokers here.
"""

from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaError

from localkafka import EmbeddedKafka
from tests.flows.conftest import PARTITIONS, Case, MakeCase
from tests.support.brokers import Broker
from tests.support.flow_process import FlowProcess
from tests.support.lanes import note
from tests.support.producers import Stream
from tests.support.wait import until

FAULTS = [
    ("Fetch", KafkaError.NOT_LEADER_FOR_PARTITION),
    ("Fetch", KafkaError.LEADER_NOT_AVAILABLE),
    ("Fetch", KafkaError.REQUEST_TIMED_OUT),
    ("Fetch", KafkaError.KAFKA_STORAGE_ERROR),
    ("Fetch", KafkaError.UNKNOWN_LEADER_EPOCH),
    ("OffsetCommit", KafkaError.NOT_COORDINATOR),
    ("OffsetCommit", KafkaError.COORDINATOR_NOT_AVAILABLE),
    ("OffsetCommit", KafkaError.COORDINATOR_LOAD_IN_PROGRESS),
    ("OffsetCommit", KafkaError.REQUEST_TIMED_OUT),
]
# Not Metadata: the mock's error there is one that no broker sends, and librdkafka 2.16 aborts the
# process on it inside describe_topics (an assertion in rdkafka_admin.c).


@pytest.fixture
def cluster() -> Iterator[EmbeddedKafka]:
    with EmbeddedKafka(brokers=3) as kafka:
        yield kafka


@pytest.fixture
def case(cluster: EmbeddedKafka, make_case: MakeCase) -> Case:
    made = make_case(Broker("embedded", embedded=cluster))
    made.store.create_table(made.topic)
    return made


def strike(case: Case, cluster: EmbeddedKafka, process: FlowProcess, api: str, code: int) -> None:
    """Let one kind of error strike, see that it did, and that rows go on."""
    left = cluster.broker_errors_left(api)
    cluster.push_broker_errors(api, code, times=3)
    until(
        lambda: cluster.broker_errors_left(api) < left + 3 * 3,
        lambda: f"{api} error {code} was never answered\n{process.text()}",
    )
    case.wait_written(case.store.written() + 100, process)


@pytest.mark.P1
@pytest.mark.fault("source", "the group's coordinator moves")
def test_transient_errors_of_the_brokers_heal(
    case: Case, cluster: EmbeddedKafka, pytestconfig: pytest.Config
) -> None:
    """Each error of a fetch or of a commit, a few times in a row: nothing is lost."""
    process = case.flow.start()
    with Stream(case.broker.bootstrap, case.manifest, case.topic, PARTITIONS, 400, seed=9):
        for api, code in FAULTS:
            strike(case, cluster, process, api, code)
    case.wait_committed(process)
    process.drain()
    verdict = case.verdict(minimum=1000)
    note(
        pytestconfig,
        f"{len(FAULTS)} kinds of errors of the brokers: {verdict.records} records, 0 lost, "
        f"0 wrong, {verdict.duplicates} row changes repeated",
    )


@pytest.mark.P1
@pytest.mark.fault("source", "the leader changes, of three brokers")
def test_leaders_and_brokers_come_and_go(case: Case, cluster: EmbeddedKafka) -> None:
    """Partitions move from broker to broker, and brokers go down and come up: nothing is lost."""
    process = case.flow.start()
    with Stream(case.broker.bootstrap, case.manifest, case.topic, PARTITIONS, 400, seed=10):
        for turn in range(6):
            broker = turn % 3 + 1
            for partition in range(PARTITIONS):
                cluster.set_leader(case.topic, partition, broker)
            other = broker % 3 + 1
            cluster.broker_down(other)
            case.wait_written(case.store.written() + 100, process)
            cluster.broker_up(other)
    case.wait_committed(process)
    process.drain()
    case.verdict(minimum=500)


def test_slow_brokers(case: Case, cluster: EmbeddedKafka) -> None:
    """Brokers that take 300 ms an answer delay everything and lose nothing."""
    cluster.set_rtt(300)
    case.orders(200)
    process = case.flow.start()
    case.wait_written(200, process)
    process.drain()
    assert case.verdict(minimum=200).duplicates == 0


def test_a_topic_that_may_not_be_read_stops_the_run(case: Case, cluster: EmbeddedKafka) -> None:
    """No permission on the topic: the run stops and says which grant is missing."""
    case.orders(20)
    cluster.push_errors("Fetch", KafkaError.TOPIC_AUTHORIZATION_FAILED, times=50)
    text = case.flow.start().refused(case.topic, "grant", "remedy")
    assert "Traceback" not in text
    cluster.clear_errors("Fetch")
    process = case.flow.start()
    case.wait_written(20, process)
    process.drain()
    case.verdict(minimum=20)
