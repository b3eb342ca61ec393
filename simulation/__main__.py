"""`python -m simulation`: plays many seeds, and prints the story of the first that fails."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

from simulation.bugs import BUGS
from simulation.outcome import Outcome
from simulation.plan import ALL_FAULTS, Plan, plan_of
from simulation.play import simulate
from simulation.shrink import shrink, story

_EVERY_KIND_AFTER = 300
"""Seeds after which every kind of fault must have struck."""


class Campaign:
    """The figures of many seeds."""

    def __init__(self) -> None:
        self.seeds = self.records = self.applied = self.repeated = 0
        self.runs = self.crashes = self.calls = 0
        self.fired: Counter[str] = Counter()
        self.failed: list[int] = []
        self.doubtful: list[int] = []

    def add(self, outcome: Outcome) -> None:
        """Count one seed."""
        verdict = outcome.verdict
        self.seeds += 1
        self.records += verdict.records
        self.applied += verdict.applied
        self.repeated += verdict.duplicates
        self.runs += outcome.runs
        self.crashes += outcome.crashes
        self.calls += outcome.calls
        self.fired += outcome.fired
        if verdict.status == "FAIL":
            self.failed.append(outcome.plan.seed)
        elif verdict.status == "UNKNOWN":
            self.doubtful.append(outcome.plan.seed)

    @property
    def never_fired(self) -> list[str]:
        """Kinds of faults that have not struck, once they should have."""
        if self.seeds < _EVERY_KIND_AFTER:
            return []
        return [kind for kind in ALL_FAULTS if not self.fired[kind]]

    @property
    def status(self) -> str:
        """PASS, FAIL or UNKNOWN."""
        if self.failed:
            return "FAIL"
        return "UNKNOWN" if self.doubtful or self.never_fired or not self.seeds else "PASS"

    def lines(self, seconds: float) -> list[str]:
        """The figures in words."""
        faults = sum(self.fired.values()) - self.fired["crash"] - self.fired["sigterm"]
        return [
            f"{self.status}: {self.seeds:,} seeds, {self.records:,} records, {self.runs:,} runs",
            f"ended by a crash {self.crashes:,}, by SIGTERM {self.fired['sigterm']:,}",
            f"{faults:,} other faults of {len(self.fired)} kinds; {self.calls:,} calls",
            f"{self.applied:,} row changes applied, {self.repeated:,} of them repeated",
            f"failed {len(self.failed)}, unknown {len(self.doubtful)}; {seconds:.0f} s of CPU",
        ]


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many seeds to play")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="play only this one, and print its story")
    parser.add_argument("--records", type=int, default=200, help="records of a seed")
    parser.add_argument("--plan", type=Path, help="play the plan in this file")
    parser.add_argument("--save", type=Path, help="where to write the plan of a failure")
    parser.add_argument("--bug", choices=sorted(BUGS), help="plant this bug")
    parser.add_argument("--table", action="store_true", help="print the row of docs/guarantees.md")
    given = parser.parse_args(arguments)
    with BUGS[given.bug]() if given.bug else nullcontext():
        if given.plan is not None:
            return _one(Plan.from_json(given.plan.read_text("utf-8")), given.save)
        if given.seed is not None:
            return _one(plan_of(given.seed, given.records), given.save)
        return _many(given)


def _one(plan: Plan, save: Path | None) -> int:
    outcome = simulate(plan)
    if outcome.verdict.status == "FAIL":
        _say(f"{outcome.verdict}\nmaking it smaller ...")
        plan, outcome = shrink(plan)
        if save is not None:
            save.write_text(plan.to_json() + "\n", "utf-8")
    _say(story(outcome))
    _say(f"trace {outcome.digest}")
    return 0 if outcome.verdict.status == "PASS" else 1


def _many(given: argparse.Namespace) -> int:
    campaign = Campaign()
    started = time.process_time()
    for seed in range(given.first, given.first + given.seeds):
        outcome = simulate(plan_of(seed, given.records))
        campaign.add(outcome)
        if outcome.verdict.status == "FAIL" and len(campaign.failed) == 1:
            _one(outcome.plan, given.save)
        if campaign.seeds % 1000 == 0:
            _say(f"... {campaign.lines(time.process_time() - started)[0]}")
    seconds = time.process_time() - started
    for line in campaign.lines(seconds):
        _say(line)
    for kind in campaign.never_fired:
        _say(f"fault {kind} never struck")
    if campaign.failed:
        _say(f"failed seeds: {campaign.failed[:20]}")
    if given.table:
        _say(_table_row(campaign, given, seconds))
    return 0 if campaign.status == "PASS" else 1


def _table_row(campaign: Campaign, given: argparse.Namespace, seconds: float) -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    last = given.first + given.seeds - 1
    figures = (campaign.records, campaign.runs, campaign.crashes, campaign.repeated)
    cells = [
        time.strftime("%Y-%m-%d"),
        f"{given.first:,} to {last:,}",
        *(f"{figure:,}" for figure in figures),
        str(len(campaign.failed)),
        f"{seconds:.0f}",
        commit,
    ]
    return f"| {' | '.join(cells)} |"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
