"""The first requests to a table, in simulations."""

import pytest

from tests.unit.tablestore.throttle.simulated import Simulation, TokenBucket

pytestmark = pytest.mark.P6


@pytest.mark.parametrize("latency", [0.002, 0.1])
def test_a_small_table_refuses_few_rows_at_first(latency: float) -> None:
    """Not one request of each of 64 shards, which would be 12,800 rows."""
    found = Simulation(TokenBucket(200), latency, shards=64, seconds=3).run()
    assert 0 < sum(found.refused[:2]) <= 1200


def test_a_table_without_a_limit_is_written_fully_at_once() -> None:
    """In the first second, two thirds of what is written in a later one."""
    found = Simulation(TokenBucket(1e9), latency=0.02, shards=16, seconds=4).run()
    assert found.accepted[0] >= 0.65 * found.accepted[2]
