"""Pytest fixtures: a local Tablestore for your tests.

In a `conftest.py`:

    from emulator.testing import tablestore_instance, tablestore_options, tablestore_server

A test that uses `tablestore_instance` gets an instance of its own, which is empty at first and
emptied afterwards. One server on a free port serves all tests of a process; each worker of
pytest-xdist has its own server.
"""

from collections.abc import Iterator

import pytest

from emulator.local_server import Instance, LocalServer, LocalServerError

__all__ = [
    "Instance",
    "LocalServer",
    "LocalServerError",
    "tablestore_instance",
    "tablestore_options",
    "tablestore_server",
]


@pytest.fixture(scope="session")
def tablestore_options() -> tuple[str, ...]:
    """Command-line options of the server; override this fixture to set some."""
    return ()


@pytest.fixture(scope="session")
def tablestore_server(tablestore_options: tuple[str, ...]) -> Iterator[LocalServer]:
    """Start the local Tablestore that all tests of the session share."""
    with LocalServer(*tablestore_options) as server:
        yield server


@pytest.fixture
def tablestore_instance(tablestore_server: LocalServer) -> Iterator[Instance]:
    """An empty instance for one test."""
    with tablestore_server.instance() as instance:
        yield instance
