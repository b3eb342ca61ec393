"""Pytest fixtures: a local Tablestore for your tests.

In a `conftest.py`:

    from emulator.testing import tablestore_instance, tablestore_options, tablestore_server

A test that asks for `tablestore_instance` has an instance of its own, empty at first and emptied
afterwards. One server on a free port serves all tests of a process (and each worker of pytest-xdist
has its own).
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
    """Options of the command line for the server; define your own fixture of this name."""
    return ()


@pytest.fixture(scope="session")
def tablestore_server(tablestore_options: tuple[str, ...]) -> Iterator[LocalServer]:
    """The server that all tests share."""
    with LocalServer(*tablestore_options) as server:
        yield server


@pytest.fixture
def tablestore_instance(tablestore_server: LocalServer) -> Iterator[Instance]:
    """An empty instance for one test."""
    with tablestore_server.instance() as instance:
        yield instance
