"""The commands of README and docs can be typed: they parse, and what they name exists.

docs/tutorial.md is run as a whole by flows/test_tutorial.py, and docs/tools.md by
flows/test_tools_page.py; most of README.md, docs/cli.md and docs/migrating.md is run by
flows/test_documented_commands.py. The options, targets, modules and files of all are checked here.
"""

import re
import shlex
import sys
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from bytewax.run import _parse_args

from connectors.cli.app import command_line
from connectors.cli.output import PROGRAM
from tests.support.blocks import ROOT, Block, all_blocks

BLOCKS = all_blocks()
# Programs of the reader's machine, whose options are not ours.
OF_OTHERS = {
    *("docker", "helm", "kubectl", "systemctl", "sudo", "curl", "pip", "echo", "printf"),
    *("cat", "cd", "sed", "kill", "wait", "rm", "mkdir", "git", "openssl", "tar"),
    *("export", "alias", ".", "go", "npm", "node", "java", "cargo", "mvn", "ps"),
}
FOLDERS = {path.name for path in ROOT.iterdir() if path.is_dir()}
# Paths that a command makes, or that are the reader's.
NOT_HERE = {"my_flows", "state", "demo-data", "dist", "build", "site"}
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
COMMANDS = [
    pytest.param(block, command, id=f"{block.page}:{block.line}:{command[:50]}")
    for block in BLOCKS
    for command in block.commands
]


def words_of(command: str) -> list[list[str]]:
    """The commands of a line: their words, without variables in front and without redirections."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    found: list[list[str]] = [[]]
    is_target = False
    for word in lexer:
        if set(word) <= set("|&;"):
            found.append([])
        elif set(word) <= set("<>&"):
            is_target = True
            if found[-1] and found[-1][-1] in ("1", "2"):
                found[-1].pop()
        elif is_target:
            is_target = False
        elif found[-1] or not re.match(r"\w+=", word):
            found[-1].append(word)
    return [words for words in found if words]


class WrongCommandError(AssertionError):
    """A command that cannot be typed as it is."""


@cache
def the_command_line() -> Any:
    """Built once; parsing does not change it."""
    return command_line()


def parse(arguments: list[str]) -> None:
    """Let the command line parse its arguments; nothing is run. Raises WrongCommandError."""
    command, rest, parent = the_command_line(), [*arguments], None
    try:
        while True:
            context = command.make_context(PROGRAM, rest, parent=parent)
            if not hasattr(command, "resolve_command"):
                return
            given = [*context._protected_args, *context.args]
            _, command, rest = command.resolve_command(context, given)
            parent = context
    except Exception as error:
        # Typer has Click inside itself, whose exceptions it does not hand out.
        text = getattr(error, "format_message", None)
        if text is not None:
            raise WrongCommandError(text()) from None
        if getattr(error, "exit_code", 1) != 0:  # 0: --help
            raise


def check(words: list[str]) -> None:
    """Fail where one command cannot be typed as it is."""
    program, arguments = words[0], words[1:]
    if program in ("python", ".venv/bin/python") and arguments[:1] == ["-m"]:
        module, arguments = arguments[1], arguments[2:]
        if module == "connectors.cli":
            program = "tablestore-sync"
        elif module == "bytewax.run":
            with patch.object(sys, "argv", ["bytewax.run", *arguments]):
                page = str(_parse_args().import_str).partition(":")[0]
            if page.split(".")[0] not in NOT_HERE:
                assert (ROOT / f"{page.replace('.', '/')}.py").exists(), page
            return
        else:
            name = ROOT / module.replace(".", "/")
            assert (
                module in ("pytest", "venv", "pip") or name.exists() or Path(f"{name}.py").exists()
            )
    if program == "tablestore-sync":
        parse(arguments)
    elif program == "make":
        for word in arguments:
            assert "=" in word or word in TARGETS, f"make has no target {word}"
    else:
        known = {*OF_OTHERS, "python", ".venv/bin/python", "local-tablestore", "python3.12"}
        assert program in known, f"{program}: an unknown program"


@pytest.mark.parametrize(("block", "command"), COMMANDS)
def test_a_command_can_be_typed(block: Block, command: str) -> None:
    """Options, make's targets, modules and pages of flows are there."""
    for words in words_of(command):
        check(words)
        for word in words:
            path = word.partition("=")[2] or word
            top = path.split("/")[0]
            if re.fullmatch(r"[\w.-]+(/[\w.@-]+)+/?", path) and top in FOLDERS - NOT_HERE:
                assert (ROOT / path).exists(), f"{block.page}:{block.line}: no {path}"


def test_the_blocks_are_found() -> None:
    """Those of the pages that have the most of them."""
    pages = {block.page for block in BLOCKS}
    assert {"README.md", "docs/tutorial.md", "docs/cli.md", "docs/operations.md"} <= pages
    assert {"docs/tools.md", "examples/debezium_to_tables/README.md"} <= pages
    assert len(COMMANDS) > 100


@pytest.mark.parametrize(
    "command",
    [
        "tablestore-sync run --no-such-option",
        "tablestore-sync no-such-command",
        "python -m connectors.cli preview --last many",
        "make no-such-target",
        "python -m bytewax.run flows.no_such_page -r state",
        "python -m no_such_module",
        "no-such-program",
    ],
)
def test_a_wrong_command_is_found(command: str) -> None:
    """The check itself can fail."""
    (words,) = words_of(command)
    with pytest.raises((AssertionError, SystemExit)):
        check(words)
