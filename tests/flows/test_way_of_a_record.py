"""The way of a plain record, as it is executed: few files, each with its part of the page."""

import json
from itertools import groupby
from pathlib import Path

from tests.flows.conftest import PARTITIONS, Case
from tests.support.ledger import Columns
from tests.support.producers import kafka_row

# The files that a plain record passes in the steady state, and why each is there. ARCHITECTURE.md
# draws the same way. One more is to be read: tablestore/plainbuffer/codegen.py, which writes the
# encoder of a row; the code that it makes has no file.
WAY = (
    "kafka/partition_reader.py",  # polls the client, and gives each partition its messages
    "formats/chunk_decoder.py",  # bytes to structs
    "mapping/row_mapper.py",  # which table
    "mapping/sharding.py",  # rows to shards
    "mapping/fast_path.py",  # structs to encoded rows
    "batching.py",  # rows wait
    "tablestore/sink.py",  # one request in flight a shard
    "tablestore/batch_write.py",  # until every row is written
    "tablestore/requests.py",  # the body, and what its answer says of each row
    "tablestore/client.py",  # signs, checks the answer
    "tablestore/http.py",  # the connection
)
MAX_FILES = 12 - 1
_RECORDS = 20_000
# What every part uses: the values themselves, settings, counts, the page's own lines, credentials,
# and how protobuf writes a number. And what a snapshot notes of the offsets and commits of them,
# and what is asked when there is nothing to read.
EVERYWHERE = (
    "records/",
    "settings/",
    "run/",
    "steps.py",
    "kafka/partition_offsets.py",
    "kafka/progress.py",
    "kafka/assignment.py",
    "kafka/partition_errors.py",
    "kafka/standstill.py",
    "tablestore/credentials.py",
    "tablestore/plainbuffer/varint.py",
)

TRACED = """
import atexit, json, sys, threading
from pathlib import Path

import connectors
from flows.sync import get_flow

HOME = Path(connectors.__file__).parent
calls = {}
chunks = 0

def note(frame, event, _):
    global chunks
    if event != "call":
        return
    code = frame.f_code
    file = code.co_filename
    if not file.startswith(str(HOME)):
        return
    name = str(Path(file).relative_to(HOME))
    if code.co_name == "decode_chunk":
        chunks += 1
    if 100 < chunks <= 160:  # past what is learnt at the start, before the drain
        calls.setdefault(threading.current_thread().name, []).append(name)

sys.setprofile(note)
threading.setprofile(note)
atexit.register(lambda: Path("calls.json").write_text(json.dumps(calls)))
flow = get_flow()
"""


def test_a_plain_record_passes_few_files(embedded_case: Case) -> None:
    """At most 12 files from the source to the wire, and which."""
    case = embedded_case
    case.store.create_table(case.topic)
    case.flow.folder.mkdir(exist_ok=True)
    (case.flow.folder / "traced.py").write_text(TRACED)
    case.flow.set({"kafka": {"chunk_messages": 100}})
    for number in range(_RECORDS):
        columns: Columns = {
            "order_id": f"order {number:08d}",
            "amount": number + 0.25,
            "paid": True,
        }
        value = json.dumps(columns).encode()
        partition = number % PARTITIONS
        case.producer.send(case.topic, value, kafka_row(case.topic, columns), partition=partition)
    case.producer.flush()
    process = case.flow.start(module="traced")
    case.wait_written(_RECORDS, process)
    process.drain()
    calls: dict[str, list[str]] = json.loads((Path(case.flow.folder) / "calls.json").read_text())
    visited: list[str] = []
    for names in (calls["MainThread"], calls["tablestore-writer"]):
        for name, _ in groupby(names):
            if not name.startswith(EVERYWHERE) and name not in visited:
                visited.append(name)
    assert len(visited) <= MAX_FILES, " ".join(visited)
    assert sorted(visited) == sorted(WAY)
