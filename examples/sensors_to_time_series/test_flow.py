"""Messages with samples become points."""

from pathlib import Path

from connectors.testing import FlowDriver, message
from flows.sync import get_flow

CONFIG = Path(__file__).with_name("config.toml")
START = 1_767_600_000_000  # ms


def test_each_sample_is_a_point() -> None:
    """Points wait for window.age, and a sample without a time is rejected alone."""
    samples = [
        {"at": START, "celsius": 21.5},
        {"at": START + 1000, "celsius": 21.6},
        {"celsius": 1},
    ]
    with FlowDriver(get_flow, CONFIG) as flow:
        flow.send(message({"device": "d1", "room": "r2", "samples": samples}))
        assert flow.rows == []
        assert [one.code for one in flow.rejected] == ["time_missing"]
        flow.advance(flow.settings.window.age)
        assert [row.key["_time"] for row in flow.rows] == [START * 1000, (START + 1000) * 1000]
    first = flow.rows[0]
    assert first.table == "readings"
    assert first.key["_m_name"] == "climate"
    assert (first.key["_data_source"], first.key["room"]) == ("d1", "r2")
    assert first.columns == {"celsius": 21.5}
