"""Loading settings from a file and an environment made for one test."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from connectors.errors import ConfigError
from connectors.settings import Settings
from connectors.settings.loading import load

KAFKA = '[kafka]\ntopics = ["orders"]\n'


class Config:
    """`load` writes the file, sets the environment and loads; `refused` expects the text."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file = folder / "config.toml"
        self._monkeypatch = monkeypatch

    def load(self, toml: str = KAFKA, environ: Mapping[str, str] | None = None) -> Settings:
        """The settings of this text and these variables."""
        self.file.write_text(toml, "utf-8")
        for name, value in (environ or {}).items():
            self._monkeypatch.setenv(name, value)
        return load(self.file)

    def refused(self, toml: str = KAFKA, environ: Mapping[str, str] | None = None) -> str:
        """The text of the refusal."""
        with pytest.raises(ConfigError) as caught:
            self.load(toml, environ)
        return str(caught.value)

    def error(self, toml: str = KAFKA, environ: Mapping[str, str] | None = None) -> str | None:
        """The text of the error; None when there is none."""
        try:
            self.load(toml, environ)
        except ConfigError as error:
            return str(error)
        return None


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Settings of this test alone."""
    return Config(tmp_path, monkeypatch)
