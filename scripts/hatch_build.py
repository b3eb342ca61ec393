"""The wheel's build hook: with the compiled encoder where it can be built, else of Python alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from scripts import accelerator


class AcceleratorHook(BuildHookInterface):  # type: ignore[type-arg, misc, unused-ignore]
    """Puts the compiled encoder into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build it, and name the platform in the wheel's name."""
        if version == "editable":
            return
        try:
            target = accelerator.build()
        except accelerator.NotBuiltError as error:
            self.app.display_warning(f"without the compiled encoder: {error}")
            return
        root = Path(self.root)
        build_data["force_include"][str(target)] = str(target.relative_to(root))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
