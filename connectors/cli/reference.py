"""docs/cli.md: every command with its options and examples, made of the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.cli.app import COMMANDS, about, command_line
from connectors.cli.exit_codes import MEANINGS
from connectors.cli.output import PROGRAM

_HEAD = f"""# The command line

Made of the code by `make pages`. In a checkout `make setup` puts `{PROGRAM}` into `.venv/bin`.
`{PROGRAM} COMMAND --help` shows the same in the terminal. Colours are left out where stdout is no
terminal, or when the environment has `NO_COLOR`.

`{PROGRAM} completion SHELL` prints a completion script for bash, zsh or fish.
"""
_JSON = """## JSON

With `--json` a command prints one JSON document on stdout and nothing else there. When it stops,
the document is `{"error": "...", "exit_code": 1}`.
"""


def page() -> str:
    """The text of docs/cli.md."""
    commands = command_line().commands
    blocks = [_HEAD, _exit_codes(), _JSON]
    for name, (function, examples) in COMMANDS.items():
        lines = [f"## {name}", "", about(function), ""]
        lines += [f"    {example}" for example in examples]
        lines += ["", "| option | default | what it does |", "|---|---|---|"]
        lines += list(_options(commands[name]))
        blocks.append("\n".join([*lines, ""]))
    return "\n".join(blocks)


def _exit_codes() -> str:
    lines = [
        "## Exit codes",
        "",
        "The same in every command:",
        "",
        "| code | meaning |",
        "|---|---|",
    ]
    lines += [f"| {code} | {meaning} |" for code, meaning in MEANINGS.items()]
    return "\n".join([*lines, ""])


def _options(command: Any) -> Iterator[str]:
    for parameter in command.params:
        if getattr(parameter, "hidden", False):
            continue
        text = (parameter.help or "").replace("|", "\\|")
        yield f"| {_name_of(parameter)} | {_default_of(parameter)} | {text} |"


def _name_of(parameter: Any) -> str:
    value = (parameter.metavar or "").replace("|", "\\|")
    if not parameter.opts[0].startswith("-"):
        return f"`{value}`"
    names = ", ".join(f"`{name}`" for name in parameter.opts)
    return names if parameter.is_flag else f"{names} `{value}`"


def _default_of(parameter: Any) -> str:
    if parameter.required:
        return "required"
    default = parameter.default
    return "" if default is None or getattr(parameter, "is_flag", False) else f"`{default}`"
