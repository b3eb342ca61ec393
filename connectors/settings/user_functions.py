"""Functions of the user, named in config.toml as `package.module:function`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from connectors.errors import StopRun


def is_function_name(text: str) -> bool:
    """Whether a text has the form package.module:function; the function need not exist."""
    module, colon, name = text.partition(":")
    parts = [*module.split("."), *name.split(".")]
    return bool(colon) and all(part.isidentifier() for part in parts)


def find_function(name: str, key: str) -> Callable[..., Any]:
    """Import the function of this name, which the option `key` of the configuration holds.

    Raises StopRun, with the option and a remedy, when there is none.
    """
    module, _, attributes = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for attribute in attributes.split("."):
            found = getattr(found, attribute)
    except (ImportError, AttributeError) as error:
        raise StopRun(
            f"{key}: cannot find {name}: {error}\n  remedy: it is package.module:function, and "
            "the folder of the package must be on PYTHONPATH"
        ) from None
    if not callable(found):
        raise StopRun(f"{key}: {name} is not a function but a {type(found).__name__}")
    function: Callable[..., Any] = found
    return function
