"""A run with some of everything, and the endpoint of its process."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from connectors.http_api.provider import ProcessProvider
from connectors.http_api.server import Endpoint
from connectors.run.context import Run
from tests.unit.factories import dead_letter, settings
from tests.unit.fake_clock import FakeClock


class Reply(NamedTuple):
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def ask(url: str, path: str, method: str = "GET", **headers: str) -> Reply:
    """One request on a connection of its own, with nothing in between."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return Reply(answer.status, dict(answer.getheaders()), answer.read().decode())
    finally:
        connection.close()


def busy_run(process: int = 0, clock: FakeClock | None = None) -> Run:
    """A run that has read, written and rejected something; it is ready."""
    made = settings(kafka={"topics": ["orders", "clicks"]}, http={"wait_limit": 30})
    run = Run("sync", made, None, clock=clock or FakeClock())
    run.meters.process = process
    for topic in ("orders", "clicks"):
        one = run.meters.partition(topic, process, 100, True)
        one.first(100, 1_000)
        one.position = 180
        one.made_durable(150, run.clock())
        one.set_end(200, run.clock())
    run.counts.add("read", 160)
    shard = run.counts.new_shard()
    run.counts.add("written", 140, shard)
    run.counts.reject([dead_letter(number) for number in range(3)], "kafka", shard)
    table = run.meters.table("orders")
    table.request("OK", 0.02, 20_000)
    table.request("PARTIAL", 0.2, 5_000)
    table.rows("written", "OK", 140)
    table.rows("retried", "OTSServerBusy", 10)
    run.meters.drift.note("orders", "new", "colour", "(string) is new")
    run.meters.fills.observe(0.75)
    run.meters.fills.observe(0.25)
    run.meters.snapshot_durable()
    return run


@pytest.fixture
def run() -> Run:
    return busy_run()


@pytest.fixture
def endpoint(run: Run) -> Iterator[Endpoint]:
    provider = ProcessProvider(run)
    provider.sampler.sample()
    made = Endpoint(provider, "127.0.0.1", 0)
    made.start()
    yield made
    made.stop()
