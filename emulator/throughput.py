"""Throughput limits: tables that throttle as the service does, so that back-pressure can be tried.

The service counts capacity units (CU, 4 KB begun). Beyond what a table has, it refuses with
OTSNotEnoughCapacityUnit or OTSServerBusy; beyond what one value of the partition key can take
(about 10,000 CU a second, whatever the table has), with OTSCapacityUnitExhausted. A row of a batch
is refused alone, inside HTTP 200; GetRow, GetRange and the writes of one row as a whole. How much
the service lets through at once is not documented: see `burst`.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from emulator import errors
from emulator.errors import ServiceError

CODES = ("OTSNotEnoughCapacityUnit", "OTSServerBusy")
"""What a limit of a table may answer."""
_TEXTS = {
    "OTSNotEnoughCapacityUnit": errors.NOT_ENOUGH_CAPACITY,
    "OTSServerBusy": errors.SERVER_BUSY,
    "OTSCapacityUnitExhausted": errors.CAPACITY_EXHAUSTED,
}
_MAX_PARTITIONS = 100_000
_ROUNDING = 1e-9
Clock = Callable[[], float]


class ThroughputError(ValueError):
    """A limit that cannot be used; the text names the field."""


@dataclass(frozen=True)
class Limit:
    """What the tables that match may take; a field that is None is no limit.

    `read` and `write` are CU a second of one table, `partition_key` CU a second, read and written,
    of one value of its first key column. `in_flight` is a number of requests.
    """

    instance: str | None = None
    """Only tables of this instance."""
    table: str | None = None
    """Only this table; None: every table, each with a budget of its own."""
    read: float | None = None
    write: float | None = None
    partition_key: float | None = None
    in_flight: int | None = None
    """Requests for data that are open at once (see the latency); one more: OTSServerBusy."""
    burst: float = 1.0
    """Seconds of unused capacity that a table saves up, and begins with."""
    code: str = "OTSNotEnoughCapacityUnit"
    """Answer beyond `read` and `write`."""

    def matches(self, instance: str, table: str) -> bool:
        """Return whether the limit is one of this table."""
        return self.instance in (None, instance) and self.table in (None, table)


_TYPES: dict[str, tuple[type, ...]] = {
    "instance": (str,),
    "table": (str,),
    "read": (int, float),
    "write": (int, float),
    "partition_key": (int, float),
    "in_flight": (int,),
    "burst": (int, float),
    "code": (str,),
}


def parse_limit(document: object) -> Limit:
    """Return the limit of a JSON object; raises `ThroughputError` for one with mistakes."""
    if not isinstance(document, Mapping):
        raise ThroughputError("a throughput limit must be a JSON object")
    given = {str(name): value for name, value in document.items() if value is not None}
    for name, value in given.items():
        if name not in _TYPES:
            raise ThroughputError(f"unknown field {name!r}; known: {', '.join(sorted(_TYPES))}")
        if not isinstance(value, _TYPES[name]) or isinstance(value, bool):
            raise ThroughputError(f"field {name!r} has a value of the wrong type")
        if isinstance(value, int | float) and not 0 < value < float("inf"):
            raise ThroughputError(f"field {name!r} must be more than 0")
    limit = Limit(**given)
    if limit.code not in CODES:
        raise ThroughputError(f"field 'code' must be one of: {', '.join(CODES)}")
    if not given.keys() & {"read", "write", "partition_key", "in_flight"}:
        raise ThroughputError("one of 'read', 'write', 'partition_key', 'in_flight' is needed")
    return limit


def parse_limits(document: object) -> list[Limit]:
    """Return the limits of a JSON list, or of a single object."""
    if isinstance(document, Mapping):
        document = [document]
    if not isinstance(document, list):
        raise ThroughputError("expected a list of throughput limits")
    return [parse_limit(item) for item in document]


def parse_option(text: str) -> Limit:
    """Return the limit of TABLE:READ:WRITE[:KEY]: `*` for every table, `-` for no limit."""
    table, *numbers = text.split(":")
    names = ("read", "write", "partition_key")
    if not table or not 2 <= len(numbers) <= len(names):
        raise ThroughputError(f"{text!r} is not TABLE:READ:WRITE[:PARTITION_KEY]")
    document: dict[str, Any] = {} if table == "*" else {"table": table}
    for name, number in zip(names, numbers, strict=False):
        if number != "-":
            try:
                document[name] = float(number)
            except ValueError:
                raise ThroughputError(f"{number!r} in {text!r} is not a number") from None
    return parse_limit(document)


class _Bucket:
    """Capacity that fills up with time; what was taken beyond it has to fill up first."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._size = rate, max(1.0, rate * burst)
        self._level, self._at = self._size, now

    def has_any(self, now: float) -> bool:
        """Return whether a unit is left, so that one more row is let through."""
        self._level = min(self._size, self._level + (now - self._at) * self._rate)
        self._at = now
        return self._level >= 1 - _ROUNDING

    def take(self, units: int) -> None:
        self._level -= units


class Gate:
    """The budget of one table under one limit."""

    def __init__(self, limit: Limit, clock: Clock, throttled: Counter[str]) -> None:
        self.limit = limit
        self._clock, self._throttled = clock, throttled
        now = clock()
        self._read = None if limit.read is None else _Bucket(limit.read, limit.burst, now)
        self._write = None if limit.write is None else _Bucket(limit.write, limit.burst, now)
        self._keys: dict[bytes, _Bucket] = {}

    def admit(self, partition: bytes | None, reads: bool) -> None:
        """Raise the error of a throttled row or read; `partition` is None for a range."""
        now = self._clock()
        bucket = self._read if reads else self._write
        if bucket is not None and not bucket.has_any(now):
            raise self._error(self.limit.code)
        key = None if partition is None else self._of(partition, now)
        if key is not None and not key.has_any(now):
            raise self._error("OTSCapacityUnitExhausted")

    def take(self, partition: bytes | None, read: int, write: int) -> None:
        """Take the units that an admitted row or read has cost."""
        if self._read is not None:
            self._read.take(read)
        if self._write is not None:
            self._write.take(write)
        key = None if partition is None else self._of(partition, self._clock())
        if key is not None:
            key.take(read + write)

    def _of(self, partition: bytes, now: float) -> _Bucket | None:
        rate = self.limit.partition_key
        if rate is None:
            return None
        found = self._keys.get(partition)
        if found is None:
            if len(self._keys) >= _MAX_PARTITIONS:
                del self._keys[
                    next(iter(self._keys))
                ]  # the oldest, whose budget will be full again
            found = self._keys[partition] = _Bucket(rate, self.limit.burst, now)
        return found

    def _error(self, code: str) -> ServiceError:
        self._throttled[code] += 1
        return ServiceError(code, _TEXTS[code])


class Throughput:
    """The limits of a server and the budgets of its tables; they can change while it runs."""

    def __init__(self, limits: Iterable[Limit] = (), clock: Clock = time.monotonic) -> None:
        self._limits = list(limits)
        self._clock = clock
        self._gates: dict[tuple[str, str], Gate | None] = {}
        self._open: Counter[tuple[str, str]] = Counter()
        self.throttled: Counter[str] = Counter()
        """How often each code was answered, rows of batches included."""

    @property
    def is_active(self) -> bool:
        """Whether there is any limit."""
        return bool(self._limits)

    def replace(self, limits: Iterable[Limit]) -> None:
        """Replace all limits; every budget is full again, the counts stay."""
        self._limits = list(limits)
        self._gates.clear()

    def add(self, limits: Iterable[Limit]) -> None:
        """Put limits before those that are there: the first that matches a table decides."""
        self.replace([*limits, *self._limits])

    def gate(self, instance: str, table: str) -> Gate | None:
        """Return the budget of a table, None where no limit matches it."""
        name = instance, table
        if name not in self._gates:
            limit = next((item for item in self._limits if item.matches(*name)), None)
            made = None if limit is None else Gate(limit, self._clock, self.throttled)
            self._gates[name] = made
        return self._gates[name]

    def enter(self, instance: str, tables: Iterable[str]) -> list[tuple[str, str]]:
        """Count a request for data as open; raises OTSServerBusy when there are too many.

        What is returned goes to `leave` once the request is done.
        """
        entered: list[tuple[str, str]] = []
        if not any(limit.in_flight for limit in self._limits):
            return entered
        for table in tables:
            gate = self.gate(instance, table)
            if gate is None or gate.limit.in_flight is None:
                continue
            if self._open[instance, table] >= gate.limit.in_flight:
                self.leave(entered)
                self.throttled["OTSServerBusy"] += 1
                raise ServiceError("OTSServerBusy", errors.SERVER_BUSY)
            self._open[instance, table] += 1
            entered.append((instance, table))
        return entered

    def leave(self, entered: list[tuple[str, str]]) -> None:
        """Count the requests of these tables as finished."""
        for name in entered:
            self._open[name] -= 1
            if not self._open[name]:
                del self._open[name]

    def shown(self) -> dict[str, Any]:
        """Return the limits and counts as a JSON object."""
        names = [field.name for field in fields(Limit)]
        return {
            "limits": [{name: getattr(item, name) for name in names} for item in self._limits],
            "throttled": dict(self.throttled),
        }
