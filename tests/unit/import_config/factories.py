"""A connector's configuration, and the settings that it becomes."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from connectors.import_config import convert
from connectors.settings import Settings
from connectors.settings.loading import load

SECRET = "AKsecretNeverShown"
PLAIN = {
    "name": "orders",
    "connector.class": "TableStoreSinkConnector",
    "topics": "orders",
    "key.converter": "org.apache.kafka.connect.json.JsonConverter",
    "key.converter.schemas.enable": "false",
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter.schemas.enable": "false",
    "tablestore.endpoint": "https://inst.cn-hangzhou.ots.aliyuncs.com",
    "tablestore.instance.name": "inst",
    "tablestore.auth.mode": "aksk",
    "tablestore.access.key.id": SECRET,
    "tablestore.access.key.secret": SECRET,
}


def imported(
    values: dict[str, str] | None = None, compatible: bool = False
) -> tuple[Settings, dict[str, str]]:
    """The settings that PLAIN with these keys becomes, and the notes on which key.

    Whatever it is: the text loads, and holds no secret.
    """
    made = convert({**PLAIN, **(values or {})}, compatible)
    notes: dict[str, str] = {}
    for key, text in made.notes:
        notes[key] = f"{notes.get(key, '')} {text}".strip()
    assert SECRET not in made.text + repr(made.notes)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "config.toml"
        file.write_text(made.text, "utf-8")
        return load(file), notes


def wide(mode: str, **more: str) -> dict[str, str]:
    """Keys of a data table `orders` with a key of one field."""
    return {
        "primarykey.mode": mode,
        "tablestore.orders.primarykey.name": "id",
        "tablestore.orders.primarykey.type": "string",
        **{re.sub("_", ".", key): value for key, value in more.items()},
    }


def points(**more: str) -> dict[str, str]:
    """Keys of a time series table `orders`; those of `more` are of that table."""
    own = {"measurement": "m", "time": "at", "time.unit": "MILLISECONDS", **more}
    prefix = "tablestore.timeseries.orders."
    return {
        "tablestore.mode": "timeseries",
        **{prefix + key.replace("_", "."): value for key, value in own.items()},
    }
