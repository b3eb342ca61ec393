"""The run's own metrics with their samples."""

from connectors.run.exported import families
from connectors.run.flow_metrics import FILL
from tests.unit.http_api.conftest import busy_run


def test_metrics_of_the_run_and_no_others() -> None:
    """With the specification of each; Python's own are left out."""
    busy_run()
    found = {one.spec.name: one.samples for one in families()}
    assert all(name.startswith("sync_") for name in found)
    assert found["sync_records_written_total"] == [("sync_records_written_total", {}, 140)]
    assert (f"{FILL.name}_count", {}, 2) in found[FILL.name]
