"""[format]: how the bytes of keys and values become values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple

from pydantic import AfterValidator, Field, SecretStr, model_validator

from connectors.settings.section import Section
from connectors.settings.urls import check_url
from connectors.settings.user_functions import is_function_name


class Format(NamedTuple):
    """The properties of one format."""

    implementation: str
    """Its decoder as module:name. Without schemas a function of bytes that returns the value and
    raises Rejection; with schemas what makes such a function of (Schemas, SchemaFile)."""
    # The class of Kafka Connect's converter that reads the same bytes.
    converter: str | None = None
    needs_registry: bool = False
    schema_file: Literal["none", "optional", "required"] = "none"
    # The schema file has several messages, of which an option names one.
    needs_message: bool = False
    # Values are text, bytes or a number: never objects with fields.
    is_bare: bool = False
    # Whole chunks of plain objects are decoded at once (connectors.formats.chunk_decoder).
    has_fast_path: bool = False

    @property
    def has_schemas(self) -> bool:
        """Whether bytes are decoded by a schema, from a registry or a file."""
        return self.needs_registry or self.schema_file != "none"


_CONNECT = "org.apache.kafka.connect"
_CONFLUENT = "io.confluent.connect"
_HERE = "connectors.formats"
# By the word in config.toml. What is legal in [format], what import-config knows and the decoders
# of a run follow this list.
FORMATS = {
    "json": Format(
        f"{_HERE}.json_envelope:decode", f"{_CONNECT}.json.JsonConverter", has_fast_path=True
    ),
    "connect_json": Format(f"{_HERE}.connect_json:decode", f"{_CONNECT}.json.JsonConverter"),
    "string": Format(
        f"{_HERE}.primitives:string", f"{_CONNECT}.storage.StringConverter", is_bare=True
    ),
    "bytes": Format(
        f"{_HERE}.primitives:plain_bytes", f"{_CONNECT}.converters.ByteArrayConverter", is_bare=True
    ),
    "integer": Format(
        f"{_HERE}.primitives:integer", f"{_CONNECT}.converters.IntegerConverter", is_bare=True
    ),
    "long": Format(
        f"{_HERE}.primitives:long", f"{_CONNECT}.converters.LongConverter", is_bare=True
    ),
    "double": Format(
        f"{_HERE}.primitives:double", f"{_CONNECT}.converters.DoubleConverter", is_bare=True
    ),
    "avro": Format(
        f"{_HERE}.avro.decoder:decoder",
        f"{_CONFLUENT}.avro.AvroConverter",
        needs_registry=True,
        schema_file="optional",
    ),
    "protobuf": Format(
        f"{_HERE}.protobuf:decoder", f"{_CONFLUENT}.protobuf.ProtobufConverter", needs_registry=True
    ),
    "json_schema": Format(
        f"{_HERE}.json_schema:decoder",
        f"{_CONFLUENT}.json.JsonSchemaConverter",
        needs_registry=True,
    ),
    "raw_avro": Format(f"{_HERE}.avro.decoder:raw_decoder", schema_file="required"),
    "raw_protobuf": Format(
        f"{_HERE}.protobuf_file:decoder", schema_file="required", needs_message=True
    ),
}
if TYPE_CHECKING:
    Word = str
else:
    Word = Literal[tuple(FORMATS)]


def _function(text: str) -> str:
    if not is_function_name(text):
        raise ValueError("is neither a format nor a function as package.module:function")
    return text


FunctionName = Annotated[str, AfterValidator(_function)]


class RegistrySettings(Section):
    """The Schema Registry of the formats avro, protobuf and json_schema."""

    url: str = Field(
        "",
        description="URL of the registry: https, or http on this host. Several, separated by "
        "commas, are tried in turn.",
    )
    allow_plain_http: bool = Field(
        False,
        description="Take http for a registry on another host too, such as a service in the same "
        "cluster: schemas and credentials then travel in clear.",
    )
    proxy_from_environment: bool = Field(
        True,
        description="Use the HTTP proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name. This "
        "machine itself is never reached through a proxy.",
    )
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
    schema_id: Literal["prefix", "header"] = Field(
        "prefix",
        description="Where a record's schema id is. prefix: in the first bytes of key and value. "
        "header: in the headers __key_schema_id and __value_schema_id, as an id or a GUID; in the "
        "first bytes where there is no such header.",
    )
    timeout: float = Field(10.0, gt=0, le=3600, description="Seconds to wait for an answer.")
    unknown_wait: float = Field(
        10.0,
        ge=0,
        le=3600,
        description="Seconds in which a schema that the registry does not know is asked for again "
        "before its records are rejected: a replica may lag behind. Ids that stay unknown take a "
        "tenth of the time together, at most.",
    )

    @model_validator(mode="after")
    def _check(self) -> RegistrySettings:
        if self.url and not all(self.urls):
            raise ValueError("url has an empty entry between commas")
        for url in self.urls:
            try:
                check_url(url, self.allow_plain_http)
            except ValueError as error:
                raise ValueError(
                    f"url {error}; it is such as https://schemas.example.com:8081, several are "
                    "separated by commas"
                ) from None
        secrets = [self.password, self.password_file, self.token, self.token_file]
        if sum(secret is not None for secret in secrets) > 1:
            raise ValueError("set one of password, password_file, token and token_file")
        has_password = self.password is not None or self.password_file is not None
        if has_password != (self.username is not None):
            raise ValueError("basic authentication needs username and password (or password_file)")
        if (self.certificate_file is None) != (self.certificate_key_file is None):
            raise ValueError("set both certificate_file and certificate_key_file, or none")
        return self

    @property
    def urls(self) -> tuple[str, ...]:
        """The URLs in their order."""
        return tuple(url.strip() for url in self.url.split(",")) if self.url else ()


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
        "keeps memory bounded: decoded, it takes many times as much.",
    )
    value_schema_file: Path | None = Field(
        None,
        description="Schema of the values. raw_avro: their Avro schema (JSON); avro: the "
        "reader's, to which each writer's schema is resolved; raw_protobuf: a file of descriptors, "
        "as protoc --include_imports --descriptor_set_out makes it.",
    )
    key_schema_file: Path | None = Field(None, description="The same for keys.")
    value_message: str | None = Field(
        None,
        description="Full name of the message that values of raw_protobuf are, such as shop.Order.",
    )
    key_message: str | None = Field(None, description="The same for keys.")
    json_schema_validation: bool = Field(
        False,
        description="Whether values and keys of json_schema are validated against their schema. "
        "Producers usually do that already; here it takes about as long as everything else.",
    )
    registry: RegistrySettings = Field(
        RegistrySettings(), description="The Schema Registry, as [format.registry]."
    )

    @model_validator(mode="after")
    def _check(self) -> FormatSettings:
        for side, word, file in (
            ("value", self.value, self.value_schema_file),
            ("key", self.key, self.key_schema_file),
        ):
            chosen = FORMATS.get(word)
            if chosen is not None and chosen.needs_registry and not self.registry.url:
                raise ValueError(f"{side} = {word!r} needs format.registry.url")
            schema_file = "none" if chosen is None else chosen.schema_file
            if schema_file == "required" and file is None:
                raise ValueError(f"{side} = {word!r} needs {side}_schema_file")
            if schema_file == "none" and file is not None:
                raise ValueError(f"{side}_schema_file has no meaning with {side} = {word!r}")
        if self.json_schema_validation and "json_schema" not in (self.value, self.key):
            raise ValueError(
                'json_schema_validation has no meaning without value or key = "json_schema"'
            )
        return self

    @property
    def has_bare_values(self) -> bool:
        """Whether values are text, bytes or numbers, and never objects with fields."""
        return self.value in FORMATS and FORMATS[self.value].is_bare

    @property
    def schema_ids_in_headers(self) -> frozenset[str]:
        """The formats whose schema ids may be in headers of a record."""
        if self.registry.schema_id == "prefix":
            return frozenset()
        return frozenset(word for word, one in FORMATS.items() if one.needs_registry)

    @property
    def has_fast_path(self) -> bool:
        """Whether whole chunks of values can be decoded at once."""
        return self.value in FORMATS and FORMATS[self.value].has_fast_path
