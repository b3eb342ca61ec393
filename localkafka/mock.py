"""The embedded Kafka: librdkafka's mock cluster, driven through ctypes.

The wheel of confluent-kafka carries librdkafka, and librdkafka carries a mock cluster that speaks
the Kafka protocol on 127.0.0.1 (rdkafka_mock.h). The Python package offers no way to its controls,
so they are called in the shared object directly. It is a test facility without a stability
promise: tests/kafka/test_embedded.py keeps watch over every call used here.

What it cannot do (measured on librdkafka 2.16): offsets by time (always answers -1), requests of
the admin client other than describe_topics, transactions (aborted records stay visible), more
partitions for a topic that exists. It keeps at most 5 MiB or 100,000 batches a partition, silently
drops older ones, and forgets everything when its process ends.
"""

import ctypes
from collections.abc import Mapping
from types import TracebackType

import confluent_kafka
from confluent_kafka import cimpl

_RD_KAFKA_PRODUCER = 0
_CONF_OK = 0

API_KEYS: Mapping[str, int] = {
    "Produce": 0,
    "Fetch": 1,
    "ListOffsets": 2,
    "Metadata": 3,
    "OffsetCommit": 8,
    "OffsetFetch": 9,
    "FindCoordinator": 10,
    "JoinGroup": 11,
    "Heartbeat": 12,
    "SyncGroup": 14,
    "InitProducerId": 22,
}
"""The Kafka requests that errors may be pushed on, by name, with the protocol's numbers."""


class MockKafkaError(RuntimeError):
    """A call of the mock cluster failed; the text names the call and librdkafka's reason."""


def _load() -> ctypes.CDLL:
    """The shared object of confluent_kafka, with the signatures of the calls used here."""
    library = ctypes.CDLL(cimpl.__file__)
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    offset = ctypes.c_int64
    signatures: dict[str, tuple[type | None, list[type]]] = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_conf_set": (number, [pointer, text, text, text, ctypes.c_size_t]),
        "rd_kafka_new": (pointer, [number, pointer, text, ctypes.c_size_t]),
        "rd_kafka_destroy": (None, [pointer]),
        "rd_kafka_err2str": (text, [number]),
        "rd_kafka_mock_cluster_new": (pointer, [pointer, number]),
        "rd_kafka_mock_cluster_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
        "rd_kafka_mock_set_controller_id": (None, [pointer, ctypes.c_int32]),
        "rd_kafka_mock_topic_create": (number, [pointer, text, number, number]),
        "rd_kafka_mock_topic_delete": (number, [pointer, text]),
        "rd_kafka_mock_topic_set_error": (None, [pointer, text, number]),
        "rd_kafka_mock_push_request_errors_array": (
            None,
            [pointer, ctypes.c_int16, ctypes.c_size_t, ctypes.POINTER(number)],
        ),
        # int, int pairs follow the count; ctypes passes what is not declared as C int.
        "rd_kafka_mock_broker_push_request_error_rtts": (
            number,
            [pointer, ctypes.c_int32, ctypes.c_int16, ctypes.c_size_t],
        ),
        "rd_kafka_mock_broker_error_stack_cnt": (
            number,
            [pointer, ctypes.c_int32, ctypes.c_int16, ctypes.POINTER(ctypes.c_size_t)],
        ),
        "rd_kafka_mock_clear_request_errors": (None, [pointer, ctypes.c_int16]),
        "rd_kafka_mock_broker_set_down": (number, [pointer, ctypes.c_int32]),
        "rd_kafka_mock_broker_set_up": (number, [pointer, ctypes.c_int32]),
        "rd_kafka_mock_broker_set_rtt": (number, [pointer, ctypes.c_int32, number]),
        "rd_kafka_mock_partition_set_leader": (
            number,
            [pointer, text, ctypes.c_int32, ctypes.c_int32],
        ),
        "rd_kafka_mock_partition_delete_records": (
            number,
            [pointer, text, ctypes.c_int32, offset],
        ),
        "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [pointer, ctypes.c_int32]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name, None)
        if function is None:
            raise MockKafkaError(
                f"confluent-kafka {confluent_kafka.version()} has no {name}: the embedded Kafka "
                "needs confluent-kafka 2.16 from a Linux or macOS wheel"
            )
        function.restype = result
        function.argtypes = arguments
    return library


class EmbeddedKafka:
    """A mock cluster that lives in this process, from construction until `close()`.

    Other processes reach it at `bootstrap`. Raises MockKafkaError where librdkafka refuses.
    """

    def __init__(self, topics: Mapping[str, int] | None = None, brokers: int = 1) -> None:
        """Start `brokers` brokers with `topics` (name to number of partitions)."""
        self._library = _load()
        self._brokers = range(1, brokers + 1)
        self._handle: int | None = None
        self._cluster: int | None = None
        error = ctypes.create_string_buffer(512)
        conf = self._library.rd_kafka_conf_new()
        # The handle only owns the cluster's thread; its log lines are of no use.
        for name, value in ((b"client.id", b"embedded-kafka"), (b"log_level", b"0")):
            if self._library.rd_kafka_conf_set(conf, name, value, error, 512) != _CONF_OK:
                raise MockKafkaError(f"rd_kafka_conf_set: {error.value.decode()}")
        self._handle = self._library.rd_kafka_new(_RD_KAFKA_PRODUCER, conf, error, 512)
        if not self._handle:
            raise MockKafkaError(f"rd_kafka_new: {error.value.decode()}")
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._handle, brokers)
        if not self._cluster:
            self.close()
            raise MockKafkaError("rd_kafka_mock_cluster_new: no cluster (no free ports?)")
        # As in the configuration of the real broker: the first member of a group does not wait 3 s.
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        # Without a controller each request of an admin client waits until it times out; with one,
        # describe_topics is answered and the others are refused at once.
        self._library.rd_kafka_mock_set_controller_id(self._cluster, 1)
        try:
            for topic, partitions in (topics or {}).items():
                self.create_topic(topic, partitions)
        except MockKafkaError:
            self.close()
            raise

    @property
    def bootstrap(self) -> str:
        """Addresses for a client's `bootstrap.servers`."""
        servers = self._library.rd_kafka_mock_cluster_bootstraps(self._open())
        return str(servers.decode())

    def create_topic(self, name: str, partitions: int = 4) -> None:
        """Make a topic; one that exists is an error."""
        replicas = len(self._brokers)
        self._call("rd_kafka_mock_topic_create", name.encode(), partitions, replicas, named=name)

    def delete_topic(self, name: str) -> None:
        """Remove a topic and its records."""
        self._call("rd_kafka_mock_topic_delete", name.encode(), named=name)

    def delete_records(self, topic: str, partition: int, before: int) -> None:
        """Let the partition begin at offset `before`, as retention would."""
        self._call(
            "rd_kafka_mock_partition_delete_records",
            topic.encode(),
            partition,
            before,
            named=f"{topic}[{partition}]",
        )

    def set_topic_error(self, topic: str, code: int) -> None:
        """Answer requests for the topic with an error code of the protocol (0: no more)."""
        self._library.rd_kafka_mock_topic_set_error(self._open(), topic.encode(), code)

    def push_errors(self, api: str, code: int, times: int = 1) -> None:
        """Answer the next `times` requests of one type (see API_KEYS) with an error code.

        A fetch that is in flight may take one copy of a Fetch error: push several.
        """
        codes = (ctypes.c_int * times)(*([code] * times))
        self._library.rd_kafka_mock_push_request_errors_array(
            self._open(), API_KEYS[api], times, codes
        )

    def push_broker_errors(self, api: str, code: int, times: int = 1) -> None:
        """As `push_errors`, but `times` on each broker, and `broker_errors_left` counts them."""
        pairs = [ctypes.c_int(part) for _ in range(times) for part in (code, 0)]
        for number in self._brokers:
            self._call(
                "rd_kafka_mock_broker_push_request_error_rtts",
                number,
                API_KEYS[api],
                times,
                *pairs,
                named=f"broker {number}",
            )

    def broker_errors_left(self, api: str) -> int:
        """The number of errors pushed on single brokers that were not answered yet."""
        left = 0
        count = ctypes.c_size_t()
        for number in self._brokers:
            self._call(
                "rd_kafka_mock_broker_error_stack_cnt",
                number,
                API_KEYS[api],
                ctypes.byref(count),
                named=f"broker {number}",
            )
            left += count.value
        return left

    def clear_errors(self, api: str) -> None:
        """Forget pushed errors that were not answered yet."""
        self._library.rd_kafka_mock_clear_request_errors(self._open(), API_KEYS[api])

    def broker_down(self, broker: int | None = None) -> None:
        """Close the connections of one broker (default: all) and accept no more."""
        for number in self._chosen(broker):
            self._call("rd_kafka_mock_broker_set_down", number, named=f"broker {number}")

    def broker_up(self, broker: int | None = None) -> None:
        """Let the broker accept connections again; None means all brokers."""
        for number in self._chosen(broker):
            self._call("rd_kafka_mock_broker_set_up", number, named=f"broker {number}")

    def set_rtt(self, milliseconds: int, broker: int | None = None) -> None:
        """Delay every answer by `milliseconds`."""
        for number in self._chosen(broker):
            self._call(
                "rd_kafka_mock_broker_set_rtt", number, milliseconds, named=f"broker {number}"
            )

    def set_leader(self, topic: str, partition: int, broker: int) -> None:
        """Move a partition to another broker (with more than one broker)."""
        self._call(
            "rd_kafka_mock_partition_set_leader",
            topic.encode(),
            partition,
            broker,
            named=f"{topic}[{partition}]",
        )

    def close(self) -> None:
        """End the cluster and free its ports; a second call does nothing."""
        if self._cluster:
            self._library.rd_kafka_mock_cluster_destroy(self._cluster)
            self._cluster = None
        if self._handle:
            self._library.rd_kafka_destroy(self._handle)
            self._handle = None

    def __enter__(self) -> "EmbeddedKafka":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self) -> int:
        if self._cluster is None:
            raise MockKafkaError("the embedded Kafka is closed")
        return self._cluster

    def _chosen(self, broker: int | None) -> range:
        return self._brokers if broker is None else range(broker, broker + 1)

    def _call(self, function: str, *arguments: object, named: str) -> None:
        code = getattr(self._library, function)(self._open(), *arguments)
        if code:
            reason = self._library.rd_kafka_err2str(code).decode()
            raise MockKafkaError(f"{function} for {named}: {reason} (code {code})")
