"""Access keys for all tests of the Tablestore side."""

import pytest

from tests.unit.tablestore.fake_service import ENVIRONMENT


@pytest.fixture(autouse=True)
def access_key(own_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of the tests' own, after the machine's variables are gone."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
