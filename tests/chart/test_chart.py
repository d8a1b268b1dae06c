"""The Helm chart: Helm itself lints and renders it, Kubernetes' schemas check what comes of it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from studio_action import __version__
from studio_action.server.run.configuration.reading import Options, read
from tests.documentation.blocks import of_kind

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts/studio-action"
PYTHON = ROOT / ".venv-helm/bin/python"
EXAMPLES = {
    each.stem.removesuffix("-values"): yaml.safe_load(each.read_text())
    for each in (CHART / "ci").glob("*.yaml")
}
EXAMPLES |= {f"documented-{each.line}": each.document for each in of_kind("chart")}
KUBERNETES = "1.37.0"
pytestmark = pytest.mark.oracle


def changed(**values: Any) -> Mapping[str, Any]:
    """The least values, changed."""
    return {**deepcopy(EXAMPLES["minimal"]), **values}


REFUSED = {
    "no repository": (changed(config={"repositories": []}), "repositories"),
    "no database": ({"config": EXAMPLES["minimal"]["config"]}, "database"),
    "a value that there is not": (changed(replicas=2), "replicas"),
    "a password in the values": (
        changed(database={"existingSecret": "db", "password": "shh"}),
        "password",
    ),
    "what the chart decides": (
        changed(config={"repositories": [{"url": "x"}], "data-dir": "/x"}),
        "config",
    ),
    "an Ingress without an address": (changed(ingress={"enabled": True}), "needs config.url"),
    "a ServiceMonitor without a token": (
        changed(metrics={"serviceMonitor": {"enabled": True}}),
        "needs metrics.existingSecret",
    ),
}


@dataclass(frozen=True)
class Rendered:
    """The manifests of one set of values."""

    documents: tuple[dict[str, Any], ...]

    def one(self, kind: str) -> dict[str, Any]:
        (found,) = self.all(kind)
        return found

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [each for each in self.documents if each["kind"] == kind]

    def pods(self) -> Iterator[dict[str, Any]]:
        """The pods of the servers, and of the migration."""
        for kind in ("Deployment", "Job"):
            yield self.one(kind)["spec"]["template"]


@pytest.fixture(scope="module")
def outcomes() -> Mapping[str, Any]:
    asked = EXAMPLES | {name: values for name, (values, _) in REFUSED.items()}
    done = subprocess.run(
        [PYTHON, Path(__file__).with_name("render.py"), CHART],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(params=sorted(EXAMPLES))
def rendered(request: pytest.FixtureRequest, outcomes: Mapping[str, Any]) -> Rendered:
    return of(outcomes, request.param)


def of(outcomes: Mapping[str, Any], name: str) -> Rendered:
    assert "error" not in outcomes[name], outcomes[name]["error"]
    texts = [
        text for path, text in outcomes[name]["manifests"].items() if not path.endswith(".txt")
    ]
    return Rendered(
        tuple(each for text in texts for each in yaml.safe_load_all(text) if each is not None)
    )


def test_documented__there_is_an_example() -> None:
    assert of_kind("chart")


def test_lint(outcomes: Mapping[str, Any]) -> None:
    assert {name: outcomes[name]["lint"] for name in EXAMPLES} == {name: [] for name in EXAMPLES}


@pytest.mark.parametrize("name", REFUSED)
def test_values__refused(outcomes: Mapping[str, Any], name: str) -> None:
    assert REFUSED[name][1] in outcomes[name].get("error", "")


def test_manifests__are_what_kubernetes_takes(rendered: Rendered) -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    for each in rendered.documents:
        if each["apiVersion"] != "monitoring.coreos.com/v1":  # of Prometheus' operator
            kubernetes_validate.validate(each, KUBERNETES, strict=True)


def test_manifests__each_once_with_the_release_in_its_name(rendered: Rendered) -> None:
    names = [(each["kind"], each["metadata"]["name"]) for each in rendered.documents]

    assert len(set(names)) == len(names)
    assert all(name.startswith("registry-studio-action") for _, name in names)


def test_manifests__by_what_is_switched_on(outcomes: Mapping[str, Any]) -> None:
    always = {"ConfigMap", "Deployment", "Job", "Service"}
    kinds = {
        name: {each["kind"] for each in of(outcomes, name).documents} - always
        for name in ("single", "minimal", "whole")
    }

    assert kinds == {
        "single": set(),
        "minimal": {"NetworkPolicy", "PodDisruptionBudget", "ServiceAccount"},
        "whole": {
            *("HorizontalPodAutoscaler", "Ingress", "NetworkPolicy", "PodDisruptionBudget"),
            *("ServiceAccount", "ServiceMonitor"),
        },
    }


def test_pods__may_do_nothing_that_they_need_not(rendered: Rendered) -> None:
    for pod in rendered.pods():
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in spec["containers"]:
            may = container["securityContext"]
            assert may["readOnlyRootFilesystem"] is True
            assert may["allowPrivilegeEscalation"] is False
            assert may["capabilities"] == {"drop": ["ALL"]}
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert "memory" in container["resources"]["limits"]
            mounted = {each["name"] for each in container["volumeMounts"]}
            assert mounted == {each["name"] for each in spec["volumes"]}


def test_pods__have_secrets_by_reference_alone(rendered: Rendered) -> None:
    for pod in rendered.pods():
        (container,) = pod["spec"]["containers"]
        for each in container["env"]:
            secret = re.search("DATABASE|TOKEN|SECRET|PASSWORD", each["name"])
            assert not secret or "secretKeyRef" in each["valueFrom"]
        assert "STUDIO_ACTION_DATABASE" in {each["name"] for each in container["env"]}
    assert not rendered.all("Secret")


def test_pods__stop_in_time(rendered: Rendered) -> None:
    config = yaml.safe_load(rendered.one("ConfigMap")["data"]["server.yaml"])
    seconds = int(config["drain"][:-1]) + int(config["grace"][:-1])
    pod = rendered.one("Deployment")["spec"]["template"]["spec"]
    readiness = pod["containers"][0]["readinessProbe"]

    assert pod["terminationGracePeriodSeconds"] > seconds
    assert readiness["httpGet"]["path"] == "/readyz"
    assert readiness["periodSeconds"] * readiness["failureThreshold"] < int(config["drain"][:-1])


def test_selectors__fit_the_servers_and_not_the_migration(rendered: Rendered) -> None:
    server, migration = (pod["metadata"]["labels"].items() for pod in rendered.pods())
    selectors = [
        rendered.one("Service")["spec"]["selector"],
        rendered.one("Deployment")["spec"]["selector"]["matchLabels"],
        *(each["spec"]["selector"]["matchLabels"] for each in rendered.all("PodDisruptionBudget")),
    ]

    for each in selectors:
        assert each.items() <= server
        assert not each.items() <= migration


def test_migration__comes_before_the_pods(rendered: Rendered) -> None:
    job = rendered.one("Job")

    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["migrate"]
    server = rendered.one("Deployment")["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == server["image"]


def test_configuration__is_one_that_the_server_takes(rendered: Rendered, tmp_path: Path) -> None:
    file = tmp_path / "server.yaml"
    file.write_text(rendered.one("ConfigMap")["data"]["server.yaml"])
    pod = rendered.one("Deployment")["spec"]["template"]["spec"]["containers"][0]
    environ = {each["name"]: "postgresql://models@db/models" for each in pod["env"]}

    settings = read(Options(config=str(file)), environ, tmp_path)

    assert settings.database == "postgresql://models@db/models"
    assert (settings.process.host, settings.process.port) == ("0.0.0.0", 8000)
    assert settings.data_dir == Path("/data")
    assert settings.process.drain == 10
    assert [each.name for each in settings.repositories] == ["acme/models"]


def test_whole__what_is_asked_for(outcomes: Mapping[str, Any]) -> None:
    rendered = of(outcomes, "whole")
    container = rendered.one("Deployment")["spec"]["template"]["spec"]["containers"][0]
    (rule,) = rendered.one("Ingress")["spec"]["rules"]
    (endpoint,) = rendered.one("ServiceMonitor")["spec"]["endpoints"]
    policy = rendered.one("NetworkPolicy")["spec"]

    assert "@sha256:" in container["image"]
    assert "replicas" not in rendered.one("Deployment")["spec"]
    assert (rule["host"], rule["http"]["paths"][0]["path"]) == ("models.example.org", "/studio")
    assert endpoint["authorization"]["credentials"]["name"] == "studio-action-metrics"
    assert len(policy["ingress"][0]["from"]) == 2
    assert policy["egress"][1]["to"][0]["ipBlock"]["except"] == ["169.254.169.254/32"]


def test_versions__are_those_of_the_program() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)
