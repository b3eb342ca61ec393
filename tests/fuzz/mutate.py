"""Damaged values, texts and bytes, from a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

_ODD: Sequence[Any] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63) - 1, 2**200, 1e308, -0.0, 0.5,
    "", " ", "x", "\0", "é" * 300, "a" * 70_000, "https://[::1", "${x}", "[[", "\ud800", "NaN",
    [], [[]], {}, {"": {}}, [None], {"type": "record"}, {"name": None}, ["null", "null"],
)  # fmt: skip
_TOKENS = (b"", b"\0", b"\xff\xfe", b'"', b"{", b"}", b"[", b"]", b"\n", b"=", b"null", b"1e999")


def value(random_: random.Random, found: Any) -> Any:
    """A JSON value with one node, or a few, replaced, removed, doubled or moved."""
    for _ in range(random_.choice((1, 1, 1, 2, 5))):
        found = _once(random_, found)
    return found


def _once(random_: random.Random, found: Any) -> Any:
    if isinstance(found, dict) and found and random_.random() < 0.85:
        copy = dict(found)
        name = random_.choice(list(copy))
        kind = random_.random()
        if kind < 0.6:
            copy[name] = _once(random_, copy[name])
        elif kind < 0.75:
            del copy[name]
        elif kind < 0.9:
            copy[random_.choice((*copy, "x", "type", "name", ""))] = random_.choice(
                (*copy.values(), *_ODD)
            )
        else:
            copy[name] = {name: copy[name]}
        return copy
    if isinstance(found, list) and found and random_.random() < 0.85:
        items = list(found)
        at = random_.randrange(len(items))
        kind = random_.random()
        if kind < 0.6:
            items[at] = _once(random_, items[at])
        elif kind < 0.75:
            del items[at]
        else:
            items.insert(at, random_.choice((*items, *_ODD)))
        return items
    if isinstance(found, str) and found and random_.random() < 0.5:
        return data(random_, found.encode("utf-8", "replace")).decode("utf-8", "replace")
    return random_.choice(_ODD)


def data(random_: random.Random, found: bytes) -> bytes:
    """Bytes with some changed, cut, doubled or put in."""
    changed = bytearray(found)
    for _ in range(random_.choice((1, 1, 2, 4, 16))):
        at = random_.randrange(len(changed) + 1)
        kind = random_.randrange(6)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << random_.randrange(8)
        elif kind == 1 and at < len(changed):
            changed[at] = random_.randrange(256)
        elif kind == 2:
            del changed[at : at + random_.randrange(1, 9)]
        elif kind == 3:
            changed[at:at] = random_.choice(_TOKENS)
        elif kind == 4:
            changed[at:at] = changed[at : at + random_.randrange(1, 40)]
        else:
            del changed[at:]
    return bytes(changed)
