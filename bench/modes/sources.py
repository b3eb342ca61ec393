"""What the topics of the modes hold: messages of one form each, all about the same orders.

A source makes a sample (key, value) of a number. Where the order's id stands is known , so
that a topic of a million orders with ids of their own is made of a few thousand samples.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, NamedTuple

from bench.modes import schemas
from bench.orders import order

Sample = tuple[bytes | None, bytes | None]
"""Key and value of a message."""

_DIGITS = b"9999999999"
"""Stand in a sample for the number of its message, which is as long."""
_ID = f"A{_DIGITS.decode()}"
_DEVICES = 200


class Source(NamedTuple):
    """A form of messages."""

    make: Callable[[int, random.Random], Sample]
    plain: str = "orders"
    """The source whose messages hold the same cells, in plain JSON."""


def sample(name: str, count: int) -> list[Sample]:
    """The first messages of a source, with the mark for their ids; the same each time."""
    source = random.Random(11)
    make = SOURCES[name].make
    return [make(number, source) for number in range(count)]


def numbered(one: Sample, number: int) -> Sample:
    """A sample as a message with an id of its own."""
    own = b"%010d" % number
    key, value = one
    return (
        None if key is None else key.replace(_DIGITS, own),
        None if value is None else value.replace(_DIGITS, own),
    )


def _order(number: int, source: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(order(number, source))
    return {**made, "order_id": _ID}


def _bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


_KEY = _bytes({"id": _ID})


def _orders(number: int, source: random.Random) -> Sample:
    return _KEY, _bytes(_order(number, source))


def _tombstones(number: int, source: random.Random) -> Sample:
    made = _orders(number, source)
    return made if number % 10 else (_KEY, None)


def _nulls(number: int, source: random.Random) -> Sample:
    made = _order(number, source)
    return _KEY, _bytes(made if number % 10 else {**made, "note": None})


def _tombstones_and_nulls(number: int, source: random.Random) -> Sample:
    return (_tombstones if number % 20 else _nulls)(number, source)


def _texts(number: int, source: random.Random) -> Sample:
    made = _order(number, source)
    texts = {
        name: value if isinstance(value, str) else json.dumps(value) for name, value in made.items()
    }
    return _KEY, _bytes(texts)


def _nested(number: int, source: random.Random) -> Sample:
    made = _order(number, source)
    customer = {"id": made.pop("user_id"), "address": {"city": made.pop("city")}}
    price = {"amount": made.pop("amount"), "currency": made.pop("currency")}
    return _KEY, _bytes({**made, "customer": customer, "price": price})


def _dashes(number: int, source: random.Random) -> Sample:
    made = _order(number, source)
    return _KEY, _bytes({name.replace("_", "-"): value for name, value in made.items()})


def _avro(number: int, source: random.Random) -> Sample:
    return _KEY, schemas.avro(_order(number, source))


def _protobuf(number: int, source: random.Random) -> Sample:
    return _KEY, schemas.protobuf(_order(number, source))


def _connect(number: int, source: random.Random) -> Sample:
    return _KEY, _bytes({"schema": schemas.CONNECT, "payload": _order(number, source)})


def _debezium(number: int, source: random.Random) -> Sample:
    """Of ten events one is a delete or the change of a key, and three are updates."""
    made = _order(number, source)
    key = {"order_id": made["order_id"]}
    operation = "u" if number % 10 in (1, 2, 3) else "c"
    before: Any = {**made, "status": "created"} if operation == "u" else None
    after: Any = made
    if number % 20 == 0:
        operation, before, after = "d", made, None
    elif number % 20 == 10:
        operation, before, after = "u", made, {**made, "order_id": f"B{_ID}"}
    origin = {"version": "2.7.0", "connector": "postgresql", "name": "shop", "ts_ms": made["ts"]}
    origin |= {"snapshot": "false", "db": "shop", "schema": "public", "table": "orders"}
    event = {"before": before, "after": after, "source": origin, "op": operation}
    return _bytes(key), _bytes({**event, "ts_ms": made["ts"], "transaction": None})


def _readings(number: int, source: random.Random) -> Sample:
    device = number % _DEVICES
    reading = {
        "device": f"device-{device}",
        "room": f"room-{device // 10}",
        "at": int(f"179{_DIGITS.decode()}000"),
        "alarm": source.randrange(100),
        "humidity": source.random() * 100,
        "reading": source.randrange(10**6),
        "status": source.choice(["ok", "warning", "failed"]),
        "temperature": source.random() * 40 - 10,
        "valid": source.random() < 0.9,
    }
    return _KEY, _bytes(reading)


def _of_text(columns: int, size: int) -> Callable[[int, random.Random], Sample]:
    def make(_: int, source: random.Random) -> Sample:
        width = size // 16
        made = {f"c{at}": f"{source.randrange(16**16):016x}" * width for at in range(columns - 1)}
        return _KEY, _bytes({"order_id": _ID, **made})

    return make


SOURCES: dict[str, Source] = {
    "orders": Source(_orders),
    "tombstones": Source(_tombstones),
    "nulls": Source(_nulls),
    "tombstones_and_nulls": Source(_tombstones_and_nulls),
    "texts": Source(_texts, "texts"),
    "nested": Source(_nested),
    "dashes": Source(_dashes),
    "avro": Source(_avro),
    "protobuf": Source(_protobuf),
    "connect": Source(_connect),
    "debezium": Source(_debezium),
    "readings": Source(_readings, "readings"),
    "wide": Source(_of_text(40, 1024), "wide"),
    "narrow": Source(_of_text(3, 96), "narrow"),
}
