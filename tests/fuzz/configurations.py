"""Random configurations: each loads, or is refused by a ConfigError or StopRun."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path

from connectors.errors import ConfigError, StopRun
from connectors.settings.loading import load
from tests.fuzz import mutate
from tests.fuzz.outcomes import text_of
from tests.unit.settings.options import OPTIONS, variable

_TRANSFORMS = (
    '{ type = "rename", fields = { a = "b" } }',
    '{ type = "filter", drop = { field = "a", equals = 1 } }',
    '{ type = "explode", field = "items" }',
    '{ type = "debezium" }',
    '{ type = "cast", fields = { a = "integer" } }',
    '{ type = "function", function = "nowhere:f" }',
)
_TABLES = (
    '[tables.t]\nprimary_key_mode = "record_key"\nprimary_key = [{ name = "k" }]\n',
    '[tables.t]\nmode = "timeseries"\n[tables.t.timeseries]\ntags = ["a"]\ntime_field = "at"\n',
    '[tables.t]\ncolumns = [{ name = "a", type = "integer" }]\ninsert_mode = "update"\n',
    '[tables."t 1"]\nauto_create = 1\n',
)


def attempts(random_: random.Random, folder: Path) -> Callable[[], str]:
    """A function that tries the next configuration; it raises what `load` must not raise."""
    file = folder / "config.toml"

    def attempt() -> str:
        # Bytes that are no text are configurations too.
        file.write_bytes(_text(random_))
        before = dict(os.environ)
        os.environ.update(_variables(random_))
        try:
            settings = load(file)
            settings.known_tables()
            repr(settings)
        except (ConfigError, StopRun) as refused:
            return text_of(refused)
        finally:
            os.environ.clear()
            os.environ.update(before)
        return "taken"

    return attempt


def _text(random_: random.Random) -> bytes:
    sections: dict[str, list[str]] = {"kafka": ['topics = ["orders"]']}
    for path in random_.sample(list(OPTIONS), random_.randrange(6)):
        section, name = path.split(".")
        lines = sections.setdefault(section, [])
        option = OPTIONS[path]
        if name == "topics":
            lines.clear()
        lines += [option.needs, f"{name} = {_toml(random_, option.toml)}"]
    parts = [f"[{section}]\n" + "\n".join(lines) + "\n" for section, lines in sections.items()]
    if random_.random() < 0.3:
        parts.append(random_.choice(_TABLES))
    text = "".join(parts)
    if random_.random() < 0.3:
        chosen = random_.sample(_TRANSFORMS, random_.randrange(1, 4))
        text = f"transforms = [{', '.join(chosen)}]\n{text}"
    found = text.encode()
    return mutate.data(random_, found) if random_.random() < 0.6 else found


def _toml(random_: random.Random, text: str) -> str:
    if random_.random() < 0.5 or not text:
        return text or '""'
    odd = mutate.value(random_, text)
    try:
        return json.dumps(odd).replace("null", '"null"')
    except UnicodeEncodeError:
        return text


def _variables(random_: random.Random) -> dict[str, str]:
    if random_.random() < 0.6:
        return {}
    found = {}
    for path in random_.sample(list(OPTIONS), random_.randrange(1, 4)):
        text = mutate.data(random_, OPTIONS[path].variable.encode())
        found[variable(path)] = text.replace(b"\0", b"").decode("utf-8", "replace")
    return found
