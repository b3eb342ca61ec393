"""What a kill -9 or a clean stop leaves behind; test_kills.py does it fifty times."""

import http.client
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
import tablestore as ots
from tablestore.metadata import TimeseriesRow

from emulator import rows
from emulator.wire import plainbuffer as pb
from tests.emulator import series
from tests.emulator.harness import (
    Emulator,
    all_rows,
    batch,
    row,
    running,
    signed_headers,
)


def key(number: int, k: str) -> list[tuple[str, Any]]:
    return [("k", k), ("id", number)]


class Client(threading.Thread):
    """Writes batches until the server dies; remembers what was acknowledged."""

    def __init__(self, server: Emulator, table: str, name: str) -> None:
        super().__init__(daemon=True)
        self._server, self._table, self._name = server, table, name
        self.acknowledged: set[tuple[str, int]] = set()
        self.sent = 0

    def run(self) -> None:
        while True:
            numbers = range(self.sent, self.sent + 50)
            self.sent += 50
            rows = [row(key(number, self._name), [("c", number)]) for number in numbers]
            try:
                answer = self._server.send("BatchWriteRow", batch((self._table, rows)))
            except (OSError, http.client.HTTPException):
                return
            assert answer.status == 200
            self.acknowledged |= {(self._name, number) for number in numbers}


def test_a_batch_is_stored_whole_or_not_at_all(tmp_path: Path) -> None:
    """A request is one transaction, also when the process dies in the middle."""
    with running("--data", str(tmp_path)) as server:
        table = server.make_table()
        writer = Client(server, table, "w")
        writer.start()
        while len(writer.acknowledged) < 500:
            assert writer.is_alive()
        server.kill()
        writer.join(20)
    with running("--data", str(tmp_path)) as server:
        assert len(all_rows(server.client(), table)) % 50 == 0


def test_a_clean_stop_ends_with_0_and_keeps_rows(tmp_path: Path) -> None:
    with running("--data", str(tmp_path)) as server:
        table = server.make_table()
        change = ots.Row(key(1, "a"), [("c", 1)])
        server.client().put_row(table, change, ots.Condition("IGNORE"))
        assert server.stop() == 0
    with running("--data", str(tmp_path)) as server:
        assert len(all_rows(server.client(), table)) == 1


def test_generated_keys_go_on_after_kill_9(tmp_path: Path) -> None:
    """No value is given out twice, also over a crash."""
    shape = [("k", "STRING"), ("id", "INTEGER", ots.PK_AUTO_INCR)]
    made: list[int] = []
    table = ""
    for _ in range(3):
        with running("--data", str(tmp_path)) as server:
            table = table or server.make_table(shape)
            for _ in range(3):
                change = ots.Row([("k", "a"), ("id", ots.PK_AUTO_INCR)], [("c", 1)])
                _, returned = server.client().put_row(
                    table, change, ots.Condition("IGNORE"), ots.ReturnType.RT_PK
                )
                made.append(returned.primary_key[1][1])
            server.kill()
    assert made == sorted(set(made))


def test_a_second_server_is_kept_off_the_folder(tmp_path: Path) -> None:
    with (
        running("--data", str(tmp_path)),
        pytest.raises(AssertionError, match="the server ended: 1"),
    ):
        Emulator("--data", str(tmp_path))


def test_without_a_folder_nothing_is_written(tmp_path: Path) -> None:
    with running() as server:
        server.make_table()
        assert any("in memory" in line for line in server.greeting)
    assert list(tmp_path.iterdir()) == []


def test_discard_counts_and_checks_and_stores_nothing(tmp_path: Path) -> None:
    with running("--data", str(tmp_path), "--discard") as server:
        table = server.make_table()
        rows = [row(key(number, "a"), [("c", 1)]) for number in range(10)]
        assert server.send("BatchWriteRow", batch((table, rows))).status == 200
        bad = row(key(1, "a"), [("#c", 1)])
        assert server.send("BatchWriteRow", batch((table, [bad]))).status == 400
        assert server.stats()["rows_written"] == 10
        assert all_rows(server.client(), table) == []


def test_a_body_sent_in_pieces_is_one_request(tmp_path: Path) -> None:
    """A slow client does not hold up others, and its request is whole when it is run."""
    with running() as server:
        table = server.make_table()
        body = batch((table, [row(key(1, "slow"), [("c", 1)])])).SerializeToString()
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.putrequest("POST", "/BatchWriteRow")
        for name, value in signed_headers("BatchWriteRow", body).items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[:10])
        other = batch((table, [row(key(2, "fast"), [("c", 1)])]))
        assert server.send("BatchWriteRow", other).status == 200
        connection.send(body[10:])
        assert connection.getresponse().status == 200
        connection.close()
        assert len(all_rows(server.client(), table)) == 2


def test_points_of_an_earlier_version_are_still_read(tmp_path: Path) -> None:
    """A database that has points in the form of rows answers them as before, whole and by field."""
    fields = {b"n": pb.integer(7), b"t": pb.text(b"x")}
    with running("--data", str(tmp_path)) as server:
        client = server.client()
        table = series.make(client)
        assert series.put(client, table, TimeseriesRow(series.key(), {"n": 1, "t": "y"}, 5)) == []
        server.stop()
    database = sqlite3.connect(tmp_path / "tablestore.db")
    former = rows.pack_row(rows.StoredRow(1, {name: {0: fields[name]} for name in fields}))
    replaced = database.execute("UPDATE rows SET v = ? WHERE substr(v, 1, 1) = x'02'", (former,))
    assert replaced.rowcount == 1
    database.commit()
    database.close()
    with running("--data", str(tmp_path)) as server:
        client = server.client()
        (found,) = series.get(client, table).rows
        assert found.fields == {"n": 7, "t": "x"}
        (found,) = series.get(client, table, fieldsToGet={"t": 4}).rows
        assert found.fields == {"t": "x"}
