"""The time that a flow goes by when a program runs it inside itself, as tests do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.run.context import Run


@dataclass
class Embedding:
    """The clocks of the runs that begin in it, as `Run` takes them, and these runs."""

    clock: Callable[[], float]
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    runs: list[Run] = field(default_factory=list)


_embedding: ContextVar[Embedding | None] = ContextVar("embedding", default=None)


@contextmanager
def embedded(embedding: Embedding) -> Iterator[None]:
    """Inside it, `start` begins runs with these clocks, and adds them to `embedding.runs`."""
    token = _embedding.set(embedding)
    try:
        yield
    finally:
        _embedding.reset(token)


def present_embedding() -> Embedding | None:
    """The embedding of the code that runs, if any."""
    return _embedding.get()
