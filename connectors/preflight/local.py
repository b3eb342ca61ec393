"""What is on this machine: settings, librdkafka's verdict, the recovery folder, open files."""

from __future__ import annotations

import os
import resource
import shutil
from pathlib import Path

from connectors.errors import StopRun
from connectors.formats.registry_client import Final, RegistryClient
from connectors.kafka.property_check import check_client_properties
from connectors.preflight.finding import Finding
from connectors.preflight.runner import Check
from connectors.run.folder_description import describe_folder
from connectors.settings import Settings
from connectors.settings.formats import FORMATS
from connectors.settings.origins import Option

_GIB = 1 << 30
# Free bytes below which a folder fails, or is warned of: the store keeps offsets and waiting rows.
_TOO_LITTLE, _LITTLE = 100 << 20, _GIB
# Open files: of the interpreter, libraries and clients; and for each partition, shard and file.
_FILES, _FILES_OF_PARTITION, _FILES_OF_SHARD, _FILES_OF_STORE = 200, 2, 2, 4


def settings_checks(settings: Settings, options: list[Option]) -> list[Check]:
    """The checks that need no service."""
    return [
        Check("Settings", "configuration", lambda: [_configuration(options)]),
        Check("Settings", "librdkafka", lambda: [_properties(settings)]),
    ]


def registry_checks(settings: Settings) -> list[Check]:
    """The check of the Schema Registry, where a format needs one."""
    words = {settings.format.value, settings.format.key}
    if not any(word in FORMATS and FORMATS[word].needs_registry for word in words):
        return []
    return [Check("Schema Registry", "registry", lambda: _registry(settings))]


def machine_checks(settings: Settings, state: Path) -> list[Check]:
    """The checks of the recovery folder and of the limits of this process."""
    return [
        Check("Recovery folder", f"folder {state}", lambda: _folder(settings, state)),
        Check("This machine", "open files", lambda: [_open_files(settings)]),
    ]


def dead_letter_checks(settings: Settings) -> list[Check]:
    """What becomes of rejected records, where they go to no service."""
    errors = settings.errors
    if errors.tolerance == "none":
        text = "errors.tolerance is none: the run stops at the first rejected record"
    elif errors.keeps_records:
        return []
    else:
        text = f"errors.dead_letters is {errors.dead_letters}: rejected records are not kept"
    return [Check("Dead letters", "place", lambda: [Finding("place", "ok", text)])]


def _configuration(options: list[Option]) -> Finding:
    given = [option for option in options if not option.is_default]
    variables = sum(option.origin.startswith("environment") for option in given)
    text = (
        f"legal; {len(given)} options are set ({variables} of them by the environment), "
        f"{len(options) - len(given)} have their default"
    )
    return Finding("configuration", "ok", text)


def _properties(settings: Settings) -> Finding:
    check_client_properties(settings)
    return Finding("librdkafka", "ok", "it accepts the properties")


def _registry(settings: Settings) -> list[Finding]:
    findings = []
    answers = RegistryClient(settings.format.registry).probe()
    usable = any(answer is None for _, answer in answers)
    for url, answer in answers:
        name = f"registry {url}"
        if answer is None:
            findings.append(Finding(name, "ok", "answers"))
            continue
        text, _, remedy = answer.text.partition("\n  remedy: ")
        final = isinstance(answer, Final)
        status = "warning" if usable else "failed"
        remedy = remedy or ("" if final else "a run waits until it answers")
        findings.append(Finding(name, status, text, remedy))  # type: ignore[arg-type]
    return findings


def _folder(settings: Settings, state: Path) -> list[Finding]:
    name = f"folder {state}"
    there = state if state.exists() else next(p for p in state.absolute().parents if p.exists())
    free = shutil.disk_usage(there).free
    room = f"{free / _GIB:.1f} GiB are free"
    if not os.access(there, os.W_OK | os.X_OK) or not there.is_dir():
        remedy = "let this user write there, or name another folder with -r"
        return [Finding(name, "failed", f"{there} cannot be written", remedy)]
    findings = []
    if free < _LITTLE:
        status = "failed" if free < _TOO_LITTLE else "warning"
        remedy = "make room on its disk, or name a folder on another one with -r"
        findings.append(Finding("disk space", status, room, remedy))  # type: ignore[arg-type]
    else:
        findings.append(Finding("disk space", "ok", room))
    if not state.exists():
        return [Finding(name, "ok", "does not exist; it is created at the start"), *findings]
    mode = state.stat().st_mode & 0o777
    if mode & 0o022:
        text = f"others can write to it (mode {mode:o}), and its content is run as code"
        return [Finding(name, "failed", text, f"chmod 700 {state}"), *findings]
    return [*_content(settings, state, name), *findings]


def _content(settings: Settings, state: Path, name: str) -> list[Finding]:
    """What the folder itself says: its run, and whether it fits."""
    try:
        about = describe_folder(state)
    except StopRun as stop:
        text, _, remedy = str(stop).partition("\n  remedy: ")
        return [Finding(name, "failed", text, remedy)]
    shards, mine = about.contract.get("shards"), settings.window.shards
    if shards is not None and shards != mine:
        text = f"it was made with window.shards = {shards}, and the configuration says {mine}"
        remedy = f"set window.shards = {shards}, or start with a new folder (-r)"
        return [Finding(name, "failed", text, remedy)]
    if about.missing_files:
        text = f"{about.missing_files} of its part-*.sqlite3 files are missing: offsets are gone"
        return [Finding(name, "failed", text, "restore the folder from a backup")]
    findings = []
    if about.running:
        text = f"in use by a run (pid {', '.join(map(str, about.running))})"
        remedy = "right while that run goes on; a second one needs a folder of its own"
        findings.append(Finding("lock", "warning", text, remedy))
    flow = about.contract.get("flow", "no flow yet")
    text = f"it can be written, belongs to {flow}"
    if about.processes:
        text += f", and the last runs had {about.processes} processes (which may change)"
    return [Finding(name, "ok", text), *findings]


def _open_files(settings: Settings) -> Finding:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = (
        _FILES
        + _FILES_OF_PARTITION * 16 * max(1, len(settings.kafka.topics))
        + _FILES_OF_SHARD * settings.window.shards
        + _FILES_OF_STORE * settings.recovery.partitions
    )
    if limit == resource.RLIM_INFINITY or limit >= needed:
        shown = "no limit" if limit == resource.RLIM_INFINITY else f"{limit:,}"
        return Finding("open files", "ok", f"ulimit -n is {shown}; about {needed:,} may be needed")
    return Finding(
        "open files",
        "warning",
        f"ulimit -n is {limit:,}, and about {needed:,} may be needed",
        "raise it: `ulimit -n 65536` in the shell, LimitNOFILE=65536 in a systemd unit",
    )
