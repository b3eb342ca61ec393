"""The Helm chart: its values are used, described and bounded; helm's own linter where it is."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

CHART = Path(__file__).parents[2] / "docker" / "helm" / "tablestore-sync"
TEMPLATES = "\n".join(path.read_text("utf-8") for path in sorted((CHART / "templates").iterdir()))
# Tables that a user fills as a whole.
WHOLE = {"resources", "dashboard.labels"}


def values() -> list[str]:
    """The dotted names of values.yaml, by its indentation of two blanks."""
    found: list[str] = []
    path: list[str] = []
    lines = (CHART / "values.yaml").read_text("utf-8").splitlines()
    in_text = False
    for line in lines:
        if in_text and (not line or line.startswith(" ")):
            continue
        in_text = line.endswith("|")
        match = re.fullmatch(r"( *)(\w+):(?: (.*))?", line)
        if match is None:
            continue
        path = [*path[: len(match[1]) // 2], match[2]]
        name = ".".join(path)
        if any(name.startswith(f"{whole}.") for whole in WHOLE):
            continue
        if match[3] is not None or name in WHOLE:
            found.append(name)
    return found


def test_the_values_are_found() -> None:
    """Of each depth."""
    assert {"image.repository", "config", "processes", "resources", "env"} <= {*values()}
    assert len(values()) > 25


@pytest.mark.parametrize("name", values())
def test_a_value_is_described_and_bounded(name: str) -> None:
    """README.md has it, and a mistyped one is rejected by the schema."""
    assert f"`{name}`" in (CHART / "README.md").read_text("utf-8")
    schema: Any = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    for part in name.split("."):
        assert schema["additionalProperties"] is False
        schema = schema["properties"][part]


def test_templates_use_every_value_and_no_other() -> None:
    """A value without effect would be a promise."""
    used = {name.rstrip(".") for name in re.findall(r"\.Values\.([\w.]+)", TEMPLATES)}
    known = values()
    for name in used:
        assert name in known or any(each.startswith(f"{name}.") for each in known), name
    for name in known:
        assert name in used or name.split(".")[0] in used, name


def test_the_pod_has_no_rights_that_it_does_not_need() -> None:
    """As the restricted standard of Kubernetes asks."""
    for line in (
        "runAsNonRoot: true",
        "readOnlyRootFilesystem: true",
        "allowPrivilegeEscalation: false",
        "drop: [ALL]",
        "type: RuntimeDefault",
        "automountServiceAccountToken: false",
    ):
        assert line in TEMPLATES


def test_a_drain_has_more_time_than_its_deadline() -> None:
    """shutdown.deadline of the default configuration."""
    from connectors.settings.writing import ShutdownSettings

    text = (CHART / "values.yaml").read_text("utf-8")
    found = re.search(r"^terminationGracePeriodSeconds: (\d+)$", text, re.M)
    assert found is not None
    assert int(found[1]) > ShutdownSettings().deadline + 5


# Everything that is off unless asked for.
EVERYTHING = """
image: {digest: "sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea"}
imagePullSecrets: [{name: registry}]
existingSecret: keys
env: [{name: SYNC__LOG__LEVEL, value: debug}]
processes: 3
persistence: {storageClassName: fast}
networkPolicy: {from: [{podSelector: {}}], egress: [{ports: [{port: 9092}]}]}
serviceAccount: {create: true, annotations: {role: sync}}
serviceMonitor: {enabled: true, labels: {release: prometheus}}
prometheusRule: {enabled: true, labels: {release: prometheus}}
dashboard: {enabled: true}
podAnnotations: {team: data}
nodeSelector: {disk: fast}
tolerations: [{key: dedicated, operator: Exists}]
affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution:
  {nodeSelectorTerms: [{matchExpressions: [{key: disk, operator: Exists}]}]}}}
"""
each_values = pytest.mark.parametrize("text", ["", EVERYTHING], ids=["default", "everything"])


def program(name: str) -> str:
    """Where it is; the test is skipped without it."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} not found")
    return found


@each_values
def test_helm_finds_nothing_wrong(text: str, tmp_path: Path) -> None:
    """Where it is at hand."""
    file = tmp_path / "values.yaml"
    file.write_text(text)
    command = [program("helm"), "lint", "--strict", "--values", str(file), str(CHART)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@each_values
def test_kubernetes_takes_what_it_renders(text: str, tmp_path: Path) -> None:
    """By its own schemas, where helm and kubernetes-validate are at hand: no field is unknown."""
    helm, validate = program("helm"), program("kubernetes-validate")
    values_file, rendered = tmp_path / "values.yaml", tmp_path / "rendered.yaml"
    values_file.write_text(text)
    with rendered.open("w") as out:
        command = [helm, "template", "orders", "--values", str(values_file), str(CHART)]
        subprocess.run(command, stdout=out, check=True)
    done = subprocess.run([validate, "--strict", str(rendered)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.findall(r"passed for resource (\w+)/", done.stdout + done.stderr)
    assert {"statefulset", "service", "networkpolicy", "poddisruptionbudget"} <= {*passed}


@pytest.mark.parametrize(
    "wrong", ["processes: none", "image: {digest: latest}", "http: {port: 0}", "no_such: 1"]
)
def test_a_wrong_value_is_named(wrong: str, tmp_path: Path) -> None:
    """By the schema of the values, where helm is at hand."""
    file = tmp_path / "values.yaml"
    file.write_text(wrong)
    command = [program("helm"), "lint", "--strict", "--values", str(file), str(CHART)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    assert re.split(r"\W", wrong)[0] in done.stdout + done.stderr
