"""The image of `docker/sync.Dockerfile`, step by step without a container engine.

What COPY copies is put into an empty folder, and the entry point runs there, with the packages of
this environment. Where there is no engine, the base image and the system's packages are taken on
trust.
"""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.tablestore.plainbuffer import accelerated
from tests.flows.conftest import Case
from tests.support.processes import ChildProcess
from tests.support.store import KEY_ID, KEY_SECRET
from tests.support.wait import until

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "docker" / "sync.Dockerfile"


def instructions() -> list[tuple[str, str]]:
    """Name and rest of each; lines that go on are one."""
    lines = [line for line in DOCKERFILE.read_text("utf-8").splitlines() if line.strip()]
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined)]


def all_of(name: str) -> list[str]:
    return [rest for each, rest in instructions() if each == name]


def final_stage() -> list[tuple[str, str]]:
    last = max(at for at, (name, _) in enumerate(instructions()) if name == "FROM")
    return instructions()[last:]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """The folder of the image's files."""
    made = tmp_path / "app"
    for name, rest in final_stage():
        if name == "COPY" and not rest.startswith("--from"):
            source, target = rest.split()
            hidden = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(ROOT / source, made / target, ignore=hidden)
    return made


def test_it_is_pinned_and_runs_without_root() -> None:
    """Bases by digest, packages by hash, a user with a number; nothing secret in a layer."""
    bases = all_of("FROM")
    assert len(bases) == 2, "the tools of the build stay behind"
    digests = [re.findall(r"@(sha256:[0-9a-f]{64})(?: AS \w+)?$", one) for one in bases]
    assert digests[0] == digests[1] != []
    assert any("--require-hashes" in step for step in all_of("RUN"))
    (user,) = all_of("USER")
    assert any(re.search(rf"useradd --uid \d{{4,}} .*\b{user}\b", step) for step in all_of("RUN"))
    names = [name for name, _ in final_stage()]
    assert names.index("USER") > max(at for at, name in enumerate(names) if name in ("RUN", "COPY"))
    assert not re.search(r"SECRET|PASSWORD|ACCESS_KEY|TOKEN", DOCKERFILE.read_text("utf-8"))
    assert json.loads(all_of("ENTRYPOINT")[0])[:2] == ["tini", "--"]
    assert all_of("STOPSIGNAL") == ["SIGTERM"]


def test_the_build_sees_what_it_copies_and_no_more() -> None:
    """Neither a configuration nor the state of a run may slip into a layer."""
    ignore = (DOCKERFILE.parent / f"{DOCKERFILE.name}.dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in ignore if line and not line.startswith("#")]
    shown = {line[1:] for line in rules if line.startswith("!")}
    copied = {
        rest.split()[0] for name, rest in instructions() if name == "COPY" and "--from" not in rest
    }
    assert rules[0] == "*"
    assert shown == copied


def test_its_packages_are_those_that_are_imported() -> None:
    """Each library that the files import is pinned in requirements.lock, or belongs to an extra."""
    pinned = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text("utf-8"), re.M)
    distributions = {
        "google": "protobuf", "crc32c": "crc32c", "confluent_kafka": "confluent-kafka",
        "prometheus_client": "prometheus-client", "pydantic_settings": "pydantic-settings",
    }  # fmt: skip
    extras = {"opentelemetry", "alibabacloud_credentials"}
    used = set()
    for folder in ("connectors", "flows"):
        for file in (ROOT / folder).rglob("*.py"):
            if file.is_relative_to(ROOT / "connectors" / "testing"):
                continue  # for tests, which have more packages
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    used |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    used.add(node.module.split(".")[0])
    used -= {*sys.stdlib_module_names, "connectors", "flows", *extras}
    for name in used:
        assert distributions.get(name, name.replace("_", "-")) in pinned, name


def test_its_build_stage_compiles_the_encoder(tmp_path: Path) -> None:
    """What is copied before that step is enough for it."""
    if not accelerated.BUILT:
        pytest.skip("there is no C compiler")
    number = next(
        at for at, (_, rest) in enumerate(instructions()) if "scripts.accelerator" in rest
    )
    for name, rest in instructions()[:number]:
        if name == "COPY":
            *sources, folder = rest.split()
            for source in sources:
                target = tmp_path / folder
                if (ROOT / source).is_dir():
                    hidden = shutil.ignore_patterns("__pycache__", "*.pyc", "*.so")
                    shutil.copytree(ROOT / source, target, ignore=hidden)
                else:
                    target.mkdir(exist_ok=True)
                    shutil.copy(ROOT / source, target)
    subprocess.run([sys.executable, "-m", "scripts.accelerator"], cwd=tmp_path, check=True)
    built = [*tmp_path.rglob("_accelerator*.so")]
    copied = [rest for name, rest in final_stage() if name == "COPY" and rest.startswith("--from")]
    assert any(str(file.parent.relative_to(tmp_path)) in rest for file in built for rest in copied)


def test_it_runs_and_its_health_check_follows_the_run(embedded_case: Case, app: Path) -> None:
    """Entry point, default command and check of the image: records arrive, then it drains."""
    case = embedded_case
    case.store.create_table(case.topic)
    case.orders(40)
    config = app.parent / "config.toml"
    config.write_text(
        f'[kafka]\nbootstrap_servers = "{case.broker.bootstrap}"\ntopics = ["{case.topic}"]\n'
        f'[tablestore]\nendpoint = "{case.store.url}"\ninstance = "{case.store.instance}"\n'
    )
    state = str(app.parent / "recovery")
    command = json.loads(all_of("ENTRYPOINT")[0])[3:] + json.loads(all_of("CMD")[0])
    command[command.index("/state/recovery")] = state
    environment = dict(re.findall(r"(SYNC_\w+)=(\S+)", " ".join(all_of("ENV"))))
    assert environment["SYNC_CONFIG"] == "/etc/tablestore-sync/config.toml"
    environment |= {"SYNC_CONFIG": str(config), "SYNC__HTTP__HOST": "127.0.0.1"}
    environment |= {"SYNC__HTTP__PORT": "0", "PYTHONPATH": str(app)}
    environment["ALIBABA_CLOUD_ACCESS_KEY_ID"] = KEY_ID
    environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = KEY_SECRET
    process = ChildProcess(command, app, environment, name="image")
    try:
        address = Path(state) / "process-0.http"
        until(address.exists, process.text)
        port = address.read_text().rpartition(":")[2]
        check = json.loads(all_of("HEALTHCHECK")[0].partition("CMD ")[2])
        (exposed,) = all_of("EXPOSE")
        assert f":{exposed}/health" in check[-1]
        check = [part.replace(f":{exposed}/", f":{port}/") for part in check]
        check[0] = sys.executable

        def healthy() -> bool:
            assert process.alive, process.text()
            return subprocess.run(check, capture_output=True, timeout=60).returncode == 0

        until(healthy, process.text)
        case.wait_written(40)
        process.terminate()
        assert process.wait() == 0, process.text()
        assert subprocess.run(check, capture_output=True, timeout=60).returncode != 0
        case.verdict(minimum=40)
    finally:
        process.kill()
