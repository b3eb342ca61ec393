"""The lines of the socket, whatever they hold."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.control.protocol import (
    VERSION,
    CommandError,
    Request,
    answer,
    decode,
    encode,
    result_of,
    text_of,
)
from connectors.errors import StopRun


def fails(_: Request) -> str:
    """A command that cannot be done."""
    raise StopRun("not now\n  remedy: later")


HANDLERS = {"echo": lambda request: request.get("value"), "fails": fails}


def ask(**request: Any) -> Any:
    """The result of a request."""
    return result_of(answer(encode(request), HANDLERS))


def test_a_request_and_its_answer() -> None:
    """Each is one line with the version."""
    line = encode({"command": "echo", "value": "a\nb"})
    assert line.count(b"\n") == 1
    assert json.loads(line)["version"] == VERSION == 1
    assert ask(command="echo", value={"x": [1]}) == {"x": [1]}


def test_a_command_that_fails_says_why() -> None:
    """Whoever asked gets the text with its remedy."""
    with pytest.raises(CommandError, match="remedy: later"):
        ask(command="fails")


@pytest.mark.parametrize("command", ["unknown", None, 7, ["echo"]])
def test_an_unknown_command(command: object) -> None:
    """The answer to an unknown command lists the known ones."""
    with pytest.raises(CommandError, match="echo, fails"):
        ask(command=command)


@pytest.mark.parametrize("version", [None, 0, 2, True, "1"])
def test_another_version(version: object) -> None:
    """A request with another version of the protocol is answered with an error."""
    line = json.dumps({"version": version, "command": "echo"}).encode()
    with pytest.raises(CommandError, match="version 1"):
        result_of(answer(line, HANDLERS))


@given(st.binary(max_size=100) | st.text().map(str.encode) | st.just(b"[" * 100_000))
def test_any_line_has_an_answer(line: bytes) -> None:
    """Nothing that comes in ends the thread that answers."""
    assert decode(answer(line, HANDLERS))["ok"] is False


def test_a_text_in_a_request() -> None:
    """It is needed, unless there is a default."""
    assert text_of({"level": "info"}, "level") == "info"
    assert text_of({}, "level", "debug") == "debug"
    for wrong in ({}, {"level": 3}):
        with pytest.raises(CommandError, match="level"):
            text_of(wrong, "level")
