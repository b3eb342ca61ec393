"""What commands print: text for people, one JSON document for scripts.

Colours are left out where stdout is no terminal, or the environment has NO_COLOR.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

PROGRAM = "tablestore-sync"
# Where a table is written to a file or a pipe, it is as wide as its text.
_WIDTH_OF_FILES = 1000


def screen(stderr: bool = False) -> Console:
    """Stdout or stderr for tables and coloured text. Texts are not taken as markup."""
    from rich.console import Console  # noqa: PLC0415 - `--help` needs none

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _WIDTH_OF_FILES
    return Console(file=stream, highlight=False, markup=False, soft_wrap=True, width=width)


def say(lines: Iterable[str]) -> None:
    """Write each line to stdout, without markup or wrapping."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def say_json(document: Any) -> None:
    """Print the one document of a command with --json. Keys keep their order."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


@contextmanager
def progress(text: str) -> Iterator[Callable[[int, int], None]]:
    """A function of (done, of) that shows how far something has come, with its rate and its end.

    On stderr, and nothing where that is no terminal.
    """
    if not sys.stderr.isatty():
        yield lambda _done, _of: None
        return
    from rich.progress import (  # noqa: PLC0415 - as above
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn(text),
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(show_speed=True),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=screen(stderr=True), transient=True) as bar:
        task = bar.add_task(text, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def silence_log() -> None:
    """Let a command say itself what is to be said: warnings of the library do not reach stderr."""
    logging.getLogger("sync").addHandler(logging.NullHandler())


def warn(text: str) -> None:
    """Print a line to stderr, with the program's name in front."""
    sys.stderr.write(f"{PROGRAM}: {text}\n")
