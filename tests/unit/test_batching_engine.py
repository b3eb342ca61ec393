"""Batching: nothing lost, doubled or out of order, whatever the engine does to a batcher."""

import pickle
from datetime import datetime, timedelta, timezone

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from connectors.batching import Batcher
from connectors.records import Batch, DeadLetter
from tests.unit.batchers import Counted, limits, offsets_of, sizes_of, some_rows, waiting_in
from tests.unit.factories import batch, dead_in, dead_letter, rows_in


class Engine(RuleBasedStateMachine):
    """What Bytewax may do to a batcher, in any order; compared with a plain list of offsets."""

    is_resumed = False  # and not called since

    @initialize(rows=st.integers(1, 6), size=st.integers(1, 60))
    def begin(self, rows: int, size: int) -> None:
        """Any limits."""
        self.settings = limits(rows=rows, bytes=size, age=30.0)
        self.batcher = Batcher(self.settings, None, Counted())
        self.out: list[Batch] = []
        self.given = 0
        self.dead: list[DeadLetter] = []
        self.saved: tuple[bytes, int, int, int] | None = None

    @rule(
        parts=st.lists(
            st.tuples(
                st.lists(st.integers(2, 70), max_size=12),
                st.sampled_from(["orders", "clicks"]),
                st.integers(0, 2),
            ),
            max_size=4,
        )
    )
    def take(self, parts: list[tuple[list[int], str, int]]) -> None:
        """Items come, with rows of any size and tables, and dead letters."""
        values = []
        for sizes, table, dead in parts:
            dead_letters = [dead_letter(len(self.dead) + number) for number in range(dead)]
            self.dead += dead_letters
            values.append(batch(some_rows(*sizes, start=self.given, table=table), dead_letters))
            self.given += len(sizes)
        out, discard = self.batcher.on_batch(values)
        assert discard is False
        self.out += out

    @rule()
    def wake(self) -> None:
        """The clock, perhaps too early or late."""
        self.out += self.batcher.on_notify()[0]
        self.is_resumed = False
        assert self.batcher.snapshot() == []

    @rule()
    def end(self) -> None:
        """The end of the input, after which a batcher may still live on."""
        self.out += self.batcher.on_eof()[0]
        assert self.batcher.snapshot() == []

    @rule()
    def save(self) -> None:
        """A snapshot, as the store keeps it."""
        done = (len(self.out), self.given, len(self.dead))
        self.saved = (pickle.dumps(self.batcher.snapshot()), *done)

    @rule()
    def crash(self) -> None:
        """The process dies and resumes from the last snapshot; the source repeats from there."""
        if self.saved is None:
            self.batcher = Batcher(self.settings, None, Counted())
            out = given = dead = 0
        else:
            state, out, given, dead = self.saved
            self.batcher = Batcher(self.settings, pickle.loads(state), Counted())
            self.is_resumed = True
        del self.out[out:], self.dead[dead:]
        self.given = given

    @invariant()
    def nothing_is_lost_or_doubled_or_out_of_order(self) -> None:
        """What came out and what waits are, together, what came in; so are the dead letters."""
        if not hasattr(self, "batcher"):
            return
        waiting: list[Batch] = [(waiting_in(self.batcher), [])]
        assert offsets_of(self.out + waiting) == [*range(self.given)]
        assert dead_in(self.out) == self.dead

    @invariant()
    def limits_hold(self) -> None:
        """No batch is beyond a limit, but for one oversized row alone; what waits is below both."""
        if not hasattr(self, "batcher"):
            return
        for sizes in sizes_of(self.out):
            assert len(sizes) <= self.settings.rows
            assert sum(sizes) <= self.settings.bytes or len(sizes) == 1
        assert all(segments or dead for segments, dead in self.out), "no empty batch"
        waiting = rows_in([(waiting_in(self.batcher), [])])
        assert len(waiting) < self.settings.rows
        assert sum(len(found.wire) for found in waiting) < self.settings.bytes

    @invariant()
    def a_clock_runs_exactly_while_rows_wait(self) -> None:
        """Waiting rows are always due at some time not beyond the age; nothing else is."""
        if not hasattr(self, "batcher"):
            return
        due = self.batcher.notify_at()
        if not self.is_resumed:
            assert (due is not None) == bool(self.batcher.snapshot())
        if due is not None:
            assert due <= datetime.now(timezone.utc) + timedelta(seconds=self.settings.age)


Engine.TestCase.settings = settings(stateful_step_count=25)
TestEngine = Engine.TestCase
