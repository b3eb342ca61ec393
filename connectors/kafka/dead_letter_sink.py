"""Dead letters to a Kafka topic, each confirmed by the broker's own report.

Bytewax's KafkaSink has no delivery reports and loses messages without a word, so the producer here
is our own.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from connectors.dead_letters.headers import bytes_of, headers_of
from connectors.errors import StopRun
from connectors.kafka.metadata import ClientErrors
from connectors.records import DeadLetter
from connectors.run.context import Run

log = logging.getLogger("sync.dead_letters")

# What the brokers or the client refuse for good, and what helps.
_TOO_LARGE = (
    "raise message.max.bytes in dead_letters.properties and max.message.bytes of the topic, or "
    'send dead letters elsewhere (errors.dead_letters = "tablestore" or "log")'
)
_CREATE = "create the topic, or set errors.auto_create = true"
_GRANT = "grant Write and Describe on the topic to this user, or name another dead_letters.topic"
_SECURITY = "correct the security properties of dead_letters or of kafka"
_REFUSED = {
    KafkaError.MSG_SIZE_TOO_LARGE: _TOO_LARGE,
    KafkaError.RECORD_LIST_TOO_LARGE: _TOO_LARGE,
    KafkaError.TOPIC_AUTHORIZATION_FAILED: _GRANT,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "grant IdempotentWrite on the cluster to this user",
    KafkaError.TOPIC_EXCEPTION: "name a legal topic in dead_letters.topic",
    KafkaError.UNKNOWN_TOPIC_OR_PART: _CREATE,
    KafkaError._UNKNOWN_TOPIC: _CREATE,
    KafkaError._UNKNOWN_PARTITION: _CREATE,
    KafkaError.INVALID_RECORD: "the topic takes no such records: check its settings (a compacted "
    "one refuses records without a key)",
    KafkaError.POLICY_VIOLATION: "the cluster's policy refuses it: ask its operator",
    KafkaError.SASL_AUTHENTICATION_FAILED: _SECURITY,
    KafkaError._AUTHENTICATION: _SECURITY,
    KafkaError.INVALID_TIMESTAMP: "raise message.timestamp.before.max.ms of the topic",
    KafkaError.UNSUPPORTED_FOR_MESSAGE_FORMAT: "the broker is too old for headers: use another",
}
_TRY_AGAIN = 0.5  # seconds


class _Failed(Exception):  # noqa: N818 - it carries a report
    def __init__(self, error: KafkaError) -> None:
        super().__init__(error.str())
        self.error = error


class KafkaDeadLetterSink:
    """The dead-letter topic of a run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._settings = run.settings.dead_letters
        self._client = self._settings.client_properties(run.settings.kafka)
        self._errors = ClientErrors()
        # The last one takes dead letters; those before it failed and only deliver reports.
        self._producers: list[Producer] = []
        self._lock = threading.Lock()
        self._prepared = threading.Lock()
        self._closed = False

    def prepare(self) -> None:
        """Look for the topic, and make it where errors.auto_create says so. Raises StopRun.

        Every worker of the process asks for it; the first one does it.
        """
        with self._prepared:
            if not self._producers:
                self._prepare()

    def _prepare(self) -> None:
        producer = self._new_producer()
        self._producers.append(producer)
        topic, timeout = self._settings.topic, self._run.settings.kafka.metadata_timeout
        try:
            # Not by its name: brokers make a topic that is asked for by name.
            found = producer.list_topics(timeout=timeout).topics.get(topic)
        except KafkaException as error:
            producer.poll(0)
            raise StopRun(
                f"dead letters: no metadata from {self._client['bootstrap.servers']} within "
                f"{timeout:g} s: {error.args[0].str()}{self._errors}\n  remedy: check that the "
                "brokers run; dead_letters.bootstrap_servers and properties are those of kafka "
                "unless set"
            ) from None
        if found is None:
            if not self._run.settings.errors.auto_create:
                raise self._stop("there is no such topic", _CREATE)
            self._create()
        elif found.error is not None and found.error.code() in _REFUSED:
            raise self._stop(found.error.str(), _REFUSED[found.error.code()])
        threading.Thread(target=self._poll, name="dead-letters", daemon=True).start()

    async def send(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Return when the brokers have confirmed every dead letter. Raises StopRun."""
        waiting = [(dead_letter, self._headers(dead_letter)) for dead_letter in dead_letters]
        while waiting:
            producer = self._producers[-1]
            reports = [self._produce(dead_letter, headers) for dead_letter, headers in waiting]
            outcomes = await asyncio.gather(*reports, return_exceptions=True)
            again = []
            trouble: KafkaError | None = None
            for one, outcome in zip(waiting, outcomes, strict=True):
                if isinstance(outcome, _Failed):
                    trouble = outcome.error
                    self._check(one[0], trouble)
                    again.append(one)
                elif isinstance(outcome, BaseException):
                    raise outcome
            waiting = again
            if trouble is not None:
                log.warning("%d dead letters wait: %s", len(again), trouble.str())
                self._run.check()
                if trouble.fatal() or trouble.code() == KafkaError._FATAL:
                    self._replace_producer(producer)
                await asyncio.sleep(_TRY_AGAIN)

    def close(self) -> None:
        """Drop what is not confirmed: its records are read again."""
        self._closed = True
        with self._lock:
            for producer in self._producers:
                producer.purge(blocking=False)
                producer.poll(0)

    def _headers(self, dead_letter: DeadLetter) -> list[tuple[str, bytes | None]]:
        return headers_of(dead_letter, self._run.settings.kafka.group)

    async def _produce(
        self, dead_letter: DeadLetter, headers: list[tuple[str, bytes | None]]
    ) -> None:
        """Hand one dead letter to the client and wait for its report. Raises _Failed."""
        loop = asyncio.get_running_loop()
        report: asyncio.Future[KafkaError | None] = loop.create_future()

        def settle(error: KafkaError | None) -> None:
            if not report.done():
                report.set_result(error)

        def reported(error: KafkaError | None, _message: Message) -> None:
            loop.call_soon_threadsafe(settle, error)

        timestamp, key, value, _ = bytes_of(dead_letter)
        while True:
            producer = self._producers[-1]
            try:
                producer.produce(
                    self._settings.topic,
                    value,
                    key,
                    on_delivery=reported,
                    # 0 lets the client set the present time, for a record that had none.
                    timestamp=max(0, timestamp or 0),
                    headers=[*headers],
                )
                break
            except BufferError:  # its queue is full: the back-pressure
                self._run.check()
                await asyncio.sleep(0.05)
            except KafkaException as error:
                raise _Failed(error.args[0]) from None
        found = await report
        if found is not None:
            raise _Failed(found)

    def _check(self, dead_letter: DeadLetter, error: KafkaError) -> None:
        remedy = _REFUSED.get(error.code())
        if remedy is not None:
            raise self._stop(f"{error.str()} (for the record of {dead_letter.coordinates})", remedy)

    def _stop(self, reason: str, remedy: str) -> StopRun:
        return StopRun(
            f"dead letters to topic {self._settings.topic}: {reason}\n  remedy: {remedy}"
        )

    def _new_producer(self) -> Producer:
        properties = {
            "log_level": 2,  # the error callback tells of connections that fail
            **self._client,
            "acks": "all",
            "enable.idempotence": True,
            "message.timeout.ms": 0,  # it tries again without end
            "linger.ms": 5,
            "error_cb": self._told,
        }
        try:
            return Producer(properties, logger=log)
        except KafkaException as error:
            raise StopRun(
                f"dead letters: the client refuses its configuration: {error.args[0].str()}\n"
                "  remedy: correct dead_letters.properties, or kafka's where it has none"
            ) from None

    def _told(self, error: KafkaError) -> None:
        """Librdkafka's error callback: it tries again by itself, also what cannot succeed."""
        self._errors(error)
        if error.code() in (KafkaError.SASL_AUTHENTICATION_FAILED, KafkaError._AUTHENTICATION):
            self._run.fail(self._stop(error.str(), _SECURITY))

    def _replace_producer(self, failed: Producer) -> None:
        """After a fatal error the client takes nothing any more; several lanes may notice it."""
        with self._lock:
            if self._producers[-1] is failed:
                try:
                    self._producers.append(self._new_producer())
                except StopRun as stop:
                    self._run.fail(stop)

    def _create(self) -> None:
        admin = AdminClient(self._client, logger=log)
        timeout = self._run.settings.kafka.metadata_timeout
        topic = NewTopic(self._settings.topic, self._settings.partitions)
        made = admin.create_topics([topic], request_timeout=timeout)[self._settings.topic]
        try:
            made.result(timeout + 5)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                reason = f"it cannot be created: {error.args[0].str()}"
                raise self._stop(reason, "create it, and name it in dead_letters.topic") from None
        log.info("created topic %s", self._settings.topic)

    def _poll(self) -> None:
        """Serve the reports, until the end."""
        while not self._closed:
            self._producers[-1].poll(0.1)
            with self._lock:
                for failed in self._producers[:-1]:
                    failed.poll(0)
                self._producers = [
                    one for one in self._producers if one is self._producers[-1] or len(one)
                ]
