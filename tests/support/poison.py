"""`python -m tests.support.poison MIB`: each record of the corpus, decoded, transformed and mapped.

In this one process, with so much memory beyond its libraries, and after each record a good one of
its table. Prints a line for what took the most time and memory.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.mapping.row_mapper import RowMapper
from connectors.records import (
    Chunk,
    DeadLetter,
    PlainMessage,
    count_of,
)
from connectors.settings import Settings
from connectors.tablestore.row_encoder import RowEncoder
from connectors.transforms.pipeline import pipeline
from tests.support.corpus import Case, CorpusFlow, flows
from tests.support.registry import SchemaRegistry
from tests.support.transforms import transformed
from tests.unit import factories

MAX_SECONDS = 5.0  # of one record, on a slow machine


class InProcess:
    """What a run does with a chunk, less what surrounds it."""

    def __init__(self, made: Settings) -> None:
        self._decoder = ChunkDecoder(made)
        self._transform = pipeline(made)
        mapper = RowMapper(made, RowEncoder())
        self._map = mapper.map_chunk

    def outcome(self, message: PlainMessage) -> str:
        """`stage code` of a rejection, else how many rows it became."""
        chunk = transformed(
            self._transform,
            self._decoder.decode_chunk(Chunk(message.topic(), message.partition(), [message])),
        )
        dead_letters: list[DeadLetter] = []
        rows = 0
        for _, (segments, dead) in self._map(chunk):
            dead_letters += dead
            rows += sum(map(count_of, segments))
        if not dead_letters:
            return str(rows)
        return f"{dead_letters[0].stage} {dead_letters[0].code}"


def message(flow: CorpusFlow, case: Case, ids: dict[str, int]) -> PlainMessage:
    """The record as Kafka would hand it over."""

    def framed(schema: str | None, data: bytes | None) -> bytes | None:
        if schema is None or data is None:
            return data
        return b"\0" + ids[schema].to_bytes(4, "big") + data

    headers = [(name, text.encode()) for name, text in case.headers.items()]
    return PlainMessage(
        f"{flow.name}_{case.table}",
        timestamp=case.timestamp or None,
        key=framed(case.key_schema, case.key),
        value=framed(case.schema, case.value),
        headers=headers,
    )


def run(flow: CorpusFlow) -> tuple[float, str]:
    """All of one folder; returns what took longest."""
    slowest = 0.0, ""
    with SchemaRegistry() as registry:
        ids = flow.register(registry)
        formats = dict(flow.settings.get("format", {}))
        if ids:
            formats["registry"] = {"url": registry.url}
        sections = {**flow.settings, "format": formats, "transforms": flow.transforms}
        topics = {f"{flow.name}_{table}": table for table in flow.tables}
        sections["mapping"] = {**sections.get("mapping", {}), "topics": topics}
        worker = InProcess(factories.settings(**sections))
        good = {case.table: case for case in flow.cases if case.valid and not case.alone}
        for case in flow.cases:
            start = time.perf_counter()
            found = worker.outcome(message(flow, case, ids))
            took = time.perf_counter() - start
            assert took < MAX_SECONDS, f"{case.name}: {took:.1f} s"
            slowest = max(slowest, (took, case.name))
            if case.rejected:
                assert found == case.rejected, f"{case.name}: {found}"
                after = worker.outcome(message(flow, good[case.table], ids))
                assert after == "1", f"after {case.name}: {after}"
    return slowest


def main(mib: int) -> None:
    """Run it all in `mib` MiB of address space more than the loaded libraries have."""
    limit = (_status("VmSize") + mib) << 20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    slowest = max(run(flow) for flow in flows())
    summary = f"survived: at most {_status('VmHWM')} MiB, and {slowest[0]:.2f} s for {slowest[1]}"
    sys.stdout.write(summary + "\n")


def _status(name: str) -> int:
    """MiB of this program; getrusage would tell what the process that started it had."""
    status = Path("/proc/self/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    main(int(sys.argv[1]))
