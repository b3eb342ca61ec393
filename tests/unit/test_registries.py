"""Formats, transforms, key modes and destinations: adding one is one class and one entry."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from connectors.mapping.key_modes import WideColumnBuilder
from connectors.settings.errors import DEAD_LETTER_DESTINATIONS
from connectors.settings.formats import FORMATS
from connectors.settings.implementations import implementation
from connectors.settings.primary_key_modes import PRIMARY_KEY_MODES
from connectors.settings.transforms import TRANSFORMS

ROOT = Path(__file__).parents[2]
REGISTRIES: dict[str, Mapping[str, Any]] = {
    "formats": FORMATS,
    "transforms": TRANSFORMS,
    "mapping": PRIMARY_KEY_MODES,
    "": DEAD_LETTER_DESTINATIONS,
}
NAMES = [
    (room, entry.implementation)
    for room, registry in REGISTRIES.items()
    for entry in registry.values()
]


def is_destination(found: type) -> bool:
    """Whether a class has what the error policy calls."""
    return all(callable(getattr(found, name)) for name in ("prepare", "send", "close"))


def is_builder(found: type) -> bool:
    """Whether it is a class of row builders."""
    return issubclass(found, WideColumnBuilder)


CHECKS: dict[str, Callable[[Any], bool]] = {
    "formats": callable,
    "transforms": callable,
    "mapping": is_builder,
    "": is_destination,
}


@pytest.mark.parametrize(("room", "name"), NAMES)
def test_every_entry_names_its_implementation(room: str, name: str) -> None:
    """It can be imported, is what its registry holds, and is in the room of the registry."""
    assert CHECKS[room](implementation(name))
    assert name.startswith(f"connectors.{room}" if room else "connectors.")


# A class, or a function, for each registry, as a newcomer would write it. The settings of a
# transform are a class too: they are what config.toml may say.
CLASSES = {
    "formats/hexadecimal.py": """
def decode(data: bytes) -> object:
    return json.loads(bytes.fromhex(data.decode()))
""",
    "transforms/shout.py": """
def shout(settings: object) -> object:
    return lambda record, value: {**value, settings.field: value[settings.field].upper()}
""",
    "mapping/topic_key.py": """
class TopicKey(CoordinatesKey):
    def encode(self, record: object) -> object:
        leading = (record.topic, record.offset)
        return self._row(leading, record, self._upserted(record))
""",
    "dead_letters/collected.py": """
class Collected:
    def __init__(self, run: object, writer: object) -> None:
        self.sent = []
    def prepare(self) -> None: ...
    async def send(self, dead_letters: object) -> None:
        self.sent += dead_letters
    def close(self) -> None: ...
""",
}
HEADS = {
    "formats/hexadecimal.py": "import json\n",
    "mapping/topic_key.py": "from connectors.mapping.key_modes import CoordinatesKey\n",
}
MODEL = '''
class Shout(FieldTransform):
    """A field in capitals."""

    type: Literal["shout"]
    implementation = "connectors.transforms.shout:shout"
    field: str


'''
# The file, the text before which something is added, and what.
ENTRIES = [
    (
        "settings/formats.py",
        '    "json": Format(',
        '    "hexadecimal": Format("connectors.formats.hexadecimal:decode"),\n',
    ),
    ("settings/transforms.py", "# By the word in `type`.", MODEL),
    ("settings/transforms.py", "        Include,\n", "        Shout,\n"),
    (
        "settings/primary_key_modes.py",
        '    "record_key": ',
        """    "topic": PrimaryKeyMode(
        "connectors.mapping.topic_key:TopicKey",
        "coordinates",
        (("topic", "string"), ("offset", "integer")),
    ),
""",
    ),
    (
        "settings/errors.py",
        '    "log": DeadLetterDestination(',
        """    "collected": DeadLetterDestination(
        "connectors.dead_letters.collected:Collected", keeps_record=True
    ),
""",
    ),
]
CONFIG = """
[kafka]
bootstrap_servers = "127.0.0.1:9"
topics = ["orders"]
[tablestore]
endpoint = "http://127.0.0.1:9"
instance = "local"
[format]
value = "hexadecimal"
[[transforms]]
type = "shout"
field = "city"
[table]
primary_key_mode = "topic"
[errors]
tolerance = "all"
dead_letters = "collected"
"""
PROGRAM = """
import asyncio, json, pathlib, connectors
from connectors import steps
from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.records import PlainMessage, Chunk, RecordChunk
from connectors.run.context import Run
from connectors.settings.loading import load
from connectors.transforms.pipeline import pipeline
from tests.unit.mapping.wire_reader import Mapped, by_offset, dead_in, read_wire

assert pathlib.Path(connectors.__file__).parent.parent == pathlib.Path.cwd()
settings = load("config.toml")
run = Run("sync", settings, None)
values = [json.dumps({"city": "oslo"}).encode().hex().encode(), b"not hexadecimal"]
messages = [PlainMessage("orders", 0, offset, value=value) for offset, value in enumerate(values)]
decoded = ChunkDecoder(settings, True).decode_chunk(Chunk("orders", 0, messages))
step = pipeline(settings)
records = [made for record in decoded.records for made in step(record)]
chunk = RecordChunk("orders", 0, records, decoded.dead_letters)
made = Mapped(settings).mapper.map_chunk(chunk)
policy = steps.error_policy(run, None)
asyncio.run(policy.handle(dead_in(batch for _, batch in made)))
(cells,) = [read_wire(row.wire) for row in by_offset(made)]
print(json.dumps([cells.key, cells.columns, [one.code for one in policy._destination.sent]]))
"""


def test_one_class_and_one_entry_are_enough(tmp_path: Path) -> None:
    """A copy of the code with one more of each: a whole configuration uses all four."""
    shutil.copytree(
        ROOT / "connectors", tmp_path / "connectors", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name, text in CLASSES.items():
        (tmp_path / "connectors" / name).write_text(HEADS.get(name, "") + text)
    for name, before, added in ENTRIES:
        file = tmp_path / "connectors" / name
        text = file.read_text("utf-8")
        assert text.count(before) == 1, before
        file.write_text(text.replace(before, added + before), "utf-8")
    (tmp_path / "config.toml").write_text(CONFIG)
    (tmp_path / "program.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "program.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        {"topic": "orders", "offset": 0},
        {"city": "OSLO"},
        ["value_decode_failed"],
    ]
