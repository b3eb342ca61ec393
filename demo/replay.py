"""Replays the dead letters of a demo through a corrected mapping.

Usage: python -m demo replay demo-data/NAME

It starts the local Tablestore on the demo's data and runs `python -m connectors.cli replay` with
the demo's mended.toml, in which a rename gives the orders their key. Those become rows; the others
are rejected again, and their new dead letters say why. Exit code 0: every order that can be
corrected is a row.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from demo.interruption import Interrupted, Interruption
from demo.orders import MISNAMED
from demo.processes import Child, ChildFailedError, Children
from demo.proof import Comparison
from demo.report import Screen
from demo.run import DEAD_LETTERS, KEY, MENDED, TABLE, TOPIC, environment, shown_path
from demo.tablestore import DeadLetter, Row, read_all, read_dead_letters

_REPLAY_SECONDS = 60.0
_STOP_SECONDS = 15.0


def main(argv: Sequence[str], interruption: Interruption) -> int:
    """Replay and check the result; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m demo replay",
        description="Replays the dead letters of a demo through its corrected mapping.",
    )
    parser.add_argument("folder", type=Path, help="the folder that the demo has written")
    folder: Path = parser.parse_args(argv).folder
    if not (folder / MENDED).is_file() or not (folder / "tablestore").is_dir():
        parser.error(f"{folder} is not the folder of a demo: run `python -m demo` first")
    screen = Screen()
    try:
        with Children(interruption) as children:
            return _replay(folder.resolve(), screen, interruption, children)
    except Interrupted as interrupted:
        screen.say(f"Stopped by {interrupted}; nothing is left running.")
        return interrupted.exit_code
    except ChildFailedError as error:
        screen.fail(str(error))
        return 1


def _replay(folder: Path, screen: Screen, interruption: Interruption, children: Children) -> int:
    tablestore = children.start(
        "the local Tablestore",
        ["emulator", "--port", "0", "--data", str(folder / "tablestore")],
        folder / "tablestore-replay.log",
    )
    endpoint = tablestore.wait_ready()
    screen.step(f"Tablestore on {endpoint}, with the data of {shown_path(folder)}")
    before = read_dead_letters(endpoint, DEAD_LETTERS, interruption)
    screen.step(f"{len(before)} dead letters in table {DEAD_LETTERS}")
    ended = _run(folder, endpoint, children)
    screen.step(
        f"python -m connectors.cli replay --from table --config {shown_path(folder / MENDED)}"
    )
    screen.say(f"   {ended}")
    after = read_dead_letters(endpoint, DEAD_LETTERS, interruption)
    screen.dead_letters(
        "Rejected again: they need more than a rename", [one for one in after if one.replays]
    )
    mended = [fields for one in before if (fields := _mended(one)) is not None]
    rows, wrong = _check(mended, read_all(endpoint, TABLE, KEY, interruption))
    tablestore.stop_well(_STOP_SECONDS)
    screen.rows(TABLE, rows, "The corrected rows")
    for text in wrong:
        screen.fail(text)
    if not wrong:
        screen.step(f"{len(rows)} orders that were dead letters are rows of table {TABLE}")
    return 1 if wrong else 0


def _run(folder: Path, endpoint: str, children: Children) -> str:
    """Run the command as a user would; return its last line."""
    arguments = ["replay", "--from", "table", "--config", str(folder / MENDED)]
    replay: Child = children.start(
        "the replay",
        ["connectors.cli", *arguments, "--state", str(folder / "replay-state")],
        folder / "replay.log",
        environment(endpoint),
    )
    replay.wait_end(_REPLAY_SECONDS)
    return next((line for line in reversed(replay.lines()) if line.startswith("sync: ended")), "")


def _mended(dead_letter: DeadLetter) -> dict[str, Any] | None:
    """The order of a dead letter whose key has a wrong name, with the right name."""
    if dead_letter.topic != TOPIC:
        return None
    try:
        fields: dict[str, Any] = json.loads(dead_letter.value)
    except ValueError:
        return None
    right = {wrong: name for name, wrong in MISNAMED.items()}
    if not fields.keys() & right.keys():
        return None
    return {right.get(name, name): value for name, value in fields.items()}


def _check(mended: Sequence[dict[str, Any]], rows: Iterable[Row]) -> tuple[list[Row], list[str]]:
    """The rows of these orders, and the differences as texts."""
    expected = {str(fields[KEY]): fields for fields in mended}
    comparison = Comparison(expected)
    found: list[Row] = [row for row in rows if row.key in expected]
    for row in found:
        comparison.take(row)
    return found, comparison.verdict()
