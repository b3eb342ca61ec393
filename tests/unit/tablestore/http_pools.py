"""A pool of connections to the server of a test, and how long its requests may take."""

from connectors.tablestore.http import Pool
from tests.unit.tablestore.http_server import Server

PATIENT = 30.0
SHORT = 0.05


def pool(server: Server, timeout: float = PATIENT, path: str = "") -> Pool:
    """A pool of connections to the server."""
    return Pool(f"http://127.0.0.1:{server.port}{path}", timeout)
