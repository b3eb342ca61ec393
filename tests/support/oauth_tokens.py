"""A user's functions of kafka.oauth_function, for flows; a file says what they do."""

from __future__ import annotations

import base64
import json
import os
import time
from pathlib import Path
from typing import Any

VARIABLE = "SYNC_TEST_OAUTH"
LIVES = 6.0


class Issuer:
    """The file, as the test that writes it sees it."""

    def __init__(self, folder: Path) -> None:
        self.mode_file = folder / "mode"
        self.calls_file = folder / "calls"
        self.set("good")
        self.calls_file.touch()

    @property
    def env(self) -> dict[str, str]:
        """The environment variables that the flow needs."""
        return {VARIABLE: str(self.mode_file.parent)}

    def set(self, mode: str) -> None:
        """What the function does from now on: good, raise, text."""
        self.mode_file.write_text(mode)

    def calls(self) -> list[str]:
        """What it was asked to do."""
        return self.calls_file.read_text().splitlines()


def token(config: str) -> Any:
    """An unsigned token that lives some seconds, or what the test wants to see failing."""
    issuer = Path(os.environ[VARIABLE])
    mode = (issuer / "mode").read_text()
    with (issuer / "calls").open("a") as calls:
        calls.write(f"{mode} {config}\n")
    now = time.time()
    if mode == "raise":
        raise TimeoutError("canary-of-the-issuer")
    if mode == "text":
        return "canary-of-the-token"
    claims = {"sub": "sync", "iat": now, "exp": now + LIVES}
    return f"{_part({'alg': 'none'})}.{_part(claims)}.", now + LIVES


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
