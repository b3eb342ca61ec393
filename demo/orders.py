"""The orders: realistic JSON, the same in every run, with a few that are broken on purpose."""

import json
import random
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

SEED = 20260105
BROKEN = 12
"""The number of broken orders, whatever the total: three faults in turn."""

Fault = Literal["not JSON", "order_id named id", "integer beyond 64 bits"]
MISNAMED = {"order_id": "id"}
"""The fault that a rename in the mapping corrects."""
FAULTS: tuple[Fault, ...] = ("not JSON", "order_id named id", "integer beyond 64 bits")

# Opening of the shop, 2026-01-05 08:00 UTC, in milliseconds since 1970.
_START_MS = 1_767_600_000_000
_CUSTOMERS = 5_000
_CITIES = (
    ("Hangzhou", "CNY"),
    ("Singapore", "SGD"),
    ("Jakarta", "IDR"),
    ("Kuala Lumpur", "MYR"),
    ("Zürich", "CHF"),
    ("München", "EUR"),
    ("São Paulo", "BRL"),
    ("上海", "CNY"),
)
_STATUSES = ("placed", "paid", "packed", "shipped", "delivered")
_NOTES = (None, None, "leave at the door", "gift: no invoice please", "call before delivery ☎")
_ARTICLES = ("tea", "lamp", "notebook", "headphones", "mug", "charger")


class Order(NamedTuple):
    """One message. `fields` are the expected columns; None if the order is broken (`fault`)."""

    key: bytes
    value: bytes
    fields: dict[str, Any] | None
    fault: Fault | None


def orders(count: int) -> Iterator[Order]:
    """`count` orders, BROKEN of them broken; the same ones for the same count."""
    chance = random.Random(SEED)
    broken = _broken_places(count)
    clock = _START_MS
    for number in range(count):
        clock += chance.randrange(5, 400)
        fields = _fields(number, clock, chance)
        fault = broken.get(number)
        value = _encode(fields)
        if fault is not None:
            value = _spoil(fields, value, fault)
        key = str(fields["customer_id"]).encode()
        yield Order(key, value, fields if fault is None else None, fault)


def _broken_places(count: int) -> dict[int, Fault]:
    """Positions in the first nine tenths, so that good orders follow each in its partition."""
    places = [count * 9 * turn // (10 * BROKEN) for turn in range(min(BROKEN, count // 10))]
    return {place: FAULTS[turn % len(FAULTS)] for turn, place in enumerate(places)}


def _fields(number: int, clock: int, chance: random.Random) -> dict[str, Any]:
    city, currency = chance.choice(_CITIES)
    fields: dict[str, Any] = {
        # Unique, since the multiplier is odd, and spread: a rising key makes one partition hot.
        "order_id": f"ORD-{number * 2_654_435_761 % 2**32:08X}",
        "customer_id": chance.randrange(1, _CUSTOMERS),
        "amount": chance.randrange(100, 250_000) / 100,
        "currency": currency,
        "city": city,
        "status": chance.choice(_STATUSES),
        "created_at": clock,
        "express": chance.random() < 0.2,
        "note": chance.choice(_NOTES),
    }
    if chance.random() < 0.4:
        fields["items"] = [
            {"article": chance.choice(_ARTICLES), "quantity": chance.randrange(1, 5)}
            for _ in range(chance.randrange(1, 4))
        ]
    return fields


def _encode(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def _spoil(fields: dict[str, Any], value: bytes, fault: Fault) -> bytes:
    if fault == "not JSON":
        return value[: len(value) // 2]
    if fault == "order_id named id":
        return _encode({MISNAMED.get(name, name): field for name, field in fields.items()})
    return _encode({**fields, "created_at": 2**63})
