"""Rows of throttled tables are set aside: other tables pass them, and no key loses its order."""

import random
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import StopRun
from connectors.tablestore.verdicts import RequestFailed, Verdict
from tests.support.wait import until
from tests.unit.factories import batch
from tests.unit.tablestore.fake_service import (
    BAD,
    BUSY,
    DENIED,
    OK,
    Change,
    Writing,
    change,
    changes,
    tolerant,
)


class Throttle:
    """Refuses every row of `orders` until it is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()

    def __call__(self, found: list[Change]) -> Sequence[Verdict]:
        """As `Reply`."""
        closed = not self.opened.is_set()
        return [BUSY if closed and row.table == "orders" else OK for row in found]


@pytest.mark.P6
def test_other_tables_pass_a_throttled_one() -> None:
    """In the same shard and the same batch, from the batch in which it begins on."""
    throttle = Throttle()
    with Writing(tolerant(queue=2), throttle) as writing:
        shard = writing.shard()
        for number in range(40):
            both = [change("k", number, number), change(f"c{number}", 1, number, "clicks")]
            shard.write_batch([batch(both)])
        until(lambda: len(writing.fake.rows) == 40, "all clicks are written")
        assert ("orders", "k") not in writing.fake.rows
        throttle.opened.set()
        shard.snapshot()
        assert writing.fake.rows["orders", "k"] == "39"
        assert writing.run.counts.snapshot()["written"] == 80


@pytest.mark.P6
def test_what_is_set_aside_is_bounded() -> None:
    """P6: a table that takes nothing blocks its shard after the rows of a few batches."""
    throttle = Throttle()
    handed_over = 0
    with Writing(tolerant(queue=2), throttle) as writing:
        shard = writing.shard()

        def feed() -> None:
            nonlocal handed_over
            for number in range(20):
                rows = [(f"k{number}-{row}", 1) for row in range(200)]
                shard.write_batch([changes(*rows)])
                handed_over += 1

        thread = threading.Thread(target=feed)
        thread.start()
        until(writing.run.counts.throttles, "it is throttled")
        until(lambda: handed_over >= 3, "some are taken")
        thread.join(0.3)
        assert handed_over <= 6
        throttle.opened.set()
        thread.join()
        shard.snapshot()
        assert len(writing.fake.rows) == 4000


@pytest.mark.P1
def test_a_snapshot_waits_for_what_is_set_aside() -> None:
    """P1: it returns after the last row of a throttled table is written."""
    throttle = Throttle()
    with Writing(tolerant(), throttle) as writing:
        shard = writing.shard()
        shard.write_batch([changes(("a", 1)), changes(("b", 2))])
        done = threading.Event()

        def snapshot() -> None:
            shard.snapshot()
            done.set()

        thread = threading.Thread(target=snapshot)
        thread.start()
        until(lambda: len(writing.fake.requests) > 3, "it is tried again")
        assert not done.is_set()
        throttle.opened.set()
        thread.join()
        assert writing.fake.rows == {("orders", "a"): "1", ("orders", "b"): "2"}


@pytest.mark.P5
def test_a_stop_while_throttled_ends_the_run() -> None:
    """P5: the answer to a row that was set aside is as final as any."""
    answered: list[Sequence[Verdict]] = [[BUSY], [BUSY]]
    with Writing(tolerant(), lambda _: answered.pop(0) if answered else [DENIED]) as writing:
        shard = writing.shard()
        shard.write_batch([changes(("a", 1))])
        with pytest.raises(StopRun, match="table orders"):
            shard.snapshot()


@pytest.mark.P6
def test_a_drain_while_throttled_gives_up_after_its_deadline() -> None:
    """Nothing is lost: the rows are read again, as the epoch stays open."""
    run = tolerant()
    with Writing(run, Throttle()) as writing:
        shard = writing.shard()
        shard.write_batch([changes(("a", 1))])
        until(lambda: len(writing.fake.requests) > 2, "it is tried again")
        run.drain("SIGTERM")
        run._deadline = 0.0
        with pytest.raises(StopRun, match="last snapshot"):
            shard.snapshot()


@pytest.mark.P3
@pytest.mark.P4
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 3))
def test_any_throttling_leaves_each_key_at_its_last_good_change(seed: int, shards: int) -> None:
    """P3, P4: rows refused in part and requests as a whole, two tables, rejected rows between.

    The fake service fails when a key is in two requests at once.
    """
    chance = random.Random(seed)
    lock = threading.Lock()

    def reply(found: list[Change]) -> Sequence[Verdict] | None:
        with lock:
            if chance.random() < 0.1:
                raise RequestFailed(BUSY, "OTSServerBusy")
            busy = 0.5 if chance.random() < 0.3 else 0.0
            return [
                BAD
                if row.value.startswith("bad")
                else BUSY
                if row.table == "orders" and chance.random() < busy
                else OK
                for row in found
            ]

    expected: dict[tuple[str, str], str] = {}
    total = 0
    with Writing(tolerant(), reply) as writing:
        made = [writing.shard() for _ in range(shards)]
        for number, shard in enumerate(made):
            for _ in range(chance.randrange(6)):
                rows = []
                for _ in range(chance.randrange(1, 12)):
                    key, table = (
                        f"{number}-{chance.randrange(4)}",
                        chance.choice(["orders", "clicks"]),
                    )
                    bad = chance.random() < 0.15
                    value = f"{'bad' if bad else 'good'}{total}"
                    operation = chance.choice(["put", "put", "update"])
                    rows.append(change(key, value, total, table, operation))  # type: ignore[arg-type]
                    if not bad:
                        expected[table, key] = value
                    total += 1
                shard.write_batch([batch(rows)])
        for shard in made:
            shard.snapshot()
        counts = writing.run.counts.snapshot()
        assert writing.fake.rows == expected
        assert counts["written"] + counts["rejected"] == total
