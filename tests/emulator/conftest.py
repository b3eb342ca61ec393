"""One server for all tests that do not need switches of their own."""

from collections.abc import Iterator

import pytest

from tests.emulator.harness import Emulator, running


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
def client(emulator: Emulator) -> object:
    """The official SDK on that server."""
    return emulator.client()
