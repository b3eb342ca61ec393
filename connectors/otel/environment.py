"""Which signals the OTEL_* variables ask for [otel-variables]. This imports nothing of the SDK."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal

Signal = Literal["metrics", "traces"]
_SIGNALS: tuple[Signal, ...] = ("metrics", "traces")


def wanted_signals(environ: Mapping[str, str] = os.environ) -> list[Signal]:
    """The signals that have an endpoint and are not switched off."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return []
    return [signal for signal in _SIGNALS if _is_wanted(signal.upper(), environ)]


def wrong_protocols(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variables that ask for another protocol than http/protobuf, with their values."""
    names = ["OTEL_EXPORTER_OTLP_PROTOCOL"]
    names += [f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL" for signal in _SIGNALS]
    return {
        name: environ[name]
        for name in names
        if environ.get(name, "").strip() not in ("", "http/protobuf")
    }


def _is_wanted(signal: str, environ: Mapping[str, str]) -> bool:
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    has_endpoint = any(environ.get(name, "").strip() for name in endpoints)
    exporters = environ.get(f"OTEL_{signal}_EXPORTER", "otlp").strip() or "otlp"
    return has_endpoint and "otlp" in [each.strip() for each in exporters.split(",")]
