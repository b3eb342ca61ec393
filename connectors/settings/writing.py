"""[tablestore], [window], [recovery] and [shutdown]: how rows are written and a run ends."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from connectors.settings.section import Section
from connectors.settings.tablestore_limits import MAX_REQUEST_BYTES, MAX_ROWS_PER_REQUEST
from connectors.settings.urls import check_url


class TablestoreSettings(Section):
    """Where rows go. Credentials come from the environment or files, never from config.toml."""

    endpoint: str = Field("http://127.0.0.1:18087", description="URL of the instance.")
    allow_plain_http: bool = Field(
        False,
        description="Take http for an endpoint on another host too, such as a local Tablestore in "
        "the same compose file: rows then travel in clear, and can be changed on their way.",
    )
    proxy_from_environment: bool = Field(
        True,
        description="Use the HTTP proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name. This "
        "machine itself is never reached through a proxy.",
    )
    instance: str = Field(
        "demo", pattern=r"^[A-Za-z][A-Za-z0-9-]{1,14}[A-Za-z0-9]$", description="Instance name."
    )
    region: str = Field(
        "", description="Region such as cn-hangzhou. When set, requests are signed with V4."
    )
    credentials: Literal["keys", "default", "ecs_ram_role", "oidc", "uri", "profile"] = Field(
        "keys",
        description="Where the access key comes from. keys: the environment or the files below. "
        "The others need the extra `credentials`, and keys that expire are renewed in time. "
        "ecs_ram_role: the role of this ECS instance. oidc: the role of this pod (RRSA of ACK). "
        "uri: ALIBABA_CLOUD_CREDENTIALS_URI. profile: Alibaba's credentials file. default: what "
        "Alibaba's package finds.",
    )
    credentials_role: str | None = Field(
        None, description="With ecs_ram_role, the role's name; the instance's own unless set."
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
        2, ge=1, le=100, description="Batches that wait in a shard besides the one in flight."
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
        files = (
            self.access_key_id_file,
            self.access_key_secret_file,
            self.security_token_file,
        )
        if self.credentials != "keys" and any(file is not None for file in files):
            raise ValueError(
                f"credentials = {self.credentials!r} takes no key files: remove access_key_id_file "
                "and its like"
            )
        if self.credentials_role is not None and self.credentials != "ecs_ram_role":
            raise ValueError('credentials_role has a meaning with credentials = "ecs_ram_role"')
        try:
            check_url(self.endpoint, self.allow_plain_http)
        except ValueError as error:
            raise ValueError(
                f"endpoint {error}; it is such as https://INSTANCE.REGION.ots.aliyuncs.com"
            ) from None
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
