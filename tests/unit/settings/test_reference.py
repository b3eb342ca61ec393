"""The reference page and the example configuration agree with the settings models."""

import re

import pytest

from tests.unit.modules import ROOT


def test_the_reference_page_is_fresh() -> None:
    """docs/options.md is what the settings models say now."""
    from connectors.settings.reference import page

    assert (ROOT / "docs" / "options.md").read_text("utf-8") == page()


def test_the_example_configuration_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    """config.toml at the top is legal, and what it shows commented out is too."""
    from connectors.settings.loading import load

    file = ROOT / "config.toml"
    assert load(file).kafka.topics == ("orders",)
    known = re.findall(r"^# ([a-z_]+) = ", file.read_text("utf-8"), re.MULTILINE)
    assert known, "options that are shown commented out"
    from connectors.settings.timeseries import TimeseriesSettings
    from tests.unit.settings.options import OPTIONS

    names = {path.split(".")[1] for path in OPTIONS} | {*TimeseriesSettings.model_fields}
    assert set(known) <= names
