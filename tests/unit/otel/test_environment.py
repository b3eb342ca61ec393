"""What the OTEL_* variables ask for."""

import pytest

from connectors.otel.environment import wanted_signals, wrong_protocols

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, []),
        ({"OTEL_SERVICE_NAME": "x"}, []),
        (ENDPOINT, ["metrics", "traces"]),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c:1/m"}, ["metrics"]),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:1/t"}, ["traces"]),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "True"}, []),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "false"}, ["metrics", "traces"]),
        ({**ENDPOINT, "OTEL_METRICS_EXPORTER": "none"}, ["traces"]),
        ({**ENDPOINT, "OTEL_METRICS_EXPORTER": "prometheus, otlp"}, ["metrics", "traces"]),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "console"}, ["metrics"]),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": ""}, ["metrics", "traces"]),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, []),
    ],
)
def test_signals(environ: dict[str, str], wanted: list[str]) -> None:
    """Those that have an endpoint, unless they are switched off or go elsewhere."""
    assert wanted_signals(environ) == wanted


def test_another_protocol_is_named() -> None:
    """Only http/protobuf is spoken."""
    environ = {
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc",
    }
    assert wrong_protocols(environ) == {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"}
