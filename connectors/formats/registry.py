"""A Schema Registry: schemas by their id, over Confluent's documented REST API.

A schema never changes under its id, so each is fetched once. A registry that does not answer is
transient trouble: nothing is rejected for it, the flow waits. An id that the registry does not know
is a bad record. A registry that refuses our credentials stops the run.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import urllib3

from connectors.outcomes import StopRun
from connectors.records import Rejection
from connectors.settings.formats import RegistrySettings

Wait = Callable[[str], None]
"""Called with the reason when the registry does not answer; returns when it may be tried again."""

_MOST_BYTES = 16 << 20
_REMEMBERED = 4096
_UNKNOWN_FOR = 10.0  # seconds that an unknown id is believed to stay unknown
_HEAD = 5  # magic byte and id
_MOST_REFERENCES = 1000


class Reference(NamedTuple):
    """A schema that another one imports."""

    name: str
    schema: Schema


class Schema(NamedTuple):
    """A schema of the registry. `kind` is AVRO, PROTOBUF or JSON."""

    kind: str
    text: str
    references: tuple[Reference, ...]


class Registry:
    """Fetches schemas, and keeps what is made of them."""

    def __init__(self, settings: RegistrySettings, wait: Wait) -> None:
        self._url = settings.url.rstrip("/")
        self._wait = wait
        self._headers = {"accept": "application/vnd.schemaregistry.v1+json"}
        self._headers.update(_authorization(settings))
        tls: dict[str, Any] = {}
        if urlsplit(settings.url).scheme == "https":
            context = ssl.create_default_context(
                cafile=str(settings.ca_file) if settings.ca_file else None
            )
            if settings.certificate_file is not None:
                context.load_cert_chain(
                    str(settings.certificate_file), str(settings.certificate_key_file)
                )
            tls["ssl_context"] = context
        self._pool = urllib3.PoolManager(
            num_pools=1,
            timeout=urllib3.Timeout(total=settings.timeout),
            retries=False,
            **tls,
        )
        self._made: dict[tuple[int, str], Any] = {}
        self._unknown: dict[int, float] = {}

    def framed(self, data: bytes, kind: str, make: Callable[[Schema], Any]) -> tuple[Any, bytes]:
        """What `make` made of the schema that the bytes name, and the bytes behind the frame.

        The frame is a zero and the schema's id, 4 bytes big-endian. Raises Rejection.
        """
        if len(data) < _HEAD or data[0] != 0:
            raise Rejection(
                "schema_frame",
                "not framed by a Schema Registry's serializer: it does not begin with a zero byte "
                "and 4 bytes of schema id",
            )
        number = int.from_bytes(data[1:_HEAD], "big")
        made = self._made.get((number, kind))
        if made is None:
            made = self._make(number, kind, make)
        return made, data[_HEAD:]

    def _make(self, number: int, kind: str, make: Callable[[Schema], Any]) -> Any:
        if time.monotonic() < self._unknown.get(number, 0.0):
            raise _unknown(number)
        form = "?format=serialized" if kind == "PROTOBUF" else ""
        found = self._get(f"/schemas/ids/{number}{form}")
        if found is None:
            if len(self._unknown) >= _REMEMBERED:
                self._unknown.clear()
            self._unknown[number] = time.monotonic() + _UNKNOWN_FOR
            raise _unknown(number)
        schema = self._schema(found, form, [0])
        if schema.kind != kind:
            raise Rejection(
                "schema_kind", f"of schema {number}, which is {schema.kind} and not {kind}"
            )
        made = make(schema)
        if len(self._made) >= _REMEMBERED:
            self._made.clear()
        self._made[number, kind] = made
        return made

    def _schema(self, found: Mapping[str, Any], form: str, seen: list[int]) -> Schema:
        references = []
        for item in found.get("references") or ():
            seen[0] += 1
            if seen[0] > _MOST_REFERENCES:
                raise Rejection("schema_bad", "of a schema with too many references")
            place = f"/subjects/{quote(str(item['subject']), safe='')}/versions/{item['version']}"
            inner = self._get(place + form)
            if inner is None:
                raise Rejection("schema_bad", "of a schema whose reference is not in the registry")
            references.append(Reference(str(item["name"]), self._schema(inner, form, seen)))
        return Schema(
            str(found.get("schemaType") or "AVRO"), str(found.get("schema")), tuple(references)
        )

    def _get(self, path: str) -> Mapping[str, Any] | None:
        """The answer; None when there is no such thing. Waits while nothing answers."""
        while True:
            trouble, found = self._try(path)
            if trouble is None:
                return found
            self._wait(f"schema registry: {trouble}")

    def _try(self, path: str) -> tuple[str | None, Mapping[str, Any] | None]:
        try:
            answer = self._pool.request(
                "GET",
                self._url + path,
                headers=self._headers,
                redirect=False,
                preload_content=False,
            )
            try:
                body = answer.read(_MOST_BYTES + 1)
            finally:
                answer.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return type(error).__name__, None
        status = answer.status
        if status in (401, 403):
            raise StopRun(
                f"schema registry: HTTP {status}: it refuses these credentials.\n  remedy: set "
                "format.registry.username and password, or token, to those of a user who may read "
                "schemas"
            )
        if status == 404:
            return None, None
        if status in (301, 302, 303, 307, 308):
            raise StopRun(
                f"schema registry: HTTP {status}: it answers from another address.\n  remedy: set "
                "format.registry.url to that"
            )
        if status != 200:
            return f"HTTP {status}", None
        if len(body) > _MOST_BYTES:
            raise Rejection("schema_bad", "of a schema that is too large")
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            return "the answer is no JSON", None
        if not isinstance(found, dict):
            return "the answer is no object", None
        return None, found


def _unknown(number: int) -> Rejection:
    return Rejection("schema_unknown", f"of schema {number}, which the registry does not know")


def _authorization(settings: RegistrySettings) -> dict[str, str]:
    def secret(given: Any, file: Any) -> str | None:
        if given is not None:
            return str(given.get_secret_value())
        if file is None:
            return None
        try:
            return str(file.read_text("utf-8")).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise StopRun(f"format.registry: cannot read {file}: {error}") from None

    token = secret(settings.token, settings.token_file)
    if token is not None:
        return {"authorization": f"Bearer {token}"}
    password = secret(settings.password, settings.password_file)
    if password is not None:
        made = urllib3.make_headers(basic_auth=f"{settings.username}:{password}")
        return {name: str(value) for name, value in made.items()}
    return {}
