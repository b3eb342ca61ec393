"""A guard against regressions that is no timing: the bytecodes that Python runs for a row.

They are counted in the steps decode, transform and map_rows, and are the same on any machine. Their
bounds are those of CPython 3.12, a quarter above what was counted when they were written here: who
puts something on the way of every record will see it. What C code does is not counted, so rows are
encoded by Python here, also where the compiled encoder is there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

from rich.console import Console

from bench.modes import schemas
from bench.modes.cases import MODES
from bench.modes.in_process import Run, chunks_of, run_of, settings_of
from connectors.records import Chunk
from connectors.tablestore.plainbuffer import accelerated

_VERSION = (3, 12)
_MESSAGES = 500  # of a chunk
_LEARNING = 14  # chunks: past the trial of an encoder's remembered values

BOUNDS: dict[str, int] = {
    "plain": 400,
    "record_value": 400,
    "record_key": 480,
    "search": 560,
    "update": 480,
    "delete row": 580,
    "delete column": 520,
    "delete both": 600,
    "version timestamp": 670,
    "version field": 700,
    "auto_increment": 490,
    "null fields": 440,
    "flatten": 440,
    "rewrite": 400,
    "listed": 400,
    "listed from text": 580,
    "filter": 570,
    "rename and insert": 540,
    "Python step": 680,
    "originals kept": 450,
    "Avro": 1100,
    "Protobuf": 940,
    "Connect JSON": 1010,
    "Debezium": 1140,
    "points as protobuf": 930,
    "points as FlatBuffers": 2770,
    "40 columns of 1 KB": 6330,
    "3 columns of 100 B": 250,
}
"""Bytecodes a row, at most."""


def count(run: Run, chunk: Chunk) -> float:
    """Bytecodes for each message of a chunk."""
    counted = 0

    def local(frame: FrameType, event: str, _: Any) -> Any:  # noqa: ARG001 - Python's own form
        nonlocal counted
        if event == "opcode":
            counted += 1
        return local

    def begin(frame: FrameType, _event: str, _: Any) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return local

    # Without one frame that wants them, the interpreter has no events of opcodes.
    sys._getframe().f_trace_opcodes = True
    before = sys.gettrace()
    sys.settrace(begin)
    try:
        run(chunk)
    finally:
        sys.settrace(before)
    return counted / len(chunk.messages)


def check(names: Sequence[str], console: Console) -> int:
    """Count for each mode; 1 where a bound is exceeded or missing."""
    if sys.version_info[:2] != _VERSION:
        console.print("budget: the bounds are those of CPython 3.12; nothing is checked here")
        return 0
    code = 0
    os.environ[accelerated.VARIABLE] = "off"
    with schemas.registry() as registry:
        for name in names:
            mode = MODES[name]
            run = run_of(settings_of(mode, registry))
            *learning, last = chunks_of(mode.source, _LEARNING, _MESSAGES)
            for chunk in learning:
                run(chunk)
            found, bound = count(run, last), BOUNDS.get(name, 0)
            exceeded = found > bound
            code = code or int(exceeded)
            console.print(
                f"{name}: {found:,.0f} bytecodes a row, bound {bound:,}"
                f"{' EXCEEDED' if exceeded else ''}",
                style="bold red" if exceeded else "",
                highlight=False,
            )
    return code
