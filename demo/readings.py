"""The second topic: sensor readings for a time series table, the same in every run, some broken."""

import json
import random
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from demo.orders import SEED

TOPIC = "readings"
RULES = {
    "mode": "timeseries",
    "auto_create": True,
    "timeseries": {
        "measurement": "climate",
        "data_source_field": "site",
        "tags": ["device", "room"],
        "time_field": "at",
    },
}
"""The options of [tables.readings], with which readings become points."""
BROKEN = 6
"""The number of broken readings, whatever the total: three faults in turn."""

Fault = Literal["no time", "a quote in a tag", "names that collide"]
FAULTS: tuple[Fault, ...] = ("no time", "a quote in a tag", "names that collide")

_START_MS = 1_767_600_000_000
_DEVICES = 40
_SITES = ("Hangzhou", "Zürich")


class Reading(NamedTuple):
    """One message. `fields` are those expected at `series`; None if it is broken."""

    key: bytes
    value: bytes
    series: str
    fields: dict[str, Any] | None
    fault: Fault | None


def series_of(site: str, device: str, room: str, microseconds: int) -> str:
    """The name of a series' point at a time."""
    return f"{site} {device} {room} {microseconds}"


def readings(count: int) -> Iterator[Reading]:
    """`count` readings, BROKEN of them broken; the same ones for the same count."""
    chance = random.Random(SEED)
    places = {count * turn // (2 * BROKEN): FAULTS[turn % len(FAULTS)] for turn in range(BROKEN)}
    for number in range(count):
        device = number % _DEVICES
        place = {
            "site": _SITES[device % len(_SITES)],
            "device": f"d{device}",
            "room": f"room {device // 4}",
        }
        at = _START_MS + number // _DEVICES * 1_000
        fields = {
            "temperature": chance.randrange(150, 300) / 10,
            "humidity": chance.randrange(20, 90),
            "door_open": chance.random() < 0.1,
            "state": chance.choice(("ok", "ok", "low battery")),
        }
        value: dict[str, Any] = {**place, "at": at, **fields, "alarm": None}
        fault = places.get(number)
        if fault == "no time":
            del value["at"]
        elif fault == "a quote in a tag":
            value["room"] = 'the "big" one'
        elif fault == "names that collide":
            value["Humidity"] = 1
        yield Reading(
            place["device"].encode(),
            json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(),
            series_of(**place, microseconds=at * 1_000),
            fields if fault is None else None,
            fault,
        )
