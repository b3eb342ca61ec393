"""The encoder of a row is chosen by as few of its types as can be, and is never a wrong one."""

import random
from typing import Any

import pytest

from connectors.mapping.encoder import Encoded
from connectors.mapping.shape_cache import Encoders

NULL = type(None)


class ForTypes:
    """An encoder that, as the real ones, checks only the types of what it takes."""

    def __init__(self, *types: type) -> None:
        self.types = types

    def __call__(self, *values: Any) -> Encoded:
        """The values as a row. Raises TypeError."""
        for value, wanted in zip(values, self.types, strict=True):
            if wanted is not NULL and type(value) is not wanted:
                raise TypeError
        return repr(values).encode(), b"", "put"


def encoders(*shapes: tuple[type, ...]) -> tuple[Encoders, dict[tuple[type, ...], ForTypes]]:
    """Encoders of these shapes, which take every value but nulls."""
    made, known = Encoders(), {}
    for types in shapes:
        known[types] = ForTypes(*types)
        made.add(types, known[types], [at for at, kind in enumerate(types) if kind is NULL])
    return made, known


def test_a_null_decides_which_encoder_it_is() -> None:
    """An encoder for a null field takes no row that has a value there."""
    made, known = encoders((str, int), (NULL, int))
    rows = [("a", 1), (None, 2), ("b", 3)]
    assert made.chosen(rows) == [known[tuple(map(type, row))] for row in rows]


def test_a_type_that_was_not_seen_has_no_encoder() -> None:
    """The rows go another way then; so do all rows before anything is compiled."""
    made, _ = encoders((str, int), (NULL, int))
    with pytest.raises(KeyError):
        made.chosen([("a", 1), (1.5, 2)])
    with pytest.raises(KeyError):
        Encoders().chosen([("a", 1)])


def test_what_is_always_null_is_looked_at() -> None:
    """One shape alone whose field is null: no encoder checks that field, so a value is noticed."""
    made, _ = encoders((str, NULL))
    with pytest.raises(KeyError):
        made.chosen([("a", None), ("b", 7)])


def test_no_row_gets_an_encoder_of_other_types() -> None:
    """For any shapes and rows: the encoder of exactly these types, an error of it, or none."""
    source = random.Random(5)
    kinds: list[Any] = [None, "a", 1, 2.5]
    for _ in range(500):
        names = source.randrange(1, 5)
        shapes = {
            tuple(type(source.choice(kinds)) for _ in range(names))
            for _ in range(source.randrange(1, 5))
        }
        made, known = encoders(*shapes)
        row = tuple(source.choice(kinds) for _ in range(names))
        types = tuple(map(type, row))
        try:
            (found,) = made.chosen([row])
            found(*row)
        except (KeyError, TypeError):
            assert types not in known
        else:
            assert found is known[types]
