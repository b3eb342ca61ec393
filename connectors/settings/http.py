"""[http]: the process's own HTTP endpoint, and when /health and /ready fail."""

from __future__ import annotations

from pydantic import Field

from connectors.settings.section import Section


class HttpSettings(Section):
    """The HTTP endpoint of a process: a page, /metrics, /status, /health and /ready."""

    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address to listen on. The endpoint has no password: on another address than "
        "this machine's own, keep it on a private network.",
    )
    port: int | None = Field(
        None,
        ge=0,
        le=65_535,
        description="Port to listen on; without one there is no endpoint. Under `tablestore-sync "
        "run` it is that of all processes together; without it, process N of a cluster listens on "
        "port + N. 0: any free port, which is logged, and written to process-N.http in the "
        "recovery folder.",
    )
    wait_limit: float = Field(
        30.0,
        ge=0,
        le=86_400,
        description="Seconds that the run may wait for a table, a Schema Registry or the brokers "
        "before /ready fails.",
    )
    snapshot_limit: float = Field(
        300.0,
        gt=0,
        le=86_400,
        description="Seconds without a durable snapshot after which /health and /ready fail, at "
        "least three times the interval of snapshots. While something is waited for, only /ready "
        "fails.",
    )
