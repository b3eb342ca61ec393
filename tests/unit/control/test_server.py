"""The socket: who may use it, and that nobody can hold it up. And its client."""

import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.control import server as module
from connectors.control.client import ask_all, is_running, process_socket, supervisor_socket
from connectors.control.protocol import MAX_REQUEST, CommandError, Request, decode, encode
from connectors.control.server import ControlServer, short_path


def breaks(_: Request) -> None:
    """A handler that raises an unexpected error."""
    raise ZeroDivisionError("ours")


HANDLERS = {"ping": lambda _: "pong", "breaks": breaks, "who": lambda _: "process"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recovery folder whose path is longer than a socket's may be."""
    made = tmp_path / ("deep" * 30) / "state"
    made.mkdir(mode=0o700, parents=True)
    return made


@pytest.fixture
def server(folder: Path) -> Iterator[ControlServer]:
    """The control server of process 0."""
    made = ControlServer(process_socket(folder, 0), HANDLERS)
    yield made
    made.close()


def connect(folder: Path) -> socket.socket:
    """A connection to process 0."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(60)
    with short_path(process_socket(folder, 0)) as path:
        connection.connect(path)
    return connection


def test_only_its_owner_can_open_it(folder: Path, server: ControlServer) -> None:
    """Mode 0600; it is gone with the run."""
    mode = process_socket(folder, 0).stat().st_mode
    assert (stat.S_ISSOCK(mode), stat.S_IMODE(mode)) == (True, 0o600)
    assert is_running(folder)
    server.close()
    assert [*folder.iterdir()] == []
    assert not is_running(folder)


def test_another_user_gets_no_answer(
    folder: Path, server: ControlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even one who got through, as by a descriptor that was handed on."""
    monkeypatch.setattr(module, "_is_owner", lambda _: False)
    with connect(folder) as connection:
        try:
            connection.sendall(encode({"command": "ping"}))
            received = connection.recv(100)
        except ConnectionError:
            received = b""
    assert received == b""


def test_a_mistake_of_ours_is_an_answer(folder: Path, server: ControlServer) -> None:
    """The next command has one too."""
    with pytest.raises(CommandError, match="ZeroDivisionError"):
        ask_all(folder, "breaks")
    assert ask_all(folder, "ping") == ["pong"]


def test_one_that_says_nothing_holds_up_no_other(folder: Path, server: ControlServer) -> None:
    """Each connection has a thread of its own."""
    with connect(folder), connect(folder):
        assert ask_all(folder, "ping") == ["pong"]


def test_a_request_without_end(folder: Path, server: ControlServer) -> None:
    """It is refused before it costs memory."""
    with connect(folder) as connection:
        threading.Thread(target=_send, args=(connection,), daemon=True).start()
        received = b""
        while not received.endswith(b"\n"):
            received += connection.recv(1000)
        assert "too long" in decode(received)["error"]


def _send(connection: socket.socket) -> None:
    try:
        for _ in range(MAX_REQUEST // 1000 + 200):
            connection.sendall(b"x" * 1000)
    except OSError:
        pass


def test_several_lines_in_one_connection(folder: Path, server: ControlServer) -> None:
    """Several requests in one connection are answered, however the bytes are split."""
    with connect(folder) as connection, connection.makefile("rb") as lines:
        both = encode({"command": "ping"}) + encode({"command": "who"})
        for start in range(0, len(both), 7):
            connection.sendall(both[start : start + 7])
        assert [decode(lines.readline())["result"] for _ in range(2)] == ["pong", "process"]


def test_a_supervisor_answers_for_all(folder: Path, server: ControlServer) -> None:
    """One a host; without any, the processes answer."""
    second = ControlServer(process_socket(folder, 1), HANDLERS)
    assert ask_all(folder, "who") == ["process", "process"]
    hosts = [
        ControlServer(supervisor_socket(folder, host), {"who": lambda _: "supervisor"})
        for host in (0, 1)
    ]
    assert ask_all(folder, "who") == ["supervisor", "supervisor"]
    for one in (second, *hosts):
        one.close()


def test_a_socket_that_was_left_is_no_run(folder: Path, server: ControlServer) -> None:
    """As after a kill: the next run takes its place, and the former one does not take it away."""
    server._socket.shutdown(socket.SHUT_RDWR)
    server._socket.close()
    assert not is_running(folder)
    with pytest.raises(CommandError, match="no run goes on"):
        ask_all(folder, "ping")
    second = ControlServer(process_socket(folder, 0), HANDLERS)
    server.close()
    assert ask_all(folder, "ping") == ["pong"]
    second.close()


def test_a_folder_that_others_can_write_to(folder: Path, server: ControlServer) -> None:
    """Its sockets may be anybody's."""
    folder.chmod(0o777)
    with pytest.raises(CommandError, match="chmod 700"):
        ask_all(folder, "ping")


def test_no_folder(tmp_path: Path) -> None:
    """With what is to be named."""
    with pytest.raises(CommandError, match="-r"):
        ask_all(tmp_path / "nowhere", "ping")
