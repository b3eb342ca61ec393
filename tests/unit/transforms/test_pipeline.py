"""The pipeline: every transform of the settings has its step."""

from typing import get_args

import pytest

from connectors.errors import Rejection, StopRun
from connectors.settings.transforms import TRANSFORMS
from connectors.transforms.pipeline import pipeline
from tests.unit.factories import settings
from tests.unit.transforms.factories import run


@pytest.mark.parametrize("word", TRANSFORMS)
def test_the_type_of_a_transform_is_its_word(word: str) -> None:
    """The list and the model's own `type` say the same."""
    assert get_args(TRANSFORMS[word].model_fields["type"].annotation) == (word,)


def test_transforms_follow_each_other_on_value_and_key() -> None:
    """Each sees what the one before made; `of = "key"` changes the key alone."""
    (record,) = run(
        [
            {"type": "extract", "field": "payload"},
            {"type": "rename", "fields": {"a": "b"}},
            {"type": "cast", "fields": {"b": "string"}},
            {"type": "rename", "of": "key", "fields": {"k": "id"}},
        ],
        {"payload": {"a": 1}},
        {"k": 5},
    )
    assert (record.value, record.key, record.offset) == ({"b": "1"}, {"id": 5}, 42)


def test_functions_of_users() -> None:
    """They return a record, a list or None; anything else is rejected."""
    here = "tests.unit.transforms.test_fields"
    assert [
        record.value for record in run([{"type": "function", "function": f"{here}:twice"}], 1)
    ] == [
        1,
        {"n": 2},
    ]
    assert run([{"type": "function", "function": f"{here}:nothing"}], 1) == []
    with pytest.raises(Rejection, match="returned a str"):
        run([{"type": "function", "function": f"{here}:wrong"}], 1)


@pytest.mark.parametrize(
    "name", ["nowhere_at_all:f", "tests.unit.transforms.test_fields:no", "math:pi"]
)
def test_a_function_that_is_not_there_stops_the_start(name: str) -> None:
    """Before a record is read, naming the place in config.toml."""
    with pytest.raises(StopRun, match=r"transforms\.1\.function"):
        pipeline(settings(transforms=[{"type": "flatten"}, {"type": "function", "function": name}]))


def test_without_transforms_there_is_nothing() -> None:
    """No step stands on the way of a record."""
    assert pipeline(settings()) is None
