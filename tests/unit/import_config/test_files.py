"""Files: Java's properties in all their forms, and JSON as the REST API has it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.import_config.errors import UnsupportedConnectorConfig
from connectors.import_config.files import of_json, of_properties, read


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a=1\nb:2\nc 3\nd\t=\t4", {"a": "1", "b": "2", "c": "3", "d": "4"}),
        ("# a=1\n  ! b=2\n\n   \nc=3", {"c": "3"}),
        ("a=1,\\\n   2,\\\r\n\t3", {"a": "1,2,3"}),
        ("a=1\\\\\nb=2", {"a": "1\\", "b": "2"}),
        ("a=1\\\n# no comment", {"a": "1# no comment"}),
        ("a\\=b\\:c\\ d = e=f:g", {"a=b:c d": "e=f:g"}),
        ("a=\\u00e4\\ud83d\\ude00\\t\\n\\x", {"a": "ä😀\t\nx"}),
        ("a=\nb\nc =", {"a": "", "b": "", "c": ""}),
        ("a = 1  ", {"a": "1  "}),
        ("a=1\ra=2", {"a": "2"}),
        ("a==1", {"a": "=1"}),
        ("a=1\\", {"a": "1"}),
    ],
)
def test_properties(text: str, found: dict[str, str]) -> None:
    """As java.util.Properties reads them."""
    assert of_properties(text) == found


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def escaped(text: str) -> str:
    """A key or value as Java writes it."""
    plain = {"\t": "\\t", "\n": "\\n", "\r": "\\r", "\f": "\\f"}
    return "".join(
        plain.get(c) or (f"\\{c}" if c in "=:#!\\ " else c if c.isascii() else _units(c))
        for c in text
    )


def _units(character: str) -> str:
    data = character.encode("utf-16-be")
    return "".join(f"\\u{data[i : i + 2].hex()}" for i in range(0, len(data), 2))


@given(st.dictionaries(_TEXT.filter(bool), _TEXT))
def test_any_properties_written_by_java_are_read(values: dict[str, str]) -> None:
    """Properties written by Java are read back, whatever keys and values they have."""
    text = "\n".join(f"{escaped(key)}={escaped(value)}" for key, value in values.items())
    assert of_properties(text) == values


def test_json_in_both_forms() -> None:
    """The object with name and config, and the plain map; numbers and booleans become texts."""
    config = {"topics": "a", "tasks.max": 2, "auto.create": True, "x": None}
    found = {"topics": "a", "tasks.max": "2", "auto.create": "true"}
    assert of_json(json.dumps(config)) == found
    assert of_json(json.dumps({"name": "n", "config": config})) == {**found, "name": "n"}
    answer = {"name": "n", "config": {**config, "name": "own"}, "tasks": [], "type": "sink"}
    assert of_json(json.dumps(answer))["name"] == "own"


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("a.json", b"{", "is not JSON"),
        ("a.json", b"[1]", "not a JSON object"),
        ("a.json", b'{"config": 1}', "config"),
        ("a.json", b'{"topics": ["a"]}', "topics: is a JSON list"),
        ("a.json", b'{"topics": {}}', "topics: is a JSON dict"),
        ("a.json", b"[" * 100_000, "is not JSON"),
        ("a.json", b'{"a": "\\ud800"}', "a: holds half of a character"),
        ("a.properties", b"topics=\\u12", "line 1: "),
        ("a.properties", b"# a\n\na=1,\\\n  2\r\n! b\rtopics=x,\\\n  \\u12", "line 6: "),
        ("a.properties", b"# nothing\n", "no key"),
        ("a.json", b'{"\\ud800": "a"}', "a key: holds"),
        ("a.properties", b"\\udc00=a", "line 1: holds"),
        ("a.properties", b"a=\\ud800", "a: holds half of a character"),
    ],
)
def test_broken_files(tmp_path: Path, name: str, content: bytes, word: str) -> None:
    """The text names the file and what is wrong in it."""
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(UnsupportedConnectorConfig, match=word) as caught:
        read(file)
    assert str(file) in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    """Named, with the system's reason; a folder likewise."""
    for path in (tmp_path / "none.properties", tmp_path):
        with pytest.raises(UnsupportedConnectorConfig, match=str(path)):
            read(path)


def test_json_without_its_ending(tmp_path: Path) -> None:
    """Known by its first character, with a mark of byte order in front too."""
    file = tmp_path / "connector"
    file.write_bytes(b'\xef\xbb\xbf {"topics": "a"}')
    assert read(file) == {"topics": "a"}
    file.write_bytes("topics=a\nx=ä".encode("latin-1"))
    assert read(file) == {"topics": "a", "x": "ä"}
