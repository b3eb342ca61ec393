"""The command line as a whole: which commands there are, and how each of them ends."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer
from typer.main import get_command

from connectors.cli import (
    backfill,
    check,
    completion,
    cost,
    drift,
    exit_codes,
    import_config,
    init,
    live,
    log_level,
    offsets,
    preview,
    replay,
    run,
    skip,
    status,
    top,
    verify,
)
from connectors.cli.output import PROGRAM, say_json, warn
from connectors.control.protocol import CommandError
from connectors.errors import ConfigError, StopRun

# A command is a function whose docstring and annotated parameters are its help, and examples of
# its use. Its module imports what it works with inside the function, so that `--help` is fast.
COMMANDS: dict[str, tuple[Callable[..., None], Sequence[str]]] = {
    "init": (init.init, init.EXAMPLES),
    "run": (run.run, run.EXAMPLES),
    "top": (top.top, top.EXAMPLES),
    "check": (check.check, check.EXAMPLES),
    "status": (status.status, status.EXAMPLES),
    "pause": (live.pause, live.PAUSE_EXAMPLES),
    "resume": (live.resume, live.RESUME_EXAMPLES),
    "drain": (live.drain, live.DRAIN_EXAMPLES),
    "log-level": (log_level.log_level, log_level.EXAMPLES),
    "offsets": (offsets.offsets, offsets.EXAMPLES),
    "preview": (preview.preview, preview.EXAMPLES),
    "drift": (drift.drift, drift.EXAMPLES),
    "cost": (cost.cost, cost.EXAMPLES),
    "verify": (verify.verify, verify.EXAMPLES),
    "replay": (replay.replay, replay.EXAMPLES),
    "backfill": (backfill.backfill, backfill.EXAMPLES),
    "skip": (skip.skip, skip.EXAMPLES),
    "import-config": (import_config.import_config, import_config.EXAMPLES),
    "completion": (completion.completion, completion.EXAMPLES),
}
# Typer takes some CI systems for terminals, unless it finds this.
_NO_TERMINAL = "_TYPER_FORCE_DISABLE_TERMINAL"
_CONTEXT = {"help_option_names": ["--help", "-h"]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; `replay` becomes the flow's process."""
    given = sys.argv[1:] if arguments is None else [*arguments]
    colours = sys.stdout.isatty() or "FORCE_COLOR" in os.environ
    if not colours:
        os.environ.setdefault(_NO_TERMINAL, "1")
    try:
        command_line()(given, prog_name=PROGRAM)
    except (CommandError, ConfigError, StopRun) as error:
        if "--json" in given:
            say_json({"error": str(error), "exit_code": exit_codes.STOPPED})
        else:
            warn(str(error))
        return exit_codes.STOPPED
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except SystemExit as end:
        return _code_of(end)
    finally:
        if not colours:
            os.environ.pop(_NO_TERMINAL, None)
    return exit_codes.DONE


def _code_of(end: SystemExit) -> int:
    if isinstance(end.code, int):
        return end.code
    return exit_codes.DONE if end.code is None else exit_codes.STOPPED


def command_line() -> Any:
    """The commands as Click's command, which docs/cli.md is made from too."""
    app = typer.Typer(
        help="Kafka topics into Alibaba Cloud Tablestore tables.",
        epilog="Each command has examples: tablestore-sync COMMAND --help",
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        no_args_is_help=True,
        context_settings=_CONTEXT,
    )
    for name, (function, examples) in COMMANDS.items():
        epilog = "\n\n".join(["Examples:", *examples])
        app.command(name, help=about(function), epilog=epilog, context_settings=_CONTEXT)(function)
    return get_command(app)


def about(function: Callable[..., None]) -> str:
    """What a command does: its docstring, a line a paragraph."""
    paragraphs = (inspect.getdoc(function) or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
