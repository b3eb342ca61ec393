"""One value for one column."""

from typing import Any

import pytest

from connectors.errors import Rejection
from connectors.mapping.conversions.column_types import converter


def convert(value: Any, wanted: str) -> Any:
    """The value as the column takes it."""
    return converter("c", wanted, type(value))(value)


def code_of(value: Any, wanted: str) -> str:
    """The code of the rejection."""
    with pytest.raises(Rejection) as caught:
        convert(value, wanted)
    assert "'c'" in caught.value.reason
    return caught.value.code
