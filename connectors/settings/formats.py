"""[format]: how the bytes of keys and values become values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from connectors.settings.section import Section

Word = Literal[
    "json",
    "connect_json",
    "string",
    "bytes",
    "integer",
    "long",
    "double",
    "avro",
    "protobuf",
    "json_schema",
    "raw_avro",
]
OF_REGISTRY = ("avro", "protobuf", "json_schema")
# Formats of values that are text, bytes or a number: never objects with fields.
BARE = ("string", "bytes", "integer", "long", "double")


def _function(text: str) -> str:
    module, colon, name = text.partition(":")
    parts = [*module.split("."), *name.split(".")]
    if not colon or not all(part.isidentifier() for part in parts):
        raise ValueError("is none of the formats, and no function as package.module:function")
    return text


FunctionName = Annotated[str, AfterValidator(_function)]


class RegistrySettings(Section):
    """The Schema Registry of the formats avro, protobuf and json_schema."""

    url: str = Field("", description="URL of the registry; https, but on this host.")
    username: str | None = Field(None, description="User of basic authentication.")
    password: SecretStr | None = Field(
        None, description="Password of basic authentication; only from the environment."
    )
    password_file: Path | None = Field(None, description="File with the password.")
    token: SecretStr | None = Field(
        None, description="Bearer token, instead of user and password; only from the environment."
    )
    token_file: Path | None = Field(None, description="File with the bearer token.")
    ca_file: Path | None = Field(
        None, description="Certificates of the authorities to trust; the system's unless set."
    )
    certificate_file: Path | None = Field(None, description="Client certificate (PEM).")
    certificate_key_file: Path | None = Field(
        None, description="Key of the client certificate (PEM)."
    )
    timeout: float = Field(10.0, gt=0, le=3600, description="Seconds to wait for an answer.")

    @model_validator(mode="after")
    def _check(self) -> RegistrySettings:
        url = urlsplit(self.url)
        if self.url and (url.scheme not in ("http", "https") or not url.hostname):
            raise ValueError("url is a URL such as https://schemas.example.com:8081")
        if "@" in url.netloc or url.query or url.fragment:
            raise ValueError("url holds a user name or more than scheme, host, port and path")
        if url.scheme == "http" and url.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError("url must be https, but on this host (127.0.0.1 or localhost)")
        secrets = [self.password, self.password_file, self.token, self.token_file]
        if sum(secret is not None for secret in secrets) > 1:
            raise ValueError("set one of password, password_file, token and token_file")
        has_password = self.password is not None or self.password_file is not None
        if has_password != (self.username is not None):
            raise ValueError("basic authentication needs username and password (or password_file)")
        if (self.certificate_file is None) != (self.certificate_key_file is None):
            raise ValueError("set both certificate_file and certificate_key_file, or none")
        return self


class FormatSettings(Section):
    """How bytes become values."""

    section = "format"
    former_names: ClassVar[Mapping[str, str]] = {"most_bytes": "max_bytes"}

    value: Word | FunctionName = Field(
        "json",
        description="Format of record values, or a function of yours as package.module:function, "
        "which takes bytes and returns the value.",
    )
    key: Word | FunctionName = Field(
        "json",
        description="Format of record keys; read only where a key mode or transform needs them.",
    )
    max_bytes: int = Field(
        16 << 20,
        ge=1,
        description="Bytes of a value or key. A longer one is rejected before it is decoded, which "
        "keeps memory bounded: decoded it takes many times as much.",
    )
    value_schema_file: Path | None = Field(
        None,
        description="Avro schema (JSON) of the values: of raw_avro their own, of avro the "
        "reader's, to which each writer's schema is resolved.",
    )
    key_schema_file: Path | None = Field(None, description="The same for keys.")
    registry: RegistrySettings = Field(
        RegistrySettings(), description="The Schema Registry, as [format.registry]."
    )

    @model_validator(mode="after")
    def _check(self) -> FormatSettings:
        for part, word, file in (
            ("value", self.value, self.value_schema_file),
            ("key", self.key, self.key_schema_file),
        ):
            if word in OF_REGISTRY and not self.registry.url:
                raise ValueError(f"{part} = {word!r} needs format.registry.url")
            if word == "raw_avro" and file is None:
                raise ValueError(f"{part} = 'raw_avro' needs {part}_schema_file")
            if file is not None and word not in ("raw_avro", "avro"):
                raise ValueError(f"{part}_schema_file has no meaning with {part} = {word!r}")
        return self
