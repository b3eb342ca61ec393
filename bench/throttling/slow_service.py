"""The flow against a service that answers later and later."""

from __future__ import annotations

import time

from bench import constant_server as service
from bench.kafka import filled_topic
from bench.processes import MeasurementError, constant_server
from bench.throttling.cases import Result
from bench.throttling.flow import run_flow
from bench.throttling.watch import LOOK

QUEUE = "answers later and later"


def measure_queue(rate: float, seconds: float) -> Result:
    """A service that takes `rate` rows a second, one after the other, and refuses none."""
    rows = int(rate * seconds * 1.5)
    with filled_topic("apache", rows) as topic, constant_server(5, "--rate", str(rate)) as server:
        key = service.ACCESS_KEY_ID, service.ACCESS_KEY_SECRET
        where = (server.endpoint, *key, "bench")
        with run_flow(topic.bootstrap, [topic.name], where, "") as process:
            samples: list[tuple[float, float, int]] = []
            while not samples or samples[-1][0] - samples[0][0] < seconds:
                counts = server.counts()
                waiting = counts["queue_ms"] / 1000
                if counts["rows"]:
                    samples.append((time.monotonic(), waiting, counts["rows"]))
                elif not process.running:
                    raise MeasurementError("the flow has ended")
                time.sleep(LOOK)
            process.stop()
    steady = [each for each in samples if each[0] - samples[0][0] >= 10]
    first, last = steady[0], steady[-1]
    done = last[2] - rate * last[1] - (first[2] - rate * first[1])
    written = done / (last[0] - first[0])
    longest = max(each[1] for each in steady)
    return Result(QUEUE, rate, written, written / rate, 0.0, 0, True, longest_queue=longest)
