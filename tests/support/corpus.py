"""The corpus: records as files, with what must become of them. tests/corpus/README.md says how."""

from __future__ import annotations

import base64
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from tests.support.registry import SchemaRegistry

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parents[1] / "corpus"
_KEYS = {
    "about", "table", "value", "key", "schema", "key_schema", "timestamp", "headers", "before",
    "rejected", "filtered", "row", "row_key", "gone",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One record. `rejected` is "stage code", and `row` the columns of the row that it becomes."""

    name: str
    table: str
    about: str
    value: bytes | None
    key: bytes | None
    schema: str | None
    key_schema: str | None
    timestamp: int
    headers: Mapping[str, str]
    before: tuple[bytes | None, ...]
    rejected: str | None
    filtered: bool
    row: Mapping[str, Any] | None
    row_key: Mapping[str, Any] | None
    gone: bool

    @property
    def valid(self) -> bool:
        """Whether a row of it must be there."""
        return self.row is not None

    @property
    def alone(self) -> bool:
        """Whether it may be sent only once, since what it does depends on what was before."""
        return bool(self.before) or self.gone


@dataclass
class CorpusFlow:
    """The cases of one run, and its settings."""

    name: str
    settings: dict[str, Any]
    transforms: list[dict[str, Any]]
    schemas: dict[str, dict[str, Any]]
    cases: list[Case] = field(default_factory=list)

    @property
    def tables(self) -> list[str]:
        """The names of its tables."""
        return list(self.settings["tables"])

    def register(self, registry: SchemaRegistry) -> dict[str, int]:
        """Tell a registry the schemas; returns their ids."""
        ids: dict[str, int] = {}
        for name, schema in self.schemas.items():
            references = [
                {"name": other, "subject": other, "version": 1}
                for other in schema.get("references", ())
            ]
            text = schema.get("text") or (FOLDER / self.name / schema["file"]).read_text()
            kind = schema.get("kind", "AVRO")
            if kind == "PROTOBUF":
                file = text_format.Parse(text, FileDescriptorProto())
                text = base64.b64encode(file.SerializeToString()).decode()
            ids[name] = registry.register(text, kind, references, name)
        return ids


def flows() -> list[CorpusFlow]:
    """All flows of the corpus, one for each of its folders."""
    return [_flow(path.parent) for path in sorted(FOLDER.glob("*/flow.toml"))]


def _flow(folder: Path) -> CorpusFlow:
    settings = tomllib.loads((folder / "flow.toml").read_text("utf-8"))
    formats = settings.get("format", {})
    for part in ("value_schema_file", "key_schema_file"):
        if part in formats:
            formats[part] = str(folder / formats[part])
    transforms, schemas = settings.pop("transforms", []), settings.pop("schemas", {})
    made = CorpusFlow(folder.name, settings, transforms, schemas)
    for path in sorted(folder.glob("*.toml")):
        if path.name != "flow.toml":  # the run's configuration
            made.cases.append(_case(path.stem, tomllib.loads(path.read_text("utf-8"))))
    return made


def _case(name: str, found: dict[str, Any]) -> Case:
    unknown = found.keys() - _KEYS
    assert not unknown, f"{name}: {unknown}"
    wanted = [word for word in ("rejected", "filtered", "row", "gone") if word in found]
    assert len(wanted) == 1, f"{name}: what becomes of it: {wanted}"
    return Case(
        name,
        found["table"],
        found["about"],
        bytes_of(found.get("value")),
        bytes_of(found.get("key")),
        found.get("schema"),
        found.get("key_schema"),
        found.get("timestamp", 0),
        found.get("headers", {}),
        tuple(bytes_of(one) for one in found.get("before", ())),
        found.get("rejected"),
        found.get("filtered", False),
        cells(found["row"]) if "row" in found else None,
        cells(found["row_key"]) if "row_key" in found else None,
        found.get("gone", False),
    )


def bytes_of(found: Any) -> bytes | None:
    """The bytes that a file describes."""
    if found is None or isinstance(found, bytes):
        return found
    if isinstance(found, str):
        return found.encode()
    ((kind, what),) = found.items()
    if kind == "hex":
        return bytes.fromhex(what)
    if kind == "base64":
        return base64.b64decode(what, validate=True)
    assert kind == "parts", kind
    return b"".join(_part(text) * times for text, times in what)


def _part(text: str) -> bytes:
    return bytes.fromhex(text[4:]) if text.startswith("hex:") else text.encode()


def cells(found: Mapping[str, Any]) -> dict[str, Any]:
    """Columns with their values."""
    return {
        name: bytes_of(value) if isinstance(value, dict) else value for name, value in found.items()
    }


def exact(columns: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Columns so that only the same types and values are equal: true is not 1, nor 0.0 -0.0."""
    return {name: (type(value).__name__, repr(value)) for name, value in columns.items()}
