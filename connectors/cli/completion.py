"""`tablestore-sync completion`."""

from __future__ import annotations

import os
from typing import Annotated, Literal

import typer

from connectors.cli.output import PROGRAM

EXAMPLES = (
    "tablestore-sync completion bash > ~/.local/share/bash-completion/completions/tablestore-sync",
    "tablestore-sync completion zsh > ~/.zfunc/_tablestore-sync",
    "tablestore-sync completion fish > ~/.config/fish/completions/tablestore-sync.fish",
)


def completion(
    shell: Annotated[
        Literal["bash", "zsh", "fish"],
        typer.Argument(metavar="bash|zsh|fish", help="The shell to complete in."),
    ],
) -> None:
    """Print the completion script of a shell.

    Put it where the shell looks for completions, as in the examples, and start a new shell. For zsh
    the folder must be on fpath before compinit.
    """
    from connectors.cli.app import command_line  # noqa: PLC0415 - it lists this command too

    # Typer prints the script when it finds the variable that the script itself will set.
    os.environ[f"_{PROGRAM.upper().replace('-', '_')}_COMPLETE"] = f"source_{shell}"
    command_line()([], prog_name=PROGRAM)
