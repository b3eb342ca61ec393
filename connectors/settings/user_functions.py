"""Functions of the user's own, named in config.toml as `package.module:function`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from connectors.errors import StopRun


def find_function(name: str, place: str) -> Callable[..., Any]:
    """The function of this name. Raises StopRun that names its `place` in the configuration."""
    module, _, attributes = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for attribute in attributes.split("."):
            found = getattr(found, attribute)
    except (ImportError, AttributeError) as error:
        raise StopRun(
            f"{place}: cannot find {name}: {error}\n  remedy: it is package.module:function, and "
            "the folder of the package must be on PYTHONPATH"
        ) from None
    if not callable(found):
        raise StopRun(f"{place}: {name} is no function but a {type(found).__name__}")
    function: Callable[..., Any] = found
    return function
