"""The file with the user's prices."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from connectors.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_NUMBERS = ("write_units_10000", "storage_gb_month")


def read_prices(file: Path) -> dict[str, Any]:
    """The prices of a file. Raises ConfigError for what is no such file."""
    try:
        found = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"prices: {file} cannot be read: {error}\n  remedy: `tablestore-sync cost --new-prices "
            f"{file}` writes one to fill in"
        ) from None
    tables = found.get("tables", {})
    if not isinstance(tables, dict):
        raise ConfigError(f"prices: {file}: tables is no table\n  remedy: write [tables.NAME]")
    for where, prices in {
        "": found,
        **{f"tables.{name}.": one for name, one in tables.items()},
    }.items():
        known = {*_NUMBERS, "currency", "tables"} if not where else {*_NUMBERS}
        for name, value in prices.items() if isinstance(prices, dict) else ():
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if name not in known or (name in _NUMBERS and (not is_number or value < 0)):
                raise ConfigError(
                    f"prices: {file}: {where}{name}: known are {', '.join(_NUMBERS)} (numbers from "
                    "0 on) and currency\n  remedy: correct or remove it"
                )
    return found
