"""A step between decoding and mapping: a function of one record, applied to whole chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Any

from connectors.errors import Rejection, raised_at
from connectors.records import DeadLetter, DecodedChunk, Record, RecordChunk, UniformChunk
from connectors.transforms.step import Made
from connectors.transforms.uniform import Program

Function = Callable[[Record], Iterable[Record]]
ProgramOf = Callable[[str, tuple[str, ...]], "Program | None"]
"""What does the same to records of a topic whose fields have these names; None where none does."""

# Sets of names whose programs are remembered.
_MAX_PROGRAMS = 200
# Longer ones are those of no row.
_MAX_NAMES = 1024


class ChunkStep:
    """Replaces each record of a chunk by those that a function returns.

    Where the function raises, the record is dead-lettered with code step_failed, and file and line
    as the reason, or with the code and reason of a Rejection.
    """

    def __init__(
        self,
        step_id: str,
        function: Function,
        keep_original: bool,
        on_done: Callable[[int, int], None],
        program_of: ProgramOf | None = None,
    ) -> None:
        """`on_done` is called with the numbers of records that were dropped and added."""
        self._step_id = step_id
        self._function = function
        self._keep_original = keep_original
        self._on_done = on_done
        self._program_of = program_of
        self._programs: dict[tuple[str, tuple[str, ...]], Program | None] = {}

    def apply(self, chunk: DecodedChunk) -> DecodedChunk:
        """The chunk that the step makes of `chunk`."""
        if self._program_of is not None:
            uniform = chunk
            if isinstance(uniform, RecordChunk):
                uniform = UniformChunk.of_records(uniform) or chunk
            if isinstance(uniform, UniformChunk) and not uniform.optional:
                program = self._program(uniform.topic, uniform.names, self._program_of)
                if program is not None:
                    return self._run(uniform, program)
        out: list[Record] = []
        dead_letters = list(chunk.dead_letters)
        filtered = added = 0
        for record in chunk.records:
            before = len(out)
            dropped = self._each(record, out, dead_letters)
            if dropped is not None:
                filtered += dropped
                added += len(out) - before + dropped - 1
        self._on_done(filtered, added)
        return RecordChunk(chunk.topic, chunk.partition, out, dead_letters)

    def _program(self, topic: str, names: tuple[str, ...], program_of: ProgramOf) -> Program | None:
        if len(names) > _MAX_NAMES:
            return None
        if (topic, names) not in self._programs:
            if len(self._programs) >= _MAX_PROGRAMS:
                self._programs.clear()
            self._programs[topic, names] = program_of(topic, names)
        return self._programs[topic, names]

    def _run(self, chunk: UniformChunk, program: Program) -> UniformChunk:
        """Run a program; what it does not take becomes what the function makes of it."""
        out = chunk.changed(program.names, tuple if program.steps else chunk.fields_of)
        if not program.steps and not chunk.mixed:
            out.messages, out.values, out.keys = chunk.messages, chunk.values, chunk.keys
            return out
        messages: list[Any] = []
        keys: list[Any] = []
        filtered = added = 0
        fields_of = chunk.fields_of
        for message, value, key in zip(
            chunk.messages, chunk.values, chunk.keys or repeat(None), strict=False
        ):
            found: Any = value
            if type(value) is not Record:
                try:
                    if program.steps:
                        found = fields_of(value)
                        for step in program.steps:
                            found = step(message, found)
                            if found is None:
                                break
                except Exception:  # noqa: BLE001 - the function says what is wrong
                    found = chunk.record_of(message, value, key)
            if type(found) is Record:
                made: list[Record] = []
                dropped = self._each(found, made, out.dead_letters)
                if dropped is not None:
                    filtered += dropped
                    added += len(made) + dropped - 1
                out.mixed = out.mixed or bool(made)
                out.values += made
                messages += [record.message for record in made]
                keys += [record.key for record in made]
            elif found is not None:
                out.values.append(found)
                messages.append(message)
                keys.append(key)
            else:
                filtered += 1
        self._on_done(filtered, added)
        out.messages, out.keys = messages, keys if chunk.keys else []
        return out

    def _each(
        self, record: Record, out: list[Record], dead_letters: list[DeadLetter]
    ) -> int | None:
        """How many records were dropped, be it this one or one made of it; None: it is rejected."""
        try:
            made = self._function(record)
            if type(made) is list and len(made) == 1 and type(made[0]) is Record:
                out.append(made[0])  # as most steps return
                return 0
            returned = [*made]
            for item in returned:
                if type(item) is not Record:
                    raise Rejection(
                        "step_failed",
                        f"step {self._step_id!r} returned a {type(item).__name__} instead of a "
                        "Record: use record.with_value(...)",
                    )
            out += returned
            return made.dropped if type(made) is Made else not returned
        except Rejection as rejection:
            dead_letters.append(self._rejected(record, rejection.code, rejection.reason))
        except Exception as error:  # noqa: BLE001 - users' code: the boundary to it
            reason = f"step {self._step_id!r} raised {raised_at(error)}"
            dead_letters.append(self._rejected(record, "step_failed", reason))
        return None

    def _rejected(self, record: Record, code: str, reason: str) -> DeadLetter:
        return DeadLetter.of(record.message, "transform", code, reason, self._keep_original)
