r"""The lines that pass through the socket: one JSON object a request, one an answer.

    {"version": 1, "command": "log-level", "level": "debug"}
    {"version": 1, "ok": true, "result": {...}}
    {"version": 1, "ok": false, "error": "text\n  remedy: ..."}

docs/operations.md describes the commands. A request of another version is answered with an error
that names the known one. Unknown keys of an answer are to be ignored: later releases may add some.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from connectors.errors import ConfigError, StopRun

VERSION = 1
MAX_REQUEST = 64 << 10  # bytes
MAX_ANSWER = 16 << 20

Request = Mapping[str, Any]
Handler = Callable[[Request], Any]
"""Takes a request, returns its result as JSON; raises CommandError."""


class CommandError(Exception):
    """A command that cannot be done; the text is for the user who gave it."""


def encode(message: Mapping[str, Any]) -> bytes:
    """The message as one line of JSON, with the version of the protocol."""
    return json.dumps({"version": VERSION, **message}, ensure_ascii=False).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """The object of a line. Raises CommandError for anything else, and for another version."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise CommandError("this line is not JSON") from None
    if not isinstance(message, dict):
        raise CommandError("this line is not a JSON object")
    version = message.get("version")
    if version != VERSION or isinstance(version, bool):
        raise CommandError(
            f"this line has not the version {VERSION} of the protocol\n  remedy: use the "
            "tablestore-sync that the run was started with"
        )
    return message


def answer(line: bytes, handlers: Mapping[str, Handler]) -> bytes:
    """The answer to a line, whatever it is."""
    try:
        request = decode(line)
        command = request.get("command")
        handler = handlers.get(command) if isinstance(command, str) else None
        if handler is None:
            raise CommandError(f"unknown command: known are {', '.join(sorted(handlers))}")
        return encode({"ok": True, "result": handler(request)})
    except (CommandError, StopRun, ConfigError) as error:
        return encode({"ok": False, "error": str(error)})


def result_of(line: bytes) -> Any:
    """The result in an answer. Raises CommandError with the text of one that is not ok."""
    message = decode(line)
    if message.get("ok") is not True:
        raise CommandError(str(message.get("error", "the command failed without a reason")))
    return message.get("result")


def text_of(request: Request, name: str, default: str | None = None) -> str:
    """A text in a request. Raises CommandError without it."""
    value = request.get(name, default)
    if not isinstance(value, str):
        raise CommandError(f"{name}: a text is needed")
    return value
