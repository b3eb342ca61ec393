"""Sends dead letters to a Kafka topic, each confirmed by its delivery report.

Bytewax's KafkaSink does not look at delivery reports, so it can lose messages without an error
[bytewax-kafka-sink]; the producer here is our own.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.cimpl import NewTopic

from connectors.dead_letters.headers import bytes_of, headers_of
from connectors.errors import StopRun
from connectors.kafka.clients import ClientErrors, KafkaClients
from connectors.records import DeadLetter
from connectors.run.context import Run
from connectors.run.waits import OperationWait

log = logging.getLogger("sync.dead_letters")

# Errors that sending again cannot correct, and the remedy of each.
_TOO_LARGE = (
    "raise message.max.bytes in dead_letters.properties and max.message.bytes of the topic, or "
    'send dead letters elsewhere (errors.dead_letters = "tablestore" or "log")'
)
_CREATE = "create the topic, or set errors.auto_create = true"
_GRANT = "grant Write and Describe on the topic to this user, or name another dead_letters.topic"
_REMEDIES = {
    KafkaError.MSG_SIZE_TOO_LARGE: _TOO_LARGE,
    KafkaError.RECORD_LIST_TOO_LARGE: _TOO_LARGE,
    KafkaError.TOPIC_AUTHORIZATION_FAILED: _GRANT,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "grant IdempotentWrite on the cluster to this user",
    KafkaError.TOPIC_EXCEPTION: "name a legal topic in dead_letters.topic",
    KafkaError.UNKNOWN_TOPIC_OR_PART: _CREATE,
    KafkaError._UNKNOWN_TOPIC: _CREATE,
    KafkaError._UNKNOWN_PARTITION: _CREATE,
    KafkaError.INVALID_RECORD: "the topic does not accept such records: check its settings (a "
    "compacted one accepts no records without a key)",
    KafkaError.POLICY_VIOLATION: "the cluster's policy does not allow it: ask its operator",
    KafkaError.INVALID_TIMESTAMP: "raise message.timestamp.before.max.ms of the topic",
    KafkaError.UNSUPPORTED_FOR_MESSAGE_FORMAT: "the broker is too old for headers: use another",
}
_RETRY_PAUSE = 0.5  # seconds
# librdkafka tries for `message.timeout.ms`, five minutes unless set, before it reports a failure.
_UNCONFIRMED, _CONFIRMED_WITHIN = "the brokers have not confirmed dead letters yet", 600.0
_SOON = 5.0  # seconds within which they confirm as a rule

# A dead letter with its headers.
_Sendable = tuple[DeadLetter, list[tuple[str, bytes | None]]]


class _DeliveryError(Exception):
    """A dead letter was not delivered; `error` is the client's or the broker's reason."""

    def __init__(self, error: KafkaError) -> None:
        super().__init__(error.str())
        self.error = error


def _in_background(function: Callable[[], None]) -> None:
    threading.Thread(target=function, name="dead-letters", daemon=True).start()


class KafkaDeadLetterSink:
    """The dead-letter topic of a run."""

    def __init__(
        self,
        run: Run,
        _writer: object = None,
        *,
        clients: KafkaClients | None = None,
        serve: Callable[[Callable[[], None]], object] = _in_background,
    ) -> None:
        """`serve` calls a function, which returns when the sink is closed, in the background."""
        self._run = run
        self._serve = serve
        self._clients = clients or KafkaClients()
        self._settings = run.settings.dead_letters
        self._properties = self._settings.client_properties(run.settings.kafka)
        self._errors = ClientErrors()
        # The last one sends dead letters; those before it failed and only deliver their reports.
        self._producers: list[Producer] = []
        self._lock = threading.Lock()
        self._prepare_lock = threading.Lock()
        self._closed = False

    def prepare(self) -> None:
        """Check that the topic exists; create it with errors.auto_create. Raises StopRun.

        Every worker of the process calls this; only the first call does something.
        """
        with self._prepare_lock:
            if not self._producers:
                self._prepare()

    def _prepare(self) -> None:
        producer = self._new_producer()
        self._producers.append(producer)
        topic, timeout = self._settings.topic, self._run.settings.kafka.metadata_timeout
        try:
            # All topics: a broker may create a topic whose metadata is requested by name.
            found = producer.list_topics(timeout=timeout).topics.get(topic)
        except KafkaException as error:
            producer.poll(0)
            raise StopRun(
                f"dead letters: no metadata from {self._properties['bootstrap.servers']} within "
                f"{timeout:g} s: {error.args[0].str()}{self._errors}\n  remedy: check that the "
                "brokers run; dead_letters.bootstrap_servers and properties are those of kafka "
                "unless set"
            ) from None
        if found is None:
            if not self._run.settings.errors.auto_create:
                raise self._stop("there is no such topic", _CREATE)
            self._create()
        elif found.error is not None and found.error.code() in _REMEDIES:
            raise self._stop(found.error.str(), _REMEDIES[found.error.code()])
        self._serve(self._poll)

    async def send(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Return when the brokers have confirmed every dead letter.

        A record of which several rows are rejected is sent once, with the first reason. Raises
        StopRun for an error that sending again cannot correct.
        """
        group = self._run.settings.kafka.group
        first: dict[tuple[str, int, int], DeadLetter] = {}
        for one in dead_letters:
            first.setdefault((one.topic, one.partition, one.offset), one)
        waiting = [(dead_letter, headers_of(dead_letter, group)) for dead_letter in first.values()]
        with OperationWait(self._run.waits, "kafka", "dead letters") as wait:
            await self._send(waiting, wait)

    async def _send(self, waiting: list[_Sendable], wait: OperationWait) -> None:
        while waiting:
            producer = self._producers[-1]
            reports = [self._produce(dead_letter, headers) for dead_letter, headers in waiting]
            confirmed = asyncio.gather(*reports, return_exceptions=True)
            await asyncio.wait([confirmed], timeout=_SOON)
            if not confirmed.done():
                wait.because(_UNCONFIRMED, _CONFIRMED_WITHIN)
            outcomes = await confirmed
            failed = []
            error: KafkaError | None = None
            for sent, outcome in zip(waiting, outcomes, strict=True):
                if isinstance(outcome, _DeliveryError):
                    error = outcome.error
                    self._check(sent[0], error)
                    failed.append(sent)
                elif isinstance(outcome, BaseException):
                    raise outcome
            waiting = failed
            if error is not None:
                log.warning("%d dead letters wait: %s", len(failed), error.str())
                wait.because(f"dead letters wait: {error.str()}", _RETRY_PAUSE)
                self._run.check()
                if error.fatal() or error.code() == KafkaError._FATAL:
                    self._replace_producer(producer)
                await asyncio.sleep(_RETRY_PAUSE)

    def close(self) -> None:
        """Drop what is not confirmed: the next run reads its records again."""
        self._closed = True
        with self._lock:
            for producer in self._producers:
                producer.purge(blocking=False)
                producer.poll(0)

    async def _produce(
        self, dead_letter: DeadLetter, headers: list[tuple[str, bytes | None]]
    ) -> None:
        """Send one dead letter and wait for its delivery report. Raises _DeliveryError."""
        loop = asyncio.get_running_loop()
        report: asyncio.Future[KafkaError | None] = loop.create_future()

        def resolve(error: KafkaError | None) -> None:
            if not report.done():
                report.set_result(error)

        def on_delivery(error: KafkaError | None, _message: Message) -> None:
            with suppress(RuntimeError):  # the loop is closed: nothing waits for the report
                loop.call_soon_threadsafe(resolve, error)

        timestamp, key, value, _ = bytes_of(dead_letter)
        while True:
            producer = self._producers[-1]
            try:
                producer.produce(
                    self._settings.topic,
                    value,
                    key,
                    on_delivery=on_delivery,
                    # 0: the client sets the present time, for a record without a timestamp.
                    timestamp=max(0, timestamp or 0),
                    headers=[*headers],
                )
                break
            except BufferError:  # the client's queue is full: wait
                self._run.check()
                await asyncio.sleep(0.05)
            except KafkaException as error:
                raise _DeliveryError(error.args[0]) from None
        failure = await report
        if failure is not None:
            raise _DeliveryError(failure)

    def _check(self, dead_letter: DeadLetter, error: KafkaError) -> None:
        remedy = _REMEDIES.get(error.code())
        if remedy is not None:
            raise self._stop(f"{error.str()} (for the record of {dead_letter.coordinates})", remedy)

    def _stop(self, reason: str, remedy: str) -> StopRun:
        return StopRun(
            f"dead letters to topic {self._settings.topic}: {reason}\n  remedy: {remedy}"
        )

    def _new_producer(self) -> Producer:
        return self._clients.producer(
            self._properties,
            self._errors,
            log,
            purpose="dead letters",
            remedy="correct dead_letters.properties, or kafka's where it has none",
        )

    def _replace_producer(self, failed: Producer) -> None:
        """Replace a producer after a fatal error, once: several shards may notice the error."""
        with self._lock:
            if self._producers[-1] is failed:
                try:
                    self._producers.append(self._new_producer())
                except StopRun as stop:
                    self._run.fail(stop)

    def _create(self) -> None:
        admin = self._clients.admin(self._properties, log)
        timeout = self._run.settings.kafka.metadata_timeout
        topic = NewTopic(self._settings.topic, self._settings.partitions)
        created = admin.create_topics([topic], request_timeout=timeout)[self._settings.topic]
        try:
            created.result(timeout + 5)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                reason = f"it cannot be created: {error.args[0].str()}"
                raise self._stop(reason, "create it, and name it in dead_letters.topic") from None
        log.info("created topic %s", self._settings.topic)

    def _poll(self) -> None:
        """Serve the delivery reports until the sink is closed. Runs in a thread of its own."""
        while not self._closed:
            self._producers[-1].poll(0.1)
            with self._lock:
                for failed in self._producers[:-1]:
                    failed.poll(0)
                self._producers = [
                    one for one in self._producers if one is self._producers[-1] or len(one)
                ]
