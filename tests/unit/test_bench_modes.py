"""The modes that are measured are configurations of today, and lose no record."""

from collections.abc import Iterator

import pytest

from bench.modes import schemas
from bench.modes.budget import BOUNDS
from bench.modes.cases import MODES
from bench.modes.in_process import chunks_of, run_of, settings_of
from tests.unit.factories import dead_in, rows_in


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    """The registry of the benchmark's schemas."""
    with schemas.registry() as url:
        yield url


@pytest.mark.parametrize("name", MODES)
def test_each_mode_makes_rows_of_all_its_messages(name: str, registry: str) -> None:
    """Nothing is rejected, so that a benchmark does not measure rejections."""
    mode = MODES[name]
    run = run_of(settings_of(mode, registry))
    for chunk in chunks_of(mode.source, 2, 50):
        made = [batch for _, batch in run(chunk)]
        assert dead_in(made) == []
        assert {row.offset for row in rows_in(made)} == {one.offset() for one in chunk.messages}


def test_each_mode_has_a_bound() -> None:
    """`make budget` checks all of them."""
    assert BOUNDS.keys() == MODES.keys()
