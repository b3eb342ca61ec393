"""[tablestore], [window], [recovery] and [shutdown]: how rows are written and a run ends."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from connectors.settings.section import Section
from connectors.settings.tablestore_limits import MAX_REQUEST_BYTES, MAX_ROWS_PER_REQUEST


class TablestoreSettings(Section):
    """Where rows go. Credentials come from the environment or files, never from config.toml."""

    endpoint: str = Field("http://127.0.0.1:18087", description="URL of the instance.")
    instance: str = Field(
        "demo", pattern=r"^[A-Za-z][A-Za-z0-9-]{1,14}[A-Za-z0-9]$", description="Instance name."
    )
    region: str = Field(
        "", description="Region such as cn-hangzhou. When set, requests are signed with V4."
    )
    access_key_id_file: Path | None = Field(
        None, description="File with the access key id, instead of ALIBABA_CLOUD_ACCESS_KEY_ID."
    )
    access_key_secret_file: Path | None = Field(
        None, description="File with the secret, instead of ALIBABA_CLOUD_ACCESS_KEY_SECRET."
    )
    security_token_file: Path | None = Field(
        None,
        description="File with the STS token, instead of ALIBABA_CLOUD_SECURITY_TOKEN. "
        "The three files are read again when they change, so that keys can rotate.",
    )
    timeout: float = Field(30.0, gt=0, le=3600, description="Seconds to wait for an answer.")
    retry_initial: float = Field(0.05, gt=0, le=3600, description="Seconds before the first retry.")
    retry_max: float = Field(
        5.0,
        gt=0,
        le=3600,
        description="Seconds between two retries, at most. The number of retries is not limited.",
    )
    queue: int = Field(
        2, ge=1, le=100, description="Batches that wait in a shard behind the one in flight."
    )
    ready_timeout: float = Field(
        60.0,
        gt=0,
        le=86_400,
        description="Seconds that a table created by this run may take to become usable.",
    )
    timeseries_encoding: Literal["auto", "protobuf", "flatbuffers"] = Field(
        "auto",
        description="How points of time series are sent. auto: as protobuf where the endpoint "
        "accepts that, which is checked at the start without writing anything.",
    )

    @model_validator(mode="after")
    def _check(self) -> TablestoreSettings:
        url = urlsplit(self.endpoint)
        if not self.endpoint.isprintable() or " " in self.endpoint or "@" in url.netloc:
            raise ValueError("endpoint has blanks or a user name: it is scheme, host, port, path")
        try:
            _ = url.port
        except ValueError:
            raise ValueError("endpoint has an illegal port: it is 1 to 65535") from None
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError("endpoint is a URL such as https://INSTANCE.REGION.ots.aliyuncs.com")
        if url.query or url.fragment:
            raise ValueError("endpoint has more than scheme, host, port and path")
        if url.scheme == "http" and url.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError("endpoint must be https; http is only for 127.0.0.1 and localhost")
        return self


class WindowSettings(Section):
    """How rows are collected into batches: one closes on rows, bytes or age, what comes first."""

    rows: int = Field(
        MAX_ROWS_PER_REQUEST,
        ge=1,
        le=MAX_ROWS_PER_REQUEST,
        description="Rows per request, at most (the service's limit).",
    )
    bytes: int = Field(
        4_000_000, ge=1024, le=MAX_REQUEST_BYTES, description="Bytes of rows per request, at most."
    )
    age: float = Field(
        0.5, ge=0.01, le=3600, description="Seconds that a row waits for its batch, at most."
    )
    shards: int = Field(
        64,
        ge=1,
        le=1024,
        description="Shards by primary key. Each has one request in flight. "
        "Fixed for the life of a recovery folder.",
    )


class RecoverySettings(Section):
    """The recovery folder, named by -r on the command line."""

    required: bool = Field(
        True,
        description="Do not run without a recovery folder: each start would read from kafka.start "
        "again.",
    )
    partitions: int = Field(
        8, ge=1, le=256, description="Files of a new folder: how many workers can share it."
    )


class ShutdownSettings(Section):
    """How a run ends on SIGTERM and SIGINT."""

    deadline: float = Field(
        30.0,
        gt=0,
        le=86_400,
        description="Seconds to write what was read. After that the run ends with exit code 1; "
        "the next one goes on from the last snapshot.",
    )
