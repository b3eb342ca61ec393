"""The blocks of commands in README and docs, and the commands in them."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SHELLS = ("sh", "bash", "console", "shell")
# Programs by which an indented line is known for a command.
PROGRAMS = (
    "tablestore-sync",
    "local-tablestore",
    "python",
    ".venv/bin/python",
    "make",
    "pip",
    "docker",
    "helm",
    "kubectl",
    "systemctl",
    "sudo",
    "curl",
    "export",
    "alias",
    ".",
)
_COMMAND = re.compile(
    rf"^ {{4,}}(?:\w+=\S* )*(?:{'|'.join(map(re.escape, PROGRAMS))})(?: |$)", re.ASCII
)


class Block(NamedTuple):
    """A block of commands of a page."""

    page: str
    line: int
    text: str

    @property
    def commands(self) -> list[str]:
        """Its commands, those of several lines joined, without comments that stand alone."""
        joined = re.sub(r"\\\n\s*", " ", self.text)
        lines = (line.strip() for line in joined.splitlines())
        return [line.removeprefix("$ ") for line in lines if line and not line.startswith("#")]


def pages() -> list[str]:
    """Every Markdown page of the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted(listed.stdout.split())


def blocks(page: str) -> Iterator[Block]:
    """The blocks of commands of a page: fenced ones of a shell, and indented ones."""
    language, start, held = "", 0, list[str]()
    indented: list[str] = []
    for number, line in enumerate([*(ROOT / page).read_text("utf-8").splitlines(), ""], 1):
        found = re.match(r"\s*```(\w*)$", line)
        if found and not language:
            language, start, held = found[1] or "text", number, []
        elif found:
            if language in SHELLS:
                yield Block(page, start, "\n".join(held))
            language = ""
        elif language:
            held.append(line)
        elif indented and line.startswith("    "):
            indented.append(line)
        elif indented:
            yield Block(page, start, "\n".join(indented))
            indented = []
        elif _COMMAND.match(line):
            start, indented = number, [line]


def all_blocks() -> list[Block]:
    """The blocks of all pages."""
    return [block for page in pages() for block in blocks(page)]
