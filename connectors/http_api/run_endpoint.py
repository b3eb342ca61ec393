"""One endpoint for a run of several processes on this machine: what a supervisor starts.

Each process has an endpoint of its own on a free port of 127.0.0.1, whose address is in the
recovery folder.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from connectors.http_api.aggregate import RunProvider
from connectors.http_api.server import Endpoint
from connectors.settings.http import HttpSettings

log = logging.getLogger("sync.http")


def serve_run(folder: Path, settings: HttpSettings, processes: Sequence[int]) -> Endpoint | None:
    """Listen on the configured address for these processes; None where no port is set.

    `folder` is their recovery folder. Call `stop` of what is returned at the end. Raises StopRun
    when the address cannot be used.
    """
    if settings.port is None:
        return None
    for number in processes:  # of an earlier run
        _address_file(folder, number).unlink(missing_ok=True)
    provider = RunProvider(lambda: {number: _address(folder, number) for number in processes})
    endpoint = Endpoint(provider, settings.host, settings.port)
    endpoint.start()
    log.info("listening on %s for the whole run", endpoint.url)
    return endpoint


def _address_file(folder: Path, number: int) -> Path:
    return folder / f"process-{number}.http"


def _address(folder: Path, number: int) -> str:
    """Its URL; one that nothing answers as long as the process has none."""
    try:
        return _address_file(folder, number).read_text("utf-8").strip() or _NOWHERE
    except OSError:
        return _NOWHERE


_NOWHERE = "http://127.0.0.1:0"
