"""A table of a million rows: found, read in pages from both ends, with bounded memory."""

from pathlib import Path

import pytest

from emulator import keys, rows
from emulator.storage import Store
from emulator.tables import KeyColumn, Table
from emulator.wire import decoder
from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from tests.emulator.harness import Emulator, running

ROWS = 1_000_000
_STEP = 50_000


def resident_mib(server: Emulator) -> float:
    text = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a server with the table in it, written without the server: that is quicker."""
    path = tmp_path_factory.mktemp("million")
    store = Store(path)
    columns = (KeyColumn(b"k", pb.STRING), KeyColumn(b"id", pb.INTEGER))
    table = Table(0, "demo", "million", columns)
    table = Table.from_json(store.add_table("table", table.to_json()), table.to_json())
    first = table.prefix + keys.encode_value(pb.wire_value("a"))
    row = rows.pack_row(rows.StoredRow(1, {b"c": {1: pb.wire_value("x" * 40)}}))
    for start in range(0, ROWS, _STEP):
        numbers = range(start, start + _STEP)
        store.write({first + keys.encode_value(pb.integer(n)): row for n in numbers})
    store.close()
    return path


def bound(value: int | None, infinite: int) -> bytes:
    if value is None:
        return pb.HEADER + pb.encode_row([(n, bytes((infinite,))) for n in (b"k", b"id")])
    return pb.HEADER + pb.encode_row([(b"k", pb.wire_value("a")), (b"id", pb.integer(value))])


def page(server: Emulator, begin: bytes, end: bytes, direction: int) -> tuple[int, int, bytes]:
    """One page: its first and last id, and the key to go on with."""
    request = wire.GetRangeRequest(
        table_name="million",
        direction=direction,
        max_versions=1,
        inclusive_start_primary_key=begin,
        exclusive_end_primary_key=end,
    )
    answer = wire.GetRangeResponse.FromString(server.send("GetRange", request).body)
    ids = []
    position = 4
    while position < len(answer.rows):
        row, position = decoder._decode(answer.rows, position)
        ids.append(int(pb.python_value(row.key[1][1])))
    step = 1 if direction == 0 else -1
    assert ids == list(range(ids[0], ids[0] + step * len(ids), step))
    return ids[0], ids[-1], answer.next_start_primary_key


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_pages_from_both_ends_and_the_middle_with_bounded_memory(folder: Path) -> None:
    """Wherever a page begins, the server holds its cache and that page, not what it has read."""
    low, high = bound(None, pb.INF_MIN), bound(None, pb.INF_MAX)
    with running("--data", str(folder)) as server:
        assert server.stats()["tables"]["demo"]["million"] == ROWS
        page(server, low, high, 0)
        before = resident_mib(server)
        begin, ids = low, []
        for _ in range(4):
            first, last, begin = page(server, begin, high, 0)
            ids.append((first, last))
        assert ids == [(n * 5000, n * 5000 + 4999) for n in range(4)]
        begin, ids = high, []
        for _ in range(4):
            first, last, begin = page(server, begin, low, 1)
            ids.append((first, last))
        assert ids == [(ROWS - 1 - n * 5000, ROWS - 5000 - n * 5000) for n in range(4)]
        assert page(server, bound(500_000, 0), high, 0)[:2] == (500_000, 504_999)
        assert page(server, bound(ROWS - 3, 0), high, 0) == (ROWS - 3, ROWS - 1, b"")
        assert resident_mib(server) - before < 64 + 24  # MiB: the database's cache and one page
