"""What became of an input, in few words that can be counted."""

from __future__ import annotations


def text_of(stop: Exception) -> str:
    """The class of an ordered stop. Raises AssertionError for one without a text."""
    if not str(stop):
        raise AssertionError("an ordered stop without a text")
    verdict = getattr(stop, "verdict", None)
    return type(stop if verdict is None else verdict).__name__
