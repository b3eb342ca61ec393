"""The implementations of the registries: classes and functions that are loaded by their names.

The registries are FORMATS, TRANSFORMS, PRIMARY_KEY_MODES and DEAD_LETTER_DESTINATIONS. An entry has
the properties that settings need, and names its implementation as module:name. It is only named,
because settings import no room above them, and a run loads only the libraries that it needs.
"""

from __future__ import annotations

import importlib
from typing import Any


def implementation(name: str) -> Any:
    """Import the class or function `name`, as module:name, of a registry entry."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)
