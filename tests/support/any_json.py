"""JSON texts of every kind, from a seed: fast enough for millions, nastier than most producers."""

from __future__ import annotations

import random
from collections.abc import Callable

_NAMES = [
    "a",
    "b",
    "c",
    "id",
    "k",
    "n",
    "s",
    "i",
    "d",
    "x",
    "A",
    "_a",
    "a_b",
    "offset",
    "name",
    "timestamp",
    "topic_partition",
    "a1",
    "a" * 255,
    "a" * 256,
    "",
    "1a",
    "a b",
    "a.b",
    "a-b",
    "\\u0061",
    "é",
    "\\u0000",
    "😀",
    "op",
    "after",
    "before",
    "payload",
    "schema",
    "$oid",
    "$numberLong",
    "$date",
]
_TEXTS = [
    "",
    " ",
    "x",
    "1",
    "-1",
    "01",
    "1.5",
    "1e3",
    "1e999999999",
    "NaN",
    "Infinity",
    "true",
    "TRUE",
    "null",
    "é",
    "😀",
    "\\ud83d\\ude00",
    "\\u0000",
    '\\n\\r\\t\\b\\f\\/\\\\\\"',
    "\\u2028\\u2029",
    "\\ufeff",
    "\\uffff",
    "AP8=",
    "AP8",
    "00ff",
    "2026-01-31",
    "2026-01-31T08:00:00Z",
    "9223372036854775807",
    "9223372036854775808",
    "١٢",
    "{}",
    "[1]",
    "__debezium_unavailable_value",
    "[]",
    '{\\"a\\":1}',
    "a" * 1024,
    "a" * 1025,
    "é" * 512,
    "é" * 513,
]
_NUMBERS = [
    "0",
    "-0",
    "1",
    "-1",
    "0.0",
    "-0.0",
    "1.0",
    "0.1",
    "1e2",
    "1E+2",
    "1e-2",
    "5e-324",
    "1e-400",
    "1e308",
    "1e309",
    "1.7976931348623157e308",
    "9007199254740992",
    "9007199254740993",
    "9007199254740993.0",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "1e999999999",
    "0.1000000000000000055511151231257827",
    "123456789012345678901234567890",
]


class AnyJson:
    """Texts of JSON values; the same seed gives the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def document(self) -> bytes:
        """One value: mostly an object, now and then anything, seldom something very large."""
        dice = self._random.random()
        if dice < 0.85:
            text = self._object(0)
        elif dice < 0.998:
            text = self._value(0)
        else:
            text = self._large()
        return text.encode()

    def _value(self, depth: int) -> str:
        dice = self._random.random()
        if dice < 0.3:
            return f'"{self._text()}"'
        if dice < 0.6:
            return self._number()
        if dice < 0.75 or depth > 6:
            return self._random.choice(("null", "true", "false"))
        return self._object(depth) if dice < 0.88 else self._array(depth)

    def _object(self, depth: int) -> str:
        count = self._random.choice((0, 1, 1, 2, 2, 3, 3, 4, 6))
        items = [f'"{self._name()}":{self._value(depth + 1)}' for _ in range(count)]
        return "{" + ",".join(items) + "}"

    def _array(self, depth: int) -> str:
        return (
            "[" + ",".join(self._value(depth + 1) for _ in range(self._random.randrange(4))) + "]"
        )

    def _name(self) -> str:
        if self._random.random() < 0.7:  # legal ones, so that many records become rows
            return self._random.choice(_NAMES[:18])
        return self._random.choice(_NAMES)

    def _text(self) -> str:
        if self._random.random() < 0.6:
            return self._random.choice(_TEXTS)
        size = self._random.randrange(8)
        return "".join(self._character() for _ in range(size))

    def _character(self) -> str:
        number = self._random.choice((0x20, 0x7F, 0x100, 0x3000, 0xE000, 0x1F600)) + (
            self._random.randrange(96)
        )
        character = chr(number)
        return f"\\u{number:04x}" if character in '"\\' or number < 0x20 else character

    def _number(self) -> str:
        dice = self._random.random()
        if dice < 0.5:
            return self._random.choice(_NUMBERS)
        if dice < 0.75:
            return str(self._random.getrandbits(self._random.randrange(1, 80)))
        return repr(self._random.uniform(-1e6, 1e6))

    def _large(self) -> str:
        makers: list[Callable[[int], str]] = [
            lambda n: "[" * n + "]" * n,
            lambda n: '{"a":' * n + "1" + "}" * n,
            lambda n: '{"a":' + "9" * n + "}",
            lambda n: '{"a":0.' + "1" * n + "}",
            lambda n: '{"a":"' + "x" * (20 * n) + '"}',
            lambda n: '{"' + "n" * n + '":1}',
            lambda n: "{" + ",".join(f'"c{i}":{i}' for i in range(n)) + "}",
            lambda n: '{"a":[' + "{}," * n + "1]}",
        ]
        return self._random.choice(makers)(self._random.choice((50, 200, 900, 1024, 1025, 5000)))
