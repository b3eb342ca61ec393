"""The commands to a run that goes on, or is stopped: their options, and what they print."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from connectors.control import commands
from connectors.run.log import LEVELS

Options = argparse.Namespace
Parsers = argparse._SubParsersAction


def add_commands(parsers: Parsers[argparse.ArgumentParser]) -> None:
    """Add status, pause, resume, drain, log-level and offsets."""
    add = _add(parsers, "status", "what the run does: offsets, counts, rejections, waits", _status)
    add("--json", action="store_true", help="as JSON")
    for name, help_, function in (
        ("pause", "read nothing until `resume`", commands.pause),
        ("resume", "read on", commands.resume),
        ("drain", "end the run as SIGTERM does: what was read is written", commands.drain),
    ):
        add = _add(parsers, name, help_, _saying(function))
        add("--yes", action="store_true", help="for scripts: these commands never ask")
    add = _add(parsers, "log-level", "change the level of the log, until the run ends", _log_level)
    add("level", choices=LEVELS)
    _add_offsets(parsers)


def _add(
    parsers: Parsers[argparse.ArgumentParser],
    name: str,
    help_: str,
    function: Callable[[Options], int],
) -> Callable[..., Any]:
    parser = parsers.add_parser(name, help=help_)
    parser.add_argument(
        "-r", "--state", metavar="FOLDER", default="state", help="recovery folder (default state)"
    )
    parser.set_defaults(command=function)
    return parser.add_argument


def _add_offsets(parsers: Parsers[argparse.ArgumentParser]) -> None:
    parser = parsers.add_parser("offsets", help="where the run goes on, and how to change that")
    kinds = parser.add_subparsers(required=True, metavar="WHAT")
    add = _add(kinds, "show", "each partition; of a run that goes on, its lag too", _offsets_show)
    add("--json", action="store_true", help="as JSON")
    add = _add(kinds, "reset", "have a stopped run go on elsewhere", _offsets_reset)
    add("--config", metavar="FILE", help="instead of ./config.toml")
    add("--to", required=True, metavar="WHERE", help="earliest, latest, an offset, or a time such "
        "as 2026-01-31T08:00:00Z")  # fmt: skip
    add("--topic", metavar="T", help="only this topic")
    add("--partition", metavar="P", type=int, help="only this partition")
    add("--yes", action="store_true", help="do not ask")
    add = _add(kinds, "skip", "have a stopped run go on behind one offset", _offsets_skip)
    add("--topic", metavar="T", required=True, help="its topic")
    add("--partition", metavar="P", required=True, type=int, help="its number")
    add("--offset", metavar="O", required=True, type=int, help="the last offset to leave out")
    add("--yes", action="store_true", help="do not ask")


def _say(lines: Iterable[str]) -> int:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _saying(function: Callable[[Path], str]) -> Callable[[Options], int]:
    return lambda options: _say([function(Path(options.state))])


def _status(options: Options) -> int:
    found = commands.status(Path(options.state))
    return _say([json.dumps(found, indent=2)] if options.json else commands.status_lines(found))


def _log_level(options: Options) -> int:
    return _say([commands.log_level(Path(options.state), options.level)])


def _offsets_show(options: Options) -> int:
    from connectors.offsets.commands import show  # noqa: PLC0415

    found = show(Path(options.state))
    return _say([json.dumps(found, indent=2)] if options.json else commands.partition_lines(found))


def _offsets_reset(options: Options) -> int:
    from connectors.offsets.commands import asks, reset  # noqa: PLC0415
    from connectors.settings.loading import load  # noqa: PLC0415

    settings = load(options.config)
    where = (options.to, options.topic, options.partition)
    return _say(reset(Path(options.state), settings, *where, asks(options.yes)))


def _offsets_skip(options: Options) -> int:
    from connectors.offsets.commands import asks, skip_one  # noqa: PLC0415

    which = (options.topic, options.partition, options.offset)
    return _say(skip_one(Path(options.state), *which, asks(options.yes)))
