"""key.converter and value.converter: how the bytes were read."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from connectors.import_config.errors import Refused
from connectors.import_config.properties import Given
from connectors.settings.formats import FORMATS

LOCAL = ("127.0.0.1", "localhost", "::1")
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


def formats(given: Given, compatible: bool, listed: bool) -> dict[str, Any]:
    """[format]. `listed`: every table has a whitelist."""
    made: dict[str, Any] = {}
    registry: dict[str, Any] = {}
    for part in ("value", "key"):
        made[part] = _format(given, part, registry)
    if made["value"] == "json" and not listed and not compatible:
        given.note(
            "value.converter",
            "plain JSON without a whitelist: numbers and booleans keep their types and nested "
            "values are JSON text; the connector wrote all of them as text in Java's form (1.0E10, "
            "{a=1}) and refused records with a null. Old rows keep their text. --compatible writes "
            'text again (conversions = "connector")',
        )
    elif made["value"] == "json" and not listed:
        given.note(
            "value.converter",
            "plain JSON without a whitelist: a null is left out, where the connector refused the "
            "whole record; the rest is text in Java's form as before (docs/mapping.md)",
        )
    if made["value"] in _WITH_SCHEMAS:
        decimal = "" if compatible else "a Decimal is its digits as text (it was binary), "
        given.note(
            "value.converter",
            f"nested fields are JSON text (the connector refused the whole record), {decimal}bytes "
            "of Avro are bytes (they were the text java.nio.HeapByteBuffer[...])",
        )
    if registry:
        made["registry"] = registry
    return made


def _format(given: Given, part: str, registry: dict[str, Any]) -> str:
    key = f"{part}.converter"
    name = given.text(key)
    below = [found[len(key) + 1 :] for found in given.keys(f"{key}.")]
    given.use(*(f"{key}.{rest}" for rest in below))
    if not name:
        given.note(
            key,
            "is not set, so the worker's converter was used: JSON without schemas is assumed. Name "
            "the worker's file with --worker, or correct the format",
        )
        for rest in below:
            given.note(f"{key}.{rest}", f"has no effect without {key}, here as there")
        return "json"
    if name == _JSON:
        known = {"schemas.enable"}
        word = "connect_json" if given.flag(f"{key}.schemas.enable", True) else "json"
    elif name in _WORDS and FORMATS[_WORDS[name]].needs_registry:
        word = _WORDS[name]
        known = _registry(given, key, registry)
    elif name in _WORDS:
        word = _WORDS[name]
        known = {"encoding", "converter.encoding"} if word == "string" else set()
        _check_encoding(given, key, known)
    else:
        given.note(
            key,
            "is no converter with a format here: not moved, bytes are read as they are. Give a "
            "function as format package.module:decode",
        )
        word, known = "bytes", set()
    for rest in below:
        if rest not in known and not rest.endswith("subject.name.strategy"):
            needless = rest in _NOT_NEEDED or rest == "schemas.enable"
            given.note(f"{key}.{rest}", "is not needed here" if needless else "not moved")
    return word


def _check_encoding(given: Given, key: str, names: set[str]) -> None:
    for name in sorted(names):
        found = given.text(f"{key}.{name}", "UTF-8").upper()
        if found.replace("_", "-") not in ("UTF-8", "UTF8", "US-ASCII", "ASCII"):
            raise Refused(f"{key}.{name}: only UTF-8 is read here; give a function as the format")


def _registry(given: Given, key: str, registry: dict[str, Any]) -> set[str]:
    """Fill in [format.registry]; returns the sub-keys that are dealt with."""
    urls = [url.strip() for url in given.text(f"{key}.schema.registry.url").split(",")]
    if not urls[0]:
        raise Refused(f"{key}.schema.registry.url: is missing; {key} needs it")
    if len(urls) > 1:
        given.note(f"{key}.schema.registry.url", "only the first URL is used: one registry is read")
    url, user = _url(given, f"{key}.schema.registry.url", urls[0])
    if registry.setdefault("url", url) != url:
        raise Refused(
            f"{key}.schema.registry.url: is another registry than that of values; there is one, so "
            "give the key's format as a function"
        )
    known = {"schema.registry.url", "basic.auth.credentials.source"}
    source = given.text(f"{key}.basic.auth.credentials.source", "URL").upper()
    for rest in ("basic.auth.user.info", "schema.registry.basic.auth.user.info"):
        known.add(rest)
        where, _ = given.secret(f"{key}.{rest}")
        if where:
            user = True
            given.note(
                f"{key}.{rest}",
                "is not written out: set SYNC__FORMAT__REGISTRY__USERNAME and "
                f"SYNC__FORMAT__REGISTRY__PASSWORD, the two parts of {where} before and after the "
                "colon",
            )
    if source not in ("URL", "USER_INFO") or (source == "USER_INFO" and not user):
        given.note(
            f"{key}.basic.auth.credentials.source",
            "not moved: set SYNC__FORMAT__REGISTRY__USERNAME and SYNC__FORMAT__REGISTRY__PASSWORD",
        )
    for rest in ("bearer.auth.token", "schema.registry.bearer.auth.token"):
        known.add(rest)
        where, file = given.secret(f"{key}.{rest}")
        if file is not None:
            registry["token_file"] = file
        elif where:
            given.note(
                f"{key}.{rest}",
                f"is not written out: set SYNC__FORMAT__REGISTRY__TOKEN to {where}",
            )
    return known | _certificates(given, key, registry)


def _certificates(given: Given, key: str, registry: dict[str, Any]) -> set[str]:
    known = set()
    kind = given.text(f"{key}.schema.registry.ssl.truststore.type", "JKS").upper()
    place = given.text(f"{key}.schema.registry.ssl.truststore.location")
    if place and kind == "PEM":
        registry["ca_file"] = place
        known |= {"schema.registry.ssl.truststore.location", "schema.registry.ssl.truststore.type"}
    elif place:
        known.add("schema.registry.ssl.truststore.location")
        given.note(
            f"{key}.schema.registry.ssl.truststore.location",
            "is a Java key store: export its certificates as PEM and name them in "
            "format.registry.ca_file",
        )
    return known


def _url(given: Given, key: str, url: str) -> tuple[str, bool]:
    """The URL as ours, and whether it held a user."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused(f"{key}: is no URL such as https://schemas.example.com:8081")
    host = parts.netloc.rpartition("@")[2]
    if "@" in parts.netloc:
        given.note(
            key,
            "its user and password are not written out: set SYNC__FORMAT__REGISTRY__USERNAME and "
            "SYNC__FORMAT__REGISTRY__PASSWORD",
        )
    scheme = parts.scheme
    if scheme == "http" and parts.hostname not in LOCAL:
        scheme = "https"
        given.note(key, "is https now: http is taken only on this host")
    return urlunsplit((scheme, host, parts.path, "", "")), "@" in parts.netloc
