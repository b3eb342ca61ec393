"""`python -m torture --cycles 1000 --seed 1`: cycles of start, faults and end; then the table.

The flow runs as a user runs it, against a local Tablestore in a process of its own and a Kafka of
its own. Rounds of some cycles are judged one by one. A round that does not pass keeps its folder.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from torture.cycle_round import Round
from torture.results import Results, status, table

_CODES = {"PASS": 0, "FAIL": 1, "UNKNOWN": 2}
_SEEDS_OF_ROUNDS = 1_000_003


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds that are not done yet; 0 for PASS, 1 for FAIL, 2 for UNKNOWN."""
    parser = argparse.ArgumentParser(prog="python -m torture", description=__doc__)
    parser.add_argument("--cycles", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--records", type=int, default=5000, help="produced in each cycle")
    parser.add_argument("--round", type=int, default=25, help="cycles between two verdicts")
    parser.add_argument("--kafka", choices=("embedded", "apache"), default="embedded")
    parser.add_argument("--state", type=Path, default=Path("torture-state"), metavar="FOLDER")
    parser.add_argument("--resume", action="store_true", help="go on where the folder ends")
    parser.add_argument("--table", action="store_true", help="only print the table of the folder")
    options = parser.parse_args(arguments)
    results = Results(options.state)
    done = results.read()
    if not options.table:
        if done and not options.resume:
            parser.error(f"{options.state} has results: remove it, or give --resume")
        _play(options, results, len(done), sum(one["cycles"] for one in done))
    rounds = results.read()
    sys.stdout.write(table(rounds) + "\n")
    return _CODES[status(rounds)]


def _play(options: argparse.Namespace, results: Results, number: int, cycles: int) -> None:
    while cycles < options.cycles:
        folder = options.state / f"round-{number}"
        shutil.rmtree(folder, ignore_errors=True)  # of a torture that was interrupted
        seed = options.seed * _SEEDS_OF_ROUNDS + number
        played = Round(folder, number, seed, options.kafka == "apache")
        count = min(options.round, options.cycles - cycles)
        result = played.play(count, options.records)
        results.add(result, _commit())
        cycles += count
        number += 1
        verdict = result.verdict
        if verdict.status == "PASS":
            shutil.rmtree(folder)
        sys.stdout.write(
            f"{verdict.status}: round {result.number}, {cycles} cycles done, "
            f"{verdict.records} records, {dict(verdict.kinds)}\n"
        )
        sys.stdout.flush()


def _commit() -> str:
    """The commit that is checked out, with a + where files have changed; empty without git."""

    def git(*words: str) -> str:
        here = Path(__file__).parent
        command = ["git", "-C", str(here), *words]
        return subprocess.run(command, capture_output=True, check=False, text=True).stdout.strip()

    return git("rev-parse", "--short", "HEAD") + "+" * bool(git("status", "--porcelain", "-uno"))


if __name__ == "__main__":
    sys.exit(main())
