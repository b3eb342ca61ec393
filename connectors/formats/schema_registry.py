"""A Schema Registry: schemas by their id, over Confluent's REST API [schema-registry].

A schema never changes under its id, so each is fetched once. A registry that does not answer is a
transient failure: the flow waits, and no record is rejected for it (registry_client.py). An id that
the registry does not know is asked for again for a while, as a replica may lag behind; then its
records are rejected.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

from connectors.errors import Rejection
from connectors.formats.registry_client import Found, Missing, RegistryClient, SchemaError, Wait
from connectors.settings.formats import RegistrySettings

__all__ = ["Reference", "Registry", "Schema", "SchemaError", "Wait"]

_MAX_KEPT = 4096  # schemas, and ids of bad ones
_BAD_FOR = 10.0  # seconds before an unknown id or a bad schema is fetched again
_FRAME = 5  # bytes: a zero and the id
_GUID_FRAME = 17  # bytes: a one and the GUID
_MAX_REFERENCES = 100
# The share of a long time that may be spent waiting for ids that stay unknown.
_UNKNOWN_SHARE = 0.1


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
    """Fetches schemas, and caches what was made of each."""

    def __init__(
        self,
        settings: RegistrySettings,
        wait: Wait | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`wait` is called while there is no answer, and while an unknown id may become known.

        None: a missing answer is an error, and an unknown id is not waited for. `clock` is in
        seconds. Raises StopRun.
        """
        self._client = RegistryClient(settings, wait)
        self._wait = wait
        self._clock = clock
        self._takes_guids = settings.schema_id == "header"
        self._patience = _Patience(settings.unknown_wait, clock)
        self._made: dict[tuple[int | str, str], Any] = {}
        # The last frame whose schema was made, and what was made of it.
        self._last: tuple[tuple[bytes, str], Any] = ((b"", ""), None)
        # Ids whose records are rejected for a while: (until when, why).
        self._bad: dict[tuple[int | str, str], tuple[float, Rejection]] = {}

    def framed(
        self, data: bytes, schema_type: str, make: Callable[[Schema], Any]
    ) -> tuple[Any, bytes]:
        """What `make` made of the schema that the bytes name, and the bytes after the frame.

        The frame is a zero and the schema's id, 4 bytes big-endian; where ids are in headers, it
        may also be a one and the schema's GUID of 16 bytes [schema-registry]. `make` may raise
        SchemaError. Raises Rejection for any other frame, an unknown id and a schema of another
        type.
        """
        last = self._last
        if last[0] == (data[:_FRAME], schema_type):  # nearly always
            return last[1], data[_FRAME:]
        if len(data) >= _FRAME and data[0] == 0:
            name: int | str = int.from_bytes(data[1:_FRAME], "big")
            end = _FRAME
            if data[1] > 127:
                raise Rejection(
                    "schema_unknown",
                    f"of schema {name}, which no registry has: it is beyond 2^31 - 1",
                )
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
        if end == _FRAME:
            self._last = (data[:_FRAME], schema_type), made
        return made, data[end:]

    def _make(self, name: int | str, schema_type: str, make: Callable[[Schema], Any]) -> Any:
        until, why = self._bad.get((name, schema_type), (0.0, None))
        if why is not None and self._clock() < until:
            raise Rejection(why.code, why.reason)
        try:
            # An id whose time is used up is asked for once.
            is_new = why is None or why.code != "schema_unknown"
            made = self._made_of(name, schema_type, make, is_new)
        except Rejection as rejection:
            if len(self._bad) >= _MAX_KEPT:
                self._bad.clear()
            self._bad[name, schema_type] = self._clock() + _BAD_FOR, rejection
            raise
        if len(self._made) >= _MAX_KEPT:
            self._made.clear()
        self._made[name, schema_type] = made
        return made

    def _made_of(
        self, name: int | str, schema_type: str, make: Callable[[Schema], Any], is_new: bool
    ) -> Any:
        try:
            return make(self._fetched(name, schema_type, is_new))
        except SchemaError as error:
            raise Rejection("schema_bad", f"of schema {name}, which is invalid: {error}") from None

    def _fetched(self, name: int | str, schema_type: str, is_new: bool) -> Schema:
        path = f"/schemas/{'ids' if isinstance(name, int) else 'guids'}/{name}"
        form = "?format=serialized" if schema_type == "PROTOBUF" else ""
        found = self._get(path + form, f"schema {name}", is_new)
        if isinstance(found, Missing):
            reason = f"of schema {name}, {found.reason}"
            if found.is_denied:
                raise Rejection("schema_denied", reason)
            raise Rejection("schema_unknown", reason)
        schema = self._schema(found, form, {}, is_new)
        if schema.schema_type != schema_type:
            raise Rejection(
                "schema_kind",
                f"of schema {name}, which is {schema.schema_type} and not {schema_type}",
            )

        def registered() -> str:
            again = self._client.get(path)
            return str((found if isinstance(again, Missing) else again)["schema"])

        return schema._replace(registered=registered)

    def _get(self, path: str, what: str, is_new: bool) -> Found | Missing:
        """The answer to a path; a missing schema is requested again while `_Patience` lasts."""
        found = self._client.get(path)
        wait = self._wait
        if not isinstance(found, Missing) or not is_new or wait is None:
            return found
        start = self._clock()
        until = start + self._patience.left()
        while isinstance(found, Missing) and self._clock() < until:
            wait(
                f"schema registry (format.registry.url): {what}, {found.reason}: perhaps not yet "
                "(format.registry.unknown_wait)"
            )
            found = self._client.get(path)
        if isinstance(found, Missing):
            self._patience.spend(self._clock() - start)
        else:
            self._patience.restore()
        return found

    def _schema(
        self, found: Found, form: str, known: dict[str, Schema | None], is_new: bool
    ) -> Schema:
        """A schema with those that it imports.

        `known` has the references that were fetched; the value is None while one is being fetched.
        """
        references = []
        for item in _references(found):
            path = f"/subjects/{quote(str(item['subject']), safe='')}/versions/{item['version']}"
            if path not in known:
                if len(known) >= _MAX_REFERENCES:
                    raise SchemaError("it has too many references")
                known[path] = None
                inner = self._get(path + form, "a schema's reference", is_new)
                if isinstance(inner, Missing):
                    raise SchemaError(f"it imports {_shown(item)}, which is not in the registry")
                known[path] = self._schema(inner, form, known, is_new)
            made = known[path]
            if made is None:
                raise SchemaError(f"it imports itself by {_shown(item)}")
            references.append(Reference(str(item["name"]), made))
        schema_type = found.get("schemaType") or "AVRO"
        return Schema(str(schema_type), str(found["schema"]), tuple(references))


class _Patience:
    """The seconds that may be spent waiting for ids that stay unknown.

    Records with ids that do not exist, however many, must not hold up the others.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._left = seconds
        self._at = clock()

    def left(self) -> float:
        """The seconds that may be spent on waiting now; the allowance grows again with time."""
        now = self._clock()
        self._left = min(self._seconds, self._left + (now - self._at) * _UNKNOWN_SHARE)
        self._at = now
        return self._left

    def spend(self, seconds: float) -> None:
        """Note seconds waited in vain; an excess is paid back first."""
        self._left = self.left() - seconds

    def restore(self) -> None:
        """Allow the full time again: a wait was successful."""
        self._left = self._seconds


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
