"""The process: what it prints, what it counts, what it imports, how it listens."""

import ast
import http.client
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.harness import ROOT, Emulator, batch, put, row, running, signed_headers


def key(number: int) -> list[tuple[str, Any]]:
    return [("k", "a"), ("id", number)]


def test_it_tells_how_to_connect() -> None:
    with running("--instance", "shop", "--access-key-id", "me", "--access-key-secret", "s") as it:
        text = "".join(it.greeting)
        assert f'new SyncClient("{it.url}", "me", "s", "shop")' in text
        assert f'tablestore.NewClient("{it.url}", "shop", "me", "s")' in text
        assert f'endpoint: "{it.url}", instancename: "shop"' in text
        lines = [line.strip() for line in it.greeting]
        for language in ("Python", "Java", "Go", "Node.js"):
            code = lines[lines.index(language) + 1 :][:3]
            assert "listtable" in code[2].lower().replace("_", ""), code
        first = lines.index("Python") + 1
        program = "\n".join(lines[first : first + 3])
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert (done.returncode, done.stdout.strip()) == (0, "()"), done.stderr


def test_it_listens_on_loopback_only() -> None:
    with running() as server:
        assert server.url.startswith("http://127.0.0.1:")


def test_statistics_count_applied_rows_and_requests() -> None:
    with running() as server:
        table = server.make_table()
        good, bad = row(key(1), [("c", 1)]), row([("k", "a")], [("c", 1)])
        server.send("BatchWriteRow", batch((table, [good, bad])))
        server.send("PutRow", put(table, row(key(2))))
        server.send("PutRow", put("missing", row(key(2))))
        stats = server.stats()
        assert stats["rows_written"] == 2
        assert stats["requests"] == {"CreateTable": 1, "BatchWriteRow": 1, "PutRow": 2}
        assert stats["tables"] == {"demo": {table: 2}}
        assert stats["faults"] == {}
        assert stats["errors"] == {"OTSObjectNotExist": 1}


def test_effects_are_off_unless_asked_for() -> None:
    with running() as server:
        table = server.make_table()
        server.send("PutRow", put(table, row(key(1))))
        shown = server.control("/-/effects")
        assert (shown["enabled"], shown["effects"]) == (False, [])


def test_effects_are_in_order_and_bounded() -> None:
    with running("--effects", "3") as server:
        table = server.make_table()
        buffers = [row(key(number), [("c", number % 2)]) for number in range(5)]
        for buffer in buffers:
            server.send("PutRow", put(table, buffer))
        server.send("PutRow", put(table, buffers[4]))
        shown = server.control("/-/effects")
        assert [effect["sequence"] for effect in shown["effects"]] == [4, 5, 6]
        assert (shown["last"], shown["lost"]) == (6, 3)
        assert [effect["key"]["id"] for effect in shown["effects"]] == [3, 4, 4]
        digests = [effect["digest"] for effect in shown["effects"]]
        assert digests[1] == digests[2] != digests[0]
        later = server.control("/-/effects?since=5")
        assert [effect["sequence"] for effect in later["effects"]] == [6]
        assert later["lost"] == 0
        assert "columns" not in later["effects"][0]
        (with_columns,) = server.control("/-/effects?since=5&columns")["effects"]
        assert with_columns["columns"] == {"c": 0}


def test_rows_refused_leave_no_effect(emulator: Emulator) -> None:
    table = emulator.make_table()
    last = emulator.control("/-/effects")["last"]
    emulator.send("BatchWriteRow", batch((table, [row([("k", "a")]), row(key(1))])))
    shown = emulator.control(f"/-/effects?since={last}")["effects"]
    assert [(effect["table"], effect["kind"]) for effect in shown] == [(table, "put")]


def test_unknown_pages_are_named(emulator: Emulator) -> None:
    assert "no such page" in emulator.control("/-/nothing")["error"]
    assert "integer" in emulator.control("/-/effects?since=x")["error"]


@pytest.mark.parametrize("options", [["--instance", "x"], ["--port", "many"], ["--what"]])
def test_a_wrong_option_is_an_error_of_use(options: list[str]) -> None:
    command = [sys.executable, "-m", "emulator", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "usage:" in done.stderr


def test_a_wrong_plan_is_named_at_start(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text("{")
    command = [sys.executable, "-m", "emulator", "--port", "0", "--faults", str(plan)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "is not JSON" in done.stderr


def imports() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in (ROOT / "emulator").rglob("*.py"):
        names: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[module.removesuffix(".__init__")] = names
    return found


def test_it_imports_neither_the_sdk_nor_the_connectors() -> None:
    for module, names in imports().items():
        for name in names:
            assert name.partition(".")[0] not in {"tablestore", "connectors", "flows"}, module


def test_imports_run_one_way() -> None:
    """No module imports one that imports it, at any distance."""
    graph = {
        module: {name for name in names if name in imports_of} - {module}
        for imports_of in [imports()]
        for module, names in imports_of.items()
    }
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path, module))
        if module not in done:
            for name in graph[module]:
                visit(name, (*path, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def test_no_module_is_longer_than_400_lines() -> None:
    for path in (ROOT / "emulator").rglob("*.py"):
        if not path.name.endswith("_pb2.py"):
            assert len(path.read_text().splitlines()) <= 400, path


def test_the_server_and_the_sdk_live_in_one_process() -> None:
    """Their protobuf messages are registered under names of their own."""
    import tablestore.protobuf.table_store_pb2 as theirs

    import emulator.wire.messages_pb2 as ours

    assert ours.DESCRIPTOR.package != theirs.DESCRIPTOR.package
    message = theirs.Error(code="c", message="m")
    assert ours.Error.FromString(message.SerializeToString()).message == "m"


def test_clients_that_go_away_leave_no_trace(tmp_path: Path) -> None:
    """Cut in the head, cut in the body, a hang given up: nothing on stderr, nothing applied."""
    log = tmp_path / "stderr"
    with log.open("w") as stderr, running(stderr=stderr) as server:
        table = server.make_table()
        body = put(table, row(key(1))).SerializeToString()
        head = "".join(f"{n}: {v}\r\n" for n, v in signed_headers("PutRow", body).items())
        head = f"POST /PutRow HTTP/1.1\r\nHost: x\r\n{head}Content-Length: {len(body)}\r\n\r\n"
        whole = head.encode() + body
        with server.faults({"kind": "hang", "api": "PutRow"}):
            for length in (10, len(whole) - len(body), len(whole) - 5, len(whole)):
                with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
                    connection.sendall(whole[:length])
            assert server.send("ListTable").status == 200
        assert server.stats()["rows_written"] == 0
        assert server.stop() == 0
    assert log.read_text() == ""


def test_it_stops_while_a_request_hangs() -> None:
    with running() as server:
        server.control("/-/faults", "POST", [{"kind": "hang"}])
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.request("POST", "/ListTable", b"", signed_headers("ListTable", b""))
        while not server.control("/-/faults")["fired"]:
            pass
        assert server.stop() == 0
        connection.close()


def test_a_client_may_wait_for_the_word_to_go_on() -> None:
    """Expect: 100-continue, as curl sends it with larger bodies."""
    with running() as server:
        headers = signed_headers("ListTable", b"") | {"Expect": "100-continue"}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
            request = f"POST /ListTable HTTP/1.1\r\nHost: x\r\n{head}Content-Length: 0\r\n\r\n"
            connection.sendall(request.encode())
            assert connection.recv(1000).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")


def test_latency_is_added_to_data_requests_only() -> None:
    with running("--latency", "200") as server:
        table = server.make_table()
        for _ in range(3):
            server.send("PutRow", put(table, row(key(1))))
        answers = server.control("/-/answers")["answers"]
        slow = [each["milliseconds"] for each in answers if each["api"] == "PutRow"]
        assert all(each >= 200 for each in slow)
        assert len(slow) == 3
