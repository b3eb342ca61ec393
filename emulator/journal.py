"""What happened: counters, the log of effects and the log of answers.

The two logs are separate on purpose. A request that timed out after it was applied is in the log of
effects as applied and in the log of answers as 503.
"""

import hashlib
import time
from collections import Counter, deque
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

from emulator.wire import plainbuffer as pb
from emulator.wire.decoder import decode_row


class NamedTable(Protocol):
    """A table of either data model."""

    instance: str
    name: str


class Effect(NamedTuple):
    """One applied row change, in the order of application."""

    sequence: int
    request_id: str
    instance: str
    table: str
    kind: str
    key: tuple[pb.KeyCell, ...]
    row: bytes
    """The row as it was sent."""

    def shown(self, columns: bool) -> dict[str, Any]:
        """As JSON, if wanted with the cells that the change writes."""
        found = {
            **self._asdict(),
            "key": {name.decode(): shown_value(value) for name, value in self.key},
            "digest": hashlib.sha256(self.row).hexdigest()[:16],
        }
        del found["row"]
        if columns and self.row.startswith(pb.HEADER):  # points of a time series are no rows
            found["columns"] = {
                name.decode(): None if value is None else shown_value(value)
                for name, _, value, _ in decode_row(self.row, inner=True).cells
            }
        return found


def shown_value(value: bytes) -> Any:
    """Return a wire value as it stands in JSON: binaries in hexadecimal."""
    plain = pb.python_value(value)
    return plain.hex() if isinstance(plain, bytes) else plain


class Journal:
    """Counters since start and two bounded logs."""

    def __init__(self, effects: int, answers: int) -> None:
        self.rows_written = 0
        self.requests: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.keeps_effects = effects > 0
        self._effects: deque[Effect] = deque(maxlen=max(effects, 1))
        self._sequence = 0
        self._answers: deque[dict[str, Any]] = deque(maxlen=max(answers, 1))
        self._answer_sequence = 0

    def applied(
        self, request_id: str, changes: Iterable[tuple[NamedTable, str, list[pb.KeyCell], bytes]]
    ) -> None:
        """Note changes that are stored now: (table, operation, primary key, row as sent)."""
        for table, operation, key, row in changes:
            self._sequence += 1
            self._effects.append(
                Effect(
                    self._sequence,
                    request_id,
                    table.instance,
                    table.name,
                    operation,
                    tuple(key),
                    row,
                )
            )

    def answered(
        self,
        api: str,
        request_id: str,
        status: int,
        code: str | None,
        fault: str | None,
        seconds: float,
    ) -> None:
        """Note how a request was answered; status 0: the connection was cut or left hanging."""
        self.requests[api] += 1
        if code is not None:
            self.errors[code] += 1
        self._answer_sequence += 1
        self._answers.append(
            {
                "sequence": self._answer_sequence,
                "time": round(time.time(), 3),
                "api": api,
                "request_id": request_id,
                "status": status,
                "code": code,
                "fault": fault,
                "milliseconds": round(seconds * 1000, 3),
            }
        )

    def effects_since(self, sequence: int, columns: bool = False) -> dict[str, Any]:
        """Return the effects after `sequence`, and whether some of them are no longer kept."""
        kept = [effect for effect in self._effects if effect.sequence > sequence]
        first = kept[0].sequence if kept else self._sequence + 1
        return {
            "enabled": self.keeps_effects,
            "last": self._sequence,
            "lost": max(0, first - sequence - 1),
            "effects": [effect.shown(columns) for effect in kept],
        }

    def answers_since(self, sequence: int) -> dict[str, Any]:
        """Return the answers after `sequence`."""
        return {
            "last": self._answer_sequence,
            "answers": [answer for answer in self._answers if answer["sequence"] > sequence],
        }
