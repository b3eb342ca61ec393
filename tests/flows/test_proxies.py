"""Plain http to other hosts, and HTTP proxies from the environment."""

import json
from urllib.parse import urlsplit

import pytest

from tests.flows.conftest import PARTITIONS, Case
from tests.flows.test_formats import SCHEMA, avro
from tests.support.producers import kafka_row
from tests.support.proxy import HttpProxy
from tests.support.registry import SchemaRegistry


def address(url: str) -> tuple[str, int]:
    """Host and port of a URL."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 80


def test_service_and_registry_behind_a_proxy(embedded_case: Case) -> None:
    """Their names are known to the proxy alone; tables are made and rows are written through it."""
    case = embedded_case
    with SchemaRegistry() as registry:
        hosts = {
            "tablestore.invalid": address(case.store.url),
            "schemas.invalid": address(registry.url),
        }
        number = registry.register(json.dumps(SCHEMA))
        given = {"url": "http://schemas.invalid:8081", "allow_plain_http": True}
        case.flow.set(
            {
                "format": {"value": "avro", "registry": given},
                "tablestore": {"endpoint": "http://tablestore.invalid", "allow_plain_http": True},
                "table": {"auto_create": True},
            }
        )
        for each in range(40):
            case.producer.send(
                case.topic,
                avro(number, each, None),
                kafka_row(case.topic, {"number": each}),
                partition=each % PARTITIONS,
            )
        case.producer.flush()
        with HttpProxy(hosts) as proxy:
            case.flow.env |= {"HTTP_PROXY": f"http://{proxy.address}", "NO_PROXY": "other.invalid"}
            process = case.flow.start()
            case.wait_written(40, process)
            process.drain()
            lines = [head.split("\r\n")[0] for head in proxy.heads]
    for wanted in (
        "POST http://tablestore.invalid/DescribeTable HTTP/1.1",
        "POST http://tablestore.invalid/CreateTable HTTP/1.1",
        "POST http://tablestore.invalid/BatchWriteRow HTTP/1.1",
        f"GET http://schemas.invalid:8081/schemas/ids/{number} HTTP/1.1",
    ):
        assert wanted in lines
    case.verdict(minimum=40)


@pytest.mark.P5
def test_tls_to_a_plain_tablestore_stops_with_the_remedy(embedded_case: Case) -> None:
    """Waiting mends nothing: the first contact says so."""
    case = embedded_case
    case.flow.set({"tablestore": {"endpoint": case.store.url.replace("http:", "https:")}})
    case.flow.start().refused("does not speak TLS", "remedy: begin tablestore.endpoint with http")
