"""One server for all tests that do not need switches of their own."""

from collections.abc import Iterator
from typing import Any

import pytest
import tablestore as ots

from tests.emulator.harness import Blocking, Emulator, running
from tests.emulator.read_requests import IGNORE, key

FLAVOURS = ("sync-native", "sync-pure", "async-native", "async-pure")


@pytest.fixture(scope="session")
def shared_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A server with data on disk and a log of effects."""
    folder = tmp_path_factory.mktemp("emulator")
    with running("--data", str(folder), "--effects") as server:
        yield server


@pytest.fixture
def emulator(shared_emulator: Emulator) -> Iterator[Emulator]:
    """That server; the tables of a test go with it, since an instance holds only 64."""
    yield shared_emulator
    client = shared_emulator.client()
    for name in client.list_table():
        client.delete_table(name)


@pytest.fixture
def drop_timeseries_tables(emulator: Emulator) -> Iterator[None]:
    """The time series tables of a test go with it too."""
    yield
    found = emulator.client()
    for table in found.list_timeseries_table():
        found.delete_timeseries_table(table.timeseries_table_name)


@pytest.fixture(params=FLAVOURS)
def client(emulator: Emulator, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The official SDK on that server: every test that asks for it runs on each of its four forms.

    They are its synchronous and asynchronous clients, each with the native encoder and with the one
    in Python (which share little code: bytes, decoding and errors may differ).
    """
    kind, encoder = request.param.split("-")
    native = encoder == "native"
    if kind == "sync":
        yield emulator.client(enable_native=native)
        return
    blocking = Blocking(emulator, enable_native=native)
    yield blocking
    blocking.close()


@pytest.fixture
def ten(emulator: Emulator, client: Any) -> str:
    """A table with ids 0 to 9 of one k, c = id, and even = id where it is even."""
    table = emulator.make_table()
    for number in range(10):
        even = [("even", number)] if number % 2 == 0 else []
        client.put_row(table, ots.Row(key(number), [("c", number), *even]), IGNORE)
    return table
