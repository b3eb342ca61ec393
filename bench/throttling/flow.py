"""The flow as a process over topics of its own."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.processes import MeasurementError, Watched, watched

_CONFIG = """\
[kafka]
bootstrap_servers = "{bootstrap}"
topics = {topics}
group = "bench-throttling"

[tablestore]
endpoint = "{endpoint}"
instance = "{instance}"

{table}"""
_TABLE = """\
[table]
primary_key_mode = "record_value"
primary_key = [{ name = "part" }, { name = "id" }]
auto_create = true
"""


@contextmanager
def run_flow(
    bootstrap: str, topics: Sequence[str], where: tuple[str, str, str, str], table: str = _TABLE
) -> Iterator[Watched]:
    """The flow while it runs; `where` is endpoint, key id, secret and instance.

    A MeasurementError that is raised meanwhile gets the end of the log of the flow.
    """
    endpoint, key_id, secret, instance = where
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        config = Path(folder) / "config.toml"
        config.write_text(
            _CONFIG.format(
                bootstrap=bootstrap,
                topics=json.dumps([*topics]),
                endpoint=endpoint,
                instance=instance,
                table=table,
            )
        )
        program = ["-m", "bytewax.run", "flows.sync", "-r", f"{folder}/state", "-s", "5", "-b", "0"]
        environment = {
            "SYNC_CONFIG": str(config),
            "ALIBABA_CLOUD_ACCESS_KEY_ID": key_id,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": secret,
        }
        with watched(program, environment) as process:
            try:
                yield process
            except MeasurementError as error:
                raise MeasurementError(f"{error}\n{process.log()[-3000:]}") from None
