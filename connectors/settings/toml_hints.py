"""Common mistakes in TOML itself, reported with line and remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_POSITION = re.compile(r"\(at line (\d+), column \d+\)")
# A backslash between double quotes.
_BACKSLASH = re.compile(r'"[^"]*\\')
_WINDOWS_PATH = re.compile(r"[A-Za-z]:(?:[\x00-\x1f]|\\.*[\x00-\x1f])", re.DOTALL)
# Sections whose texts may contain anything.
_FREE = ("transforms", "mapping")
_HEADER = re.compile(r"\s*\[{1,2}(.*?)\]{1,2}\s*(?:#.*)?")
_NAME = re.compile(r"\"([^\"]*)\"|'([^']*)'|([^\s.\"']+)")
_SINGLE_QUOTES = (
    r"put a Windows path in single quotes, such as 'C:\certs\ca.pem', or write / for \ in it: in "
    r"double quotes a backslash begins an escape such as \n or \U"
)


def syntax_error(error: Exception, text: str) -> str:
    """The parser's error for a file's text, with the remedy if a Windows path is the cause."""
    found = _POSITION.search(str(error))
    lines = text.splitlines()
    if found and int(found[1]) <= len(lines) and _BACKSLASH.search(lines[int(found[1]) - 1]):
        return f"{error}\n  remedy: {_SINGLE_QUOTES}"
    return str(error)


def escaped_paths(values: Mapping[str, Any], text: str, file: Path) -> Iterator[str]:
    r"""A text for each Windows path in which \t, \n and the like have become control characters."""
    for path, value in _leaves(values):
        if path[0] not in _FREE and isinstance(value, str) and _WINDOWS_PATH.match(value):
            yield (
                f"{'.'.join(path)}: holds a control character\n  from: "
                f"{place_of(path, text, file)}\n  remedy: {_SINGLE_QUOTES}"
            )


def dotted_names(
    values: Mapping[str, Any], options: Mapping[tuple[str, str], bool], text: str, file: Path
) -> Iterator[str]:
    """A text for each name with dots that lacks its quotes, in options that are tables of values.

    Without quotes `a.b = 1` is a table `a` with the key `b`. `options` are (section, option); True
    where the section is a list of tables.
    """
    for (section, option), is_list in options.items():
        sections = values.get(section)
        for one in sections if is_list and isinstance(sections, list) else [sections]:
            node = one.get(option) if isinstance(one, dict) else None
            if not isinstance(node, dict):
                continue
            for first, inner in node.items():
                if not isinstance(inner, dict):
                    continue
                for rest, _ in _leaves({first: inner}):
                    name = ".".join(rest)
                    where = place_of((section, option, *rest), text, file)
                    yield (
                        f"{section}.{option}: a name with dots must be in quotes here\n"
                        f'  from: {where}\n  remedy: write "{name}" = ...'
                    )


def place_of(path: tuple[str, ...], text: str, file: Path) -> str:
    """The line of a file that sets a key, or the one nearest to it: `FILE, line 7, [a.b] c`."""
    header: tuple[str, ...] = ()
    best, line = 0, 1
    for number, content in enumerate(text.splitlines(), 1):
        heading = _HEADER.fullmatch(content)
        if heading:
            header = _names(heading[1])
            full = header
        elif "=" in content and not content.lstrip().startswith("#"):
            full = (*header, *_names(content.partition("=")[0]))
        else:
            continue
        if len(full) > best and path[: len(full)] == full:
            best, line = len(full), number
    return f"{file}, line {line}, [{'.'.join(path[:2])}] {'.'.join(path[2:])}".rstrip()


def _names(text: str) -> tuple[str, ...]:
    return tuple("".join(found) for found in _NAME.findall(text))


def _leaves(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _leaves(value, (*path, name))
    elif isinstance(node, list):
        for value in node:
            yield from _leaves(value, path)
    else:
        yield path, node
