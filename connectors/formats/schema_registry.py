"""A Schema Registry: schemas by their id, over Confluent's REST API [schema-registry].

A schema never changes under its id, so each is fetched once. A registry that does not answer is a
transient failure: the flow waits, and no record is rejected for it. A record whose id the registry
does not know is rejected. A registry that does not accept the credentials stops the run.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit
from uuid import UUID

import urllib3

from connectors.errors import Rejection, StopRun
from connectors.settings.formats import RegistrySettings

Wait = Callable[[str], None]
"""Called with the reason when the registry does not answer; returns when it may be tried again."""

_MAX_BYTES = 16 << 20  # of an answer
_MAX_KEPT = 4096  # schemas, and ids of bad ones
_BAD_FOR = 10.0  # seconds before an unknown id or a bad schema is fetched again
_FRAME = 5  # bytes: a zero and the id
_GUID_FRAME = 17  # bytes: a one and the GUID
_MAX_REFERENCES = 100


class SchemaError(Exception):
    """An invalid schema; the text says where in it and what is wrong."""


class Reference(NamedTuple):
    """A schema that another one imports."""

    name: str
    schema: Schema


class Schema(NamedTuple):
    """A schema of the registry; its type is AVRO, PROTOBUF or JSON."""

    schema_type: str
    text: str
    references: tuple[Reference, ...]
    # Fetches the schema as it was registered, where `text` is another form of it.
    registered: Callable[[], str] | None = None


class Registry:
    """Fetches schemas, and keeps what was made of each."""

    def __init__(self, settings: RegistrySettings, wait: Wait) -> None:
        self._url = settings.url.rstrip("/")
        self._wait = wait
        self._takes_guids = settings.schema_id == "header"
        self._headers = {"accept": "application/vnd.schemaregistry.v1+json"}
        self._headers.update(_authorization(settings))
        tls: dict[str, Any] = {}
        if urlsplit(settings.url).scheme == "https":
            tls["ssl_context"] = _tls(settings)
        self._pool = urllib3.PoolManager(
            num_pools=1,
            timeout=urllib3.Timeout(total=settings.timeout),
            retries=False,
            **tls,
        )
        self._made: dict[tuple[int | str, str], Any] = {}
        # Ids whose records are rejected for a while: (until when, why).
        self._bad: dict[tuple[int | str, str], tuple[float, Rejection]] = {}

    def framed(
        self, data: bytes, schema_type: str, make: Callable[[Schema], Any]
    ) -> tuple[Any, bytes]:
        """What `make` made of the schema that the bytes name, and the bytes behind the frame.

        The frame is a zero and the schema's id, 4 bytes big-endian; where ids stand in headers, it
        may also be a one and the schema's GUID of 16 bytes [schema-registry]. `make` may raise
        SchemaError. Raises Rejection for another frame, an unknown id and a schema of another type.
        """
        if len(data) >= _FRAME and data[0] == 0:
            name: int | str = int.from_bytes(data[1:_FRAME], "big")
            end = _FRAME
        elif self._takes_guids and len(data) >= _GUID_FRAME and data[0] == 1:
            name, end = str(UUID(bytes=data[1:_GUID_FRAME])), _GUID_FRAME
        else:
            raise Rejection(
                "schema_frame",
                "not framed by a Schema Registry's serializer: it does not begin with a zero byte "
                "and 4 bytes of schema id; where the id is in a header of the record, set "
                'format.registry.schema_id = "header"',
            )
        made = self._made.get((name, schema_type))
        if made is None:
            made = self._make(name, schema_type, make)
        return made, data[end:]

    def _make(self, name: int | str, schema_type: str, make: Callable[[Schema], Any]) -> Any:
        until, why = self._bad.get((name, schema_type), (0.0, None))
        if why is not None and time.monotonic() < until:
            raise Rejection(why.code, why.reason)
        try:
            made = self._made_of(name, schema_type, make)
        except Rejection as rejection:
            if len(self._bad) >= _MAX_KEPT:
                self._bad.clear()
            self._bad[name, schema_type] = time.monotonic() + _BAD_FOR, rejection
            raise
        if len(self._made) >= _MAX_KEPT:
            self._made.clear()
        self._made[name, schema_type] = made
        return made

    def _made_of(self, name: int | str, schema_type: str, make: Callable[[Schema], Any]) -> Any:
        try:
            return make(self._fetched(name, schema_type))
        except SchemaError as error:
            raise Rejection("schema_bad", f"of schema {name}, which is invalid: {error}") from None

    def _fetched(self, name: int | str, schema_type: str) -> Schema:
        path = f"/schemas/{'ids' if isinstance(name, int) else 'guids'}/{name}"
        form = "?format=serialized" if schema_type == "PROTOBUF" else ""
        found = self._get(path + form)
        if found is None:
            raise Rejection("schema_unknown", f"of schema {name}, which the registry does not know")
        schema = self._schema(found, form, {})
        if schema.schema_type != schema_type:
            raise Rejection(
                "schema_kind",
                f"of schema {name}, which is {schema.schema_type} and not {schema_type}",
            )
        return schema._replace(registered=lambda: str((self._get(path) or found)["schema"]))

    def _schema(
        self, found: Mapping[str, Any], form: str, known: dict[str, Schema | None]
    ) -> Schema:
        """With what it imports. `known` are places that were fetched, None while they are."""
        references = []
        for item in _references(found):
            path = f"/subjects/{quote(str(item['subject']), safe='')}/versions/{item['version']}"
            if path not in known:
                if len(known) >= _MAX_REFERENCES:
                    raise SchemaError("it has too many references")
                known[path] = None
                inner = self._get(path + form)
                if inner is None:
                    raise SchemaError(f"it imports {_shown(item)}, which is not in the registry")
                known[path] = self._schema(inner, form, known)
            made = known[path]
            if made is None:
                raise SchemaError(f"it imports itself by {_shown(item)}")
            references.append(Reference(str(item["name"]), made))
        schema_type = found.get("schemaType") or "AVRO"
        return Schema(str(schema_type), str(found["schema"]), tuple(references))

    def _get(self, path: str) -> Mapping[str, Any] | None:
        """The answer; None when the registry does not have it. Waits while it does not answer."""
        while True:
            trouble, found = self._try(path)
            if trouble is None:
                return found
            self._wait(f"schema registry (format.registry.url): {trouble}")

    def _try(self, path: str) -> tuple[str | None, Mapping[str, Any] | None]:
        """One request: (why it failed for now, None) or (None, the answer)."""
        try:
            answer = self._pool.request(
                "GET",
                self._url + path,
                headers=self._headers,
                redirect=False,
                preload_content=False,
            )
            try:
                body = answer.read(_MAX_BYTES + 1)
            finally:
                answer.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return _trouble(error), None
        status = answer.status
        if status in (401, 403):
            raise StopRun(
                f"schema registry: HTTP {status}: it does not accept these credentials.\n"
                "  remedy: set format.registry.username and password, or token, to those of a user "
                "who may read schemas"
            )
        if status == 404 and _is_registrys(body):
            return None, None
        if status == 404:
            raise StopRun(
                "schema registry: HTTP 404, without a Schema Registry's error code: there is "
                "none at this address.\n  remedy: set format.registry.url to that of the registry, "
                "with its path if it has one"
            )
        if status in (301, 302, 303, 307, 308):
            raise StopRun(
                f"schema registry: HTTP {status}: it redirects to another address.\n  remedy: set "
                "format.registry.url to that one"
            )
        if status != 200:
            return f"HTTP {status}", None
        if len(body) > _MAX_BYTES:
            raise SchemaError("it is too large")
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            return "the answer is not JSON", None
        if not isinstance(found, dict) or not isinstance(found.get("schema"), str):
            return "the answer holds no schema", None
        return None, found


def _is_registrys(body: bytes) -> bool:
    """Whether a 404 means that there is no such schema, subject or version.

    Then it has a code, 40401 to 40403 [schema-registry]; a wrong path or a proxy has none.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return False
    code = found.get("error_code") if isinstance(found, dict) else None
    return isinstance(code, int) and 40400 < code < 40500


def _references(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    references = found.get("references") or []
    wanted = {"name", "subject", "version"}
    if not isinstance(references, list) or not all(
        isinstance(item, dict) and item.keys() >= wanted for item in references
    ):
        raise SchemaError("a reference has no name, subject or version")
    return references


def _shown(reference: Mapping[str, Any]) -> str:
    subject, version = str(reference["subject"])[:200], str(reference["version"])[:20]
    return f"version {version} of subject {subject!r}"


def _tls(settings: RegistrySettings) -> ssl.SSLContext:
    option, file = "ca_file", settings.ca_file
    try:
        context = ssl.create_default_context(cafile=str(file) if file else None)
        if settings.certificate_file is not None:
            option, file = "certificate_file", settings.certificate_file
            context.load_cert_chain(str(file), str(settings.certificate_key_file))
    except (OSError, ValueError) as error:  # an ssl.SSLError is one
        reason = getattr(error, "reason", None) or type(error).__name__
        raise StopRun(
            f"format.registry.{option}: cannot use {file}: {reason}\n  remedy: it is a file of "
            "certificates in PEM, which the run may read, with the key that belongs to it"
        ) from None
    return context


def _trouble(error: Exception) -> str:
    """The name of a failure. Raises StopRun for certificates that one side does not accept."""
    cause: Any = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        inner = [one for one in cause.args if isinstance(one, Exception)]
        cause = inner[0] if inner else cause.__cause__ or cause.__context__
    reason = "" if cause is None else str(cause.reason or "")
    if "CERT" in reason:
        raise StopRun(
            f"schema registry: TLS: {reason}\n  remedy: set format.registry.ca_file to the "
            "authority of the registry's certificate, and certificate_file where it asks for ours"
        ) from None
    return f"{type(error).__name__} {reason}".strip()


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
