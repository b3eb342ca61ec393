"""key.converter and value.converter: how bytes become values."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from connectors.import_config.errors import UnsupportedConnectorConfig
from connectors.import_config.properties import ConnectorProperties
from connectors.settings.formats import FORMATS
from connectors.settings.urls import is_loopback

PLAIN_HTTP = (
    "stays http, with allow_plain_http = true: anyone on the network path can read and change the "
    "traffic; use https if the service has it"
)
_JSON = FORMATS["json"].converter
# Word of config.toml by the class of Kafka Connect; that of JSON is two formats by its settings.
_WORDS = {
    chosen.converter: word
    for word, chosen in FORMATS.items()
    if chosen.converter not in (None, _JSON)
}
# Formats whose values have the types of a schema.
_WITH_SCHEMAS = {"connect_json", *(word for word, one in FORMATS.items() if one.needs_registry)}
# Sub-keys that say nothing of how bytes are read by the id of their schema.
_NOT_NEEDED = (
    "schemas.cache.size",
    "schemas.cache.config",
    "max.schemas.per.subject",
    "auto.register.schemas",
    "use.latest.version",
    "key.subject.name.strategy",
    "value.subject.name.strategy",
    "enhanced.avro.schema.support",
    "decimal.format",
    "json.decimal.format",
    "replace.null.with.default",
)


def formats(connector: ConnectorProperties, compatible: bool, listed: bool) -> dict[str, Any]:
    """The values of section [format]. `listed`: every table has a whitelist."""
    made: dict[str, Any] = {}
    registry: dict[str, Any] = {}
    for side in ("value", "key"):
        made[side] = _format(connector, side, registry)
    if made["value"] == "json" and not listed and not compatible:
        connector.note(
            "value.converter",
            "plain JSON without a whitelist: numbers and booleans keep their types and nested "
            "values become JSON text; the connector wrote all of them as text in Java's form "
            "(1.0E10, {a=1}) and rejected records with a null. Existing rows keep their text. "
            'With --compatible such values are text as before (conversions = "connector")',
        )
    elif made["value"] == "json" and not listed:
        connector.note(
            "value.converter",
            "plain JSON without a whitelist: a null is left out, where the connector rejected the "
            "whole record; the rest is text in Java's form as before (docs/mapping.md)",
        )
    if made["value"] in _WITH_SCHEMAS:
        decimal = "" if compatible else "a Decimal becomes text, its digits (it was binary), "
        connector.note(
            "value.converter",
            f"nested fields become JSON text (the connector rejected the whole record), "
            f"{decimal}bytes of Avro become bytes (the connector wrote the text "
            "java.nio.HeapByteBuffer[...])",
        )
    if registry:
        made["registry"] = registry
    return made


def _format(connector: ConnectorProperties, side: str, registry: dict[str, Any]) -> str:
    key = f"{side}.converter"
    name = connector.text(key)
    below = [found[len(key) + 1 :] for found in connector.keys(f"{key}.")]
    connector.use(*(f"{key}.{rest}" for rest in below))
    if not name:
        connector.note(
            key,
            "is not set, so the worker's converter was used: JSON without schemas is assumed. Name "
            "the worker's file with --worker, or correct the format",
        )
        for rest in below:
            connector.note(f"{key}.{rest}", f"has no effect without {key}, as in the connector")
        return "json"
    if name == _JSON:
        known = {"schemas.enable"}
        word = "connect_json" if connector.flag(f"{key}.schemas.enable", True) else "json"
    elif name in _WORDS and FORMATS[_WORDS[name]].needs_registry:
        word = _WORDS[name]
        known = _registry(connector, key, registry)
    elif name in _WORDS:
        word = _WORDS[name]
        known = {"encoding", "converter.encoding"} if word == "string" else set()
        _check_encoding(connector, key, known)
    else:
        connector.note(
            key,
            "is a converter that no format corresponds to: not imported, bytes are read as they "
            "are. To decode them, write a function and set it as the format, as "
            "package.module:decode",
        )
        word, known = "bytes", set()
    for rest in below:
        if rest not in known and not rest.endswith("subject.name.strategy"):
            needless = rest in _NOT_NEEDED or rest == "schemas.enable"
            connector.note(f"{key}.{rest}", "is not needed here" if needless else "not imported")
    return word


def _check_encoding(connector: ConnectorProperties, key: str, names: set[str]) -> None:
    for name in sorted(names):
        found = connector.text(f"{key}.{name}", "UTF-8").upper()
        if found.replace("_", "-") not in ("UTF-8", "UTF8", "US-ASCII", "ASCII"):
            raise UnsupportedConnectorConfig(
                f"{key}.{name}: only UTF-8 is supported; decode by a function of yours (format)"
            )


def _registry(connector: ConnectorProperties, key: str, registry: dict[str, Any]) -> set[str]:
    """Fill in [format.registry]; return the sub-keys that are dealt with."""
    given = connector.text(f"{key}.schema.registry.url").split(",")
    urls = [url.strip() for url in given if url.strip()]
    if not urls:
        raise UnsupportedConnectorConfig(f"{key}.schema.registry.url: is missing; {key} needs it")
    moved = [_url(connector, f"{key}.schema.registry.url", url) for url in urls]
    url, user = ",".join(url for url, _ in moved), any(user for _, user in moved)
    if any(is_plain_http(url) for url, _ in moved):
        registry["allow_plain_http"] = True
        connector.note(f"{key}.schema.registry.url", PLAIN_HTTP)
    if registry.setdefault("url", url) != url:
        raise UnsupportedConnectorConfig(
            f"{key}.schema.registry.url: differs from the registry of values, and only one is "
            "supported: decode keys by a function of yours (format.key)"
        )
    known = {"schema.registry.url", "basic.auth.credentials.source"}
    source = connector.text(f"{key}.basic.auth.credentials.source", "URL").upper()
    for rest in ("basic.auth.user.info", "schema.registry.basic.auth.user.info"):
        known.add(rest)
        where, _ = connector.secret(f"{key}.{rest}")
        if where:
            user = True
            connector.note(
                f"{key}.{rest}",
                "is not written out: set SYNC__FORMAT__REGISTRY__USERNAME and "
                f"SYNC__FORMAT__REGISTRY__PASSWORD, the two parts of {where} before and after the "
                "colon",
            )
    if source not in ("URL", "USER_INFO") or (source == "USER_INFO" and not user):
        connector.note(
            f"{key}.basic.auth.credentials.source",
            "not imported: set SYNC__FORMAT__REGISTRY__USERNAME and "
            "SYNC__FORMAT__REGISTRY__PASSWORD",
        )
    for rest in ("bearer.auth.token", "schema.registry.bearer.auth.token"):
        known.add(rest)
        where, file = connector.secret(f"{key}.{rest}")
        if file is not None:
            registry["token_file"] = file
        elif where:
            connector.note(
                f"{key}.{rest}",
                f"is not written out: set SYNC__FORMAT__REGISTRY__TOKEN to {where}",
            )
    return known | _certificates(connector, key, registry)


def _certificates(connector: ConnectorProperties, key: str, registry: dict[str, Any]) -> set[str]:
    known = set()
    store_type = connector.text(f"{key}.schema.registry.ssl.truststore.type", "JKS").upper()
    location = connector.text(f"{key}.schema.registry.ssl.truststore.location")
    if location and store_type == "PEM":
        registry["ca_file"] = location
        known |= {"schema.registry.ssl.truststore.location", "schema.registry.ssl.truststore.type"}
    elif location:
        known.add("schema.registry.ssl.truststore.location")
        connector.note(
            f"{key}.schema.registry.ssl.truststore.location",
            "is a Java key store: export its certificates as PEM and name them in "
            "format.registry.ca_file",
        )
    return known


def _url(connector: ConnectorProperties, key: str, url: str) -> tuple[str, bool]:
    """The URL without user and password, and whether it had them."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UnsupportedConnectorConfig(
            f"{key}: is not a URL such as https://schemas.example.com:8081"
        )
    host = parts.netloc.rpartition("@")[2]
    if "@" in parts.netloc:
        connector.note(
            key,
            "its user and password are not written out: set SYNC__FORMAT__REGISTRY__USERNAME and "
            "SYNC__FORMAT__REGISTRY__PASSWORD",
        )
    return urlunsplit((parts.scheme, host, parts.path, "", "")), "@" in parts.netloc


def is_plain_http(url: str) -> bool:
    """Whether a URL is one that needs allow_plain_http."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")
