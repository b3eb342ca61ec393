"""The command `tablestore-sync`: a file for each of its commands."""

from __future__ import annotations

from connectors.cli.app import main

__all__ = ["main"]
