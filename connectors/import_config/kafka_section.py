"""How to reach Kafka and where to start: name, consumer.override.*, the worker's file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.import_config.errors import UnsupportedConnectorConfig
from connectors.import_config.properties import ConnectorProperties

OVERRIDE = "consumer.override."
# Java client property: librdkafka's name of the same.
_SAME = {
    name: name
    for name in (
        "security.protocol",
        "client.id",
        "client.rack",
        "fetch.min.bytes",
        "fetch.max.bytes",
        "max.partition.fetch.bytes",
        "reconnect.backoff.ms",
        "reconnect.backoff.max.ms",
        "retry.backoff.ms",
        "connections.max.idle.ms",
        "client.dns.lookup",
        "check.crcs",
        "isolation.level",
        "sasl.kerberos.service.name",
    )
} | {
    "sasl.mechanism": "sasl.mechanism",
    "fetch.max.wait.ms": "fetch.wait.max.ms",
    "receive.buffer.bytes": "socket.receive.buffer.bytes",
    "send.buffer.bytes": "socket.send.buffer.bytes",
    "metadata.max.age.ms": "metadata.max.age.ms",
}
_NUMBERS = re.compile(r".*\.(ms|bytes)")
_WORDS = {
    "security.protocol": ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl"),
    "isolation.level": ("read_uncommitted", "read_committed"),
    "check.crcs": ("true", "false"),
}
# Secrets, and librdkafka's name where it has one.
_SECRETS = {
    "ssl.key.password": "ssl.key.password",
    "ssl.keystore.password": "ssl.keystore.password",
    "ssl.truststore.password": None,
    "ssl.keystore.key": "ssl.key.pem",
}
_WHY_NOT = {
    "max.poll.records": "the counterpart is kafka.chunk_messages, which does not affect the speed",
    "max.poll.interval.ms": "partitions are assigned by Bytewax, so no consumer is evicted",
    "session.timeout.ms": "partitions are assigned by Bytewax, not by the group",
    "heartbeat.interval.ms": "partitions are assigned by Bytewax, not by the group",
    "group.instance.id": "partitions are assigned by Bytewax, not by the group",
    "partition.assignment.strategy": "partitions are assigned by Bytewax, not by the group",
    "enable.auto.commit": "offsets are stored once their rows are durable",
}
_SECRET_ENV = "SYNC__KAFKA__SECRET_PROPERTIES"  # noqa: S105 - a variable's name
_JAAS = re.compile(r"""(\w+)\s*=\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s;]+)""")


def with_worker(connector: Mapping[str, str], worker: Mapping[str, str]) -> dict[str, str]:
    """The connector's keys, with the defaults that a worker's file gives them."""
    found = {}
    for key, value in worker.items():
        if key == "bootstrap.servers":
            found[f"{OVERRIDE}{key}"] = value
        elif key.startswith("consumer."):
            found[OVERRIDE + key[len("consumer.") :]] = value
        elif key.startswith(("key.converter", "value.converter")):
            side = key.split(".", maxsplit=1)[0]
            if f"{side}.converter" not in connector:  # else the connector has its own
                found[key] = value
    return {**found, **connector}


def kafka(connector: ConnectorProperties, topics: list[str]) -> dict[str, Any]:
    """The values of section [kafka]."""
    made: dict[str, Any] = {"bootstrap_servers": _brokers(connector), "topics": topics}
    name = connector.text("name")
    override = f"{OVERRIDE}group.id"
    group = connector.text(override) or (f"connect-{name}" if name else "")
    key = override if override in connector else "name"
    made["group"] = f"tablestore-sync-{name}" if name else "tablestore-sync"
    if group:
        made["start"] = f"group:{group}"
        reset = connector.choice(
            f"{OVERRIDE}auto.offset.reset", ("earliest", "latest", "none"), "earliest"
        )
        made["start_without_offset"] = "stop" if reset == "none" else reset
        connector.note(
            key,
            f"the first run starts where group {group} has stopped (kafka.start): stop the "
            f"connector first (PUT /connectors/{name or 'NAME'}/stop) and leave its group alone "
            f"until then. Offsets are kept in the recovery folder, and shown by {made['group']}",
        )
    else:
        connector.use(f"{OVERRIDE}auto.offset.reset")
        connector.note(
            "name",
            "is missing, so the group of its offsets is not known: the first run reads everything. "
            'Give it with --name, or set kafka.start = "group:connect-NAME"',
        )
    properties, files = _properties(connector)
    if properties:
        made["properties"] = properties
    if files:
        made["secret_property_files"] = files
    return made


def _brokers(connector: ConnectorProperties) -> str:
    found = connector.text(f"{OVERRIDE}bootstrap.servers")
    if not found:
        connector.note(
            "bootstrap.servers",
            "is set in the worker's file, not for a connector: give that file with --worker, or "
            "set kafka.bootstrap_servers or SYNC__KAFKA__BOOTSTRAP_SERVERS (127.0.0.1:9092 is "
            "the placeholder)",
        )
    return found or "127.0.0.1:9092"


def _properties(connector: ConnectorProperties) -> tuple[dict[str, Any], dict[str, str]]:
    properties: dict[str, Any] = {}
    files: dict[str, str] = {}
    for key in connector.keys(OVERRIDE):
        name = key[len(OVERRIDE) :]
        if name in ("bootstrap.servers", "group.id", "auto.offset.reset"):
            continue
        if name == "sasl.jaas.config":
            _login(connector, key, properties)
        elif name in _SECRETS:
            _secret(connector, key, _SECRETS[name], files)
        elif name in ("ssl.truststore.location", "ssl.keystore.location"):
            _store(connector, key, name, properties)
        elif name in ("ssl.truststore.type", "ssl.keystore.type"):
            connector.use(key)  # it says what the location is
        elif name == "ssl.endpoint.identification.algorithm":
            properties[name] = connector.text(key).lower() or "none"
        elif name in _SAME:
            properties[_SAME[name]] = _value(connector, key, name)
        else:
            connector.use(key)
            connector.note(
                key, f"not imported: {_WHY_NOT.get(name, 'librdkafka has no such property')}"
            )
    return properties, files


def _value(connector: ConnectorProperties, key: str, name: str) -> str | int | bool:
    if _NUMBERS.fullmatch(name):
        return connector.number(key, 0, minimum=-1)
    if name in _WORDS:
        word = connector.choice(key, _WORDS[name], "")
        return word == "true" if name == "check.crcs" else word
    return connector.required(key)


def _secret(
    connector: ConnectorProperties, key: str, name: str | None, files: dict[str, str]
) -> None:
    where, file = connector.secret(key)
    if name is None:
        connector.note(key, "not imported: PEM certificates have no password")
    elif file is not None:
        files[name] = file
    elif where:
        connector.note(
            key,
            f'is not written out: set {_SECRET_ENV}=\'{{"{name}": "..."}}\' to {where}, together '
            "with the other secrets of Kafka",
        )


def _login(connector: ConnectorProperties, key: str, properties: dict[str, Any]) -> None:
    """Import a user name and note what to do about the password, or about another login."""
    raw = (connector.raw(key) or "").strip()
    found = {name: value.strip("\"'") for name, value in _JAAS.findall(raw)}
    plain = re.match(r"[\w.]*\.(PlainLoginModule|ScramLoginModule)\s", raw)
    if plain is None:
        connector.note(
            key,
            "not imported (it may hold a secret): set the sasl.* properties of librdkafka in "
            f"[kafka.properties], and secrets in {_SECRET_ENV}",
        )
        return
    user = found.get("username", "")
    if user and "${" not in user:
        properties["sasl.username"] = user
    elif user:
        connector.note(
            key, "its user name is a placeholder: set sasl.username in [kafka.properties]"
        )
    connector.note(
        key,
        f'its password is not written out: set {_SECRET_ENV}=\'{{"sasl.password": "..."}}\', or '
        "name a file in [kafka.secret_property_files]",
    )
    if f"{OVERRIDE}sasl.mechanism" not in connector:
        properties["sasl.mechanism"] = "PLAIN" if plain[1].startswith("Plain") else "SCRAM-SHA-256"
        if not plain[1].startswith("Plain"):
            connector.note(key, "SCRAM-SHA-256 is assumed: correct sasl.mechanism")


def _store(connector: ConnectorProperties, key: str, name: str, properties: dict[str, Any]) -> None:
    store_type = connector.text(key.replace(".location", ".type"), "JKS").upper()
    location = connector.required(key)
    if name == "ssl.truststore.location" and store_type == "PEM":
        properties["ssl.ca.location"] = location
    elif name == "ssl.keystore.location" and store_type == "PKCS12":
        properties["ssl.keystore.location"] = location
    elif name == "ssl.keystore.location" and store_type == "PEM":
        properties |= {"ssl.certificate.location": location, "ssl.key.location": location}
    else:
        target = "ssl.ca.location" if "truststore" in name else "ssl.certificate.location"
        connector.note(
            key,
            f"is a Java key store: export it as PEM and set {target} to that file in "
            "[kafka.properties]",
        )


def check_name(connector: ConnectorProperties) -> None:
    """Raise UnsupportedConnectorConfig for a blank name."""
    if "name" in connector and not connector.text("name"):
        raise UnsupportedConnectorConfig("name: is blank")
