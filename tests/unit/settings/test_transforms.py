"""[[transforms]] in config.toml: what is wrong is named, with where it is and what is allowed."""

from pathlib import Path

import pytest

from connectors.errors import ConfigError
from connectors.settings.loading import load


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('type = "rename"\nfieldz = { a = "b" }', "transforms.0.fieldz: unknown key; did you mean"),
        ('type = "rename"', "transforms.0.fields: is missing"),
        ('type = "rname"', "transforms.0: type is one of include, exclude, rename"),
        ("", "transforms.0: type is one of include, exclude, rename"),
        ('type = "include"\nfields = []', "transforms.0.fields"),
        ('type = "cast"\nfields = { a = "int" }', "'string', 'integer', 'double' or 'boolean'"),
        ('type = "insert"', "insert needs fields or literals"),
        ('type = "insert"\nfields = { a = "time" }', "transforms.0.fields.a"),
        ('type = "filter"', "filter needs either keep or drop"),
        ('type = "filter"\nkeep = {}', "a predicate has one condition"),
        ('type = "filter"\nkeep = { tombstone = true, topic = "a" }', "here: tombstone, topic"),
        ('type = "filter"\nkeep = { field = "a" }', "field needs one comparison"),
        ('type = "filter"\nkeep = { topic = "(" }', "not a regular expression"),
        ('type = "filter"\nkeep = { header = "a", above = 1 }', "a header can be compared"),
        ('type = "filter"\nkeep = { all = [{ fild = "a" }] }', "transforms.0.keep.all.0.fild"),
        ('type = "filter"\nkeep = { all = [] }', "at least one entry"),
        ('type = "flatten"\ntopics = "["', "transforms.0.topics: is not a regular expression"),
        ('type = "function"\nfunction = "abc"', "package.module:function"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str, tmp_path: Path) -> None:
    """The key, what is allowed, and the file."""
    file = tmp_path / "config.toml"
    file.write_text(f'[kafka]\ntopics = ["a"]\n[[transforms]]\n{text}\n')
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert message in str(caught.value)
    assert str(file) in str(caught.value)


def test_they_come_from_the_environment_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As JSON, which wins over the file."""
    file = tmp_path / "config.toml"
    file.write_text('[kafka]\ntopics = ["a"]\n[[transforms]]\ntype = "flatten"\n')
    assert [item.type for item in load(file).transforms] == ["flatten"]
    monkeypatch.setenv("SYNC__TRANSFORMS", '[{"type": "exclude", "fields": ["a"]}]')
    assert [item.type for item in load(file).transforms] == ["exclude"]
