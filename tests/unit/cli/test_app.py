"""The command line as a whole: help, completion, exit codes, JSON; what `--help` imports."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from connectors import cli
from connectors.cli import exit_codes
from connectors.cli.app import COMMANDS, command_line

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]


def test_help_imports_nothing_that_a_command_works_with() -> None:
    """The engine and the clients cost most of a second; Typer itself brings pydantic."""
    program = (
        "import sys; from connectors import cli\n"
        "for one in sys.argv[1:]: assert cli.main([*one.split(), '--help']) == 0\n"
        "print('IMPORTED', *sorted({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "", *COMMANDS],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    imported = set(done.stdout.rpartition("IMPORTED")[2].split())
    heavy = {
        "bytewax",
        "confluent_kafka",
        "tablestore",
        "numpy",
        "javaproperties",
        "msgspec",
        "tomlkit",
    }
    assert "typer" in imported, done.stderr
    assert not imported & heavy


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each option says what it does; the examples are legal command lines of that command."""
    function, examples = COMMANDS[name]
    assert cli.main([name, "--help"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    command = command_line().commands[name]
    assert examples
    for example in examples:
        assert example in printed
        words = example.partition(" > ")[0].split()
        assert words[:2] == ["tablestore-sync", name]
        command.make_context(name, words[2:])  # raises a usage error
    for parameter in command.params:
        assert parameter.hidden or parameter.help, parameter.name
        if not getattr(parameter, "is_flag", False):
            assert parameter.hidden or parameter.metavar, parameter.name
    assert function.__doc__


def test_a_wrong_command_line_names_the_way_to_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 in every command."""
    for arguments in (["nothing"], ["run", "--nothing"], ["run", "--workers", "x"], ["skip"]):
        assert cli.main(arguments) == exit_codes.USAGE
        assert "--help' for help" in capsys.readouterr().err


def test_no_colours_without_a_terminal() -> None:
    """Nor where the environment says so: a pipe or a file gets text only."""
    environment = {name: text for name, text in os.environ.items() if "COLOR" not in name}
    environment |= {"GITHUB_ACTIONS": "true"}  # which libraries take for a terminal
    for arguments in (["--help"], ["run", "--help"], ["run", "--nothing"]):
        done = subprocess.run(
            [sys.executable, "-m", "connectors.cli", *arguments],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=environment,
            timeout=60,
        )
        assert "\x1b" not in done.stdout + done.stderr


def test_an_interrupted_command_has_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in any command: 130, as shells have it."""

    def interrupted() -> None:
        """Wait."""
        raise KeyboardInterrupt

    monkeypatch.setitem(COMMANDS, "wait", (interrupted, ["tablestore-sync wait"]))
    assert cli.main(["wait"]) == exit_codes.INTERRUPTED


@pytest.mark.parametrize("no_color", [True, False])
def test_colours_on_a_terminal_unless_no_color(no_color: bool) -> None:
    """NO_COLOR in the environment, with whatever text, turns them off."""
    environment = {name: text for name, text in os.environ.items() if "COLOR" not in name}
    environment |= {"TERM": "xterm-256color", **({"NO_COLOR": "1"} if no_color else {})}
    ours, theirs = os.openpty()
    subprocess.run(
        [sys.executable, "-m", "connectors.cli", "--help"],
        stdout=theirs,
        stderr=theirs,
        cwd=ROOT,
        env=environment,
        timeout=60,
    )
    os.close(theirs)
    printed = os.read(ours, 1 << 16)
    os.close(ours)
    assert b"Usage" in printed
    assert bool(re.search(rb"\x1b\[[0-9;]*3[0-7]m", printed)) is not no_color


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_a_shell(shell: str) -> None:
    """The script completes command names; where the shell is installed, it reads the script."""
    python = [sys.executable, "-m", "connectors.cli"]
    done = subprocess.run(
        [*python, "completion", shell], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert done.returncode == 0
    variable = re.search(rf"_TABLESTORE_SYNC_COMPLETE=complete_{shell}", done.stdout)
    assert variable, done.stdout
    if shutil.which(shell):
        read = subprocess.run([shell, "-n"], input=done.stdout, text=True, capture_output=True)
        assert read.returncode == 0, read.stderr
    asked = {
        "bash": {"COMP_WORDS": "tablestore-sync re", "COMP_CWORD": "1"},
        "zsh": {"_TYPER_COMPLETE_ARGS": "tablestore-sync re"},
        "fish": {
            "_TYPER_COMPLETE_ARGS": "tablestore-sync re",
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        },
    }[shell]
    answer = subprocess.run(
        python,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **asked, "_TABLESTORE_SYNC_COMPLETE": f"complete_{shell}"},
        timeout=60,
    )
    assert "replay" in answer.stdout
    assert "skip" not in answer.stdout


def test_json_is_one_document_in_a_failure_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script reads why from stdout, and the exit code is that of the text form."""
    missing = str(tmp_path / "missing.toml")
    assert cli.main(["check", "--json", "--config", missing]) == exit_codes.STOPPED
    document = json.loads(capsys.readouterr().out)
    assert "missing.toml" in document["error"]
    assert document["exit_code"] == exit_codes.STOPPED
    assert cli.main(["check", "--config", missing]) == exit_codes.STOPPED
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "remedy" in printed.err


def test_exit_codes_have_their_meaning_on_the_page() -> None:
    """Each constant has its line, and no two are equal."""
    constants = {
        number for name, number in vars(exit_codes).items() if name.isupper() and name != "MEANINGS"
    }
    assert constants == set(exit_codes.MEANINGS)
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    assert all(f"| {code} | {text} |" in page for code, text in exit_codes.MEANINGS.items())
