"""Lets others look at a run: the endpoint of its process, and OpenTelemetry."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from connectors.errors import StopRun
from connectors.otel.environment import Signal, wanted_signals, wrong_protocols
from connectors.run.context import Run

log = logging.getLogger("sync.http")


def observe(run: Run) -> None:
    """Start what the settings ask for. Call it before the flow runs; nothing is on by default.

    Only in a process that is the run's own. Raises StopRun when the address cannot be used.
    """
    if not run.owns_process:
        return
    settings = run.settings.http
    if settings.port is not None:
        run.meters.observed = True
        _listen(run, settings.host, settings.port)
    signals = wanted_signals()
    if signals:
        run.meters.observed = True
        _export(run, signals)


def _export(run: Run, signals: Sequence[Signal]) -> None:
    for name, value in wrong_protocols().items():
        log.warning("%s is %s: only http/protobuf is spoken here, to port 4318", name, value)
    try:
        from connectors.otel.start import start_export  # noqa: PLC0415 - it needs the extra
    except ModuleNotFoundError as error:
        raise StopRun(
            f"the environment asks for OpenTelemetry (OTEL_EXPORTER_OTLP_*), and package "
            f"{error.name} is not installed\n  remedy: install bytewax-tablestore[otel], or set "
            "OTEL_SDK_DISABLED=true"
        ) from None
    start_export(run, signals)


def _listen(run: Run, host: str, first_port: int) -> None:
    # Its imports take some time and memory, which those do not pay who do not use it.
    from connectors.http_api.history import INTERVAL  # noqa: PLC0415
    from connectors.http_api.provider import ProcessProvider  # noqa: PLC0415
    from connectors.http_api.server import Endpoint  # noqa: PLC0415

    port = first_port + run.meters.process if first_port else 0
    if port > 65_535:
        raise StopRun(
            f"http: port {first_port} + process {run.meters.process} is beyond 65535\n"
            "  remedy: set a lower http.port, or 0 for any free one"
        )
    provider = ProcessProvider(run)
    endpoint = Endpoint(provider, host, port)
    try:
        endpoint.start(INTERVAL, provider.sampler.sample)
    except StopRun:
        if port == 0 or not run.beside_another:
            raise
        # The flow beside which it runs has the port of their configuration.
        endpoint = Endpoint(provider, host, 0)
        endpoint.start(INTERVAL, provider.sampler.sample)
    log.info("listening on %s", endpoint.url)
    if run.recovery is not None:
        address = run.recovery.path / f"process-{run.meters.process}.http"
        try:
            address.write_text(endpoint.url, "utf-8")
        except OSError as error:
            log.warning("cannot write %s: %s", address, error.strerror)
