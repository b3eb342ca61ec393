"""The text of config.toml: comments first, then the sections in their order."""

import sys

from connectors.import_config.document import text_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

VALUES = {
    "kafka": {"topics": ["a", "b"], "properties": {"client.id": 'x "y"\n\x00\x7fé'}},
    "transforms": [
        {"type": "rename", "fields": {"a": "b"}},
        {"type": "filter", "drop": {"none": [{"tombstone": True}]}},
    ],
    "tables": {
        "orders": {"primary_key": [{"name": "id", "type": "string"}], "timeseries": {"a": 1}},
        "lines": {"auto_create": False},
    },
}


def test_the_layout() -> None:
    """Sections are tables, transforms an array of tables, what is inside them stands inline."""
    assert text_of(VALUES, "One.\nTwo.\n") == (
        "# One.\n"
        "# Two.\n"
        "\n"
        "[kafka]\n"
        'topics = ["a", "b"]\n'
        "\n"
        "[kafka.properties]\n"
        '"client.id" = "x \\"y\\"\\n\\u0000\\u007fé"\n'
        "\n"
        "[[transforms]]\n"
        'type = "rename"\n'
        'fields = {a = "b"}\n'
        "\n"
        "[[transforms]]\n"
        'type = "filter"\n'
        "drop = {none = [{tombstone = true}]}\n"
        "\n"
        "[tables.orders]\n"
        "primary_key = [\n"
        '    {name = "id", type = "string"},\n'
        "]\n"
        "\n"
        "[tables.orders.timeseries]\n"
        "a = 1\n"
        "\n"
        "[tables.lines]\n"
        "auto_create = false\n"
    )


def test_what_was_written_is_read() -> None:
    """As TOML, with the same values in the same order."""
    found = tomllib.loads(text_of(VALUES, "One."))
    assert found == VALUES
    assert list(found) == list(VALUES)
