"""Starts servers that have been imported before: `python -m tests.emulator.forker`.

Each line on stdin is a JSON list, the file for what the server prints first and then its
arguments; the answer is its process id. After the server has ended an empty line asks for how.
"""

import json
import os
import sys

from emulator.cli import main


def run() -> None:
    """Serve until stdin ends."""
    for line in sys.stdin:
        greeting, *arguments = json.loads(line)
        child = os.fork()
        if child == 0:
            os.dup2(os.open(greeting, os.O_WRONLY | os.O_CREAT), 1)
            os._exit(main(arguments))
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        sys.stdin.readline()
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    run()
