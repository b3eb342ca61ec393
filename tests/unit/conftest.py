"""What all unit tests share: no settings or keys of the caller's, and one hypothesis profile."""

import os

import hypothesis
import pytest

# No deadline: a busy machine is no defect. HYPOTHESIS_EXAMPLES asks for more than a quick look.
hypothesis.settings.register_profile(
    "unit",
    deadline=None,
    max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "40")),
    suppress_health_check=[
        hypothesis.HealthCheck.too_slow,
        hypothesis.HealthCheck.function_scoped_fixture,
    ],
)
hypothesis.settings.load_profile("unit")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the machine's reaches a test."""
    for name in list(os.environ):
        if name.upper().startswith(("SYNC_", "ALIBABA_CLOUD_", "BYTEWAX_")):
            monkeypatch.delenv(name)
