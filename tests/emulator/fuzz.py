"""Mutated request bodies against the operations, in this process: 10,000 a second and more.

`python -m tests.emulator.fuzz [bodies] [seed]` runs the long form. A mutation works on one layer:
the bytes or the fields of the protobuf message, a PlainBuffer row in it or the cells of that row, a
filter or condition in it, or time series rows in FlatBuffers or protobuf. The checksum around
mutated time series rows is made again; that of PlainBuffer is switched off for half of the bodies,
since it would refuse nearly all of them before anything else is looked at.
"""

import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest import mock

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from emulator.catalog import Catalog
from emulator.errors import STATUS, ServiceError
from emulator.faults import Faults, parse_rules
from emulator.journal import Journal
from emulator.operations import OPERATIONS
from emulator.server import parse_request, run_operation
from emulator.service import Call, Service
from emulator.settings import DEFAULT_INSTANCE, Options
from emulator.storage import Store
from emulator.timeseries.tables import TimeseriesCatalog
from emulator.transactions import Transactions
from emulator.wire import columns, decoder
from emulator.wire import plainbuffer as pb
from tests.emulator.fuzz_corpus import requests, setup
from tests.emulator.fuzz_parts import GUARDED, NOW_MS, SERIES, WIDE, random_row

_EDGES = (b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"\x00" * 8, b"\xff" * 10)
_TEXTS = ("", "c", "k", "id", WIDE, SERIES, "none", "9", "x" * 300, "Zürich", "a#b", '["a=b"]', "(")
_NOWHERE = {"column": "nowhere", "value": "a value that no body has"}
_FAULTS = Faults(
    parse_rules([{"kind": kind, "key": _NOWHERE} for kind in ("bad_request_if_row", "row_error")])
)
"""Rules that look into every row of every body and never fire."""
_LIFE = 500  # bodies until the tables are made again

Mutate = Callable[[bytes], bytes]


class Body(NamedTuple):
    """One request of the corpus: where its layer is broken is up to `build`."""

    api: str
    layer: str
    build: Callable[[Mutate], Message]
    """Makes the message, passing the part of its layer through the function given."""


class Report(NamedTuple):
    """What became of the bodies."""

    bodies: int
    outcomes: Counter[str]
    """Answers by code; OK for success."""
    layers: Counter[str]
    seconds: float


class Mutator:
    """Seeded changes of bytes."""

    def __init__(self, seed: object) -> None:
        self.dice = random.Random(repr(seed))
        self.pool: list[bytes] = [b"a"]
        """Earlier parts, to splice with."""

    def __call__(self, part: bytes) -> bytes:
        dice = self.dice
        data = bytearray(part)
        if len(self.pool) < 200:
            self.pool.append(part)
        if dice.random() < 0.5:  # gently: lengths stay right
            self._once(data, dice.randrange(2))
            return bytes(data)
        for _ in range(dice.choice((1, 1, 1, 2, 3, 6))):
            self._once(data, dice.randrange(9))
        return bytes(data)

    def _once(self, data: bytearray, kind: int) -> None:
        dice = self.dice
        at = dice.randrange(len(data) + 1)
        match kind:
            case 0 if at < len(data):
                data[at] ^= 1 << dice.randrange(8)
            case 1 if at < len(data):
                data[at] = dice.randrange(256)
            case 2:
                del data[at : at + dice.choice((1, 1, 2, 4, 8, 40))]
            case 3:
                data[at:at] = dice.randbytes(dice.choice((1, 1, 2, 4, 8, 40)))
            case 4:
                edge = dice.choice(_EDGES)
                data[at : at + len(edge)] = edge
            case 5:
                del data[at:]
            case 6:
                data[at:at] = data[at : at + dice.randrange(1, 60)]
            case 7:
                other = dice.choice(self.pool)
                start = dice.randrange(len(other) + 1)
                data[at:] = other[start:]
            case _:
                if at < len(data):
                    data[at] = dice.choice((0, 1, 2, 3, 7, 8, 9, 10, 11, 127, 128, 255))

    def fields(self, message: Message) -> None:
        """Change one field, on any level, of a message that stays well formed."""
        dice = self.dice
        while message.DESCRIPTOR.fields:
            field = dice.choice(message.DESCRIPTOR.fields)
            repeated = field.label == field.LABEL_REPEATED
            if field.type != field.TYPE_MESSAGE:
                self._set(message, field, repeated)
                return
            inner = getattr(message, field.name)
            if repeated:
                if not inner or dice.random() < 0.1:
                    inner.add()
                    if dice.random() < 0.3:
                        inner.extend([inner[0]] * dice.choice((1, 30, 300)))
                message = dice.choice(inner)
            else:
                inner.SetInParent()
                message = inner

    def _set(self, message: Message, field: FieldDescriptor, repeated: bool) -> None:
        dice = self.dice
        if dice.random() < 0.15:
            message.ClearField(field.name)
            return
        value = self._value(field)
        if repeated:
            getattr(message, field.name).extend([value] * dice.choice((1, 1, 2, 2000)))
        else:
            setattr(message, field.name, value)

    def _value(self, field: FieldDescriptor) -> Any:
        dice = self.dice
        if field.type == field.TYPE_STRING:
            return dice.choice(_TEXTS)
        if field.type == field.TYPE_BYTES:
            return self(dice.choice(self.pool))
        if field.type == field.TYPE_BOOL:
            return dice.random() < 0.5
        if field.type == field.TYPE_DOUBLE:
            return dice.choice((0.0, 1e308, float("nan"), float("inf")))
        bits = 31 if field.cpp_type == field.CPPTYPE_INT32 else 63
        if field.cpp_type in (field.CPPTYPE_UINT32, field.CPPTYPE_UINT64):
            return dice.choice((0, 1, 2**bits))
        return dice.choice((-(2**bits), -1, 0, 1, 2, 3, 7, 99, 86_400, 2**bits - 1))


def make_service() -> Service:
    """A server without its HTTP, in memory."""
    options = Options()
    store = Store(None)
    catalog, series = Catalog(store, options), TimeseriesCatalog(store, options)
    catalog.find_inner = series.find_inner
    return Service(
        options,
        store,
        catalog,
        series,
        Journal(0, 1),
        Transactions(60.0),
    )


def perform(service: Service, api: str, body: bytes) -> bytes:
    """What the server does with a body whose signature was right."""
    operation = OPERATIONS[api]
    call = Call(service, DEFAULT_INSTANCE, "fuzz", NOW_MS)
    message = parse_request(operation, body)
    assert _FAULTS.for_request(api, message) is None
    call.row_faults = _FAULTS.for_rows(api)
    return run_operation(operation, call, message)


def guarded_rows(service: Service) -> list[tuple[bytes, bytes]]:
    """Everything stored in the tables that no body of the corpus names."""
    found: list[tuple[bytes, bytes]] = []
    for table in service.catalog.all():
        if table.name in GUARDED:
            end = (table.id + 1).to_bytes(4, "big")
            found += service.store.scan(table.prefix, end)
    for series in service.series.all():
        if series.name in GUARDED:
            found += service.store.scan(series.data.prefix, series.series_end)
    return found


@contextmanager
def without_checksums() -> Iterator[None]:
    """Every PlainBuffer checksum is 0: what lies behind them is reached."""
    columns.forget()
    with (
        mock.patch.object(decoder, "crc8", return_value=0),
        mock.patch.object(pb, "crc8", return_value=0),
    ):
        yield
    columns.forget()


def _one(service: Service, api: str, body: bytes) -> str:
    """Send one body; returns the code of its answer, raises AssertionError for a wrong one."""
    before = service.store.changes
    try:
        perform(service, api, body)
    except ServiceError as error:
        if STATUS.get(error.code, 500) >= 500 or not error.message:
            raise AssertionError(f"{api} {body.hex()}: {error}") from error
        # A refused request has changed nothing at all, not even rows of its own table.
        if service.store.changes != before:
            raise AssertionError(f"{api} {body.hex()}: refused, but applied") from error
        return error.code
    except Exception as error:
        raise AssertionError(f"{api} {body.hex()}: 500 for {error!r}") from error
    return "OK"


def run(bodies: int, seed: object) -> Report:
    """Send so many mutated bodies; raises AssertionError with the first body answered wrongly."""
    started = time.perf_counter()
    outcomes: Counter[str] = Counter()
    layers: Counter[str] = Counter()
    _half(bodies // 2, (seed, "checked"), outcomes, layers)
    with without_checksums():
        _half(bodies - bodies // 2, (seed, "unchecked"), outcomes, layers)
    return Report(bodies, outcomes, layers, time.perf_counter() - started)


def _half(bodies: int, seed: object, outcomes: Counter[str], layers: Counter[str]) -> None:
    mutate = Mutator(seed)
    corpus = [Body(*entry) for entry in requests()]
    service = prepared()
    guarded = guarded_rows(service)
    for number in range(bodies):
        body = mutate.dice.choice(corpus)
        if body.layer == "protobuf":
            data = mutate(body.build(_same).SerializeToString())
        elif body.layer == "fields":
            message = body.build(_same)
            for _ in range(mutate.dice.choice((1, 1, 2, 4))):
                mutate.fields(message)
            data = message.SerializePartialToString()
        elif body.layer == "cells":
            data = body.build(lambda _: random_row(mutate.dice)).SerializeToString()
        else:
            data = body.build(mutate).SerializeToString()
        code = _one(service, body.api, data)
        outcomes[code] += 1
        layers[body.layer] += 1
        dropped = code == "OK" and body.api in ("DeleteTable", "DeleteTimeseriesTable")
        if dropped or number % _LIFE == _LIFE - 1 or number == bodies - 1:
            assert guarded_rows(service) == guarded, "rows of other tables changed"
            service.store.close()
            service = prepared()


def prepared() -> Service:
    """A service with the tables of the corpus and those that must not change."""
    service = make_service()
    for api, message in setup():
        perform(service, api, message.SerializeToString())
    return service


def _same(part: bytes) -> bytes:
    return part


def check_corpus() -> list[tuple[str, Any]]:
    """Answer every body unchanged: (operation and layer, error or None)."""
    answers: list[tuple[str, Any]] = []
    for entry in requests():
        body, service = Body(*entry), prepared()
        try:
            perform(service, body.api, body.build(_same).SerializeToString())
        except ServiceError as error:
            answers.append((f"{body.api} {body.layer}", error))
        else:
            answers.append((f"{body.api} {body.layer}", None))
    return answers


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    report = run(wanted, sys.argv[2] if len(sys.argv) > 2 else time.time_ns())
    sys.stdout.write(
        f"{report.bodies:,} bodies in {report.seconds:.1f} s\n"
        f"by layer: {dict(report.layers)}\nby answer: {dict(report.outcomes)}\n"
    )
