"""librdkafka judges its properties before anything starts."""

import time
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import ConfigError
from connectors.kafka.property_check import check_client_properties
from tests.unit.factories import CANARY, settings


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"no.such": 1}, "no.such"),
        ({"security.protocol": "TSL"}, "security.protocol"),
        ({"fetch.min.bytes": "many"}, "fetch.min.bytes"),
        ({"sasl.mechanism": "PLAIN", "security.protocol": "SASL_SSL"}, "sasl"),
        ({"security.protocol": "SSL", "ssl.ca.location": "/no/such.pem"}, "ssl.ca.location"),
        ({"error_cb": "x"}, "wrong type"),
    ],
)
def test_a_bad_property(properties: dict[str, Any], words: str) -> None:
    """Unknown, of a wrong value, incomplete, a file that is not there: with librdkafka's words."""
    with pytest.raises(ConfigError, match=words) as caught:
        check_client_properties(settings(kafka={"properties": properties}))
    assert "kafka.properties" in str(caught.value)
    assert "remedy" in str(caught.value)


def test_dead_letters_are_looked_at_where_they_are_sent() -> None:
    """Their producer has properties of its own."""
    dead_letters = {"properties": {"linger.ms": "no"}}
    check_client_properties(settings(dead_letters=dead_letters))
    errors = {"tolerance": "all", "dead_letters": "kafka"}
    with pytest.raises(ConfigError, match=r"dead_letters\.properties: .*queue\.buffering\.max\.ms"):
        check_client_properties(settings(dead_letters=dead_letters, errors=errors))


def test_good_properties_pass_at_once_and_connect_to_nothing(tmp_path: Path) -> None:
    """No broker is there, and no secret is shown."""
    secret = tmp_path / "password"
    secret.write_text(CANARY)
    start = time.monotonic()
    check_client_properties(
        settings(
            kafka={
                "bootstrap_servers": "nowhere.invalid:9092",
                "properties": {
                    "security.protocol": "SASL_PLAINTEXT",
                    "sasl.mechanism": "PLAIN",
                    "sasl.username": "u",
                },
                "secret_property_files": {"sasl.password": str(secret)},
            },
            errors={"tolerance": "all", "dead_letters": "kafka"},
        )
    )
    assert time.monotonic() - start < 5
