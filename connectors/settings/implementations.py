"""The classes and functions that do the work of an entry in one of the registries of settings.

The registries are FORMATS, TRANSFORMS, PRIMARY_KEY_MODES and DEAD_LETTER_DESTINATIONS. An entry has
the properties that settings need and the name of its implementation, as module:name. Only the name,
because settings import no room above them, and a library is loaded only by a run that needs it.
"""

from __future__ import annotations

import importlib
from typing import Any


def implementation(name: str) -> Any:
    """Import the class or function `name`, as module:name, of a registry entry."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)
