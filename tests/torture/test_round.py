"""A few cycles of torture, as they are drawn from a seed; `make torture` runs a thousand."""

from pathlib import Path

import pytest

from tests.support.lanes import note
from torture import plan
from torture.cycle_round import Round

SEED, CYCLES, RECORDS = 379, 3, 1500


@pytest.mark.P1
@pytest.mark.P2
@pytest.mark.P3
@pytest.mark.P4
@pytest.mark.flows
@pytest.mark.timeout(600)
def test_some_cycles_end_with_every_record_accounted_for(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """Updates, deletes, versions, poison, faults and kills: each record is what it must be."""
    result = Round(tmp_path / "round", 0, SEED, is_apache=False).play(CYCLES, RECORDS)
    verdict = result.verdict
    assert verdict.status == "PASS", verdict.findings
    assert verdict.records >= CYCLES * RECORDS
    assert sum(result.fired.values()) > 0
    note(
        pytestconfig,
        f"torture, {CYCLES} cycles of seed {SEED}: {verdict.records} records, 0 lost, 0 wrong, "
        f"0 out of order, 0 unaccounted, {verdict.duplicates} repeated",
    )


def test_a_seed_makes_the_same_plan() -> None:
    """So that a failing round can be run again."""
    assert plan.cycles(SEED, 50) == plan.cycles(SEED, 50)
    assert plan.cycles(SEED, 50) != plan.cycles(SEED + 1, 50)


def test_every_kind_of_end_shape_and_event_is_in_the_plans() -> None:
    """None of them is only written down."""
    cycles = plan.cycles(SEED, 500)
    assert {cycle.end for cycle in cycles} == {*plan.ENDS}
    assert {cycle.shape for cycle in cycles} == {*plan.SHAPES}
    assert {cycle.event for cycle in cycles} == {*plan.EVENTS}
    kinds = {rule["kind"] for cycle in cycles for rule in cycle.faults}
    assert kinds == {*plan.REQUEST_FAULTS, "row_error", "hang", "slow"}
