"""import-config of the Kafka client, the error policy, and credentials."""

from pathlib import Path

import pytest

from connectors.import_config import UnsupportedConnectorConfig, convert
from tests.unit.import_config.factories import PLAIN, SECRET, imported


def test_the_kafka_client() -> None:
    """consumer.override.*: properties by librdkafka's names, the login without its password."""
    login = (
        "org.apache.kafka.common.security.scram.ScramLoginModule required "
        f'username="alice" password="{SECRET}";'
    )
    given = {
        "bootstrap.servers": "b1:9092,b2:9092",
        "group.id": "own-group",
        "auto.offset.reset": "none",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.jaas.config": login,
        "ssl.truststore.location": "/ca.pem",
        "ssl.truststore.type": "PEM",
        "ssl.key.password": "${dir:/run/secrets:key}",
        "ssl.keystore.password": SECRET,
        "fetch.max.wait.ms": "100",
        "max.poll.records": "5000",
        "no.such": "1",
    }
    made, notes = imported({f"consumer.override.{key}": value for key, value in given.items()})
    kafka = made.kafka
    assert kafka.bootstrap_servers == "b1:9092,b2:9092"
    assert (kafka.start_group, kafka.start_without_offset) == ("own-group", "stop")
    assert kafka.properties == {
        "security.protocol": "sasl_ssl",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "alice",
        "ssl.ca.location": "/ca.pem",
        "fetch.wait.max.ms": 100,
    }
    assert kafka.secret_property_files == {"ssl.key.password": Path("/run/secrets/key")}
    for key in ("sasl.jaas.config", "ssl.keystore.password"):
        assert "SYNC__KAFKA__SECRET_PROPERTIES" in notes[f"consumer.override.{key}"]
    for key in ("max.poll.records", "no.such"):
        assert "not imported" in notes[f"consumer.override.{key}"]


@pytest.mark.parametrize("tolerance", ["none", "all"])
@pytest.mark.parametrize("mode", ["ignore", "kafka", "tablestore", None])
def test_errors(tolerance: str, mode: str | None) -> None:
    """The policy and where dead letters go."""
    keys = {
        "runtime.error.tolerance": tolerance,
        "runtime.error.bootstrap.servers": "b:9092",
        "runtime.error.topic.name": "dead",
        "runtime.error.table.name": "dead_table",
        **({"runtime.error.mode": mode} if mode else {}),
    }
    made, notes = imported(keys)
    assert (made.errors.tolerance, made.errors.dead_letters) == (
        tolerance,
        mode or ("ignore" if tolerance == "all" else "log"),
    )
    if mode == "kafka":
        assert made.dead_letters.topic == "dead"
        assert made.dead_letters.bootstrap_servers == "b:9092"
    if mode == "tablestore":
        assert made.dead_letters.table == "dead_table"
    assert ("runtime.error.table.name" in notes) == (mode != "tablestore")


def test_connects_own_dead_letters() -> None:
    """With all tolerated and the rest ignored, they all go to its queue: none is dropped."""
    queue = {
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": "dlq",
        "errors.log.enable": "true",
    }
    made, notes = imported({**queue, "runtime.error.tolerance": "all"})
    assert (made.errors.dead_letters, made.dead_letters.topic) == ("kafka", "dlq")
    made, notes = imported(queue)
    assert made.errors.tolerance == "none"
    assert "stops at the first" in notes["errors.tolerance"]
    assert {*queue} <= {*notes}


@pytest.mark.parametrize("mode", ["sts", "STS"])
def test_sts_is_noted(mode: str) -> None:
    """With what to do instead; every key of it is named."""
    of_sts = {
        "region": "cn-hangzhou",
        "account.id": "1",
        "role.name": "r",
        "sts.endpoint": "s",
        "client.time.out.ms": "1",
    }
    _, notes = imported({"tablestore.auth.mode": mode, **of_sts})
    assert "security_token_file" in notes["tablestore.auth.mode"]
    assert {*of_sts} <= {*notes}


def test_secrets_of_config_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A placeholder is named, a file of its own is read from, other values are filled in."""
    monkeypatch.setenv("MY_INSTANCE", "inst-2")
    made, notes = imported(
        {
            "tablestore.access.key.id": "${env:MY_ID}",
            "tablestore.access.key.secret": "${dir:/run/secrets:ots}",
            "tablestore.instance.name": "${env:MY_INSTANCE}",
            "tablestore.endpoint": "${vault:secret/x:endpoint}",
        }
    )
    assert made.tablestore.access_key_secret_file == Path("/run/secrets/ots")
    assert made.tablestore.instance == "inst-2"
    assert "$MY_ID" in notes["tablestore.access.key.id"]
    assert "SYNC__TABLESTORE__ENDPOINT" in notes["tablestore.endpoint"]
    with pytest.raises(UnsupportedConnectorConfig, match=r"topics: the placeholder"):
        convert({**PLAIN, "topics": "${file:/none:topics}"})
