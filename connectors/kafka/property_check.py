"""librdkafka's own judgement of its properties, before anything starts [librdkafka]."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer

from connectors.errors import ConfigError
from connectors.settings import Settings
from connectors.settings.kafka import OAUTH_CALLBACK

# Drops what librdkafka logs about the short-lived clients, which have no brokers.
_SILENT = logging.getLogger("sync.kafka.check")


def check_client_properties(settings: Settings) -> None:
    """Make a client of each kind that the settings describe, without brokers, and drop it.

    Nothing is connected. Raises ConfigError with what librdkafka says of a property, or of a file
    that one names.
    """
    _SILENT.setLevel(logging.CRITICAL + 1)
    kafka = settings.kafka
    _check(
        lambda properties: Consumer(properties, logger=_SILENT),
        {**kafka.client_properties(), "group.id": kafka.group},
        "kafka.properties",
    )
    if settings.errors.tolerance == "all" and settings.errors.dead_letters == "kafka":
        _check(
            lambda properties: Producer(properties, logger=_SILENT),
            settings.dead_letters.client_properties(kafka),
            "dead_letters.properties",
        )


def _check(
    make: Callable[[dict[str, Any]], object], properties: Mapping[str, Any], option: str
) -> None:
    quiet = {name: value for name, value in properties.items() if name != "bootstrap.servers"}
    if OAUTH_CALLBACK in quiet:  # the user's own would ask its issuer
        quiet[OAUTH_CALLBACK] = lambda _: ("unused", time.time() + 3600)
    try:
        client: Any = make({**quiet, "log_level": 0})
    except (KafkaException, TypeError, ValueError) as error:
        text = "a property has a value of a wrong type"
        if isinstance(error, KafkaException):
            text = error.args[0].str()
        raise ConfigError(
            f"{option}: librdkafka does not accept its configuration: {text}\n  remedy: correct "
            f"{option} or the secrets; librdkafka's CONFIGURATION.md lists all properties"
        ) from None
    close = getattr(client, "close", None)
    if close is not None:
        close()
