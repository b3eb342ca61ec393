"""Makes the Kafka clients of a run, with the properties that its guarantees depend on.

A test passes other constructors and needs no broker.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from connectors.errors import StopRun
from connectors.settings.kafka import KafkaSettings

log = logging.getLogger("sync.kafka")

OnError = Callable[[KafkaError], None]


class ClientErrors:
    """Logs and keeps what librdkafka reports to its error callback: why a call timed out."""

    def __init__(self) -> None:
        self.last: KafkaError | None = None

    def __call__(self, error: KafkaError) -> None:
        """The error callback [librdkafka]."""
        self.last = error
        log.warning("Kafka client: %s", error.str())

    def __str__(self) -> str:
        return "" if self.last is None else f" ({self.last.str()})"


class KafkaClients:
    """Makes consumers, producers and admin clients."""

    def __init__(
        self,
        consumer: Callable[..., Consumer] = Consumer,
        producer: Callable[..., Producer] = Producer,
        admin: Callable[..., AdminClient] = AdminClient,
    ) -> None:
        """Each constructor takes the properties and, as a keyword, a `logger`."""
        self._new_consumer = consumer
        self._new_producer = producer
        self._new_admin = admin

    def consumer(
        self, settings: KafkaSettings, on_error: OnError, **properties: str | int | bool
    ) -> Consumer:
        """A consumer of the configured brokers, which commits nothing by itself.

        Raises StopRun when the client does not accept a property.
        """
        every = {
            # Off by default [librdkafka]: a flipped bit would be written as a value.
            "check.crcs": True,
            **settings.client_properties(),
            "group.id": settings.group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            # The default goes on at the end of the log when an offset is lost [librdkafka].
            "auto.offset.reset": "error",
            "error_cb": on_error,
            **properties,
        }
        try:
            return self._new_consumer(every, logger=log)
        except KafkaException as error:
            raise StopRun(
                "kafka: the client does not accept its configuration: "
                f"{error.args[0].str()}\n"
                "  remedy: correct kafka.bootstrap_servers, kafka.properties or the secrets"
            ) from None

    def producer(
        self,
        properties: Mapping[str, Any],
        on_error: OnError,
        logger: logging.Logger,
        *,
        purpose: str,
        remedy: str,
    ) -> Producer:
        """A producer that confirms each message by its delivery report, after every replica has it.

        It repeats sending without end [librdkafka]. Raises StopRun, which begins with `purpose`,
        when the client does not accept a property.
        """
        every = {
            "log_level": 2,  # the error callback reports connections that fail
            **properties,
            "acks": "all",
            "enable.idempotence": True,
            "message.timeout.ms": 0,  # no limit
            "linger.ms": 5,
            "error_cb": on_error,
        }
        try:
            return self._new_producer(every, logger=logger)
        except KafkaException as error:
            raise StopRun(
                f"{purpose}: the client does not accept its configuration: "
                f"{error.args[0].str()}\n  remedy: {remedy}"
            ) from None

    def admin(self, properties: Mapping[str, Any], logger: logging.Logger = log) -> AdminClient:
        """An admin client with these properties."""
        return self._new_admin({**properties}, logger=logger)
