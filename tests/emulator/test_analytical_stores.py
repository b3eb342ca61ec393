"""Analytical stores of time series tables: settings that are kept and shown; no data goes there."""

from pathlib import Path
from typing import Any

import pytest

from emulator.wire import messages_pb2 as wire
from tests.emulator.harness import Answer, Emulator, running
from tests.emulator.read_requests import invalid

FULL, INCREMENTAL = 1, 2
MISSING = (404, "OTSObjectNotExist", "Requested analytical store does not exist.")


def create_table(emulator: Emulator, name: str = "points", **options: Any) -> Answer:
    meta = wire.TimeseriesTableMeta(
        table_name=name, table_options=wire.TimeseriesTableOptions(time_to_live=-1)
    )
    return emulator.send(
        "CreateTimeseriesTable", wire.CreateTimeseriesTableRequest(table_meta=meta, **options)
    )


def store(name: str = "s", **options: Any) -> wire.TimeseriesAnalyticalStore:
    return wire.TimeseriesAnalyticalStore(store_name=name, **options)


def create(emulator: Emulator, given: wire.TimeseriesAnalyticalStore) -> Answer:
    request = wire.CreateTimeseriesAnalyticalStoreRequest(
        table_name="points", analytical_store=given
    )
    return emulator.send("CreateTimeseriesAnalyticalStore", request)


def update(emulator: Emulator, given: wire.TimeseriesAnalyticalStore) -> Answer:
    request = wire.UpdateTimeseriesAnalyticalStoreRequest(
        table_name="points", analytical_store=given
    )
    return emulator.send("UpdateTimeseriesAnalyticalStore", request)


def describe(emulator: Emulator, name: str) -> Answer:
    request = wire.DescribeTimeseriesAnalyticalStoreRequest(table_name="points", store_name=name)
    return emulator.send("DescribeTimeseriesAnalyticalStore", request)


def delete(emulator: Emulator, name: str) -> Answer:
    request = wire.DeleteTimeseriesAnalyticalStoreRequest(table_name="points", store_name=name)
    return emulator.send("DeleteTimeseriesAnalyticalStore", request)


def shown(emulator: Emulator, name: str) -> wire.DescribeTimeseriesAnalyticalStoreResponse:
    answer = describe(emulator, name)
    assert answer.status == 200, answer.error
    return wire.DescribeTimeseriesAnalyticalStoreResponse.FromString(answer.body)


def of_table(emulator: Emulator) -> list[tuple[str, int, int]]:
    request = wire.DescribeTimeseriesTableRequest(table_name="points")
    answer = emulator.send("DescribeTimeseriesTable", request)
    found = wire.DescribeTimeseriesTableResponse.FromString(answer.body).analytical_stores
    return [(item.store_name, item.time_to_live, item.sync_option) for item in found]


@pytest.fixture
def server(tmp_path: Path) -> Any:
    with running("--data", str(tmp_path)) as found:
        yield found


def test_a_table_has_a_store_only_when_asked(server: Emulator) -> None:
    """With the defaults of the service: everything is copied, and nothing expires."""
    assert create_table(server).status == 200
    assert of_table(server) == []
    assert describe(server, "default_analytical_store").error == MISSING
    server.client().delete_timeseries_table("points")
    assert create_table(server, enable_analytical_store=True).status == 200
    assert of_table(server) == [("default_analytical_store", -1, FULL)]
    found = shown(server, "default_analytical_store")
    assert (found.sync_stat.sync_phase, found.sync_stat.current_sync_timestamp) == (INCREMENTAL, 0)
    assert not found.HasField("storage_size")


def test_a_store_can_be_made_unless_it_is_not_asked_for() -> None:
    """As the page of the operation says."""
    with running("--analytical-stores", "default") as server:
        assert create_table(server).status == 200
        assert of_table(server) == [("default_analytical_store", -1, FULL)]
        server.client().delete_timeseries_table("points")
        assert create_table(server, enable_analytical_store=False).status == 200
        assert of_table(server) == []


def test_a_store_of_its_own_settings_is_kept(tmp_path: Path) -> None:
    """An analytical store keeps the settings that it was given, over a restart too."""
    with running("--data", str(tmp_path / "d")) as server:
        given = store("mine", time_to_live=30 * 86_400, sync_option=INCREMENTAL)
        assert create_table(server, analytical_stores=[given]).status == 200
        server.stop()
    with running("--data", str(tmp_path / "d")) as server:
        assert of_table(server) == [("mine", 30 * 86_400, INCREMENTAL)]
        assert shown(server, "mine").analytical_store == given


def test_a_store_is_created_changed_and_deleted(server: Emulator) -> None:
    """One that is added to a table begins with a copy of what is there."""
    assert create_table(server, enable_analytical_store=False).status == 200
    assert create(server, store(sync_option=FULL)).status == 200
    assert shown(server, "s").sync_stat.sync_phase == FULL
    assert create(server, store()).error[:2] == (409, "OTSObjectAlreadyExist")
    assert update(server, store(time_to_live=60 * 86_400)).status == 200
    assert of_table(server) == [("s", 60 * 86_400, FULL)]
    assert update(server, store("none")).error == MISSING
    assert delete(server, "none").error == MISSING
    assert delete(server, "s").status == 200
    assert of_table(server) == []
    assert create(server, store("t", sync_option=INCREMENTAL)).status == 200
    assert shown(server, "t").sync_stat.sync_phase == INCREMENTAL


def test_settings_out_of_range_are_refused(server: Emulator) -> None:
    assert create_table(server, enable_analytical_store=False).status == 200
    assert create(server, store("9")).error == invalid("Invalid analytical store name: '9'.")
    assert create(server, store(sync_option=3)).error == invalid("Invalid sync option: 3.")
    assert create(server, store(time_to_live=86_400)).error == invalid(
        "Invalid time to live: 86400. Reason: it must be -1 or at least 2592000."
    )
    both = [store("a"), store("b")]
    limit = invalid("The number of analytical stores exceeds the limit: 1.")
    assert create_table(server, "more", analytical_stores=both).error == limit
    assert create(server, store("a")).status == 200
    assert create(server, store("b")).error == limit


def test_a_store_counts_as_a_table(server: Emulator) -> None:
    """Of the 64 of an instance; a time series table is two of them."""
    assert create_table(server, enable_analytical_store=True).status == 200
    for _ in range(59):
        server.make_table()
    answer = create_table(server, "more", enable_analytical_store=True)
    assert answer.error == (403, "OTSQuotaExhausted", "Number of tables exceeds the quota:64.")
