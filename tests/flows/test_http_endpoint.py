"""The endpoint of a run: what a real one says while all goes well, and while it does not."""

import json
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from prometheus_client.parser import text_string_to_metric_families

from connectors.http_api.models import Health, History, Problem, SettingsInForce, Status
from connectors.run.flow_metrics import FLOW_METRICS
from connectors.run.metrics import METRICS
from tests.flows.conftest import PARTITIONS, Case
from tests.flows.test_throttling import set_limits
from tests.support.flow_process import FlowProcess, free_port
from tests.support.otlp import OtlpCollector
from tests.support.wait import until

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def get(url: str) -> tuple[int, str]:
    """The status and body with which `url` answers."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        raise AssertionError(f"no answer of {url}: {error}") from None


def address(case: Case, process: FlowProcess, number: int = 0) -> str:
    """The URL that a process has written to its recovery folder."""
    file = case.flow.state / f"process-{number}.http"

    def there() -> str:
        assert process.alive, process.text()
        return file.read_text() if file.exists() else ""

    return until(there, process.text)


def listening(pid: int) -> set[str]:
    """The addresses on which a process listens."""
    own = {str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir() if each.is_symlink()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in own:
                address = fields[1].partition(":")[0]
                found.add("127.0.0.1" if address == "0100007F" else address)
    return found


def status_of(url: str) -> Status:
    code, text = get(f"{url}/status")
    assert code == 200
    return Status.model_validate_json(text)


def ready_of(url: str) -> Health:
    """What /ready says; its HTTP status says the same."""
    code, text = get(f"{url}/ready")
    found = Health.model_validate_json(text)
    assert code == (200 if found.ok else 503)
    return found


def samples(url: str) -> Samples:
    _, text = get(f"{url}/metrics")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def case(embedded_case: Case) -> Iterator[Case]:
    """A case whose run has an endpoint on a free port, and is not ready as soon as it waits."""
    embedded_case.flow.set({"http": {"port": 0, "wait_limit": 0}})
    yield embedded_case
    set_limits(embedded_case.store)


@pytest.fixture
def collector() -> Iterator[OtlpCollector]:
    with OtlpCollector() as made:
        yield made


def test_a_run_shows_what_it_has_done_and_what_it_waits_for(case: Case) -> None:
    """Counts, lag and requests are right; a throttled table is named, and no restart asked for."""
    case.store.create_table(case.topic)
    case.flow.set({"tablestore": {"retry_initial": 0.05, "retry_max": 0.3}})
    case.orders(400)
    process = case.flow.start()
    url = address(case, process)

    def durable() -> Status | None:
        found = status_of(url)
        lags = [one.lag_records for one in found.partitions]
        return found if lags == [0] * PARTITIONS and found.counts["written"] == 400 else None

    status = until(durable, process.text)
    assert listening(process.pid) == {"127.0.0.1"}, "Bytewax's own API takes all addresses"
    assert ready_of(url).ok, ready_of(url)
    assert (status.state, status.healthy, status.counts["written"]) == ("running", True, 400)
    assert [one.partition for one in status.partitions] == [*range(PARTITIONS)]
    assert {one.durable_offset for one in status.partitions} == {100}
    (table,) = status.tables
    assert (table.table, table.rows) == (case.topic, {"written": 400})
    assert table.requests["OK"] == sum(table.durations) > 0
    assert status.snapshots.number > 0
    found = samples(url)
    labels = (("code", "OK"), ("outcome", "written"), ("table", case.topic))
    assert found["sync_table_rows_total", labels] == 400
    names = {name for name, _ in found}
    for metric in (*METRICS, *FLOW_METRICS):
        if not metric.labels:
            assert names & {metric.name, f"{metric.name}_bucket"}, metric.name

    set_limits(case.store, {"table": case.topic, "partition_key": 1, "burst": 1})
    case.orders(1000, first=400)  # minutes, as long as the limit holds

    def throttled() -> Health | None:
        found = ready_of(url)
        texts = [one for one in found.problems if one.rule == "waiting" and one.fails_ready]
        return found if any("OTSCapacityUnitExhausted" in one.text for one in texts) else None

    said = until(throttled, process.text)
    assert not said.ok
    assert {one.subject for one in said.problems} == {f"tablestore {case.topic}"}
    assert get(f"{url}/health")[0] == 200, "a restart would not help"
    behind = until(
        lambda: status_of(url) if any(p.lag_records for p in status_of(url).partitions) else None,
        "records are behind",
    )
    assert any(one.lag_seconds is not None for one in behind.partitions if one.lag_records)
    assert behind.tables[0].rows["retried"] > 0
    set_limits(case.store)
    until(lambda: status_of(url).counts["written"] == 1400, process.text)
    assert case.flow.env["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] not in get(f"{url}/settings")[1]
    process.drain()
    case.verdict(minimum=1400)


def test_a_registry_that_is_away_is_named(case: Case) -> None:
    """/ready fails and says which service does not answer; /health does not."""
    case.store.create_table(case.topic)
    case.flow.set({"format": {"value": "avro", "registry": {"url": "http://127.0.0.1:9"}}})
    producer = Producer({"bootstrap.servers": case.broker.bootstrap})
    producer.produce(case.topic, b"\0\0\0\0\1\2")
    assert producer.flush(60) == 0
    process = case.flow.start()
    url = address(case, process)

    def registry() -> Problem | None:
        assert process.alive, process.text()
        return next((one for one in ready_of(url).problems if one.subject == "registry"), None)

    said = until(registry, process.text)
    assert "format.registry.url" in said.text
    assert said.fails_ready
    assert get(f"{url}/health")[0] == 200
    process.kill()


def test_one_address_for_the_processes_of_a_run(case: Case, collector: OtlpCollector) -> None:
    """Under the supervisor: sums, the label `process`; after a kill the restart is counted.

    And what each has sent to OpenTelemetry by its end: its counts, and a trace of every batch.
    """
    case.store.create_table(case.topic)
    case.orders(400)
    port = free_port()
    case.flow.set({"http": {"port": port}, "supervisor": {"backoff_initial": 0.1}})
    case.flow.env |= {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_TRACES_SAMPLER": "always_on",
    }
    process = case.flow.supervise("--processes", "2")
    url = f"http://127.0.0.1:{port}"

    def whole() -> Status | None:
        assert process.alive, process.text()
        try:
            found = status_of(url)
        except AssertionError:  # it does not listen yet
            return None
        return found if found.counts.get("written") == 400 and found.ready else None

    status = until(whole, process.text)
    assert [one.process for one in status.processes] == [0, 1]
    assert [one.partition for one in status.partitions] == [*range(PARTITIONS)]
    assert {one.process for one in status.partitions} == {0, 1}
    assert status.tables[0].rows == {"written": 400}
    found = samples(url)
    for number in "01":
        assert found["sync_process_up", (("process", number),)] == 1
        assert found["sync_restarts_total", (("process", number),)] == 0
    written = [v for (name, _), v in found.items() if name == "sync_records_written_total"]
    assert (len(written), sum(written)) == (2, 400)
    history = until(lambda: json.loads(get(f"{url}/history")[1])["points"], "points")
    parsed = History.model_validate({"interval_seconds": 5, "points": history})
    assert all(point.read <= 400 for point in parsed.points)
    options = SettingsInForce.model_validate_json(get(f"{url}/settings")[1]).options
    assert options["kafka.topics"] == [case.topic]

    victim = status.processes[1].pid
    assert victim is not None
    os.kill(victim, signal.SIGKILL)

    def started_again() -> bool:
        assert process.alive, process.text()
        again = samples(url).get(("sync_restarts_total", (("process", "1"),)))
        return again == 1 and ready_of(url).ok

    until(started_again, process.text)
    case.orders(400, first=400)
    case.wait_committed(process)
    process.terminate()
    assert process.wait() == 0, process.text()
    assert {*collector.sums("sync_records_written")} == {"0", "1"}
    assert sum(collector.sums("sync_records_written").values()) >= 400
    assert sum(span.rows for span in collector.spans("write batch")) >= 400
    with pytest.raises(AssertionError, match="no answer"):
        get(url)
    case.verdict(minimum=800)
