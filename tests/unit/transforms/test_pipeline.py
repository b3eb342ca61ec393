"""The pipeline: every transform of the settings has its step."""

from typing import get_args

import pytest

from connectors.settings.transforms import TRANSFORMS
from connectors.transforms.pipeline import STEPS


def test_every_transform_has_its_step() -> None:
    """A model without a step, or a step without a model, is a mistake of ours."""
    assert set(STEPS) == set(TRANSFORMS.values())


@pytest.mark.parametrize("word", TRANSFORMS)
def test_the_type_of_a_transform_is_its_word(word: str) -> None:
    """The list and the model's own `type` say the same."""
    assert get_args(TRANSFORMS[word].model_fields["type"].annotation) == (word,)
