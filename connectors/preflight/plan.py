"""Which checks a configuration needs."""

from __future__ import annotations

from pathlib import Path

from connectors.preflight.kafka import kafka_checks
from connectors.preflight.local import (
    dead_letter_checks,
    machine_checks,
    registry_checks,
    settings_checks,
)
from connectors.preflight.runner import Check
from connectors.preflight.tablestore import tablestore_checks
from connectors.settings import Settings
from connectors.settings.origins import Option

# Seconds that one request may take, whatever the settings allow a run: a check is over in seconds.
_MAX_WAIT = 5.0


def checks_of(settings: Settings, options: list[Option], state: Path, offline: bool) -> list[Check]:
    """The checks in the order in which they are printed; `offline` leaves out all services."""
    checks = settings_checks(settings, options)
    if offline:
        return checks
    impatient = _impatient(settings)
    return [
        *checks,
        *kafka_checks(impatient, impatient.kafka.metadata_timeout),
        *registry_checks(impatient),
        *tablestore_checks(impatient),
        *dead_letter_checks(settings),
        *machine_checks(settings, state),
    ]


def _impatient(settings: Settings) -> Settings:
    """The same settings with short time-outs."""
    kafka = settings.kafka
    tablestore, registry = settings.tablestore, settings.format.registry
    return settings.model_copy(
        update={
            "kafka": kafka.model_copy(
                update={"metadata_timeout": min(kafka.metadata_timeout, _MAX_WAIT)}
            ),
            "tablestore": tablestore.model_copy(
                update={"timeout": min(tablestore.timeout, _MAX_WAIT)}
            ),
            "format": settings.format.model_copy(
                update={
                    "registry": registry.model_copy(
                        update={"timeout": min(registry.timeout, _MAX_WAIT)}
                    )
                }
            ),
        }
    )
