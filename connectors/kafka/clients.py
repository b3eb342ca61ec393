"""Makes the Kafka clients of a run, with the properties that its guarantees depend on.

A test passes other constructors and needs no broker.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from connectors.errors import StopRun
from connectors.settings.kafka import KafkaSettings

log = logging.getLogger("sync.kafka")

OnError = Callable[[KafkaError], None]


def _is_no_repeat(record: logging.LogRecord) -> bool:
    """Whether the error callback does not say the same: librdkafka logs its errors as well."""
    return not record.getMessage().startswith("FAIL [")


for _logger in (log, logging.getLogger("sync.dead_letters"), logging.getLogger("sync.replay")):
    _logger.addFilter(_is_no_repeat)


# What an error ends with that is never the same twice, and how long the same one is not repeated.
_AFTER = re.compile(r" \(after \d+ms in state \w+.*\)$")
_REPEAT_AFTER = 30.0  # seconds
_LOGIN = (KafkaError.SASL_AUTHENTICATION_FAILED, KafkaError._AUTHENTICATION)


class ClientErrors:
    """Logs and keeps what librdkafka reports to its error callback: why a call timed out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.last: KafkaError | None = None
        self._clock = clock
        self._logged: dict[str, float] = {}

    def __call__(self, error: KafkaError) -> None:
        """The error callback [librdkafka]. It comes with every attempt, some a second."""
        self.last = error
        text, now = error.str(), self._clock()
        short = _AFTER.sub("", text)
        if now - self._logged.get(short, float("-inf")) < _REPEAT_AFTER:
            return
        self._logged = {one: at for one, at in self._logged.items() if now - at < _REPEAT_AFTER}
        self._logged[short] = now
        remedy = ""
        if error.code() in _LOGIN:
            remedy = "\n  remedy: correct the security properties, or kafka.oauth_function"
        log.warning("Kafka client: %s%s", text, remedy)

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
