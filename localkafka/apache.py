"""A real Apache Kafka broker (KRaft, one node) on free ports of 127.0.0.1.

It is ready 2 to 3 seconds after `start()` and takes about 400 MB of memory; its data is in a
temporary folder, which `close()` removes. The configuration and the figures were measured with
Kafka 4.3.1 on Java 17.
"""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic

from localkafka import jars, processes
from localkafka.jars import KafkaUnavailableError

_CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qk"
_START_SECONDS = 90.0
_STOP_SECONDS = 30.0
_ADMIN_SECONDS = 30.0
_TOOL_SECONDS = 90.0
_JVM = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")
_GROUP_TOOL = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
# Records with old timestamps would be deleted at once by the default of 7 days.
log.retention.ms=-1
# Room for the records that are too large for a row.
message.max.bytes=8388608
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
# The default reserves 128 MiB of heap for compaction.
log.cleaner.dedupe.buffer.size=4194304
"""

# A second listener, for tests of clients that log in by tokens: it takes any that is unsigned, says
# who it is and has not expired, and asks for the next one after some seconds.
_OAUTH = """\
listeners=PLAINTEXT://127.0.0.1:{broker},SASL_PLAINTEXT://127.0.0.1:{oauth},\\
CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker},SASL_PLAINTEXT://127.0.0.1:{oauth}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,\\
SASL_PLAINTEXT:SASL_PLAINTEXT
listener.name.sasl_plaintext.sasl.enabled.mechanisms=OAUTHBEARER
listener.name.sasl_plaintext.oauthbearer.sasl.jaas.config=\\
org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
listener.name.sasl_plaintext.oauthbearer.sasl.server.callback.handler.class=\\
org.apache.kafka.common.security.oauthbearer.internals.unsecured.\\
OAuthBearerUnsecuredValidatorCallbackHandler
listener.name.sasl_plaintext.oauthbearer.connections.max.reauth.ms=5000
"""

_LOG4J = """\
<Configuration status="WARN">
 <Appenders><Console name="out" target="SYSTEM_OUT">
  <PatternLayout pattern="%d %p %c: %m%n"/></Console></Appenders>
 <Loggers><Root level="WARN"><AppenderRef ref="out"/></Root></Loggers>
</Configuration>
"""


class GroupOffset(NamedTuple):
    """One line of Kafka's consumer group tool; None where the tool shows `-`."""

    committed: int | None
    end: int | None
    lag: int | None


def available() -> str | None:
    """Why Apache Kafka cannot run here (no Java, no Maven), or None where it should."""
    try:
        jars.find_java()
        if not jars.fetched():
            jars.find_maven()
    except KafkaUnavailableError as error:
        return str(error)
    return None


class ApacheKafka:
    """One broker in a process of its own; use as a context manager.

    Raises KafkaUnavailableError where the machine cannot run it, KafkaException where a request of
    the admin client is refused. Start it from a thread that lives as long as the broker (see
    `localkafka.child`).
    """

    def __init__(self, topics: Mapping[str, int] | None = None, *, oauth: bool = False) -> None:
        """Prepare a broker with `topics` (name to number of partitions); nothing runs yet.

        `oauth`: it listens at `oauth_bootstrap` too, by SASL_PLAINTEXT and OAUTHBEARER, where any
        unsigned token will do that has not expired.
        """
        self._topics = dict(topics or {})
        self._oauth = oauth
        self._java = ""
        self._class_path = ""
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._admin: AdminClient | None = None
        self._port = self._oauth_port = 0

    @property
    def bootstrap(self) -> str:
        """Address for a client's `bootstrap.servers`; the same after a restart."""
        return f"127.0.0.1:{self._port}"

    @property
    def oauth_bootstrap(self) -> str:
        """The same, for clients that log in by a token."""
        return f"127.0.0.1:{self._oauth_port}"

    @property
    def pid(self) -> int | None:
        """Process id of the broker while it runs."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Fetch the jars if need be, format a data folder, and start the broker on it."""
        broker, self._oauth_port, controller = free_ports(3)
        try:
            self.prepare(broker, controller)
            self.launch()
            self.wait_ready()
            for name, partitions in self._topics.items():
                self.create_topic(name, partitions)
        except BaseException:
            self.close()
            raise

    def prepare(self, port: int, controller: int, further: str = "") -> None:
        """Format a data folder for a broker on these ports; `further` lines of its properties."""
        self._java = jars.find_java()
        self._class_path = jars.class_path()
        self._folder = Path(tempfile.mkdtemp(prefix="localkafka-"))
        self._port = port
        given = {"broker": port, "oauth": self._oauth_port, "controller": controller}
        properties = _PROPERTIES.format(**given, data=self._folder / "data")
        if self._oauth:
            properties += _OAUTH.format(**given)
        properties += further  # the last line of a name wins
        (self._folder / "server.properties").write_text(properties, encoding="utf-8")
        (self._folder / "log4j2.xml").write_text(_LOG4J, encoding="utf-8")
        self._format()

    def stop(self) -> None:
        """End the broker's process by SIGTERM, or SIGKILL where that takes too long; keep data."""
        process, self._process, self._admin = self._process, None, None
        if process is not None:
            processes.stop(process, _STOP_SECONDS)

    def kill(self) -> None:
        """End the broker's process by SIGKILL; keep its data."""
        process, self._process, self._admin = self._process, None, None
        if process is not None:
            process.kill()
            process.wait()

    def restart(self) -> None:
        """Stop if running, then start again on the same port and data."""
        self.stop()
        self.launch()
        self.wait_ready()

    def close(self) -> None:
        """Stop the broker and remove its data; a second call does nothing."""
        self.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def __enter__(self) -> "ApacheKafka":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def create_topic(
        self, name: str, partitions: int = 4, config: Mapping[str, str] | None = None
    ) -> None:
        """Make a topic with the given topic-level settings; one that exists is an error."""
        # -1: as many replicas as the brokers' default.replication.factor says.
        topic = NewTopic(name, partitions, -1, config=dict(config or {}))
        self._client().create_topics([topic], request_timeout=_ADMIN_SECONDS)[name].result()
        self._wait_for(name, partitions)

    def delete_topic(self, name: str) -> None:
        """Remove a topic and its records; returns once metadata no longer has it."""
        admin = self._client()
        admin.delete_topics([name], operation_timeout=_ADMIN_SECONDS)[name].result()
        deadline = time.monotonic() + _ADMIN_SECONDS
        while name in admin.list_topics(timeout=_ADMIN_SECONDS).topics:
            if time.monotonic() > deadline:
                raise TimeoutError(f"topic {name} is still there after {_ADMIN_SECONDS:.0f} s")
            time.sleep(0.05)

    def create_partitions(self, name: str, total: int) -> None:
        """Raise the number of partitions of a topic to `total`."""
        request = NewPartitions(name, total)
        self._client().create_partitions([request], request_timeout=_ADMIN_SECONDS)[name].result()
        self._wait_for(name, total)

    def delete_records(self, topic: str, partition: int, before: int) -> None:
        """Let the partition begin at offset `before`, as retention would."""
        place = TopicPartition(topic, partition, before)
        self._client().delete_records([place], request_timeout=_ADMIN_SECONDS)[place].result()

    def consumer_group_describe(self, group: str) -> dict[tuple[str, int], GroupOffset]:
        """Offsets and lag as Kafka's own tool shows them to an operator, by topic and partition.

        Empty where the group does not exist. Runs a Java program: about 2 seconds.
        """
        address = ["--bootstrap-server", self.bootstrap]
        done = subprocess.run(
            [*self._java_command(), _GROUP_TOOL, *address, "--describe", "--group", group],
            capture_output=True,
            check=False,
            text=True,
            timeout=_TOOL_SECONDS,
        )
        if "does not exist" in done.stdout + done.stderr:
            return {}
        if done.returncode != 0:
            raise RuntimeError(f"the consumer group tool failed:\n{done.stdout}{done.stderr}")
        return _parse_group(done.stdout, group)

    def _client(self) -> AdminClient:
        if self._process is None:
            raise RuntimeError("the broker is not running")
        if self._admin is None:
            # The client would log errors while the broker restarts.
            self._admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        return self._admin

    def _java_command(self) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self._home() / 'log4j2.xml'}"
        return [self._java, *_JVM, logging, "-cp", self._class_path]

    def _home(self) -> Path:
        if self._folder is None:
            raise RuntimeError("the broker was not started")
        return self._folder

    def _format(self) -> None:
        settings = ["-c", str(self._home() / "server.properties"), "--ignore-formatted"]
        tool = ["kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, *settings]
        done = subprocess.run(
            [*self._java_command(), *tool],
            capture_output=True,
            check=False,
            text=True,
            timeout=_TOOL_SECONDS,
        )
        if done.returncode != 0:
            raise KafkaUnavailableError(f"Kafka's storage tool failed:\n{done.stdout}{done.stderr}")

    def launch(self) -> None:
        """Start the prepared broker's process; it is not ready yet."""
        settings = str(self._home() / "server.properties")
        program = [*self._java_command(), "kafka.Kafka", settings]
        with (self._home() / "broker.log").open("ab") as log:
            self._process = processes.start(program, log)

    def wait_ready(self) -> None:
        """Wait until clients are answered; KafkaUnavailableError where that never happens."""
        process = self._process
        if process is None:
            raise RuntimeError("the broker is not running")
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            code = process.poll()
            if code is not None or time.monotonic() > deadline:
                state = "does not answer" if code is None else f"ended with code {code}"
                text = (self._home() / "broker.log").read_text(encoding="utf-8", errors="replace")
                lines = "\n".join(text.splitlines()[-15:])
                self.kill()
                raise KafkaUnavailableError(f"the Kafka broker {state}; its last lines:\n{lines}")

    def _answers(self) -> bool:
        # A plain connection first: a client that finds no listener backs off and costs time.
        try:
            socket.create_connection(("127.0.0.1", self._port), timeout=1.0).close()
        except OSError:
            time.sleep(0.05)
            return False
        try:
            return bool(self._client().list_topics(timeout=2.0).brokers)
        except KafkaException:
            return False

    def _wait_for(self, topic: str, partitions: int) -> None:
        """Wait until every partition of the topic has a leader: only then can clients use it."""
        deadline = time.monotonic() + _ADMIN_SECONDS
        while True:
            found = self._client().list_topics(topic, timeout=_ADMIN_SECONDS).topics[topic]
            led = [p for p in found.partitions.values() if p.leader >= 0 and p.error is None]
            if len(led) >= partitions:
                return
            if time.monotonic() > deadline:
                reason = found.error or KafkaError(KafkaError.LEADER_NOT_AVAILABLE)
                raise KafkaException(reason)
            time.sleep(0.02)


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, held at the same time so that they differ."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def _parse_group(text: str, group: str) -> dict[tuple[str, int], GroupOffset]:
    """Read the tool's table; columns are found by their headings, not by place."""
    offsets: dict[tuple[str, int], GroupOffset] = {}
    columns: list[str] = []
    for line in text.splitlines():
        words = line.split()
        if "CURRENT-OFFSET" in words:
            columns = words
        elif columns and words[:1] == [group]:
            row = dict(zip(columns, words, strict=False))
            numbers = (row["CURRENT-OFFSET"], row["LOG-END-OFFSET"], row["LAG"])
            offsets[row["TOPIC"], int(row["PARTITION"])] = GroupOffset(
                *(None if number == "-" else int(number) for number in numbers)
            )
    return offsets
