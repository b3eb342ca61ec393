"""Random configurations, registry answers and service answers; a million of them: `make fuzz`."""

import logging
from collections.abc import Iterator

import pytest

from tests.fuzz.run import SHARES, run


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("kind", SHARES)
def test_no_input_ends_a_process_but_by_an_ordered_stop(kind: str) -> None:
    """It is taken, becomes dead letters, fails with a verdict, or stops with a text."""
    outcomes, failures = run(kind, 10 * SHARES[kind], seed=len(kind))
    assert not failures, failures[0].text
    assert len(outcomes) > 1, "the inputs are all alike"
