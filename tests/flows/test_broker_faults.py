"""Faults of a real Kafka: leaders change, connections are reset, a broker stalls."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from confluent_kafka.admin import AdminClient

from localkafka import ApacheCluster, KafkaUnavailableError, available
from tests.flows.conftest import PARTITIONS, Case, MakeCase
from tests.support.brokers import Broker
from tests.support.lanes import skip_lane
from tests.support.producers import Stream
from tests.support.tcp_proxy import TcpProxy
from tests.support.wait import until

pytestmark = [pytest.mark.P1, pytest.mark.P6, pytest.mark.kafka]
RATE = 300
SLOW = 150.0
"""Seconds that three brokers may take on a busy machine."""


@dataclass
class Three:
    """Three brokers, each behind a proxy."""

    cluster: ApacheCluster
    proxies: list[TcpProxy]

    def leaders(self, topic: str) -> dict[int, int]:
        """The id of the leader of each partition, as the first broker knows it."""
        bootstrap = self.cluster.brokers[0].bootstrap
        client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        found = client.list_topics(topic, timeout=30).topics[topic].partitions
        return {number: partition.leader for number, partition in found.items()}


@pytest.fixture(scope="module")
def three(request: pytest.FixtureRequest) -> Iterator[Three]:
    """The brokers, for the tests of this module."""
    reason = available()
    if reason is not None:
        skip_lane(request.config, "kafka", reason)
    with ApacheCluster() as cluster, ExitStack() as stack:
        proxies = [stack.enter_context(TcpProxy(port)) for port in cluster.ports]
        try:
            cluster.start([proxy.port for proxy in proxies])
        except KafkaUnavailableError as error:
            skip_lane(request.config, "kafka", str(error))
        yield Three(cluster, proxies)


@pytest.fixture
def case(three: Three, make_case: MakeCase) -> Case:
    """A case that starts at the first of the brokers."""
    made = make_case(Broker("apache", apache=three.cluster.brokers[0]))
    made.store.create_table(made.topic)
    return made


@pytest.mark.timeout(400)
@pytest.mark.fault("source", "the leader changes, of three brokers")
def test_a_leader_dies(case: Case, three: Three) -> None:
    """Its partitions go to other brokers, and it comes back: the run goes on, nothing is lost."""
    before = three.leaders(case.topic)
    victim = next(leader for leader in before.values() if leader != 1)
    process = case.flow.start()
    with Stream(case.broker.bootstrap, case.manifest, case.topic, PARTITIONS, RATE, seed=11):
        case.wait_written(200, process, within=SLOW)
        three.cluster.brokers[victim - 1].kill()
        until(
            lambda: victim not in three.leaders(case.topic).values(),
            lambda: f"other leaders: {three.leaders(case.topic)}",
            within=SLOW,
        )
        case.wait_written(case.store.written() + 300, process, within=SLOW)
        three.cluster.brokers[victim - 1].restart()
        case.wait_written(case.store.written() + 100, process, within=SLOW)
    case.wait_committed(process, within=SLOW)
    process.drain()
    case.verdict(minimum=600)


@pytest.mark.timeout(300)
@pytest.mark.fault("source", "connections are reset")
def test_connections_are_reset(case: Case, three: Three) -> None:
    """All connections to all brokers, five times: the run goes on, and nothing is lost."""
    process = case.flow.start()
    with Stream(case.broker.bootstrap, case.manifest, case.topic, PARTITIONS, RATE, seed=12):
        for _ in range(5):
            case.wait_written(case.store.written() + 100, process, within=SLOW)
            assert sum(proxy.reset() for proxy in three.proxies) > 0
    case.wait_committed(process, within=SLOW)
    process.drain()
    case.verdict(minimum=500)


@pytest.mark.timeout(300)
@pytest.mark.fault("source", "a broker that stalls")
def test_a_broker_that_stalls(apache_case: Case) -> None:
    """It keeps its connections and answers nothing for a while: reading waits, nothing is lost."""
    case = apache_case
    assert case.broker.apache is not None
    assert case.broker.apache.pid is not None
    case.store.create_table(case.topic)
    case.flow.set({"kafka": {"properties": {"socket.timeout.ms": 2000}}})
    process = case.flow.start()
    with Stream(case.broker.bootstrap, case.manifest, case.topic, PARTITIONS, RATE, seed=13):
        case.wait_written(200, process)
        os.kill(case.broker.apache.pid, signal.SIGSTOP)
        try:
            process.wait_for("Kafka client")  # what it says once a request has timed out
            stalled = case.store.written()
            time.sleep(1.0)
            assert case.store.written() == stalled, "it has answered"
        finally:
            os.kill(case.broker.apache.pid, signal.SIGCONT)
        case.wait_written(stalled + 300, process)
    case.wait_committed(process)
    process.drain()
    case.verdict(minimum=500)
