"""Three real brokers that replicate to each other, for tests in which one of them goes away."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from localkafka.apache import ApacheKafka, free_ports

_PROPERTIES = """
node.id={number}
controller.quorum.voters={voters}
advertised.listeners=PLAINTEXT://127.0.0.1:{advertised}
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
share.coordinator.state.topic.replication.factor=3
share.coordinator.state.topic.min.isr=2
# A dead broker is noticed after 3 seconds instead of 9.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
"""
_BROKERS = 3


class ApacheCluster:
    """Three brokers, each in a process of its own; use as a context manager.

    A client may start at any one of them. Raises what ApacheKafka raises.
    """

    def __init__(self) -> None:
        """Choose the ports; nothing runs yet."""
        ports = free_ports(2 * _BROKERS)
        self.ports: Sequence[int] = ports[:_BROKERS]
        """Where the brokers listen, in the order of `brokers`."""
        self._controllers = ports[_BROKERS:]
        self.brokers = [ApacheKafka() for _ in self.ports]
        """The brokers; that at index n has the id n + 1."""

    def start(self, advertised: Sequence[int] | None = None) -> None:
        """Start them all; `advertised` are ports at which clients reach them, such as proxies'."""
        voters = ",".join(
            f"{number}@127.0.0.1:{port}" for number, port in enumerate(self._controllers, 1)
        )
        try:
            for index, broker in enumerate(self.brokers):
                further = _PROPERTIES.format(
                    number=index + 1,
                    voters=voters,
                    advertised=(advertised or self.ports)[index],
                )
                broker.prepare(self.ports[index], self._controllers[index], further)
            for broker in self.brokers:
                broker.launch()
            for broker in self.brokers:
                broker.wait_ready()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Kill them and remove their data; a second call does nothing."""
        for broker in self.brokers:
            broker.kill()  # in order each would first hand over to the next one
        for broker in self.brokers:
            broker.close()

    def __enter__(self) -> ApacheCluster:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
