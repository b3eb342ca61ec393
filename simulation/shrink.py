"""Makes a failing plan small: fewer faults, records and runs, as long as it fails the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from simulation.outcome import Outcome
from simulation.plan import Plan
from simulation.play import simulate

T = TypeVar("T")
# Which of two findings of one plan is the cause: the first of these.
_BY_CAUSE = (
    "stored_too_early",
    "committed_too_early",
    "dead_letter_repeated",
    "dead_letter_differs",
    "out_of_order",
    "wrongly_written",
    "wrongly_rejected",
    "unbalanced",
    "unexpected_stop",
    "stuck",
    "does_not_end",
    "lost",
)


def cause_of(outcome: Outcome) -> str:
    """The finding that a smaller plan must have too; empty where nothing is wrong."""
    kinds = outcome.verdict.kinds
    return next((kind for kind in (*_BY_CAUSE, *sorted(kinds)) if kind in kinds), "")


def shrink(
    plan: Plan, budget: int = 400, run: Callable[[Plan], Outcome] = simulate
) -> tuple[Plan, Outcome]:
    """The smallest plan found in `budget` tries that fails like this one, and what came of it."""
    outcome = run(plan)
    cause = cause_of(outcome)
    tries = 0

    def fails(smaller: Plan) -> bool:
        nonlocal plan, outcome, tries
        if tries >= budget:
            return False
        tries += 1
        found = run(smaller)
        if cause not in found.verdict.kinds:
            return False
        plan, outcome = smaller, found
        return True

    if not cause:
        return plan, outcome
    before = None
    while before != plan and tries < budget:
        before = plan
        _without(plan.faults, lambda faults: fails(plan._replace(faults=(*faults,))))
        _without(plan.records, lambda records: fails(plan._replace(records=(*records,))))
        for count in range(1, max(plan.workers)):
            if fails(plan._replace(workers=tuple(min(count, each) for each in plan.workers))):
                break
        if plan.threads > 1:
            fails(plan._replace(threads=1))
        if plan.partitions > 1:
            fails(plan._replace(partitions=1))
    return plan, outcome


def _without(items: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> None:
    """Leave out as many items as possible, in pieces that become smaller."""
    size = max(1, len(items) // 2)
    while items:
        start = 0
        while start < len(items):
            fewer = [*items[:start], *items[start + size :]]
            if fails(fewer):
                items = fewer
            else:
                start += size
        if size == 1:
            return
        size //= 2


def story(outcome: Outcome, lines: int = 120) -> str:
    """What happened, line by line: the last `lines` of the trace, and the verdict."""
    plan = outcome.plan
    head = [
        f"seed {plan.seed}, configuration {plan.configuration}, {plan.partitions} partitions",
        f"processes of the runs {plan.workers}, each of {plan.threads} workers",
        f"an epoch of {plan.interval} s",
        f"{len(plan.records)} records, {len(plan.faults)} faults:",
        *(f"  {fault}" for fault in plan.faults),
    ]
    trace = outcome.trace[-lines:]
    if len(outcome.trace) > lines:
        head.append(f"the last {lines} of {len(outcome.trace)} events:")
    shown = [f"  {event[0]:>10} {' '.join(map(str, event[1:]))}" for event in trace]
    return "\n".join([*head, *shown, str(outcome.verdict)])
