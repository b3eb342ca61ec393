"""Makes this process the one of a flow."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from connectors.settings import Settings

_SNAPSHOT_SECONDS = "5"


def variables_of(section: str, values: Mapping[str, object]) -> dict[str, str]:
    """Options of a command as environment variables of a section's settings.

    What is None, False or empty was not given.
    """
    from connectors.settings import ENV_PREFIX  # noqa: PLC0415

    return {
        f"{ENV_PREFIX}{section.upper()}__{name.upper()}": value
        if isinstance(value, str)
        else json.dumps(value)
        for name, value in values.items()
        if value is not None and value is not False and value != []
    }


def digest_of(selection: object) -> str:
    """Eight digits that are the same for the same selection, for the name of a folder."""
    return hashlib.sha256(json.dumps(selection).encode()).hexdigest()[:8]


def become(
    flow: str,
    config: Path | None,
    state: Callable[[Settings], Path],
    variables: Mapping[str, str],
    more: Sequence[str] = (),
) -> NoReturn:
    """Replace this process by the flow's, so that signals reach the flow. Raises ConfigError.

    `state` gives the recovery folder, `variables` are set in its environment, and `more` are
    further arguments of Bytewax.
    """
    from connectors.kafka.property_check import check_client_properties  # noqa: PLC0415
    from connectors.settings.loading import CONFIG_VARIABLE, load  # noqa: PLC0415

    os.environ.update(variables)
    if config is not None:
        os.environ[CONFIG_VARIABLE] = str(config)
    settings = load(config)  # so that a wrong option is reported before anything starts
    check_client_properties(settings)
    recovery = ["-r", str(state(settings)), "-s", _SNAPSHOT_SECONDS, "-b", "0"]
    program = [sys.executable, "-m", "bytewax.run", flow, *recovery, *more]
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(program[0], program)  # noqa: S606 - our own interpreter
