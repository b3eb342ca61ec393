"""What an error says of itself without its text."""

from pathlib import Path

import pytest

from connectors.errors import raised_at
from tests.unit.factories import CANARY


def inner() -> None:
    raise KeyError(CANARY)


def test_an_error_is_named_by_class_file_and_line() -> None:
    """The innermost line that raised; the text may hold a record's values, so it is left out."""
    with pytest.raises(KeyError) as caught:
        inner()
    line = inner.__code__.co_firstlineno + 1
    assert raised_at(caught.value) == f"KeyError at {Path(__file__).name}:{line}"
